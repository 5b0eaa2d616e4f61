"""Pages with their filters that a person named, and the one that opens first."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import update

from dashboard.state.kept import Kept
from dashboard.state.tables import saved_views


@dataclass(frozen=True)
class SavedView:
    """A named view: a page, and the part of its address behind the question mark.

    Attributes:
        first: whether it opens after sign-in.
    """

    name: str
    page: str
    query: str
    first: bool


class SavedViews(Kept):
    """The named views of a store."""

    table, subject, noun = saved_views, "page", "view"

    def list(self, username: str) -> list[SavedView]:
        """A person's named views, by name."""
        return [SavedView(row.name, row.page, row.query, row.first) for row in self.rows(username)]

    def first(self, username: str) -> SavedView | None:
        """The view that opens after sign-in, if there is one."""
        return next((view for view in self.list(username) if view.first), None)

    def open_first(self, username: str, name: str | None) -> None:
        """Let a view open after sign-in; without a name the usual first page does."""
        own = saved_views.c.username == username
        with self._store.database.write() as connection:
            connection.execute(update(saved_views).where(own).values(first=saved_views.c.name == (name or "")))
