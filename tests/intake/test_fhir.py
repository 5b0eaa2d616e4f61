"""A delivery of FHIR resources: detected, wholly accounted for, and silent about persons."""

from __future__ import annotations

import json

import duckdb
import pytest
from click.testing import CliRunner
from fhir_clinic import (
    actors,
    adverse_event,
    appointment,
    bundle,
    coded,
    encounter,
    invoice,
    location,
    observation,
    patient,
    small,
    valid,
)

from dashboard import exports, filters
from dashboard.access import Role, Viewer
from dashboard.cli import main
from dashboard.intake.contract import DeliveryError
from dashboard.intake.fhir.options import read_options
from dashboard.intake.fhir.terms import CANCELLATION_EXTENSION
from dashboard.intake.reference import load_reference
from dashboard.panels import PANELS, rows
from dashboard.settings import Settings
from dashboard.warehouse import Reader, Warehouse

PERSON = {
    "name": [{"family": "Featherstonehaugh", "given": ["Quillon"], "text": "Quillon Featherstonehaugh"}],
    "telecom": [{"system": "phone", "value": "312-555-0188"}, {"system": "email", "value": "q@feather.example"}],
    "address": [{"line": ["77 Secret Lane"], "city": "Evanston"}],
    "identifier": [{"system": "https://clinic.example/mrn", "value": "MRN-SECRET-9"}],
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Featherstonehaugh</div>'},
}
SECRETS = (
    "Featherstonehaugh",
    "Quillon",
    "555-0188",
    "feather.example",
    "Secret Lane",
    "Evanston",
    "MRN-SECRET",
    "1980-01-06",
    "Story",
)


def test_a_bulk_export_is_imported_without_options(fhir):
    small(fhir)
    fhir.publish()
    assert fhir.ask(
        "select booking_id, site, service, status, starts_at::varchar, age, sex, chair_minutes from bookings"
    ) == [("A1", "chicago", "ketamine-infusion", "completed", "2026-01-05 09:00:00", 45, "female", 75)]
    assert fhir.ask("select booking_id, effect, onset_minutes from side_effects") == [("A1", "nausea", 30)]
    assert fhir.ask("select instrument, score, site from scores") == [("PHQ-9", 14, "chicago")]
    assert fhir.ask("select kind, amount_cents, paid_on::varchar from payments") == [("payment", 47500, "2026-01-05")]
    assert fhir.rejects() == []


@pytest.mark.parametrize(("kind", "indent"), [("collection", 1), ("searchset", None), ("transaction", 1)])
def test_the_same_as_a_bundle(fhir, kind, indent):
    fhir.document("data/all.json", bundle(patient(), location(), appointment(), observation(), kind=kind), indent)
    fhir.publish()
    assert fhir.one("select count(*) from bookings") == fhir.one("select count(*) from scores") == 1


def test_the_same_as_single_resources_in_subfolders(fhir):
    for number, resource in enumerate([patient(), location(), appointment(), invoice()]):
        fhir.document(f"{resource['resourceType'].lower()}/{number}.json{'.gz' * (number % 2)}", resource)
    fhir.publish()
    assert fhir.one("select count(*) from bookings") == fhir.one("select count(*) from payments") == 1


def test_the_same_mixed_in_one_file(fhir):
    fhir.lines("everything.ndjson", invoice(), appointment(), observation(), location(), patient())
    fhir.publish()
    assert fhir.ask("select source, file, rows_accepted from sources order by source") == [
        ("bookings", "everything.ndjson", 1),
        ("payments", "everything.ndjson", 1),
        ("scores", "everything.ndjson", 1),
    ]


def test_every_resource_is_accepted_rejected_looked_up_or_left_out(fhir):
    small(fhir)
    fhir.lines("Patient-1.ndjson", patient(), '{"resourceType":"Patient"}', patient("P2"), "{broken", '{"id":"x"}')
    fhir.lines(
        "Appointment.0002.ndjson",
        appointment(),
        appointment("A2", status="waitlist"),
        appointment("A3", "Patient/P9", "Location/L1"),
        '{"resourceType":"Appointmnt","id":"A4"}',
        '{"resourceType":"Appointment","status":"booked"}',
        "",
        "not JSON",
    )
    fhir.lines(
        "more.ndjson",
        {"resourceType": "Condition", "id": "C1", "subject": {"reference": "Patient/P1"}},
        observation("O2", "8867-4"),
        adverse_event("AE2", actuality="potential"),
        "[]",
    )
    fhir.publish()
    assert fhir.balance() == {
        "AdverseEvent": (2, 1, 0, 0, 1),
        "Appointment": (7, 1, 5, 0, 1),
        "Condition": (1, 0, 0, 0, 1),
        "Encounter": (1, 0, 0, 1, 0),
        "Invoice": (1, 1, 0, 0, 0),
        "Location": (1, 0, 0, 1, 0),
        "Observation": (2, 1, 0, 0, 1),
        "Patient": (6, 0, 4, 2, 0),
        "unknown": (1, 0, 1, 0, 0),
    }
    assert fhir.rejects() == [
        ("Appointment.0002.ndjson", 1, "booking_id", "A1"),
        ("Appointment.0002.ndjson", 3, "Appointment.participant.actor", "(not shown)"),
        ("Appointment.0002.ndjson", 4, "resourceType", "Appointmnt"),
        ("Appointment.0002.ndjson", 5, "Appointment.id", None),
        ("Appointment.0002.ndjson", 7, None, None),
        ("Patient-1.ndjson", 2, "Patient.id", None),
        ("Patient-1.ndjson", 4, None, None),
        ("Patient-1.ndjson", 5, None, None),
        ("Patient.ndjson", 1, "Patient.id", "(not shown)"),
        ("more.ndjson", 4, None, None),
    ]
    left = fhir.left_out()
    assert left["Appointment", "status waitlist: no time was agreed on"] == 1
    assert left["Condition", "has no place in the contract"] == 1
    assert left["AdverseEvent", "actuality potential: it did not happen"] == 1
    assert left["Observation", "holds no total score of PHQ-9 or GAD-7"] == 1


def test_resources_that_share_a_line_are_known_by_their_number(fhir):
    twice = [appointment("A2"), appointment("A3", "Patient/P9"), appointment("A4", "Patient/P8")]
    fhir.document("all.json", bundle(patient(), patient("P2"), location(), *twice), None)
    fhir.publish()
    assert [row[:2] for row in fhir.rejects()] == [
        ("all.json#resources", 5),
        ("all.json#resources", 5),
        ("all.json#resources", 6),
        ("all.json#resources", 6),
    ]
    assert fhir.balance()["Appointment"] == (3, 1, 2, 0, 0)


def test_all_faults_of_a_resource_are_shown_at_once(fhir):
    small(fhir)
    fhir.lines(
        "Appointment-2.ndjson",
        json.dumps(
            {
                "resourceType": "Appointment",
                "id": "A2",
                "status": "gone",
                "participant": actors("Patient/P9", "Location/L9"),
            }
        ),
    )
    fhir.publish()
    assert [row[2] for row in fhir.rejects()] == [
        "Appointment.participant.actor",
        "Appointment.participant.actor",
        "Appointment.serviceType",
        "Appointment.start",
        "Appointment.status",
    ]
    assert fhir.balance()["Appointment"] == (2, 1, 1, 0, 0)


def test_elements_that_are_not_kept_are_counted(fhir):
    small(fhir)
    fhir.lines("Patient.ndjson", patient(**PERSON))
    fhir.lines("Appointment.0001.ndjson.gz", appointment(comment="Story", minutesDuration=80))
    fhir.publish()
    left = fhir.left_out()
    for element in ("name", "telecom", "address", "text"):
        assert left[f"Patient.{element}", "is personal and never read"] == 1
    assert left["Appointment.comment", "has no place in the contract"] == 1
    assert not any("minutesDuration" in what for what, _ in left)


def test_what_a_server_adds_to_a_resource_is_counted_but_for_the_extension_that_is_read(fhir):
    """A grade may stand there and nowhere else."""
    small(fhir)
    fhir.lines("AdverseEvent.ndjson", adverse_event(extension=[{"url": "urn:x:ctcae-grade", "valueInteger": 3}]))
    cancelled = [{"url": CANCELLATION_EXTENSION, "valueDateTime": "2026-01-04T12:00:00Z"}]
    fhir.lines("more.ndjson", appointment("A2", status="cancelled", extension=cancelled))
    fhir.publish()
    left = fhir.left_out()
    assert left["AdverseEvent.extension", "has no place in the contract"] == 1
    assert not any(what == "Appointment.extension" for what, _ in left)


def test_nothing_personal_reaches_the_extract_or_the_report(fhir):
    small(fhir)
    fhir.lines("Patient.ndjson", patient(**PERSON), patient("P1", **PERSON))
    named = {"reference": "Patient/P1", "display": "Quillon Featherstonehaugh"}
    lost = {"reference": "Patient?identifier=https://clinic.example/mrn|MRN-SECRET-8", "display": "Featherstonehaugh"}
    fhir.lines(
        "Appointment.0001.ndjson.gz",
        appointment("A1", named, "Location/L1", comment="Story", description="Story"),
        appointment("A2", lost, "Location/L1", description="Story of 77 Secret Lane"),
        appointment("A3", named, "Location/L1", serviceType=[], description="Story"),
        appointment("A4", named, "Location/home", description="Story"),
    )
    fhir.lines(
        "Location.ndjson",
        location(),
        location(
            "home",
            "Featherstonehaugh home",
            physicalType=coded("ho", "http://terminology.hl7.org/CodeSystem/location-physical-type"),
        ),
    )
    fhir.lines(
        "AdverseEvent.ndjson",
        adverse_event(
            encounter={"reference": "Encounter/E1"},
            recorder={"reference": "Practitioner/D", "display": "Dr Featherstonehaugh"},
        ),
        adverse_event("AE2", subject=lost),
        adverse_event("AE3", event={"text": "Story " * 30}, encounter={"reference": "Encounter/E1"}),
    )
    fhir.lines("Practitioner.ndjson", {"resourceType": "Practitioner", "id": "quillon", "name": PERSON["name"]})
    fhir.document(
        "Quillon_Featherstonehaugh.json", bundle(patient("P5", **PERSON), appointment("A5", lost, "Location/L1"))
    )
    report = fhir.publish()
    assert fhir.one("select count(*) from rejects where file = 'file 9 of 9'") == 1
    assert fhir.one("select count(*) from rejects") > 4
    held = "\n".join(report.lines())
    with duckdb.connect(str(report.path), read_only=True) as connection:
        for (table,) in connection.execute("select table_name from duckdb_tables()").fetchall():
            held += str(connection.execute(f"from {table}").fetchall())
    assert "MRN" not in held
    for secret in SECRETS:
        assert secret.lower() not in held.lower(), secret
    assert not list((fhir.data / "extracts").glob(".building*"))


def test_a_folder_with_csv_files_too_is_refused(fhir):
    small(fhir)
    fhir.write("bookings.csv", "booking_id\n")
    with pytest.raises(DeliveryError, match=r"both bookings\.csv and FHIR resources"):
        fhir.publish()


def test_an_empty_folder_is_still_asked_for_csv_files(fhir):
    fhir.write("notes.json", '{"a": 1}')
    with pytest.raises(DeliveryError, match=r"holds no bookings\.csv"):
        fhir.publish()


def test_a_truncated_gzip_file_is_named(fhir):
    small(fhir)
    path = fhir.delivery / "Appointment.0001.ndjson.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DeliveryError, match=r"Appointment\.0001\.ndjson\.gz cannot be read"):
        fhir.publish()


def test_what_exports_lay_beside_their_files_is_left_out(fhir):
    small(fhir)
    fhir.write("manifest.json", json.dumps({"transactionTime": "2026-01-06T00:00:00Z", "output": [], "error": []}))
    fhir.write("job/manifest.json", json.dumps({"exportJobProperties": {"jobId": "1"}}))
    fhir.write("log.ndjson", json.dumps({"exportId": "1", "eventId": "kickoff", "eventDetail": {}}) + "\n")
    fhir.write(
        "deleted.ndjson",
        json.dumps(
            {
                "resourceType": "Bundle",
                "type": "transaction",
                "entry": [{"request": {"method": "DELETE", "url": "Patient/7"}}],
            }
        )
        + "\n",
    )
    fhir.publish()
    balance = fhir.balance()
    assert balance["export log"] == balance["Bundle"] == (1, 0, 0, 0, 1)
    assert balance["export manifest"] == (2, 0, 0, 0, 2)


def test_a_modifier_that_is_not_understood_keeps_a_resource_out(fhir):
    small(fhir)
    modifier = [{"url": "https://a.example/not", "valueBoolean": True}]
    fhir.lines("Appointment-2.ndjson", appointment("A2", modifierExtension=modifier))
    fhir.publish()
    assert fhir.rejects() == [("Appointment-2.ndjson", 1, "Appointment.modifierExtension", None)]


def test_a_delivery_without_appointments_says_what_to_do(fhir):
    fhir.lines("Patient.ndjson", patient())
    fhir.lines("Encounter.ndjson", encounter())
    with pytest.raises(DeliveryError, match=r'holds no Appointment .* 1 Encounter.* bookings = "Encounter"'):
        fhir.publish()


def test_encounters_are_bookings_where_the_mapping_says_so(fhir):
    fhir.lines("Patient.ndjson", patient())
    fhir.lines("Location.ndjson", location())
    fhir.lines("Appointment.ndjson", appointment())
    place = [{"location": {"reference": "Location/L1"}}]
    period = {"start": "2026-01-05T09:00:00-06:00", "end": "2026-01-05T10:00:00-06:00"}
    kinds = [
        "planned",
        "arrived",
        "triaged",
        "in-progress",
        "onleave",
        "finished",
        "cancelled",
        "unknown",
        "entered-in-error",
    ]
    fhir.lines(
        "Encounter.ndjson",
        *(
            encounter(f"E{n}", status=kind, location=place, period=period, type=[coded("vitamin-c")])
            for n, kind in enumerate(kinds)
        ),
    )
    fhir.lines("AdverseEvent.ndjson", adverse_event(encounter={"reference": "Encounter/E5"}))
    fhir.publish(fhir={"bookings": "Encounter"})
    assert [row[0] for row in fhir.ask("select status from bookings order by booking_id")] == [
        "booked", "arrived", "arrived", "arrived", "arrived", "completed", "cancelled",
    ]  # fmt: skip
    assert fhir.one("select booking_id from side_effects") == "E5"
    assert fhir.balance()["Encounter"] == (9, 7, 0, 0, 2)
    assert fhir.balance()["Appointment"] == (1, 0, 0, 0, 1)


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"colour": "red"}, "has no colour; it knows"),
        ({"bookings": "Slot"}, "'Slot' is not allowed"),
        ({"sites": {"Location/L1": "boston"}}, "'boston' is not allowed; allowed: chicago"),
        ({"services": ["x"]}, "must be a table"),
        ({"default_site": 1}, "must be a text"),
        ({"effects": {"1": ""}}, "must have a text"),
    ],
)
def test_options_without_meaning_are_refused(table, why):
    with pytest.raises(DeliveryError, match=why):
        read_options(table, load_reference())


def test_the_report_says_what_a_delivery_lacks(fhir):
    fhir.lines("all.ndjson", patient(), location(), appointment())
    lines = list(fhir.publish().lines())
    assert any("no AdverseEvent" in line for line in lines)
    assert any(line.split() == ["Patient", "1", "0", "0", "1", "0"] for line in lines)


def test_the_data_page_shows_what_became_of_resources(fhir):
    small(fhir)
    fhir.lines("Condition.ndjson", {"resourceType": "Condition", "id": "C1", "subject": {"reference": "Patient/P1"}})
    fhir.publish()
    reader = Reader(Warehouse(fhir.report.path, Settings(data=fhir.data)), Viewer("a", "A", Role.ADMIN))
    chosen = filters.parse({}, exports.scope_of(reader))
    frames = {name: rows(reader, name, chosen) for name in ("resources", "left_out")}
    answers = {name: PANELS[name].answer(frame) for name, frame in frames.items()}
    assert answers["resources"] == "8 resources read = 4 accepted + 0 rejected + 3 looked up + 1 left out"
    assert answers["left_out"] == "1 resource has no place here"
    assert list(frames["left_out"].iloc[0][["source", "what", "rows"]]) == ["Condition", "Condition", 1]


def test_a_delivery_of_csv_files_has_no_resources(clinic):
    clinic.publish()
    assert clinic.one("select count(*) from resources") == clinic.one("select count(*) from left_out") == 0
    assert not any("resource" in line for line in clinic.report.lines())


def test_the_command_writes_the_demo_as_resources(tmp_path):
    result = CliRunner().invoke(main, ["demo", str(tmp_path / "demo"), "--bookings", "200", "--fhir"])
    assert result.exit_code == 0, result.output
    for path in (tmp_path / "demo").glob("*.ndjson"):
        for line in path.read_text().splitlines()[:20]:
            valid(json.loads(line))
    assert len(list((tmp_path / "demo").glob("*.ndjson"))) == 12
