"""Published critical values, exact enumerations and simulated levels of the sequential tests."""

from __future__ import annotations

import datetime as dt
import tracemalloc
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import optimize, stats

from dashboard import detection, surveillance
from dashboard.cusum import binomial_cusum, cusum_level, usual_rate
from dashboard.maxsprt import (
    _crossing_probability,
    _least_counts,
    _mixed_step,
    binomial_critical_value,
    conditional_level,
    conditional_llr,
    grouped_conditional_level,
    grouped_poisson_critical_value,
    poisson_critical_value,
    poisson_llr,
)
from dashboard.surveillance import Series


def conditional_critical_value(past, share, alpha, least=1):
    return detection.threshold_of(lambda value: conditional_level(value, past, share, least), alpha)


#: Expected events at the end, least events, critical value at the level 0.05: Kulldorff et al. 2011
#: and Kulldorff and Silva 2017, as tabulated with the R package Sequential.
PUBLISHED = [
    (1, 1, 2.85393700), (1, 2, 2.36663824), (1, 3, 1.77421785), (2, 4, 2.00015759), (5, 1, 3.29718279),
    (10, 1, 3.46795158), (10, 4, 2.92156133), (20, 1, 3.62812302), (20, 10, 2.71713745), (50, 6, 3.31795546),
    (100, 1, 3.95232090), (100, 8, 3.43006496),
]  # fmt: skip


@pytest.mark.parametrize(("expected", "least", "value"), PUBLISHED)
def test_poisson_critical_values_are_the_published_ones(expected, least, value):
    assert_allclose(poisson_critical_value(expected, 0.05, least), value, atol=2e-6)


def test_poisson_ratio_is_that_of_the_likelihoods():
    events, expected = np.array([0, 3, 4, 9]), np.array([2.0, 3.0, 1.5, 2.5])
    raised = stats.poisson.logpmf(events, np.maximum(events, expected))
    assert_allclose(poisson_llr(events, expected), raised - stats.poisson.logpmf(events, expected), atol=1e-12)


def test_conditional_ratio_is_that_of_the_binomials():
    events, share, past = np.array([1, 5, 12]), np.array([0.5, 0.5, 1.0]), 8
    usual = share / (1 + share)
    found = np.maximum(events / (events + past), usual)
    expected = stats.binom.logpmf(events, events + past, found) - stats.binom.logpmf(events, events + past, usual)
    assert_allclose(conditional_llr(events, share, past), expected, atol=1e-12)


def test_one_look_is_the_fixed_test():
    value = grouped_poisson_critical_value([4.0], alpha=0.05)
    least = stats.poisson.isf(0.05, 4.0) + 1
    assert poisson_llr(least, 4.0) >= value > poisson_llr(least - 1, 4.0)


def test_grouped_looks_need_less_than_continuous_ones_and_more_than_one():
    groups = grouped_poisson_critical_value(np.arange(1, 11.0))
    assert grouped_poisson_critical_value([10.0]) < groups < poisson_critical_value(10)


def test_grouped_level_by_simulation():
    looks = np.array([5.0, 11, 17, 22, 30])
    value = grouped_poisson_critical_value(looks)
    rng = np.random.default_rng(1)
    counts = rng.poisson(np.diff(looks, prepend=0), (200_000, looks.size)).cumsum(axis=1)
    level = (poisson_llr(counts, np.broadcast_to(looks, counts.shape)) >= value).any(axis=1).mean()
    # The level is a step function of the value and may lie below, never above.
    assert 0.04 < level < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200_000)


@pytest.mark.parametrize(("total", "probability", "least"), [(10, 0.5, 1), (11, 0.3, 2)])
def test_binomial_level_by_counting_every_sequence(total, probability, least):
    value = binomial_critical_value(total, probability, 0.05, least)

    def level(threshold):
        found = 0.0
        for sequence in product((0, 1), repeat=total):
            cases = np.cumsum(sequence)
            n = np.arange(1, total + 1)
            with np.errstate(divide="ignore", invalid="ignore"):
                ratio = np.nan_to_num(cases * np.log(cases / n / probability)) + np.nan_to_num(
                    (n - cases) * np.log((1 - cases / n) / (1 - probability))
                )
            ratio[(cases <= n * probability) | (cases < least)] = 0
            if ratio.max() >= threshold:
                found += probability ** cases[-1] * (1 - probability) ** (total - cases[-1])
        return found

    assert level(value) <= 0.05 < level(value - 1e-5)


def test_a_long_past_makes_the_conditional_test_the_plain_one():
    assert_allclose(conditional_critical_value(1e7, 1e-6, 0.05), poisson_critical_value(10), atol=0.02)


def test_a_single_event_after_a_past_without_any():
    # With no event in the past and one allowed, the level is the chance that one comes at all.
    low = conditional_level(1e-9, 0, 0.25)
    assert_allclose(low, 0.25 / 1.25, rtol=1e-9)


def test_conditional_level_of_hundreds_of_events_follows_every_count():
    """Counts that are next to impossible are left out of it, which must not show."""
    value, past, share, least = 6.0, 1_000.0, 0.2, 3
    last = next(k for k in range(200, 1_000) if conditional_llr(k, share, past) >= value)
    times = [
        optimize.brentq(lambda t, k=k: conditional_llr(k, t, past) - value, 1e-12, k / past)
        for k in range(least, last)
    ]
    state, before = np.zeros(last), 0.0
    state[0] = 1.0
    for bound, time in zip(range(least, last + 1), [*times, share], strict=True):
        come = stats.nbinom.pmf(
            np.arange(last), (past + 1 + np.arange(last))[:, np.newaxis], (1 + before) / (1 + time)
        )
        moved = np.array([state[: k + 1] @ come[np.arange(k + 1), k - np.arange(k + 1)] for k in range(last)])
        state, before = np.where(np.arange(last) < bound, moved, 0.0), time
    assert_allclose(conditional_level(value, past, share, least), 1 - state.sum(), rtol=1e-7)


def test_the_level_of_thousands_of_events_takes_little_memory():
    """A matrix of all their counts would take hundreds of megabytes."""
    tracemalloc.start()
    try:
        level = conditional_level(5.5, 60_000, 0.1, 2)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert conditional_level(5.5, 10_000, 0.1, 2) < level < 0.05
    assert peak < 50e6


@pytest.mark.parametrize(("past", "share", "least"), [(40, 0.5, 3), (2_000.0, 0.25, 1), (3, 2.0, 9)])
def test_the_level_of_one_look_is_the_exact_conditional_test(past, share, least):
    reached = next(k for k in range(least, 2_000) if conditional_llr(k, share, past) >= 4.0)
    chance = stats.nbinom.sf(reached - 1, past + 1, 1 / (1 + share))
    assert_allclose(grouped_conditional_level(4.0, past, [share], least), chance, rtol=1e-7)


def test_the_level_of_two_looks_adds_up_what_reaches_neither():
    past, shares, value = 30, np.array([0.2, 0.5]), 3.0
    bounds = [next(k for k in range(1, 200) if conditional_llr(k, share, past) >= value) for share in shares]
    below = sum(
        stats.nbinom.pmf(first, past + 1, 1 / 1.2)
        * stats.nbinom.cdf(bounds[1] - 1 - first, past + 1 + first, 1.2 / 1.5)
        for first in range(bounds[0])
    )
    assert_allclose(grouped_conditional_level(value, past, shares), 1 - below, rtol=1e-7)


@pytest.mark.parametrize(("events", "past"), [(100, 500), (9_000, 30_000), (30_000, 90_000)])
def test_every_so_manieth_count_gives_the_level_of_all(events, past):
    """Of thirty thousand events every eighth count is followed."""
    steps = np.random.default_rng(1).uniform(0.5, 1.5, 120).cumsum()
    shares = steps / steps[-1] * events / past
    bounds = _least_counts(lambda k: conditional_llr(k, shares, past), 5.5, 3, shares.size)
    every = _mixed_step(past + 1.0, int(bounds[-1]))
    level = _crossing_probability(shares.tolist(), bounds.astype(int).tolist(), every)
    assert_allclose(grouped_conditional_level(5.5, past, shares, 3), level, rtol=1e-4)


def test_looks_must_increase():
    for shares in ([0.1, 0.1], [0.2, 0.1], []):
        with pytest.raises(ValueError, match="shares must increase"):
            grouped_conditional_level(5.0, 100, shares)


def test_where_thousands_are_expected_the_days_are_the_looks():
    """Alarms are as rare as stated, and no rarer; next to no trials are no look, and what they bring is seen at the next."""
    rng = np.random.default_rng(8)
    past, trials = 3_000, np.tile([900.0, 900, 900, 900, 900, 60, 0], 20)
    shares = np.cumsum(trials)[trials > 60] / 400_000
    value = detection.threshold_of(lambda v: grouped_conditional_level(v, past, shares, 3), 0.02)
    rates = rng.gamma(past + 1, size=20_000)[:, np.newaxis]
    counts = rng.poisson(rates * np.diff(shares, prepend=0)).cumsum(axis=1)
    alarms = (conditional_llr(counts, shares, past) >= value).any(axis=1).mean()
    assert abs(alarms - 0.02) < 4 * np.sqrt(0.02 * 0.98 / 20_000)

    usual = np.round(trials * past / 400_000)
    assert detection.maxsprt_alarm(usual, trials, past, 400_000, trials.sum(), 0.003, 3).first == -1
    risen = np.where(np.arange(trials.size) < 60, usual, np.round(trials * 2 * past / 400_000))
    risen[5] += 55
    found = detection.maxsprt_alarm(risen, trials, past, 400_000, trials.sum(), 0.003, 3)
    assert found.first == 7  # what Saturday brought, on Monday
    risen[5] -= 55
    found = detection.maxsprt_alarm(risen, trials, past, 400_000, trials.sum(), 0.003, 3)
    assert 60 <= found.first < 75
    assert trials[found.first] == 900
    assert found.p_value < 0.003
    # With as many days still to come, chance has more time to come as far.
    earlier = detection.maxsprt_alarm(risen, trials, past, 400_000, 2 * trials.sum(), 0.003, 3)
    assert earlier.p_value > 1.05 * found.p_value


@pytest.mark.parametrize("alpha", [0.04, 0.003, 1e-5])
def test_the_threshold_is_the_least_of_the_level_to_a_hundredth(alpha):
    def level(value: float) -> float:
        # Steps, as counts have.
        return float(np.exp(-np.floor(8 * value) / 8) * 3)

    threshold = detection.threshold_of(level, alpha)
    assert level(threshold) <= alpha < level(threshold - 0.03)
    assert detection.threshold_of(level, alpha, highest=1.5) == 1.5


def test_conditional_level_with_an_estimated_past_by_simulation():
    """Over pasts that vary by chance, no more alarms than the level; at every usual rate."""
    rng = np.random.default_rng(2)
    share, alpha, runs, days = 0.5, 0.05, 3_000, 90
    for mean in (2.0, 9.0):
        past = rng.poisson(mean, runs)
        values = {c: conditional_critical_value(int(c), share, alpha, 2) for c in np.unique(past)}
        counts = rng.poisson(mean * share / days, (runs, days)).cumsum(axis=1)
        shares = share * np.arange(1, days + 1) / days
        alarms = 0
        for c, row in zip(past, counts, strict=True):
            ratio = conditional_llr(row, shares, c)
            alarms += bool(((ratio >= values[c]) & (row >= 2)).any())
        assert alarms / runs <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / runs)
        assert alarms / runs > alpha / 5


def test_cusum_is_the_recursion():
    rng = np.random.default_rng(3)
    trials = rng.integers(0, 12, 60)
    events = rng.binomial(trials, 0.1)
    value, path = 0.0, []
    for x, n in zip(events, trials, strict=True):
        value = max(0.0, value + x * np.log(0.16 / 0.08) + 0 - n * np.log(1 + 0.08))
        path.append(value)
    assert_allclose(binomial_cusum(events, trials, 0.08), path, atol=1e-12)


@pytest.mark.parametrize("past_trials", [1_000, 8_000])
def test_cusum_level_by_simulation(past_trials):
    """The past's chance is part of the level: the mean over many pasts is the level stated."""
    rng = np.random.default_rng(4)
    rate, alpha, runs = 0.05, 0.02, 30_000
    trials = np.tile([12, 9, 10, 0, 11, 8, 0], 20)
    past = rng.binomial(past_trials, rate, runs)
    grid = np.unique(np.quantile(past, np.linspace(0, 1, 9)).astype(int))

    def threshold(events):
        return detection.threshold_of(lambda value: cusum_level(value, trials, events, past_trials), alpha)

    thresholds = np.interp(past, grid, [threshold(c) for c in grid])
    usual = (past + 0.5) / (past_trials + 1)
    value, highest = np.zeros(runs), np.zeros(runs)
    for n in trials:
        value = np.maximum(0, value + rng.binomial(n, rate, runs) * np.log(2) - n * np.log1p(usual))
        highest = np.maximum(highest, value)
    level = (highest >= thresholds).mean()
    assert 0.5 * alpha < level < alpha + 3 * np.sqrt(alpha / runs)


def test_cusum_level_of_one_look_is_the_binomial_tail():
    threshold = 3 * np.log(2) - 20 * np.log1p(usual_rate(50_000, 1_000_000)) - 1e-9
    assert_allclose(cusum_level(threshold, [20], 50_000, 1_000_000), stats.binom.sf(2, 20, 0.05), rtol=0.02)


def test_an_alarm_says_when_it_was_known_and_when_it_began():
    trials = np.full(100, 10.0)
    events = np.zeros(100)
    events[::2] = 1
    events[60:] = 2
    alarm = detection.cusum_alarm(events, trials, 500, 10_000, np.zeros(82), 0.003)
    assert 60 < alarm.first < 75
    assert 58 <= alarm.since <= 60
    assert alarm.p_value <= 0.003
    before = detection.cusum_alarm(events[:60], trials[:60], 500, 10_000, np.zeros(122), 0.003)
    assert (before.first, before.since) == (-1, -1)


def test_a_look_later_does_not_change_when_the_alarm_was():
    rng = np.random.default_rng(5)
    trials = np.full(120, 8.0)
    events = rng.binomial(8, np.where(np.arange(120) < 50, 0.004, 0.03)).astype(float)
    found = {
        detection.maxsprt_alarm(events[:end], trials[:end], 20, 5_000, 120 * 8.0, 0.003, 3).first
        for end in (90, 105, 120)
    }
    assert len(found) == 1
    assert 50 < found.pop() < 90


def test_fewer_events_than_asked_for_are_no_alarm():
    events, trials = np.zeros(30), np.full(30, 5.0)
    events[[2, 3]] = 1
    assert detection.maxsprt_alarm(events, trials, 0, 4_000, 900, 0.003, 2).first == 3
    assert detection.maxsprt_alarm(events, trials, 0, 4_000, 900, 0.003, 3).first == -1


def test_many_series_at_once_say_as_each_alone():
    rng = np.random.default_rng(11)
    trials = rng.poisson(9, (300, 120)).astype(float)
    events = rng.binomial(trials.astype(int), rng.choice([0.002, 0.01, 0.03], (300, 1))).astype(float)
    past_events, past_trials, alpha = rng.integers(3, 90, 300).astype(float), np.full(300, 4_000.0), 0.004
    alone = [binomial_cusum(*row, usual_rate(*past)) for *row, past in _one_by_one(events, trials, past_events)]
    assert_allclose(binomial_cusum(events, trials, usual_rate(past_events, past_trials)), alone)
    near = detection.near_maxsprt_alarm(events, trials, past_events, past_trials, alpha, 3)
    found = [
        detection.maxsprt_alarm(*row, *past, 1_200, alpha, 3)
        for *row, past in _one_by_one(events, trials, past_events)
    ]
    assert near.tolist() == [not np.isnan(alarm.p_value) for alarm in found]
    assert 0 < sum(alarm.first >= 0 for alarm in found) < near.sum() < 300
    near = detection.near_cusum_alarm(events, trials, past_events, past_trials, alpha)
    none = np.zeros(0)
    found = [
        detection.cusum_alarm(*row, *past, none, alpha) for *row, past in _one_by_one(events, trials, past_events)
    ]
    assert near.tolist() == [not np.isnan(alarm.p_value) for alarm in found]
    assert 0 < sum(alarm.first >= 0 for alarm in found) < near.sum() < 300


def _one_by_one(events, trials, past_events):
    return [(*row, (past, 4_000.0)) for *row, past in zip(events, trials, past_events.tolist(), strict=True)]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: poisson_critical_value(0), "expected must be above 0"),
        (lambda: grouped_poisson_critical_value([2, 2]), "expected must increase"),
        (lambda: binomial_critical_value(10, 1.0), "probability must be one number between 0 and 1"),
        (lambda: binomial_critical_value(-3, 0.5), "total must not be below 1"),
        (lambda: binomial_critical_value(2.5, 0.5), "total must hold whole numbers only"),
        (lambda: poisson_critical_value(5, alpha=1.5), "alpha must be one number between 0 and 1"),
        (lambda: poisson_critical_value(5, least_events=0), "least_events must not be below 1"),
        (lambda: poisson_critical_value(5, least_events=2.5), "least_events must hold whole numbers only"),
        (lambda: grouped_poisson_critical_value([1, 2], least_events=0), "least_events must not be below 1"),
        (lambda: conditional_level(3, 10, 1, least_events=2.5), "least_events must hold whole numbers only"),
        (lambda: conditional_level(np.nan, 10, 1), "value must not be missing"),
        (lambda: conditional_level(np.inf, 10, 1), "value must be finite"),
        (lambda: grouped_conditional_level(np.nan, 10, [0.5, 1]), "value must not be missing"),
        (lambda: grouped_conditional_level(3, 10, [0.5, 1], -2), "least_events must not be below 1"),
        (lambda: binomial_cusum([3], [2], 0.1), "events must not be above trials"),
        (lambda: binomial_cusum([[1]], [[2]], 0.1), "series of one length"),
        (lambda: binomial_cusum([1], [2], 0.0), "rate must lie between 0 and 1"),
        (lambda: binomial_cusum([1], [2], 0.5, np.nan), "ratio must not be missing"),
        (lambda: cusum_level(3, [10.5, 10], 5, 100), "trials must hold whole numbers only"),
        (lambda: cusum_level(3, [10, 10], 500, 100), "past_events must not be above past_trials"),
        (lambda: detection.maxsprt_alarm([3], [2], 50, 100, 50, 0.01), "events must not be above trials"),
        (lambda: detection.maxsprt_alarm([1, 2], [10] * 5, 1, 100, 50, 0.01), "trials has shape"),
        (lambda: detection.maxsprt_alarm([1], [10], 50, 10, 50, 0.01), "past_events must not be above past_trials"),
        (lambda: detection.maxsprt_alarm([1], [10], 1, 100, 50, 0), "alpha must be one number between 0 and 1"),
        (lambda: detection.maxsprt_alarm([3], [10], 1, 1000, np.nan, 0.01), "planned must not be missing"),
        (lambda: detection.cusum_alarm([5], [10], 20, 10, [], 0.01), "past_events must not be above past_trials"),
        (lambda: detection.cusum_alarm([5], [10], 1, 10, [], 1.5), "alpha must be one number between 0 and 1"),
        (lambda: detection.threshold_of(lambda value: np.exp(-value), 0), "alpha must be one number between"),
        (lambda: detection.alpha_for(1, 0, 2), "series must not be below 1"),
        (lambda: detection.alpha_for(1, np.nan, 2), "series must not be missing"),
        (lambda: detection.alpha_for(-1, 10, 2), "false_alarms_a_year must not be below 0"),
        (lambda: detection.alpha_for(1, 10, 0), "periods_a_year must be above 0"),
    ],
)
def test_input_that_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_budget_is_what_is_expected():
    alpha = detection.alpha_for(1.0, 187, 2)
    assert_allclose(detection.expected_false_alarms(187, alpha, 2), 1.0)
    assert detection.alpha_for(1.0, 3, 2) == detection.MOST_ALPHA


# --- a group of clinics without any change ---------------------------------------------------

FIRST, LAST = dt.date(2023, 1, 1), dt.date(2026, 6, 30)
#: Half-years with a past of 180 days: from July 2023 on.
YEARS = 3.0


def unchanged(rng, sites=3):
    """Three and a half years of series as the demo has them, of all rates, alike over time."""
    days = (LAST - FIRST).days + 1
    for site in range(sites):
        trials = rng.poisson(12, days).astype(float) * (np.arange(days) % 7 != 6)
        for effect, rate in enumerate((0.1, 0.07, 0.045, 0.03, 0.01, 0.006, 0.001, 0.0003)):
            events = rng.binomial(trials.astype(int), rate).astype(float)
            yield Series(f"s{site}", f"e{effect}", "ketamine", "", "", events, trials, trials, small=False)


def alarms(runs, seed):
    rng = np.random.default_rng(seed)
    rows = [row for _ in range(runs) for row in surveillance.watch(list(unchanged(rng)), FIRST, LAST, every=True)]
    return sum(bool(row["alarm"]) for row in rows)


def test_without_a_change_there_are_no_more_alarms_than_stated():
    stated = 6 * YEARS * surveillance.FALSE_ALARMS_A_YEAR
    found = alarms(6, seed=6)
    assert found <= stats.poisson.ppf(0.999, stated)
    # Nor so few that the levels would be kept by never saying anything.
    assert found >= stated / 6


@pytest.mark.bench
def test_many_years_without_a_change():
    stated = 200 * YEARS * surveillance.FALSE_ALARMS_A_YEAR
    found = alarms(200, seed=7)
    print(f"\nfalse alarms in 600 years without a change: {found}, stated at most {stated:.0f}: {found / stated:.2f}")
    assert found <= stats.poisson.ppf(0.999, stated)
