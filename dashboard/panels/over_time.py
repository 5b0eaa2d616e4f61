"""Panels of the Signals page over time: control charts by site, with people's marks, and forms filled in."""

from __future__ import annotations

import datetime as dt
import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from dashboard import charts, control_charts, marks, spc
from dashboard.arguments import FloatArray
from dashboard.filters import Filters, day_text
from dashboard.marks import Mark
from dashboard.metrics import METRICS
from dashboard.panels.column import PERIOD, SITE, Column
from dashboard.panels.panel import Panel
from dashboard.panels.scores import measured
from dashboard.panels.signals import VERDICT, WHAT, effect_hits, effect_title
from dashboard.panels.sums import counts, effect_counts
from dashboard.panels.words import listed, titled
from dashboard.surveillance import ALL, SERIOUS, SEVERE
from dashboard.theme import VERDICTS, VerdictKind
from dashboard.warehouse import Reader
from dashboard.wording import number

#: From so many whole months on a chart goes by month, else by week.
MONTHS = 12


def history(reader: Reader, filters: Filters) -> Filters:
    """The filters over all days up to the period's end, by month, or by week where months are few."""
    start, end = reader.catalogue.first_day, filters.end
    months = (end.year - start.year) * 12 + end.month - start.month
    by = filters.by if filters.by in ("week", "month") else "month" if months >= MONTHS else "week"
    if by == "month" and start.day > 1 and months:
        # Of a part of a month the first point would say little, and stretch the chart.
        start = (start.replace(day=1) + dt.timedelta(days=31)).replace(day=1)
    return replace(filters.on(start, end), by=by)


def _control(reader: Reader, filters: Filters) -> pd.DataFrame:
    """p′ charts of infusions with the side effect, by site."""
    frame = effect_hits(reader, history(reader, filters), "period", "site")
    return _charted(reader, filters, frame.assign(counted=frame["infusions"]), spc.p_chart)


def _rates(reader: Reader, filters: Filters) -> pd.DataFrame:
    """u′ charts of side effects, repeats counted, by site."""
    past = history(reader, filters)
    frame = effect_hits(reader, past, "period", "site")
    happened = effect_counts(reader, past, "period", "site", "effect")
    if filters.effect not in (ALL, SERIOUS):
        happened = happened[happened["effect"] == filters.effect]
    # Whatever is serious counts: an infusion that ends in an arrest is hardly ever completed.
    column = "serious_events" if filters.effect == SERIOUS else "events"
    events = happened.groupby(["period", "site"])[column].sum().rename("counted").reset_index()
    frame = frame.merge(events, how="left", on=["period", "site"])
    return _charted(reader, filters, frame.assign(counted=frame["counted"].fillna(0)), spc.u_chart)


def _charted(reader: Reader, filters: Filters, frame: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    frame = frame[frame["completed"] > 0]
    noted = marks.of_chart(reader.marks, filters.effect, filters.lines)
    parts = []
    for site, part in frame.groupby("site", sort=False):
        own = [mark for mark in noted if mark.site == site]
        spans = _segments(part["period"], [mark.on_date for mark in own if mark.kind == "rebase"])
        rows = pd.concat([_limits(part.iloc[span], limits) for span in spans], ignore_index=True)
        parts.append(rows.assign(marks=_noted(part["period"], own), forms=_forms_told(part)))
    rows = pd.concat(parts, ignore_index=True) if parts else frame.assign(**dict.fromkeys(_CONTROL, np.nan))
    return titled(rows.assign(what=effect_title(reader, filters.effect)), reader)


_CONTROL = (
    "value", "numerator", "denominator", "centre", "lower", "upper", "verdict", "rule", "limits", "marks", "forms",
)  # fmt: skip
Limits = Callable[[FloatArray, FloatArray], spc.Limits]


def _segments(periods: pd.Series, rebased: Sequence[dt.date]) -> list[slice]:
    """Spans of points with limits of their own: a new one from the first point that begins on or after each date."""
    starts = list(pd.to_datetime(periods).dt.date)
    cuts = sorted({bisect_left(starts, day) for day in rebased} - {0, len(starts)})
    return [slice(a, b) for a, b in itertools.pairwise([0, *cuts, len(starts)])]


def _noted(periods: pd.Series, own: Sequence[Mark]) -> list[str]:
    """For each point the words of the marks whose date lies in its period."""
    starts = list(pd.to_datetime(periods).dt.date)
    words = [""] * len(starts)
    for mark in own:
        place = max(bisect_right(starts, mark.on_date) - 1, 0)
        said = f"{day_text(mark.on_date)}: {mark.text} ({mark.person_name})"
        said = f"Limits rebased, {said}" if mark.kind == "rebase" else said
        words[place] = f"{words[place]}; {said}" if words[place] else said
    return words


def _forms_told(part: pd.DataFrame) -> list[str]:
    """For each point whether forms were filled in unusually often, by the rules of the p′ chart."""
    forms, trials = part["assessed"].to_numpy(dtype=float), part["completed"].to_numpy(dtype=float)
    chart = spc.p_chart(forms, trials)
    values = forms / trials
    lit = spc.special_causes(values, *chart).highlighted
    return [
        "" if not told else "more forms than usual" if value > centre else "fewer forms than usual"
        for told, value, centre in zip(lit, values, np.asarray(chart.centre), strict=True)
    ]


def _limits(part: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """One site's chart with the rules' verdicts, in per 100 infusions."""
    events, trials = part["counted"].to_numpy(dtype=float), part["completed"].to_numpy(dtype=float)
    chart = limits(events, trials)
    values = events / trials
    causes = spc.special_causes(values, *chart)
    high = values > np.asarray(chart.centre)
    kinds: list[VerdictKind] = [
        "common" if not lit else "concern" if above else "improvement"
        for lit, above in zip(causes.highlighted, high, strict=True)
    ]
    return part[["period", "site"]].assign(
        value=100 * values, numerator=events, denominator=trials,
        centre=100 * np.asarray(chart.centre), lower=100 * np.asarray(chart.lower),
        upper=100 * np.asarray(chart.upper), verdict=[VERDICTS[kind].word for kind in kinds],
        rule=spc.rule_names(causes), limits="trial" if len(part) < spc.FULL_LIMITS else "full",
    )  # fmt: skip


def _control_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No completed infusions up to the end of this period"
    what = frame["what"].iloc[0]
    latest = frame.groupby("site", sort=False).tail(1)
    unusual = [f"{row['site']} ({row['rule']})" for row in latest.to_dict("records") if row["rule"]]
    said = f"special cause at the latest point of {listed(unusual, ', ')}" if unusual else "latest points as usual"
    trial = "; trial limits, fewer than 12 points" if (frame["limits"] == "trial").any() else ""
    return f"{what}: {said}{trial}"


def _rates_answer(frame: pd.DataFrame) -> str:
    return f"Repeats counted. {_control_answer(frame)}" if len(frame) else _control_answer(frame)


def _control_chart(title: str, counted: str) -> Callable[[charts.Look], charts.Chart]:
    def build(look: charts.Look) -> charts.Chart:
        return control_charts.over_time(
            look, title, "Per 100 infusions",
            [
                alt.Tooltip("value:Q", title="Per 100 infusions", format=",.2f"),
                alt.Tooltip("numerator:Q", title=counted, format=",.0f"),
                alt.Tooltip("denominator:Q", title="Completed infusions", format=",.0f"),
                alt.Tooltip("lower:Q", title="Lower limit", format=",.2f"),
                alt.Tooltip("upper:Q", title="Upper limit", format=",.2f"),
                alt.Tooltip("verdict:N", title="Verdict"), alt.Tooltip("rule:N", title="Rule"),
            ],
        )  # fmt: skip

    return build


def _forms_over_time(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = counts(reader, history(reader, filters), "period", "site")
    frame = measured(frame[frame["completed"] > 0], "ascertainment", "period", "site")
    return titled(frame.sort_values(["site", "period"], key=_order(filters), ignore_index=True), reader)


def _order(filters: Filters) -> Any:
    places = {site: place for place, site in enumerate(filters.sites)}
    return lambda column: column.map(places) if column.name == "site" else column


def _forms_chart(look: charts.Look) -> charts.Chart:
    metric = METRICS["ascertainment"]
    tips = [alt.Tooltip("value:Q", title="% of infusions", format=",.1f"), *charts.rate_tips(metric.counted)]
    return control_charts.share_below(look, metric.title, "% of infusions", tips)


def _gaps(reader: Reader, filters: Filters) -> pd.DataFrame:
    effect = filters.effect or SEVERE
    values = filters.values()
    frame = reader.query(
        "event_gaps", until=filters.end, effect=effect, **{k: values[k] for k in ("sites", "lines", "bands")}
    )
    parts = [_gap_limits(part) for _, part in frame.groupby("site", sort=False)]
    columns = ("number", "centre", "lower", "upper", "verdict", "limits")
    rows = pd.concat(parts, ignore_index=True) if parts else frame.assign(**dict.fromkeys(columns, np.nan))
    return titled(rows.assign(what=effect_title(reader, effect)), reader)


def _gap_limits(part: pd.DataFrame) -> pd.DataFrame:
    values = part["value"].to_numpy(dtype=float)
    chart = spc.g_chart(values)
    # Many without the effect between two is good news, few in a row bad.
    causes = spc.special_causes(values, *chart)
    kinds: list[VerdictKind] = [
        "improvement" if outside > 0 else "concern" if lit and value < centre else "improvement" if lit else "common"
        for outside, lit, value, centre in zip(
            causes.outside, causes.highlighted, values, np.asarray(chart.centre), strict=True
        )
    ]
    return part.assign(
        number=np.arange(1, len(part) + 1), centre=chart.centre, lower=chart.lower, upper=chart.upper,
        verdict=[VERDICTS[kind].word for kind in kinds], limits="trial" if len(part) < spc.FULL_LIMITS else "full",
    )  # fmt: skip


def _gaps_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "Fewer than two such infusions at each site, so that nothing lies between them"
    what = frame["what"].iloc[0].lower()
    middle = [
        f"{number(median)} in {site}" for site, median in frame.groupby("site", sort=False)["value"].median().items()
    ]
    trial = "; trial limits, fewer than 12 points" if (frame["limits"] == "trial").any() else ""
    return f"Infusions between one with {what} and the next, median: {listed(middle, ', ')}{trial}"


def _gaps_chart(look: charts.Look) -> charts.Chart:
    return control_charts.between_events(
        look, "Infusions between events, g chart", "Infusions between",
        [
            alt.Tooltip("period:T", title="Event on", format="%a %-d %b %Y"),
            alt.Tooltip("value:Q", title="Infusions between", format=",.0f"),
            alt.Tooltip("upper:Q", title="Upper limit", format=",.0f"), alt.Tooltip("verdict:N", title="Verdict"),
        ],
    )  # fmt: skip


_LIMIT_COLUMNS = (
    Column("centre", "Centre", "decimal"),
    Column("lower", "Lower limit", "decimal"),
    Column("upper", "Upper limit", "decimal"),
    VERDICT,
)

_NOTED_COLUMNS = (
    Column("rule", "Rule"), Column("limits", "Limits"), Column("forms", "Forms filled in"), Column("marks", "Notes"),
)  # fmt: skip

PANELS = (
    Panel(
        "control_chart", "Infusions with the side effect over time", "signals", _control,
        (PERIOD, SITE, WHAT, Column("value", "Per 100 infusions", "decimal"),
         Column("numerator", "Infusions with it", "count"), Column("denominator", "Completed infusions", "count"),
         *_LIMIT_COLUMNS, *_NOTED_COLUMNS),
        _control_chart("Infusions with it, p′ chart", "Infusions with it"), (), _control_answer, each="site",
        marked=True, history=True,
        note="All of the extract up to the end of the period, by month from the first whole one on, or by week where "
        "months are few. Laney's p′ limits; ▲ special cause upwards, ★ downwards: outside the limits, 7 on one side, "
        "7 trending, 2 of 3 in the outer third. ▼ a person's note; ◇ forms filled in unusually often or seldom. "
        "Limits never rebase by themselves. Of all service lines together more ketamine shows as a rise: choose one.",
    ),
    Panel(
        "rate_chart", "Side effects over time, repeats counted", "signals", _rates,
        (PERIOD, SITE, WHAT, Column("value", "Events per 100 infusions", "decimal"),
         Column("numerator", "Events", "count"), Column("denominator", "Completed infusions", "count"),
         *_LIMIT_COLUMNS, *_NOTED_COLUMNS),
        _control_chart("Events, u′ chart", "Events"), (), _rates_answer, each="site",
        marked=True, history=True,
        note="As above, but every event counts, also several of one infusion. Laney's u′ limits. Serious ones are "
        "those of all bookings, completed or not.",
    ),
    Panel(
        "control_forms", "Forms filled in over the same time", "signals", _forms_over_time,
        (PERIOD, SITE, Column("value", "Forms filled in (%)", "decimal"), Column("lower", "95 % from", "decimal"),
         Column("upper", "95 % to", "decimal"), Column("numerator", "Forms filled in", "count"),
         Column("denominator", "Completed infusions", "count")),
        _forms_chart, ("ascertainment",), each="site", history=True,
    ),
    Panel(
        "event_gaps", "Infusions between events", "signals", _gaps,
        (SITE, WHAT, Column("period", "Event on", "date"), Column("number", "Event", "count"),
         Column("value", "Infusions between", "count"), *_LIMIT_COLUMNS, Column("limits", "Limits")),
        _gaps_chart, (), _gaps_answer, each="site", history=True,
        note="g chart, for rare and serious effects: any severe or worse one unless another is chosen; the latest "
        "60. A high point is good news, a run of low ones is not.",
    ),
)  # fmt: skip
