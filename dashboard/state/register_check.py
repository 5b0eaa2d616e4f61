"""Whether the signal register holds what the audit record says was signed, and nothing else."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from dashboard.state.audit import Entry

if TYPE_CHECKING:
    from dashboard.state.register import Signal, Step

_SIGNAL = re.compile(r"signal ([0-9]+)")


def fault(
    signals: Iterable[Signal],
    entries: Iterable[Entry],
    on_record: Callable[[Signal, Step], dict[str, Any]],
    number: int | None = None,
) -> str | None:
    """The first thing that isn't as it was signed, in a sentence; None where everything is.

    Args:
        signals: of the register.
        entries: of the record, of signals and of the state, oldest first.
        on_record: what the record is told of a step. Entries of earlier versions say less of it.
        number: of the only signal that is asked about; None for all.
    """
    said: dict[int, deque[Entry]] = defaultdict(deque)
    restored: list[tuple[int, int]] = []
    for entry in entries:
        # Marks on charts are of this kind, too.
        if entry.kind == "signal" and (named := _SIGNAL.fullmatch(entry.subject)):
            said[int(named[1])].append(entry)
        elif entry.details.get("change") == "restored":
            restored.append((entry.number, entry.details.get("entries", 0)))

    def undone(entry: Entry) -> bool:
        """Whether the register was put back afterwards to what it was before it."""
        return any(before < entry.number < at for at, before in restored)

    held = {signal.number: signal for signal in signals}
    for one in sorted({*held, *said}) if number is None else [number]:
        if wrong := _fault(one, held.get(one), said[one], on_record, undone):
            return wrong
    return None


def _fault(
    number: int,
    signal: Signal | None,
    entries: deque[Entry],
    on_record: Callable[[Signal, Step], dict[str, Any]],
    undone: Callable[[Entry], bool],
) -> str | None:
    if signal is not None and not signal.is_intact():
        return f"The copy of what was seen when signal {number} was opened was changed."
    if signal is not None and not signal.steps and not entries:
        return f"Signal {number} was put in: no entry of the audit record has it."
    place = 0
    for place, (of, step) in enumerate([(signal, step) for step in signal.steps] if signal else (), 1):
        expected = on_record(of, step)
        while entries and not _says(entries[0], step, expected) and undone(entries[0]):
            entries.popleft()
        if not entries:
            return f"Step {place} of signal {number} was put in: no entry of the audit record has it."
        if not _says(entries[0], step, expected):
            return _otherwise(place, number, entries[0])
        entries.popleft()
    left = next((entry for entry in entries if not undone(entry)), None)
    return _otherwise(place + 1, number, left) if left else None


def _says(entry: Entry, step: Step, expected: dict[str, Any]) -> bool:
    return entry.actor == step.person and all(expected.get(key) == value for key, value in entry.details.items())


def _otherwise(place: int, number: int, entry: Entry) -> str:
    return (
        f"Step {place} of signal {number} was changed or removed: entry {entry.number} of the audit record has it "
        "otherwise."
    )
