"""How the server ends: it is taken out of rotation, lets files finish, closes pages, and is gone in a known time."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from dashboard.settings import Settings

#: What may still take its time once all answers are sent: a last query, what is worked out ahead, the end itself.
LAST_SECONDS = 5.0


def exit_on_sigterm() -> None:
    """End the process with exit code 0 at SIGTERM; what hangs then is left behind."""
    signal.signal(signal.SIGTERM, _exit)


def _exit(_signal: int, _frame: FrameType | None) -> None:
    last = threading.Timer(LAST_SECONDS, os._exit, [0])
    last.daemon = True
    last.start()
    sys.exit(0)


def running_server() -> uvicorn.Server | None:
    """The server of this process, or None where something else serves. Asked in its main thread.

    Streamlit makes it and keeps it to itself; while it runs, the handler of signals is its method.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return server if isinstance(server, uvicorn.Server) else None


@contextmanager
def graceful(settings: Settings, begin: Callable[[], None]) -> Iterator[None]:
    """While the server runs: at SIGTERM call `begin`, wait for the load balancer, then stop.

    Entered in uvicorn's main thread, once its own handlers of signals are there. After
    `drain_seconds` no connection is accepted, websockets are closed with code 1012, and answers
    under way have `stop_seconds` to end.
    """
    server = running_server()
    stop = signal.getsignal(signal.SIGTERM)
    if server is None or not callable(stop):
        yield  # what serves instead has ways of its own
        return
    server.config.timeout_graceful_shutdown = settings.stop_seconds  # type: ignore[assignment]
    loop = asyncio.get_running_loop()

    def drain(number: int, frame: FrameType | None) -> None:
        begin()
        loop.call_soon_threadsafe(loop.call_later, settings.drain_seconds, stop, number, frame)

    signal.signal(signal.SIGTERM, drain)
    yield
