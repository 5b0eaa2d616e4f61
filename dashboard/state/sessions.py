"""Sessions: from a sign-in to its end."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, insert, or_, select, update

from dashboard.access import Role, Viewer, limited
from dashboard.clock import is_ahead
from dashboard.state import seats
from dashboard.state.database import Database
from dashboard.state.seats import Seats
from dashboard.state.tables import sessions, sign_ins, users
from dashboard.state.users import by_name, unknown

#: `last_seen_at` is written no more often than this, so that a busy page doesn't write all the time.
TOUCH_EVERY = timedelta(seconds=10)
#: When and from where people signed in is remembered for so long.
SIGN_IN_MEMORY = timedelta(days=90)

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


def session_key(token: str) -> str:
    """What stands for a session outside the cookie: the SHA-256 of its token, in hex."""
    return hashlib.sha256(token.encode()).hexdigest()


class Sessions:
    """The sessions of a database, their limits, and what their viewers may see."""

    def __init__(
        self, database: Database, *, idle: timedelta, lifetime: timedelta, clock: Callable[[], datetime]
    ) -> None:
        self.database = database
        self.seats = Seats()
        self.small_cells: frozenset[str] = frozenset()
        self._idle = idle
        self._lifetime = lifetime
        self._now = clock

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
        with self.database.write() as connection:
            row = connection.execute(by_name(username)).one_or_none()
            if row is None:
                raise unknown(username)
            over = or_(sessions.c.created_at < now - self._lifetime, is_ahead(sessions.c.last_seen_at, now))
            connection.execute(delete(sessions).where(over))
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
        with self.database.read() as connection:
            row = connection.execute(_SESSION, {"key": key}).one_or_none()
        if row is None or not self._is_alive(row, now):
            return None
        if touch and now - row.last_seen_at >= TOUCH_EVERY:
            self._touch(key, now)
        sites = None if row.sites is None else frozenset(row.sites)
        return limited(Viewer(row.username, row.name, Role(row.role), sites), self.small_cells)

    def goes_on(self, key: str) -> bool:
        """Whether the session with this key may end what it began: also when idle, as who waits for a file is."""
        now = self._now()
        with self.database.read() as connection:
            row = connection.execute(_SESSION, {"key": key}).one_or_none()
        return row is not None and self._is_valid(row, now)

    def seconds_left(self, key: str) -> int:
        """Seconds until the session ends if nothing happens; 0 once it is over."""
        now = self._now()
        with self.database.read() as connection:
            row = connection.execute(_SESSION, {"key": key}).one_or_none()
        if row is None or not self._is_alive(row, now):
            return 0
        end = min(row.last_seen_at + self._idle, row.opened_at + self._lifetime)
        return int((end - now).total_seconds())

    def count_sessions(self) -> int:
        """Sessions that have not ended."""
        with self.database.read() as connection:
            return seats.count(connection, self._now(), self._idle, self._lifetime)

    def close_session(self, token: str) -> None:
        """End a session; one that is unknown or over already stays as it is."""
        self.close_session_of(session_key(token))

    def close_session_of(self, key: str) -> None:
        """As `close_session`, for the session's key."""
        with self.database.write() as connection:
            connection.execute(
                update(sessions)
                .where(sessions.c.token_sha256 == key, sessions.c.revoked_at.is_(None))
                .values(revoked_at=self._now())
            )

    def _is_alive(self, row: Row[Any], now: datetime) -> bool:
        return self._is_valid(row, now) and now - row.last_seen_at < self._idle

    def _is_valid(self, row: Row[Any], now: datetime) -> bool:
        return (
            row.revoked_at is None
            and not row.disabled
            and row.user_version == row.version
            and now - row.opened_at < self._lifetime
            # One of a clock that was ahead would never be idle.
            and not is_ahead(row.last_seen_at, now)
            and not is_ahead(row.opened_at, now)
        )

    def _touch(self, key: str, now: datetime) -> None:
        with self.database.write() as connection:
            connection.execute(
                update(sessions)
                .where(sessions.c.token_sha256 == key, sessions.c.last_seen_at < now)
                .values(last_seen_at=now)
            )
