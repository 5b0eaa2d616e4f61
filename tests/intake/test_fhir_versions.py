"""Of several versions of a resource the newest counts, deleted ones don't, and different ones are not mixed up."""

from __future__ import annotations

import json

import pytest
from fhir_clinic import adverse_event, appointment, bundle, encounter, invoice, location, observation, patient

NEWEST = "is delivered in several versions; the newest is kept"


def changed(moment, number="1"):
    return {"meta": {"lastUpdated": moment, "versionId": number}}


ON = {"date": "2026-01-05"}
OLD, NEW = changed("2026-01-04T23:00:00-06:00"), changed("2026-01-05T06:00:00.001Z", "2")


@pytest.fixture
def clinic(fhir):
    fhir.lines("all.ndjson", patient(), location())
    return fhir


@pytest.mark.parametrize("turn", [1, -1])
def test_the_newest_version_counts_whatever_the_order(clinic, turn):
    versions = [
        [appointment(**OLD, status="booked"), appointment(**NEW)],
        [observation(**OLD, valueInteger=20), observation(**NEW, valueInteger=4)],
        [invoice(**OLD), invoice(**NEW, status="cancelled")],
        [adverse_event(**OLD, **ON), adverse_event(**NEW, **ON, event={"text": "Dizziness"})],
        [patient("P2", birthDate="1950-01-01", **OLD), patient("P2", birthDate="1990-01-01", **NEW)],
    ]
    for number, pair in enumerate(versions):
        for place, resource in enumerate(pair[::turn]):
            clinic.lines(f"{number}-{place}.ndjson", resource)
    clinic.lines("last.ndjson", appointment("A2", "Patient/P2", "Location/L1"))
    clinic.publish()
    assert clinic.ask("select booking_id, status, age from bookings order by all") == [
        ("A1", "completed", 45),
        ("A2", "completed", 36),
    ]
    assert clinic.ask("select score from scores") == [(4,)]
    assert clinic.ask("select effect from side_effects") == [("dizziness",)]
    assert clinic.one("select count(*) from payments") == 0
    assert clinic.balance()["Invoice"] == (2, 0, 1, 0, 1)
    assert clinic.ask("select count(*) from rejects where reason = ?".replace("?", f"'{NEWEST}'")) == [(5,)]


def test_versions_are_numbered_where_they_bear_no_time(clinic):
    clinic.lines("1.ndjson", appointment(meta={"versionId": "9"}, status="booked"))
    clinic.lines("2.ndjson", appointment(meta={"versionId": "10"}))
    assert clinic.read().column("bookings", "status") == ["completed"]


def test_the_newest_encounter_tells_the_minutes(clinic):
    def visit(minute):
        return {
            "appointment": [{"reference": "Appointment/A1"}],
            "period": {"start": "2026-01-05T09:00:00-06:00", "end": f"2026-01-05T09:{minute}:00-06:00"},
        }

    clinic.lines("1.ndjson", encounter(**visit(10), **OLD), encounter(**visit(40), **NEW), appointment())
    assert clinic.read().column("bookings", "chair_minutes") == ["40"]


def test_what_was_deleted_is_left_out(clinic):
    gone = ["Appointment/A2", "https://a.example/fhir/Observation/O1", "Patient/P2", "Appointment/A4"]
    entries = [{"request": {"method": "DELETE", "url": url}} for url in gone]
    entries[3]["response"] = {"status": "204", "lastModified": "2026-01-05T00:00:00Z"}
    clinic.write("deleted/deletions.ndjson", json.dumps({**bundle(kind="history"), "entry": entries}))
    clinic.lines("P.ndjson", patient("P2"))
    clinic.lines(
        "a.ndjson",
        appointment(),
        appointment("A2"),
        appointment("A3", "Patient/P2", "Location/L1"),
        appointment("A4", **NEW),
        observation(),
    )
    clinic.publish()
    assert clinic.ask("select booking_id from bookings order by all") == [("A1",), ("A4",)]
    assert clinic.left_out()["Appointment", "deleted: another entry of the delivery says so"] == 1
    assert clinic.left_out()["Bundle", "an entry that says that a resource was deleted"] == 4
    assert clinic.balance()["Observation"] == (1, 0, 0, 0, 1)
    assert clinic.rejects() == [("a.ndjson", 3, "Appointment.participant.actor", "(not shown)")]


def without_id(resource):
    return {name: value for name, value in resource.items() if name != "id"}


def test_bundles_that_name_their_entries_alike_do_not_share_them(clinic):
    """Addresses like urn:uuid:patient-1 are written by hand, and are the same in every Bundle."""
    for number, year in enumerate((1950, 1990)):
        person = without_id(patient(birthDate=f"{year}-01-01"))
        visit = appointment(f"A{number}", "urn:uuid:patient-1", "Location/L1")
        clinic.document(f"{number}.json", bundle(("urn:uuid:patient-1", person), visit, kind="transaction"))
    clinic.lines("known.ndjson", appointment("A9"))
    clinic.publish()
    assert clinic.ask("select booking_id from bookings") == [("A9",)]
    reasons = {reason for (reason,) in clinic.ask("select reason from rejects")}
    assert "leads to several resources of the delivery" in reasons


def test_the_same_bundle_twice_is_no_harm(clinic):
    for number in range(2):
        person = ("urn:uuid:patient-1", without_id(patient()))
        clinic.document(f"{number}.json", bundle(person, appointment("A1", "urn:uuid:patient-1", "Location/L1")))
    clinic.publish()
    assert clinic.ask("select booking_id, age from bookings") == [("A1", 45)]


def test_resources_of_two_servers_are_not_taken_for_one_another(clinic):
    for server, year in (("a", 1950), ("b", 1990)):
        base = f"https://{server}.example/fhir"
        person = (f"{base}/Patient/1", patient("1", birthDate=f"{year}-01-01", **changed(f"{year}-01-01T00:00:00Z")))
        visit = (f"{base}/Appointment/{server}", appointment(server, "Patient/1", "Location/L1"))
        clinic.document(f"{server}.json", bundle(person, visit))
    clinic.lines("known.ndjson", appointment("A9"))
    clinic.publish()
    assert clinic.ask("select booking_id from bookings") == [("A9",)]
    assert clinic.balance()["Appointment"] == (3, 1, 2, 0, 0)


def test_what_contradicts_itself_without_a_version_decides_nothing(clinic):
    clinic.lines("1.ndjson", patient("P2"), patient("P2", birthDate="1950-01-01"), patient("P2"))
    clinic.lines("2.ndjson", appointment(), appointment("A2", "Patient/P2", "Location/L1"))
    records = clinic.read()
    assert records.column("bookings", "booking_id") == ["A1"]
    assert records.faults[0][2] == "leads to several resources of the delivery"
    assert [reason for *_, reason in records.rejects] == [
        "is that of another resource, too; what refers to it leads to several"
    ] * 2


def test_nothing_is_taken_of_an_encounter_that_is_several(clinic):
    link = {"appointment": [{"reference": "Appointment/A1"}]}
    period = {"period": {"start": "2026-01-05T09:00:00-06:00", "end": "2026-01-05T09:44:00-06:00"}}
    clinic.lines("1.ndjson", appointment(), encounter(**link, **period), encounter(**link))
    assert clinic.read().column("bookings", "chair_minutes") == [None]
