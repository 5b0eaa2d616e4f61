"""What can turn the meaning of a resource into another is heeded wherever it stands, or keeps the resource out."""

from __future__ import annotations

import json

import pytest
from fhir_clinic import adverse_event, appointment, bundle, coded, encounter, location, observation, patient

NOT = [{"url": "https://a.example/not", "valueBoolean": True}]
MODIFIED = "may change the meaning of the resource, and is not understood"
A1 = [{"reference": "Appointment/A1"}]
LOINC = "http://loinc.org"


def period(minute):
    return {"start": "2026-01-05T09:00:00-06:00", "end": f"2026-01-05T09:{minute}:00-06:00"}


@pytest.fixture
def visit(fhir):
    fhir.lines("all.ndjson", patient(), location(), appointment())
    return fhir


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "planned", "unknown"])
def test_an_encounter_that_did_not_take_place_tells_no_minutes(visit, status):
    other = encounter("E0", status=status, appointment=A1, period=period("01"))
    visit.lines("Encounter.ndjson", other, encounter(appointment=A1, period=period("44")))
    assert visit.read().column("bookings", "chair_minutes") == ["44"]
    visit.lines("Encounter.ndjson", other)
    assert visit.read().column("bookings", "chair_minutes") == [None]


def test_an_encounter_entered_in_error_is_left_out(visit):
    visit.lines("Encounter.ndjson", encounter(status="entered-in-error", appointment=A1))
    assert visit.read().left_out["Encounter", "status entered-in-error"] == 1


def test_the_charge_of_a_cancelled_encounter_is_that_of_its_booking(visit):
    visit.lines("Encounter.ndjson", encounter(status="cancelled", appointment=A1))
    visit.write(
        "ChargeItem.ndjson",
        '{"resourceType":"ChargeItem","id":"C","status":"billed","context":{"reference":"Encounter/E1"},'
        '"priceOverride":{"value":50.0,"currency":"USD"}}\n',
    )
    assert visit.read().column("bookings", "price") == ["50.00"]


@pytest.mark.parametrize("indent", [None, 1])
def test_a_modifier_deep_inside_keeps_the_resource_out(visit, indent):
    within = [{**part, "modifierExtension": NOT} for part in appointment("A2")["participant"]]
    score = observation(
        "O1", component=[{"code": coded("44261-6", LOINC), "valueInteger": 9, "modifierExtension": NOT}]
    )
    visit.document("a.json", appointment("A2", participant=within), indent)
    visit.document("b.json", bundle(observation("O2"), score), indent)
    visit.lines("c.ndjson", bundle(appointment("A3"), appointment("A4", participant=within)))
    records = visit.read()
    assert sorted(records.column("bookings", "booking_id")) == ["A1", "A3"]
    assert records.column("scores", "score_id") == ["O2"]
    assert [fault[2] for fault in records.faults] == [MODIFIED] * 3


def test_a_modifier_keeps_what_others_refer_to_out(visit):
    visit.lines("E.ndjson", encounter(appointment=A1, period=period("44"), modifierExtension=NOT))
    visit.lines("P.ndjson", patient("P2", modifierExtension=NOT), appointment("A2", "Patient/P2", "Location/L1"))
    visit.publish()
    assert visit.ask("select booking_id, chair_minutes from bookings") == [("A1", 90)]
    assert visit.balance()["Encounter"] == (1, 0, 1, 0, 0)
    assert visit.balance()["Patient"] == (2, 0, 1, 1, 0)


def test_a_record_that_was_merged_into_another_is_the_same_patient(fhir):
    merged = patient("P2", active=False, link=[{"other": {"reference": "Patient/P1"}, "type": "replaced-by"}])
    again = patient("P3", link=[{"other": {"reference": "Patient/P2"}, "type": "replaced-by"}])
    gone = patient("P4", link=[{"other": {"reference": "Patient/P9"}, "type": "replaced-by"}])
    circle = [
        patient(one, link=[{"other": {"reference": f"Patient/{other}"}, "type": "replaced-by"}])
        for one, other in (("P5", "P6"), ("P6", "P5"))
    ]
    also = patient("P7", link=[{"other": {"reference": "Patient/P1"}, "type": "seealso"}])
    fhir.lines("all.ndjson", patient(), merged, again, gone, also, *circle, location())
    fhir.lines("a.ndjson", *(appointment(f"A{n}", f"Patient/P{n}", "Location/L1") for n in (1, 2, 3, 4, 7)))
    fhir.lines("b.ndjson", appointment("A5", "Patient/P5", "Location/L1"))
    fhir.lines("c.ndjson", adverse_event(subject={"reference": "Patient/P2"}, encounter=A1[0]))
    records = fhir.read()
    assert records.column("bookings", "patient_id")[:5] == ["P1", "P1", "P1", "P4", "P7"]
    assert len(records.rows["bookings"]) == 6
    assert records.column("side_effects", "booking_id") == ["A1"]


@pytest.mark.parametrize(
    ("quantity", "score"),
    [
        ({"value": 20, "unit": "{score}"}, "20"),
        ({"value": 20, "comparator": ">"}, None),
        ({"value": 20, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"}, None),
    ],
)
def test_a_score_is_its_value_and_nothing_about_it(visit, quantity, score):
    visit.lines("O.ndjson", observation(valueQuantity=quantity))
    records = visit.read()
    assert records.column("scores", "score") == ([score] if score else [])
    assert len(records.faults) == (0 if score else 1)


@pytest.mark.parametrize("indent", [None, 1])
def test_half_a_character_stops_nothing(visit, indent):
    half = "\ud800"
    visit.write("a.json", json.dumps({**location("L2", f"Nowhere {half}"), "alias": ["Dallas"]}, indent=indent))
    visit.write("b.json", json.dumps({**patient("P2"), "gender": half}, indent=indent))
    visit.write("c.json", json.dumps(appointment("A2", "Patient/P2", "Location/L2"), indent=indent))
    visit.write("d.json", json.dumps(appointment("A3", serviceType=[{"text": half}]), indent=indent))
    visit.write("e.json", json.dumps(appointment(half), indent=indent))
    visit.write("f.json", json.dumps(appointment("A5", description="\U0001f600"), indent=indent))
    visit.publish()
    assert visit.ask("select booking_id, site from bookings order by all") == [
        ("A1", "chicago"),
        ("A2", "dallas"),
        ("A5", "chicago"),
    ]
    assert visit.balance()["Appointment"] == (5, 3, 2, 0, 0)
