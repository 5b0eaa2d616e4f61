"""What the words of a column mean: statuses, grades, questionnaires."""

from __future__ import annotations

from pathlib import Path

import pytest
from intake_drafts import drafted, imported

from dashboard.intake.contract import SEVERITIES, STATUSES
from dashboard.intake.drafting.guesses import guess_word


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("Cancelled by client", "cancelled"),
        ("Canceled by the clinic", "cancelled"),
        ("Patient cancelled", "cancelled"),
        ("x - Cancelled", "cancelled"),
        ("4 - Charge Entered", "completed"),
        ("Client no-show", "no_show"),
        ("Did not show", "no_show"),
        ("No Show (missed)", "no_show"),
        ("Show-Up", "completed"),
        ("Absent non excusé", "no_show"),
        ("Vu", "completed"),
        # What else is said may be anything.
        ("Cancelled - her mother died", None),
        ("4 - Charge Missing", None),
        ("Completed - Cancelled", None),
    ],
)
def test_a_status_in_parts_means_what_all_of_them_do(value: str, word: str | None) -> None:
    assert guess_word(value, STATUSES) == word


@pytest.mark.parametrize(
    ("value", "word"),
    [("Grade 1 - Mild", "mild"), ("3 - Severe", "severe"), ("Grade II", "moderate"), ("2: Mild", "mild")],
)
def test_a_grade_may_stand_with_its_name(value: str, word: str | None) -> None:
    assert guess_word(value, SEVERITIES) == word


def side_effects(header: str, *values: str) -> list[str]:
    """A log with these columns."""
    return [f"event_id,booking_id,symptom,{header}", *(f"{n},1,Nausea,{value}" for n, value in enumerate(values))]


def test_numbers_on_a_scale_are_no_grades(tmp_path: Path) -> None:
    """5 of 10 would else be counted as fatal."""
    text, found = drafted(tmp_path, side_effects=side_effects("severity", "0", "5", "5", "10", "3", "3", "0", "10"))
    assert "severity" not in found["side_effects"]["columns"], text
    text, found = drafted(tmp_path, side_effects=side_effects("severity", "1", "5", "3"))
    assert found["side_effects"]["columns"]["severity"]["values"] == {"1": "mild", "3": "severe", "5": "fatal"}
    log = side_effects("severity_0_10,grade", "0,Grade 1 - Mild", "5,Grade 2 - Moderate", "9,Grade 1 - Mild")
    column = drafted(tmp_path, side_effects=log)[1]["side_effects"]["columns"]["severity"]
    assert column == {"column": "grade", "values": {"Grade 1 - Mild": "mild", "Grade 2 - Moderate": "moderate"}}


def test_words_beside_a_scale_are_kept_and_its_numbers_asked_for(tmp_path: Path) -> None:
    text, found = drafted(tmp_path, side_effects=side_effects("severity", *["Mild", "Severe", "7"] * 4))
    assert found["side_effects"]["columns"]["severity"]["values"] == {"Mild": "mild", "Severe": "severe"}
    assert "its numbers are no grades from 1 to 5" in text
    assert '# "7" = ""  # DECIDE' in text


VISITS = ["id,patient,start,status", "1,P1,2026-01-05 09:00,Confirmed", "2,P2,2026-01-06 09:00,Missed"]


def test_a_status_that_never_says_completed_is_asked_about(tmp_path: Path) -> None:
    """Some systems leave a visit confirmed once it has taken place; it would count as still to come."""
    doubt = "none of its values says that a visit took place"
    assert doubt in drafted(tmp_path, visits=VISITS)[0]
    assert doubt not in drafted(tmp_path, visits=[*VISITS, "3,P3,2026-01-07 09:00,Attended"])[0]
    assert doubt not in drafted(tmp_path, visits=[VISITS[0], VISITS[2]])[0]


@pytest.mark.parametrize(
    ("name", "score", "instrument"),
    [
        ("answers", "Total GAD-7 score", "GAD-7"),
        ("GAD-7 survey", "score", "GAD-7"),
        ("PHQ9_export", "score", "PHQ-9"),
        ("survey", "PHQ-9 Total Score", "PHQ-9"),
    ],
)
def test_the_questionnaire_stands_in_the_name_of_file_or_column(
    tmp_path: Path, name: str, score: str, instrument: str
) -> None:
    """Else all were PHQ-9, whatever they are."""
    scores = [f"Patient,Timestamp,{score}", "P1,2026-01-04 09:00,7", "P2,2026-01-05 09:00,12"]
    clinic, text = imported(tmp_path, visits=VISITS, **{name: scores})
    assert clinic.ask("select distinct instrument from scores") == [(instrument,)], text
    assert f'instrument = {{ constant = "{instrument}" }}  # guess' in text


def test_names_of_questionnaires_are_found_among_other_words(tmp_path: Path) -> None:
    rows = [
        f"P{n},2026-01-0{n + 1} 09:00,{n},{kind}"
        for n, kind in enumerate(["PHQ-9 (Depression)", "GAD-7: Anxiety"] * 3)
    ]
    scores = drafted(tmp_path, survey=["Patient,Date,Score,Assessment", *rows])[1]["scores"]["columns"]
    assert scores["instrument"]["values"] == {"PHQ-9 (Depression)": "PHQ-9", "GAD-7: Anxiety": "GAD-7"}


def test_a_column_of_addresses_is_no_service(tmp_path: Path) -> None:
    """Its rows would be rejected with what they hold, which the report shows."""
    rows = [f"{n},P{n % 3},2026-01-{n + 10} 09:00,ann{n % 3}@clinic.test" for n in range(9)]
    text, found = drafted(tmp_path, visits=["id,patient,start,Description", *rows])
    assert found["bookings"]["columns"]["service"] == {"constant": "ketamine-infusion"}, text


def test_a_reason_that_is_a_service_and_nothing_else_is_one(tmp_path: Path) -> None:
    rows = [
        f"{n},P{n},2026-01-{n + 10} 09:00,{reason}"
        for n, reason in enumerate(["Myers Cocktail", "NAD+ Infusion"] * 3)
    ]
    columns = drafted(tmp_path, visits=["id,patient,start,Reason", *rows])[1]["bookings"]["columns"]
    assert columns["service"] == "Reason"
    rows[0] += " since her mother died"
    text, found = drafted(tmp_path, visits=["id,patient,start,Reason", *rows])
    assert "mother" not in text
    assert "constant" in found["bookings"]["columns"]["service"]


@pytest.mark.parametrize("form", ["{}/27", "{} (Moderate)", "{} / 27 (Mild)", "{}"])
def test_points_are_told_from_what_stands_behind_them(tmp_path: Path, form: str) -> None:
    scores = ["Patient,Date,Score", *(f"P1,2026-01-0{n} 09:00,{form.format(n * 3)}" for n in range(1, 8))]
    clinic, text = imported(tmp_path, visits=VISITS, PHQ9=scores)
    assert clinic.ask("select score from scores order by 1") == [(n * 3,) for n in range(1, 8)], text


def test_who_came_and_what_was_cancelled_are_put_together(tmp_path: Path) -> None:
    rows = [
        f"{n},P{n},2026-01-{n + 10} 09:00,{came}" for n, came in enumerate(["No,No", "Yes,No", "No,Yes", "No,No"])
    ]
    clinic, text = imported(tmp_path, visits=["id,patient,start,No Show,Late Cancel", *rows])
    assert clinic.ask("select status from bookings order by booking_id") == [
        ("completed",), ("no_show",), ("late_cancelled",), ("completed",),
    ], text  # fmt: skip
    # Where it isn't told in every row, and by yes or no, a person has to say what it means.
    for header, values in (
        ("No Show,Cancelled", ["No,", "Yes,No", "No,Yes"]),
        ("No Show,Cancel reason", ["No,ill"] * 3),
    ):
        rows = [f"{n},P{n},2026-01-{n + 10} 09:00,{value}" for n, value in enumerate(values)]
        assert "put both together" in drafted(tmp_path / "export", visits=[f"id,patient,start,{header}", *rows])[0]
