"""Every series of the extract against its own past: which are tested, how, and what they say.

A series is a site's side effect after one service line, for all ages or one age group, or a site's
no-shows on one weekday. Periods are half-years. docs/detection.md has the reasons.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from dashboard import detection, maxsprt, rates, two_groups
from dashboard.arguments import FloatArray
from dashboard.clusters import designs, of_no_shows
from dashboard.detection import Alarm
from dashboard.spc import BoolArray, IntArray
from dashboard.warehouse import Reader

#: The setting in force: false alarms a year to expect at most, all series together.
FALSE_ALARMS_A_YEAR = 1.0
PERIODS_A_YEAR = 2
#: Days of the longest half-year.
SPAN_DAYS = 184
#: A period is tested when its series have at least so much past.
PAST_DAYS = 180
PAST_TRIALS = 100
#: A series of one age group, or of one weekday, is tested where a period is expected to hold so many events.
EXPECTED_EVENTS = 5.0
#: One or two events alone are never an alarm; serious ones are listed singly on the Safety page.
LEAST_EVENTS = 3
#: From here on an effect is common (CIOMS III), and the CUSUM takes the place of MaxSPRT.
COMMON = 0.01
#: Alarms of periods that began longer ago are not shown.
SHOWN_DAYS = 366

#: What stands for several side effects: any, serious ones, those of grade severe or worse (not tested here).
ALL = ""
SERIOUS = "serious"
SEVERE = "severe"
NO_SHOW = "no_show"


@dataclass(frozen=True)
class Series:
    """One series by day: events among trials, and the forms filled in, where they say something.

    `small` is one that is tested only where it holds enough; `design` is the design effect of several infusions of a
    patient (`clusters`).
    """

    site: str
    effect: str
    line: str
    group: str
    weekday: str
    events: FloatArray
    trials: FloatArray
    forms: FloatArray | None
    small: bool
    design: float = 1.0


class Past(NamedTuple):
    """What a series was before a period, without the periods of its own alarms."""

    events: float
    trials: float
    forms: float
    days: float

    @property
    def common(self) -> bool:
        """Whether what happened was common."""
        return self.events / self.trials >= COMMON


class Pasts(NamedTuple):
    """Those of several series."""

    events: FloatArray
    trials: FloatArray
    forms: FloatArray
    days: FloatArray

    def of(self, places: IntArray) -> Pasts:
        """Those of some of them."""
        return Pasts(*(part[places] for part in self))

    def each(self) -> list[Past]:
        """One by one."""
        return [Past(*row) for row in np.column_stack(self).tolist()]


def key(row: Mapping[Any, Any]) -> str:
    """What a series is known by: site, effect, line, age group and weekday with bars between."""
    return "|".join(str(row[name]) for name in ("site", "effect", "line", "group", "weekday"))


def surveil(reader: Reader) -> pd.DataFrame:
    """What each series says, worked out once an extract for all who may see the same sites.

    Returns:
        One row a series tested in the latest period, and one for each alarm of the periods before
        it that began within a year: site, effect, line, group, weekday (empty for all), method,
        period_start, alarm, found_on, since (None without an alarm), p_value (of the period);
        observed, trials and forms since the rise began, or in the whole period where there is no
        alarm; past_events, past_trials, past_forms, past_rate; design (the design effect); expected,
        ratio, lower, upper (of the rate to that of the past, whose chance counts too; ratio and upper
        are NaN where the past has no event); strength (log likelihood ratio); forms_now, forms_before,
        forms_change, forms_lower, forms_upper (shares and Newcombe's interval of their difference; NaN
        for no-shows); a_year (false alarms a year that the series may give, 0 in earlier periods).
        Alarms first, strongest first.
    """
    return reader.warehouse.remembered(("surveillance", reader.sites), lambda: _surveil(reader))


def _surveil(reader: Reader) -> pd.DataFrame:
    first, last = reader.catalogue.first_day, reader.catalogue.last_full_day
    return measured(watch(list(series_of(reader)), first, last))


def watch(series: list[Series], first: dt.date, last: dt.date, *, every: bool = False) -> list[dict[str, object]]:
    """Test every series in each half-year from the first that has a past up to the last day.

    Args:
        series: by day, from `first` to `last`.
        first: the day of their first value.
        last: the day of their last value.
        every: give the alarms of all periods, however long ago.

    Returns:
        The counts of `surveil`, by period.
    """
    rows: list[dict[str, object]] = []
    spans = [
        (start, end, slice((start - first).days, (min(end, last) - first).days + 1))
        for start, end in periods(first, last)
    ]
    if not spans or not series:
        return rows
    sums, days = _sums(series, [span.start for _, _, span in spans], (last - first).days + 1)
    small = np.array([one.small for one in series])
    # What an alarm rose to must not become the usual.
    kept = np.ones((len(series), len(days)), dtype=bool)
    for before, (start, end, span) in enumerate(spans, start=1):
        usual = kept[:, :before]
        events, trials, forms = (sums[:, :, :before] * usual).sum(axis=2)
        pasts = Pasts(events, trials, forms, (days[:before] * usual).sum(axis=1))
        tested = np.flatnonzero(_hold_enough(pasts, small, (end - start).days + 1))
        if not tested.size:
            continue
        to_come = (end - min(end, last)).days
        alpha = detection.alpha_for(FALSE_ALARMS_A_YEAR, tested.size, PERIODS_A_YEAR)
        latest = end >= last
        pasts = pasts.of(tested)
        near = _near([series[number] for number in tested], pasts, span, alpha)
        for number, past, close in zip(tested.tolist(), pasts.each(), near.tolist(), strict=True):
            alarm = _test(series[number], past, span, to_come, alpha) if close else detection.NOWHERE_NEAR
            if alarm.first >= 0:
                kept[number, before] = False
            if latest or (alarm.first >= 0 and (every or (last - start).days <= SHOWN_DAYS)):
                rows.append(_row(series[number], past, span, alarm, start, alpha, latest))
    return rows


def _sums(series: Sequence[Series], starts: Sequence[int], days: int) -> tuple[FloatArray, FloatArray]:
    """What each series holds before the first period and in each, and how many days these have.

    Returns:
        (events, trials, forms) × series × parts, NaN for no forms; and the days of the parts.
    """
    parts = [0, *starts]
    none = np.full(days, np.nan)
    found = [
        [np.add.reduceat(each, parts) for each in (one.events, one.trials, none if one.forms is None else one.forms)]
        for one in series
    ]
    return np.array(found).transpose(1, 0, 2), np.diff([*parts, days]).astype(np.float64)


def _near(series: Sequence[Series], pasts: Pasts, span: slice, alpha: float) -> BoolArray:
    """Which of the series come anywhere near an alarm, found for all of them at once."""
    events, trials = (np.stack([getattr(one, name)[span] for one in series]) for name in ("events", "trials"))
    common = np.array([past.common for past in pasts.each()])
    wider = np.array([one.design for one in series])

    def of(own: BoolArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, float]:
        return events[own], trials[own], pasts.events[own], pasts.trials[own], alpha

    near = np.zeros(len(series), dtype=bool)
    near[common] = detection.near_cusum_alarm(*of(common), design=wider[common])
    near[~common] = detection.near_maxsprt_alarm(*of(~common), LEAST_EVENTS, design=wider[~common])
    return near


def periods(first: dt.date, last: dt.date) -> Iterator[tuple[dt.date, dt.date]]:
    """First and last day of the half-years from the first that has a past to that of the last day."""
    year, half = first.year, 0
    while True:
        start = dt.date(year, 1 + 6 * half, 1)
        if start > last:
            return
        end = dt.date(year, 6, 30) if half == 0 else dt.date(year, 12, 31)
        if (start - first).days >= PAST_DAYS:
            yield start, end
        year, half = (year, 1) if half == 0 else (year + 1, 0)


def _hold_enough(pasts: Pasts, small: BoolArray, days: int) -> BoolArray:
    enough = pasts.events / pasts.days * days >= EXPECTED_EVENTS
    return np.asarray((pasts.trials >= PAST_TRIALS) & (~small | enough))


def _test(one: Series, past: Past, span: slice, to_come: int, alpha: float) -> Alarm:
    events, trials = one.events[span], one.trials[span]
    a_day = past.trials / past.days
    if not past.common:
        planned = float(trials.sum()) + a_day * to_come
        return detection.maxsprt_alarm(
            events, trials, past.events, past.trials, planned, alpha, LEAST_EVENTS, design=one.design
        )
    ahead = np.diff(np.round(a_day * np.arange(to_come + 1)))
    return detection.cusum_alarm(events, trials, past.events, past.trials, ahead, alpha, design=one.design)


def _row(
    one: Series, past: Past, span: slice, alarm: Alarm, start: dt.date, alpha: float, latest: bool
) -> dict[str, object]:
    told = alarm.first >= 0
    shown = slice(span.start + alarm.since, span.stop) if told else span
    forms = one.forms[shown].sum() if one.forms is not None else np.nan
    return {
        "site": one.site, "effect": one.effect, "line": one.line, "group": one.group, "weekday": one.weekday,
        "method": "CUSUM" if past.common else "MaxSPRT", "period_start": start, "alarm": told,
        "found_on": start + dt.timedelta(days=alarm.first) if told else None,
        "since": start + dt.timedelta(days=alarm.since) if told else None,
        "p_value": alarm.p_value, "observed": one.events[shown].sum(), "trials": one.trials[shown].sum(),
        "forms": forms, "past_events": past.events, "past_trials": past.trials, "past_forms": past.forms,
        "design": one.design,
        "a_year": detection.expected_false_alarms(1, alpha, PERIODS_A_YEAR) if latest else 0.0,
    }  # fmt: skip


def measured(rows: list[dict[str, object]]) -> pd.DataFrame:
    """The rows of `watch` with what follows from their counts, strongest alarms first."""
    frame = pd.DataFrame(rows, columns=list(_COUNTED))
    observed, trials, forms = (frame[name].to_numpy(dtype=float) for name in ("observed", "trials", "forms"))
    past = {name: frame[f"past_{name}"].to_numpy(dtype=float) for name in ("events", "trials", "forms")}
    rate = past["events"] / past["trials"]
    # As many independent infusions as say as much.
    sides = (observed, trials, past["events"], past["trials"])
    ratio = two_groups.rate_ratio(*(part / frame["design"].to_numpy(dtype=float) for part in sides))
    # Files and kept copies have no way to write what is without bound.
    most, upper = (np.where(np.isinf(side), np.nan, side) for side in (ratio.value, ratio.upper))
    llr = maxsprt.conditional_llr(observed, trials / past["trials"], past["events"])
    # No-shows have no forms: 0 of 0 gives NaN.
    known = ~np.isnan(forms)
    now, n, before, m = (np.where(known, part, 0.0) for part in (forms, trials, past["forms"], past["trials"]))
    change = rates.newcombe_difference(now, n, before, m)
    frame = frame.assign(
        expected=rate * trials, ratio=most, lower=ratio.lower, upper=upper, past_rate=rate, strength=llr,
        forms_now=rates.wilson_interval(now, n).value, forms_before=rates.wilson_interval(before, m).value,
        forms_change=change.value, forms_lower=change.lower, forms_upper=change.upper,
    )  # fmt: skip
    return frame.sort_values(["alarm", "strength"], ascending=False, kind="stable", ignore_index=True)


_COUNTED = (
    "site", "effect", "line", "group", "weekday", "method", "period_start", "alarm", "found_on", "since", "p_value",
    "observed", "trials", "forms", "past_events", "past_trials", "past_forms", "design", "a_year",
)  # fmt: skip


def series_of(reader: Reader) -> Iterator[Series]:
    """Every series of the sites that the reader may see, by day up to the last full one."""
    catalogue = reader.catalogue
    until = catalogue.last_full_day
    first = pd.Timestamp(catalogue.first_day)
    days = (until - catalogue.first_day).days + 1
    lines, groups, effects = (
        catalogue.lines,
        tuple(dict.fromkeys(catalogue.groups.values())),
        tuple(catalogue.effects_at(reader.sites)),
    )
    infusions = reader.query("signal_infusions", sites=reader.sites, until=until)
    events = reader.query("signal_events", sites=reader.sites, until=until)
    no_shows = reader.query("signal_no_shows", sites=reader.sites, until=until)
    for frame in (infusions, events, no_shows):
        frame["day"] = (frame["starts_on"] - first).dt.days
    # Taken apart once: to look through all rows for each of 300 sites took as long as half of the rest.
    nothing = [frame.head(0) for frame in (infusions, events, no_shows)]
    by_site = [dict(iter(frame.groupby("site", sort=False))) for frame in (infusions, events, no_shows)]

    def cube(frame: pd.DataFrame, column: str, **dimensions: tuple[str, ...]) -> FloatArray:
        """The column's sums by the dimensions and the day."""
        places = [pd.Index(values).get_indexer(pd.Index(frame[name])) for name, values in dimensions.items()]
        shape = (*map(len, dimensions.values()), days)
        at = np.ravel_multi_index([*places, frame["day"].to_numpy()], shape)
        weights = frame[column].to_numpy(dtype=float)
        sums: FloatArray = np.bincount(at, weights, int(np.prod(shape))).astype(np.float64)
        return sums.reshape(shape)

    wider, of_missed = designs(reader, SPAN_DAYS), of_no_shows(reader, SPAN_DAYS)
    for site in reader.sites:
        here, happened, due = (own.get(site, none) for own, none in zip(by_site, nothing, strict=True))
        trials, forms, serious = (
            cube(here, column, line=lines, group=groups) for column in ("infusions", "assessed", "serious")
        )
        hits = cube(happened, "events", effect=effects, line=lines, group=groups)
        for at, line in enumerate(lines):
            of_line = trials[at].sum(axis=0), forms[at].sum(axis=0)
            design = {what: found for (own, what), found in wider.items() if own == line}
            grave = serious[at].sum(axis=0)
            yield Series(site, SERIOUS, line, ALL, ALL, grave, *of_line, small=False, design=design.get(SERIOUS, 1.0))
            for number, effect in enumerate(effects):
                every, own = hits[number, at].sum(axis=0), design.get(effect, 1.0)
                yield Series(site, effect, line, ALL, ALL, every, *of_line, small=False, design=own)
            for place, group in enumerate(groups):
                # The group that most belong to says what all ages say.
                if 2 * trials[at, place].sum() > of_line[0].sum():
                    continue
                among = trials[at, place], forms[at, place]
                for number, effect in enumerate(effects):
                    some, own = hits[number, at, place], design.get(effect, 1.0)
                    yield Series(site, effect, line, group, ALL, some, *among, small=True, design=own)
        missed, expected = cube(due, "events"), cube(due, "trials")
        weekdays = (np.arange(days) + catalogue.first_day.weekday()) % 7
        for number, name in enumerate(calendar.day_name):
            only = weekdays == number
            some, among_them = missed * only, expected * only
            yield Series(site, NO_SHOW, ALL, ALL, name, some, among_them, None, small=True, design=of_missed)
