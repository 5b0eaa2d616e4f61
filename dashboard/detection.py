"""Tests of a rate against its own past that stay valid however often they are looked at.

Two methods, both one-sided, since a rise is what harms. MaxSPRT accumulates from the start of a
period and suits uncommon and rare events; the binomial CUSUM forgets and suits common ones, whose
change may begin late in a period. Both are calibrated for the whole period at once: `alpha` is the
probability of any alarm in it, if nothing changes, with a look after every event or every day. To
look more seldom, once an extract, can only make alarms rarer, so the levels hold for any rhythm.

The past is not known but estimated. Its uncertainty is part of the calibration: `past_events` in
`past_trials` give the rate the distribution whose quantiles are the exact (Garwood, Clopper and
Pearson) upper limits, with one event more than was seen, and levels are means over it.

Events and trials are counts (infusions with an effect, infusions); ratios are relative rates, log
likelihood ratios natural logarithms. Input that cannot be raises ValueError, which names the argument.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from dashboard.rates import FloatArray, Number, numeric

#: The odds ratio that the CUSUM is made to find soonest: a doubling.
CUSUM_RATIO = 2.0
_CUSUM_STATES = 80
_RATE_NODES = 11
_PRECISION = 1e-7
#: How a count moves on: (counts before, counts after, time before, time after) -> probabilities,
#: one row a count before.
_Step = Callable[[int, int, float, float], FloatArray]


class Alarm(NamedTuple):
    """What one series says in one period.

    Attributes:
        first: number of the look at which the threshold was reached, -1 for never.
        since: number of the look at which the rise probably began (after the last zero of the
            CUSUM up to the alarm), -1 without an alarm.
        p_value: probability that a period without a change comes as far as this one has. At most
            alpha where there is an alarm, NaN where it has come nowhere near one.
    """

    first: int
    since: int
    p_value: float


def poisson_llr(events: ArrayLike, expected: ArrayLike) -> Number:
    """Log likelihood ratio of a raised Poisson mean, 0 where events are not above expected.

    expected - events + events * log(events / expected). Source: Kulldorff et al. 2011, Sequential
    Analysis 30:58-78, formula 1.
    """
    x, mean = numeric("events", events, minimum=0), numeric("expected", expected, minimum=0)
    ratio = mean - x + special.xlogy(x, x) - special.xlogy(x, mean)
    return np.where(x > mean, ratio, 0.0)[()]


def conditional_llr(events: ArrayLike, share: ArrayLike, past_events: float) -> Number:
    """Log likelihood ratio of a rate above that of the past, 0 where it is not.

    Args:
        events: number seen in the period so far.
        share: exposure of the period so far over that of the past.
        past_events: number seen in the past.

    Given the sum of both, the period's events are binomial with share / (1 + share) if nothing
    has changed. Source: Li and Kulldorff 2010, Statistics in Medicine 29:284-295.
    """
    x, ratio = numeric("events", events, minimum=0), numeric("share", share, minimum=0)
    past = float(numeric("past_events", past_events, minimum=0))
    total, usual = x + past, ratio / (1 + ratio)
    value = (
        special.xlogy(x, x) + special.xlogy(past, past) - special.xlogy(total, total)
        - special.xlogy(x, usual) - special.xlogy(past, 1 - usual)
    )  # fmt: skip
    return np.where(x > past * ratio, value, 0.0)[()]


def poisson_critical_value(expected: float, alpha: float = 0.05, least_events: int = 1) -> float:
    """Critical value of the Poisson MaxSPRT whose surveillance ends at `expected` events.

    The usual rate is taken as known, and the look is continuous. Source: Kulldorff et al. 2011,
    tables 1 and 2; Kulldorff and Silva 2015, REVSTAT 13:227-241 (`least_events`).
    """
    end = float(_positive("expected", expected))

    def crossing(value: float) -> float:
        return _crossing_probability(*_signal_times(poisson_llr, value, end, least_events), _poisson_step)

    return _critical_value(crossing, alpha)


def grouped_poisson_critical_value(expected: ArrayLike, alpha: float = 0.05, least_events: int = 1) -> float:
    """The same for looks only at these cumulative expected numbers of events, increasing.

    The smallest value of which the level is at most alpha; counts are whole, so that it may be
    below. Source: Silva and Kulldorff 2015, Communications in Statistics 44:1-14 (group sequential).
    """
    looks = np.atleast_1d(numeric("expected", expected, minimum=0))
    if looks.size == 0 or (np.diff(looks, prepend=0) <= 0).any():
        raise ValueError("expected must increase from look to look")

    most = int(looks[-1] + 20 * np.sqrt(looks[-1]) + 50)

    def crossing(value: float) -> float:
        bounds = [_least_count(lambda k, t=t: poisson_llr(k, t), value, least_events, most) for t in looks]
        return _crossing_probability(looks.tolist(), bounds, _poisson_step)

    return _critical_value(crossing, alpha)


def binomial_critical_value(total: int, probability: float, alpha: float = 0.05, least_events: int = 1) -> float:
    """Critical value of the binomial MaxSPRT that ends with `total` events of both groups.

    Args:
        total: events of exposed and comparison together at which surveillance ends.
        probability: that an event is one of the exposed, if nothing differs.
        alpha: the level.
        least_events: exposed events before which nothing is said.

    The smallest value of which the level is at most alpha. Source: Kulldorff et al. 2011, section 4.
    """
    p = float(_positive("probability", probability))
    if p >= 1:
        raise ValueError("probability must be below 1")

    def llr(k: FloatArray, n: int) -> FloatArray:
        value = special.xlogy(k, k / n / p) + special.xlogy(n - k, (1 - k / n) / (1 - p))
        return np.where(k > n * p, value, 0.0)

    def step(rows: int, columns: int, _start: float, _end: float) -> FloatArray:
        return np.eye(rows, columns) * (1 - p) + np.eye(rows, columns, 1) * p

    def crossing(value: float) -> float:
        looks = range(1, total + 1)
        bounds = [_least_count(lambda k, n=n: llr(k, n), value, least_events, n) for n in looks]
        return _crossing_probability([float(n) for n in looks], bounds, step)

    return _critical_value(crossing, alpha)


def conditional_level(value: float, past_events: float, share: float, least_events: int = 1) -> float:
    """Probability that an unchanged rate reaches the critical value before the period's end.

    Args:
        value: of `conditional_llr`.
        past_events: number seen in the past.
        share: exposure of the whole period over that of the past.
        least_events: of the period, before which nothing is said.

    At a single look this is the exact conditional test of two Poisson rates (Przyborowski and
    Wilenski 1940); over looks, the conditional MaxSPRT of Li and Kulldorff 2010 with one event more
    in the past, since here the exposure of the past was given and its events were not.
    """
    past, end = float(numeric("past_events", past_events, minimum=0)), float(_positive("share", share))
    times, counts = _signal_times(lambda k, t: conditional_llr(k, t, past), value, end, least_events)
    return _crossing_probability(times, counts, _mixed_step(past + 1, counts[-1]))


def conditional_critical_value(past_events: float, share: float, alpha: float, least_events: int = 1) -> float:
    """The critical value at which `conditional_level` is alpha."""
    return _critical_value(lambda value: conditional_level(value, past_events, share, least_events), alpha)


def binomial_cusum(events: ArrayLike, trials: ArrayLike, rate: float, ratio: float = CUSUM_RATIO) -> FloatArray:
    """Upper CUSUM of log likelihood ratios after each look; starts at 0 and never goes below.

    Args:
        events: by look.
        trials: by look.
        rate: the usual proportion, 0..1.
        ratio: the odds ratio to find.

    Source: Steiner et al. 2000, Biostatistics 1:441-452 (without risk adjustment).
    """
    x, n = numeric("events", events, minimum=0), numeric("trials", trials, minimum=0)
    if x.shape != n.shape or x.ndim != 1:
        raise ValueError("events and trials must be series of one length")
    if (x > n).any():
        raise ValueError("events must not be above trials")
    up, down = _cusum_weights(rate, ratio)
    steps = np.cumsum(x * up - n * down)
    # The CUSUM is how far the sum is above its lowest point so far.
    return np.asarray(steps - np.minimum(np.minimum.accumulate(steps), 0.0))


def cusum_level(
    threshold: float, trials: ArrayLike, past_events: float, past_trials: float, ratio: float = CUSUM_RATIO
) -> float:
    """Probability that the CUSUM of an unchanged rate reaches the threshold at one of the looks.

    Args:
        threshold: of `binomial_cusum` at the past's rate.
        trials: by look, the whole period through.
        past_events: number seen in the past.
        past_trials: those it was seen in.
        ratio: as in `binomial_cusum`.

    A Markov chain on a grid, a step between two cells being shared among both; the mean over the
    distribution of the rate. Source: Brook and Evans 1972, Biometrika 59:539-549.
    """
    looks = numeric("trials", trials, minimum=0)
    top = float(_positive("threshold", threshold))
    up, down = _cusum_weights(usual_rate(past_events, past_trials), ratio)
    quantiles = (np.arange(_RATE_NODES) + 0.5) / _RATE_NODES
    nodes = stats.beta.ppf(quantiles, past_events + 1, max(past_trials - past_events, 1.0))[:, np.newaxis]
    chain = np.zeros((_RATE_NODES, 1, _CUSUM_STATES))
    chain[:, 0, 0] = 1
    moves = {}
    for count in looks[looks > 0]:
        if count not in moves:
            most = int(min(count, np.ceil((top + count * down) / up)))
            steps = (np.arange(most + 1) * up - count * down) / top * _CUSUM_STATES
            moves[count] = _cusum_moves(steps, stats.binom.pmf(np.arange(most + 1), count, nodes))
        chain = chain @ moves[count]
    return float(1 - chain.sum(axis=2).mean())


def _cusum_moves(steps: FloatArray, chances: FloatArray) -> FloatArray:
    """From each cell of the grid to each, by rate: (rates, cells, cells); a row lacks what crosses the top.

    Args:
        steps: how many cells each number of events moves the CUSUM, shared among the two nearest.
        chances: of each number of events, by rate.
    """
    size = _CUSUM_STATES
    whole = np.floor(steps).astype(int)
    by_shift = np.zeros((chances.shape[0], 2 * size - 1))
    for number, (shift, part) in enumerate(zip(whole, steps - whole, strict=True)):
        for to, share in ((shift, 1 - part), (shift + 1, part)):
            if to < size:
                by_shift[:, max(to, 1 - size) + size - 1] += share * chances[:, number]
    moves = np.array(np.lib.stride_tricks.sliding_window_view(by_shift, size, axis=1)[:, ::-1])
    # Whatever would fall below 0 stays at 0.
    moves[:, :, 0] = np.cumsum(by_shift, axis=1)[:, size - 1 :: -1]
    return moves


def cusum_threshold(
    trials: ArrayLike, past_events: float, past_trials: float, alpha: float, ratio: float = CUSUM_RATIO
) -> float:
    """The threshold at which `cusum_level` is alpha."""
    return _critical_value(
        lambda value: cusum_level(value, trials, past_events, past_trials, ratio), alpha, precision=0.005
    )


def maxsprt_alarm(
    events: ArrayLike, trials: ArrayLike, past_events: float, past_trials: float, planned: float, alpha: float,
    least_events: int = 1,
) -> Alarm:  # fmt: skip
    """The conditional MaxSPRT of one period, look by look.

    Args:
        events: by look.
        trials: by look.
        past_events: number seen in the past.
        past_trials: those it was seen in.
        planned: trials of the whole period, those still to come among them.
        alpha: probability of an alarm in the whole period, if nothing changes.
        least_events: of the period, before which nothing is said.
    """
    x, n = numeric("events", events, minimum=0), numeric("trials", trials, minimum=0)
    reached = np.cumsum(x)
    llr = np.asarray(conditional_llr(reached, np.cumsum(n) / _positive("past_trials", past_trials), past_events))
    llr = np.where(reached >= least_events, llr, 0.0)
    share = max(planned, float(n.sum())) / past_trials
    level = lambda value: conditional_level(value, past_events, share, least_events)  # noqa: E731
    return _alarm(x, n, llr, _least_value(alpha), level, alpha, usual_rate(past_events, past_trials))


def cusum_alarm(
    events: ArrayLike, trials: ArrayLike, past_events: float, past_trials: float, to_come: ArrayLike, alpha: float
) -> Alarm:
    """The CUSUM of one period, look by look.

    Args:
        events: by look.
        trials: by look.
        past_events: number seen in the past.
        past_trials: those it was seen in.
        to_come: trials by look, of those still to come.
        alpha: probability of an alarm in the whole period, if nothing changes.
    """
    x, n = numeric("events", events, minimum=0), numeric("trials", trials, minimum=0)
    rate = usual_rate(past_events, past_trials)
    path = binomial_cusum(x, n, rate)
    looks = np.concatenate([n, numeric("to_come", to_come, minimum=0)])
    level = lambda value: cusum_level(value, looks, past_events, past_trials)  # noqa: E731
    return _alarm(x, n, path, _least_value(alpha), level, alpha, rate)


def usual_rate(past_events: float, past_trials: float) -> float:
    """The past's proportion with half an event added to both sides, so that it is never 0 or 1."""
    return (past_events + 0.5) / (past_trials + 1)


def expected_false_alarms(series: int, alpha: float, periods_a_year: float) -> float:
    """The number of false alarms a year to expect at most, if nothing changes anywhere.

    A mean adds up whether or not the series depend on each other, as those of one site do.
    """
    return series * alpha * periods_a_year


def alpha_for(false_alarms_a_year: float, series: int, periods_a_year: float) -> float:
    """The level of each series' period that keeps the year's false alarms at the number given."""
    if series < 1:
        raise ValueError("series must be at least 1")
    return min(false_alarms_a_year / (series * periods_a_year), 0.5)


def _alarm(
    events: FloatArray, trials: FloatArray, path: FloatArray, least: float, level: Callable[[float], float],
    alpha: float, rate: float,
) -> Alarm:  # fmt: skip
    highest = float(path.max(initial=0.0))
    # Below `least` no threshold of this level can lie, and the costly calculation is spared.
    if highest < least:
        return Alarm(-1, -1, float("nan"))
    p_value = level(highest)
    if p_value > alpha:
        return Alarm(-1, -1, p_value)
    threshold = _threshold_between(least, highest, level, alpha)
    first = int(np.argmax(path >= threshold))
    zeros = np.flatnonzero(binomial_cusum(events[: first + 1], trials[: first + 1], rate) == 0)
    return Alarm(first, int(zeros[-1]) + 1 if zeros.size else 0, p_value)


def _threshold_between(least: float, highest: float, level: Callable[[float], float], alpha: float) -> float:
    """The threshold of this level, which lies below `highest`; its logarithm is nearly straight."""

    def excess(value: float) -> float:
        return float(np.log(max(level(value), 1e-12) / alpha))

    if excess(least) <= 0:
        return least
    if excess(highest) >= 0:
        return highest
    return min(float(optimize.brentq(excess, least, highest, xtol=0.01)) + 0.01, highest)


def _least_value(alpha: float) -> float:
    """What every threshold of this level exceeds: that of a single look, less an overshoot."""
    return max(float(-np.log(alpha)) - 1.0, 0.0)


def _cusum_weights(rate: float, ratio: float) -> tuple[float, float]:
    """What an event adds to the CUSUM, and what each trial takes off."""
    if not 0 < rate < 1:
        raise ValueError("rate must lie between 0 and 1")
    if ratio <= 1:
        raise ValueError("ratio must be above 1")
    return float(np.log(ratio)), float(np.log1p(rate * (ratio - 1)))


def _positive(name: str, value: ArrayLike) -> FloatArray:
    array = numeric(name, value, minimum=0)
    if not (array > 0).all():
        raise ValueError(f"{name} must be above 0")
    return array


def _least_count(llr: Callable[[FloatArray], Number], value: float, least: int, most: int) -> int:
    """The fewest events, up to `most`, that reach the critical value; one more than `most` for none."""
    counts = np.arange(least, most + 1, dtype=np.float64)
    reached = np.flatnonzero(llr(counts) >= value)
    return least + int(reached[0]) if reached.size else most + 1


def _signal_times(
    llr: Callable[[ArrayLike, ArrayLike], Number], value: float, end: float, least: int
) -> tuple[list[float], list[int]]:
    """Up to when the k-th event is an alarm, for k from `least` on, until the end; and those k."""
    most = 2 * least + 8
    while llr(float(most), end) < value:
        most *= 2
    last = _least_count(lambda k: llr(k, end), value, least, most)
    counts = np.arange(least, last, dtype=np.float64)
    # The ratio falls from without bound to 0 as time passes: halved until it is found.
    low, high = np.full(counts.size, np.log(end) - 60), np.full(counts.size, np.log(end))
    for _ in range(60):
        middle = (low + high) / 2
        above = llr(counts, np.exp(middle)) > value
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return [*np.exp(low).tolist(), end], [*map(int, counts), last]


def _crossing_probability(times: list[float], bounds: list[int], step: _Step) -> float:
    """Probability that the count is at or above its bound at one of the times."""
    state, before = np.ones(1), 0.0
    for time, bound in zip(times, bounds, strict=True):
        # What a step brings to the bound and beyond is not in its columns: it has crossed.
        state = state @ step(state.size, bound, before, time)
        before = time
    return float(1 - state.sum())


def _gaps(rows: int, columns: int) -> FloatArray:
    """How many events lie between each count (row) and each later one (column); below 0 for none."""
    return np.subtract.outer(np.arange(columns, dtype=np.float64), np.arange(rows)).T


def _poisson_step(rows: int, columns: int, start: float, end: float) -> FloatArray:
    return np.asarray(stats.poisson.pmf(_gaps(rows, columns), end - start))


def _mixed_step(shape: float, most: int) -> _Step:
    """Steps of a Poisson count whose rate has a gamma distribution, updated by what was counted."""
    gaps = _gaps(most + 1, most + 1)
    events, later = np.maximum(gaps, 0), special.gammaln(shape + np.arange(most + 1))
    ways = np.where(gaps < 0, -np.inf, later - later[:, np.newaxis] - special.gammaln(events + 1))
    before = (shape + np.arange(most + 1))[:, np.newaxis]

    def step(rows: int, columns: int, start: float, end: float) -> FloatArray:
        stay = np.log1p(start) - np.log1p(end)
        come = np.log(-np.expm1(stay)) if end > start else -np.inf
        part = ways[:rows, :columns] + before[:rows] * stay
        return np.exp(part + np.where(events[:rows, :columns] > 0, events[:rows, :columns] * come, 0.0))

    return step


def _critical_value(level: Callable[[float], float], alpha: float, precision: float = _PRECISION) -> float:
    """The smallest value, to the precision given, of which the level is at most alpha."""
    if not 0 < alpha < 1:
        raise ValueError("alpha must lie between 0 and 1")
    low, high = 0.0, 4.0
    while level(high) > alpha:
        low, high = high, 2 * high
    while high - low > precision:
        middle = (low + high) / 2
        low, high = (low, middle) if level(middle) <= alpha else (middle, high)
    return high
