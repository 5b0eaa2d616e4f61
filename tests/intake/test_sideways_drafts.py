"""Files with a column for each side effect or questionnaire are drafted as a section each, and import what they say."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from intake_clinic import Clinic

from dashboard.intake.drafting.draft import draft_mapping
from dashboard.intake.reference import load_reference

VISITS = "id,patient,date,time,site,service,status"


class Form:
    """An export of visits, and what becomes of it with its draft as it is."""

    def __init__(self, folder: Path) -> None:
        self.clinic = Clinic(folder)
        self.clinic.delivery = folder / "export"
        self.clinic.delivery.mkdir()
        self._mapping = folder / "m.toml"

    def write(self, name: str, *lines: str) -> None:
        self.clinic.write(name, *lines)

    def draft(self) -> tuple[str, dict[str, Any]]:
        text = draft_mapping(self.clinic.delivery, load_reference())
        return text, tomllib.loads(text)

    def publish(self) -> None:
        self._mapping.write_text(self.draft()[0])
        self.clinic.publish(mapping=self._mapping)

    def effects(self, columns: str = "booking_id, effect") -> list[tuple[Any, ...]]:
        return self.clinic.ask(f"select {columns} from side_effects order by event_id")


@pytest.fixture
def form(tmp_path: Path) -> Form:
    return Form(tmp_path)


def visit(number: int, *more: str) -> str:
    return ",".join(
        (
            f"V{number}",
            f"P{number}",
            f"2026-01-{number:02d}",
            "09:00",
            "Chicago",
            "Myers cocktail",
            "completed",
            *more,
        )
    )


def test_a_column_for_each_side_effect_becomes_a_section_each(form: Form) -> None:
    form.write(
        "visits.csv",
        f"{VISITS},Nausea,Dizziness?,ae_metallic_taste,Blurry vision,Cardiac arrest,Insurance,Headache",
        visit(1, "Yes", "No", "0", "", "No", "yes", "none"),
        visit(2, "No", "yes", "1", "x", "No", "no", "mild"),
        visit(3, "", "", "", "", "", "", ""),
    )
    text, found = form.draft()
    assert "DECIDE: do they tell what came after the infusion" in text
    assert "# Columns that are not read: Insurance\n" in text
    assert set(found["side_effects"][0]["columns"]) == {"event_id", "booking_id", "effect"}
    # The other answer, which nobody has given yet.
    assert {"column": "Cardiac arrest", "values": ["Yes"]} in [one.get("only") for one in found["side_effects"]]
    form.publish()
    assert form.effects("booking_id, effect, severity::varchar, serious") == [
        ("V1", "nausea", "unknown", False),
        ("V2", "blurred_vision", "unknown", False),
        ("V2", "dizziness", "unknown", False),
        ("V2", "headache", "mild", False),
        ("V2", "metallic_taste", "unknown", False),
    ]
    # A form with an answer was filled in; V3's was not.
    assert form.clinic.ask("select booking_id, assessed from bookings order by 1") == [
        ("V1", True), ("V2", True), ("V3", False),
    ]  # fmt: skip
    assert form.clinic.ask("select count(*) from rejects") == [(0,)]


@pytest.mark.parametrize(
    ("values", "severities"),
    [
        (("0", "2", "4"), ["moderate", "life_threatening"]),
        (("None", "Mild", "Severe"), ["mild", "severe"]),
        (("none", "none", "moderate"), ["moderate"]),
    ],
)
def test_grades_become_severities(form: Form, values: tuple[str, ...], severities: list[str]) -> None:
    rows = [visit(number, value, "no") for number, value in enumerate(values, 1)]
    form.write("visits.csv", f"{VISITS},nausea,dizziness", *rows)
    form.publish()
    assert form.effects("severity::varchar") == [(one,) for one in severities]


def test_numbers_that_were_not_given_yet_are_grades_too(form: Form) -> None:
    form.write("visits.csv", f"{VISITS},nausea,dizziness", visit(1, "2", "yes"), visit(2, "4", "no"))
    [nausea, _] = form.draft()[1]["side_effects"]
    assert nausea["columns"]["severity"]["values"] == {
        "1": "mild", "2": "moderate", "3": "severe", "4": "life_threatening", "5": "fatal",
    }  # fmt: skip


def test_words_that_were_not_given_yet_are_grades_too(form: Form) -> None:
    form.write("visits.csv", f"{VISITS},nausea,dizziness", visit(1, "MILD", "yes"), visit(2, "none", "no"))
    [nausea, _] = form.draft()[1]["side_effects"]
    assert nausea["columns"]["severity"]["values"] == {
        "MILD": "mild", "moderate": "moderate", "severe": "severe", "life threatening": "life_threatening",
        "fatal": "fatal",
    }  # fmt: skip


def test_a_form_was_filled_in_where_a_question_has_an_answer_that_can_be_no(form: Form) -> None:
    rows = [visit(1, "x", "no"), visit(2, "", "yes"), visit(3, "", "")]
    form.write("visits.csv", f"{VISITS},nausea,dizziness", *rows)
    form.publish()
    assert form.clinic.ask("select booking_id from bookings where assessed order by 1") == [("V1",), ("V2",)]
    # Where nobody says no, an empty answer may be one.
    form.write("visits.csv", f"{VISITS},nausea,dizziness", visit(1, "x", ""), visit(2, "", "x"))
    assert "side_effects_assessed" not in form.draft()[0]


def test_what_cannot_be_a_sum_is_none(form: Form) -> None:
    form.write("visits.csv", f"{VISITS},phq9_total,gad7_total", visit(1, "28", "mild"), visit(2, "3", "4"))
    assert "scores" not in form.draft()[1]


def test_a_grade_beside_the_answer_is_its_severity(form: Form) -> None:
    form.write(
        "visits.csv",
        f"{VISITS},nausea,nausea_grade,confusion,confusion_severity",
        visit(1, "1", "2", "0", ""),
        visit(2, "0", "", "1", "mild"),
        visit(3, "1", "", "0", ""),
    )
    form.publish()
    assert form.effects("booking_id, effect, severity::varchar") == [
        ("V1", "nausea", "moderate"),
        ("V2", "confusion", "mild"),
        ("V3", "nausea", "unknown"),
    ]


def test_a_column_of_grades_of_which_none_was_given_yet(form: Form) -> None:
    form.write("visits.csv", f"{VISITS},nausea,dizziness_grade", visit(1, "yes", "none"), visit(2, "no", "0"))
    [_, dizziness] = form.draft()[1]["side_effects"]
    assert dizziness["except"]["values"] == ["none", "0", ""]
    assert dizziness["columns"]["severity"]["values"]["severe"] == "severe"


def test_columns_of_one_name_are_none(form: Form) -> None:
    form.write("visits.csv", f"{VISITS},nausea,nausea,dizziness,confusion", visit(1, "yes", "no", "yes", "no"))
    effects = [one["columns"]["effect"]["constant"] for one in form.draft()[1]["side_effects"]]
    assert effects == ["dizziness", "confusion"]


def test_a_form_of_its_own_finds_its_visits(form: Form) -> None:
    form.write("appointments.csv", VISITS, *(visit(number) for number in range(1, 5)))
    form.write(
        "post_infusion_form.csv", "Patient ID,Date,Nausea,Dizziness,Remarks",
        "P1,2026-01-01,yes,no,felt sick", "P2,2026-01-02,no,no,", "P3,2026-01-03,yes,yes,Ann helped",
    )  # fmt: skip
    text, _ = form.draft()
    assert "Ann" not in text
    form.publish()
    assert form.effects() == [("V3", "dizziness"), ("V1", "nausea"), ("V3", "nausea")]
    assert form.clinic.ask("select booking_id from bookings where assessed order by 1") == [("V1",), ("V2",), ("V3",)]


def test_a_form_that_names_its_booking_was_filled_in_for_that(form: Form) -> None:
    form.write("appointments.csv", VISITS, *(visit(number) for number in range(1, 5)))
    form.write("form.csv", "appointment id,nausea,dizziness", "V4,yes,no", "V2,no,no", "V1,,")
    form.publish()
    assert form.effects() == [("V4", "nausea")]
    assert form.clinic.ask("select booking_id from bookings where assessed order by 1") == [("V2",), ("V4",)]


def test_a_form_that_tells_no_booking_says_nothing_of_who_filled_it_in(form: Form) -> None:
    form.write("appointments.csv", VISITS, *(visit(number) for number in range(1, 5)))
    form.write("form.csv", "where,nausea,dizziness", "Room 1,yes,no", "Room 2,no,no")
    text, found = form.draft()
    assert "side_effects_assessed" not in text
    assert "# booking_id" in text
    assert len(found["side_effects"]) == 2


def test_sums_of_questionnaires_become_scores(form: Form) -> None:
    form.write(
        "visits.csv",
        f"{VISITS},phq9_1,phq9_9,PHQ-9 Total,phq9_severity,GAD7 score,pre_gad7",
        visit(1, "3", "2", "21", "severe", "9.0", "9"),
        visit(2, "", "", "", "", "0", "4"),
    )
    form.publish()
    scores = "select patient, instrument, score, strftime(taken_at, '%d %H:%M') from scores order by score_id"
    patients = dict(form.clinic.ask("select booking_id, patient from bookings"))
    assert form.clinic.ask(scores) == [
        (patients["V1"], "GAD-7", 9, "01 09:00"),
        (patients["V1"], "PHQ-9", 21, "01 09:00"),
        (patients["V2"], "GAD-7", 0, "02 09:00"),
    ]


def test_a_questionnaire_with_a_day_of_its_own_was_filled_in_then(form: Form) -> None:
    form.write("visits.csv", f"{VISITS},phq9_date,phq9_total,gad7_total", visit(1, "2026-01-08", "21", "9"))
    form.publish()
    assert form.clinic.ask("select instrument, taken_on::varchar from scores order by score_id") == [
        ("GAD-7", "2026-01-01"), ("PHQ-9", "2026-01-08"),
    ]  # fmt: skip


def test_scores_beside_the_bookings_have_their_own_day_and_patient(form: Form) -> None:
    form.write("appointments.csv", VISITS, *(visit(number) for number in range(1, 4)))
    form.write("phq.csv", "patient,date,phq9_total", "P1,2026-01-08,12", "P2,2026-01-09,", "P3,2026-01-10,3")
    form.publish()
    scores = "select patient, score, taken_on::varchar from scores order by score"
    patients = dict(form.clinic.ask("select booking_id, patient from bookings"))
    assert form.clinic.ask(scores) == [(patients["V3"], 3, "2026-01-10"), (patients["V1"], 12, "2026-01-08")]


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        # What a patient has had, one symptom alone, free text, a scale of another kind.
        ("hypertension,diabetes", [("1", "0"), ("0", "1")]),
        ("nausea,age", [("yes", "40"), ("no", "50")]),
        ("nausea,rash", [("yes", "no"), ("no", "yes")]),
        ("nausea,dizziness", [("a little, after lunch", "no"), ("no", "Ann fainted")]),
        ("nausea,dizziness", [("7", "10"), ("2", "0")]),
    ],
)
def test_other_columns_are_no_form(form: Form, header: str, rows: list[tuple[str, ...]]) -> None:
    lines = [visit(number, *(f'"{value}"' for value in row)) for number, row in enumerate(rows, 1)]
    form.write("visits.csv", f"{VISITS},{header}", *lines)
    text, found = form.draft()
    assert "side_effects" not in found
    assert "Ann" not in text
    assert "lunch" not in text


def test_a_table_of_side_effects_comes_first(form: Form) -> None:
    form.write(
        "visits.csv", f"{VISITS},nausea,dizziness,phq9_total",
        visit(1, "yes", "no", "4"), visit(2, "no", "no", "5"),
    )  # fmt: skip
    form.write("side_effects.csv", "event id,booking id,effect", "E1,V2,confusion")
    form.write("scores.csv", "score id,patient,instrument,date,score", "S1,P1,PHQ-9,2026-01-08,12")
    form.publish()
    assert form.effects() == [("V2", "confusion")]
    assert form.clinic.ask("select score from scores") == [(12,)]
