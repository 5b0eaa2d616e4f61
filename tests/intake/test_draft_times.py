"""What a draft makes of the ways in which times are written."""

from __future__ import annotations

from pathlib import Path

import pytest
from intake_clinic import Clinic, at
from intake_drafts import drafted, imported

HEAD = "Appointment ID,Client ID,Location,Service,Status"


def visits(header: str, *times: str) -> list[str]:
    """A file of visits with these times."""
    return [
        f"{HEAD},{header}",
        *(f"{n},P{n},Chicago,Myers cocktail,Completed,{time}" for n, time in enumerate(times)),
    ]


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("05 Jan 2026 01:30 PM", at(2026, 1, 5, 13, 30)),
        ('"Monday, January 05, 2026 1:30 PM"', at(2026, 1, 5, 13, 30)),
        ("Mon 5 Jan 2026 1:30 pm", at(2026, 1, 5, 13, 30)),
        ("Mon 26/01/2026 1:30pm", at(2026, 1, 26, 13, 30)),
        ("2026/01/05 1:30:53 PM CST", at(2026, 1, 5, 13, 30, 53)),
        ("2026/07/05 1:30:53 PM GMT-5", at(2026, 7, 5, 13, 30, 53)),
        ("05-Jul-2026 01:30 PM CDT", at(2026, 7, 5, 13, 30)),
        ("2026-01-05 19:30:00 UTC", at(2026, 1, 5, 13, 30)),
        ("1/5/2026 1:30\u202fPM", at(2026, 1, 5, 13, 30)),
        ("26/01/2026 à 13h30", at(2026, 1, 26, 13, 30)),
        ("26.01.2026 13:30:00", at(2026, 1, 26, 13, 30)),
        ("46027.5625", at(2026, 1, 5, 13, 30)),
        ("20260105133000", at(2026, 1, 5, 13, 30)),
        ("26.01.2026 um 13:30 Uhr", at(2026, 1, 26, 13, 30)),
    ],
)
def test_a_start_is_read_as_it_is_written(tmp_path: Path, value: str, stored: object) -> None:
    clinic, text = imported(tmp_path, visits=visits("Start", value))
    assert clinic.ask("select starts_at from bookings") == [(stored,)], text


def test_days_of_a_spreadsheet_are_told(tmp_path: Path) -> None:
    text, found = drafted(tmp_path, visits=visits("Start,DOB", "46027.375,21916", "46028,18264"))
    columns = found["bookings"]["columns"]
    assert columns["starts_at"] == {"column": "Start", "format": "excel"}
    assert columns["birth_date"] == {"column": "DOB", "format": "excel"}
    assert "days as a spreadsheet counts them" in text


def test_short_numbers_without_a_name_are_no_days(tmp_path: Path) -> None:
    _, found = drafted(tmp_path, visits=["53036,2026-01-05 09:00,46027,1", "53037,2026-01-06 09:00,46028,1"])
    assert found["bookings"]["columns"]["starts_at"] == 2


def test_an_end_has_its_own_day(tmp_path: Path) -> None:
    """A visit over midnight would else end before it begins."""
    rows = visits(
        "Start date,Start time,End date,End time",
        "01/25/2026,11:30 PM,01/26/2026,01:00 AM",
        "01/26/2026,9:00 AM,01/26/2026,10:30 AM",
    )
    clinic, _ = imported(tmp_path, visits=rows)
    assert clinic.ask("select ends_at from bookings order by booking_id") == [
        (at(2026, 1, 26, 1),), (at(2026, 1, 26, 10, 30),),
    ]  # fmt: skip


def test_a_time_has_the_only_day_there_is(tmp_path: Path) -> None:
    """Some systems call the day of the visit that of the booking."""
    rows = visits("Booking date,Start,Created on", "Mon 5 Jan 2026,9:00 am,2 Jan 2026")
    text, found = drafted(tmp_path, visits=rows)
    assert found["bookings"]["columns"]["starts_at"]["column"] == ["Booking date", "Start"]
    assert "DECIDE: is Booking date the day of the visit?" in text
    two = visits("Posting date,Start,Change day", "Mon 5 Jan 2026,9:00 am,2 Jan 2026")
    assert drafted(tmp_path, visits=two)[1]["bookings"]["columns"]["starts_at"] == "Start"


def test_a_name_with_utc_says_nothing_where_the_values_have_a_zone(tmp_path: Path) -> None:
    _, found = drafted(tmp_path, visits=visits("Start UTC,Created UTC", "2026-01-05 09:00 CST,1767618000"))
    assert found["bookings"]["columns"]["starts_at"] == {"column": "Start UTC", "format": "%Y-%m-%d %H:%M %Z"}
    assert found["bookings"]["columns"]["booked_at"] == {"column": "Created UTC", "format": "epoch"}


def test_an_end_in_milliseconds_is_a_time_and_no_day(tmp_path: Path) -> None:
    clinic, _ = imported(tmp_path, visits=visits("startts,endts", "1767625200000,1767630600000"))
    assert clinic.ask("select starts_at, ends_at from bookings") == [(at(2026, 1, 5, 9), at(2026, 1, 5, 10, 30))]


@pytest.mark.parametrize(
    ("day", "time"),
    [
        ("2026-01-26 00:00:00", "13:30"),
        ("2026-01-26T00:00:00.000", "1900-01-01T13:30:00.000"),
        ("2026-01-26", "1899-12-30 13:30:00"),
        ("1/26/2026 12:00:00 AM", "12/30/1899 1:30:00 PM"),
        ("1/26/2026 0:00:00", "12/30/1899 13:30:00"),
        ("26.01.2026 00:00:00", "30.12.1899 13:30:00"),
    ],
)
def test_a_day_with_midnight_has_its_time_beside_it(tmp_path: Path, day: str, time: str) -> None:
    """Databases and their drivers write a day as its midnight, and a time of day with the first day they know."""
    clinic, text = imported(tmp_path, visits=visits("Appt Date,Appt Time", f"{day},{time}"))
    assert clinic.ask("select starts_at from bookings") == [(at(2026, 1, 26, 13, 30),)], text


def test_a_start_that_is_always_midnight_is_asked_about(tmp_path: Path) -> None:
    text, _ = drafted(tmp_path, visits=visits("Visit date,Checked in", "2026-01-26 00:00:00,2026-01-26 13:31:12"))
    assert "DECIDE: it has no time of day; is that in Checked in?" in text


def test_seven_digits_of_a_second(tmp_path: Path) -> None:
    rows = visits("Start,DOB", "1/26/2026 13:30:00.0000000,1980-01-25 00:00:00.0000000")
    clinic, text = imported(tmp_path, visits=rows)
    assert clinic.ask("select starts_at, age from bookings") == [(at(2026, 1, 26, 13, 30), 46)], text


@pytest.mark.parametrize(
    ("header", "row", "start"),
    [
        # A day beside a column of moments, of times, of times under a name of its own.
        ("appointment_date,scheduled_time,visit_end_time", "2025-01-17,2025-01-17 10:30:00,2025-01-17 11:54:00",
         "scheduled_time"),
        ("date,time_slot", "2025-01-17,9:00AM", {"column": ["date", "time_slot"], "format": "%Y-%m-%d %I:%M%p"}),
        ('Appt Date,"Start Time, Sortable"', "1/15/2026,09:00",
         {"column": ["Appt Date", "Start Time, Sortable"], "format": "%m/%d/%Y %H:%M"}),
        ("start_date,start_time,created_time", "2025-01-17,10:00,09:00", {"column": ["start_date", "start_time"]}),
        # Not when it was booked, ended or paid.
        ("appointment_datetime,booked_date", "2024-01-01 09:00:00,2023-12-18", "appointment_datetime"),
        ("Date of Service,Date Paid", "2024-01-01 09:00,2024-01-02", "Date of Service"),
        ("fecha,hora", "17/01/2025,10:30", {"column": ["fecha", "hora"], "format": "%d/%m/%Y %H:%M"}),
        ("Datum,Uhrzeit", "17.01.2025,10:30", {"column": ["Datum", "Uhrzeit"], "format": "%d.%m.%Y %H:%M"}),
    ],
)  # fmt: skip
def test_a_visit_starts_at_its_day_and_time(tmp_path: Path, header: str, row: str, start: object) -> None:
    _, found = drafted(tmp_path, visits=[f"id,patient_id,{header}", f"1,2,{row}"])
    assert found["bookings"]["columns"]["starts_at"] == start


def test_a_start_and_its_end_in_one_column_are_taken_apart(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path)
    clinic.delivery, mapping = tmp_path / "export", tmp_path / "m.toml"
    clinic.delivery.mkdir()
    rows = [
        "1,2,17.01.2026,09:00-10:30,Chicago,Myers cocktail,done",
        "2,3,18.01.2026,13:15 - 14:00,Dallas,NAD+ infusion,done",
    ]
    text, _ = drafted(clinic.delivery, termine=["id,patient,Datum,Uhrzeit,Standort,Leistung,Status", *rows])
    mapping.write_text(text)
    clinic.publish(mapping=mapping)
    assert clinic.ask("select strftime(starts_at, '%d %H:%M'), strftime(ends_at, '%d %H:%M') from bookings") == [
        ("17 09:00", "17 10:30"),
        ("18 13:15", "18 14:00"),
    ]


def test_a_start_without_its_time_is_left_to_a_person(tmp_path: Path) -> None:
    rows = ["1,2,2025-01-17,10:30", "2,2,2025-01-18,"]
    text, _ = drafted(tmp_path, visits=["id,patient_id,visit_date,arrival", *rows])
    assert "DECIDE: it has no time of day; is that in arrival?" in text
    text, _ = drafted(tmp_path, visits=["id,patient_id,visit_date,arrival", rows[0]])
    assert "DECIDE: it has no time of day; is that in arrival?" in text


def test_several_ways_to_write_a_time_are_several_formats(tmp_path: Path) -> None:
    rows = [f"{n},P,2025-10-{n:02d} 01:15:00" for n in range(1, 19)] + [
        "20,P,12/25/2025 08:00",
        "21,P,12/26/2025 08:00",
    ]
    _, found = drafted(tmp_path, visits=["id,patient,start", *rows])
    assert found["bookings"]["columns"]["starts_at"]["format"] == ["%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M"]


@pytest.mark.parametrize("midnight", ["2016-04-29 00:00:00+00:00", "2016-04-29T00:00:00.000Z", "2016-04-29T00:00Z"])
def test_midnight_of_utc_is_the_day_that_was_meant(tmp_path: Path, midnight: str) -> None:
    clinic = Clinic(tmp_path)
    clinic.delivery, mapping = tmp_path / "export", tmp_path / "m.toml"
    clinic.delivery.mkdir()
    visit = f"1,2,{midnight},Chicago,Myers cocktail,done"
    text, _ = drafted(clinic.delivery, visits=["id,patient,AppointmentDay,site,service,status", visit])
    mapping.write_text(text)
    clinic.publish(mapping=mapping)
    assert clinic.one("select starts_on::varchar from bookings") == "2016-04-29"


@pytest.mark.parametrize(
    ("header", "row", "start", "doubt"),
    [
        ("timestamp,date,time", "2025-09-29T13:33:53,05.11.2025,12:30",
         {"column": ["date", "time"], "format": "%d.%m.%Y %H:%M"}, None),
        ("data_agendamento,data_consulta", "2025-08-14 08:41,2025-09-25 08:00", "data_agendamento", "or is it data_consulta?"),
        ("visit_date,check_in_time", "2025-08-14,08:41", {"column": "visit_date", "format": "%Y-%m-%d"},
         "is that in check_in_time?"),
        ("created,start", "1767618000,1767618000", {"column": "start", "format": "epoch"}, None),
        ("created,start", "1767618000000,1767618000123", {"column": "start", "format": "epoch_ms"}, None),
    ],
)  # fmt: skip
def test_of_several_times_the_start_is_taken_or_asked_for(
    tmp_path: Path, header: str, row: str, start: object, doubt: str | None
) -> None:
    text, found = drafted(tmp_path, visits=[f"id,patient,{header}", f"1,2,{row}"])
    assert found["bookings"]["columns"]["starts_at"] == start
    [line] = [line for line in text.splitlines() if line.startswith("starts_at")]
    assert (doubt in line) if doubt else "DECIDE" not in line
