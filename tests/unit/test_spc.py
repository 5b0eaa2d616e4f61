"""Published cases, thresholds, gaps, invariances and refusals of `dashboard.spc`."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from published import assert_as_published, cases
from scipy import stats

from dashboard.rates import exact_poisson_limits
from dashboard.spc import (
    Limits,
    funnel,
    g_chart,
    one_side_rule,
    overdispersion,
    p_chart,
    run_limits,
    run_rules,
    special_causes,
    trend_rule,
    two_in_three_rule,
    u_chart,
    xmr,
)

CASES = cases("spc")

quick = settings(max_examples=60, deadline=None)
series = st.lists(st.integers(-50, 50), min_size=0, max_size=40)


def outside(values, limits):
    return np.flatnonzero(special_causes(values, *limits).outside)


def montgomery(inputs, expected):
    limits = p_chart(inputs["count"], inputs["size"], prime=False)
    yield limits.centre, np.full(len(inputs["count"]), expected["cl"])
    yield limits.lower, expected["lcl"]
    yield limits.upper, expected["ucl"]


def laney(inputs, expected):
    values = np.array(inputs["r"]) / inputs["n"]
    for limits, wanted in (
        (p_chart(inputs["r"], inputs["n"]), expected),
        (p_chart(inputs["r"], inputs["n"], prime=False), expected["plain_p"]),
    ):
        yield limits.lower, wanted["lcl"]
        yield limits.upper, wanted["ucl"]
        yield limits.centre, np.full(values.size, expected["cl"])
        yield outside(values, limits).size, wanted["points_outside"]


def individuals(inputs, expected):
    for limits, wanted in (
        (xmr(inputs["y"]), "mean_lpl_upl_screened"),
        (xmr(inputs["y_with_outlier"]), "outlier_screened"),
        (xmr(inputs["y_with_outlier"], screen=False), "outlier_unscreened"),
    ):
        for side, value in zip(limits, expected[wanted], strict=True):
            yield side, np.full(len(inputs["y"]), value)


def making_data_count(inputs, expected):
    rules = {"one_side": one_side_rule, "trend": trend_rule}
    for row, wanted in zip(inputs["rules"], expected["rules"], strict=True):
        yield rules[row["rule"]](row["v"]), wanted
    for row, wanted in zip(inputs["two_in_three"], expected["two_in_three"], strict=True):
        yield two_in_three_rule(row["close"], row["side"]), wanted


def anhoej(inputs, expected):
    limits = run_limits(inputs["n_useful"])
    yield limits.longest_run_max, expected["longest_run_max"]
    yield limits.crossings_min, expected["crossings_min"]
    found = [run_rules(np.arange(n) - n / 2 + 0.25, 0) for n in inputs["n_useful"]]
    yield [f.n_useful for f in found], inputs["n_useful"]
    yield [f.longest_run_max for f in found], expected["longest_run_max"]
    yield [f.crossings_min for f in found], expected["crossings_min"]


def rare_events(inputs, expected):
    limits = g_chart(inputs["gaps"])
    points = len(inputs["gaps"])
    yield limits.centre, np.full(points, expected["cl_median"])
    yield limits.lower, np.full(points, expected["lcl"])
    yield limits.upper, np.full(points, expected["ucl"])
    yield outside(inputs["gaps"], limits) + 1, expected["outside_1based"]


def observed_over_expected(inputs, expected):
    inner, outer = funnel(inputs["expected"])
    yield inner.lower, expected["ll95"]
    yield inner.upper, expected["ul95"]
    yield outer.lower, expected["ll998"]
    yield outer.upper, expected["ul998"]
    yield inner.centre, np.ones(len(inputs["expected"]))


DRIVERS = {
    "p_chart_variable_n": montgomery,
    "laney_pprime_nhs_accidents": laney,
    "xmr_nhs_limits": individuals,
    "xmr_nhs_special_cause_rules": making_data_count,
    "anhoej_run_rules": anhoej,
    "g_chart": rare_events,
    "funnel_poisson_unadjusted": observed_over_expected,
}


def test_every_driver_has_its_published_case():
    assert {case["id"] for case in CASES} == set(DRIVERS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_published_case(case):
    assert_as_published(case, DRIVERS)


# Moving ranges with the mean 1000, the largest of them below, at and above 3.267 times it.
@pytest.mark.parametrize(
    ("ranges", "mean_range"),
    [
        ((244, 245, 245, 3266), 1000),
        ((244, 244, 245, 3267), 733 / 3),
        ((244, 244, 244, 3268), 732 / 3),
    ],
)
def test_screening_drops_ranges_from_the_factor_on(ranges, mean_range):
    values = np.cumsum([0, *ranges])
    assert_allclose(xmr(values).upper - values.mean(), 2.66 * mean_range)
    assert_allclose(xmr(values, screen=False).upper - values.mean(), 2660)


def test_screening_happens_once():
    values = np.cumsum([0, *[1] * 20, 30, 500])
    first = np.mean([*[1] * 20, 30])
    assert 3.267 * first < 30
    assert_allclose(xmr(values).upper - values.mean(), 2.66 * first)


@quick
@given(series, st.booleans())
def test_xmr_follows_a_change_of_units(values, screen):
    limits = xmr(values, screen)
    moved = xmr(4 * np.array(values) + 8, screen)
    for side, moved_side in zip(limits, moved, strict=True):
        assert_allclose(moved_side, 4 * side + 8, atol=1e-9)


@pytest.mark.parametrize("level", [0.1, 1 / 3, 7.7])
@pytest.mark.parametrize("points", [2, 7, 10, 23])
def test_a_level_series_lies_on_its_own_centre(level, points):
    values = [level] * points
    for screen in (True, False):
        limits = xmr(values, screen)
        assert_array_equal(np.array(limits), level)
        assert not special_causes(values, *limits).any.any()
        assert not special_causes(values, *limits).highlighted.any()


@pytest.mark.parametrize(("events", "centre"), [([0, 0, 0], 0), ([5, 9, 4], 1)])
@pytest.mark.parametrize("prime", [True, False])
def test_none_and_all_have_limits_on_the_centre(events, centre, prime):
    assert_array_equal(np.array(p_chart(events, [5, 9, 4], prime)), centre)


def test_no_events_have_u_limits_of_zero():
    assert_array_equal(np.array(u_chart([0, 0, 0], [5, 9, 4])), 0)


def test_laney_widens_and_narrows_the_plain_limits_by_sigma_z():
    exposure = np.array([400, 100, 225, 100])
    for events, wider in (([40, 2, 30, 3], True), ([25, 6, 14, 6], False)):
        centre = sum(events) / exposure.sum()
        for chart, sigma in (
            (p_chart, np.sqrt(centre * (1 - centre) / exposure)),
            (u_chart, np.sqrt(centre / exposure)),
        ):
            z = (events / exposure - centre) / sigma
            sigma_z = np.abs(np.diff(z)).mean() / 1.128
            assert (sigma_z > 1) == wider
            limits = chart(events, exposure)
            assert_allclose(limits.centre, centre)
            assert_allclose(limits.upper, centre + 3 * sigma * sigma_z)
            assert_allclose(limits.lower, np.maximum(centre - 3 * sigma * sigma_z, 0))
            plain = chart(events, exposure, prime=False)
            assert_allclose(plain.upper, centre + 3 * sigma)
            assert_allclose(plain.lower, np.maximum(centre - 3 * sigma, 0))


def test_percentages_are_clipped_and_rates_only_from_below():
    low, high = p_chart([0, 2], [4, 4], prime=False), p_chart([4, 3], [4, 4], prime=False)
    assert_array_equal(low.lower, [0, 0])
    assert_array_equal(high.upper, [1, 1])
    rates = u_chart([4, 3], [4, 4], prime=False)
    assert (rates.upper > 1).all()
    assert_array_equal(rates.lower, [0, 0])


@quick
@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=2, max_size=20),
    st.booleans(),
)
def test_u_chart_scales_with_the_exposure(rows, prime):
    events, exposure = np.array(rows).T
    limits, scaled = u_chart(events, exposure, prime), u_chart(events, exposure * 8, prime)
    for side, scaled_side in zip(limits, scaled, strict=True):
        assert_allclose(scaled_side * 8, side, atol=1e-12)


@quick
@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=20),
    st.booleans(),
)
def test_p_limits_enclose_the_centre_within_0_and_1(rows, prime):
    events, others = np.array(rows).T
    limits = p_chart(events, events + others, prime)
    shown = ~np.isnan(limits.lower)
    assert not shown[events + others == 0].any()
    lower, centre, upper = (side[shown] for side in (limits.lower, limits.centre, limits.upper))
    assert ((lower >= 0) & (lower <= centre) & (centre <= upper) & (upper <= 1)).all()


def test_a_missing_point_has_no_limits_and_no_part_in_the_others():
    limits = xmr([1, 2, math.nan, 9, 12])
    assert_allclose(limits.centre, 6)
    # The ranges are 1 and 3: none spans the gap.
    assert_allclose(limits.upper, [6 + 5.32, 6 + 5.32, np.nan, 6 + 5.32, 6 + 5.32])
    assert_allclose(limits.lower, [6 - 5.32, 6 - 5.32, np.nan, 6 - 5.32, 6 - 5.32])


@pytest.mark.parametrize("chart", [p_chart, u_chart])
@pytest.mark.parametrize("prime", [True, False])
def test_zero_denominators_are_missing_points(chart, prime):
    limits = chart([3, 8, 0, 5, 9], [20, 25, 0, 25, 20], prime)
    assert_allclose(limits.centre, 25 / 90)
    assert_array_equal(np.isnan(limits.lower), [False, False, True, False, False])
    assert_array_equal(np.isnan(limits.upper), [False, False, True, False, False])
    other = chart([3, 8, 5, 9], [20, 25, 25, 20], prime=False)
    if not prime:
        assert_array_equal(limits.upper[[0, 1, 3, 4]], other.upper)
    else:
        sigma = (other.upper - other.centre) / 3
        z = (np.array([3, 8, 5, 9]) / [20, 25, 25, 20] - 25 / 90) / sigma
        sigma_z = (abs(z[1] - z[0]) + abs(z[3] - z[2])) / 2 / 1.128
        assert_allclose(limits.upper[[0, 1, 3, 4]], 25 / 90 + 3 * sigma * sigma_z)


@pytest.mark.parametrize(
    ("limits", "centre"),
    [
        (xmr([7]), 7),
        (xmr([7, math.nan, 7]), 7),
        (xmr([math.nan, math.nan]), math.nan),
        (p_chart([1], [2]), 0.5),
        (p_chart([0, 0], [0, 0]), math.nan),
        (u_chart([3, 0, 3], [2, 0, 2]), 1.5),
        (u_chart([0, 0], [0, 0], prime=False), math.nan),
    ],
)
def test_without_neighbours_there_are_no_limits(limits, centre):
    assert_array_equal(limits.centre, np.full(limits.centre.shape, centre))
    assert np.isnan(limits.lower).all()
    assert np.isnan(limits.upper).all()


@pytest.mark.parametrize("limits", [xmr([]), p_chart([], []), u_chart([], []), g_chart([])])
def test_an_empty_series_has_empty_limits(limits):
    assert isinstance(limits, Limits)
    assert {side.shape for side in limits} == {(0,)}


def test_g_chart_of_few_gaps():
    limits = g_chart([0, 1, 8])
    assert_array_equal(limits.centre, [1, 1, 1])
    assert_allclose(limits.upper, 3 + 3 * math.sqrt(12))
    assert_array_equal(limits.lower, [0, 0, 0])


@quick
@given(st.floats(0.1, 500), st.sampled_from([0.8, 0.95, 0.998]))
def test_funnel_is_where_the_expected_count_itself_stops_being_plausible(expected, confidence):
    (limits,) = funnel(expected, (confidence,))
    tail = (1 - confidence) / 2
    # Through the gamma distribution, which a Poisson process's waiting time follows.
    assert_allclose(limits.lower * expected, stats.gamma.ppf(tail, expected), rtol=1e-9)
    assert_allclose(limits.upper * expected, stats.gamma.isf(tail, expected + 1), rtol=1e-9)
    assert type(limits.lower) is type(limits.centre) is np.float64
    assert limits.lower < 1 < limits.upper


def test_funnel_keeps_the_order_of_the_levels_and_the_shape():
    outer, inner = funnel([[5, 50], [0, 10]], (0.998, 0.95))
    assert outer.upper.shape == outer.centre.shape == (2, 2)
    present = np.array([[True, True], [False, True]])
    assert (outer.upper > inner.upper)[present].all()
    assert (outer.lower < inner.lower)[present].all()
    assert np.isnan([side[1, 0] for side in (*outer[1:], *inner[1:])]).all()
    assert inner.upper[0, 0] == exact_poisson_limits(np.float64(5), 0.95)[1] / 5
    assert_array_equal(funnel([5, 50], 0.95)[0].upper, inner.upper[0])
    both = funnel([[5, 50], [0, 10]], (0.998, 0.95))
    for side in ("centre", "lower", "upper"):
        assert_array_equal(getattr(both, side), [getattr(outer, side), getattr(inner, side)])


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("values", lambda: xmr([1, math.inf])),
        ("values", lambda: xmr(5)),
        ("values", lambda: xmr([[1, 2], [3, 4]])),
        ("events", lambda: p_chart([6], [5])),
        ("events", lambda: p_chart([1], [0])),
        ("events", lambda: p_chart([-1], [5])),
        ("events", lambda: p_chart([None], [5])),
        ("events", lambda: p_chart(1, 5)),
        ("trials", lambda: p_chart([1, 2], [5, 5, 5])),
        ("trials", lambda: p_chart([1], [-5])),
        ("trials", lambda: p_chart([1], [math.nan])),
        ("events", lambda: u_chart([-1], [5])),
        ("exposure", lambda: u_chart([1, 2], [5])),
        ("exposure", lambda: u_chart([1], [-0.5])),
        ("exposure", lambda: u_chart([1], [math.inf])),
        ("gaps", lambda: g_chart([1, -1])),
        ("gaps", lambda: g_chart([1, math.nan])),
        ("gaps", lambda: g_chart(3)),
        ("expected", lambda: funnel([1, -1])),
        ("expected", lambda: funnel([1, math.nan])),
        ("confidence", lambda: funnel([1], (0.95, 1))),
        ("confidence", lambda: funnel([1], math.nan)),
        ("values", lambda: special_causes([math.inf], 0, -3, 3)),
        ("centre", lambda: special_causes([1, 2], [0, 0, 0], -3, 3)),
        ("lower", lambda: special_causes([1, 2], 0, [-3], 3)),
        ("lower", lambda: special_causes([1, 2], 0, 3, -3)),
        ("upper", lambda: special_causes([1, 2], 0, -3, math.inf)),
        ("side", lambda: one_side_rule([1, 2])),
        ("side", lambda: one_side_rule([1, math.nan])),
        ("values", lambda: trend_rule([1, math.nan])),
        ("close", lambda: two_in_three_rule([1, 2, 0], [1, 1, 1])),
        ("close", lambda: two_in_three_rule([1, 0], [1, 1, 1])),
        ("side", lambda: two_in_three_rule([1, 0, 1], [1, 0.5, 1])),
        ("n_useful", lambda: run_limits(-1)),
        ("n_useful", lambda: run_limits(24.5)),
        ("freeze", lambda: xmr([1, 2, 3], freeze=-1)),
        ("freeze", lambda: xmr([1, 2, 3], freeze=0)),
        ("freeze", lambda: p_chart([1, 2, 3], [9, 9, 9], freeze=-1)),
        ("observed", lambda: overdispersion([], [])),
        ("expected", lambda: overdispersion([1, 2, 3], [1])),
        ("trim", lambda: overdispersion([1, 2, 3], [1, 2, 3], 0.6)),
        ("values", lambda: run_rules([math.inf], 0)),
        ("centre", lambda: run_rules([1, 2], [0, 0, 0])),
    ],
)
def test_impossible_input_is_refused_by_name(name, call):
    with pytest.raises(ValueError, match=f"^{name} "):
        call()


@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(40, 90)), min_size=3, max_size=30),
    st.integers(0, 40),
)
def test_frozen_limits_know_nothing_of_later_points(past, later):
    """Those of the earlier points are what they are without the later one, which gets them at its own size."""
    events, trials = (list(column) for column in zip(*past, strict=True))
    frozen, alone = p_chart([*events, later], [*trials, 60], freeze=len(past)), p_chart(events, trials)
    assert_array_equal([side[:-1] for side in frozen], alone)
    same = p_chart([*events, later], [*trials, trials[-1]], freeze=len(past))
    assert_array_equal([side[-1] for side in same], [side[-1] for side in alone])
    frozen, alone = xmr([*events, 1000], freeze=len(past)), xmr(events)
    assert_array_equal([side[:-1] for side in frozen], alone)
    assert [side[-1] for side in frozen] == [side[0] for side in alone]
