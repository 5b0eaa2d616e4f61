"""The reference tables: sites, services, side-effect terms, age bands and the days on which sites are closed."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dashboard.intake.contract import OLDEST_AGE, DeliveryError
from dashboard.intake.reference_rows import FROM, Row, Span, once, read_rows, spans
from dashboard.settings import REFERENCE

LINES = ("ketamine", "vitamin", "hydration")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
COLUMNS = {
    "sites": ("site", "name", "city", "timezone", "chairs", "opens", "closes", "open_days"),
    "services": ("service", "name", "line", "minutes", "list_price"),
    "effects": ("effect", "name", "listed", "serious"),
    "age_bands": ("band", "group", "from_age", "to_age"),
}
CLOSURES = ("site", "date")


@dataclass(frozen=True)
class Hours:
    """Chairs and opening hours of a site, in its own time zone, from one day to another, both included."""

    from_on: dt.date
    until_on: dt.date
    chairs: int
    opens: dt.time
    closes: dt.time
    open_days: str


@dataclass(frozen=True)
class Site:
    """A site with its hours, whose days follow one another from EVER to FOREVER."""

    site: str
    name: str
    city: str
    timezone: str
    hours: tuple[Hours, ...]


@dataclass(frozen=True)
class Price:
    """Usual minutes and list price in cents of a service from one day to another, both included."""

    from_on: dt.date
    until_on: dt.date
    minutes: int
    list_price_cents: int


@dataclass(frozen=True)
class Service:
    """A service with its line and its prices, whose days follow one another from EVER to FOREVER."""

    service: str
    name: str
    line: str
    prices: tuple[Price, ...]


@dataclass(frozen=True)
class Effect:
    """A side-effect term."""

    effect: str
    name: str
    listed: bool
    serious: bool


@dataclass(frozen=True)
class AgeBand:
    """An age band in whole years, both ends included; the band for missing ages has neither."""

    band: str
    group: str
    from_age: int | None
    to_age: int | None


@dataclass(frozen=True)
class Reference:
    """The tables, in the order of their files, with the digest of all files together.

    `closures` are the days on which a site is closed although its hours say otherwise: pairs of a site and a date.
    """

    sites: tuple[Site, ...]
    services: tuple[Service, ...]
    effects: tuple[Effect, ...]
    age_bands: tuple[AgeBand, ...]
    closures: tuple[tuple[str, dt.date], ...]
    sha256: str

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """The rows of the tables in queries/build/reference.sql, by their names without `reference_`."""
        return {
            "sites": [(one.site, one.name, one.city, one.timezone, n) for n, one in enumerate(self.sites, 1)],
            "site_hours": [(one.site, *astuple(hours)) for one in self.sites for hours in one.hours],
            "closures": list(self.closures),
            "services": [(one.service, one.name, one.line, n) for n, one in enumerate(self.services, 1)],
            "service_prices": [(one.service, *astuple(price)) for one in self.services for price in one.prices],
            "effects": [(*astuple(one), n) for n, one in enumerate(self.effects, 1)],
            "age_bands": [(*astuple(one), n) for n, one in enumerate(self.age_bands, 1)],
        }


def load_reference(directory: Path | None = None) -> Reference:
    """Read the tables; one that `directory` doesn't hold comes from data/reference. There may be no closures.csv.

    Raises:
        DeliveryError: a file, line or value that cannot be used, with what to do.
    """
    if directory is not None and not directory.is_dir():
        raise DeliveryError(f"{directory} is not a folder; give the folder of the reference tables")
    paths = {name: _locate(name, directory) for name in (*COLUMNS, "closures")}
    if not paths["closures"].exists():
        del paths["closures"]
    digest = hashlib.sha256()
    for path in paths.values():
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    sites = tuple(map(_site, spans(_rows(paths, "sites", FROM), "site", ("name", "city", "timezone"))))
    return Reference(
        sites,
        tuple(map(_service, spans(_rows(paths, "services", FROM), "service", ("name", "line")))),
        tuple(map(_effect, once(_rows(paths, "effects"), "effect"))),
        _age_bands(paths),
        _closures(paths["closures"], [site.site for site in sites]) if "closures" in paths else (),
        digest.hexdigest(),
    )


def _locate(name: str, directory: Path | None) -> Path:
    own = directory / f"{name}.csv" if directory else None
    return own if own and own.exists() else REFERENCE / f"{name}.csv"


def _rows(paths: dict[str, Path], name: str, *optional: str) -> list[Row]:
    return read_rows(paths[name], COLUMNS[name], optional)


def _site(own: list[Span]) -> Site:
    first = own[0].row
    try:
        ZoneInfo(first.text("timezone"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise first.refuse("timezone", "must be a time zone like America/Chicago") from None
    # Without chairs on any day it would have been closed always.
    least = 0 if len(own) > 1 else 1
    return Site(
        first.key("site"),
        first.text("name"),
        first.values["city"],
        first.values["timezone"],
        tuple(_hours(span, least) for span in own),
    )


def _hours(span: Span, least: int) -> Hours:
    row = span.row
    opens, closes = row.time("opens"), row.time("closes")
    if closes <= opens:
        raise row.refuse("closes", "must be after opens")
    days = row.text("open_days").split()
    if wrong := set(days) - set(WEEKDAYS):
        raise row.refuse("open_days", f"holds {', '.join(sorted(wrong))}; write Mon Tue Wed …")
    why = "; a site that has closed gets one more row, with 0 chairs and the day in the column from" if least else ""
    return Hours(span.from_on, span.until_on, row.whole("chairs", least, 1000, why), opens, closes, " ".join(days))


def _service(own: list[Span]) -> Service:
    first = own[0].row
    if first.values["line"] not in LINES:
        raise first.refuse("line", f"must be one of {', '.join(LINES)}")
    return Service(
        first.key("service"),
        first.text("name"),
        first.values["line"],
        tuple(
            Price(span.from_on, span.until_on, span.row.whole("minutes", 1, 1440), span.row.cents("list_price"))
            for span in own
        ),
    )


def _closures(path: Path, sites: Collection[str]) -> tuple[tuple[str, dt.date], ...]:
    """Each site and day once, by day; a row without a site is for all of them."""
    found: set[tuple[dt.date, str]] = set()
    for row in read_rows(path, CLOSURES, least=0):
        site, day = row.values["site"], row.day("date")
        if site and site not in sites:
            raise row.refuse("site", f"is not a site of sites.csv ({', '.join(sites)}); leave it empty for all sites")
        found |= {(day, one) for one in ([site] if site else sites)}
    return tuple((site, day) for day, site in sorted(found))


def _effect(row: Row) -> Effect:
    return Effect(row.key("effect"), row.text("name"), row.answer("listed"), row.answer("serious"))


def _age_bands(paths: dict[str, Path]) -> tuple[AgeBand, ...]:
    """The bands, which must cover every age once, with one band for missing ages."""
    rows = once(_rows(paths, "age_bands"), "band")
    bands: list[AgeBand] = []
    expected = 0
    for row in rows:
        bare = not row.values["from_age"] and not row.values["to_age"]
        first = None if bare else row.whole("from_age", 0, OLDEST_AGE)
        last = None if not row.values["to_age"] else row.whole("to_age", 0, OLDEST_AGE)
        if first is not None:
            if first != expected:
                raise row.refuse("from_age", f"must be {expected}: bands follow one another")
            expected = OLDEST_AGE + 1 if last is None else last + 1
        elif row.values["band"] != "Unknown":
            raise row.refuse("from_age", "may be empty for the band Unknown only")
        bands.append(AgeBand(row.text("band"), row.text("group"), first, last))
    if expected != OLDEST_AGE + 1 or bands[-1].band != "Unknown":
        raise DeliveryError(
            f"{paths['age_bands']}: the last two rows must be a band without to_age and the band Unknown without ages"
        )
    return tuple(bands)
