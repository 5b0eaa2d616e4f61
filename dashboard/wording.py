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
