"""The days of the demo delivery, and how long its clinics are open."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashboard.intake.reference import WEEKDAYS, Reference, Site

SNAPSHOT = dt.date(2026, 10, 30)

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_DAYS_AHEAD = 28
_WEEKDAY_WEIGHTS = (1.05, 1.0, 1.0, 1.05, 0.95, 0.6, 0.45)


@dataclass(frozen=True)
class Days:
    """The days of the history and of the time ahead, as numbers from the first one.

    Attributes:
        first: the date of day 0.
        last: number of the last full day.
        end: number of days in all.
        weights: site × day, 0 where closed.
    """

    first: dt.date
    last: int
    end: int
    weights: Floats


def history(reference: Reference, years: int) -> Days:
    """The days of the demo: `years` up to the snapshot's date, and those booked ahead."""
    first = SNAPSHOT.replace(year=SNAPSHOT.year - years) + dt.timedelta(days=1)
    last = (SNAPSHOT - first).days
    end = last + 1 + _DAYS_AHEAD
    dates = [first + dt.timedelta(days=n) for n in range(end)]
    weekday = np.array([date.weekday() for date in dates])
    closed = np.array([_is_holiday(date) for date in dates])
    weights = np.zeros((len(reference.sites), end))
    for number, site in enumerate(reference.sites):
        open_days = np.array([name in site.hours[-1].open_days.split() for name in WEEKDAYS])
        weights[number] = np.where(open_days[weekday] & ~closed, np.array(_WEEKDAY_WEIGHTS)[weekday], 0.0)
    return Days(first, last, end, weights)


def _is_holiday(date: dt.date) -> bool:
    """New Year, Memorial Day, Independence Day, Labor Day, Thanksgiving, Christmas."""
    if (date.month, date.day) in ((1, 1), (7, 4), (12, 25)):
        return True
    week = (date.day - 1) // 7
    last_monday = date.month == 5 and date.weekday() == 0 and date.day > 24
    first_monday = date.month == 9 and date.weekday() == 0 and week == 0
    thanksgiving = date.month == 11 and date.weekday() == 3 and week == 3
    return last_monday or first_monday or thanksgiving


def open_minutes(site: Site) -> int:
    """How many minutes a day the site is open."""
    hours = site.hours[-1]
    return (hours.closes.hour - hours.opens.hour) * 60 + hours.closes.minute - hours.opens.minute
