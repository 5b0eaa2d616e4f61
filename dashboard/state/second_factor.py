"""The second factor: codes by time (TOTP, RFC 6238) and recovery codes."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyotp
from sqlalchemy import Connection, delete, func, insert, or_, select, update
from sqlalchemy.sql.dml import ReturningDelete, ReturningUpdate

from dashboard.access import Role
from dashboard.clock import SKEW
from dashboard.state.sealing import Seal
from dashboard.state.sessions import session_key
from dashboard.state.store import Store
from dashboard.state.tables import recovery_codes, second_factors, sessions, users
from dashboard.state.users import UserRecord

ISSUER = "Infusion dashboard"
RECOVERY_CODES = 10
#: Seconds of a time step, and steps by which a phone's clock may be off.
INTERVAL = 30
DRIFT = 1
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 4, 4


@dataclass(frozen=True)
class FactorStatus:
    """An account's second factor: since when, and how many recovery codes are left."""

    confirmed_at: datetime
    codes_left: int


def new_secret() -> str:
    """A fresh secret for an authenticator app, in base 32."""
    return pyotp.random_base32()


def app_address(secret: str, username: str) -> str:
    """The otpauth:// address that an authenticator app reads from the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER)


class SecondFactors:
    """Second factors of accounts. Secrets are encrypted, recovery codes are kept as hashes."""

    def __init__(self, store: Store, seal: Seal) -> None:
        self._store = store
        self._seal = seal

    def status(self, username: str) -> FactorStatus | None:
        """The account's second factor, or None if it has none."""
        with self._store.database.read() as connection:
            row = connection.execute(
                select(second_factors.c.confirmed_at).where(second_factors.c.username == username)
            ).one_or_none()
            left = connection.scalar(
                select(func.count()).select_from(recovery_codes).where(recovery_codes.c.username == username)
            )
        return None if row is None else FactorStatus(row.confirmed_at, int(left or 0))

    def confirm(self, user: UserRecord, secret: str, code: str) -> list[str] | None:
        """Take the secret into use if the code belongs to it; ends the account's sessions.

        Returns the recovery codes, which are known to nobody afterwards, or None: the code is
        wrong, or the account has changed since `user` was read.
        """
        step = self._step(secret, code)
        if step is None:
            return None
        codes = [_recovery_code() for _ in range(RECOVERY_CODES)]
        with self._store.database.write() as connection:
            if not _raise_version(connection, user):
                return None
            _remove(connection, user.username)
            connection.execute(
                insert(second_factors).values(
                    username=user.username,
                    sealed_secret=self._seal.close(secret),
                    last_step=step,
                    confirmed_at=self._store._now(),
                )
            )
            connection.execute(
                insert(recovery_codes),
                [{"username": user.username, "code_sha256": _code_key(code)} for code in codes],
            )
            self._store.audit.append(connection, "user", user.username, user.username, change="second factor set up")
        return codes

    def check(self, username: str, code: str) -> bool:
        """Whether this is the present code or an unused recovery code; either is then spent.

        Raises:
            SealError: the key in the state folder isn't the one that the secret was sealed with.
        """
        with self._store.database.read() as connection:
            sealed = connection.scalar(
                select(second_factors.c.sealed_secret).where(second_factors.c.username == username)
            )
        if sealed is None:
            return False
        step = self._step(self._seal.open(sealed), code)
        spent = _spend_recovery(username, code) if step is None else _spend_step(username, step, self._latest())
        with self._store.database.write() as connection:
            return connection.execute(spent).one_or_none() is not None

    def remove(self, username: str, *, by: str | None = None) -> UserRecord:
        """Take the second factor away; ends the account's sessions. `by` is who did it.

        Raises:
            StateError: the name is unknown.
        """
        user = self._store.user(username)
        with self._store.database.write() as connection:
            _remove(connection, user.username)
            connection.execute(
                update(users).where(users.c.username == user.username).values(version=users.c.version + 1)
            )
            self._store.audit.append(
                connection, "user", by or self._store._actor, user.username, change="second factor removed"
            )
        return self._store.user(username)

    def end_sessions_without(self, roles: Collection[Role]) -> None:
        """End the sessions of those roles' accounts that have no second factor."""
        has_one = select(second_factors.c.username)
        must = select(users.c.username).where(
            users.c.role.in_([role.value for role in roles]), users.c.username.not_in(has_one)
        )
        with self._store.database.write() as connection:
            connection.execute(
                update(sessions)
                .where(sessions.c.username.in_(must), sessions.c.revoked_at.is_(None))
                .values(revoked_at=self._store._now())
            )

    def _step(self, secret: str, code: str) -> int | None:
        """The time step that the code belongs to, near the present one."""
        totp = pyotp.TOTP(secret, interval=INTERVAL)
        present = self._present()
        typed = "".join(code.split())
        found = None
        for step in range(present - DRIFT, present + DRIFT + 1):
            if hmac.compare_digest(totp.at(step * INTERVAL).encode(), typed.encode()):
                found = step
        return found

    def _present(self) -> int:
        """The present time step."""
        return int(self._store._now().timestamp()) // INTERVAL

    def _latest(self) -> int:
        """The last time step that can have been spent by now."""
        return self._present() + DRIFT + int(SKEW.total_seconds()) // INTERVAL


def _spend_step(username: str, step: int, latest: int) -> ReturningUpdate[Any]:
    # Compared in the statement itself: of two that come with the same code, one is late. One that was spent while the
    # clock was ahead would refuse all codes until then.
    free = or_(second_factors.c.last_step < step, second_factors.c.last_step > latest)
    return (
        update(second_factors)
        .where(second_factors.c.username == username, free)
        .values(last_step=step)
        .returning(second_factors.c.username)
    )


def _spend_recovery(username: str, code: str) -> ReturningDelete[Any]:
    return (
        delete(recovery_codes)
        .where(recovery_codes.c.username == username, recovery_codes.c.code_sha256 == _code_key(code))
        .returning(recovery_codes.c.username)
    )


def _raise_version(connection: Connection, user: UserRecord) -> bool:
    raised = (
        update(users)
        .where(users.c.username == user.username, users.c.version == user.version, users.c.disabled.is_(False))
        .values(version=users.c.version + 1)
        .returning(users.c.username)
    )
    return connection.execute(raised).one_or_none() is not None


def _remove(connection: Connection, username: str) -> None:
    connection.execute(delete(recovery_codes).where(recovery_codes.c.username == username))
    connection.execute(delete(second_factors).where(second_factors.c.username == username))


def _recovery_code() -> str:
    """Sixteen characters, nearly 80 bits: too many to guess from a stolen hash."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def _code_key(code: str) -> str:
    return session_key("".join(code.split()).replace("-", "").lower())
