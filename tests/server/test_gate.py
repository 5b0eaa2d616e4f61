"""Attacks on a running server: what comes without a session, or with a false one."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from server_harness import NAVIGATION, PASSWORD, probe_server
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from dashboard import navigation
from dashboard.access import Role
from dashboard.serving import gate
from dashboard.state import session_key
from dashboard.state.open_sessions import OpenSessions
from dashboard.state.resets import Resets
from dashboard.state.sealing import Seal
from dashboard.state.second_factor import SecondFactors

PROTECTED = [
    "/",
    "/?page=today",
    *(f"/{entry.name}" for entry in navigation.ENTRIES),
    "/_stcore/health",
    "/_stcore/host-config",
    "/_stcore/metrics",
    "/_stcore/script-health-check",
    "/_stcore/stream",
    "/_stcore/upload_file/a/b",
    "/_stcore/agent/openapi.json",
    "/_stcore/agent/interact",
    "/_stcore/agent/mcp",
    "/_stcore/bidi-components/a/b.js",
    "/media/0000.csv",
    "/component/a/index.html",
    "/static/index.html",
    "/favicon.png",
    "/index.html",
    "/manifest.json",
    "/auth/login",
    "/oauth2callback",
    "/export/bookings.csv",
    "/session",
    "/session.js",
    "/style.css",
    "/logout",
    # Almost the open paths
    "/login/",
    "/login//style.css",
    "/login/../",
    "/login/style.css/../../",
    "/login%2f..%2fsession",
    "/Login",
    "/healthz/",
    "/healthz/../session",
    "//healthz",
    "/login;/",
    "/%6cogin/x",
    "/login%00",
    "/login/code/",
    "/login/reset/../../today",
    "/oidc/",
    "/oidc/callback/",
    # Other spellings of what is there
    "//today",
    "/./today",
    "/%2e/today",
    "/%2e%2e/today",
    "/login/%2e%2e/today",
    "/today.",
    "/today%20",
    "/today/",
    "/TODAY",
    "/%74oday",
    "/today%3Fsite=dallas",
    "/export/bookings.csv.",
    "/export/../export/bookings.csv",
    "/EXPORT/bookings.csv",
    "/_STCORE/health",
    "/_stcore//health",
    "/second-factor",
]


@pytest.mark.parametrize("path", PROTECTED)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_is_served_without_a_session(server, method, path):
    answer = server.request(method, path)
    assert (answer.status, answer.body) == (401, b"")
    answer = server.request(method, path, **NAVIGATION)
    assert answer.status in {303, 401}
    assert answer.body == b""
    assert answer.status == 401 or answer.headers["Location"].startswith("/login")


@pytest.mark.parametrize("method", ["PATCH", "TRACE", "CONNECT", "PROPFIND", "get", "GETPOST"])
def test_odd_methods_are_no_way_in(server, method):
    for path in ("/", "/today", "/export/bookings.csv", "/_stcore/health", "/session", *gate.OPEN):
        answer = server.request(method, path)
        assert answer.status in {400, 401}, path
        assert answer.status == 400 or answer.body == b"", path


def test_only_what_is_listed_is_open_and_leads_no_further(server):
    """Of an open path, too, only the methods that are listed: Streamlit would answer to others."""
    for path, open_methods in gate.OPEN.items():
        for method in {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} - open_methods:
            answer = server.request(method, path)
            assert (answer.status, answer.body) == (401, b""), (method, path)
        for method in open_methods:
            answer = server.request(method, path)
            assert answer.status in {200, 303, 403, 503}, (method, path)
            assert b"session.js" not in answer.body


@pytest.mark.parametrize(
    "target",
    ["http://{host}/today", "http://{host}/login/../today", "http://evil.example/login", "/login/..;/today", "*"],
)
def test_odd_request_lines_are_no_way_in(server, target):
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        line = f"GET {target.format(host=server.host)} HTTP/1.1"
        connection.sendall(f"{line}\r\nHost: {server.host}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    assert status in {303, 400, 401} or b"Sign in" in body
    assert b"session.js" not in body


def test_a_restart_forgets_neither_sessions_nor_failures(server):
    """The first requests to a process that has served nobody yet."""
    ada, eve = server.sign_in("ada"), server.sign_in("eve")
    _log_out(server, eve)
    assert [server.login("max", "wrong password").status for _ in range(5)] == [401] * 5
    with probe_server(server.data) as again:
        for path in ("/today", "/export/bookings.csv", "/media/0000.csv"):
            assert again.request("GET", path).body == b""
        with pytest.raises(InvalidStatus), again.stream(eve):
            pass
        assert again.request("GET", "/export/bookings.csv", Cookie=eve).status == 401
        assert again.login("max").status == 429
        assert again.request("GET", "/session", Cookie=ada).status == 200


@pytest.mark.parametrize(
    "cookie",
    [
        "dashboard_session=",
        "dashboard_session=guess",
        "dashboard_session=" + session_key("guess"),
        "__Host-dashboard_session=guess",
        'dashboard_session="\' or 1=1 --"',
        "dashboard_session=" + "x" * 8000,
    ],
)
def test_a_false_cookie_is_no_session(server, cookie):
    assert server.request("GET", "/", Cookie=cookie).status == 401


def test_the_key_that_streamlit_knows_is_no_cookie(server):
    token = server.sign_in("ada").partition("=")[2]
    assert server.request("GET", "/session", Cookie=f"dashboard_session={token}").status == 200
    assert server.request("GET", "/session", Cookie=f"dashboard_session={session_key(token)}").status == 401


def test_a_plain_cookie_does_not_count_under_tls(server):
    cookie = server.sign_in("ada")
    assert server.request("GET", "/session", Cookie=cookie, X_Forwarded_Proto="https").status == 401


def test_the_signed_in_are_served(server):
    cookie = server.sign_in("ada")
    page = server.request("GET", "/safety?site=dallas", Cookie=cookie, **NAVIGATION)
    assert page.status == 200
    assert b'src="/session.js"' in page.body
    assert server.request("GET", "/_stcore/health", Cookie=cookie).body == b"ok"
    assert server.request("GET", "/export/no-such.csv", Cookie=cookie).status == 404


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
def test_of_streamlits_own_routes_only_what_pages_need_is_served(server, method):
    """Its page for unknown paths lacks the watch over the session, its other routes serve no page of ours."""
    cookie = server.sign_in("ada")
    others = [path for path in PROTECTED if path.startswith(("/_stcore/", "/auth", "/component", "/static/index"))]
    others += ["/index.html", "/openapi.json", "/x/today", "/static/js/nothing.js", "/static/js/", "/export/bookings"]
    kept = {"/_stcore/health", "/_stcore/host-config"}
    for path in {*others} - kept:
        answer = server.request(method, path, Cookie=cookie, **NAVIGATION)
        assert answer.status == 404
        if method == "GET":
            # A person's wrong link: a page of ours with the way back, and nothing of Streamlit's.
            assert f"There is no page “{path[1:]}” for your account." in answer.body.decode(), path
            assert b"<script" not in answer.body
            plain = server.request(method, path, Cookie=cookie)
            assert (plain.status, plain.body) == (404, b"There is nothing here.\n"), path
        else:
            assert answer.body == b"There is nothing here.\n", path
    with (
        pytest.raises(InvalidStatus),
        connect(
            f"ws://{server.host}/_stcore/agent/mcp", additional_headers={"Origin": server.origin, "Cookie": cookie}
        ),
    ):
        pass


def test_the_first_page_is_at_the_root(server):
    cookie = server.sign_in("ada")
    answer = server.request("GET", "/today?site=dallas&day=2026-08-11", Cookie=cookie, **NAVIGATION)
    assert (answer.status, answer.headers["Location"]) == (303, "/?site=dallas&day=2026-08-11")
    assert server.request("GET", "/bookings", Cookie=server.sign_in("eve"), **NAVIGATION).headers["Location"] == "/"


@pytest.mark.parametrize(("username", "page"), [("eve", "safety"), ("eve", "today"), ("ada", "nowhere")])
def test_a_page_that_is_not_the_accounts_is_not_there(server, username, page):
    answer = server.request("GET", f"/{page}", Cookie=server.sign_in(username), **NAVIGATION)
    assert answer.status == 404
    assert f"There is no page “{page}” for your account." in answer.body.decode()


# --- websocket -------------------------------------------------------------------------------


@pytest.mark.parametrize("cookie", [None, "dashboard_session=guess"])
def test_no_websocket_without_a_session(server, cookie):
    forged = {"X_Dashboard_User": "ada", "X_Dashboard_Session": "0" * 64}
    with pytest.raises(InvalidStatus) as refused, server.stream(cookie, **forged):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://localhost:8501",
        "null",
        "http://127.0.0.1.evil.example",
        "file://",
    ],
)
def test_no_websocket_for_a_foreign_origin(server, origin):
    cookie = server.sign_in("ada")
    with pytest.raises(InvalidStatus) as refused, server.stream(cookie, Origin=origin):
        pass
    assert refused.value.response.status_code == 403


def test_the_page_knows_who_is_looking(server):
    with server.stream(server.sign_in("max")) as stream:
        assert stream.run()[1].strip() == "viewer=max owner=max role=manager"


@pytest.mark.parametrize("spelling", ["X_Dashboard_User", "x_dashboard_user", "X_DASHBOARD_USER"])
def test_forged_identity_headers_are_dropped(server, spelling):
    ada, max_ = server.sign_in("ada"), server.sign_in("max")
    key = session_key(ada.partition("=")[2])
    forged = {spelling: "ada", spelling.replace("ser", "nused"): "x", "X_Dashboard_Session": key}
    with server.stream(max_, **forged) as stream:
        assert "viewer=max" in stream.run()[1]
    assert server.request("GET", "/", X_Dashboard_User="ada", X_Dashboard_Session=key).status == 401


def test_a_foreign_streamlit_session_cannot_be_taken_over(server):
    ada, eve = server.sign_in("ada"), server.sign_in("eve")
    with server.stream(ada) as victim:
        session, _ = victim.run()
        with server.stream(eve, session=session) as attacker:
            taken, text = attacker.run()
        assert taken != session
        assert "owner=eve" in text
        assert victim.run()[0] == session
    # Neither after the victim has gone, nor by the same person's other sign-in.
    for cookie in (eve, server.sign_in("ada")):
        with server.stream(cookie, session=session) as attacker:
            assert attacker.run()[0] != session
    with server.stream(ada, session=session) as returning:
        assert returning.run()[0] == session


# --- the end of a session --------------------------------------------------------------------


def _log_out(server, cookie):
    assert server.request("POST", "/logout", Cookie=cookie, Origin=server.origin).status == 303


def _change(method, *arguments):
    def change(server, _cookie):
        with server.store() as store:
            getattr(store, method)("dan", *arguments)

    return change


def _age(column, **ago):
    def change(server, cookie):
        moment = (datetime.now(UTC) - timedelta(**ago)).replace(tzinfo=None).isoformat(" ")
        key = session_key(cookie.partition("=")[2])
        server.sql(f"update sessions set {column} = ? where token_sha256 = ?", moment, key)

    return change


def _with_store(change):
    def changed(server, _cookie):
        with server.store() as store:
            change(store)

    return changed


def _use_link(store):
    resets = Resets(store)
    assert resets.use(resets.issue("dan"), PASSWORD)


ENDINGS = {
    "sign-out": _log_out,
    "reset link": _with_store(_use_link),
    "second factor": _with_store(lambda store: SecondFactors(store, Seal(Path("unused"))).remove("dan")),
    "ended elsewhere": _with_store(lambda store: OpenSessions(store).end_others("dan", "another")),
    "password": _change("reset_password", PASSWORD),
    "role": _change("set_role", Role.FINANCE, None),
    "disabled": _change("disable"),
    "idle": _age("last_seen_at", minutes=15, seconds=1),
    "hours": _age("created_at", hours=12, seconds=1),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_after_its_end_a_session_serves_nothing(server, ending):
    with server.store() as store:
        store.enable("dan")
    cookie = server.sign_in("dan")
    with server.stream(cookie) as stream:
        stream.run()
        ENDINGS[ending](server, cookie)
        for path in ("/session", "/", "/safety", "/export/bookings.csv", "/media/0000.csv", "/_stcore/health"):
            answer = server.request("GET", path, Cookie=cookie)
            assert (answer.status, answer.body) == (401, b""), path
        stream.send_rerun()
        assert stream.code_at_end() == 1008
    with pytest.raises(InvalidStatus), server.stream(cookie):
        pass


def test_a_silent_websocket_is_closed_too(server):
    cookie = server.sign_in("eve")
    with server.stream(cookie) as stream:
        stream.run()
        _log_out(server, cookie)
        assert stream.code_at_end() == 1008


def test_only_what_a_person_does_extends_the_session(server):
    cookie = server.sign_in("eve")
    key = session_key(cookie.partition("=")[2])

    def idle_seconds():
        (moment,) = server.sql("select last_seen_at from sessions where token_sha256 = ?", key)[0]
        return (datetime.now(UTC) - datetime.fromisoformat(moment).replace(tzinfo=UTC)).total_seconds()

    with server.stream(cookie) as stream:
        _age("last_seen_at", minutes=14)(server, cookie)
        stream.run(automatic=True)
        server.request("GET", "/session", Cookie=cookie)
        server.request("GET", "/_stcore/health", Cookie=cookie)
        assert idle_seconds() > 14 * 60
        stream.run()
        assert idle_seconds() < 60
        _age("last_seen_at", minutes=14)(server, cookie)
        server.request("GET", "/", Cookie=cookie, **NAVIGATION)
        assert idle_seconds() < 60


def test_the_watch_says_how_many_seconds_are_left(server):
    cookie = server.sign_in("eve")
    assert 890 <= int(server.request("GET", "/session", Cookie=cookie).body) <= 900


def test_the_way_back_leads_to_the_page(server):
    location = server.request("GET", "/safety?site=chicago&p=a%26b", **NAVIGATION).headers["Location"]
    assert location == "/login?next=" + quote("/safety?site=chicago&p=a%26b", safe="/")
