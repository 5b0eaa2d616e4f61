"""What people do on the real server, and what stands on record of it."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import hashlib
import http.client
import io
import re
import socket
import struct
import time

import pytest
from server_harness import ACCOUNTS, PASSWORD, add_accounts, dashboard_server

from dashboard.access import Role, Viewer
from dashboard.intake import demo, publish
from dashboard.state.audit import Search
from dashboard.state.export_tokens import ExportTokens
from dashboard.state.register import Register
from tests.demo_extract import add_extract


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The dashboard with a small extract and an account of each role."""
    data = tmp_path_factory.mktemp("data")
    add_extract(data)
    add_accounts(data)
    with dashboard_server(data, DASHBOARD_WORKBOOK_CELLS="1000") as server:
        yield server


@pytest.fixture
def store(server):
    with server.store() as store:
        yield store


@pytest.fixture
def since(store):
    """What is on record since the test began, oldest first, once there are so many entries."""
    before = store.audit.head().entries

    def since(number, *kinds, text=""):
        end = time.monotonic() + 10
        while True:
            found = [entry for part in store.audit.stream(Search(kinds=kinds, text=text)) for entry in part]
            new = [entry for entry in reversed(found) if entry.number > before]
            if len(new) >= number or time.monotonic() > end:
                return new
            time.sleep(0.05)

    return since


def take(server, cookie, path):
    return server.request("GET", f"/export/{path}", Cookie=cookie)


def look(server, cookie, *queries, automatic=False):
    """Open the first page, and then its other addresses in the same window."""
    with server.stream(cookie) as stream:
        for query in queries:
            stream.send_rerun(query=query, automatic=automatic)
            list(stream.messages())


def test_signing_in_and_out(server, since):
    cookie = server.sign_in("ada")
    assert server.request("GET", "/logout", Cookie=cookie).status == 303
    first, second = since(2)
    assert (first.kind, first.actor) == ("sign_in", "ada")
    assert first.details == {"address": "127.0.0.1", "browser": "Another browser", "means": "password"}
    assert (second.kind, second.actor) == ("sign_out", "ada")


def test_failed_sign_ins_name_accounts_and_never_what_else_was_typed(server, since, store):
    server.login("dan", "wrong password")
    server.login("my secret by mistake", "wrong password")
    for _ in range(5):
        server.login("dan", "wrong password")
    found = since(7)
    assert [entry.kind for entry in found] == ["sign_in_failed"] * 7
    assert [entry.actor for entry in found] == ["dan", "(unknown)", *["dan"] * 5]
    assert [entry.details["reason"] for entry in found[:6]] == ["wrong name or password"] * 6
    assert found[6].details["reason"] == "too many attempts"
    assert store.audit.count(Search(text="secret")) == store.audit.count(Search(text="wrong password")) == 0
    server.sql("delete from brakes")


def test_who_keeps_asking_does_not_fill_the_record(server, store):
    """From one address, the first of those that have to wait tell that there is somebody."""
    address = {"X_Forwarded_For": "203.0.113.66"}
    before = store.audit.count(Search(kinds=("sign_in_failed",)))
    statuses = [server.login("nobody", "wrong password", **address).status for _ in range(60)]
    assert statuses == [401] * 5 + [429] * 55
    assert store.audit.count(Search(kinds=("sign_in_failed",))) - before == 5 + 20
    # Others' attempts, and those that are tried, are on record as ever.
    for username in ("nobody", "dan"):
        server.login(username, "wrong password", X_Forwarded_For="203.0.113.67")
    assert store.audit.count(Search(kinds=("sign_in_failed",))) - before == 5 + 20 + 2
    server.sql("delete from brakes")


def test_a_page_is_on_record_once_for_each_load_and_each_change(server, since):
    cookie = server.sign_in("dan")
    everywhere = ["chicago", "dallas", "miami_beach"]
    look(server, cookie, "", "", "site=dallas", "site=dallas", "site=dallas&day=2026-10-01")
    look(server, cookie, "")
    found = since(4, "view")
    assert [(entry.actor, entry.subject) for entry in found] == [("dan", "today")] * 4
    assert [entry.details["sites"] for entry in found] == [everywhere, ["dallas"], ["dallas"], everywhere]
    assert found[2].details["day"] == "2026-10-01"
    assert all(entry.details["day"] and entry.details["extract"].endswith(".duckdb") for entry in found)


def test_what_was_refused(server, since):
    cookie = server.sign_in("eve")
    assert server.request("GET", "/safety", Cookie=cookie, Accept="text/html").status == 404
    assert take(server, cookie, "side_effect_rows.csv").status == 404
    assert take(server, cookie, "no_such_file.csv").status == 404
    with pytest.raises(Exception, match="403"), server.stream(cookie, Origin="https://elsewhere.example"):
        pass
    found = since(4, "denied")
    assert {entry.actor for entry in found} == {"eve"}
    subjects = ["page safety", "file side_effect_rows", "file no_such_file", "websocket"]
    assert [entry.subject for entry in found] == subjects
    assert found[3].details == {"origin": "https://elsewhere.example"}


def test_another_sites_name_in_the_address(server, since):
    cookie = server.sign_in("max")
    look(server, cookie, "site=dallas&site=miami-beach")
    answer = take(server, cookie, "booking_rows.csv?site=dallas")
    assert answer.status == 200
    denied = since(2, "denied")
    assert [(entry.actor, entry.subject) for entry in denied] == [("max", "page today"), ("max", "file booking_rows")]
    assert [entry.details["sites"] for entry in denied] == [["dallas", "miami_beach"], ["dallas"]]
    [seen] = since(1, "view")
    assert seen.details["sites"] == ["chicago"]
    [taken] = since(1, "export")
    assert taken.details["filters"]["sites"] == ["chicago"]


def test_a_file_is_on_record_with_all_that_left(server, since):
    cookie = server.sign_in("dan")
    body = take(server, cookie, "booking_rows.csv?period=90-days&site=dallas&line=ketamine").body
    [entry] = since(1, "export")
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))
    assert (entry.actor, entry.subject) == ("dan", "booking_rows")
    assert entry.details["sha256"] == hashlib.sha256(body).hexdigest()
    assert (entry.details["rows"], entry.details["bytes"]) == (len(rows), len(body))
    assert len(rows) > 100
    assert entry.details["outcome"] == "complete"
    assert entry.details["filters"]["sites"] == ["dallas"]
    assert entry.details["filters"]["lines"] == ["ketamine"]
    assert entry.details["filters"]["from"] < min(row["Start"] for row in rows)
    assert entry.details["extract"].endswith(".duckdb")


def test_a_workbook_of_too_many_cells_is_refused_with_the_reason_and_nothing_of_it_is_called_complete(server, since):
    cookie = server.sign_in("dan")
    for path in ("booking_rows.xlsx?period=12-months", "page_age_groups.xlsx?period=12-months"):
        answer = take(server, cookie, path)
        assert answer.status == 413, path
        said = re.fullmatch(
            r"([\d,]+) cells are too many for an Excel workbook, which takes 1,000 here\. Take another form .*\n",
            answer.body.decode(),
        )
        assert int(said[1].replace(",", "")) > 1_000
    whole = [
        take(server, cookie, path)
        for path in ("booking_rows.csv?period=12-months", "booking_rows.xlsx?period=7-days&columns=booking_id,site")
    ]
    assert [answer.status for answer in whole] == [200, 200]
    taken = since(2, "export")
    assert [(e.details["form"], e.details["outcome"], e.details["sha256"]) for e in taken] == [
        (form, "complete", hashlib.sha256(answer.body).hexdigest())
        for form, answer in zip(("csv", "xlsx"), whole, strict=True)
    ]
    assert list((server.data / "spill").iterdir()) == []


def test_no_patient_is_on_record(server, store):
    cookie = server.sign_in("dan")
    rows = list(csv.DictReader(io.StringIO(take(server, cookie, "booking_rows.csv").body.decode("utf-8-sig"))))
    words = {row[column] for row in rows for column in ("Patient", "Booking")}
    entries = [entry for part in store.audit.stream(Search()) for entry in part]
    told = {word.strip("\"',:;[]{}") for entry in entries for word in f"{entry.subject} {entry.text}".split()}
    assert len(words) > 500
    assert len(told) > 50
    assert words & told == set()
    log = server.output.read_text()
    assert not any(word in log for word in words)


@pytest.mark.parametrize("username", ACCOUNTS)
def test_the_record_is_for_administrators_and_the_medical_director(server, username):
    cookie = server.sign_in(username)
    expected = 200 if username in {"ada", "dan"} else 404
    assert server.request("GET", "/audit", Cookie=cookie, Accept="text/html").status == expected
    answer = take(server, cookie, "audit.csv")
    assert answer.status == expected
    assert expected == 200 or answer.body == b"There is no such file for this account.\n"


def test_the_records_own_file(server, since, store):
    store.audit.record("signal", "=cmd()", "+1", rationale="@sum(a1)")
    cookie = server.sign_in("ada")
    answer = take(server, cookie, "audit.csv?kind=signal&days=7-days")
    [row] = csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig")))
    assert (row["Person"], row["Of what"], row["Details"]) == ("'=cmd()", "'+1", "rationale @sum(a1)")
    assert len(row["Seal"]) == 64
    [entry] = since(1, "export", text="signal")
    assert (entry.actor, entry.subject, entry.details["rows"]) == ("ada", "audit", 1)
    assert entry.details["sha256"] == hashlib.sha256(answer.body).hexdigest()
    assert entry.details["filters"]["kinds"] == ["signal"]


@pytest.mark.parametrize("username", ACCOUNTS)
def test_printed_documents_are_for_administrators_and_the_medical_director(server, username):
    cookie = server.sign_in(username)
    expected = 200 if username in {"ada", "dan"} else 404
    # A month that isn't there is told only to who may ask.
    answer = take(server, cookie, "safety_review.pdf?month=1999-01")
    assert answer.status == (400 if expected == 200 else 404)
    for path in ("signal-1.html", "signal-0.pdf", "signal-1.docx", "today.pdf", "safety_review.html.pdf"):
        assert take(server, cookie, path).status == 404


def test_a_review_and_a_dossier_are_on_record_with_all_that_left(server, since, store):
    cookie = server.sign_in("dan")
    answer = take(server, cookie, "safety_review.pdf?month=2026-09&site=dallas")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.body.startswith(b"%PDF-")
    [entry] = since(1, "export")
    assert (entry.actor, entry.subject) == ("dan", "safety_review")
    assert entry.details["sha256"] == hashlib.sha256(answer.body).hexdigest()
    assert entry.details["bytes"] == len(answer.body)
    assert entry.details["filters"] == {"from": "2026-09-01", "to": "2026-09-30", "sites": ["dallas"]}
    copy = {
        "site_name": "Dallas", "reading": "41 of 700", "filters": {"from": "2026-09-01", "to": "2026-09-30"},
        "extract": {"name": "x.duckdb", "sha256": "ab", "last_full_day": "2026-10-30", "demo": True},
        "definitions_version": "1", "false_alarms_a_year": 1.0, "panels": [],
        "figures": {"title": "Series", "columns": [["observed", "Observed", "count"]], "rows": [[41]]},
    }  # fmt: skip
    director = Viewer("dan", "Dan", Role.MEDICAL_DIRECTOR)
    due = dt.date(2100, 1, 1)
    number = Register(store).open(director, "dallas|nausea|ketamine||", "Nausea", copy, "More than before.", due)
    page = take(server, cookie, f"signal-{number}.html")
    assert "More than before." in page.body.decode()
    assert take(server, server.sign_in("max"), f"signal-{number}.html").status == 404
    denied = since(1, "denied")[-1]
    assert (denied.actor, denied.subject) == ("max", f"file signal-{number}")


def test_a_huddle_is_on_record_and_is_of_ones_own_site(server, since):
    cookie = server.sign_in("dan")
    answer = take(server, cookie, "morning_huddle.pdf?day=2026-09-30&site=dallas")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
    [entry] = since(1, "export")
    assert (entry.actor, entry.subject) == ("dan", "morning_huddle")
    assert entry.details["sha256"] == hashlib.sha256(answer.body).hexdigest()
    assert entry.details["filters"] == {"day": "2026-09-30", "sites": ["dallas"]}
    refused = take(server, server.sign_in("max"), "morning_huddle.pdf?site=dallas")
    assert (refused.status, refused.body) == (400, b"A huddle is of one site. Sites: chicago.\n")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("safety_review.html?month=2026-09&sites=dallas", b"There is no parameter sites of this file. There is: month, "),
        ("safety_review.html?month=2026-09&month=2026-08", b"There are several values of month, which has one.\n"),
        ("morning_huddle.html?site=dallas&date=2026-09-30", b"There is no parameter date of this file. There is: day, "),
        ("audit.csv?kind=exports", b"There is no kind exports here. There is: "),
        ("audit.csv?days=90-days", b"There is no days 90-days here. There is: 1-day, 7-days, 30-days, 365-days, ever.\n"),
        ("audit.csv?from=2026-09-01", b"There is no parameter from of this file. There is: person, kind, days, text, "),
    ],
)  # fmt: skip
def test_a_misspelt_filter_of_a_document_or_the_record_is_refused(server, path, said):
    answer = take(server, server.sign_in("dan"), path)
    assert (answer.status, answer.body.startswith(said)) == (400, True), answer.body[:200]


def test_the_record_is_taken_by_several_kinds(server):
    answer = take(
        server, server.sign_in("dan"), "audit.csv?kind=export&kind=denied&days=7-days&person=dan&text=review"
    )
    assert answer.status == 200
    assert b"safety_review" in answer.body


def test_all_of_it_holds(store):
    verdict = store.audit.verify(store.audit.head())
    assert verdict.fault is None
    assert verdict.entries > 30


def test_passwords_and_tokens_are_not_on_record(server, store):
    token = server.sign_in("ada").partition("=")[2]
    assert store.audit.count(Search(text=token)) == store.audit.count(Search(text=PASSWORD)) == 0


def test_a_file_that_the_browser_broke_off_is_on_record_as_cut(server, since, store):
    for _ in range(11_000):
        store.audit.record_later("view", "kim", "today", filler="x" * 1_000)
    store.audit.flush()
    cookie = server.sign_in("ada")
    with socket.socket() as browser:
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        browser.connect(("127.0.0.1", server.port))
        request = f"GET /export/audit.csv HTTP/1.1\r\nHost: {server.host}\r\nCookie: {cookie}\r\n\r\n"
        browser.sendall(request.encode())
        assert browser.recv(1000).startswith(b"HTTP/1.1 200")
        # Away at once, without reading on.
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    [cut] = since(1, "export")
    assert (cut.actor, cut.details["outcome"]) == ("ada", "cut")
    assert cut.details["rows"] in (0, 5_000, 10_000)
    assert cut.details["bytes"] < 11_000_000


@pytest.mark.parametrize("path", ["no_show_trend.csv", "no_show_trend.parquet", "audit.csv"])
def test_no_whole_file_leaves_that_cannot_be_put_on_record(server, path):
    """As on a full disk; here the head of the record is not what its key signed."""
    cookie = server.sign_in("ada")
    before = take(server, cookie, path)
    assert before.status == 200
    [(signature,)] = server.sql("select signature from audit_head")
    server.sql("update audit_head set signature = ?", "another's")
    try:
        with pytest.raises(http.client.IncompleteRead) as cut:
            take(server, cookie, path)
        assert len(cut.value.partial) < len(before.body)
    finally:
        server.sql("update audit_head set signature = ?", signature)
    assert take(server, cookie, path).status == 200


def test_a_token_takes_its_datasets_at_its_sites_and_nothing_else(server, since, store):
    tokens = ExportTokens(store)
    store.add_user("lou", Role.FINANCE, PASSWORD)
    token = tokens.issue("lou", "Sheet", ["payment_rows"], ["dallas"])
    bearer = {"Authorization": f"Bearer {token}"}
    basic = {"Authorization": "Basic " + base64.b64encode(f"any:{token}".encode()).decode()}
    for headers in (bearer, basic):
        answer = server.request(
            "GET", "/export/payment_rows.csv?period=12-months&site=dallas&site=chicago", **headers
        )
        assert answer.status == 200
        rows = list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"), newline="")))
        assert {row["Site"] for row in rows} == {"dallas"}
    assert server.request("GET", "/export/invoice_rows.csv", **bearer).status == 404
    assert server.request("GET", "/revenue", **bearer).status == 401
    assert server.request("GET", "/session", **bearer).status == 401
    found = since(3, "export", "denied")
    taken = [entry for entry in found if entry.kind == "export"]
    assert [(entry.actor, entry.details["token"], entry.details["outcome"]) for entry in taken] == [
        ("lou", "Sheet", "complete")
    ] * 2
    assert hashlib.sha256(answer.body).hexdigest() == taken[1].details["sha256"]
    assert ("lou", "file invoice_rows") in {(e.actor, e.subject) for e in found if e.kind == "denied"}
    for end in (
        lambda: store.set_role("lou", Role.FINANCE, ["miami_beach"]),
        lambda: store.disable("lou"),
        lambda: ExportTokens(store).revoke(tokens.list("lou")[0].key),
    ):
        fresh = {"Authorization": f"Bearer {tokens.issue('lou', 'Next', ['payment_rows'], None)}"}
        assert server.request("GET", "/export/payment_rows.csv", **fresh).status == 200
        end()
        assert server.request("GET", "/export/payment_rows.csv", **fresh).status == 401
        store.enable("lou")
    statuses = [
        server.request("GET", "/export/payment_rows.csv", Authorization=f"Bearer dsh_{i}").status for i in range(25)
    ]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    assert server.login("dan", PASSWORD).status == 303


def test_a_file_is_whole_from_the_extract_it_began_with(server, since, tmp_path):
    """A reader so slow that another extract is in use before the file is done."""
    cookie = server.sign_in("ada")
    query = "GET /export/booking_rows.csv?period=12-months HTTP/1.1\r\nHost: x\r\nCookie: " + cookie
    with socket.create_connection(("127.0.0.1", server.port)) as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.sendall(query.encode() + b"\r\nConnection: close\r\n\r\n")
        raw = reader.recv(2048)
        demo.write_delivery(tmp_path / "delivery", years=1, bookings=500)
        publish.import_delivery(tmp_path / "delivery", server.data, rules=publish.Rules(accept_drop=True))
        # Slow no longer: the other extract is in use.
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        if hasattr(socket, "TCP_WINDOW_CLAMP"):
            # Linux keeps the window at what it was when the connection was slow.
            reader.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, 1 << 20)
        while part := reader.recv(65536):
            raw += part
    [entry] = since(1, "export")
    body, rest = b"", raw.split(b"\r\n\r\n", 1)[1]
    while rest:
        size, rest = rest.split(b"\r\n", 1)
        body, rest = body + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    assert hashlib.sha256(body).hexdigest() == entry.details["sha256"]
    assert entry.details["outcome"] == "complete"
    assert body.count(b"\r\n") - 1 == entry.details["rows"] > 3_000
