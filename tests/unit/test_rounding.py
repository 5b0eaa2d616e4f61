"""A number reads the same in words, on a card, in a report and where a browser or a spreadsheet rounds it."""

import re

import pandas as pd
import pytest
from choices import asked

from dashboard import panels
from dashboard.measuring import measure
from dashboard.metrics import METRICS
from dashboard.panels import PANELS
from dashboard.reports.document import cell
from dashboard.wording import about, number, signed, text, unbroken


@pytest.mark.parametrize(
    ("value", "places", "shown"),
    [
        (6.25, 1, "6.3"), (18.75, 1, "18.8"), (3.125, 2, "3.13"), (12.5, 0, "13"), (11.5, 0, "12"), (2.5, 0, "3"),
        (-0.625, 2, "−0.63"), (-0.62499999999999989, 2, "−0.63"), (-0.04, 1, "0.0"), (0.0, 1, "0.0"),
        (1234.5, 0, "1,235"), (0.045, 1, "0.0"), (99.95, 1, "100.0"), (float("inf"), 1, "—"),
    ],
)  # fmt: skip
def test_a_half_is_rounded_away_from_zero(value, places, shown):
    assert number(value, places) == shown


@pytest.mark.parametrize(
    ("events", "trials", "percent"), [(23, 40, 57.5), (23, 80, 28.75), (41, 80, 51.25), (51, 80, 63.75)]
)
def test_a_rate_that_is_a_half_is_no_less(events, trials, percent):
    frame = pd.DataFrame({"cancelled": [events], "bookings": [trials]})
    assert measure(frame, METRICS["cancellation_rate"])["value"].tolist() == [percent]


def test_words_cards_and_reports_round_alike():
    assert text(6.25, "percent") == "6.3 %"
    assert signed(6.25) == "+6.3"
    assert signed(-6.25) == "−6.3"
    assert cell(3.125, "decimal") == "3.13"


def test_money_below_zero_has_its_sign_before_the_dollar():
    assert text(-264.5, "dollars") == "−$264.50"
    assert text(-12_345.5, "dollars") == "−$12,346"
    assert cell(-264.5, "dollars") == "−$264.50"
    assert cell(12_345.5, "dollars") == "$12,345.50"


def test_the_reading_of_an_effect_has_the_rates_of_its_row(director):
    rows = panels.rows(director, "effects_by_age", asked(director, period="90-days"))
    told = rows[rows["numerator"] > 0]
    assert len(told) > 20
    for row in told.to_dict("records"):
        of_infusions, of_patients = re.findall(r"\((\d+\.\d\d) %\)", row["reading"])
        assert of_infusions == number(row["value"], 2)
        assert of_patients == number(row["patient_value"], 2)


def test_a_card_shows_one_of_sixteen_as_its_chart_does():
    frame = pd.DataFrame(
        {"metric": ["any_effect"], "value": [6.25], "numerator": [1.0], "denominator": [16.0], "lower": [1.1],
         "upper": [28.3], "title": ["Any side effect"], "site": ["Chicago"], "unit": ["per 100 infusions"]}
    )  # fmt: skip
    assert "after 6.3 of 100 infusions" in PANELS["safety_outcomes"].answer(
        pd.concat([frame, frame.assign(metric="serious_effect"), frame.assign(metric="transfers")])
    )


def test_a_rough_number_has_one_figure_and_no_powers_of_ten():
    # 2,597 figures judged at 300 sites were "about 5e+01".
    assert [about(0.019 * n) for n in (0, 1, 9, 27, 160, 2597)] == ["0", "0.02", "0.2", "0.5", "3", "50"]


def test_a_line_breaks_nowhere_before_a_per_cent_sign():
    assert unbroken("7.7 % (95 % interval)") == "7.7\xa0% (95\xa0% interval)"
