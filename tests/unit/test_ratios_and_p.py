"""Two rates by their ratio, p values that go with intervals, and patients with several infusions.

Other libraries, published figures, definitions, and how often the limits hold.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats
from statsmodels.stats.rates import test_poisson_2indep as poisson_test

from dashboard.rates import Interval, standardised_ratio
from dashboard.two_groups import design_effect, interval_p_value, like_for_like, rate_ratio


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


#: Pups that lived, of each litter: Weil 1970, table 1 of Rao and Scott 1992.
CONTROL = [(13, 13), (12, 12), (9, 9), (9, 9), (8, 8), (8, 8), (12, 13), (11, 12), (9, 10), (9, 10), (8, 9), (11, 13),
           (4, 5), (5, 7), (7, 10), (7, 10)]  # fmt: skip
TREATED = [(12, 12), (11, 11), (10, 10), (9, 9), (10, 11), (9, 10), (9, 10), (8, 9), (8, 9), (4, 5), (7, 9), (4, 7),
           (5, 10), (3, 6), (3, 10), (0, 7)]  # fmt: skip


def moments(clusters):
    x, n = np.array(clusters, dtype=float).T
    return len(clusters), n.sum(), (n**2).sum(), x.sum(), (x**2).sum(), (x * n).sum()


@pytest.mark.parametrize(("litters", "published"), [(CONTROL, 1.232495), (TREATED, 3.952861)])
def test_the_design_effects_of_litters(litters, published):
    """As the R package PF gives them for this table, rsb(rat$y, rat$n, id = rat$group)."""
    assert design_effect(*moments(litters)) == pytest.approx(published, abs=1e-6)


def test_a_design_effect_of_strata_is_that_of_their_residuals():
    both = list(zip(moments(CONTROL), moments(TREATED), strict=True))
    expected = []
    for litters in (CONTROL, TREATED):
        x, n = np.array(litters, dtype=float).T
        p = x.sum() / n.sum()
        expected.append((len(x) / (len(x) - 1) * ((x - p * n) ** 2).sum(), n.sum() * p * (1 - p)))
    above, below = np.sum(expected, axis=0)
    assert design_effect(*both) == pytest.approx(above / below)
    # A stratum of one cluster has no residual, and none where nothing happened.
    alone = [(*pair, one) for pair, one in zip(both, moments([(3, 7)]), strict=True)]
    assert design_effect(*alone) == pytest.approx(above / below)
    assert np.isnan(design_effect(*moments([(0, 7), (0, 9)])))
    assert np.isnan(design_effect(*moments([(3, 7)])))


def test_limits_hold_where_patients_have_several_infusions_and_some_are_prone():
    """Six infusions a patient, intraclass correlation 0.2: as if independent, limits leave out the truth 17 of 100 times."""
    rng = np.random.default_rng(1)
    looks, patients, each, p, rho = 1_500, 300, 6, 0.3, 0.2
    shape = (1 - rho) / rho

    def draw():
        return rng.binomial(each, rng.beta(p * shape, (1 - p) * shape, (looks, patients)))

    a, b = draw(), draw()
    n = np.full((looks, 1), float(each * patients))
    holds = []
    for design in (
        np.ones((looks, 1)),
        np.array([[design_effect(*moments([(x, each) for x in look]))] for look in a]),
    ):
        found = like_for_like(a.sum(axis=1)[:, None], n, b.sum(axis=1)[:, None], n, design=design).difference
        holds.append(float(((found.lower <= 0) & (found.upper >= 0)).mean()))
    assert holds[0] < 0.87
    assert 0.93 < holds[1] < 0.97


def test_a_design_below_one_is_refused():
    with pytest.raises(ValueError, match="design must not be below 1"):
        like_for_like([1], [5], [2], [5], design=0.5)
