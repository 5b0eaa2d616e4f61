"""Tells whether two extracts say the same: a digest of each table that doesn't depend on the order of its rows."""

from __future__ import annotations

from pathlib import Path

import duckdb

from dashboard.intake.sql import identifier

#: Tables that speak of the delivery and not of the clinic.
OF_THE_DELIVERY = frozenset({"sources", "resources", "rejects", "left_out", "changes", "unknown_names"})
_NAMES_THE_DELIVERY = {
    "extract_info": frozenset({"built_at", "name", "compared_with", "rows_read", "rows_accepted", "rows_rejected"})
}


def digests(extract: Path) -> dict[str, str]:
    """A digest of each table of an extract; equal ones mean equal columns and equal rows, in whatever order.

    The digest holds the columns' names and types, the number of rows, and the sum of the rows' 64-bit
    hashes: it finds differences and is no proof against forgery. Tables that speak of the delivery
    are left out, and so is what extract_info says of it.

    Args:
        extract: the file.

    Raises:
        duckdb.Error: the file is no extract that can be read.
    """
    with duckdb.connect(str(extract), read_only=True) as connection:
        tables = [name for [name] in connection.execute("select table_name from duckdb_tables()").fetchall()]
        return {name: _digest(connection, name) for name in sorted(set(tables) - OF_THE_DELIVERY)}


def _digest(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    left_out = _NAMES_THE_DELIVERY.get(table, frozenset())
    described = connection.execute(f"describe {identifier(table)}").fetchall()
    columns = sorted((name, kind) for name, kind, *_ in described if name not in left_out)
    # A type of words is compared by its words: the same word may have another number in another extract.
    values = [
        f"{identifier(name)}::varchar" if kind.startswith("ENUM") else identifier(name) for name, kind in columns
    ]
    hashed = f"select count(*), coalesce(sum(hash({', '.join(values)})::hugeint), 0) from {identifier(table)}"  # noqa: S608
    [[rows, total]] = connection.execute(hashed).fetchall()
    names = ", ".join(f"{name} {kind}" for name, kind in columns)
    return f"{rows:x}-{total:x}-{_short(connection, names)}"


def _short(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    [[found]] = connection.execute("select hash($text)", {"text": text}).fetchall()
    return f"{found:016x}"


def differing(first: Path, second: Path) -> list[str]:
    """The tables in which two extracts differ, by name; of those that only one of them holds, too.

    Raises:
        duckdb.Error: one of the files is no extract that can be read.
    """
    left, right = digests(first), digests(second)
    return sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name))
