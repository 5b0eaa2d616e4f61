"""The state store: users and sessions, in SQLite or PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import TracebackType

from sqlalchemy import false, select, update

from dashboard import folders
from dashboard.settings import Settings
from dashboard.state import passwords
from dashboard.state.audit import Audit
from dashboard.state.database import Database, StateError
from dashboard.state.seats import Seats
from dashboard.state.sessions import Sessions
from dashboard.state.tables import alert_channels, second_factors, users
from dashboard.state.users import Users

FILE = "state.db"
BCRYPT_ROUNDS = 12


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


class Store(Users, Sessions):
    """Users and sessions. Safe to share between threads and processes.

    Each change is one transaction that holds the one write lock from its start, so that
    simultaneous changes queue up instead of overwriting each other. `audit` is the record of what
    was done; changes of users are recorded in their own transaction.
    """

    def __init__(
        self,
        database: Database,
        audit: Audit,
        *,
        idle: timedelta,
        lifetime: timedelta,
        rounds: int,
        shortest: int,
        clock: Callable[[], datetime],
    ) -> None:
        Users.__init__(self, database, audit, rounds=rounds, shortest=shortest, clock=clock)
        Sessions.__init__(self, database, idle=idle, lifetime=lifetime, clock=clock)

    @classmethod
    def open(
        cls,
        data: Path,
        *,
        idle: timedelta = timedelta(minutes=15),
        lifetime: timedelta = timedelta(hours=12),
        rounds: int = BCRYPT_ROUNDS,
        shortest: int = passwords.SHORTEST,
        clock: Callable[[], datetime] = utc_now,
        url: str | None = None,
        audit_key: Path | None = None,
    ) -> Store:
        """Open `<data>/state/state.db`, or the PostgreSQL database at `url`; makes what is missing.

        `idle` and `lifetime` end sessions, `rounds` is the cost of new password hashes, `shortest`
        the fewest characters of a new password, `audit_key` the file of the record's key
        (`<data>/state/audit.key` unless given).

        Raises:
            StateError: the store can't be read, or was made by a later version.
        """
        folder = data / "state"
        try:
            folders.make(folder, 0o700)
        except OSError as error:
            raise StateError(
                folders.fault(folder) or f"The folder {folder} cannot be made ({error.strerror})."
            ) from error
        if not url and (wrong := folders.fault(folder)):
            raise StateError(wrong)
        database = Database.at(url) if url else Database.in_file(folder / FILE)
        audit = Audit(database, folder, key_file=audit_key, clock=clock)
        return cls(database, audit, idle=idle, lifetime=lifetime, rounds=rounds, shortest=shortest, clock=clock)

    @classmethod
    def for_settings(cls, settings: Settings) -> Store:
        """Open the store of these settings, with their limits on sessions and on what viewers see."""
        store = cls.open(
            settings.data,
            idle=timedelta(minutes=settings.idle_minutes),
            lifetime=timedelta(hours=settings.session_hours),
            shortest=settings.password_length,
            url=settings.state_url,
            audit_key=settings.audit_key,
        )
        store.seats = Seats(settings.sessions_per_account, settings.sessions)
        store.small_cells = settings.small_cells
        return store

    def close(self) -> None:
        """Write what is still to be recorded, and give the connections back."""
        self.audit.close()
        self.database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def try_to_write(self) -> None:
        """Make a change of nothing, to find out whether one can be made.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: none can.
        """
        with self.database.write() as connection:
            connection.execute(update(users).where(false()).values(version=users.c.version))

    def holds_sealed(self) -> bool:
        """Whether it holds what is sealed with the key of second factors, and meant to stay."""
        webhooks = select(alert_channels.c.username).where(alert_channels.c.sealed_secret.is_not(None))
        with self.database.read() as connection:
            kept = connection.execute(select(second_factors.c.username).union_all(webhooks).limit(1))
            return kept.first() is not None

    def ping(self) -> None:
        """Read something, to find out whether the store answers.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: it does not.
        """
        with self.database.read() as connection:
            connection.execute(select(users.c.username).limit(1))


@cache
def shared_store(settings: Settings) -> Store:
    """The one store of this process for these settings."""
    return Store.for_settings(settings)


def store_in_force() -> Store:
    """The one store of this process for the settings of the environment."""
    return shared_store(Settings.from_environment())
