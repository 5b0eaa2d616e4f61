"""First lines that look like something else, and what a message says of them."""

from __future__ import annotations

import pytest
from intake_clinic import Export

from dashboard.intake.contract import DeliveryError

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
    assert "name that of booking_id: every booking is a patient of its own then" in str(refused.value)
    export.publish(MAPPING.replace('"Client"', '"PARENT_VISIT"'))
    assert len(export.bookings("patient")) == 1
