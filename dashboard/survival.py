"""How long patients go on: the Kaplan-Meier estimate with its limits."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from dashboard.arguments import FloatArray, between_0_and_1, numeric, one_shape, whole


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

    However many patients there are, it takes as much as there are rows. Input that cannot be raises ValueError,
    which names the argument.

    Source: Kaplan and Meier 1958, JASA 53:457-481; S. Sawyer, The Greenwood and exponential Greenwood
    confidence intervals in survival analysis, as scipy.stats.ecdf has both.
    """
    when, ended_then, many = one_shape(
        times=numeric("times", times, minimum=0),
        stopped=numeric("stopped", stopped),
        patients=whole("patients", patients),
    )
    if not np.isin(ended_then, (0, 1)).all():
        raise ValueError("stopped must hold only true and false, or 1 and 0")
    if when.ndim != 1:
        raise ValueError(f"times must be one series, not of {when.ndim} dimensions")
    known, points = ended_then == 1, numeric("at", at, minimum=0)
    tail = (1 - between_0_and_1("confidence", confidence)) / 2
    order = np.argsort(when, kind="stable")
    # How many there are before each row, all of them last.
    before = np.concatenate(([0.0], np.cumsum(many[order])))

    def at_risk(days: FloatArray) -> FloatArray:
        return np.asarray(before[-1] - before[np.searchsorted(when[order], days)])

    if not before[-1]:
        missing = np.full(points.shape, np.nan)
        return Curve(missing, missing, missing, at_risk(points))
    steps, place = np.unique(when[known & (many > 0)], return_inverse=True)
    ended = np.bincount(place, weights=many[known & (many > 0)], minlength=len(steps))
    risk = at_risk(steps)
    value = np.asarray(np.cumprod(1 - ended / risk), dtype=np.float64)
    left = risk - ended
    greenwood = np.cumsum(np.divide(ended, risk * left, out=np.full(left.shape, np.nan), where=left > 0))
    # Of a share of 0 there are no limits any more.
    spread = stats.norm.isf(tail) * np.sqrt(greenwood)
    exponent = spread / np.log(value, out=np.full(value.shape, np.nan), where=value > 0)
    lower, upper = (np.asarray(value ** np.exp(side * exponent), dtype=np.float64) for side in (-1, 1))
    beyond = points > when[many > 0].max()
    reached = np.searchsorted(steps, points, side="right")

    def told(curve: FloatArray) -> FloatArray:
        # A share of 1 has no other limit yet.
        return np.where(beyond, np.nan, np.concatenate(([1.0], curve))[reached])

    return Curve(told(value), told(lower), told(upper), at_risk(points))
