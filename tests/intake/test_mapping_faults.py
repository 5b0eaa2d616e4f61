"""What is wrong with a mapping is said with file, table and column; nothing of a file is lost."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake_clinic import Clinic

from dashboard.intake.contract import DeliveryError
from dashboard.intake.mapping_file import load_mapping
from dashboard.intake.reader import find_sources, survey
from dashboard.intake.reference import load_reference
from dashboard.intake.report import ImportReport

GOOD = """
[bookings]
file = "visits.csv"
[bookings.columns]
booking_id = "Visit"
patient_id = "Patient"
site = "Clinic"
service = { constant = "vitamin-c" }
starts_at = { column = "Start", format = "%d/%m/%Y %H:%M" }
status = { column = "Outcome", values = { Done = "completed", Missed = "no_show" } }
"""
HEADER = "Visit,Patient,Clinic,Start,Outcome"
ROW = "V0,P0,Dallas,05/01/2026 09:00,Done"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[bookings]", "[bookings", ["not TOML", "line 2"]),
        ("[bookings]", "[bokings]\n[bookings]", ["'bokings'", "did you mean bookings"]),
        ("file =", "files =", ["[bookings]", "'files'", "did you mean file"]),
        ('file = "visits.csv"', "", ["[bookings]", "file is missing"]),
        ('"visits.csv"', '"/etc/passwd"', ["within the delivery's folder"]),
        ('"visits.csv"', '"visit-*.csv"', ["[bookings]", "no file of", "visit-*.csv", "visits.csv"]),
        ("[bookings.columns]", 'encoding = "klingon"\n[bookings.columns]', ["encoding", "klingon", "cp1252"]),
        (
            "[bookings.columns]",
            'delimiter = "|_|_|_|_|"\n[bookings.columns]',
            ["delimiter", "one ASCII character", "up to 8"],
        ),
        ("[bookings.columns]", 'delimiter = "||"\n[bookings.columns]', ["'Visit'", "its header has Visit,Patient"]),
        ("[bookings.columns]", 'delimiter = "ab"\n[bookings.columns]', ["delimiter", "stands in no value"]),
        ("[bookings.columns]", 'delimiter = ";\\n"\n[bookings.columns]', ["delimiter", "stands in no value"]),
        ("[bookings.columns]", 'delimiter = "|\\""\n[bookings.columns]', ["delimiter and quote", "must differ"]),
        ("[bookings.columns]", "escape = '\\\\'\n[bookings.columns]", ["escape", "one ASCII character"]),
        (
            "[bookings.columns]",
            'escape = ","\n[bookings.columns]',
            ["escape must differ", "where quotes are doubled"],
        ),
        ("[bookings.columns]", 'escape = "\\""\n[bookings.columns]', ["escape must differ"]),
        (
            "[bookings.columns]",
            "skip = -1\n[bookings.columns]",
            ["[bookings]", "number of lines before the header", "-1"],
        ),
        ("[bookings.columns]", "skip = true\n[bookings.columns]", ["number of lines before the header", "True"]),
        ("booking_id =", "bookingid =", ["[bookings.columns]", "'bookingid'", "did you mean booking_id"]),
        ('patient_id = "Patient"', "", ["required column patient_id is not mapped"]),
        ('"Patient"', '"Pateint"', ["bookings.patient_id", "'Pateint'", "did you mean Patient"]),
        ('"Patient"', "99", ["no column number 99", "has 5"]),
        ('"Patient"', '{ colunm = "Patient" }', ["patient_id", "'colunm'", "did you mean column"]),
        ('"Patient"', "{ separator = '-' }", ["patient_id", "one of column, constant and row_number"]),
        ('"Patient"', "{ constant = 'P' }", ["patient_id", "same in every row"]),
        ("vitamin-c", "vitamin-d", ["service", "'vitamin-d'", "did you mean"]),
        ('"no_show"', '"noshow"', ["status", "'noshow'", "did you mean no_show"]),
        ("%d/%m/%Y %H:%M", "%d/%m/%Q", ["starts_at", "%Q", "cannot be read"]),
        ("%d/%m/%Y %H:%M", "dd/mm/yyyy", ["starts_at", "no % sign"]),
        ('%H:%M" }', '%H:%M", timezone = "Mars/Base" }', ["starts_at", "Mars/Base", "America/Chicago"]),
        ('"Clinic"', '{ column = "Clinic", format = "%Y" }', ["site", "times and dates only"]),
        ('"Clinic"', '{ column = "Clinic", currency = "$" }', ["site", "numbers only"]),
        ('"Clinic"', '{ column = "Clinic", join = "sites" }', ["site", "[joins.sites]"]),
        ('"Clinic"', '{ column = "N", join = { file = "s.csv", key = "Clinic" } }', ["s.csv", "no file of"]),
        (
            '"Clinic"',
            '{ column = "N", join = { file = "s.csv", key = ["A", "B"], other_key = "C" } }',
            ["key has 2 columns and other_key 1", "same order"],
        ),
        (
            '"Clinic"',
            '{ column = "N", join = { file = "s.csv", key = [] } }',
            ["other_key must be the name", "not []"],
        ),
        (
            '"Clinic"',
            '{ column = "N", join = { file = "s.csv", key = "A", doubled = "first" } }',
            ["doubled", '"refused" or "empty"', "'first'"],
        ),
    ],
)
def test_faults_of_a_mapping(tmp_path: Path, old: str, new: str, words: list[str]) -> None:
    clinic, mapping = Clinic(tmp_path), tmp_path / "m.toml"
    clinic.write("visits.csv", HEADER, ROW)
    mapping.write_text(GOOD.replace(old, new, 1), encoding="utf-8")

    def refuse() -> None:
        if "join = {" in new:
            clinic.publish(mapping=mapping)
        for source in find_sources(clinic.delivery, load_mapping(mapping, load_reference())):
            survey(source, lambda _: None)

    with pytest.raises(DeliveryError) as refusal:
        refuse()
    for word in words:
        assert word in str(refusal.value)


def test_missing_columns_lead_to_a_draft(tmp_path: Path) -> None:
    clinic = Clinic(tmp_path)
    clinic.write("bookings.csv", HEADER, ROW)
    with pytest.raises(DeliveryError, match="dashboard mapping draft"):
        clinic.publish()


cell = st.sampled_from(
    ["V1", "P1", "Dallas", "mars", "05/01/2026 09:00", "Done", "Maybe", "", '"', '""', ";", "\n", "\r\n", '"a\nb"', "é",
     "\ufeff", "\0", "x" * 3000]
)  # fmt: skip


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.lists(st.lists(cell, max_size=7), max_size=8), st.binary(max_size=3)), min_size=2, max_size=4
    ),
    st.sampled_from(["utf-8", "utf-16", "cp1252"]),
    st.sampled_from([";", "\t"]),
    st.sampled_from(['"', "'"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_accepted_and_rejected_add_up_to_read(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[tuple[list[list[str]], bytes]],
    encoding: str,
    mark: str,
    quote: str,
    ending: str,
) -> None:
    folder = tmp_path_factory.mktemp("mapped")
    clinic, mapping = Clinic(folder), folder / "m.toml"
    for number, (rows, tail) in enumerate(files):
        lines = [HEADER, ROW.replace("V1", f"V{number}-1")]
        lines = [*(line.replace(",", mark) for line in lines), *(mark.join(row).replace('"', quote) for row in rows)]
        text = (ending.join(lines) + ending).encode(encoding, "replace")
        clinic.write_bytes(f"visits-{number}.csv", text + tail)
    tab = mark.replace("\t", "\\t")
    options = f'file = "visits-*.csv"\nencoding = "{encoding}"\ndelimiter = "{tab}"\nquote = {json.dumps(quote)}'
    mapping.write_text(GOOD.replace('file = "visits.csv"', options), encoding="utf-8")
    adds_up(clinic, clinic.publish(mapping=mapping), len(files))


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.lists(st.none() | cell, min_size=5, max_size=5), max_size=8), min_size=2, max_size=3))
def test_accepted_and_rejected_of_parquet_add_up_to_read(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[list[str | None]]]
) -> None:
    folder = tmp_path_factory.mktemp("parquet")
    clinic, mapping = Clinic(folder), folder / "m.toml"
    names = HEADER.split(",")
    with duckdb.connect() as connection:
        for number, rows in enumerate(files):
            connection.execute(f"create or replace table visits ({', '.join(f'{name} varchar' for name in names)})")
            sound = ROW.replace("V1", f"V{number}-1").split(",")
            connection.executemany("insert into visits values (?, ?, ?, ?, ?)", [sound, *rows])
            connection.execute(f"copy visits to '{clinic.delivery}/visits-{number}.parquet'")
    mapping.write_text(GOOD.replace('file = "visits.csv"', 'file = "visits-*.parquet"'), encoding="utf-8")
    report = clinic.publish(mapping=mapping)
    assert [file.rows_read for file in report.files] == [len(rows) + 1 for rows in files]
    adds_up(clinic, report, len(files))


def adds_up(clinic: Clinic, report: ImportReport, files: int) -> None:
    assert len(report.files) == files
    found = clinic.rows_by_file()
    for file in report.files:
        assert file.rows_accepted + file.rows_rejected == file.rows_read
        assert file.rows_rejected == found.get(file.file, 0)
    assert report.rows_accepted == found["bookings"]
