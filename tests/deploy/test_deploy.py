"""Two replicas behind a proxy with TLS, as docs/deploy.md sets them up; one of them stops in the middle."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import select
from websockets.exceptions import InvalidStatus

from dashboard.settings import ROOT
from dashboard.state import Store
from dashboard.state.demo import add_demo_accounts
from dashboard.state.passwords import DEMO_PASSWORD
from dashboard.state.tables import brakes
from tests.demo_extract import add_extract
from tests.deploy.proxy import caddy, nginx, program
from tests.server.server_harness import await_ready, dashboard_server
from tests.waiting import until

UNIT = ROOT / "docs" / "deploy" / "infusion-dashboard@.service"


@pytest.fixture(scope="module")
def state_url(postgresql_server):
    """Address of an empty PostgreSQL database, where both replicas keep their state."""
    name = postgresql_server.create()
    yield postgresql_server.url(name)
    postgresql_server.drop(name)


@pytest.fixture(scope="module")
def open_store(state_url):
    return lambda data: Store.open(data, rounds=4, url=state_url)


@pytest.fixture(scope="module")
def replicas(tmp_path_factory, state_url, open_store):
    """Two replicas with a data folder each, their keys the same."""
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    add_extract(first)
    with open_store(first) as store:
        add_demo_accounts(store)
    for folder in ("extracts", "state"):
        shutil.copytree(first / folder, second / folder)
    environment = {"DASHBOARD_STATE": state_url, "DASHBOARD_STOP_SECONDS": "25", "DASHBOARD_DRAIN_SECONDS": "2"}
    with ExitStack() as opened:
        running = [opened.enter_context(dashboard_server(data, **environment)) for data in (first, second)]
        for replica in running:
            await_ready(replica)
        yield running


@pytest.fixture(scope="module")
def through_nginx(tmp_path_factory, replicas):
    if program("nginx") is None and not os.environ.get("CI"):
        pytest.skip("NO NGINX: install nginx; the reverse proxy was not tested")
    with nginx(tmp_path_factory.mktemp("nginx"), (replicas[0].port, replicas[1].port)) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def through_caddy(tmp_path_factory, replicas):
    if program("caddy") is None and not os.environ.get("CI"):
        pytest.skip("NO CADDY: install caddy; its configuration was not tested")
    with caddy(tmp_path_factory.mktemp("caddy"), (replicas[0].port, replicas[1].port)) as proxy:
        yield proxy


@pytest.fixture(params=["nginx", "caddy"])
def proxy(request):
    """Both replicas behind each of the proxies."""
    return request.getfixturevalue(f"through_{request.param}")


def test_under_tls_the_cookie_is_bound_and_plain_http_is_led_there(proxy):
    answer = proxy.login("director", DEMO_PASSWORD)
    (cookie,) = [line for line in answer.headers.get_all("Set-Cookie") if "dashboard_session=" in line]
    assert answer.status == 303
    assert cookie.startswith("__Host-dashboard_session=")
    assert {"secure", "httponly", "path=/", "samesite=strict"} <= {p.strip().lower() for p in cookie.split(";")[1:]}
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert answer.headers.get_all("Content-Security-Policy")[0].startswith("default-src 'self'")
    with closing(http.client.HTTPConnection("127.0.0.1", proxy.plain_port, timeout=10)) as connection:
        connection.request("GET", "/safety?site=dallas", headers={"Host": "evil.example", "Cookie": answer.cookie})
        plain = connection.getresponse()
        assert plain.status == 308
        assert plain.headers["Location"].startswith("https://")
        assert "Set-Cookie" not in plain.headers


def test_pages_and_files_pass_through(proxy, replicas):
    cookie = proxy.login("director", DEMO_PASSWORD).cookie
    assert proxy.request("GET", "/", Cookie=cookie, Accept="text/html").status == 200
    with proxy.stream(cookie) as stream:
        assert "Session" not in stream.run()[1]
    through = proxy.request("GET", "/export/booking_rows.csv?period=12-months", Cookie=cookie)
    straight = replicas[0].request(
        "GET", "/export/booking_rows.csv?period=12-months", Cookie=cookie, X_Forwarded_Proto="https"
    )
    assert through.status == 200
    assert len(through.body) > 500_000
    assert through.body == straight.body


def test_a_foreign_origin_is_refused_behind_the_proxy_too(proxy):
    cookie = proxy.login("director", DEMO_PASSWORD).cookie
    for origin in ("https://evil.example", f"https://localhost:{proxy.port + 1}", "https://localhost"):
        with pytest.raises(InvalidStatus) as refused, proxy.stream(cookie, origin):
            pass
        assert refused.value.response.status_code == 403
        assert proxy.login("director", DEMO_PASSWORD, Origin=origin).status == 403


def counted(open_store, data):
    with open_store(data) as store, store.database.read() as connection:
        return set(connection.scalars(select(brakes.c.subject).where(brakes.c.kind == "address")))


def test_the_real_address_is_counted_whatever_a_client_says(proxy, replicas, open_store):
    forged = {"X_Forwarded_For": "9.9.9.9", "Forwarded": "for=9.9.9.9", "X_Real_Ip": "9.9.9.9"}
    assert proxy.login("director", "wrong password", source="127.0.0.7", **forged).status == 401
    # Neither does the server itself believe one that comes to it past the proxy.
    straight = f"POST /login HTTP/1.1\r\nHost: {replicas[0].host}\r\nOrigin: {replicas[0].origin}\r\n"
    straight += "X-Forwarded-For: 8.8.8.8\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n"
    straight += "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 23\r\n\r\nusername=x&password=yyy"
    address = ("127.0.0.1", replicas[0].port)
    with closing(socket.create_connection(address, timeout=20, source_address=("127.0.0.8", 0))) as connection:
        connection.sendall(straight.encode())
        answer = b""
        while part := connection.recv(65536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 401")
    assert b"Strict-Transport-Security" not in answer
    found = counted(open_store, replicas[0].data)
    assert {"127.0.0.7", "127.0.0.8"} <= found
    assert not {"9.9.9.9", "8.8.8.8"} & found


def test_a_whole_clinic_behind_one_address_signs_in_at_once(proxy):
    """Neither the proxy's limit nor the brake takes them for an attack."""
    names = ["director", "admin", "finance", "manager.two", "manager.dallas", "manager.chicago"] * 10

    def sign_in(name):
        assert proxy.request("GET", "/login").status == 200
        return proxy.login(name, DEMO_PASSWORD).status

    with ThreadPoolExecutor(60) as people:
        assert Counter(people.map(sign_in, names)) == {303: 60}


def test_health_is_not_for_the_world(proxy):
    assert proxy.request("GET", "/healthz").status == 200
    assert json.loads(proxy.request("GET", "/readyz").body)["ready"] is True
    assert proxy.request("GET", "/readyz", source="127.0.0.7").status == 403
    assert proxy.request("GET", "/metrics").status == 401


def test_nginxs_log_knows_no_queries_and_no_tokens(through_nginx):
    proxy = through_nginx
    cookie = proxy.login("director", DEMO_PASSWORD).cookie
    number = proxy.request("GET", "/bookings?note=Ann-Lee", Cookie=cookie).headers["X-Request-Id"]
    until(lambda: number in proxy.log.read_text())
    text = proxy.log.read_text()
    assert " GET /bookings 200 " in text
    assert "Ann" not in text
    assert cookie.partition("=")[2] not in text


TLS = {"X_Forwarded_Proto": "https"}


def test_a_session_is_one_on_all_replicas(replicas):
    first, second = replicas
    cookie = first.login("manager.dallas", DEMO_PASSWORD).cookie
    assert second.request("GET", "/session", Cookie=cookie).status == 200
    with second.stream(cookie) as stream:
        assert "no open" not in stream.run()[1]
        assert first.request("POST", "/logout", Cookie=cookie, Origin=first.origin).status == 303
        assert second.request("GET", "/session", Cookie=cookie).status == 401
        assert stream.code_at_end() == 1008


def test_failures_on_one_replica_count_on_the_other(replicas):
    status = [replicas[i % 2].login("manager.miami", "wrong password").status for i in range(6)]
    assert status == [401] * 5 + [429]
    assert replicas[0].login("manager.miami", DEMO_PASSWORD).status == 429


def test_one_replica_stops_gracefully_and_people_go_on(through_nginx, replicas):
    proxy = through_nginx
    leaving, staying = replicas
    cookies = [
        proxy.login(name, DEMO_PASSWORD).cookie for name in ("director", "admin", "finance", "manager.two") * 2
    ]
    with ExitStack() as opened:
        streams = [opened.enter_context(proxy.stream(cookie)) for cookie in cookies]
        # A file under way, which is read slowly, is still sent whole.
        straight = cookies[0]
        reader = opened.enter_context(closing(socket.socket()))
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.settimeout(30)
        reader.connect(("127.0.0.1", leaving.port))
        reader.sendall(
            f"GET /export/booking_rows.csv?period=12-months HTTP/1.1\r\nHost: x\r\nCookie: {straight}\r\n"
            "X-Forwarded-Proto: https\r\n\r\n".encode()
        )
        content = reader.recv(4096)
        begun = time.monotonic()
        leaving.process.terminate()
        # Out of rotation first, while it still serves.
        while (answer := leaving.request("GET", "/readyz")).status == 200:
            assert time.monotonic() - begun < 2
        assert json.loads(answer.body) == {"ready": False, "missing": ["the server is stopping"]}
        assert leaving.request("GET", "/session", Cookie=straight, **TLS).status == 200
        time.sleep(2.5)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", leaving.port), timeout=5)
        while part := reader.recv(65536):
            content += part
        assert content.endswith(b"0\r\n\r\n")
        assert leaving.process.wait(40) == 0
        assert time.monotonic() - begun < 40
        assert "Traceback" not in leaving.output.read_text()
        # Everyone is still signed in; whose page was at the other replica hasn't noticed.
        assert {proxy.request("GET", "/session", Cookie=cookie).status for cookie in cookies} == {200}
        codes = [stream.socket.close_code for stream in streams]
        assert set(codes) == {1012, None}
        with proxy.stream(cookies[codes.index(1012)]) as again:
            assert again.run()[0]
        assert streams[codes.index(None)].run()[0]
    assert staying.process.poll() is None


# --- files of the operating system -----------------------------------------------------------

has_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None and not os.environ.get("CI"),
    reason="NO SYSTEMD: the service unit was not analysed",
)


@has_systemd
def test_the_service_is_sandboxed(tmp_path):
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=15", UNIT], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:]
    # Verified with the program where this machine has it, so that nothing else is wrong.
    unit = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    unit.write_text(text.replace("/opt/infusion-dashboard/.venv/bin", str(Path(sys.executable).parent)))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("page", ["import.md", "alerts.md"])
def test_timers_work_for_the_served_dashboard(page):
    """As its user, from its checkout, on its data and with its settings, or they import and tell elsewhere."""
    served = set(UNIT.read_text(encoding="utf-8").splitlines())
    shared = {
        line
        for line in served
        if line.startswith(("User=", "WorkingDirectory=", "EnvironmentFile=", "Environment=DASHBOARD_DATA="))
    }
    assert len(shared) == 4
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    [unit] = [block for block in text.split("```ini\n") if block.startswith("[Unit]") and "ExecStart=" in block]
    assert shared <= set(unit.partition("```")[0].splitlines())
    [cron] = [line for line in text.splitlines() if " * * * * " in line]
    for line in shared:
        assert line.rpartition("=")[2].removeprefix("-") in cron


def test_the_container_runs_as_nobody_and_holds_what_it_needs():
    lines = (ROOT / "docs" / "deploy" / "Containerfile").read_text(encoding="utf-8").splitlines()
    instructions = [line.split()[0] for line in lines if line and line[0].isupper()]
    assert instructions.count("FROM") == 2
    assert instructions.index("USER") > len(instructions) - instructions[::-1].index("FROM") - 1
    copied = {line.split()[1] for line in lines if line.startswith("COPY ") and "--from" not in line}
    assert {"dashboard", "pages", "queries", "data/reference", ".streamlit"} <= copied
    assert all((ROOT / name).exists() for name in copied)
    assert "HEALTHCHECK" in instructions
