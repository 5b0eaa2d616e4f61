"""Panels of the Bookings page."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from dashboard import charts, no_shows, scorecard, time_charts
from dashboard.filters import Filters
from dashboard.metrics import METRICS, SETTLED_DAYS
from dashboard.panels.column import PERIOD, SITE, Column, value_columns
from dashboard.panels.panel import Panel
from dashboard.panels.scores import SCORE_COLUMNS, scores
from dashboard.panels.sums import counts
from dashboard.panels.trends import trend, trend_frame
from dashboard.panels.words import TOLD, listed, share_text, titled
from dashboard.theme import STATUS_TITLES
from dashboard.warehouse import Reader
from dashboard.wording import number, plural

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
#: From and to in days; what was entered after the visit stands with the same day, so that no booking is left out.
LEAD_STEPS = ((-50_000, 0, "Same day"), (1, 1, "1"), (2, 3, "2–3"), (4, 7, "4–7"), (8, 14, "8–14"),
              (15, 28, "15–28"), (29, 50_000, "29+"))  # fmt: skip


def _by_status(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = counts(reader, filters, "period")
    long = frame.melt(id_vars=["period"], value_vars=list(STATUS_TITLES), var_name="status")
    return titled(long[long["value"] > 0].reset_index(drop=True), reader)


def _status_chart(look: charts.Look) -> charts.Chart:
    return time_charts.time_bars("Bookings by status", "Bookings", charts.by_status(look))


def _hours(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = reader.query("hours", by=("weekday",), **filters.values())
    days = pd.date_range(filters.start, filters.end).day_of_week + 1
    weeks = pd.Series(days).value_counts()
    frame["value"] = frame["bookings"] / frame["weekday"].map(weeks)
    frame["row"] = frame["weekday"].map(lambda d: WEEKDAYS[int(d) - 1])
    frame["column"] = frame["hour"].map(hour_text)
    return frame[["weekday", "row", "hour", "column", "value", "bookings"]]


def hour_text(hour: int) -> str:
    """A start hour as staff say it.

    >>> hour_text(8), hour_text(12), hour_text(17)
    ('8 am', '12 pm', '5 pm')
    """
    return f"{(int(hour) - 1) % 12 + 1} {'am' if hour < 12 else 'pm'}"


def _heat_chart(look: charts.Look) -> charts.Chart:
    return charts.heat(
        look, "Bookings by weekday and start hour", "Bookings a weekday", "column", "Local start hour",
        [hour_text(h) for h in range(24)], "row", "Weekday", WEEKDAYS,
        [alt.Tooltip("bookings:Q", title="Bookings in the period", format=",.0f")],
    )  # fmt: skip


def _busiest(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No bookings in this period"
    most = frame["value"].max()
    # Which of several as busy comes last says nothing.
    top = frame[np.isclose(frame["value"], most)]
    if len(top) > TOLD:
        return f"Busiest starts: {len(top)} hours of the week, {number(most, 1)} bookings each on average"
    starts = listed([f"{row} at {hour}" for row, hour in zip(top["row"], top["column"], strict=True)], ", ")
    if len(top) > 1:
        return f"Busiest starts: {starts}, {number(most, 1)} bookings each on average"
    return f"Busiest start: {starts}, {number(most, 1)} bookings on an average {top['row'].iloc[0]}"


def _lead(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = reader.query("lead_time", **filters.values())
    rows = []
    for position, (low, high, step) in enumerate(LEAD_STEPS):
        part = frame[frame["lead_days"].between(low, high)]
        for site in filters.sites:
            value = int(part.loc[part["site"] == site, "bookings"].sum())
            rows.append({"site": site, "step": step, "position": position, "value": value})
    return titled(pd.DataFrame(rows), reader)


def _lead_chart(look: charts.Look) -> charts.Chart:
    return charts.bars(
        "Lead time: days from booking to start",
        "Bookings",
        "step",
        "Days ahead",
        [step for _, _, step in LEAD_STEPS],
        charts.by_site(look),
        horizontal=False,
        side_by_side=True,
    )


def _new(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = counts(reader, filters, "period").rename(columns={"new_patients": "New", "returning_visits": "Returning"})
    return frame.melt(id_vars=["period"], value_vars=["New", "Returning"], var_name="kind")


def _new_chart(look: charts.Look) -> charts.Chart:
    series = charts.plain(look, "kind", "Visit", ("New", "Returning"))
    return time_charts.time_bars("Visits of new and returning patients", "Visits", series)


SCORES = (
    "bookings",
    "completed",
    "no_show_rate",
    "cancellation_rate",
    "late_cancellation_rate",
    "chair_utilisation",
    "scheduled_utilisation",
    "lead_time",
    "new_patients",
)


def _scores(reader: Reader, filters: Filters) -> pd.DataFrame:
    return scores(reader, filters, no_shows.all_in_use(SCORES, filters.no_shows))


def _scores_answer(frame: pd.DataFrame) -> str:
    def last(name: str) -> pd.Series:
        return frame[frame["metric"] == name].iloc[-1]

    if not last("bookings")["value"]:
        return "No bookings in this period"
    name = next(name for name in frame["metric"] if no_shows.plain(name) == no_shows.RATE)
    said = " ".join(["no-shows", METRICS[name].variant]).strip()
    share = share_text(last(name)) if last(name)["denominator"] else f"not known, no {METRICS[name].counted[1]} yet"
    return f"{plural(last('bookings')['value'], 'booking', 'bookings')}; {said} {share}"


_NEW = (
    f"New: the first visit in the extract. In a site's first {SETTLED_DAYS} days in it that is so of many who had "
    "come before, too."
)

PANELS = (
    Panel(
        "bookings_summary", "The period by site", "bookings", _scores, SCORE_COLUMNS, None, SCORES,
        _scores_answer, html=scorecard.compare,
        note=f"{_NEW} No change of new patients against such days is told.",
    ),
    Panel(
        "bookings_by_status", "Bookings by status", "bookings", _by_status,
        (PERIOD, Column("status", "Status"), Column("value", "Bookings", "count")),
        _status_chart, ("bookings",), dated=True,
    ),
    Panel(
        "no_show_trend", METRICS["no_show_rate"].title, "bookings", trend_frame("no_show_rate"),
        (PERIOD, SITE, *value_columns("no_show_rate")), trend("no_show_rate"), ("no_show_rate",), dated=True,
    ),
    Panel(
        "cancellation_trend", METRICS["cancellation_rate"].title, "bookings", trend_frame("cancellation_rate"),
        (PERIOD, SITE, *value_columns("cancellation_rate")), trend("cancellation_rate"),
        ("cancellation_rate",), dated=True,
    ),
    Panel(
        "late_cancellation_trend", METRICS["late_cancellation_rate"].title, "bookings",
        trend_frame("late_cancellation_rate"), (PERIOD, SITE, *value_columns("late_cancellation_rate")),
        trend("late_cancellation_rate"), ("late_cancellation_rate",), dated=True,
    ),
    Panel(
        "utilisation_trend", METRICS["chair_utilisation"].title, "bookings", trend_frame("chair_utilisation"),
        (PERIOD, SITE, *value_columns("chair_utilisation")), trend("chair_utilisation"),
        ("chair_utilisation",), dated=True,
        note="Chairs serve every line and age, so a choice of lines or ages shows their part of all chairs.",
    ),
    Panel(
        "weekday_hours", "Bookings by weekday and start hour", "bookings", _hours,
        (Column("row", "Weekday"), Column("column", "Start hour"),
         Column("value", "Bookings a weekday", "decimal"), Column("bookings", "Bookings", "count")),
        _heat_chart, ("bookings",), _busiest,
        note="Average number of bookings for the hour on such a weekday of the period, cancelled ones included and "
        "closed days counted; local time of each site.",
    ),
    Panel(
        "lead_time", "Lead time", "bookings", _lead,
        (SITE, Column("step", "Days ahead"), Column("value", "Bookings", "count")), _lead_chart,
        note="Days from the date of booking to the start date, by date and not by time of day; "
        "bookings without a booking date are left out, those entered after the visit stand with the same day.",
    ),
    Panel(
        "new_and_returning", "Visits of new and returning patients", "bookings", _new,
        (PERIOD, Column("kind", "Visit"), Column("value", "Visits", "count")), _new_chart,
        ("new_patients", "returning_visits"), dated=True, note=_NEW,
    ),
)  # fmt: skip
