"""The ENUM types of an extract made those of a delivery's reference tables."""

from __future__ import annotations

import duckdb

from dashboard.intake.sql import identifier, literal, statements

#: Types whose words are rows of reference tables that may get more; columns of a type have its name at their end.
_TYPES = ("site", "service", "line")


def widen(connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
    """Give the types of a database the words of the default database's, in their order; its own are among them.

    Only the columns whose type has other words are written anew.

    Args:
        connection: with both databases.
        catalog: the database.
    """
    for name in _TYPES:
        now, past = (_type(connection, where, name) for where in (None, catalog))
        if now == past:
            continue
        values = {"catalog": catalog, "name": name, "type": past}
        for table, column in connection.execute(statements("add/columns")[0], values).fetchall():
            connection.execute(
                f"alter table {catalog}.{identifier(table)} alter column {identifier(column)} type {now}"
            )
        connection.execute(f"drop type {catalog}.{name}")
        connection.execute(f"create type {catalog}.{name} as {now}")


def _type(connection: duckdb.DuckDBPyConnection, catalog: str | None, name: str) -> str:
    """A type as it is written, with its words quoted."""
    where = f"{catalog}." if catalog else ""
    [[words]] = connection.execute(f"select enum_range(null::{where}{name})").fetchall()
    return f"ENUM({', '.join(map(literal, words))})"
