"""Ids that a spreadsheet or a program has shortened: 2.98725E+13 may be many ids, and is none."""

from __future__ import annotations

import duckdb
import pytest
from intake_clinic import BOOKINGS, Clinic, Export, bookings

from dashboard.intake import attempts
from dashboard.intake.contract import DeliveryError

REASON = "is a number in short form, of which digits are lost; export the column as text"


@pytest.mark.parametrize(
    "text", ["2.98725E+13", "2.98725e+13", '"2,98725E+13"', "3E+13", "2.98725E13", "2.98725E+13 2026-01-05"]
)
def test_no_row_has_such_an_id(clinic: Clinic, text: str) -> None:
    clinic.write(
        "bookings.csv",
        BOOKINGS,
        "B1,P1,chicago,ketamine-infusion,2026-01-05 09:00,completed",
        f"{text},P1,chicago,ketamine-infusion,2026-01-06 09:00,completed",
        f"B2,{text},chicago,ketamine-infusion,2026-01-07 09:00,completed",
    )
    clinic.write("side_effects.csv", "event_id,booking_id,effect", f"{text},B1,nausea")
    clinic.write(
        "payments.csv", "payment_id,patient_id,paid_at,kind,amount", f"{text},P1,2026-01-05 10:00,payment,1.00"
    )
    clinic.write("scores.csv", "score_id,patient_id,instrument,taken_at,score", f"{text},P1,PHQ-9,2026-01-05 10:00,9")
    report = clinic.publish()
    assert clinic.ask("select booking_id from bookings order by 1") == [("B1",), ("B2",)]
    [note] = report.notes
    assert note.startswith("bookings.csv: 1 booking has a patient whose id is a number in short form")
    assert attempts.read(clinic.data / "extracts")[-1].notes == (note,)
    shown = text.strip('"')
    assert clinic.ask("select source, line, column_name, value, reason from rejects order by all") == [
        ("bookings", 3, "booking_id", shown, REASON),
        ("payments", 2, "payment_id", shown, REASON),
        ("scores", 2, "score_id", shown, REASON),
        ("side_effects", 2, "event_id", shown, REASON),
    ]


@pytest.mark.parametrize(
    "text", ["1.2.840.113619", "B+1", "1E5", "3.5", "10.5e", "A.E+3", "V-2.98725E+13", "+1E", "visits-2026.01.csv-12"]
)
def test_other_ids_with_points_and_signs_stay(clinic: Clinic, text: str) -> None:
    clinic.write("bookings.csv", BOOKINGS, f"{text},{text},chicago,ketamine-infusion,2026-01-05 09:00,completed")
    clinic.publish()
    assert clinic.ask("select booking_id from bookings") == [(text,)]


def parquet(export: Export, kind: str, *numbers: int) -> None:
    rows = " union all ".join(
        f"select {number}::{kind} as id, 'P' as patient, timestamp '2026-01-0{place} 09:00' as start"
        for place, number in enumerate(numbers, start=1)
    )
    with duckdb.connect() as connection:
        connection.execute(f"copy ({rows}) to '{export.clinic.delivery / 'visits.parquet'}' (format parquet)")


FILE = 'file = "visits.parquet"'


@pytest.mark.parametrize(("kind", "exact"), [("double", 2**53), ("float", 2**24)])
def test_numbers_of_parquet_are_ids_as_far_as_they_are_exact(export: Export, kind: str, exact: int) -> None:
    """2⁵³ + 1 is 2⁵³ as a DOUBLE, so that the number may stand for two ids."""
    parquet(export, kind, 7, exact - 1, exact, exact + 1)
    export.publish(bookings(options=FILE))
    assert {row[0] for row in export.bookings("booking_id")} == {"7", str(exact - 1)}
    assert [row[4] for row in export.rejects()] == [f"{REASON}; source column: id"] * 2


def test_where_all_are_so_the_message_says_why(export: Export) -> None:
    parquet(export, "double", 10**17, 10**17 + 1)
    with pytest.raises(DeliveryError, match="of which digits are lost; export the column as text"):
        export.publish(bookings(options=FILE))


def test_a_parquet_file_whose_patients_have_lost_digits_is_refused(export: Export) -> None:
    parquet(export, "double", 10**17, 10**17 + 1)
    with pytest.raises(DeliveryError, match="patients' ids as numbers that have lost digits, in 2 rows"):
        export.publish(bookings(options=FILE, patient_id='"id"', booking_id='{ row_number = "V" }'))


def test_a_mapping_may_reject_such_patients(export: Export) -> None:
    export.write("visits.csv", "id,patient,start", "V1,1.5E+13,2026-01-05 09:00", "V2,150,2026-01-05 09:00")
    report = export.publish(bookings(patient_id="{ column = \"patient\", pattern = '^[0-9]+$' }"))
    assert export.bookings("booking_id") == [("V2",)]
    assert not [note for note in report.notes if "short form" in note]


def test_exact_numbers_of_any_size_stay(export: Export) -> None:
    parquet(export, "bigint", 10**17, 10**17 + 1)
    export.publish(bookings(options=FILE))
    assert export.bookings("booking_id") == [(str(10**17),), (str(10**17 + 1),)]
