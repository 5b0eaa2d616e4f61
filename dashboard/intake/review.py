"""What is remarkable about a delivery although its rows are sound: changes, falls, gaps, late forms, oddities."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dashboard.intake import facts
from dashboard.intake.build import run
from dashboard.intake.contract import SCHEMA_VERSION, DeliveryError
from dashboard.intake.fact_tables import FOLDER
from dashboard.intake.reference_rows import EVER, FOREVER
from dashboard.intake.sql import literal, statements

#: Of these versions the facts can be compared with those of a new extract.
COMPARABLE = range(1, SCHEMA_VERSION + 1)
#: Told where the patients of both extracts can't be recognised.
_OTHER_KEY = (
    "the patient numbers are made with another key than those of {}, so that every patient has another number, "
    "in files that are exported, too; if the key was lost or replaced, put its copy back and import again"
)
#: From this version on rows of sites and services have days.
_DATED = 10
#: So many keys of a reference table are named.
_MOST_KEYS = 10


class DropError(DeliveryError):
    """The delivery would take away what the extract in use holds, so that it was not published."""


@dataclass(frozen=True)
class Change:
    """Rows of a table before and now, known by their ids; `site` is None for the table as a whole."""

    source: str
    site: str | None
    rows_before: int
    rows_now: int
    added: int
    removed: int
    changed: int

    @property
    def fall(self) -> float:
        """The share of the rows before that is gone, 0 where there are as many or more."""
        return max(self.rows_before - self.rows_now, 0) / self.rows_before if self.rows_before else 0.0

    @property
    def sentence(self) -> str:
        """Rows before and now in words."""
        where = f"{self.source} of {self.site}" if self.site else self.source
        return f"{where}: {self.rows_before:,} rows before, {self.rows_now:,} now (−{self.fall:.1%})"


@dataclass(frozen=True)
class Gap:
    """Open days of a site without any booking, and the first of them."""

    site: str
    days: int
    first_dates: tuple[dt.date, ...]


@dataclass(frozen=True)
class LateForms:
    """Completed visits of a site whose side-effect form is due and missing."""

    site: str
    missing: int
    completed: int
    oldest: dt.date


@dataclass(frozen=True)
class Oddity:
    """Accepted values of a column that are improbable, with the lowest and highest of them."""

    source: str
    column: str
    rule: str
    rows: int
    lowest: float
    highest: float


@dataclass(frozen=True)
class Review:
    """All of it. `compared_with` names the extract before; None where there was none to compare with."""

    compared_with: str | None = None
    changes: tuple[Change, ...] = ()
    gaps: tuple[Gap, ...] = ()
    late_forms: tuple[LateForms, ...] = ()
    oddities: tuple[Oddity, ...] = ()

    def lines(self) -> Iterator[str]:
        """The review as lines of text."""
        if self.compared_with:
            yield f"{'against the extract before':<28}{'added':>14}{'removed':>14}{'changed':>14}"
        for change in self.changes:
            if change.site is None:
                yield f"{change.source:<28}{change.added:>14,}{change.removed:>14,}{change.changed:>14,}"
        for gap in self.gaps:
            dates = ", ".join(map(str, gap.first_dates))
            yield f"{gap.site}: {gap.days:,} open days without a booking, first {dates}"
        for forms in self.late_forms:
            yield (
                f"{forms.site}: {forms.missing:,} of {forms.completed:,} completed visits without a side-effect form "
                f"that is due, oldest {forms.oldest}"
            )
        if self.oddities:
            yield "accepted, and worth a look:"
        for odd in self.oddities:
            extremes = f"from {odd.lowest:,.10g} to {odd.highest:,.10g}"
            yield f"  {odd.source} {odd.column}: {odd.rows:,} row{'s' * (odd.rows != 1)} {odd.rule}, {extremes}"


def attach(connection: duckdb.DuckDBPyConnection, extract: Path, *, demo: bool) -> str | None:
    """Open an extract beside the new one as `before`, for reading only.

    Returns:
        Its name, or None where the two can't be compared: another schema, damaged, its facts out of
        this machine's sight, or only one of them holds demo data.
    """
    try:
        if (kept := facts.facts_of(extract)) is not None:
            if not kept.here:
                return None
            connection.execute(f"set variable {FOLDER} = $folder", {"folder": str(kept.folder)})
        connection.execute(f"attach {literal(str(extract))} as before (read_only)")
        row = connection.execute("select schema_version, demo, name from before.extract_info").fetchone()
    except (duckdb.Error, facts.FactsError):
        return None
    if row is None or row[0] not in COMPARABLE or row[1] != demo:
        return None
    return str(row[2])


def read(connection: duckdb.DuckDBPyConnection, compared_with: str | None) -> Review:
    """The review of the extract that the connection has built."""

    def rows(name: str) -> list[tuple[object, ...]]:
        return connection.execute(statements(name)[0]).fetchall()

    return Review(
        compared_with,
        tuple(Change(*row) for row in rows("change_rows")),  # type: ignore[arg-type]
        tuple(Gap(site, days, tuple(dates)) for site, days, dates in rows("gap_counts")),  # type: ignore[arg-type]
        tuple(LateForms(*row) for row in rows("late_form_counts")),  # type: ignore[arg-type]
        tuple(Oddity(*row) for row in rows("oddity_counts")),  # type: ignore[arg-type]
    )


def refuse_falls(changes: Sequence[Change], share: float, rejected: str = "") -> None:
    """Refuse where a table or a site has lost more than the share of its rows.

    Args:
        changes: against the extract in use.
        share: the fall that is still let pass, 0.05 for 5 %.
        rejected: why rows were rejected, in lines of their own, which mostly is why they are missing.

    Raises:
        DropError: naming each fall.
    """
    falls = [change for change in changes if change.fall > share]
    if falls:
        raise DropError(
            f"the delivery holds far fewer rows than the extract in use ({falls[0].sentence}), so nothing was "
            f"published. Check whether it is complete; if these rows are meant to go, import it again with "
            f"--accept-drop{''.join(f'{chr(10)}  {change.sentence}' for change in falls)}{rejected}"
        )


#: What a row of a reference table that changed for all days changes beside the days to come.
_OF_THE_PAST = {
    "services": "New list prices and usual minutes count for every day: discounts and missed visits of earlier days, "
    "of closed months too, are worked out with them.",
    "sites": "New chairs and hours count for every day: the utilisation of earlier days is worked out with them.",
}
#: What one changes that has changed for some days.
_OF_DAYS = {
    "closures": "On these days alone sites are open or closed otherwise than before: their utilisation and gaps are "
    "others.",
    "services": "List prices and usual minutes with a day change discounts and missed visits of the days named, also "
    "in closed months, and of no other day.",
    "sites": "Chairs and hours with a day change utilisation and gaps of the days named and of no other day.",
}


@dataclass(frozen=True)
class _Changed:
    """Keys of a reference table of which the same became, for the same days; None for all before or after."""

    name: str
    became: str
    from_on: dt.date | None
    until_on: dt.date | None
    keys: list[str]

    @property
    def sentence(self) -> str:
        days = ""
        if self.from_on and self.until_on:
            days = f" from {self.from_on} to {self.until_on}"
        elif self.from_on or self.until_on:
            days = f" from {self.from_on} on" if self.from_on else f" up to {self.until_on}"
        return f"{self.name}: {_few(self.keys)} {self.became}{days}"

    @property
    def says(self) -> str:
        """What this changes, nothing where it goes without saying."""
        if self.name == "closures" or self.from_on or self.until_on:
            return _OF_DAYS.get(self.name, "")
        return _OF_THE_PAST.get(self.name, "") if self.became == "changed" else ""


def notes(connection: duckdb.DuckDBPyConnection, compared_with: str, key_check: str) -> list[str]:
    """What changed since the extract before that is no row of a delivery: the key and the reference tables."""
    told: list[str] = []
    # Where the extract before is damaged, or of an earlier version, nothing can be said of it.
    with contextlib.suppress(duckdb.Error):
        if not _has_same_key(connection, key_check):
            told.append(_OTHER_KEY.format(compared_with))
        if changes := _reference_changes(connection):
            each = "; ".join(one.sentence for one in changes)
            says = " ".join(dict.fromkeys(one.says for one in changes if one.says))
            each = f"{each}. {says}" if says else each
            told.append(f"the reference tables are others than those of {compared_with}: {each}")
    return told


def _reference_changes(connection: duckdb.DuckDBPyConnection) -> list[_Changed]:
    days = {"ever": EVER, "forever": FOREVER}
    [[version]] = connection.execute("select schema_version from before.extract_info").fetchall()
    run(connection, "reference_before" if version >= _DATED else "reference_before_10", days)
    rows = connection.execute(statements("reference_changes")[0], days).fetchall()
    return [_Changed(*row) for row in rows]


def _few(keys: list[str]) -> str:
    more = f" and {len(keys) - _MOST_KEYS:,} more" if len(keys) > _MOST_KEYS else ""
    return f"{', '.join(keys[:_MOST_KEYS])}{more}"


def _has_same_key(connection: duckdb.DuckDBPyConnection, key_check: str) -> bool:
    """Whether the extract before has its patient numbers from the same key, or is too old to tell."""
    names = [name for name, *_ in connection.execute("describe before.extract_info").fetchall()]
    if "key_check" not in names:
        return True
    return connection.execute("select key_check from before.extract_info").fetchall() == [(key_check,)]


def last_full_days(connection: duckdb.DuckDBPyConnection) -> tuple[dt.date, dt.date] | None:
    """The last full day of the extract that the connection has built, and of the one before, if it can be read."""
    try:
        [[now, before]] = connection.execute(statements("last_full_days")[0]).fetchall()
    except duckdb.Error:
        return None
    return now, before


def refuse_older(delivery: Path, behind: str, now: dt.date, before: dt.date) -> None:
    """Refuse a delivery of an inbox that came late and ends before the extract in use does.

    Args:
        delivery: its folder.
        behind: the name of one that was published and stands behind it in order of name.
        now: its last full day.
        before: that of the extract in use.

    Raises:
        DropError: naming both days.
    """
    if now < before:
        raise DropError(
            f"the last full day of the delivery is {now}, that of the extract in use {before}: {behind}, which "
            "stands behind it by name, was published before it, and older data would take the place of newer ones, "
            f"so nothing was published. If they are meant to, import it by hand: dashboard import {delivery}"
        )
