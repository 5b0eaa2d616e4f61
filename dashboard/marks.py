"""What people note on control charts: an annotation on a date, or limits that begin anew from one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["annotation", "rebase"]
TITLES: dict[Kind, str] = {"annotation": "Annotation", "rebase": "Limits rebased"}


@dataclass(frozen=True)
class Mark:
    """One note in force.

    An annotation with an empty effect or line is about every chart of the site, a rebase about
    the chart of any side effect, or of all lines, alone.
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

    def is_on(self, effect: str, lines: tuple[str, ...]) -> bool:
        """Whether the mark is on the site's chart of this side effect after these lines (empty: all)."""
        line = lines[0] if len(lines) == 1 else ""
        if self.kind == "rebase":
            return self.effect == effect and self.line == line and len(lines) <= 1
        return self.effect in ("", effect) and (not self.line or not lines or self.line in lines)


def of_chart(marks: Iterable[Mark], effect: str, lines: tuple[str, ...]) -> tuple[Mark, ...]:
    """Those of the marks that are on the charts of this side effect and these lines, by date."""
    return tuple(sorted((m for m in marks if m.is_on(effect, lines)), key=lambda m: (m.on_date, m.number)))
