"""Who stands on worklists, on a few rows: what the demo data don't hold."""

from __future__ import annotations

import datetime as dt

from intake_clinic import BOOKINGS, Clinic

UNTIL = dt.date(2026, 3, 31)


def visit(number: int, patient: str, ago: int, **more: str) -> str:
    """A booking so many days before the last full day."""
    of = {"site": "chicago", "service": "ketamine-infusion", "status": "completed"} | more
    return f"B{number},{patient},{of['site']},{of['service']},{UNTIL - dt.timedelta(ago)} 09:00,{of['status']}"


def test_a_booster_is_overdue_after_induction_alone(clinic: Clinic) -> None:
    """Where two weeks are usual, an induction under way has days enough since its last infusion."""
    clinic.write(
        "bookings.csv", BOOKINGS,
        *(visit(100 + n, "often", ago) for n, ago in enumerate((100, 70, 56, 42, 28, 14, 0))),
        visit(1, "under-way", 20),
        visit(2, "over", 50), visit(9, "over", 20), visit(10, "over", 20, site="dallas"),
        visit(20, "has-one-ahead", 50), visit(21, "has-one-ahead", -3, status="booked"),
    )  # fmt: skip
    clinic.publish()
    # Of two infusions at one time the last by id.
    found = clinic.ask("select site::varchar, booking_id, last_on, usual_days from worklist_boosters")
    assert found == [("chicago", "B9", UNTIL - dt.timedelta(20), 14)]


def test_the_usual_interval_of_boosters_is_the_median_between_the_two_in_the_middle(clinic: Clinic) -> None:
    """After 14 and after 20 days somebody came back: who came 16 days ago isn't overdue, who came 18 days ago is."""
    clinic.write(
        "bookings.csv", BOOKINGS,
        *(visit(100 + n, "often", ago) for n, ago in enumerate((70, 42, 28, 8))),
        visit(1, "not-yet", 40), visit(2, "not-yet", 16),
        visit(3, "overdue", 44), visit(4, "overdue", 18),
        visit(5, "today", 0, service="vitamin-c"),
    )  # fmt: skip
    clinic.publish()
    assert clinic.ask("select booking_id, usual_days from worklist_boosters order by all") == [("B4", 17.0)]


def test_late_forms_are_of_28_days(clinic: Clinic) -> None:
    clinic.write(
        "bookings.csv", BOOKINGS,
        visit(1, "a", 28), visit(2, "b", 27), visit(3, "c", 3), visit(4, "d", 2), visit(5, "e", 0),
    )  # fmt: skip
    clinic.publish()
    assert clinic.ask("select booking_id from worklist_forms order by all") == [("B2",), ("B3",)]
    days = [(UNTIL - dt.timedelta(ago), 1) for ago in (27, 3)]
    assert clinic.ask("select starts_on, missing from late_forms order by all") == days


def test_of_two_no_shows_the_last_is_listed(clinic: Clinic) -> None:
    of = {"service": "vitamin-c", "status": "no_show"}
    clinic.write(
        "bookings.csv", BOOKINGS,
        visit(1, "twice", 10, **of), visit(2, "twice", 5, **of),
        visit(3, "booked-again", 6, **of), visit(4, "booked-again", 2, service="vitamin-c"),
        visit(5, "other-line", 6, **of), visit(6, "other-line", 0),
        visit(7, "cancelled", 6, **of), visit(8, "cancelled", 2, service="vitamin-c", status="cancelled"),
        visit(9, "long-ago", 28, **of),
    )  # fmt: skip
    clinic.publish()
    assert clinic.ask("select booking_id from worklist_no_shows order by all") == [("B2",), ("B5",), ("B7",)]
