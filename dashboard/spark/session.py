"""The connection to a Spark Connect server."""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
import threading
import uuid
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dashboard.intake.contract import StorageError

if TYPE_CHECKING:
    from pyspark.sql.connect.session import SparkSession

INSTALL = "pip install 'infusion-dashboard[spark]' (in a checkout: .venv/bin/pip install '.[spark]')"
PORT = 15002
_REACHED_WITHIN_SECONDS = 10.0
_AGAIN_SECONDS = 0.1
_RETRIES = 5


class SparkError(StorageError):
    """Spark is not there or could not do it; the message says what to do next. A watched inbox tries again."""


class SparkTimeoutError(SparkError):
    """It took longer than it may and was stopped."""


class Spark:
    """One session of a Spark Connect server, with views of the Parquet files of one extract. Thread-safe."""

    def __init__(self, address: str) -> None:
        self._session = _connected(address)
        self._place = "{}:{}".format(*host_and_port(address))

    def see(self, folder: Path, tables: Sequence[str]) -> None:
        """Give the files of FOLDER/TABLE the table's name.

        Raises:
            SparkError: its workers can't read them.
        """
        with self._told():
            for table in tables:
                # Given as an address: without one a path is of the cluster's own file system.
                frame = self._session.read.parquet(f"{folder.as_uri()}/{table}")
                frame.createOrReplaceTempView(table)

    def keep(self, name: str, sql: str, values: dict[str, Any]) -> None:
        """Give the rows of a question a name, and keep them while several others ask for them."""
        with self._told():
            self._session.sql(sql, args=values).createOrReplaceTempView(name)
            self._session.catalog.cacheTable(name)

    def forget(self, name: str) -> None:
        """Let go of what `keep` kept."""
        with self._told():
            self._session.catalog.uncacheTable(name)
            self._session.catalog.dropTempView(name)

    def ask(self, sql: str, values: dict[str, Any], seconds: float | None = None) -> Any:
        """The answer as an Arrow table.

        Args:
            sql: in Spark's dialect, values as `:name`.
            values: one for each name.
            seconds: after which it is stopped; None for never.

        Raises:
            SparkTimeoutError: it took longer.
            SparkError: it failed.
        """
        with self._told(), self._bounded(seconds):
            return self._session.sql(sql, args=values).toArrow()

    def begin(self, sql: str, values: dict[str, Any], seconds: float) -> tuple[Any, Iterator[Any]]:
        """As `ask`, in Arrow tables of a few thousand rows: the first, None where there is no row, and the others."""
        client, tag = self._session.client, f"parts-{uuid.uuid4()}"
        with self._told():
            frame: Any = self._session.sql(sql, args=values)
            # toLocalIterator() turns each row into an object of its own; this is what it reads from.
            found = client.to_table_as_iterator(frame._plan.to_proto(client), {})
        tables = (part for part in found if hasattr(part, "num_rows"))

        def following() -> Any:
            with self._told(), self._bounded(seconds, tag):
                return next(tables, None)

        def others() -> Iterator[Any]:
            while (part := following()) is not None:
                yield part

        return following(), others()

    @staticmethod
    def was_ended(error: SparkError) -> bool:
        """Whether a question failed because the server knows this session no more."""
        return "INVALID_HANDLE" in str(error.__cause__)

    def close(self) -> None:
        """End the session; what it kept is let go. A server that is gone has let go of it already."""
        with contextlib.suppress(SparkError), self._told():
            self._session.stop()

    @contextlib.contextmanager
    def _bounded(self, seconds: float | None, tag: str = "") -> Iterator[None]:
        """Interrupt what carries the tag once its time is over; an operation keeps the tags it began with."""
        if seconds is None:
            yield
            return
        tag = tag or f"bounded-{uuid.uuid4()}"
        stopped, ended = threading.Event(), threading.Event()

        def stop() -> None:
            if ended.wait(seconds):
                return
            stopped.set()
            # More than once: the server may not have begun with what it is told to stop.
            while not ended.is_set():
                with contextlib.suppress(SparkError), self._told():
                    self._session.interruptTag(tag)
                ended.wait(_AGAIN_SECONDS)

        self._session.addTag(tag)
        threading.Thread(target=stop, daemon=True).start()
        try:
            yield
        except Exception as error:
            if stopped.is_set():
                raise SparkTimeoutError(
                    f"this took longer than {seconds:.0f} seconds in Spark and was stopped; choose a shorter period "
                    "or fewer sites"
                ) from error
            raise
        finally:
            ended.set()
            self._session.removeTag(tag)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What Spark raises as one line that says where."""
        import grpc
        from pyspark.errors import PySparkException

        try:
            yield
        except (PySparkException, grpc.RpcError) as error:
            # The address may hold a token, and all but the first line is the server's stack.
            what = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise SparkError(f"Spark at {self._place} could not do this: {what}") from error


def require_extra() -> None:
    """Load what Spark needs, or tell how to install it.

    Raises:
        SparkError: it isn't installed.
    """
    try:
        with _imported_by_a_program(), warnings.catch_warnings():
            # Pandas 3 works for what is used of it here, which is Arrow tables alone.
            warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
            import pyspark.sql.connect.session  # noqa: F401
            import sqlglot  # noqa: F401
    except ImportError as error:
        raise SparkError(
            f"--engine spark and DASHBOARD_SPARK need the extra 'spark', which is not installed: {INSTALL}"
        ) from error


@contextlib.contextmanager
def _imported_by_a_program() -> Iterator[None]:
    """Where a program is no file, as in `python -c`, pyspark takes it for its own tests, and exits."""
    main = sys.modules["__main__"]
    if hasattr(main, "__file__"):
        yield
        return
    main.__file__ = ""
    try:
        yield
    finally:
        del main.__file__


def host_and_port(address: str) -> tuple[str, int]:
    """Of an address like sc://host:15002/;use_ssl=true.

    Raises:
        ValueError: it is none.
    """
    parts = urlsplit(address)
    if parts.scheme != "sc" or not parts.hostname:
        raise ValueError(f"the address of a Spark Connect server is like sc://host:{PORT}, not {address!r}")
    return parts.hostname, parts.port or PORT


def _connected(address: str) -> SparkSession:
    """A new session.

    Raises:
        SparkError: the extra is missing, the address is none, or nobody answers.
    """
    require_extra()
    try:
        host, port = host_and_port(address)
    except ValueError as error:
        raise SparkError(str(error)) from error
    try:
        # Spark's client would try for minutes.
        socket.create_connection((host, port), timeout=_REACHED_WITHIN_SECONDS).close()
    except OSError as error:
        raise SparkError(
            f"no Spark Connect server answers at {host}:{port} ({error.strerror or error}); start it, or correct the "
            "address in --spark or DASHBOARD_SPARK"
        ) from error
    # It writes every error with the server's stack to standard error, besides raising it.
    logging.getLogger("SQLQueryContextLogger").disabled = True
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="PySpark does not yet fully support pandas")
        from pyspark.errors import PySparkException
        from pyspark.sql.connect.client.retries import DefaultPolicy
        from pyspark.sql.connect.session import SparkSession as Session

        try:
            session = Session.builder.remote(address).create()
            # Its own would go on for ten minutes, while a page waits.
            session.client.set_retry_policies([DefaultPolicy(max_retries=_RETRIES, max_backoff=1_000)])
            # Times of the extract are local and have no zone.
            session.conf.set("spark.sql.session.timeZone", "UTC")
            session.conf.set("spark.sql.ansi.enabled", "true")
        except PySparkException as error:
            raise SparkError(
                f"what answers at {host}:{port} is no Spark Connect server that can be used: "
                f"{str(error).splitlines()[0]}"
            ) from error
    return session
