"""Exports that real systems write, for which somebody writes the mapping by hand."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest
from intake_clinic import B1, BOOKINGS, EVENTS, Export, at, bookings

from dashboard.intake.contract import DeliveryError


def parquet(export: Export, name: str, select: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"copy ({select}) to $path (format parquet)", {"path": str(export.clinic.delivery / name)})


VISIT = "select 'V1' as id, 7 as patient, date '2026-01-05' as day, time '09:30' as clock, 'CST' as zone"


@pytest.mark.parametrize(
    "starts_at",
    [
        '["day", "clock"]',
        '{ column = ["day", "clock"], format = "%Y-%m-%d %H:%M:%S" }',
        '{ column = ["day", "clock", "zone"], format = "%Y-%m-%d %H:%M:%S %Z" }',
    ],
)
def test_a_day_and_its_time_in_two_columns_of_parquet(export: Export, starts_at: str) -> None:
    parquet(export, "visits.parquet", VISIT)
    given = starts_at if starts_at.startswith("{") else f"{{ column = {starts_at} }}"
    export.publish(bookings(options='file = "visits.parquet"', starts_at=given))
    assert export.bookings("starts_at") == [(at(2026, 1, 5, 9, 30),)]


def test_a_day_of_parquet_alone_is_still_midnight(export: Export) -> None:
    parquet(export, "visits.parquet", VISIT)
    export.publish(bookings(options='file = "visits.parquet"', starts_at='"day"'))
    assert export.bookings("starts_at") == [(at(2026, 1, 5),)]


@pytest.mark.parametrize("kind", ["double", "float", "decimal(9, 2)", "integer", "varchar"])
def test_numbers_are_keys_of_joins_whatever_their_type(export: Export, kind: str) -> None:
    """A program that knows no empty whole number writes 7.0 for the 7 of the other file."""
    export.write("visits.csv", "id,patient,start", "V1,7,2026-01-05 09:00")
    parquet(export, "people.parquet", f"select 7::{kind} as person, 'F' as sex union all select null, 'M'")
    join = '{ join = { file = "people.parquet", key = "patient", other_key = "person" }, column = "sex" }'
    export.publish(bookings(f"sex = {join}"))
    assert export.bookings("sex") == [("f",)]
    for path in export.clinic.delivery.iterdir():
        path.unlink()
    parquet(
        export, "visits.parquet", f"select 'V1' as id, 7::{kind} as patient, timestamp '2026-01-05 09:00' as start"
    )
    export.write("people.csv", "person,sex", "7,F")
    export.publish(bookings(f"sex = {join.replace('people.parquet', 'people.csv')}", 'file = "visits.parquet"'))
    assert export.bookings("sex") == [("f",)]


@pytest.mark.parametrize(("ending", "within"), [("\n", "\n"), ("\r\n", "\r\n"), ("\r\n", "\n")])
def test_names_of_columns_over_several_lines(export: Export, ending: str, within: str) -> None:
    """As forms have them whose questions are the names, and spreadsheets, with a line feed alone within a name."""
    header = f'id,patient,"Start{within}(local)","How are you?{within}{within}Be honest"'
    export.write("visits.csv", header, "V1,P1,2026-01-05 09:00,x", "V2,P2,soon,y", ending=ending)
    report = export.publish(bookings(starts_at='"Start (local)"'))
    assert export.bookings("booking_id, starts_at") == [("V1", at(2026, 1, 5, 9))]
    assert [row[1:3] for row in export.rejects()] == [(6, "starts_at")]
    assert (report.rows_read, report.rows_accepted, report.rows_rejected) == (2, 1, 1)


def test_utf_16_without_its_mark(export: Export) -> None:
    """A mapping reads it, with its name or without; of the contract's own files, which are UTF-8, it is told."""
    lines = ("id,patient,start", "V1,P1,2026-01-05 09:00")
    export.write("visits.csv", *lines, encoding="utf-16-le", ending="\r\n")
    for options in ("", 'encoding = "utf-16-le"'):
        export.publish(bookings(options=options))
        assert export.bookings("booking_id") == [("V1",)]
    export.write("bookings.csv", BOOKINGS, B1, encoding="utf-16-le", ending="\r\n")
    export.write("side_effects.csv", EVENTS)
    with pytest.raises(DeliveryError, match=r'zero bytes, as UTF-16 does; .*encoding = "utf-16-le"'):
        export.clinic.publish()


def test_files_of_a_folder_that_the_pattern_misses_are_told(export: Export) -> None:
    """Capitals make a difference in patterns, so that a month may be missed."""
    for name, day in (("2026/jan.csv", 5), ("2026/feb.CSV", 6)):
        export.write(name, "id,patient,start", f"V{day},P1,2026-01-0{day} 09:00")
    export.write("notes/old.csv", "x")
    report = export.publish(bookings(options='file = "2026/*.csv"'))
    assert export.bookings("booking_id, starts_at::date") == [("V5", dt.date(2026, 1, 5))]
    assert "files that the mapping takes nothing from: 2026/feb.CSV" in report.notes


def test_rows_of_like_named_files_have_numbers_of_their_own(export: Export) -> None:
    """One folder a site, with the same names in each."""
    export.write("visits.csv", "id,patient,start", "V1,P1,2026-01-05 09:00", "V2,P2,2026-01-05 10:00")
    export.write("north/ae.csv", "visit,term", "V1,nausea", "V1,dizziness")
    export.write("south/ae.csv", "visit,term", "V2,nausea")
    export.publish(
        bookings() + '[side_effects]\nfile = "*/ae.csv"\n[side_effects.columns]\nevent_id = { row_number = "AE-" }\n'
        'booking_id = "visit"\neffect = "term"\n'
    )
    assert export.clinic.ask("select event_id, booking_id from side_effects order by all") == [
        ("AE-north/ae.csv-1", "V1"), ("AE-north/ae.csv-2", "V1"), ("AE-south/ae.csv-1", "V2"),
    ]  # fmt: skip


def test_a_second_section_finds_the_same_name_of_its_file(export: Export) -> None:
    export.write("out/Dallas.csv", "id,patient,start,later", "V1,P1,2026-01-05 09:00,2026-01-06 09:00")
    given = {"site": "{ file_name = true }"}
    one = bookings(options='file = "out/*.csv"', **given)
    other = bookings(
        options='file = "out/*.csv"', **given, starts_at='"later"', booking_id='{ column = ["id", "later"] }'
    )
    export.publish((one + other).replace("[bookings]", "[[bookings]]"))
    assert export.bookings("booking_id, site") == [("V1", "dallas"), ("V1 2026-01-06 09:00", "dallas")]


def test_marks_of_patterns_in_a_name(export: Export) -> None:
    export.write("report[1].csv", "id,patient,start", "V1,P1,2026-01-05 09:00")
    export.publish(bookings(options='file = "report[1].csv"'))
    assert export.bookings("booking_id") == [("V1",)]
    export.write("report1.csv", "id,patient,start", "V2,P1,2026-01-05 10:00")
    export.publish(bookings(options='file = "report[[]*.csv"'))
    assert export.bookings("booking_id") == [("V1",)]


def test_several_conditions_are_told_together(export: Export) -> None:
    export.write(
        "visits.csv", "id,patient,start,Type", "V1,P1,2026-01-05 09:00,Drip", ",,12:00,Lunch", "V2,P2,soon,Drip"
    )
    given = '[{ column = "Type", values = "lunch" }, { column = "id", values = "V2" }]'
    export.publish(bookings(options=f"except = {given}"))
    assert export.clinic.ask("select rows, reason from left_out") == [
        (2, "except of [bookings], columns Type and id")
    ]


JOIN = '{ join = { file = "people.csv", key = "patient", other_key = "person" }, column = "sex" }'


@pytest.mark.parametrize(
    ("title", "options"), [("", ""), ("A title\n", "skip = 1"), ("\n", "")], ids=["plain", "titles", "a blank line"]
)
def test_a_join_that_finds_nothing_is_told(export: Export, title: str, options: str) -> None:
    visits = [f"V{number},{number},2026-01-05 09:00" for number in range(7, 9)]
    export.write("visits.csv", f"{title}id,patient,start", *visits)
    export.write("people.csv", "person,sex", "007,F", "008,M", ",X")
    report = export.publish(bookings(f"sex = {JOIN}", options))
    assert export.bookings("sex") == [(None,), (None,)]
    note = (
        "visits.csv: none of its 2 keys patient stands in people.csv, so that sex is empty there; "
        "compare how both files write it"
    )
    assert note in report.notes
    export.write("people.csv", "person,sex", "7,F", "008,M")
    assert not any("none of its" in note for note in export.publish(bookings(f"sex = {JOIN}", options)).notes)


def test_a_join_that_rejects_and_one_without_keys_are_not(export: Export) -> None:
    """Rows without a site are rejected, which tells it; rows without a key have nothing to find."""
    export.write("visits.csv", "id,patient,start,place", "V1,P1,2026-01-05 09:00,", "V2,P2,2026-01-05 09:00,")
    export.write("people.csv", "person,sex", "P9,chicago")
    with pytest.raises(DeliveryError, match=r"has no row in people\.csv"):
        export.publish(bookings(site=JOIN))
    report = export.publish(bookings(f"sex = {JOIN.replace('patient', 'place')}"))
    assert not any("none of its" in note for note in report.notes)


CLOCK, WORDS, ISO = r"^(\d+):(\d+)", r"^(?:(\d+) ?hr?s?)? ?(?:(\d+) ?m\w*)?$", r"^PT(?:(\d+)H)?(?:(\d+)M)?$"


@pytest.mark.parametrize(
    ("pattern", "written", "minutes"),
    [
        (CLOCK, "1:30", 90), (CLOCK, "00:45:00", 45), (CLOCK, "24:00", 1440), (CLOCK, "0:00", 0),
        (WORDS, "1 hr 30 min", 90), (WORDS, "2h", 120), (WORDS, "45m", 45), (WORDS, "1h 5m", 65),
        (ISO, "PT1H30M", 90), (ISO, "PT45M", 45),
        (r"^([\d.]+)h([\d.]+)$", "1.25h.5", 76),
    ],
)  # fmt: skip
def test_hours_and_minutes_are_added(export: Export, pattern: str, written: str, minutes: int) -> None:
    export.write("visits.csv", "id,patient,start,length", f"V1,P1,2026-01-05 09:00,{written}")
    length = f"{{ column = 'length', pattern = '{pattern}', times = [60, 1] }}"
    assert export.delivered(bookings(f"chair_minutes = {length}"), "chair_minutes") == str(minutes)


def test_groups_that_are_no_numbers_are_rejected(export: Export) -> None:
    lengths = ("1:30", "x:30", "-1:30", "25:00", "soon", "")
    export.write(
        "visits.csv", "id,patient,start,length",
        *(f"V{number},P1,2026-01-05 09:00,{length}" for number, length in enumerate(lengths)),
    )  # fmt: skip
    export.publish(bookings("chair_minutes = { column = 'length', pattern = '^([^:]*):(.*)$', times = [60, 1] }"))
    assert [row[1:4] for row in export.rejects()] == [
        (3, "chair_minutes", "x:30"), (4, "chair_minutes", "-1:30"), (5, "chair_minutes", "1500"),
        (6, "chair_minutes", "soon"),
    ]  # fmt: skip
    assert export.rejects()[0][4].startswith("is not a number like 12 in each group of the pattern")
    # An empty length is unknown, so that it is the service's usual one.
    assert export.bookings("booking_id, chair_minutes") == [("V0", 90), ("V5", 60)]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("pattern = '(.):(.)', times = [60, 1, 0.5]", "times has 3 numbers"),
        ("pattern = '.:.', times = [60, 1]", "a pattern with as many groups"),
        ("times = [60, 1]", "a pattern with as many groups"),
        ("pattern = '(.)', times = [60]", "two numbers or more"),
        ("pattern = '(.):(.)', times = [60, 'x']", "times must be a number"),
        ("pattern = '(.):(.)', times = [60, 1], unit = 'min'", "no other setting of numbers"),
    ],
)
def test_lists_of_times_need_as_many_groups(export: Export, settings: str, told: str) -> None:
    export.write("visits.csv", "id,patient,start,length", "V1,P1,2026-01-05 09:00,1:30")
    with pytest.raises(DeliveryError, match=rf"chair_minutes: .*{told}"):
        export.publish(bookings(f"chair_minutes = {{ column = 'length', {settings} }}"))


def test_no_constant_is_advised_for_ids_of_patients(export: Export) -> None:
    """It would be refused, and so would the number of the row."""
    export.write("visits.csv", "id,patient,start", "V1,P1,2026-01-05 09:00")
    with pytest.raises(
        DeliveryError, match="patient_id is not mapped; name the column of the file that holds it"
    ) as told:
        export.publish(bookings(patient_id=""))
    advised = str(told.value).partition("not mapped")[2]
    assert "constant" not in advised
    assert "row" not in advised


def test_a_number_that_means_another_column_in_another_file_is_told(export: Export) -> None:
    export.write("v1.csv", "id,patient,start", "V1,P1,2026-01-05 09:00")
    export.write("v2.csv", "patient,ID,start", "P2,V2,2026-01-06 09:00")
    export.write("v3.csv", "ID,patient,start", "V3,P3,2026-01-07 09:00")
    report = export.publish(bookings(options='file = "v*.csv"', booking_id="1", patient_id="2"))
    told = [note for note in report.notes if "in another order there" in note]
    assert [note.split(";")[0] for note in told] == [
        "[bookings]: column 1 is 'id' in v1.csv and 'patient' in v2.csv",
        "[bookings]: column 2 is 'patient' in v1.csv and 'ID' in v2.csv",
    ]


NESTED = "select *, ['nausea', 'secret'] as several, {'mail': 'secret@clinic.test'} as kept from ({visit})"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("several", r"channel: the column several holds lists or structures \(VARCHAR\[\]\)"),
        ("kept", r"channel: the column kept holds lists or structures \(STRUCT\(mail VARCHAR\)\)"),
    ],
)
@pytest.mark.parametrize("joined", [False, True], ids=["own", "joined"])
def test_a_whole_list_or_structure_of_parquet_makes_no_text(
    export: Export, name: str, told: str, *, joined: bool
) -> None:
    parquet(export, "visits.parquet", NESTED.replace("{visit}", VISIT))
    parquet(export, "more.parquet", NESTED.replace("{visit}", VISIT))
    column = f'"{name}"'
    if joined:
        column = f'{{ join = {{ file = "more.parquet", key = "id" }}, column = "{name}" }}'
    mapping = bookings(options='file = "visits.parquet"', starts_at='"day"') + f"channel = {column}\n"
    with pytest.raises(DeliveryError, match=told):
        export.publish(mapping)


def test_a_whole_list_of_parquet_makes_no_id(export: Export) -> None:
    parquet(export, "visits.parquet", NESTED.replace("{visit}", VISIT))
    mapping = bookings(options='file = "visits.parquet"', starts_at='"day"', booking_id='"several"')
    with pytest.raises(DeliveryError, match=r"booking_id: the column several holds lists or structures"):
        export.publish(mapping)


def test_a_pattern_takes_a_part_out_of_a_list(export: Export) -> None:
    parquet(export, "visits.parquet", NESTED.replace("{visit}", VISIT))
    column = "channel = { column = 'several', pattern = '^\\[(\\w+)' }\n"
    export.publish(bookings(options='file = "visits.parquet"', starts_at='"day"') + column)
    assert export.clinic.ask("select distinct channel from bookings") == [("nausea",)]
