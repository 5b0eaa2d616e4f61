"""How rows, axes and headings of panels are worded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from dashboard.filters import Filters
from dashboard.metrics import Metric
from dashboard.theme import SEVERITY_TITLES, STATUS_TITLES, line_title
from dashboard.warehouse import Reader
from dashboard.wording import number

ALL_SITES = "All sites"
#: Several sites together that are not all of the extract's.
THESE_SITES = "These sites"
#: So many groups are named in a heading.
TOLD = 4


def together(reader: Reader, filters: Filters) -> str:
    """What the chosen sites are called where they stand as one: all are those of the extract, not of an account."""
    return ALL_SITES if len(filters.sites) == len(reader.catalogue.sites) else THESE_SITES


def titled(frame: pd.DataFrame, reader: Reader) -> pd.DataFrame:
    """The same rows with names that staff read instead of keys."""
    catalogue = reader.catalogue
    names: dict[str, Callable[[str], str]] = {
        "site": catalogue.site_name,
        "line": line_title,
        "effect": lambda key: catalogue.effects.get(key, key),
        "status": STATUS_TITLES.__getitem__,
        "severity": SEVERITY_TITLES.__getitem__,
    }
    return frame.assign(**{name: _named(frame[name], names[name]) for name in names if name in frame.columns})


def _named(keys: pd.Series, name: Callable[[str], str]) -> pd.Series:
    """Names instead of keys, null where there is none; a key comes in many rows, and is looked up once."""
    found = {key: None if pd.isna(key) else name(key) for key in dict.fromkeys(keys.tolist())}
    return pd.Series([found[key] for key in keys.tolist()], index=keys.index, dtype="str")


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


def share_text(row: pd.Series) -> str:
    """`7.0 % (31 of 440; 95 % interval 5.0 to 9.8)` of a measured row."""
    if row["denominator"] == 0 or pd.isna(row["value"]):
        return "no data"
    return (
        f"{number(row['value'], 1)} % ({row['numerator']:,.0f} of {row['denominator']:,.0f}; "
        f"95 % interval {number(row['lower'], 1)} to {number(row['upper'], 1)})"
    )
