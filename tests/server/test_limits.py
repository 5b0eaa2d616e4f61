"""More than anyone needs, asked of a running server: it says no and goes on."""

from __future__ import annotations

import http.client
import json
import re
import socket
import time
from contextlib import ExitStack, closing, suppress

import pytest
from authenticator import code, steady
from server_harness import PASSWORD, add_accounts, probe_server
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus

from dashboard.access import Role
from dashboard.serving import gate, limits
from dashboard.state import SessionsFullError, Store
from dashboard.state.audit import Search
from dashboard.state.seats import Seats

FORM = "application/x-www-form-urlencoded"


def raw(server, head: str, body: bytes = b"", *, until: bytes | None = None) -> bytes:
    """Send bytes as they are; the answer's beginning."""
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
        for start in range(0, len(body), 65536):
            try:
                connection.sendall(body[start : start + 65536])
            except OSError:
                break
        answer = b""
        # Who sends more than is read may be cut off before the answer is through.
        with suppress(ConnectionResetError):
            while part := connection.recv(65536):
                answer += part
                if until is not None and until in answer:
                    break
        return answer


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """A server with two places, whose administrators see no small counts."""
    data = tmp_path_factory.mktemp("crowded")
    add_accounts(data)
    with probe_server(data, DASHBOARD_SESSIONS="2", DASHBOARD_SMALL_CELLS="admin") as running:
        yield running


def alive(server):
    assert server.request("GET", "/healthz").body == b"ok"


@pytest.mark.parametrize("size", [limits.LARGEST_HEADERS + 1, 60_000])
def test_large_headers_are_refused_with_words(server, size):
    answer = server.request("GET", "/login", X_Filler="x" * size)
    assert (answer.status, answer.body) == (
        431,
        b"The request's headers are too large. Delete this site's cookies.\n",
    )
    assert server.request("GET", "/login", X_Filler="x" * (limits.LARGEST_HEADERS - 2_000)).status == 200


def test_large_headers_may_come_in_pieces(server):
    """A server that reads them before all have come must neither give up on them nor cut off its own answer."""
    for size, status in [(limits.LARGEST_HEADERS - 2_000, b"200"), (limits.LARGEST_HEADERS + 1, b"431")]:
        head = f"GET /login HTTP/1.1\r\nHost: {server.host}\r\nConnection: close\r\nX-Filler: {'x' * size}\r\n\r\n"
        with closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as connection:
            for start in range(0, len(head), 20_000):
                connection.sendall(head[start : start + 20_000].encode())
                time.sleep(0.2)
            answer = connection.recv(65536)
        assert answer.startswith(b"HTTP/1.1 " + status), answer


def test_endless_headers_end_the_connection(server):
    answer = raw(server, f"GET /login HTTP/1.1\nHost: x\nX-Filler: {'x' * 1_000_000}")
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    alive(server)


def test_a_long_address_is_refused_with_words(server):
    cookie = server.sign_in("ada")
    path = "/bookings?site="
    assert server.request("GET", path + "x" * (limits.LONGEST_ADDRESS - len(path)), Cookie=cookie).status == 200
    answer = server.request("GET", path + "x" * (limits.LONGEST_ADDRESS - len(path) + 2), Cookie=cookie)
    assert (answer.status, answer.body) == (414, b"The address is too long. Choose fewer filters.\n")


@pytest.mark.parametrize("length", [limits.LARGEST_BODY + 1, 10**15, -1])
def test_an_announced_large_body_is_refused_unread(server, length):
    answer = raw(server, f"POST /login HTTP/1.1\nHost: x\nContent-Type: {FORM}\nContent-Length: {length}")
    assert answer.startswith((b"HTTP/1.1 413", b"HTTP/1.1 400"))
    alive(server)


def test_a_body_in_chunks_is_cut_off_at_the_limit(server):
    cookie = server.sign_in("ada")
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    head = f"POST /logout HTTP/1.1\nHost: {server.host}\nOrigin: {server.origin}\nCookie: {cookie}"
    answer = raw(server, f"{head}\nTransfer-Encoding: chunked\nContent-Type: {FORM}", chunk * 200, until=b"\r\n\r\n")
    # Nothing reads the body here, so the answer is that of a sign-out, and the rest is thrown away.
    assert answer.startswith(b"HTTP/1.1 303")
    answer = raw(
        server,
        f"POST /login HTTP/1.1\nHost: {server.host}\nOrigin: {server.origin}\n"
        f"Transfer-Encoding: chunked\nContent-Type: {FORM}",
        chunk * 200,
        until=b"\r\n\r\n",
    )
    assert answer.startswith((b"HTTP/1.1 413", b"HTTP/1.1 400"))
    alive(server)


@pytest.mark.parametrize(
    ("path", "origin", "expected"),
    [("/login", "https://evil.example", 403), ("/login", None, 401), ("/bookings", None, 401)],
)
def test_no_answer_overtakes_a_small_body(server, path, origin, expected):
    """Whoever is still sending when the connection ends, may lose the answer."""
    body = b"username=nobody&password=wrong"
    with closing(http.client.HTTPConnection("127.0.0.1", server.port)) as connection:
        connection.putrequest("POST", path)
        connection.putheader("Origin", origin or server.origin)
        connection.putheader("Content-Type", FORM)
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        connection.sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.sock.recv(1, socket.MSG_PEEK)
        connection.sock.settimeout(20)
        connection.send(body)
        answer = connection.getresponse()
        assert (answer.status, bool(answer.read())) == (expected, path == "/login")
        # The connection goes on.
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b"ok"


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_nothing_can_be_uploaded(server, method):
    """What Streamlit took would stay in memory."""
    cookie = server.sign_in("ada")
    with server.stream(cookie) as stream:
        session, _ = stream.run()
        answer = server.request(
            method,
            f"/_stcore/upload_file/{session}/file",
            "--x\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\nhello\r\n--x--\r\n",
            Cookie=cookie,
            Content_Type="multipart/form-data; boundary=x",
        )
    assert (answer.status, answer.body) == (404, b"There is nothing here.\n")


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 5 * 1024 * 1024])
def test_a_large_websocket_message_closes_the_websocket(server, size):
    with server.stream(server.sign_in("ada")) as stream:
        stream.run()
        with suppress(ConnectionClosed):  # it is refused while it is sent
            stream.socket.send(b"\x00" * size)
        assert stream.code_at_end() in {1002, 1006, 1009}  # 1006: it never got to read the frame that says so
    alive(server)


def other_messages(session):
    """Every kind that Streamlit takes and no page sends; of operations, those that write files."""
    kinds = [field.name for field in BackMsg.DESCRIPTOR.oneofs_by_name["type"].fields]
    assert set(kinds) >= gate.MESSAGES | {"load_git_info", "clear_cache", "backend_operation_request"}
    for kind in sorted(set(kinds) - gate.MESSAGES):
        message = BackMsg()
        if kind == "backend_operation_request":
            message.backend_operation_request.request_id = "r"
            message.backend_operation_request.session_id = session
            message.backend_operation_request.install_skills.SetInParent()
        elif message.DESCRIPTOR.fields_by_name[kind].message_type:
            getattr(message, kind).SetInParent()
        else:
            setattr(message, kind, True)
        yield kind, message


def test_what_no_page_sends_reaches_nobody(server):
    """Not what tells of the repository, clears everybody's caches, prepares uploads or writes files."""
    with server.stream(server.sign_in("max")) as stream:
        session, _ = stream.run()
        for kind, message in other_messages(session):
            stream.socket.send(message.SerializeToString())
            stream.send_rerun()
            answers = {answer.WhichOneof("type") for answer in stream.messages()}
            assert not answers & {"git_info_changed", "file_urls_response", "backend_operation_response"}, kind
    alive(server)


@pytest.mark.parametrize("message", ["text", b"\xff\xff\xff"])
def test_what_is_no_message_closes_the_websocket(server, message):
    with server.stream(server.sign_in("ada")) as stream:
        stream.run()
        stream.socket.send(message)
        assert stream.code_at_end() is not None
    alive(server)


def test_an_account_has_so_many_websockets_and_no_more(server):
    cookie = server.sign_in("max")
    with ExitStack() as opened:
        for _ in range(limits.WEBSOCKETS_EACH):
            opened.enter_context(server.stream(cookie))
        with pytest.raises(InvalidStatus) as refused, server.stream(cookie):
            pass
        assert refused.value.response.status_code == 403
        # A second session has no places of its own.
        with pytest.raises(InvalidStatus), server.stream(server.sign_in("max")):
            pass
        with server.stream(server.sign_in("eve")) as other:
            assert "viewer=eve" in other.run()[1]
    with server.stream(cookie) as stream:
        assert "viewer=max" in stream.run()[1]


def test_a_session_that_sends_more_than_a_person_can_is_cut_off(server):
    """Also from several pages together; the others go on."""
    cookie = server.sign_in("max")
    beat = BackMsg()
    beat.app_heartbeat = True
    with server.stream(cookie) as one, server.stream(cookie) as two, server.stream(server.sign_in("eve")) as other:
        for number in range(10 * limits.MOST_MESSAGES):
            with suppress(ConnectionClosed):
                (one, two)[number % 2].socket.send(beat.SerializeToString())
        assert (one.code_at_end(), two.code_at_end()) == (1013, 1013)
        assert "viewer=eve" in other.run()[1]


# --- sessions --------------------------------------------------------------------------------


def test_the_oldest_session_of_an_account_ends_for_a_new_one(server):
    cookies = [server.sign_in("dan") for _ in range(6)]
    status = [server.request("GET", "/session", Cookie=cookie).status for cookie in cookies]
    assert status == [401, 200, 200, 200, 200, 200]
    assert server.request("GET", "/session", Cookie=server.sign_in("ada")).status == 200


def test_all_together_have_a_limit_and_those_inside_stay(tmp_path):
    with Store.open(tmp_path, rounds=4) as store:
        store.seats = Seats(each=2, total=3)
        for name in ("ada", "ben", "cem"):
            store.add_user(name, Role.ADMIN, "a password of ten or more")
        first, second, third = (store.open_session(name) for name in ("ada", "ada", "ben"))
        with pytest.raises(SessionsFullError, match="Try again in a few minutes"):
            store.open_session("cem")
        # One's own oldest makes room for oneself, and who leaves makes room for others.
        fourth = store.open_session("ada")
        assert [store.viewer(t, touch=False) is not None for t in (first, second, third, fourth)] == [
            False, True, True, True,
        ]  # fmt: skip
        store.close_session(third)
        assert store.viewer(store.open_session("cem"), touch=False)
        assert store.count_sessions() == 3


def test_sessions_of_an_account_that_was_changed_or_disabled_take_no_place(tmp_path):
    with Store.open(tmp_path, rounds=4) as store:
        store.seats = Seats(each=2, total=2)
        for name in ("ada", "ben", "cem"):
            store.add_user(name, Role.ADMIN, "a password of ten or more")
        store.open_session("ada")
        for end in (store.disable, lambda name: store.reset_password(name, "another of ten or more")):
            left = store.open_session("ben")
            end("ben")
            assert store.viewer(left, touch=False) is None
            assert store.count_sessions() == 1
            store.enable("ben")
            # One that ended with its account doesn't come back with it.
            assert store.viewer(left, touch=False) is None
            store.close_session(store.open_session("cem"))


# --- Streamlit's settings, as the running server has them ---------------------------------------

WANTED = {
    "server": {
        "address": "127.0.0.1",
        "enableAgentApi": False,
        "enableStaticServing": False,
        "scriptHealthCheckEnabled": False,
        "maxUploadSize": 1,
        "maxWidgetStateSize": 1,
        "maxMessageSize": 32,
        "fileWatcherType": "none",
        "enableXsrfProtection": True,
        "enableCORS": True,
        "xsrfCookieSameSite": "strict",
        "enableWebsocketCompression": True,
        "disconnectedSessionTTL": 60,
        "trustedUserHeaders": {"X-Dashboard-User": "username", "X-Dashboard-Session": "session"},
    },
    "client": {
        "showErrorDetails": "none",
        "showErrorLinks": False,
        "toolbarMode": "viewer",
        "disableDataExport": True,
        "allowedOrigins": [],
    },
    "runner": {"magicEnabled": False},
    "browser": {"gatherUsageStats": False},
    "logger": {"enableRich": False},
    "global": {"developmentMode": False},
}


@pytest.mark.parametrize("section", WANTED)
def test_streamlit_runs_with_the_settings_that_defend_it(server, section):
    with server.stream(server.sign_in("ada")) as stream:
        found = json.loads(stream.run(query=f"config={section}")[1])
    assert {name: found[name] for name in WANTED[section]} == WANTED[section]


def test_the_browser_is_told_to_send_no_statistics(server):
    with server.stream(server.sign_in("ada")) as stream:
        stream.send_rerun()
        [begun] = [m.new_session for m in stream.messages() if m.WhichOneof("type") == "new_session"]
    assert begun.config.gather_usage_stats is False


# --- settings of one server ------------------------------------------------------------------


def test_when_all_places_are_taken_a_sign_in_is_refused_with_words_and_the_others_go_on(crowded):
    first, second = crowded.sign_in("ada"), crowded.sign_in("max")
    full = crowded.login("eve")
    assert (full.status, full.headers["Set-Cookie"]) == (503, None)
    assert b"All places are taken" in full.body
    assert b"Try again in a few minutes" in full.body
    for cookie in (first, second):
        assert crowded.request("GET", "/session", Cookie=cookie).status == 200
    with crowded.store() as store:
        (entry,) = store.audit.search(Search(kinds=("sign_in_failed",)), 5)
    assert (entry.actor, entry.details["reason"]) == ("eve", "all places are taken")
    crowded.request("GET", "/logout", Cookie=first)
    assert crowded.request("GET", "/session", Cookie=crowded.sign_in("eve")).status == 200
    crowded.sql("delete from sessions")


def test_recovery_codes_are_shown_though_all_places_are_taken(crowded):
    """They are shown once; whoever gets no session with them signs in later."""
    cookie = crowded.sign_in("eve")
    crowded.sign_in("max")
    form = crowded.post("/second-factor", {"action": "set-up", "password": PASSWORD}, Cookie=cookie)
    (shown,) = re.findall(r'class="secret"><code>([A-Z2-7 ]+)<', form.body.decode())
    steady()
    fields = {"challenge": form.field("challenge"), "code": code(shown.replace(" ", ""))}
    crowded.request("GET", "/logout", Cookie=cookie)
    crowded.sign_in("ada")
    done = crowded.post("/login/enrolment", fields)
    assert (done.status, done.headers["Set-Cookie"]) == (200, None)
    assert len(re.findall(r"<li><code>([a-z2-9-]{19})<", done.body.decode())) == 10
    crowded.sql("delete from sessions")


def test_signals_have_no_address_for_who_is_shown_no_small_counts(crowded):
    admin = crowded.sign_in("ada")
    assert crowded.request("GET", "/signals", Cookie=admin).status == 404
    assert crowded.request("GET", "/safety", Cookie=admin).status == 200
    assert crowded.request("GET", "/signals", Cookie=crowded.sign_in("dan")).status == 200
    crowded.sql("delete from sessions")
