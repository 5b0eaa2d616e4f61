"""What a condition finds on each day of data, by the very functions that pages show it with."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from dashboard import exports, filters, verdicts
from dashboard.alerts.rules import Condition, Rule
from dashboard.filters import Filters, day_text
from dashboard.metrics import METRICS
from dashboard.panels import today
from dashboard.panels.sums import counts
from dashboard.warehouse import Reader
from dashboard.wording import plural, text

Outcome = Literal["alert", "quiet", "not judged"]
#: Days before the last full one that are looked at where no run has seen them.
CATCH_UP = 6


@dataclass(frozen=True)
class Finding:
    """What a condition finds on one day; `said` has aggregated figures only."""

    day: dt.date
    outcome: Outcome
    said: str


@dataclass(frozen=True)
class Step:
    """An alert that opens or recovers."""

    change: Literal["opened", "recovered"]
    day: dt.date
    said: str


def local_date(reader: Reader, site: str, now: dt.datetime) -> dt.date:
    """The site's own date at this moment."""
    return now.astimezone(ZoneInfo(reader.catalogue.sites[site].timezone)).date()


def findings(reader: Reader, condition: Condition, after: dt.date | None, now: dt.datetime) -> list[Finding]:
    """What the condition finds on each day of data after `after`, oldest first.

    Without `after` the last full day alone is looked at; never more than CATCH_UP days before it.
    Whether data come at all is asked of the calendar instead: always one finding, of the site's date.

    Raises:
        WarehouseError: the extract can't be read, or a query took too long.
    """
    if condition.kind == "missing" and condition.what == "data":
        return [_age(reader, condition, now)]
    last = reader.catalogue.last_full_day
    first = last if after is None else max(after + dt.timedelta(days=1), last - dt.timedelta(days=CATCH_UP))
    first = max(first, reader.catalogue.first_day)
    days = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    if not days:
        return []
    if condition.kind != "missing":
        return [_figure(reader, condition, day) for day in days]
    return _bookings(reader, condition, days) if condition.what == "bookings" else [_forms(reader, condition)]


def steps(rule: Rule, found: list[Finding]) -> list[Step]:
    """What opens and recovers as the findings follow each other; days that aren't judged change nothing."""
    is_open, changes = rule.open_since is not None, []
    for one in found:
        if one.outcome == "alert" and not is_open:
            changes.append(Step("opened", one.day, one.said))
        elif one.outcome == "quiet" and is_open:
            changes.append(Step("recovered", one.day, one.said))
        is_open = is_open if one.outcome == "not judged" else one.outcome == "alert"
    return changes


def address(reader: Reader, condition: Condition, day: dt.date) -> str:
    """The page, with its filters, that shows what was found: the part of the address behind the host."""
    if condition.kind == "missing":
        return "/data"
    chosen = replace(_at(reader, condition, day), figure=condition.what)
    # Site and day stand in it also where they go without saying: there will be later days, and maybe more sites.
    named = {"site": [filters.slug(condition.site)], "day": [day.isoformat()]}
    return f"/today?{urlencode(chosen.query() | named, doseq=True)}"


def _at(reader: Reader, condition: Condition, day: dt.date) -> Filters:
    return replace(filters.parse({}, exports.scope_of(reader)), day=day, sites=(condition.site,))


def _figure(reader: Reader, condition: Condition, day: dt.date) -> Finding:
    scores = today.day_scores(reader, _at(reader, condition, day))
    row = scores[scores["metric"] == condition.what].iloc[0]
    metric = METRICS[condition.what]
    name = reader.catalogue.site_name(condition.site)
    if condition.kind == "threshold":
        outcome, said = _threshold(condition, row, name)
    else:
        outcome, said = _special(condition, row), str(row["sentence"])
    if metric.source == "effects" and outcome != "not judged":
        # Small counts stay on the page, whoever may see them there.
        said = f"{metric.title} in {name}: {_in_a_word(outcome)}. The page Today has the figures"
    return Finding(day, outcome, said)


def _in_a_word(outcome: Outcome) -> str:
    return "as the rule says" if outcome == "alert" else "as usual again"


def _special(condition: Condition, row: pd.Series[Any]) -> Outcome:
    if row["kind"] == "unknown":
        return "not judged"
    counted = today.STANDING_OUT if condition.side == "any" else ("concern", "neither")
    return "alert" if row["kind"] in counted else "quiet"


def _threshold(condition: Condition, row: pd.Series[Any], name: str) -> tuple[Outcome, str]:
    metric = METRICS[condition.what]
    number = condition.number or 0.0
    if row["reason"] in {"closed", "empty", "nothing", "not over"}:
        return "not judged", str(row["sentence"])
    shown = f"{verdicts.figure(metric, row['value'], row['numerator'], row['denominator'])} in {name}"
    if condition.least and not row["denominator"] >= condition.least:
        return "not judged", f"{shown}: fewer than {condition.least:,}, so that nothing is judged"
    passed = bool(row["value"] > number if condition.side == "above" else row["value"] < number)
    side = condition.side if passed else f"not {condition.side}"
    return ("alert" if passed else "quiet"), f"{shown}: {side} {text(number, metric.unit)}"


def _age(reader: Reader, condition: Condition, now: dt.datetime) -> Finding:
    last = reader.catalogue.last_full_day
    day = local_date(reader, condition.site, now)
    age = (day - last).days
    number = condition.number or 0
    days = "1 day ago" if age == 1 else f"{age} days ago"
    said = f"The data end on {day_text(last)}, {days}: {'more' if age > number else 'not more'} than {number:.0f}"
    return Finding(day, "alert" if age > number else "quiet", said)


def _bookings(reader: Reader, condition: Condition, days: list[dt.date]) -> list[Finding]:
    name = reader.catalogue.site_name(condition.site)
    chosen = replace(_at(reader, condition, days[-1]).on(days[0], days[-1]), by="day")
    # Not from one frame: days without a booking have no row among the counts.
    scope = {"start": days[0], "end": days[-1], "sites": chosen.sites, "by": ("period", "site"), "grain": "day"}
    opened = _by_day(reader.query("capacity", **scope), "open_days")
    booked = _by_day(counts(reader, chosen, "period", "site"), "bookings")
    found = []
    for day in days:
        when = f"{day:%A} {day_text(day)} in {name}"
        if booked.get(day, 0):
            found.append(Finding(day, "quiet", f"{plural(booked[day], 'booking', 'bookings')} on {when}"))
        elif opened.get(day, 0):
            found.append(Finding(day, "alert", f"No bookings on {when}, an open day: a holiday, or data are missing"))
        else:
            found.append(Finding(day, "not judged", f"Closed on {when}"))
    return found


def _by_day(frame: pd.DataFrame, column: str) -> dict[dt.date, float]:
    days = np.asarray(frame["period"], dtype="datetime64[D]").tolist()
    return dict(zip(days, frame[column].tolist(), strict=True))


def _forms(reader: Reader, condition: Condition) -> Finding:
    frame = reader.query("late_forms", sites=(condition.site,))
    missing = int(frame["missing"].sum())
    number = condition.number or 0
    side = "more" if missing > number else "not more"
    forms = plural(missing, "side-effect form", "side-effect forms")
    name = reader.catalogue.site_name(condition.site)
    said = f"{forms} of the last 28 days late in {name}: {side} than {number:,.0f}"
    return Finding(reader.catalogue.last_full_day, "alert" if missing > number else "quiet", said)
