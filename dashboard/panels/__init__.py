"""Every panel, in the order of the pages."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from dashboard import access, chart_notes, charts, marks, no_shows, periods, specifications, theme, time_charts
from dashboard.catalogue import Catalogue
from dashboard.filters import Filters, day_text, months_back
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
from dashboard.panels.column import Column
from dashboard.panels.panel import Panel, Start
from dashboard.warehouse import Reader

__all__ = [
    "PANELS",
    "Column",
    "Panel",
    "asked",
    "columns",
    "drawn",
    "heading",
    "key_of",
    "look_of",
    "notes_of",
    "panel_of",
    "rows",
    "shown",
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


def panel_of(name: str, chosen: Filters) -> Panel:
    """A panel under the definition of the no-show rate that is in use."""
    return PANELS[name].under(chosen.no_shows)


def rows(reader: Reader, name: str, filters: Filters) -> pd.DataFrame:
    """The rows of a panel: what its chart, its table and its file all show.

    Worked out once for all viewers with the same rights and filters.

    Raises:
        AccessDeniedError: the panel or one of the sites isn't open to the viewer.
        KeyError: no such panel.
    """
    key = key_of(reader, name, filters)
    own = _depended_on(name, filters)
    return reader.warehouse.remembered(key, lambda: _rows(reader, PANELS[name], asked(reader, name, own)))


def on_page(reader: Reader, name: str, filters: Filters) -> pd.DataFrame:
    """The rows of a panel that a page reads: all of them, or the first ones of a list that may be very long."""
    start = _start(reader, name, filters)
    return rows(reader, name, filters) if start is None else start.rows.copy(deep=False)


def shown(reader: Reader, name: str, filters: Filters) -> pd.DataFrame:
    """The rows of a panel as a page shows them: in short where there may be very many."""
    if (short := PANELS[name].short) is None:
        return on_page(reader, name, filters)
    key = ("shown", *key_of(reader, name, filters))
    return reader.warehouse.remembered(key, lambda: short(rows(reader, name, filters)))


def length(reader: Reader, name: str, filters: Filters) -> int:
    """How many rows a panel has, those that a page doesn't show among them."""
    start = _start(reader, name, filters)
    return len(rows(reader, name, filters)) if start is None else start.length


def _start(reader: Reader, name: str, filters: Filters) -> Start | None:
    """What a page shows of a list that may be very long; None of other panels."""
    if (start := PANELS[name].start) is None:
        return None
    key = ("start", *key_of(reader, name, filters))
    return reader.warehouse.kept(key, lambda: start(reader, _depended_on(name, filters)))


def _depended_on(name: str, filters: Filters) -> Filters:
    """The filters without what a panel's rows don't depend on: links in rows that others get too would hold it."""
    filters = replace(filters, part=1)
    return filters if PANELS[name].shows_no_shows else replace(filters, no_shows=no_shows.HEADLINE)


def key_of(reader: Reader, name: str, filters: Filters) -> tuple[Any, ...]:
    """What a panel's rows depend on, once the viewer may see them."""
    panel = PANELS[name]
    viewer = access.require(reader.viewer, panel.resource)
    for site in filters.sites:
        access.require(viewer, panel.resource, site)
    marked = reader.marks if panel.marked else ()
    own = _depended_on(name, filters)
    return ("panel", name, viewer.role, reader.hides_small_counts, reader.sites, own, marked)


def heading(reader: Reader, name: str, filters: Filters) -> str:
    """What a panel's rows say, in words; its title where it has none."""
    panel = panel_of(name, filters)
    if (answer := panel.answer) is None:
        return panel.title
    if (start := _start(reader, name, filters)) is not None:
        return start.heading
    key = ("heading", *key_of(reader, name, filters))
    return reader.warehouse.kept(key, lambda: answer(rows(reader, name, filters)))


def asked(reader: Reader, name: str, filters: Filters) -> Filters:
    """The filters that a panel's rows are of: in whole calendar periods where small counts are hidden."""
    whole = PANELS[name].whole
    if not whole or not reader.hides_small_counts:
        return filters
    found = periods.whole(filters) if whole == "asked" else periods.whole_year(filters)
    return found or filters


def note(reader: Reader, name: str, filters: Filters) -> str:
    """How a panel is read: its own note, and over weeks or months which of them are parts."""
    panel = PANELS[name]
    # The days ahead are by day, whatever the period.
    cut = asked(reader, name, filters).cut_text() if panel.dated and panel.resource != "today" else ""
    return " ".join(filter(None, (panel.note, cut)))


def columns(reader: Reader, name: str, chosen: Filters) -> tuple[Column, ...]:
    """The columns of a panel's table and file; with one more where small counts are hidden."""
    panel = panel_of(name, chosen)
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
def specification(name: str, look: charts.Look) -> specifications.Specification:
    """The chart of a panel, built and validated once a process and look, without its rows.

    Raises:
        KeyError: no such panel, or one without a chart.
    """
    build = PANELS[name].chart
    if build is None:
        raise KeyError(f"{name} has no chart")
    return specifications.specification(build(look))


def look_of(catalogue: Catalogue, chosen: Filters, shown: theme.Mode) -> charts.Look:
    """The look of this extract's charts."""
    colours = dict(zip(catalogue.sites, theme.site_colours(len(catalogue.sites), shown), strict=True))
    return charts.Look(
        shown,
        tuple(catalogue.site_name(site) for site in chosen.sites),
        tuple(colours[site] for site in chosen.sites),
        catalogue.lines,
        catalogue.bands,
        tuple(catalogue.effects[effect] for effect in chosen.scope.effects if effect in catalogue.effects),
        chosen.no_shows,
        tuple(dict.fromkeys(catalogue.groups.values())),
    )


def drawn(frame: pd.DataFrame, spec: specifications.Specification, grain: str) -> pd.DataFrame:
    """The columns of a panel's rows that its chart draws; `grain` is what their periods are."""
    kept = frame[[column for column in frame.columns if column in spec.fields]]
    if "period" in kept.columns:
        # As text with a time of day, which browsers read as local: a bare date would be taken as
        # UTC and drawn a day early in America.
        days = np.datetime_as_string(kept["period"].to_numpy().astype("datetime64[D]"))
        kept = kept.assign(period=[f"{day}T00:00:00" for day in days])
    return kept.assign(**{time_charts.GRAIN: grain}) if spec.any_grain else kept


#: Pages about patients; all others are about bookings and money.
_OF_PATIENTS = frozenset({"safety", "signals", "courses", "events"})


def notes_of(
    reader: Reader, name: str, chosen: Filters, frame: pd.DataFrame, spec: specifications.Specification
) -> list[tuple[str, chart_notes.Note]]:
    """What people wrote on the dates that a panel's rows span, each with the name of its site ("" for all).

    Empty for a panel without a time axis.
    """
    if not reader.marks or "period" not in frame or not len(frame) or chart_notes.along_time(spec) is None:
        return []
    panel = PANELS[name]
    topic: marks.Kind = "safety" if panel.resource in _OF_PATIENTS else "bookings"
    first, last = _span(frame["period"], asked(reader, name, chosen).end if panel.dated else None)
    site_name = reader.catalogue.site_name
    found = []
    for place, mark in enumerate(marks.of_dates(reader.marks, topic, chosen.sites, first, last), start=1):
        site = "" if mark.site == marks.EVERY_SITE else site_name(mark.site)
        words = f"{day_text(mark.on_date)}, {site or 'all sites'}: {mark.text} ({mark.person_name})"
        found.append(
            (site, chart_notes.Note(str(place), mark.on_date, words, mark.on_date - first > last - mark.on_date))
        )
    return found


def _span(periods: pd.Series, end: dt.date | None) -> tuple[dt.date, dt.date]:
    """The first and the last day of what the rows are by: days, weeks from Monday or months.

    Of one row only the period that was asked for tells, up to its end.
    """
    starts = pd.to_datetime(periods).drop_duplicates().sort_values()
    first, last = starts.iloc[0].date(), starts.iloc[-1].date()
    if len(starts) == 1 and end:
        return first, max(first, end)
    if (starts.dt.day == 1).all() and len(starts) > 1:
        return first, months_back(last, -1) - dt.timedelta(days=1)
    weekly = len(starts) > 1 and (starts.dt.day_of_week == 0).all()
    return first, last + dt.timedelta(days=6 if weekly else 0)
