"""Two groups compared within strata: published figures, the definition, and how often the limits hold."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, stats

from dashboard.rates import newcombe_difference
from dashboard.two_groups import like_for_like

#: Smoking and lung cancer of men and women; Doll and Hill 1950, British Medical Journal 2:739-748.
DOLL_AND_HILL = ([647, 41], [1269, 69], [2, 19], [29, 51])


def test_the_estimate_of_doll_and_hill():
    """0.3294: Fagerland, Lydersen and Laake 2017, Statistical Analysis of Contingency Tables, chapter 10."""
    found = like_for_like(*DOLL_AND_HILL)
    assert found.difference.value == pytest.approx(0.3294, abs=5e-5)
    # Their Wald limits, with another variance, are 0.2281 and 0.4307.
    assert found.difference[1:] == pytest.approx((0.2281, 0.4307), abs=0.015)
    assert found.a - found.b == pytest.approx(found.difference.value)


def test_what_two_comparisons_that_point_one_way_hide():
    """Stones of the kidney: open surgery did better with small and with large ones, and worse with all together.

    Charig and others 1986, British Medical Journal 292:879-882.
    """
    surgery, others = ([81, 192], [87, 263]), ([234, 55], [270, 80])
    crude = newcombe_difference(*map(sum, (*surgery, *others)))
    found = like_for_like(*surgery, *others)
    assert crude.value < 0
    assert found.difference.value > 0.04
    assert found.difference.lower < 0 < found.difference.upper


def variance(difference, events_a, trials_a, events_b, trials_b):
    """Sato's, at a difference, written as in his paper: a sum over strata."""
    weight = p = q = 0.0
    for x, n, y, m in zip(events_a, trials_a, events_b, trials_b, strict=True):
        total = n + m
        weight += n * m / total
        p += (n**2 * y - m**2 * x + n * m * (m - n) / 2) / total**2
        q += (x * (m - y) + y * (n - x)) / (2 * total)
    return (difference * p + q) / weight**2


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.998])
@pytest.mark.parametrize("seed", range(5))
def test_the_limits_are_where_the_test_begins_to_reject(seed, confidence):
    draw = np.random.default_rng(seed)
    n, m = draw.integers(2, 60, (2, 4))
    x, y = draw.binomial(n, draw.uniform(0.2, 0.8, 4)), draw.binomial(m, draw.uniform(0.2, 0.8, 4))
    found = like_for_like(x, n, y, m, confidence).difference
    z = stats.norm.isf((1 - confidence) / 2)

    def beyond(at):
        return (found.value - at) ** 2 - z**2 * variance(at, x, n, y, m)

    assert found.lower == pytest.approx(optimize.brentq(beyond, -2, found.value), abs=1e-9)
    assert found.upper == pytest.approx(optimize.brentq(beyond, found.value, 2), abs=1e-9)


def test_the_limits_hold_the_truth_as_often_as_they_say():
    """Three strata of different rates, a common difference of 0.1, 20,000 times."""
    draw = np.random.default_rng(20261201)
    n, m, rate = np.array([40, 15, 60]), np.array([25, 50, 20]), np.array([0.15, 0.4, 0.6])
    x, y = draw.binomial(n, rate + 0.1, (20_000, 3)), draw.binomial(m, rate, (20_000, 3))
    found = like_for_like(x, np.broadcast_to(n, x.shape), y, np.broadcast_to(m, y.shape)).difference
    assert found.value.mean() == pytest.approx(0.1, abs=0.005)
    covered = ((found.lower <= 0.1) & (found.upper >= 0.1)).mean()
    assert covered == pytest.approx(0.95, abs=0.01)


def test_a_stratum_of_one_group_alone_says_nothing():
    with_it = like_for_like([5, 7], [20, 0 + 9], [3, 0], [30, 0])
    assert_allclose(with_it.difference, like_for_like([5], [20], [3], [30]).difference)
    assert np.isnan(like_for_like([5, 0], [20, 0], [0, 3], [0, 30]).difference).all()


def test_groups_that_swap_turn_the_sign():
    there, back = (
        like_for_like([5, 9], [20, 12], [3, 40], [30, 70]),
        like_for_like([3, 40], [30, 70], [5, 9], [20, 12]),
    )
    assert_allclose(there.difference, -np.array(back.difference)[[0, 2, 1]])
    assert (there.a, there.b) == (back.b, back.a)


def test_more_events_than_trials_are_refused():
    with pytest.raises(ValueError, match="events_b must not be above trials_b"):
        like_for_like([1], [2], [3], [2])
