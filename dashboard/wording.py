"""Counts and values as people read them."""

from __future__ import annotations

import numpy as np

from dashboard.metrics import Unit


def plural(count: float, one: str, many: str) -> str:
    """A count with its noun.

    >>> plural(1, "transfer", "transfers"), plural(1200, "transfer", "transfers")
    ('1 transfer', '1,200 transfers')
    """
    return f"{count:,.0f} {one if count == 1 else many}"


def signed(change: float, places: int = 1) -> str:
    """A change with its sign and a true minus; what rounds to zero has none.

    >>> signed(7.04), signed(-1234.5, 0), signed(-0.04)
    ('+7.0', '−1,234', '0.0')
    """
    rounded = round(change, places)
    return f"{rounded:+,.{places}f}".replace("-", "−") if rounded else f"{0:.{places}f}"


def text(value: float, unit: Unit) -> str:
    """A value as a tile shows it; an em dash where there is none.

    >>> text(7.04, "percent"), text(1234.0, "count"), text(12.5, "dollars"), text(float("nan"), "days")
    ('7.0 %', '1,234', '$12.50', '—')
    """
    if not np.isfinite(value):
        return "—"
    if unit == "dollars":
        return f"${value:,.2f}" if abs(value) < 10_000 else f"${value:,.0f}"
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "percent":
        return f"{value:.1f} %"
    return f"{value:.1f}".replace("-", "−")
