"""What is wrong with a mapping is said with file, table and column; nothing of a file is lost."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake_clinic import BOOKINGS, Clinic

from dashboard.intake.contract import DeliveryError
from dashboard.intake.mapping.file import load_mapping
from dashboard.intake.reading.finding import find_sources
from dashboard.intake.reading.reader import expressions, survey, view_of
from dashboard.intake.reference import load_reference
from dashboard.intake.report import ImportReport
from dashboard.intake.sql import statements

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
        ('"visits.csv"', '"."', ["'.'", "within the delivery's folder"]),
        ('"visits.csv"', '"***"', ["[bookings]", "'***'", "folders alone"]),
        ('"visits.csv"', '"**"', ["[bookings]", "'**'", '"**/*.csv"']),
        ("[bookings.columns]", "skip = 99999999999999999999\n[bookings.columns]", ["skip", "up to 1,000,000"]),
        ("[bookings.columns]", 'encoding = "hex"\n[bookings.columns]', ["encoding", "'hex' is not known"]),
        ("[bookings.columns]", 'encoding = "rot13"\n[bookings.columns]', ["encoding", "'rot13' is not known"]),
        ("[bookings.columns]", 'encoding = "punycode"\n[bookings.columns]', ["encoding", "'punycode' is not known"]),
        ("[bookings]", f"x = {'[' * 3000}{']' * 3000}\n[bookings]", ["m.toml", "brackets"]),
        ('"visits.csv"', '"visit-*.csv"', ["[bookings]", "no file of", "visit-*.csv", "visits.csv"]),
        ("[bookings.columns]", 'encoding = "klingon"\n[bookings.columns]', ["encoding", "klingon", "cp1252"]),
        (
            "[bookings.columns]",
            'delimiter = "|_|_|_|_|"\n[bookings.columns]',
            ["delimiter", "one to 8 characters"],
        ),
        (
            'booking_id = "Visit"\npatient_id = "Patient"\nsite = "Clinic"\n',
            "",
            [
                "booking_id, patient_id, site are not mapped",
                "give site as { constant",
                "make booking_id of the number",
            ],
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
        (
            '"Patient"',
            "{ separator = '-' }",
            ["patient_id", "one of column, constant, row_number, file_name and unknown"],
        ),
        ('"Patient"', "{ constant = 'P' }", ["patient_id", "same in every row"]),
        ("vitamin-c", "vitamin-d", ["service", "'vitamin-d'", "did you mean"]),
        ('"no_show"', '"noshow"', ["status", "'noshow'", "did you mean no_show"]),
        ("%d/%m/%Y %H:%M", "%d/%m/%Q", ["starts_at", "%Q", "cannot be read"]),
        ("%d/%m/%Y %H:%M", "dd/mm/yyyy", ["starts_at", "no % sign"]),
        ('%H:%M" }', '%H:%M", timezone = "Mars/Base" }', ["starts_at", "Mars/Base", "America/Chicago"]),
        (
            "[bookings.columns]",
            "[bookings.columns]\nsite = 'x'\n[bookings.columns]",
            ["stands twice", "delete the other"],
        ),
        (
            '"Clinic"',
            '{ column = "Clinic", values = {} }\n[bookings.columns.site.values]',
            ["declare", "stands twice"],
        ),
        (
            '"Clinic"',
            '"Clinic"\n[bookings.columns.site.values]',
            ["overwrite", "stands twice", "[bookings.columns.site]"],
        ),
        ('"Clinic"', '{ column = "Clinic", column = "B" }', ["Duplicate", "stands twice"]),
        ('"Clinic"', "Clinic", ["not TOML", "double quotes"]),
        ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M-%H:%M", ["starts_at", "has %H twice", "pattern"]),
        ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M %I%p", ["has both %H and %I for the hour", "pattern"]),
        ("%d/%m/%Y %H:%M", "%d/%m/%Y %y", ["both %Y and %y for the year"]),
        ("%d/%m/%Y %H:%M", "%d %b %Y %-m", ["both %b and %-m for the month"]),
        ("%d/%m/%Y %H:%M", "%x %H:%M %X", ["both %H and %X for the hour"]),
        ("%d/%m/%Y %H:%M", "%c %j", ["both %c and %j for the month"]),
        ("%d/%m/%Y %H:%M", "%G-%m", ["both %G and %m for the month"]),
        ("%d/%m/%Y %H:%M", "%d/%m %H:%M", ["has no year", "1900", "%Y or %y", 'column = ["Date", "Time"]']),
        ("%d/%m/%Y %H:%M", "%%Y%H:%M", ["has no year"]),
        ("%d/%m/%Y %H:%M", "epochs", ["no % sign", '"epoch" or "epoch_ms"', '"excel"']),
        (
            '"Clinic"',
            '{ column = "Clinic", pattern = "(" }',
            ["site", "the pattern '('", "missing )", "single quotes"],
        ),
        ('"Clinic"', "{ column = 'Clinic', pattern = '(?<n>x)' }", ["cannot be read", "RE2"]),
        ('"Clinic"', "{ column = 'Clinic', pattern = 'a(?=b)' }", ["cannot be read", "(?="]),
        ('"Clinic"', "{ column = 'Clinic', pattern = '" + "()" * 10 + "' }", ["more than 9 groups", "(?:…)"]),
        ('"Clinic"', '{ column = "Clinic", pattern = "" }', ["pattern is empty"]),
        ('"Clinic"', '{ column = "Clinic", pattern = "a\\u0000" }', ["pattern is empty or holds a zero byte"]),
        ('"Clinic"', '{ column = "Clinic", pattern = ["a"] }', ["pattern must be a text in quotes"]),
        ('"Clinic"', '{ constant = "chicago", pattern = "a" }', ["a constant goes with no other setting"]),
        ('"Clinic"', '{ column = "Clinic", times = 60 }', ["site", "times goes with numbers only"]),
        (
            "status =",
            'age = { column = "Visit", times = 0 }\nstatus =',
            ["age", "times must be", "1,000,000", "not 0"],
        ),
        ("status =", 'age = { column = "Visit", times = -1 }\nstatus =', ["times must be a number", "-1"]),
        ("status =", 'age = { column = "Visit", times = true }\nstatus =', ["times must be a number", "True"]),
        ("status =", 'age = { column = "Visit", times = "60" }\nstatus =', ["times must be a number", "'60'"]),
        ("status =", 'age = { column = "Visit", times = inf }\nstatus =', ["times must be a number", "inf"]),
        ("status =", 'age = { column = "Visit", times = nan }\nstatus =', ["times must be a number", "nan"]),
        ("status =", 'age = { column = "Visit", times = 0.0000009 }\nstatus =', ["from 0.000001 to 1,000,000"]),
        ("status =", 'age = { column = "Visit", times = 1000001 }\nstatus =', ["times must be a number", "1000001"]),
        ('"Clinic"', "{ file_name = false }", ["site", "file_name must be true"]),
        ('"Clinic"', '{ file_name = true, column = "Clinic" }', ["one of column", "not several"]),
        ('"Clinic"', '{ file_name = true, separator = "-" }', ["separator goes with column only"]),
        ('"Clinic"', "{ file_name = true, values = { a = 'mars' } }", ["'mars'"]),
        ('"Visit"', "{ file_name = true }", ["booking_id", "same in every row of a file"]),
        (
            '"Patient"',
            '{ row_number = "P-" }',
            ["patient_id", '["Name", "Birth date"]', "keyed hash", "{ unknown = true }"],
        ),
        ('"Patient"', "{ unknown = false }", ["patient_id", "unknown must be true"]),
        ('"Patient"', '{ unknown = true, default = "x" }', ["patient_id", "with no other setting"]),
        ('"Patient"', '{ unknown = true, column = "Patient" }', ["patient_id", "one of column", "not several"]),
        ('"Clinic"', "{ unknown = true }", ["site", "patient_id only"]),
        ('"Visit"', '{ row_number = "", default = "x" }', ["booking_id", "with no other setting"]),
        ('"Clinic"', '{ row_number = "" }', ["site", "ids of rows only"]),
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


@pytest.mark.parametrize(
    ("site", "status", "told", "hidden"),
    [
        ('{ column = "Clinic", values = { Dallas = "dallas" } }', "Done", "[bookings.columns.site.values]", "status"),
        ('"Clinic"', "Done", "a word in site that is not known", "status"),
        ('{ constant = "dallas" }', "Unknown", "[bookings.columns.status.values]", "site"),
        ("{ file_name = true }", "Done", "[bookings.columns.site.values]", "status"),
    ],
)
def test_words_that_a_mapping_lacks_are_named_with_their_place(
    tmp_path: Path, site: str, status: str, told: str, hidden: str
) -> None:
    clinic, mapping = Clinic(tmp_path), tmp_path / "m.toml"
    clinic.write("visits.csv", HEADER, f"V0,P0,Mars,05/01/2026 09:00,{status}", f"V1,P1,Mars,05/01/2026,{status}")
    mapping.write_text(GOOD.replace('"Clinic"', site), encoding="utf-8")
    with pytest.raises(DeliveryError, match="no row of bookings was accepted") as refusal:
        clinic.publish(mapping=mapping)
    first = str(refusal.value).splitlines()[0]
    assert f"Correct the mapping {mapping} or the files and import again" in first
    assert told in first
    assert hidden not in first.replace(str(tmp_path), "")
    assert "Mars" not in first
    with pytest.raises(DeliveryError) as added:
        Clinic.publish(whole(tmp_path), mapping=mapping, add=True)
    assert told in str(added.value).splitlines()[0]


def whole(folder: Path) -> Clinic:
    """A clinic with an extract in use, whose next delivery is the mapped one of the folder."""
    (folder / "earlier").mkdir()
    clinic = Clinic(folder / "earlier")
    clinic.publish()
    clinic.delivery = folder / "delivery"
    return clinic


def test_what_to_do_without_words_or_without_mapping(tmp_path: Path) -> None:
    clinic, mapping = Clinic(tmp_path), tmp_path / "m.toml"
    clinic.write("visits.csv", HEADER, "V0,P0,Dallas,05/01/2026,Done")
    mapping.write_text(GOOD, encoding="utf-8")
    with pytest.raises(DeliveryError, match=r"Correct the mapping .*m\.toml or the files and import again\n"):
        clinic.publish(mapping=mapping)
    clinic.write("bookings.csv", BOOKINGS, "B1,P1,mars,ketamine-infusion,2026-01-05 09:00,completed")
    with pytest.raises(DeliveryError, match=r"published\. Correct the files and import again\n"):
        clinic.publish()


#: Fragments of settings, of which few make sense together.
scraps = st.lists(
    st.sampled_from(
        [*"()[]|*+?{}^$.-\\%\"'\0\n\u00e9\U0001f600 aY1", "(?i)", "(?P<a>", "\\d", "{1000}", "%Y", "%H", "%I", "%%",
         "%-d", "%c", "%z", "epoch", "epoch_ms", "[[:alpha:]]", "\\pL"]
    ),
    max_size=8,
).map("".join)  # fmt: skip
patterns = st.lists(
    st.sampled_from(["(", "(?:", ")", ")?", "a|", "V", "^", "$", ".*", "\\d", "'", "(.)", "[^0]", "(?i)", "\\"]),
    max_size=6,
).map("".join)
words = st.dictionaries(scraps, st.sampled_from(["", "1", "dallas", "1980-01-01", "completed"]), max_size=3)
garbage = scraps | st.floats() | st.integers(-(10**20), 10**20) | st.booleans() | st.lists(scraps, max_size=3) | words


def mostly(sound: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Now and then something else: what is refused at once tries nothing further."""
    return st.integers(0, 9).flatmap(lambda number: sound if number else garbage)


SETTINGS = {
    "pattern": mostly(patterns),
    "times": mostly(st.floats(1e-7, 1e7) | st.integers(1, 10**6)),
    "format": mostly(st.sampled_from(["epoch", ["epoch_ms", "%Y"], "%Y-%j", ["%c", "epoch"]]) | scraps),
    "values": mostly(words),
    "default": mostly(st.sampled_from(["", "1", "dallas", "1980-01-01"])),
}
#: Which of them a column's kind takes.
TAKEN = {"starts_at": {"format"}, "birth_date": {"format"}, "age": {"times"}, "price": {"times"}}


def toml(value: Any) -> str:
    """A value as TOML has it."""
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{toml(name)} = {toml(one)}' for name, one in value.items())} }}"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value).replace("Infinity", "inf").replace("NaN", "nan")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["site", "starts_at", "birth_date", "age", "price", "sex", "booking_id", "status"]),
    st.sampled_from(['column = "Visit"', 'column = ["Visit", 3, "Start"]', "file_name = true"]),
    st.fixed_dictionaries({}, optional=SETTINGS),
    st.integers(0, 9),
)
def test_garbage_in_a_mapping_is_refused_or_read(
    tmp_path_factory: pytest.TempPathFactory, column: str, origin: str, chosen: dict[str, Any], odd: int
) -> None:
    """No setting, however odd, ends in anything but a refusal in words or a file that DuckDB reads by it."""
    folder = tmp_path_factory.mktemp("garbage")
    delivery, mapping = folder / "delivery", folder / "m.toml"
    delivery.mkdir()
    (delivery / "visits.csv").write_text(f"{HEADER}\n{ROW}\n")
    taken = SETTINGS if not odd else {"pattern", "values", "default", *TAKEN.get(column, ())}
    line = ", ".join([origin, *(f"{name} = {toml(one)}" for name, one in chosen.items() if name in taken)])
    text = re.sub(f"^{column} = .*\n", "", GOOD, flags=re.MULTILINE)
    mapping.write_text(f"{text}{column} = {{ {line} }}\n", encoding="utf-8")
    try:
        loaded = load_mapping(mapping, load_reference())
    except DeliveryError as refusal:
        assert str(mapping) in str(refusal)  # noqa: PT017
        return
    surveyed = survey(find_sources(delivery, loaded)[0], lambda _: None)
    with duckdb.connect() as connection:
        for statement in statements("macros"):
            connection.execute(statement)
        connection.execute("set variable key_inner = 'i'")
        connection.execute("set variable key_outer = 'o'")
        connection.execute(view_of(surveyed, surveyed.source.path, expressions(surveyed, {})))
        assert len(connection.execute("select * from delivered").fetchall()) == 1


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
