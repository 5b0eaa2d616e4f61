"""Answers questions about facts that lie where only Spark's workers see them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from dashboard.intake.fact_tables import BESIDE, FACTS
from dashboard.spark import dialect
from dashboard.spark.cubes import REFERENCE
from dashboard.spark.session import Spark, SparkError

Answer = TypeVar("Answer")


class SparkRows:
    """Questions of queries/ about one extract, asked of Spark in one session. Thread-safe."""

    def __init__(self, address: str, folder: Path, words: Mapping[str, Sequence[str]]) -> None:
        """Keep what is needed; the connection is made at the first question.

        Args:
            address: of the Spark Connect server.
            folder: of the extract's facts, as its workers name it.
            words: of each ENUM type in order.
        """
        self._address = address
        self._folder = folder
        self._spark: Spark | None = None
        self._lock = threading.Lock()
        self._written = lru_cache(maxsize=256)(lambda sql, order: dialect.question(sql, words, order))

    def table(self, sql: str, order: str, values: dict[str, Any], seconds: float) -> Any:
        """The answer to a question as an Arrow table, its rows in DuckDB's order.

        Args:
            sql: in DuckDB's dialect.
            order: columns to sort by, where the question itself relies on the order of the extract.
            values: what it binds.
            seconds: after which it is stopped.

        Raises:
            SparkTimeoutError: it took longer.
            SparkError: Spark can't be reached or could not answer.
        """
        return self._tried(lambda spark: spark.ask(self._written(sql, order), values, seconds))

    def parts(self, sql: str, order: str, values: dict[str, Any], seconds: float) -> Iterator[Any]:
        """As `table`, in parts of a bounded size; `seconds` count for each."""
        first, rest = self._tried(lambda spark: spark.begin(self._written(sql, order), values, seconds))
        if first is not None:
            yield first
            yield from rest

    def close(self) -> None:
        """End the session."""
        with self._lock:
            if self._spark is not None:
                self._spark.close()
                self._spark = None

    def _tried(self, ask: Callable[[Spark], Answer]) -> Answer:
        """Ask; once more with a new session where the server has ended this one, as it does after an hour's rest."""
        spark = self._connected()
        try:
            return ask(spark)
        except SparkError as error:
            if not spark.was_ended(error):
                raise
        with self._lock:
            if self._spark is spark:
                self._spark = None
        return ask(self._connected())

    def _connected(self) -> Spark:
        with self._lock:
            if self._spark is None:
                spark = Spark(self._address)
                spark.see(self._folder, [*FACTS, *BESIDE, *REFERENCE])
                self._spark = spark
            return self._spark
