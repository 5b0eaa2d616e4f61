"""Up to which day an extract's data are full, as slips of a date and days that aren't over yet would have it."""

from __future__ import annotations

import datetime as dt

import pytest
from intake_clinic import BOOKINGS


def full(clinic, *visits):
    """The last full day, in days from today, of an extract of so many visits: (days from today, status, how many)."""
    # Not when the tests were collected: the import's clock may have passed midnight since.
    today = dt.datetime.now(dt.UTC).date()
    rows = [(ahead, status) for ahead, status, many in visits for _ in range(many)]
    clinic.write(
        "bookings.csv",
        BOOKINGS,
        *(
            f"B{number},P{number},chicago,ketamine-infusion,{today + dt.timedelta(ahead)} 09:00,{status}"
            for number, (ahead, status) in enumerate(rows)
        ),
    )
    clinic.publish()
    return (clinic.one("select last_full_day from extract_info") - today).days


@pytest.mark.parametrize("ahead", [2, 30, 400])
@pytest.mark.parametrize("status", ["completed", "no_show"])
def test_a_slip_of_a_date_makes_no_day_ahead_full(clinic, ahead, status):
    """One visit of next year, and every page would have opened on a day without any."""
    assert full(clinic, (-1, "completed", 19), (ahead, status, 1)) == -1


def test_where_many_visits_lie_ahead_the_clock_is_wrong(clinic):
    assert full(clinic, (-1, "completed", 18), (400, "completed", 1)) == 400


def test_a_site_may_be_a_day_ahead(clinic):
    """It is tomorrow in some places when the import's machine, in UTC, has today."""
    assert full(clinic, (-1, "completed", 30), (1, "completed", 1)) == 1


@pytest.mark.parametrize(("status", "found"), [("booked", -2), ("cancelled", -1)])
def test_a_day_is_full_once_nothing_of_it_is_booked(clinic, status, found):
    assert full(clinic, (-2, "completed", 1), (-1, "completed", 1), (-1, status, 1)) == found


def test_without_a_visit_it_is_the_last_day_of_all(clinic):
    assert full(clinic, (-3, "booked", 1), (5, "cancelled", 1)) == 5
