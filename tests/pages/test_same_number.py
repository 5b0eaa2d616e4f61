"""One number: the panel's rows, its chart or scorecard, its table and its file agree, at every site."""

from __future__ import annotations

import csv
import io
import re

import pandas as pd
import pytest
from elements import rows_of

from dashboard import access, exports, filters, navigation, panels
from dashboard.access import Role
from dashboard.metrics import METRICS
from dashboard.panels import PANELS
from dashboard.shelf import shelf
from dashboard.warehouse import Reader
from dashboard.wording import text
from tests.csv_files import csv_text

PAGES = [e.name for e in navigation.ENTRIES if any(p.resource == e.name for p in PANELS.values())]
#: Half a year: long enough for retention, with as long a period before it.
ADDRESS = {"period": "custom", "from": "2026-05-04", "to": "2026-10-30", "compare": "previous"}
#: Pages with tabs, beside their first ones.
TABS = {
    "safety": [
        {"effects_by": "by-service-line", "scores_by": "by-age-group"},
        {"effects_by": "by-age-band", "scores_by": "by-indication"},
    ]
}


class Drawn:
    """What was drawn of a page, whichever tab was open."""

    def __init__(self, runs):
        self._runs = runs

    def get(self, kind):
        return [element for run in self._runs for element in run.get(kind)]

    @property
    def tables(self):
        return [table for run in self._runs for table in run.dataframe]


def account(resource):
    """Who is shown most of it."""
    return "admin" if Role.ADMIN in access.RESOURCES[resource] else "director"


@pytest.fixture(scope="module")
def readers(data, viewer):
    return {name: Reader(shelf().current(), viewer(name)) for name in ("admin", "director")}


@pytest.fixture(scope="module")
def chosen(readers):
    reader = readers["admin"]
    return filters.parse({name: [value] for name, value in ADDRESS.items()}, exports.scope_of(reader))


def file_of(reader, chosen, name):
    dataset = exports.DATASETS[name]
    content = csv_text(dataset.columns, exports.parts(reader, dataset, chosen))
    heading, *lines = csv.reader(io.StringIO(content.removeprefix("\ufeff")))
    assert heading == [column.title for column in dataset.columns]
    cells_read = [[cell.removeprefix("'") for cell in line] for line in lines]
    return pd.DataFrame(cells_read, columns=[column.name for column in dataset.columns])


def same(left: pd.DataFrame, right: pd.DataFrame, columns) -> None:
    """Both hold the same values: numbers exactly, dates as days, the rest as text."""
    assert len(left) == len(right)
    for column in columns:
        ours, theirs = left[column.name], right[column.name]
        if column.format in {"count", "decimal", "percent", "dollars"}:
            ours, theirs = (pd.to_numeric(v.replace("", None)).astype(float) for v in (ours, theirs))
            if column.format == "dollars":
                ours, theirs = ours.round(2), theirs.round(2)
            if column.own and "unit" in left:
                money = (left["unit"] == "dollars").to_numpy()
                ours, theirs = (values.mask(money, values.round(2)) for values in (ours, theirs))
        elif column.format in {"date", "datetime"}:
            ours, theirs = (pd.to_datetime(v.replace("", None)).astype("datetime64[us]") for v in (ours, theirs))
        else:
            ours, theirs = (v.fillna("").astype("object") for v in (ours, theirs))
        pd.testing.assert_series_equal(
            ours.reset_index(drop=True), theirs.reset_index(drop=True), check_names=False, check_dtype=False, rtol=0,
            atol=0,
        )  # fmt: skip


@pytest.fixture(scope="module")
def drawn(data, sessions):
    """Each page once with every table open: charts, scorecards, tables by panel."""
    from streamlit.testing.v1 import AppTest

    from dashboard.settings import ROOT

    def draw(page, tabs):
        at = AppTest.from_file(ROOT / "dashboard" / "main.py", default_timeout=60)
        at.user = {"session": sessions(account(page))}
        at.run()
        for name, value in (ADDRESS | tabs).items():
            at.query_params[name] = value
        for name in PANELS:
            at.session_state[f"table_{name}"] = True
        at.switch_page(f"../pages/{page}.py").run()
        assert not at.exception
        return at

    return {page: Drawn([draw(page, tabs) for tabs in ({}, *TABS.get(page, ()))]) for page in PAGES}


@pytest.mark.parametrize("name", [p.name for p in PANELS.values() if p.resource in PAGES])
def test_rows_screen_table_and_file_agree(name, drawn, readers, chosen):
    panel = PANELS[name]
    reader = readers[account(panel.resource)]
    at = drawn[panel.resource]
    rows = panels.rows(reader, name, chosen)
    columns = panel.columns

    file = file_of(reader, chosen, name)
    same(rows, file, columns)

    heading = panels.heading(reader, name, chosen)
    # Of FHIR deliveries alone, and not drawn without rows; against an extract before, of which there is none.
    if name in {"resources", "left_out", "changes"}:
        assert not len(rows)
        assert heading not in [t.proto.alt for t in at.tables]
        return
    table, *_ = [t for t in at.tables if t.proto.alt == heading]
    same(rows, table.value, columns)

    if panel.html and panel.metrics:
        card, *_ = [e.proto.body for e in at.get("html") if e.proto.body.strip() == panel.html(rows).strip()]
        # A questionnaire has a card of its own.
        cards = [part for _, part in rows.groupby("instrument", sort=False)] if "instrument" in rows else [rows]
        # What is no metric is a count.
        named = "metric" if "metric" in rows else "kind"
        by_name = [group for part in cards for group in part.groupby(named, sort=False)]
        expected = [
            text(row["value"], METRICS[row["metric"]].unit if named == "metric" else "count")
            for _, part in by_name
            for _, row in part.iterrows()
            if not row.get("closed", False)
        ]
        assert re.findall(r"<b>(.*?)</b>", card) == expected
        assert len(expected) > 0
    elif panel.chart:
        drawings = [c.proto for c in at.get("vega_lite_chart") if c.proto.alt.startswith(f"{panel.title}")]
        # Outside the tabs a page is the same whichever is open.
        charts = list({chart.SerializeToString(): chart for chart in drawings}.values())
        sent = pd.concat([rows_of(chart.data.data) for chart in charts], ignore_index=True)
        assert len(sent) == len(rows)
        spec = [c.name for c in columns if c.name in sent.columns and c.format in {"count", "decimal", "dollars"}]
        assert spec
        for column in spec:
            assert sorted(sent[column].dropna()) == sorted(file[column][file[column] != ""].astype(float))


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(p.chart for p in PANELS.values() if p.resource == page)]
)
def test_the_browser_gets_only_the_columns_that_are_drawn(page, drawn):
    charts = drawn[page].get("vega_lite_chart")
    assert charts
    for chart in charts:
        columns = set(rows_of(chart.proto.data.data).columns)
        assert columns
        assert all(f'"{column}"' in chart.proto.spec for column in columns)
        assert "patient" not in columns
