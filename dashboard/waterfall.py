"""A waterfall: bars that begin where the one before ended."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from dashboard import charts, theme


def waterfall(look: charts.Look, title: str, unit: str, order: Sequence[str], ends: Sequence[str]) -> charts.Chart:
    """Steps from one total to another.

    Rows: item, start, end, value, opens (an address), said (what a screen reader says of a bar); `ends` are the items
    that are totals themselves.
    """
    is_end = alt.FieldOneOfPredicate(field="item", oneOf=list(ends))
    colour = alt.condition(is_end, alt.value(theme.accent(look.mode)), alt.value(theme.quiet(look.mode)))
    return (
        alt.Chart(charts.ROWS)
        .mark_bar(size=20)
        .encode(
            y=alt.Y("item:N", sort=list(order), title=None, axis=alt.Axis(labelLimit=220)),
            x=alt.X(
                "start:Q",
                title=unit,
                axis=alt.Axis(labelExpr="datum.value ? format(datum.value, '$~s') : '$0'", tickCount=6),
            ),
            x2="end:Q",
            color=colour,
            href="opens:N",
            description="said:N",
            tooltip=[alt.Tooltip("item:N", title="Item"), alt.Tooltip("value:Q", title=unit, format="$,.2f")],
        )
        .properties(title=charts.heading(title), height=charts.HEIGHT)
    )
