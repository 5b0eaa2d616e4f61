"""What is sent: new alerts, recoveries and the week, as text and as JSON, from aggregated figures alone."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard.alerts import evaluate, rules
from dashboard.alerts.rules import Rule
from dashboard.filters import day_text
from dashboard.settings import Settings, is_loopback
from dashboard.warehouse import Reader
from dashboard.wording import plural

#: Version of the JSON that webhooks get.
VERSION = 1
PRODUCT = "Infusion dashboard"
LONGEST_SUBJECT = 150
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


@dataclass(frozen=True)
class Item:
    """One alert in a message.

    Attributes:
        title: the rule in words.
        change: opened, recovered, still open, or snoozed.
        day: of data; None of a snooze without an alert.
        said: what was found, in a sentence.
        link: the page that shows it; empty where the dashboard's address isn't set.
    """

    rule: Rule
    title: str
    change: str
    day: dt.date | None
    said: str = ""
    link: str = ""


@dataclass(frozen=True)
class Message:
    """What one person is sent by one channel in one run.

    Attributes:
        week: what a digest holds; None without one.
        idle: active rules that are not evaluated, since what they are about is gone; told in a digest.
    """

    opened: list[Item] = field(default_factory=list)
    recovered: list[Item] = field(default_factory=list)
    week: list[Item] | None = None
    idle: int = 0
    page: str = ""
    demo: bool = False
    test: bool = False

    def __bool__(self) -> bool:
        return bool(self.opened or self.recovered) or self.week is not None or self.test

    @property
    def subject(self) -> str:
        """One line, whatever names of sites hold."""
        one = [*self.opened, *self.recovered]
        if len(one) == 1:
            words = f"{'Alert' if self.opened else 'Recovered'}: {one[0].title}"
        elif self.test:
            words = "a test, so that you know that alerts arrive"
        elif one:
            counted = [(self.opened, "new alert", "new alerts"), (self.recovered, "recovered", "recovered")]
            words = ", ".join(plural(len(items), single, many) for items, single, many in counted if items)
        else:
            is_open = sum(item.change == "still open" for item in self.week or [])
            words = f"Your week: {plural(is_open, 'alert', 'alerts')} open"
        return plain(f"{PRODUCT}: {words}")[:LONGEST_SUBJECT]

    @property
    def text(self) -> str:
        """The message as plain text."""
        parts = ["Demo data: made up by a program, of no patient."] if self.demo else []
        if self.opened:
            parts += ["New:", *map(_lines, self.opened)]
        if self.recovered:
            parts += ["Recovered:", *map(_lines, self.recovered)]
        if self.week is not None:
            parts.append(
                "The last seven days:" if self.week else "The last seven days: nothing opened, nothing is open."
            )
            parts += [f"{title}\n{_listed(items)}" for title, items in self._by_change()]
            if self.idle:
                counted = plural(self.idle, "rule is", "rules are")
                parts.append(
                    f"{counted} not evaluated: the site or figure is not open to you, or not in the data any more."
                )
        if self.test:
            parts.append("This is a test: your alerts arrive here.")
        rules_at = f": {self.page}" if self.page else " of the dashboard"
        parts.append(f"You are sent this by your own rules. Change or snooze them on the page Alerts{rules_at}")
        return "\n\n".join(parts) + "\n"

    def _by_change(self) -> list[tuple[str, list[Item]]]:
        words = {"opened": "Opened", "recovered": "Recovered", "still open": "Still open", "snoozed": "Snoozed"}
        grouped = [
            (title, [one for one in self.week or [] if one.change == change]) for change, title in words.items()
        ]
        return [(f"{title} ({len(items)}):", items) for title, items in grouped if items]

    @property
    def payload(self) -> dict[str, Any]:
        """The message as a webhook gets it; `text` is what chats show."""
        found: dict[str, Any] = {
            "version": VERSION,
            "text": f"{self.subject}\n\n{self.text}",
            "demo": self.demo,
            "test": self.test,
            "opened": [_fields(item) for item in self.opened],
            "recovered": [_fields(item) for item in self.recovered],
        }
        if self.week is not None:
            found["week"] = [_fields(item) | {"change": item.change} for item in self.week]
            found["not_evaluated"] = self.idle
        return found

    @property
    def body(self) -> bytes:
        """`payload` as it goes over the line."""
        return json.dumps(self.payload, ensure_ascii=False, separators=(",", ":")).encode()


def plain(text: str) -> str:
    """The text in one line: no character in it ends a line or a header."""
    return " ".join(_CONTROL.sub(" ", text).split())


def item(settings: Settings, reader: Reader, rule: Rule, change: str, day: dt.date | None, said: str = "") -> Item:
    """An alert with its title, and with its link where the dashboard's address is known."""
    title = rules.title(rule.condition, reader.catalogue.site_name(rule.condition.site))
    link = evaluate.address(reader, rule.condition, day) if day else "/alerts"
    return Item(rule, plain(title), change, day, plain(said), linked(settings, reader, link))


def linked(settings: Settings, reader: Reader, address: str) -> str:
    """An address of the dashboard as a link; empty where only this machine would find it."""
    local = is_loopback((settings.url.split("//", 1)[-1]).split("/")[0].rsplit(":", 1)[0].strip("[]"))
    return "" if local and not reader.catalogue.demo else f"{settings.url}{address}"


def test_message(settings: Settings, reader: Reader) -> Message:
    """What `dashboard alerts test` sends: no alert."""
    return Message(page=linked(settings, reader, "/alerts"), demo=reader.catalogue.demo, test=True)


def _lines(item: Item) -> str:
    day = f"{item.day:%A} {day_text(item.day)}: " if item.day else ""
    return "\n".join(
        line for line in (f"- {item.title}", f"  {day}{item.said}", f"  {item.link}".rstrip()) if line.strip()
    )


def _listed(items: Sequence[Item]) -> str:
    return "\n".join(_lines(one) for one in items)


def _fields(item: Item) -> dict[str, Any]:
    condition = item.rule.condition
    return {
        "rule": item.rule.rule, "title": item.title, "site": condition.site, "kind": condition.kind,
        "what": condition.what, "day": item.day.isoformat() if item.day else None, "said": item.said,
        "link": item.link or None,
    }  # fmt: skip
