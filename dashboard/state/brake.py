"""The brake on guessing: failed sign-ins are counted, and make the next one wait."""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dashboard.state.tables import brakes, devices

#: Failures that are let pass before the first wait.
LIMITS = {"account": 5, "device": 5, "address": 20}
#: The wait after each failure from the limit on; the last one stays.
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60))
#: Failures are forgotten when so long has passed since the latest wait or failure.
MEMORY = {"account": timedelta(hours=24), "device": timedelta(hours=24), "address": timedelta(hours=1)}
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


def admit(connection: Connection, username: str, address: str, device: str, now: datetime) -> timedelta:
    """Count an attempt as failed before its password is checked; zero if it may go on.

    Counting first keeps simultaneous attempts from passing together. An attempt that has to wait
    isn't counted, so that the wait ends by itself.
    """
    forgotten = now - max(MEMORY.values()) - WAITS[-1]
    connection.execute(delete(brakes).where(brakes.c.at < forgotten))
    subjects = _subjects(connection, username, address, device, now)
    counts = [_count(connection, subject, now) for subject in subjects]
    wait = max(wait for _, wait in counts)
    for (kind, name), (failures, _) in zip(subjects, counts, strict=True):
        values: dict[str, Any] = {"failures": failures}
        if not wait:
            over = failures + 1 - LIMITS[kind]
            until = now + WAITS[min(over, len(WAITS) - 1)] if over >= 0 else None
            values = {"failures": failures + 1, "at": now, "until": until}
        connection.execute(update(brakes).where(_is(kind, name)).values(values))
    return wait


def retract(connection: Connection, username: str, address: str, device: str, now: datetime) -> None:
    """Take one attempt back: it was right as far as it went."""
    fewer = case((brakes.c.failures > 0, brakes.c.failures - 1), else_=0)
    for kind, name in _subjects(connection, username, address, device, now):
        connection.execute(update(brakes).where(_is(kind, name)).values(failures=fewer, until=None))


def forgive(connection: Connection, username: str, device: str, now: datetime) -> None:
    """After a sign-in, forget the account's failures; those of the address stay."""
    (who, _) = _subjects(connection, username, "", device, now)
    connection.execute(delete(brakes).where(_is(*who)))


def remember_device(connection: Connection, username: str, device: str, now: datetime) -> None:
    """Know the browser with this token from now on."""
    connection.execute(delete(devices).where(devices.c.created_at < now - DEVICE_LIFETIME))
    key = _sha256(device)
    _insert_if_absent(connection, devices, token_sha256=key, username=username, created_at=now)


def _subjects(
    connection: Connection, username: str, address: str, device: str, now: datetime
) -> tuple[Subject, Subject]:
    """What an attempt counts against.

    The account's own browsers have a count of their own, so that a stranger's guesses cannot
    keep the owner out. Names are hashed: people type passwords in that field.
    """
    username = username.lower()
    known = connection.execute(
        select(devices.c.created_at).where(
            devices.c.token_sha256 == _sha256(device),
            devices.c.username == username,
            devices.c.created_at >= now - DEVICE_LIFETIME,
        )
    ).one_or_none()
    who = ("account", _sha256(username)) if known is None else ("device", _sha256(f"{device} {username}"))
    return who, ("address", network(address))


def _count(connection: Connection, subject: Subject, now: datetime) -> tuple[int, timedelta]:
    """The subject's failures and the time that it still has to wait; its row is locked."""
    kind, name = subject
    _insert_if_absent(connection, brakes, kind=kind, subject=name, failures=0, at=now)
    row = connection.execute(select(brakes).where(_is(kind, name)).with_for_update()).one()
    if now - max(row.at, row.until or row.at) >= MEMORY[kind]:
        return 0, timedelta(0)
    return row.failures, max((row.until or now) - now, timedelta(0))


def _insert_if_absent(connection: Connection, table: Table, **values: Any) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(postgresql.insert(table).values(values).on_conflict_do_nothing())
    else:
        connection.execute(sqlite.insert(table).values(values).on_conflict_do_nothing())


def _is(kind: str, name: str) -> ColumnElement[bool]:
    return and_(brakes.c.kind == kind, brakes.c.subject == name)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
