"""Choices of a file that a person named, to take it again next month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dashboard.state.kept import Kept
from dashboard.state.tables import saved_exports


@dataclass(frozen=True)
class SavedExport:
    """A named choice: a dataset, and the part of an address behind the question mark."""

    name: str
    dataset: str
    query: str
    saved_at: datetime


class SavedExports(Kept):
    """The named choices of a store."""

    table, subject, noun = saved_exports, "dataset", "export"

    def list(self, username: str) -> list[SavedExport]:
        """A person's named choices, by name."""
        return [SavedExport(row.name, row.dataset, row.query, row.saved_at) for row in self.rows(username)]
