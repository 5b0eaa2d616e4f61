"""Lines of reference tables: read, with their values checked, and put in order where they count from a day on."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from dashboard.intake.contract import DeliveryError

#: The column with the day from which a row counts; an empty one is before all days.
FROM = "from"
#: Before and after every day of a delivery, whose times lie between 1990 and 2100.
EVER, FOREVER = dt.date(1900, 1, 1), dt.date(2199, 12, 31)
_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


@dataclass(frozen=True)
class Row:
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
        """The value, which is not empty."""
        if not self.values[column]:
            raise self.refuse(column, "must not be empty")
        return self.values[column]

    def key(self, column: str) -> str:
        """The value as a key."""
        if not _KEY.fullmatch(self.values[column]):
            raise self.refuse(column, "must be of lower-case letters, digits, hyphens and underscores")
        return self.values[column]

    def whole(self, column: str, least: int, most: int, why: str = "") -> int:
        """The value as a whole number, both ends included; `why` is told of one that is none."""
        text = self.values[column]
        if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
            raise self.refuse(column, f"must be a whole number from {least} to {most}{why}")
        return int(text)

    def answer(self, column: str) -> bool:
        """Whether the value is yes; it is yes or no."""
        if self.values[column] not in ("yes", "no"):
            raise self.refuse(column, "must be yes or no")
        return self.values[column] == "yes"

    def time(self, column: str) -> dt.time:
        """The value as a time of day."""
        try:
            return dt.datetime.strptime(self.values[column], "%H:%M").time()  # noqa: DTZ007
        except ValueError:
            raise self.refuse(column, "must be a time like 08:00") from None

    def day(self, column: str) -> dt.date:
        """The value as a date."""
        text = self.values[column]
        try:
            found = dt.date.fromisoformat(text) if len(text) == 10 else None
        except ValueError:
            found = None
        if found is None or not 1990 <= found.year <= 2100:
            raise self.refuse(column, "must be a day like 2026-01-05, from 1990 to 2100")
        return found

    def cents(self, column: str) -> int:
        """An amount of dollars in cents."""
        try:
            cents = Decimal(self.values[column]) * 100
        except InvalidOperation:
            cents = Decimal(-1)
        if not 0 <= cents < 10**9 or cents != int(cents):
            raise self.refuse(column, "must be an amount like 475.00")
        return int(cents)


@dataclass(frozen=True)
class Span:
    """A row and the days for which it counts, both included."""

    row: Row
    from_on: dt.date
    until_on: dt.date


def read_rows(path: Path, columns: Sequence[str], optional: Sequence[str] = (), least: int = 1) -> list[Row]:
    """The lines of a table; a column of `optional` that the header lacks is empty.

    Raises:
        DeliveryError: the file cannot be read, lacks a column, or holds fewer rows than `least`, 0 or 1.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="", restkey="excess")
            header = reader.fieldnames or ()
            if missing := [name for name in columns if name not in header]:
                raise DeliveryError(
                    f"{path}: the header has no column {', '.join(missing)}; it needs {', '.join(columns)}"
                )
            names = (*columns, *optional)
            rows = [Row(path, reader.line_num, {name: row.get(name, "").strip() for name in names}) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DeliveryError(f"{path} cannot be read: {error}") from error
    if len(rows) < least:
        raise DeliveryError(f"{path} holds no rows; add at least one")
    return rows


def once(rows: Sequence[Row], column: str) -> Sequence[Row]:
    """The rows, each of which has its own key.

    Raises:
        DeliveryError: two have one.
    """
    lines: dict[str, int] = {}
    for row in rows:
        if (line := lines.setdefault(row.values[column], row.line)) != row.line:
            raise row.refuse(column, f"stands twice, in line {line}, too")
    return rows


def spans(rows: Sequence[Row], key: str, same: Sequence[str]) -> list[list[Span]]:
    """The rows of each key, keys in the order of the file, in the order of their days, without a gap between them.

    A row counts from its day to the day before that of the next; the earliest counts for all earlier days, too.

    Args:
        rows: of a table with the optional column FROM.
        key: its key.
        same: columns that must not differ between rows of one key.

    Raises:
        DeliveryError: two rows of a key have one day, or differ in a column that has no days.
    """
    found: dict[str, dict[dt.date, Row]] = {}
    for row in rows:
        own = found.setdefault(row.values[key], {})
        first = next(iter(own.values()), row)
        for column in same:
            if row.values[column] != first.values[column]:
                raise row.refuse(
                    column,
                    f"must be {first.values[column]!r} as in line {first.line}: it is one for all days of "
                    f"{row.values[key]}",
                )
        day = row.day(FROM) if row.values[FROM] else EVER
        if day in own:
            raise row.refuse(
                FROM if row.values[FROM] else key,
                f"stands twice, for {row.values[key]} in line {own[day].line}, too: each row of it but the earliest "
                f"needs its own day in the column {FROM}, from which it counts",
            )
        own[day] = row
    return [_following(own) for own in found.values()]


def _following(own: dict[dt.date, Row]) -> list[Span]:
    days = sorted(own)
    firsts = [EVER, *days[1:]]
    lasts = [*(day - dt.timedelta(days=1) for day in days[1:]), FOREVER]
    return [Span(own[day], first, last) for day, first, last in zip(days, firsts, lasts, strict=True)]
