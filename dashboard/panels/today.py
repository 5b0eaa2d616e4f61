"""Panels of the Today page: each figure of one day against its own past, and its control chart."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

import altair as alt
import numpy as np
import pandas as pd

from dashboard import charts, control_charts, no_shows, spc, tiles, verdicts
from dashboard.arguments import FloatArray
from dashboard.filters import Filters
from dashboard.measuring import MEASURED, measure
from dashboard.metrics import METRICS, OF_FIRST_VISITS, SETTLED_DAYS, Metric
from dashboard.panels.column import SITE, Column
from dashboard.panels.panel import Panel
from dashboard.panels.sums import counts, effect_counts, with_slots
from dashboard.panels.words import titled, unit_title
from dashboard.theme import VERDICTS
from dashboard.verdicts import Chart, Verdict
from dashboard.warehouse import Reader

#: Points of a sparkline, and of the chart behind it; limits come from all earlier days.
SPARK_POINTS = 12
CHART_POINTS = 60
#: Small charts of so many sites are drawn beside each other.
CHART_SITES = 4
#: Kinds of verdicts that need attention.
STANDING_OUT = ("concern", "neither", "improvement")
FIGURES = (
    "bookings",
    "completed",
    "no_show_rate",
    "cancellation_rate",
    "late_cancellation_rate",
    "chair_utilisation",
    "new_patients",
    "ketamine_share",
    "events",
)


def figures_of(reader: Reader) -> tuple[str, ...]:
    """The day's figures that the viewer sees.

    Side effects of single days are left out where small counts are hidden: nearly all are small.
    """
    return tuple(n for n in FIGURES if not (reader.hides_small_counts and METRICS[n].source == "effects"))


def in_use(reader: Reader, filters: Filters) -> tuple[str, ...]:
    """The same as metrics, the no-show rate's being that of the definition in use."""
    return no_shows.all_in_use(figures_of(reader), filters.no_shows)


def day_scores(reader: Reader, filters: Filters) -> pd.DataFrame:
    """One row a figure and site: the day's value, its limits and verdict.

    `history` holds the chart's last values up to the day itself, oldest first; `pressing` is the
    place of what needs attention, 0 first.
    """
    plain = replace(filters, figure="", part=1)
    key = ("day_scores", reader.viewer.role, reader.sites, plain)
    return reader.warehouse.remembered(key, lambda: _day_scores(reader, plain))


def _day_scores(reader: Reader, filters: Filters) -> pd.DataFrame:
    over = filters.day <= reader.catalogue.last_full_day
    judged = [
        _score(METRICS[name], own, over, reader)
        for own in _site_days(reader, filters)
        for name in in_use(reader, filters)
    ]
    frame = pd.DataFrame([row for row, _ in judged])
    order = sorted(range(len(judged)), key=lambda place: verdicts.rank(judged[place][1]))
    frame["pressing"] = np.argsort(order)
    addresses = {n: replace(filters, figure=no_shows.plain(n)).address() for n in frame["metric"].unique()}
    frame["address"] = frame["metric"].map(addresses)
    return titled(frame, reader)


@dataclass(frozen=True)
class SiteDays:
    """A site's days: all of the extract's, or from its first booking on those that are over, and last one looked at.

    Attributes:
        days: local dates, oldest first.
        weekdays: theirs, Monday being 0.
        open: whether the site opens on the day.
        booked: whether anything at all was booked on it; elsewhere no figure has a value.
        measured: of each figure days × (value, numerator, denominator, lower, upper).
    """

    site: str
    days: list[dt.date]
    weekdays: spc.IntArray
    open: spc.BoolArray
    booked: spc.BoolArray
    measured: dict[str, FloatArray]

    def up_to(self, day: dt.date, last_full_day: dt.date) -> SiteDays:
        """From the first booking on the days that are over before this one, and this one."""
        over = bisect_left(self.days, min(day, last_full_day + dt.timedelta(days=1)))
        at = bisect_left(self.days, day)
        begun = np.flatnonzero(self.booked[:over])
        first = int(begun[0]) if begun.size else over
        # Mostly one stretch, of which nothing is copied.
        places = slice(first, at + 1) if at == over else [*range(first, over), at]
        days = self.days[places] if isinstance(places, slice) else [self.days[place] for place in places]
        measured = {name: values[places] for name, values in self.measured.items()}
        return SiteDays(self.site, days, self.weekdays[places], self.open[places], self.booked[places], measured)

    def chart(self, metric: Metric) -> Chart:
        """The figure's control chart up to the last of the days."""
        value, numerator, denominator = self.measured[metric.name][:, :3].T
        if metric.name in OF_FIRST_VISITS:
            # Before, nearly everybody seemed new, and every later day would stand below that.
            unsettled = bisect_left(self.days, self.days[0] + dt.timedelta(SETTLED_DAYS), hi=len(self.days) - 1)
            value = np.concatenate((np.full(unsettled, np.nan), value[unsettled:]))
        return verdicts.chart(metric, self.days, value, numerator, denominator, self.weekdays)


_OF_DAY = ["site", "date", "open", "booked"]


def _site_days(reader: Reader, filters: Filters) -> list[SiteDays]:
    """The days of each site up to the filters' day."""
    names = in_use(reader, filters)
    scope = filters.scope
    plain = replace(filters.on(scope.first_day, scope.last_day), day=scope.last_day, by="day", figure="", part=1)
    key = ("day_past", names, reader.sites, plain)
    whole = reader.warehouse.kept(key, lambda: _past(reader, plain, names))
    return [own.up_to(filters.day, reader.catalogue.last_full_day) for own in whole]


def usual_rates(reader: Reader, filters: Filters, name: str) -> dict[str, list[float]]:
    """By site a rate's usual value on each weekday from Monday on, in per cent, of all days that are over.

    Each weekday has its own where the rate has a weekly pattern; NaN without a day to tell.
    """
    last = min(filters.scope.last_day, reader.catalogue.last_full_day)
    found = {}
    for own in _site_days(reader, replace(filters, day=last)):
        value, above, below = own.measured[name][:, :3].T
        weekly = verdicts.weekly_pattern(value, own.weekdays)
        of = [np.isfinite(value) & ((own.weekdays == day) | (not weekly)) for day in range(7)]
        found[own.site] = [100 * above[part].sum() / below[part].sum() if part.any() else np.nan for part in of]
    return found


def _past(reader: Reader, filters: Filters, names: Sequence[str]) -> list[SiteDays]:
    """Every figure measured at every site on every day of the extract, so that each day asks the same of it."""
    frame = reader.query(
        "capacity", start=filters.start, end=filters.end, sites=filters.sites, by=("period", "site"), grain="day"
    )
    frame = frame.merge(counts(reader, filters, "period", "site"), how="left", on=["period", "site"])
    if any(METRICS[name].source == "effects" for name in names):
        events = effect_counts(reader, filters, "period", "site")[["period", "site", "all_events"]]
        frame = frame.merge(events, how="left", on=["period", "site"])
    if any("slots" in METRICS[name].denominator for name in names):
        frame = with_slots(reader, filters, frame, "period", "site")
    frame = frame.fillna(0)
    booked = frame["bookings"] > 0
    parts = [measure(frame, METRICS[name]).add_prefix(f"{name}.") for name in names]
    values = pd.concat(parts, axis=1).where(booked)
    date = pd.to_datetime(frame["period"]).dt.date
    whole = pd.concat(
        [frame[["site"]].assign(date=date, open=frame["capacity_minutes"] > 0, booked=booked), values], axis=1
    )
    by_site = dict(iter(whole.groupby("site", sort=False)))
    return [_of_site(by_site.get(site, whole.head(0)), site, names) for site in filters.sites]


def _of_site(own: pd.DataFrame, site: str, names: Sequence[str]) -> SiteDays:
    values = own[own.columns.difference(_OF_DAY, sort=False)].to_numpy(dtype=float)
    measured = dict(zip(names, np.split(values, len(names), axis=1), strict=True))
    days = own["date"].tolist()
    return SiteDays(
        site, days, verdicts.weekdays_of(days), own["open"].to_numpy(), own["booked"].to_numpy(), measured
    )


def _score(metric: Metric, own: SiteDays, over: bool, reader: Reader) -> tuple[dict[str, object], Verdict]:
    found = own.chart(metric)
    verdict = verdicts.judge(metric, found)
    if not own.booked[-1]:
        verdict = Verdict("unknown", reason="empty" if own.open[-1] else "closed")
    elif not over and verdict.reason != "nothing":
        verdict = Verdict("unknown", reason="not over")
    values = own.measured[metric.name]
    week = own.days[-1] - dt.timedelta(weeks=1)
    today = dict(zip(MEASURED, values[-1].tolist(), strict=True))
    centre, lower, upper = (float(np.asarray(limit)[-1]) for limit in found.limits)
    row = {
        "metric": metric.name,
        "title": metric.title,
        "unit": metric.unit,
        "site": own.site,
        **today,
        "usual": centre,
        "usual_from": lower,
        "usual_to": upper,
        "week_before": values[own.days.index(week), 0] if week in own.days else np.nan,
        "kind": verdict.kind,
        "verdict": VERDICTS[verdict.kind].word,
        "rule": verdict.rule,
        "reason": verdict.reason,
        "standing": verdict.standing,
        "days": found.past,
        "limits": "trial" if found.trial else "full",
        "history": found.values[-SPARK_POINTS:],
        "sentence": verdicts.sentence(metric, found, verdict, reader.catalogue.site_name(own.site)),
    }
    return row, verdict


def attention(frame: pd.DataFrame) -> str:
    """What stands out of the day, most pressing first, as HTML."""
    judged = int((frame["kind"] != "unknown").sum())
    return tiles.attention(frame.sort_values("pressing"), expected=verdicts.FALSE_ALARMS * judged)


def figure_of(reader: Reader, filters: Filters) -> str:
    """The metric that is charted: of the figure chosen, else what stands out most, else bookings."""
    if filters.figure in figures_of(reader):
        return no_shows.in_use(filters.figure, filters.no_shows)
    frame = day_scores(reader, filters)
    out = frame[frame["kind"].isin(STANDING_OUT)]
    return str(out.sort_values(["standing", "pressing"])["metric"].iloc[0]) if len(out) else FIGURES[0]


def _day_chart(reader: Reader, filters: Filters) -> pd.DataFrame:
    """The last points of a figure's chart at each site, up to the day."""
    name = figure_of(reader, filters)
    metric = METRICS[name]
    scores = day_scores(reader, filters)
    own = scores[scores["metric"] == name].set_index("site")
    parts = []
    shown = set(own.sort_values("pressing").index[:CHART_SITES])
    for place in _site_days(reader, filters):
        said = own.loc[reader.catalogue.site_name(place.site)]
        if said.name not in shown:
            continue
        points = _points(metric, place.chart(metric))
        last = np.arange(len(points)) == len(points) - 1
        if said["kind"] == "unknown":
            # A day that is not over has no verdict: its point has none either.
            points.loc[last & (points["period"] == filters.day).to_numpy(), ["verdict", "rule"]] = (
                VERDICTS["common"].word, ""
            )  # fmt: skip
        parts.append(
            points.assign(
                site=place.site, sentence=np.where(last, said["sentence"], ""), pressing=said["pressing"],
                stands_out=last & (said["kind"] in STANDING_OUT), judged=last & (said["kind"] != "unknown"),
            )
        )  # fmt: skip
    frame = titled(pd.concat(parts, ignore_index=True), reader)
    axis = metric.title if metric.unit == "count" else f"{metric.title}, {unit_title(metric)}"
    return frame.assign(metric=name, title=metric.title, unit=metric.unit, axis=axis)


def _points(metric: Metric, found: Chart) -> pd.DataFrame:
    centre, lower, upper = (np.asarray(limit) for limit in found.limits)
    frame = pd.DataFrame(
        {
            "period": found.days, "value": found.values, "numerator": found.numerator,
            "denominator": found.denominator, "centre": centre, "lower": lower, "upper": upper,
            "verdict": VERDICTS["common"].word, "rule": "", "limits": "trial" if found.trial else "full",
        }
    )  # fmt: skip
    if found.causes is not None:
        frame["rule"] = spc.rule_names(found.causes)
        high = found.values > centre
        good = np.where(metric.better == "higher", high, ~high)
        worded = np.where(good, VERDICTS["improvement"].word, VERDICTS["concern"].word)
        if metric.better == "neither":
            worded = np.full(len(frame), VERDICTS["neither"].word)
        frame["verdict"] = np.where(found.causes.highlighted, worded, VERDICTS["common"].word)
    return frame.tail(CHART_POINTS).dropna(subset=["value"])


def _chart_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No day with a value to chart"
    said = frame[frame["sentence"] != ""].sort_values("pressing")
    out = said[said["stands_out"]]
    if len(out):
        return "; ".join(out["sentence"])
    if len(said) == 1:
        return str(said["sentence"].iloc[0])
    found = "nothing stands out" if said["judged"].any() else "nothing is judged"
    return f"{frame['title'].iloc[0]}: {found} at any site"


def _control_chart(look: charts.Look) -> charts.Chart:
    tips = [
        alt.Tooltip("value:Q", title="Value", format=",.1f"),
        alt.Tooltip("numerator:Q", title="Numerator", format=",.0f"),
        alt.Tooltip("denominator:Q", title="Denominator", format=",.0f"),
        alt.Tooltip("lower:Q", title="Lower limit", format=",.1f"),
        alt.Tooltip("upper:Q", title="Upper limit", format=",.1f"),
        alt.Tooltip("verdict:N", title="Verdict"),
        alt.Tooltip("rule:N", title="Rule"),
    ]
    return control_charts.of_figure(look, "axis", tips)


PANELS = (
    Panel(
        "today", "The day against its own past", "today", day_scores,
        (Column("title", "Figure"), SITE, Column("value", "Value", "decimal", own="value"), Column("unit", "Unit"),
         Column("numerator", "Numerator", "count"), Column("denominator", "Denominator", "count"),
         Column("lower", "95 % from", "decimal", own="value"), Column("upper", "95 % to", "decimal", own="value"),
         Column("usual", "Usual", "decimal", own="value"),
         Column("usual_from", "Lower limit", "decimal", own="value"),
         Column("usual_to", "Upper limit", "decimal", own="value"), Column("days", "Earlier days", "count"),
         Column("limits", "Limits"), Column("week_before", "A week ago", "decimal", own="value"),
         Column("verdict", "Verdict"), Column("rule", "Rule"), Column("sentence", "In words")),
        None, FIGURES, html=tiles.day, sites_in="",
        note="Limits: p′ for rates, XmR for others, of every earlier day of the site, or of the same weekday where "
        "weekdays differ; never narrower than chance. Small chart: the last of those days and this one, the band is "
        f"the usual range. New patients: from the {SETTLED_DAYS}th day on, since before nearly everybody seemed new.",
    ),
    Panel(
        "day_chart", "One figure over time", "today", _day_chart,
        (Column("period", "Day", "date"), SITE, Column("title", "Figure"),
         Column("value", "Value", "decimal", own="value"), Column("numerator", "Numerator", "count"),
         Column("denominator", "Denominator", "count"), Column("centre", "Usual", "decimal", own="value"),
         Column("lower", "Lower limit", "decimal", own="value"),
         Column("upper", "Upper limit", "decimal", own="value"), Column("verdict", "Verdict"), Column("rule", "Rule"),
         Column("limits", "Limits"), Column("sentence", "In words")),
        _control_chart, FIGURES, _chart_answer, each="site", sites_in="",
        note=f"The last {CHART_POINTS} days that the limits are of, up to the day chosen; limits come from all days "
        "before it.",
    ),
)  # fmt: skip
