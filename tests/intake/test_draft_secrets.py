"""What no draft shows: words that somebody wrote, names, patients' values, a first line of data."""

from __future__ import annotations

import csv
import io
import re
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from intake_clinic import Clinic
from intake_drafts import drafted

from dashboard.cli import main
from dashboard.intake.drafting.draft import draft_mapping
from dashboard.intake.reference import load_reference


def test_a_draft_names_no_patient(tmp_path: Path) -> None:
    target = io.StringIO()
    csv.writer(target).writerows([["Visit", "MRN", "DOB", "Start"], ["1", "SECRET-1", "1-SECRET", "SECRET-2"]])
    (tmp_path / "visits.csv").write_text(target.getvalue(), encoding="utf-8")
    assert "SECRET" not in draft_mapping(tmp_path, load_reference())


def test_what_somebody_wrote_gets_into_no_draft(tmp_path: Path) -> None:
    """A column whose name tells nothing is taken by its values only where all are words of the contract."""
    rows = ["1,P1,completed,Chicago", "2,P2,no show,Frisco", "3,P3,Ann Lee called,Chicago"]
    (tmp_path / "visits.csv").write_text("\n".join(["Appointment ID,Client ID,Remarks,Calendar", *rows, ""]))
    text = draft_mapping(tmp_path, load_reference())
    assert "Ann" not in text
    columns = tomllib.loads(text)["bookings"]["columns"]
    assert (columns["status"], columns["site"]["column"]) == ({"constant": "completed"}, "Calendar")


@pytest.mark.parametrize("name", ["description", "Location", "Outcome", "Treatment", "clinic_notes", "Remarks"])
def test_what_hardly_repeats_is_shown_in_no_draft(tmp_path: Path, name: str) -> None:
    """Whatever its column is called, it may be what somebody wrote of a patient."""
    remarks = [
        "Ann B. crying after divorce",
        "Ben C. HIV positive",
        "wants myers again",
        "Dallas PD called",
        "ok",
    ] * 2
    rows = [f"{n},P{n},2026-01-{n + 10} 09:00,completed,{remark} {n}" for n, remark in enumerate(remarks)]
    text, found = drafted(tmp_path, visits=[f"id,patient,start,status,{name}", *rows])
    assert not re.search("crying|HIV|wants|PD|ok 4", text)
    assert found["bookings"]["columns"]["status"] == "status"


def test_values_of_patients_are_shown_in_no_draft(tmp_path: Path) -> None:
    """In some rows of a public export the type of the appointment is the patient's name."""
    rows = [f"{n},Marisol Okonkwo,2026-01-{n + 10} 09:00,Marisol Okonkwo,completed" for n in range(4)]
    rows += [f"{n},Dewey Brand,2026-01-{n + 10} 09:00,Myers cocktail,completed" for n in range(4, 9)]
    rows += [f"{n},Dewey Brand,2026-01-{n + 10} 09:00,Mr Brand's usual,completed" for n in range(9, 12)]
    text, found = drafted(tmp_path, visits=["id,Patient,Date/Time,Appointment Type,Status", *rows])
    assert not re.search("Marisol|Dewey|Brand", text)
    assert found["bookings"]["columns"]["service"]["values"] == {"Myers cocktail": "vitamin-myers"}
    assert "DECIDE: 2 more, not shown" in text


def test_a_first_line_of_data_is_no_header(tmp_path: Path) -> None:
    rows = ["1;20190220;08:00;58000000398;Damian Medyczny;Katar i kaszel", "2;20190220;08:30;79000000937;D M;Alergia"]
    text, found = drafted(tmp_path, wizyty=rows)
    assert not re.search("Katar|Damian|58000000398|20190220", text)
    assert found["bookings"]["header"] is False
    assert found["bookings"]["columns"]["starts_at"] == {"column": [2, 3], "format": "%Y%m%d %H:%M"}
    assert "4 (00000000000)" in text


@pytest.mark.parametrize("header", ["0,1,2,3,4", "1,2,3,4,5", "PHQ9,2nd visit,id,start,status"])
def test_names_with_numbers_are_names(tmp_path: Path, header: str) -> None:
    _, found = drafted(tmp_path, visits=[header, "A1,P1,X,2026-01-05 09:00,completed"])
    assert "header" not in found["bookings"]


def test_a_first_line_taken_for_names_is_not_shown(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path)
    rows = ["1,2019-02-20 08:00,58000000398,Ann Lee,divorced", "2,2019-02-20 08:30,79000000937,Ben Cho,HIV"]
    clinic.write("visits.csv", *rows)
    columns = (
        'patient_id = 3\nstarts_at = 2\nsite = { constant = "dallas" }\nservice = { constant = "vitamin-c" }\n'
        'status = { constant = "completed" }\n'
    )
    mapping = tmp_path / "m.toml"

    def imported(first: str, layout: str = "") -> str:
        mapping.write_text(
            f'[bookings]\nfile = "visits.csv"\n{layout}[bookings.columns]\nbooking_id = {first}\n{columns}'
        )
        options = [
            "--mapping",
            str(mapping),
            "--data",
            str(clinic.data),
            "--dry-run",
            "--report",
            str(tmp_path / "r"),
        ]
        done = CliRunner().invoke(main, ["import", str(clinic.delivery), *options])
        return done.output + (tmp_path / "r").read_text()

    for said in (imported("1"), imported('"Visit"')):
        assert "its first line looks like data" in said
        assert not re.search("Lee|divorced|58000000398", said)
    assert "looks like data" not in imported("1", "header = false\n")


def test_sentences_are_shown_in_no_draft_however_often_they_come(tmp_path: Path) -> None:
    rows = [f"{n},P{n},2026-01-{n + 10},went home with husband call him at home" for n in range(9)]
    text, _ = drafted(tmp_path, visits=["id,patient,start,Visit status", *rows])
    assert "husband" not in text


def test_staff_by_name_is_left_to_a_person(tmp_path: Path) -> None:
    rows = [f"{n},P,2026-01-0{n},{'Dr. Elaine Morrow' if n % 2 else 'Ray Dunn'}" for n in range(1, 5)]
    text, found = drafted(tmp_path, visits=["id,patient,start,Clinician", *rows])
    assert "provider" not in found["bookings"]["columns"]
    assert "DECIDE: these look like names of staff" in text
    _, found = drafted(tmp_path, visits=["id,patient,start,Clinician", "1,P,2026-01-05,DR-03"])
    assert found["bookings"]["columns"]["provider"] == "Clinician"


def test_a_word_that_means_something_elsewhere_is_shown_though_it_comes_once(tmp_path: Path) -> None:
    paid = ["1,P,2026-01-05,10.00,Paid", "2,P,2026-01-06,10.00,PENDING"]
    text, _ = drafted(tmp_path, payments=["payment_id,patient,payment_date,amount_paid,payment_status", *paid])
    assert '# "PENDING" = ""  # DECIDE' in text
