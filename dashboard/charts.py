"""Chart builders: words and colours in, an Altair chart out. Rows are put in when it is drawn.

Building and validating a chart costs Altair some twenty milliseconds, so each is built once a
process and look (`Look` is hashable), and its rows go in as data of the finished specification.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import altair as alt

from dashboard import no_shows, theme
from dashboard.legends import legend_columns

HEIGHT = 300
SMALL_HEIGHT = 150
#: What title, legend and axis take of a height.
ROOM = 120
#: What a builder returns: Altair types its combinations of charts too narrowly to name.
Chart: TypeAlias = Any
#: What is said of a group of too few patients, instead of a value.
TOO_FEW = "too few to judge"
#: Stands for the rows until the chart is drawn.
ROWS = alt.NamedData("rows")
#: Thousands as k, but for none: SI prefixes would write it "0k" beside them.
_DOLLAR_LABEL = "datum.value ? format(datum.value, '$~s') : '$0'"


@dataclass(frozen=True)
class Look:
    """All that a chart's specification depends on, beside the panel itself.

    Attributes:
        mode: light or dark.
        sites: names of the sites shown, in order.
        site_colours: theirs; a site has the same colour everywhere, whichever others are shown.
        lines: service lines of the extract.
        bands: age bands of the extract.
        effects: names of the side effects, in order.
        no_shows: the definition of the no-show rate in use.
        groups: age groups of the extract.
    """

    mode: theme.Mode
    sites: tuple[str, ...]
    site_colours: tuple[str, ...]
    lines: tuple[str, ...]
    bands: tuple[str, ...]
    effects: tuple[str, ...]
    no_shows: str = no_shows.HEADLINE
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Series:
    """What colour means in a chart: a field, its title and its values with their colours."""

    field: str
    title: str
    domain: tuple[str, ...]
    colours: tuple[str, ...]


#: From more sites on colours no longer tell them apart: all have one.
COLOURED = 8


def by_site(look: Look) -> Series:
    """Colour by site; one colour where there are too many to tell apart."""
    many = len(look.sites) > COLOURED
    colours = (theme.accent(look.mode),) * len(look.sites) if many else look.site_colours
    return Series("site", "Site", look.sites, colours)


def by_line(look: Look) -> Series:
    """Colour by service line."""
    titles = tuple(theme.line_title(line) for line in look.lines)
    return Series("line", "Service line", titles, tuple(theme.line_colours(look.lines, look.mode)))


def by_status(look: Look) -> Series:
    """Colour by booking status."""
    colours = theme.status_colours(look.mode)
    return Series("status", "Status", tuple(colours), tuple(colours.values()))


def by_severity(look: Look) -> Series:
    """Colour by severity."""
    titles = tuple(theme.SEVERITY_TITLES.values())
    return Series("severity", "Severity", titles, theme.severity_colours(look.mode))


def plain(look: Look, field: str, title: str, values: tuple[str, str]) -> Series:
    """Colour by two other values: the accent first, then quieter."""
    colours = (theme.accent(look.mode), theme.quiet(look.mode))
    return Series(field, title, values, colours)


def colour(series: Series, beside: Sequence[str] = (), **options: Any) -> alt.Color:
    """A series' colours, with its legend above where there are several; `beside` are names of the chart's rows."""
    legend = alt.Legend(
        orient="top", title=None, symbolLimit=0, labelLimit=150 if beside else 200, symbolOpacity=1,
        columns=legend_columns(series.domain, beside),
    )  # fmt: skip
    return alt.Color(
        f"{series.field}:N",
        scale=alt.Scale(domain=list(series.domain), range=list(series.colours)),
        legend=legend if len(set(series.colours)) > 1 else None,
        **options,
    )


def bars(
    title: str,
    unit: str,
    category: str,
    category_title: str,
    order: Sequence[str] | None,
    series: Series,
    *,
    horizontal: bool = True,
    side_by_side: bool = False,
    number_format: str = ",.0f",
) -> Chart:
    """Bars by category, stacked or side by side by series. Rows: category, the series' field, value.

    `order` are the categories; None for what only the rows tell, side by side, those of the largest sums first.
    """
    chosen = alt.selection_point(fields=[series.field], bind="legend", name="chosen")
    length = alt.X if horizontal else alt.Y
    encodings: dict[str, Any] = {
        "color": colour(series, (order or ()) if horizontal else ()),
        "order": alt.Order("position:Q"),
        "opacity": alt.when(chosen).then(alt.value(1)).otherwise(alt.value(0.15)),
        "tooltip": [
            alt.Tooltip(f"{category}:N", title=category_title),
            alt.Tooltip(f"{series.field}:N", title=series.title),
            alt.Tooltip("value:Q", title=unit, format=number_format),
        ],
        "x" if horizontal else "y": length(
            "value:Q",
            title=unit,
            stack=None if side_by_side else "zero",
            axis=alt.Axis(tickCount=5, labelExpr=_DOLLAR_LABEL)
            if number_format.startswith("$")
            else alt.Axis(tickCount=5, tickMinStep=1, format=",d"),
        ),
    }
    places = alt.EncodingSortField("value", op="sum", order="descending") if order is None else list(order)
    if horizontal:
        encodings["y"] = alt.Y(
            f"{category}:N", title=None, sort=places, axis=alt.Axis(labelLimit=200, labelOverlap=False)
        )
        height: Any = (
            alt.Step(18, **{"for": "offset"})
            if order is None
            else len(order) * (18 * len(series.domain) + 14 if side_by_side else 30) + ROOM
        )
    else:
        axis = alt.Axis(labelAngle=0, labelOverlap=True)
        encodings["x"] = alt.X(f"{category}:N", title=category_title, sort=places, axis=axis)
        height = HEIGHT
    if side_by_side:
        offset = alt.YOffset if horizontal else alt.XOffset
        encodings["yOffset" if horizontal else "xOffset"] = offset(f"{series.field}:N", sort=list(series.domain))
    return (
        alt.Chart(ROWS)
        .transform_calculate(position=position(series))
        .mark_bar()
        .encode(**encodings)
        .add_params(chosen)
        .properties(title=heading(title), height=height)
    )


def curves(title: str, unit: str, along: str, colours: Sequence[str], groups: Sequence[str]) -> Chart:
    """Steps over a number, one a group in the order of the rows, with bands. Rows: of (one of `groups`), day, value,
    lower, upper, numerator (at risk)."""
    shade = alt.Color(
        "of:N",
        sort=None,
        scale=alt.Scale(range=list(colours)),
        legend=alt.Legend(orient="top", title=None, symbolOpacity=1, labelLimit=200, columns=legend_columns(groups)),
    )
    x = alt.X("day:Q", title=along, axis=alt.Axis(grid=False, tickCount=8), scale=alt.Scale(nice=False))
    base = alt.Chart(ROWS).encode(x=x, color=shade)
    scale = alt.Scale(domain=[0, 100])
    tips = [
        alt.Tooltip("of:N", title="Group"),
        alt.Tooltip("day:Q", title="Day"),
        alt.Tooltip("value:Q", title=unit, format=".1f"),
        alt.Tooltip("lower:Q", title="95 % from", format=".1f"),
        alt.Tooltip("upper:Q", title="95 % to", format=".1f"),
        alt.Tooltip("numerator:Q", title="At risk", format=",d"),
    ]
    band = base.mark_area(opacity=0.14, interpolate="step-after").encode(
        y=alt.Y("lower:Q", title=unit, scale=scale), y2="upper:Q"
    )
    line = base.mark_line(strokeWidth=2, interpolate="step-after").encode(y=alt.Y("value:Q", title=unit, scale=scale))
    # Lines are hard to hit: points over them take the tooltip.
    hit = base.mark_point(filled=True, size=60, opacity=0).encode(y=alt.Y("value:Q", title=unit), tooltip=tips)
    return alt.layer(band, line, hit).properties(title=heading(title), height=HEIGHT)  # fmt: skip


def pyramid(
    title: str, unit: str, side: str, sides: tuple[str, ...], colours: tuple[str, ...], order: Sequence[str]
) -> Chart:
    """Bars to the left and to the right, the oldest on top. Rows: band, the side's field, value."""
    series = Series(side, "Side", sides, colours)
    y = alt.Y("band:N", title=None, sort=list(reversed(order)), axis=alt.Axis(labelOverlap=False))
    x = alt.X("signed:Q", title=unit, axis=alt.Axis(labelExpr="format(abs(datum.value), ',d')", tickCount=5))
    tips = [
        alt.Tooltip("band:N", title="Age band"),
        alt.Tooltip(f"{side}:N", title="Line"),
        alt.Tooltip("value:Q", title=unit, format=",d"),
    ]
    signed = f"datum.{side} === {sides[0]!r} ? -datum.value : datum.value"
    bars_of = alt.Chart(ROWS).transform_calculate(signed=signed).mark_bar()
    found = bars_of.encode(x=x, y=y, color=colour(series), tooltip=tips)
    return found.properties(title=heading(title), height=24 * len(order) + ROOM)  # fmt: skip


def slots(title: str, unit: str, series: Series) -> Chart:
    """Stacked bars by time of day. Rows: start (a label), position (its order), the series' field, value."""
    return (
        alt.Chart(ROWS)
        .transform_calculate(place=position(series))
        .mark_bar()
        .encode(
            x=alt.X(
                "start:N", title=None, sort=alt.EncodingSortField("position", op="min"),
                axis=alt.Axis(labelAngle=0, labelOverlap=True),
            ),
            y=alt.Y("value:Q", title=unit, stack="zero", axis=alt.Axis(tickCount=5, tickMinStep=1)),
            color=colour(series),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("start:N", title="From"), alt.Tooltip(f"{series.field}:N", title=series.title),
                alt.Tooltip("value:Q", title=unit, format=",.1f"),
            ],
        )
        .properties(title=heading(title))
    )  # fmt: skip


def position(series: Series) -> str:
    """A Vega expression: where a row's value stands in the series, so that bars stack in its order."""
    return f"indexof({list(series.domain)!r}, datum.{series.field})"


def heat(
    look: Look,
    title: str,
    unit: str,
    column: str,
    column_title: str,
    columns: Sequence[str],
    row: str,
    row_title: str,
    rows: Sequence[str],
    more: Sequence[alt.Tooltip] = (),
) -> Chart:
    """A grid of colour, the value in its tooltip. Rows: the column's and the row's field, value."""
    low, high = theme.heat(look.mode)
    return (
        alt.Chart(ROWS)
        .mark_rect(stroke=theme.paper(look.mode), strokeWidth=1)
        .encode(
            x=alt.X(f"{column}:N", title=column_title, sort=list(columns), axis=alt.Axis(labelAngle=0)),
            y=alt.Y(f"{row}:N", title=None, sort=list(rows), axis=alt.Axis(labelLimit=200, labelOverlap=False)),
            color=alt.Color(
                "value:Q",
                scale=alt.Scale(range=[low, high], zero=True),
                legend=alt.Legend(orient="top", title=unit, gradientLength=140, titleLimit=260),
            ),
            tooltip=[
                alt.Tooltip(f"{row}:N", title=row_title),
                alt.Tooltip(f"{column}:N", title=column_title),
                alt.Tooltip("value:Q", title=unit, format=",.2f"),
                *more,
            ],
        )
        .properties(title=heading(title), height=max(HEIGHT, 26 * len(rows) + ROOM))
    )


def rate_tips(counted: tuple[str, str]) -> list[alt.Tooltip]:
    """Numerator, denominator and interval of a rate, for a tooltip."""
    return [
        alt.Tooltip("numerator:Q", title=counted[0].capitalize(), format=",.0f"),
        alt.Tooltip("denominator:Q", title=counted[1].capitalize(), format=",.0f"),
        alt.Tooltip("lower:Q", title="95 % from", format=",.2f"),
        alt.Tooltip("upper:Q", title="95 % to", format=",.2f"),
    ]


def heading(text: str) -> alt.TitleParams:
    """A chart's title."""
    return alt.TitleParams(text, anchor="start", fontSize=13, fontWeight=600, offset=8)
