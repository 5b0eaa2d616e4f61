"""How rows, axes and headings of panels are worded."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from dashboard.metrics import Metric
from dashboard.theme import SEVERITY_TITLES, STATUS_TITLES, line_title
from dashboard.warehouse import Reader

ALL_SITES = "All sites"
#: So many groups are named in a heading.
TOLD = 4


def titled(frame: pd.DataFrame, reader: Reader) -> pd.DataFrame:
    """The same rows with names that staff read instead of keys."""
    catalogue = reader.catalogue
    names = {
        "site": lambda s: s.map(catalogue.site_name),
        "line": lambda s: s.map(line_title),
        "effect": lambda s: s.map(lambda e: catalogue.effects.get(e, e)),
        "status": lambda s: s.map(STATUS_TITLES),
        "severity": lambda s: s.map(SEVERITY_TITLES),
    }
    return frame.assign(**{c: names[c](frame[c]) for c in names if c in frame.columns})


def unit_title(metric: Metric) -> str:
    """What an axis says: the metric's unit and denominator."""
    if metric.unit == "percent":
        return f"% of {metric.counted[1]}"
    if metric.unit == "dollars":
        return "US dollars"
    return metric.counted[0].capitalize() if metric.unit == "count" else metric.unit.capitalize()


def listed(parts: Sequence[str], joint: str = "; ", most: int = TOLD) -> str:
    """Parts of a heading, the first ones where they are many.

    >>> listed(["a", "b", "c"], most=2), listed(["a", "b"], ", ")
    ('a; b and 1 more', 'a, b')
    """
    left = len(parts) - most
    return joint.join(parts[:most]) + (f" and {left} more" if left > 0 else "")


def share_text(row: pd.Series, unit: str = "%") -> str:
    """`7.0 % (31 of 440; 95 % interval 5.0 to 9.8)` of a measured row."""
    if row["denominator"] == 0 or pd.isna(row["value"]):
        return "no data"
    return (
        f"{row['value']:.1f} {unit} ({row['numerator']:,.0f} of {row['denominator']:,.0f}; "
        f"95 % interval {row['lower']:.1f} to {row['upper']:.1f})"
    )
