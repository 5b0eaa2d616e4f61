"""Metrics from counts: values, denominators, intervals and their edges."""

import math

import pandas as pd
import pytest
from scipy import stats

from dashboard import rates
from dashboard.measuring import measure, measure_all
from dashboard.metrics import METRICS
from dashboard.wording import text


def counts(**columns):
    wide = {column: [0] for metric in METRICS.values() for column in metric.columns}
    rows = max(len(v) for v in columns.values())
    return pd.DataFrame({name: values * rows for name, values in wide.items()} | columns)


def test_names_titles_and_definitions_are_whole():
    for name, metric in METRICS.items():
        assert name == metric.name
        assert metric.title
        assert metric.definition.endswith(".")
        assert len(metric.counted) == 2
        assert (metric.interval is None) or metric.denominator
    assert len({m.title for m in METRICS.values()}) == len(METRICS)


def test_no_show_rate_is_of_past_appointments_with_wilson():
    found = measure(counts(no_show=[5], expected=[31]), METRICS["no_show_rate"]).iloc[0]
    wilson = rates.wilson_interval(5, 31)
    assert found["value"] == pytest.approx(100 * 5 / 31)
    assert (found["numerator"], found["denominator"]) == (5, 31)
    assert found["lower"] == pytest.approx(100 * float(wilson.lower))
    assert found["upper"] == pytest.approx(100 * float(wilson.upper))


@pytest.mark.parametrize("name", [n for n, m in METRICS.items() if m.denominator])
def test_a_rate_of_nothing_is_no_number(name):
    found = measure(counts(bookings=[0]), METRICS[name]).iloc[0]
    assert math.isnan(found["value"])
    assert found["denominator"] == 0


@pytest.mark.parametrize("name", [n for n, m in METRICS.items() if not m.denominator])
def test_a_count_of_nothing_is_zero(name):
    assert measure(counts(bookings=[0]), METRICS[name])["value"].iloc[0] == 0


def test_money_is_exact_cents():
    found = measure(counts(invoiced_cents=[1, 12_345_678_999]), METRICS["invoiced"])
    assert found["value"].tolist() == [0.01, 123_456_789.99]


def test_event_rate_changes_from_exact_to_byar_at_ten_events():
    found = measure(counts(events=[9, 10], completed=[100, 100]), METRICS["event_rate"])
    exact = [stats.chi2.ppf(0.025, 2 * 9) / 2, stats.chi2.ppf(0.975, 2 * 10) / 2]
    z = stats.norm.ppf(0.975)
    byar = [n * (1 - 1 / (9 * n) + side * z / (3 * math.sqrt(n))) ** 3 for n, side in ((10, -1), (11, 1))]
    assert found[["lower", "upper"]].to_numpy().tolist() == [pytest.approx(exact), pytest.approx(byar)]


def test_events_of_a_visit_may_outnumber_its_infusions():
    assert measure(counts(events=[250], completed=[220]), METRICS["event_rate"])["value"].iloc[0] > 100


def test_measure_all_keeps_rows_apart():
    frame = counts(bookings=[10, 20], cancelled=[1, 4], site=["a", "b"])
    found = measure_all(frame, ["bookings", "cancellation_rate"], ["site"]).set_index(["metric", "site"])
    assert found.loc[("bookings", "b"), "value"] == 20
    assert found.loc[("cancellation_rate", "a"), "value"] == 10


def test_missing_columns_are_named():
    with pytest.raises(KeyError, match="no_show"):
        measure(pd.DataFrame({"expected": [1]}), METRICS["no_show_rate"])


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (7.04, "percent", "7.0 %"),
        (1234.0, "count", "1,234"),
        (12.5, "dollars", "$12.50"),
        (12_345.6, "dollars", "$12,346"),
        (0.126, "per 100 infusions", "0.1"),
        (float("nan"), "percent", "—"),
    ],
)
def test_how_values_are_written(value, unit, shown):
    assert text(value, unit) == shown


@pytest.mark.parametrize("name", METRICS)
def test_a_definition_says_which_interval_is_worked_out(name):
    metric = METRICS[name]
    words = {"wilson": "Wilson", "poisson": "exact Poisson", "mean": "Student"}
    assert [key for key, word in words.items() if word in metric.definition] == [metric.interval] * bool(
        metric.interval
    )
    assert ("exact one-sided 95 % upper bound" in metric.definition) == metric.bounded
