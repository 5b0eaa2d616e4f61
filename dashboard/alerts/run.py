"""One run: everybody's rules on the extract in use, seen with their own eyes, and what is to be told sent."""

from __future__ import annotations

import datetime as dt
import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from dashboard import access
from dashboard.access import Viewer
from dashboard.alerts import deliver, evaluate, messages, rules
from dashboard.alerts.deliver import DeliveryError
from dashboard.alerts.messages import Item, Message
from dashboard.alerts.rules import Rule
from dashboard.query_faults import WarehouseError
from dashboard.settings import Settings
from dashboard.state.alert_channels import CHANNELS, AlertChannels, Channel, Run
from dashboard.state.alert_rules import AlertRules
from dashboard.state.sealing import Seal, SealError
from dashboard.state.store import Store
from dashboard.state.users import UserRecord
from dashboard.warehouse import Reader, Warehouse

#: What a digest looks back on.
WEEK = dt.timedelta(days=7)
Say = Callable[[str], None]


@dataclass
class Tally:
    """What a run comes to, as it goes on."""

    rules: int = 0
    opened: int = 0
    recovered: int = 0
    sent: int = 0
    failed: int = 0


@dataclass
class _Person:
    """Whose turn it is, and what a dry run would have kept."""

    user: UserRecord
    reader: Reader
    rules: list[Rule]
    new: list[Item] = field(default_factory=list)

    @property
    def demo(self) -> bool:
        return self.reader.catalogue.demo or self.user.demo


class Runner:
    """Evaluates and sends for one store and extract.

    Args:
        now: the present moment, of which dates of sites and of digests are.
        say: is told what was done, a line each.
        dry: keep and send nothing; say what would be sent.
    """

    def __init__(
        self, settings: Settings, store: Store, house: Warehouse, now: dt.datetime, say: Say, *, dry: bool = False
    ) -> None:
        self._settings, self._store, self._house = settings, store, house
        self._now, self._say, self._dry = now, say, dry
        self._rules, self._channels = AlertRules(store), AlertChannels(store)
        self._hanging: set[str] = set()
        self.tally = Tally()

    def run(self, only: str | None = None) -> Tally:
        """Everybody, or one user; who is disabled is passed over.

        Raises:
            StateError: there is no such user.
        """
        for user in [self._store.user(only)] if only else self._everybody():
            own = self._rules.of(user.username)
            if not own:
                continue
            if user.disabled:
                self._say(f"{user.username}: disabled, so nothing is evaluated or sent")
                continue
            person = _Person(user, reader_of(self._store, self._house, user), own)
            for rule in own:
                self._evaluate(person, rule)
            for channel in self._channels.of(user.username).values():
                self._tell(person, channel)
        # That of one person, by hand, would hide that the timer has stopped.
        if not self._dry and only is None:
            counted = self.tally
            self._channels.note_run(
                Run(self._now, counted.rules, counted.opened, counted.recovered, counted.sent, counted.failed)
            )
        return self.tally

    def _everybody(self) -> list[UserRecord]:
        """Who could be sent nothing comes last, each time in another order: a server that hangs is tried for one."""
        users = self._store.list_users()
        random.Random(self._now.timestamp()).shuffle(users)  # noqa: S311  # no secret
        channels = {user.username: self._channels.of(user.username).values() for user in users}
        return sorted(users, key=lambda user: any(one.failing_since for one in channels[user.username]))

    def test(self, username: str) -> Tally:
        """Send a message that holds nothing to every channel of a user.

        Raises:
            StateError: there is no such user.
        """
        user = self._store.user(username)
        reader = reader_of(self._store, self._house, user)
        person = _Person(user, reader, [])
        for channel in self._channels.of(user.username).values():
            self._send(person, channel, messages.test_message(self._settings, reader))
        return self.tally

    # Evaluating

    def _evaluate(self, person: _Person, rule: Rule) -> None:
        if not rule.active:
            return
        if why := rules.closed(person.reader, rule.condition):
            self._say(f"{person.user.username}: rule {rule.rule} is skipped. {why}")
            return
        try:
            found = evaluate.findings(person.reader, rule.condition, rule.evaluated_on, self._now)
        except (WarehouseError, access.AccessDeniedError) as error:
            self.tally.failed += 1
            self._say(f"{person.user.username}: rule {rule.rule} could not be evaluated: {error}")
            return
        steps = evaluate.steps(rule, found)
        snoozed = rule.snoozed(evaluate.local_date(person.reader, rule.condition.site, self._now))
        self.tally.rules += 1
        if self._dry:
            items = [self._item(person, rule, step.change, step.day, step.said) for step in steps]
            person.new += [] if snoozed else items
        else:
            if found and not self._rules.record(rule, found, steps, held=snoozed):
                return  # another run was faster, or the person has just changed it
            if rule.snoozed_until and not snoozed:
                self._rules.release(rule)
        self.tally.opened += sum(step.change == "opened" for step in steps)
        self.tally.recovered += sum(step.change == "recovered" for step in steps)

    def _item(self, person: _Person, rule: Rule, change: str, day: dt.date | None, said: str = "") -> Item:
        return messages.item(self._settings, person.reader, rule, change, day, said)

    # Telling

    def _tell(self, person: _Person, channel: Channel) -> None:
        message, _, _ = self._composed(person, channel)
        if message and self._dry:
            self._say(f"{person.user.username}: would be sent by {CHANNELS[channel.channel]}:")
            self._say(f"Subject: {message.subject}\n\n{message.text}")
        elif message:
            self._send(person, channel)

    def _send(self, person: _Person, channel: Channel, message: Message | None = None) -> None:
        username, by = person.user.username, CHANNELS[channel.channel]
        there = "e-mail" if channel.channel == "mail" else urlsplit(channel.target).netloc
        if there in self._hanging:
            # Each of many people would wait as long, and the next run come late. No fault of this channel's is known.
            self.tally.failed += 1
            self._say(f"{username}: not tried by {by}, since the other side hung just now. The next run tries again")
            return
        if not self._channels.claim(username, channel.channel):
            self._say(f"{username}: another run is sending by {by}")
            return
        events: list[str] = []
        digest_on = None
        if message is None:
            # Again, now that no other run sends there.
            message, events, digest_on = self._composed(person, channel)
        if not message:
            self._channels.let_go(username, channel.channel)
            return
        counted = {"alerts": len(message.opened), "recovered": len(message.recovered)}
        began = time.monotonic()
        try:
            self._hand_over(person, channel, message, self._name(events, digest_on))
        except DeliveryError as error:
            if time.monotonic() - began >= deliver.TIMEOUT:
                self._hanging.add(there)
            self.tally.failed += 1
            self._channels.failed(username, channel.channel, str(error))
            self._say(f"{username}: not sent by {by}: {error}. The next run tries again")
            return
        except BaseException:
            self._channels.let_go(username, channel.channel)
            raise
        self.tally.sent += 1
        digest = message.week is not None
        self._channels.sent(username, channel.channel, events, digest_on, **counted, digest=digest, test=message.test)
        about = "a test" if message.test else f"{counted['alerts']} new, {counted['recovered']} recovered"
        self._say(f"{username}: sent by {by}: {about}{', with the week' if digest_on else ''}")

    def _hand_over(self, person: _Person, channel: Channel, message: Message, delivery: str) -> None:
        if channel.channel == "mail":
            try:
                target = deliver.mail_target(self._settings, channel.target)
            except deliver.TargetError as error:
                raise DeliveryError(str(error).rstrip(".")) from None
            deliver.send_mail(self._settings.mail, target, message, demo=person.demo)
            return
        try:
            secret = Seal.for_settings(self._settings).open(channel.sealed_secret or "")
        except SealError as error:
            why = str(error).rstrip(".")
            raise DeliveryError(
                f"its secret cannot be read: {why}, or make a new secret on the page Alerts"
            ) from None
        deliver.send_hook(self._settings, channel.target, secret, message, delivery, demo=person.demo)

    def _name(self, events: list[str], digest_on: dt.date | None) -> str:
        """The same for the same content, so that the other side knows a repetition; another where more was added."""
        held = [*events, str(digest_on)] if events or digest_on else [self._now.isoformat()]
        return hashlib.sha256(" ".join(held).encode()).hexdigest()[:16]

    def _composed(self, person: _Person, channel: Channel) -> tuple[Message, list[str], dt.date | None]:
        """What is to be sent there, the events in it, and the date of its digest if it holds one."""
        every = self._rules.of(person.user.username)
        # Rights may have gone since an event was kept.
        own = {rule.rule: rule for rule in every if not rules.closed(person.reader, rule.condition)}
        due = [one for one in self._channels.due(person.user.username, channel.channel) if one.rule in own]
        items = [self._item(person, own[one.rule], one.change, one.day, one.said) for one in due] + person.new
        digest_on = self._digest_on(person, channel)
        message = Message(
            opened=[one for one in items if one.change == "opened"],
            recovered=[one for one in items if one.change == "recovered"],
            week=self._week(person, own) if digest_on else None,
            idle=sum(rule.active and rule.rule not in own for rule in every),
            page=messages.linked(self._settings, person.reader, "/alerts"),
            demo=person.reader.catalogue.demo,
        )
        return message, [one.event for one in due], digest_on

    def _digest_on(self, person: _Person, channel: Channel) -> dt.date | None:
        """The day of a digest that is due and wasn't sent yet."""
        if channel.weekday is None or not person.reader.sites:
            return None
        # Asked again, since another run may have sent it meanwhile.
        kept = self._channels.of(person.user.username).get(channel.channel)
        today = evaluate.local_date(person.reader, person.reader.sites[0], self._now)
        day = today - dt.timedelta(days=(today.weekday() - channel.weekday) % 7)
        if kept is None or kept.weekday is None:
            return None
        # Of a day beyond any site's tomorrow it was sent while the clock was ahead.
        ahead = today + dt.timedelta(days=1)
        return day if kept.digest_on is None or not day <= kept.digest_on <= ahead else None

    def _week(self, person: _Person, own: dict[str, Rule]) -> list[Item]:
        """What opened and recovered in the week, what is still open, what is snoozed."""
        happened = [
            self._item(person, own[one.rule], one.change, one.day, one.said)
            for one in self._rules.events(person.user.username, self._now - WEEK)
            if one.rule in own and not one.held
        ]
        standing = []
        for rule in own.values():
            if not rule.active:
                continue
            if rule.snoozed(evaluate.local_date(person.reader, rule.condition.site, self._now)):
                said = f"until {rule.snoozed_until}" + (f"; open since {rule.open_since}" if rule.open_since else "")
                standing.append(self._item(person, rule, "snoozed", None, said))
            elif rule.open_since:
                said = "open since then"
                standing.append(self._item(person, rule, "still open", rule.open_since, said))
        return happened + standing


def reader_of(store: Store, house: Warehouse, user: UserRecord) -> Reader:
    """The extract as a user sees it, with the rights that the account has now."""
    sites = None if user.sites is None else frozenset(user.sites)
    viewer = Viewer(user.username, user.name, user.role, sites)
    return Reader(house, access.limited(viewer, store.small_cells))
