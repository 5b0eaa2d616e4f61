"""What becomes of the visits of the demo delivery: who comes, who calls off, who stays away."""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.intake.demo.days import Days

NO_SHOWS_FROM = dt.date(2026, 7, 6)
NO_SHOWS_SITE = "miami_beach"
NO_SHOWS_RATE = 0.16
#: In the order of the numbers in the column `status`.
STATUSES = np.array(["completed", "arrived", "no_show", "cancelled", "late_cancelled", "booked"])

_NO_SHOW, _CANCELLED, _LATE, _STOPPED = 0.07, 0.08, 0.03, 0.006


def attends(rng: np.random.Generator, size: int | tuple[int, int]) -> npt.NDArray[np.int8]:
    """0 completed, 1 arrived, 2 no-show, 3 cancelled, 4 late-cancelled."""
    draw, other = rng.random(size), rng.random(size)
    status = np.where(other < _NO_SHOW, 2, np.where(other > 1 - _STOPPED, 1, 0))
    status = np.where(draw < _CANCELLED, 3, np.where(draw < _CANCELLED + _LATE, 4, status))
    return status.astype(np.int8)


def settle_status(rng: np.random.Generator, table: pd.DataFrame, days: Days) -> None:
    """Plant the no-shows; what lies ahead is booked, unless it was cancelled already."""
    status = table["status"].to_numpy().copy()
    day = table["day"].to_numpy()
    monday = (day + days.first.weekday()) % 7 == 0
    planted = monday & (table["site_key"] == NO_SHOWS_SITE).to_numpy()
    planted &= day >= (NO_SHOWS_FROM - days.first).days
    excess = (NO_SHOWS_RATE - _NO_SHOW) / (1 - _NO_SHOW)
    status[planted & (status <= 1) & (rng.random(len(table)) < excess)] = 2
    ahead = day > days.last
    cancelled = status == 3
    status[ahead] = np.where(cancelled & (rng.random(len(table)) < 0.5), 3, 5)[ahead]
    table["status"] = status
    table["attended"] = status <= 1
    table["completed"] = status == 0
