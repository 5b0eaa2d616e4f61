"""What a mapping takes out of values before they are read, and how it counts: patterns, factors, numbers from 1970."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import pytest
from intake_clinic import Export, at, bookings

PAYMENTS = """
[payments]
file = "payments.csv"
[payments.columns]
payment_id = "no"
patient_id = "patient"
paid_at = "paid"
amount = { column = "Amount", currency = "$" }
kind = { column = "Amount", pattern = "([-(])", values = { "-" = "refund", "(" = "refund" }, default = "payment" }
"""


def test_start_and_end_from_a_day_and_a_span_of_hours(export: Export) -> None:
    export.write(
        "visits.csv", "id,patient,date,time",
        "V1,P1,2026-01-05,09:00-10:30", "V2,P2,2026-01-06,13:15-14:00", "V3,P3,2026-01-07,all day",
        "V4,P4,2026-01-08,25:00-26:00",
    )  # fmt: skip
    times = '{ column = ["date", "time"], pattern = %s, format = "%%Y-%%m-%%d %%H:%%M" }'
    end = times % r"'^(\S+) \S+-(\S+)$'"
    export.publish(bookings(f"ends_at = {end}", starts_at=times % "'^(.*)-'"))
    assert export.bookings("booking_id, starts_at, ends_at") == [
        ("V1", at(2026, 1, 5, 9), at(2026, 1, 5, 10, 30)), ("V2", at(2026, 1, 6, 13, 15), at(2026, 1, 6, 14)),
    ]  # fmt: skip
    assert [row[1:] for row in export.rejects()] == [
        (4, "ends_at", "2026-01-07 all day",
         r"does not match the pattern ^(\S+) \S+-(\S+)$; source column: date + time"),
        (4, "starts_at", "2026-01-07 all day",
         "does not match the format %Y-%m-%d %H:%M, or is not from 1990 to 2100; source column: date + time"),
        (5, "ends_at", "2026-01-08 25:00-26:00",
         "does not match the format %Y-%m-%d %H:%M, or is not from 1990 to 2100; source column: date + time"),
        (5, "starts_at", "2026-01-08 25:00-26:00",
         "does not match the format %Y-%m-%d %H:%M, or is not from 1990 to 2100; source column: date + time"),
    ]  # fmt: skip


def test_the_kind_of_a_payment_by_the_sign_of_its_amount(export: Export) -> None:
    export.write("visits.csv", "id,patient,start", "V1,P1,2026-01-05 09:00")
    export.write(
        "payments.csv", "no,patient,paid,Amount",
        *("1,P1,2026-01-05 09:00,$475.00", "2,P1,2026-01-06 09:00,-$20.00", "3,P1,2026-01-07 09:00,($5)"),
        "4,P1,2026-01-08 09:00,",
    )  # fmt: skip
    export.publish(bookings() + PAYMENTS)
    assert export.clinic.ask("select kind, amount_cents from payments order by payment_id") == [
        ("payment", 47500), ("refund", 2000), ("refund", 500),
    ]  # fmt: skip
    assert [row[1:3] for row in export.rejects()] == [(5, "amount")]


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [
        ("sex = { column = 'x', pattern = '^(.)' }", "Male", "M"),
        ("sex = { column = 'x', pattern = '[a-z]+' }", "A man", "man"),
        ("sex = { column = 'x', pattern = '(?i)(?:sex|gender): *(\\w*)' }", "GENDER: F", "F"),
        ("sex = { column = 'x', pattern = '(?i)(?:sex|gender): *(\\w*)' }", "gender:", None),
        ("sex = { column = 'x', pattern = '^(m)|f$' }", "f", None),
        ("sex = { column = 'x', pattern = '^\\((.*)\\)$' }", "( f )", "f"),
        ("sex = { column = 'x', pattern = '^(.)', values = { m = 'male' } }", "Man", "male"),
        ("sex = { column = 'x', pattern = '^(.)', values = { '-' = '' } }", "- none", None),
        ("sex = { column = 'x', pattern = ':(.*)', values = { '' = 'not asked' } }", "sex:", "not asked"),
        ("sex = { column = 'x', pattern = ':(.*)', values = { '' = 'not asked' } }", "", "not asked"),
        ("sex = { column = 'x', pattern = ':(.*)', default = 'other' }", "sex", "other"),
        ("sex = { column = 'x', pattern = ':(.*)', default = 'other' }", "", "other"),
        ("sex = { column = 'x', pattern = ':(.*)', default = '' }", "sex", None),
        ("sex = { column = 'x', values = { m = 'male' }, default = '' }", "f", None),
        ("sex = { column = 'x', values = { '' = 'not asked' }, default = 'asked' }", "f", "asked"),
        ("sex = { column = 'x', values = { '' = 'not asked' }, default = 'asked' }", "", "not asked"),
        ("sex = { column = 'x', values = { '' = 'not asked' } }", "f", "f"),
        ("sex = { column = 'x', values = { u = '' }, default = 'known' }", "f", "known"),
        ("sex = { column = 'x', values = { u = '' } }", "f", "f"),
        ("sex = { column = 'x', values = { u = '' } }", "u", None),
        ("sex = { column = 'x', values = { u = '' } }", "U", None),
        ("sex = { column = 'x', values = { u = '', U = 'upper' } }", "U", "upper"),
        ("sex = { column = 'x', values = { u = 'lower', U = '' } }", "U", None),
        ("sex = { column = 'x', values = { u = 'lower', U = '' } }", "u", "lower"),
        ("sex = { column = 'x', pattern = ':(.*)', otherwise = 'other' }", "sex:f", "f"),
        ("sex = { column = 'x', pattern = \"it's (.)\" }", "it's f", "f"),
        ("sex = { column = 'x', pattern = '(é)' }", "Café", "é"),
        ("sex = { column = 'x', pattern = '(a)(b)?(c)', separator = '/' }", "abc", "a/b/c"),
        ("sex = { column = 'x', pattern = '(a)(b)?(c)', separator = '/' }", "ac", "a/c"),
        ("sex = { column = ['id', 'x'], pattern = '^(V.)-(.)$', separator = '-' }", "f", "V1-f"),
        ("price = { column = 'x', pattern = '([$][0-9,]+)', currency = '$', thousands = ',' }", '"fee $1,475 net"', "1475"),
        ("site = { column = 'x', pattern = '^(.*) \\(' }", "Miami Beach (FL)", "miami_beach"),
        ("age = { column = 'x', pattern = '\\d+' }", "45 years", "45"),
        ("birth_date = { column = 'x', pattern = '(\\d{8})', format = '%Y%m%d' }", "born 19800106", "1980-01-06"),
        ("booked_at = { column = 'x', pattern = '^(.*) by', timezone = 'UTC' }", "2026-01-05 15:00 by AL",
         "2026-01-05 15:00:00Z"),
    ],
)  # fmt: skip
def test_what_a_pattern_takes_out_of_a_value(export: Export, column: str, value: str, stored: object) -> None:
    export.write("visits.csv", "id,patient,start,x", f"V1,P1,2026-01-05 09:00,{value}")
    name = column.split(" = ")[0]
    mapping = bookings(**{name: column.removeprefix(f"{name} = ")})
    assert export.delivered(mapping, name) == stored


def test_a_pattern_of_ids_needs_all_groups_and_shows_no_patient(export: Export) -> None:
    """What an id and a birth date are is not kept, so that the reason tells all that may be wrong."""
    export.write(
        "visits.csv", "id,patient,start,born",
        "V-1,MRN 1,2026-01-05 09:00,b. 1980", "V-,MRN 2,2026-01-05 09:00,b. 1980", "X-1,SECRET,2026-01-06 09:00,SECRET",
        "V-3,MRN 3,2026-01-05 09:00,b. 19",
    )  # fmt: skip
    export.publish(
        bookings(
            "birth_date = { column = 'born', pattern = '^b. (.*)$', format = '%Y' }\n"
            "sex = { column = 'born', pattern = '^(b)[.]', values = { b = 'f' } }",
            booking_id="{ column = 'id', pattern = '^(V)-(.*)$', separator = '' }",
            patient_id="{ column = 'patient', pattern = '^MRN (.+)$' }",
        )
    )
    assert export.bookings("booking_id, age, sex") == [("V1", 46, "f")]
    assert [row[1:] for row in export.rejects()] == [
        (3, "booking_id", None, "is empty; source column: id"),
        (4, "birth_date", None, "does not match the pattern ^b. (.*)$, or what it gives does not match the format %Y; "
         "source column: born"),
        (4, "booking_id", None, "does not match the pattern ^(V)-(.*)$; source column: id"),
        (4, "patient_id", None, "does not match the pattern ^MRN (.+)$; source column: patient"),
        (4, "sex", "(not shown)", "does not match the pattern ^(b)[.]; source column: born"),
        (5, "birth_date", "(not shown)",
         "is not a date like 1980-12-31, is after the visit or more than 120 years before it; source column: born"),
    ]  # fmt: skip


def test_patterns_of_joined_columns_and_of_parquet(export: Export) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "copy (select 'V1' as id, 7 as patient, date '2026-01-05' as day, '09:00-10:30' as hours) "
            "to $path (format parquet)",
            {"path": str(export.clinic.delivery / "visits.parquet")},
        )
    export.write("sites.csv", "code,Name", "V1,Clinic of Dallas")
    export.publish(
        bookings(
            options='file = "*.parquet"',
            starts_at="{ column = ['day', 'hours'], pattern = '^(.*)-', format = '%Y-%m-%d %H:%M' }",
            site="{ join = { file = 'sites.csv', key = 'id', other_key = 'code' }, column = 'Name', pattern = 'of (.*)' }",
        )
    )
    assert export.bookings("starts_at, site") == [(at(2026, 1, 5, 9), "dallas")]


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [
        ("chair_minutes = { column = 'x', times = 60 }", "2.5", "150"),
        ("chair_minutes = { column = 'x', times = 60, unit = 'h' }", "1.75 h", "105"),
        ("chair_minutes = { column = 'x', times = 60, decimal = ',' }", '"0,5"', "30"),
        ("chair_minutes = { column = 'x', times = 0.0166666667 }", "5400", "90"),
        ("chair_minutes = { column = 'x', times = 0.016666666666666666 }", "5400", "90"),
        ("chair_minutes = { column = 'x', times = 0.5 }", "1", "1"),
        ("chair_minutes = { column = 'x', times = 0.5 }", "-1", "-1"),
        ("chair_minutes = { column = 'x', times = 1 }", "2.4999", "2"),
        ("chair_minutes = { column = 'x', times = 60, values = { none = 0 } }", "none", "0"),
        ("chair_minutes = { column = 'x', times = 60, pattern = '^([0-9.]+)h' }", "2.5h", "150"),
        ("price = { column = 'x', times = 0.01 }", "47500", "475.00"),
        ("price = { column = 'x', times = 0.01, thousands = ',', currency = '¢' }", '"47,501¢"', "475.01"),
        ("price = { column = 'x', times = 0.01, thousands = ',' }", '"1,234,567"', "12345.67"),
        ("price = { column = 'x', times = 1.0 }", "1.005", "1.01"),
        ("price = { column = 'x', times = 1_000_000 }", "999999999999", "999999999999000000.00"),
        ("price = { column = 'x', times = 100 }", "(4.75)", "-475.00"),
        ("price = { column = 'x', times = 100 }", ".5", "50.00"),
        ("price = { column = 'x', times = 100 }", "", None),
        ("dose_mg = { column = 'x', times = 1e3, unit = 'g' }", "0.0375 g", "37.50"),
    ],
)
def test_numbers_are_multiplied_exactly(export: Export, column: str, value: str, stored: object) -> None:
    export.write("visits.csv", "id,patient,start,x", f"V1,P1,2026-01-05 09:00,{value}")
    assert export.delivered(bookings(column), column.split(" = ")[0]) == stored


def test_what_is_no_number_is_not_multiplied(export: Export) -> None:
    export.write(
        "visits.csv", "id,patient,start,h,m",
        "V1,P1,2026-01-05 09:00,1.5,90", "V2,P2,2026-01-05 09:00,long,90", "V3,P3,2026-01-05 09:00,25,90",
        "V4,P4,2026-01-05 09:00,1,2.5",
    )  # fmt: skip
    export.publish(bookings('chair_minutes = { column = "h", times = 60 }'))
    assert export.bookings("booking_id, chair_minutes") == [("V1", 90), ("V4", 60)]
    assert [row[1:] for row in export.rejects()] == [
        (3, "chair_minutes", "long", "is not a number like 1234.50; source column: h"),
        (4, "chair_minutes", "1500", "is not a whole number from 0 to 1440; source column: h"),
    ]
    export.publish(bookings('chair_minutes = "m"'))
    assert [row[:4] for row in export.rejects()] == [("visits.csv", 5, "chair_minutes", "2.5")]


@pytest.mark.parametrize(
    ("column", "value", "stored"),
    [
        ("booked_at = { column = 'x', format = 'epoch' }", "1767625200", "2026-01-05 15:00:00Z"),
        ("booked_at = { column = 'x', format = 'epoch' }", "1767625200.999", "2026-01-05 15:00:00Z"),
        ("booked_at = { column = 'x', format = 'epoch_ms' }", "1767625200999", "2026-01-05 15:00:00Z"),
        ("booked_at = { column = 'x', format = 'epoch_ms' }", "1767625200999.5", "2026-01-05 15:00:00Z"),
        ("booked_at = { column = 'x', format = ['%Y-%m-%d %H:%M', 'epoch', 'epoch_ms'] }", "1767625200000",
         "2026-01-05 15:00:00Z"),
        ("booked_at = { column = 'x', format = ['epoch', '%Y-%m-%d %H:%M'] }", "2026-01-05 15:00", "2026-01-05 15:00:00"),
        ("booked_at = { column = 'x', format = 'epoch', values = { '0' = '' } }", "0", None),
        ("booked_at = { column = 'x', format = 'epoch_ms', pattern = '[0-9]+' }", "/Date(1767625200000)/",
         "2026-01-05 15:00:00Z"),
        ("birth_date = { column = 'x', format = 'epoch' }", "-315619200", "1960-01-01"),
        ("birth_date = { column = 'x', format = 'epoch_ms' }", "315964800000", "1980-01-06"),
    ],
)  # fmt: skip
def test_numbers_from_1970(export: Export, column: str, value: str, stored: object) -> None:
    export.write("visits.csv", "id,patient,start,x", f"V1,P1,2026-01-05 09:00,{value}")
    assert export.delivered(bookings(column), column.split(" = ")[0]) == stored


def test_numbers_from_1970_become_the_sites_time(export: Export) -> None:
    numbers = (
        "1767625200",
        "631152000",
        "631151999",
        "4133980799",
        "4133980800",
        "9" * 30,
        "-1",
        "1767625200Z",
        "1.7e9",
    )
    export.write("visits.csv", "id,patient,start", *(f"V{n},P{n},{number}" for n, number in enumerate(numbers)))
    report = export.publish(bookings(starts_at='{ column = "start", format = "epoch" }'))
    assert export.bookings("booking_id, starts_at") == [
        ("V0", at(2026, 1, 5, 9)), ("V1", at(1989, 12, 31, 18)), ("V3", at(2100, 12, 31, 17, 59, 59)),
    ]  # fmt: skip
    assert [row[1] for row in export.rejects()] == [4, 6, 7, 8, 9, 10]
    assert export.rejects()[0][4].startswith("does not match the format epoch, or is not from 1990 to 2100")
    assert not any("count as the site's own" in note for note in report.notes)


def test_exports_of_one_site_each(export: Export) -> None:
    export.write("out/Vagaro Chicago.csv", "id,patient,start", "V1,P1,2026-01-05 09:00")
    export.write("Vagaro O'Hare.CSV", "id,patient,start", "V2,P2,2026-01-05 09:00")
    export.write("Vagaro Boston.csv", "id,patient,start", "V3,P3,2026-01-05 09:00")
    files = 'file = ["Vagaro *", "out/*.csv"]'
    values = '{ file_name = true, values = { "vagaro chicago" = "chicago", "Vagaro O\'Hare" = "dallas" } }'
    export.publish(bookings(options=files, site=values))
    assert export.bookings("booking_id, site") == [("V1", "chicago"), ("V2", "dallas")]
    assert export.rejects() == [
        ("Vagaro Boston.csv", 2, "site", "Vagaro Boston", "is not among the mapped values"),
    ]  # fmt: skip
    pattern = "{ file_name = true, pattern = '^Vagaro (C.*)', default = 'dallas' }"
    export.publish(bookings(options=files, site=pattern))
    assert export.bookings("booking_id, site") == [("V1", "chicago"), ("V2", "dallas"), ("V3", "dallas")]


@pytest.mark.parametrize("site", ['values = { "Vagaro Chicago" = "chicago" }', "pattern = '^Vagaro (\\w+)$'"])
def test_mended_rows_are_of_the_site_whose_file_they_come_from(export: Export, tmp_path: Path, site: str) -> None:
    rows = ["id,patient,start", "V1,P1,2026-01-05 09:00", "V2,P2,2026-02-30 09:00", "V3,P3,2026-02-31 09:00"]
    export.write("Vagaro Chicago.csv", *rows)
    told = bookings(options='file = "Vagaro *"', site=f"{{ file_name = true, {site} }}")
    export.publish(told, rejects=tmp_path / "mend")
    name = "Vagaro Chicago-rejects.csv"
    export.write(name, *(tmp_path / "mend" / name).read_text().replace("02-30", "02-27").splitlines())
    export.publish(told, rejects=tmp_path / "mend")
    name = "Vagaro Chicago-rejects-rejects.csv"
    export.write(name, *(tmp_path / "mend" / name).read_text().replace("02-31", "02-28").splitlines())
    export.publish(told)
    assert export.bookings("booking_id, site") == [("V1", "chicago"), ("V2", "chicago"), ("V3", "chicago")]


@pytest.mark.parametrize(
    ("name", "column", "stored"),
    [
        ("Miami Beach.csv", "site = { file_name = true }", "miami_beach"),
        ("visits.2026.csv.gz", "channel = { file_name = true }", "visits.2026"),
        ("St. Louis", "channel = { file_name = true }", "St. Louis"),
        ("2026-01-05.tsv", "booked_at = { file_name = true, format = '%Y-%m-%d' }", "2026-01-05 00:00:00"),
        ("list of 20260105.txt", "booked_at = { file_name = true, pattern = '\\d+', format = '%Y%m%d' }",
         "2026-01-05 00:00:00"),
        ("all-90.csv", "chair_minutes = { file_name = true, pattern = '\\d+', times = 0.5 }", "45"),
        ("none.csv", "channel = { file_name = true, values = { none = '' }, default = 'x' }", "x"),
    ],
)  # fmt: skip
def test_what_a_files_name_becomes(export: Export, name: str, column: str, stored: object) -> None:
    export.write(name, "id,patient,start", "V1,P1,2026-01-05 09:00")
    if name.endswith(".gz"):
        path = export.clinic.delivery / name
        path.write_bytes(gzip.compress(path.read_bytes()))
    wanted = column.split(" = ")[0]
    mapping = bookings(options='file = "*"', **{wanted: column.removeprefix(f"{wanted} = ")})
    assert export.delivered(mapping, wanted) == stored


def test_a_time_by_the_files_name_is_told(export: Export) -> None:
    export.write("2026-01-05.csv", "id,patient,start", "V1,P1,2026-01-05 09:00")
    report = export.publish(bookings("booked_at = { file_name = true, format = '%Y-%m-%d' }", 'file = "*.csv"'))
    assert any("bookings.booked_at (the file's name)" in note for note in report.notes)


def test_a_section_of_its_own_in_the_place_of_a_line(export: Export) -> None:
    """As docs/mapping.md has it."""
    export.write("visits.csv", "id,patient,start,Clinic", "V1,P1,2026-01-05 09:00,River North")
    section = (
        '[bookings.columns.site]\ncolumn = "Clinic"\n[bookings.columns.site.values]\n"River North" = "chicago"\n'
    )
    export.publish(bookings(site="") + section)
    assert export.bookings("site") == [("chicago",)]
