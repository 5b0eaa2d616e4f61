"""A CUSUM of events among trials, and how often it gives a false alarm.

Events and trials are counts by look, the CUSUM a sum of natural logarithms of likelihood ratios;
one-sided, for a rise. Input that cannot be raises ValueError, which names the argument.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from dashboard.arguments import FloatArray, Number, numeric, positive, whole

#: The odds ratio that it is made to find soonest: a doubling.
RATIO = 2.0
_STATES = 64
_RATE_NODES = 9


def binomial_cusum(events: ArrayLike, trials: ArrayLike, rate: ArrayLike, ratio: float = RATIO) -> FloatArray:
    """Upper CUSUM of log likelihood ratios after each look; starts at 0 and never goes below.

    Args:
        events: by look, of one series, or of several (series × looks).
        trials: by look, likewise.
        rate: the usual proportion, 0..1; of each series where they are several.
        ratio: the odds ratio to find.

    Source: Steiner et al. 2000, Biostatistics 1:441-452 (without risk adjustment).
    """
    x, n = numeric("events", events, minimum=0), numeric("trials", trials, minimum=0)
    if x.shape != n.shape or x.ndim != np.ndim(rate) + 1:
        raise ValueError("events and trials must be series of one length")
    if (x > n).any():
        raise ValueError("events must not be above trials")
    up, down = _weights(rate, ratio)
    steps = np.cumsum(x * up - n * down[..., np.newaxis], axis=-1)
    # The CUSUM is how far the sum is above its lowest point so far.
    return np.asarray(steps - np.minimum(np.minimum.accumulate(steps, axis=-1), 0.0))


def cusum_level(
    threshold: float, trials: ArrayLike, past_events: float, past_trials: float, ratio: float = RATIO
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
    looks = whole("trials", trials)
    counted(past_events, past_trials)
    top: float = float(positive("threshold", threshold))
    up, down = _weights(usual_rate(past_events, past_trials), ratio)
    # Gauss and Hermite's nodes reach far out, where most of the level comes from.
    z, weights = np.polynomial.hermite_e.hermegauss(_RATE_NODES)
    rates = stats.beta.ppf(stats.norm.cdf(z), past_events + 1, max(past_trials - past_events, 1.0))
    chain = np.zeros((_RATE_NODES, 1, _STATES))
    chain[:, 0, 0] = 1
    moves: dict[float, FloatArray] = {}
    for count in looks[looks > 0].tolist():
        if count not in moves:
            events = np.arange(min(count, np.ceil((top + count * down) / up)) + 1)
            chances = _binomial(events, count, rates[:, np.newaxis])
            moves[count] = _moves(np.asarray(events * up - count * down) / top * _STATES, chances)
        chain = chain @ moves[count]
    # Rounding may leave a trace below 0.
    return max(float(1 - weights @ chain.sum(axis=(1, 2)) / weights.sum()), 0.0)


def _binomial(events: FloatArray, trials: float, rate: FloatArray) -> FloatArray:
    """Binomial probabilities; SciPy's own take ten times as long over checks of each call."""
    ways = special.gammaln(trials + 1) - special.gammaln(events + 1) - special.gammaln(trials - events + 1)
    return np.asarray(np.exp(ways + special.xlogy(events, rate) + special.xlog1py(trials - events, -rate)))


def _moves(steps: FloatArray, chances: FloatArray) -> FloatArray:
    """From each cell of the grid to each, by rate: (rates, cells, cells); a row lacks what crosses the top.

    Args:
        steps: how many cells each number of events moves the CUSUM, shared among the two nearest.
        chances: of each number of events, by rate.
    """
    size = _STATES
    whole = np.floor(steps).astype(int)
    share = np.zeros((steps.size, 2 * size - 1))
    for shift, part in ((whole, 1 - steps + whole), (whole + 1, steps - whole)):
        within = np.flatnonzero(shift < size)
        share[within, np.maximum(shift[within], 1 - size) + size - 1] += part[within]
    by_shift = chances @ share
    moves = np.array(np.lib.stride_tricks.sliding_window_view(by_shift, size, axis=1)[:, ::-1])
    # Whatever would fall below 0 stays at 0.
    moves[:, :, 0] = np.cumsum(by_shift, axis=1)[:, size - 1 :: -1]
    return moves


def counted(past_events: ArrayLike, past_trials: ArrayLike) -> None:
    """Raise ValueError where the past cannot be: fewer events than none, or more than trials."""
    trials = numeric("past_trials", past_trials, minimum=0)
    if (numeric("past_events", past_events, minimum=0) > trials).any():
        raise ValueError("past_events must not be above past_trials")


def usual_rate(past_events: ArrayLike, past_trials: ArrayLike) -> Number:
    """The past's proportion with half an event added to both sides, so that it is never 0 or 1."""
    return np.divide(np.add(past_events, 0.5), np.add(past_trials, 1))


def _weights(rate: ArrayLike, ratio: float) -> tuple[float, FloatArray]:
    """What an event adds to the CUSUM, and what each trial takes off."""
    usual = numeric("rate", rate)
    if not ((usual > 0) & (usual < 1)).all():
        raise ValueError("rate must lie between 0 and 1")
    if numeric("ratio", ratio) <= 1:
        raise ValueError("ratio must be above 1")
    return float(np.log(ratio)), np.log1p(usual * (ratio - 1))
