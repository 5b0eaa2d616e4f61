"""Actors of an appointment are read by what they lead to: names of persons are neither shown nor taken for places."""

from __future__ import annotations

import json

import pytest
from fhir_clinic import appointment, bundle, coded, encounter, invoice, location, patient

PERSON = "Quillon Featherstonehaugh"
URN = "urn:uuid:0b1f7d5e-0000-4000-8000-00000000000"
MRN = {"system": "https://clinic.example/mrn", "value": "7"}


def named(reference, display):
    return {"reference": reference, "display": display}


def held(fhir):
    """All that an import shows or keeps of the small tables that could name a person."""
    shown = fhir.ask("select file, column_name, value, reason from rejects")
    return str(shown + fhir.ask("select what, reason from left_out") + fhir.ask("select site, service from bookings"))


@pytest.mark.parametrize("who", ["urn", "identifier", "contained", "display"])
def test_a_name_of_a_person_is_not_shown_where_the_place_is_not_known(fhir, who):
    """A reference that names no type leads to a person as well as to a place."""
    fhir.lines("Location.ndjson", location())
    actor, more = {
        "urn": (named(f"{URN}1", PERSON), {}),
        "identifier": ({"identifier": MRN, "display": PERSON}, {}),
        "contained": (named("#p", PERSON), {"contained": [{"resourceType": "Patient", "id": "p"}]}),
        "display": ({"display": PERSON}, {}),
    }[who]
    lost = appointment("A2", actor, serviceType=[], **more)
    fhir.document("all.json", bundle((f"{URN}1", patient("P1", identifier=[MRN])), appointment(), lost))
    fhir.publish()
    assert fhir.balance()["Appointment"] == (2, 1, 1, 0, 0)
    assert "Quillon" not in held(fhir)
    assert "default_site" in held(fhir)


def test_the_name_of_a_patient_is_no_site(fhir):
    fhir.document(
        "all.json",
        bundle(
            (f"{URN}1", patient()),
            location(),
            appointment("A1", named(f"{URN}1", "Dallas"), "Location/L1"),
            invoice(),
        ),
    )
    fhir.publish()
    assert fhir.ask("select site from bookings") == [("chicago",)]


@pytest.mark.parametrize(
    "kind",
    [
        {"physicalType": coded("ho", "http://terminology.hl7.org/CodeSystem/location-physical-type")},
        {"physicalType": {"text": "House"}},
        {"type": [coded("PTRES", "http://terminology.hl7.org/CodeSystem/v3-RoleCode")]},
    ],
)
def test_a_house_is_shown_by_its_reference_alone(fhir, kind):
    fhir.lines("all.ndjson", patient(), location(), location("H", f"{PERSON}, home", **kind))
    fhir.lines("Appointment.ndjson", appointment(), appointment("A2", "Patient/P1", named("Location/H", PERSON)))
    fhir.publish()
    assert "Quillon" not in held(fhir)
    assert fhir.ask("select value from rejects") == [("Location/H",)]


def test_a_name_alone_is_compared_with_sites(fhir):
    fhir.lines("all.ndjson", patient(), appointment("A1", "Patient/P1", {"display": "Miami Beach"}))
    fhir.publish()
    assert fhir.ask("select site from bookings") == [("miami_beach",)]


def test_who_declined_does_not_come(fhir):
    fhir.lines("all.ndjson", patient(), patient("P2", gender="male"), location("L0", "Dallas"), location())
    fhir.lines("more.ndjson", *({"resourceType": "Practitioner", "id": name} for name in ("D1", "D2")))
    declined = [
        {"actor": {"reference": one}, "status": "declined"}
        for one in ("Patient/P2", "Location/L0", "Practitioner/D1")
    ]
    coming = appointment("A1", "Patient/P1", "Location/L1", "Practitioner/D2")
    alone = appointment("A2", "Patient/P1", "Location/L1", "Practitioner/D2")
    fhir.lines(
        "Appointment.ndjson",
        {**coming, "participant": declined + coming["participant"]},
        alone,
        {**appointment("A3"), "status": "cancelled", "participant": [declined[0], *alone["participant"][1:]]},
    )
    fhir.publish()
    rows = fhir.ask("select sex, site, provider from bookings order by booking_id")
    assert rows[0] == rows[1]
    assert rows[2] == ("male", "chicago", rows[1][2])


def test_the_patient_is_found_where_only_places_take_part(fhir):
    fhir.lines("all.ndjson", patient(), location(), appointment("A1", {"display": "Chicago"}))
    fhir.lines("Encounter.ndjson", encounter(appointment=[{"reference": "Appointment/A1"}]))
    fhir.write(
        "later-version.ndjson",
        '{"resourceType":"Appointment","id":"A2","status":"booked","start":"2026-01-05T09:00:00-06:00",'
        '"subject":{"reference":"Patient/P1"},"serviceType":[{"text":"hydration-basic"}],'
        '"participant":[{"actor":{"reference":"Location/L1"}}]}\n',
    )
    fhir.publish()
    assert fhir.ask("select booking_id, sex from bookings order by all") == [("A1", "female"), ("A2", "female")]


def test_a_service_that_is_offered_at_several_sites_tells_none(fhir):
    offer = {
        "resourceType": "HealthcareService",
        "id": "H",
        "location": [{"reference": "Location/L1"}, {"reference": "Location/L2"}],
    }
    fhir.lines("all.ndjson", patient(), location(), location("L2", "Dallas"), offer)
    fhir.lines(
        "Appointment.ndjson",
        appointment("A1", "Patient/P1", "Location/L2", "HealthcareService/H"),
        appointment("A2", "Patient/P1", "HealthcareService/H"),
        appointment("A3", "Patient/P1", "Location/L1", "Location/L2"),
        appointment("A4", "Patient/P1", "Location/L1", "Location/L1"),
    )
    fhir.publish(fhir={"default_site": "chicago"})
    assert fhir.ask("select booking_id, site from bookings order by all") == [("A1", "dallas"), ("A4", "chicago")]
    [(value, reason), _] = fhir.ask("select value, reason from rejects order by line")
    assert (value, "several sites" in reason) == ("chicago, dallas", True)


def test_a_place_that_is_not_delivered_says_so(fhir):
    fhir.lines("all.ndjson", patient(), location(), appointment(), appointment("A2", "Patient/P1", "Location/gone"))
    fhir.publish()
    [(reason,)] = fhir.ask("select reason from rejects")
    assert "not in the delivery; deliver it, or add the line" in reason
    assert '"Location/gone" = … under [fhir.sites]' in reason


def test_what_stands_in_the_place_of_a_status_is_no_reason(fhir):
    fhir.lines("all.ndjson", patient(), location(), appointment())
    fhir.write(
        "forms.ndjson",
        '{"resourceType":"QuestionnaireResponse","id":"1","questionnaire":"a/side-effects","status":"Jane Doe"}\n'
        '{"resourceType":"QuestionnaireResponse","id":"2","questionnaire":"a/side-effects","status":"in-progress"}\n',
    )
    fhir.publish()
    assert fhir.balance()["QuestionnaireResponse"] == (2, 0, 1, 0, 1)
    assert "Jane" not in str(fhir.left_out())


def test_a_slot_leads_to_the_place_and_the_service_of_its_schedule(fhir):
    fhir.lines("all.ndjson", patient(), location(), location("L2", "Dallas"))
    fhir.lines(
        "S.ndjson",
        {"resourceType": "HealthcareService", "id": "H", "name": "Hydration drip"},
        {
            "resourceType": "Schedule",
            "id": "S",
            "actor": [{"reference": one} for one in ("Location/L2", "HealthcareService/H", "Practitioner/D")],
        },
        {
            "resourceType": "Slot",
            "id": "1",
            "schedule": {"reference": "Schedule/S"},
            "status": "busy",
            "start": "2026-01-05T15:00:00Z",
            "end": "2026-01-05T16:00:00Z",
        },
    )
    slot = [{"reference": "Slot/1"}]
    fhir.lines(
        "A.ndjson",
        appointment("A1", "Patient/P1", slot=slot, serviceType=[]),
        appointment("A2", slot=slot),
        appointment("A3", "Patient/P1", slot=[{"reference": "Slot/9"}]),
    )
    fhir.publish()
    assert fhir.ask("select booking_id, site, service from bookings order by all") == [
        ("A1", "dallas", "hydration-basic"),
        ("A2", "chicago", "ketamine-infusion"),
    ]
    assert fhir.balance()["Slot"] == fhir.balance()["Schedule"] == (1, 0, 0, 1, 0)


def test_a_status_that_is_no_code_is_not_shown(fhir):
    fhir.lines("all.ndjson", patient(), location(), appointment())
    for number, status in enumerate(("called 312-555-0188", "Booked")):
        fhir.write(f"{number}.ndjson", json.dumps({**appointment(f"B{number}"), "status": status}) + "\n")
    fhir.write(
        "C.ndjson", json.dumps({"resourceType": "ChargeItem", "id": "1", "status": "Ring 312-555-0188"}) + "\n"
    )
    fhir.publish()
    assert [row[3] for row in fhir.rejects()] == ["(not shown)", "Booked", "(not shown)"]
