"""The columns that metrics are measured from, by whichever dimensions a panel asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard import rates
from dashboard.additive import DIMENSIONS, side_by_side
from dashboard.filters import Filters
from dashboard.metrics import METRICS
from dashboard.warehouse import Reader

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


@shared
def counts(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """Additive counts by the dimensions named, one row for each of their combinations.

    Every site asked for has its rows, also where nothing was booked; likewise lines and bands.
    """
    return filled(_sums(reader, filters, "counts", by, _FINE), filters, by)


@shared
def with_capacity(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """The counts by period or site with capacity_minutes and open_days of the chairs beside them.

    A period without any booking has its chairs too.
    """
    capacity = reader.query(
        "capacity", start=filters.start, end=filters.end, sites=filters.sites, by=by, grain=filters.grain
    )
    frame = _beside(_of_every_period(counts(reader, filters, *by), filters, by), capacity, by)
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


def of_lines(name: str, filters: Filters) -> str:
    """The query that answers `name` for the lines asked for: what is counted by day is so by one and over all."""
    some = 1 < len(filters.lines) < len(filters.scope.lines)
    return {"patients": "patients_of_lines", "both_lines": "both_of_lines"}[name] if some else name


@shared
def patient_counts(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """Distinct patients by the dimensions named: none, site, line, band, or site and line."""
    return filled(reader.at_level(of_lines("patients", filters), by, **filters.values()), filters, by)


@shared
def effect_patients(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """Distinct patients with each side effect, also those with none, by the dimension named before: none or one.

    Rows by the dimension, then by side effect.
    """
    frame = reader.at_level("effect_patients", by, **filters.values())
    return filled(frame, filters, (*by, "effect"), effect=list(reader.catalogue.effects_at(reader.sites)))


@shared
def effect_counts(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """Side effects by the dimensions named, without rows for what did not happen."""
    return _sums(reader, filters, "effect_counts", by, (*_FINE, "effect"))


#: Rows so fine are few, and what is asked of a page mostly adds up from them.
_FINE = ("site", "line", "band")
#: Of more sites the days of each are so many rows that the days alone are asked for in less time.
_FEW_SITES = 12


def _sums(reader: Reader, filters: Filters, name: str, by: Sequence[str], fine: tuple[str, ...]) -> pd.DataFrame:
    """The answer by the dimensions named, added up from finer rows that many panels share."""
    if "period" in by and len(filters.sites) <= _FEW_SITES:
        fine = ("period", "site")
    values = filters.values() | {"by": by, "grain": filters.grain}
    return reader.query(name, **values) if not set(by) <= set(fine) else reader.added_up(name, fine, **values)


@shared
def course_counts(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """Courses of ketamine begun in the period by the dimensions named (period, site, band)."""
    values = filters.values()
    del values["lines"]
    until = reader.catalogue.last_full_day
    fine = by if "period" in by else ("site", "band")
    frame = reader.added_up("course_counts", fine, by=by, grain=filters.grain, until=until, **values)
    return filled(frame, filters, by)


@shared
def lead_medians(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """Median lead time in days by site, or over all sites asked for: column median_lead_days."""
    frame = reader.query("lead_time", **filters.values())
    if not by:
        return pd.DataFrame({"median_lead_days": [_median_lead(frame)]})
    medians = [_median_lead(frame[frame["site"] == site]) for site in filters.sites]
    return pd.DataFrame({"site": filters.sites, "median_lead_days": medians})


def _median_lead(part: pd.DataFrame) -> float:
    return float(rates.quartiles(part["lead_days"].to_numpy(), part["bookings"].to_numpy())[1])


def gathered(reader: Reader, filters: Filters, names: Sequence[str], *by: str) -> pd.DataFrame:
    """Every additive column that the metrics need, by site or over all sites asked for."""
    sources = {METRICS[name].source for name in names}
    needed = {column for name in names for column in METRICS[name].denominator}
    frame = (with_capacity if "capacity_minutes" in needed else counts)(reader, filters, *by)
    if "slots" in needed:
        frame = with_slots(reader, filters, _of_every_period(frame, filters, by), *by)
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
    if all(frame[name].tolist() == other[name].tolist() for name in by):
        return pd.concat([frame.reset_index(drop=True), other[new].reset_index(drop=True)], axis=1)
    return frame.merge(other[[*by, *new]], how="left", on=list(by))


def _dimension(filters: Filters, name: str) -> Sequence[str] | None:
    return {
        "site": filters.sites,
        "line": filters.lines or filters.scope.lines,
        "band": filters.bands or filters.scope.bands,
    }.get(name)


def filled(frame: pd.DataFrame, filters: Filters, by: Sequence[str], **values: Sequence[Any]) -> pd.DataFrame:
    """One row for each combination of the dimensions' values, the last changing fastest; zeros where there is none.

    `values` are those of dimensions that the filters don't know.
    """
    measures = [c for c in frame.columns if c not in DIMENSIONS]
    if not by:
        frame = frame[measures]
        return frame if len(frame) else pd.DataFrame([dict.fromkeys(measures, 0)])
    # Where each row stands among all combinations, if it is of one of them.
    found, kept, own = np.zeros(len(frame), dtype=np.intp), np.ones(len(frame), dtype=bool), {}
    for name in by:
        given = _plain(frame[name])
        own[name] = values.get(name) or _dimension(filters, name) or list(dict.fromkeys(given))
        places = {value: place for place, value in enumerate(own[name])}
        at = np.array([places.get(value, -1) for value in given], dtype=np.intp)
        found, kept = found * len(places) + at, kept & (at >= 0)
    combined = np.indices(tuple(map(len, own.values()))).reshape(len(by), -1)
    rows = combined.shape[1]
    # Without rows, too, a column stays what it is: a period a date.
    columns: dict[str, Any] = {
        name: _as_it_was(frame[name], one, at) for (name, one), at in zip(own.items(), combined, strict=True)
    }
    counted = frame[measures]
    kinds = dict.fromkeys(counted.dtypes.tolist())
    if len(kinds) == 1:
        # Only rows that are missing are 0; NaN in one that is there is hidden.
        block = np.zeros((rows, len(measures)), dtype=next(iter(kinds)))
        block[found[kept]] = counted.to_numpy()[kept]
        return side_by_side(columns, pd.DataFrame(block, columns=measures))
    for name in measures:
        numbers = counted[name].to_numpy()
        columns[name] = np.zeros(rows, dtype=numbers.dtype)
        columns[name][found[kept]] = numbers[kept]
    return pd.DataFrame(columns)


def _of_every_period(frame: pd.DataFrame, filters: Filters, by: Sequence[str]) -> pd.DataFrame:
    """The rows, with zeros for periods in which nothing was booked: of chairs that stand open none was used."""
    if "period" not in by:
        return frame
    days = pd.Series(pd.date_range(filters.start, filters.end))
    if filters.grain == "week":
        days -= pd.to_timedelta(days.dt.day_of_week, unit="D")
    elif filters.grain == "month":
        days -= pd.to_timedelta(days.dt.day - 1, unit="D")
    periods = _plain(days.drop_duplicates().astype(frame["period"].dtype))
    return filled(frame, filters, by, period=periods)


def _plain(column: pd.Series) -> list[Any]:
    """A column's values as Python compares them soonest: of times their numbers."""
    return (column.to_numpy().view(np.int64) if column.dtype.kind == "M" else column).tolist()


def _as_it_was(column: pd.Series, values: Sequence[Any], places: npt.NDArray[np.intp]) -> pd.Series:
    """The values at the places, as the column holds them."""
    if column.dtype.kind == "M":
        return pd.Series(np.array(values, dtype=np.int64)[places].view(str(column.dtype)))
    return pd.Series([values[place] for place in places.tolist()], dtype=column.dtype)
