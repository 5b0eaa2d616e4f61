"""Facts as Parquet: written from the tables of the build, read through views of the same names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import duckdb

from dashboard.intake.sql import identifier, literal

#: The facts, each with the date that it is sorted by and whose month names its files.
FACTS: Mapping[str, str] = {
    "bookings": "starts_on",
    "side_effects": "starts_on",
    "payments": "paid_on",
    "scores": "taken_on",
}
#: What questions about facts ask for beside them, and services: of Spark, where it answers.
BESIDE = ("daily", "daily_effects")
#: Columns that hold an ENUM, with its type: Parquet keeps words, and words sort by their letters.
ENUMS: Mapping[str, str] = {
    "site": "site",
    "visit_site": "site",
    "service": "service",
    "line": "line",
    "status": "status",
    "band": "band",
    "effect": "effect",
    "severity": "severity",
    "supervision": "supervision",
    "mental_health_provider": "yes_no",
}
#: The variable that holds the folder of the facts: an extract doesn't know where it will lie.
FOLDER = "facts_folder"


def write_facts(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Write the facts, each month of a table to a file of its own, in the order of the extract.

    Files sort by month and rows within them as in the table, so that reading the files by name gives the
    extract's order. A month whose rows were all of one site would hold no more to skip: groups of rows are sorted by
    date and site already.

    Args:
        connection: on the database that has built them.
        folder: becomes TABLE/YYYY-MM.parquet; a table without rows gets one empty file.
    """
    for table, date in FACTS.items():
        (folder / table).mkdir(mode=0o750)
        found = connection.execute(
            f"select distinct date_trunc('month', {date})::date as month from {table} order by month"  # noqa: S608
        ).fetchall()
        # Without any row the file still tells the columns.
        months = [month for (month,) in found] or [dt.date(1990, 1, 1)]
        for month in months:
            following = (month + dt.timedelta(days=31)).replace(day=1)
            _copy(
                connection,
                f"from {table} where {date} >= date '{month}' and {date} < date '{following}'",
                folder / table / f"{month:%Y-%m}.parquet",
            )


def write_tables(connection: duckdb.DuckDBPyConnection, tables: list[str], folder: Path) -> None:
    """Write small tables beside the facts, one file each, for questions that need both."""
    for table in tables:
        (folder / table).mkdir(mode=0o750)
        _copy(connection, f"from {identifier(table)}", folder / table / "all.parquet")


def set_apart(built: Path, final: Path, folder: Path) -> None:
    """Make of an extract with facts one whose facts are views of the Parquet files in `folder`.

    Args:
        built: the extract with facts; it stays.
        final: the file to be made.
        folder: the facts, as `write_facts` wrote them.
    """
    with duckdb.connect(str(final)) as connection:
        connection.execute(f"set variable {FOLDER} = $folder", {"folder": str(folder)})
        connection.execute(f"attach {literal(str(built))} as built (read_only)")
        for name, words in words_of(connection, "built").items():
            listed = ", ".join(map(literal, words))
            connection.execute(f"create type {identifier(name)} as enum ({listed})")
        for table, columns in _columns(connection, "built").items():
            if table in FACTS:
                selected = ", ".join(_typed(column) for column in columns)
                connection.execute(
                    f"create view {table} as select {selected} from "  # noqa: S608
                    f"read_parquet(getvariable('{FOLDER}') || '/{table}/*.parquet', hive_partitioning=false)"
                )
            else:
                connection.execute(f"create table {identifier(table)} as from built.{identifier(table)}")
        connection.execute("detach built")
        connection.execute("checkpoint")


def words_of(connection: duckdb.DuckDBPyConnection, database: str | None = None) -> dict[str, list[str]]:
    """The ENUM types of a database with their words in order."""
    found = connection.execute(
        "select type_name, labels from duckdb_types() where logical_type = 'ENUM' and not internal "
        "and database_name = coalesce($database, current_database())",
        {"database": database},
    ).fetchall()
    return {name: list(labels) for name, labels in found}


def _columns(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[str]]:
    """The tables of a database with their columns in order."""
    found = connection.execute(
        "select tables.table_name, list(column_name order by column_index) "
        "from duckdb_tables() as tables inner join duckdb_columns() as columns "
        "using (database_name, schema_name, table_name) "
        "where database_name = $database and not tables.temporary group by tables.table_name, tables.table_oid "
        "order by tables.table_oid",
        {"database": database},
    ).fetchall()
    return {name: list(columns) for name, columns in found}


def _typed(column: str) -> str:
    kind = ENUMS.get(column)
    return f"{column}::{kind} as {column}" if kind else column


def _copy(connection: duckdb.DuckDBPyConnection, rows: str, path: Path) -> None:
    connection.execute(f"copy ({rows}) to {literal(str(path))} (format parquet, compression zstd)")
