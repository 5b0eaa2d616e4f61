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
        now: metric, value, numerator, denominator.
        then: the same rows of what is compared with; NaN where there is nothing.

    Returns:
        COLUMNS on the index of `now`, in the metric's unit. The interval of a rate is Newcombe's, that of a
        count's change is put together in the same way from both counts' own (exact or Byar's); other
        figures have none.
    """
    found = pd.DataFrame({"before": then["value"], "before_numerator": then["numerator"]}, index=now.index)
    found["change"] = now["value"] - then["value"]
    found["change_lower"] = found["change_upper"] = np.nan
    known = now["numerator"].notna() & then["numerator"].notna() & now["value"].notna() & then["value"].notna()
    for name in now["metric"].unique():
        metric = METRICS[name]
        rows = known & (now["metric"] == name)
        a, b = (frame.loc[rows, "numerator"].to_numpy(dtype=float) for frame in (now, then))
        if metric.interval == "wilson":
            n, m = (frame.loc[rows, "denominator"].to_numpy(dtype=float) for frame in (now, then))
            difference, scale = rates.newcombe_difference(a, n, b, m), 100.0
        elif metric.unit == "count" and not metric.denominator:
            difference, scale = rates.count_difference(a, b), 1.0
        else:
            continue
        found.loc[rows, "change_lower"] = np.asarray(difference.lower) * scale
        found.loc[rows, "change_upper"] = np.asarray(difference.upper) * scale
    return found
