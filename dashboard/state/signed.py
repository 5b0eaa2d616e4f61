"""All that is held with a keyed hash on record: the signal register, marks on charts, closed months."""

from __future__ import annotations

from typing import Protocol

from sqlalchemy import Connection

from dashboard.state.audit_key import Sealer
from dashboard.state.chart_marks import ChartMarks
from dashboard.state.closed_months import ClosedMonths
from dashboard.state.register import Register
from dashboard.state.store import Store

#: Entries of the record with such hashes.
KINDS = ("annotation", "month", "signal")


class Signed(Protocol):
    """A part of the store of which the record has keyed hashes."""

    def fault(self) -> str | None:
        """What isn't as the audit record says that it was put there, in a sentence; None where all is."""

    def seals(self, connection: Connection, sealer: Sealer) -> list[str]:
        """What the record would be told under a key of all that is held, in one order under all keys."""


def parts(store: Store) -> tuple[Signed, ...]:
    """The parts of a store."""
    return Register(store), ChartMarks(store), ClosedMonths(store)


def fault(store: Store) -> str | None:
    """The first thing that isn't as it was put there. The record's own seals are `Audit.verify`'s to check."""
    return next((wrong for part in parts(store) if (wrong := part.fault())), None)
