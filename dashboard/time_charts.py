"""Charts over time: one specification each, whether the rows are of days, weeks or months."""

from __future__ import annotations

from typing import Any

import altair as alt

from dashboard.axes import LEAST_STEP, NUMBER, REACH, TO_TOP, told_by_rows
from dashboard.charts import HEIGHT, ROWS, Chart, Series, colour, heading, position, rate_tips

#: The column of rows over time that says what a period is: one specification serves days, weeks and months.
GRAIN = "grain"
_GRAINS = told_by_rows(GRAIN, "'day'")
#: Stands for the title of a time axis, which only the rows tell.
PERIOD = "Period"


def _by_grain(day: str, week: str, month: str) -> str:
    """A Vega expression: one of three others, by what the rows' periods are."""
    return f"{GRAIN} === 'month' ? {month} : {GRAIN} === 'week' ? {week} : {day}"


_FORMAT = _by_grain("'%a %-d %b'", "'%-d %b'", "'%b %Y'")
#: Over more than a year days and weeks are told by month and year: their dates come twice.
_LABEL = f"timeFormat(datum.value, span(domain('x')) > 31622400000 ? '%b %Y' : {_FORMAT})"
_DAY = "timeFormat(toDate(datum.period), '%a %-d %b %Y')"
_WHEN = _by_grain(_DAY, f"'Week from ' + {_DAY}", "timeFormat(toDate(datum.period), '%B %Y')")
#: Four fifths of the room that a period has, and no more than so many pixels.
_WIDEST, _DAYS = _by_grain("14", "18", "24"), _by_grain("1", "7", "30")
_BAR_WIDTH = f"min({_WIDEST}, 0.8 * width * 86400000 * ({_DAYS}) / span(domain('x')))"
TITLE = {"signal": _by_grain("'Day'", "'Week from Monday'", "'Month'")}


def _time(*, bars: bool = False) -> alt.X:
    """The time axis of rows that say what their periods are; `_over_time` completes their charts."""
    # Bars stand around their dates: the axis goes on for half of one, and what would be written past its end is not.
    padding, bound = (16, 10) if bars else (alt.Undefined, alt.Undefined)
    axis = alt.Axis(
        labelExpr=_LABEL, grid=False, labelOverlap=True, labelFlush=False, labelBound=bound, tickCount=8,
        tickMinStep=LEAST_STEP,
    )  # fmt: skip
    return alt.X("period:T", title=PERIOD, scale=alt.Scale(padding=padding), axis=axis)


def _over_time(chart: Chart) -> Chart:
    """Gives a chart what `_time` and the tooltips over time need."""
    return chart.transform_calculate(when=_WHEN).add_params(_GRAINS, REACH)


def _number(field: str, title: str) -> alt.Y:
    return alt.Y(
        f"{field}:Q",
        title=title,
        scale=TO_TOP,
        axis=alt.Axis(tickCount=5, format=NUMBER),
    )


def _tooltips(series: Series, unit: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("when:N", title="When"),
        alt.Tooltip(f"{series.field}:N", title=series.title),
        alt.Tooltip("value:Q", title=unit, format=",.1f"),
    ]


def lines(
    title: str,
    unit: str,
    series: Series,
    *,
    counted: tuple[str, str] | None = None,
    band: bool = False,
) -> Chart:
    """Values over time, one line a series, with 95 % bands where asked.

    Rows: period, grain, the series' field, value, and with `counted` numerator, denominator, lower, upper.
    A click in the legend brings one series out; that needs no rerun.
    """
    chosen = alt.selection_point(fields=[series.field], bind="legend", name="chosen")
    base = alt.Chart(ROWS).encode(x=_time(), color=colour(series))
    tips = _tooltips(series, unit) + (rate_tips(counted) if counted else [])
    line = base.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=28, filled=True)).encode(
        y=_number("value", unit),
        opacity=alt.when(chosen).then(alt.value(1)).otherwise(alt.value(0.15)),
        tooltip=tips,
    )
    layers: list[Any] = []
    if band:
        layers.append(
            base.mark_area(line=False).encode(
                y=alt.Y("lower:Q", title=unit),
                y2="upper:Q",
                opacity=alt.when(chosen).then(alt.value(0.12)).otherwise(alt.value(0.02)),
            )
        )
    layered = alt.layer(*layers, line.add_params(chosen))
    return _over_time(layered).properties(title=heading(title), height=HEIGHT)


def time_bars(title: str, unit: str, series: Series, *, share: bool = False) -> Chart:
    """Stacked bars over time. Rows: period, grain, the series' field, value; with `share` value is drawn
    as a part of each bar's whole."""
    chosen = alt.selection_point(fields=[series.field], bind="legend", name="chosen")
    made = (
        alt.Chart(ROWS)
        .transform_calculate(position=position(series))
        .mark_bar(width=alt.expr(_BAR_WIDTH))
        .encode(
            x=_time(bars=True),
            y=alt.Y(
                "value:Q",
                title=unit,
                stack="normalize" if share else "zero",
                axis=alt.Axis(tickCount=5, format="%")
                if share
                else alt.Axis(tickCount=5, tickMinStep=1, format=",d"),
            ),
            color=colour(series),
            order=alt.Order("position:Q"),
            opacity=alt.when(chosen).then(alt.value(1)).otherwise(alt.value(0.15)),
            tooltip=_tooltips(series, unit if not share else "Visits"),
        )
        .add_params(chosen)
    )
    return _over_time(made).properties(title=heading(title), height=HEIGHT)
