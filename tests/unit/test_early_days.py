"""What is held against an extract's first days, and against months of other lengths."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from choices import asked
from small_extracts import reading

from dashboard import panels
from dashboard.metrics import OF_FIRST_VISITS, SETTLED_DAYS

FIRST = dt.date(2026, 1, 5)
#: Dallas begins so many days after Chicago.
LATER = 40
DAYS = 151
HEAD = "booking_id,patient_id,site,service,starts_at,status,age,booked_at,chair_minutes"


def day(number: int) -> str:
    return str(FIRST + dt.timedelta(days=number))


@pytest.fixture(scope="module")
def early(tmp_path_factory):
    """Every day one truly new patient, and at Chicago on the first twenty days two of forty who come every 20 days."""
    rows = [HEAD]

    def visit(patient, site, number, status="completed"):
        at = f"{day(number)} {9 + len(rows) % 3:02}:00"
        rows.append(f"B{len(rows)},{patient},{site},ketamine-infusion,{at},{status},40,{day(number)} 08:00,60")

    for number in range(DAYS):
        for of_two in range(2):
            visit(f"R{number % 20}-{of_two}", "chicago", number)
        visit(f"N{number}", "chicago", number)
        visit(f"M{number}", "chicago", number, "no_show")
        if number >= LATER:
            visit(f"D{number}", "dallas", number)
            visit(f"E{number}", "dallas", number, "no_show")
    with reading(tmp_path_factory.mktemp("early"), bookings="\n".join(rows) + "\n") as reader:
        yield reader


def changes(reader, name, start, end, **parameters):
    """By metric and site the change that a scorecard tells, as rows."""
    chosen = asked(reader, period="custom", from_=start, to=end, **parameters)
    return panels.rows(reader, name, chosen).set_index(["metric", "site"])


@pytest.mark.parametrize("name", ["bookings_summary", "courses_summary"])
def test_nothing_new_is_held_against_a_sites_first_days(early, name):
    settled = changes(early, name, day(30 + SETTLED_DAYS), day(59 + SETTLED_DAYS))["change"]
    before = changes(early, name, day(29 + SETTLED_DAYS), day(58 + SETTLED_DAYS))["change"]
    own = [metric for metric in settled.index.unique("metric") if metric in OF_FIRST_VISITS]
    assert own
    for metric in own:
        assert settled[metric][["Chicago", "All sites"]].notna().all()
        # At Dallas the first days are others.
        assert np.isnan(settled[metric]["Dallas"])
        assert before[metric].isna().all()
    if name == "bookings_summary":
        assert before["bookings"][["Chicago", "Dallas", "All sites"]].notna().all()
        assert settled["new_patients"]["Chicago"] == 0


def test_a_part_of_a_period_is_no_whole_one_to_count_against(early):
    """The days before Dallas, or the extract, began had no bookings that anybody knows of."""
    rows = changes(early, "bookings_summary", day(60), day(89))
    assert rows.loc[("bookings", "Chicago"), "change"] == 0
    assert np.isnan(rows.loc[("bookings", "Dallas"), "change"])
    assert rows.loc[("no_show_rate", "Dallas"), "change"] == 0
    rows = changes(early, "bookings_summary", day(20), day(49))["change"]
    assert rows["bookings"].isna().all()
    assert rows["completed"].isna().all()
    assert rows["no_show_rate"]["Chicago"] == 0


def test_counts_of_months_of_other_lengths_are_no_finding(early):
    rows = changes(early, "bookings_summary", "2026-05-01", "2026-05-31", site="chicago")
    assert rows.loc[("bookings", "Chicago"), "change"] == 4
    assert np.isnan(rows.loc[("bookings", "Chicago"), "change_lower"])
    assert rows.loc[("no_show_rate", "Chicago"), "change_lower"] < 0
    assert set(rows["against"]) == {"1 Apr 2026 to 30 Apr 2026 (30 days, not 31)"}
    rows = changes(early, "bookings_summary", "2026-05-01", "2026-05-30", site="chicago")
    assert rows.loc[("bookings", "Chicago"), "change_lower"] < 0
    assert set(rows["against"]) == {"1 Apr 2026 to 30 Apr 2026"}


def test_new_patients_of_a_day_are_judged_without_the_first_days(early):
    rows = panels.rows(early, "today", asked(early, day=day(DAYS - 1), site="chicago")).set_index("metric")
    told = rows.loc["new_patients"]
    assert (told["usual"], told["kind"], told["days"]) == (1, "common", DAYS - 1 - SETTLED_DAYS)
    assert rows.loc["bookings", "days"] == DAYS - 1
    # Within these days nothing is judged, and what is counted still stands there.
    first = panels.rows(early, "today", asked(early, day=day(30), site="chicago")).set_index("metric")
    assert (first.loc["new_patients", "kind"], first.loc["new_patients", "value"]) == ("unknown", 1)
    assert first.loc["bookings", "kind"] == "common"
