"""Headings of few, of several alike, of unknown ages and of one line's share of chairs that all lines use."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pandas as pd
import pytest
from choices import asked
from small_extracts import reading

from dashboard import panels
from dashboard.panels import PANELS

HEAD = "booking_id,patient_id,site,service,starts_at,status,age,booked_at,chair_minutes"


def test_days_ahead_are_of_every_line(tmp_path):
    """Ketamine takes chairs from who looks at vitamins, too."""
    rows = [HEAD]
    for number, status in ((0, "completed"), (1, "booked"), (2, "booked")):
        rows += [
            f"B{len(rows) + of},P{of},chicago,ketamine-infusion,{dt.date(2026, 1, 5 + number)} 09:00,{status},40,,60"
            for of in range(3)
        ]
    with reading(tmp_path, bookings="\n".join(rows) + "\n") as reader:
        every, vitamin = (
            panels.rows(reader, "days_ahead", asked(reader, day="2026-01-05", site="chicago", **line))
            for line in ({}, {"line": "vitamin"})
        )
    assert every["numerator"].tolist() == [180, 180]
    assert vitamin["free_hours"].tolist() == every["free_hours"].tolist()


def test_the_busiest_starts_are_all_that_are_as_busy(tmp_path):
    starts = ["2026-01-05 09:00", "2026-01-06 10:00", "2026-01-07 11:00"]
    rows = [f"B{place},P{place},chicago,vitamin-c,{at},completed,40,,30" for place, at in enumerate(starts)]
    with reading(tmp_path, bookings="\n".join([HEAD, *rows]) + "\n") as reader:
        frame = panels.rows(reader, "weekday_hours", asked(reader))
    answer = PANELS["weekday_hours"].answer
    assert answer(frame).startswith("Busiest starts: Mon at 9 am, Tue at 10 am, Wed at 11 am, ")
    assert re.match(r"Busiest start: Mon at 9 am, [\d.]+ bookings on an average Mon", answer(frame[:1]))
    assert answer(pd.concat([frame, frame])).startswith("Busiest starts: 6 hours of the week, ")


def test_a_chart_over_weeks_says_which_are_parts(everything):
    chosen = asked(everything, period="90-days")
    cut = chosen.cut_text()
    assert "the last week has " in cut.lower()
    assert panels.note(everything, "bookings_by_status", chosen) == cut
    assert panels.note(everything, "utilisation_trend", chosen) == f"{PANELS['utilisation_trend'].note} {cut}"
    assert panels.note(everything, "weekday_hours", chosen) == PANELS["weekday_hours"].note
    assert panels.note(everything, "days_ahead", chosen) == PANELS["days_ahead"].note


def test_who_has_no_age_is_of_no_age_group(tmp_path):
    ages = [40] * 6 + [70] * 6 + [""] * 12
    rows = [f"B{i},P{i},chicago,vitamin-c,2026-01-05 09:00,completed,{age},,30" for i, age in enumerate(ages)]
    with reading(tmp_path, bookings="\n".join([HEAD, *rows]) + "\n") as reader:
        told = {name: panels.heading(reader, name, asked(reader)) for name in ("age_pyramid", "age_patients")}
        pyramid = panels.rows(reader, "age_pyramid", asked(reader))
    assert told["age_pyramid"] == (
        "Patients of 65 and over: Chicago vitamin or hydration 50 %; who has no age is left out"
    )
    assert told["age_patients"].endswith(" 6 geriatric among 24 patients; the age of 12 is unknown")
    unknown = pyramid[pyramid["group"] == "Unknown"]
    assert PANELS["age_pyramid"].answer(unknown) == "The age of no patient is known in this period"


@pytest.mark.parametrize(("scored", "told"), [(9, "too few are scored to say"), (10, "50.0 % responded")])
def test_how_few_fared_is_not_told_in_per_cent(scored, told):
    rows = pd.DataFrame(
        {
            "instrument": "PHQ-9", "moment": "14–31 days after induction",
            "metric": ["scored", "response", "worsening"], "value": [30.0, 50.0, 0.0],
            "numerator": [scored, scored // 2, 0], "denominator": [30, scored, scored],
        }
    )  # fmt: skip
    heading = PANELS["effectiveness"].answer(rows)
    assert told in heading
    assert f"scored: {scored} of 30 patients due" in heading


def test_a_median_of_few_days_is_not_told():
    rows = pd.DataFrame(
        {"what": ["A, later", "B, later", "C, later"], "site": ["A", "B", "C"], "phase": "Later",
         "numerator": [10, 9, 0], "value": [28.0, 3.0, np.nan]}
    )  # fmt: skip
    answer = PANELS["course_gaps"].answer
    assert answer(rows) == (
        "Median days between ketamine infusions: A, later 28; 1 of fewer than 10 infusions left out"
    )
    assert answer(rows[1:]).startswith("Too few ketamine infusions")
    assert answer(rows[2:]).startswith("Nobody came back")
