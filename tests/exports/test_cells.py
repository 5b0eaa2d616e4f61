"""The guard and the forms of file: nothing lost, no number changed, nothing that runs."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
from decimal import Decimal

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import cells
from dashboard.panels.column import Column
from dashboard.settings import QUERIES
from dashboard.sources import FrameRows
from dashboard.writers import FORMS, Bench, FileError, sheet_names
from dashboard.writers import workbook as workbook_of
from tests.exports import naughty, workbook
from tests.office import convert

TEXTS = naughty.all_texts()
COLUMNS = (Column("text", "Text"), Column("money", "Money", "dollars"), Column("n", "N", "count"))
MACROS = (QUERIES / "export" / "cells.sql").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def guarded():
    """Cells of CSV as DuckDB writes them."""
    with duckdb.connect() as connection:
        connection.execute(MACROS)

        def cells_of(texts):
            connection.register("texts", pa.table({"place": range(len(texts)), "t": pa.array(texts, pa.string())}))
            return connection.sql("select text_cell(t), is_harmful(t) from texts order by place").fetchall()

        yield cells_of


def source(texts=TEXTS, totals=("money",)):
    money = [(-1) ** i * (i * 101) / 100 for i in range(len(texts))]
    frame = pd.DataFrame({"text": texts, "money": money, "n": range(len(texts))})
    return FrameRows(lambda: iter([frame]), COLUMNS, totals)


def written(form, tmp_path, rows, most=10**9):
    return b"".join(part.data for part in FORMS[form].write(rows, {"dataset": "Test"}, Bench(tmp_path, most)))


def test_there_are_texts_enough():
    assert len(naughty.disguised()) >= 500
    assert len(TEXTS) >= 2_500


def test_every_disguise_is_seen():
    assert [ascii(text) for text in naughty.disguised() if not cells.is_formula(text)] == []


def test_what_is_read_as_another_number_or_day_is_guarded_and_what_is_not_stays_as_it_is():
    assert [text for text in naughty.CHANGED if not cells.is_formula(text)] == []
    assert [text for text in naughty.KEPT if cells.is_formula(text)] == []


def test_python_and_duckdb_write_the_same_cells(guarded):
    found = guarded(TEXTS)
    assert [harmful for _, harmful in found] == [cells.is_formula(text) for text in TEXTS]
    read = [next(csv.reader(io.StringIO(cell + "\r\n", newline="")), [""]) for cell, _ in found]
    assert [row for row in read if len(row) != 1] == []
    assert [row[0] for row in read] == [cells.harmless(text) for text in TEXTS]
    assert [
        row[0].removeprefix("'") if cells.is_formula(text) else row[0] for row, text in zip(read, TEXTS, strict=True)
    ] == TEXTS


@pytest.mark.parametrize("neighbour", ["plain", "12–17", "=1+1", "a,b", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"])
def test_a_line_is_its_cells_whatever_stands_beside_each_other(neighbour):
    """A row that is looked at as a whole reads like one whose cells are looked at one by one."""
    names = ("key", "a", "b", "money")
    columns = [Column(name, name, "dollars" if name == "money" else "text") for name in names]
    keys = [None, 0, -1, 99_999_999_999, 100_000_000_000, -(2**63), *range(7, 7 + len(TEXTS) - 6)]
    with duckdb.connect() as connection:
        connection.execute(MACROS)
        texts = pa.table({"place": range(len(TEXTS)), "key": pa.array(keys, pa.int64()), "a": TEXTS})
        connection.register("texts", texts)
        rows = connection.sql(
            f"select {cells.line_sql(columns)} from (select *, $b as b, -1.5 as money from texts) order by place",
            params={"b": neighbour},
        ).fetchall()
    for (line,), key, text in zip(rows, keys, TEXTS, strict=True):
        [found] = csv.reader(io.StringIO(line, newline=""))
        expected = ["" if key is None else str(key), text, neighbour]
        assert found == [*(cells.harmless(one) for one in expected), "-1.50"]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=20))
def test_python_and_duckdb_agree_on_any_text(texts):
    with duckdb.connect() as connection:
        connection.execute(MACROS)
        connection.register("texts", pa.table({"place": range(len(texts)), "t": pa.array(texts, pa.string())}))
        found = connection.sql("select is_harmful(t), text_cell(t) from texts order by place").fetchall()
    assert [harmful for harmful, _ in found] == [cells.is_formula(text) for text in texts]
    read = [next(csv.reader(io.StringIO(cell + "\r\n", newline="")), [""]) or [""] for _, cell in found]
    # One apostrophe taken away, wherever there is one, gives the text: nothing else has to be known.
    assert [row[0].removeprefix("'") for row in read] == texts


def test_numbers_are_never_touched(guarded):
    with duckdb.connect() as connection:
        connection.execute(MACROS)
        row = connection.sql(
            "select dollars_cell(-475.5), dollars_cell(-0.01), count_cell(-7), decimal_cell(-0.25), date_cell('2026-10-01'),"
            " datetime_cell(timestamp '2026-10-01 09:05:00.5'), concat(text_cell(null), '|', dollars_cell(null))"
        ).fetchall()[0]
    assert row == ("-475.50", "-0.01", "-7", "-0.25", "2026-10-01", "2026-10-01T09:05:00", "|")


def test_csv_and_gzip_hold_the_texts(tmp_path):
    plain = written("csv", tmp_path, source())
    assert plain.startswith(b"\xef\xbb\xbf")
    assert gzip.decompress(written("csv.gz", tmp_path, source())) == plain
    rows = list(csv.reader(io.StringIO(plain.decode("utf-8-sig"), newline="")))[1:]
    assert [row[0].removeprefix("'") for row in rows] == TEXTS
    assert sum(Decimal(row[1]) for row in rows) == source().summary()[1]["money"]
    assert rows[1][1] == "-1.01"


def test_parquet_is_typed(tmp_path):
    table = pq.read_table(pa.BufferReader(written("parquet", tmp_path, source())))
    assert table.column("text").to_pylist() == TEXTS
    assert str(table.schema.field("money").type) == "decimal128(18, 2)"
    assert sum(table.column("money").to_pylist()) == source().summary()[1]["money"]
    assert table.schema.metadata[b"dashboard.dataset"] == b"Test"


def test_xlsx_holds_text_as_text_and_money_as_numbers(tmp_path):
    path = tmp_path / "rows.xlsx"
    path.write_bytes(written("xlsx", tmp_path, source()))
    found = workbook.sheets(path)
    rows = found["Rows"][1:]
    # XML has one line end, and no other way to write it than an escape, which a reader gives back.
    assert [ascii(row[0]) for row in rows] == [ascii(text) for text in TEXTS]
    assert [row[1] for row in rows[:3]] == [0.0, -1.01, 2.02]
    assert found["About this file"] == [["Dataset", "Test"]]


def test_a_sheet_has_room_for_its_words_and_prints_a_page_wide(tmp_path):
    path = tmp_path / "rows.xlsx"
    words = "Paid for earlier visits, by card"
    path.write_bytes(written("xlsx", tmp_path, source([words, "x"])))
    with zipfile.ZipFile(path) as book:
        sheet, styles = (book.read(f"xl/{name}.xml").decode() for name in ("worksheets/sheet1", "styles"))
    widths = [float(width) for width in re.findall(r'<col [^>]*width="([0-9.]+)"', sheet)]
    assert len(words) < widths[0] < 60
    # Headings stand over their numbers.
    assert styles.count('horizontal="right"') == 1
    assert 'orientation="landscape"' in sheet
    assert 'fitToPage="1"' in sheet
    assert 'formatCode="#,##0.00"' in styles or 'numFmtId="4"' in styles


@pytest.mark.parametrize("form", FORMS)
def test_the_same_rows_give_the_same_bytes(form, tmp_path):
    assert written(form, tmp_path, source()) == written(form, tmp_path, source())


def test_more_rows_than_a_sheet_holds_go_on_in_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr("dashboard.writers.SHEET_ROWS", 1_000)
    path = tmp_path / "rows.xlsx"
    path.write_bytes(written("xlsx", tmp_path, source()))
    found = workbook.sheets(path)
    rows = [row for name, sheet in found.items() if name.startswith("Rows") for row in sheet[1:]]
    assert len(found) == len(TEXTS) // 999 + 2
    assert [row[2] for row in rows] == list(range(len(TEXTS)))


@given(st.lists(st.text("abB ':?/-é", max_size=60).map("a{}".format), min_size=1, max_size=8))
def test_any_titles_are_names_of_sheets(titles):
    names = sheet_names(titles)
    assert len({name.lower() for name in names}) == len(names) == len(titles)
    for name in names:
        assert 0 < len(name) <= 31
        assert not set(name) & set("[]:*?/\\")
        assert name.strip("'") == name


def test_more_than_a_workbook_takes_is_refused_and_not_cut(tmp_path):
    few = source(TEXTS[:10])
    assert written("xlsx", tmp_path, few, most=30)
    with pytest.raises(FileError, match="30 cells are too many for an Excel workbook, which takes 29 here"):
        written("xlsx", tmp_path, few, most=29)
    with pytest.raises(FileError, match="60 cells are too many"):
        next(workbook_of({"one": few, "two": few}, {}, Bench(tmp_path, 59)))
    assert list(tmp_path.iterdir()) == []


def test_a_text_that_no_cell_holds_is_not_cut(tmp_path):
    with pytest.raises(FileError, match="take CSV"):
        written("xlsx", tmp_path, source(["x" * 32_768]))
    assert len(written("csv", tmp_path, source(["x" * 32_768]))) > 32_768


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_libreoffice_finds_no_formula_and_no_other_number(form, tmp_path):
    path = tmp_path / f"rows.{form}"
    path.write_bytes(written(form, tmp_path, source()))
    # 44,34,76: separated by commas, quoted, UTF-8; formulas as formulas, so that one that lived would show.
    options = ["--infilter=CSV:44,34,76,1,,0,false,true,false"] if form == "csv" else []
    text = convert(path, "fods", *options).read_text(encoding="utf-8")
    assert text.count("<table:table-row") >= len(TEXTS) / 2
    assert "table:formula" not in text
    assert 'office:value="-1.01"' in text
    assert "1234567890123456" in text
    assert "E+15" not in text.replace("1E+15", "")


@pytest.mark.parametrize("language", [1033, 1031, 1036], ids=["English", "German", "French"])
def test_libreoffice_keeps_texts_in_every_language_and_english_alone_reads_amounts(language, tmp_path):
    texts = [*naughty.CHANGED, *naughty.KEPT]
    path = tmp_path / "rows.csv"
    path.write_bytes(written("csv", tmp_path, source(texts)))
    document = convert(path, "fods", f"--infilter=CSV:44,34,76,1,,{language},false,false,false").read_text(
        encoding="utf-8"
    )
    rows = re.findall("<table:table-row.*?</table:table-row>", document, re.DOTALL)[1:]
    kinds = [re.findall(r'<table:table-cell[^>]*office:value-type="(\w+)"', row) for row in rows[: len(texts)]]
    assert {kind[0] for kind, text in zip(kinds, texts, strict=True) if not text.startswith("2026-10-12 ")} == {
        "string"
    }
    assert {kind[1] for kind in kinds} == {"float" if language == 1033 else "string"}
