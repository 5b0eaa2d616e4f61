"""Every panel, in the order of the pages."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from dashboard import access, charts
from dashboard.filters import Filters
from dashboard.panels import age_groups, bookings, comparison, holdings, safety, service_mix, signals, today
from dashboard.panels.base import Column, Panel
from dashboard.warehouse import Reader

__all__ = ["PANELS", "Column", "Panel", "rows", "specification"]

PANELS: dict[str, Panel] = {
    panel.name: panel
    for module in (today, bookings, service_mix, safety, signals, comparison, age_groups, holdings)
    for panel in module.PANELS
}


def rows(reader: Reader, name: str, filters: Filters) -> pd.DataFrame:
    """The rows of a panel: what its chart, its table and its file all show.

    Worked out once for all viewers with the same rights and filters.

    Raises:
        AccessDeniedError: the panel or one of the sites isn't open to the viewer.
        KeyError: no such panel.
    """
    panel = PANELS[name]
    viewer = access.require(reader.viewer, panel.resource)
    for site in filters.sites:
        access.require(viewer, panel.resource, site)
    key = ("panel", name, viewer.role, reader.sites, filters)
    return reader.warehouse.remembered(key, lambda: panel.frame(reader, filters))


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
