"""What each resource becomes: statuses, times, grades, amounts and scores, at and beside every threshold."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import duckdb
import pytest
from fhir.resources.R4B.appointment import Appointment
from fhir_clinic import SERVICE, adverse_event, appointment, coded, encounter, location, patient

from dashboard.intake.demo import write_delivery
from dashboard.intake.fhir.terms import APPOINTMENT_STATUSES, CANCELLATION_EXTENSION, STATUSES_LEFT_OUT
from dashboard.intake.publish import import_delivery

TERMS = "http://terminology.hl7.org/CodeSystem/"


def test_all_ten_statuses_of_an_appointment_are_decided(fhir):
    codes = Appointment.model_fields["status"].json_schema_extra["enum_values"]
    assert set(codes) == {*APPOINTMENT_STATUSES, *STATUSES_LEFT_OUT["Appointment"]}
    assert len(codes) == 10
    fhir.lines("all.ndjson", patient(), location(), *(appointment(code, status=code) for code in codes))
    records = fhir.read()
    assert dict(zip(records.column("bookings", "booking_id"), records.column("bookings", "status"), strict=True)) == {
        "pending": "booked",
        "booked": "booked",
        "arrived": "arrived",
        "checked-in": "arrived",
        "fulfilled": "completed",
        "cancelled": "cancelled",
        "noshow": "no_show",
    }
    assert sum(count for (what, _), count in records.left_out.items() if what == "Appointment") == 3


def cancelled(identity, when, name="extension", **more):
    """An appointment of Monday, 9:00 in Chicago, cancelled at the time."""
    if name == "extension":
        more["extension"] = [{"url": CANCELLATION_EXTENSION, "valueDateTime": when}]
    else:
        more[name] = when
    return {**appointment(identity, status="cancelled"), **more}


def test_cancelled_within_24_hours_is_late(fhir):
    fhir.lines(
        "all.ndjson",
        patient(),
        location(),
        cancelled("A1", "2026-01-04T08:59:00-06:00"),
        cancelled("A2", "2026-01-04T09:00:00-06:00"),
        cancelled("A3", "2026-01-04T09:01:00-06:00"),
        cancelled("A4", "2026-01-04T15:01:00Z"),
        cancelled("A5", "2026-01-05T09:30:00-06:00"),
        cancelled("A6", "2026-01-05"),
        appointment("A7", status="cancelled", meta={"lastUpdated": "2026-01-05T08:00:00-06:00"}),
    )
    late = {"A3": "late_cancelled", "A4": "late_cancelled", "A5": "late_cancelled"}
    records = fhir.read()
    found = {row["booking_id"]: row["status"] for row in records.rows["bookings"]}
    assert found == {f"A{n}": late.get(f"A{n}", "cancelled") for n in range(1, 8)}
    assert records.rows["bookings"][3]["cancelled_at"] == "2026-01-04T15:01:00Z"
    assert ("Appointment.cancellationDate", "says no time of day: late or not is not known") in records.left_out
    updated = fhir.read(cancelled_at="lastUpdated")
    assert updated.rows["bookings"][6]["status"] == "late_cancelled"


@pytest.mark.parametrize("name", ["cancellationDate", "cancelationDate"])
def test_later_versions_say_it_in_an_element(fhir, name):
    fhir.lines("all.ndjson", patient(), location(), json.dumps(cancelled("A1", "2026-01-05T08:00:00-06:00", name)))
    assert fhir.read().column("bookings", "status") == ["late_cancelled"]


def test_an_appointment_tells_times_reason_and_length(fhir):
    fhir.lines(
        "all.ndjson",
        patient(),
        location(),
        appointment(
            "A1", created="2025-12-31T23:30:00-06:00", minutesDuration=80, reasonCode=[coded("F32", display="x")]
        ),
        appointment("A2", created="2025-12-30"),
        appointment("A3", created="2025-12"),
    )
    fhir.lines(
        "Encounter.ndjson",
        encounter(
            "E1",
            appointment=[{"reference": "Appointment/A2"}],
            period={"start": "2026-01-05T09:10:00-06:00", "end": "2026-01-05T10:12:00-06:00"},
        ),
        encounter(
            "E2",
            appointment=[{"reference": "Appointment/A3"}],
            period={"start": "2026-01-05T09:10:00-06:00", "end": "2026-01-07T09:10:00-06:00"},
        ),
    )
    records = fhir.read()
    assert records.column("bookings", "booked_at") == ["2025-12-31T23:30:00-06:00", "2025-12-30 00:00", None]
    assert records.column("bookings", "chair_minutes") == ["80", "62", None]
    assert records.column("bookings", "indication") == ["F32", None, None]
    assert records.left_out["Appointment.created", "is partial: no date can be taken of it"] == 1


def test_partial_birth_dates_are_taken_in_their_middle(fhir):
    people = [patient(f"P{n}", birthDate=date) for n, date in enumerate(["1980", "1980-05", "1980-05-31"])]
    people.append({"resourceType": "Patient", "id": "P3"})
    visits = [appointment(f"A{n}", f"Patient/P{n}", "Location/L1") for n in range(4)]
    fhir.lines("all.ndjson", *people, location(), *visits)
    records = fhir.read()
    assert records.column("bookings", "birth_date") == ["1980-07-01", "1980-05-15", "1980-05-31", None]
    assert records.left_out["Patient.birthDate", "is partial: the middle of its year or month is taken"] == 2


def test_a_birth_date_that_is_none_rejects_the_booking_and_is_not_shown(fhir):
    fhir.lines("all.ndjson", '{"resourceType":"Patient","id":"P1","birthDate":"1980-13-45"}', location())
    fhir.lines("Appointment.ndjson", appointment(), appointment("A2", "Patient/P2", "Location/L1"))
    fhir.lines("Patient.ndjson", patient("P2"))
    fhir.publish()
    assert fhir.rejects() == [("Appointment.ndjson", 1, "birth_date", "(not shown)")]


def test_a_booking_has_one_patient(fhir):
    both = appointment("A1", "Patient/P1", "Patient/P2", "Location/L1")
    fhir.lines("all.ndjson", patient(), patient("P2"), location(), both, appointment("A2", "Location/L1"))
    assert [fault[2] for fault in fhir.read().faults] == ["names 2 patients; a booking has one", "names no patient"]


@pytest.mark.parametrize(
    ("severity", "grade"),
    [
        (coded("mild", TERMS + "adverse-event-severity"), "mild"),
        (coded("24484000", "http://snomed.info/sct", "Severe (severity modifier)"), "severe"),
        (coded("442452003", "http://snomed.info/sct"), "life_threatening"),
        (coded("C41339", "http://ncimeta.nci.nih.gov", "Moderate Adverse Event"), "moderate"),
        ({"text": "CTCAE Grade 4"}, "life_threatening"),
        (coded("5", "https://ctcae.example"), "fatal"),
        ({"text": "Life-threatening"}, "life_threatening"),
        ({"text": "Severe or medically significant but not immediately life-threatening"}, "severe"),
        ({"text": "Grade 3: severe, not life-threatening; grade 4 excluded"}, None),
        (coded("1", "https://clinic.example/severity", "Severe"), "severe"),
        (coded("5", "https://clinic.example/pain"), None),
        (coded("24484000", "urn:oid:2.16.840.1.113883.6.96"), "severe"),
        ({"text": "non-severe"}, None),
        ({"text": "not severe or life-threatening, mild"}, "mild"),
        ({"text": "Mild to moderate"}, None),
        ({"text": "Death"}, "fatal"),
        ({"text": "grade 6"}, None),
        ({"text": "awful"}, None),
    ],
)
def test_severity_is_a_grade(visit, severity, grade):
    visit.lines("AdverseEvent.ndjson", adverse_event(severity=severity, encounter={"reference": "Encounter/E1"}))
    records = visit.read()
    assert records.column("side_effects", "severity") == [grade]
    assert any(what == "AdverseEvent.severity" for what, _ in records.left_out) == (grade is None)


@pytest.mark.parametrize(
    ("code", "serious"),
    [
        ("Non-serious", "no"),
        ("non-serious", "no"),
        ("Serious", "yes"),
        ("SeriousResultsInDeath", "yes"),
        ("serious-resultsInDeath", "yes"),
        ("seriousness unknown", None),
        ("Serious: no", None),
        ("other", None),
    ],
)
def test_seriousness(visit, code, serious):
    event = adverse_event(seriousness=coded(code, TERMS + "adverse-event-seriousness"))
    visit.lines("AdverseEvent.ndjson", {**event, "encounter": {"reference": "Encounter/E1"}})
    assert visit.read().column("side_effects", "serious") == [serious]


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (coded("resolved", TERMS + "adverse-event-outcome"), "resolved"),
        (coded("resolvedWithSequelae", TERMS + "adverse-event-outcome"), "resolved with sequelae"),
        (coded("emergency-transfer"), "emergency transfer"),
        ({"text": "Recovered/Resolved"}, "resolved"),
        ({"text": "NOT RECOVERED/NOT RESOLVED"}, "ongoing"),
        ({"text": "Jane went home with her sister"}, None),
    ],
)
def test_outcomes_are_words_of_a_list(visit, outcome, word):
    visit.lines("AdverseEvent.ndjson", adverse_event(outcome=outcome, encounter={"reference": "Encounter/E1"}))
    assert visit.read().column("side_effects", "outcome") == [word]


@pytest.mark.parametrize(
    ("event", "options", "effect"),
    [
        ({"text": "Blurred-Vision"}, {}, "blurred_vision"),
        (coded("10028813", "http://terminology.hl7.org/CodeSystem/mdr", "Nausea"), {}, "nausea"),
        (coded("1", SERVICE, "Itching"), {}, "Itching"),
        (coded("422587007", "http://snomed.info/sct", "Nausea (finding)"), {}, "nausea"),
        (coded("418363000", "http://snomed.info/sct", "Itching of skin (finding)"), {}, "Itching of skin"),
        ({"text": "Itching (finding of the nurse)"}, {}, "Itching (finding of the nurse)"),
        (coded("1", SERVICE, "Itching"), {"effects": {f"{SERVICE}|1": "dizziness"}}, "dizziness"),
    ],
)
def test_events_are_terms(visit, event, options, effect):
    visit.lines("AdverseEvent.ndjson", adverse_event(event=event, encounter={"reference": "Encounter/E1"}))
    assert visit.read(**options).column("side_effects", "effect") == [effect]


def test_causality_is_taken_of_codes_only(visit):
    suspect = [
        {
            "instance": {"display": "ketamine"},
            "causality": [
                {"productRelatedness": "Jane thinks so"},
                {"assessment": coded("possible", display="Possible")},
            ],
        }
    ]
    visit.lines("AdverseEvent.ndjson", adverse_event(suspectEntity=suspect, encounter={"reference": "Encounter/E1"}))
    assert visit.read().column("side_effects", "related") == ["Possible"]


def test_events_find_their_bookings(fhir):
    fhir.lines("all.ndjson", patient(), patient("P2"), location())
    fhir.lines(
        "Appointment.ndjson",
        appointment("A1"),
        appointment("A2", start="2026-01-07T09:00:00-06:00", end="2026-01-07T10:00:00-06:00"),
        appointment("A3", start="2026-01-07T14:00:00-06:00", end="2026-01-07T15:00:00-06:00"),
        appointment("A4", start="2026-01-09T09:00:00-06:00", end="2026-01-09T10:00:00-06:00", status="noshow"),
    )
    start = {"start": "2026-01-05T09:00:00-06:00"}
    fhir.lines(
        "Encounter.ndjson",
        encounter("E1", appointment=[{"reference": "Appointment/A3"}]),
        encounter("E2", period=start),
    )
    at = {
        "encounter": adverse_event("AE1", encounter={"reference": "Encounter/E1"}),
        "encounter without appointment": adverse_event("AE2", encounter={"reference": "Encounter/E2"}),
        "a moment": adverse_event("AE3", date="2026-01-05T10:00:00-06:00"),
        "just within a day": adverse_event("AE4", date="2026-01-06T09:00:00-06:00"),
        "just beyond a day": adverse_event("AE5", date="2026-01-06T09:00:01-06:00"),
        "before": adverse_event("AE6", date="2026-01-05T08:59:59-06:00"),
        "a date": adverse_event("AE7", date="2026-01-05"),
        "a date with two": adverse_event("AE8", date="2026-01-07"),
        "a date of a no-show": adverse_event("AE9", date="2026-01-09"),
        "nothing": adverse_event("AE10"),
        "another patient": adverse_event(
            "AE11", encounter={"reference": "Encounter/E1"}, subject={"reference": "Patient/P2"}
        ),
        "a lost encounter": adverse_event("AE12", encounter={"reference": "Encounter/E9"}),
    }
    fhir.lines("AdverseEvent.ndjson", *at.values())
    records = fhir.read()
    assert {row["event_id"]: row["booking_id"] for row in records.rows["side_effects"]} == {
        "AE1": "A3",
        "AE2": "A1",
        "AE3": "A1",
        "AE4": "A1",
        "AE7": "A1",
    }
    no = "leads to no booking, and the patient has no attended booking at its time"
    assert records.faults == [
        ("AdverseEvent.encounter", None, no),
        ("AdverseEvent.encounter", None, no),
        ("AdverseEvent.encounter", None, no.replace("has no", "has several")),
        ("AdverseEvent.encounter", None, no),
        (
            "AdverseEvent.encounter",
            None,
            "leads to no booking, and there is no date to find the patient's booking by",
        ),
        ("AdverseEvent.subject", "(not shown)", "is another patient than that of the booking"),
        ("AdverseEvent.encounter", "Encounter/E9", "refers to a resource Encounter that is not in the delivery"),
    ]
    assert "onset_at" not in records.rows["side_effects"][-1]


def test_an_encounter_of_a_lost_appointment_is_reported(visit):
    visit.lines("Encounter.ndjson", encounter(appointment=[{"reference": "Appointment/A9"}]))
    why = "refers to a resource Appointment that is not in the delivery"
    assert visit.read().rejects == [("Encounter.appointment", "Appointment/A9", why)]


def test_what_the_reader_writes_is_closed_to_others(visit):
    visit.read()
    [*files] = visit.data.with_name("work").iterdir()
    assert files
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)


def test_odd_characters_do_not_break_a_record(fhir):
    odd = '{"resourceType":"Appointment","id":"A2","status":"booked","start":"2026-01-05\\u0000\\ud800\\n,\\"x"}'
    fhir.lines("all.ndjson", patient(), location(), appointment(), odd, appointment("A3"))
    fhir.publish()
    assert fhir.balance()["Appointment"] == (3, 2, 1, 0, 0)
    assert [row[:3] for row in fhir.rejects()] == [
        ("all.ndjson", 4, "Appointment.participant.actor"),
        ("all.ndjson", 4, "Appointment.participant.actor"),
        ("all.ndjson", 4, "Appointment.serviceType"),
    ]


@pytest.fixture(scope="module")
def twins(tmp_path_factory) -> duckdb.DuckDBPyConnection:
    """The same demo delivery by CSV and by FHIR, as extracts `csv` and `fhir`."""
    folder: Path = tmp_path_factory.mktemp("twins")
    connection = duckdb.connect()
    for kind in ("csv", "fhir"):
        write_delivery(folder / kind, years=1, bookings=2500, fhir=kind == "fhir")
        report = import_delivery(folder / kind, folder / f"data-{kind}")
        connection.execute(f"attach '{report.path}' as {kind} (read_only)")
    return connection


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (
            "bookings",
            "booking_id, patient, site::varchar, service::varchar, line::varchar, status::varchar, starts_at, ends_at,"
            " booked_on, cancelled_at, lead_days, age, band::varchar, sex, indication, chair_minutes, price_cents,"
            " assessed, is_new, infusion, next_on, has_effect, has_serious, has_severe",
        ),
        (
            "side_effects",
            "event_id, booking_id, patient, site::varchar, effect::varchar, severity::varchar, serious, related,"
            " onset_at, onset_minutes, outcome, transfer, first_of_kind",
        ),
        ("payments", "payment_id, patient, booking_id, site::varchar, line::varchar, paid_at, kind, amount_cents"),
        ("scores", "score_id, patient, site::varchar, instrument, taken_at, score"),
        ("hourly", "starts_on, site::varchar, line::varchar, band::varchar, hour, status::varchar, bookings"),
        ("daily_effects", "starts_on, site::varchar, effect::varchar, severity::varchar, events, infusions, serious"),
        (
            "daily",
            "starts_on, site::varchar, service::varchar, band::varchar, bookings, no_show, late_cancelled, used_minutes,"
            " scheduled_minutes, invoiced_cents, listed_cents, no_show_cents, assessed, with_effect, supervised_anesthesiologist, supervised_physician, supervised_other",
        ),
    ],
)
def test_the_same_data_by_csv_and_by_fhir_give_the_same_numbers(twins, table, columns):
    [[rows]] = twins.execute(f"select count(*) from csv.{table}").fetchall()
    [[other]] = twins.execute(f"select count(*) from fhir.{table}").fetchall()
    assert rows == other > 500 or table == "daily_effects"
    only = twins.execute(f"select {columns} from csv.{table} except select {columns} from fhir.{table}").fetchall()
    assert only[:3] == []
