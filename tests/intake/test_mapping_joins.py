"""Files joined to others by a key, or by several columns."""

from __future__ import annotations

import pytest
from intake_clinic import Export, bookings

from dashboard.intake.contract import DeliveryError

JOINED = """
[joins.patients]
file = "patients*.csv"
other_key = "Id"
key = "PATIENT"
empty = ["NULL"]
"""


def test_joins(export: Export) -> None:
    export.write(
        "visits.csv",
        "id,PATIENT,start,org",
        "V1,007,2026-01-05 09:00,o1",
        "V2,8,2026-01-06 09:00,o2",
        "V3,9,2026-01-07 09:00,",
        "V4,10,2026-01-07 09:00,o9",
    )
    export.write("patients.csv", "Id,BIRTHDATE,SSN,Sex", "007,06/01/1980,999-12,F", "8,NULL,999-13,M", "oops")
    export.write("patients-2.csv", "Sex,Id,BIRTHDATE", "X,10,06/01/2000")
    export.write("orgs.csv", "Id;NAME", "o1;Dallas", "o2;Miami Beach")
    report = export.publish(
        JOINED
        + bookings(
            'birth_date = { join = "patients", column = "BIRTHDATE", format = "%d/%m/%Y" }\n'
            'sex = { join = "patients", column = "Sex", values = { F = "female", M = "male" }, default = "unknown" }',
            patient_id='"PATIENT"',
            site='{ join = { file = "orgs.csv", key = "org", other_key = "Id" }, column = "NAME" }',
        )
    )
    assert export.bookings("booking_id, site, age, sex") == [
        ("V1", "dallas", 45, "female"), ("V2", "miami_beach", None, "male"),
    ]  # fmt: skip
    assert [row[1:] for row in export.rejects()] == [
        (4, "site", None, "is empty; source column: NAME of orgs.csv"),
        (5, "site", None, "has no row in orgs.csv with its org; source column: NAME of orgs.csv"),
    ]
    text = "\n".join(report.lines())
    assert "patients.csv: 1 broken records could not be looked up, first line 4" in text
    assert "999-12" not in text


def test_a_joined_file_keeps_the_order_of_rows(export: Export) -> None:
    rows = [f"V{n},P{n % 7},2026-01-05 09:00,{'x' if n % 5000 == 4999 else ''}" for n in range(30_000)]
    export.write("visits.csv", "id,patient,start,bad", *rows)
    export.write("patients.csv", "patient,born", *(f"P{n},1980-01-06" for n in range(7)))
    export.publish(
        bookings('birth_date = { join = { file = "patients.csv", key = "patient" }, column = "born" }\nage = "bad"')
    )
    assert [row[1] for row in export.rejects()] == [5001, 10001, 15001, 20001, 25001, 30001]
    assert export.clinic.one("select count(*) from bookings where age = 45") == 29_994


@pytest.mark.parametrize("personal", [True, False])
def test_a_doubled_key_is_refused_and_named(export: Export, personal: bool) -> None:
    export.write("visits.csv", "id,patient,start,org", "V1,Secret-1,2026-01-05 09:00,Secret-1")
    export.write("other.csv", "Id,x", "Secret-1,a", "b,c", "Secret-1,b")
    key = "patient" if personal else "org"
    with pytest.raises(DeliveryError) as refusal:
        export.publish(
            bookings(
                f'channel = {{ join = {{ file = "other.csv", key = "{key}", other_key = "Id" }}, column = "x" }}'
            )
        )
    text = str(refusal.value)
    assert "other.csv" in text
    assert "'Id'" in text
    assert ("Secret-1" in text) is not personal


def test_a_key_of_several_columns(export: Export) -> None:
    """A log of side effects that knows patient and day; of two bookings on a day it can't tell which."""
    visits = [
        "V1,P1,2026-01-05,2026-01-05 09:00", "V2,P1,2026-01-06,2026-01-06 09:00", "V3,P2,2026-01-05,2026-01-05 09:00",
        "V4,P3,2026-01-05,2026-01-05 09:00", "V5,P3,2026-01-05,2026-01-05 15:00", "V6,,2026-01-07,2026-01-07 09:00",
        "V7,,2026-01-07,2026-01-07 10:00",
    ]  # fmt: skip
    export.write("visits.csv", "id,patient,day,start", *visits)
    events = [
        "P1,2026-01-06,nausea",
        "P2,2026-01-05,headache",
        "P2,2026-01-06,nausea",
        "P3,2026-01-05,nausea",
        ",2026-01-07,nausea",
    ]
    export.write("log.csv", "Who,When,Symptom", *events)
    join = '{ file = "visits.csv", key = ["Who", "When"], other_key = ["patient", "day"]%s }'
    side_effects = (
        '[side_effects]\nfile = "log.csv"\n[side_effects.columns]\nevent_id = { row_number = "" }\neffect = "Symptom"\n'
        f'booking_id = {{ join = {join}, column = "id" }}\n'
    )
    with pytest.raises(
        DeliveryError, match=r"1 keys of the columns 'patient' \+ 'day' stand more than once.*\"empty\""
    ):
        export.publish(bookings() + side_effects % "")
    report = export.publish(bookings() + side_effects % ', doubled = "empty"')
    assert export.clinic.ask("select booking_id, effect from side_effects order by all") == [
        ("V2", "nausea"), ("V3", "headache"),
    ]  # fmt: skip
    told = {line: reason for file, line, _, _, reason in export.rejects() if file == "log.csv"}
    assert sorted(told) == [4, 5, 6]
    assert told[4].startswith("has no row, or several, in visits.csv with its Who + When")
    assert told[5] == told[4]
    assert "visits.csv: 1 key stands in several rows and gave nothing" in report.notes
    assert not any("P1" in str(row) or "P3" in str(row) for row in export.rejects())
