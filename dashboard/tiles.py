"""The day's figures: one tile each at one site, a table of metrics by site for several, of sites by metric for many.

Plain HTML, so that a screen reader reads headings with cells and one screen holds it all.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import partial
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from dashboard import scorecard, theme
from dashboard.metrics import METRICS
from dashboard.theme import VerdictKind
from dashboard.verdicts import limit_text
from dashboard.wording import about, number, text

SPARK_WIDTH = 84
SPARK_HEIGHT = 22
#: From more sites on rows are sites, those with most to see first.
MANY_SITES = 6
_NO_DAY = {"closed": "Closed", "empty": "Nothing booked"}
#: So many sentences are shown at once; the others are folded.
SENTENCES = 8


def day(frame: pd.DataFrame) -> str:
    """The day's figures with n/N, interval, what is usual, sparkline, verdict and a link to their chart.

    Rows: those of `panels.today.day_scores`.
    """
    sites = frame["site"].nunique()
    if sites == 1:
        tiles = "".join(_tile(row) for row in frame.to_dict("records"))
        return f'<ul class="tiles" aria-label="The day at {escape(frame["site"].iloc[0])}">{tiles}</ul>'
    if sites > MANY_SITES:
        return _many(frame)
    return scorecard.table(frame, _cell, "The day by metric and site", alone=False)


def attention(frame: pd.DataFrame, *, expected: float) -> str:
    """What stands out, in sentences, most pressing first; one line on a day like others.

    Args:
        frame: the rows of `day`, ranked.
        expected: how many figures stand out on a usual day by chance.
    """
    found = frame[frame["kind"].isin(["concern", "neither", "improvement"])]
    news = found[~found["standing"]]
    empty = frame[frame["reason"] == "empty"].drop_duplicates("site")
    judged = int((frame["kind"] != "unknown").sum())
    parts = []
    if len(news) or len(empty):
        sentences = list(zip(news["kind"], news["sentence"], strict=True))
        links = [_link(row) for row in news.to_dict("records")]
        sentences, links = (
            [*(("neither", words) for words in empty["sentence"]), *sentences],
            [*[""] * len(empty), *links],
        )
        parts.append(scorecard.attention_list(sentences[:SENTENCES], links))
        if len(sentences) > SENTENCES:
            rest = scorecard.attention_list(sentences[SENTENCES:], links[SENTENCES:])
            parts.append(f"<details><summary>{len(sentences) - SENTENCES} more</summary>{rest}</details>")
    else:
        kind: VerdictKind = "common" if judged else "unknown"
        parts.append(scorecard.attention_list([(kind, _quiet(frame, judged, known=bool(found["standing"].any())))]))
    standing = found[found["standing"]]
    if len(standing):
        items = "".join(f"<li>{escape(row['sentence'])} {_link(row)}</li>" for row in standing.to_dict("records"))
        word = "figure has" if len(standing) == 1 else "figures have"
        parts.append(
            f'<details class="standing"><summary>No news: {len(standing)} {word} lain on one side of the past for '
            f"a while</summary><ul>{items}</ul></details>"
        )
    if judged:
        parts.append(
            f'<p class="counted">{judged:,} figures judged; on a usual day about {about(expected)} would stand out '
            "by chance alone.</p>"
        )
    return f'<div class="needs">{"".join(parts)}</div>'


def _quiet(frame: pd.DataFrame, judged: int, *, known: bool) -> str:
    if known:
        return "Nothing new stands out."
    if judged:
        return "A usual day: every figure is within its usual range."
    reasons = set(frame["reason"])
    if reasons == {"closed"}:
        return "Closed on this day."
    if "not over" in reasons:
        return "The day is not over: figures so far, and nothing is judged."
    return "Nothing can be judged on this day."


def _link(row: scorecard.Row) -> str:
    label = f"Chart of {row['title']}, {row['site']}"
    return f'<a href="/today?{escape(row["address"])}" target="_self" aria-label="{escape(label)}">Chart</a>'


def _sign(row: Any, *, word: bool) -> str:
    verdict = theme.VERDICTS[row["kind"]]
    colour = theme.variable(row["kind"])
    icon = (
        f'<span class="verdict" style="color:{colour}" role="img" aria-label="{verdict.word}">{verdict.icon}</span>'
    )
    return f'{icon}<span class="word" aria-hidden="true">{verdict.word}</span>' if word else icon


def _tile(row: scorecard.Row) -> str:
    metric = METRICS[row["metric"]]
    colour = theme.variable(row["kind"])
    head = f'<span class="name"><abbr title="{escape(metric.definition)}">{escape(metric.title)}</abbr></span>'
    if row["reason"] in _NO_DAY:
        return f'<li class="tile"><p class="head">{head}</p><p class="words">{_NO_DAY[row["reason"]]}</p></li>'
    lines = [
        f'<p class="head">{head}<span class="told">{_sign(row, word=True)}</span></p>',
        f'<p class="value"><b>{text(row["value"], metric.unit)}</b>{_counted(row)}{_sparkline(row)}</p>',
        f'<p class="counted">{_listed([*_interval(row), *_against(row)])}</p>',
        f'<p class="words" title="{escape(str(row["sentence"]))}">{escape(_rest(row))} {_link(row)}</p>',
    ]
    return f'<li class="tile" style="border-left-color:{colour}">{"".join(lines)}</li>'


def _rest(row: scorecard.Row) -> str:
    """The sentence without what the tile says already: the figure, and the one site."""
    said = str(row["sentence"])
    _, told, rest = said.partition(": ")
    if told and row["reason"] in ("", "too few"):
        said = rest[0].upper() + rest[1:]
    return said.replace(f" in {row['site']}", "")


def _cell(row: scorecard.Row) -> str:
    if row["reason"] in _NO_DAY:
        return f'<span class="quiet">{_NO_DAY[row["reason"]]}</span>'
    sentence = escape(str(row["sentence"]))
    below = _listed([*_interval(row), *_against(row)[:1]])
    value = text(row["value"], row["unit"])
    return (
        f'<span class="cell" title="{sentence}">{_sign(row, word=False)}'
        f'<a class="open" href="/today?{escape(row["address"])}" target="_self"><b>{value}</b></a>'
        f'{_counted(row)}{_sparkline(row)}</span><span class="below">{below}</span>'
        f'<span class="unseen">{sentence}</span>'
    )


def _listed(words: list[str]) -> str:
    return '<span class="dot"> · </span>'.join(f'<span class="whole">{one}</span>' for one in words)


def _many(frame: pd.DataFrame) -> str:
    """Sites as rows, those with most that stands out first."""
    names = list(dict.fromkeys(frame["metric"]))
    head = "".join(
        f'<th scope="col"><abbr title="{escape(METRICS[name].definition)}">{escape(METRICS[name].title)}</abbr></th>'
        for name in names
    )
    out = frame["kind"].isin(["concern", "neither", "improvement"]) & ~frame["standing"]
    order = out.groupby(frame["site"], sort=False).sum().sort_values(ascending=False, kind="stable").index
    body = []
    rows = {(row["site"], row["metric"]): row for row in frame.to_dict("records")}
    for site in order:
        cells = "".join(f"<td>{_small_cell(rows[site, name])}</td>" for name in names)
        body.append(f'<tr><th scope="row">{escape(str(site))}</th>{cells}</tr>')
    return (
        f'<div class="scorecard many" tabindex="0" role="region" aria-label="The day by site and metric"><table>'
        f"<caption>The day by site and metric</caption><thead><tr><td></td>{head}"
        f"</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def _small_cell(row: scorecard.Row) -> str:
    if row["reason"] in _NO_DAY:
        return f'<span class="quiet">{_NO_DAY[row["reason"]]}</span>'
    sentence = escape(str(row["sentence"]))
    return (
        f'<span class="cell" title="{sentence}">{_sign(row, word=False)}'
        f'<a class="open" href="/today?{escape(row["address"])}" target="_self">'
        f'<b>{text(row["value"], row["unit"])}</b></a></span><span class="unseen">{sentence}</span>'
    )


def _counted(row: scorecard.Row) -> str:
    return f'<span class="counted">{scorecard.counted(row, METRICS[row["metric"]])}</span>'


def _interval(row: scorecard.Row) -> list[str]:
    if pd.isna(row["lower"]):
        return []
    return [f'<span class="more">95 %: </span>{number(row["lower"], 1)} to {number(row["upper"], 1)}']


def _against(row: scorecard.Row) -> list[str]:
    metric = METRICS[row["metric"]]
    said = []
    if np.isfinite(row["usual"]):
        said.append(f"usual {limit_text(row['usual'], metric)}")
    if np.isfinite(row["week_before"]):
        said.append(f"a week ago {text(row['week_before'], metric.unit)}")
    return said


def _sparkline(row: scorecard.Row) -> str:
    """The earlier days and the day itself as a line, its usual range as a band.

    An image, since Streamlit cleans drawings out of HTML.
    """
    history = np.asarray(row["history"], dtype=float)
    known = history[np.isfinite(history)]
    limits = [v for v in (row["usual_from"], row["usual_to"]) if np.isfinite(v)]
    if len(known) < 2:
        return ""
    low, high = min([*known, *limits]), max([*known, *limits])
    # Some air around the limits, so that what lies outside is seen to.
    margin = 0.2 * ((high - low) or 1.0)
    drawing = _drawing(history, limits, low - margin, high + margin, row["kind"])
    encoded = base64.b64encode(drawing.encode()).decode()
    size = f'width="{SPARK_WIDTH}" height="{SPARK_HEIGHT}"'
    return f'<img class="spark" alt="" {size} src="data:image/svg+xml;base64,{encoded}">'


def _drawing(history: np.ndarray, limits: Sequence[float], low: float, high: float, kind: VerdictKind) -> str:
    # A picture doesn't inherit the page's variables, but it does its mode.
    quiet = theme.either(theme.quiet)
    last = theme.either(partial(theme.verdict_colour, kind))

    def y(value: float) -> float:
        return round(float(2 + (SPARK_HEIGHT - 4) * (1 - (value - low) / (high - low))), 1)

    step = (SPARK_WIDTH - 8) / (len(history) - 1)
    points = [(round(4 + i * step, 1), y(v)) for i, v in enumerate(history) if np.isfinite(v)]
    line = " ".join(f"{x},{yy}" for x, yy in points)
    band = ""
    if len(limits) == 2:
        top, bottom = y(limits[1]), y(limits[0])
        band = (
            f'<rect x="0" y="{top}" width="{SPARK_WIDTH}" height="{max(bottom - top, 1):.1f}" '
            f'style="fill:{quiet}" opacity="0.16"/>'
        )
    x, yy = points[-1]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{SPARK_WIDTH}" height="{SPARK_HEIGHT}" '
        f'style="color-scheme:light dark">{band}'
        f'<polyline points="{line}" fill="none" style="stroke:{quiet}" stroke-width="1.3"/>'
        f'<circle cx="{x}" cy="{yy}" r="3" style="fill:{last}"/></svg>'
    )
