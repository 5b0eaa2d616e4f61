"""MaxSPRT: the maximised sequential probability ratio test, with critical values worked out exactly.

Events are counts, exposures in any unit, critical values natural logarithms of likelihood ratios.
All tests are one-sided, for a rise. A level holds for looks after every event, and so for any
rarer ones. Input that cannot be raises ValueError, which names the argument.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from dashboard.arguments import FloatArray, Number, between_0_and_1, numeric, positive, whole
from dashboard.spc import IntArray

_PRECISION = 1e-7
#: What is less probable is left out: of thousands of counts it adds up to nothing that a level shows.
_NOTHING = 1e-20
#: Followed counts are at most so small a part of a standard deviation apart: of what comes between two looks, of all.
_CLOSE, _SMOOTH = 4, 24
#: Of the last three values.
_ENDING = np.array([0.0, 0, 1])
#: How a count moves on: (counts before, most that come, time before, time after) -> probabilities, one row a
#: count before or one for all, one column a number that comes.
_Step = Callable[[FloatArray, int, float, float], FloatArray]


def poisson_llr(events: ArrayLike, expected: ArrayLike) -> Number:
    """Log likelihood ratio of a raised Poisson mean, 0 where events are not above expected.

    expected - events + events * log(events / expected). Source: Kulldorff et al. 2011, Sequential
    Analysis 30:58-78, formula 1.
    """
    x, mean = numeric("events", events, minimum=0), numeric("expected", expected, minimum=0)
    ratio = mean - x + special.xlogy(x, x) - special.xlogy(x, mean)
    return np.where(x > mean, ratio, 0.0)[()]


def conditional_llr(events: ArrayLike, share: ArrayLike, past_events: ArrayLike) -> Number:
    """Log likelihood ratio of a rate above that of the past, 0 where it is not.

    Args:
        events: number seen in the period so far.
        share: exposure of the period so far over that of the past.
        past_events: number seen in the past.

    Given the sum of both, the period's events are binomial with share / (1 + share) if nothing
    has changed. Source: Li and Kulldorff 2010, Statistics in Medicine 29:284-295.
    """
    x, ratio = numeric("events", events, minimum=0), numeric("share", share, minimum=0)
    past = numeric("past_events", past_events, minimum=0)
    total, usual = x + past, ratio / (1 + ratio)
    value = (
        special.xlogy(x, x) + special.xlogy(past, past) - special.xlogy(total, total)
        - special.xlogy(x, usual) - special.xlogy(past, 1 - usual)
    )  # fmt: skip
    return np.where(x > past * ratio, value, 0.0)[()]


def poisson_critical_value(expected: float, alpha: float = 0.05, least_events: int = 1) -> float:
    """Critical value of the Poisson MaxSPRT whose surveillance ends at `expected` events.

    The usual rate is taken as known, and the look is continuous. Source: Kulldorff et al. 2011,
    tables 1 and 2; Kulldorff and Silva 2017, REVSTAT 15:373-394 (`least_events`).
    """
    end, least_events = float(positive("expected", expected)), _least(least_events)

    def crossing(value: float) -> float:
        return _crossing_probability(*_signal_times(poisson_llr, value, end, least_events), _poisson_step)

    return _critical_value(crossing, alpha)


def grouped_poisson_critical_value(expected: ArrayLike, alpha: float = 0.05, least_events: int = 1) -> float:
    """The same for looks only at these cumulative expected numbers of events, increasing.

    The smallest value of which the level is at most alpha; counts are whole, so that it may be
    below. Source: Silva and Kulldorff 2015, Biometrics 71:851-858.
    """
    looks = np.atleast_1d(numeric("expected", expected, minimum=0))
    if looks.size == 0 or (np.diff(looks, prepend=0) <= 0).any():
        raise ValueError("expected must increase from look to look")

    least_events = _least(least_events)
    most = int(looks[-1] + 20 * np.sqrt(looks[-1]) + 50)

    def crossing(value: float) -> float:
        bounds = [_least_count(partial(poisson_llr, expected=t), value, least_events, most) for t in looks]
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
    p, least_events = between_0_and_1("probability", probability), _least(least_events)
    total = int(whole("total", total, minimum=1))

    def llr(k: FloatArray, n: int) -> FloatArray:
        value = special.xlogy(k, k / n / p) + special.xlogy(n - k, (1 - k / n) / (1 - p))
        return np.where(k > n * p, value, 0.0)

    def step(_counts: FloatArray, most: int, _start: float, _end: float) -> FloatArray:
        return np.array([[1 - p, p]])[:, : most + 1]

    def crossing(value: float) -> float:
        looks = range(1, total + 1)
        bounds = [_least_count(partial(llr, n=n), value, least_events, n) for n in looks]
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
    past, end = float(numeric("past_events", past_events, minimum=0)), float(positive("share", share))
    value, least_events = float(numeric("value", value, minimum=0)), _least(least_events)
    times, counts = _signal_times(lambda k, t: conditional_llr(k, t, past), value, end, least_events)
    return _crossing_probability(times, counts, _mixed_step(past + 1, counts[-1]))


def grouped_conditional_level(value: float, past_events: float, shares: ArrayLike, least_events: int = 1) -> float:
    """The same for looks only at these cumulative exposures over that of the past, increasing.

    Takes about as long for a million events as for ten thousand: where counts spread over hundreds, every so-manieth
    is followed, at most a quarter of the standard deviation of what comes between two looks apart.
    """
    past, looks = float(numeric("past_events", past_events, minimum=0)), numeric("shares", shares, minimum=0)
    if looks.size == 0 or (np.diff(looks, prepend=0) <= 0).any():
        raise ValueError("shares must increase from look to look")
    value, least_events = float(numeric("value", value, minimum=0)), _least(least_events)
    bounds = _least_counts(lambda k: conditional_llr(k, looks, past), value, least_events, looks.size)
    return _mixed_crossing_probability(looks, bounds, past + 1)


def _least(events: int) -> int:
    # Before any event there is nothing to say: with none as the least, every level would be 1.
    return int(whole("least_events", events, minimum=1))


def _least_counts(llr: Callable[[FloatArray], Number], value: float, least: int, looks: int) -> FloatArray:
    """The fewest events that reach the critical value at each look, found by halving: the ratio rises with them."""
    low, high = np.full(looks, least - 1.0), np.full(looks, 2.0 * least + 8)
    while (short := llr(high) < value).any():
        high = np.where(short, 2 * high, high)
    while (high - low > 1).any():
        middle = np.floor((low + high) / 2)
        reached = llr(middle) >= value
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return high


def _mixed_crossing_probability(times: FloatArray, bounds: FloatArray, shape: float) -> float:
    """As `_crossing_probability` of `_mixed_step`, of every so-manieth count where that is enough.

    What is kept is the probability of each of these counts alone: of smooth values every so-manieth gives the sum,
    but at the bound.
    """
    widest = np.sqrt(shape * np.diff(times, prepend=0).min()) / _CLOSE
    spacing, first, state, weights, before = 1, 0, np.ones(1), np.ones(1), 0.0
    for time, bound in zip(times.tolist(), bounds.tolist(), strict=True):
        gaps, coming = _mixed_kernel(first, state.size, spacing, shape, (before, time))
        after = np.zeros(state.size + gaps.size - 1)
        kept = state * weights
        for gap, probabilities in enumerate(coming):
            after[gap : gap + state.size] += kept * probabilities
        first, before = first + int(gaps[0]), time
        after = after[: max(int(np.ceil(bound / spacing)) - first, 0)]
        probable = np.flatnonzero(after * spacing > _NOTHING)
        if not probable.size:
            return 1.0
        cut = int(probable[-1]) == after.size - 1
        state, first = after[probable[0] : probable[-1] + 1], first + int(probable[0])
        while 2 * spacing <= min(widest, np.sqrt(shape * time) / _SMOOTH):
            state, first, spacing = state[first % 2 :: 2], (first + 1) // 2, 2 * spacing
        weights = np.full(state.size, float(spacing))
        if cut and state.size >= _ENDING.size:
            weights[-_ENDING.size :] += _ending(bound - 0.5 - (first + state.size - 1) * spacing, spacing)
    return max(float(1 - (state * weights).sum()), 0.0)


def _mixed_kernel(
    first: int, size: int, spacing: int, shape: float, times: tuple[float, float]
) -> tuple[IntArray, FloatArray]:
    """What comes between two times, as multiples of the spacing; and their probabilities, one row each."""
    (start, end), places = times, np.arange(first, first + size)
    counts = places * float(spacing)
    means = (shape + counts[[0, -1]]) * (end - start) / (1 + start)
    spread = 12 * np.sqrt(means[1] * (1 + end) / (1 + start)) + 40
    gaps = np.arange(max(int((means[0] - spread) // spacing), 0), int((means[1] + spread) // spacing) + 1)
    reached = np.arange(first + gaps[0], first + size + gaps[-1]) * float(spacing)
    later = np.lib.stride_tricks.sliding_window_view(special.gammaln(shape + reached), size)
    by_count = (shape + counts) * (np.log1p(start) - np.log1p(end)) - special.gammaln(shape + counts)
    by_gap = gaps * spacing * np.log((end - start) / (1 + end)) - special.gammaln(gaps * float(spacing) + 1)
    return gaps, np.exp(later + by_count + by_gap[:, np.newaxis])


def _ending(rest: float, spacing: int) -> FloatArray:
    """What the weights of the last values before a bound have more than those within.

    The sum over all counts up to the bound, which is `rest` beyond the last value, from values so far apart: by
    Euler and Maclaurin's formula with the slope and the bend of a parabola through the last three. Nothing where
    every count has a value.
    """
    slope = rest**2 / 2 - spacing**2 / 12 - 1 / 24
    bend = rest**3 / 6 - rest / 24
    found = (rest - spacing / 2) * _ENDING + slope / (2 * spacing) * np.array([1.0, -4, 3])
    return np.asarray(found + bend / spacing**2 * np.array([1.0, -2, 1]))


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
    """Probability that the count is at or above its bound at one of the times.

    Of the counts below the bound those that are probable at all are followed: thousands of events are
    counted within a few hundred of their mean, and of one to the next few come.
    """
    first, state, before = 0, np.ones(1), 0.0
    for time, bound in zip(times, bounds, strict=True):
        # What comes to the bound and beyond has crossed.
        coming = step(np.arange(first, first + state.size, dtype=np.float64), bound - 1 - first, before, time)
        after = np.zeros(min(bound - first, state.size + coming.shape[1] - 1))
        for gap, probability in enumerate(coming.T):
            part = state[: after.size - gap] * probability[: after.size - gap]
            after[gap : gap + part.size] += part
        probable = np.flatnonzero(after > _NOTHING)
        if not probable.size:
            return 1.0
        state, first = after[probable[0] : probable[-1] + 1], first + int(probable[0])
        before = time
    return max(float(1 - state.sum()), 0.0)


def _enough(beyond: Callable[[int], float], most: int) -> int:
    """A number, up to `most`, beyond which next to nothing comes."""
    number = 16
    while number < most and beyond(number) > _NOTHING:
        number *= 2
    return min(number, most)


def _poisson_step(_counts: FloatArray, most: int, start: float, end: float) -> FloatArray:
    mean = end - start
    enough = _enough(lambda number: float(special.gammainc(number + 1, mean)), most)
    return np.asarray(stats.poisson.pmf(np.arange(enough + 1), mean))[np.newaxis]


def _mixed_step(shape: float, highest: int) -> _Step:
    """Steps of a Poisson count whose rate has a gamma distribution, updated by what was counted."""
    later, ways = special.gammaln(shape + np.arange(highest + 1)), special.gammaln(np.arange(highest + 1) + 1.0)

    def step(counts: FloatArray, most: int, start: float, end: float) -> FloatArray:
        stay = np.log1p(start) - np.log1p(end)
        if end <= start:
            return np.ones((1, 1))
        share = -np.expm1(stay)
        # The highest count brings most.
        enough = _enough(lambda number: float(special.betainc(number + 1, shape + counts[-1], share)), most)
        gaps = np.arange(enough + 1)
        whole = counts.astype(int)[:, np.newaxis]
        # What would come beyond the highest count has crossed and is not looked at.
        part: FloatArray = later[np.minimum(whole + gaps, highest)] - later[whole] - ways[gaps]
        part += ((shape + counts) * stay)[:, np.newaxis] + gaps * np.log(share)
        return np.exp(part)

    return step


def _critical_value(level: Callable[[float], float], alpha: float) -> float:
    """The smallest value, to seven places, of which the level is at most alpha."""
    most, low, high = between_0_and_1("alpha", alpha), 0.0, 4.0
    while level(high) > most:
        low, high = high, 2 * high
    while high - low > _PRECISION:
        middle = (low + high) / 2
        low, high = (low, middle) if level(middle) <= most else (middle, high)
    return high
