"""Panels of the Today page that look at the hours of the day and at the days ahead."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pandas as pd

from dashboard import charts
from dashboard.filters import Filters
from dashboard.metrics import METRICS, measure
from dashboard.panels.base import SITE, Column, Panel, counts, titled
from dashboard.panels.bookings import hour_text
from dashboard.warehouse import Reader

AHEAD_DAYS = 14


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
        "day_by_hour", "Bookings by start hour", "today", _hours,
        (SITE, Column("start", "Start hour"), Column("status", "Status"), Column("value", "Bookings", "count")),
        _hours_chart, ("bookings",), each_site=True, note="Local time of each site.",
    ),
    Panel(
        "days_ahead", "Chairs booked, the fourteen days ahead", "today", _ahead,
        (Column("period", "Day", "date"), SITE, Column("value", "Booked (% of open chair-minutes)", "decimal"),
         Column("numerator", "Chair-minutes booked", "count"), Column("denominator", "Chair-minutes open", "count"),
         Column("bookings", "Bookings", "count")),
        _ahead_chart, ("scheduled_utilisation",), _ahead_answer, dated=True,
    ),
)  # fmt: skip
