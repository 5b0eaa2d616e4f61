"""How long patients go on: the Kaplan-Meier estimate with its limits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from dashboard.rates import FloatArray, numeric


class Curve(NamedTuple):
    """At each time asked for: the share that goes on beyond it (0..1), its limits, and how many were at risk."""

    value: FloatArray
    lower: FloatArray
    upper: FloatArray
    at_risk: FloatArray


def kaplan_meier(
    times: ArrayLike, stopped: ArrayLike, patients: ArrayLike, at: ArrayLike, confidence: float = 0.95
) -> Curve:
    """The share of patients that has not stopped by each time.

    Args:
        times: in one unit; of so many patients each that stopped then, or were last seen then.
        stopped: whether they are known to have stopped; else they are censored just after.
        patients: how many, whole numbers.
        at: the times to tell; NaN comes back beyond the last time that is known of anybody.
        confidence: of the limits, which are exponential Greenwood's; they are the value itself before
            anybody has stopped and NaN once everybody has.

    Source: Kaplan and Meier 1958, by scipy.stats.ecdf, whose own limits warn wherever they are not defined;
    S. Sawyer, The Greenwood and exponential Greenwood confidence intervals in survival analysis.
    """
    when, many = numeric("times", times, minimum=0), numeric("patients", patients, minimum=0)
    known = np.asarray(stopped, dtype=bool)
    points = numeric("at", at, minimum=0)
    each, ended = np.repeat(when, many.astype(int)), np.repeat(known, many.astype(int))
    missing = np.full(points.shape, np.nan)
    at_risk = (each[:, np.newaxis] >= points).sum(axis=0).astype(float)
    if not each.size:
        return Curve(missing, missing, missing, at_risk)
    beyond = points > each.max()
    if not ended.any():
        value = np.where(beyond, np.nan, 1.0)
        return Curve(value, value, value, at_risk)
    found = stats.ecdf(stats.CensoredData(uncensored=each[ended], right=each[~ended])).sf
    steps, value = found.quantiles, found.probabilities
    exponent = _spread(each, ended, steps, confidence) / np.log(
        value, out=np.full(value.shape, np.nan), where=_inner(value)
    )
    # A share of 1 has no other limit yet, and one of 0 none any more.
    lower, upper = (np.where(value == 1, 1.0, value ** np.exp(side * exponent)) for side in (-1, 1))
    place = np.searchsorted(steps, points, side="right") - 1

    def told(curve: FloatArray) -> FloatArray:
        return np.where(beyond, np.nan, np.where(place < 0, 1.0, curve[np.maximum(place, 0)]))

    return Curve(told(value), told(lower), told(upper), at_risk)


def _inner(share: FloatArray) -> NDArray[np.bool_]:
    return (share > 0) & (share < 1)


def _spread(each: FloatArray, ended: NDArray[np.bool_], steps: FloatArray, confidence: float) -> FloatArray:
    """z times the root of Greenwood's sum up to each step."""
    at_risk = (each[:, np.newaxis] >= steps).sum(axis=0).astype(float)
    stopped = (each[ended][:, np.newaxis] == steps).sum(axis=0)
    left = at_risk - stopped
    sums = np.cumsum(np.divide(stopped, at_risk * left, out=np.full(left.shape, np.nan), where=left > 0))
    return np.asarray(stats.norm.isf((1 - confidence) / 2) * np.sqrt(sums))
