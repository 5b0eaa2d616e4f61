"""What the axes of all charts have in common."""

from __future__ import annotations

import altair as alt

#: The least step of a time axis in milliseconds, so that no date is told twice. Vega makes one tick more than fit:
#: of a day a whole step would be half a one.
LEAST_STEP = 129_600_000
#: By itself Vega writes a 0 that is alone as 0.000000.
NUMBER = ",~f"


def from_zero(unit: str) -> alt.Scale:
    """From 0 to whatever the values reach, and a little further than 0: else Vega draws zeros at half the height.

    Args:
        unit: the axis' title; shares and rates may be far below 1, of all else 1 is little.
    """
    least = 0.1 if "%" in unit or "per " in unit.lower() else 1
    return alt.Scale(zero=True, nice=True, domain=alt.DomainUnionWith(unionWith=[0, least]))
