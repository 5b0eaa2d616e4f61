"""Points of a chart over time stand as high as their values, of a scale that reaches as far as bands or rows say."""

from __future__ import annotations

import pandas as pd
import pytest
import vl_convert

from dashboard import charts, time_charts
from dashboard.specifications import specification

SERIES = charts.Series("site", "Site", ("Chicago",), ("#0B6E8A",))
DAYS = pd.date_range("2026-01-05", periods=3, freq="D").strftime("%Y-%m-%d")


def heights(values: list[float], upper: list[float] | None = None, **told: float) -> list[float]:
    """How far each point of a chart over time stands above its bottom, as a share of its height."""
    banded = [{"lower": 0.0, "upper": one} for one in upper] if upper else [{}] * len(values)
    rows = [
        {"period": day, "grain": "day", "site": "Chicago", "value": value, **band, **told}
        for day, value, band in zip(DAYS, values, banded, strict=True)
    ]
    chart = time_charts.lines("Figures", "%", SERIES, band=upper is not None)
    body = specification(chart).body | {"width": 400, "data": {"name": "source", "values": rows}}
    found = [item["y"] for item in points(vl_convert.vegalite_to_scenegraph(body))]
    assert len(found) == len(values)
    return [1 - y / charts.HEIGHT for y in found]


def points(node):
    """Every symbol of the chart, but those of its legend."""
    if isinstance(node, dict):
        if node.get("marktype") == "symbol" and "legend" not in node.get("role", ""):
            yield from node["items"]
        for child in node.values():
            yield from points(child)
    elif isinstance(node, list):
        for child in node:
            yield from points(child)


def test_values_have_the_whole_height():
    assert heights([0, 0.3, 0.15]) == pytest.approx([0, 1, 0.5])


def test_with_bands_they_leave_room_for_those():
    assert heights([0, 5, 10], upper=[4, 12, 20]) == pytest.approx([0, 0.25, 0.5])


def test_rows_say_how_far_the_axis_goes():
    assert heights([0, 5, 10], upper=[4, 12, 20], top=40) == pytest.approx([0, 0.125, 0.25])
    assert heights([0, 5, 10], top=20) == pytest.approx([0, 0.25, 0.5])


def test_zeros_stand_at_the_bottom_of_an_axis_that_goes_on():
    assert heights([0, 0, 0], upper=[0, 0, 0], top=1) == [0, 0, 0]
