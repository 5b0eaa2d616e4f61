"""Side effects in several numbered columns of a row are drafted as a section each, and none is lost or made up."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_sideways_drafts import VISITS, Form, visit


@pytest.fixture
def form(tmp_path: Path) -> Form:
    return Form(tmp_path)


@pytest.mark.parametrize(
    "name", ["AE{}", "Side Effect {}", "Adverse Event ({})", "adverse_reaction_{}", "Symptom #{}"]
)
def test_each_numbered_column_is_a_section(form: Form, name: str) -> None:
    header = ",".join(name.format(number) for number in range(1, 4))
    form.write(
        "visits.csv",
        f"{VISITS},{header}",
        visit(1, "Nausea", "Dizziness", ""),
        visit(2, "None", "", ""),
        visit(3, "Metallic taste", "", ""),
        visit(4, "", "", ""),
    )
    text, found = form.draft()
    assert "DECIDE: do they tell what came after the infusion" in text
    # The third is empty here, and may hold something in the next delivery.
    assert [one["columns"]["effect"] for one in found["side_effects"]] == [name.format(n) for n in range(1, 4)]
    form.publish()
    assert sorted(form.effects()) == [("V1", "dizziness"), ("V1", "nausea"), ("V3", "metallic_taste")]
    assert form.clinic.ask("select count(*) from rejects") == [(0,)]
    # Who answered "None" filled the form in; who left it empty did not.
    assert form.clinic.ask("select booking_id, assessed from bookings order by 1") == [
        ("V1", True), ("V2", True), ("V3", True), ("V4", False),
    ]  # fmt: skip


def test_vaers_reports_with_several_rows_an_id_keep_every_term(form: Form) -> None:
    form.write(
        "2026VAERSDATA.csv",
        "VAERS_ID,RECVDATE,STATE,AGE_YRS,SEX,SYMPTOM_TEXT,VAX_DATE,ONSET_DATE",
        "2500001,01/09/2026,IL,40,F,felt unwell,01/05/2026,01/05/2026",
        "2500002,01/19/2026,IL,50,M,felt unwell,01/15/2026,01/15/2026",
    )
    form.write(
        "2026VAERSSYMPTOMS.csv",
        "VAERS_ID,SYMPTOM1,SYMPTOMVERSION1,SYMPTOM2,SYMPTOMVERSION2,SYMPTOM3,SYMPTOMVERSION3",
        "2500001,Nausea,28.1,Dizziness,28.1,Confusion,28.1",
        "2500001,Headache,28.1,,,,",
        "2500002,Nausea,28.1,,,,",
    )
    text, _ = form.draft()
    # Where a patient lives is no site, though "IL" stands in the city of one.
    assert 'column = "STATE"' not in text
    # Nothing but the patient is missing, and the draft says so.
    asked = "# patient_id = { unknown = true }  # DECIDE: required"
    assert [line for line in text.splitlines() if "DECIDE: required" in line] == [
        line for line in text.splitlines() if line.startswith(asked)
    ]
    mapping = form.clinic.delivery.parent / "m.toml"
    mapping.write_text(text.replace(asked, asked.removeprefix("# ")))
    form.clinic.publish(mapping=mapping)
    assert sorted(form.effects()) == [
        ("2500001", "confusion"),
        ("2500001", "dizziness"),
        ("2500001", "headache"),
        ("2500001", "nausea"),
        ("2500002", "nausea"),
    ]


def test_a_file_of_several_columns_keeps_more_than_the_first(form: Form) -> None:
    form.write("appointments.csv", VISITS, *(visit(number) for number in range(1, 4)))
    form.write("adverse_events.csv", "booking id,Adverse Event 1,Adverse Event 2", "V1,Nausea,Dizziness", "V2,,")
    form.publish()
    assert sorted(form.effects()) == [("V1", "dizziness"), ("V1", "nausea")]
    assert form.clinic.ask("select count(*) from rejects") == [(0,)]


@pytest.mark.parametrize("name", ["AE{} severity", "AE{}_grade"])
def test_grades_beside_numbered_columns_are_theirs(form: Form, name: str) -> None:
    header = ",".join(f"AE{n},{name.format(n)}" for n in (1, 2))
    form.write(
        "visits.csv",
        f"{VISITS},{header}",
        visit(1, "Nausea", "Mild", "Dizziness", "Severe"),
        visit(2, "None", "", "", ""),
        visit(3, "Nausea", "None", "", ""),
    )
    form.publish()
    assert sorted(form.effects("booking_id, effect, severity")) == [
        ("V1", "dizziness", "severe"), ("V1", "nausea", "mild"), ("V3", "nausea", "unknown"),
    ]  # fmt: skip
    assert form.clinic.ask("select count(*) from rejects") == [(0,)]


def test_an_id_holds_nothing_of_what_was_written(form: Form) -> None:
    form.write("visits.csv", f"{VISITS},AE1,AE2", visit(1, "Nausea", "Dizziness"))
    form.publish()
    assert form.effects("event_id") == [("V1-ae1-V1",), ("V1-ae2-V1",)]


def test_checkboxes_of_numbers_become_no_side_effects(form: Form) -> None:
    rows = [visit(1, "Checked", "Unchecked", "Yes", "No"), visit(2, "Unchecked", "Checked", "No", "Yes")]
    form.write("visits.csv", f"{VISITS},ae___1,ae___2,Nausea,Dizziness", *rows)
    assert "# DECIDE: ae___1, ae___2 are checkboxes; which side effect each stands for" in form.draft()[0]
    form.publish()
    assert form.effects() == [("V1", "nausea"), ("V2", "dizziness")]


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        # Answers, grades, numbers, one column alone, names of another kind.
        ("ae___1,ae___2", [("Checked", "Unchecked"), ("0", "1")]),
        ("AE1,AE2", [("mild", "severe"), ("none", "")]),
        ("AE1,AE2", [("10028813", "10013573"), ("", "")]),
        ("AE1,notes", [("Nausea", "x"), ("", "")]),
        ("Product 1,Product 2", [("Nausea", "Dizziness"), ("", "")]),
    ],
)
def test_other_numbered_columns_are_no_side_effects(form: Form, header: str, rows: list[tuple[str, ...]]) -> None:
    form.write("visits.csv", f"{VISITS},{header}", *(visit(number, *row) for number, row in enumerate(rows, 1)))
    assert "side_effects" not in form.draft()[1]
