"""Where a person's alerts go, what is still to be sent there, and what came of sending it."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, func, insert, not_, or_, select, update

from dashboard.clock import is_ahead
from dashboard.state.store import Store
from dashboard.state.tables import alert_channels, alert_events, alert_rules, alert_runs, alert_tellings

ChannelName = Literal["mail", "hook"]
CHANNELS: dict[ChannelName, str] = {"mail": "e-mail", "hook": "webhook"}
#: Whoever sends has so long; then another run may try.
CLAIM = dt.timedelta(minutes=10)
#: Runs older than this are forgotten.
MEMORY = dt.timedelta(days=92)
LONGEST_FAULT = 300


@dataclass(frozen=True)
class Channel:
    """Where one person's alerts go by one way.

    Attributes:
        target: the e-mail address, or the webhook's URL.
        sealed_secret: what a webhook's messages are signed with, sealed.
        weekday: of the weekly digest, 0 for Monday; None without one.
        digest_on: when the last digest was sent.
        failing_since: since when nothing could be sent; None while it can.
        fault: why the last message could not be sent.
    """

    username: str
    channel: ChannelName
    target: str
    sealed_secret: str | None
    weekday: int | None
    digest_on: dt.date | None
    sent_at: dt.datetime | None
    failing_since: dt.datetime | None
    fault: str | None


@dataclass(frozen=True)
class Due:
    """An event that is to be told."""

    event: str
    rule: str
    change: str
    day: dt.date
    said: str


@dataclass(frozen=True)
class Run:
    """What a run came to."""

    at: dt.datetime
    rules: int = 0
    opened: int = 0
    recovered: int = 0
    sent: int = 0
    failed: int = 0


class AlertChannels:
    """The channels and runs of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # What people do

    def of(self, username: str) -> dict[ChannelName, Channel]:
        """A person's channels."""
        asked = select(alert_channels).where(alert_channels.c.username == username)
        with self._store.database.read() as connection:
            return {row.channel: _channel(row) for row in connection.execute(asked)}

    def put(
        self, username: str, channel: ChannelName, target: str, weekday: int | None, sealed_secret: str | None = None
    ) -> None:
        """Send a person's alerts there from now on; without a new secret the old one stays."""
        # The first digest comes on the weekday after today.
        began = self._store._now().date()
        values = {"target": target, "weekday": weekday, "digest_on": began, "failing_since": None, "fault": None}
        if sealed_secret is not None:
            values["sealed_secret"] = sealed_secret
        with self._store.database.write() as connection:
            if not connection.execute(update(alert_channels).where(_own(username, channel)).values(values)).rowcount:
                connection.execute(insert(alert_channels).values(username=username, channel=channel, **values))
            self._store.audit.append(
                connection, "alert", username, CHANNELS[channel], change="address set", digest=weekday is not None
            )

    def remove(self, username: str, channel: ChannelName) -> None:
        """Send nothing there any more, also not what was still to be sent."""
        own = select(alert_events.c.event).join(alert_rules, alert_rules.c.rule == alert_events.c.rule)
        unsent = alert_tellings.c.sent_at.is_(None) & (alert_tellings.c.channel == channel)
        with self._store.database.write() as connection:
            events = own.where(alert_rules.c.username == username)
            connection.execute(delete(alert_tellings).where(alert_tellings.c.event.in_(events), unsent))
            if connection.execute(delete(alert_channels).where(_own(username, channel))).rowcount:
                self._store.audit.append(connection, "alert", username, CHANNELS[channel], change="address removed")

    # What a run does

    def due(self, username: str, channel: ChannelName) -> list[Due]:
        """What is still to be sent there, oldest first."""
        asked = (
            select(alert_events)
            .join(alert_tellings, alert_tellings.c.event == alert_events.c.event)
            .join(alert_rules, alert_rules.c.rule == alert_events.c.rule)
            .where(
                alert_rules.c.username == username,
                alert_tellings.c.channel == channel,
                alert_tellings.c.sent_at.is_(None),
                alert_events.c.held.is_(False),
            )
            .order_by(alert_events.c.at, alert_events.c.day)
        )
        with self._store.database.read() as connection:
            return [Due(row.event, row.rule, row.change, row.day, row.said) for row in connection.execute(asked)]

    def claim(self, username: str, channel: ChannelName) -> bool:
        """Whether this run is the one that sends there now; `sent`, `failed` and `let_go` let go again."""
        now = self._store._now()
        until = alert_channels.c.claimed_until
        free = or_(until.is_(None), until < now, is_ahead(until, now + CLAIM))
        taken = update(alert_channels).where(_own(username, channel), free).values(claimed_until=now + CLAIM)
        with self._store.database.write() as connection:
            return bool(connection.execute(taken).rowcount)

    def let_go(self, username: str, channel: ChannelName) -> None:
        """Nothing was tried after all."""
        with self._store.database.write() as connection:
            self._settle(connection, username, channel)

    def sent(
        self,
        username: str,
        channel: ChannelName,
        events: Sequence[str],
        digest_on: dt.date | None,
        **details: int,
    ) -> None:
        """A message with these events was sent; `digest_on` is the day of the digest in it, if it holds one."""
        now = self._store._now()
        told = alert_tellings.c.event.in_(events) & (alert_tellings.c.channel == channel)
        digest = {"digest_on": digest_on} if digest_on else {}
        with self._store.database.write() as connection:
            connection.execute(update(alert_tellings).where(told).values(sent_at=now))
            self._settle(connection, username, channel, sent_at=now, failing_since=None, fault=None, **digest)
            self._note(connection, username, channel, change="sent", **details)

    def failed(self, username: str, channel: ChannelName, fault: str) -> None:
        """A message could not be sent; the next run tries again. Of a lasting failure the beginning is on record."""
        fault = fault[:LONGEST_FAULT]
        with self._store.database.write() as connection:
            since = connection.scalar(select(alert_channels.c.failing_since).where(_own(username, channel)))
            self._settle(connection, username, channel, failing_since=since or self._store._now(), fault=fault)
            if since is None:
                self._note(connection, username, channel, change="not sent", reason=fault)

    def _settle(self, connection: Connection, username: str, channel: ChannelName, **values: Any) -> None:
        own = _own(username, channel)
        connection.execute(update(alert_channels).where(own).values(claimed_until=None, **values))

    def _note(self, connection: Connection, username: str, channel: ChannelName, **details: Any) -> None:
        subject = f"message to {username} by {CHANNELS[channel]}"
        self._store.audit.append(connection, "alert", self._store._actor, subject, **details)

    # Runs

    def note_run(self, run: Run) -> None:
        """Keep what a run of everybody's rules came to."""
        values = {name: getattr(run, name) for name in ("at", "rules", "opened", "recovered", "sent", "failed")}
        with self._store.database.write() as connection:
            connection.execute(delete(alert_runs).where(alert_runs.c.at < run.at - MEMORY))
            connection.execute(insert(alert_runs).values(run=secrets.token_hex(8), **values))

    def last_run(self) -> Run | None:
        """The last run of everybody's rules, or None before the first."""
        # One of a clock that was ahead would hide that the timer has stopped.
        past = not_(is_ahead(alert_runs.c.at, self._store._now()))
        asked = select(alert_runs).where(past).order_by(alert_runs.c.at.desc()).limit(1)
        with self._store.database.read() as connection:
            row = connection.execute(asked).one_or_none()
        return Run(row.at, row.rules, row.opened, row.recovered, row.sent, row.failed) if row else None

    def failing(self) -> int:
        """Channels to which the last message could not be sent."""
        asked = select(func.count()).select_from(alert_channels).where(alert_channels.c.failing_since.is_not(None))
        with self._store.database.read() as connection:
            return int(connection.scalar(asked) or 0)


def _own(username: str, channel: ChannelName) -> Any:
    return (alert_channels.c.username == username) & (alert_channels.c.channel == channel)


def _channel(row: Row[Any]) -> Channel:
    return Channel(
        row.username, row.channel, row.target, row.sealed_secret, row.weekday, row.digest_on, row.sent_at,
        row.failing_since, row.fault,
    )  # fmt: skip
