"""How a long command ends when it is stopped: what it has begun is cleared away, and there is no traceback."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

import click

#: What DuckDB makes of a signal that arrives within a query, whatever its handler raises.
_INTERRUPTED = "Query interrupted"
_STOPS = (signal.SIGINT, signal.SIGTERM)
_hold: ContextVar[Callable[[], None]] = ContextVar("hold", default=lambda: None)


@contextmanager
def stoppable() -> Iterator[None]:
    """End at SIGTERM as at Ctrl-C, with exit code 143, and at both without a traceback.

    Left to itself SIGTERM ends a process on the spot, and what was copied of a delivery stays until the next import.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    stopped = False

    def stop(number: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        # Who sends it again means at once.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        sys.exit(128 + number)

    # Who has a handler already, as the server, knows better how to end.
    own = signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if own:
        signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except RuntimeError as error:
        if str(error) != _INTERRUPTED:
            raise
        if stopped:
            sys.exit(128 + signal.SIGTERM)
        raise click.Abort from error
    finally:
        if own:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def brought_to_its_end() -> Iterator[None]:
    """From `no_way_back` on, what is done within is done wholly; a stop that came meanwhile counts at its end."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    earlier: dict[signal.Signals, signal._HANDLER] = {}
    came: list[int] = []

    def hold() -> None:
        for number in _STOPS:
            earlier[number] = signal.signal(number, lambda got, _frame: came.append(got))

    token = _hold.set(hold)
    try:
        yield
    finally:
        _hold.reset(token)
        for number, handler in earlier.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def no_way_back() -> None:
    """Say that what is done now takes effect: half of it, or without its record, is worse than a moment's delay."""
    _hold.get()()
