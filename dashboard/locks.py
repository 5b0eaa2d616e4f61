"""One process at a time: a lock file, which the system frees when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dashboard import folders


@contextmanager
def alone(file: Path, waits: Callable[[], None]) -> Iterator[None]:
    """Hold a lock file, made if need be; `waits` is called before another holder is waited for.

    Raises:
        OSError: the file cannot be made or opened.
    """
    with open(file, "a", opener=folders.opened) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waits()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
