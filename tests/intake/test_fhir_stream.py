"""Resources come out of every form that a file of them may have, one by one, with their lines."""

from __future__ import annotations

import gzip
import json
import tracemalloc

import pytest
from fhir_clinic import bundle, patient, valid

from dashboard.intake.fhir import stream
from dashboard.intake.fhir.files import ResourceFile, find_files
from dashboard.intake.fhir.stream import read_items

PEOPLE = valid(bundle(("urn:uuid:1", patient("1")), patient("2"), ("https://a.example/Patient/3", patient("3"))))


def seen(path):
    return [(item.line, item.number, item.resource and item.resource["id"], item.fault) for item in read_items(path)]


def test_ndjson_gives_a_resource_a_line_and_passes_over_blank_ones(tmp_path):
    path = tmp_path / "Patient.ndjson"
    path.write_bytes(b'\xef\xbb\xbf{"id":"1"}\r\n\n{"id":"2"}')
    assert seen(path) == [(1, 1, "1", None), (3, 2, "2", None)]


def test_gzip_is_unpacked(tmp_path):
    path = tmp_path / "Patient.ndjson.gz"
    path.write_bytes(gzip.compress(b'{"id":"1"}\n{"id":"2"}\n'))
    assert [row[2] for row in seen(path)] == ["1", "2"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b'{"id":', "is not JSON"),
        (b'{"id":"\xff"}', "is not UTF-8"),
        (b'{"id":"1","x":NaN}', "is not JSON"),
        (b"[1]", "is not a JSON object"),
        (b'"Patient"', "is not a JSON object"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"id":"1"} {"id":', "is not JSON"),
        (b'{"id":"1"} 2', "is not JSON"),
        (b'{"x":' + b"9" * 5000 + b"}", "is not JSON"),
    ],
)
def test_a_broken_line_costs_that_line_only(tmp_path, line, why):
    path = tmp_path / "Patient.ndjson"
    path.write_bytes(b'{"id":"1"}\n' + line + b'\n{"id":"3"}\n')
    first, broken, third = seen(path)
    assert (first, third) == ((1, 1, "1", None), (3, 3, "3", None))
    assert broken[:3] == (2, 2, None)
    assert broken[3].startswith(why)
    assert "NaN" not in broken[3]


def test_a_line_that_is_too_long_costs_that_line_only(tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "LONGEST_RESOURCE", 100)
    path = tmp_path / "Patient.ndjson"
    path.write_text('{"id":"1"}\n{"id":"' + "x" * 200 + '"}\n{"id":"3"}\n')
    assert [row[2] for row in seen(path)] == ["1", None, "3"]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_bundle_gives_its_entries(tmp_path, indent):
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(PEOPLE, indent=indent))
    items = list(read_items(path))
    assert [item.resource["id"] for item in items] == ["1", "2", "3"]
    assert [item.full_url for item in items] == ["urn:uuid:1", None, "https://a.example/Patient/3"]
    lines = path.read_text().splitlines()
    if indent:
        assert all(item.resource["id"] in "".join(lines[item.line - 1 : item.line + 8]) for item in items)
        assert all(lines[item.line - 1].strip() == "{" for item in items)
    else:
        assert [item.line for item in items] == [1, 1, 1]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(PEOPLE, indent=1).replace('"resourceType": "Bundle",\n', "", 1).rstrip("}\n")
        + ',\n"resourceType": "Bundle"}',
        json.dumps([patient("1"), patient("2"), patient("3")], indent=1),
        "\n".join(json.dumps(patient(n)) for n in "123"),
        "\n".join(json.dumps(patient(n), indent=1) for n in "123"),
        json.dumps({"resourceType": "Bundle", "entry": [{"resource": PEOPLE}]}),
    ],
    ids=["entry before its type", "array", "lines", "one document after the other", "nested"],
)
def test_json_may_hold_several_resources_in_other_forms(tmp_path, content):
    path = tmp_path / "some.json"
    path.write_text(content)
    assert [row[2] for row in seen(path)] == ["1", "2", "3"]


def test_a_printed_document_under_a_name_for_lines_is_read(tmp_path):
    path = tmp_path / "Patient.ndjson"
    path.write_text(json.dumps(patient("1"), indent=1))
    assert seen(path) == [(1, 1, "1", None)]


def test_a_bundle_that_breaks_off_gives_what_stands_before(tmp_path):
    path = tmp_path / "bundle.json"
    text = json.dumps(PEOPLE, indent=1)
    path.write_text(text[: text.index('"3"')])
    *whole, broken = seen(path)
    assert [row[2] for row in whole] == ["1", "2"]
    assert "nothing from here on was read" in broken[3]


def test_amounts_keep_their_digits(tmp_path):
    path = tmp_path / "Invoice.ndjson"
    path.write_text('{"value": 0.1000000000000000055511151231257827}\n')
    [item] = read_items(path)
    assert item.resource["value"] == "0.1000000000000000055511151231257827"


def test_a_large_bundle_takes_little_memory(tmp_path):
    path = tmp_path / "bundle.json"
    one = json.dumps({"resource": {**patient("1"), "text": {"div": "x" * 10_000}}})
    with path.open("w") as file:
        file.write('{"resourceType": "Bundle", "entry": [')
        file.write(",".join([one] * 3000))
        file.write("]}")
    assert path.stat().st_size > 30_000_000
    tracemalloc.start()
    assert sum(1 for _ in read_items(path)) == 3000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12_000_000


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Patient.ndjson", "Patient"),
        ("1.Patient.ndjson", "Patient"),
        ("Appointment.0001.ndjson.gz", "Appointment"),
        ("Patient-1.ndjson", "Patient"),
        ("export_AdverseEvent.ndjson", "AdverseEvent"),
        ("everything.ndjson", None),
    ],
)
def test_names_of_files_tell_what_they_hold(tmp_path, name, kind):
    assert ResourceFile(tmp_path / name, name).expected == kind


def test_files_are_found_in_subfolders_and_hidden_ones_are_not(tmp_path):
    names = [
        "b/Patient.ndjson",
        "a.json.gz",
        "c.ndjson",
        ".cache/x.ndjson",
        "b/.x.json",
        "delivery.json",
        "notes.txt",
    ]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [file.name for file in find_files(tmp_path)] == ["a.json.gz", "b/Patient.ndjson", "c.ndjson"]
