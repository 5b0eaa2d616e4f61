"""What says who a patient is, or was written freely, gets into no text of the extract that a mapping makes."""

from __future__ import annotations

from pathlib import Path

import pytest
from intake_clinic import Export, bookings

from dashboard.intake.contract import DeliveryError
from dashboard.intake.drafting.evidence import is_private

HEADER = "id,patient,start,Email,Client Name,Notes,Phone,Kind"
ROW = "V1,P1,2026-01-05 09:00,secret@clinic.test,Secret Roe,secretly sad,555-SECRET,x"


def traces(folder: Path) -> list[str]:
    """Files of the data folder with a value of a patient in them."""
    return [path.name for path in folder.rglob("*") if path.is_file() and b"secret" in path.read_bytes().lower()]


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ('channel = "Email"', "channel: the column Email says who a patient is"),
        ('channel = "e-mail "', "channel: the column e-mail  says who a patient is"),
        ('provider = "Client Name"', "provider: the column Client Name says who a patient is"),
        ('indication = "Notes"', "indication: the column Notes holds what somebody wrote"),
        ('sex = "Phone"', "sex: the column Phone says"),
        ('channel = { column = ["Kind", "Email"] }', r"channel: the column Kind \+ Email says"),
        ("channel = { column = 'Email', pattern = '^(.*)@' }", "channel: the column Email says"),
        # Fills empty values, or makes some, and leaves the others as they are.
        ('channel = { column = "Email", values = { "" = "none" } }', "channel: the column Email says"),
        ('channel = { column = "Email", values = { x = "" } }', "channel: the column Email says"),
        ('channel = { column = "Email", default = "none" }', "channel: the column Email says"),
        ("channel = 4", r"visits.csv for \[bookings.columns\] channel: the column 4 \(Email\) says"),
        ("channel = 6", r"the column 6 \(Notes\) holds what somebody wrote"),
        # The patient's id by another name of its column.
        ("channel = 2", r"channel: the column 2 \(patient\) says who a patient is"),
        (
            'channel = { join = { file = "more.csv", key = "id" }, column = "Home address" }',
            "Home address of more.csv",
        ),
        ('channel = { join = { file = "more.csv", key = "id" }, column = 2 }', r"2 \(Home address\) of more.csv"),
    ],
)
def test_what_says_who_a_patient_is_makes_no_text(export: Export, column: str, told: str) -> None:
    export.write("visits.csv", HEADER.replace("Email", "e-mail") if "e-mail" in column else HEADER, ROW)
    export.write("more.csv", "id,Home address,name", "V1,secret street,staff")
    with pytest.raises(DeliveryError, match=told):
        export.publish(bookings(column))
    assert traces(export.clinic.data) == []


@pytest.mark.parametrize(
    ("column", "stored"),
    [
        ('channel = { column = "Email", values = { "secret@clinic.test" = "web" } }', "web"),
        ('channel = { column = "Notes", values = { happy = "web" }, default = "desk" }', "desk"),
        # All others become the one word.
        ('channel = { column = "Notes", values = { happy = "" }, default = "desk" }', "desk"),
        ('channel = { column = 4, pattern = "(@)", values = { "@" = "mail" } }', "mail"),
        ('channel = { join = { file = "more.csv", key = "id" }, column = "name" }', "staff"),
        ('channel = "Kind"', "x"),
    ],
)
def test_words_of_the_mapping_may_be_made_of_it(export: Export, column: str, stored: str) -> None:
    export.write("visits.csv", HEADER, ROW)
    export.write("more.csv", "id,Home address,name", "V1,secret street,staff")
    export.publish(bookings(column))
    assert export.bookings("channel") == [(stored,)]
    assert traces(export.clinic.data) == []


@pytest.mark.parametrize(
    ("column", "made", "email", "name"),
    [
        ("price", '"Client Name"', "", "5.00"),
        ("price", "5", "", "5.00"),
        ("site", '"Email"', "dallas", ""),
        ("ends_at", """{ column = ["Client Name", "start"], pattern = '^to (.*)' }""", "", "to"),
        ("channel", '{ column = "Email", values = { "me@clinic.test" = "web" } }', "me@clinic.test", ""),
    ],
)
def test_rejects_show_no_such_value(export: Export, column: str, made: str, email: str, name: str) -> None:
    export.write("visits.csv", HEADER, ROW, f"V2,P2,2026-01-05 09:00,{email},{name},,,")
    report = export.publish(bookings(**{column: made}))
    assert [row[1:4] for row in export.rejects()] == [(2, column, "(not shown)")]
    assert "secret" not in "\n".join(report.lines()).lower()
    assert traces(export.clinic.data) == []


def test_an_id_made_of_the_patients_by_its_number_is_refused(export: Export) -> None:
    export.write("visits.csv", "MRN,start", "SECRET1,2026-01-05 09:00")
    with pytest.raises(DeliveryError, match=r"booking_id: the column 1 is 'MRN'.*same way in both places"):
        export.publish(bookings(booking_id="1", patient_id='"MRN"'))
    export.publish(bookings(booking_id="1", patient_id="1"))
    assert traces(export.clinic.data) == []


@pytest.mark.parametrize(
    "name",
    [
        "Client",
        "Correo electrónico",
        "Teléfono",
        "Dirección",
        "Kommentar",
        "Notizen",
        "Memo/Description",
        "Narrative",
        "Surname",
        "Patient Forename",
        "GivenName",
        "Family Name",
        "maiden_name",
        "Nickname",
        "pt_name",
        "Patient's Name",
        "Mother's Name",
        "Zip Code",
        "Postcode",
        "PLZ",
        "Fax",
        "WhatsApp",
    ],
)
def test_names_of_columns_that_tell_of_patients(name: str) -> None:
    assert is_private(name)


@pytest.mark.parametrize(
    "name",
    [
        "Sex at birth",
        "Staff Name",
        "Clinic Address",
        "Clinic Zip",
        "Note type",
        "Reason for visit",
        "Description",
        "Referral source",
        "Provider Surname",
        "Family history",
        "pt",
    ],
)
def test_names_of_columns_that_do_not(name: str) -> None:
    assert not is_private(name)


def test_the_term_of_one_file_is_not_the_patient_of_another(export: Export) -> None:
    export.write("visits.csv", "id,pt,start", "V1,P1,2026-01-05 09:00")
    export.write("ae.csv", "id,PT", "V1,Nausea")
    events = (
        '[side_effects]\nfile = "ae.csv"\n[side_effects.columns]\nevent_id = "id"\nbooking_id = "id"\neffect = "PT"\n'
    )
    export.publish(bookings(patient_id='"pt"') + events)
    assert export.clinic.ask("select effect from side_effects") == [("nausea",)]
    for same in (events.replace("ae.csv", "visits.csv"), events.replace('"PT"', '"pt"')):
        with pytest.raises(DeliveryError, match=r"effect: the column (pt|PT) says who a patient is"):
            export.publish(bookings(patient_id='"pt"') + same)
