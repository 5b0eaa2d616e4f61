"""By what the provider of single sign-on knows an account."""

from __future__ import annotations

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from dashboard.state.database import StateError
from dashboard.state.store import Store
from dashboard.state.tables import identities, users
from dashboard.state.users import UserRecord

LONGEST = 254


class Identities:
    """The values of the provider's claim that stand for accounts: the user name unless set."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def set(self, username: str, identity: str | None) -> UserRecord:
        """Know the account by `identity` from now on; None for its user name.

        Raises:
            StateError: the name is unknown, or the identity belongs to another account.
        """
        user = self._store.user(username)
        value = (identity or "").strip().lower()
        if identity is not None and not 0 < len(value) <= LONGEST:
            raise StateError(f"An identity has 1 to {LONGEST} characters.")
        try:
            with self._store.database.write() as connection:
                connection.execute(delete(identities).where(identities.c.username == user.username))
                if value:
                    connection.execute(insert(identities).values(username=user.username, identity=value))
                self._store.audit.append(
                    connection, "user", self._store._actor, user.username, change="identity for single sign-on"
                )
        except IntegrityError:
            raise StateError(f"{value} belongs to another account already.") from None
        return user

    def account(self, identity: str) -> UserRecord | None:
        """The enabled account that the provider means, or None."""
        value = identity.strip().lower()
        named = select(identities.c.username).where(identities.c.identity == value)
        # Whose identity is set is known by that alone.
        unset = select(users.c.username).where(
            users.c.username == value, users.c.username.not_in(select(identities.c.username))
        )
        with self._store.database.read() as connection:
            username = connection.scalar(named) or connection.scalar(unset)
        user = self._store.user(username) if username else None
        return user if user and not user.disabled else None
