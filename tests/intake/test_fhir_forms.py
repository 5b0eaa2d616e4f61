"""Files are read as what they are, whatever their names say, and what is not read is said."""

from __future__ import annotations

import gzip
import json
import os

import pytest
from fhir_clinic import appointment, bundle, location, patient, valid

from dashboard.intake.contract import DeliveryError
from dashboard.intake.fhir.files import ResourceFile
from dashboard.intake.fhir.stream import read_items

PEOPLE = [json.dumps(valid(patient(name))) for name in "123"]
PRINTED = [json.dumps(patient(name), indent=2) for name in "123"]
NDJSON = "\n".join(PEOPLE) + "\n"


def ids(path):
    return [item.resource and item.resource["id"] for item in read_items(path)]


@pytest.mark.parametrize("name", ["Patient.ndjson", "Patient.json", "part-00000", "Patient.ndjson.gz"])
@pytest.mark.parametrize(
    "content",
    [
        NDJSON.encode(),
        gzip.compress(NDJSON.encode()),
        gzip.compress(PEOPLE[0].encode() + b"\n") + gzip.compress("\n".join(PEOPLE[1:]).encode()),
        NDJSON.encode("utf-16"),
        gzip.compress(NDJSON.encode("utf-16")),
        b"".join(b"\xef\xbb\xbf" + line.encode() + b"\r\n" for line in PEOPLE),
        ",\n".join(PEOPLE).encode(),
        f"{PEOPLE[0]}\n{PEOPLE[1]}{PEOPLE[2]}\n".encode(),
        json.dumps([json.loads(line) for line in PEOPLE]).encode(),
        ("[" + ",\n".join(PEOPLE) + "]").encode(),
        "\n".join(PRINTED).encode(),
        "\n".join(PRINTED).replace("{\n ", "{", 1).encode(),
        json.dumps(bundle(*map(json.loads, PEOPLE))).replace('{"resource"', '\n{"resource"').encode(),
    ],
    ids=[
        "lines",
        "gzip",
        "gzip of two members",
        "UTF-16",
        "UTF-16 in gzip",
        "a byte order mark a line",
        "lines with commas",
        "a line break is lost",
        "array",
        "array in lines",
        "printed",
        "printed, with an element on the first line",
        "a Bundle with an entry a line",
    ],
)
def test_the_content_tells_the_form(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    assert ids(path) == ["1", "2", "3"]


@pytest.mark.parametrize("name", ["Patient.ndjson", "Patient.json"])
@pytest.mark.parametrize("cut", range(1, 30))
def test_a_broken_first_line_costs_that_line_only(tmp_path, name, cut):
    path = tmp_path / name
    path.write_text(f"{PEOPLE[0][:-cut]}\n{PEOPLE[1]}\n{PEOPLE[2]}\n")
    assert ids(path) == [None, "2", "3"]


def test_a_line_that_is_broken_in_two_costs_itself_alone(tmp_path):
    path = tmp_path / "Patient.ndjson"
    path.write_text(f'{{"resourceType":"Pat\n"ient","id":"1"}}\n{PEOPLE[1]}\n')
    assert ids(path) == [None, None, "2"]


def test_files_without_an_ending_are_found_by_what_they_hold(fhir):
    for kind, resource in (("Patient", patient()), ("Location", location()), ("Appointment", appointment())):
        fhir.write(f"{kind}/part-00000", json.dumps(valid(resource)) + "\n")
    fhir.publish()
    assert fhir.ask("select booking_id, age from bookings") == [("A1", 45)]
    name = "Appointment/part-00000"
    assert ResourceFile(fhir.delivery / name, name).expected == "Appointment"


def test_a_whole_delivery_in_utf_16_is_seen(fhir):
    for resource in (patient(), location(), appointment()):
        fhir.write(f"{resource['resourceType']}.ndjson", (json.dumps(valid(resource)) + "\n").encode("utf-16"))
    fhir.publish()
    assert fhir.ask("select booking_id from bookings") == [("A1",)]


def test_files_that_are_not_read_are_counted_by_their_endings(fhir):
    fhir.lines("all.ndjson", patient(), location(), appointment())
    for name in ("Quillon.xml", "more/export.zip", "notes", "_SUCCESS", "empty.txt", ".hidden.xml"):
        fhir.write(name, "" if name == "empty.txt" else "<a/>")
    report = "\n".join(fhir.publish().lines())
    assert "files that are no JSON of FHIR are not read: .xml (1), .zip (1), without ending (1)" in report
    assert "Quillon" not in report


def test_a_packed_file_that_is_none_is_named(fhir):
    fhir.lines("all.ndjson", patient(), location(), appointment())
    (fhir.delivery / "AdverseEvent.ndjson.gz").write_bytes(b"not packed")
    with pytest.raises(DeliveryError, match=r"AdverseEvent\.ndjson\.gz cannot be read"):
        fhir.publish()


def test_names_of_files_may_be_anything(fhir):
    fhir.lines("all.ndjson", patient(), location(), appointment())
    odd = {os.fsdecode(b"Appointment-\xff.ndjson"): r"Appointment-\xff.ndjson", "a\nb.ndjson": r"a\nb.ndjson"}
    for number, name in enumerate(odd):
        fhir.write(name, json.dumps(valid(appointment(f"A{number + 2}"))) + "\nbroken\n")
    report = fhir.publish()
    assert fhir.one("select count(*) from bookings") == 3
    assert sorted(row[0] for row in fhir.rejects()) == sorted(odd.values())
    assert "\n".join(report.lines()).isascii()
