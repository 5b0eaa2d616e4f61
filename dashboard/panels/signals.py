"""Panels of the Signals page that look back: what rose above its own past, and since when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from dashboard import scorecard, surveillance
from dashboard.filters import Filters, day_text
from dashboard.panels.column import Column
from dashboard.panels.panel import Panel
from dashboard.panels.sums import counts, effect_counts
from dashboard.panels.words import titled
from dashboard.surveillance import ALL, NO_SHOW, SERIOUS, SEVERE
from dashboard.theme import VERDICTS, VerdictKind, line_title
from dashboard.warehouse import Reader
from dashboard.wording import number, plural


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
    counted = ("infusion", "infusions") if row["line"] else ("past appointment", "past appointments")
    since = day_text(pd.Timestamp(row["since"] if row["alarm"] else row["period_start"]).date())
    seen = f"{row['observed']:,.0f} of {plural(row['trials'], *counted)}"
    usual = f"{number(row['expected'], 1)} expected from its own past ({number(row['past_rate'], 2)} %)"
    if not row["past_events"]:
        usual = f"none in {row['past_trials']:,.0f} before"
    if not row["alarm"]:
        return f"{seen} since {since}, {usual}: not distinguishable"
    found = day_text(pd.Timestamp(row["found_on"]).date())
    return (
        f"{row['what']}: {seen} ({number(row['rate'], 1)} %) from {since} to {day_text(row['until'])}, "
        f"{usual}; {_times(row)}. Known on {found}.{_forms(row)}"
    )


def _times(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["ratio"]):
        return f"at least {number(row['lower'], 1)} times as many (95 % interval)"
    limits = f"{number(row['lower'], 1)} to {number(row['upper'], 1)}"
    return f"{number(row['ratio'], 1)} times as many (95 % interval {limits})"


def _forms(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["forms_change"]):
        return ""
    now, before = number(row["forms_now"], 1), number(row["forms_before"], 1)
    filled = f" Forms were filled in after {now} % of them, {before} % before: "
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


def _alarms_html(frame: pd.DataFrame) -> str:
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
    listed = scorecard.attention_list(found, links) if found else ""
    return listed + f'<p class="counted">{escape(tested)}</p>'


WHAT = Column("what", "Series")
VERDICT = Column("verdict", "Verdict")
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
            Column("past_rate", "Past rate (%)", "decimal"), Column("design", "Design effect", "decimal"),
            Column("forms_now", "Forms filled in (%)", "decimal"),
            Column("forms_before", "Forms before (%)", "decimal"), Column("a_year", "False alarms a year", "decimal"),
            Column("reading", "In words"),
        ),
        None, (), _alarms_answer, html=_alarms_html,
        note="Every side effect at every site after every line, and no-shows by weekday, each against its own past: "
        "conditional MaxSPRT, from 1 in 100 on a CUSUM. The level is shared among all series and holds for looks "
        "every day; patients who have an effect again and again are allowed for. A rise is told, not its cause. Its "
        "ratio counts from where it began, and overstates it.",
    ),
)  # fmt: skip
