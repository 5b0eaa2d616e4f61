"""Every panel, in the order of the pages."""

from __future__ import annotations

from functools import lru_cache

from dashboard import charts
from dashboard.panels import age_groups, bookings, holdings, safety, service_mix, today
from dashboard.panels.base import Column, Panel

__all__ = ["PANELS", "Column", "Panel", "specification"]

PANELS: dict[str, Panel] = {
    panel.name: panel
    for module in (today, bookings, service_mix, safety, age_groups, holdings)
    for panel in module.PANELS
}


@lru_cache(maxsize=1024)
def specification(name: str, look: charts.Look) -> charts.Specification:
    """The chart of a panel, built and validated once a process and look, without its rows.

    Raises:
        KeyError: no such panel, or one without a chart.
    """
    build = PANELS[name].chart
    if build is None:
        raise KeyError(f"{name} has no chart")
    return charts.specification(build(look))
