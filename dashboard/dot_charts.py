"""Charts of rates with their intervals, a row a category."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import altair as alt

from dashboard import theme
from dashboard.axes import REACH, TO_TOP
from dashboard.charts import ROOM, ROWS, TOO_FEW, Chart, Look, Series, colour, heading, rate_tips


def dots(
    look: Look,
    title: str,
    unit: str,
    category: str,
    category_title: str,
    counted: tuple[str, str],
    *,
    order: Sequence[str],
    series: Series | None = None,
) -> Chart:
    """Rates with 95 % intervals, one row a category; side by side by series where given.

    Rows whose `reading` is TOO_FEW have no value and say so instead.

    Rows: category, value, lower, upper, numerator, denominator.
    """
    y = alt.Y(
        f"{category}:N",
        title=None,
        sort=list(order),
        axis=alt.Axis(labelLimit=200, grid=True, labelOverlap=False),
    )
    base = alt.Chart(ROWS).encode(y=y)
    if series:
        base = base.encode(
            color=colour(series, order),
            yOffset=alt.YOffset(f"{series.field}:N", sort=list(series.domain)),
        )
    else:
        base = base.encode(color=alt.value(theme.accent(look.mode)))
    tips = [alt.Tooltip(f"{category}:N", title=category_title)]
    if series:
        tips.append(alt.Tooltip(f"{series.field}:N", title=series.title))
    tips += [alt.Tooltip("value:Q", title=unit, format=",.2f"), *rate_tips(counted)]
    x = alt.X(
        "value:Q",
        title=unit,
        scale=TO_TOP,
        axis=alt.Axis(tickCount=6, grid=False, format=",.2~f"),
    )
    rule = base.mark_rule(strokeWidth=2, opacity=0.6).encode(
        x=alt.X("lower:Q", title=unit), x2="upper:Q", tooltip=tips
    )
    point = base.mark_point(filled=True, size=70, opacity=1).encode(x=x, tooltip=tips)
    rows = len(order) * (16 * (len(series.domain) if series else 1) + 12)
    layered = alt.layer(rule, point, *_too_few(look, base, y, category)).add_params(REACH)
    return layered.properties(title=heading(title), height=rows + ROOM)


def _too_few(look: Look, base: alt.Chart, y: alt.Y, category: str) -> Iterator[alt.Chart]:
    """Says it on each row that has no value, and once of a category that has none at all.

    On the row's own line: above it the words would lie over the interval of the row before.
    """
    few = {"few": f"datum.reading === {TOO_FEW!r} ? 1 : 0"}
    rows = base.transform_calculate(**few).transform_joinaggregate(whole="min(few)", groupby=[category])
    groups = alt.Chart(ROWS).encode(y=y).transform_calculate(**few)
    groups = groups.transform_aggregate(whole="min(few)", reading="min(reading)", groupby=[category])
    for part in (rows.transform_filter("datum.few && !datum.whole"), groups.transform_filter("datum.whole")):
        told = part.mark_text(align="left", fontSize=10).encode(
            x=alt.value(4), text="reading:N", color=alt.value(theme.quiet(look.mode))
        )
        # Of the ground's colour around the letters: the row's line would strike them through.
        yield told.encode(stroke=alt.value(theme.paper(look.mode)), strokeWidth=alt.value(5))
        yield told


def shares(look: Look, title: str, category: str, measures: Sequence[str], tips: Sequence[alt.Tooltip]) -> Chart:
    """Several shares of each category with their intervals, each with its own shape, the first in quiet.

    Rows: the category (in the order of the rows), title (one of `measures`; others aren't drawn), value,
    lower, upper and what `tips` name. It is as high as its categories need.
    """
    domain = list(measures)
    # Verdicts alone have strong colours.
    colours = [theme.quiet(look.mode), *[theme.accent(look.mode)] * (len(domain) - 1)]
    legend = alt.Legend(orient="top", title=None, symbolOpacity=1, columns=3)
    base = (
        alt.Chart(ROWS)
        .transform_filter(alt.FieldOneOfPredicate("title", domain))
        .encode(
            y=alt.Y(f"{category}:N", title=None, sort=None, axis=alt.Axis(labelLimit=200, labelOverlap=False)),
            yOffset=alt.YOffset("title:N", sort=domain),
            color=alt.Color("title:N", scale=alt.Scale(domain=domain, range=colours), legend=legend),
            tooltip=list(tips),
        )
    )
    axis = alt.Axis(tickCount=6, grid=False)
    scale = alt.Scale(domain=[0, 100])
    reach = base.mark_rule(strokeWidth=2, opacity=0.6).encode(
        x=alt.X("lower:Q", title="%", scale=scale, axis=axis), x2="upper:Q"
    )
    point = base.mark_point(filled=True, size=70, opacity=1).encode(
        x=alt.X("value:Q", title="%"),
        shape=alt.Shape(
            "title:N",
            scale=alt.Scale(domain=domain, range=["triangle-right", "circle", "square", "cross", "diamond"]),
            legend=legend,
        ),
    )
    return alt.layer(reach, point).properties(title=heading(title), height=alt.Step(15, **{"for": "offset"}))
