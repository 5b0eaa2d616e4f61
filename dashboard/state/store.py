"""The state store: users and sessions, in SQLite or PostgreSQL."""

from __future__ import annotations

import copy
import hashlib
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from dashboard.access import Role, Viewer, limited
from dashboard.settings import Settings
from dashboard.state import passwords, seats
from dashboard.state.audit import Audit
from dashboard.state.database import Database
from dashboard.state.database import StateError as StateError
from dashboard.state.seats import Seats
from dashboard.state.tables import sessions, sign_ins, users

FILE = "state.db"
BCRYPT_ROUNDS = 12
#: `last_seen_at` is written no more often than this, so that a busy page doesn't write all the time.
TOUCH_EVERY = timedelta(seconds=10)
#: When and from where people signed in is remembered for so long.
SIGN_IN_MEMORY = timedelta(days=90)
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


@dataclass(frozen=True)
class UserRecord:
    """An account. `sites` is None for every site; `demo` marks one whose password is public."""

    username: str
    name: str
    role: Role
    sites: tuple[str, ...] | None
    version: int
    disabled: bool
    demo: bool
    created_at: datetime
    password_changed_at: datetime


def session_key(token: str) -> str:
    """What stands for a session outside the cookie: the SHA-256 of its token, in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


class Store:
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
        self.database = database
        self.audit = audit
        self._actor = "(system)"
        self._idle = idle
        self._lifetime = lifetime
        self._rounds = rounds
        self._shortest = shortest
        self._now = clock
        self.seats = Seats()
        self.small_cells: frozenset[str] = frozenset()

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
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StateError(
                f"The folder {folder} cannot be made ({error.strerror}). Check who may write to {data}, or name "
                "another data folder with DASHBOARD_DATA."
            ) from error
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

    def by(self, actor: str) -> Store:
        """The same store, whose changes of users are recorded as this person's doing."""
        other = copy.copy(self)
        other._actor = actor
        return other

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

    def ping(self) -> None:
        """Read something, to find out whether the store answers.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: it does not.
        """
        with self._read() as connection:
            connection.execute(select(users.c.username).limit(1))

    # Users

    def add_user(
        self,
        username: str,
        role: Role,
        password: str | None,
        *,
        sites: Sequence[str] | None = None,
        name: str | None = None,
        demo: bool = False,
    ) -> UserRecord:
        """Add an account. `sites` None means every site, `name` is the user name unless given.

        Without a password, nobody signs in until a link has set one.

        Raises:
            StateError: the name is taken or malformed, no site is named, or the password is weak.
        """
        username = username.lower()
        if not _USERNAME.fullmatch(username):
            raise StateError(
                f"{username!r} is no user name: use up to 64 letters, digits and . _ @ + -, "
                "beginning with a letter or digit."
            )
        now = self._now()
        values = {
            "username": username,
            "name": name or username,
            "role": role.value,
            "sites": _checked_sites(sites),
            "password_hash": self._hash(username, password, demo=demo)
            if password is not None
            else passwords.decoy(self._rounds),
            "demo": demo,
            "created_at": now,
            "password_changed_at": now,
        }
        try:
            with self._write() as connection:
                connection.execute(insert(users).values(values))
                details = {key: values[key] for key in ("role", "sites", "demo")}
                self.audit.append(connection, "user", self._actor, username, change="added", **details)
        except IntegrityError:
            raise StateError(f"There is a user {username} already.") from None
        return self.user(username)

    def user(self, username: str) -> UserRecord:
        """The account of that name.

        Raises:
            StateError: there is none.
        """
        with self._read() as connection:
            row = connection.execute(_by_name(username)).one_or_none()
        if row is None:
            raise _unknown(username)
        return _record(row)

    def account_name(self, username: str) -> str | None:
        """The account's name as it is kept, or None if there is none."""
        with self._read() as connection:
            row = connection.execute(_by_name(username)).one_or_none()
        return None if row is None else str(row.username)

    def list_users(self) -> list[UserRecord]:
        """All accounts, by name."""
        with self._read() as connection:
            rows = connection.execute(select(users).order_by(users.c.username)).all()
        return [_record(row) for row in rows]

    def demo_accounts(self) -> list[UserRecord]:
        """The enabled accounts whose password is public."""
        return [user for user in self.list_users() if user.demo and not user.disabled]

    def disable(self, username: str) -> UserRecord:
        """Refuse the account and end its sessions. Raises StateError for an unknown name."""
        return self._change(username, disabled=True)

    def enable(self, username: str) -> UserRecord:
        """Admit the account again. Raises StateError for an unknown name."""
        return self._change(username, disabled=False)

    def set_role(self, username: str, role: Role, sites: Sequence[str] | None) -> UserRecord:
        """Give the account another role and other sites (None: every site); ends its sessions.

        Raises:
            StateError: the name is unknown or no site is named.
        """
        return self._change(username, role=role.value, sites=_checked_sites(sites))

    def reset_password(self, username: str, password: str) -> UserRecord:
        """Set a new password; ends the sessions, and a demo account becomes an ordinary one.

        Raises:
            StateError: the name is unknown or the password is weak.
        """
        username = username.lower()
        return self._change(
            username,
            password_hash=self._hash(username, password, demo=False),
            password_changed_at=self._now(),
            demo=False,
        )

    def verify(self, username: str, password: str) -> UserRecord | None:
        """The account if name and password are right and it is enabled, else None.

        Unknown and disabled names take as long as a wrong password.
        """
        with self._read() as connection:
            row = connection.execute(_by_name(username)).one_or_none()
        usable = row is not None and not row.disabled
        password_hash = row.password_hash if row and usable else passwords.decoy(self._rounds)
        right = passwords.matches(password, password_hash)
        return _record(row) if row and usable and right else None

    def require_strong(self, username: str, password: str) -> None:
        """Check a password that the account is to have.

        Raises:
            StateError: it is weak; the message says why.
        """
        weakness = passwords.fault(password, username, self._shortest)
        if weakness:
            raise StateError(weakness)

    # Sessions

    def open_session(self, username: str, version: int | None = None, *, address: str = "", browser: str = "") -> str:
        """Open a session and return its token, which only the browser may keep.

        `version` is that of the account when its password was checked: if the account has
        changed since, the session is over before it begins. `address` and `browser` are what its
        owner will recognise it by.

        Raises:
            StateError: the name is unknown.
            SessionsFullError: too many are signed in already.
        """
        token = secrets.token_urlsafe(32)
        now = self._now()
        with self._write() as connection:
            row = connection.execute(_by_name(username)).one_or_none()
            if row is None:
                raise _unknown(username)
            connection.execute(delete(sessions).where(sessions.c.created_at < now - self._lifetime))
            self.seats.make_room(connection, row.username, now, self._idle, self._lifetime)
            connection.execute(
                insert(sessions).values(
                    token_sha256=session_key(token),
                    username=row.username,
                    user_version=row.version if version is None else version,
                    created_at=now,
                    last_seen_at=now,
                )
            )
            connection.execute(delete(sign_ins).where(sign_ins.c.at < now - SIGN_IN_MEMORY))
            connection.execute(
                insert(sign_ins).values(
                    token_sha256=session_key(token),
                    username=row.username,
                    at=now,
                    address=address[:64],
                    browser=browser[:64],
                )
            )
        return token

    def viewer(self, token: str, *, touch: bool) -> Viewer | None:
        """Who holds this token, or None once the session is over; `touch` extends idleness."""
        return self.viewer_of(session_key(token), touch=touch)

    def viewer_of(self, key: str, *, touch: bool) -> Viewer | None:
        """As `viewer`, for the session's key."""
        now = self._now()
        with self._read() as connection:
            row = connection.execute(_SESSION, {"key": key}).one_or_none()
        if row is None or not self._is_alive(row, now):
            return None
        if touch and now - row.last_seen_at >= TOUCH_EVERY:
            self._touch(key, now)
        sites = None if row.sites is None else frozenset(row.sites)
        return limited(Viewer(row.username, row.name, Role(row.role), sites), self.small_cells)

    def seconds_left(self, key: str) -> int:
        """Seconds until the session ends if nothing happens; 0 once it is over."""
        now = self._now()
        with self._read() as connection:
            row = connection.execute(_SESSION, {"key": key}).one_or_none()
        if row is None or not self._is_alive(row, now):
            return 0
        end = min(row.last_seen_at + self._idle, row.opened_at + self._lifetime)
        return int((end - now).total_seconds())

    def count_sessions(self) -> int:
        """Sessions that have not ended."""
        with self._read() as connection:
            return seats.count(connection, self._now(), self._idle, self._lifetime)

    def close_session(self, token: str) -> None:
        """End a session; one that is unknown or over already stays as it is."""
        self.close_session_of(session_key(token))

    def close_session_of(self, key: str) -> None:
        """As `close_session`, for the session's key."""
        with self._write() as connection:
            connection.execute(
                update(sessions)
                .where(sessions.c.token_sha256 == key, sessions.c.revoked_at.is_(None))
                .values(revoked_at=self._now())
            )

    # Inside

    @contextmanager
    def _read(self) -> Iterator[Connection]:
        with self.database.read() as connection:
            yield connection

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        with self.database.write() as connection:
            yield connection

    def _hash(self, username: str, password: str, *, demo: bool) -> str:
        if not demo:
            self.require_strong(username, password)
        return passwords.digest(password, self._rounds)

    def _change(self, username: str, **values: Any) -> UserRecord:
        statement = (
            update(users)
            .where(users.c.username == username.lower())
            .values(version=users.c.version + 1, **values)
            .returning(*users.c)
        )
        with self._write() as connection:
            row = connection.execute(statement).one_or_none()
            if row is None:
                raise _unknown(username)
            self.audit.append(connection, "user", self._actor, row.username, **_described(values))
        return _record(row)

    def _is_alive(self, row: Row[Any], now: datetime) -> bool:
        return (
            row.revoked_at is None
            and not row.disabled
            and row.user_version == row.version
            and now - row.last_seen_at < self._idle
            and now - row.opened_at < self._lifetime
        )

    def _touch(self, key: str, now: datetime) -> None:
        with self._write() as connection:
            connection.execute(
                update(sessions)
                .where(sessions.c.token_sha256 == key, sessions.c.last_seen_at < now)
                .values(last_seen_at=now)
            )


@cache
def shared_store(settings: Settings) -> Store:
    """The one store of this process for these settings."""
    return Store.for_settings(settings)


_SESSION = (
    select(
        users,
        sessions.c.user_version,
        sessions.c.created_at.label("opened_at"),
        sessions.c.last_seen_at,
        sessions.c.revoked_at,
    )
    .join(users, users.c.username == sessions.c.username)
    .where(sessions.c.token_sha256 == bindparam("key"))
)


def _by_name(username: str) -> Any:
    return select(users).where(users.c.username == username.lower())


def _record(row: Row[Any]) -> UserRecord:
    return UserRecord(
        username=row.username,
        name=row.name,
        role=Role(row.role),
        sites=None if row.sites is None else tuple(row.sites),
        version=row.version,
        disabled=row.disabled,
        demo=row.demo,
        created_at=row.created_at,
        password_changed_at=row.password_changed_at,
    )


def _described(values: dict[str, Any]) -> dict[str, Any]:
    """A change of a user as it goes on record: everything but the password."""
    if "password_hash" in values:
        return {"change": "new password"}
    if "disabled" in values:
        return {"change": "disabled" if values["disabled"] else "enabled"}
    return {"change": "role and sites", **values}


def _unknown(username: str) -> StateError:
    return StateError(f"There is no user {username}.")


def _checked_sites(sites: Sequence[str] | None) -> list[str] | None:
    if sites is None:
        return None
    if not sites:
        raise StateError("Name one site or more, or give access to all sites.")
    return sorted(set(sites))
