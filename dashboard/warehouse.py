"""One open extract: answers the questions in queries/*.sql, within what the viewer may see."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from dashboard import access, additive, folders
from dashboard.answers import Answers, Made
from dashboard.catalogue import Catalogue, read
from dashboard.fact_reading import FactReading
from dashboard.frames import as_text, frame_of
from dashboard.intake import facts, pointer
from dashboard.marks import Mark
from dashboard.opening import open_locked
from dashboard.queries import Query, queries
from dashboard.query_faults import QueryTimeoutError, WarehouseError, spark_told, stopped_after, stopped_when
from dashboard.serving import instruments
from dashboard.settings import QUERIES, Settings
from dashboard.small_counts import SmallCounts
from dashboard.stamps import stamp_of

CACHED_RESULTS = 4096
PART_VECTORS = 20  # of 2,048 rows each
BATCH_ROWS = PART_VECTORS * 2_048


def _pairs(bound: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The values of a question as part of a key."""
    return sorted((name, tuple(value) if isinstance(value, list) else value) for name, value in bound.items())


class Warehouse:
    """One open extract. Thread-safe: every query runs on a cursor of its own."""

    def __init__(self, path: Path, settings: Settings) -> None:
        self.path = path
        self.damaged = False
        self._seen = stamp_of(path)
        #: Where files that are too large for memory may lie for a while.
        self.spill = settings.data / "spill"
        #: What an Excel file of its rows takes.
        self.workbook_cells = settings.workbook_cells
        self._seconds = settings.query_seconds
        self._file_seconds = settings.export_seconds
        self._small_cells = settings.small_cells
        self.answers = Answers(CACHED_RESULTS)
        self._lock = threading.Lock()
        self._statements: dict[str, duckdb.Statement] = {}
        self._running: set[duckdb.DuckDBPyConnection] = set()
        self._ahead: int | None = None
        #: Whether what is asked ahead is unwanted by now.
        self.gives_way = False
        folders.make(self.spill)
        folders.clear(self.spill)
        try:
            self._facts = FactReading(path, settings)
        except facts.FactsError as error:
            raise WarehouseError(f"{error}; import the delivery again") from error
        try:
            self._connection = open_locked(path, self.spill, settings, self._facts.directories)
        except duckdb.Error as error:
            raise WarehouseError(
                f"the extract {path.name} cannot be opened ({error}); import the delivery again"
            ) from error
        self.catalogue = self._read_catalogue()
        self.small_counts = SmallCounts(self.catalogue, self._small_question, settings.small_cell_limit)

    @property
    def sha256(self) -> str | None:
        """The extract's digest as it was published, or None where nothing says."""
        return next((one.sha256 for one in pointer.published(self.path.parent) if one.name == self.path.name), None)

    def ping(self) -> None:
        """Read something, to find out whether the extract can still be read.

        Raises:
            WarehouseError: it cannot.
        """
        try:
            self._run(queries()["extract_info"].sql, {})
        except duckdb.Error as error:
            raise WarehouseError(f"{self.path.name} cannot be read; import the delivery again") from error

    def changed(self) -> bool:
        """Whether its file was written to, replaced or removed since this was last asked, or it was opened."""
        seen, self._seen = self._seen, stamp_of(self.path)
        return seen != self._seen

    def interrupt(self) -> None:
        """Stop the queries under way; who asked for them is told that it took too long."""
        with self._lock:
            for cursor in self._running:
                cursor.interrupt()

    @contextmanager
    def ahead(self) -> Iterator[None]:
        """Within it this thread, one at a time, asks for what nobody waits for.

        `give_way` stops it, and of what is kept its answers are the first to be dropped.
        """
        self._ahead, self.gives_way = threading.get_ident(), False
        try:
            with self.answers.unasked():
                yield
        finally:
            self._ahead = None

    def give_way(self) -> None:
        """Stop what is asked ahead, if anything is: that, and what it asks next, fails with QueryTimeoutError."""
        self.gives_way = True

    @property
    def facts_elsewhere(self) -> bool:
        """Whether questions about single bookings go to Spark."""
        return self._facts.remote

    def close(self) -> None:
        """Close the connection; queries under way fail."""
        self._connection.close()
        self._facts.close()

    def query(self, viewer: access.Viewer, name: str, **values: Any) -> pd.DataFrame:
        """Answer the question `name` with what the viewer may see.

        `sites` (a sequence of site keys, or absent for all that the viewer may see) is always
        cut down to the viewer's sites here, so that no page can forget it. So are small counts of
        side effects hidden here from roles that may not see them: NaN in the columns that the
        query hides.

        Returns:
            A frame of the caller's own; ENUM columns as text.

        Raises:
            AccessDeniedError: none of the query's resources is open to the viewer, or a site
                was asked for that isn't.
            WarehouseError: unknown query, missing or excess values, or one for `at_level`.
            QueryTimeoutError: it took longer than the settings allow.
        """
        query, bound = self._admit(viewer, name, values)
        if query.levels:
            raise WarehouseError(f"query {name}: answers at several levels; ask for one of them")
        return self._answer("query", viewer, query, bound, lambda: self._timed(query, bound, frame_of))

    def added_up(self, viewer: access.Viewer, name: str, fine: tuple[str, ...], **values: Any) -> pd.DataFrame:
        """As `query`, of additive columns by dimensions that are among `fine`.

        They are added up from rows by all of `fine`, which are asked for once, whatever they are wanted by and
        whoever asks. What is hidden from the viewer is so after that: each cell is decided by itself.
        """
        query, bound = self._admit(viewer, name, values)
        finer = bound | {"by": list(fine)}

        def asked() -> additive.Columns:
            return self._timed(query, finer, additive.columns_of)

        def made() -> pd.DataFrame:
            return additive.added_up(self.kept(("finer", name, *_pairs(finer)), asked), values["by"], fine)

        return self._answer("added up", viewer, query, bound, made)

    def at_level(self, viewer: access.Viewer, name: str, by: Sequence[str], **values: Any) -> pd.DataFrame:
        """As `query`, the rows by the dimensions named of an answer that has them by several, each at its level.

        By what else the answer has rows (side effect), these are by, too. What is hidden from the viewer is decided
        for them, since at a level every combination must have one.
        """
        query, bound = self._admit(viewer, name, values)
        found = self.kept(("levels", name, *_pairs(bound)), lambda: self._timed(query, bound, frame_of))
        every = [*by, *additive.beside_levels(found.columns)]
        return self._answer("at level", viewer, query, bound | {"by": every}, lambda: additive.at_level(found, by))

    def _answer(
        self,
        how: str,
        viewer: access.Viewer,
        query: Query,
        bound: dict[str, Any],
        made: Callable[[], pd.DataFrame],
    ) -> pd.DataFrame:
        """What was made, once for all who are shown the same of it."""
        hidden = query.hides if self.hides_small_counts(viewer) else ()

        def shown() -> pd.DataFrame:
            return self.small_counts.hide(made(), hidden, bound) if hidden else made()

        return self.remembered((how, query.name, hidden, *_pairs(bound)), shown)

    def _timed(self, query: Query, bound: dict[str, Any], take: Callable[[duckdb.DuckDBPyConnection], Made]) -> Made:
        with instruments.QUERY_SECONDS.labels(query.name).time():
            return self._taken(query.sql, bound, take)

    def hides_small_counts(self, viewer: access.Viewer) -> bool:
        """Whether this viewer is shown no small counts of side effects."""
        return not access.limited(viewer, self._small_cells).small_counts

    def remembered(self, key: tuple[Any, ...], make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """As `kept`, of frames: each caller gets one of its own."""
        # pandas copies on write, so a shallow copy is the caller's own.
        return self.kept(key, make).copy(deep=False)

    def kept(self, key: tuple[Any, ...], make: Callable[[], Made]) -> Made:
        """What `make` gives, made once while its key is among the last used of this extract.

        `key` must hold all that it depends on, the viewer's rights among it.
        """
        return self.answers.kept(key, make)

    def decide_small_counts(self) -> Iterator[str]:
        """Decide for each site in turn what is shown, where it is hidden from anybody at all; takes seconds."""
        if self._small_cells:
            for site in self.catalogue.sites:
                self.small_counts.site(site)
                yield site

    def stream(self, viewer: access.Viewer, name: str, **values: Any) -> Iterator[pd.DataFrame]:
        """As `query`, in parts of a bounded size and not kept: for row-level files."""
        query, bound = self._admit(viewer, name, values)
        if query.hides and self.hides_small_counts(viewer):
            raise access.AccessDeniedError(f"not open to this account in rows: {name}")
        cursor = self._cursor()
        try:
            for sql, asked in self._asked(cursor, query, bound, self._seconds):
                with self._stopped(cursor):
                    cursor.execute(sql, asked)
                while True:
                    # Timed part by part: how fast the other side reads isn't the query's fault.
                    with self._stopped(cursor):
                        part = cursor.fetch_df_chunk(PART_VECTORS)
                    if not len(part):
                        break
                    yield as_text(part)
        finally:
            cursor.close()

    def batches(
        self, viewer: access.Viewer, name: str, wanted: Sequence[str], **values: Any
    ) -> Iterator[pa.RecordBatch]:
        """As `stream`, as Arrow batches of expressions over the query's columns, for files.

        `wanted` are words of the product, never of a request; they may use the macros of
        queries/export/cells.sql.
        """
        query, bound = self._admit(viewer, name, values)
        if query.hides and self.hides_small_counts(viewer):
            raise access.AccessDeniedError(f"not open to this account in rows: {name}")
        cursor = self._cursor()
        try:
            with self._stopped(cursor, self._file_seconds):
                cursor.execute((QUERIES / "export" / "cells.sql").read_text(encoding="utf-8"))
            for sql, asked in self._asked(cursor, query, bound, self._file_seconds):
                with self._stopped(cursor, self._file_seconds):
                    found = cursor.sql(f"select {', '.join(wanted)} from ({sql})", params=asked)  # noqa: S608
                    reader = found.to_arrow_reader(BATCH_ROWS)
                while True:
                    # Timed part by part: how fast the other side reads isn't the query's fault. The first
                    # may wait for millions of rows to be sorted.
                    with self._stopped(cursor, self._file_seconds):
                        batch = next(reader, None)
                    if batch is None:
                        break
                    yield batch
        finally:
            cursor.close()

    def _asked(
        self, cursor: duckdb.DuckDBPyConnection, query: Query, bound: dict[str, Any], seconds: float
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        """What the cursor is asked, and its values: the query, or each part of what Spark answered to it."""
        if not self._facts.elsewhere(query.sql):
            yield query.sql, bound
            return
        with spark_told():
            for sql in self._facts.parts(cursor, query.sql, query.order, bound, seconds):
                yield sql, {}

    def _cursor(self) -> duckdb.DuckDBPyConnection:
        return self._facts.prepare(self._connection.cursor())

    def _admit(self, viewer: access.Viewer, name: str, values: dict[str, Any]) -> tuple[Query, dict[str, Any]]:
        """The query and the values to bind, or a refusal."""
        query = queries().get(name)
        if query is None:
            raise WarehouseError(f"no such query: {name}")
        viewer = access.limited(viewer, self._small_cells)
        if not any(access.allows(viewer, resource) for resource in query.serves):
            raise access.AccessDeniedError(f"not open to this account: {name}")
        if query.by_site:
            visible = access.allowed_sites(viewer, self.catalogue.sites)
            wanted = tuple(values.get("sites") or visible)
            if foreign := set(wanted) - set(visible):
                raise access.AccessDeniedError(f"not open to this account: {name} at {', '.join(sorted(foreign))}")
            values = values | {"sites": wanted}
        if values.keys() != query.parameters:
            missing = ", ".join(sorted(query.parameters - values.keys())) or "none"
            excess = ", ".join(sorted(values.keys() - query.parameters)) or "none"
            raise WarehouseError(f"query {name}: missing values: {missing}; excess: {excess}")
        return query, {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    def _run(self, sql: str, values: dict[str, Any]) -> pd.DataFrame:
        return self._taken(sql, values, frame_of)

    def _taken(self, sql: str, values: dict[str, Any], take: Callable[[duckdb.DuckDBPyConnection], Made]) -> Made:
        cursor = self._cursor()
        try:
            if self._facts.elsewhere(sql):
                with spark_told():
                    sql, values = self._facts.answer(cursor, sql, values, self._seconds), {}
            with self._stopped(cursor):
                return take(cursor.execute(self._parsed(cursor, sql), values))
        finally:
            cursor.close()

    def _parsed(self, cursor: duckdb.DuckDBPyConnection, sql: str) -> str | duckdb.Statement:
        """A question parsed once: that takes up to half of the time of a small one."""
        if sql not in self._statements:
            self._statements[sql] = cursor.extract_statements(sql)[0]
        return self._statements[sql]

    @contextmanager
    def _stopped(self, cursor: duckdb.DuckDBPyConnection, seconds: float | None = None) -> Iterator[None]:
        thread = threading.get_ident()
        if self.gives_way and thread == self._ahead:
            raise QueryTimeoutError("given way")
        with self._lock:
            self._running.add(cursor)
        try:
            unwanted = stopped_when(lambda: self.gives_way, cursor) if thread == self._ahead else nullcontext()
            with stopped_after(seconds or self._seconds, cursor, self.path.name, self._suspect), unwanted:
                yield
        finally:
            with self._lock:
                self._running.discard(cursor)

    def _suspect(self) -> None:
        # The shelf looks at it byte for byte before it serves it again.
        self.damaged = True

    def _small_question(self, name: str, values: dict[str, Any]) -> pd.DataFrame:
        # In a folder of their own, since their true counts are for no viewer.
        sql = (QUERIES / "small_counts" / f"{name}.sql").read_text(encoding="utf-8")
        return self._run(sql, values)

    def _read_catalogue(self) -> Catalogue:
        def ask(name: str) -> pd.DataFrame:
            return self._run(queries()[name].sql, {})

        try:
            info = ask("extract_info").iloc[0]
        except (duckdb.Error, IndexError) as error:
            raise WarehouseError(
                f"{self.path.name} is not an extract of this product; import the delivery again"
            ) from error
        return read(self.path.name, info, ask, lambda: self._small_question("words", {}))


@dataclass(frozen=True)
class Reader:
    """A viewer's eyes on one extract: what panels and exports are given."""

    warehouse: Warehouse
    viewer: access.Viewer
    #: What people noted on control charts.
    marks: tuple[Mark, ...] = ()

    @property
    def catalogue(self) -> Catalogue:
        """What the extract holds."""
        return self.warehouse.catalogue

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites that the viewer may see, in the order of the reference table."""
        return access.allowed_sites(self.viewer, self.catalogue.sites)

    @property
    def hides_small_counts(self) -> bool:
        """Whether small counts of side effects are hidden from the viewer."""
        return self.warehouse.hides_small_counts(self.viewer)

    def query(self, name: str, **values: Any) -> pd.DataFrame:
        """`Warehouse.query` for this viewer."""
        return self.warehouse.query(self.viewer, name, **values)

    def added_up(self, name: str, fine: tuple[str, ...], **values: Any) -> pd.DataFrame:
        """`Warehouse.added_up` for this viewer."""
        return self.warehouse.added_up(self.viewer, name, fine, **values)

    def at_level(self, name: str, by: Sequence[str], **values: Any) -> pd.DataFrame:
        """`Warehouse.at_level` for this viewer."""
        return self.warehouse.at_level(self.viewer, name, by, **values)
