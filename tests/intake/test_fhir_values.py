"""Values that say too little, or several things, are not made up: they stay empty and are counted."""

from __future__ import annotations

import json

import pytest
from fhir_clinic import adverse_event, appointment, coded, encounter, invoice, location, observation, patient


@pytest.fixture
def visit(fhir):
    """A patient at a site with a booking and its encounter."""
    fhir.lines("all.ndjson", patient(), location(), appointment())
    fhir.lines("Encounter.ndjson", encounter(appointment=[{"reference": "Appointment/A1"}]))
    return fhir


def charge(identity, amount, encounter_id="E1"):
    return {
        "resourceType": "ChargeItem",
        "id": identity,
        "status": "billable",
        "code": coded("x"),
        "subject": {"reference": "Patient/P1"},
        "context": {"reference": f"Encounter/{encounter_id}"},
        "priceOverride": {"value": amount, "currency": "USD"},
    }


def test_suspects_that_are_judged_differently_tell_nothing(visit):
    def suspects(*judged):
        return [
            {"instance": {"display": one}, "causality": [{"assessment": coded(one)}] if one else []} for one in judged
        ]

    visit.lines(
        "AdverseEvent.ndjson",
        *(
            adverse_event(f"AE{n}", suspectEntity=suspects(*judged), encounter={"reference": "Encounter/E1"})
            for n, judged in enumerate([("unlikely", "certain"), ("certain", "certain"), ("likely",)])
        ),
    )
    records = visit.read()
    assert records.column("side_effects", "related") == [None, "certain", "likely"]
    why = "has several suspects that are judged differently"
    assert records.left_out["AdverseEvent.suspectEntity", why] == 1


@pytest.mark.parametrize("date", ["2026", "2026-01", "2026-01-05"])
def test_an_event_without_a_time_of_day_is_kept(visit, date):
    visit.lines("AdverseEvent.ndjson", adverse_event(date=date, encounter={"reference": "Encounter/E1"}))
    visit.publish()
    assert visit.ask("select booking_id, onset_minutes from side_effects") == [("A1", None)]
    why = "says no time of day: the minutes to onset are not known"
    assert visit.left_out()["AdverseEvent.date", why] == 1


def test_a_payment_for_several_bookings_belongs_to_none(visit):
    visit.lines("more.ndjson", appointment("A2"), encounter("E2", appointment=[{"reference": "Appointment/A2"}]))
    visit.lines("C.ndjson", charge("C1", 5), charge("C2", 6), charge("C3", 7, "E2"))

    def lines(*names):
        return [{"chargeItemReference": {"reference": f"ChargeItem/{name}"}} for name in names]

    visit.lines("I.ndjson", invoice("I1", lineItem=lines("C1", "C2")), invoice("I2", lineItem=lines("C1", "C3")))
    records = visit.read()
    assert records.column("payments", "booking_id") == ["A1", None]
    why = "leads to several bookings: the payment is kept for none of them"
    assert records.left_out["Invoice.lineItem", why] == 1


def later(kind, identity, **more):
    """A resource as FHIR R5 has it, which the fixtures of R4 are not."""
    return json.dumps({"resourceType": kind, "id": identity, **more})


def test_concepts_are_read_where_r5_has_them(fhir):
    """A default must not take the place of what is said, in however new a form."""
    fhir.lines("all.ndjson", patient(), location())
    fhir.lines("H.ndjson", {"resourceType": "HealthcareService", "id": "H", "name": "High-dose vitamin C"})
    visit = {"start": "2026-01-05T09:00:00-06:00", "participant": appointment()["participant"], "status": "fulfilled"}
    indication = {"concept": coded("F33.2", "http://hl7.org/fhir/sid/icd-10-cm")}
    fhir.lines(
        "A.ndjson",
        later("Appointment", "A1", serviceType=[{"concept": coded("hydration-basic")}], reason=[indication], **visit),
        later("Appointment", "A2", serviceType=[{"reference": {"reference": "HealthcareService/H"}}], **visit),
    )
    records = fhir.read(default_service="ketamine-infusion")
    assert records.column("bookings", "service") == ["hydration-basic", "vitamin-c"]
    assert records.column("bookings", "indication") == ["F33.2", None]


@pytest.mark.parametrize("system", ["http://loinc.org", "https://loinc.org/", "urn:oid:2.16.840.1.113883.6.1"])
def test_loinc_is_known_by_its_names(visit, system):
    visit.lines("O.ndjson", {**observation(), "code": coded("44261-6", system)})
    assert visit.read().column("scores", "score") == ["14"]


def test_resources_that_the_server_shortened_are_counted(visit):
    shortened = {
        "tag": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}]
    }
    visit.lines("O.ndjson", observation(meta=shortened), observation("O2", meta={"tag": [{"code": "x"}]}))
    why = "is tagged SUBSETTED: the server left out elements"
    assert visit.read().left_out["Observation.meta", why] == 1


def test_an_observation_that_gives_a_score_twice_gives_none(visit):
    total, both = coded("44261-6", "http://loinc.org"), coded("44261-6", "http://loinc.org")
    both["coding"] += coded("70274-6", "http://loinc.org")["coding"]
    parts = [{"code": total, "valueInteger": 7}, {"code": total, "valueInteger": 9}]
    visit.lines(
        "O.ndjson",
        observation("O1", "8867-4", component=parts),
        observation("O2", "8867-4", component=[parts[0], parts[0]]),
        {**observation("O3"), "code": both},
        {**observation("O4", "44249-1", valueQuantity={"value": 12}), "component": parts[:1]},
    )
    records = visit.read()
    assert records.column("scores", "score_id") == ["O2", "O4"]
    assert records.column("scores", "score") == ["7", "7"]
    assert [fault[2] for fault in records.faults] == ["stands beside another value of the same score"]
    assert records.left_out["Observation", "holds no total score of PHQ-9 or GAD-7"] == 1


def test_an_encounter_of_several_bookings_is_of_none(visit):
    """Its minutes and charges are not those of one of them; an event finds its booking by its time."""
    visit.lines(
        "Encounter.ndjson",
        encounter(
            appointment=[{"reference": f"Appointment/A{n}"} for n in (1, 2)],
            period={"start": "2026-01-05T09:00:00-06:00", "end": "2026-01-05T11:00:00-06:00"},
        ),
        encounter("E3", appointment=[{"reference": "Appointment/A3"}, {"reference": "Appointment/A3"}]),
    )
    second = {"start": "2026-01-06T09:00:00-06:00", "end": "2026-01-06T10:00:00-06:00"}
    visit.lines("more.ndjson", appointment("A2", minutesDuration=50, **second), appointment("A3", **second))
    visit.lines("C.ndjson", charge("C1", 5), charge("C3", 7, "E3"))
    visit.lines("AE.ndjson", adverse_event(encounter={"reference": "Encounter/E1"}, date="2026-01-05"))
    records = visit.read()
    assert records.column("bookings", "chair_minutes") == [None, "50", None]
    assert records.column("bookings", "price") == [None, None, "7.00"]
    assert records.column("side_effects", "booking_id") == ["A1"]
    assert records.rejects == [("ChargeItem.context", "Encounter/E1", "leads to the encounter of several bookings")]


def test_what_leads_nowhere_is_no_fault_of_what_leads_to_it(visit):
    """A ChargeItem may be of no encounter, and a Slot of no schedule that was delivered."""
    alone = {name: value for name, value in charge("C1", 5).items() if name != "context"}
    visit.lines("C.ndjson", alone)
    visit.lines("I.ndjson", invoice(lineItem=[{"chargeItemReference": {"reference": "ChargeItem/C1"}}]))
    visit.write("S.ndjson", json.dumps({"resourceType": "Slot", "id": "1", "status": "busy"}) + "\n")
    visit.lines("A.ndjson", appointment("A2", slot=[{"reference": "Slot/1"}]))
    records = visit.read()
    assert records.column("payments", "booking_id") == [None]
    assert records.column("bookings", "booking_id") == ["A2", "A1"]
    assert records.faults == []


def test_what_is_of_another_patient_is_not_of_the_booking(visit):
    other = {"reference": "Patient/P2"}
    visit.lines("P.ndjson", patient("P2"), patient("P3", identifier=[{"system": "s", "value": "1"}]))
    lasting = {"period": {"start": "2026-01-05T09:00:00-06:00", "end": "2026-01-05T09:44:00-06:00"}}
    visit.lines("A.ndjson", appointment("A3", {"reference": "Patient?identifier=s|1"}, "Location/L1"))
    visit.lines(
        "Encounter.ndjson",
        encounter(appointment=[{"reference": "Appointment/A1"}], subject=other, **lasting),
        encounter(
            "E3", appointment=[{"reference": "Appointment/A3"}], subject={"reference": "Patient/P3"}, **lasting
        ),
    )
    visit.lines("C.ndjson", charge("C1", 5))
    line = [{"chargeItemReference": {"reference": "ChargeItem/C1"}}]
    visit.lines("I.ndjson", invoice("I1", lineItem=line), invoice("I2", lineItem=line, subject=other))
    records = visit.read()
    minutes = zip(records.column("bookings", "booking_id"), records.column("bookings", "chair_minutes"), strict=True)
    assert dict(minutes) == {"A1": None, "A3": "44"}
    why = "is another patient than that of its appointment: not taken for it"
    assert records.left_out["Encounter.subject", why] == 1
    assert records.column("payments", "payment_id") == ["I1"]
    assert records.faults == [("Invoice.subject", "(not shown)", "is another patient than that of the booking")]
