"""Months whose figures finance has closed, as they were then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from dashboard.state.audit import Entry
from dashboard.state.audit_key import Sealer
from dashboard.state.database import StateError
from dashboard.state.on_record import Restores
from dashboard.state.store import Store
from dashboard.state.tables import closed_months

SHORTEST_REASON = 10


@dataclass(frozen=True)
class ClosedMonth:
    """A month of a site with all of its figures, whole numbers by key."""

    month: str
    site: str
    extract: str
    figures: dict[str, int]
    closed_at: datetime
    closed_by: str


class ClosedMonths:
    """The closed months of a store. What is closed stays as it was, until somebody opens it again."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def close(self, month: str, extract: str, figures: Mapping[str, Mapping[str, int]]) -> None:
        """Close a month at these sites, all of them or none.

        Raises:
            StateError: it is closed at one of them already.
        """
        with self.closing(month, extract, figures):
            pass

    @contextmanager
    def closing(self, month: str, extract: str, figures: Mapping[str, Mapping[str, int]]) -> Iterator[None]:
        """As `close`, once what is done within is done; where that fails, the month stays open.

        Raises:
            StateError: it is closed at one of them already; nothing within is done then.
        """
        now, who = self._store._now(), self._store._actor
        rows = [
            {
                "month": month,
                "site": site,
                "extract": extract,
                "figures": dict(own),
                "closed_at": now,
                "closed_by": who,
            }
            for site, own in figures.items()
        ]
        with self._store.database.write() as connection:
            there = (closed_months.c.month == month) & closed_months.c.site.in_(figures)
            if closed := connection.scalars(select(closed_months.c.site).where(there)).all():
                rest = [site for site in figures if site not in closed]
                raise StateError(
                    f"{month} is closed already at {', '.join(closed)}. Its figures stay as they were closed; "
                    "what has changed since is reported as restated."
                    + (f" Name the other sites to close it there: {', '.join(rest)}." if rest else "")
                )
            connection.execute(insert(closed_months), rows)
            signed = {row["site"]: _sealed(self._store.audit.sealer, row) for row in rows}
            self._store.audit.append(
                connection, "month", who, month, change="closed", sites=list(figures), extract=extract, signed=signed
            )
            yield

    def reopen(self, month: str, sites: Sequence[str], reason: str) -> list[str]:
        """Take back that a month is closed at these sites, for a reason that goes on record; where it was closed.

        Raises:
            StateError: no reason, or it is closed at none of them.
        """
        reason = " ".join(reason.split())
        if len(reason) < SHORTEST_REASON:
            raise StateError(f"Say why {month} is opened again, in {SHORTEST_REASON} characters or more.")
        own = (closed_months.c.month == month) & closed_months.c.site.in_(sites)
        with self._store.database.write() as connection:
            found = connection.execute(select(closed_months).where(own).order_by(closed_months.c.site)).all()
            if not found:
                raise StateError(f"{month} is not closed at {', '.join(sites)}.")
            connection.execute(delete(closed_months).where(own))
            # Its figures can be had again from the extract that they were of.
            was = [
                f"{row.site}: closed {row.closed_at:%Y-%m-%d} by {row.closed_by} of {row.extract}" for row in found
            ]
            self._store.audit.append(
                connection, "month", self._store._actor, month, change="reopened", reason=reason, was=was
            )
        return [row.site for row in found]

    def fault(self) -> str | None:
        """What isn't as the audit record says that it was closed, in a sentence; None where all is."""
        with self._store.database.snapshot() as connection:
            rows = _rows(connection)
            on_record = _on_record(self._store.audit.all_of(connection, ("month", "state")))
        for row in rows:
            closed = f"{row['month']}, closed at {row['site']},"
            entry = on_record.pop((row["month"], row["site"]), None)
            if entry is None:
                return f"{closed} was put in: no entry of the audit record has it as closed."
            # Entries of earlier versions have no hashes.
            seal = entry.details.get("signed", {}).get(row["site"])
            said = (row["closed_by"], row["extract"]) == (entry.actor, entry.details["extract"])
            if not said or (seal is not None and seal != _sealed(self._store.audit.sealer, row)):
                return f"{closed} was changed: entry {entry.number} of the audit record has it otherwise."
        if not on_record:
            return None
        (month, site), entry = next(iter(on_record.items()))
        return f"{month}, closed at {site}, was removed: entry {entry.number} of the record has it as closed."

    def seals(self, connection: Connection, sealer: Sealer) -> list[str]:
        """What the audit record would be told of each closed month under a key, in one order under all."""
        return [_sealed(sealer, row) for row in _rows(connection)]

    def list(self, month: str | None = None) -> list[ClosedMonth]:
        """The closed months, or one of them, the latest first, by site."""
        asked = select(closed_months).order_by(closed_months.c.month.desc(), closed_months.c.site)
        if month is not None:
            asked = asked.where(closed_months.c.month == month)
        with self._store.database.read() as connection:
            rows = connection.execute(asked).all()
        return [
            ClosedMonth(row.month, row.site, row.extract, dict(row.figures), row.closed_at, row.closed_by)
            for row in rows
        ]


def _rows(connection: Connection) -> list[dict[str, Any]]:
    ordered = select(closed_months).order_by(closed_months.c.month, closed_months.c.site)
    return [dict(row) for row in connection.execute(ordered).mappings()]


def _on_record(entries: list[Entry]) -> dict[tuple[str, str], Entry]:
    """By month and site the entry that closed it, of what the record says is closed."""
    restores = Restores(entries)
    closed: dict[tuple[str, str], Entry] = {}
    for entry in entries:
        if entry.kind != "month" or restores.undid(entry):
            continue
        if entry.details["change"] == "closed":
            closed |= {(entry.subject, site): entry for site in entry.details["sites"]}
        else:
            for was in entry.details["was"]:
                closed.pop((entry.subject, was.partition(": ")[0]), None)
    return closed


def _sealed(sealer: Sealer, row: Mapping[str, Any]) -> str:
    """Keyed hash of a closed month with all of its figures."""
    words = [row[key] for key in ("month", "site", "extract", "closed_by")]
    at = row["closed_at"].astimezone(UTC).isoformat()
    return sealer.hash(["closed month", *words, at, sorted(row["figures"].items())])
