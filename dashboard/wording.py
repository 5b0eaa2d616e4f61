"""Counts and values as people read them."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal

import numpy as np

from dashboard.metrics import Unit


def number(value: float, places: int = 0) -> str:
    """A number rounded as charts, tables and spreadsheets round it, a half away from zero, with a true minus.

    Python's own formats round a half to the even neighbour: 1 of 16 was 6.2 % in words and 6.3 % in the chart beside
    them. What rounds to zero has no sign; an em dash stands where there is no number.

    >>> number(6.25, 1), number(1234.5), number(-2.5), number(-0.04, 1), number(float("nan"))
    ('6.3', '1,235', '−3', '0.0', '—')
    """
    if not np.isfinite(value):
        return "—"
    # What reckoning leaves behind the ninth place must not turn a half into less.
    rounded = Decimal(round(float(value), 9)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return f"{rounded or abs(rounded):,.{places}f}".replace("-", "−")


def about(value: float) -> str:
    """A rough number above 0 by its first figure alone, never in powers of ten.

    >>> about(0.51), about(0.019), about(49.3), about(3.2), about(0)
    ('0.5', '0.02', '50', '3', '0')
    """
    places = -math.floor(math.log10(value)) if value > 0 else 0
    return number(round(value, places), max(places, 0))


def plural(count: float, one: str, many: str) -> str:
    """A count with its noun.

    >>> plural(1, "transfer", "transfers"), plural(1200, "transfer", "transfers")
    ('1 transfer', '1,200 transfers')
    """
    return f"{count:,.0f} {one if count == 1 else many}"


def signed(change: float, places: int = 1) -> str:
    """A change with its sign and a true minus; what rounds to zero has none.

    >>> signed(7.04), signed(-1234.5, 0), signed(-0.04)
    ('+7.0', '−1,235', '0.0')
    """
    shown = number(change, places)
    return f"+{shown}" if change > 0 and shown != number(0, places) else shown


#: Units whose changes are told in points.
IN_POINTS = frozenset({"percent", "per 100 infusions", "points"})


def change_text(change: float, unit: str) -> str:
    """A change as a scorecard shows it, with its sign; an em dash where there is none.

    >>> change_text(-1.26, "percent"), change_text(3.0, "count"), change_text(-250.0, "dollars")
    ('−1.3 points', '+3', '−$250')
    >>> change_text(0.54, "days"), change_text(0.0, "dollars"), change_text(float("nan"), "percent")
    ('+0.5', '$0', '—')
    """
    if not np.isfinite(change):
        return "—"
    if unit in IN_POINTS:
        return f"{signed(change)} points"
    if unit == "dollars":
        shown = signed(change, 0)
        return f"{shown[0]}${shown[1:]}" if shown[0] in "+−" else f"${shown}"
    return signed(change, 1 if unit == "days" else 0)


def unbroken(sentence: str) -> str:
    """A sentence whose lines break nowhere between a number and its per cent sign.

    >>> unbroken("7.0 % of 12")
    '7.0\\xa0% of 12'
    """
    return sentence.replace(" %", "\N{NO-BREAK SPACE}%")


def text(value: float, unit: Unit) -> str:
    """A value as a tile shows it; an em dash where there is none.

    >>> text(7.04, "percent"), text(1234.0, "count"), text(12.5, "dollars"), text(float("nan"), "days")
    ('7.0 %', '1,234', '$12.50', '—')
    >>> text(-264.5, "dollars"), text(0.0209, "percent"), text(0.0, "percent")
    ('−$264.50', '0.02 %', '0.0 %')
    """
    if not np.isfinite(value):
        return "—"
    if unit == "dollars":
        shown = number(value, 2 if abs(value) < 10_000 else 0)
        return f"−${shown[1:]}" if shown.startswith("−") else f"${shown}"
    if unit == "count":
        return number(value)
    # Of a rate that rounds to 0 its first figure: 1 of 4,787 is not 0.0 %.
    small = unit in {"percent", "per 100 infusions"} and 0 < value < 0.05
    shown = about(value) if small else number(value, 1)
    return f"{shown} %" if unit == "percent" else shown


def own_text(value: float, unit: Unit, *, change: bool = False) -> str:
    """A figure of a table whose rows have units of their own; a limit of a count has one decimal, being no count.

    >>> own_text(38.0, "count"), own_text(39.4, "count"), own_text(7.04, "percent")
    ('38', '39.4', '7.0 %')
    >>> own_text(-1.26, "percent", change=True), own_text(-3.5, "count", change=True)
    ('−1.3 points', '−3.5')
    """
    if unit == "count" and np.isfinite(value) and value != round(value):
        return signed(value) if change else number(value, 1)
    return change_text(value, unit) if change else text(value, unit)
