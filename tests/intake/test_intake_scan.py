"""The structural pass: records counted, faults found, lines named, copies mended."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dashboard.intake.reading.record import LONGEST_RECORD
from dashboard.intake.reading.scan import WINDOW, scan

HEAD = b"a,b,c\n"


def found(data: bytes, window: int = WINDOW) -> tuple[int, list[int], bool]:
    result = scan(io.BytesIO(data), window=window)
    return result.records, [fault.line for fault in result.faults], result.plain


def mended(data: bytes, window: int = WINDOW) -> list[list[str]]:
    sink = io.BytesIO()
    scan(io.BytesIO(data), sink, window=window)
    return list(csv.reader(io.StringIO(sink.getvalue().decode(), newline="")))


def sound_lines(data: bytes) -> list[int]:
    result = scan(io.BytesIO(data))
    rows, shifts = result.shift_table()
    lines = []
    for row in range(result.sound):
        at = max(n for n, first in enumerate(rows.tolist()) if first <= row)
        lines.append(row + int(shifts[at]))
    return lines


@pytest.mark.parametrize(
    ("data", "records", "faults", "plain"),
    [
        (b"", 0, [], True),
        (b"a,b,c", 0, [], True),
        (HEAD, 0, [], True),
        (HEAD + b"1,2,3", 1, [], True),
        (HEAD + b"1,2,3\n4,5,6\n", 2, [], True),
        (b"\xef\xbb\xbfa,b,c\r\n1,2,3\r\n", 1, [], True),
        (b"\n\na,b,c\n1,2,3\n", 1, [], False),
        (HEAD + b'1,"x\ny",3\n4,5,6\n', 2, [], True),
        (HEAD + b'1,"x\r\ny",3\n4,5,6\n', 2, [], True),
        (HEAD + b'1,"say ""no""",3\n', 1, [], True),
        (HEAD + b"1,2,3\r\n4,5,6\n", 2, [], False),
        (HEAD + b"\n1,2,3\n\n", 1, [], False),
        (HEAD + b"1,2\n4,5,6\n", 2, [2], True),
        (HEAD + b"1,2,3,4\n4,5,6\n", 2, [2], True),
        (HEAD + b"1,2,3,\n4,5,6\n", 2, [2], False),
        (HEAD + b"1,2,3,,\r\n4,5,6\r\n", 2, [2], False),
        (HEAD + b'4,5,6\n1,2,3,4,""\n', 2, [3], False),
        (HEAD + b'1,5" needle,3\n', 1, [], False),
        (HEAD + b'1, "x,y" ,3\n', 1, [], False),
        (HEAD + b'1,"x"y,3\n4,5,6\n', 2, [2], False),
        (HEAD + b'1,"open,3\n4,5,6\n7,8,9\n', 3, [2], False),
        (HEAD + b'1,"open,3\n4,"5",6\n7,8,9\n', 3, [2], False),
        (HEAD + b'1,2,"open', 1, [2], False),
        (HEAD + b"1,\xff,3\n4,5,6\n", 2, [2], False),
        (HEAD + b"1,\x00,3\n4,5,6\n", 2, [2], False),
        (HEAD + b"1,x\ry,3\n4,5,6\n", 2, [2], False),
        (HEAD + b'1,"x\ry",3\n', 1, [], True),
        (HEAD + b"1,2,3\r", 1, [], False),
        (HEAD + b"1," + b"z" * (LONGEST_RECORD + 9) + b",3\n4,5,6\n", 2, [2], False),
        (HEAD + b"1," + b"z" * (9 * LONGEST_RECORD) + b",3\n4,5,6\n", 2, [2], False),
        (HEAD + b",,\n", 1, [], True),
    ],
)
def test_counts_and_faults(data: bytes, records: int, faults: list[int], plain: bool) -> None:
    assert found(data) == (records, faults, plain)


def test_lines_are_physical_lines() -> None:
    data = b'a,b,c\n1,"x\ny\nz",3\n2,2\n\n3,"u""v",3\r\n4,5" x,3\n5,"q\nr",3\n6,,'
    assert sound_lines(data) == [2, 7, 8, 9, 11]
    assert found(data)[1] == [5]


def test_the_mended_copy_holds_the_same_values() -> None:
    data = b'a,b,c\r\n1, "x,y" ,3\n\r\n2,"p\r\nq",3\r\nbroken\n3,5" x,"say ""no"""\n'
    assert mended(data) == [["1", "x,y", "3"], ["2", "p\r\nq", "3"], ["3", '5" x', 'say "no"']]


values = st.lists(st.sampled_from(["a", "é", "…", ",", '"', "\n", "\r\n", " ", "1"]), max_size=5).map("".join)
rows = st.lists(st.tuples(values, values, values), max_size=8)


@settings(max_examples=60, deadline=None)
@given(rows, st.sampled_from(["\n", "\r\n"]), st.booleans(), st.integers(3, 40))
def test_whatever_pythons_writer_writes_is_read_back(
    written: list[tuple[str, str, str]], ending: str, everything: bool, window: int
) -> None:
    """Also where windows cut records, quotes and characters in two."""
    target = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if everything else csv.QUOTE_MINIMAL
    writer = csv.writer(target, lineterminator=ending, quoting=quoting)
    writer.writerow(["a", "b", "c"])
    writer.writerows(written)
    data = target.getvalue().encode()
    assert found(data, window)[:2] == (len(written), [])
    assert mended(data, window) == [list(row) for row in written]


@pytest.mark.parametrize("window", range(8, 40))
@pytest.mark.parametrize(
    ("row", "tidy"),
    [
        (b"1,x y z,3\n", True),
        (b"1, x,3\n", False),
        (b"1,x ,3\n", False),
        (b"1,x  y,3\n", False),
        (b" 1,x,3\n", False),
        (b"1,x,3 \n", False),
        (b"1,x,3\r\n", True),
        (b"1,x,3 \r\n", False),
        (b"1,\xc3\xa9,3\n", False),
        (b'1,"x",3\n', False),
    ],
)
def test_values_are_tidy_wherever_windows_cut_them(row: bytes, tidy: bool, window: int) -> None:
    assert scan(io.BytesIO(HEAD + row * 9), window=window).tidy is tidy


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.integers(0, 40), min_size=1, max_size=6), max_size=30), st.booleans())
def test_columns_are_counted_record_by_record(written: list[list[int]], quoted: bool) -> None:
    """Values of any length, so that records end at any place of the words in which delimiters are counted."""
    mark = b'"' if quoted else b""
    lines = [b",".join(mark + b"x" * length + mark for length in lengths) for lengths in written]
    records, faults, _ = found(HEAD + b"".join(line + b"\n" for line in lines))
    held = [(number, lengths) for number, lengths in enumerate(written, start=2) if lines[number - 2]]
    assert (records, faults) == (len(held), [number for number, lengths in held if len(lengths) != 3])


def test_a_long_record_is_read_as_it_is() -> None:
    """One that doesn't end within a window asks for no mended copy."""
    text = b"z" * (LONGEST_RECORD - 9)
    assert found(HEAD + b"1," + text + b',3\n4,"' + text + b'",6\n') == (2, [], True)


fragments = st.lists(
    st.sampled_from([b"1,2,3", b"1,2", b",,", b'"', b'""', b",", b"\n", b"\r\n", b"\r", b"x", b"\xff", b"\0", b" "]),
    max_size=25,
)


@settings(max_examples=200, deadline=None)
@given(fragments, st.integers(3, 40))
@example([b"1,2,3\n", b"1,2,31,2,3\n", b'""'], 3)
@example([b"1,2,3\n", b"1,2,31,2,3\n", b"\r\r\n"], 3)
@example([b"1,2,31,2,3\n", b"1,2,31,21,2\r"], 3)
@example([b"1,2,3\n", b'"\n"\r1,2,3'], 3)
def test_a_file_of_whatever_bytes_is_counted(parts: list[bytes], window: int) -> None:
    """Also where its first line is none that names columns; wherever windows cut it."""
    data = b"".join(parts)
    whole, cut = scan(io.BytesIO(data)), scan(io.BytesIO(data), window=window)
    assert len(whole.faults) <= whole.records <= data.count(b"\n") + 1
    assert (whole.header, whole.records) == (cut.header, cut.records)
    # A record with two faults may be told for either of them.
    assert [fault.line for fault in whole.faults] == [fault.line for fault in cut.faults]


@settings(max_examples=100, deadline=None)
@given(fragments)
def test_duckdb_reads_as_many_rows_as_are_sound(parts: list[bytes]) -> None:
    """Of a file full of faults: read as it is where it is plain, else from its mended copy."""
    data = HEAD + b"".join(parts)
    result = scan(io.BytesIO(data))
    body = io.BytesIO()
    scan(io.BytesIO(data), body)
    content = data if result.plain else HEAD + body.getvalue()
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        Path(file.name).write_bytes(content)
        with duckdb.connect() as connection:
            connection.execute(
                "select count(*) from read_csv($path, header=true, auto_detect=false, all_varchar=true, "
                "columns={'a': 'VARCHAR', 'b': 'VARCHAR', 'c': 'VARCHAR'}, delim=',', quote='\"', escape='\"', "
                "store_rejects=true)",
                {"path": file.name},
            )
            assert connection.fetchone() == (result.sound,)
