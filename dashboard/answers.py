"""What was worked out of an extract, while it is among the last that was asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from dashboard.serving import instruments

Made = TypeVar("Made")


class Answers:
    """The last `most` answers. Thread-safe; two who ask for one at once may both work it out."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: OrderedDict[Hashable, Any] = OrderedDict()
        self._lock = threading.Lock()
        self._unasked = threading.local()

    def kept(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` gives, made once while its key is among the last used."""
        ahead = getattr(self._unasked, "now", False)
        with self._lock:
            found: Made | None = self._found.get(key)
            if found is not None and not ahead:
                self._found.move_to_end(key)
        if found is None:
            instruments.QUERIES.labels("ahead" if ahead else "made").inc()
            found = make()
            with self._lock:
                self._found[key] = found
                if ahead:
                    self._found.move_to_end(key, last=False)
                while len(self._found) > self._most:
                    self._found.popitem(last=False)
        elif not ahead:
            instruments.QUERIES.labels("kept").inc()
        return found

    @contextmanager
    def unasked(self) -> Iterator[None]:
        """Within it this thread works out what nobody has asked for yet: of all that is kept it is dropped first."""
        self._unasked.now = True
        try:
            yield
        finally:
            self._unasked.now = False

    def forget(self) -> None:
        """Drop everything."""
        with self._lock:
            self._found.clear()
