"""How many sessions there may be: the oldest of an account ends for a new one, and all together have a limit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, func, not_, select, update

from dashboard.clock import is_ahead
from dashboard.state.tables import sessions, users


class SessionsFullError(Exception):
    """Everyone's sessions together have reached their limit; the message says what to do."""


@dataclass(frozen=True)
class Seats:
    """The limits on sessions.

    Whoever forgot to sign out elsewhere must get in here, so an account's oldest session gives way.
    Ending other people's would let anyone with an account throw them out, so all together are
    refused instead.
    """

    each: int = 5
    total: int = 200

    def make_room(
        self, connection: Connection, username: str, now: datetime, idle: timedelta, lifetime: timedelta
    ) -> None:
        """End the account's oldest sessions, so that one more keeps to its limit.

        Raises:
            SessionsFullError: all seats are taken by others.
        """
        alive = living(now, idle, lifetime)
        newest = (
            select(sessions.c.token_sha256)
            .where(alive, sessions.c.username == username)
            .order_by(sessions.c.created_at.desc())
        )
        for key in connection.scalars(newest).all()[self.each - 1 :]:
            connection.execute(update(sessions).where(sessions.c.token_sha256 == key).values(revoked_at=now))
        if count(connection, now, idle, lifetime) >= self.total:
            raise SessionsFullError(
                "As many people are signed in as this dashboard admits. Try again in a few minutes; "
                "sessions that nobody uses end by themselves."
            )


def living(now: datetime, idle: timedelta, lifetime: timedelta) -> ColumnElement[bool]:
    """The condition of a session that has not ended: by itself, or with its account as it was when it was opened."""
    account = select(users.c.username).where(
        users.c.username == sessions.c.username, users.c.version == sessions.c.user_version, not_(users.c.disabled)
    )
    return and_(
        account.exists(),
        sessions.c.revoked_at.is_(None),
        sessions.c.last_seen_at > now - idle,
        sessions.c.created_at > now - lifetime,
        not_(is_ahead(sessions.c.last_seen_at, now)),
        not_(is_ahead(sessions.c.created_at, now)),
    )


def count(connection: Connection, now: datetime, idle: timedelta, lifetime: timedelta) -> int:
    """Sessions that have not ended."""
    return connection.scalar(select(func.count()).where(living(now, idle, lifetime))) or 0
