"""Files whose lines end, values part or quotes are escaped in an uncommon way, and those that begin with titles."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from intake_clinic import VISIT_COLUMNS, Clinic

from dashboard.cli import main
from dashboard.intake.contract import DeliveryError
from dashboard.intake.publish import Rules
from dashboard.intake.reading.dialect import SEPARATOR, Dialect
from dashboard.intake.reading.rewrite import Rewriter
from dashboard.intake.reading.scan import scan

COLUMNS = f'{VISIT_COLUMNS}channel = "origin"\n'
HEADER = ("id", "patient", "site", "start", "origin")
ROWS = (
    ("V1", "P1", "dallas", "2026-01-05 09:00", 'said "no", twice'),
    ("V2", "P2", "mars", "2026-01-05 10:00", 'two\nlines, 5" long'),
    ("V3", "P3", "chicago", "2026-01-05 11:00", "C:\\new\\"),
    ("V4", "P4"),
    ("V5", "P5", "chicago", "2026-01-05 12:00", "|"),
)
TITLES = ("Visits of all sites", "from 1 January; to 31 January, 2026", "")


def written(rows: tuple[tuple[str, ...], ...], delimiter: str = ",", escape: str = "", end: str = "\n") -> str:
    """Quotes around every value; those within doubled, or behind the escape as the escape itself is."""

    def quoted(value: str) -> str:
        if escape:
            return value.replace(escape, escape * 2).replace('"', escape + '"')
        return value.replace('"', '""')

    return "".join(delimiter.join(f'"{quoted(value)}"' for value in row) + end for row in rows)


FILES = {
    "titles": ("skip = 3", "\n".join(TITLES) + "\n" + written((HEADER, *ROWS)), 3),
    "titles, other ends": ("skip = 3", "\r\n".join(TITLES) + "\r\n" + written((HEADER, *ROWS), ";", end="\r\n"), 3),
    "escapes": ('escape = "\\\\"', written((HEADER, *ROWS), escape="\\"), 0),
    "escapes and tabs": ("escape = '\\'\ndelimiter = '\t'", written((HEADER, *ROWS), "\t", "\\"), 0),
    "other escapes": ('escape = "^"', written((HEADER, *ROWS), ";", "^"), 0),
    "a dollar": ("", written((HEADER, *ROWS), "$"), 0),
    "two bars": ('delimiter = "||"', written((HEADER, *ROWS), "||"), 0),
    "a section sign": ('delimiter = "§"', written((HEADER, *ROWS), "§"), 0),
    "bars and a caret": ('delimiter = "|^|"\nescape = "\\\\"', written((HEADER, *ROWS), "|^|", "\\"), 0),
    "old Macintosh": ("", written((HEADER, *ROWS), end="\r").replace("two\nlines", "two lines"), 0),
    "returns doubled": ("", written((HEADER, *ROWS), end="\n").replace("\n", "\r\r\n"), 0),
    "its delimiter said": ("", "sep=|\r\n" + written((HEADER, *ROWS), "|", end="\r\n"), 1),
    "all at once": (
        'skip = 2\ndelimiter = "~|"\nescape = "\\\\"\nencoding = "utf-16-le"',
        ("Title é\nOther\n" + written((HEADER, *ROWS), "~|", "\\")).replace("\n", "\r\r\n"), 2,
    ),
}  # fmt: skip


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    made = Clinic(tmp_path)
    (made.delivery / "bookings.csv").unlink()
    return made


def publish(clinic: Clinic, options: str, content: bytes, **further: object) -> None:
    clinic.write_bytes("visits.txt", content)
    mapping = clinic.delivery.parent / "m.toml"
    mapping.write_text(f'[bookings]\nfile = "visits.txt"\n{options}\n{COLUMNS}', encoding="utf-8")
    clinic.publish(mapping=mapping, **further)


@pytest.mark.parametrize("name", FILES)
def test_what_is_written_in_an_uncommon_way_is_read(clinic: Clinic, name: str) -> None:
    """Values come out as they were meant, and rejects name the lines of the file as it lies there."""
    options, text, before = FILES[name]
    publish(clinic, options, text.encode("utf-16-le" if "utf-16" in options else "utf-8"))
    content = (clinic.delivery / "visits.txt").read_bytes()
    assert clinic.ask("select sha256, bytes from sources") == [(hashlib.sha256(content).hexdigest(), len(content))]
    found = dict(clinic.ask("select booking_id, channel from bookings"))
    assert found == {"V1": 'said "no", twice', "V3": "c:\\new\\", "V5": "|"}
    lines = dict(clinic.ask("select line, reason from rejects"))
    broken = 6 if name == "old Macintosh" else 7
    assert sorted(lines) == [before + 3, before + broken - 1]
    assert "is not a site" in lines[before + 3]
    assert "2 columns instead of the 5" in lines[before + broken - 1]


@pytest.mark.parametrize("name", [name for name in FILES if name != "all at once"])
def test_rejected_lines_come_out_as_they_were_written(clinic: Clinic, tmp_path: Path, name: str) -> None:
    """With all down to the header, so that the same mapping takes them once they are mended."""
    options, text, before = FILES[name]
    publish(clinic, options, text.encode(), rejects=tmp_path / "mend")
    rejected = (tmp_path / "mend" / "visits-rejects.txt").read_bytes().decode()
    lines = re.split(r"(?<=\n)" if "\n" in text else r"(?<=\r)", text)
    broken = 5 if name == "old Macintosh" else 6
    assert rejected == "".join(
        [*lines[: before + 1], *lines[before + 2 : before + broken - 2], lines[before + broken - 1]]
    )
    mended = rejected.replace("mars", "miami_beach")
    clinic.write_bytes("visits.txt", mended.encode())
    clinic.publish(mapping=tmp_path / "m.toml", rules=Rules(accept_drop=True))
    assert clinic.ask("select booking_id, site from bookings") == [("V2", "miami_beach")]


def test_nulls_and_escapes_where_nothing_is_quoted(clinic: Clinic) -> None:
    rows = [
        "id\tpatient\tsite\tstart\torigin",
        "V1\tP1\tdallas\t2026-01-05 09:00\ta\\tb\\\\c\\\td",
        "V2\tP2\t\\N\t\\N\t",
    ]
    publish(clinic, 'delimiter = "\\t"\nquote = ""\nescape = "\\\\"', ("\n".join(rows) + "\n").encode())
    assert clinic.ask("select booking_id, channel from bookings") == [("V1", "a b\\c d")]
    assert sorted(reason for _, reason in clinic.ask("select line, reason from rejects")) == [
        "is empty; source column: site", "is empty; source column: start",
    ]  # fmt: skip


def test_rows_with_a_value_more_than_the_header(clinic: Clinic) -> None:
    """As docs/mapping.md says: the header is skipped, and columns are named by number."""
    lines = [",".join(HEADER), *(",".join((*row[:4], "x", "")) for row in ROWS if len(row) == len(HEADER)), ""]
    clinic.write_bytes("visits.txt", "\n".join(lines).encode())
    mapping = clinic.delivery.parent / "m.toml"
    numbers = COLUMNS
    for number, name in enumerate(HEADER, start=1):
        numbers = numbers.replace(f'= "{name}"', f"= {number}")
    told = '[bookings]\nfile = "visits.txt"\n'
    mapping.write_text(f"{told}{COLUMNS}", encoding="utf-8")
    with pytest.raises(DeliveryError, match="6 columns instead of the 5"):
        clinic.publish(mapping=mapping)
    mapping.write_text(f"{told}skip = 1\nheader = false\n{numbers}", encoding="utf-8")
    clinic.publish(mapping=mapping)
    assert clinic.ask("select booking_id from bookings order by all") == [("V1",), ("V3",), ("V5",)]
    assert clinic.ask("select distinct line from rejects") == [(3,)]


def test_a_header_further_down_is_pointed_out(clinic: Clinic) -> None:
    text = "\n".join(TITLES) + "\n" + written((HEADER, *ROWS), ";")
    with pytest.raises(
        DeliveryError, match=r"visits\.txt has its columns in line 4, not in line 1; write skip = 3 in \[book"
    ):
        publish(clinic, "", text.encode())
    with pytest.raises(DeliveryError, match=r"columns in line 4, not in line 2; write skip = 3"):
        publish(clinic, "skip = 1", text.encode())
    with pytest.raises(DeliveryError, match=r"columns in line 4, not in line 6; write skip = 3"):
        publish(clinic, "skip = 5", text.encode())
    with pytest.raises(DeliveryError, match=r"columns in line 4, not in line 100; write skip = 3"):
        publish(clinic, "skip = 99", text.encode())
    publish(clinic, "skip = 3", text.encode())
    assert clinic.one("select count(*) from bookings") == 3


def test_titles_of_a_joined_file_are_pointed_out(clinic: Clinic) -> None:
    """Whatever marks stand in its name."""
    clinic.write("{0} sites.csv", "Sites", "", "code,name", "mars,dallas", "dallas,dallas", "chicago,chicago")
    join = 'site = { join = { file = "{0} sites.csv", %skey = "site", other_key = "code" }, column = "name" }'
    mapping = clinic.delivery.parent / "m.toml"
    clinic.write_bytes("visits.txt", written((HEADER, *ROWS)).encode())

    def told(skip: str) -> str:
        columns = COLUMNS.replace('site = "site"', join % skip)
        return f'[bookings]\nfile = "visits.txt"\n{columns}'

    mapping.write_text(told(""), encoding="utf-8")
    with pytest.raises(
        DeliveryError,
        match=r"\{0\} sites\.csv has its columns in line 3, not in line 1; write skip = 2 for the join \{0\} sites",
    ):
        clinic.publish(mapping=mapping)
    mapping.write_text(told("skip = 2, "), encoding="utf-8")
    clinic.publish(mapping=mapping)
    assert clinic.one("select count(*) from bookings") == 4


@pytest.mark.parametrize(
    ("text", "settings_"),
    [
        ("\n".join(TITLES) + "\n" + written((HEADER, *ROWS), ";"), ["skip = 3", 'delimiter = ";"']),
        ("Report,,,,\n,,,,\n" + written((HEADER, *ROWS)), ["skip = 2", 'delimiter = ","']),
        ("sep=;\r\n" + written((HEADER, *ROWS), ";", end="\r\n"), ["skip = 1", 'delimiter = ";"']),
        (written((HEADER, *ROWS), "\t", "\\"), ['escape = "\\\\"', 'delimiter = "\\t"']),
        (written((HEADER, *ROWS)), ['delimiter = ","']),
        (written((HEADER, *ROWS), "$"), ['delimiter = "$"']),
        (written((HEADER, *ROWS, ("V9",) * 9)), ['delimiter = ","']),
        (written((("", *HEADER), *(("7", *row) for row in ROWS))), ['delimiter = ","']),
        (written((HEADER, *ROWS), "\x01"), ['delimiter = "\\u0001"']),
        (written((HEADER, *ROWS), end="\r").replace("two\nlines", "one"), ['delimiter = ","']),
    ],
)
def test_a_draft_finds_titles_and_escapes(tmp_path: Path, text: str, settings_: list[str]) -> None:
    (tmp_path / "visits.csv").write_text(text, encoding="utf-8", newline="")
    drafted = CliRunner().invoke(main, ["mapping", "draft", str(tmp_path)]).output
    head = drafted[: drafted.index("[bookings.columns]")].splitlines()
    said = [line.split("  #")[0] for line in head if line.startswith(("skip", "escape", "delimiter"))]
    assert sorted(said) == sorted(settings_)
    for name in HEADER[:4]:
        assert name in drafted


marks = st.lists(
    st.sampled_from(["a", "é", ",", ";", '"', "\\", "|", "^", " ", "\r", "\n", "\r\r", "\\\\"]), max_size=6
)
values = st.lists(st.tuples(*[marks.map("".join)] * 3), max_size=6)


class Parts(io.BytesIO):
    """Gives a few bytes at a time, whatever is asked for."""

    size = 1

    def read(self, _size: int | None = -1, /) -> bytes:
        return super().read(self.size)


@settings(max_examples=150, deadline=None)
@given(values, st.sampled_from(["", "|", "|^|", "\\|"]), st.sampled_from(["", "\\", "^"]), st.integers(1, 9))
def test_rewritten_bytes_are_those_of_the_common_way(
    rows: list[tuple[str, ...]], between: str, escape: str, size: int
) -> None:
    """Wherever the parts of a file are cut: as many records, and the values that were written."""
    between = "|" if escape and escape in between else between
    rows = [("a", "b", "c"), *(tuple(value.replace(between or ",", "_") for value in row) for row in rows)]
    source = Parts(written(tuple(rows), between or ",", escape).encode())
    source.size = size
    delimiter = (between or ",").encode()
    dialect = Dialect(delimiter, escape=escape.encode())
    if len(between) > 1:
        dialect = replace(dialect, delimiter=SEPARATOR, between=delimiter)
    sink = io.BytesIO()
    with Rewriter(source, dialect) as rewritten:
        found = scan(rewritten, sink, dialect=dialect, window=16)
    assert (found.records, found.faults) == (len(rows) - 1, [])
    mended = csv.reader(io.StringIO(sink.getvalue().decode(), newline=""), delimiter=dialect.delimiter.decode())
    assert list(map(tuple, mended)) == rows[1:]


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["a,b", "", '"x', '"y""z",b', "é,", ",,"]), max_size=9), st.booleans(), st.integers(1, 9)
)
def test_lines_of_another_end_are_those_of_line_feeds(lines: list[str], doubled: bool, size: int) -> None:
    end = "\r\r\n" if doubled else "\r"
    source = Parts("".join(line + end for line in ["a,b", *lines]).encode())
    source.size = size
    plain = scan(io.BytesIO("".join(line + "\n" for line in ["a,b", *lines]).encode()))
    with Rewriter(source, Dialect(line_end=end.encode())) as rewritten:
        found = scan(rewritten)
    assert (found.records, [fault.line for fault in found.faults]) == (
        plain.records,
        [fault.line for fault in plain.faults],
    )
    assert found.shift_table()[1].tolist() == plain.shift_table()[1].tolist()
