"""Times as spreadsheets and other countries' programs write them."""

from __future__ import annotations

import pytest
from intake_clinic import Export, at, bookings


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [
        ("booked_at = { column = 'x', format = 'excel' }", "46027.375", "2026-01-05 09:00:00"),
        # Nine digits of a third of an hour; the nearest second is meant.
        ("booked_at = { column = 'x', format = 'excel' }", "46027.388888889", "2026-01-05 09:20:00"),
        ("booked_at = { column = 'x', format = 'excel' }", "46027", "2026-01-05 00:00:00"),
        ("booked_at = { column = 'x', format = ['%m/%d/%Y', 'excel'] }", "01/05/2026", "2026-01-05 00:00:00"),
        ("booked_at = { column = 'x', format = ['%m/%d/%Y', 'excel'] }", "46027", "2026-01-05 00:00:00"),
        ("booked_at = { column = 'x', format = 'excel', timezone = 'America/New_York' }", "46027.375",
         "2026-01-05 14:00:00Z"),
        ("birth_date = { column = 'x', format = 'excel' }", "21916", "1960-01-01"),
        # The zones of summer are no names that DuckDB knows.
        ("booked_at = { column = 'x', format = '%d-%b-%Y %I:%M %p %Z' }", "05-Jul-2026 10:00 AM CDT",
         "2026-07-05 15:00:00Z"),
        ("booked_at = { column = 'x', format = '%d-%b-%Y %I:%M %p %Z' }", "05-Jan-2026 10:00 AM CST",
         "2026-01-05 16:00:00Z"),
        ("booked_at = { column = 'x', format = '%Y-%m-%d %H:%M %Z' }", "2026-07-05 09:00 EDT", "2026-07-05 13:00:00Z"),
        ("booked_at = { column = 'x', format = '%Y-%m-%d %H:%M %Z' }", "2026-01-05 09:00 UTC", "2026-01-05 09:00:00Z"),
        ("booked_at = { column = 'x', format = '%Y-%m-%d %H:%M %Z' }", "2026-01-05 09:00 GMT-5",
         "2026-01-05 14:00:00Z"),
        ("booked_at = { column = 'x', format = '%a %b %d %H:%M:%S %Z %Y' }", "Mon Jan 05 09:00:00 PST 2026",
         "2026-01-05 17:00:00Z"),
        # British summer time, and not that of Bangladesh.
        ("booked_at = { column = 'x', format = '%Y-%m-%d %H:%M %Z' }", "2026-07-05 09:00 BST", "2026-07-05 08:00:00Z"),
        # Browsers write a narrow space.
        ("booked_at = { column = 'x', format = '%m/%d/%Y, %I:%M %p' }", "1/5/2026, 1:30\u202fPM", "2026-01-05 13:30:00"),
        ("booked_at = { column = 'x', format = '%d\u00a0%b %Y' }", "5\u00a0Jan 2026", "2026-01-05 00:00:00"),
    ],
)  # fmt: skip
def test_times_are_what_is_written(export: Export, column: str, value: str, stored: object) -> None:
    export.write("visits.csv", "id,patient,start,x", f'V1,P1,2026-01-05 09:00,"{value}"')
    assert export.delivered(bookings(column), column.split(" = ")[0]) == stored


def test_days_of_a_spreadsheet_are_the_sites_own(export: Export) -> None:
    numbers = ("46027.375", "32874", "32873.999", "73416", "nan", "-1", "1e5", "46027.375 ", "46,027", "9" * 9)
    export.write("visits.csv", "id,patient,start", *(f'V{n},P{n},"{number}"' for n, number in enumerate(numbers)))
    report = export.publish(bookings(starts_at='{ column = "start", format = "excel" }'))
    assert export.bookings("booking_id, starts_at") == [
        ("V0", at(2026, 1, 5, 9)), ("V1", at(1990, 1, 1)), ("V7", at(2026, 1, 5, 9)),
    ]  # fmt: skip
    assert [row[1] for row in export.rejects()] == [4, 5, 6, 7, 8, 10, 11]
    assert export.rejects()[0][4].startswith("does not match the format excel, or is not from 1990 to 2100")
    assert any("count as the site's own" in note for note in report.notes)
