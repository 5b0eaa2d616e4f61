"""What becomes of a resource."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

_CODE = re.compile(r"[A-Za-z_-]{1,30}")
OTHER_PATIENT = "is another patient than that of the booking"


@dataclass(frozen=True)
class Problem:
    """Why a resource is rejected: the element, what is wrong with it, and a value that may be shown."""

    element: str | None
    reason: str
    value: str | None = None


def unknown_status(kind: str, status: str) -> Problem:
    """A status that FHIR doesn't have; shown where it looks like a code, since anything else could be a note."""
    shown = status if _CODE.fullmatch(status) else "(not shown)"
    return Problem(f"{kind}.status", "is not a status of FHIR R4", shown)


@dataclass(frozen=True)
class Row:
    """It becomes a record of the contract; empty values may be left out."""

    values: dict[str, str | None]


@dataclass(frozen=True)
class Rejected:
    """It has a place in the contract and can't take it."""

    problems: tuple[Problem, ...]


@dataclass(frozen=True)
class LeftOut:
    """It has no place in the contract."""

    reason: str


@dataclass(frozen=True)
class Used:
    """It is read for what it says of others."""


Outcome = Row | Rejected | LeftOut | Used


class RejectionError(Exception):
    """Ends the reading of a resource with the reason why it is rejected."""

    def __init__(self, element: str | None, reason: str, value: str | None = None) -> None:
        super().__init__(reason)
        self.problem = Problem(element, reason, value)


@dataclass
class Remarks:
    """Elements that were not kept, by type, element and reason, of the file that is being read."""

    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def note(self, kind: str, element: str, reason: str) -> None:
        """Count one element."""
        self.counts[kind, f"{kind}.{element}", reason] += 1
