"""Deliveries whose files tell no patient from another: each booking is a patient of its own, and it is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from intake_clinic import Clinic, Export, bookings
from intake_drafts import drafted

from dashboard.access import Role, Viewer
from dashboard.intake.contract import DeliveryError
from dashboard.settings import Settings
from dashboard.warehouse import Reader, Warehouse

TOLD = "nothing tells patients apart, so every booking is a patient of its own"
UNKNOWN = "{ unknown = true }"
VISITS = ("id,patient,start", "V1,P1,2026-01-05 09:00", "V2,P1,2026-01-06 09:00", "V3,P1,2026-01-07 09:00")
PAYMENTS = """
[payments]
file = "paid.csv"
[payments.columns]
payment_id = "no"
patient_id = { unknown = true }
booking_id = "visit"
paid_at = "at"
kind = { constant = "payment" }
amount = "amount"
"""


def told(report: object) -> bool:
    return any(note.startswith(TOLD) for note in report.notes)  # type: ignore[attr-defined]


def test_each_booking_is_a_patient_of_its_own_and_keeps_its_id(export: Export) -> None:
    export.write("visits.csv", *VISITS)
    report = export.publish(bookings(patient_id=UNKNOWN))
    assert told(report)
    assert export.bookings("booking_id, is_new") == [("V1", True), ("V2", True), ("V3", True)]
    assert export.clinic.one("select count(distinct patient) from bookings") == 3


def test_bookings_without_an_id_either_are_numbered(export: Export) -> None:
    export.write("visits.csv", *VISITS)
    export.publish(bookings(patient_id=UNKNOWN, booking_id='{ row_number = "" }'))
    assert export.bookings("booking_id") == [("visits.csv-1",), ("visits.csv-2",), ("visits.csv-3",)]
    assert export.clinic.one("select count(distinct patient) from bookings") == 3


def test_who_paid_is_whose_the_booking_is(export: Export) -> None:
    """A payment without a booking then belongs to nobody, and is rejected with its line."""
    export.write("visits.csv", *VISITS)
    export.write("paid.csv", "no,visit,at,amount", "M1,V2,2026-01-06 10:00,5.00", "M2,,2026-01-06 10:00,6.00")
    export.publish(bookings(patient_id=UNKNOWN) + PAYMENTS)
    assert export.clinic.ask(
        "select payment_id, booking_id, p.patient = b.patient from payments p join bookings b using (booking_id)"
    ) == [("M1", "V2", True)]
    assert [row[:3] for row in export.rejects()] == [("paid.csv", 3, "patient_id")]


def test_scores_have_no_booking_whose_patient_it_could_be(export: Export) -> None:
    export.write("visits.csv", *VISITS)
    scores = '[scores]\nfile = "visits.csv"\n[scores.columns]\nscore_id = "id"\npatient_id = { unknown = true }\n'
    scores += 'instrument = { constant = "PHQ-9" }\ntaken_at = "start"\nscore = { constant = "9" }\n'
    with pytest.raises(DeliveryError, match=r"scores.*no booking_id.*name the column that holds the booking's id"):
        export.publish(bookings(patient_id=UNKNOWN) + scores)
    export.publish(bookings(patient_id=UNKNOWN) + scores.replace(UNKNOWN, '"id"'))
    assert export.clinic.one("select count(*) from scores join bookings using (patient)") == 3


def test_the_bookings_id_named_as_the_patients_is_told_likewise(export: Export) -> None:
    export.write("visits.csv", *VISITS)
    assert told(export.publish(bookings(patient_id='"id"')))
    assert not told(export.publish(bookings()))


def test_an_id_of_an_address_and_a_time_is_kept_as_a_hash_though_patients_are_unknown(export: Export) -> None:
    export.write("visits.csv", "Email,start", "a@x.org,2026-01-05 09:00", "a@x.org,2026-01-06 09:00")
    export.publish(bookings(patient_id=UNKNOWN, booking_id='{ column = ["Email", "start"] }'))
    assert export.clinic.one("select count(distinct patient) from bookings") == 2
    assert b"a@x.org" not in next((export.clinic.data / "extracts").glob("*.duckdb")).read_bytes()


def test_a_draft_says_what_it_would_mean(tmp_path: Path) -> None:
    """Files for exercises often have an age and a day, and neither an id of the booking nor of the patient."""
    rows = [f"{30 + day},F,2026-01-{day:02},Completed" for day in range(10, 28)]
    folder = tmp_path / "export"
    folder.mkdir()
    text, _ = drafted(folder, visits=["patient_age,patient_gender,appointment_date,appointment_status", *rows])
    line = next(line for line in text.splitlines() if line.startswith("# patient_id"))
    assert "DECIDE: required" in line
    assert "every booking is a patient of its own, and nobody comes again" in line
    clinic = Clinic(tmp_path)
    clinic.delivery = folder
    mapping = tmp_path / "draft.toml"
    mapping.write_text(text.replace("# patient_id", "patient_id"), encoding="utf-8")
    assert told(clinic.publish(mapping=mapping))
    assert clinic.one("select count(distinct patient) from bookings") == len(rows)


@pytest.mark.parametrize(("visits", "again", "nobody"), [(50, False, True), (49, False, False), (60, True, False)])
def test_pages_know_that_nobody_came_twice(export: Export, visits: int, again: bool, nobody: bool) -> None:
    """Of few visits that is no wonder."""
    rows = [f"V{n},P{n},2026-01-{n % 28 + 1:02} 09:00" for n in range(visits)]
    export.write("visits.csv", VISITS[0], *rows, *["V,P1,2026-02-05 09:00"] * again)
    path = export.publish(bookings()).path
    house = Warehouse(path, Settings(data=export.clinic.data))
    try:
        [told] = Reader(house, Viewer("ann", "Ann Lee", Role.ADMIN)).query("nobody_returned")["nobody_returned"]
        assert told == nobody
    finally:
        house.close()
