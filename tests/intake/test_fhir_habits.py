"""What other producers of FHIR do that the demo doesn't."""

from __future__ import annotations

import json
import os

import pytest
from fhir_clinic import adverse_event, appointment, bundle, coded, encounter, invoice, location, observation, patient

from dashboard.intake.contract import DeliveryError
from dashboard.intake.fhir.reading import read_resources
from dashboard.intake.reference import load_reference

#: An Invoice that names its amount twice, on one line.
TWICE = json.dumps(invoice("I2")).replace('"value": 475.0', '"value": 1.0, "value": 475.0')
TWICE_PRINTED = TWICE.replace(", ", ",\n ")
AMBIGUOUS = (None, None, "names an element twice")


@pytest.fixture
def visit(fhir):
    """A patient at a site with a booking and its encounter."""
    fhir.lines("all.ndjson", patient(), location(), appointment())
    fhir.lines("Encounter.ndjson", encounter(appointment=[{"reference": "Appointment/A1"}]))
    return fhir


def test_a_folder_of_single_resources_is_read_as_one_file_of_records(fhir):
    fhir.lines("people.ndjson", patient(), location())
    for number in range(60):
        start = "nonsense" if number % 20 == 7 else "2026-01-05T09:00:00-06:00"
        text = json.dumps(appointment(f"A{number}") | {"start": start})
        fhir.write(f"visits/{number:02}.json", "\n" * number + text)
    fhir.lines("more.ndjson", appointment("A60", status="proposed"), appointment("A61"))
    assert len({survey.prepared for survey in fhir.read().read.surveys}) == 1
    fhir.publish()
    assert fhir.one("select count(*) from bookings") == 58
    assert fhir.rejects() == [(f"visits/{n:02}.json", n + 1, "starts_at", "nonsense") for n in (7, 27, 47)]
    counts = fhir.ask("select file, rows_read, rows_accepted, rows_rejected from sources")
    expected = [(f"visits/{n:02}.json", 1, int(n % 20 != 7), int(n % 20 == 7)) for n in range(60)]
    assert sorted(counts) == [("more.ndjson", 1, 1, 0), *expected]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("Invoice.ndjson", f"{TWICE}\n{json.dumps(invoice('I3'))}\n"),
        ("Invoice.json", f"[{TWICE}, {json.dumps(invoice('I3'))}]"),
        ("Invoice.json", f"{TWICE_PRINTED}\n{json.dumps(invoice('I3'), indent=1)}"),
        ("Invoice.json", json.dumps(bundle(invoice("I3"))).replace('[{"r', f'[{{"resource": {TWICE}}}, {{"r')),
        ("Invoice.ndjson", json.dumps(bundle(invoice("I3"))).replace('[{"r', f'[{{"resource": {TWICE}}}, {{"r')),
        (
            "Invoice.json",
            json.dumps(invoice("I3"))[:-1] + ', "totalNet": 1, "totalNet": 2}' + json.dumps(invoice("I3")),
        ),
    ],
    ids=["lines", "array", "printed", "Bundle", "Bundle in a line", "at the top"],
)
def test_an_element_that_is_named_twice_rejects_its_resource_alone(visit, name, content):
    visit.write(name, content)
    visit.lines("Observation.ndjson", observation())
    records = visit.read()
    assert records.column("payments", "payment_id") == ["I3"]
    assert records.column("scores", "score_id") == ["O1"]
    assert [*records.faults, *records.rejects] == [AMBIGUOUS]


def test_what_could_not_be_read_is_named_where_no_booking_is_found(fhir):
    fhir.write("all.ndjson", f"{json.dumps(patient())}\n\x1e{json.dumps(appointment())}\n")
    with pytest.raises(DeliveryError, match=r"no Appointment.*line 2 of all\.ndjson is the first and is not JSON"):
        fhir.publish()


@pytest.mark.parametrize(("given", "minutes"), [("60", "60"), (60.0, "60"), ("60.5", None), ("an hour", None)])
def test_minutes_are_read_however_a_whole_number_is_written(fhir, given, minutes):
    fhir.lines("all.ndjson", patient(), location(), json.dumps(appointment() | {"minutesDuration": given}))
    records = fhir.read()
    assert records.column("bookings", "chair_minutes") == [minutes]
    left = records.left_out.get(("Appointment.minutesDuration", "is not a whole number"), 0)
    assert left == (minutes is None)


@pytest.mark.parametrize("text", ["14", "14.0", " 14 "])
def test_a_score_that_is_a_text_is_read(visit, text):
    score = observation(valueQuantity={}, valueString=text)
    visit.lines("Observation.ndjson", json.dumps(score))
    assert visit.read().column("scores", "score") == ["14"]


def test_a_text_that_is_no_score_is_rejected_and_not_shown(visit):
    visit.lines("Observation.ndjson", json.dumps(observation(valueQuantity={}, valueString="14, says Jane Roe")))
    assert visit.read().faults == [("Observation.value[x]", "(not shown)", "is not a whole number")]


def test_a_score_beside_a_reason_why_there_is_none_is_rejected(visit):
    score = observation() | {"dataAbsentReason": coded("asked-declined")}
    visit.lines("Observation.ndjson", json.dumps(score))
    [(element, shown, reason)] = visit.read().faults
    assert (element, shown) == ("Observation.value[x]", "14")
    assert reason == "stands beside a reason why there is no value"


@pytest.mark.parametrize(
    ("money", "taken"),
    [
        ({"value": 475, "unit": "EUR", "code": "EUR", "system": "urn:iso:std:iso:4217"}, False),
        ({"value": 475, "unit": "EUR"}, False),
        ({"value": 475, "code": "USD"}, True),
        ({"value": 475, "unit": "$"}, True),
        ({"value": 475, "currency": None}, True),
        ({"value": 475, "currency": 840}, False),
    ],
)
def test_an_amount_of_an_older_version_is_in_its_own_currency(visit, money, taken):
    visit.lines("Invoice.ndjson", json.dumps(invoice() | {"totalGross": money}))
    records = visit.read()
    assert len(records.rows.get("payments", [])) == taken
    assert records.left_out.get(("Invoice", "its amount is not in USD"), 0) == (not taken)


def test_a_year_of_birth_may_be_a_number(fhir):
    fhir.lines("all.ndjson", json.dumps(patient() | {"birthDate": 1980}), location(), appointment())
    fhir.publish()
    assert fhir.one("select age from bookings") == 45


def test_a_birth_date_that_is_none_rejects_the_booking(fhir):
    fhir.lines("all.ndjson", patient("P2"), json.dumps(patient() | {"birthDate": {"year": 1980}}), location())
    fhir.lines("Appointment.ndjson", appointment(), appointment("A2", "Patient/P2", "Location/L1"))
    fhir.publish()
    assert fhir.rejects() == [("Appointment.ndjson", 1, "birth_date", "(not shown)")]


@pytest.mark.parametrize(("gender", "kept"), [("female", "female"), ("X", "x"), ("Jane Roe, female", None)])
def test_a_gender_is_kept_if_it_is_a_code(fhir, gender, kept):
    fhir.lines("all.ndjson", json.dumps(patient() | {"gender": gender}), location(), appointment())
    fhir.publish()
    assert fhir.one("select sex from bookings") == kept
    left = fhir.left_out().get(("Patient.gender", "is no code: not kept, since it may be a text"), 0)
    assert left == (kept is None)


def test_an_encounter_of_a_newer_version_tells_the_minutes(fhir):
    fhir.lines("all.ndjson", patient(), location(), appointment())
    newer = encounter(appointment=[{"reference": "Appointment/A1"}]) | {
        "status": "completed",
        "actualPeriod": {"start": "2026-01-05T09:00:00-06:00", "end": "2026-01-05T10:15:00-06:00"},
    }
    fhir.lines("Encounter.ndjson", json.dumps(newer))
    assert fhir.read().column("bookings", "chair_minutes") == ["75"]


@pytest.mark.parametrize(("status", "means"), [("completed", "completed"), ("on-hold", "arrived")])
def test_statuses_of_newer_encounters_are_known(fhir, status, means):
    fhir.lines("all.ndjson", patient(), location())
    newer = encounter(location=[{"location": {"reference": "Location/L1"}}], type=[coded("vitamin-c")]) | {
        "status": status,
        "actualPeriod": {"start": "2026-01-05T09:00:00-06:00"},
    }
    fhir.lines("Encounter.ndjson", json.dumps(newer))
    assert fhir.read(bookings="Encounter").column("bookings", "status") == [means]


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda path: os.mkfifo(path), "is neither a file nor a link to one that is there"),
        (lambda path: path.symlink_to("nothing"), "is neither a file nor a link to one that is there"),
        (lambda path: path.symlink_to(path.parent.parent), "is a link to a folder, which is not followed"),
    ],
    ids=["pipe", "link to nothing", "link to a folder"],
)
def test_what_would_be_passed_over_refuses_the_delivery(visit, make, why):
    make(visit.delivery / "Observation.ndjson")
    with pytest.raises(DeliveryError, match=f"Observation.ndjson {why}"):
        visit.publish()


def test_what_is_hidden_or_no_file_of_resources_may_be_anything(visit):
    (visit.delivery / ".snapshot").symlink_to(visit.delivery)
    os.mkfifo(visit.delivery / "pipe")
    visit.publish()
    assert visit.one("select count(*) from bookings") == 1


def test_a_file_that_changes_between_its_two_readings_refuses_the_delivery(visit, tmp_path):
    visit.lines("AdverseEvent.ndjson", adverse_event(encounter={"reference": "Encounter/E1"}))
    work = tmp_path / "work"
    work.mkdir()

    def late(step, _share):
        if step.startswith("reading AdverseEvent"):
            with (visit.delivery / "AdverseEvent.ndjson").open("a", encoding="utf-8") as file:
                file.write(json.dumps(adverse_event("AE2", encounter={"reference": "Encounter/E1"})) + "\n")

    with pytest.raises(DeliveryError, match=r"AdverseEvent\.ndjson was changed while it was read"):
        read_resources(visit.delivery, work, load_reference(), {}, late)


def test_visits_that_are_all_left_out_are_told_as_such(fhir):
    fhir.lines("all.ndjson", patient(), location(), encounter(status="unknown"), encounter("E2", status="unknown"))
    with pytest.raises(DeliveryError) as refused:
        fhir.publish({"bookings": "Encounter", "default_service": "vitamin-c"})
    assert "None of its resources is a booking that can be shown" in str(refused.value)
    assert "Left out are 2 × Encounter: status unknown" in str(refused.value)
