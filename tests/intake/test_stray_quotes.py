"""A quote that stands alone within an id: the id is damaged. Elsewhere it may stand for inches."""

from __future__ import annotations

import pytest
from intake_clinic import BOOKINGS, Clinic, Export, bookings

REASON = "a quote stands within an id that is not quoted, where it belongs to no pair"


def test_a_bare_id_with_a_stray_quote_rejects_its_line(clinic: Clinic) -> None:
    clinic.write(
        "bookings.csv",
        BOOKINGS + ",indication",
        'B0"1,P1,chicago,ketamine-infusion,2026-01-05 09:00,completed,F32',
        'B2,P"2,chicago,ketamine-infusion,2026-01-05 09:00,completed,F32',
        'B3",P3,chicago,ketamine-infusion,2026-01-05 09:00,completed,F32',
        "B4,P4,chicago,ketamine-infusion,2026-01-05 09:00,completed,F32",
        "B5,P5,chicago,ketamine-infusion,2026-01-05 09:00,completed,5'11\"",
        '"B""6",P6,chicago,ketamine-infusion,2026-01-05 09:00,completed,F32',
        'B7,Ann "Jo" Roe,chicago,ketamine-infusion,2026-01-05 09:00,completed,F32',
    )
    report = clinic.publish()
    assert clinic.ask("select booking_id, indication from bookings order by 1") == [
        ('B"6', "F32"), ("B4", "F32"), ("B5", "5'11\""), ("B7", "F32"),
    ]  # fmt: skip
    assert clinic.ask("select line, column_name, value, reason from rejects order by line") == [
        (line, None, None, REASON) for line in (2, 3, 4)
    ]
    [file] = [one for one in report.files if one.source == "bookings"]
    assert (file.rows_read, file.rows_accepted, file.rows_rejected) == (7, 4, 3)


def test_the_lines_behind_a_text_over_several_lines_are_its_own(clinic: Clinic) -> None:
    clinic.write(
        "bookings.csv",
        BOOKINGS + ",indication",
        'B0"1,P1,chicago,ketamine-infusion,2026-01-05 09:00,completed,"F32',
        'and more"',
        "B2,P1,chicago,ketamine-infusion,2026-01-05 09:00,completed,F32",
    )
    clinic.publish()
    assert clinic.ask("select booking_id from bookings") == [("B2",)]
    assert clinic.ask("select line, reason from rejects") == [(2, REASON)]


@pytest.mark.parametrize("name", ['"ID "', "1"])
def test_of_a_mapped_file_the_columns_that_ids_are_made_of(export: Export, name: str) -> None:
    export.write(
        "visits.csv", "Id ,patient,start,code",
        'V"1,P1,2026-01-05 09:00,x', 'V2,P1,2026-01-06 09:00,5"', "V3,P1,2026-01-07 09:00,x",
    )  # fmt: skip
    export.publish(bookings('indication = "code"' if name == "1" else "", booking_id=name.replace("ID ", "id")))
    assert export.bookings("booking_id") == [("V2",), ("V3",)]
    assert [(row[1], row[4]) for row in export.rejects()] == [(2, REASON)]
