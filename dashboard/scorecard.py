"""Scorecards: rows are metrics, columns are sites, each cell a value with its n/N and its verdict.

Plain HTML tables, so that a screen reader reads headings with cells and one screen holds it all.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from html import escape

import numpy as np
import pandas as pd

from dashboard import theme
from dashboard.metrics import METRICS, Metric, text

SPARK_WIDTH = 84
SPARK_HEIGHT = 22


def day(frame: pd.DataFrame, mode: theme.Mode) -> str:
    """The day's scorecard: value, n/N, sparkline with the usual range, verdict.

    With one site there is room for the verdict in words; with several it is in the tooltip and
    for screen readers.
    """
    alone = frame["site"].nunique() == 1
    return _table(frame, lambda row: _day_cell(row, mode, alone), "The day by metric and site", alone)


def compare(frame: pd.DataFrame, mode: theme.Mode) -> str:
    """A period's scorecard: value, n/N with interval, and the change from the compared period."""
    alone = frame["site"].nunique() == 1
    return _table(frame, lambda row: _period_cell(row, mode), "The period by metric and site", alone)


def moments(frame: pd.DataFrame, mode: theme.Mode) -> str:
    """How patients fared: a scorecard for each questionnaire, its columns the moments after the first infusion."""
    return "".join(
        _table(rows, lambda row: _period_cell(row, mode), f"{name} by moment", False, "moment", str(name))
        for name, rows in frame.groupby("instrument", sort=False)
    )


def attention_list(found: list[tuple[theme.VerdictKind, str]], mode: theme.Mode, links: Sequence[str] = ()) -> str:
    """What is out of the ordinary, in full sentences; one line where nothing is.

    `links`, as HTML, stand behind the sentences, as far as there are any.
    """
    if not found:
        found = [("common", "A usual day: every figure is within its usual range.")]
    items = []
    behind = [*links, *[""] * len(found)]
    for (kind, sentence), link in zip(found, behind, strict=False):
        verdict = theme.VERDICTS[kind]
        items.append(
            f'<li><span class="verdict" style="color:{theme.verdict_colour(kind, mode)}" role="img" '
            f'aria-label="{verdict.word}">{verdict.icon}</span>{escape(sentence)} {link}</li>'
        )
    return f'<ul class="attention" aria-label="Needs attention">{"".join(items)}</ul>'


def _table(
    frame: pd.DataFrame,
    cell: Callable[[pd.Series], str],
    caption: str,
    alone: bool,
    across: str = "site",
    corner: str = "",
) -> str:
    columns = list(dict.fromkeys(frame[across]))
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = []
    for name, rows in frame.groupby("metric", sort=False):
        metric = METRICS[str(name)]
        cells = rows.set_index(across).reindex(columns)
        body.append(
            f'<tr><th scope="row"><abbr title="{escape(metric.definition)}">{escape(metric.title)}</abbr>'
            f"<small>{escape(_unit(metric.unit))}</small></th>"
            + "".join(f"<td>{cell(row)}</td>" for _, row in cells.iterrows())
            + "</tr>"
        )
    kind = "scorecard alone" if alone else "scorecard"
    return (
        f'<div class="{kind}"><table><caption>{escape(caption)}</caption>'
        f'<thead><tr><td class="corner">{escape(corner)}</td>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def _unit(unit: str) -> str:
    return {"percent": "", "count": "", "dollars": "", "days": "days"}.get(unit, unit)


def _day_cell(row: pd.Series, mode: theme.Mode, alone: bool) -> str:
    if row["closed"]:
        return '<span class="quiet">Closed</span>'
    verdict = theme.VERDICTS[row["verdict"]]
    colour = theme.verdict_colour(row["verdict"], mode)
    sentence = escape(str(row["sentence"]))
    words = f'<span class="words">{sentence}</span>' if alone else f'<span class="unseen">{sentence}</span>'
    return (
        f'<span class="cell" title="{sentence}">'
        f'<span class="verdict" style="color:{colour}" role="img" aria-label="{verdict.word}">{verdict.icon}</span>'
        f"<b>{text(row['value'], row['unit'])}</b>{_counted(row)}"
        f"{_sparkline(row, colour, mode)}</span>{words}"
    )


def _counted(row: pd.Series) -> str:
    if pd.isna(row["denominator"]) or METRICS[row["metric"]].interval is None:
        return '<span class="counted"></span>'
    return f'<span class="counted">{row["numerator"]:,.0f}/{row["denominator"]:,.0f}</span>'


def _period_cell(row: pd.Series, mode: theme.Mode) -> str:
    if row["metric"] not in METRICS:
        # A metric that doesn't exist in this column.
        return ""
    metric = METRICS[row["metric"]]
    if pd.isna(row["numerator"]) and row.get("hidden"):
        return '<span class="cell quiet">hidden</span>'
    value = f"<b>{text(row['value'], metric.unit)}</b>"
    counted = ""
    if metric.interval and pd.notna(row["value"]):
        of = f"{row['denominator']:,.0f}"
        of = f"n {of}" if metric.interval == "mean" else f"{row['numerator']:,.0f}/{of}"
        counted = f'<span class="counted">{of}</span>{_limits(row, metric)}'
    return f'<span class="cell">{value}{counted}</span>{_change(row, mode)}'


def _limits(row: pd.Series, metric: Metric) -> str:
    if metric.bounded and row["numerator"] == 0:
        return f'<span class="bound">upper bound {row["upper"]:.2f}</span>'
    if pd.isna(row["lower"]):
        return ""
    return f'<span class="interval">{row["lower"]:.1f} to {row["upper"]:.1f}</span>'.replace("-", "−")


def _change(row: pd.Series, mode: theme.Mode) -> str:
    """The change in words: a rate's is only called one where its interval excludes 0."""
    change = row["change"]
    if pd.isna(change):
        return ""
    metric = METRICS[row["metric"]]
    if metric.interval and pd.notna(row["change_lower"]):
        low, high = row["change_lower"], row["change_upper"]
        points = f'{_points(change)} points<span class="more"> ({_points(low)} to {_points(high)})</span>'
        if low <= 0 <= high:
            return f'<span class="change quiet">{points}<span class="more">, not distinguishable</span></span>'
        better = (change > 0) == (metric.better == "higher")
        kind: theme.VerdictKind = "neither" if metric.better == "neither" else "improvement" if better else "concern"
        verdict = theme.VERDICTS[kind]
        return (
            f'<span class="change"><span style="color:{theme.verdict_colour(kind, mode)}" role="img" '
            f'aria-label="{verdict.word}">{verdict.icon}</span> {points}</span>'
        )
    if metric.unit in {"percent", "per 100 infusions", "points"}:
        return f'<span class="change quiet">{_points(change)} points</span>'
    before = row["before"]
    part = f" ({_points(100 * change / before, 0)} %)" if before else ""
    return f'<span class="change quiet">{_signed(change, metric.unit)}{part}</span>'


def _signed(change: float, unit: str) -> str:
    if unit == "dollars":
        return f"{'+' if change >= 0 else '−'}${abs(change):,.0f}"
    return _points(change, 1 if unit == "days" else 0)


def _points(change: float, places: int = 1) -> str:
    """A signed number with a true minus sign; what rounds to zero has none."""
    rounded = round(change, places)
    return f"{rounded:+,.{places}f}".replace("-", "−") if rounded else f"{0:.{places}f}"


def _sparkline(row: pd.Series, colour: str, mode: theme.Mode) -> str:
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
    low, high = low - margin, high + margin
    quiet = theme.quiet(mode)

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
            f'fill="{quiet}" opacity="0.16"/>'
        )
    x, yy = points[-1]
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{SPARK_WIDTH}" height="{SPARK_HEIGHT}">{band}'
        f'<polyline points="{line}" fill="none" stroke="{quiet}" stroke-width="1.3"/>'
        f'<circle cx="{x}" cy="{yy}" r="3" fill="{colour}"/></svg>'
    )
    encoded = base64.b64encode(drawing.encode()).decode()
    size = f'width="{SPARK_WIDTH}" height="{SPARK_HEIGHT}"'
    return f'<img class="spark" alt="" {size} src="data:image/svg+xml;base64,{encoded}">'
