"""The Exports page: choices in the address, totals that the file has, named and past exports."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import anyio
import pytest
from starlette.datastructures import QueryParams

from dashboard import exports, navigation, packs
from dashboard.shelf import shelf
from dashboard.state import Store
from dashboard.state.saved_exports import SavedExports
from dashboard.warehouse import Reader

SEPTEMBER = {"period": "custom", "from_": "2026-09-01", "to": "2026-09-30"}


def html(at):
    return "".join(element.proto.body for element in at.get("html"))


@pytest.fixture(scope="module")
def reader(viewer):
    return lambda username: Reader(shelf().current(), viewer(username))


@pytest.fixture(scope="module")
def file(viewer):
    """A file's text as the route sends it."""

    def file(username, name, query, form="csv"):
        response = exports.respond(viewer(username), name, QueryParams(query), form)

        async def whole():
            return b"".join([part async for part in response.body_iterator])

        return anyio.run(whole), response

    return file


def test_the_totals_on_the_page_are_those_of_the_file_and_of_its_receipt(visit, file):
    at = visit("finance", "exports", dataset="payment_rows", **SEPTEMBER)
    assert not at.exception
    text = html(at)
    link = text.split('href="/export/payment_rows.csv?')[1].split('"')[0].replace("&amp;", "&")
    body, response = file("finance", "payment_rows", link)
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    amount = sum(Decimal(row["Amount USD"]) for row in rows)
    net = sum(Decimal(row["Net USD"]) for row in rows)
    assert len(rows) > 100
    assert net < amount
    assert f"<b>{len(rows):,}</b> rows; Amount USD <b>{amount:,}</b>; Net USD <b>{net:,}</b>" in text
    details = response.receipt.details()
    assert details["totals"] == {"amount": str(amount), "net": str(net)}
    assert (details["rows"], details["outcome"]) == (len(rows), "complete")
    assert (
        details["extract_sha256"]
        == next(iter(shelf().current().path.parent.glob("*.json"))).read_text().split('"sha256": "')[1][:64]
    )


def test_counts_among_the_totals_are_whole_numbers(visit, file):
    _, response = file("manager.dallas", "visits_by_day", "period=last-month")
    details = response.receipt.details()
    shown = html(visit("manager.dallas", "exports", dataset="visits_by_day", period="last-month"))
    assert int(details["totals"]["bookings"]) > 30
    assert f"Bookings <b>{int(details['totals']['bookings']):,}</b>;" in shown
    assert f"Invoiced USD <b>{Decimal(details['totals']['invoiced']):,}</b>" in shown


def test_a_saved_export_of_what_is_gone_is_not_opened_as_one_of_everything(visit, data):
    with Store.open(data, rounds=4) as store:
        saved = SavedExports(store)
        saved.save("finance", "Closed clinic", "payment_rows", "dataset=payment_rows&site=closed-clinic")
        saved.save("finance", "Dallas alone", "payment_rows", "dataset=payment_rows&site=dallas")
        saved.save("finance", "Once a director's", "side_effect_rows", "dataset=side_effect_rows")
    at = visit("finance", "exports", dataset="visits_by_day", **SEPTEMBER)
    for name, said in (("Closed clinic", "There is no site closed-clinic here."), ("Once a director's", "not open")):
        at.button(key=f"open_{name}").click().run()
        assert said in at.error[0].value
        assert at.selectbox(key="export_dataset").value == "visits_by_day"
    at.button(key="open_Dallas alone").click().run()
    assert not at.error
    assert at.selectbox(key="export_dataset").value == "payment_rows"
    assert "site=dallas" in html(at)


def test_columns_order_and_date_stand_in_the_address_the_screen_and_the_file(visit, file):
    at = visit(
        "finance",
        "exports",
        dataset="payment_rows",
        columns="amount,site,nonsense,amount",
        date="service",
        **SEPTEMBER,
    )
    assert at.multiselect(key="export_columns").value == ["amount", "site"]
    assert "Period by service date: 1 Sep 2026 to 30 Sep 2026." in html(at)
    assert "date=service&amp;columns=amount%2Csite" in html(at)
    body, response = file("finance", "payment_rows", "columns=amount,site&date=service&period=last-month")
    assert body.decode("utf-8-sig").splitlines()[0] == "Amount USD,Site"
    assert "payment_rows_by_service_date_2026-09-01" in response.headers["content-disposition"]
    paid, _ = file("finance", "payment_rows", "columns=amount,site&period=last-month")
    assert paid != body


def test_every_form_holds_the_same_totals_and_the_same_bytes_each_time(file):
    for form in exports.FORMS:
        first, response = file("finance", "invoice_rows", "period=last-month", form)
        second, _ = file("finance", "invoice_rows", "period=last-month", form)
        assert first == second, form
        details = response.receipt.details()
        assert details["rows"] > 100
        assert details["totals"] == {name: str(value) for name, value in _summary(response).items()}
        assert response.headers["content-type"] == exports.FORMS[form].media_type


def _summary(response):
    details = response.receipt.details()
    link = urlsplit(details["link"])
    asked = parse_qs(link.query)
    from dashboard.access import Role, Viewer

    reader = Reader(shelf().current(), Viewer("f", "F", Role.FINANCE))
    return exports.asked(reader, exports.DATASETS[asked["dataset"][0]], asked).summary()[1]


def test_what_the_sheet_of_an_excel_file_says_is_what_its_rows_are(file, tmp_path):
    from tests.exports import workbook

    body, _ = file("finance", "package_liability", "period=12-months", "xlsx")
    path = tmp_path / "x.xlsx"
    path.write_bytes(body)
    sheets = workbook.sheets(path)
    about = dict(sheets["About this file"])
    rows = sheets["Rows"][1:]
    assert about["Rows"] == str(len(rows))
    assert Decimal(about["Total of sold"]) == sum(Decimal(str(row[3])) for row in rows)
    assert about["Extract"] == shelf().current().catalogue.name
    assert about["Definitions"]
    assert "Sha256" not in about


def test_a_workbook_that_is_broken_off_is_cut_and_leaves_nothing(reader):
    chosen = packs.asked(reader("finance"), packs.CHOICES["payment_rows"], {"period": ["last-month"]})
    body, receipt = chosen.write("xlsx")
    assert next(body) == b"", "a workbook is kept back until it is whole"
    [half] = shelf().current().spill.iterdir()
    body.close()
    assert not half.exists()
    details = receipt.details()
    assert (details["outcome"], details["bytes"]) == ("cut", 0)


def test_a_link_of_an_older_page_is_refused_with_a_reason(viewer):
    response = exports.respond(viewer("finance"), "payment_rows", QueryParams("extract=extract-older.duckdb"))
    assert response.status_code == 409
    assert b"Load the page again" in response.body


def test_an_unknown_form_is_no_file(viewer):
    for form in ("", "exe", "csv.exe"):
        assert exports.respond(viewer("finance"), "payment_rows", QueryParams(), form).status_code == 404


def test_a_named_export_is_kept_opened_and_forgotten(visit, data):
    at = visit(
        "finance", "exports", dataset="payment_rows", columns="amount,site", period="last-month", method=["card"]
    )
    assert at.multiselect(key="export_methods").options == ["Card", "Cash", "Financing", "HSA", "Not recorded"]
    assert "payment_rows.csv?period=last-month&amp;method=card&amp;" in html(at)
    at.text_input[0].set_value("Month-end payments")
    next(button for button in at.button if button.label == "Save").click().run()
    assert not at.exception
    again = visit("finance", "exports")
    next(button for button in again.button if button.label == "Month-end payments").click().run()
    assert again.multiselect(key="export_columns").value == ["amount", "site"]
    assert again.multiselect(key="export_methods").value == ["card"]
    assert again.selectbox(key="filter_period").value == "last-month"
    assert "Month-end payments" not in [button.label for button in visit("admin", "exports").button]
    again.button(key="remove_Month-end payments").click().run()
    assert "Month-end payments" not in [button.label for button in visit("finance", "exports").button]


def test_everything_on_a_page_is_chosen_shown_and_kept_like_any_dataset(visit, viewer, reader):
    for username in ("finance", "director", "manager.dallas"):
        offered = [one.name for one in packs.open_to(viewer(username)) if one.name in packs.PAGES]
        pages = [e.name for e in navigation.entries_for(viewer(username)) if packs.of_page(e.name)]
        assert offered == [f"page_{name}" for name in pages]
        assert 3 <= len(pages) < len(packs.PAGES)
    at = visit("finance", "exports", dataset="page_revenue", period="last-month", site=["dallas"], columns="site")
    assert not at.exception
    options = at.selectbox(key="export_dataset").options
    assert "Everything on the page Revenue" in options
    assert "Everything on the page Safety" not in options
    assert [box.key for box in at.multiselect if box.key.startswith("export_")] == []
    [shown] = [table.value for table in at.dataframe]
    address = {"period": ["last-month"], "site": ["dallas"]}
    tables = [exports.asked(reader("finance"), exports.DATASETS[name], address) for name in packs.of_page("revenue")]
    assert list(shown["title"]) == [table.dataset.title for table in tables]
    assert list(shown["rows"]) == [table.summary()[0] for table in tables]
    assert f"<b>{shown['rows'].sum():,}</b> rows. " in html(at)
    for form in ("zip", "xlsx"):
        assert f'href="/export/page_revenue.{form}?period=last-month&amp;site=dallas&amp;extract=extract-' in html(at)
    assert "page_revenue.csv" not in html(at)
    at.text_input[0].set_value("All of Revenue")
    next(button for button in at.button if button.label == "Save").click().run()
    again = visit("finance", "exports")
    next(button for button in again.button if button.label == "All of Revenue").click().run()
    assert not again.exception
    assert again.selectbox(key="export_dataset").value == "page_revenue"
    assert again.multiselect(key="filter_site").value == ["dallas"]
    # Somebody else's page falls to the first that is one's own.
    at = visit("finance", "exports", dataset="page_safety")
    assert at.selectbox(key="export_dataset").value == packs.open_to(viewer("finance"))[0].name


def test_past_exports_come_from_the_record(visit, data, file):
    from dashboard.screen import exports_page
    from dashboard.state.audit import Search

    _, response = file("finance", "payment_rows", "period=last-month&site=dallas")
    with Store.open(data, rounds=4) as store:
        store.audit.record("export", "finance", "payment_rows", **response.receipt.details())
        [entry, *_] = store.audit.search(Search(actor="finance", kinds=("export",)), 1)
    row = exports_page.past([entry]).iloc[0]
    assert row["sha256"] == response.receipt.details()["sha256"]
    assert row["link"].startswith(
        "/exports?dataset=payment_rows&period=custom&from=2026-09-01&to=2026-09-30&site=dallas"
    )
    at = visit("finance", "exports")
    assert not at.exception


def test_a_file_of_a_day_is_called_by_its_day(file):
    def name(dataset, query):
        return file("director", dataset, query)[1].headers["content-disposition"]

    assert "today_2026-09-14.csv" in name("today", "day=2026-09-14")
    assert "bookings_summary_2026-09-01_2026-09-14.csv" in name(
        "bookings_summary", "period=custom&from=2026-09-01&to=2026-09-14"
    )
