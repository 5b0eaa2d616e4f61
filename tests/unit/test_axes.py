"""Zeros stand at the bottom of a chart, and what is more than 0 is drawn as large as before."""

from __future__ import annotations

import pandas as pd
import pytest
import vl_convert

from dashboard import charts, time_charts

SERIES = charts.Series("site", "Site", ("Chicago",), ("#0B6E8A",))
DAYS = pd.date_range("2026-01-05", periods=5, freq="D").strftime("%Y-%m-%d")


def heights(unit: str, values: list[float]) -> list[float]:
    """How far each point of a chart over time stands above its bottom, as a share of its height."""
    rows = [
        {"period": day, "grain": "day", "site": "Chicago", "value": value}
        for day, value in zip(DAYS, values, strict=True)
    ]
    body = time_charts.lines("Figures", unit, SERIES).to_dict() | {"width": 400}
    body["datasets"] = {"rows": rows}
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


@pytest.mark.parametrize("unit", ["%", "Per 100 infusions", "$", "Bookings"])
def test_zeros_stand_at_the_bottom(unit):
    assert heights(unit, [0, 0, 0, 0, 0]) == pytest.approx([0] * 5)


@pytest.mark.parametrize("unit", ["%", "Per 100 infusions"])
def test_rates_below_one_have_the_whole_height(unit):
    assert max(heights(unit, [0, 0.3, 0.2, 0.1, 0])) == pytest.approx(1)
