"""Months whose figures finance has closed, as they were then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from dashboard.state.store import StateError, Store
from dashboard.state.tables import closed_months


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
    """The closed months of a store. What is closed stays as it was."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def close(self, month: str, extract: str, figures: Mapping[str, Mapping[str, int]]) -> None:
        """Close a month at these sites, all of them or none.

        Raises:
            StateError: it is closed at one of them already.
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
        try:
            with self._store.database.write() as connection:
                connection.execute(insert(closed_months), rows)
                self._store.audit.append(
                    connection, "month", who, month, change="closed", sites=list(figures), extract=extract
                )
        except IntegrityError:
            raise StateError(
                f"{month} is closed already at one of {', '.join(figures)}. Its figures stay as they were closed; "
                "what has changed since is reported as restated."
            ) from None

    def list(self, month: str) -> list[ClosedMonth]:
        """A month, by site, where it is closed."""
        asked = select(closed_months).where(closed_months.c.month == month).order_by(closed_months.c.site)
        with self._store.database.read() as connection:
            rows = connection.execute(asked).all()
        return [
            ClosedMonth(row.month, row.site, row.extract, dict(row.figures), row.closed_at, row.closed_by)
            for row in rows
        ]
