"""What a person wants to be told: a condition on one site's data, checked and in words."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from dashboard import access
from dashboard.metrics import METRICS, Metric
from dashboard.panels import today
from dashboard.warehouse import Reader
from dashboard.wording import plural, text

Kind = Literal["special", "threshold", "missing"]

KINDS: dict[Kind, str] = {
    "special": "A figure stands out from its own past",
    "threshold": "A figure passes a number",
    "missing": "Data are missing",
}
#: What can be missing.
MISSING = {
    "data": "No new data",
    "bookings": "No bookings on an open day",
    "forms": "Side-effect forms not filled in",
}
#: By kind which way counts; the first is the default.
SIDES: dict[Kind, dict[str, str]] = {
    "special": {"worse": "Only for the worse, or where neither way is good", "any": "Either way"},
    "threshold": {"above": "Above the number", "below": "Below the number"},
    "missing": {"": ""},
}
#: Rules of a person, at most.
MOST_RULES = 60
MOST_LEAST = 10_000
#: Days without new data, and late forms, from which the usual rules tell.
USUAL_DAYS, USUAL_FORMS = 2, 10
_USUAL_FIGURES = ("bookings", "no_show_rate", "late_cancellation_rate", "chair_utilisation")
_LIMITS = {"data": (1, 60), "forms": (0, 10_000)}
#: The highest number that a figure can be compared with, by unit.
_HIGHEST = {"percent": 1_000.0}


class RuleError(ValueError):
    """A condition that can't be kept; the message says why in a sentence."""


@dataclass(frozen=True)
class Condition:
    """What is watched at one site.

    Attributes:
        what: a figure of the day, or one of MISSING.
        side: one of SIDES of the kind.
        number: what a figure is compared with, in its unit; days for "data", forms for "forms".
        least: a figure with a smaller denominator isn't judged.
    """

    site: str
    kind: Kind
    what: str
    side: str = ""
    number: float | None = None
    least: int = 0

    @property
    def metric(self) -> Metric | None:
        """The figure, where it is of one."""
        return METRICS[self.what] if self.kind != "missing" and self.what in today.FIGURES else None


@dataclass(frozen=True)
class Rule:
    """A person's condition, and where it stands.

    Attributes:
        active: whether it is evaluated.
        snoozed_until: nothing is told before this date of the site.
        version: raised by each change of the condition.
        open_since: the day of data on which its alert opened; None while there is none.
        evaluated_on: the last day of data that was looked at.
    """

    rule: str
    username: str
    condition: Condition
    active: bool = True
    snoozed_until: dt.date | None = None
    version: int = 1
    open_since: dt.date | None = None
    evaluated_on: dt.date | None = None

    def snoozed(self, day: dt.date) -> bool:
        """Whether nothing is told on this day."""
        return self.snoozed_until is not None and day < self.snoozed_until


def figures(reader: Reader) -> tuple[str, ...]:
    """The figures that the viewer may have rules about: those that the page Today shows them."""
    return today.figures_of(reader) if access.allows(reader.viewer, "today") else ()


def kinds(reader: Reader) -> dict[Kind, str]:
    """The kinds of rules open to the viewer."""
    return {kind: title for kind, title in KINDS.items() if kind == "missing" or figures(reader)}


def closed(reader: Reader, condition: Condition) -> str:
    """Why the condition isn't open to the viewer, as a sentence; empty where it is."""
    if not access.allows(reader.viewer, "alerts"):
        return "Alerts are not open to this account."
    if condition.site not in reader.sites:
        return "Its site is not open to this account, or not in the data any more."
    if condition.kind != "missing" and condition.what not in figures(reader):
        return "Its figure is not open to this account."
    return ""


def checked(reader: Reader, condition: Condition) -> Condition:
    """The condition as it is kept, with what its kind doesn't need left out.

    Raises:
        RuleError: it makes no sense, or isn't open to the viewer.
    """
    if condition.kind not in KINDS:
        raise RuleError("Choose what the rule is about.")
    if condition.kind == "missing" and condition.what not in MISSING:
        raise RuleError("Choose which data may be missing.")
    if why := closed(reader, condition):
        raise RuleError(why)
    if condition.side not in SIDES[condition.kind]:
        raise RuleError("Choose which way counts.")
    number, least = None, 0
    if condition.kind == "threshold" or condition.what in _LIMITS:
        number = _number(condition)
    if condition.kind == "threshold" and METRICS[condition.what].denominator:
        least = condition.least
        if not 0 <= least <= MOST_LEAST:
            raise RuleError(f"The least denominator lies between 0 and {MOST_LEAST:,}.")
    return Condition(condition.site, condition.kind, condition.what, condition.side, number, least)


def _number(condition: Condition) -> float:
    low, high = _LIMITS.get(condition.what, (0.0, 1_000_000.0))
    if condition.kind == "threshold":
        low, high = 0.0, _HIGHEST.get(METRICS[condition.what].unit, 1_000_000.0)
    number = condition.number
    if number is None or not math.isfinite(number) or not low <= number <= high:
        raise RuleError(f"The number lies between {low:,.0f} and {high:,.0f}.")
    if condition.kind == "missing" and number != int(number):
        raise RuleError("The number is a whole one.")
    return float(number)


def usual(reader: Reader, site: str) -> tuple[Condition, ...]:
    """The rules that most people want for a site."""
    special = [Condition(site, "special", name, "worse") for name in _USUAL_FIGURES if name in figures(reader)]
    missing = [
        Condition(site, "missing", "data", number=float(USUAL_DAYS)),
        Condition(site, "missing", "bookings"),
        Condition(site, "missing", "forms", number=float(USUAL_FORMS)),
    ]
    return tuple(special + missing)


def lacking(wanted: Iterable[Condition], own: Iterable[Rule]) -> tuple[Condition, ...]:
    """Those of the conditions that none of the rules is about."""
    there = {rule.condition for rule in own}
    return tuple(condition for condition in wanted if condition not in there)


def title(condition: Condition, site_name: str = "") -> str:
    """The rule in words: "No-show rate in Dallas: above 20.0 %, of at least 10 past appointments".

    Without the site's name where that stands above: "No-show rate: above 20.0 %, of at least 10 past appointments".
    """
    metric = condition.metric
    if condition.kind == "missing" or metric is None:
        said = _missing(condition)
        return f"{site_name}: {said}" if site_name else said[:1].upper() + said[1:]
    figure = f"{metric.title} in {site_name}" if site_name else metric.title
    if condition.kind == "special":
        for_worse = "" if condition.side == "any" or metric.better == "neither" else ", for the worse"
        return f"{figure}: out of the usual{for_worse}"
    least = f", of at least {condition.least:,} {metric.counted[1]}" if condition.least else ""
    return f"{figure}: {condition.side} {text(condition.number or 0.0, metric.unit)}{least}"


def _missing(condition: Condition) -> str:
    number = condition.number or 0
    what = {
        "data": f"data end more than {plural(number, 'day', 'days')} ago",
        "bookings": "an open day without bookings",
        "forms": f"more than {plural(number, 'side-effect form is', 'side-effect forms are')} late",
    }
    return what.get(condition.what, condition.what)
