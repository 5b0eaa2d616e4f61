"""Builds the cubes of an extract in Spark, from facts that it reads as Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from dashboard.intake.fact_tables import FACTS, write_facts, write_tables
from dashboard.intake.sql import identifier, parameters, statements
from dashboard.spark import dialect
from dashboard.spark.session import Spark

#: What the cubes need beside the facts.
REFERENCE = ("services", "service_prices")


class SparkCubes:
    """Runs files of queries/build in Spark and takes what they make into the extract."""

    def __init__(self, spark: Spark, folder: Path) -> None:
        self._spark = spark
        self._folder = folder
        self._seen = False

    def __call__(self, connection: duckdb.DuckDBPyConnection, name: str, values: dict[str, Any]) -> None:
        """Run the statements of queries/build/NAME.sql.

        The first call writes the facts, which the database must have built by then.

        Raises:
            SparkError: Spark could not.
        """
        if not self._seen:
            write_facts(connection, self._folder)
            write_tables(connection, list(REFERENCE), self._folder)
            self._spark.see(self._folder, [*FACTS, *REFERENCE])
            self._seen = True
        for sql in statements(name):
            self._run(connection, sql, {key: values[key] for key in parameters(sql)})

    def _run(self, connection: duckdb.DuckDBPyConnection, sql: str, values: dict[str, Any]) -> None:
        found = dialect.statement(sql)
        if found.drops:
            connection.execute(sql)
            self._spark.forget(found.drops)
            return
        # Without rows, DuckDB makes the table with the types that it would give it.
        connection.execute(f"{sql} with no data", values)
        if found.staged:
            self._spark.keep(found.makes, found.sql, values)
            return
        table = identifier(found.makes)
        columns = connection.execute(f"describe {table}").fetchall()
        typed = ", ".join(f"{identifier(column[0])}::{column[1]} as {identifier(column[0])}" for column in columns)
        rows = self._spark.ask(found.sql, values)
        connection.register("spark_rows", rows)
        try:
            # ENUMs sort in their own order, so they come first.
            connection.execute(
                f"insert into {table} select * from (select {typed} from spark_rows) order by {found.order}"  # noqa: S608
            )
        finally:
            connection.unregister("spark_rows")
