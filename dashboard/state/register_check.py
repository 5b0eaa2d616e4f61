"""Whether the signal register holds what the audit record says was signed, and nothing else."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from dashboard.state import on_record
from dashboard.state.audit import Entry
from dashboard.state.on_record import Restores, Said

if TYPE_CHECKING:
    from dashboard.state.register import Signal, Step

_SIGNAL = re.compile(r"signal ([0-9]+)")


def fault(
    signals: Iterable[Signal],
    entries: list[Entry],
    said: Callable[[Signal, Step], Said],
    number: int | None = None,
) -> str | None:
    """The first thing that isn't as it was signed, in a sentence; None where everything is.

    Args:
        signals: of the register.
        entries: of the record, of signals and of the state, oldest first.
        said: what the record is told of a step.
        number: of the only signal that is asked about; None for all.
    """
    told: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        # Marks on charts are of this kind, too.
        if entry.kind == "signal" and (named := _SIGNAL.fullmatch(entry.subject)):
            told[int(named[1])].append(entry)
    restores = Restores(entries)
    held = {signal.number: signal for signal in signals}
    for one in sorted({*held, *told}) if number is None else [number]:
        if wrong := _fault(one, held.get(one), told[one], said, restores):
            return wrong
    return None


def _fault(
    number: int,
    signal: Signal | None,
    entries: list[Entry],
    said: Callable[[Signal, Step], Said],
    restores: Restores,
) -> str | None:
    if signal is not None and not signal.is_intact():
        return f"The copy of what was seen when signal {number} was opened was changed."
    if signal is not None and not signal.steps and not entries:
        return f"Signal {number} was put in: no entry of the audit record has it."
    steps = [said(signal, step) for step in signal.steps] if signal else []
    match on_record.difference(steps, entries, restores):
        case place, None:
            return f"Step {place} of signal {number} was put in: no entry of the audit record has it."
        case place, entry:
            return (
                f"Step {place} of signal {number} was changed or removed: entry {entry.number} of the audit record "
                "has it otherwise."
            )
    return None
