"""Writes in a thread of its own what nobody should wait for, in order and several at once."""

from __future__ import annotations

import atexit
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

log = logging.getLogger(__name__)

WAITING = 2_000
TOGETHER = 200
RETRY_SECONDS = 1.0
PATIENCE_SECONDS = 5.0
LAST_SECONDS = 10.0


class Later:
    """A queue in front of `write`, which takes a list of items. What fails is tried again.

    Where too much waits, `put` waits too, and then refuses: nothing is dropped in silence.
    """

    def __init__(self, write: Callable[[Sequence[Any]], None]) -> None:
        self._write = write
        self._queue: queue.Queue[Any] = queue.Queue(WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._deadline: float | None = None

    def put(self, item: object) -> None:
        """Leave an item to be written soon.

        Raises:
            TimeoutError: too much is waiting already, and none of it can be written.
        """
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="write-later", daemon=True)
                self._thread.start()
                atexit.register(self.close)
        try:
            self._queue.put(item, timeout=PATIENCE_SECONDS)
        except queue.Full:
            raise TimeoutError("what is done here can't be recorded; see the server's log") from None

    def flush(self) -> None:
        """Wait until everything that was put is written."""
        self._queue.join()

    def close(self) -> None:
        """Write what is waiting, for ten seconds at most, and end the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            atexit.unregister(self.close)
            self._deadline = time.monotonic() + LAST_SECONDS
            self._queue.put(None)
            thread.join(LAST_SECONDS)
            self._deadline = None

    def _run(self) -> None:
        going = True
        while going:
            items = [self._queue.get()]
            while len(items) < TOGETHER and not self._queue.empty():
                items.append(self._queue.get())
            going = None not in items
            if wanted := [item for item in items if item is not None]:
                self._persist(wanted)
            for _ in items:
                self._queue.task_done()

    def _persist(self, items: list[Any]) -> None:
        while True:
            try:
                self._write(items)
            except Exception:
                log.exception("%d entries could not be written; trying again", len(items))
                if self._deadline is not None and time.monotonic() > self._deadline:
                    return
                time.sleep(RETRY_SECONDS)
            else:
                return
