"""Every panel, in the order of the pages."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pandas as pd

from dashboard import access, charts, periods, theme
from dashboard.filters import Filters
from dashboard.panels import (
    age_groups,
    bookings,
    comparison,
    courses,
    day_hours,
    effectiveness,
    events,
    holdings,
    over_time,
    revenue,
    safety,
    service_mix,
    signals,
    today,
    worklists,
)  # fmt: skip
from dashboard.panels.base import Column, Panel
from dashboard.warehouse import Catalogue, Reader

__all__ = [
    "PANELS",
    "Column",
    "Panel",
    "asked",
    "columns",
    "drawn",
    "heading",
    "html",
    "look_of",
    "rows",
    "specification",
]

#: What stands in a row whose counts of side effects are hidden.
HIDDEN = Column("hidden", "Small counts")

PANELS: dict[str, Panel] = {
    panel.name: panel
    for module in (
        today,
        day_hours,
        worklists,
        bookings,
        service_mix,
        revenue,
        safety,
        effectiveness,
        events,
        signals,
        over_time,
        comparison,
        courses,
        age_groups,
        holdings,
    )
    for panel in module.PANELS
}


def rows(reader: Reader, name: str, filters: Filters) -> pd.DataFrame:
    """The rows of a panel: what its chart, its table and its file all show.

    Worked out once for all viewers with the same rights and filters.

    Raises:
        AccessDeniedError: the panel or one of the sites isn't open to the viewer.
        KeyError: no such panel.
    """
    key = _key(reader, name, filters)
    return reader.warehouse.remembered(key, lambda: _rows(reader, PANELS[name], asked(reader, name, filters)))


def _key(reader: Reader, name: str, filters: Filters) -> tuple[Any, ...]:
    """What a panel's rows depend on, once the viewer may see them."""
    panel = PANELS[name]
    viewer = access.require(reader.viewer, panel.resource)
    for site in filters.sites:
        access.require(viewer, panel.resource, site)
    marks = reader.marks if panel.marked else ()
    return ("panel", name, viewer.role, reader.hides_small_counts, reader.sites, filters, marks)


def heading(reader: Reader, name: str, filters: Filters) -> str:
    """What a panel's rows say, in words; its title where it has none."""
    panel = PANELS[name]
    if (answer := panel.answer) is None:
        return panel.title
    key = ("heading", *_key(reader, name, filters))
    return reader.warehouse.kept(key, lambda: answer(rows(reader, name, filters)))


def html(reader: Reader, name: str, filters: Filters, mode: theme.Mode) -> str:
    """A panel's rows as HTML, where that is how it shows them; else nothing."""
    if (build := PANELS[name].html) is None:
        return ""
    key = ("html", mode, *_key(reader, name, filters))
    return reader.warehouse.kept(key, lambda: build(rows(reader, name, filters), mode))


def asked(reader: Reader, name: str, filters: Filters) -> Filters:
    """The filters that a panel's rows are of: in whole calendar periods where small counts are hidden."""
    whole = PANELS[name].whole
    if not whole or not reader.hides_small_counts:
        return filters
    found = periods.whole(filters) if whole == "asked" else periods.whole_year(filters)
    return found or filters


def columns(reader: Reader, name: str) -> tuple[Column, ...]:
    """The columns of a panel's table and file; with one more where small counts are hidden."""
    panel = PANELS[name]
    if not (panel.hides and reader.hides_small_counts):
        return panel.columns
    named = next(i for i, column in enumerate(panel.columns) if column.format not in {"text", "date"})
    return (*panel.columns[:named], HIDDEN, *panel.columns[named:])


def _rows(reader: Reader, panel: Panel, filters: Filters) -> pd.DataFrame:
    frame = panel.frame(reader, filters)
    if not (panel.hides and reader.hides_small_counts):
        return frame
    own = frame["numerator" if "numerator" in frame else "value"].isna()
    words = pd.Series("", index=frame.index).mask(own, "hidden")
    for name, also in (("patient_numerator", "patients hidden"), ("before_numerator", "compared period hidden"),
                       ("also_before_numerator", "second comparison hidden")):  # fmt: skip
        if name in frame:
            words = words.mask(~own & frame[name].isna(), also)
    return frame.assign(hidden=words)


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


def look_of(catalogue: Catalogue, chosen: Filters, shown: theme.Mode) -> charts.Look:
    """The look of this extract's charts."""
    colours = dict(zip(catalogue.sites, theme.site_colours(len(catalogue.sites), shown), strict=True))
    return charts.Look(
        shown,
        chosen.grain,
        tuple(catalogue.site_name(site) for site in chosen.sites),
        tuple(colours[site] for site in chosen.sites),
        catalogue.lines,
        catalogue.bands,
        tuple(catalogue.effects.values()),
    )


def drawn(frame: pd.DataFrame, spec: charts.Specification) -> pd.DataFrame:
    """The columns of a panel's rows that its chart draws."""
    kept = frame[[column for column in frame.columns if column in spec.fields]]
    if "period" in kept.columns:
        # As text with a time of day, which browsers read as local: a bare date would be taken as
        # UTC and drawn a day early in America.
        kept = kept.assign(period=pd.to_datetime(kept["period"]).dt.strftime("%Y-%m-%dT00:00:00"))
    return kept
