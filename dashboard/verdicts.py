"""A day's verdict: one figure of one site against its own past, in a word, a rank and a sentence.

The past is every earlier day of the site, or every earlier day of the same weekday where the figure
has a weekly pattern. Limits are those of the XmR chart for counts and other figures, of the p′ chart
for rates; they come from the earlier days alone and never begin anew by themselves. Rules: NHS
Making Data Count (`spc.special_causes`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Literal

import numpy as np
from scipy import special, stats

from dashboard import spc
from dashboard.arguments import FloatArray
from dashboard.metrics import Metric
from dashboard.theme import VerdictKind
from dashboard.wording import number, plural, text

Rule = Literal["", "outside", "two in three", "trend", "run"]
Reason = Literal["", "closed", "empty", "not over", "nothing", "too few"]

#: Limits of fewer earlier days than this say nothing at all.
LEAST_DAYS = 4
#: A weekly pattern is one that chance would show less often than this (Kruskal and Wallis 1952).
WEEKLY_P = 0.01
#: A run of this length or more is no news: it has stood for a while.
STANDING_FROM = 11
#: Share of usual days on which a figure stands out by chance, all four rules in force.
FALSE_ALARMS = 0.019


@dataclass(frozen=True)
class Chart:
    """A figure's control chart up to a day, which is its last point.

    Attributes:
        days: local dates, oldest first, days without a value left out but for the last.
        values: in the metric's unit; the last is NaN where the day has none.
        numerator: of each day.
        denominator: of each day; NaN for a count.
        limits: centre, lower and upper, from all days but the last; NaN below LEAST_DAYS.
        causes: the rules' findings; None without limits.
        weekly: whether the days are those of one weekday.
    """

    days: list[dt.date]
    values: FloatArray
    numerator: FloatArray
    denominator: FloatArray
    limits: spc.Limits
    causes: spc.SpecialCauses | None
    weekly: bool

    @property
    def past(self) -> int:
        """How many earlier days the limits come from."""
        return len(self.days) - 1

    @property
    def trial(self) -> bool:
        """Whether the limits are trial limits."""
        return self.past < spc.FULL_LIMITS

    @property
    def run(self) -> int:
        """How many days in a row, the last one among them, lie on its side of the centre."""
        sides = np.sign(self.values - np.asarray(self.limits.centre))[::-1]
        other = np.flatnonzero(sides != sides[0])
        return int(other[0]) if other.size else len(sides)


@dataclass(frozen=True)
class Verdict:
    """What a chart says of its last day.

    Attributes:
        kind: the word, icon and colour.
        rule: what was broken, the plainest one first; empty for none.
        high: whether the day lies above the centre.
        run: days in a row on one side, for a run.
        distance: from the centre, in thirds of the way to the limit.
        reason: why nothing is judged; empty where something is.
    """

    kind: VerdictKind
    rule: Rule = ""
    high: bool = False
    run: int = 0
    distance: float = 0.0
    reason: Reason = ""

    @property
    def standing(self) -> bool:
        """Whether it says nothing but what it has said for days."""
        return self.rule == "run" and self.run >= STANDING_FROM


def chart(
    metric: Metric,
    days: Sequence[dt.date],
    value: FloatArray,
    numerator: FloatArray,
    denominator: FloatArray,
    weekdays: spc.IntArray | None = None,
) -> Chart:
    """The chart of a figure up to the last of the days.

    Args:
        metric: what the values are of; decides the kind of chart and where its limits are cut off.
        days: local dates in order, the last being the one to judge.
        value: of each day, in the metric's unit; NaN where there is none.
        numerator: of each day, NaN where there is no value.
        denominator: likewise; NaN for a count.
        weekdays: of each day, Monday being 0, where they are known already.
    """
    if weekdays is None:
        weekdays = weekdays_of(days)
    weekly = weekly_pattern(value[:-1], weekdays[:-1])
    kept = np.isfinite(value) & ((weekdays == weekdays[-1]) | (not weekly))
    kept[-1] = True
    value, numerator, denominator = value[kept], numerator[kept], denominator[kept]
    limits = _limits(metric, value, numerator, denominator)
    known = len(value) > LEAST_DAYS and np.isfinite(value[-1])
    causes = spc.special_causes(value, *limits) if known else None
    return Chart(list(compress(days, kept.tolist())), value, numerator, denominator, limits, causes, weekly)


def weekdays_of(days: Sequence[dt.date]) -> spc.IntArray:
    """The weekday of each, Monday being 0."""
    return np.array([day.weekday() for day in days], dtype=np.int64)


def weekly_pattern(values: FloatArray, weekdays: spc.IntArray) -> bool:
    """Whether the values differ by weekday beyond chance, each weekday counting that has LEAST_DAYS of them.

    Kruskal and Wallis's test with its correction for ties, which asks nothing of their distribution.
    SciPy's, which gives the same, takes ten times as long over its checks.
    """
    present = np.isfinite(values)
    sizes = np.bincount(weekdays[present], minlength=7)
    present &= sizes[weekdays] >= LEAST_DAYS
    groups = np.unique(weekdays[present])
    if len(groups) < 2:
        return False
    ranks = stats.rankdata(values[present])
    sizes = np.bincount(weekdays[present], minlength=7)[groups]
    sums = np.bincount(weekdays[present], weights=ranks, minlength=7)[groups]
    n = ranks.size
    ties = np.unique(ranks, return_counts=True)[1].astype(float)
    correction = 1 - (ties**3 - ties).sum() / (n**3 - n)
    if correction == 0:
        return False
    h = (12 / (n * (n + 1)) * (sums**2 / sizes).sum() - 3 * (n + 1)) / correction
    return bool(special.chdtrc(len(groups) - 1, h) < WEEKLY_P)


def _limits(metric: Metric, value: FloatArray, above: FloatArray, below: FloatArray) -> spc.Limits:
    """Limits of the days before the last, carried on to it, in the metric's unit.

    Never narrower than what chance alone does to a count (Poisson) or to a rate of the day's size
    (binomial): of figures that are mostly 0 the spread between days says too little.
    """
    past = len(value) - 1
    if past < LEAST_DAYS:
        return spc.Limits(*[np.full(len(value), np.nan)] * 3)
    if metric.interval == "wilson":
        centre, lower, upper = (
            100 * np.asarray(limit) for limit in spc.p_chart(np.nan_to_num(above), np.nan_to_num(below), freeze=past)
        )
        part = np.clip(centre / 100, 0, 1)
        chance = 300 * np.sqrt(part * (1 - part) / np.where(below > 0, below, np.nan))
    else:
        centre, lower, upper = (np.asarray(limit) for limit in spc.xmr(value, freeze=past))
        chance = 3 * np.sqrt(centre) if metric.unit == "count" else np.zeros(len(value))
    lower, upper = np.maximum(np.minimum(lower, centre - chance), 0), np.maximum(upper, centre + chance)
    # Only a share of its own denominator ends at 100 %: chairs can be booked twice over.
    return spc.Limits(centre, lower, np.minimum(upper, 100) if metric.interval == "wilson" else upper)


def judge(metric: Metric, found: Chart) -> Verdict:
    """What the chart says of its last day, whatever else may stand against judging it."""
    if not np.isfinite(found.values[-1]):
        return Verdict("unknown", reason="nothing")
    if found.causes is None:
        return Verdict("unknown", reason="too few")
    value = found.values[-1]
    centre, lower, upper = (float(np.asarray(limit)[-1]) for limit in found.limits)
    high = bool(value > centre)
    reach = max(upper - centre, centre - lower)
    distance = 3 * abs(value - centre) / reach if reach > 0 else 0.0
    causes = found.causes
    rules: tuple[tuple[Rule, spc.IntArray], ...] = (
        ("outside", causes.outside), ("two in three", causes.two_in_three), ("trend", causes.trend),
        ("run", causes.one_side),
    )  # fmt: skip
    for rule, flags in rules:
        if flags[-1]:
            up = bool(flags[-1] > 0)
            kind: VerdictKind = "improvement" if up == (metric.better == "higher") else "concern"
            kind = "neither" if metric.better == "neither" else kind
            return Verdict(kind, rule, up, found.run if rule == "run" else 0, distance)
    return Verdict("common", high=high, distance=distance)


def sentence(metric: Metric, found: Chart, verdict: Verdict, site: str) -> str:
    """The verdict in words.

    "No-shows 5 of 31 (16.1 %): above the upper limit of 14.0 % for a Tuesday in Dallas"
    """
    day = found.days[-1]
    if verdict.reason == "closed":
        return f"{site} is closed on this {day:%A}"
    if verdict.reason == "empty":
        return f"Nothing at all is booked on this {day:%A} in {site}: a holiday, or data are missing"
    if verdict.reason == "nothing":
        return f"{metric.title}: no {metric.counted[1]} on this {day:%A} in {site}"
    shown = figure(metric, found.values[-1], found.numerator[-1], found.denominator[-1])
    if verdict.reason == "not over":
        return f"{shown} so far: this {day:%A} is not over in {site}, so that nothing is judged"
    one, days = (f"{day:%A}", f"{day:%A}s") if found.weekly else ("day", "days")
    if verdict.reason == "too few":
        if not found.past:
            return f"{shown}: no earlier {one} in {site} to judge it by"
        past = plural(found.past, f"earlier {one} in {site} is", f"earlier {days} in {site} are")
        return f"{shown}: {past} too few to judge it"
    said = f"{shown}: {_ruled(metric, found, verdict, days, site)}"
    return f"{said} (trial limits, of {found.past} {days})" if found.trial else said


def figure(metric: Metric, value: float, numerator: float, denominator: float) -> str:
    """A value with what it was counted from: "No-shows 5 of 31 (16.1 %)", "Bookings 38"."""
    shown = text(value, metric.unit)
    if metric.interval is None:
        return f"{metric.title} {shown}"
    named = f", {metric.variant}" if metric.variant else ""
    return f"{metric.counted[0].capitalize()} {numerator:,.0f} of {denominator:,.0f} ({shown}{named})"


def _ruled(metric: Metric, found: Chart, verdict: Verdict, days: str, site: str) -> str:
    centre, lower, upper = (float(np.asarray(limit)[-1]) for limit in found.limits)
    one = f"{found.days[-1]:%A}" if found.weekly else "day"
    side, limit, which = ("above", upper, "upper") if verdict.high else ("below", lower, "lower")
    if verdict.rule == "outside":
        return f"{side} the {which} limit of {limit_text(limit, metric)} for a {one} in {site}"
    if verdict.rule == "two in three":
        return f"2 of the last 3 {days} close to the {which} limit of {limit_text(limit, metric)} in {site}"
    if verdict.rule == "trend":
        return f"{'rising' if verdict.high else 'falling'} for {spc.RUN_LENGTH} {days} or more in {site}"
    if verdict.rule == "run":
        usual = limit_text(centre, metric)
        return f"the {_ordinal(verdict.run)} {one} in a row {side} the usual {usual} in {site}"
    usual = f"{limit_text(lower, metric)} to {limit_text(upper, metric)}"
    return f"within the usual {usual} for a {one} in {site}"


def limit_text(value: float, metric: Metric) -> str:
    """A limit as text; of a count with one decimal, since limits are no counts."""
    return number(value, 1) if metric.unit == "count" else text(value, metric.unit)


def _ordinal(number: int) -> str:
    """A place in a row.

    >>> [_ordinal(n) for n in (1, 2, 3, 7, 11, 12, 13, 21, 112)]
    ['1st', '2nd', '3rd', '7th', '11th', '12th', '13th', '21st', '112th']
    """
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


_ORDER: tuple[VerdictKind, ...] = ("concern", "neither", "improvement", "common", "unknown")


def rank(verdict: Verdict) -> tuple[int, bool, float]:
    """Sort key of what needs attention: kind, then outside before the other rules, then how far off."""
    return _ORDER.index(verdict.kind), verdict.rule != "outside", -verdict.distance
