"""What the store holds, set beside what the audit record says was put there."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.state.audit import Entry, as_json


@dataclass(frozen=True)
class Said:
    """What the record is told when something is put into the store."""

    actor: str
    subject: str
    details: dict[str, Any]

    def is_in(self, entry: Entry) -> bool:
        """Whether an entry says this, as far as it goes: entries of earlier versions say less."""
        told = json.loads(as_json(self.details))
        return (entry.actor, entry.subject) == (self.actor, self.subject) and all(
            told.get(key) == value for key, value in entry.details.items()
        )


class Restores:
    """When the store was put back to what it was before, by entries of the kind `state`, oldest first."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._restored = [
            (entry.details.get("entries", 0), entry.number)
            for entry in entries
            if entry.kind == "state" and entry.details.get("change") == "restored"
        ]

    def undid(self, entry: Entry) -> bool:
        """Whether what an entry tells was taken back by one."""
        return any(before < entry.number < at for before, at in self._restored)


def difference(held: Sequence[Said], entries: Iterable[Entry], restores: Restores) -> tuple[int, Entry | None] | None:
    """The first place, from 1, at which what is held and what is on record part, and the entry that says otherwise.

    None for the entry where the record has nothing more; None for all where they don't part.

    Args:
        held: what should be on record, in the order in which it was put in.
        entries: what is on record of it, oldest first.
        restores: what was taken back.
    """
    left = deque(entries)
    for place, said in enumerate(held, 1):
        while left and not said.is_in(left[0]) and restores.undid(left[0]):
            left.popleft()
        if not left:
            return place, None
        if not said.is_in(left[0]):
            return place, left[0]
        left.popleft()
    more = next((entry for entry in left if not restores.undid(entry)), None)
    return (len(held) + 1, more) if more else None
