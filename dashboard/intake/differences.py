"""Which differences of the reference tables an extract bears to which a delivery is added, and which it doesn't."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import duckdb

from dashboard.intake.contract import DeliveryError
from dashboard.intake.reference_rows import EVER
from dashboard.intake.sql import statements

#: So many are told.
_MOST = 10
_SENTENCES = {
    "unrecorded": "is new, and the extract, which an earlier version of this program built, doesn't say whether rows "
    "of it were rejected before",
    "named": "is new, and {rows} that named it before {were} rejected or left without it",
    "lost": "is new, and {rows} of earlier deliveries named none that was known, in no words that tell whether it "
    "was this",
    "gone": "is missing, and the extract may hold its rows",
    "name": "has another name, and rows of earlier deliveries may be known by the one before",
    "timezone": "has another time zone, by which its times would be others",
    "line": "is of another line, and so would be its rows",
    "position": "stands in another place, and the whole extract has the order of the file",
    "band": "is another row, is missing or stands in another place, and the bookings have their age bands",
}


@dataclass(frozen=True)
class _Difference:
    """A row of a reference table with which rows of the extract would be others."""

    name: str
    key: str
    fault: str
    from_on: dt.date | None
    first_on: dt.date | None
    last_on: dt.date | None
    rows: int | None

    @property
    def sentence(self) -> str:
        """Which row it is, why it can't be, and what would do where that isn't the row as it was."""
        where = f"{self.name}.csv, {self.key}"
        if self.fault == "term":
            return (
                f"{where}: the term is listed, serious or called otherwise, and {_counted(self.rows, 'side effect')} "
                "of the extract may be taken for another"
            )
        if self.fault == "minutes" and self.last_on:
            row = f"the row from {self.from_on} on" if self.from_on else "the earliest row"
            days = (
                f"from {self.first_on} to {self.last_on}" if self.first_on != self.last_on else f"on {self.last_on}"
            )
            return (
                f"{where}, {row}: has other minutes than before, by which {_counted(self.rows, 'booking')} of the "
                f"extract {days} may be counted; let the new minutes count from {self.last_on + dt.timedelta(1)} on "
                "or later, in a row of their own"
            )
        counted = _counted(self.rows or 0, "row")
        return f"{where}: {_SENTENCES[self.fault].format(rows=counted, were='was' if self.rows == 1 else 'were')}"


def refuse_other_rows(connection: duckdb.DuckDBPyConnection, name: str, instead: str) -> None:
    """Refuse reference tables with which rows of the extract would be others.

    Args:
        connection: on the delivery's tables, with the extract attached as `extract`.
        name: of the extract.
        instead: what to do where the differences are meant.

    Raises:
        DeliveryError: naming each row, why it can't be, and what to do.
    """
    found = connection.execute(statements("add/reference")[0], {"ever": EVER}).fetchall()
    if not found:
        return
    told = [f"\n  {_Difference(*row).sentence}" for *row, _ in found[:_MOST]]
    told += [f"\n  and {len(found) - _MOST:,} more"] if len(found) > _MOST else []
    raise DeliveryError(
        f"the delivery can't be added to {name}: the reference tables differ, and not only in what changes nothing "
        f"about rows that are in it. Put these rows back as they were, or give the folder that was given before with "
        f"--reference, and add it again; where they are meant, {instead}{''.join(told)}"
    )


def _counted(rows: int | None, what: str) -> str:
    return f"{rows:,} {what}{'s' * (rows != 1)}"
