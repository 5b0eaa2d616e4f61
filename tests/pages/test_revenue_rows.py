"""What a bar of Revenue opens is what the bar shows, to the cent."""

from __future__ import annotations

from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest

from dashboard import charts, exports, filters, page, panels, revenue_rows
from dashboard.panels.revenue import KINDS
from dashboard.warehouse import Reader, shelf


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
    view = page.View(reader, chosen(reader), charts.Look("light", "day", (), (), (), (), ()))
    links = revenue_rows.links(view)
    assert len(links) == 3 * 4
    whole = links[links["line"] == "All"]
    [in_all] = {sum(behind(reader, address)[1]["invoiced"] for address in whole["invoices"])}
    parts = links[links["line"] != "All"]
    assert sum(behind(reader, address)[1]["invoiced"] for address in parts["invoices"]) == in_all > 0
    for row in links.itertuples():
        assert urlsplit(row.payments).query.endswith(urlsplit(row.payments_csv).query)
        assert row.invoices_csv.startswith("/export/invoice_rows.csv?")
