"""A week with days of no booking, bookings entered afterwards and visits ahead: what is counted, and what runs still."""

from __future__ import annotations

import pandas as pd
import pytest
from choices import asked
from small_extracts import reading

from dashboard import panels
from dashboard.access import Role

# The last full day is Saturday the 7th; the 8th and 15th are Sundays, closed in Chicago.
BOOKINGS = """booking_id,patient_id,site,service,starts_at,status,booked_at
B1,P1,chicago,ketamine-infusion,2026-11-03 09:00,completed,2026-11-01 10:00
B2,P2,chicago,ketamine-infusion,2026-11-05 09:00,arrived,2026-11-04 10:00
B3,P3,chicago,vitamin-myers,2026-11-06 10:00,no_show,2026-11-09 10:00
B4,P4,chicago,ketamine-infusion,2026-11-07 10:00,completed,2026-11-08 10:00
B5,P5,chicago,vitamin-myers,2026-11-16 11:00,booked,
"""
EVENTS = """event_id,booking_id,effect,serious,onset_at,resolved_at
E1,B1,nausea,yes,2026-11-03 09:10,2026-11-03 09:30
E2,B2,nausea,yes,2026-11-05 09:10,2026-11-05 09:30
E3,B4,nausea,no,2026-11-07 10:30,2026-11-07 11:15
E4,B1,dizziness,no,,
"""
CHICAGO_MINUTES = 8 * 600
WEEK = {"period": "custom", "from_": "2026-11-03", "to": "2026-11-08", "by": "day"}


@pytest.fixture(scope="module")
def sparse(tmp_path_factory):
    """A reader of it who may see side effects one by one."""
    folder = tmp_path_factory.mktemp("sparse")
    with reading(folder, Role.MEDICAL_DIRECTOR, bookings=BOOKINGS, side_effects=EVENTS) as reader:
        yield reader


def rows(reader, name, **parameters):
    return panels.rows(reader, name, asked(reader, **parameters))


def days(frame):
    return [day.day for day in pd.to_datetime(frame["period"])]


@pytest.mark.parametrize(
    ("by", "periods"), [("day", [3, 4, 5, 6, 7]), ("week", [2]), ("month", [1])], ids=["day", "week", "month"]
)
def test_chairs_that_stood_open_and_empty_are_used_to_nothing(sparse, by, periods):
    frame = rows(sparse, "utilisation_trend", **WEEK | {"by": by, "site": "chicago"})
    assert days(frame) == periods
    assert frame["denominator"].sum() == 5 * CHICAGO_MINUTES
    if by == "day":
        assert frame["value"].tolist()[1] == 0


def test_slots_of_days_without_a_booking_are_slots(sparse):
    frame = rows(sparse, "no_show_trend", **WEEK, **{"no-shows": "slots"}, site="chicago")
    assert days(frame) == [3, 4, 5, 6, 7]
    assert set(frame["denominator"]) == {8 * 20}
    # Of appointments there were none on the 4th.
    assert days(rows(sparse, "no_show_trend", **WEEK, site="chicago")) == [3, 5, 6, 7]


def test_a_day_ahead_without_a_booking_is_the_emptiest(sparse):
    frame = rows(sparse, "days_ahead", day="2026-11-07", site="chicago")
    assert days(frame) == [9, 10, 11, 12, 13, 14, 16]
    assert frame["value"].tolist()[:6] == [0] * 6
    assert frame["free_hours"].iloc[0] == CHICAGO_MINUTES / 60
    told = panels.PANELS["days_ahead"].answer(frame)
    assert told.startswith("Emptiest: Chicago on Monday 9 Nov, 0 %")
    assert told.endswith("; 5 other days of sites are as empty")


def test_what_was_entered_after_the_visit_counts_in_the_lead_time(sparse):
    summary = rows(sparse, "bookings_summary", **WEEK, site="chicago").set_index("title")
    assert summary.loc["Lead time", "value"] == 0  # of 2, 1, -3 and -1 days
    steps = rows(sparse, "lead_time", **WEEK, site="chicago").set_index("step")["value"]
    assert steps[steps > 0].to_dict() == {"Same day": 2, "1": 1, "2–3": 1}


def test_a_score_whose_time_still_runs_is_not_due(sparse):
    frame = rows(sparse, "effectiveness", period="custom", from_="2026-11-03", to="2026-11-16")
    due = frame[(frame["title"] == "Scored") & (frame["instrument"] == "PHQ-9")].set_index("moment")["due"]
    # Both have had their 24 hours by the 8th, of which the 7th alone is over; day 9 of the first is the 12th.
    assert due["Within 24 hours"] == 1
    assert due["Day 7"] == 0


def test_the_u_chart_counts_what_was_serious_also_of_visits_that_were_not_completed(sparse):
    frame = rows(sparse, "rate_chart", **WEEK | {"by": "week"}, site="chicago", effect="serious")
    assert frame[["numerator", "denominator"]].to_numpy().tolist() == [[2, 2]]
    every = rows(sparse, "rate_chart", **WEEK | {"by": "week"}, site="chicago")
    assert every[["numerator", "denominator"]].to_numpy().tolist() == [[3, 2]]


def test_the_median_of_two_times_lies_between_them(sparse):
    times = rows(sparse, "event_times", **WEEK, site="chicago").iloc[0]
    assert times[["onset_q1", "onset_median", "onset_q3"]].tolist() == [15, 20, 25]
    assert times[["duration_median", "duration_n"]].tolist() == [32.5, 2]
