"""References of all of FHIR's kinds lead to their resources, or are reported."""

from __future__ import annotations

from fhir_clinic import SERVICE, SYSTEM, appointment, bundle, coded, encounter, location, observation, patient

KNOWN = [{"system": SYSTEM, "value": "007"}]
URN = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"


LEADING = [
    "Patient/P1",
    "Patient/P1/_history/2",
    "https://server.example/fhir/Patient/P1",
    "https://server.example/fhir/Patient/P1/_history/3",
    URN,
    f"Patient?identifier={SYSTEM}|007",
    f"Patient?identifier={SYSTEM.replace(':', '%3A').replace('/', '%2F')}%7C007",
    "https://server.example/fhir/Patient?identifier=007",
    "Patient?_id=P1",
    {"type": "Patient", "identifier": {"system": SYSTEM, "value": "007"}},
    {"identifier": {"system": SYSTEM, "value": "007"}},
    {"reference": "Patient/gone", "identifier": {"system": SYSTEM, "value": "007"}},
    {"type": "http://hl7.org/fhir/StructureDefinition/Patient", "identifier": {"value": "007"}},
    "#me",
]
DANGLING = [
    ("Patient/P9", "refers to a resource Patient that is not in the delivery"),
    ("https://server.example/Patient/P9", "refers to a resource Patient that is not in the delivery"),
    ("urn:uuid:9", "refers to an address (urn:) that no resource of the delivery has"),
    (f"Patient?identifier={SYSTEM}|9", "searches for a resource Patient that is not in the delivery"),
    ("Patient?name=Smith", "is a search by other than one identifier"),
    (f"Patient?identifier={SYSTEM}|twice", "leads to several resources of the delivery"),
    ({"identifier": {"value": "9"}}, "holds an identifier that no resource of the delivery has"),
    ({"display": "Jane Smith"}, "holds neither a reference nor an identifier"),
    ("#nobody", "refers to a contained resource that is not there"),
    ("#me", "is a contained patient whom no identifier tells from others; deliver a Patient, or an identifier"),
]


def test_a_reference_leads_to_its_patient(fhir):
    contained = [{"resourceType": "Patient", "id": "me", "identifier": KNOWN}]
    visits = [
        appointment(f"A{n:02}", reference, "Location/L1", contained=contained) for n, reference in enumerate(LEADING)
    ]
    fhir.document("all.json", bundle((URN, patient("P1", identifier=KNOWN)), location(), *visits))
    fhir.publish()
    assert fhir.rejects() == []
    assert fhir.ask("select age, count(*) from bookings group by all") == [(45, len(LEADING))]


def test_a_reference_that_leads_nowhere_is_reported(fhir):
    both = [{"system": SYSTEM, "value": "twice"}]
    contained = [{"resourceType": "Patient", "id": "me", "gender": "male"}]
    fhir.lines("Patient.ndjson", patient("P1", identifier=both), patient("P2", identifier=both))
    fhir.lines("Location.ndjson", location())
    visits = [
        appointment(f"B{n}", reference, "Location/L1", contained=contained)
        for n, (reference, _) in enumerate(DANGLING)
    ]
    fhir.lines("Appointment.ndjson", appointment(), *visits)
    fhir.publish()
    assert fhir.ask("select file, line, column_name, value, reason from rejects order by line") == [
        ("Appointment.ndjson", line, "Appointment.participant.actor", "(not shown)", why)
        for line, (_, why) in enumerate(DANGLING, start=2)
    ]


def test_entries_without_ids_are_known_by_their_addresses(fhir):
    person = patient()
    del person["id"]
    visit = appointment("", URN, "Location/L1")
    del visit["id"]
    booked = "urn:uuid:11111111-1111-4111-8111-111111111111"
    fhir.document("all.json", bundle((URN, person), location(), (booked, visit), kind="transaction"))
    fhir.publish()
    assert fhir.one("select booking_id from bookings") == booked.removeprefix("urn:uuid:")


def test_urns_lead_to_ids_where_no_addresses_are_given(fhir):
    identity = URN.removeprefix("urn:uuid:")
    fhir.lines("Patient.ndjson", patient(identity))
    fhir.lines("Location.ndjson", location())
    fhir.lines("Appointment.ndjson", appointment("A1", {"reference": URN, "type": "Patient"}, "Location/L1"))
    fhir.publish()
    assert fhir.one("select count(*) from bookings") == 1


def test_a_place_tells_the_site(fhir):
    """By key, alias, city, identifier, what it is part of, and who runs it."""
    places = [
        (location("L1", "miami-beach"), "miami_beach"),
        (location("L2", "Suite 3", alias=["DALLAS"]), "dallas"),
        (location("L3", None, address={"city": "Frisco"}), "dallas"),
        (location("L4", "Suite 3", identifier=[{"value": "chicago"}]), "chicago"),
        (location("L5", "Room 2", partOf={"reference": "Location/floor"}), "chicago"),
        (location("L6", "Room 2", managingOrganization={"reference": "Organization/O"}), "miami_beach"),
    ]
    above = location("floor", "Second floor", partOf={"reference": "Location/house"})
    house = location("house", "Chicago")
    organization = {"resourceType": "Organization", "id": "O", "name": "Miami Beach"}
    visits = [appointment(place["id"], "Patient/P1", f"Location/{place['id']}") for place, _ in places]
    fhir.lines("all.ndjson", patient(), *(place for place, _ in places), above, house, organization, *visits)
    fhir.publish()
    expected = [(place["id"], site) for place, site in places]
    assert fhir.ask("select booking_id, site from bookings order by all") == expected


def test_a_contained_location_a_display_and_a_service_tell_the_site(fhir):
    contained = [{"resourceType": "Location", "id": "here", "name": "Dallas"}]
    offer = {"resourceType": "HealthcareService", "id": "H", "name": "x", "location": [{"reference": "Location/L1"}]}
    fhir.lines("all.ndjson", patient(), location("L1", "Miami Beach"), offer)
    fhir.lines(
        "Appointment.ndjson",
        appointment("A1", "Patient/P1", "#here", contained=contained),
        appointment("A2", "Patient/P1", {"reference": "Location/gone", "display": "Chicago"}),
        appointment("A3", "Patient/P1", "HealthcareService/H"),
        appointment("A4"),
    )
    fhir.lines(
        "Encounter.ndjson",
        encounter(
            appointment=[{"reference": "Appointment/A4"}], location=[{"location": {"reference": "Location/L1"}}]
        ),
    )
    fhir.publish()
    sites = fhir.ask("select booking_id, site from bookings order by all")
    assert sites == [("A1", "dallas"), ("A2", "chicago"), ("A3", "miami_beach"), ("A4", "miami_beach")]


def test_places_that_are_part_of_each_other_end_somewhere(fhir):
    first = location("L1", "x", partOf={"reference": "Location/L2"})
    second = location("L2", "y", partOf={"reference": "Location/L1"})
    fhir.lines("all.ndjson", patient(), first, second, appointment(), appointment("A2", "Patient/P1", "Location/L3"))
    fhir.lines("more.ndjson", location("L3"))
    fhir.publish()
    assert fhir.rejects() == [("all.ndjson", 4, "Appointment.participant.actor", "x")]


def test_a_site_that_is_not_known_names_the_line_to_add(fhir):
    fhir.lines("all.ndjson", patient(), location("L1", "Chicago"), location("L9", "Annexe"))
    fhir.lines("Appointment.ndjson", appointment(), appointment("A2", "Patient/P1", "Location/L9"))
    fhir.publish()
    [(value, reason)] = fhir.ask("select value, reason from rejects")
    assert value == "Annexe"
    assert '"Location/L9" = … under [fhir.sites]' in reason
    fhir.publish(fhir={"sites": {"Location/L9": "dallas"}})
    assert fhir.rejects() == []
    assert fhir.ask("select site from bookings order by booking_id") == [("chicago",), ("dallas",)]


def test_a_mapping_names_a_place_in_any_way(fhir):
    places = [
        location("L1", "Annexe"),
        location("L2", "Barn"),
        location("L3", "Cellar", identifier=[{"system": SYSTEM, "value": "7"}]),
        location("L4", "Den", managingOrganization={"reference": "Organization/O"}),
    ]
    sites = {"Location/L1": "dallas", "BARN": "chicago", f"{SYSTEM}|7": "dallas", "Organization/O": "miami_beach"}
    fhir.lines("all.ndjson", patient(), *places, {"resourceType": "Organization", "id": "O", "name": "North"})
    fhir.lines("Appointment.ndjson", *(appointment(f"L{n}", "Patient/P1", f"Location/L{n}") for n in range(1, 5)))
    fhir.publish(fhir={"sites": sites})
    found = [site for (site,) in fhir.ask("select site from bookings order by booking_id")]
    assert found == ["dallas", "chicago", "dallas", "miami_beach"]


def test_places_and_services_that_say_nothing_take_the_defaults(fhir):
    fhir.lines("all.ndjson", patient(), appointment("A1", "Patient/P1", serviceType=[]))
    fhir.publish(fhir={"default_site": "dallas", "default_service": "vitamin-c"})
    assert fhir.ask("select site, service from bookings") == [("dallas", "vitamin-c")]


def test_codes_and_names_tell_the_service(fhir):
    cases = [
        ({"serviceType": [coded("hydration-basic")]}, "hydration-basic"),
        ({"serviceType": [coded("x", display="High-dose vitamin C")]}, "vitamin-c"),
        ({"serviceType": [{"text": "MYERS COCKTAIL"}]}, "vitamin-myers"),
        ({"serviceType": [], "appointmentType": coded("vitamin-nad")}, "vitamin-nad"),
        ({"serviceType": [], "description": "Recovery drip"}, "hydration-recovery"),
        ({"serviceType": [coded("K1")]}, "vitamin-c"),
        ({"serviceType": [coded("K2")]}, "vitamin-nad"),
        ({"serviceType": [coded("ketamine-booster")]}, "ketamine-infusion"),
    ]
    mapped = {f"{SERVICE}|K1": "vitamin-c", "K2": "vitamin-nad", "ketamine-booster": "ketamine-infusion"}
    fhir.lines(
        "all.ndjson", patient(), location(), *(appointment(f"A{n}", **more) for n, (more, _) in enumerate(cases))
    )
    fhir.publish(fhir={"services": mapped})
    found = [service for (service,) in fhir.ask("select service from bookings order by booking_id")]
    assert found == [service for _, service in cases]


def test_a_healthcare_service_tells_the_service(fhir):
    offer = {"resourceType": "HealthcareService", "id": "H", "name": "Myers cocktail"}
    visit = appointment("A1", "Patient/P1", "Location/L1", "HealthcareService/H", serviceType=[])
    fhir.lines("all.ndjson", patient(), location(), offer, visit)
    fhir.publish()
    assert fhir.one("select service from bookings") == "vitamin-myers"


def test_a_service_that_is_not_known_names_the_line_to_add(fhir):
    odd = appointment("A2", serviceType=[coded("K9", display="Iron infusion")])
    fhir.lines("all.ndjson", patient(), location(), appointment(), odd)
    fhir.publish()
    [(value, reason)] = fhir.ask("select value, reason from rejects")
    assert value == "Iron infusion"
    assert '"https://clinic.example/service|K9" = … under [fhir.services]' in reason


def test_references_to_practitioners_that_are_missing_are_counted(fhir):
    gone = f"Practitioner?identifier={SYSTEM}|1"
    fhir.lines("all.ndjson", patient(), location(), appointment("A1", "Patient/P1", "Location/L1", gone))
    fhir.publish()
    assert fhir.left_out()["Appointment.participant", "refers to nothing in the delivery"] == 1


def test_people_in_charge_are_codes_and_their_roles_tell_who_supervised(fhir):
    roles = [
        {
            "resourceType": "PractitionerRole",
            "id": f"R{n}",
            "practitioner": {"reference": f"Practitioner/jane-smith-{n}"},
            "specialty": [specialty],
        }
        for n, specialty in enumerate(
            [coded("207L00000X", "http://nucc.org/provider-taxonomy"), {"text": "Physician"}, {"text": "Nurse"}]
        )
    ]
    people = [{"resourceType": "Practitioner", "id": f"jane-smith-{n}"} for n in range(4)]
    fhir.lines("all.ndjson", patient(), location(), *roles, *people)
    fhir.lines(
        "Appointment.ndjson",
        *(appointment(f"A{n}", "Patient/P1", "Location/L1", f"Practitioner/jane-smith-{n}") for n in range(4)),
        appointment("A4", "Patient/P1", "Location/L1", "PractitionerRole/R2", "PractitionerRole/R0"),
    )
    fhir.publish()
    assert [row[0] for row in fhir.ask("select supervision from bookings order by booking_id")] == [
        "anesthesiologist", "physician", "other", "not_recorded", "anesthesiologist",
    ]  # fmt: skip
    codes = [row[0] for row in fhir.ask("select provider from bookings order by booking_id")]
    assert len(set(codes[:4])) == 4
    assert codes[4] == codes[2]
    assert not any("jane" in code for code in codes)


def test_scores_find_their_patients_by_identifier(fhir):
    fhir.lines("all.ndjson", patient(identifier=KNOWN), location(), appointment())
    fhir.lines("Observation.ndjson", observation(subject={"reference": f"Patient?identifier={SYSTEM}|007"}))
    fhir.publish()
    assert fhir.one("select score from scores") == 14
