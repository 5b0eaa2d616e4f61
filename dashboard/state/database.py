"""Where the state lies: SQLite in a file, or PostgreSQL by its address; reading, changing, opening."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from dashboard import folders
from dashboard.interruption import took_effect
from dashboard.state import migrate

#: How long one change waits for another to end: on a slow disk bringing the tables up to date takes seconds.
BUSY_MS = 30_000
CONNECT_SECONDS = 10
#: The file beside SQLite's own in which processes queue up to write.
QUEUE = ".queue"
#: PostgreSQL's advisory lock that stands for SQLite's one write lock.
WRITE_LOCK = 7_305_441_120
_AFTER_COMMIT = "dashboard_after_commit"
_WHO = (
    "Check who may write to it, to the files beside it that begin with its name and to its folder, and run this as "
    "that account"
)
#: What SQLite says of a file that nothing is wrong with, and what to do then.
_NOT_DAMAGED = {
    "readonly database": _WHO,
    "unable to open": _WHO,
    "is full": "Make room on its disk, then try again",
    "disk I/O error": "Check the free space and the state of its disk, then try again",
    "is locked": "Another process has been writing to it for long: try again once it has ended",
}


def cause(error: DBAPIError) -> tuple[str, str]:
    """Why a database failed, in its own words, and what to do about it; empty where only it knows."""
    why = str(error.orig).strip().partition("\n")[0]
    return why, next((hint for sign, hint in _NOT_DAMAGED.items() if sign in why), "")


def storable(text: str) -> str:
    """The text as the store keeps it: PostgreSQL takes no NUL, which nothing but a forged value holds."""
    return text.replace("\x00", "\ufffd")


class StateError(ValueError):
    """A change that the store refuses; the message says why in a sentence."""


class Database:
    """A database that is ready for use: its tables are those of this version.

    `name` tells people which one it is, without a password.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self.name = name
        self._engine = engine
        self._writing = engine.execution_options(dashboard_writes=True)
        # SQLite's own lock is asked for again and again until time is up, which leaves the unlucky
        # of many without it; this process's threads queue up for it instead, and processes in `_next_in_line`.
        self._turn: AbstractContextManager[object] = threading.Lock() if self.is_sqlite else nullcontext()
        self._closed = False
        event.listen(engine, "begin", self._begin)
        event.listen(engine, "before_cursor_execute", _bound, retval=True)
        event.listen(engine, "checkin", self._take_back)

    @classmethod
    def in_file(cls, file: Path) -> Database:
        """SQLite in this file, made (readable by its owner only) if need be.

        Raises:
            StateError: it can't be used.
        """
        for one in (file, *(file.with_name(f"{file.name}-{part}") for part in ("wal", "shm", "journal"))):
            if folders.is_planted(one):
                raise StateError(f"{one} is a link of another user's, and root follows none: put the file there.")
        # Never opened where it exists: closing it again would take away the locks that this process
        # holds on it, and another process would then remove the log that is still written to.
        if not file.exists():
            with suppress(FileExistsError):
                os.close(folders.opened(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        engine = create_engine(URL.create("sqlite", database=str(file)), pool_size=8, max_overflow=56)
        event.listen(engine, "connect", _configure)
        return cls(engine, str(file))._ready("Restore it from a back-up, or move it away to begin anew")

    @classmethod
    def at(cls, address: str) -> Database:
        """PostgreSQL at an address such as postgresql+psycopg://user:password@host/database.

        Raises:
            StateError: the address is none, or the database can't be used.
        """
        try:
            url = make_url(address)
        except ArgumentError:
            raise StateError(
                "DASHBOARD_STATE is no database's address. It looks like "
                "postgresql+psycopg://user:password@host/database; unset it to use SQLite."
            ) from None
        if url.get_backend_name() != "postgresql":
            raise StateError(
                f"DASHBOARD_STATE names {url.get_backend_name()}, but the state is kept in PostgreSQL, or in "
                "SQLite where DASHBOARD_STATE is unset."
            )
        if "@" in f"{url.host}{url.database}":
            # Not shown: what stands in front of the last one is of the password.
            raise StateError(
                "DASHBOARD_STATE holds more than one @. In a user name or password write @ as %40 and % as %25."
            )
        engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=8,
            max_overflow=8,
            pool_pre_ping=True,
            connect_args={"connect_timeout": CONNECT_SECONDS, "application_name": "dashboard"},
        )
        name = url.render_as_string(hide_password=True)
        return cls(engine, name)._ready("Check DASHBOARD_STATE, and that the server runs and lets you in")

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of this machine."""
        return self._engine.dialect.name == "sqlite"

    def close(self) -> None:
        """Close the connections; one that another thread is still using when it has done."""
        self._closed = True
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection to read with."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """A connection to read with, on which all statements see the same moment."""
        # SQLite's transactions are snapshots anyway.
        options = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with self._engine.connect().execution_options(**options) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that nobody else's change goes on beside, in any process."""
        with self._turn, self._writing.begin() as connection:
            calls: list[Callable[[], None]] = []
            connection.info[_AFTER_COMMIT] = calls
            yield connection
        took_effect()
        for call in calls:
            call()

    def _take_back(self, _connection: object, record: ConnectionPoolEntry) -> None:
        """Close what comes back after the end: the pool that it came from is gone and would drop it as it is."""
        if self._closed:
            record.invalidate()

    def _begin(self, connection: Connection) -> None:
        """Take the write lock at once where a change follows: an upgrade later could only fail."""
        writes = connection.get_execution_options().get("dashboard_writes", False)
        if self.is_sqlite:
            with self._next_in_line() if writes else nullcontext():
                connection.exec_driver_sql("begin immediate" if writes else "begin")
        elif writes:
            connection.exec_driver_sql(f"select pg_advisory_xact_lock({WRITE_LOCK})")

    @contextmanager
    def _next_in_line(self) -> Iterator[None]:
        """Be the only process that asks for SQLite's lock: who has just had it comes after this one."""
        # Opened each time: a descriptor that a fork shares would share its lock too.
        queue = None
        with suppress(OSError):  # where nothing can be written SQLite says so itself
            queue = folders.opened(f"{self._engine.url.database}{QUEUE}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if queue is not None:
                fcntl.flock(queue, fcntl.LOCK_EX)
            yield
        finally:
            if queue is not None:
                os.close(queue)

    def _ready(self, advice: str) -> Database:
        """Bring the tables up to this version; several processes may try at once."""
        try:
            with self.read() as connection:
                current = migrate.is_current(connection)
            if not current:
                with self.write() as connection:
                    migrate.upgrade(connection)
        except DatabaseError as error:
            self.close()
            why, hint = cause(error)
            raise StateError(f"The state store {self.name} cannot be read ({why}). {hint or advice}.") from error
        except migrate.UnknownVersionError as error:
            self.close()
            raise StateError(
                f"The state store {self.name} {error} To go back to this one, move the store aside (the file and "
                "those beside it that begin with its name; of PostgreSQL name another, empty database), then restore "
                "a back-up from before the update: dashboard state restore FILE"
            ) from None
        return self


def after_commit(connection: Connection, call: Callable[[], None]) -> None:
    """Call this once the connection's change is safe; never if it is rolled back."""
    connection.info[_AFTER_COMMIT].append(call)


def _bound(_c: object, _cursor: object, statement: str, values: Any, _context: object, many: bool) -> tuple[str, Any]:
    """A statement with its values as the store keeps them, alike on both back ends."""
    return statement, [_kept(one) for one in values] if many else _kept(values)


def _kept(values: Any) -> Any:
    """Values by place or by name."""
    if not values:
        return values
    if isinstance(values, dict):
        return {name: storable(value) if isinstance(value, str) else value for name, value in values.items()}
    return tuple(storable(value) if isinstance(value, str) else value for value in values)


def _configure(connection: Any, _record: object) -> None:
    """Set up a new SQLite connection; transactions are begun by `Database._begin` alone."""
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        cursor.execute(f"pragma busy_timeout = {BUSY_MS}")
        cursor.execute("pragma journal_mode = wal")
        cursor.execute("pragma foreign_keys = on")
    finally:
        cursor.close()
