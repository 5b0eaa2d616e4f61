"""Times as spreadsheets and other countries' programs write them."""

from __future__ import annotations

import pytest
from intake_clinic import Export, at, bookings

from dashboard.intake.contract import DeliveryError


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
        ("booked_at = { column = 'x', format = '%m/%d/%Y %I:%M %p' }", "1/5/2026 1:30 p.m.", "2026-01-05 13:30:00"),
        ("booked_at = { column = 'x', format = '%d/%m/%Y %I:%M %p' }", "5/1/2026 1:30 P. M.", "2026-01-05 13:30:00"),
        ("booked_at = { column = 'x', format = '%d/%m/%Y %I:%M%p' }", "5/1/2026 1:30a.m.", "2026-01-05 01:30:00"),
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


@pytest.mark.parametrize(
    ("written", "form", "age"),
    [
        # On 5 January 2026.
        ("7/4/45", "%m/%d/%y", 80),
        ("7/4/68", "%m/%d/%y", 57),
        ("7/4/80", "%m/%d/%y", 45),
        ("7/4/20", "%m/%d/%y", 5),
        ("450704", "%y%m%d", 80),
        ("04-Jul-45", "%d-%b-%y", 80),
        ("7/4/1945", "%m/%d/%Y", 80),
    ],
)
def test_nobody_is_born_in_days_to_come(export: Export, written: str, form: str, age: int) -> None:
    export.write("visits.csv", "id,patient,start,born", f"V1,P1,2026-01-05 09:00,{written}")
    export.publish(bookings(f'birth_date = {{ column = "born", format = ["{form}", "%Y"] }}'))
    assert export.bookings("age") == [(age,)]


def test_a_year_of_four_digits_stays_what_it_is(export: Export) -> None:
    export.write("visits.csv", "id,patient,start,born", "V1,P1,2026-01-05 09:00,7/4/2080", "V2,P2,2026-01-05 09:00,")
    export.publish(bookings('birth_date = { column = "born", format = ["%m/%d/%Y", "%m/%d/%y"] }'))
    assert [row[1:3] for row in export.rejects()] == [(2, "birth_date")]


def test_hours_to_twelve_need_their_half_of_the_day(export: Export) -> None:
    """All would be before noon."""
    export.write("visits.csv", "id,patient,day,half", "V1,P1,2026-01-05 01:30,PM")
    with pytest.raises(DeliveryError, match=r"starts_at: the format '%Y-%m-%d %I:%M' has %I without %p"):
        export.publish(bookings(starts_at='{ column = "day", format = "%Y-%m-%d %I:%M" }'))
    export.publish(bookings(starts_at='{ column = ["day", "half"], format = "%Y-%m-%d %I:%M %p" }'))
    assert export.bookings("starts_at") == [(at(2026, 1, 5, 13, 30),)]
