"""Two groups compared within strata, two rates by their ratio, and the p value that goes with an interval.

Arguments and errors are those of `rates`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from dashboard.arguments import FloatArray, Number, between_0_and_1, numeric, one_shape
from dashboard.rates import Interval, as_interval, denominator, events_of_trials, plain, z_of


class LikeForLike(NamedTuple):
    """Two proportions and their difference, of strata that have both groups, in the unit 0..1; p of no difference."""

    a: Number
    b: Number
    difference: Interval
    p_value: Number


def like_for_like(
    events_a: ArrayLike,
    trials_a: ArrayLike,
    events_b: ArrayLike,
    trials_b: ArrayLike,
    confidence: float = 0.95,
    design: ArrayLike = 1.0,
) -> LikeForLike:
    """Compare two groups within strata, which stand along the last axis of all four.

    Each stratum weighs trials_a * trials_b / (trials_a + trials_b), so that one of a single group weighs nothing;
    where none has both, all is NaN. Without any event, and with nothing else, there are no limits and no p (NaN):
    they would say that nothing can differ. The limits are those differences that a test of this level just doesn't
    reject; `p_value` is the same test's of no difference, two-sided. Source: Mantel and Haenszel 1959, Journal of the
    National Cancer Institute 22:719-748; the limits Klingenberg 2014, Statistics in Medicine 33:2968-2983, with the
    variance of Sato 1989.
    """
    x, n = events_of_trials("events_a", events_a, "trials_a", trials_a)
    y, m = events_of_trials("events_b", events_b, "trials_b", trials_b)
    x, n, y, m = one_shape(events_a=x, trials_a=np.nan_to_num(n), events_b=y, trials_b=np.nan_to_num(m))
    both = denominator(n + m)
    weight = denominator(np.nansum(n * m / both, axis=-1))
    a, b = np.nansum(m * x / both, axis=-1) / weight, np.nansum(n * y / both, axis=-1) / weight
    wider = numeric("design", design, minimum=1)
    skew = np.nansum(wider * (n**2 * y - m**2 * x + n * m * (m - n) / 2) / both**2, axis=-1) / weight**2
    spread = denominator(np.nansum(wider * (x * (m - y) + y * (n - x)) / (2 * both), axis=-1) / weight**2)
    z2 = z_of(confidence) ** 2
    middle = a - b + z2 * skew / 2
    reach = np.sqrt(np.maximum(middle**2 - (a - b) ** 2 + z2 * spread, 0))
    limits = (np.clip(side, -1, 1) for side in (middle - reach, middle + reach))
    return LikeForLike(plain(a), plain(b), as_interval(a - b, *limits), _two_sided(np.abs(a - b), np.sqrt(spread)))


def design_effect(
    clusters: ArrayLike,
    trials: ArrayLike,
    trials_squared: ArrayLike,
    events: ArrayLike,
    events_squared: ArrayLike,
    events_trials: ArrayLike,
) -> float:
    """How many times as large the variance of events is as if trials of one cluster (a patient) were independent.

    Args:
        clusters: of each stratum how many clusters it has; strata of one say nothing and are left out.
        trials: the sum of their trials.
        trials_squared: the sum of the squares of each cluster's trials.
        events: the sum of their events.
        events_squared: the sum of the squares of each cluster's events.
        events_trials: the sum of each cluster's events times its trials.

    The squared residuals of clusters from their stratum's rate are summed up over the strata. NaN where nothing
    happened, and where nothing else did. Source: Rao and Scott 1992, Biometrics 48:577-585.
    """
    x, n = events_of_trials("events", events, "trials", trials)
    m, xx, xn, nn = (
        numeric(name, values, minimum=0)
        for name, values in (
            ("clusters", clusters), ("events_squared", events_squared), ("events_trials", events_trials),
            ("trials_squared", trials_squared),
        )
    )  # fmt: skip
    rate, several = x / n, np.where(m > 1, m, np.nan)
    residuals = several / (several - 1) * (xx - 2 * rate * xn + rate**2 * nn)
    independent = np.nansum(np.where(m > 1, n * rate * (1 - rate), np.nan))
    return float(np.nansum(residuals) / independent) if independent > 0 else float("nan")


def interval_p_value(found: Interval, confidence: float = 0.95) -> Number:
    """Two-sided p value of no difference that goes with an estimate and its limits; NaN where there are none.

    The distance from the estimate to the limit nearer to 0 is taken as that of a normal distribution, so that p is
    below 1 - confidence exactly where the limits exclude 0. Source: Altman and Bland 2011, BMJ 343:d2304, there for
    limits of equal distance.
    """
    value = np.asarray(found.value, dtype=np.float64)
    reach = np.where(value > 0, value - found.lower, found.upper - value)
    return _two_sided(np.abs(value), reach / z_of(confidence))


def rate_ratio(
    events_a: ArrayLike, exposure_a: ArrayLike, events_b: ArrayLike, exposure_b: ArrayLike, confidence: float = 0.95
) -> Interval:
    """Ratio of two Poisson rates, a over b, with exact limits, neither of the two taken as known.

    Of all events those of a are binomial, with Clopper and Pearson's limits. Without events of b the ratio and its
    upper limit are infinite; without any, and without exposure, there is no ratio (NaN). Source: Przyborowski and
    Wilenski 1940, Biometrika 31:313-323.
    """
    x, y = numeric("events_a", events_a, minimum=0), numeric("events_b", events_b, minimum=0)
    n, m = numeric("exposure_a", exposure_a, minimum=0), numeric("exposure_b", exposure_b, minimum=0)
    x, n, y, m = one_shape(events_a=x, exposure_a=n, events_b=y, exposure_b=m)
    tail = (1 - between_0_and_1("confidence", confidence)) / 2
    scale = denominator(m) / denominator(n) * np.where(x + y > 0, 1.0, np.nan)
    # Where a or b has no event the beta distribution has no quantile; the limit is that of the range.
    lower = np.where(x == 0, 0.0, special.betaincinv(np.where(x == 0, 1, x), y + 1, tail))
    upper = np.where(y == 0, 1.0, special.betaincinv(x + 1, np.where(y == 0, 1, y), 1 - tail))
    return as_interval(*(scale * _odds(share) for share in (x / denominator(x + y), lower, upper)))


def _odds(share: FloatArray) -> FloatArray:
    odds: FloatArray = np.divide(share, 1 - share, out=np.full(share.shape, np.inf), where=share != 1)
    return odds


def _two_sided(distance: FloatArray, deviation: FloatArray) -> Number:
    """Of none of both nothing is apart; a distance without a deviation is beyond all chance."""
    known = ~np.isnan(distance) & ~np.isnan(deviation)
    z = np.divide(distance, deviation, out=np.where(distance > 0, np.inf, 0.0), where=deviation > 0)
    return plain(np.where(known, 2 * special.ndtr(-z), np.nan))
