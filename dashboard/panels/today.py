"""Panels of the Today page: one day against the same weekday of the eight weeks before."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd

from dashboard import charts, scorecard, spc
from dashboard.filters import Filters
from dashboard.metrics import METRICS, Metric, measure, text
from dashboard.panels.base import (
    SITE,
    Column,
    Panel,
    counts,
    effect_counts,
    titled,
)
from dashboard.panels.bookings import hour_text
from dashboard.theme import VerdictKind
from dashboard.warehouse import Reader

WEEKS = 8
AHEAD_DAYS = 14
#: Limits of fewer days than this say nothing at all.
LEAST_DAYS = 4
SCORES = (
    "bookings",
    "completed",
    "no_show_rate",
    "cancellation_rate",
    "late_cancellation_rate",
    "chair_utilisation",
    "new_patients",
    "ketamine_share",
    "drip_share",
    "events",
)


def day_scores(reader: Reader, filters: Filters) -> pd.DataFrame:
    """One row a metric and site: the day's value, its usual range and verdict.

    Side effects of single days are left out where small counts are hidden: nearly all are small.

    `history` holds the values of the eight same weekdays and of the day itself, oldest first.
    """
    start = filters.day - dt.timedelta(weeks=WEEKS)
    span = replace(filters.on(start, filters.day), by="day")
    frame = counts(reader, span, "period", "site")
    names = [name for name in SCORES if not (reader.hides_small_counts and METRICS[name].source == "effects")]
    if len(names) == len(SCORES):
        events = effect_counts(reader, span, "period", "site")[["period", "site", "all_events"]]
        frame = frame.merge(events, how="left", on=["period", "site"]).fillna({"all_events": 0})
    days = [filters.day - dt.timedelta(weeks=w) for w in range(WEEKS, -1, -1)]
    rows = []
    for site in filters.sites:
        own = frame[frame["site"] == site].assign(date=lambda f: pd.to_datetime(f["period"]).dt.date)
        own = own.set_index("date").drop(columns=["period", "site"]).reindex(days)
        closed = (own["capacity_minutes"].fillna(0) == 0) & (own["bookings"].fillna(0) == 0)
        rows += [_score(METRICS[name], site, own.fillna(0), closed.to_numpy(), filters.day, reader) for name in names]
    return titled(pd.DataFrame(rows), reader)


def _score(
    metric: Metric, site: str, own: pd.DataFrame, closed: np.ndarray, day: dt.date, reader: Reader
) -> dict[str, object]:
    values = measure(own, metric)
    history = values["value"].mask(closed).to_numpy(dtype=float)
    size = float(values["denominator"].iloc[-1])
    kind, centre, lower, upper = judge(history[:-1], history[-1], metric, size)
    today = values.iloc[-1]
    name = reader.catalogue.site_name(site)
    row: dict[str, object] = {
        "metric": metric.name,
        "title": metric.title,
        "unit": metric.unit,
        "site": site,
        "value": history[-1],
        "numerator": np.nan if closed[-1] else today["numerator"],
        "denominator": np.nan if closed[-1] else today["denominator"],
        "lower": today["lower"],
        "upper": today["upper"],
        "usual": centre,
        "usual_from": lower,
        "usual_to": upper,
        "verdict": kind,
        "history": history,
        "closed": bool(closed[-1]),
    }
    row["sentence"] = sentence(metric, row, day, name)
    return row


def judge(history: np.ndarray, value: float, metric: Metric, size: float) -> tuple[VerdictKind, float, float, float]:
    """Whether a value lies outside the limits of the values before it.

    The limits are those of the XmR chart, but never narrower than what chance alone does to a
    count (Poisson) or to a rate of `size` (binomial): eight days tell little of their spread,
    and a rate of thirteen bookings jumps further than one of sixty.

    Args:
        history: earlier values, oldest first; NaN for days without one.
        value: the value to judge, in the metric's unit.
        metric: says which direction is good and what bounds the unit has.
        size: the denominator of the value to judge; NaN for a count.

    Returns:
        The verdict's kind, and centre, lower and upper limit, clipped to what the unit can be.
    """
    present = history[np.isfinite(history)]
    if len(present) < LEAST_DAYS or not np.isfinite(value):
        return "unknown", np.nan, np.nan, np.nan
    limits = spc.xmr(present)
    centre, lower, upper = (float(np.asarray(limit)[-1]) for limit in limits)
    spread = chance(centre, metric, size)
    lower, upper = max(min(lower, centre - spread), 0.0), max(upper, centre + spread)
    upper = min(upper, 100.0) if metric.unit == "percent" else upper
    if lower <= value <= upper:
        return "common", centre, lower, upper
    if metric.better == "neither":
        return "neither", centre, lower, upper
    good = (value > upper) == (metric.better == "higher")
    return "improvement" if good else "concern", centre, lower, upper


def chance(centre: float, metric: Metric, size: float) -> float:
    """Three standard deviations of a count or a rate around its centre, in the metric's unit."""
    if metric.unit == "count":
        return float(3 * centre**0.5)
    if metric.interval == "wilson" and size > 0:
        part = min(max(centre / 100, 0.0), 1.0)
        return float(300 * (part * (1 - part) / size) ** 0.5)
    return 0.0


def sentence(metric: Metric, row: dict[str, object], day: dt.date, site: str) -> str:
    """The verdict in words: "No-show rate 5 of 31 (16.1 %): above the upper limit of 14.0 % for a
    Tuesday in Dallas"."""
    if row["closed"]:
        return f"{site} is closed on this {day:%A}"
    value = float(str(row["value"]))
    shown = text(value, metric.unit)
    if metric.denominator:
        shown = f"{float(str(row['numerator'])):,.0f} of {float(str(row['denominator'])):,.0f} ({shown})"
    if metric.unit == "percent" and not metric.interval:
        shown = text(value, metric.unit)
    where = f"for a {day:%A} in {site}"
    kind = row["verdict"]
    if kind == "unknown":
        return f"{metric.title} {shown}: too few earlier days to judge, {where}"
    low, high = (_limit(float(str(row[key])), metric) for key in ("usual_from", "usual_to"))
    if kind == "common":
        return f"{metric.title} {shown}: within the usual {low} to {high} {where}"
    if value > float(str(row["usual_to"])):
        return f"{metric.title} {shown}: above the upper limit of {high} {where}"
    return f"{metric.title} {shown}: below the lower limit of {low} {where}"


def _limit(value: float, metric: Metric) -> str:
    """A limit as text; of a count with one decimal, since limits are no counts."""
    return f"{value:.1f}" if metric.unit == "count" else text(value, metric.unit)


def attention(frame: pd.DataFrame) -> list[tuple[VerdictKind, str]]:
    """What is out of the ordinary, most pressing first: kind and sentence."""
    order: list[VerdictKind] = ["concern", "neither", "improvement"]
    found = frame[frame["verdict"].isin(order)]
    ranked = sorted(zip(found["verdict"], found["sentence"], strict=True), key=lambda x: order.index(x[0]))
    return list(ranked)


def _hours(reader: Reader, filters: Filters) -> pd.DataFrame:
    day = filters.on(filters.day, filters.day)
    frame = reader.query("hours", by=("site", "status"), **day.values())
    frame = frame.rename(columns={"bookings": "value"})
    frame["start"] = frame["hour"].map(hour_text)
    return titled(frame, reader)[["site", "hour", "start", "status", "value"]]


def _hours_chart(look: charts.Look) -> charts.Chart:
    return charts.bars(
        "Bookings by start hour",
        "Bookings",
        "start",
        "Local start hour",
        [hour_text(h) for h in range(24)],
        charts.by_status(look),
        horizontal=False,
    )


def _ahead(reader: Reader, filters: Filters) -> pd.DataFrame:
    start = filters.day + dt.timedelta(days=1)
    end = min(filters.day + dt.timedelta(days=AHEAD_DAYS), filters.scope.last_day)
    if end < start:
        return pd.DataFrame(columns=["period", "site", "value", "numerator", "denominator", "bookings"])
    span = replace(filters.on(start, end), by="day")
    frame = counts(reader, span, "period", "site")
    values = measure(frame, METRICS["scheduled_utilisation"])
    rows = pd.concat([frame[["period", "site", "booked", "bookings"]], values], axis=1)
    return titled(rows[rows["denominator"] > 0].reset_index(drop=True), reader)


def _ahead_chart(look: charts.Look) -> charts.Chart:
    return charts.lines(
        replace(look, grain="day"), "Chairs booked, the fourteen days ahead", "% of open chair-minutes",
        charts.by_site(look),
    )  # fmt: skip


def _ahead_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "The extract holds no days ahead of this one"
    emptiest = frame.sort_values("value").iloc[0]
    when = pd.Timestamp(emptiest["period"])
    where = f"{emptiest['site']} on {when:%A} {when.day} {when:%b}"
    return f"Most room: {where}, {emptiest['value']:.0f} % of chair time is booked"


PANELS = (
    Panel(
        "today", "The day against the same weekday of the eight weeks before", "today", day_scores,
        (Column("title", "Metric"), SITE, Column("value", "Value", "decimal"), Column("unit", "Unit"),
         Column("numerator", "Numerator", "count"), Column("denominator", "Denominator", "count"),
         Column("lower", "95 % from", "decimal"), Column("upper", "95 % to", "decimal"),
         Column("usual", "Usual", "decimal"), Column("usual_from", "Lower limit", "decimal"),
         Column("usual_to", "Upper limit", "decimal"), Column("verdict", "Verdict"), Column("sentence", "In words")),
        None, SCORES, html=scorecard.day,
        note=f"Limits: XmR of the same weekday in the {WEEKS} weeks before, or what chance alone allows where "
        "that is wider; trial limits, since there are fewer than 12 points. Small chart: those days and "
        "this one, the band is the usual range.",
    ),
    Panel(
        "day_by_hour", "Bookings by start hour", "today", _hours,
        (SITE, Column("start", "Start hour"), Column("status", "Status"), Column("value", "Bookings", "count")),
        _hours_chart, ("bookings",), each="site", note="Local time of each site.",
    ),
    Panel(
        "days_ahead", "Chairs booked, the fourteen days ahead", "today", _ahead,
        (Column("period", "Day", "date"), SITE, Column("value", "Booked (% of open chair-minutes)", "decimal"),
         Column("numerator", "Chair-minutes booked", "count"), Column("denominator", "Chair-minutes open", "count"),
         Column("bookings", "Bookings", "count")),
        _ahead_chart, ("scheduled_utilisation",), _ahead_answer, dated=True,
    ),
)  # fmt: skip
