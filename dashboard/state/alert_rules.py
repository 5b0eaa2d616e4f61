"""Alert rules in the store: each person's own, what was found, and which alerts opened and recovered."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, not_, select, update

from dashboard.alerts import rules
from dashboard.alerts.evaluate import Finding, Step
from dashboard.alerts.rules import Condition, Rule
from dashboard.clock import is_ahead
from dashboard.state.database import StateError
from dashboard.state.store import Store
from dashboard.state.tables import alert_channels, alert_evaluations, alert_events, alert_rules, alert_tellings
from dashboard.warehouse import Reader

#: Findings older than this are forgotten, and so are events that were told.
MEMORY = dt.timedelta(days=92)


@dataclass(frozen=True)
class Evaluation:
    """What was found of a rule on a day of data, and when."""

    day: dt.date
    at: dt.datetime
    outcome: str
    said: str


@dataclass(frozen=True)
class Event:
    """An alert that opened or recovered; `held` while its rule was snoozed."""

    event: str
    rule: str
    change: str
    day: dt.date
    at: dt.datetime
    said: str
    held: bool


class AlertRules:
    """The alert rules of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # What people do

    def of(self, username: str) -> list[Rule]:
        """A person's rules, in the order in which they were made."""
        asked = (
            select(alert_rules)
            .where(alert_rules.c.username == username)
            .order_by(alert_rules.c.created_at, alert_rules.c.site, alert_rules.c.kind.desc(), alert_rules.c.what)
        )
        with self._store.database.read() as connection:
            return [_rule(row) for row in connection.execute(asked)]

    def add(self, reader: Reader, conditions: Sequence[Condition]) -> int:
        """Make a rule of each condition that the viewer has none of yet; how many.

        Raises:
            RuleError: a condition makes no sense, or isn't open to the viewer.
            StateError: there are too many.
        """
        username = reader.viewer.username
        wanted = rules.lacking([rules.checked(reader, one) for one in conditions], self.of(username))
        with self._store.database.write() as connection:
            own = alert_rules.c.username == username
            there = connection.scalar(select(func.count()).select_from(alert_rules).where(own)) or 0
            if there + len(wanted) > rules.MOST_RULES:
                raise StateError(f"There can be {rules.MOST_RULES} rules at most; delete one first.")
            for condition in wanted:
                key = secrets.token_hex(8)
                connection.execute(
                    insert(alert_rules).values(
                        rule=key, username=username, active=True, version=1, created_at=self._store._now(),
                        **_columns(condition),
                    )
                )  # fmt: skip
                self._note(connection, username, key, "added", **_described(condition))
        return len(wanted)

    def change(self, reader: Reader, rule: str, condition: Condition) -> None:
        """Let a rule be about something else; what was found before is forgotten.

        Raises:
            RuleError: the condition makes no sense, or isn't open to the viewer.
            StateError: the viewer has no such rule, or another about the same.
        """
        condition = rules.checked(reader, condition)
        if any(one.condition == condition and one.rule != rule for one in self.of(reader.viewer.username)):
            raise StateError("There is such a rule already.")
        with self._store.database.write() as connection:
            self._update(connection, reader.viewer.username, rule, **_columns(condition), **_ANEW)
            _forget(connection, rule)
            self._note(connection, reader.viewer.username, rule, "changed", **_described(condition))

    def switch(self, username: str, rule: str, *, on: bool) -> None:
        """Evaluate the rule or leave it alone; what was open is open no more, and isn't told.

        Raises:
            StateError: the person has no such rule.
        """
        with self._store.database.write() as connection:
            self._update(connection, username, rule, active=on, **_ANEW)
            events = select(alert_events.c.event).where(alert_events.c.rule == rule)
            unsent = alert_tellings.c.sent_at.is_(None)
            connection.execute(delete(alert_tellings).where(alert_tellings.c.event.in_(events), unsent))
            self._note(connection, username, rule, "switched on" if on else "switched off")

    def snooze(self, username: str, rule: str, until: dt.date | None) -> None:
        """Tell nothing of the rule before this date; None ends a snooze.

        Raises:
            StateError: the person has no such rule.
        """
        with self._store.database.write() as connection:
            self._update(connection, username, rule, snoozed_until=until)
            self._note(connection, username, rule, "snoozed" if until else "snooze ended", until=until)

    def remove(self, username: str, rule: str) -> None:
        """Delete a rule with all that was found; one that isn't there is no error."""
        with self._store.database.write() as connection:
            own = (alert_rules.c.rule == rule) & (alert_rules.c.username == username)
            if connection.scalar(select(alert_rules.c.rule).where(own)):
                _forget(connection, rule)
                connection.execute(delete(alert_rules).where(own))
                self._note(connection, username, rule, "deleted")

    def found(self, username: str, rule: str, most: int) -> list[Evaluation]:
        """What was found of a person's rule, newest day first."""
        asked = (
            select(alert_evaluations)
            .join(alert_rules, alert_rules.c.rule == alert_evaluations.c.rule)
            .where(alert_rules.c.rule == rule, alert_rules.c.username == username)
            .order_by(alert_evaluations.c.day.desc())
            .limit(most)
        )
        with self._store.database.read() as connection:
            return [Evaluation(row.day, row.at, row.outcome, row.said) for row in connection.execute(asked)]

    def events(self, username: str, since: dt.datetime) -> list[Event]:
        """What opened and recovered of a person's rules since a moment and up to now, oldest first."""
        asked = (
            select(alert_events)
            .join(alert_rules, alert_rules.c.rule == alert_events.c.rule)
            .where(
                alert_rules.c.username == username,
                alert_events.c.at >= since,
                not_(is_ahead(alert_events.c.at, self._store._now())),
            )
            .order_by(alert_events.c.at, alert_events.c.day)
        )
        with self._store.database.read() as connection:
            return [_event(row) for row in connection.execute(asked)]

    # What a run does

    def record(self, rule: Rule, found: Sequence[Finding], steps: Sequence[Step], *, held: bool) -> bool:
        """Keep what a run found; False if the rule has changed meanwhile, or another run was faster.

        Steps go to the channels that the person has now.
        """
        now = self._store._now()
        is_open = rule.open_since
        for step in steps:
            is_open = step.day if step.change == "opened" else None
        seen = max([one.day for one in found] + ([rule.evaluated_on] if rule.evaluated_on else []))
        same = (alert_rules.c.rule == rule.rule) & (alert_rules.c.version == rule.version)
        with self._store.database.write() as connection:
            row = connection.execute(select(alert_rules).where(same)).one_or_none()
            if row is None or (row.open_since, row.evaluated_on) != (rule.open_since, rule.evaluated_on):
                return False
            connection.execute(update(alert_rules).where(same).values(open_since=is_open, evaluated_on=seen))
            for one in found:
                values = {"at": now, "outcome": one.outcome, "said": one.said}
                day = (alert_evaluations.c.rule == rule.rule) & (alert_evaluations.c.day == one.day)
                if not connection.execute(update(alert_evaluations).where(day).values(values)).rowcount:
                    connection.execute(insert(alert_evaluations).values(rule=rule.rule, day=one.day, **values))
            old = alert_evaluations.c.at < now - MEMORY
            connection.execute(delete(alert_evaluations).where(alert_evaluations.c.rule == rule.rule, old))
            named = alert_channels.c.username == rule.username
            channels = connection.scalars(select(alert_channels.c.channel).where(named)).all()
            for step in steps:
                key = secrets.token_hex(8)
                connection.execute(
                    insert(alert_events).values(
                        event=key, rule=rule.rule, change=step.change, day=step.day, at=now, said=step.said, held=held
                    )
                )
                for channel in channels:
                    connection.execute(insert(alert_tellings).values(event=key, channel=channel))
        return True

    def release(self, rule: Rule) -> None:
        """After a snooze let the last change be told, if people know of another state than the present one."""
        asked = (
            select(alert_events)
            .where(alert_events.c.rule == rule.rule)
            .order_by(alert_events.c.at, alert_events.c.day)
        )
        with self._store.database.write() as connection:
            events = [_event(row) for row in connection.execute(asked)]
            told = next((one.change for one in reversed(events) if not one.held), "recovered")
            if events and events[-1].held and events[-1].change != told:
                last = alert_events.c.event == events[-1].event
                connection.execute(update(alert_events).where(last).values(held=False))

    # Inside

    def _update(self, connection: Connection, username: str, rule: str, **values: Any) -> None:
        own = (alert_rules.c.rule == rule) & (alert_rules.c.username == username)
        if not connection.execute(update(alert_rules).where(own).values(values)).rowcount:
            raise StateError("This rule is not there any more.")

    def _note(self, connection: Connection, username: str, rule: str, change: str, **details: Any) -> None:
        self._store.audit.append(connection, "alert", username, f"rule {rule}", change=change, **details)


#: What a changed rule begins with.
_ANEW: dict[str, Any] = {"open_since": None, "evaluated_on": None, "version": alert_rules.c.version + 1}


def _forget(connection: Connection, rule: str) -> None:
    events = select(alert_events.c.event).where(alert_events.c.rule == rule)
    connection.execute(delete(alert_tellings).where(alert_tellings.c.event.in_(events)))
    connection.execute(delete(alert_events).where(alert_events.c.rule == rule))
    connection.execute(delete(alert_evaluations).where(alert_evaluations.c.rule == rule))


def _columns(condition: Condition) -> dict[str, Any]:
    return {
        "site": condition.site, "kind": condition.kind, "what": condition.what, "side": condition.side,
        "number": condition.number, "least": condition.least,
    }  # fmt: skip


def _described(condition: Condition) -> dict[str, Any]:
    """A condition as it goes on record: what is given."""
    return {("about" if key == "kind" else key): value for key, value in _columns(condition).items() if value}


def _rule(row: Row[Any]) -> Rule:
    condition = Condition(row.site, row.kind, row.what, row.side, row.number, row.least)
    return Rule(
        row.rule, row.username, condition, row.active, row.snoozed_until, row.version, row.open_since,
        row.evaluated_on,
    )  # fmt: skip


def _event(row: Row[Any]) -> Event:
    return Event(row.event, row.rule, row.change, row.day, row.at, row.said, row.held)
