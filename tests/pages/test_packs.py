"""Files of several tables: everything on a page, and the month-end pack, as the export route answers them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile

import anyio
import pytest
from elements import html
from starlette.datastructures import QueryParams

from dashboard import access, exports, packs
from dashboard.navigation import ENTRIES
from dashboard.screen import closing
from dashboard.state import Store
from dashboard.state.closed_months import ClosedMonths
from tests.exports import workbook

PAGES = [entry.name for entry in ENTRIES if packs.of_page(entry.name)]


@pytest.fixture(scope="module")
def take(viewer, data):
    """Ask for a file as an account: the answer and its bytes."""

    def take(username, name, query, form="zip"):
        asked = {key: QueryParams(query).getlist(key) for key in QueryParams(query)}
        with Store.open(data, rounds=4) as store:
            response = packs.respond(viewer(username), store, name, form, asked)
        if not hasattr(response, "body_iterator"):
            return response, response.body

        async def whole():
            return b"".join([part async for part in response.body_iterator])

        return response, anyio.run(whole)

    return take


def files_of(body):
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("resource", PAGES)
def test_a_pages_file_is_for_those_who_see_the_page(take, viewer, resource):
    accounts = ("manager.dallas", "finance", "director", "admin")
    may = [username for username in accounts if access.allows(viewer(username), resource)]
    # One of those who may have it, since making it takes a second.
    for username in (may[0], *set(accounts).difference(may)):
        response, _ = take(username, f"page_{resource}", "period=28-days")
        assert response.status_code == (200 if username in may else 404), username


@pytest.mark.parametrize(("username", "resource"), [("manager.dallas", "safety"), ("finance", "revenue")])
def test_each_table_is_the_file_of_its_own_link(take, viewer, username, resource):
    """Small counts are hidden in it as on the page, since it is the same file."""
    query = "period=90-days&site=dallas"
    response, body = take(username, f"page_{resource}", query)
    found = files_of(body)
    said = json.loads(found.pop("receipt.json"))
    assert set(found) == {f"{name}.csv" for name in packs.of_page(resource)}
    rows = 0
    for name in packs.of_page(resource):
        answer = exports.respond(viewer(username), name, QueryParams(query))

        async def whole(answer=answer):
            return b"".join([part async for part in answer.body_iterator])

        own = anyio.run(whole)
        assert found[f"{name}.csv"] == own
        assert said["files"][f"{name}.csv"]["sha256"] == hashlib.sha256(own).hexdigest()
        rows += len(list(csv.reader(io.StringIO(own.decode("utf-8-sig"), newline="")))) - 1
    details = response.receipt.details()
    assert (details["rows"], details["outcome"]) == (rows, "complete")
    assert details["sha256"] == hashlib.sha256(body).hexdigest()
    assert details["filters"]["sites"] == ("dallas",)
    assert take(username, f"page_{resource}", query)[1] == body


def test_a_workbook_has_a_sheet_for_each_table(take, tmp_path):
    response, body = take("finance", "page_revenue", "period=last-month", "xlsx")
    assert "totals" not in response.receipt.details()
    path = tmp_path / "page.xlsx"
    path.write_bytes(body)
    found = workbook.sheets(path)
    *sheets, last = found
    assert last == "About this file"
    about = dict(found[last])
    # Each has the title of its table, as far as a sheet's name goes, and the whole of it is told.
    for name, sheet in zip(packs.of_page("revenue"), sheets, strict=True):
        title = exports.DATASETS[name].title
        start, _, end = sheet.partition("… ")
        assert title.startswith(start)
        assert title.endswith(end)
        assert len(sheet) <= 31
        assert about[f"Sheet {sheet}"] == f"{title}: {len(found[sheet]) - 1:,} rows"
    assert {"Invoiced, paid… service line", "Invoiced, paid and… by site"} <= set(sheets)
    assert take("finance", "page_revenue", "period=last-month", "xlsx")[1] == body


def test_the_month_end_pack_is_on_the_page_for_who_sees_money(take):
    response, body = take("finance", "month_end", "month=2026-09&site=dallas")
    assert response.headers["content-disposition"] == 'attachment; filename="month-end_2026-09_dallas.zip"'
    assert "bridge.csv" in files_of(body)
    assert response.receipt.details()["sha256"] == hashlib.sha256(body).hexdigest()
    assert take("manager.dallas", "month_end", "month=2026-09")[0].status_code == 404
    assert take("finance", "month_end", "month=1999-01")[0].status_code == 400
    assert take("finance", "month_end", "month=2026-09", "xlsx")[0].status_code == 404
    for name in ("page_", "page_no_such", "page_exports"):
        assert take("finance", name, "")[0].status_code == 404


def test_a_file_is_of_the_period_that_its_address_names_or_refused(take):
    """A page shows its usual period instead and says so; a program that reads a file would not notice."""
    for query, said in (
        ("period=last-mnth", b"There is no period last-mnth."),
        ("period=custom&from=09/01/2026&to=09/30/2026", b"'09/01/2026' is no day."),
        ("period=custom&from=2019-09-01&to=2019-09-30", b"nothing of the period asked for"),
    ):
        response, body = take("finance", "page_revenue", query)
        assert response.status_code == 400
        assert said in body
    assert take("finance", "page_revenue", "period=custom&from=2026-09-30&to=2026-09-01")[0].status_code == 200


def test_a_month_closed_at_some_sites_is_closed_at_the_others_on_the_page(visit, data):
    at = visit("finance", "revenue", period="last-month", site="dallas")
    at.session_state["month_end"] = True
    at = at.run()
    month = at.selectbox(key="month_end_month").value
    told = closing.month_text(month)
    at.button(key="month_end_close").click().run()
    at = visit("finance", "revenue", period="last-month")
    at.session_state["month_end"] = True
    at = at.run()
    assert at.success[0].value == f"Every figure of {told} is as it was closed at Dallas."
    assert at.button(key="month_end_close").label == f"Close {told} at Chicago, Miami Beach"
    at.button(key="month_end_close").click().run()
    assert not at.exception
    assert at.success[0].value == f"Every figure of {told} is as it was closed."
    assert [one for one in at.button if one.key == "month_end_close"] == []
    with Store.open(data, rounds=4) as store:
        months = ClosedMonths(store.by("finance"))
        assert [one.site for one in months.list(month)] == ["chicago", "dallas", "miami_beach"]
        months.reopen(month, ["chicago", "dallas", "miami_beach"], "For the next test")


def test_a_month_is_closed_and_opened_again_on_the_page(visit):
    at = visit("finance", "revenue", period="last-month")
    at.session_state["month_end"] = True
    at = at.run()
    assert not at.exception
    told = closing.month_text(at.selectbox(key="month_end_month").value)
    assert f"</a> {told}, Chicago, Dallas, Miami Beach" in html(at)
    assert at.button(key="month_end_close").label == f"Close {told}"
    at.button(key="month_end_close").click().run()
    assert not at.exception
    assert at.success[0].value == f"Every figure of {told} is as it was closed."
    closed = next(one.value for one in at.dataframe if "closed_by" in one.value)
    assert set(closed["month"]) == {told}
    assert set(closed["site"]) == {"Chicago", "Dallas", "Miami Beach"}
    at.text_input[0].set_value("too short")
    next(button for button in at.button if button.label == f"Open {told} again").click().run()
    assert "10 characters" in at.error[0].value
    at.text_input[0].set_value("The bank statement came late")
    next(button for button in at.button if button.label == f"Open {told} again").click().run()
    assert at.button(key="month_end_close")
