"""What changed between two measurements of the same figures, and what of it chance or another mix could not do."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard import rates, two_groups
from dashboard.arguments import FloatArray
from dashboard.measuring import MEASURED
from dashboard.metrics import METRICS
from dashboard.theme import VerdictKind
from dashboard.wording import signed

COLUMNS = ("before", "before_numerator", "change", "change_lower", "change_upper")
#: The change like for like, within the same site, service line and age band, with its limits and p value.
ALIKE = ("alike", "alike_lower", "alike_upper", "alike_p")
#: Above this adjusted p value a change is one that chance makes among several.
LEVEL = 0.05

NOT_TOLD = "not distinguishable"
AMONG_SEVERAL = f"{NOT_TOLD} among several"
LIKE_FOR_LIKE = f"{NOT_TOLD} like for like"


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


def judged(rows: pd.DataFrame) -> pd.DataFrame:
    """Which changes are told, and what is said of the others.

    A change is told where its interval excludes 0 and its p value, adjusted for all rows of its metric (Benjamini
    and Hochberg), is at most LEVEL. Metrics that differ by service line and age by their nature are judged by their
    change like for like; where that isn't known, it may be one of the mix, and neither good nor bad.

    Args:
        rows: metric, change, change_lower, change_upper and, where any is known, ALIKE.

    Returns:
        On the index of `rows`: change_kind (a verdict's; "common" for a change that isn't told, and where nothing
        can be tested) and change_words (what is to be said beside it, or nothing).
    """
    crude = [rows[name].to_numpy(dtype=float) for name in COLUMNS[2:]]
    alike = [rows[name].to_numpy(dtype=float) if name in rows else np.full(len(rows), np.nan) for name in ALIKE]
    mixed = np.array([METRICS[name].mixed for name in rows["metric"].tolist()], dtype=bool)
    within = mixed & ~np.isnan(alike[3])
    value, lower, upper = (np.where(within, a, c) for a, c in zip(alike[:3], crude, strict=True))
    p = np.where(within, alike[3], two_groups.interval_p_value(rates.Interval(*crude)))
    p = _adjusted(np.where(np.isnan(lower), np.nan, p), rows["metric"].to_numpy(dtype=object))
    held = crude[1] * crude[2] <= 0
    hidden_by_mix = within & (held | (crude[0] * value < 0))
    better = [
        "neither" if may_be_mix else METRICS[name].better
        for name, may_be_mix in zip(rows["metric"].tolist(), mixed & ~within, strict=True)
    ]
    of_each = zip(value, lower, upper, p, hidden_by_mix, within & ~held, better, strict=True)
    told = [_told(*row) for row in of_each]
    return pd.DataFrame(told, columns=["change_kind", "change_words"], index=rows.index)


def _adjusted(p_values: FloatArray, families: npt.NDArray[np.object_]) -> FloatArray:
    """The p values that there are, adjusted within their families."""
    known = ~np.isnan(p_values)
    adjusted = np.full(len(p_values), np.nan)
    for family in dict.fromkeys(families[known]):
        own = known & (families == family)
        adjusted[own] = rates.false_discovery_adjust(p_values[own])
    return adjusted


def _told(
    value: float, lower: float, upper: float, p: float, hidden_by_mix: bool, shown_by_mix: bool, better: str
) -> tuple[VerdictKind, str]:
    """The verdict on a change, and what its own figures don't say: the mix may hide a change, or show one."""
    if np.isnan(lower):
        return "common", ""
    if lower <= 0 <= upper:
        return "common", LIKE_FOR_LIKE if shown_by_mix else NOT_TOLD
    if p > LEVEL:
        return "common", AMONG_SEVERAL
    words = f"like for like {signed(value)} ({signed(lower)} to {signed(upper)})" if hidden_by_mix else ""
    if better == "neither":
        return "neither", words
    return ("improvement" if (value > 0) == (better == "higher") else "concern"), words


def _of(part: dict[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    return part["numerator"], part["denominator"]


def _limits(part: dict[str, FloatArray]) -> rates.Interval:
    return rates.Interval(part["value"], part["lower"], part["upper"])
