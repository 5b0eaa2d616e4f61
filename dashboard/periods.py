"""Whole calendar periods: the months, quarters and years that are over, and what a choice of dates comes to."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from dashboard.filters import Filters, months_back

MONTHS = {"month": 1, "quarter": 3, "year": 12}
#: A choice of up to this many days is answered with months, a longer one with quarters.
MONTHLY_DAYS = 45


@dataclass(frozen=True, order=True)
class Whole:
    """A whole calendar period; both ends are inclusive local dates."""

    end: dt.date
    start: dt.date
    grain: str


def over(grain: str, first_day: dt.date, last_full_day: dt.date) -> list[Whole]:
    """The periods of this grain that lie within the days, in order.

    >>> [p.start.month for p in over("quarter", dt.date(2026, 1, 15), dt.date(2026, 9, 30))]
    [4, 7]
    """
    months = MONTHS[grain]
    start = first_day.replace(day=1)
    start = months_back(start, (start.month - 1) % months)
    found = []
    while (following := months_back(start, -months)) - dt.timedelta(days=1) <= last_full_day:
        if start >= first_day:
            found.append(Whole(following - dt.timedelta(days=1), start, grain))
        start = following
    return found


def tree(first_day: dt.date, last_full_day: dt.date) -> list[Whole]:
    """Every period that is over, in the order in which they end, shorter ones first."""
    found = [period for grain in MONTHS for period in over(grain, first_day, last_full_day)]
    # Those that end together begin in the order month, quarter, year when the latest comes first.
    return sorted(found, key=lambda p: (p.end, -p.start.toordinal()))


def pieces(start: dt.date, end: dt.date, periods: list[Whole]) -> list[Whole] | None:
    """The fewest of the periods that make up the days exactly, or None where none do."""
    # By their end, so that of those that begin together the longest is kept.
    longest = {period.start: period for period in sorted(periods) if period.end <= end}
    found: list[Whole] = []
    while start <= end:
        if start not in longest:
            return None
        found.append(longest[start])
        start = found[-1].end + dt.timedelta(days=1)
    return found


def whole(chosen: Filters) -> Filters | None:
    """The choice in whole periods that are over: those of which more than half the days were asked for.

    Up to 45 days mean months, more mean quarters. Where no period is asked for by half, it is the
    last one before the choice ends, else the first.

    Returns:
        The same filters over these days, by month, or None where no month of the extract is over.
    """
    scope = chosen.scope
    grains = ("month",) if chosen.days <= MONTHLY_DAYS else ("quarter", "month")
    for grain in grains:
        if periods := over(grain, scope.first_day, scope.last_full_day):
            found = [p for p in periods if 2 * _shared(p, chosen) > (p.end - p.start).days + 1]
            if not found:
                before = [p for p in periods if p.end <= chosen.end]
                found = before[-1:] or periods[:1]
            return replace(chosen, period="whole", start=found[0].start, end=found[-1].end, by="month")
    return None


def whole_year(chosen: Filters) -> Filters | None:
    """The twelve whole months up to the end of `whole`, for charts over time."""
    if (asked := whole(chosen)) is None:
        return None
    first = over("month", chosen.scope.first_day, chosen.scope.last_full_day)[0].start
    start = months_back(asked.end + dt.timedelta(days=1), 12)
    return replace(asked, start=max(min(start, asked.start), first))


def _shared(period: Whole, chosen: Filters) -> int:
    """Days that the period and the choice have in common."""
    return max((min(period.end, chosen.end) - max(period.start, chosen.start)).days + 1, 0)
