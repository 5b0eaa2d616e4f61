"""What a panel is: one question with its rows, its chart, its table, its file and its definitions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, Literal

import numpy as np
import pandas as pd

from dashboard import changes, charts, no_shows, time_charts
from dashboard.filters import Filters
from dashboard.measuring import MEASURED, measure, measure_all
from dashboard.metrics import METRICS, Metric
from dashboard.theme import SEVERITY_TITLES, STATUS_TITLES, Mode, line_title
from dashboard.warehouse import Reader

Format = Literal["text", "date", "count", "decimal", "percent", "dollars", "datetime", "link"]


@dataclass(frozen=True)
class Column:
    """A column of a table and file: its key in the rows, its heading with unit, its format."""

    name: str
    title: str
    format: Format = "text"


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
        marked: whether people's marks on control charts are among the rows.
        sites_in: the column of sites' names, by which only some of many are drawn at a time; empty where all are.
        listed: whether the rows are of one patient each: no table where there is none, no site beside one site's.
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
    html: Callable[[pd.DataFrame, Mode], str] | None = None
    whole: Literal["", "asked", "year"] = ""
    hides: bool = False
    marked: bool = False
    listed: bool = False
    sites_in: str = "site"

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


SITE = Column("site", "Site")
LINE = Column("line", "Service line")
BAND = Column("band", "Age band")
PERIOD = Column("period", "From", "date")


def value_columns(name: str) -> tuple[Column, ...]:
    """The columns of `metrics.measure` for one metric, with headings that name unit and counts."""
    metric = METRICS[name]
    units = {"percent": "%", "per 100 infusions": "per 100 infusions", "dollars": "US$", "points": "points"}
    unit = units.get(metric.unit, "")
    heading = f"{metric.title} ({unit})" if unit else metric.title
    if not metric.denominator:
        formats: dict[str, Format] = {"dollars": "dollars", "count": "count", "days": "decimal"}
        return (Column("value", heading, formats.get(metric.unit, "decimal")),)
    counted = (
        Column("numerator", metric.counted[0].capitalize(), "count"),
        Column("denominator", metric.counted[1].capitalize(), "count"),
    )
    if metric.interval is None:
        return (Column("value", heading, "decimal"), *counted)
    limits = (Column("lower", "95 % from", "decimal"), Column("upper", "95 % to", "decimal"))
    return (Column("value", heading, "decimal"), *limits, *counted)


Sums = Callable[..., pd.DataFrame]


def shared(make: Sums) -> Sums:
    """Worked out once for all panels that ask for the same rows.

    Of a function of a reader, filters and dimensions that uses of the filters the period, the grain and what
    `Filters.values` gives.
    """

    @wraps(make)
    def sums(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
        # As with whole panels, what the viewer may see is part of the question.
        rights = (reader.viewer.role, reader.hides_small_counts, reader.sites)
        asked = (filters.start, filters.end, filters.grain, filters.sites, filters.lines, filters.bands)
        key = ("sums", make.__name__, *rights, *asked, by)
        return reader.warehouse.remembered(key, lambda: make(reader, filters, *by))

    return sums


#: What rows can be by; every other column of a query is additive.
DIMENSIONS = ("period", "site", "line", "service", "band", "status", "effect", "severity", "method")


@shared
def counts(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """Additive counts by the dimensions named, one row for each of their combinations.

    Every site asked for has its rows, also where nothing was booked; likewise lines and bands.
    """
    return filled(_sums(reader, filters, "counts", by, _FINE), filters, by)


@shared
def with_capacity(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """The counts by period or site with capacity_minutes and open_days of the chairs beside them."""
    capacity = reader.query(
        "capacity", start=filters.start, end=filters.end, sites=filters.sites, by=by, grain=filters.grain
    )
    frame = _beside(counts(reader, filters, *by), capacity, by)
    return frame.fillna({"capacity_minutes": 0, "open_days": 0})


def with_slots(reader: Reader, filters: Filters, frame: pd.DataFrame, *by: str) -> pd.DataFrame:
    """The rows with the slots of their period and site; lines and ages share them, so that each has them all."""
    own = tuple(name for name in by if name in ("period", "site"))
    until = reader.catalogue.last_full_day
    slots = reader.query(
        "slots", start=filters.start, end=filters.end, sites=filters.sites, by=own, grain=filters.grain, until=until
    )
    if not own:
        return frame.assign(slots=slots["slots"].sum())
    return frame.merge(slots[[*own, "slots"]], how="left", on=list(own)).fillna({"slots": 0})


@shared
def patient_counts(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """Distinct patients by the dimensions named: none, site, line, band, or site and line."""
    frame = reader.query("patients", **filters.values())
    level = sum(bit for name, bit in (("site", 4), ("line", 2), ("band", 1)) if name not in by)
    return filled(frame[frame["level"] == level].drop(columns="level").reset_index(drop=True), filters, by)


@shared
def effect_counts(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """Side effects by the dimensions named, without rows for what did not happen."""
    return _sums(reader, filters, "effect_counts", by, (*_FINE, "effect"))


#: Rows so fine are few, and what is asked of a page mostly adds up from them.
_FINE = ("site", "line", "band")


def _sums(reader: Reader, filters: Filters, name: str, by: Sequence[str], fine: tuple[str, ...]) -> pd.DataFrame:
    """The answer by the dimensions named, added up from finer rows that many panels share.

    Not where small counts are hidden: of what is shown, each cell is decided by itself.
    """
    if reader.hides_small_counts or not set(by) <= set(fine):
        return reader.query(name, by=by, grain=filters.grain, **filters.values())
    return added_up(reader.query(name, by=fine, grain=filters.grain, **filters.values()), by)


def added_up(frame: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Additive columns by the dimensions named, from finer rows; a dimension may be null."""
    measures = [column for column in frame.columns if column not in DIMENSIONS]
    if by:
        return frame.groupby(list(by), sort=False, dropna=False)[measures].sum().reset_index()
    return frame[measures].sum().to_frame().T


@shared
def course_counts(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """Courses of ketamine begun in the period by the dimensions named (period, site, band)."""
    values = filters.values()
    del values["lines"]
    until = reader.catalogue.last_full_day
    fine = by if "period" in by else ("site", "band")
    frame = reader.query("course_counts", by=fine, grain=filters.grain, until=until, **values)
    return filled(added_up(frame, by), filters, by)


@shared
def lead_medians(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """Median lead time in days by site, or over all sites asked for: column median_lead_days."""
    frame = reader.query("lead_time", **filters.values())
    if not by:
        over_all = frame.groupby("lead_days")["bookings"].sum().reset_index()
        return pd.DataFrame({"median_lead_days": [_weighted_median(over_all)]})
    medians = [_weighted_median(frame[frame["site"] == site]) for site in filters.sites]
    return pd.DataFrame({"site": filters.sites, "median_lead_days": medians})


def _weighted_median(part: pd.DataFrame) -> float:
    """The median of lead_days, each as often as bookings says; the two middle ones averaged."""
    total = int(part["bookings"].sum())
    if not total:
        return float("nan")
    reached = part["bookings"].cumsum().to_numpy()
    days = part["lead_days"].to_numpy()
    low = days[np.searchsorted(reached, (total + 1) // 2)]
    high = days[np.searchsorted(reached, total // 2 + 1)]
    return float(low + high) / 2


def gathered(reader: Reader, filters: Filters, names: Sequence[str], *by: str) -> pd.DataFrame:
    """Every additive column that the metrics need, by site or over all sites asked for."""
    sources = {METRICS[name].source for name in names}
    needed = {column for name in names for column in METRICS[name].denominator}
    frame = (with_capacity if "capacity_minutes" in needed else counts)(reader, filters, *by)
    if "slots" in needed:
        frame = with_slots(reader, filters, frame, *by)
    if "patients" in sources:
        frame = _beside(frame, patient_counts(reader, filters, *by), by)
    if "lead_time" in sources:
        frame = _beside(frame, lead_medians(reader, filters, *by), by)
    if "courses" in sources:
        frame = _beside(frame, course_counts(reader, filters, *by), by)
    if "effects" in sources:
        frame = _beside(frame, filled(effect_counts(reader, filters, *by), filters, by), by)
    return frame


def _beside(frame: pd.DataFrame, other: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Both side by side; columns that only name dimensions are taken once."""
    new = [c for c in other.columns if c not in frame.columns and c not in DIMENSIONS]
    if not by:
        return pd.concat([frame.reset_index(drop=True), other[new]], axis=1)
    return frame.merge(other[[*by, *new]], how="left", on=list(by))


def _dimension(filters: Filters, name: str) -> Sequence[str] | None:
    return {
        "site": filters.sites,
        "line": filters.lines or filters.scope.lines,
        "band": filters.bands or filters.scope.bands,
    }.get(name)


def filled(frame: pd.DataFrame, filters: Filters, by: Sequence[str], **values: Sequence[str]) -> pd.DataFrame:
    """One row for each combination of the dimensions' values, the last changing fastest; zeros where there is none.

    `values` are those of dimensions that the filters don't know.
    """
    measures = [c for c in frame.columns if c not in DIMENSIONS]
    if not by:
        frame = frame[measures]
        return frame if len(frame) else pd.DataFrame([dict.fromkeys(measures, 0)])
    own = [values.get(name) or _dimension(filters, name) or list(dict.fromkeys(frame[name])) for name in by]
    rows = list(itertools.product(*own))
    places = {row: place for place, row in enumerate(rows)}
    found = [places.get(row, -1) for row in zip(*(frame[name] for name in by), strict=True)]
    kept = np.array([place >= 0 for place in found], dtype=bool)
    at = np.array(found, dtype=int)[kept]
    columns: dict[str, Any] = {
        # Without rows, too, a column stays what it is: a period a date.
        name: pd.Series([row[i] for row in rows], dtype=frame[name].dtype)
        for i, name in enumerate(by)
    }
    for name in measures:
        given = frame[name].to_numpy()
        # Only rows that are missing are 0; NaN in one that is there is hidden.
        columns[name] = np.zeros(len(rows), dtype=given.dtype)
        columns[name][at] = given[kept]
    return pd.DataFrame(columns)


def measured(frame: pd.DataFrame, name: str, *keep: str) -> pd.DataFrame:
    """The dimensions named and the metric's value, numerator, denominator, lower and upper."""
    return pd.concat([frame[list(keep)], measure(frame, METRICS[name])], axis=1)


def titled(frame: pd.DataFrame, reader: Reader) -> pd.DataFrame:
    """The same rows with names that staff read instead of keys."""
    catalogue = reader.catalogue
    names = {
        "site": lambda s: s.map(catalogue.site_name),
        "line": lambda s: s.map(line_title),
        "effect": lambda s: s.map(lambda e: catalogue.effects.get(e, e)),
        "status": lambda s: s.map(STATUS_TITLES),
        "severity": lambda s: s.map(SEVERITY_TITLES),
    }
    return frame.assign(**{c: names[c](frame[c]) for c in names if c in frame.columns})


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


def unit_title(metric: Metric) -> str:
    """What an axis says: the metric's unit and denominator."""
    if metric.unit == "percent":
        return f"% of {metric.counted[1]}"
    if metric.unit == "dollars":
        return "US dollars"
    return metric.counted[0].capitalize() if metric.unit == "count" else metric.unit.capitalize()


def trend_frame(name: str) -> Callable[[Reader, Filters], pd.DataFrame]:
    """Rows of one metric over time by site."""

    def rows(reader: Reader, filters: Filters) -> pd.DataFrame:
        metric = no_shows.in_use(name, filters.no_shows)
        frame = measured(gathered(reader, filters, [metric], "period", "site"), metric, "period", "site")
        kept = frame[frame["value"].notna() | frame["numerator"].isna()]
        return titled(kept.reset_index(drop=True), reader)

    return rows


ALL_SITES = "All sites"


def scores(reader: Reader, filters: Filters, names: Sequence[str]) -> pd.DataFrame:
    """Metrics by site, and over all of them where there are several, with one or two comparisons.

    Returns:
        One row a metric and site: metric, title, unit, site, value, numerator, denominator, lower,
        upper, and of the first comparison against (what with, in words), before, before_numerator, change,
        change_lower, change_upper (`changes.between`); of a second one the same, led by `also_`.
        Empty and NaN where nothing is compared.
    """
    now = _scores(reader, filters, names)
    parts = [now]
    for also, lead in ((False, ""), (True, "also_")):
        against, then = _then(reader, filters, names, now, also=also)
        part = changes.between(now, then).assign(against=against)
        if filters.compared_site(also=also):
            # Sites differ in size: of counts that is no finding.
            limits = ["change_lower", "change_upper"]
            part[limits] = part[limits].where(now["unit"] != "count", axis=0)
        parts.append(part.add_prefix(lead))
    return pd.concat(parts, axis=1)


def _then(
    reader: Reader, filters: Filters, names: Sequence[str], now: pd.DataFrame, *, also: bool
) -> tuple[str, pd.DataFrame]:
    """What is compared with, in words, and its rows beside those of now."""
    if earlier := filters.compared(also=also):
        return earlier.period_text(), _scores(reader, earlier, names)
    nothing = _nothing(now[list(MEASURED)])
    if (site := filters.compared_site(also=also)) is None:
        return "", nothing
    name = reader.catalogue.site_name(site)
    own = _scores(reader, filters.at(site), names).set_index("metric")
    then = own.loc[now["metric"], list(MEASURED)].set_index(now.index)
    # A site isn't compared with itself, nor with a whole that it is part of.
    return name, then.where(~now["site"].isin([name, ALL_SITES]), nothing)


def against(now: pd.DataFrame, then: pd.DataFrame | None) -> pd.DataFrame:
    """Rows of metrics with their change from those of the compared period (`changes.between`), NaN without one."""
    return pd.concat([now, changes.between(now, _nothing(now) if then is None else then)], axis=1)


def _nothing(now: pd.DataFrame) -> pd.DataFrame:
    """Rows that nothing can be said against."""
    return now.assign(value=np.nan, numerator=0.0, denominator=0.0, lower=np.nan, upper=np.nan)


def _scores(reader: Reader, filters: Filters, names: Sequence[str]) -> pd.DataFrame:
    frame = titled(gathered(reader, filters, names, "site"), reader)
    if len(filters.sites) > 1:
        total = gathered(reader, filters, names).assign(site=ALL_SITES)
        frame = pd.concat([frame, total], ignore_index=True)
    return named(measure_all(frame, list(names), ["site"]))


def named(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of metrics with title and unit."""
    return rows.assign(
        title=rows["metric"].map(lambda name: METRICS[name].title),
        unit=rows["metric"].map(lambda name: METRICS[name].unit),
    )


SCORE_COLUMNS = (
    Column("title", "Metric"),
    SITE,
    Column("value", "Value", "decimal"),
    Column("unit", "Unit"),
    Column("numerator", "Numerator", "count"),
    Column("denominator", "Denominator", "count"),
    Column("lower", "95 % from", "decimal"),
    Column("upper", "95 % to", "decimal"),
    Column("against", "Compared with"),
    Column("before", "Value compared with", "decimal"),
    Column("change", "Change", "decimal"),
    Column("change_lower", "Change, 95 % from", "decimal"),
    Column("change_upper", "Change, 95 % to", "decimal"),
    Column("also_against", "Second comparison"),
    Column("also_before", "Second value", "decimal"),
    Column("also_change", "Second change", "decimal"),
    Column("also_change_lower", "Second change, 95 % from", "decimal"),
    Column("also_change_upper", "Second change, 95 % to", "decimal"),
)


#: So many groups are named in a heading.
TOLD = 4


def listed(parts: Sequence[str], joint: str = "; ", most: int = TOLD) -> str:
    """Parts of a heading, the first ones where they are many.

    >>> listed(["a", "b", "c"], most=2), listed(["a", "b"], ", ")
    ('a; b and 1 more', 'a, b')
    """
    left = len(parts) - most
    return joint.join(parts[:most]) + (f" and {left} more" if left > 0 else "")


def share_text(row: pd.Series, unit: str = "%") -> str:
    """`7.0 % (31 of 440; 95 % interval 5.0 to 9.8)` of a measured row."""
    if row["denominator"] == 0 or pd.isna(row["value"]):
        return "no data"
    return (
        f"{row['value']:.1f} {unit} ({row['numerator']:,.0f} of {row['denominator']:,.0f}; "
        f"95 % interval {row['lower']:.1f} to {row['upper']:.1f})"
    )
