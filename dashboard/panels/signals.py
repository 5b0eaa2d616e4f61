"""Panels of the Signals page that look back: what rose above its own past, and since when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from html import escape
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from dashboard import charts, control_charts, scorecard, spc, surveillance
from dashboard.filters import Filters, day_text
from dashboard.metrics import METRICS, plural
from dashboard.panels.base import PERIOD, SITE, Column, Panel, counts, effect_counts, measured, titled
from dashboard.surveillance import ALL, NO_SHOW, SERIOUS
from dashboard.theme import VERDICTS, Mode, VerdictKind, line_title
from dashboard.warehouse import Reader

#: Any side effect of grade severe or worse.
SEVERE = "severe"
#: Below so many points limits are called trial limits.
FULL_LIMITS = 12
#: From so many whole months on a chart goes by month, else by week.
MONTHS = 12


def effect_title(reader: Reader, effect: str) -> str:
    """A side effect as staff read it, with those that stand for several."""
    words = {ALL: "Any side effect", SERIOUS: "Any serious side effect", SEVERE: "A severe or worse side effect"}
    return words.get(effect) or reader.catalogue.effects.get(effect, effect)


def effect_hits(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """Completed infusions and those with the chosen side effect, by the dimensions named.

    Returns:
        The dimensions, infusions (with the effect), completed, assessed.
    """
    frame = counts(reader, filters, *by)
    if filters.effect in (ALL, SERIOUS):
        hits = frame["with_serious" if filters.effect else "with_effect"]
    else:
        happened = effect_counts(reader, filters, *by, "effect")
        happened = happened[happened["effect"] == filters.effect]
        if by:
            hits = frame[list(by)].merge(happened, how="left", on=list(by))["infusions"].fillna(0)
        else:
            hits = pd.Series([happened["infusions"].sum()])
    return frame[[*by, "completed", "assessed"]].assign(infusions=hits.to_numpy(dtype=float))


# --- alarms ----------------------------------------------------------------------------------


def _alarms(reader: Reader, filters: Filters) -> pd.DataFrame:
    return described(reader, filters, surveillance.surveil(reader))


def described(reader: Reader, filters: Filters, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of `surveillance.surveil` that the filters leave, in per cent and in words."""
    lines = (*(filters.lines or filters.scope.lines), *([] if filters.lines else [ALL]))
    groups = {ALL} | {reader.catalogue.groups[band] for band in filters.bands or filters.scope.bands}
    shown = frame["site"].isin(filters.sites) & frame["line"].isin(lines) & frame["group"].isin(groups)
    frame = frame[shown].reset_index(drop=True)
    keys = frame.to_dict("records")
    frame = titled(frame.drop(columns="effect"), reader)
    frame["what"] = [_what(reader, row) for row in keys]
    frame["series"] = [surveillance.key(row) for row in keys]
    frame["until"] = [_period_end(row, reader.catalogue.last_full_day) for row in keys]
    frame["address"] = [
        "" if row["effect"] == NO_SHOW
        else replace(filters, sites=(row["site"],), lines=(row["line"],), effect=row["effect"]).address()
        for row in keys
    ]  # fmt: skip
    frame["verdict"] = [VERDICTS["concern" if alarm else "common"].word for alarm in frame["alarm"]]
    for column in ("past_rate", "forms_before", "forms_now", "forms_change", "forms_lower", "forms_upper"):
        frame[column] = frame[column] * 100
    frame["rate"] = np.where(frame["trials"] > 0, 100 * frame["observed"] / frame["trials"].replace(0, 1), np.nan)
    frame["p"] = [_p_text(value) for value in frame["p_value"]]
    frame["reading"] = [_sentence(row) for row in frame.to_dict("records")]
    return frame


def _p_text(value: float) -> str:
    if np.isnan(value):
        return "nowhere near"
    return f"{value:.4f}" if value >= 0.0001 else "below 0.0001"


def _what(reader: Reader, row: Mapping[Any, Any]) -> str:
    site = reader.catalogue.site_name(row["site"])
    if row["effect"] == NO_SHOW:
        return f"No-shows on {row['weekday']}s in {site}"
    among = f", {row['group'].lower()} patients" if row["group"] else ""
    return f"{effect_title(reader, row['effect'])} after {line_title(row['line']).lower()} in {site}{among}"


def _period_end(row: Mapping[Any, Any], last: dt.date) -> dt.date:
    start: dt.date = pd.Timestamp(row["period_start"]).date()
    following = dt.date(start.year, 7, 1) if start.month == 1 else dt.date(start.year + 1, 1, 1)
    return min(following - dt.timedelta(days=1), last)


def _sentence(row: Mapping[Any, Any]) -> str:
    """What, where, since when, observed against expected, how strong, and what else changed."""
    counted = "past appointments" if not row["line"] else "infusions"
    since = day_text(pd.Timestamp(row["since"] if row["alarm"] else row["period_start"]).date())
    seen = f"{row['observed']:,.0f} of {row['trials']:,.0f} {counted}"
    usual = f"{row['expected']:,.1f} expected from its own past ({row['past_rate']:.2f} %)"
    if not row["past_events"]:
        usual = f"none in {row['past_trials']:,.0f} before"
    if not row["alarm"]:
        return f"{seen} since {since}, {usual}: not distinguishable"
    ratio = (
        f"; {row['ratio']:.1f} times as many (95 % interval {row['lower']:.1f} to {row['upper']:.1f})"
        if row["past_events"]
        else ""
    )
    found = day_text(pd.Timestamp(row["found_on"]).date())
    return (
        f"{row['what']}: {seen} ({row['rate']:.1f} %) from {since} to {day_text(row['until'])}, {usual}{ratio}. "
        f"Known on {found}.{_forms(row)}"
    )


def _forms(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["forms_change"]):
        return ""
    filled = f" Forms were filled in after {row['forms_now']:.1f} % of them, {row['forms_before']:.1f} % before: "
    if row["forms_lower"] > 0:
        return filled + "more than before, so that part of the rise may be better recording."
    if row["forms_upper"] < 0:
        return filled + "fewer than before, so that the true rise may be larger."
    return filled + "not distinguishable, no sign that recording explains it."


def _alarms_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No series is tested yet"
    alarms = frame[frame["alarm"]]
    if not len(alarms):
        return f"Nothing is distinguishable from its own past in {plural(len(frame), 'series', 'series')}"
    first = alarms.iloc[0]["what"]
    others = f" and {plural(len(alarms) - 1, 'other', 'others')}" if len(alarms) > 1 else ""
    return f"Above {'its' if len(alarms) == 1 else 'their'} own past: {first[0].lower()}{first[1:]}{others}"


def _alarms_a_year(number: float) -> str:
    one = round(number, 2) == 1
    return f"{number:.2g} false {'alarm' if one else 'alarms'} a year {'is' if one else 'are'}"


def _alarms_html(frame: pd.DataFrame, mode: Mode) -> str:
    found: list[tuple[VerdictKind, str]] = [("concern", text) for text in frame.loc[frame["alarm"], "reading"]]
    links = [
        f'<a href="/signals?{escape(row["address"])}" target="_self">Chart</a>' if row["address"] else ""
        for row in frame[frame["alarm"]].to_dict("records")
    ]
    if not found and len(frame):
        found = [("common", "No series is distinguishable from its own past.")]
    now = frame[frame["a_year"] > 0]
    start = day_text(pd.Timestamp(now["period_start"].min()).date()) if len(now) else ""
    tested = (
        f"{plural(len(now), 'series', 'series')} tested in the half-year since {start}. If nothing changes, at most "
        f"{_alarms_a_year(now['a_year'].sum())} to be expected of them at this setting."
        if len(now)
        else "No series of these has 180 days of past with 100 infusions before the half-year: nothing is tested."
    )
    listed = scorecard.attention_list(found, mode, links) if found else ""
    return listed + f'<p class="counted">{escape(tested)}</p>'


# --- over time -------------------------------------------------------------------------------


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
    frame = effect_hits(reader, history(reader, filters), "period", "site")
    frame = frame[frame["completed"] > 0]
    parts = [_limits(part) for _, part in frame.groupby("site", sort=False)]
    rows = pd.concat(parts, ignore_index=True) if parts else frame.assign(**dict.fromkeys(_CONTROL, np.nan))
    return titled(rows.assign(what=effect_title(reader, filters.effect)), reader)


_CONTROL = ("value", "numerator", "denominator", "centre", "lower", "upper", "verdict", "rule", "limits")


def _limits(part: pd.DataFrame) -> pd.DataFrame:
    """One site's p′ chart with the rules' verdicts, in per 100 infusions."""
    events, trials = part["infusions"].to_numpy(), part["completed"].to_numpy(dtype=float)
    chart = spc.p_chart(events, trials)
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
        rule=_rules(causes), limits="trial" if len(part) < FULL_LIMITS else "full",
    )  # fmt: skip


def _rules(causes: spc.SpecialCauses) -> list[str]:
    names = {
        "outside": causes.outside, "7 on one side": causes.one_side, "7 trending": causes.trend,
        "2 of 3 in the outer third": causes.two_in_three,
    }  # fmt: skip
    return [", ".join(name for name, found in names.items() if found[i]) for i in range(len(causes.outside))]


def _control_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No completed infusions up to the end of this period"
    what = frame["what"].iloc[0]
    latest = frame.groupby("site", sort=False).tail(1)
    unusual = [f"{row['site']} ({row['rule']})" for row in latest.to_dict("records") if row["rule"]]
    said = f"special cause at the latest point of {', '.join(unusual)}" if unusual else "latest points as usual"
    trial = "; trial limits, fewer than 12 points" if (frame["limits"] == "trial").any() else ""
    return f"{what}: {said}{trial}"


def _control_chart(look: charts.Look) -> charts.Chart:
    return control_charts.over_time(
        look, "Infusions with it, p′ chart", "Per 100 infusions",
        [
            alt.Tooltip("value:Q", title="Per 100 infusions", format=",.2f"),
            alt.Tooltip("numerator:Q", title="Infusions with it", format=",.0f"),
            alt.Tooltip("denominator:Q", title="Completed infusions", format=",.0f"),
            alt.Tooltip("lower:Q", title="Lower limit", format=",.2f"),
            alt.Tooltip("upper:Q", title="Upper limit", format=",.2f"),
            alt.Tooltip("verdict:N", title="Verdict"), alt.Tooltip("rule:N", title="Rule"),
        ],
    )  # fmt: skip


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


# --- between events --------------------------------------------------------------------------


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
        verdict=[VERDICTS[kind].word for kind in kinds], limits="trial" if len(part) < FULL_LIMITS else "full",
    )  # fmt: skip


def _gaps_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "Fewer than two such infusions at each site, so that nothing lies between them"
    what = frame["what"].iloc[0].lower()
    middle = [
        f"{median:,.0f} in {site}" for site, median in frame.groupby("site", sort=False)["value"].median().items()
    ]
    trial = "; trial limits, fewer than 12 points" if (frame["limits"] == "trial").any() else ""
    return f"Infusions between one with {what} and the next, median: {', '.join(middle)}{trial}"


def _gaps_chart(look: charts.Look) -> charts.Chart:
    return control_charts.between_events(
        look, "Infusions between events, g chart", "Infusions between",
        [
            alt.Tooltip("period:T", title="Event on", format="%a %-d %b %Y"),
            alt.Tooltip("value:Q", title="Infusions between", format=",.0f"),
            alt.Tooltip("upper:Q", title="Upper limit", format=",.0f"), alt.Tooltip("verdict:N", title="Verdict"),
        ],
    )  # fmt: skip


WHAT = Column("what", "Series")
VERDICT = Column("verdict", "Verdict")
_LIMIT_COLUMNS = (
    Column("centre", "Centre", "decimal"),
    Column("lower", "Lower limit", "decimal"),
    Column("upper", "Upper limit", "decimal"),
    VERDICT,
)

PANELS = (
    Panel(
        "signal_alarms", "Series above their own past", "signals", _alarms,
        (
            WHAT, VERDICT, Column("period_start", "Period from", "date"), Column("found_on", "Known on", "date"),
            Column("since", "Since", "date"), Column("observed", "Observed", "count"),
            Column("trials", "Infusions or appointments", "count"), Column("expected", "Expected", "decimal"),
            Column("ratio", "Observed ÷ expected", "decimal"), Column("lower", "95 % from", "decimal"),
            Column("upper", "95 % to", "decimal"), Column("p", "p of the whole period"),
            Column("method", "Method"),
            Column("past_events", "Past events", "count"), Column("past_trials", "Past infusions", "count"),
            Column("past_rate", "Past rate (%)", "decimal"), Column("forms_now", "Forms filled in (%)", "decimal"),
            Column("forms_before", "Forms before (%)", "decimal"), Column("a_year", "False alarms a year", "decimal"),
            Column("reading", "In words"),
        ),
        None, (), _alarms_answer, html=_alarms_html,
        note="Every side effect at every site after every line, and no-shows by weekday, each against its own past: "
        "conditional MaxSPRT, from 1 in 100 on a CUSUM. The level is shared among all series and holds for looks "
        "every day. A rise is told, not its cause.",
    ),
    Panel(
        "control_chart", "Infusions with the side effect over time", "signals", _control,
        (PERIOD, SITE, WHAT, Column("value", "Per 100 infusions", "decimal"),
         Column("numerator", "Infusions with it", "count"), Column("denominator", "Completed infusions", "count"),
         *_LIMIT_COLUMNS, Column("rule", "Rule"), Column("limits", "Limits")),
        _control_chart, (), _control_answer, each_site=True,
        note="All of the extract up to the end of the period, by month, or by week where months are few. Laney's p′ "
        "limits; ▲ special cause upwards, ★ downwards: outside the limits, 7 on one side, 7 trending, 2 of 3 in the "
        "outer third. Limits never rebase by themselves.",
    ),
    Panel(
        "control_forms", "Forms filled in over the same time", "signals", _forms_over_time,
        (PERIOD, SITE, Column("value", "Forms filled in (%)", "decimal"), Column("lower", "95 % from", "decimal"),
         Column("upper", "95 % to", "decimal"), Column("numerator", "Forms filled in", "count"),
         Column("denominator", "Completed infusions", "count")),
        _forms_chart, ("ascertainment",), each_site=True,
    ),
    Panel(
        "event_gaps", "Infusions between events", "signals", _gaps,
        (SITE, WHAT, Column("period", "Event on", "date"), Column("number", "Event", "count"),
         Column("value", "Infusions between", "count"), *_LIMIT_COLUMNS, Column("limits", "Limits")),
        _gaps_chart, (), _gaps_answer, each_site=True,
        note="g chart, for rare and serious effects: any severe or worse one unless another is chosen; the latest "
        "60. A high point is good news, a run of low ones is not.",
    ),
)  # fmt: skip
