"""Tests of a rate against its own past that stay valid however often they are looked at.

Two methods, both one-sided, since a rise is what harms. MaxSPRT accumulates from the start of a
period and suits uncommon and rare events; the binomial CUSUM forgets and suits common ones, whose
change may begin late in a period. Both are calibrated for the whole period at once: `alpha` is the
probability of any alarm in it, if nothing changes, with a look after every event or every day. To
look more seldom, once an extract, can only make alarms rarer, so the levels hold for any rhythm.

The past is not known but estimated. Its uncertainty is part of the calibration: the past's events
among its trials give the rate the distribution whose quantiles are the exact (Garwood, Clopper and
Pearson) upper limits, with one event more than was seen, and levels are means over it.

Trials of one patient are no independent ones. `design` is the design effect, how many times as large
the variance of events is: events and trials are divided by it, after Rao and Scott 1992.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize

from dashboard.arguments import FloatArray, between_0_and_1, numeric, one_shape, positive, whole
from dashboard.cusum import binomial_cusum, counted, cusum_level, usual_rate
from dashboard.maxsprt import conditional_level, conditional_llr, grouped_conditional_level

#: Of a period that is expected to hold more events the looks count, and not each event. A level of thousands of
#: events takes a second, of tens of thousands a minute; and events of a day are told from each other by nobody.
MANY_EVENTS = 500
#: The highest level of one series in one period.
MOST_ALPHA = 0.05
#: The highest threshold that is looked for; and how far above the least one most are.
_HIGHEST = 40.0
_USUAL_OVERSHOOT = 2.0
_MARGIN = 0.1


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


#: Of a series that has come nowhere near an alarm.
NOWHERE_NEAR = Alarm(-1, -1, float("nan"))


def maxsprt_alarm(
    events: ArrayLike, trials: ArrayLike, past_events: float, past_trials: float, planned: float, alpha: float,
    least_events: int = 1, design: float = 1.0,
) -> Alarm:  # fmt: skip
    """The conditional MaxSPRT of one period, look by look.

    Calibrated for a look after every event; where more than `MANY_EVENTS` are expected, for the looks given without
    those at which next to nothing has come since the one before.

    Args:
        events: by look.
        trials: by look.
        past_events: number seen in the past.
        past_trials: those it was seen in.
        planned: trials of the whole period, those still to come among them.
        alpha: probability of an alarm in the whole period, if nothing changes.
        least_events: of the period, before which nothing is said.
        design: the design effect, 1 or more.
    """
    (x, n), alpha = _looks(events, trials, past_events, past_trials), between_0_and_1("alpha", alpha)
    wider = _wider(design)
    # The ratio of a part of all counts is that part of it.
    llr = _ratios(x, n, past_events, past_trials, least_events) / wider
    least = max(1, int(least_events / wider))
    full = max(float(numeric("planned", planned, minimum=0)), float(n.sum()))
    rate = float(usual_rate(past_events, past_trials))
    before = past_events / float(wider)
    if rate * full / wider <= MANY_EVENTS:
        level = partial(conditional_level, past_events=before, share=full / past_trials, least_events=least)
    else:
        looked = _full_looks(n)
        llr = np.where(looked, llr, 0.0)
        made = np.cumsum(n)[looked]
        # Those to come are as far apart as those so far.
        to_come = np.linspace(made[-1], full, 1 + round((full - made[-1]) * made.size / made[-1]))[1:]
        shares = np.append(made, to_come) / past_trials
        level = partial(grouped_conditional_level, past_events=before, shares=shares, least_events=least)
    return _alarm(x, n, llr, level, alpha, rate)


def _full_looks(trials: FloatArray) -> NDArray[np.bool_]:
    """Looks at which a quarter of what usually comes between two has come since the one before."""
    least = trials[trials > 0].mean() / 4
    looked, since = np.zeros(trials.size, dtype=bool), 0.0
    for number, more in enumerate(trials.tolist()):
        since += more
        if since >= least:
            looked[number], since = True, 0.0
    return looked


def cusum_alarm(
    events: ArrayLike, trials: ArrayLike, past_events: float, past_trials: float, to_come: ArrayLike, alpha: float,
    design: float = 1.0,
) -> Alarm:  # fmt: skip
    """The CUSUM of one period, look by look.

    Args:
        events: by look.
        trials: by look.
        past_events: number seen in the past.
        past_trials: those it was seen in.
        to_come: trials by look, of those still to come.
        alpha: probability of an alarm in the whole period, if nothing changes.
        design: the design effect, 1 or more.
    """
    (x, n), alpha = _looks(events, trials, past_events, past_trials), between_0_and_1("alpha", alpha)
    wider = float(_wider(design))
    x, n, before, among = x / wider, n / wider, past_events / wider, past_trials / wider
    rate = float(usual_rate(before, among))
    path = binomial_cusum(x, n, rate)
    made = np.cumsum(np.concatenate([n, numeric("to_come", to_come, minimum=0) / wider]))
    # Whole trials, none of which is lost from look to look.
    level = partial(cusum_level, trials=np.diff(np.round(made), prepend=0), past_events=before, past_trials=among)
    return _alarm(x, n, path, level, alpha, rate)


def near_maxsprt_alarm(
    events: ArrayLike, trials: ArrayLike, past_events: ArrayLike, past_trials: ArrayLike, alpha: float,
    least_events: int = 1, design: ArrayLike = 1.0,
) -> NDArray[np.bool_]:  # fmt: skip
    """Which of many series come anywhere near an alarm; of the others `maxsprt_alarm` has nothing to say.

    Args:
        events: series × looks.
        trials: likewise.
        past_events: of each series.
        past_trials: likewise.
        alpha: as there.
        least_events: as there.
        design: of each series, or of all.
    """
    x, n = _looks(events, trials, past_events, past_trials)
    return _near(_ratios(x, n, past_events, past_trials, least_events) / _wider(design)[..., np.newaxis], alpha)


def near_cusum_alarm(
    events: ArrayLike, trials: ArrayLike, past_events: ArrayLike, past_trials: ArrayLike, alpha: float,
    design: ArrayLike = 1.0,
) -> NDArray[np.bool_]:  # fmt: skip
    """As `near_maxsprt_alarm`, of `cusum_alarm`."""
    x, n = _looks(events, trials, past_events, past_trials)
    wider = _wider(design)
    rate = usual_rate(np.asarray(past_events) / wider, np.asarray(past_trials) / wider)
    return _near(binomial_cusum(x / wider[..., np.newaxis], n / wider[..., np.newaxis], rate), alpha)


def expected_false_alarms(series: int, alpha: float, periods_a_year: float) -> float:
    """The number of false alarms a year to expect at most, if nothing changes anywhere.

    A mean adds up whether or not the series depend on each other, as those of one site do.
    """
    return series * alpha * periods_a_year


def alpha_for(false_alarms_a_year: float, series: int, periods_a_year: float) -> float:
    """The level of each series' period that keeps the year's false alarms at the number given.

    Where series are few it is 0.05, and false alarms are fewer: nothing is an alarm that chance does
    more often.
    """
    tests = float(whole("series", series, minimum=1) * positive("periods_a_year", periods_a_year))
    return min(float(positive("false_alarms_a_year", false_alarms_a_year)) / tests, MOST_ALPHA)


def threshold_of(level: Callable[[float], float], alpha: float, highest: float = _HIGHEST) -> float:
    """The threshold, up to `highest`, of which the level is at most alpha, to a hundredth.

    `level` falls with its threshold, and its logarithm is nearly straight: few steps find it.
    """

    most = between_0_and_1("alpha", alpha)

    @cache
    def excess(value: float) -> float:
        return float(np.log(max(level(value), 1e-12) / most))

    least = _least_value(most)
    low = high = min(least + _USUAL_OVERSHOOT, highest)
    # A bracket from a good guess, as far away as the logarithm says: it falls by one or so for one.
    while excess(high) > 0:
        if high == highest:
            return highest
        low, high = high, min(high + excess(high) + _MARGIN, highest)
    while excess(low) <= 0:
        if low == least:
            return least
        low, high = max(low + excess(low) - _MARGIN, least), low
    return min(float(optimize.brentq(excess, low, high, xtol=0.01)) + 0.01, highest)


def _alarm(
    events: FloatArray, trials: FloatArray, path: FloatArray, level: Callable[[float], float],
    alpha: float, rate: float,
) -> Alarm:  # fmt: skip
    highest = float(path.max(initial=0.0))
    # No threshold of this level lies so low: the costly calculation is spared.
    if highest < _least_value(alpha):
        return NOWHERE_NEAR
    # Beyond the highest threshold that is looked for the level is less than could be told from none.
    highest = min(highest, _HIGHEST)
    level = cache(level)
    p_value = level(highest)
    if p_value > alpha:
        return Alarm(-1, -1, p_value)
    threshold = threshold_of(level, alpha, highest)
    first = int(np.argmax(path >= threshold))
    zeros = np.flatnonzero(binomial_cusum(events[: first + 1], trials[: first + 1], rate) == 0)
    return Alarm(first, int(zeros[-1]) + 1 if zeros.size else 0, p_value)


def _looks(
    events: ArrayLike, trials: ArrayLike, past_events: ArrayLike, past_trials: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Events and trials by look; ValueError where they, or the past, cannot be."""
    positive("past_trials", past_trials)
    counted(past_events, past_trials)
    x, n = one_shape(events=numeric("events", events, minimum=0), trials=numeric("trials", trials, minimum=0))
    if (x > n).any():
        raise ValueError("events must not be above trials")
    return x, n


def _wider(design: ArrayLike) -> FloatArray:
    return numeric("design", design, minimum=1)


def _ratios(
    events: FloatArray, trials: FloatArray, past_events: ArrayLike, past_trials: ArrayLike, least_events: int
) -> FloatArray:
    """The log likelihood ratio at each look, the last axis; 0 before the least events."""
    reached, before = np.cumsum(events, axis=-1), np.asarray(past_trials)[..., np.newaxis]
    happened = np.asarray(past_events)[..., np.newaxis]
    llr = conditional_llr(reached, np.cumsum(trials, axis=-1) / before, happened)
    return np.where(reached >= least_events, llr, 0.0)


def _near(paths: FloatArray, alpha: float) -> NDArray[np.bool_]:
    # Somewhat below, so that rounding leaves none out.
    return np.asarray(paths.max(axis=-1, initial=0.0) >= _least_value(alpha) - 1e-6)


def _least_value(alpha: float) -> float:
    """What every threshold of this level exceeds: that of a single look, less an overshoot."""
    return max(float(-np.log(alpha)) - 1.0, 0.0)
