"""Names of columns as other systems write them, and what they say of patients."""

from __future__ import annotations

from pathlib import Path

import pytest
from intake_drafts import drafted, imported

from dashboard.intake.evidence import says_who
from dashboard.intake.guesses import column_words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("apptstarttime", "appointment start time"),
        ("patientdob", "patient dob"),
        ("admittime", "admit time"),
        ("firstname", "first name"),
        ("LName", "last name"),
        ("Booking #", "booking number"),
        ("N° patient", "number patient"),
        ("Client No", "client number"),
        ("No-show", "no show"),
        ("NO_SHOW", "no show"),
        ("Age in years", "age years"),
        # Words of which no others are made stay as they are.
        ("postal", "postal"),
        ("discount", "discount"),
        ("Outcome", "outcome"),
    ],
)
def test_words_written_together_are_told_apart(name: str, words: str) -> None:
    assert column_words(name) == words


@pytest.mark.parametrize("name", ["lastname", "firstname", "patientname", "LName", "emailaddress", "Payer Name"])
def test_a_name_written_as_one_word_says_who_somebody_is(name: str) -> None:
    assert says_who(name)


def test_a_name_written_as_one_word_gets_into_no_extract_and_no_draft(tmp_path: Path) -> None:
    """An id of it is kept as a keyed hash, and its words are shown nowhere."""
    rows = [
        f"Okonkwo{n % 2},Ann,2026-01-{n + 10} 09:00,Chicago,completed,{kind}"
        for n, kind in enumerate(["Myers cocktail", "Myers cocktail", "Okonkwo0 again", "Okonkwo0 again"] * 2)
    ]
    clinic, text = imported(tmp_path, visits=["lastname,firstname,starttime,location,status,appttype", *rows])
    assert "Okonkwo" not in text
    assert clinic.ask("select count(*), count(distinct patient) from bookings") == [(4, 2)]
    assert not [row for row in clinic.ask("select booking_id from bookings") if "Okonkwo" in row[0]]


@pytest.mark.parametrize(
    ("header", "row", "columns"),
    [
        ("apptid,patientid,apptdate,apptstarttime,svcdept,patientdob",
         "1,P1,01/13/2026,09:00 AM,Chicago,12/31/1980",
         {"booking_id": "apptid", "patient_id": "patientid",
          "starts_at": {"column": ["apptdate", "apptstarttime"], "format": "%m/%d/%Y %I:%M %p"},
          "birth_date": {"column": "patientdob", "format": "%m/%d/%Y"}}),
        ("Booking #,Participant Id,Date,Patient sex,Age (years)", "1,P1,2026-01-05 09:00,F,40",
         {"booking_id": "Booking #", "patient_id": "Participant Id", "sex": "Patient sex", "age": "Age (years)"}),
        ("Booking No,Client No,admittime,Visit Location", "1,P1,2026-01-05 09:00,Chicago",
         {"booking_id": "Booking No", "patient_id": "Client No", "starts_at": "admittime"}),
    ],
)  # fmt: skip
def test_exports_with_short_names_are_drafted(
    tmp_path: Path, header: str, row: str, columns: dict[str, object]
) -> None:
    _, found = drafted(tmp_path, visits=[header, row])
    assert {name: found["bookings"]["columns"].get(name) for name in columns} == columns


def test_who_pays_has_an_address(tmp_path: Path) -> None:
    """Each payment of a money transfer names both sides."""
    _, found = drafted(
        tmp_path,
        visits=["Appointment ID,Email,Start", "1,a@clinic.test,2026-01-05 09:00", "2,b@clinic.test,2026-01-06 09:00"],
        payments=[
            "Date,Gross,From Email Address,To Email Address,Transaction ID",
            "01/13/2026,475.00,a@clinic.test,us@clinic.test,T1",
            "01/14/2026,475.00,b@clinic.test,us@clinic.test,T2",
        ],
    )
    columns = found["payments"]["columns"]
    assert (columns["patient_id"], columns["amount"]) == ("From Email Address", "Gross")
