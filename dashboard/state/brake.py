"""The brake on guessing: failed sign-ins are counted, and make the next one wait."""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dashboard.clock import is_ahead
from dashboard.state.store import Store
from dashboard.state.tables import brakes, devices, under_way

#: Failures that are let pass before the first wait.
LIMITS = {"account": 5, "device": 5, "address": 20}
#: The wait after each failure from the limit on; the last one stays.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
#: Failures are forgotten when so long has passed since the latest wait or failure.
MEMORY = {"account": timedelta(hours=24), "device": timedelta(hours=24), "address": timedelta(hours=1)}
#: An attempt that hasn't ended after so long never will, and has failed.
LONGEST_ATTEMPT = timedelta(minutes=1)
#: A browser counts as known for so long after its first sign-in.
DEVICE_LIFETIME = timedelta(days=90)

Subject = tuple[str, str]


def network(address: str) -> str:
    """What an address counts as: itself, or its /64 under IPv6, where one line has them all."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        return str(ip.ipv4_mapped or ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


@dataclass(frozen=True)
class Admission:
    """Whether an attempt may go on.

    With a ticket it may, and has to be settled. Otherwise it has to wait; `wait` is zero where
    others that are under way take all tries there are, so that it will soon be known.
    """

    ticket: str | None = None
    wait: timedelta = timedelta(0)


class Brake:
    """Admits attempts and counts those that fail, in the state store.

    Attempts under way are counted apart from failures, and together with them never exceed the
    limit: simultaneous guesses get no more tries than guesses one after the other, while honest
    people who sign in together only take turns.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def admit(self, username: str, address: str, device: str = "") -> Admission:
        """Let an attempt to sign in begin before its password is checked, or not.

        `device` is what the browser shows for having signed in before. An attempt that has to
        wait isn't counted, so that the wait ends by itself.
        """
        now = self._store._now()
        with self._store.database.write() as connection:
            forgotten = now - max(MEMORY.values()) - WAITS[-1]
            connection.execute(delete(brakes).where(brakes.c.at < forgotten))
            connection.execute(delete(under_way).where(under_way.c.at < forgotten))
            subjects = _subjects(connection, username, address, device, now)
            for subject in subjects:
                room, wait = _count(connection, subject, now)
                if room <= 0 or wait:
                    return Admission(wait=wait)
            ticket = secrets.token_urlsafe(32)
            for kind, name in subjects:
                values = {"ticket_sha256": _sha256(ticket), "kind": kind, "subject": name, "at": now}
                connection.execute(insert(under_way).values(values))
            return Admission(ticket)

    def settle(self, ticket: str, *, right: bool) -> None:
        """End an attempt: a wrong one is a failure, a right one leaves no trace."""
        now = self._store._now()
        ended = (
            delete(under_way)
            .where(under_way.c.ticket_sha256 == _sha256(ticket))
            .returning(under_way.c.kind, under_way.c.subject)
        )
        with self._store.database.write() as connection:
            for kind, name in connection.execute(ended).all():
                if not right:
                    _fail(connection, (kind, name), 1, now)

    def forgive(self, username: str, device: str = "") -> None:
        """After a sign-in, forget the account's failures, unless they hold a wait that still runs.

        A wait may be a stranger's, while the account's owner came in by other means. The failures
        of the address stay.
        """
        now = self._store._now()
        with self._store.database.write() as connection:
            who = _subjects(connection, username, "", device, now)[-1]
            over = or_(brakes.c.until.is_(None), brakes.c.until <= now)
            connection.execute(delete(brakes).where(*_is(brakes, who), over))

    def lift(self, username: str) -> None:
        """After an administrator's link was used, forget the account's failures and end its wait."""
        with self._store.database.write() as connection:
            connection.execute(delete(brakes).where(*_is(brakes, ("account", _sha256(username.lower())))))

    def remember_device(self, username: str, device: str) -> None:
        """Count the attempts of this browser by themselves from now on."""
        now = self._store._now()
        with self._store.database.write() as connection:
            connection.execute(delete(devices).where(devices.c.created_at < now - DEVICE_LIFETIME))
            key = _sha256(device)
            _insert_if_absent(connection, devices, token_sha256=key, username=username.lower(), created_at=now)


def _subjects(connection: Connection, username: str, address: str, device: str, now: datetime) -> Sequence[Subject]:
    """What an attempt counts against, the account or its browser last.

    While the address has to wait, the account isn't looked at: each name that is made up would leave a row.
    The account's own browsers have a count of their own, so that neither a stranger's guesses nor
    those of somebody behind the same address can keep the owner out. Names are hashed: people type
    passwords in that field.
    """
    username = username.lower()
    known = connection.execute(
        select(devices.c.created_at).where(
            devices.c.token_sha256 == _sha256(device),
            devices.c.username == username,
            devices.c.created_at >= now - DEVICE_LIFETIME,
        )
    ).one_or_none()
    if known is not None:
        return [("device", _sha256(f"{device} {username}"))]
    return [("address", network(address)), ("account", _sha256(username))]


def _count(connection: Connection, subject: Subject, now: datetime) -> tuple[int, timedelta]:
    """How many more attempts the subject may begin now, and the time that it has to wait; its row is locked."""
    kind, name = subject
    _insert_if_absent(connection, brakes, kind=kind, subject=name, failures=0, at=now)
    lost = connection.execute(
        delete(under_way).where(
            *_is(under_way, subject),
            or_(under_way.c.at <= now - LONGEST_ATTEMPT, is_ahead(under_way.c.at, now)),
        )
    ).rowcount
    if lost:
        _fail(connection, subject, lost, now)
    failures, until = _state(connection, subject, now)
    begun = connection.scalar(select(func.count()).where(*_is(under_way, subject))) or 0
    # Where every try is used up, one shows at a time whether the wait gets longer.
    return max(LIMITS[kind] - failures, 1) - begun, max(until - now, timedelta(0))


def _fail(connection: Connection, subject: Subject, times: int, now: datetime) -> None:
    """Count failures; from the limit on, they bring a wait, or a longer one."""
    kind, name = subject
    _insert_if_absent(connection, brakes, kind=kind, subject=name, failures=0, at=now)
    failures, until = _state(connection, subject, now)
    failures += times
    over = failures - LIMITS[kind]
    if over >= 0:
        until = max(until, now + WAITS[min(over, len(WAITS) - 1)])
    values = {"failures": failures, "at": now, "until": until if until > now else None}
    connection.execute(update(brakes).where(*_is(brakes, subject)).values(values))


def _state(connection: Connection, subject: Subject, now: datetime) -> tuple[int, datetime]:
    """The subject's failures that are not forgotten yet, and the end of its wait."""
    row = connection.execute(select(brakes).where(*_is(brakes, subject)).with_for_update()).one()
    if is_ahead(row.at, now):
        # The wait has its length, and begins now: a clock that was ahead would make it last until then.
        until = now + (row.until - row.at) if row.until else None
        connection.execute(update(brakes).where(*_is(brakes, subject)).values(at=now, until=until))
        return row.failures, until or now
    if now - max(row.at, row.until or row.at) >= MEMORY[subject[0]]:
        return 0, now
    return row.failures, row.until or now


def _insert_if_absent(connection: Connection, table: Table, **values: Any) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(postgresql.insert(table).values(values).on_conflict_do_nothing())
    else:
        connection.execute(sqlite.insert(table).values(values).on_conflict_do_nothing())


def _is(table: Table, subject: Subject) -> tuple[ColumnElement[bool], ...]:
    kind, name = subject
    return table.c.kind == kind, table.c.subject == name


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
