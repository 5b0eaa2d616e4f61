"""What changed between two measurements of the same figures, with an interval where chance alone could do it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dashboard import rates
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
    found = pd.DataFrame({"before": then["value"], "before_numerator": then["numerator"]}, index=now.index)
    found["change"] = now["value"] - then["value"]
    found["change_lower"] = found["change_upper"] = np.nan
    known = now["numerator"].notna() & then["numerator"].notna() & now["value"].notna() & then["value"].notna()
    for name in now["metric"].unique():
        metric = METRICS[name]
        rows = known & (now["metric"] == name)
        a, b = now[rows], then[rows]
        scale = 1.0
        if metric.interval == "wilson":
            scale = 100.0
            difference = rates.newcombe_difference(*_of(a), *_of(b))
        elif metric.interval:
            difference = rates.difference(_limits(a), _limits(b))
        elif metric.unit == "count" and not metric.denominator:
            difference = rates.difference(*(rates.poisson_interval(_of(part)[0], 1) for part in (a, b)))
        else:
            continue
        found.loc[rows, "change_lower"] = np.asarray(difference.lower) * scale
        found.loc[rows, "change_upper"] = np.asarray(difference.upper) * scale
    return found


def _of(rows: pd.DataFrame) -> tuple[rates.FloatArray, rates.FloatArray]:
    return rows["numerator"].to_numpy(dtype=float), rows["denominator"].to_numpy(dtype=float)


def _limits(rows: pd.DataFrame) -> rates.Interval:
    return rates.Interval(*(rows[name].to_numpy(dtype=float) for name in ("value", "lower", "upper")))
