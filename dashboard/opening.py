"""Opens an extract so that nothing asked of it reads or writes anything else."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import duckdb

from dashboard.settings import Settings

#: Two that open one file at once would both lock the instance that they share.
_LOCKING = threading.Lock()


def open_locked(path: Path, spill: Path, settings: Settings, folders: Sequence[str]) -> duckdb.DuckDBPyConnection:
    """A connection that reads the file and, where facts lie elsewhere, what `folders` hold.

    Args:
        path: the extract.
        spill: where DuckDB keeps what doesn't fit into memory.
        settings: say how much memory it takes.
        folders: what it may read besides.

    Raises:
        duckdb.Error: the file cannot be opened.
    """
    connection = duckdb.connect(
        str(path),
        read_only=True,
        config={
            "memory_limit": settings.memory_limit,
            "temp_directory": str(spill),
            "max_temp_directory_size": "10GB",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "python_enable_replacements": "false",
        },
    )
    # Read-only alone still lets a statement read files and COPY … TO.
    # A file that is still open in this process from before is one instance, locked already.
    with _LOCKING:
        if connection.execute("select current_setting('lock_configuration')").fetchone() == (False,):
            if folders:
                connection.execute("set allowed_directories=$folders", {"folders": folders})
            connection.execute("set enable_external_access=false")
            connection.execute("set lock_configuration=true")
    return connection
