"""The reference tables: sites, services, side-effect terms and age bands."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dashboard.intake.contract import OLDEST_AGE, DeliveryError
from dashboard.settings import REFERENCE

LINES = ("ketamine", "vitamin", "hydration")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
COLUMNS = {
    "sites": ("site", "name", "city", "timezone", "chairs", "opens", "closes", "open_days"),
    "services": ("service", "name", "line", "minutes", "list_price"),
    "effects": ("effect", "name", "listed", "serious"),
    "age_bands": ("band", "group", "from_age", "to_age"),
}
Built = TypeVar("Built")
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


@dataclass(frozen=True)
class Site:
    """A site with its chairs and opening hours in its own time zone."""

    site: str
    name: str
    city: str
    timezone: str
    chairs: int
    opens: dt.time
    closes: dt.time
    open_days: str


@dataclass(frozen=True)
class Service:
    """A service with its line, usual minutes and list price in cents."""

    service: str
    name: str
    line: str
    minutes: int
    list_price_cents: int


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
    """The four tables, in the order of their files, with the digest of all files together."""

    sites: tuple[Site, ...]
    services: tuple[Service, ...]
    effects: tuple[Effect, ...]
    age_bands: tuple[AgeBand, ...]
    sha256: str


@dataclass(frozen=True)
class _Row:
    """A line of a reference table that knows where it stands."""

    path: Path
    line: int
    values: dict[str, str]

    def refuse(self, column: str, should: str) -> DeliveryError:
        """What to raise for a value."""
        return DeliveryError(
            f"{self.path}, line {self.line}, column {column}: "
            f"{self.values[column]!r} {should}; correct the file and import again"
        )

    def text(self, column: str) -> str:
        if not self.values[column]:
            raise self.refuse(column, "must not be empty")
        return self.values[column]

    def key(self, column: str) -> str:
        if not _KEY.fullmatch(self.values[column]):
            raise self.refuse(column, "must be of lower-case letters, digits, hyphens and underscores")
        return self.values[column]

    def whole(self, column: str, least: int, most: int) -> int:
        text = self.values[column]
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise self.refuse(column, f"must be a whole number from {least} to {most}")
        return int(text)

    def answer(self, column: str) -> bool:
        if self.values[column] not in ("yes", "no"):
            raise self.refuse(column, "must be yes or no")
        return self.values[column] == "yes"

    def time(self, column: str) -> dt.time:
        try:
            return dt.datetime.strptime(self.values[column], "%H:%M").time()  # noqa: DTZ007
        except ValueError:
            raise self.refuse(column, "must be a time like 08:00") from None

    def cents(self, column: str) -> int:
        try:
            cents = Decimal(self.values[column]) * 100
        except InvalidOperation:
            cents = Decimal(-1)
        if not 0 <= cents < 10**9 or cents != int(cents):
            raise self.refuse(column, "must be an amount like 475.00")
        return int(cents)


def load_reference(directory: Path | None = None) -> Reference:
    """Read the four tables; one that `directory` doesn't hold comes from data/reference.

    Raises:
        DeliveryError: a file, line or value that cannot be used, with what to do.
    """
    if directory is not None and not directory.is_dir():
        raise DeliveryError(f"{directory} is not a folder; give the folder of the reference tables")
    paths = {name: _locate(name, directory) for name in COLUMNS}
    digest = hashlib.sha256()
    for path in paths.values():
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return Reference(
        _table(paths, "sites", _site),
        _table(paths, "services", _service),
        _table(paths, "effects", _effect),
        _age_bands(paths),
        digest.hexdigest(),
    )


def _locate(name: str, directory: Path | None) -> Path:
    own = directory / f"{name}.csv" if directory else None
    return own if own and own.exists() else REFERENCE / f"{name}.csv"


def _rows(path: Path, columns: tuple[str, ...]) -> list[_Row]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="", restkey="excess")
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise DeliveryError(
                    f"{path}: the header has no column {', '.join(missing)}; it needs {', '.join(columns)}"
                )
            rows = [_Row(path, reader.line_num, {name: row[name].strip() for name in columns}) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DeliveryError(f"{path} cannot be read: {error}") from error
    if not rows:
        raise DeliveryError(f"{path} holds no rows; add at least one")
    keys = [row.values[columns[0]] for row in rows]
    for number, row in enumerate(rows):
        if row.values[columns[0]] in keys[:number]:
            raise row.refuse(columns[0], "stands twice")
    return rows


def _table(paths: dict[str, Path], name: str, build: Callable[[_Row], Built]) -> tuple[Built, ...]:
    return tuple(build(row) for row in _rows(paths[name], COLUMNS[name]))


def _site(row: _Row) -> Site:
    try:
        ZoneInfo(row.text("timezone"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise row.refuse("timezone", "must be a time zone like America/Chicago") from None
    opens, closes = row.time("opens"), row.time("closes")
    if closes <= opens:
        raise row.refuse("closes", "must be after opens")
    days = row.text("open_days").split()
    if wrong := set(days) - set(WEEKDAYS):
        raise row.refuse("open_days", f"holds {', '.join(sorted(wrong))}; write Mon Tue Wed …")
    return Site(
        row.key("site"),
        row.text("name"),
        row.values["city"],
        row.values["timezone"],
        row.whole("chairs", 1, 1000),
        opens,
        closes,
        " ".join(days),
    )


def _service(row: _Row) -> Service:
    if row.values["line"] not in LINES:
        raise row.refuse("line", f"must be one of {', '.join(LINES)}")
    return Service(
        row.key("service"),
        row.text("name"),
        row.values["line"],
        row.whole("minutes", 1, 1440),
        row.cents("list_price"),
    )


def _effect(row: _Row) -> Effect:
    return Effect(row.key("effect"), row.text("name"), row.answer("listed"), row.answer("serious"))


def _age_bands(paths: dict[str, Path]) -> tuple[AgeBand, ...]:
    """The bands, which must cover every age once, with one band for missing ages."""
    rows = _rows(paths["age_bands"], COLUMNS["age_bands"])
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
