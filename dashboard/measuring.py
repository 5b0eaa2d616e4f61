"""A metric's value, counts and interval from rows of additive counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dashboard import rates
from dashboard.arguments import FloatArray
from dashboard.metrics import METRICS, Metric

CENTS = 100  # divided by, since a product with 0.01 is a cent's fraction off for large sums
#: What `measure` gives of each row.
MEASURED = ("value", "numerator", "denominator", "lower", "upper")


def measure(frame: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """The metric for each row of a frame of additive counts.

    Args:
        frame: any rows that have the metric's columns.
        metric: what to measure.

    Returns:
        Columns value, numerator, denominator, lower, upper on the frame's index. value, lower and
        upper are in the metric's unit; NaN where the denominator is 0 or there is no interval.
        A plain count has the denominator NaN. Where a count is hidden (NaN), all but the
        denominator are NaN.

    Raises:
        KeyError: the frame lacks one of the metric's columns.
    """
    return pd.DataFrame(dict(zip(MEASURED, _measured(frame, metric), strict=True)), index=frame.index)


def _measured(frame: pd.DataFrame, metric: Metric) -> tuple[FloatArray, ...]:
    # Arrays, since pages measure hundreds of frames of a few rows, on which pandas is slow.
    missing = np.full(len(frame), np.nan)
    # A hidden count is NaN, and so is what is worked out from it.
    above = _sum(frame, metric.numerator)
    if not metric.denominator:
        value = above / CENTS if metric.unit == "dollars" else above
        return value, above, missing, missing, missing
    scale, units = {"dollars": (1.0, CENTS), "points": (1.0, 1)}.get(metric.unit, (100.0, 1))
    below = _sum(frame, metric.denominator, hidden=0.0)
    # Multiplied first: 100 times 23 ÷ 40 is 57.4999 to a computer, and would be rounded to 57.
    value = np.divide(above * scale, below * units, out=missing.copy(), where=below > 0)
    if metric.interval is None or not len(frame):
        return value, above, below, missing, missing
    known = ~np.isnan(above)
    lower, upper = missing.copy(), missing.copy()
    if metric.interval == "mean":
        limits = rates.mean_interval(above[known], frame.loc[known, metric.squares], below[known])
    else:
        interval = rates.wilson_interval if metric.interval == "wilson" else rates.poisson_interval
        limits = interval(above[known], below[known])
    lower[known], upper[known] = limits.lower, limits.upper
    if metric.bounded:
        upper = np.where(above == 0, rates.zero_event_upper_bound(below), upper)
    return value, above, below, lower * scale, upper * scale


def _sum(frame: pd.DataFrame, names: Sequence[str], hidden: float = np.nan) -> FloatArray:
    columns = [np.nan_to_num(frame[name].to_numpy(dtype=float), nan=hidden) for name in names]
    total: FloatArray = np.sum(columns, axis=0)
    return total


def measure_all(frame: pd.DataFrame, names: list[str], keep: list[str]) -> pd.DataFrame:
    """Several metrics below each other: the columns of `keep`, metric, and those of `measure`."""
    parts = zip(*(_measured(frame, METRICS[name]) for name in names), strict=True)
    measured = dict(zip(MEASURED, map(np.concatenate, parts), strict=True))
    kept = {name: np.tile(frame[name].to_numpy(dtype=object), len(names)) for name in keep}
    return pd.DataFrame({**kept, "metric": np.repeat(names, len(frame)), **measured})
