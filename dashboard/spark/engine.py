"""An import whose cubes Spark builds and whose facts are kept as Parquet: what it does beside the usual import."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

from dashboard.intake import facts
from dashboard.intake.fact_tables import BESIDE, set_apart, write_tables
from dashboard.spark.cubes import SparkCubes
from dashboard.spark.session import Spark


class SparkBuild:
    """The part of one import that isn't DuckDB's alone. What wasn't published is removed at the end."""

    def __init__(self, address: str, root: Path | None = None) -> None:
        """Connect, so that a missing server is told before anything is read.

        Args:
            address: of the Spark Connect server, sc://host:port.
            root: the folder for facts, under the same path on this machine and on Spark's workers; None for the
                folder of the extracts.

        Raises:
            SparkError: there is no server to work with.
        """
        self._spark = Spark(address)
        self._root = root
        self._final: Path | None = None
        self._cubes: SparkCubes | None = None
        self._folder = Path()

    def begin(self, final: Path) -> None:
        """Make room for the facts of the extract that will lie at `final`.

        Raises:
            OSError: the folder cannot be made.
        """
        self._final = final
        self._folder = facts.begin(final, self._root).folder
        self._cubes = SparkCubes(self._spark, self._folder)

    def cubes(self, connection: duckdb.DuckDBPyConnection, name: str, values: dict[str, Any]) -> None:
        """Build what queries/build/NAME.sql makes; see SparkCubes."""
        if self._cubes is None:
            raise RuntimeError("begin() comes first")
        self._cubes(connection, name, values)

    def finish(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Write beside the facts what questions about them ask for, too."""
        write_tables(connection, list(BESIDE), self._folder)

    def set_apart(self, built: Path) -> Path:
        """The extract without its facts, of the same name, in a folder beside `built`."""
        folder = built.parent / "apart"
        folder.mkdir()
        set_apart(built, folder / built.name, self._folder)
        return folder / built.name

    def seal(self) -> str:
        """List the facts for the card; returns the digest of the list."""
        if self._final is None:
            raise RuntimeError("begin() comes first")
        return facts.finish(self._final, self._folder)

    def __enter__(self) -> SparkBuild:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._final is not None and not self._final.exists():
            facts.remove(self._final)
        self._spark.close()
