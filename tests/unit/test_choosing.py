"""What an empty chart proposes: nothing that would show no more."""

from __future__ import annotations

import datetime as dt

import pytest

from dashboard import filters
from dashboard.choosing import instead
from dashboard.panels import PANELS

SCOPE = filters.Scope(
    dt.date(2026, 1, 1), dt.date(2026, 12, 31), dt.date(2026, 10, 28), ("chicago", "dallas"), ("ketamine", "vitamin"), ("18-29",),
    ("nausea",),
)  # fmt: skip
WHOLE = {"period": ["custom"], "from": ["2026-01-01"], "to": ["2026-10-28"]}
EARLY = {"period": ["custom"], "from": ["2026-01-01"], "to": ["2026-01-31"]}


@pytest.mark.parametrize(
    ("address", "history", "said"),
    [
        ({}, False, "Choose a longer or an earlier period."),
        (WHOLE, False, "All days of the data are in use already."),
        (WHOLE | {"site": ["dallas"]}, False, "All days of the data are in use already. Choose more sites."),
        (EARLY, False, "Choose a period that ends later."),
        ({}, True, "All days up to the end of the period are in use already."),
        (EARLY, True, "All days up to the end of the period are in use already. Choose a period that ends later."),
        (
            {"effect": ["nausea"], "line": ["ketamine"]},
            True,
            "All days up to the end of the period are in use already. Choose any side effect, or more lines or ages.",
        ),
    ],
)
def test_only_what_would_show_more(address, history, said):
    chosen = filters.parse(address, SCOPE)
    assert instead(chosen, "period", history=history) == said


def test_a_day():
    assert instead(filters.parse({}, SCOPE), "day") == "Choose another day."


def test_charts_of_the_whole_past_say_so():
    """By what they tell of themselves: a longer period would leave them as they are."""
    named = {name for name, panel in PANELS.items() if panel.history}
    assert named == {"control_chart", "rate_chart", "control_forms", "event_gaps"}
