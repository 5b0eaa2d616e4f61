"""Patients and places that stand within other resources, as senders of single documents write them."""

from __future__ import annotations

from typing import Any

from fhir_clinic import FhirClinic, Json, appointment, encounter, invoice, location, observation, patient

WHO = "Appointment.participant.actor"


def contained(*numbers: str, **more: Any) -> Json:
    """A patient with these record numbers, each of a system of its own."""
    identifiers = [{"system": f"urn:example:{one[0]}", "value": one} for one in numbers]
    return {"resourceType": "Patient", "id": "me", **({"identifier": identifiers} if numbers else {}), **more}


def visit(identity: str, who: Json) -> Json:
    return appointment(identity, "#me", "Location/L1", contained=[who])


def people(fhir: FhirClinic) -> list[set[str]]:
    """The bookings of each patient."""
    return [
        set(ids)
        for (ids,) in fhir.ask("select list(booking_id) from bookings group by patient order by min(booking_id)")
    ]


def test_an_identifier_tells_who_comes_again(fhir: FhirClinic) -> None:
    name = [{"family": "Quillfeather"}]
    fhir.lines("Location.ndjson", location())
    fhir.lines(
        "Appointment.ndjson",
        visit("A1", contained("x7770001", name=name)),
        visit("A2", contained("x7770001", name=name, birthDate="1980-01-06", gender="female")),
        visit("A3", contained("x7770002", name=name, birthDate="1960-01-06")),
        visit("A4", contained(name=name, birthDate="1980-01-06")),
    )
    fhir.lines("Invoice.ndjson", invoice(subject={"reference": "#me"}, contained=[contained("x7770001")]))
    fhir.lines(
        "Observation.ndjson", observation(subject={"identifier": {"system": "urn:example:x", "value": "x7770001"}})
    )
    fhir.publish()
    assert people(fhir) == [{"A1", "A2"}, {"A3"}]
    assert fhir.ask("select booking_id, age, sex from bookings order by all") == [
        ("A1", 45, "female"),
        ("A2", 45, "female"),
        ("A3", 65, None),
    ]
    why = "is a contained patient whom no identifier tells from others; deliver a Patient, or an identifier"
    assert fhir.ask("select line, column_name, value, reason from rejects") == [(4, WHO, "(not shown)", why)]
    paid, scored = (
        fhir.one("select any_value(patient) from payments"),
        fhir.one("select any_value(patient) from scores"),
    )
    assert {paid, scored} == {fhir.one("select patient from bookings where booking_id = 'A1'")}
    extract = fhir.report.path.read_bytes()
    assert b"A3" in extract
    assert not [told for told in (b"Quillfeather", b"x7770001", b"urn:example") if told in extract]


def test_who_shares_an_identifier_is_one(fhir: FhirClinic) -> None:
    """Also where a third resource is the first to say so; the same number of another system is another's."""
    fhir.lines("Location.ndjson", location())
    other = {"resourceType": "Patient", "id": "me", "identifier": [{"system": "urn:example:z", "value": "x1"}]}
    numbers = [("A1", "x1"), ("A2", "y1"), ("A4", "y2")]
    fhir.lines(
        "Appointment.ndjson",
        *(visit(one, contained(number)) for one, number in numbers),
        visit("A3", contained("y1", "x1", birthDate="1980-01-06")),
        visit("A5", other),
    )
    fhir.publish()
    assert people(fhir) == [{"A1", "A2", "A3"}, {"A4"}, {"A5"}]
    assert fhir.ask("select distinct age from bookings where booking_id in ('A1', 'A2', 'A3')") == [(45,)]


def test_the_order_of_identifiers_makes_no_other_patient(fhir: FhirClinic) -> None:
    """One delivery lists them so, the next otherwise: it is the same patient in both."""
    found = []
    for order in (1, -1):
        visits = [visit(f"A{n}", contained(*[f"x{n}", f"y{n}"][::order])) for n in range(8)]
        fhir.lines("1.ndjson", location(), *visits)
        fhir.publish()
        found.append(fhir.ask("select booking_id, patient from bookings order by all"))
    assert found[0] == found[1]


def test_who_is_delivered_as_well_is_the_one_who_is_delivered(fhir: FhirClinic) -> None:
    """Wherever in the delivery they stand, and whichever of the numbers leads there."""
    fhir.lines("1.ndjson", location(), visit("A1", contained("x1", "y1", birthDate="1930-01-06")))
    fhir.lines("2.ndjson", visit("A2", contained("x1")), appointment("A3", "Patient/P1", "Location/L1"))
    known = [{"system": "urn:example:y", "value": "y1"}]
    twice = [{"system": "urn:example:t", "value": "t1"}]
    fhir.lines("3.ndjson", patient("P1", identifier=known), *(patient(one, identifier=twice) for one in ("P2", "P3")))
    fhir.lines("4.ndjson", visit("A4", contained("t1")))
    fhir.publish()
    assert people(fhir) == [{"A1", "A2", "A3"}]
    assert fhir.ask("select distinct age from bookings") == [(45,)]
    assert fhir.ask("select file, column_name from rejects") == [("4.ndjson", WHO)]


def test_what_an_encounter_contains_is_looked_for_in_it_alone(fhir: FhirClinic) -> None:
    """Its appointment may contain another place and patient of the same id."""
    here, there = (location("here", name) for name in ("Dallas", "Chicago"))
    me = contained("x1", birthDate="1960-01-06")
    fhir.lines("Location.ndjson", location(), patient("P1", identifier=[{"system": "urn:example:x", "value": "x1"}]))
    fhir.lines("Appointment.ndjson", appointment("A1", {"display": "Room 3"}, contained=[there, contained("x2")]))
    fhir.lines(
        "Encounter.ndjson",
        encounter(
            contained=[here, me],
            subject={"reference": "#me"},
            location=[{"location": {"reference": "#here"}}],
            appointment=[{"reference": "Appointment/A1"}],
        ),
    )
    fhir.publish()
    assert fhir.rejects() == []
    assert fhir.ask("select site, age from bookings") == [("dallas", 45)]
