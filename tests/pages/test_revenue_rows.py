"""What a bar of Revenue opens is what the bar shows, to the cent."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest

from dashboard import charts, exports, filters, panels
from dashboard.panels.revenue import KINDS
from dashboard.payment_methods import method_name
from dashboard.screen import page, revenue_rows
from dashboard.shelf import shelf
from dashboard.warehouse import Reader


@pytest.fixture(scope="module")
def reader(viewer):
    return Reader(shelf().current(), viewer("finance"))


def chosen(reader, **address):
    return filters.parse({"period": ["last-month"], **address}, exports.scope_of(reader))


def behind(reader, address):
    """The dataset and control totals of an address of the page Exports."""
    asked = parse_qs(urlsplit(address).query)
    export = exports.asked(reader, exports.DATASETS[asked["dataset"][0]], asked)
    return export.dataset.name, export.summary()[1]


@pytest.mark.parametrize("address", [{}, {"line": ["ketamine"]}, {"site": ["dallas"], "period": ["90-days"]}])
def test_the_rows_that_a_bar_opens_add_up_to_it(reader, address):
    frame = panels.rows(reader, "revenue_bars", chosen(reader, **address))
    assert len(frame) in (2, 6)
    for row in frame.itertuples():
        dataset, totals = behind(reader, row.opens)
        assert dataset == ("invoice_rows" if row.kind == KINDS[0] else "payment_rows")
        assert totals["invoiced" if row.kind == KINDS[0] else "net"] == Decimal(f"{row.value:.2f}") > 0
        assert row.said == f"{row.site} {row.kind}: ${row.value:,.0f}"


def test_an_item_of_the_bridge_opens_what_it_is_a_sum_of(reader):
    frame = panels.rows(reader, "bridge", chosen(reader, line=["vitamin"])).set_index("item")
    invoices, payments = (behind(reader, frame.loc[end, "opens"])[1] for end in KINDS)
    assert invoices["invoiced"] == Decimal(f"{frame.loc['Invoiced', 'value']:.2f}")
    assert payments["net"] == Decimal(f"{frame.loc['Paid', 'value']:.2f}")
    assert behind(reader, frame.loc["Refunds", "opens"])[0] == "payment_rows"


def test_each_site_and_line_has_its_rows_and_files(reader):
    view = page.View(reader, chosen(reader), charts.Look("light", (), (), (), (), ()))
    links = revenue_rows.links(view)
    assert len(links) == 3 * 4
    whole = links[links["line"] == "All"]
    [in_all] = {sum(behind(reader, address)[1]["invoiced"] for address in whole["invoices"])}
    parts = links[links["line"] != "All"]
    assert sum(behind(reader, address)[1]["invoiced"] for address in parts["invoices"]) == in_all > 0
    for row in links.itertuples():
        assert urlsplit(row.payments).query.endswith(urlsplit(row.payments_csv).query)
        assert row.invoices_csv.startswith("/export/invoice_rows.csv?")


@pytest.mark.parametrize("address", [{}, {"line": ["ketamine"], "period": ["12-months"]}])
def test_the_rows_of_every_site_and_method_add_up_to_its_bar(reader, address):
    frame = panels.rows(reader, "paid_by_method", chosen(reader, **address))
    methods = exports.methods_of(reader)
    assert set(frame["method"]) < set(map(method_name, methods)), "package movements name no method"
    assert len(frame) == 3 * frame["method"].nunique() >= 12
    sums = {}
    for row in frame.itertuples():
        asked = parse_qs(urlsplit(row.opens).query)
        assert list(map(method_name, asked["method"])) == [row.method]
        dataset, totals = behind(reader, row.opens)
        assert dataset == "payment_rows"
        assert totals["net"] == Decimal(f"{row.value:.2f}"), (row.site, row.method)
        assert row.said.startswith(f"{row.site} {row.method}: $")
        sums[row.site] = sums.get(row.site, 0) + totals["net"]
    bars = panels.rows(reader, "revenue_bars", chosen(reader, **address))
    whole = bars[bars["kind"] == KINDS[1]].set_index("site")["value"]
    assert sums == {site: Decimal(f"{value:.2f}") for site, value in whole.items()}


def test_a_day_without_payments_has_no_bars_and_is_no_fault(reader):
    days = (reader.catalogue.last_full_day - dt.timedelta(days=back) for back in range(60))
    addresses = (
        {"site": ["dallas"], "line": ["hydration"], "period": ["custom"], "from": [f"{day}"], "to": [f"{day}"]}
        for day in days
    )
    frames = (panels.rows(reader, "paid_by_method", chosen(reader, **address)) for address in addresses)
    empty = next(frame for frame in frames if not len(frame))
    assert {"site", "method", "value", "opens", "said"} <= set(empty.columns)


def test_payments_of_some_methods_are_all_but_those_of_the_others(reader):
    def rows(*methods):
        export = exports.asked(
            reader, exports.DATASETS["payment_rows"], {"period": ["last-month"], "method": methods}
        )
        parts = exports.parts(reader, export.dataset, export.filters, methods=export.methods)
        frame = pd.concat([pd.DataFrame(columns=["method"], dtype="str"), *parts])
        assert len(frame) == export.summary()[0]
        assert export.described().get("methods", ()) == export.methods == tuple(export.query().get("method", ()))
        return frame

    every = rows()
    two = rows("cash", " Card ")
    assert set(two["method"]) == {"card", "cash"}
    assert len(two) == every["method"].isin(["card", "cash"]).sum() > 100
    none = rows("not recorded")
    assert len(none) == every["method"].isna().sum() > 0
    assert not len(rows("barter")), "an unknown method is no reason to hand out every other's rows"
    assert len(rows("\x00", "x" * 81)) == len(every)


def test_a_thousand_methods_that_no_payment_has_are_not_all_taken(reader):
    """What is asked for goes on record, which nothing is taken from."""
    unknown = [f"no such method {number:03}" for number in range(999)]
    dataset, period = exports.DATASETS["payment_rows"], {"period": ["last-month"]}
    strange = exports.asked(reader, dataset, period | {"method": unknown})
    assert strange.methods == tuple(unknown[: exports.MOST_UNKNOWN])
    assert strange.summary()[0] == 0
    every = exports.asked(reader, dataset, period | {"method": [*unknown, *exports.methods_of(reader)]})
    assert set(exports.methods_of(reader)) < set(every.methods)
    assert every.summary() == exports.asked(reader, dataset, period).summary()
