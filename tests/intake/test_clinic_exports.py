"""Exports as clinics' systems write them, each imported with the mapping that is drafted for it."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from intake_clinic import BOOKINGS, Clinic
from intake_drafts import drafted, imported

from dashboard.intake.contract import DeliveryError
from dashboard.intake.drafting.draft import draft_mapping
from dashboard.intake.reference import load_reference

HEADER = "Appt ID,Patient ID,Location,Service,Start,Status"
DAYS = range(5, 17)


def visit(day: int, start: str, status: str = "Completed") -> str:
    return f"A{day},P{day % 5},Chicago,Vitamin C,{start},{status}"


def starts(clinic: Clinic) -> list[str]:
    return [start for (start,) in clinic.ask("select cast(starts_at as varchar) from bookings order by 1")]


def delivered(tmp_path: Path, content: bytes, name: str = "appointments.csv") -> tuple[Clinic, str]:
    """What bytes become with their draft."""
    folder = tmp_path / "export"
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    return imported(tmp_path)


@pytest.mark.parametrize("mark", ["a", "A", "a.", " a", "am", " a.m."])
def test_clocks_with_one_letter_for_the_half_of_the_day(tmp_path: Path, mark: str) -> None:
    afternoon = mark.replace("a", "p").replace("A", "P")
    rows = [
        f"A{day},P{day},Chicago,Vitamin C,01/{day:02}/26,{'9:05' + mark if day % 2 else '12:30' + afternoon},Completed"
        for day in DAYS
    ]
    clinic, text = imported(tmp_path, visits=[HEADER.replace("Start", "Date,Time"), *rows])
    assert 'column = ["Date", "Time"]' in text
    assert starts(clinic)[:2] == ["2026-01-05 09:05:00", "2026-01-06 12:30:00"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("marked", [False, True])
def test_utf_16_with_a_mark_and_without(tmp_path: Path, encoding: str, marked: bool) -> None:
    rows = [HEADER.replace(",", "\t"), *(visit(day, f"2026-01-{day:02} 09:00").replace(",", "\t") for day in DAYS)]
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}[encoding] if marked else b""
    content = mark + "\r\n".join([*rows, ""]).encode(encoding)
    clinic, text = delivered(tmp_path, content, "appointments.txt")
    assert f'encoding = "{"utf-16" if marked else encoding}"' in text
    assert clinic.one("select count(*) from bookings") == len(DAYS)
    # Neither has it to be named.
    mapping = tmp_path / "draft.toml"
    mapping.write_text("".join(line for line in text.splitlines(keepends=True) if "encoding" not in line))
    assert clinic.publish(mapping=mapping).rows_accepted == len(DAYS)


def test_columns_of_one_name(tmp_path: Path) -> None:
    """The first is the start; the second, the day on which it was booked, is a day alone, and told as not read."""
    header = f"{HEADER.replace('Start', 'Date,Notes')},Date,Notes"
    rows = [
        f'A{day},P{day % 5},Chicago,Vitamin C,2026-01-{day:02} 09:15,"a ""b""\n\nc",Completed,2025-12-{day:02},"x,\ny"'
        for day in DAYS
    ]
    clinic, text = imported(tmp_path, visits=[header, *rows])
    assert "starts_at = 5  # guess" in text
    assert starts(clinic)[0] == "2026-01-05 09:15:00"
    assert "visits.csv: columns not read: Notes, Date, Notes" in list(clinic.report.lines())


def test_a_folder_a_month(tmp_path: Path) -> None:
    for month in (1, 2):
        rows = [f"{month}{visit(day, f'2026-{month:02}-{day:02} 09:00')}" for day in DAYS]
        folder = tmp_path / "export" / "out" / f"2026-{month:02}"
        folder.mkdir(parents=True)
        (folder / "appointments.csv").write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    clinic, text = imported(tmp_path)
    assert 'file = "**/appointments.csv"' in text
    assert clinic.one("select count(*) from bookings") == 2 * len(DAYS)
    assert sorted(file.file for file in clinic.report.files) == [
        "out/2026-01/appointments.csv",
        "out/2026-02/appointments.csv",
    ]


def test_folders_without_anything_to_map(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "scan.pdf").write_bytes(b"%PDF")
    # A link back would be followed for ever.
    (tmp_path / "inner" / "back").symlink_to(tmp_path)
    with pytest.raises(DeliveryError, match="and no workbook, nor do its folders"):
        draft_mapping(tmp_path, load_reference())


def test_pages_of_a_report(tmp_path: Path) -> None:
    """Its header on each of them is no word to be decided on, and no sign before an amount."""
    header = f"{HEADER},Charge"
    pages = [
        [header, *(visit(day, f"01/{day:02}/2026 9:00AM") + ',"1,050.00"' for day in DAYS[n::2])] for n in (0, 1)
    ]
    clinic, text = imported(tmp_path, report=["Appointments,,,,,,", *pages[0], *pages[1], "Total,,,,,,12600.00"])
    assert 'except = { column = "Appt ID", values = ["Appt ID", "Total"] }' in text
    assert 'price = { column = "Charge", thousands = "," }' in text
    assert "DECIDE:" not in text
    assert clinic.one("select sum(price_cents) from bookings") == len(DAYS) * 105000
    assert clinic.rejects() == []


def test_ids_that_a_spreadsheet_has_shortened_are_asked_about(tmp_path: Path) -> None:
    """Together with the patient they are unique, and two visits of one patient would have become one all the same."""
    rows = [
        f"{'2.98725E+13' if day % 4 == 0 else 29872512345678 + day},00{day},Chicago,Vitamin C,2026-01-{day:02} 09:00,Completed"
        for day in DAYS
    ]
    clinic, text = imported(tmp_path, visits=[HEADER, *rows])
    assert 'booking_id = "Appt ID"' in text
    assert "DECIDE: digits of these numbers are lost" in text
    assert {(column, value) for _, _, column, value in clinic.rejects()} == {("booking_id", "2.98725E+13")}
    assert clinic.one("select count(*) from bookings") == len(DAYS) - 3


def test_patients_that_are_written_otherwise_in_another_file(clinic: Clinic) -> None:
    clinic.write("bookings.csv", BOOKINGS, "B1,007,chicago,vitamin-c,2026-01-05 09:00,completed")
    clinic.write("payments.csv", "payment_id,patient_id,paid_at,kind,amount", "Y1,7,2026-01-05 09:00,payment,9")
    clinic.write("scores.csv", "score_id,patient_id,instrument,taken_at,score", "S1,7,PHQ-9,2026-01-04 09:00,9")
    reasons = [reason.reason for reason in clinic.publish().reasons]
    assert len(reasons) == 2
    assert all("write patient_id as the bookings do (007 is not 7)" in reason for reason in reasons)


def test_two_digits_of_the_year_and_words_in_any_case(tmp_path: Path) -> None:
    """In the hour that clocks skip and in that which comes twice; an end before its start is told."""
    words = ["Completed  ", "completed", "COMPLETED ", "No Show", "no show ", "CANCELLED  "]
    rows = [f"{visit(day, f'1/{day}/26 9:15 AM', words[day % 6])},1/{day}/26 10:45 AM" for day in DAYS]
    rows += [f"{visit(20, '3/8/26 2:30 AM')},3/8/26 3:30 AM", f"{visit(21, '11/1/26 1:30 AM')},11/1/26 1:15 AM"]
    clinic, _ = imported(tmp_path, appointments=[f"{HEADER},End", *rows])
    assert clinic.rejects() == [("appointments.csv", 15, "ends_at", "2026-11-01 01:15:00")]
    found = clinic.ask("select status::varchar, count(*) from bookings group by 1 order by 1")
    assert found == [("cancelled", 2), ("completed", 7), ("no_show", 4)]


@pytest.mark.parametrize("written", ['"2026-01-{:02}T09:15:00,000"', "{:02}.01.26 09.15 Uhr"])
def test_clocks_of_other_places(tmp_path: Path, written: str) -> None:
    clinic, text = imported(tmp_path, visits=[HEADER, *(visit(day, written.format(day)) for day in DAYS)])
    assert "DECIDE:" not in text
    assert starts(clinic)[0] == "2026-01-05 09:15:00"


def test_days_of_a_spreadsheet_as_numbers(tmp_path: Path) -> None:
    rows = [f"{visit(day, str(46022 + day) + '.375')},{20000 + day},475" for day in DAYS]
    clinic, text = imported(tmp_path, export=[f"{HEADER},DOB,Fee", *rows])
    assert text.count('format = "excel"') == 2
    assert starts(clinic)[0] == "2026-01-05 09:00:00"
    assert clinic.one("select min(age) from bookings") == 71


def test_a_german_diary(tmp_path: Path) -> None:
    header = "Termin-Nr;Patienten-Nr;Standort;Leistung;Datum;Uhrzeit;Status;Preis"
    rows = [
        f"{day};{day % 5};Chicago;Vitamin C;{day:02}.01.2026;09:15;{'nicht ' * (day % 2)}erschienen;1.234,50 €"
        for day in DAYS
    ]
    clinic, text = delivered(tmp_path, "\r\n".join([header, *rows, ""]).encode("cp1252"), "Termine.csv")
    assert 'encoding = "cp1252"' in text
    assert starts(clinic)[0] == "2026-01-05 09:15:00"
    assert clinic.ask("select status::varchar, count(*), min(price_cents) from bookings group by 1 order by 1") == [
        ("completed", 6, 123450),
        ("no_show", 6, 123450),
    ]


def test_a_header_in_the_third_line(tmp_path: Path) -> None:
    titles = ["Appointment Report,,,,,", "Printed 06/02/2026,,,,,"]
    rows = [visit(day, f"01/{day:02}/2026 09:00") for day in DAYS]
    text, said = drafted(tmp_path, report=[*titles, HEADER, *rows, "60 records,,,,,"])
    assert said["bookings"]["skip"] == 2
    clinic, _ = imported(tmp_path, report=[*titles, HEADER, *rows, "60 records,,,,,"])
    assert {line for _, line, *_ in clinic.rejects()} == {16}
    assert "lines before the header" in text
