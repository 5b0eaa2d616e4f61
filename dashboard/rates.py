"""Rates, proportions and ratios with their intervals, after the methods public health services use.

Every function takes scalars or arrays of one shape and works element by element; scalars give
NumPy scalars. Counts may be fractional (weighted data). A denominator of zero gives NaN, since
nothing was at risk. Input that cannot be (a negative count, more events than trials, an infinity,
NaN where no value may be missing, shapes that differ) raises ValueError, which names the argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from dashboard.arguments import FloatArray, Number, between_0_and_1, numeric, one_shape, whole

#: Byar's approximation holds from this many events on, and below it a standardised rate is too
#: unstable to be shown (UKHSA PHEindicatormethods).
BYAR_FROM = 10


class Interval(NamedTuple):
    """An estimate and its two limits, each with the shape of the input."""

    value: Number
    lower: Number
    upper: Number


def wilson_interval(events: ArrayLike, trials: ArrayLike, confidence: float = 0.95) -> Interval:
    """Proportion events / trials with Wilson's score limits, all in 0..1.

    Raises ValueError for events above trials. Source: Wilson 1927; Newcombe and Altman 2000,
    in Statistics with confidence (2nd ed.).
    """
    return _wilson(*events_of_trials("events", events, "trials", trials), confidence)


def poisson_interval(events: ArrayLike, exposure: ArrayLike, confidence: float = 0.95) -> Interval:
    """Rate events / exposure with its limits, per unit of exposure; it may exceed 1.

    The limits are exact below 10 events and Byar's from 10 on. Source: UKHSA
    PHEindicatormethods, phe_rate; Breslow and Day 1987 (Byar), Garwood 1936 (exact).
    """
    return _counts_over("events", events, "exposure", exposure, confidence)


def standardised_ratio(observed: ArrayLike, expected: ArrayLike, confidence: float = 0.95) -> Interval:
    """Ratio observed / expected (1 = as expected) with its limits.

    The limits are exact below 10 observed events and Byar's from 10 on; `expected` is taken as
    known. Source: UKHSA PHEindicatormethods, calculate_ISRatio.
    """
    return _counts_over("observed", observed, "expected", expected, confidence)


def zero_event_upper_bound(trials: ArrayLike, confidence: float = 0.95) -> Number:
    """One-sided exact upper bound of a proportion (0..1) of which no event was seen in the trials.

    It is the proportion at which seeing none has the probability 1 - confidence:
    1 - (1 - confidence) ** (1 / trials). Source: Clopper and Pearson 1934, at 0 events.
    """
    n = denominator(numeric("trials", trials, minimum=0))
    # expm1 and log1p keep the digits that 1 - (nearly 1) would lose for many trials.
    return plain(-np.expm1(np.log1p(-between_0_and_1("confidence", confidence)) / n))


def newcombe_difference(
    events_a: ArrayLike,
    trials_a: ArrayLike,
    events_b: ArrayLike,
    trials_b: ArrayLike,
    confidence: float = 0.95,
) -> Interval:
    """Difference of two proportions, a - b, with limits, all in -1..1.

    Newcombe's method 10: the Wilson limits of both combined, no continuity correction. Source:
    Newcombe 1998, Statistics in Medicine 17:873-890.
    """
    xa, na = events_of_trials("events_a", events_a, "trials_a", trials_a)
    xb, nb = events_of_trials("events_b", events_b, "trials_b", trials_b)
    xa, na, xb, nb = one_shape(events_a=xa, trials_a=na, events_b=xb, trials_b=nb)
    return difference(_wilson(xa, na, confidence), _wilson(xb, nb, confidence))


def difference(a: Interval, b: Interval) -> Interval:
    """Difference a - b of two estimates with limits recovered from their own limits, in their unit.

    With Wilson's limits it is `newcombe_difference`; it holds for exact and Byar's limits of rates and
    for Student's of means too. Source: Zou and Donner 2008, Statistics in Medicine 27:1693-1702 (MOVER).
    """
    value = np.asarray(a.value - b.value)
    return as_interval(
        value,
        value - np.hypot(a.value - a.lower, b.upper - b.value),
        value + np.hypot(a.upper - a.value, b.value - b.lower),
    )


def mean_interval(total: ArrayLike, squares: ArrayLike, count: ArrayLike, confidence: float = 0.95) -> Interval:
    """Mean total / count with Student's limits, in the unit of what was summed.

    Args:
        total: sum of the values.
        squares: sum of their squares.
        count: number of values.
        confidence: of the limits.

    A count of 0 gives NaN, a count of 1 no limits (NaN). Raises ValueError for squares that no such
    values have. Source: Student 1908, Biometrika 6:1-25.
    """
    s, q, n = one_shape(
        total=numeric("total", total),
        squares=numeric("squares", squares, minimum=0),
        count=numeric("count", count, minimum=0),
    )
    if (s**2 > q * n * (1 + 1e-9)).any():
        raise ValueError("squares must be at least total squared over count")
    n = denominator(n)
    free = np.where(n > 1, n - 1, np.nan)
    deviation = np.sqrt(np.maximum(q - s**2 / n, 0) / free)
    reach = stats.t.isf((1 - between_0_and_1("confidence", confidence)) / 2, free) * deviation / np.sqrt(n)
    return as_interval(s / n, s / n - reach, s / n + reach)


def quartiles(values: ArrayLike, counts: ArrayLike) -> FloatArray:
    """Lower quartile, median and upper quartile of values, each of which is there so many times; NaN of none.

    Between two neighbours it is interpolated, so that the median of an even number is the mean of both in the
    middle. A thousand million values take no more than their distinct ones. Raises ValueError for counts that are
    not whole. Source: Hyndman and Fan 1996, The American Statistician 50:361-365, type 7, as numpy.quantile.
    """
    v, n = (part.ravel() for part in one_shape(values=numeric("values", values), counts=whole("counts", counts)))
    order = np.argsort(v, kind="stable")
    v, reached = v[order], np.cumsum(n[order])
    if not reached.size or not reached[-1]:
        return np.full(3, np.nan)
    places = (reached[-1] - 1) * np.array([0.25, 0.5, 0.75])
    low = np.floor(places)
    # Of two middle ones the second is the first itself where there is no other.
    below, above = (v[np.searchsorted(reached, at, side="right")] for at in (low, np.ceil(places)))
    return np.asarray(below + (places - low) * (above - below))


def smallest_detectable(
    trials_a: ArrayLike, rate_b: ArrayLike, trials_b: ArrayLike, power: float = 0.8, confidence: float = 0.95
) -> Number:
    """The smallest rise a - b (0..1) that so many trials would show with this power, two-sided.

    By the arcsine transformation: 2 asin(sqrt(a)) - 2 asin(sqrt(b)) = (z of the confidence + z of
    the power) * sqrt(1 / trials_a + 1 / trials_b). NaN without trials, or where even a rate of 1
    would not be shown. Source: Cohen 1988, Statistical power analysis, chapter 6.
    """
    b = numeric("rate_b", rate_b, minimum=0, missing=True)
    if (b > 1).any():
        raise ValueError("rate_b must not be above 1")
    na = denominator(numeric("trials_a", trials_a, minimum=0))
    nb = denominator(numeric("trials_b", trials_b, minimum=0))
    reach = (z_of(confidence) + stats.norm.ppf(between_0_and_1("power", power))) * np.sqrt(1 / na + 1 / nb)
    angle = 2 * np.arcsin(np.sqrt(b)) + reach
    return plain(np.where(angle <= np.pi, np.sin(np.minimum(angle, np.pi) / 2) ** 2 - b, np.nan))


def directly_standardised_rate(
    events: ArrayLike,
    population: ArrayLike,
    weights: ArrayLike,
    confidence: float = 0.95,
    patients_by_event_count: Mapping[int, ArrayLike] | None = None,
) -> Interval:
    """Directly standardised rate with Dobson's limits, per unit of population.

    The strata (age bands) lie along the last axis: events and population share a shape (..., k),
    weights, the standard population, have shape (k,) and any scale; the result has shape (...).
    A missing count (None, NaN) is no event. Below 10 events in all, value and limits are NaN.
    They are NaN too if a stratum that carries weight has no population, as no rate stands for it.

    Events that repeat within patients are not independent. `patients_by_event_count` maps a
    number of events per patient to how many patients had that many, by stratum (shape (..., k));
    a patient with f events then counts f**2 rather than f in the stratum's variance, and the
    limits widen. Given as totals (shape (...), a plain number for one area), the patients'
    mix of repeats is taken to be alike in every stratum. The mapped events must add up to
    `events`. A lower limit that the widening would carry below 0 is 0.

    Source: UKHSA PHEindicatormethods, calculate_dsr (independent_events = FALSE for repeats);
    Dobson et al. 1991, Statistics in Medicine 10:457-462.
    """
    counts = np.nan_to_num(numeric("events", events, minimum=0, missing=True))
    people = numeric("population", population, minimum=0)
    standard = numeric("weights", weights, minimum=0)
    if counts.ndim == 0 or counts.shape[-1] == 0:
        raise ValueError("events must hold at least one stratum")
    if people.shape != counts.shape:
        raise ValueError(f"population has shape {people.shape}, but events {counts.shape}")
    if standard.shape != counts.shape[-1:]:
        raise ValueError(f"weights has shape {standard.shape}, but events {counts.shape}")
    if not standard.any():
        raise ValueError("weights must not all be 0")
    share = np.broadcast_to(standard / standard.sum(), counts.shape)
    rate_per_event = np.divide(share, people, out=np.where(share > 0, np.nan, 0.0), where=people > 0)
    variance = (_squared_events(counts, patients_by_event_count) * rate_per_event**2).sum(axis=-1)
    total = counts.sum(axis=-1)
    shown = np.where(total >= BYAR_FROM, total, np.nan)
    value = np.where(np.isnan(shown), np.nan, (counts * rate_per_event).sum(axis=-1))
    lower, upper = _byar_limits(shown, confidence)
    per_event = np.sqrt(variance / shown)
    return as_interval(
        value,
        np.maximum(value + per_event * (lower - shown), 0),
        value + per_event * (upper - shown),
    )


def false_discovery_adjust(p_values: ArrayLike) -> Number:
    """Benjamini-Hochberg adjusted p values of one family of tests, in the shape given.

    Comparing them with q keeps the expected share of false alarms among the alarms at q. All
    values of a many-dimensional array are one family. Source: Benjamini and Hochberg 1995.
    """
    p = numeric("p_values", p_values, minimum=0)
    if (p > 1).any():
        raise ValueError("p_values must not be above 1")
    return plain(stats.false_discovery_control(p, axis=None).reshape(p.shape))


def exact_poisson_limits(count: FloatArray, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Exact (Garwood) limits of a Poisson count, each with the count's shape.

    From the chi-squared distribution, which also takes counts that are not whole; 0 has the lower
    limit 0. Source: Garwood 1936, Biometrika 28:437-442.
    """
    tail = (1 - between_0_and_1("confidence", confidence)) / 2
    # Chi-squared quantiles as the gamma function's, which spares most of SciPy's checks. At 0 the
    # distribution has no degrees of freedom and no quantile; the limit is 0.
    lower = np.where(count == 0, 0.0, special.gammaincinv(np.where(count == 0, 1, count), tail))
    upper = np.asarray(special.gammainccinv(count + 1, tail), dtype=np.float64)
    return lower, upper


def _wilson(x: FloatArray, n: FloatArray, confidence: float) -> Interval:
    z = z_of(confidence)
    middle = 2 * x + z**2
    reach = z * np.sqrt(z**2 + 4 * x * (1 - x / n))
    # (middle - reach) / (2 (n + z²)), times middle + reach above and below: the difference of the two would leave
    # a trace of none, and few digits of a small part of an event.
    lower = 2 * x**2 / (n * (middle + reach))
    # Without rounding the limit would reach 100 % exactly, and never pass it.
    upper = np.where(x == n, 1.0, np.clip((middle + reach) / (2 * (n + z**2)), 0, 1))
    return as_interval(x / n, lower, upper)


def _byar_limits(count: FloatArray, confidence: float) -> tuple[FloatArray, FloatArray]:
    z, above = z_of(confidence), count + 1
    lower = count * (1 - 1 / (9 * count) - z / (3 * np.sqrt(count))) ** 3
    upper = above * (1 - 1 / (9 * above) + z / (3 * np.sqrt(above))) ** 3
    return lower, upper


def _counts_over(count_name: str, count: ArrayLike, base_name: str, base: ArrayLike, confidence: float) -> Interval:
    x, unit = one_shape(
        **{
            count_name: numeric(count_name, count, minimum=0),
            base_name: numeric(base_name, base, minimum=0),
        }
    )
    unit = denominator(unit)
    exact = exact_poisson_limits(np.minimum(x, BYAR_FROM), confidence)
    byar = _byar_limits(np.maximum(x, BYAR_FROM), confidence)
    lower, upper = (np.where(x < BYAR_FROM, e, b) for e, b in zip(exact, byar, strict=True))
    return as_interval(x / unit, lower / unit, upper / unit)


def _squared_events(counts: FloatArray, patients_by_event_count: Mapping[int, ArrayLike] | None) -> FloatArray:
    """Sum of each patient's squared events by stratum; the events themselves where none repeats."""
    if patients_by_event_count is None:
        return counts
    name = "patients_by_event_count"
    if not isinstance(patients_by_event_count, Mapping):
        raise ValueError(f"{name} must map numbers of events to numbers of patients")
    per_patient = whole(f"{name} (numbers of events)", list(patients_by_event_count))
    patients = [
        np.nan_to_num(numeric(name, number, minimum=0, missing=True)) for number in patients_by_event_count.values()
    ]
    shapes = {number.shape for number in patients}
    if shapes not in ({counts.shape}, {counts.shape[:-1]}):
        raise ValueError(f"{name} must hold one number a stratum, or one in all, for each key")
    by_stratum = shapes == {counts.shape}
    total = np.tensordot(per_patient, np.stack(patients), axes=1)
    squared = np.tensordot(per_patient**2, np.stack(patients), axes=1)
    if not np.allclose(total, counts if by_stratum else counts.sum(axis=-1), atol=1e-9):
        raise ValueError(f"{name} does not add up to events")
    if by_stratum:
        return np.asarray(squared)
    widening = np.divide(squared, total, out=np.ones_like(total), where=total > 0)
    return counts * widening[..., np.newaxis]


def events_of_trials(
    events_name: str, events: ArrayLike, trials_name: str, trials: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Both as floats of one shape, NaN for no trials. Raises ValueError for more events than trials."""
    x, n = one_shape(
        **{
            events_name: numeric(events_name, events, minimum=0),
            trials_name: numeric(trials_name, trials, minimum=0),
        }
    )
    if (x > n).any():
        raise ValueError(f"{events_name} must not be above {trials_name}")
    return x, denominator(n)


def denominator(base: FloatArray) -> FloatArray:
    """The base with NaN for 0, since nothing was at risk."""
    return np.where(base > 0, base, np.nan)


def z_of(confidence: float) -> float:
    """How many standard deviations around 0 hold that share of a normal distribution."""
    return _normal_quantile(between_0_and_1("confidence", confidence))


@lru_cache(maxsize=64)
def _normal_quantile(level: float) -> float:
    return float(stats.norm.isf((1 - level) / 2))


def plain(array: FloatArray) -> Number:
    """Return a NumPy scalar for an array without dimensions, else the array."""
    result: Number = array[()]
    return result


def as_interval(value: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> Interval:
    """An interval of NumPy scalars or arrays, as they come."""
    return Interval(*(plain(np.asarray(side, dtype=np.float64)) for side in (value, lower, upper)))
