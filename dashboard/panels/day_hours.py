"""Panels of the Today page that look at the hours of the day and at the days ahead."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import altair as alt
import numpy as np
import pandas as pd

from dashboard import chairs, charts, no_shows, theme
from dashboard.axes import LEAST_STEP
from dashboard.chairs import Span
from dashboard.filters import Filters
from dashboard.measuring import measure
from dashboard.metrics import METRICS
from dashboard.panels.column import SITE, Column
from dashboard.panels.panel import Panel
from dashboard.panels.sums import with_capacity
from dashboard.panels.today import usual_rates
from dashboard.panels.words import TOLD, listed, titled
from dashboard.warehouse import Reader
from dashboard.wording import number, plural

AHEAD_DAYS = 14
KINDS = {"ahead": "Booked ahead", "walk_in": "Walked in", "no_show": "No-show, chair kept"}


def _days(reader: Reader, filters: Filters) -> Iterator[tuple[str, chairs.Day, float]]:
    """Each site's day, and how long the shortest usual visit takes."""
    for row in reader.query("site_hours", day=filters.day, sites=filters.sites).to_dict("records"):
        opens, closes = (value if isinstance(value, dt.time) else None for value in (row["opens"], row["closes"]))
        zone = ZoneInfo(row["timezone"])
        yield row["site"], chairs.Day(filters.day, zone, opens, closes, int(row["chairs"])), float(row["shortest"])


def _by_site(times: pd.DataFrame) -> Mapping[str, list[dict[Any, Any]]]:
    """The rows of `chair_times` by site; none where there is none."""
    found = defaultdict(list)
    for row in times.to_dict("records"):
        found[row["site"]].append(row)
    return found


def _taken(rows: Sequence[dict[Any, Any]], day: chairs.Day) -> list[Span]:
    spans = []
    for row in rows:
        start = day.minute(row["starts_at"].to_pydatetime())
        # Of the evening before only what reaches past midnight.
        if start + row["minutes"] > 0:
            spans += [Span(start, start + row["minutes"])] * int(row["visits"])
    return spans


def _hours(reader: Reader, filters: Filters) -> pd.DataFrame:
    """Chairs taken on average in each half-hour, by how the visit came about."""
    values = filters.values()
    times = reader.query("chair_times", day=filters.day, **{k: values[k] for k in ("sites", "lines", "bands")})
    by_site = _by_site(times)
    rows = []
    for site, day, _ in _days(reader, filters):
        own = by_site[site]
        slots = day.slots(_taken(own, day))
        labels = [day.label(slot) for slot in slots]
        for kind, title in KINDS.items():
            used = chairs.in_use(_taken([row for row in own if row["kind"] == kind], day), slots)
            rows += [
                (site, label, slot, title, value, day.open_chairs)
                for label, slot, value in zip(labels, slots.tolist(), used.tolist(), strict=True)
            ]
    frame = pd.DataFrame(rows, columns=["site", "start", "position", "kind", "value", "chairs"])
    return titled(frame[frame["position"] >= 0], reader)


def _first(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Rows of sites as they are; of more than a heading names those with most first."""
    return frame if len(frame) <= TOLD else frame.sort_values(column, ascending=False, kind="stable")


def _hours_answer(frame: pd.DataFrame) -> str:
    if not frame["value"].sum():
        return "No chair is taken on this day"
    by = ["site", "position", "start", "chairs"]
    total = frame.groupby(by, sort=False, dropna=False)["value"].sum().reset_index()
    top = total.groupby("site", sort=False)["value"]
    alike = np.isclose(total["value"], top.transform("max"))
    total["alike"] = pd.Series(alike, index=total.index).groupby(total["site"], sort=False).transform("sum")
    fullest = total[alike].drop_duplicates("site")
    said = [
        f"{row['site']} at {_start(row)}, {number(row['value'], 1)} {_of_chairs(row['chairs'])}"
        for row in _first(fullest[fullest["value"] > 0], "value").to_dict("records")
    ]
    return f"Fullest: {listed(said)}"


def _start(row: Mapping[Any, Any]) -> str:
    """The first of the half-hours that are as full, and how many more there are."""
    more = int(row["alike"]) - 1
    return str(row["start"]) + (f" and {plural(more, 'more half-hour', 'more half-hours')}" if more else "")


def _of_chairs(chairs: float) -> str:
    return "taken though closed on this day" if np.isnan(chairs) else f"of {number(chairs)} chairs"


def _hours_chart(look: charts.Look) -> charts.Chart:
    accent, quiet = theme.accent(look.mode), theme.quiet(look.mode)
    statuses = theme.status_colours(look.mode)
    series = charts.Series("kind", "Visit", tuple(KINDS.values()), (accent, statuses["Arrived"], statuses["Booked"]))
    filled = charts.slots("Chairs taken by the half-hour", "Chairs", series)
    limit = alt.Chart(charts.ROWS).mark_rule(color=quiet, strokeDash=[6, 3]).encode(y="max(chairs):Q")
    return alt.layer(filled, limit).properties(height=charts.HEIGHT - 40)


def _gaps(reader: Reader, filters: Filters) -> pd.DataFrame:
    """Free stretches, over all lines and ages, since they share the chairs."""
    scope = filters.scope
    times = reader.query("chair_times", day=filters.day, sites=filters.sites, lines=scope.lines, bands=scope.bands)
    by_site = _by_site(times)
    rows = [
        {
            "site": site, "start": day.label(found.start), "end": day.label(found.end),
            "minutes": found.end - found.start, "chairs": found.chairs,
            "fits": found.chairs * int((found.end - found.start) // least), "least": least,
        }
        for site, day, least in _days(reader, filters)
        for found in day.free(_taken(by_site[site], day), least)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["site", "start", "end", "minutes", "chairs", "fits", "least"])
    return titled(frame.assign(over=filters.day <= reader.catalogue.last_full_day), reader)


def _gaps_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No chair is free for another visit in opening hours"
    sums = _first(frame.groupby("site", sort=False)["fits"].sum().reset_index(), "fits")
    room = listed([f"{row['site']} {row['fits']:,}" for row in sums.to_dict("records")], ", ")
    was = "There was room" if frame["over"].iloc[0] else "There is room"
    return f"{was} for more visits of {number(frame['least'].iloc[0])} minutes: {room}"


def _ahead(reader: Reader, filters: Filters) -> pd.DataFrame:
    start = filters.day + dt.timedelta(days=1)
    end = min(filters.day + dt.timedelta(days=AHEAD_DAYS), filters.scope.last_day)
    columns = [
        "period",
        "site",
        "value",
        "scheduled",
        "no_shows",
        "numerator",
        "denominator",
        "bookings",
        "free_hours",
    ]
    if end < start:
        return pd.DataFrame(columns=columns)
    # Of all lines and ages, since they share the chairs: what others have booked isn't free.
    filters = replace(filters, lines=(), bands=())
    frame = with_capacity(reader, replace(filters.on(start, end), by="day"), "period", "site")
    scheduled = measure(frame, METRICS["scheduled_utilisation"])
    # Whichever definition is in use: booked chairs are lost at the rate of appointments kept or missed.
    usual = usual_rates(reader, replace(filters, no_shows=no_shows.HEADLINE), no_shows.RATE)
    weekdays = pd.to_datetime(frame["period"]).dt.day_of_week
    missed = [usual[site][day] for site, day in zip(frame["site"], weekdays, strict=True)]
    rows = frame[["period", "site", "bookings"]].assign(
        scheduled=scheduled["value"], no_shows=missed, numerator=scheduled["numerator"],
        denominator=scheduled["denominator"],
        value=scheduled["value"] * (1 - np.nan_to_num(missed) / 100),
        free_hours=(scheduled["denominator"] - scheduled["numerator"]) / 60,
    )  # fmt: skip
    return titled(rows.loc[rows["denominator"] > 0, columns].reset_index(drop=True), reader)


def _ahead_chart(look: charts.Look) -> charts.Chart:
    tips = [
        alt.Tooltip("period:T", title="Day", format="%a %-d %b"),
        alt.Tooltip("value:Q", title="Expected, %", format=".1f"),
        alt.Tooltip("scheduled:Q", title="Booked, %", format=".1f"),
        alt.Tooltip("no_shows:Q", title="Usual no-shows, % of past appointments", format=".1f"),
        alt.Tooltip("free_hours:Q", title="Chair-hours free", format=",.1f"),
        alt.Tooltip("bookings:Q", title="Bookings", format=",.0f"),
    ]
    axis = alt.Axis(format="%a %-d", grid=False, labelOverlap=True, tickMinStep=LEAST_STEP)
    base = alt.Chart(charts.ROWS).encode(x=alt.X("yearmonthdate(period):T", title=None, axis=axis), tooltip=tips)
    # Short, since on the printed sheet the chart is low.
    unit = "% of chair time"
    accent, quiet = theme.accent(look.mode), theme.quiet(look.mode)
    booked = base.mark_bar(width=14, color=quiet, opacity=0.35).encode(y=alt.Y("scheduled:Q", title=unit))
    expected = base.mark_bar(width=14, color=accent).encode(y=alt.Y("value:Q", title=unit))
    full = alt.Chart(charts.ROWS).mark_rule(color=quiet, strokeDash=[6, 3]).encode(y=alt.datum(100))
    title = charts.heading("Booked, and expected to come")
    return alt.layer(booked, expected, full).properties(title=title, height=charts.HEIGHT - 60)


def _ahead_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "The extract holds no open day after this one"
    emptiest = frame.sort_values("value", kind="stable").iloc[0]
    alike = int(np.isclose(frame["value"], emptiest["value"]).sum()) - 1
    others = f"; {plural(alike, 'other day of a site is', 'other days of sites are')} as empty" if alike else ""
    when = pd.Timestamp(emptiest["period"])
    where = f"{emptiest['site']} on {when:%A} {when.day} {when:%b}"
    return (
        f"Emptiest: {where}, {number(emptiest['scheduled'])} % of chair time is booked and "
        f"{number(emptiest['value'])} % expected to come, "
        f"{number(emptiest['free_hours'])} chair-hours are free{others}"
    )


PANELS = (
    Panel(
        "day_by_hour", "Chairs taken by the half-hour", "today", _hours,
        (SITE, Column("start", "From"), Column("kind", "Visit"), Column("value", "Chairs taken", "decimal"),
         Column("chairs", "Chairs", "count")),
        _hours_chart, (), _hours_answer, each="site",
        note="Local time of each site; chairs taken on average over the half-hour, by the time in the chair. Dashed "
        "line: all chairs; of a site that is closed on the day none, whatever visits it has. Walked in: by the "
        "booking's channel. Cancelled bookings take no chair.",
    ),
    Panel(
        "day_gaps", "Gaps to fill", "today", _gaps,
        (SITE, Column("start", "From"), Column("end", "To"), Column("fits", "Visits that fit", "count"),
         Column("chairs", "Chairs free", "count"), Column("minutes", "Minutes", "count")),
        None, (), _gaps_answer,
        note="Stretches of the opening hours in which a chair is free for the shortest usual visit or longer; the "
        "chair of a no-show counts as kept. Of all service lines and ages, whatever is chosen above.",
    ),
    Panel(
        "days_ahead", "Chairs booked and expected to be used, the fourteen days ahead", "today", _ahead,
        (Column("period", "Day", "date"), SITE, Column("value", "Expected (% of open chair-minutes)", "decimal"),
         Column("scheduled", "Booked (% of open chair-minutes)", "decimal"),
         Column("no_shows", "Usual no-shows (% of past appointments)", "decimal"),
         Column("numerator", "Chair-minutes booked", "count"), Column("denominator", "Chair-minutes open", "count"),
         Column("free_hours", "Chair-hours free", "decimal"), Column("bookings", "Bookings", "count")),
        _ahead_chart, ("scheduled_utilisation",), _ahead_answer, dated=True, each="site",
        note="Pale: booked. Solid: with the site's usual no-show rate taken off, of all days that are over, of the "
        "same weekday where weekdays differ. That rate is of past appointments, whichever is chosen above: late "
        "cancellations and empty slots are no booked chairs. Of all service lines and ages, whatever is chosen. "
        "Days farther ahead are emptier in any case, since much is booked a few days before.",
    ),
)  # fmt: skip
