"""What people note on charts: what happened on a date, on every chart over time or on one control chart, or that
limits begin anew from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["annotation", "rebase", "everything", "bookings", "safety"]
#: Of control charts of side effects: of one effect and line, or of any.
TITLES: dict[Kind, str] = {"annotation": "Annotation", "rebase": "Limits rebased"}
#: Of dates: on every chart over time that is about this.
TOPICS: dict[Kind, str] = {
    "everything": "Everything",
    "bookings": "Bookings and money",
    "safety": "Side effects and patients",
}
#: In place of a site, of what is about all of them.
EVERY_SITE = ""


@dataclass(frozen=True)
class Mark:
    """One note in force.

    An annotation with an empty effect or line is about every chart of the site, a rebase about
    the chart of any side effect, or of all lines, alone. The kinds of TOPICS are of a date, on every chart
    over time of the topic; their site may be EVERY_SITE. `person` is the user name.
    """

    number: int
    kind: Kind
    site: str
    effect: str
    line: str
    on_date: dt.date
    text: str
    person_name: str
    at: dt.datetime
    person: str = ""

    def is_on(self, effect: str, lines: tuple[str, ...]) -> bool:
        """Whether the mark is on the site's chart of this side effect after these lines (empty: all)."""
        if self.kind in TOPICS:
            return False
        line = lines[0] if len(lines) == 1 else ""
        if self.kind == "rebase":
            return self.effect == effect and self.line == line and len(lines) <= 1
        return self.effect in ("", effect) and (not self.line or not lines or self.line in lines)


def of_chart(marks: Iterable[Mark], effect: str, lines: tuple[str, ...]) -> tuple[Mark, ...]:
    """Those of the marks that are on the charts of this side effect and these lines, by date."""
    return tuple(sorted((m for m in marks if m.is_on(effect, lines)), key=lambda m: (m.on_date, m.number)))


def of_dates(
    marks: Iterable[Mark], topic: Kind, sites: Collection[str], first: dt.date, last: dt.date
) -> tuple[Mark, ...]:
    """Those of the marks that are on charts over time of a topic, these sites and days, by date."""
    found = (
        mark
        for mark in marks
        if mark.kind in ("everything", topic) and mark.site in (EVERY_SITE, *sites) and first <= mark.on_date <= last
    )
    return tuple(sorted(found, key=lambda mark: (mark.on_date, mark.number)))
