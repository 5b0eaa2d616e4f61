"""By what a draft tells patients, bookings and the rows of other files that belong to them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from intake_clinic import Clinic
from intake_drafts import drafted

from dashboard.intake.drafting.draft import draft_mapping
from dashboard.intake.reference import load_reference


def test_a_log_of_side_effects_finds_its_bookings_by_patient_and_day(tmp_path: Path) -> None:
    """As drafted; of two visits of a patient on one day it can't tell which was meant."""
    folder, mapping = tmp_path / "export", tmp_path / "m.toml"
    folder.mkdir()
    visits = [
        f"{number},P{number % 7},{day:02d}/02/2026,{hour}:00,Chicago,Myers cocktail,Completed,10001"
        for number, (day, hour) in enumerate(((day, hour) for day in range(1, 27) for hour in (9, 14)), start=1)
    ]
    visits.append("99,P1,01/02/2026,16:00,Chicago,Myers cocktail,Completed,10001")
    header = "Appointment ID,Client ID,Date,Time,Location,Service,Status,Branch"
    (folder / "appointments.csv").write_text("\n".join([header, *visits, ""]), encoding="utf-8")
    log = [
        "P2,01/02/2026,10001,Nausea,Mild",
        "P3,02/02/2026,10001,Headache,Severe",
        "P1,01/02/2026,10001,Nausea,Mild",
        "P2,09/09/2026,10001,Nausea,Mild",
    ]
    head = "Client ID,Visit date,Branch,Symptom,Severity"
    (folder / "adverse events.csv").write_text("\n".join([head, *log, ""]), encoding="utf-8")
    text = draft_mapping(folder, load_reference())
    drafted = tomllib.loads(text)
    assert drafted["joins"]["visits"] == {
        "file": "appointments.csv", "delimiter": ",", "key": ["Client ID", "Visit date"], "other_key": ["Client ID", "Date"],
        "doubled": "empty",
    }  # fmt: skip
    assert drafted["side_effects"]["columns"]["booking_id"] == {"join": "visits", "column": "Appointment ID"}
    mapping.write_text(text, encoding="utf-8")
    clinic = Clinic(tmp_path)
    clinic.delivery = folder
    clinic.publish(mapping=mapping)
    assert clinic.ask("select booking_id, effect from side_effects order by all") == [
        ("2", "nausea"),
        ("3", "headache"),
    ]
    lines = clinic.ask("select line from rejects where file = 'adverse events.csv' order by line")
    assert lines == [(4,), (5,)]

    def joins() -> Any:
        return tomllib.loads(draft_mapping(folder, load_reference())).get("joins")

    few = [log[0], *(line.replace("02/2026", "03/2027") for line in log[1:])]
    (folder / "adverse events.csv").write_text("\n".join([head, *few, ""]), encoding="utf-8")
    assert joins() is None
    (folder / "adverse events.csv").write_text("\n".join([head, *log, ""]), encoding="utf-8")
    assert joins() is not None
    unnumbered = [header.replace("Appointment ID", "Appointment type"), *visits, ""]
    (folder / "appointments.csv").write_text("\n".join(unnumbered), encoding="utf-8")
    # Without a number a booking is told by who comes when.
    columns = tomllib.loads(draft_mapping(folder, load_reference()))["side_effects"]["columns"]
    assert columns["booking_id"]["column"] == ["Client ID", "Date", "Time"]
    (folder / "appointments.csv").write_text("\n".join([header, *visits, ""]), encoding="utf-8")
    numbered = [f"Appointment ID,{head}", *(f"{number},{line}" for number, line in enumerate(log, start=1)), ""]
    (folder / "adverse events.csv").write_text("\n".join(numbered), encoding="utf-8")
    assert joins() is None
    once = [line for line in visits if "/02/2026,9:00" in line][:7]
    (folder / "appointments.csv").write_text("\n".join([header, *once, ""]), encoding="utf-8")
    seen = [f"{row.split(',')[1]},{row.split(',')[2]},10001,Nausea,Mild" for row in once]
    (folder / "adverse events.csv").write_text("\n".join([head, *seen, ""]), encoding="utf-8")
    assert joins()["visits"]["key"] == ["Client ID", "Visit date"]


def test_of_two_bookings_a_day_a_log_finds_that_which_took_place(tmp_path: Path) -> None:
    header = "Appointment ID,Client ID,Date,Time,Location,Service,Status"
    visits = [
        f"{number},P{number % 4},{number // 4 + 1:02d}/02/2026,9:00,Chicago,Myers cocktail,Completed"
        for number in range(20)
    ]
    log = [
        "Client ID,Visit date,Symptom",
        *(f"P{number % 4},{number // 4 + 1:02d}/02/2026,Nausea" for number in (2, 7, 9)),
    ]

    def joined(*more: str) -> dict[str, Any]:
        _, found = drafted(tmp_path, appointments=[header, *visits, *more], adverse=log)
        join: dict[str, Any] = found["joins"]["visits"]
        return join

    again = "P2,01/02/2026,15:00,Chicago,Myers cocktail"
    assert joined(f"98,{again},CANCELLED", f"99,{again},no show")["except"] == {
        "column": "Status", "values": ["CANCELLED", "no show"],
    }  # fmt: skip
    # Nothing is left out where nobody has two, where both took place, or where a status is missing.
    assert "except" not in joined(f"98,{again},cancelled", "99,P9,01/02/2026,15:00,Chicago,Myers cocktail,")
    assert "except" not in joined("98,P9,01/02/2026,15:00,Chicago,Myers cocktail,cancelled")
    assert "except" not in joined(f"98,{again},completed", "99,P9,01/02/2026,15:00,Chicago,Myers cocktail,cancelled")


def test_ids_that_stand_in_several_rows_number_nothing(tmp_path: Path) -> None:
    """The layout of the public reports of adverse events: a reaction has no number of its own."""
    (tmp_path / "DEMO24Q1.txt").write_text(
        "primaryid$caseid$event_dt$age$sex\n11$1$20240304$38$F\n21$2$20240305$44$M\n"
    )
    (tmp_path / "REAC24Q1.txt").write_text("primaryid$caseid$pt\n11$1$Nausea\n11$1$Dizziness\n21$2$Confusion\n")
    drafted = tomllib.loads(draft_mapping(tmp_path, load_reference()))
    assert drafted["bookings"]["columns"]["booking_id"] == "primaryid"
    assert drafted["bookings"]["columns"]["patient_id"] == "caseid"
    assert drafted["bookings"]["columns"]["starts_at"] == {"column": "event_dt", "format": "%Y%m%d"}
    columns = drafted["side_effects"]["columns"]
    assert (columns["event_id"], columns["booking_id"], columns["effect"]) == ({"row_number": ""}, "primaryid", "pt")


def test_a_column_without_a_name_is_no_key(tmp_path: Path) -> None:
    (tmp_path / "visits.csv").write_text("Appointment ID,Client ID,Date\n1,P1,2026-01-05\n2,P2,2026-01-06\n")
    (tmp_path / "people.csv").write_text(",DOB\nP1,1980-01-01\nP2,1990-01-01\n")
    assert "joins" not in tomllib.loads(draft_mapping(tmp_path, load_reference()))
    (tmp_path / "people.csv").write_text("Number,DOB\nP1,1980-01-01\nP2,1990-01-01\n")
    assert tomllib.loads(draft_mapping(tmp_path, load_reference()))["joins"]["patients"]["other_key"] == "Number"


@pytest.mark.parametrize(
    ("header", "row", "patient"),
    [
        ("patient_name,date", "Ann Lee,2026-01-05", "patient_name"),
        ("patient_name,patient_phone,date", "Ann Lee,5550100,2026-01-05", ["patient_name", "patient_phone"]),
        ("patient_email,date", "ann@clinic.test,2026-01-05", "patient_email"),
        ("Invitee Email,Invitee Name,date", "ann@clinic.test,Ann,2026-01-05", "Invitee Email"),
    ],
)
def test_who_has_no_id_is_told_by_what_else_there_is(tmp_path: Path, header: str, row: str, patient: object) -> None:
    text, found = drafted(tmp_path, visits=[f"id,{header}", f"1,{row}"])
    named = found["bookings"]["columns"]["patient_id"]
    assert (named["column"] if isinstance(named, dict) else named) == patient
    assert "only a keyed hash of it is kept. DECIDE" in text


def test_bookings_and_payments_tell_patients_by_the_same_column(tmp_path: Path) -> None:
    people = [("Ann Lee", "a@clinic.test"), ("Ben Cho", "b@clinic.test"), ("Cy Dow", "c@clinic.test")]
    visits = [f"{n},{name},{email},2026-01-0{n} 09:00" for n, (name, email) in enumerate(people, start=1)]
    paid = [f"{n},{name},2026-01-0{n},10.00" for n, (name, _) in enumerate(people, start=1)]
    _, found = drafted(
        tmp_path,
        appointments=["id,Customer Name,Email,start", *visits],
        transactions=["Transaction ID,Name,Date,Amount", *paid],
    )
    assert found["bookings"]["columns"]["patient_id"] == "Customer Name"
    assert found["payments"]["columns"]["patient_id"] == "Name"


def test_a_payment_that_names_its_booking_has_its_patient(tmp_path: Path) -> None:
    visits = [f"{n},P{n},2026-01-0{n} 09:00,Chicago,Myers cocktail,completed" for n in range(1, 5)]
    paid = [f"{n},{n},2026-01-0{n},10.00" for n in range(1, 5)]
    clinic = Clinic(tmp_path)
    clinic.delivery = tmp_path / "export"
    clinic.delivery.mkdir()
    text, found = drafted(
        clinic.delivery,
        citas=["id,paciente_id,fecha,clinica,servicio,estado", *visits],
        pagos=["id,cita_id,fecha_pago,monto", *paid],
    )
    join: dict[str, Any] = {"file": "citas.csv", "key": "cita_id", "other_key": "id"}
    assert found["payments"]["columns"]["patient_id"] == {"join": join, "column": "paciente_id"}
    mapping = tmp_path / "m.toml"
    mapping.write_text(text)
    clinic.publish(mapping=mapping)
    same = "select count(*) from payments inner join bookings using (booking_id, patient)"
    assert clinic.one(same) == 4
    # Also of several files.
    _, found = drafted(
        clinic.delivery, turnos=["id,paciente_id,fecha,clinica,servicio,estado", "9,P9,2026-01-09,Dallas,x,y"]
    )
    join["file"] = ["citas.csv", "turnos.csv"]
    assert found["payments"]["columns"]["patient_id"]["join"] == join


def test_a_study_with_one_row_a_subject_has_one_column_for_both(tmp_path: Path) -> None:
    """Whose scores and side effects name the subject alone."""
    subjects = [f"CT1,CT1-{n:03d},{n:03d},01,2026-01-0{n}" for n in range(1, 6)]
    scored = [f"CT1-{n:03d},PHQ-9,2026-01-0{n},12" for n in range(1, 6)]
    _, found = drafted(
        tmp_path,
        dm=["STUDYID,USUBJID,SUBJID,SITEID,RFSTDTC", *subjects],
        qs=["USUBJID,QSCAT,QSDTC,QSSTRESN", *scored],
    )
    assert [found["bookings"]["columns"][name] for name in ("booking_id", "patient_id")] == ["USUBJID", "USUBJID"]
    assert found["scores"]["columns"]["patient_id"] == "USUBJID"


def test_a_column_without_a_name_is_nobodys(tmp_path: Path) -> None:
    _, found = drafted(tmp_path, visits=[",start,site", "7,2026-01-05 09:00,Chicago"])
    assert "patient_id" not in found["bookings"]["columns"]


def test_a_file_of_which_nothing_is_taken_is_joined_to_nothing(tmp_path: Path) -> None:
    visits = [f"{n},P{n},2026-01-0{n} 09:00" for n in range(1, 5)]
    _, found = drafted(
        tmp_path, visits=["id,patient,start", *visits], drugs=["case,drug", *(f"P{n},x" for n in range(1, 5))]
    )
    assert "joins" not in found


@pytest.mark.parametrize("name", ["new_patient", "is_new_patient", "returning_patient"])
def test_a_flag_is_no_patient(tmp_path: Path, name: str) -> None:
    _, found = drafted(tmp_path, visits=[f"id,start,{name}", "1,2026-01-05 09:00,1", "2,2026-01-05 09:00,0"])
    assert "patient_id" not in found["bookings"]["columns"]


def test_side_effects_that_name_no_booking_are_asked_about(tmp_path: Path) -> None:
    text, _ = drafted(
        tmp_path,
        visits=["visit_id,subject_id,start", *(f"V{n},S{n % 2},2026-01-0{n} 09:00" for n in (1, 2, 3))],
        ae=["ae_id,subject_id,aeterm", "1,S1,nausea", "2,S0,nausea"],
    )
    assert "DECIDE: no booking has one of its values as visit_id" in text
