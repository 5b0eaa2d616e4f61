"""A place of a mapping file, and what is refused with its name."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboard.intake.contract import DeliveryError
from dashboard.intake.reading.header import nearest


@dataclass(frozen=True)
class Place:
    """A place of the mapping file, for messages."""

    path: Path
    name: str

    def fault(self, what: str) -> DeliveryError:
        """What is wrong here, with the place before it."""
        return DeliveryError(f"{self.path}, {self.name}: {what}")

    def at(self, name: str) -> Place:
        """Another place of the file."""
        return Place(self.path, name)

    def check_keys(self, found: Iterable[str], known: Collection[str], what: str) -> None:
        """Refuse a name that is not known."""
        for name in found:
            if name not in known:
                raise self.fault(f"there is no {what} {name!r}{nearest(name, known)}; known: {', '.join(known)}")

    def text(self, value: Any, name: str) -> str:
        """The value, refused if it is no text."""
        if not isinstance(value, str):
            raise self.fault(f"{name} must be a text in quotes, not {value!r}")
        return value
