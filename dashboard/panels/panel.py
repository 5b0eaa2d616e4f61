"""What a panel is: one question with its rows, its chart, its table, its file and its definitions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

from dashboard import charts, no_shows
from dashboard.filters import Filters
from dashboard.metrics import METRICS, Metric
from dashboard.panels.column import Column, value_columns
from dashboard.warehouse import Reader


@dataclass(frozen=True)
class Start:
    """The first rows of a list that may be very long, how many there are and what all of them say."""

    rows: pd.DataFrame
    length: int
    heading: str


@dataclass(frozen=True)
class Panel:
    """One question.

    Attributes:
        name: key in addresses, files and tests.
        title: what is shown, with its unit; the chart's title.
        resource: what a viewer must be allowed to see (`access.RESOURCES`).
        frame: rows for a reader and filters; the chart, the table and the file all show these.
        columns: the columns of table and file, in order. Others are the chart's helpers and stay out.
        chart: builds the chart for a look; None for a scorecard or a table alone.
        html: draws a scorecard instead of a chart.
        metrics: names of the metrics shown, whose definitions stand below.
        answer: the heading: the rows in one sentence.
        note: a line on how to read it, where the definitions don't say it.
        dated: whether the chart has a time axis.
        each: one small chart for each value of this column (site, instrument), beside each other.
        whole: for viewers from whom small counts are hidden, the rows are of whole calendar
            periods: those asked for, or the twelve months up to their end.
        hides: whether the rows hold counts of side effects, of which small ones are hidden.
        history: whether the rows are of all days up to the end of the period, so that a longer one changes nothing.
        marked: whether people's marks on control charts are among the rows.
        sites_in: the column with the sites' names, of which charts show some at a time where they are many; empty
            where all stand together.
        short: what a page shows of the rows instead of all of them; the file has all.
        start: what a page shows of a list that may be very long; the file has all.
        enough: whether the rows hold enough for a chart to be drawn of them.
    """

    name: str
    title: str
    resource: str
    frame: Callable[[Reader, Filters], pd.DataFrame]
    columns: tuple[Column, ...]
    chart: Callable[[charts.Look], charts.Chart] | None = None
    metrics: tuple[str, ...] = ()
    answer: Callable[[pd.DataFrame], str] | None = None
    note: str = ""
    dated: bool = False
    each: str = ""
    html: Callable[[pd.DataFrame], str] | None = None
    whole: Literal["", "asked", "year"] = ""
    hides: bool = False
    marked: bool = False
    history: bool = False
    sites_in: str = "site"
    short: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    start: Callable[[Reader, Filters], Start] | None = None
    enough: Callable[[pd.DataFrame], bool] = lambda _: True

    def definitions(self) -> list[Metric]:
        """The metrics that the panel shows."""
        return [METRICS[name] for name in self.metrics]

    @property
    def shows_no_shows(self) -> bool:
        """Whether a no-show rate is among its metrics, so that the choice of its definition changes the panel."""
        return any(no_shows.plain(name) == no_shows.RATE for name in self.metrics)

    def under(self, chosen: str) -> Panel:
        """The panel with the no-show rate of a named definition: its title, headings and definitions."""
        if chosen == no_shows.HEADLINE or no_shows.RATE not in self.metrics:
            return self
        usual, other = METRICS[no_shows.RATE], METRICS[no_shows.in_use(no_shows.RATE, chosen)]
        columns = dict(zip(value_columns(usual.name), value_columns(other.name), strict=True))
        return replace(
            self,
            title=self.title.replace(usual.title, other.title),
            metrics=no_shows.all_in_use(self.metrics, chosen),
            columns=tuple(columns.get(column, column) for column in self.columns),
        )
