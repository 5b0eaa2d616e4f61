"""What people would wait for is worked out before they come: at the start, and whenever an extract was published."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dashboard.serving.stopping import LAST_SECONDS
from dashboard.state import Store

if TYPE_CHECKING:
    from dashboard.warehouse import Warehouse

log = logging.getLogger(__name__)

#: How often it looks whether another extract was published, or the one in use was damaged.
EVERY_SECONDS = 1.0


@contextmanager
def tended(store: Store, ready: Callable[[], None]) -> Iterator[None]:
    """While the server runs, in a thread of its own; `ready` is called when a first visitor has nothing to wait for.

    In the end the thread is over: one that is inside a query when the interpreter ends takes the process down.
    """
    over = threading.Event()
    thread = threading.Thread(target=_tend, args=(store, ready, over), name="warm-up", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        _end(thread)
        # The interpreter's last collection passes over what the warm-up has set aside; DuckDB then tells of leaks.
        gc.unfreeze()


def _end(thread: threading.Thread) -> None:
    # Imported for seconds; where it wasn't yet, nothing is asked.
    from dashboard.shelf import shelf

    for _ in range(int(LAST_SECONDS / 0.05)):
        # Again and again: one that is only about to begin is not interrupted.
        shelf().interrupt()
        thread.join(0.05)
        if not thread.is_alive():
            return
    log.warning("what was being worked out did not end in %.0f seconds", LAST_SECONDS)


def _tend(store: Store, ready: Callable[[], None], over: threading.Event) -> None:
    # Imported here, beside the login page: it takes seconds.
    from dashboard import warmup
    from dashboard.ahead import ahead
    from dashboard.query_faults import WarehouseError
    from dashboard.shelf import shelf

    # Whoever comes while Signals is still being worked out has wishes, too.
    ahead().begin()
    known: Warehouse | None = None
    told = ""
    while True:
        try:
            house = shelf().look()
            if house is not known:
                known = house
                for step in warmup.steps(house, store):
                    if step == warmup.READY:
                        ready()
                    if over.is_set():
                        return
        except WarehouseError as error:
            if str(error) != told and not over.is_set():
                log.warning("no extract can be worked out for the first visitor: %s", error)
            told = str(error)
        except Exception:
            # Left to the pages, which say what is wrong.
            log.exception("the warm-up failed")
        ready()
        _between(known, over)
        if over.is_set():
            return


def _between(house: Warehouse | None, over: threading.Event) -> None:
    """Until it is time to look again, what people may choose next is worked out."""
    from dashboard.ahead import ahead

    end = time.monotonic() + EVERY_SECONDS
    try:
        ahead().work(house, EVERY_SECONDS, over)
    except Exception:
        # Left to the pages, too; wishes come again with them.
        log.exception("what people may choose next could not be worked out")
    over.wait(max(end - time.monotonic(), 0))
