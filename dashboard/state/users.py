"""Accounts: who may sign in, with which role and sites."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from dashboard.access import Role
from dashboard.state import passwords
from dashboard.state.audit import Audit
from dashboard.state.database import Database, StateError
from dashboard.state.tables import users

LONGEST_NAME = 100
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


@dataclass(frozen=True)
class UserRecord:
    """An account. `sites` is None for every site; `demo` marks one whose password is public.

    `invited` says that its owner has not set a password yet.
    """

    username: str
    name: str
    role: Role
    sites: tuple[str, ...] | None
    version: int
    disabled: bool
    demo: bool
    invited: bool
    created_at: datetime
    password_changed_at: datetime


class Users:
    """The accounts of a database. Each change goes on record in its own transaction, as the doing of one person."""

    def __init__(
        self, database: Database, audit: Audit, *, rounds: int, shortest: int, clock: Callable[[], datetime]
    ) -> None:
        self.database = database
        self.audit = audit
        self._actor = "(system)"
        self._rounds = rounds
        self._shortest = shortest
        self._now = clock

    def by(self, actor: str) -> Self:
        """The same store, whose changes of users are recorded as this person's doing."""
        other = copy.copy(self)
        other._actor = actor
        return other

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
            StateError: a name is taken, malformed or too long, no site is named, or the password is weak.
        """
        values = self._new(username, role, password, sites, name, demo=demo)
        username = values["username"]
        try:
            with self.database.write() as connection:
                self._add(connection, values)
        except IntegrityError:
            raise StateError(f"There is a user {username} already.") from None
        return self.user(username)

    def add_demo_users(
        self, people: Iterable[tuple[str, str, Role, Sequence[str] | None]], password: str
    ) -> list[UserRecord]:
        """Add demo accounts (user name, name, role, sites), all of them; none where there is any user already.

        Returns:
            Those that were added.
        """
        if self.list_users():
            return []  # to hash the passwords takes a second
        every = [
            self._new(username, role, password, sites, name, demo=True) for username, name, role, sites in people
        ]
        with self.database.write() as connection:
            if connection.scalar(select(users.c.username).limit(1)) is not None:
                return []  # another start was faster
            for values in every:
                self._add(connection, values)
        return [self.user(values["username"]) for values in every]

    def _new(
        self,
        username: str,
        role: Role,
        password: str | None,
        sites: Sequence[str] | None,
        name: str | None,
        *,
        demo: bool,
    ) -> dict[str, Any]:
        """The row of an account to come, checked. Raises StateError."""
        username = username.lower()
        if not _USERNAME.fullmatch(username):
            raise StateError(
                f"{username!r} is no user name: use up to 64 letters, digits and . _ @ + -, "
                "beginning with a letter or digit."
            )
        if name and len(name) > LONGEST_NAME:
            raise StateError(f"The name has {len(name):,} characters; {LONGEST_NAME} are the most.")
        now = self._now()
        return {
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

    def _add(self, connection: Connection, values: dict[str, Any]) -> None:
        connection.execute(insert(users).values(values))
        details = {key: values[key] for key in ("role", "sites", "demo")}
        self.audit.append(connection, "user", self._actor, values["username"], change="added", **details)

    def user(self, username: str) -> UserRecord:
        """The account of that name.

        Raises:
            StateError: there is none.
        """
        with self.database.read() as connection:
            row = connection.execute(by_name(username)).one_or_none()
        if row is None:
            raise unknown(username)
        return _record(row)

    def account_name(self, username: str) -> str | None:
        """The account's name as it is kept, or None if there is none."""
        with self.database.read() as connection:
            row = connection.execute(by_name(username)).one_or_none()
        return None if row is None else str(row.username)

    def list_users(self) -> list[UserRecord]:
        """All accounts, by name."""
        with self.database.read() as connection:
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
        with self.database.read() as connection:
            row = connection.execute(by_name(username)).one_or_none()
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
        with self.database.write() as connection:
            row = connection.execute(statement).one_or_none()
            if row is None:
                raise unknown(username)
            self.audit.append(connection, "user", self._actor, row.username, **_described(values))
        return _record(row)


def by_name(username: str) -> Any:
    """The statement that selects an account."""
    return select(users).where(users.c.username == username.lower())


def unknown(username: str) -> StateError:
    """What is raised for a name that no account has."""
    return StateError(f"There is no user {username}.")


def _record(row: Row[Any]) -> UserRecord:
    return UserRecord(
        username=row.username,
        name=row.name,
        role=Role(row.role),
        sites=None if row.sites is None else tuple(row.sites),
        version=row.version,
        disabled=row.disabled,
        demo=row.demo,
        invited=passwords.is_decoy(row.password_hash),
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


def _checked_sites(sites: Sequence[str] | None) -> list[str] | None:
    if sites is None:
        return None
    if not sites:
        raise StateError("Name one site or more, or give access to all sites.")
    return sorted(set(sites))
