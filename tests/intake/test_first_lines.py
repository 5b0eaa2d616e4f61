"""First lines that look like something else, and what a message says of them."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from intake_clinic import Export

from dashboard.intake.contract import DeliveryError
from dashboard.intake.reading.finding import find_sources

MAPPING = """
[bookings]
file = "visits.csv"
[bookings.columns]
booking_id = "PARENT_VISIT"
patient_id = "Client"
site = { constant = "chicago" }
service = { constant = "vitamin-c" }
starts_at = "Start"
status = { constant = "completed" }
"""
HEADER, ROW = "PARENT_VISIT,Client,Start", "V1,P1,2026-01-05 09:00"


@pytest.fixture
def export(tmp_path):
    return Export(tmp_path)


@pytest.mark.parametrize("name", ["PARENT_VISIT", "parent_visit", "Pareto"])
def test_a_table_may_begin_as_an_encrypted_parquet_file_does(export, name):
    export.write("visits.csv", HEADER.replace("PARENT_VISIT", name), ROW)
    export.publish(MAPPING.replace("PARENT_VISIT", name))
    assert export.bookings("booking_id") == [("V1",)]


def test_names_in_single_quotes_ask_for_the_setting(export):
    export.write("visits.csv", *("'" + line.replace(",", "','") + "'" for line in (HEADER, ROW)))
    with pytest.raises(DeliveryError) as refused:
        export.publish(MAPPING)
    assert """its names stand in single quotes: write quote = "'" in the mapping""" in str(refused.value)
    export.publish(MAPPING.replace("[bookings.columns]", 'quote = "\'"\n[bookings.columns]'))
    assert export.bookings("booking_id") == [("V1",)]


def test_a_column_without_a_name_is_told_as_such(export):
    export.write("visits.csv", HEADER.replace("Client", ""), ROW)
    with pytest.raises(DeliveryError) as refused:
        export.publish(MAPPING)
    assert "its header has PARENT_VISIT, (no name), Start" in str(refused.value)


def test_a_mapping_without_patients_says_what_else_will_do(export):
    export.write("visits.csv", HEADER, ROW)
    with pytest.raises(DeliveryError) as refused:
        export.publish(MAPPING.replace('patient_id = "Client"\n', ""))
    assert "say { unknown = true }: every booking is a patient of its own then" in str(refused.value)
    export.publish(MAPPING.replace('"Client"', "{ unknown = true }"))
    assert len(export.bookings("patient")) == 1


def zipped(text: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("bookings.csv", text)
    return file.getvalue()


FHIR_XML = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- one -->\n<Appointment xmlns="http://hl7.org/fhir"><id value="x"/>'
)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "Jane_Roe.xml",
            FHIR_XML,
            "One of its files (.xml) is FHIR as XML, which is not read; export the resources as",
        ),
        ("visits.xml", b"<?xml version='1.0'?><visits/>", "One of its files (.xml) is an XML document"),
        ("export.zip", zipped(b"booking_id"), "One of its files (.zip) is a ZIP archive"),
        ("Jane_Roe.json", b'{"name": "x"}', "One of its files (.json) is JSON"),
        ("Appointment.ndjson", b"", "One of its files (.ndjson) is empty"),
        ("Appointment", b"%PDF-1.7", "One of its files (without an ending) is a PDF"),
    ],
)
def test_what_lies_in_the_place_of_bookings_is_told(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DeliveryError) as refused:
        find_sources(tmp_path)
    assert told in str(refused.value)
    assert "Roe" not in str(refused.value).replace(str(tmp_path), "")


def test_other_files_in_the_place_of_bookings_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "README").write_text("Visits of January")
    with pytest.raises(DeliveryError) as refused:
        find_sources(tmp_path)
    assert str(refused.value).endswith("a header alone will do)")
