"""Finished Vega-Lite specifications: validated once, without rows, put together with them at each drawing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashboard.axes import FLOOR, TOP
from dashboard.charts import HEIGHT, SMALL_HEIGHT, Chart
from dashboard.time_charts import GRAIN, PERIOD, TITLE


@dataclass(frozen=True)
class Specification:
    """A validated Vega-Lite specification without its rows, and the fields that it draws.

    `any_grain` says whether its rows have to say what their periods are, `any_top` whether they may say how far
    its axis goes.
    """

    body: dict[str, Any]
    fields: frozenset[str]
    any_grain: bool = False
    any_top: bool = False
    any_floor: bool = False


def specification(chart: Chart) -> Specification:
    """Build and validate a chart once, for rows to be put in at each drawing."""
    body: dict[str, Any] = chart.to_dict() | {"padding": {"left": 0, "right": 8, "top": 0, "bottom": 4}}
    parts = (body, *body.get("layer", ()))
    # A screen reader is told the chart's summary and has its table; only marks that open something
    # are read one by one.
    opens = any("href" in part.get("encoding", {}) for part in parts)
    body["config"] = body.get("config", {}) | _CONFIG | {"mark": {"aria": opens}}
    for part in parts:
        part.pop("data", None)
        part.pop("datasets", None)
        place = part.get("encoding", {}).get("x", {})
        if place.get("title") == PERIOD:
            # Vega's axes take a title that changes; the grammar's checker knows of none.
            place["title"] = TITLE
    told = {param["name"] for param in body.get("params", ())}
    return Specification(body, frozenset(_fields(body)), GRAIN in told, TOP in told, FLOOR in told)


#: Streamlit's own theme gives legends and axes more air than a dense page has.
_CONFIG = {
    "legend": {"offset": 4, "padding": 0, "rowPadding": 2, "labelFontSize": 12},
    "axis": {"titlePadding": 10, "labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": 400},
    # Streamlit moves the first and the last away from their lines.
    "axisY": {"labelFlush": False},
}


def _fields(part: Any) -> set[str]:
    """Every field that an encoding reads."""
    if isinstance(part, dict):
        own = {part["field"]} if isinstance(part.get("field"), str) else set()
        return own.union(*map(_fields, part.values()))
    if isinstance(part, list):
        return set().union(*map(_fields, part))
    return set()


def is_nominal(spec: Specification, axis: str) -> bool:
    """Whether groups, and not numbers, stand along an axis."""
    parts = (spec.body, *spec.body.get("layer", ()))
    return any(part.get("encoding", {}).get(axis, {}).get("type") == "nominal" for part in parts)


def of_one(body: dict[str, Any], placeholder: str, name: str) -> dict[str, Any]:
    """A small chart of one group: its name in place of the placeholder, lower, no title of its own or of time."""

    def put(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: put(value) for key, value in part.items()}
        if isinstance(part, list):
            return [put(value) for value in part]
        return name if part == placeholder else part

    made: dict[str, Any] = put({key: value for key, value in body.items() if key != "title"})
    for part in (made, *made.get("layer", ())):
        place = part.get("encoding", {}).get("x", {})
        if place.get("title") == TITLE:
            place["title"] = None
    return made | ({"height": SMALL_HEIGHT} if made.get("height") == HEIGHT else {})


def tells_apart(spec: Specification, field: str) -> bool:
    """Whether nothing but colour tells the values of a field apart in a chart."""
    encodings = [part.get("encoding", {}) for part in (spec.body, *spec.body.get("layer", ()))]
    coloured = any(encoding.get("color", {}).get("field") == field for encoding in encodings)
    return coloured and not any(
        encoding.get("y", {}).get("type") == "nominal" and encoding["y"].get("field") in (field, "what")
        for encoding in encodings
    )
