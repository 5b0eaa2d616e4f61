"""Scorecards: rows are metrics, columns are sites, each cell a value with its n/N and its verdict.

Plain HTML tables, so that a screen reader reads headings with cells and one screen holds it all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from dashboard import changes, theme
from dashboard.metrics import METRICS, Metric
from dashboard.wording import IN_POINTS, change_text, number, plural, signed, text, unbroken

#: A row of a frame by its columns.
Row: TypeAlias = Mapping[Any, Any]


def compare(frame: pd.DataFrame) -> str:
    """A period's scorecard: value, n/N with interval, and the change from the compared period."""
    alone = frame["site"].nunique() == 1
    return table(frame, _period_cell, "The period by metric and site", alone=alone)


def moments(frame: pd.DataFrame) -> str:
    """How patients fared: a scorecard for each questionnaire, its columns the moments after the first infusion."""
    return "".join(
        table(rows, _period_cell, f"{name} by moment", across="moment", corner=str(name))
        for name, rows in frame.groupby("instrument", sort=False)
    )


def by_kind(frame: pd.DataFrame) -> str:
    """How often what was counted happened, of all bookings, with its interval, and how many infusions were completed.

    Rows: kind, site, value (NaN where it is hidden), lower, upper, denominator.
    """
    caption = ", ".join(dict.fromkeys(frame["kind"])) + " by site"
    alone = frame["site"].nunique() == 1
    return table(frame.rename(columns={"kind": "metric"}), _kind_cell, caption, alone=alone, total=False)


def _kind_cell(row: Row) -> str:
    if pd.isna(row["value"]):
        return '<span class="cell quiet">hidden</span>'
    infusions = plural(row["denominator"], "completed infusion", "completed infusions")
    value = f"<b>{text(row['value'], 'count')}</b>{_interval(row) if row['value'] else _bound(row)}"
    return f'<span class="cell">{value}</span><span class="change">{infusions}</span>'


def attention_list(found: list[tuple[theme.VerdictKind, str]], links: Sequence[str] = ()) -> str:
    """What is out of the ordinary, in full sentences.

    `links`, as HTML, stand behind the sentences, as far as there are any.
    """
    items = []
    behind = [*links, *[""] * len(found)]
    for (kind, sentence), link in zip(found, behind, strict=False):
        verdict = theme.VERDICTS[kind]
        items.append(
            f'<li><span class="verdict" style="color:{theme.variable(kind)}" role="img" '
            f'aria-label="{verdict.word}">{verdict.icon}</span>{escape(sentence)} {link}</li>'
        )
    return f'<ul class="attention" aria-label="Needs attention">{"".join(items)}</ul>'


def by_band(frame: pd.DataFrame) -> str:
    """Rates by age band: value, n/N and interval, or that there are too few to judge.

    Rows: metric, band, value, lower, upper, numerator, denominator, reading.
    """
    return table(frame, _band_cell, "Rates by age band", across="band")


def _band_cell(row: Row) -> str:
    # On a phone, where cells stand in rows of three, each says which band it is of; the heading says it elsewhere.
    of = f'<span class="of" aria-hidden="true">{escape(str(row["band"]))}</span>'
    metric = METRICS[row["metric"]]
    below = f'<span class="counted">{counts(row, metric)}</span>'
    if row["reading"]:
        value = text(row["value"], "percent")
        return f'{of}<span class="cell quiet"><b>{value}</b><span>too few</span>{below}</span>'
    return f'{of}<span class="cell"><b>{text(row["value"], metric.unit)}</b>{below}{_limits(row, metric)}</span>'


def table(
    frame: pd.DataFrame,
    cell: Callable[[Row], str],
    caption: str,
    *,
    alone: bool = False,
    across: str = "site",
    corner: str = "",
    total: bool = True,
) -> str:
    """Metrics below each other, sites or another column's values beside each other; `alone` is for one site.

    What is no metric is its own heading. A metric that a column doesn't have leaves its cell empty. `total` says
    whether the last of several sites is all of them together.
    """
    columns = list(dict.fromkeys(frame[across]))
    if across == "site" and len(columns) > MANY:
        return _turned(frame, cell, caption, across, total=total)
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    rows: dict[str, dict[str, Row]] = {}
    # As records: a frame takes many times as long to give out its cells one by one.
    for record in frame.to_dict("records"):
        rows.setdefault(record["metric"], {})[record[across]] = record
    body = []
    for name, cells in rows.items():
        body.append(
            f'<tr><th scope="row">{_title(name)}</th>'
            + "".join(f"<td>{cell(cells[column]) if column in cells else ''}</td>" for column in columns)
            + "</tr>"
        )
    kind = "scorecard alone" if alone else f"scorecard by-{across}"
    return (
        f'<div class="{kind}"><table><caption>{escape(caption)}</caption>'
        f'<thead><tr><td class="corner">{escape(corner)}</td>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>{_signless(body)}"
    )


def _signless(body: Sequence[str]) -> str:
    """What a change without a sign says, where intervals and words have no room; style.css knows where that is."""
    if not any(changes.NOT_TOLD in row for row in body):
        return ""
    return '<p class="signless">A change without a sign is not distinguishable from chance, or cannot be tested.</p>'


def _title(name: str) -> str:
    if (metric := METRICS.get(name)) is None:
        return escape(name)
    unit = f"<small>{escape(unit_beside(metric))}</small>"
    return f'<abbr title="{escape(metric.definition)}">{escape(metric.title)}</abbr>{unit}'


def unit_beside(metric: Metric) -> str:
    """The unit to be told beside a metric's title: none where the value or the title has it."""
    told = metric.unit in {"percent", "count", "dollars"} or metric.unit in metric.title
    return "" if told else metric.unit


#: Of more columns than these a scorecard is turned: their values are its rows.
MANY = 7


def _turned(frame: pd.DataFrame, cell: Callable[[Row], str], caption: str, across: str, *, total: bool) -> str:
    """Sites below each other, metrics beside each other; the whole first, where there is one."""
    names = list(dict.fromkeys(frame["metric"]))
    head = "".join(f'<th scope="col">{_title(name)}</th>' for name in names)
    rows = {(row[across], row["metric"]): row for row in frame.to_dict("records")}
    own = list(dict.fromkeys(frame[across]))
    last = own[-1:] if total else []
    body = "".join(
        f'<tr><th scope="row">{escape(str(one))}</th>'
        + "".join(f"<td>{cell(rows[one, name]) if (one, name) in rows else ''}</td>" for name in names)
        + "</tr>"
        for one in [*last, *own[: len(own) - len(last)]]
    )
    return (
        f'<div class="scorecard many turned" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        f"{_signless([body])}"
    )


def _period_cell(row: Row) -> str:
    metric = METRICS[row["metric"]]
    if pd.isna(row["numerator"]) and row.get("hidden"):
        return '<span class="cell quiet">hidden</span>'
    value = f"<b>{text(row['value'], metric.unit)}</b>"
    of = counted(row, metric)
    below = f'<span class="counted">{of}</span>{_limits(row, metric)}' if of else ""
    return f'<span class="cell">{value}{below}</span>{_change(row)}{_change(row, "also_")}'


def counts(row: Row, metric: Metric) -> str:
    """What a share was worked out from, n/N; chairs in hours. Empty for what is no share, or of nothing."""
    if metric.unit == "dollars" or not row["denominator"] > 0 or pd.isna(row["numerator"]):
        return ""
    if metric.interval == "mean":
        return f"n {row['denominator']:,.0f}"
    if metric.denominator == ("capacity_minutes",):
        return f"{row['numerator'] / 60:,.0f}/{row['denominator'] / 60:,.0f} h"
    return f"{row['numerator']:,.0f}/{row['denominator']:,.0f}"


def counted(row: Row, metric: Metric) -> str:
    """`counts` as HTML; on a phone, where there is little room, without the unit."""
    return counts(row, metric).replace(" h", '<span class="more"> h</span>')


def _limits(row: Row, metric: Metric) -> str:
    if metric.bounded and row["numerator"] == 0:
        return _bound(row)
    if pd.isna(row["lower"]):
        return ""
    return _interval(row)


def _bound(row: Row) -> str:
    return f'<span class="bound">upper bound {number(row["upper"], 2)}</span>'


def _interval(row: Row) -> str:
    return f'<span class="interval">{number(row["lower"], 1)} to {number(row["upper"], 1)}</span>'


def _change(row: Row, lead: str = "") -> str:
    """The change in words, with a sign where it is told (`changes.judged`). Of two comparisons each is named."""
    change = row.get(f"{lead}change", np.nan)
    if pd.isna(change):
        return ""
    metric = METRICS[row["metric"]]
    named = f'<span class="against">{escape(row[f"{lead}against"])}: </span>' if row.get("also_against") else ""
    low, high = row[f"{lead}change_lower"], row[f"{lead}change_upper"]
    if pd.notna(low):
        shown = f"{signed(change)} points" if metric.interval else change_text(change, metric.unit)
        places = 1 if metric.interval else 0
        points = f'{named}{shown}<span class="more"> ({signed(low, places)} to {signed(high, places)})</span>'
        kind, words = row[f"{lead}change_kind"], row[f"{lead}change_words"]
        if words:
            points += f'<span class="more">, {words}</span>'
        if kind == "common":
            return f'<span class="change quiet">{points}</span>'
        verdict = theme.VERDICTS[kind]
        return (
            f'<span class="change"><span style="color:{theme.variable(kind)}" role="img" '
            f'aria-label="{verdict.word}">{verdict.icon}</span> {points}</span>'
        )
    if metric.unit in IN_POINTS:
        return f'<span class="change quiet">{named}{change_text(change, metric.unit)}</span>'
    before = row[f"{lead}before"]
    part = unbroken(f" ({signed(100 * change / before, 0)} %)") if before else ""
    return f'<span class="change quiet">{named}{change_text(change, metric.unit)}{part}</span>'
