"""The database in which an extract is built: what memory it may use, and its faults as a person is told of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import duckdb

from dashboard.intake.build import into
from dashboard.intake.contract import DeliveryError, StorageError
from dashboard.intake.sql import STAGED, literal, told

#: So many records are staged in memory, from where they spill as they are. Of a table in memory some of each block of
#: rows never leaves it (its flags and words by number), so that more need a file: which takes longer to write, being
#: compressed.
_STAGED_IN_MEMORY = 5_000_000
#: What DuckDB may use for so many records, and for more: every sort and join of many comes to the limit, and there is
#: more beside it that DuckDB doesn't count. Ten million bookings are to stay below 1 GB.
_MEMORY_LIMIT, _MEMORY_LIMIT_OF_MANY = "672MB", "560MB"

#: What DuckDB raises for want of space or memory, or when a write fails under it.
_MACHINE = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.TransactionException,
    duckdb.FatalException,
)


@contextlib.contextmanager
def database(path: Path, work: Path, memory_limit: str | None, records: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a database, and beside it one for rows on their way into it."""
    many = records > _STAGED_IN_MEMORY
    connection = duckdb.connect(
        str(path),
        config={
            "memory_limit": memory_limit or (_MEMORY_LIMIT_OF_MANY if many else _MEMORY_LIMIT),
            "temp_directory": str(work / "spill"),
            "preserve_insertion_order": "true",
            # It turns lists of words into joins, behind which rows are read in any order and lose their lines.
            "disabled_optimizers": "in_clause",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    staged = str(work / "staged.duckdb") if many else ":memory:"
    try:
        [[catalog]] = connection.execute("select current_catalog()").fetchall()
        connection.execute(f"attach {literal(staged)} as {STAGED}")
        into(connection, catalog)
        yield connection
        connection.execute("checkpoint")
    finally:
        connection.close()


@contextlib.contextmanager
def faults_told() -> Iterator[None]:
    """What DuckDB raises, as what a person can do something about."""
    try:
        yield
    except _MACHINE as error:
        raise StorageError(
            f"the extract could not be built: {told(error)}; the extract in use stays. "
            "Check free space and memory, then import again"
        ) from error
    except duckdb.Error as error:
        raise DeliveryError(
            f"the extract could not be built: {told(error)}; the extract in use stays. Please report this"
        ) from error
