"""Where the facts of an extract are read: in it, from Parquet files on this machine, or by Spark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from dashboard.intake import facts
from dashboard.intake.fact_tables import FACTS, FOLDER, words_of
from dashboard.settings import Settings
from dashboard.spark.session import SparkError, require_extra

if TYPE_CHECKING:
    from dashboard.spark.rows import SparkRows

_READS_FACTS = re.compile(rf"\b(?:from|join)\s+(?:{'|'.join(FACTS)})\b")


class FactReading:
    """How the facts of one extract are read."""

    def __init__(self, path: Path, settings: Settings) -> None:
        """Look where they lie.

        Raises:
            FactsError: the list of them is damaged.
        """
        found = facts.facts_of(path)
        self._folder = found.folder if found else None
        self._here = found is None or found.here
        self._address = settings.spark
        self._rows: SparkRows | None = None

    @property
    def directories(self) -> list[str]:
        """The folders that DuckDB has to read files from."""
        return [str(self._folder)] if self._folder and self._here else []

    def prepare(self, cursor: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
        """Tell a cursor where the files behind the views lie."""
        if self._folder and self._here:
            cursor.execute(f"set variable {FOLDER} = $folder", {"folder": str(self._folder)})
        return cursor

    @property
    def remote(self) -> bool:
        """Whether this machine doesn't see the facts."""
        return not self._here

    def elsewhere(self, sql: str) -> bool:
        """Whether a question is one for Spark: about facts that this machine doesn't see."""
        return not self._here and _READS_FACTS.search(sql) is not None

    def answer(self, cursor: duckdb.DuckDBPyConnection, sql: str, values: dict[str, Any], seconds: float) -> str:
        """Ask Spark; returns what to ask the cursor instead.

        Raises:
            SparkError: it can't be asked or could not answer.
        """
        cursor.register("spark_rows", self._spark(cursor).table(sql, "", values, seconds))
        return "select * from spark_rows"

    def parts(
        self, cursor: duckdb.DuckDBPyConnection, sql: str, order: str, values: dict[str, Any], seconds: float
    ) -> Iterator[str]:
        """As `answer`, in parts; `order` are columns to sort by, where the question relies on the extract's order."""
        for part in self._spark(cursor).parts(sql, order, values, seconds):
            cursor.register("spark_rows", part)
            yield "select * from spark_rows"

    def close(self) -> None:
        """End the session with Spark, if there is one."""
        if self._rows is not None:
            self._rows.close()

    def _spark(self, cursor: duckdb.DuckDBPyConnection) -> SparkRows:
        if self._rows is None:
            if not self._address or not self._folder:
                raise SparkError(
                    f"the single rows of this extract lie in {self._folder}, which this machine does not see. "
                    "An administrator can mount the folder here, or set DASHBOARD_SPARK to the address of the Spark "
                    "Connect server whose workers see it"
                )
            require_extra()
            from dashboard.spark.rows import SparkRows

            self._rows = SparkRows(self._address, self._folder, words_of(cursor))
        return self._rows
