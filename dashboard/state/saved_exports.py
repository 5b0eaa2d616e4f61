"""Choices of a file that a person named, to take it again next month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select

from dashboard.state.store import StateError, Store
from dashboard.state.tables import saved_exports

MOST = 50
LONGEST_NAME = 80


@dataclass(frozen=True)
class SavedExport:
    """A named choice: a dataset, and the part of an address behind the question mark."""

    name: str
    dataset: str
    query: str
    saved_at: datetime


class SavedExports:
    """The named choices of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def save(self, username: str, name: str, dataset: str, query: str) -> None:
        """Keep a choice; one of the same name is replaced.

        Raises:
            StateError: no name, or there are too many.
        """
        name = " ".join(name.split())
        if not name or len(name) > LONGEST_NAME:
            raise StateError(f"Give the export a name of 1 to {LONGEST_NAME} characters.")
        with self._store.database.write() as connection:
            own = saved_exports.c.username == username
            connection.execute(delete(saved_exports).where(own, saved_exports.c.name == name))
            if (connection.scalar(select(func.count()).select_from(saved_exports).where(own)) or 0) >= MOST:
                raise StateError(f"There are {MOST} saved exports already; remove one first.")
            connection.execute(
                insert(saved_exports).values(
                    username=username, name=name, dataset=dataset, query=query, saved_at=self._store._now()
                )
            )

    def list(self, username: str) -> list[SavedExport]:
        """A person's named choices, by name."""
        asked = select(saved_exports).where(saved_exports.c.username == username).order_by(saved_exports.c.name)
        with self._store.database.read() as connection:
            rows = connection.execute(asked).all()
        return [SavedExport(row.name, row.dataset, row.query, row.saved_at) for row in rows]

    def remove(self, username: str, name: str) -> None:
        """Forget a choice; one that isn't there is no error."""
        with self._store.database.write() as connection:
            connection.execute(
                delete(saved_exports).where(saved_exports.c.username == username, saved_exports.c.name == name)
            )
