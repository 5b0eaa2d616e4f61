"""One metric over time by site: its rows and its chart."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from dashboard import charts, no_shows, time_charts
from dashboard.filters import Filters
from dashboard.metrics import METRICS
from dashboard.panels.scores import measured
from dashboard.panels.sums import gathered
from dashboard.panels.words import titled, unit_title
from dashboard.warehouse import Reader


def trend(name: str, *, band: bool = True) -> Callable[[charts.Look], charts.Chart]:
    """Chart of one metric over time by site."""

    def build(look: charts.Look) -> charts.Chart:
        metric = METRICS[no_shows.in_use(name, look.no_shows)]
        return time_charts.lines(
            metric.title,
            unit_title(metric),
            charts.by_site(look),
            counted=metric.counted if metric.denominator else None,
            band=band and metric.interval is not None,
        )

    return build


def trend_frame(name: str) -> Callable[[Reader, Filters], pd.DataFrame]:
    """Rows of one metric over time by site."""

    def rows(reader: Reader, filters: Filters) -> pd.DataFrame:
        metric = no_shows.in_use(name, filters.no_shows)
        frame = measured(gathered(reader, filters, [metric], "period", "site"), metric, "period", "site")
        kept = frame[frame["value"].notna() | frame["numerator"].isna()]
        return titled(kept.reset_index(drop=True), reader)

    return rows
