"""What changed between two measurements of the same figures, with an interval where chance alone could do it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dashboard import rates
from dashboard.arguments import FloatArray
from dashboard.measuring import MEASURED
from dashboard.metrics import METRICS

COLUMNS = ("before", "before_numerator", "change", "change_lower", "change_upper")


def between(now: pd.DataFrame, then: pd.DataFrame) -> pd.DataFrame:
    """The change from `then` to `now`, row by row.

    Args:
        now: metric, value, numerator, denominator, lower, upper.
        then: the same rows of what is compared with; NaN where there is nothing.

    Returns:
        COLUMNS on the index of `now`, in the metric's unit. The interval of a rate is Newcombe's; of
        rates of events, means and counts it is recovered in the same way from the limits of both. Other
        figures have none.
    """
    found = {
        "before": then["value"].to_numpy(dtype=float),
        "before_numerator": then["numerator"].to_numpy(dtype=float),
        "change": now["value"].to_numpy(dtype=float) - then["value"].to_numpy(dtype=float),
        "change_lower": np.full(len(now), np.nan),
        "change_upper": np.full(len(now), np.nan),
    }
    parts = [{n: part[n].to_numpy(dtype=float) for n in MEASURED if n in part} for part in (now, then)]
    known = ~np.isnan([part[name] for part in parts for name in ("value", "numerator")]).any(axis=0)
    metrics = now["metric"].to_numpy(dtype=object)
    for name in dict.fromkeys(metrics[known]):
        metric = METRICS[name]
        rows = known & (metrics == name)
        a, b = ({key: values[rows] for key, values in part.items()} for part in parts)
        scale = 1.0
        if metric.interval == "wilson":
            scale = 100.0
            difference = rates.newcombe_difference(*_of(a), *_of(b))
        elif metric.interval:
            difference = rates.difference(_limits(a), _limits(b))
        elif metric.unit == "count" and not metric.denominator:
            difference = rates.difference(*(rates.poisson_interval(part["numerator"], 1) for part in (a, b)))
        else:
            continue
        found["change_lower"][rows] = np.asarray(difference.lower) * scale
        found["change_upper"][rows] = np.asarray(difference.upper) * scale
    return pd.DataFrame(found, index=now.index)


def _of(part: dict[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    return part["numerator"], part["denominator"]


def _limits(part: dict[str, FloatArray]) -> rates.Interval:
    return rates.Interval(part["value"], part["lower"], part["upper"])
