"""Published cases, agreement with statsmodels, thresholds and refusals of `dashboard.rates`."""

import math
import tracemalloc
from decimal import Decimal, localcontext

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal
from published import assert_as_published, cases
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from statsmodels.stats.rates import confint_poisson
from statsmodels.stats.weightstats import DescrStatsW

from dashboard.arguments import numeric
from dashboard.rates import (
    Interval,
    difference,
    directly_standardised_rate,
    exact_poisson_limits,
    false_discovery_adjust,
    mean_interval,
    newcombe_difference,
    poisson_interval,
    quartiles,
    standardised_ratio,
    wilson_interval,
    zero_event_upper_bound,
)

CASES = cases("rates")

quick = settings(max_examples=60, deadline=None)
confidences = st.sampled_from([0.8, 0.9, 0.95, 0.99, 0.998])


@st.composite
def proportions(draw):
    trials = draw(st.integers(1, 5000))
    return draw(st.integers(0, trials)), trials


def zero_events(inputs, expected):
    bounds = zero_event_upper_bound([row["n"] for row in inputs["rows"]])
    yield 100 * bounds, expected["upper_pct"]


def benjamini_hochberg(inputs, expected):
    adjusted = false_discovery_adjust(inputs["p"])
    yield adjusted, expected["adjusted"]
    yield (adjusted <= inputs["q"]).sum(), expected["n_reject_bh"]
    bonferroni = np.array(inputs["p"]) * len(inputs["p"])
    yield (bonferroni <= inputs["q"]).sum(), expected["n_reject_bonferroni"]


def wilson(inputs, expected):
    found = [wilson_interval(row["x"], row["n"], row["conf"]) for row in inputs["rows"]]
    yield [f.lower for f in found], expected["lower"]
    yield [f.upper for f in found], expected["upper"]


def poisson_rate(inputs, expected):
    exposure = np.array(inputs["denominator"]) / inputs["multiplier"]
    for level, confidence in (("95", 0.95), ("998", 0.998)):
        found = poisson_interval(inputs["numerator"], exposure, confidence)
        yield found.value, expected["value"]
        yield found.lower, expected[f"lower{level}"]
        yield found.upper, expected[f"upper{level}"]


def standardised_rate(inputs, expected):
    for row in expected["rows"]:
        area = inputs["areas"][row["area"]]
        for level, confidence in (("95", 0.95), ("998", 0.998)):
            found = directly_standardised_rate(area["count"], area["pop"], inputs["stdpop"], confidence)
            wanted = [row["value"], row[f"lower{level}"], row[f"upper{level}"]]
            yield np.array(found) * inputs["multiplier"], np.array(wanted, dtype=float)


def newcombe(inputs, expected):
    found = newcombe_difference(**inputs)
    yield found.lower, expected["lower"]
    yield found.upper, expected["upper"]


DRIVERS = {
    "zero_event_upper_bound_ketamine": zero_events,
    "benjamini_hochberg_1995": benjamini_hochberg,
    "wilson_phe": wilson,
    "rate_exact_or_byar_phe": poisson_rate,
    "dsr_dobson_phe": standardised_rate,
    "newcombe_1998_method_10": newcombe,
}


def test_every_driver_has_its_published_case():
    assert {case["id"] for case in CASES} == set(DRIVERS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_published_case(case):
    assert_as_published(case, DRIVERS)


@quick
@given(st.lists(proportions(), min_size=1, max_size=5), confidences)
def test_wilson_agrees_with_statsmodels(rows, confidence):
    events, trials = np.array(rows).T
    found = wilson_interval(events, trials, confidence)
    wanted = proportion_confint(events, trials, alpha=1 - confidence, method="wilson")
    assert_allclose((found.lower, found.upper), wanted, rtol=1e-9, atol=1e-12)
    assert_array_equal(found.value, events / trials)


@quick
@given(proportions(), confidences)
def test_wilson_mirrors_when_events_and_non_events_swap(row, confidence):
    events, trials = row
    found = wilson_interval(events, trials, confidence)
    swapped = wilson_interval(trials - events, trials, confidence)
    assert_allclose((found.lower, found.upper), (1 - swapped.upper, 1 - swapped.lower), atol=1e-12)
    assert 0 <= found.lower <= found.value <= found.upper <= 1


def test_wilson_ends_are_exact_at_none_and_all():
    found = wilson_interval([0, 7], [7, 7])
    assert found.lower[0] == 0
    assert found.upper[1] == 1
    assert 0 < found.upper[0] < 1


@quick
@given(st.sampled_from([1, 3, 1_985, 10**9]), st.floats(0.01, 0.9999))
@example(3, 0.8979670244737792)
def test_wilson_limits_of_none_and_all_are_exact_at_every_confidence(trials, confidence):
    found = wilson_interval([0, trials], trials, confidence)
    assert found.lower[0] == 0
    assert found.upper[1] == 1
    assert_allclose(found.lower[1], 1 - found.upper[0], atol=1e-15)


@pytest.mark.parametrize(("events", "trials"), [(1e-5, 1_000), (1e-3, 10**9), (1, 10**9), (0.5, 3)])
def test_wilson_lower_limit_has_all_its_digits(events, trials):
    """By Wilson's formula in fifty digits."""
    with localcontext(prec=50):
        x, n, z = Decimal(events), Decimal(trials), Decimal(stats.norm.isf(0.025))
        wanted = (2 * x + z**2 - z * (z**2 + 4 * x * (1 - x / n)).sqrt()) / (2 * (n + z**2))
    assert_allclose(wilson_interval(events, trials).lower, float(wanted), rtol=1e-12)


@quick
@given(proportions(), proportions(), confidences)
def test_newcombe_agrees_with_statsmodels(a, b, confidence):
    found = newcombe_difference(*a, *b, confidence)
    wanted = confint_proportions_2indep(
        *a, *b, method="newcomb", compare="diff", alpha=1 - confidence, correction=False
    )
    assert_allclose((found.lower, found.upper), wanted, rtol=1e-9, atol=1e-9)


@quick
@given(proportions(), proportions())
def test_newcombe_flips_sign_when_the_groups_swap(a, b):
    found, swapped = newcombe_difference(*a, *b), newcombe_difference(*b, *a)
    assert_allclose(np.array(found), -np.array(swapped)[[0, 2, 1]], atol=1e-15)


@quick
@given(st.lists(st.integers(-20, 20), min_size=2, max_size=40), confidences)
def test_mean_interval_is_students(values, confidence):
    found = mean_interval(sum(values), sum(v * v for v in values), len(values), confidence)
    wanted = DescrStatsW(values).tconfint_mean(1 - confidence)
    assert_allclose((found.lower, found.upper), wanted, atol=1e-9)
    assert_allclose(found.value, np.mean(values), atol=1e-12)


def test_mean_of_one_has_no_limits_and_of_none_no_value():
    found = mean_interval([4, 0], [16, 0], [1, 0])
    assert_array_equal(found, [[4, np.nan], [np.nan, np.nan], [np.nan, np.nan]])


def test_difference_of_rates_has_the_limits_recovered_from_both():
    """Li, Tang and Wong 2014 write the same for two Poisson rates; here against the formula, by hand."""
    a, b = poisson_interval(30, 1000), poisson_interval(12, 900)
    found = difference(a, b)
    assert found.value == pytest.approx(0.03 - 12 / 900)
    assert found.lower == pytest.approx(found.value - math.hypot(0.03 - a.lower, b.upper - 12 / 900))
    assert found.upper == pytest.approx(found.value + math.hypot(a.upper - 0.03, 12 / 900 - b.lower))
    wilson = difference(wilson_interval(56, 70), wilson_interval(48, 80))
    assert_array_equal(wilson, newcombe_difference(56, 70, 48, 80))


def test_difference_of_rates_holds_its_level():
    """Drawn from two equal rates the interval covers 0 in about 95 of 100 pairs."""
    rng = np.random.default_rng(5)
    a, b = rng.poisson(12, 20_000), rng.poisson(18, 20_000)
    found = difference(poisson_interval(a, 100.0), poisson_interval(b, 150.0))
    assert 0.94 < np.mean((found.lower <= 0) & (found.upper >= 0)) < 0.975


@quick
@given(st.integers(0, 9), st.floats(0.01, 1e6), confidences)
def test_poisson_below_ten_agrees_with_the_exact_limits_of_statsmodels(events, exposure, confidence):
    found = poisson_interval(events, exposure, confidence)
    wanted = confint_poisson(events, exposure, method="exact-c", alpha=1 - confidence)
    # statsmodels leaves the lower limit of no events undefined.
    assert_allclose((found.lower, found.upper), np.nan_to_num(wanted), rtol=1e-9)


@quick
@given(st.integers(10, 100_000), confidences)
def test_byar_is_near_the_exact_limits_and_not_them(events, confidence):
    found = poisson_interval(events, 1, confidence)
    exact = np.array(exact_poisson_limits(np.float64(events), confidence))
    assert_allclose((found.lower, found.upper), exact, rtol=0.02)
    assert found.lower != exact[0]


@quick
@given(st.integers(0, 500), st.floats(0.01, 1e4), st.floats(0.01, 1e4))
def test_poisson_scales_with_the_exposure(events, exposure, factor):
    once = poisson_interval(events, exposure)
    scaled = poisson_interval(events, exposure * factor)
    assert_allclose(np.array(scaled) * factor, np.array(once), rtol=1e-12)


@pytest.mark.parametrize("events", [8, 9, 9.9, 10, 10.1, 11])
@pytest.mark.parametrize("interval", [poisson_interval, standardised_ratio])
def test_limits_change_from_exact_to_byar_at_ten_events(events, interval):
    if events < 10:
        wanted = stats.gamma.ppf(0.025, events), stats.gamma.ppf(0.975, events + 1)
    else:
        z, above = stats.norm.ppf(0.975), events + 1
        wanted = (
            events * (1 - 1 / (9 * events) - z / (3 * events**0.5)) ** 3,
            above * (1 - 1 / (9 * above) + z / (3 * above**0.5)) ** 3,
        )
    assert_allclose(np.array(interval(events, 1))[1:], wanted, rtol=1e-9)


def test_standardised_ratio_divides_the_limits_of_the_count_by_the_expected():
    found = standardised_ratio([0, 20], [4.0, 10.0])
    assert_allclose(found.value, [0, 2])
    assert_allclose(found.lower, [0, 1.2211428835], rtol=1e-9)
    assert_allclose(found.upper, [-math.log(0.025) / 4, 3.0889880369], rtol=1e-9)


@quick
@given(st.integers(1, 100_000), confidences)
def test_zero_event_bound_is_the_one_sided_exact_limit(trials, confidence):
    found = zero_event_upper_bound(trials, confidence)
    wanted = proportion_confint(0, trials, alpha=2 * (1 - confidence), method="beta")[1]
    assert_allclose(found, wanted, rtol=1e-9)
    assert_allclose((1 - found) ** trials, 1 - confidence, rtol=1e-6)


def test_zero_event_bound_of_the_shown_example():
    assert f"{100 * zero_event_upper_bound(2000):.2f}" == "0.15"


@quick
# Subnormal numbers have too few digits for a relative tolerance.
@given(arrays(float, st.integers(1, 30), elements=st.floats(0, 1, allow_subnormal=False)))
def test_false_discovery_agrees_with_statsmodels(p_values):
    wanted = multipletests(p_values, method="fdr_bh")[1]
    assert_allclose(false_discovery_adjust(p_values), wanted, rtol=1e-12)


def test_false_discovery_takes_a_table_as_one_family():
    p_values = np.array([[0.01, 0.5], [0.02, 0.9]])
    found = false_discovery_adjust(p_values)
    assert_array_equal(found, false_discovery_adjust(p_values.ravel()).reshape(2, 2))
    assert false_discovery_adjust(0.03) == 0.03
    assert false_discovery_adjust([]).shape == (0,)


@quick
@given(st.integers(10, 2000), st.integers(1, 5000), st.floats(0.1, 1e5), confidences)
def test_one_stratum_has_byars_interval(events, population, weight, confidence):
    found = directly_standardised_rate([events], [population], [weight], confidence)
    wanted = poisson_interval(events, population, confidence)
    assert_allclose(np.array(found), np.array(wanted), rtol=1e-9)


@pytest.mark.parametrize(
    "found",
    [
        wilson_interval(0, 0),
        poisson_interval(0, 0),
        poisson_interval(3, 0),
        standardised_ratio(20, 0),
        newcombe_difference(1, 2, 0, 0),
        newcombe_difference(0, 0, 1, 2),
        [zero_event_upper_bound(0)],
    ],
)
def test_no_trials_or_exposure_give_nan(found):
    assert np.isnan(np.array(found)).all()


def test_zero_trials_leave_the_other_elements_alone():
    found = wilson_interval([1, 0, 1], [2, 0, 2])
    assert_array_equal(np.isnan(found.value), [False, True, False])
    assert found.lower[0] == found.lower[2] == wilson_interval(1, 2).lower


def test_results_have_the_shape_of_the_input_and_cannot_be_changed():
    for found in (wilson_interval(1, 2), newcombe_difference(1, 2, 1, 3), poisson_interval(1, 2)):
        assert all(type(side) is np.float64 for side in found)
    assert type(zero_event_upper_bound(5)) is np.float64
    table = poisson_interval([[1, 2, 3], [4, 5, 20]], 10)
    assert {side.shape for side in table} == {(2, 3)}
    assert isinstance(table, Interval)
    with pytest.raises(AttributeError):
        table.value = 0


def test_a_scalar_goes_with_every_element():
    assert_array_equal(wilson_interval([1, 2], 5).upper, wilson_interval([1, 2], [5, 5]).upper)
    found = newcombe_difference([1, 2], 5, 1, 5)
    assert_array_equal(found.value, [0, 0.2])


@pytest.mark.parametrize(
    "events",
    [
        pd.Series([1, 2], index=[7, 3]),
        pd.Series([1, 2], dtype="Int64"),
        pd.Series([1, 2], dtype="category").astype(object),
        np.array([1, 2], dtype=np.uint8),
        (1, 2),
        range(1, 3),
    ],
)
def test_sequences_of_any_kind_are_taken_by_place(events):
    assert_array_equal(wilson_interval(events, [4, 8]).value, [0.25, 0.25])
    assert_array_equal(wilson_interval(events, [4, 8]), wilson_interval([1, 2], [4.0, 8.0]))


def test_an_empty_series_gives_an_empty_one():
    for found in (wilson_interval([], []), poisson_interval([], 5), newcombe_difference([], [], [], [])):
        assert [side.shape for side in found] == [(0,)] * 3
    assert false_discovery_adjust([]).shape == (0,)


def test_masked_entries_are_missing_whatever_stands_behind_the_mask():
    masked = np.ma.array([12, 999], mask=[False, True])
    assert_array_equal(numeric("x", masked, missing=True), [12, np.nan])
    with pytest.raises(ValueError, match=r"^x "):
        numeric("x", masked)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("events", lambda: wilson_interval(6, 5)),
        ("events", lambda: wilson_interval([1, 6], [5, 5])),
        ("events", lambda: wilson_interval(1, 0)),
        ("events", lambda: wilson_interval(-1, 5)),
        ("events", lambda: wilson_interval(math.nan, 5)),
        ("events", lambda: wilson_interval(None, 5)),
        ("events", lambda: wilson_interval("many", 5)),
        ("events", lambda: wilson_interval("3", 5)),
        ("events", lambda: wilson_interval(pd.Series(["1", "2"]), 5)),
        ("trials", lambda: wilson_interval(1, pd.Series([5, None], dtype="Int64"))),
        ("exposure", lambda: poisson_interval(1, np.array(["2026-01-01"], "datetime64[D]"))),
        ("events", lambda: wilson_interval([[1], [1, 2]], 5)),
        ("trials", lambda: wilson_interval(1, -5)),
        ("trials", lambda: wilson_interval(1, math.inf)),
        ("trials", lambda: wilson_interval([1, 2], [3, 4, 5])),
        ("trials", lambda: wilson_interval([1], [[3], [4]])),
        ("confidence", lambda: wilson_interval(1, 5, 0)),
        ("confidence", lambda: wilson_interval(1, 5, 1)),
        ("confidence", lambda: wilson_interval(1, 5, 95)),
        ("confidence", lambda: wilson_interval(1, 5, math.nan)),
        ("confidence", lambda: wilson_interval(1, 5, [0.9, 0.95])),
        ("events", lambda: poisson_interval(-1, 5)),
        ("exposure", lambda: poisson_interval(1, -5)),
        ("exposure", lambda: poisson_interval([1, 2], [1, 2, 3])),
        ("confidence", lambda: poisson_interval(1, 5, 1.5)),
        ("observed", lambda: standardised_ratio(math.inf, 5)),
        ("expected", lambda: standardised_ratio(1, math.nan)),
        ("trials", lambda: zero_event_upper_bound(-1)),
        ("confidence", lambda: zero_event_upper_bound(10, -0.1)),
        ("events_a", lambda: newcombe_difference(6, 5, 1, 5)),
        ("trials_a", lambda: newcombe_difference(1, -5, 1, 5)),
        ("events_b", lambda: newcombe_difference(1, 5, 6, 5)),
        ("trials_b", lambda: newcombe_difference(1, 5, 1, math.nan)),
        ("events_b", lambda: newcombe_difference([1, 2], 5, [1, 2, 3], 5)),
        ("squares", lambda: mean_interval(10, 9, 10)),
        ("count", lambda: mean_interval(10, 10, -1)),
        ("total", lambda: mean_interval(math.nan, 10, 1)),
        ("p_values", lambda: false_discovery_adjust([0.1, 1.1])),
        ("p_values", lambda: false_discovery_adjust([0.1, -0.1])),
        ("p_values", lambda: false_discovery_adjust([0.1, math.nan])),
    ],
)
def test_impossible_input_is_refused_by_name(name, call):
    with pytest.raises(ValueError, match=f"^{name} "):
        call()


@quick
@given(st.lists(st.tuples(st.integers(-50, 400), st.integers(0, 9)), max_size=12))
def test_quartiles_are_those_of_every_value(rows):
    values, counts = np.array(rows, dtype=float).reshape(-1, 2).T
    each = np.repeat(values, counts.astype(int))
    expected = np.quantile(each, (0.25, 0.5, 0.75)) if each.size else np.full(3, np.nan)
    assert_allclose(quartiles(values, counts), expected, atol=1e-12)


def test_quartiles_take_no_more_for_many_than_for_few():
    tracemalloc.start()
    found = quartiles([21, 7, 14], [10_000_000, 10_000_000, 10_000_000])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.tolist() == [7, 14, 21]
    assert peak < 1_000_000


@pytest.mark.parametrize(
    ("values", "counts", "message"),
    [
        ([1, 2], [1.7, 1], "counts must hold whole numbers only"),
        ([1, 2], [1], "counts has shape"),
        ([1, math.nan], [1, 1], "values must not be missing"),
        ([1, 2], [-1, 1], "counts must not be below 0"),
    ],
)
def test_quartiles_refuse_what_cannot_be(values, counts, message):
    with pytest.raises(ValueError, match=message):
        quartiles(values, counts)
