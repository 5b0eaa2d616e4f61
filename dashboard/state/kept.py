"""What a person gave a name to find it again: addresses of files and of pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from sqlalchemy import Row, Table, delete, func, insert, select, update

from dashboard.state.database import StateError
from dashboard.state.store import Store

MOST = 50
LONGEST_NAME = 80


class Kept:
    """Named addresses of a store, each person's own.

    Attributes:
        table: has username, name, query, saved_at and a column for what the address is of.
        subject: that column's name.
        noun: what one of them is called.
    """

    table: ClassVar[Table]
    subject: ClassVar[str]
    noun: ClassVar[str]

    def __init__(self, store: Store) -> None:
        self._store = store

    def save(self, username: str, name: str, subject: str, query: str) -> None:
        """Keep an address; one of the same name is replaced.

        Raises:
            StateError: no name, or there are too many.
        """
        name = " ".join(name.split())
        if not name or len(name) > LONGEST_NAME:
            raise StateError(f"Give the {self.noun} a name of 1 to {LONGEST_NAME} characters.")
        values = {self.subject: subject, "query": query, "saved_at": self._store._now()}
        with self._store.database.write() as connection:
            own = self.table.c.username == username
            if connection.execute(update(self.table).where(own, self.table.c.name == name).values(values)).rowcount:
                return
            if (connection.scalar(select(func.count()).select_from(self.table).where(own)) or 0) >= MOST:
                raise StateError(f"There are {MOST} saved {self.noun}s already; remove one first.")
            connection.execute(insert(self.table).values(username=username, name=name, **values))

    def remove(self, username: str, name: str) -> None:
        """Forget one; one that isn't there is no error."""
        with self._store.database.write() as connection:
            connection.execute(delete(self.table).where(self.table.c.username == username, self.table.c.name == name))

    def rows(self, username: str) -> Sequence[Row[Any]]:
        """A person's own, by name."""
        asked = select(self.table).where(self.table.c.username == username).order_by(self.table.c.name)
        with self._store.database.read() as connection:
            return connection.execute(asked).all()
