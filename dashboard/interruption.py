"""How a long command ends when it is stopped: what it has begun is cleared away, and there is no traceback."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType

#: What DuckDB makes of a signal that arrives within a query, whatever its handler raises.
_INTERRUPTED = "Query interrupted"
_STOPS = (signal.SIGINT, signal.SIGTERM)
#: Set once something that the command does has taken effect.
_effect = threading.Event()
_hold: ContextVar[Callable[[], None]] = ContextVar("hold", default=lambda: None)


def end_at_once() -> None:
    """From here on a stop ends the process on the spot, outside of what is `stoppable`: nothing is begun there."""
    for number in _ours():
        signal.signal(number, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)


def _ours() -> list[signal.Signals]:
    """The stops that nobody else has seen to: who has, as the server, knows better how to end; others are ignored."""
    return [n for n in _STOPS if signal.getsignal(n) in (signal.SIG_DFL, signal.default_int_handler, _end)]


@contextmanager
def stoppable() -> Iterator[None]:
    """End at Ctrl-C with exit code 130 and at SIGTERM with 143, without a traceback, and clear away what was begun.

    Left to itself SIGTERM ends a process on the spot, and what was copied of a delivery stays until the next import.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came = signal.SIGINT
    _effect.clear()

    def stop(number: int, _frame: FrameType | None) -> None:
        nonlocal came
        came = signal.Signals(number)
        # Who sends it again means at once.
        signal.signal(number, _end)
        if came is signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + number)

    earlier = {number: signal.signal(number, stop) for number in _ours()}
    try:
        yield
    except (KeyboardInterrupt, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not is_stop(error):
            raise
        if sys.stderr.isatty():
            print(file=sys.stderr)  # behind a bar of progress, or the terminal's ^C
        sys.exit(128 + came)
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def is_stop(error: Exception) -> bool:
    """Whether an error is what became of a stop that came within a query."""
    return isinstance(error, RuntimeError) and str(error) == _INTERRUPTED


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
    took_effect()


def took_effect() -> None:
    """Say that something was changed which stays changed if the command fails from here on."""
    _effect.set()


def has_taken_effect() -> bool:
    """Whether anything was changed since the command began."""
    return _effect.is_set()
