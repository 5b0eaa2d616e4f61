"""What the page Bookings shows, for any framework: the dashboard's own questions of the same extract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dashboard import exports, filters, panels, pictures
from dashboard.access import Role, Viewer
from dashboard.panels import PANELS
from dashboard.settings import Settings
from dashboard.shelf import Shelf
from dashboard.warehouse import Reader

#: As the filter bar names them, by their name in addresses.
PERIODS = {
    "Last 28 days": "28-days",
    "Last 7 days": "7-days",
    "Last 90 days": "90-days",
    "Last 12 months": "12-months",
    "Last month": "last-month",
}
CHARTS = (
    "bookings_by_status",
    "new_and_returning",
    "no_show_trend",
    "utilisation_trend",
    "cancellation_trend",
    "late_cancellation_trend",
    "weekday_hours",
    "lead_time",
)
READER = Reader(Shelf(Settings.from_environment()).current(), Viewer("d", "D", Role.MEDICAL_DIRECTOR))


def _chosen(period: str) -> filters.Filters:
    return filters.parse({"period": [PERIODS[period]]}, exports.scope_of(READER))


def scorecard(period: str) -> str:
    """The summary above the charts, as HTML."""
    return pictures.html(READER, PANELS["bookings_summary"], _chosen(period))


def charts(period: str) -> Iterator[tuple[str, list[dict[str, Any]], dict[str, Any]]]:
    """Name, rows and Vega-Lite specification of each chart."""
    chosen = _chosen(period)
    for name in CHARTS:
        (one,) = pictures.pictures(READER, name, chosen, "light").charts
        yield name, one.rows.to_pylist(), one.body


def title(name: str) -> str:
    """What stands above a chart."""
    return panels.PANELS[name].title
