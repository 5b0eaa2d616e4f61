"""Whatever stands in resources, and in the place of any value, every resource is accounted for."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path

from fhir_clinic import (
    FhirClinic,
    adverse_event,
    appointment,
    bundle,
    encounter,
    invoice,
    location,
    observation,
    patient,
    small,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.intake import demo

POOL = [
    *(
        json.dumps(one)
        for one in (
            patient(),
            patient("P2"),
            location(),
            appointment(),
            appointment("A2", "Patient/P2", "Location/L1"),
            appointment("A3", "Patient/P9"),
            appointment("A4", status="waitlist"),
            encounter(appointment=[{"reference": "Appointment/A1"}]),
            encounter("E2", appointment=[{"reference": "Appointment/A9"}]),
            adverse_event(encounter={"reference": "Encounter/E1"}),
            adverse_event("AE2", actuality="potential"),
            invoice(),
            invoice("I2", status="draft"),
            observation(),
            observation("O2", "8867-4"),
            bundle(
                patient("P3"), appointment("A5", "Patient/P3", "Location/L1"), {"resourceType": "Slot", "id": "S"}
            ),
        )
    ),
    '{"resourceType":"Appointment"}',
    '{"resourceType":"Patient","id":7}',
    '{"resourceType":"Nothing","id":"1"}',
    '{"id":"1"}',
    '{"resourceType":"Bundle","entry":[{}]}',
    "{",
    "[]",
    "\x00",
    "",
]


@settings(max_examples=40, deadline=None)
@given(
    names=st.lists(st.sampled_from(["Patient.ndjson", "Appointment.ndjson", "x.ndjson"]), min_size=1, unique=True),
    data=st.data(),
)
def test_whatever_is_delivered_adds_up(names, data):
    with tempfile.TemporaryDirectory() as folder:
        clinic = FhirClinic(Path(folder))
        written = 0
        for name in names:
            lines = [json.dumps(appointment()), *data.draw(st.lists(st.sampled_from(POOL), max_size=12))]
            written += sum({POOL[15]: 3, "": 0}.get(line, 1) for line in lines)
            clinic.write(name, "\n".join(lines))
        read = clinic.read().read
        counts = dict(read.notes)["note_resources"]
        assert sum(counts["read"]) == written
        records = {(s.source.name, s.source.table.name): s.found for s in read.surveys}
        for place, name in enumerate(counts["names"]):
            made = records.get((name, counts["tables"][place]))
            others = sum(counts[fate][place] for fate in ("looked_up", "rejected", "left"))
            assert counts["read"][place] == others + (made.records if made else 0)
        for found in records.values():
            assert found.records == found.sound + len({fault.line for fault in found.faults})


#: What stands where FHIR has something else.
ODD = (None, True, 0, -1.5, "", "x", [], {}, [[]], [None], ["x"], {"a": {}}, {"reference": 5}, [{"coding": [None]}])


def with_odd_values(resource):
    """The resource again and again, each time with another value at one of its places."""
    found = []

    def visit(part):
        for place in range(len(part)) if isinstance(part, list) else list(part):
            kept = part[place]
            for odd in ODD:
                part[place] = odd
                changed = copy.deepcopy(resource)
                if isinstance(changed.get("id"), str):
                    changed["id"] += f"-{len(found)}"
                found.append(changed)
            part[place] = kept
            if isinstance(kept, dict | list):
                visit(kept)

    visit(resource)
    return found


def test_whatever_stands_in_the_place_of_a_value_adds_up(fhir, tmp_path):
    small(fhir)
    whole = [json.loads(line) for line in POOL if line.startswith('{"resourceType"')]
    demo.write_delivery(tmp_path / "demo", years=1, bookings=60, fhir=True)
    whole += [json.loads(path.read_text().splitlines()[-1]) for path in (tmp_path / "demo").glob("*.ndjson")]
    changed = [one for resource in whole for one in with_odd_values(resource) if one.get("resourceType") != "Bundle"]
    assert len(changed) > 4_000
    fhir.write("odd.ndjson", "\n".join(map(json.dumps, changed)))
    counts = dict(fhir.read().read.notes)["note_resources"]
    odd = [place for place, name in enumerate(counts["names"]) if name == "odd.ndjson"]
    assert sum(counts["read"][place] for place in odd) == len(changed)
