"""Tables whose rows are in units of their own: each figure in the form of its unit, on the screen and in files."""

from __future__ import annotations

import csv
import io
import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from streamlit.testing.v1 import AppTest

from dashboard import exports, panels
from dashboard.panels import Column
from dashboard.panels.column import UNIT
from dashboard.shelf import shelf
from dashboard.warehouse import Reader
from dashboard.wording import text
from tests.exports import workbook
from tests.pages.elements import rows_of

MIXED = [panel.name for panel in panels.PANELS.values() if any(column.own for column in panel.columns)]


@pytest.fixture(scope="module")
def reader(viewer):
    return Reader(shelf().current(), viewer("director"))


@pytest.fixture(scope="module")
def file(reader):
    """The bytes of a dataset's file, over the last 90 days against those before."""

    def file(name, form, **more):
        query = {"period": ["90d"], "compare": ["previous"], **more}
        body, _ = exports.asked(reader, exports.DATASETS[name], query).write(form)
        return b"".join(body)

    return file


def words_of(table):
    """What the browser writes in each cell of a table, by column."""
    shown = rows_of(table.proto.arrow_data.styler.display_values)
    return dict(zip(table.value.columns, (shown[name].tolist() for name in shown), strict=True))


def test_every_table_with_a_column_of_units_says_which_figures_are_in_them():
    named = [p.name for p in panels.PANELS.values() if any(c.name == UNIT for c in p.columns)]
    assert set(named) <= set(MIXED)
    for name in named:
        loose = {c.name for c in panels.PANELS[name].columns if c.format == "decimal" and not c.own}
        # Of whom scores are known is a share whatever the figure is.
        assert loose <= {"scored_share"}


def test_a_table_on_the_page_writes_each_figure_as_its_tile_does(visit):
    at = visit("director", "exports", dataset="bookings_summary", period="90d", compare="previous")
    [table] = [one for one in at.dataframe if one.proto.alt.startswith("First rows of ")]
    words, rows = words_of(table), table.value
    assert set(rows["unit"]) == {"count", "percent", "days"}
    assert words["value"] == [text(value, unit) for value, unit in zip(rows["value"], rows["unit"], strict=True)]
    by_title = dict(zip(rows["title"], words["value"], strict=True))
    assert by_title["Bookings"].replace(",", "").isdecimal()
    assert by_title["No-show rate"].endswith(" %")
    # What a rate gained is told in points, and a figure without limits has none.
    changes = dict(zip(rows["title"], words["change"], strict=True))
    assert changes["No-show rate"].endswith(" points")
    assert "points" not in changes["Bookings"]
    assert dict(zip(rows["title"], words["lower"], strict=True))["Bookings"] == "—"


def test_the_days_chart_writes_whole_counts_though_its_limits_have_parts(visit):
    at = visit("director", "exports", dataset="day_chart", figure="bookings")
    [table] = [one for one in at.dataframe if one.proto.alt.startswith("First rows of ")]
    words = words_of(table)
    assert len(words["value"])
    assert all(one.isdecimal() for one in words["value"])
    assert all("." in one for one in words["upper"])


def test_a_csv_has_whole_counts_and_keeps_every_place_of_what_is_none(file, reader):
    [heading, *lines] = csv.reader(io.StringIO(file("today", "csv").decode().removeprefix("\ufeff")))
    rows = [dict(zip(heading, line, strict=True)) for line in lines]
    counts = [row for row in rows if row["Unit"] == "count"]
    assert counts
    assert all(row["Value"].isdecimal() for row in counts if row["Value"])
    frame = panels.rows(reader, "today", exports.asked(reader, exports.DATASETS["today"], {}).filters)
    usual = [float(row["Usual"]) if row["Usual"] else None for row in rows]
    assert pd.Series(usual, dtype=float).equals(frame["usual"].reset_index(drop=True))
    assert any("." in row["Usual"] for row in counts)


def test_a_workbook_gives_each_figure_the_format_of_its_unit(file, tmp_path):
    path = tmp_path / "mix.xlsx"
    path.write_bytes(file("mix_summary", "xlsx"))
    [heading, *rows] = workbook.sheets(path)["Rows"]
    value, unit = heading.index("Value"), heading.index("Unit")
    formats = {
        (row[unit], form[value]) for row, form in zip(rows, workbook.number_formats(path)[1:], strict=True)
    }  # fmt: skip
    assert formats == {("count", "#,##0"), ("percent", "#,##0.00"), ("dollars", "#,##0.00")}


def test_money_has_its_cents_and_no_more_in_every_form(file, tmp_path):
    """The difference of two amounts, of which binary fractions leave a trace."""
    path = tmp_path / "mix.xlsx"
    path.write_bytes(file("mix_summary", "xlsx"))
    [heading, *lines] = csv.reader(io.StringIO(file("mix_summary", "csv").decode("utf-8-sig"), newline=""))
    change, unit = heading.index("Change"), heading.index("Unit")
    said = [float(line[change]) for line in lines if line[unit] == "dollars"]
    assert any(amount % 1 for amount in said)
    sheet = workbook.sheets(path)["Rows"][1:]
    assert [row[change] for row in sheet if row[unit] == "dollars"] == said
    table = pq.read_table(pa.BufferReader(file("mix_summary", "parquet"))).to_pylist()
    assert [row["change"] for row in table if row["unit"] == "dollars"] == said


def test_a_workbook_of_the_days_chart_has_whole_counts_though_no_column_says_their_unit(file, tmp_path):
    path = tmp_path / "chart.xlsx"
    path.write_bytes(file("day_chart", "xlsx", figure=["bookings"]))
    [heading, *rows] = workbook.sheets(path)["Rows"]
    assert rows
    assert "Unit" not in heading
    forms = workbook.number_formats(path)[1:]
    assert {form[heading.index("Value")] for form in forms} == {"#,##0"}
    assert {form[heading.index("Upper limit")] for form in forms} == {"#,##0.00"}


def test_a_table_has_no_more_places_than_its_longest_number_needs():
    columns = tuple(Column(name, name, "decimal") for name in ("days", "halves", "thirds"))
    frame = pd.DataFrame({"days": [30.0, 31.0], "halves": [29.5, 31.0], "thirds": [29.5, 31 / 3]})
    at = AppTest.from_function(_drawn, args=(frame, columns)).run()
    assert not at.exception
    config = json.loads(at.dataframe[0].proto.columns)
    forms = {name: config[name]["type_config"]["format"] for name in frame}
    assert forms == {"days": "%,d", "halves": "%,.1f", "thirds": "%,.2f"}


def _drawn(frame, columns):
    from dashboard.screen import tables

    tables.table(frame, columns, "numbers")
