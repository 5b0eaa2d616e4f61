"""What other producers of FHIR do that the demo doesn't."""

from __future__ import annotations

import json

from fhir_clinic import appointment, location, patient


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
