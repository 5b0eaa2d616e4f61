"""Two rates by their ratio, and p values that go with intervals: other libraries, definitions, how often they hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats
from statsmodels.stats.rates import test_poisson_2indep as poisson_test

from dashboard.rates import Interval, standardised_ratio
from dashboard.two_groups import interval_p_value, like_for_like, rate_ratio


@pytest.mark.parametrize(("x", "n", "y", "m"), [(41, 28_010, 15, 19_017), (4, 663, 1, 1_622), (60, 11, 3, 40)])
def test_the_limits_of_a_ratio_are_where_the_exact_test_begins_to_reject(x, n, y, m):
    found = rate_ratio(x, n, y, m)
    assert found.value == pytest.approx(x / n / (y / m))
    for limit, side in ((found.lower, "larger"), (found.upper, "smaller")):
        p = poisson_test(x, n, y, m, value=limit, method="exact-cond", alternative=side).pvalue
        assert p == pytest.approx(0.025, rel=1e-6)


def test_a_ratio_to_none_has_a_lower_limit_alone():
    none_before = rate_ratio(4, 663, 0, 1_622)
    assert np.isinf(none_before.value)
    assert np.isinf(none_before.upper)
    # Were the past's rate the limit's, all four would be of the later part with the probability 0.025.
    share = 663 * none_before.lower / (663 * none_before.lower + 1_622)
    assert share**4 == pytest.approx(0.025)
    none_now = rate_ratio(0, 663, 4, 1_622)
    assert none_now[:2] == (0, 0)
    assert np.isfinite(none_now.upper)
    assert np.isnan(rate_ratio(0, 663, 0, 1_622)).all()
    assert np.isnan(rate_ratio(1, 663, 2, 0)).all()


def test_a_ratio_covers_the_truth_where_the_past_is_of_chance_too():
    """Expected from a past of few events, taken as known, the limits held the true ratio too seldom."""
    rng = np.random.default_rng(5)
    now, past = rng.poisson(12, 20_000), rng.poisson(6, 20_000)
    kept = past > 0
    now, past = now[kept], past[kept]
    known = standardised_ratio(now, past.astype(float))
    both = rate_ratio(now, 1, past, 1)
    holds = [((one.lower <= 2) & (one.upper >= 2)).mean() for one in (known, both)]
    assert holds[0] < 0.8
    assert holds[1] >= 0.95


def test_p_of_an_interval_as_altman_and_bland_work_it_out():
    """A relative risk of 0.81, 0.70 to 0.94: p = 0.005 in the paper, from both limits of its logarithm."""
    value, lower, upper = np.log([0.81, 0.70, 0.94])
    assert interval_p_value(Interval(value, lower, upper)) == pytest.approx(0.005, abs=0.001)


@given(st.floats(-50, 50), st.floats(0.01, 40), st.floats(0.01, 40))
def test_p_is_below_five_in_a_hundred_exactly_where_the_limits_exclude_nothing(value, below, above):
    found = Interval(np.float64(value), np.float64(value - below), np.float64(value + above))
    p = float(interval_p_value(found))
    assert 0 <= p <= 1
    if min(abs(found.lower), abs(found.upper)) > 1e-9:
        assert (p < 0.05) == (found.lower > 0 or found.upper < 0)


def test_p_of_a_symmetrical_interval_is_the_normal_distributions():
    z = stats.norm.isf(0.025)
    values = np.array([0.0, 1.0, -2.5])
    p = interval_p_value(Interval(values, values - z, values + z))
    assert_allclose(p, 2 * stats.norm.sf(np.abs(values)))
    assert np.isnan(interval_p_value(Interval(np.float64(1), np.float64(np.nan), np.float64(np.nan))))


@pytest.mark.parametrize("seed", range(20))
def test_p_like_for_like_is_the_level_at_which_the_limits_just_exclude_nothing(seed):
    draw = np.random.default_rng(seed)
    n, m = draw.integers(5, 80, (2, 3))
    x, y = draw.binomial(n, draw.uniform(0.1, 0.6, 3)), draw.binomial(m, draw.uniform(0.1, 0.6, 3))
    p = float(like_for_like(x, n, y, m).p_value)
    for level, excludes in ((p * 1.001, True), (p * 0.999, False)):
        if level < 1:
            limits = like_for_like(x, n, y, m, 1 - level).difference
            assert (limits.lower > 0 or limits.upper < 0) == excludes


def test_like_for_like_says_nothing_of_what_never_happened():
    """Limits of 0 to 0 would say that nothing can differ."""
    for found in (like_for_like([0, 0], [40, 60], [0, 0], [30, 20]), like_for_like([40], [40], [30], [30])):
        assert found.difference.value == 0
        assert np.isnan([found.difference.lower, found.difference.upper, found.p_value]).all()
