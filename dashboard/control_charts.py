"""Charts of limits: over time, between events, and around what is expected. As in `charts`, rows come later."""

from __future__ import annotations

from typing import Any

import altair as alt

from dashboard import theme
from dashboard.axes import BASE, FROM_FLOOR, LEAST_STEP, NUMBER, REACH, TO_TOP
from dashboard.charts import COLOURED, HEIGHT, ROWS, Chart, Look, Series, colour, heading

#: Vega's drawings of the verdicts' icons: ▲ ★ ◆ ●.
_SHAPES: dict[theme.VerdictKind, str] = {
    "concern": "triangle-up",
    "improvement": "M0,-1.5L.36,-.5L1.43,-.46L.59,.19L.88,1.21L0,.62L-.88,1.21L-.59,.19L-1.43,-.46L-.36,-.5Z",
    "neither": "diamond",
    "common": "circle",
}
_AXIS_WIDTH = 44


def over_time(look: Look, title: str, unit: str, tips: list[alt.Tooltip]) -> Chart:
    """A control chart. Rows: period, value, centre, lower, upper, verdict, marks and forms (words, or empty),
    limits, and what `tips` name."""
    base = alt.Chart(ROWS).encode(x=_time())
    line = base.mark_line(strokeWidth=1.5, color=theme.quiet(look.mode)).encode(y=_value("value", unit))
    points = base.mark_point(filled=True, opacity=1, size=70).encode(
        y=_value("value", unit), color=_verdict(look), shape=_shape(), tooltip=[_period_tip(), *tips]
    )
    layers = [*_limits(base, look, unit), line, points, *_notes(base, look)]
    return alt.layer(*layers).add_params(REACH).properties(title=heading(title), height=HEIGHT - 40)


def _notes(base: alt.Chart, look: Look) -> list[Any]:
    """People's marks as lines with a sign above; what is unusual about forms as a sign below."""
    noted = base.transform_filter("datum.marks")
    tips = [_period_tip(), alt.Tooltip("marks:N", title="Note")]
    forms = [_period_tip(), alt.Tooltip("forms:N", title="Forms filled in")]
    accent = theme.accent(look.mode)
    return [
        noted.mark_rule(color=accent, strokeDash=[2, 2]).encode(tooltip=tips),
        noted.mark_text(text="▼", color=accent, fontSize=13, baseline="top").encode(y=alt.value(0), tooltip=tips),
        base.transform_filter("datum.forms")
        .mark_text(text="◇", color=accent, fontSize=13, baseline="bottom")
        .encode(y=alt.value("height"), tooltip=forms),
    ]


def of_figure(look: Look, axis: str, tips: list[alt.Tooltip]) -> Chart:
    """A control chart of whichever figure the rows are of; the field `axis` says which. Rows: as `over_time`."""
    base = alt.Chart(ROWS).encode(x=_time())
    quiet = theme.quiet(look.mode)
    line = base.mark_line(strokeWidth=1.5, color=quiet).encode(y=_value("value", ""))
    points = base.mark_point(filled=True, opacity=1, size=55).encode(
        y=_value("value", ""), color=_verdict(look), shape=_shape(), tooltip=[_period_tip("Day"), *tips]
    )
    # As a mark, since the specification is built once for every figure.
    words = (
        alt.Chart(ROWS)
        .transform_aggregate(groupby=[axis])
        .mark_text(align="left", baseline="bottom", color=quiet, fontSize=11)
        .encode(x=alt.value(0), y=alt.value(-6), text=f"{axis}:N")
    )
    return alt.layer(*_limits(base, look, ""), line, points, words).add_params(REACH).properties(height=HEIGHT - 60)


def share_below(look: Look, title: str, unit: str, tips: list[alt.Tooltip]) -> Chart:
    """A share with its interval on the same time axis as the control chart above it. Rows: period, value,
    lower, upper and what `tips` name."""
    base = alt.Chart(ROWS).encode(x=_time())
    colour = theme.accent(look.mode)
    axis = alt.Axis(tickCount=4, minExtent=_AXIS_WIDTH, maxExtent=_AXIS_WIDTH)
    band = base.mark_area(opacity=0.15, color=colour).encode(
        y=alt.Y("lower:Q", title=unit, scale=FROM_FLOOR, axis=axis), y2="upper:Q"
    )
    line = base.mark_line(strokeWidth=1.5, color=colour, point=alt.OverlayMarkDef(size=28, color=colour)).encode(
        y=alt.Y("value:Q", title=unit, scale=FROM_FLOOR, axis=axis), tooltip=[_period_tip(), *tips]
    )
    return alt.layer(band, line).add_params(BASE).properties(title=heading(title), height=150)


def between_events(look: Look, title: str, unit: str, tips: list[alt.Tooltip]) -> Chart:
    """A g chart. Rows: number (of the event), value, centre, lower, upper, verdict and what `tips` name."""
    base = alt.Chart(ROWS).encode(
        x=alt.X("number:Q", title="Event, oldest first", axis=alt.Axis(tickMinStep=1, format="d", grid=False))
    )
    line = base.mark_line(strokeWidth=1.5, color=theme.quiet(look.mode)).encode(y=_value("value", unit))
    points = base.mark_point(filled=True, opacity=1, size=70).encode(
        y=_value("value", unit), color=_verdict(look), shape=_shape(), tooltip=tips
    )
    layered = alt.layer(*_limits(base, look, unit), line, points).add_params(REACH)
    return layered.properties(title=heading(title), height=HEIGHT - 40)


def funnel(look: Look, title: str, tips: list[alt.Tooltip]) -> Chart:
    """Observed ÷ expected by what is expected. Rows: site, named (what stands at its point), expected, ratio,
    verdict, the limits inner_lower, inner_upper (95 %), outer_lower, outer_upper (99.8 %), and what `tips` name."""
    base = alt.Chart(ROWS).encode(
        x=alt.X(
            "expected:Q",
            title="Expected infusions with it",
            scale=alt.Scale(nice=True, padding=30),
            axis=alt.Axis(format=",.0f"),
        )
    )
    unit = "Observed ÷ expected"
    quiet = theme.quiet(look.mode)
    many = len(look.sites) > COLOURED
    # Where each site's own limits are; of many they would cover the line.
    point = False if many else alt.OverlayMarkDef(color=quiet, size=12)
    limits = [
        base.mark_line(strokeWidth=1.5, color=quiet, strokeDash=dash, point=point)
        .encode(y=alt.Y(f"{name}_{side}:Q", title=unit, scale=alt.Scale(zero=False)))
        for name, dash in (("inner", [2, 3]), ("outer", [7, 3]))
        for side in ("lower", "upper")
    ]  # fmt: skip
    target = alt.Chart(ROWS).mark_rule(color=quiet, strokeWidth=1).encode(y=alt.datum(1))
    points = base.mark_point(filled=True, opacity=1, size=40 if many else 110).encode(
        y=alt.Y("ratio:Q", title=unit), color=_verdict(look), shape=_shape(), tooltip=tips
    )
    # On the side on which no other site is.
    away = alt.expr("datum.ratio < 1 ? 14 : -14")
    names = base.mark_text(align="center", dy=away, color=quiet, fontSize=12, limit=160).encode(
        y=alt.Y("ratio:Q", title=unit), text="named:N"
    )
    return alt.layer(target, *limits, points, names).properties(title=heading(title), height=HEIGHT)


def intervals(
    look: Look, title: str, unit: str, category: str, rows: int, tips: list[alt.Tooltip],
    drawn: tuple[str, str, str] = ("difference", "lower", "upper"),
) -> Chart:  # fmt: skip
    """Differences with their intervals around 0. Rows: the category, the columns of `drawn`, verdict."""
    value, lower, upper = drawn
    base = alt.Chart(ROWS).encode(y=alt.Y(f"{category}:N", title=None, sort=None, axis=alt.Axis(labelLimit=260)))
    x = alt.X(f"{value}:Q", title=unit, axis=alt.Axis(tickCount=6, grid=False))
    zero = alt.Chart(ROWS).mark_rule(color=theme.quiet(look.mode), strokeWidth=1).encode(x=alt.datum(0))
    reach = base.mark_rule(strokeWidth=2, opacity=0.7).encode(
        x=alt.X(f"{lower}:Q", title=unit), x2=f"{upper}:Q", color=_verdict(look), tooltip=tips
    )
    points = base.mark_point(filled=True, opacity=1, size=80).encode(
        x=x, color=_verdict(look), shape=_shape(), tooltip=tips
    )
    return alt.layer(zero, reach, points).properties(title=heading(title), height=34 * rows + 90)


def steps(title: str, unit: str, series: Series, tips: list[alt.Tooltip]) -> Chart:
    """Shares reached by minutes, a stepped line a series. Rows: minutes, value, series' field, what `tips` name."""
    base = alt.Chart(ROWS).encode(
        x=alt.X("minutes:Q", title="Minutes", axis=alt.Axis(grid=False, tickCount=8, format=",.0f")),
        y=alt.Y("value:Q", title=unit, scale=alt.Scale(domain=[0, 100]), axis=alt.Axis(tickCount=5)),
        color=colour(series),
    )
    line = base.mark_line(interpolate="step-after", strokeWidth=2)
    # Steps are too thin to point at.
    points = base.mark_point(filled=True, size=36, opacity=0).encode(tooltip=tips)
    return alt.layer(line, points).properties(title=heading(title), height=HEIGHT - 40)


def patient(colours: dict[str, str]) -> Chart:
    """One patient over time. Rows: period, kind (a key of `colours`), what, value, severity.

    Infusions are lines from top to bottom, side effects marks above, scores lines.
    """
    by_kind = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=list(colours), range=list(colours.values())),
        legend=alt.Legend(orient="top", title=None, symbolOpacity=1),
    )
    axis = alt.Axis(grid=False, format="%-d %b %Y", labelOverlap=True, tickCount=6, tickMinStep=LEAST_STEP)
    base = alt.Chart(ROWS).encode(x=alt.X("period:T", title=None, axis=axis), color=by_kind)
    tips = [
        alt.Tooltip("period:T", title="When", format="%a %-d %b %Y, %H:%M"), alt.Tooltip("kind:N", title="Kind"),
        alt.Tooltip("what:N", title="What"), alt.Tooltip("value:Q", title="Dose (mg) or score"),
        alt.Tooltip("severity:N", title="Severity"),
    ]  # fmt: skip
    infusions = base.transform_filter("datum.kind === 'Infusion'").mark_rule(strokeWidth=1.5, opacity=0.6)
    score = alt.Y(
        "value:Q", title="Score", scale=alt.Scale(domain=[0, 30]), axis=alt.Axis(values=[0, 5, 10, 15, 20, 27])
    )
    scores = base.transform_filter("datum.kind === 'PHQ-9' || datum.kind === 'GAD-7'")
    effects = base.transform_filter("datum.kind === 'Side effect'").mark_point(
        shape="triangle-up", filled=True, size=90, opacity=1
    )
    return alt.layer(
        infusions.encode(tooltip=tips),
        scores.mark_line(strokeWidth=1.5).encode(y=score),
        scores.mark_point(filled=True, size=40, opacity=1).encode(y=score, tooltip=tips),
        effects.encode(y=alt.Y(datum=29, type="quantitative"), tooltip=tips),
    ).properties(title=heading("Infusions, side effects (above) and scores"), height=HEIGHT - 40)


def _limits(base: alt.Chart, look: Look, unit: str) -> list[Any]:
    quiet = theme.quiet(look.mode)
    return [
        base.mark_area(opacity=0.1, color=quiet, interpolate="step").encode(
            y=alt.Y("lower:Q", title=unit), y2="upper:Q"
        ),
        base.mark_line(strokeWidth=1, color=quiet, strokeDash=[6, 3], interpolate="step").encode(
            y=alt.Y("centre:Q", title=unit)
        ),
    ]


def _time() -> alt.X:
    # Within a month ticks are days: each would be told by its month again.
    told = "timeFormat(datum.value, date(datum.value) === 1 ? '%b %Y' : '%-d %b')"
    axis = alt.Axis(labelExpr=told, grid=False, labelOverlap=True, tickCount=6, tickMinStep=LEAST_STEP)
    return alt.X("period:T", title=None, axis=axis)


def _period_tip(title: str = "From") -> alt.Tooltip:
    return alt.Tooltip("period:T", title=title, format="%a %-d %b %Y")


def _value(field: str, unit: str) -> alt.Y:
    axis = alt.Axis(tickCount=5, format=NUMBER, minExtent=_AXIS_WIDTH, maxExtent=_AXIS_WIDTH)
    return alt.Y(f"{field}:Q", title=unit, scale=TO_TOP, axis=axis)


def _verdict(look: Look) -> alt.Color:
    colours = [theme.verdict_colour(kind, look.mode) for kind in _SHAPES]
    return alt.Color("verdict:N", scale=alt.Scale(domain=_words(), range=colours), legend=None)


def _shape() -> alt.Shape:
    return alt.Shape("verdict:N", scale=alt.Scale(domain=_words(), range=list(_SHAPES.values())), legend=None)


def _words() -> list[str]:
    return [theme.VERDICTS[kind].word for kind in _SHAPES]
