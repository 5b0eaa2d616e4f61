"""One-time links by which an administrator lets a person set a password."""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import delete, insert, not_, select

from dashboard.clock import is_ahead
from dashboard.state.database import StateError
from dashboard.state.sessions import session_key
from dashboard.state.store import Store
from dashboard.state.tables import resets, users
from dashboard.state.users import UserRecord

LIFETIME = timedelta(hours=24)
PATH = "/login/reset"


class Resets:
    """Links to set a password. Their tokens are kept as hashes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def issue(self, username: str) -> str:
        """A token for the account; those issued before are void.

        Raises:
            StateError: the name is unknown, or the account is disabled.
        """
        user = self._store.user(username)
        if user.disabled:
            raise StateError(f"{user.username} is disabled. Enable the account first.")
        token = secrets.token_urlsafe(32)
        now = self._store._now()
        values = {
            "token_sha256": session_key(token),
            "username": user.username,
            "user_version": user.version,
            "expires_at": now + LIFETIME,
        }
        with self._store.database.write() as connection:
            connection.execute(
                delete(resets).where((resets.c.username == user.username) | (resets.c.expires_at <= now))
            )
            connection.execute(insert(resets).values(values))
            self._store.audit.append(
                connection, "user", self._store._actor, user.username, change="link to set a password issued"
            )
        return token

    def owner(self, token: str) -> UserRecord | None:
        """Whose password the token may set, or None if it is used, void or too old."""
        now = self._store._now()
        with self._store.database.read() as connection:
            username = connection.scalar(
                select(resets.c.username)
                .join(users, users.c.username == resets.c.username)
                .where(
                    resets.c.token_sha256 == session_key(token),
                    resets.c.expires_at > now,
                    not_(is_ahead(resets.c.expires_at, now + LIFETIME)),
                    resets.c.user_version == users.c.version,
                    users.c.disabled.is_(False),
                )
            )
        return None if username is None else self._store.user(username)

    def use(self, token: str, password: str) -> UserRecord | None:
        """Set the password, once; ends every session. None if the token is used, void or too old.

        Raises:
            StateError: the password is weak; the token stays good.
        """
        user = self.owner(token)
        if user is None:
            return None
        self._store.require_strong(user.username, password)
        with self._store.database.write() as connection:
            spent = delete(resets).where(resets.c.token_sha256 == session_key(token)).returning(resets.c.username)
            if connection.execute(spent).one_or_none() is None:
                return None
        return self._store.by(user.username).reset_password(user.username, password)


def link(base: str, token: str) -> str:
    """The address to hand over. The token stands behind a #, which browsers send to no server."""
    return f"{base.rstrip('/')}{PATH}#{token}"
