"""Ports for servers that tests start."""

from __future__ import annotations

import os
import socket
from itertools import cycle

#: Below those that systems give to clients, of which one may be taken as soon as a server that tests stop leaves it.
_FIRST, _EACH, _WORKERS = 20_000, 600, 16
_OWN = int(os.environ.get("PYTEST_XDIST_WORKER", f"gw{os.getpid() % _WORKERS}").removeprefix("gw")) % _WORKERS
_NUMBERS = cycle(range(_FIRST + _OWN * _EACH, _FIRST + (_OWN + 1) * _EACH))


def free_port() -> int:
    """One on which nothing listens and that no other test process uses; the same again only after all others."""
    for port in _NUMBERS:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("numbers never end")
