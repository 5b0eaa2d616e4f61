"""Health, figures, log and references of a running server, some of whose data is broken.

In its extract, the cubes of side effects quote a patient wherever they are read, payments never end, and
bookings are too long for the buffers between a server and a client that doesn't read.
"""

from __future__ import annotations

import json
import math
import re
import socket
import time
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import duckdb
import pytest
from prometheus_client.parser import text_string_to_metric_families
from server_harness import add_clinic, await_ready, dashboard_server
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError

from dashboard.intake import pointer
from dashboard.serving import faults
from dashboard.serving.gate import WATCH_SECONDS
from dashboard.serving.health import ASKED_EVERY, Health
from dashboard.settings import Settings
from dashboard.state import Store
from dashboard.state.audit import Search
from dashboard.state.export_tokens import ExportTokens
from dashboard.state.passwords import DEMO_PASSWORD
from dashboard.tracebacks import traceback_text
from tests.ports import free_port
from tests.waiting import until

PATIENT = "Ann Lee, born 1961-02-03"
REFERENCE = re.compile(r"Something went wrong\. Reference ([0-9A-F]{4}-[0-9A-F]{4})\.")
BREAK = (
    "alter table daily_effects rename to daily_effects_before",
    f"create view daily_effects as select * replace (cast(band::varchar || '{PATIENT}' as integer) as events) "
    "from daily_effects_before",
    "alter table payments rename to payments_before",
    "create view payments as select p.* from payments_before as p, range(1000000000000) as r where hash(r.range) = 1",
    "alter table bookings rename to bookings_before",
    "create view bookings as select * replace (repeat('x', 1500) as provider) from bookings_before",
)


@pytest.fixture(scope="module")
def port():
    return free_port()


@pytest.fixture(scope="module")
def clinic(tmp_path_factory, port):
    data = tmp_path_factory.mktemp("clinic")
    add_clinic(data)
    [extract] = (data / "extracts").glob("extract-*.duckdb")
    extract.chmod(0o600)
    with duckdb.connect(str(extract)) as connection:
        for statement in BREAK:
            connection.execute(statement)
    # Published as it is now, since an extract that was changed afterwards isn't served.
    extracts = data / "extracts"
    broken = replace(pointer.named(extracts), bytes=extract.stat().st_size, mtime_ns=extract.stat().st_mtime_ns)
    pointer.turn(extracts, replace(broken, sha256=broken.digest()))
    with dashboard_server(
        data,
        DASHBOARD_LOG="json",
        DASHBOARD_LOG_LEVEL="info",
        DASHBOARD_METRICS_PORT=str(port),
        DASHBOARD_QUERY_SECONDS="4",
        DASHBOARD_EXPORTS="3",
        DASHBOARD_EXPORT_SECONDS="10",
        DASHBOARD_STOP_SECONDS="10",
    ) as server:
        await_ready(server)
        yield server


@pytest.fixture(scope="module")
def cookie_of(clinic):
    return lambda username: clinic.login(username, DEMO_PASSWORD).cookie


@pytest.fixture
def figures(port):
    """The figures by name and labels."""

    def read() -> dict[tuple[str, ...], float]:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    return read


def log_of(server):
    """The lines of the log; the greeting stands before them."""
    lines = server.output.read_text().splitlines()
    return [json.loads(line) for line in lines[next(i for i, line in enumerate(lines) if line[0] == "{") :]]


# --- health ----------------------------------------------------------------------------------


def test_ready_means_that_all_is_there(clinic):
    answer = clinic.request("GET", "/readyz")
    assert (answer.status, json.loads(answer.body)) == (200, {"ready": True, "missing": []})
    assert clinic.request("GET", "/healthz").body == b"ok"


def test_a_data_folder_named_from_here_is_the_same_for_all_of_the_server(tmp_path, monkeypatch):
    (tmp_path / "own").mkdir()
    add_clinic(tmp_path / "own")
    monkeypatch.chdir(tmp_path)
    with dashboard_server(Path("own")) as server:
        await_ready(server)
        assert server.login("director", DEMO_PASSWORD).cookie


def test_without_an_extract_the_process_lives_but_is_not_ready(server):
    until(lambda: b"warming up" not in server.request("GET", "/readyz").body, 90)
    answer = server.request("GET", "/readyz")
    assert (answer.status, json.loads(answer.body)) == (503, {"ready": False, "missing": ["no extract can be read"]})
    assert server.request("GET", "/healthz").status == 200


def test_a_broken_store_and_a_server_that_stops_are_not_ready(tmp_path):
    with Store.open(tmp_path, rounds=4) as store:
        health = Health(store)
        assert health.missing() == ["the server is warming up"]
        store.close()
        for file in (tmp_path / "state").glob("state.db*"):
            file.write_bytes(b"no database" * 1000)
        # Found out no more often than once a second, whoever asks.
        assert health.missing() == ["the server is warming up"]
        time.sleep(ASKED_EVERY)
        health.stop()
        assert health.missing() == [
            "the server is stopping",
            "the state store does not answer",
            "the server is warming up",
        ]


# --- faults ----------------------------------------------------------------------------------


def reference_in(text):
    found = REFERENCE.search(text)
    assert found, text
    return found.group(1)


def test_a_failing_page_gives_a_reference_and_the_log_the_rest(clinic, cookie_of):
    with clinic.stream(cookie_of("director")) as stream:
        stream.send_rerun(page="safety", query="period=90-days")
        messages = list(stream.messages())
    sent = b"".join(message.SerializeToString() for message in messages).decode("utf-8", "replace")
    reference = reference_in(sent)
    assert PATIENT not in sent
    assert "Traceback" not in sent
    assert "ConversionException" not in sent
    [line] = [line for line in log_of(clinic) if line.get("reference") == reference]
    assert "queries/effect_counts" not in line["message"]
    assert "duckdb.ConversionException" in line["traceback"]
    assert 'dashboard/warehouse.py", line' in line["traceback"]
    assert line["level"] == "ERROR"


def test_a_failing_file_gives_a_reference_and_the_log_the_rest(clinic, cookie_of):
    answer = clinic.request("GET", "/export/effects.csv?period=90-days", Cookie=cookie_of("director"))
    assert answer.status == 500
    assert answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "no-store"
    reference = reference_in(answer.body.decode())
    assert len(answer.body.splitlines()) == 1
    [line] = [line for line in log_of(clinic) if line.get("reference") == reference]
    assert (line["user"], line["request"]) == ("director", answer.headers["X-Request-Id"])
    assert "duckdb.ConversionException" in line["traceback"]


def test_a_file_whose_query_does_not_end_says_so(clinic, cookie_of):
    begun = time.monotonic()
    answer = clinic.request("GET", "/export/payment_rows.csv?period=12-months", Cookie=cookie_of("finance"))
    assert (answer.status, answer.body) == (
        503,
        b"this took longer than 10 seconds and was stopped; choose a shorter period or fewer sites\n",
    )
    assert time.monotonic() - begun < 30


# --- files at once ---------------------------------------------------------------------------


def slow_reader(server, cookie, buffer=4096, by="Cookie"):
    """Ask for a large file and take only its first bytes."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", server.port))
    head = f"GET /export/booking_rows.csv?period=12-months HTTP/1.1\r\nHost: x\r\n{by}: {cookie}\r\n\r\n"
    connection.sendall(head.encode())
    assert connection.recv(12) == b"HTTP/1.1 200"
    return connection


def test_so_many_files_at_once_and_no_longer_than_it_takes(clinic, cookie_of, figures):
    director, admin = cookie_of("director"), cookie_of("admin")
    small = "/export/booking_rows.csv?period=7-days"
    with ExitStack() as opened:
        stuck = [opened.enter_context(closing(slow_reader(clinic, director))) for _ in range(2)]
        busy = clinic.request("GET", small, Cookie=director)
        assert (busy.status, busy.headers["Retry-After"]) == (429, "10")
        assert b"Wait until one of them is done" in busy.body
        # Another session of the same account has no places of its own, or one person could take them all.
        assert clinic.request("GET", small, Cookie=cookie_of("director")).status == 429
        assert clinic.request("GET", small, Cookie=admin).status == 200
        assert figures()["dashboard_exports_running",] == 2
        opened.enter_context(closing(slow_reader(clinic, admin)))
        assert clinic.request("GET", small, Cookie=cookie_of("manager.dallas")).status == 429
        assert figures()["dashboard_exports_running",] == 3
        # Who doesn't read is cut off, and nobody takes half a file for a whole one.
        until(lambda: not figures()["dashboard_exports_running",])
        rest = b""
        with suppress(ConnectionResetError):
            while part := stuck[0].recv(65536):
                rest += part
        assert not rest.endswith(b"0\r\n\r\n")
    assert clinic.request("GET", small, Cookie=director).status == 200
    assert figures()["dashboard_exports_total", "slow"] == 3
    assert figures()["dashboard_exports_total", "busy"] >= 2


@pytest.mark.parametrize("by", ["Cookie", "Authorization"])
def test_who_may_not_go_on_gets_no_more_of_a_file_that_has_begun(clinic, cookie_of, by):
    username, files = "manager.two", Search(actor="manager.two", kinds=("export",))
    with clinic.store() as store:
        before = store.audit.count(files)
        shown = cookie_of(username)
        if by == "Authorization":
            shown = f"Bearer {ExportTokens(store).issue(username, 'Sheet', ['booking_rows'], None)}"
        with closing(slow_reader(clinic, shown, by=by)) as taken:
            store.disable(username)
            time.sleep(WATCH_SECONDS)
            rest = b""
            with suppress(ConnectionResetError):
                while part := taken.recv(65536):
                    rest += part
        store.enable(username)
        assert not rest.endswith(b"0\r\n\r\n")
        until(lambda: store.audit.count(files) > before)
        [entry] = store.audit.search(files, 1)
    assert entry.details["outcome"] == "cut"
    assert any("its session or token ended" in line["message"] for line in log_of(clinic)[-5:])


# --- figures and log -------------------------------------------------------------------------


def test_the_figures_are_for_this_machine_alone(clinic, port):
    assert clinic.request("GET", "/metrics").status == 401
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; tells this machine's own address
        own = probe.getsockname()[0]
    assert own != "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((own, port), timeout=5)


def test_the_figures_tell_how_it_goes(clinic, cookie_of, figures):
    before = figures()
    cookie = cookie_of("director")
    assert clinic.login("director", "wrong password").status == 401
    with clinic.stream(cookie) as stream:
        for _ in range(2):
            stream.run(page="bookings")
        during = figures()
    after = figures()
    assert after["dashboard_sign_in_failures_total",] == before["dashboard_sign_in_failures_total",] + 1
    assert during["dashboard_websockets",] == before["dashboard_websockets",] + 1
    assert during["dashboard_sessions",] == before["dashboard_sessions",] + 1
    assert after["dashboard_query_answers_total", "kept"] > before.get(("dashboard_query_answers_total", "kept"), 0)
    assert after["dashboard_query_seconds_count", "counts"] >= 1
    assert after["dashboard_request_seconds_count", "sign-in"] > before["dashboard_request_seconds_count", "sign-in"]
    assert 0 < after["dashboard_extract_age_seconds",] < 600
    assert after["dashboard_faults_total", "page"] >= 1
    # Rules were never evaluated here, and nothing could have failed.
    assert math.isnan(after["dashboard_alerts_run_age_seconds",])
    assert after["dashboard_alerts_failing",] == 0
    names = " ".join(" ".join(labels) for labels in after)
    assert "director" not in names


def test_the_log_is_json_and_knows_neither_tokens_nor_queries_nor_patients(clinic, cookie_of):
    cookie = cookie_of("director")
    clinic.request("GET", "/bookings?site=dallas&note=Ann+Lee", Cookie=cookie)
    clinic.request("GET", "/Ann%20Lee", Cookie=cookie)
    clinic.request("GET", "/login?next=/Ann-Lee")

    def of_streamlit():
        return sum(line["logger"].startswith("streamlit") for line in log_of(clinic))

    before = of_streamlit()
    with clinic.stream(cookie) as stream:
        stream.run()
        stream.socket.send(b"\xff\xff\xff")
        stream.code_at_end()
    # Streamlit's own lines come in the same form.
    until(lambda: of_streamlit() > before)
    lines = log_of(clinic)
    [line] = [line for line in lines if line.get("path") == "/bookings"]
    assert (line["status"], line["method"], line["route"], line["user"]) == (200, "GET", "page", "director")
    assert line["client"] == "127.0.0.1"
    assert re.fullmatch("[0-9a-f]{16}", line["request"])
    text = clinic.output.read_text()
    for word in (cookie.partition("=")[2], "Ann", "1961-02", "note=", DEMO_PASSWORD, "wrong password"):
        assert word not in text.partition("\n{")[2], word


def test_the_log_says_that_the_disk_of_the_store_is_full_and_not_what_was_to_be_written(caplog):
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.exec_driver_sql("pragma max_page_count = 3")
        connection.exec_driver_sql("create table kept (words text)")
        with pytest.raises(OperationalError) as full:
            connection.exec_driver_sql("insert into kept values (?)", (PATIENT * 1000,))
    engine.dispose()
    assert PATIENT in str(full.value)
    reference = REFERENCE.match(faults.unforeseen(full.value, "sign-in"))[1]
    said = "the state store failed (database or disk is full). Make room on its disk, then try again"
    assert caplog.messages == [f"reference {reference}: an error in sign-in: {said}"]


def test_a_traceback_is_told_without_the_words_of_its_errors():
    def read(cell):
        try:
            return int(cell)
        except ValueError as error:
            raise KeyError(cell) from error

    with pytest.raises(KeyError) as failed:
        read(PATIENT)
    text = traceback_text(failed.value)
    assert PATIENT not in text
    assert text.index("builtins.ValueError") < text.index("which led to") < text.index("builtins.KeyError")
    assert "raise KeyError(cell) from error" in text
    with pytest.raises(OSError, match="nowhere") as failed:
        Path("/nowhere/at/all").read_bytes()
    assert "No such file or directory: '/nowhere/at/all'" in traceback_text(failed.value)
    group = ExceptionGroup(PATIENT, [ValueError(PATIENT), ImportError("no module")])
    text = traceback_text(group)
    assert PATIENT not in text
    assert "builtins.ImportError: no module" in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DASHBOARD_LOG", "xml"),
        ("DASHBOARD_LOG_LEVEL", "loud"),
        ("DASHBOARD_EXPORTS", "0"),
        *(("DASHBOARD_MEMORY_LIMIT", text) for text in ("much", "1000", "-1GB", "2GBs")),
        *(("DASHBOARD_PROXIES", text) for text in ("*", "10.0.0.1, proxy.example", "0.0.0.0/0", "10.0.0.1,,")),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"{name} must be"):
        Settings.from_environment()


# --- the end, so it stands last ------------------------------------------------------------------


def test_told_to_stop_it_sends_what_is_read_and_waits_for_nobody_else(clinic, cookie_of):
    director = cookie_of("director")
    with ExitStack() as opened:
        stuck = opened.enter_context(closing(slow_reader(clinic, director)))
        reading = opened.enter_context(closing(slow_reader(clinic, director, 512 * 1024)))
        stream = opened.enter_context(clinic.stream(director))
        stream.run(page="bookings")
        begun = time.monotonic()
        clinic.process.terminate()
        assert stream.code_at_end() == 1012
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", clinic.port), timeout=5)
        whole = b""
        while part := reading.recv(65536):
            whole += part
        assert whole.endswith(b"0\r\n\r\n")
        assert len(whole) > 10_000_000
        assert clinic.process.wait(30) == 0
        assert time.monotonic() - begun < 30
        cut = b""
        with suppress(ConnectionResetError):
            while part := stuck.recv(65536):
                cut += part
        assert not cut.endswith(b"0\r\n\r\n")
