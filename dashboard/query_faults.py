"""What can go wrong while an extract is asked: said so that a person can act on it, and stopped in time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import duckdb

from dashboard.spark.session import SparkError, SparkTimeoutError

#: What DuckDB raises when a file can't be read or makes no sense.
_UNREADABLE = (duckdb.IOException, duckdb.FatalException, duckdb.InternalException, duckdb.SerializationException)


class WarehouseError(RuntimeError):
    """The extract cannot be read; the message says what a person can do."""


class QueryTimeoutError(WarehouseError):
    """A query ran past its time and was interrupted."""


#: So often what nobody waits for is told to stop, until it does.
AGAIN_SECONDS = 0.05


@contextmanager
def stopped_when(unwanted: Callable[[], bool], cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Interrupt what the cursor does within the context when it is no longer wanted.

    Again and again, since DuckDB forgets an interrupt that comes before it has begun.
    """
    over = threading.Event()

    def watch() -> None:
        while not over.wait(AGAIN_SECONDS):
            if unwanted():
                cursor.interrupt()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        # The cursor is closed next.
        thread.join()


@contextmanager
def stopped_after(
    seconds: float, cursor: duckdb.DuckDBPyConnection, extract: str, damaged: Callable[[], None]
) -> Iterator[None]:
    """Interrupt what the cursor does within the context once its time is over.

    Args:
        seconds: how long it may take.
        cursor: on which it runs.
        extract: the name of the file that it reads.
        damaged: called where that file can't be read.

    Raises:
        QueryTimeoutError: it took longer.
        WarehouseError: it took too much memory, or the file can't be read.
    """
    timer = threading.Timer(seconds, cursor.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except duckdb.InterruptException as error:
        raise QueryTimeoutError(
            f"this took longer than {seconds:.0f} seconds and was stopped; choose a shorter period or fewer sites"
        ) from error
    except duckdb.OutOfMemoryException as error:
        raise WarehouseError(
            "this takes more memory than DuckDB may use here; choose a shorter period or fewer sites, or let an "
            "administrator raise DASHBOARD_MEMORY_LIMIT"
        ) from error
    except duckdb.Error as error:
        # A block with another checksum is a plain Error of DuckDB's.
        if type(error) is not duckdb.Error and not isinstance(error, _UNREADABLE):
            raise
        damaged()
        raise WarehouseError(
            f"the extract {extract} could not be read; load the page again. If this stays, import the "
            "delivery again, or go back to an earlier extract: dashboard extracts list"
        ) from error
    finally:
        timer.cancel()
        # It holds the cursor, which is closed next; and a thread that outlives the process's last query
        # keeps DuckDB's module alive, of which it then complains on the terminal.
        timer.join()


@contextmanager
def spark_told() -> Iterator[None]:
    """Say what goes wrong in Spark as it is said of the extract."""
    try:
        yield
    except SparkTimeoutError as error:
        raise QueryTimeoutError(str(error)) from error
    except SparkError as error:
        raise WarehouseError(str(error)) from error
