"""Files as the export route answers them: who gets which, with which rows, in which form."""

from __future__ import annotations

import csv
import io

import anyio
import pandas as pd
import pytest
from starlette.datastructures import QueryParams

from dashboard import access, exports, no_shows, warehouse
from dashboard.panels.column import Column
from dashboard.state.demo import DEMO_ACCOUNTS
from tests.csv_files import csv_text
from tests.facts import facts_of

#: One manager of one site stands for all of them: what differs is the site's name.
ACCOUNTS = {
    username: (role, sites)
    for username, _, role, sites in DEMO_ACCOUNTS
    if username not in {"manager.chicago", "manager.miami"}
}
YEAR = "period=12-months"
SITES = ("chicago", "dallas", "miami_beach")


@pytest.fixture(scope="module")
def take(viewer):
    """Ask for a file as an account: status and bytes."""

    def take(username, name, query=YEAR):
        response = exports.respond(viewer(username), name, QueryParams(query))
        if not hasattr(response, "body_iterator"):
            return response.status_code, response.body

        async def whole():
            return b"".join(
                [part if isinstance(part, bytes) else part.encode() async for part in response.body_iterator]
            )

        return response.status_code, anyio.run(whole)

    return take


@pytest.fixture(scope="module")
def facts(data, tmp_path_factory):
    """SQL on the extract's own tables."""
    [extract] = (data / "extracts").glob("extract-*.duckdb")
    with facts_of(extract, tmp_path_factory.mktemp("facts")) as ask:
        yield lambda sql, **values: ask(sql, **values).fetchall()


def table(body: bytes) -> list[dict[str, str]]:
    text = body.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("name", list(exports.DATASETS))
@pytest.mark.parametrize("username", list(ACCOUNTS))
def test_a_file_is_for_those_whose_role_may_have_it(take, viewer, username, name):
    status, body = take(username, name, "period=28-days")
    if access.allows(viewer(username), exports.DATASETS[name].resource):
        assert status == 200
        assert body.startswith(b"\xef\xbb\xbf")
        lines = body.split(b"\r\n")
        assert lines[-1] == b""
        assert len(lines) >= 2
    else:
        assert (status, body) == (404, b"There is no such file for this account.\n")


@pytest.mark.parametrize("name", ["", "bookings", "../today", "no_such", "patients"])
def test_what_is_no_file_is_refused_in_the_same_words(take, name):
    assert take("admin", name) == (404, b"There is no such file for this account.\n")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("site=closed-clinic", b"There is no site closed-clinic here. There is: chicago, dallas, miami_beach.\n"),
        ("site=dallas&site=closed-clinic", b"There is no site closed-clinic here."),
        ("line=dental", b"There is no line dental here. There is: ketamine, vitamin, hydration.\n"),
        ("band=12", b"There is no band 12 here."),
        ("columns=amount,tip", b"There is no column tip here."),
        ("dataset=invoice_rows", b"There is no dataset invoice_rows here. There is: payment_rows.\n"),
        ("date=booked", b"There is no date booked here. There is: payment, service.\n"),
        ("effect=nothing", b"There is no effect nothing here. There is: "),
        ("figure=nothing", b"There is no figure nothing here. There is: "),
        ("compare=site-closed-clinic", b"There is no compare site-closed-clinic here. There is: none, previous"),
        ("also=nothing", b"There is no also nothing here."),
        ("by=hour", b"There is no by hour here. There is: auto, day, week, month.\n"),
        ("no-shows=all", b"There is no no-shows all here."),
        ("start=2026-10-01&end=2026-10-02", b"There is no parameter start, end of this file. There is: period, from"),
        ("start=", b"There is no parameter start of this file."),
        ("Site=dallas", b"There is no parameter Site of this file."),
        ("sites=dallas", b"There is no parameter sites of this file."),
        ("methods=card", b"There is no parameter methods of this file."),
        ("from=2026-10-01&to=2026-10-02", b"Days from and to go with the period custom"),
        ("period=7-days", b"There are several values of period, which has one.\n"),
        ("date=service&date=payment", b"There are several values of date, which has one.\n"),
    ],
)
def test_a_file_of_what_is_gone_or_misspelt_is_refused_and_never_of_everything(take, query, said):
    """An address that a spreadsheet has kept, of a site that was closed since, or whose reader takes it for narrower."""
    status, body = take("finance", "payment_rows", f"{YEAR}&{query}")
    assert (status, body.startswith(said)) == (400, True), body[:200]


def test_a_filter_that_a_file_does_not_have_is_refused(take):
    status, body = take("director", "booking_rows", f"{YEAR}&method=card")
    assert (status, body) == (400, b"There is no method card here. There is: none.\n")


@pytest.mark.parametrize(
    ("day", "said"),
    [("2026-99-99", b"'2026-99-99' is no day."), ("2031-01-01", b"The extract holds ")],
)
def test_a_file_of_one_day_is_never_of_another(take, day, said):
    of_day = next(name for name, dataset in exports.DATASETS.items() if dataset.of_day)
    status, body = take("director", of_day, f"day={day}")
    assert (status, body.startswith(said)) == (400, True), body[:200]
    # One that isn't of a day has none to get wrong: a page's links carry it along.
    assert take("director", "booking_rows", f"period=7-days&day={day}")[0] == 200


def test_what_pages_put_into_addresses_is_taken(take, viewer):
    """Every parameter that a filter bar and the page Exports write, in one address."""
    query = (
        "period=custom&from=2026-10-01&to=2026-10-07&day=2026-10-05&compare=last-year&also=site-dallas&site=chicago"
        "&site=dallas&line=ketamine&band=18-25&by=week&effect=nausea&no-shows=headline&part=1&dataset=payment_rows"
        "&method=card&columns=paid_at,amount&date=service"
    )
    query = query.replace("headline", next(iter(no_shows.DEFINITIONS)))
    status, body = take("finance", "payment_rows", query)
    assert status == 200, body
    assert list(table(body)[0]) == ["Paid at", "Amount USD"]


def test_a_site_is_known_by_its_key_as_well_as_by_its_word_in_addresses(take):
    """Receipts and files name it so."""
    by_key = take("finance", "payment_rows", f"{YEAR}&site=miami_beach")
    assert by_key == take("finance", "payment_rows", f"{YEAR}&site=miami-beach")
    assert {row["Site"] for row in table(by_key[1])} == {"miami_beach"}


@pytest.mark.parametrize("name", list(exports.DATASETS))
@pytest.mark.parametrize("username", [u for u in ACCOUNTS if u.startswith("manager.")])
def test_no_address_brings_another_sites_rows_into_a_file(take, username, name):
    own = ACCOUNTS[username][1]
    forged = "&".join(f"site={site}" for site in (*SITES, "miami-beach"))
    _, body = take(username, name, f"{YEAR}&{forged}")
    # A reason for a rejected row lists the sites that a file may name.
    text = body.decode().replace("chicago, dallas, miami_beach", "").lower()
    assert [site for site in SITES if site not in own and site.split("_")[0] in text] == []


def test_the_rows_of_bookings_are_the_facts(take, facts):
    _, body = take("director", "booking_rows", "period=custom&from=2026-09-01&to=2026-09-30&site=dallas")
    rows = table(body)
    period = {"start": "2026-09-01", "end": "2026-09-30"}
    where = "from bookings where site = 'dallas' and starts_on between $start::date and $end::date"
    [(count, cents, minutes)] = facts(f"select count(*), sum(price_cents), sum(chair_minutes) {where}", **period)
    assert len(rows) == count > 100
    assert sum(round(float(row["Price USD"]) * 100) for row in rows if row["Price USD"]) == cents
    assert sum(int(row["Chair minutes"]) for row in rows) == minutes
    ids = {row["Booking"] for row in rows}
    assert ids == {booking for (booking,) in facts(f"select booking_id {where}", **period)}
    assert {row["Site"] for row in rows} == {"dallas"}


def test_payments_tie_out_to_the_cent_and_are_by_payment_date(take, facts):
    _, body = take("finance", "payment_rows", "period=custom&from=2026-08-01&to=2026-10-31")
    rows = table(body)
    [(count, cents)] = facts(
        "select count(*), sum(amount_cents) from payments where paid_on between '2026-08-01' and '2026-10-31'"
    )
    assert len(rows) == count > 100
    assert sum(int(row["Amount USD"].replace(".", "")) for row in rows) == cents
    assert min(row["Paid at"] for row in rows) >= "2026-08-01"
    assert max(row["Paid at"] for row in rows) < "2026-11-01"


def test_side_effects_with_patients_are_for_the_medical_director_alone(take, facts):
    _, body = take("director", "side_effect_rows", "period=custom&from=2026-01-01&to=2026-06-30")
    [(count,)] = facts("select count(*) from side_effects where starts_on between '2026-01-01' and '2026-06-30'")
    assert len(table(body)) == count > 100
    assert [take(username, "side_effect_rows")[0] for username in ("manager.chicago", "finance", "admin")] == [
        404
    ] * 3


def test_a_file_in_many_parts_is_the_file_in_one(take, viewer, monkeypatch):
    _, whole = take("director", "booking_rows")
    monkeypatch.setattr(warehouse, "BATCH_ROWS", 2048)
    response = exports.respond(viewer("director"), "booking_rows", QueryParams(YEAR))

    async def parts():
        return [part async for part in response.body_iterator]

    found = anyio.run(parts)
    assert len(found) > 3
    assert b"".join(found) == whole


def test_text_is_made_harmless_and_numbers_are_left_alone():
    frame = pd.DataFrame(
        {
            "text": ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "plain", 'a "quote", and\r\na line', None, "é 12–17"],
            "number": [-1.5, 2, 0.1, 1e-7, float("nan"), -0.25, 3, 4, 5, 6],
            "money": [-475.0, 0.1 + 0.2, 1e9, 0, float("nan"), 0.005, 1, 2, 3, 4],
        }
    )
    columns = (Column("text", "=Title"), Column("number", "N", "decimal"), Column("money", "US$", "dollars"))
    content = csv_text(columns, iter([frame]))
    rows = list(csv.reader(io.StringIO(content.removeprefix("\ufeff"), newline="")))
    assert rows[0] == ["'=Title", "N", "US$"]
    assert [row[0] for row in rows[1:]] == [
        "'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "plain", 'a "quote", and\r\na line', "", "é 12–17",
    ]  # fmt: skip
    assert [row[1] for row in rows[1:5]] == ["-1.5", "2.0", "0.1", "1e-07"]
    assert [float(row[1]) for row in rows[1:] if row[1]] == [v for v in frame["number"] if v == v]
    assert [row[2] for row in rows[1:4]] == ["-475.00", "0.30", "1000000000.00"]


def test_a_file_is_named_by_what_it_holds(viewer):
    response = exports.respond(viewer("finance"), "payment_rows", QueryParams("period=last-month"))
    assert (
        response.headers["content-disposition"]
        == 'attachment; filename="payment_rows_by_payment_date_2026-09-01_2026-09-30.csv"'
    )
    assert response.headers["cache-control"] == "no-store"
