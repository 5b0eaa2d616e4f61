"""`dashboard serve --demo` from an empty folder to the pages, as its own process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import click
import duckdb
import pytest
from server_harness import running

from dashboard import cli
from dashboard.intake import pointer
from dashboard.intake.contract import SCHEMA_VERSION
from dashboard.intake.extracts import schema_version
from dashboard.settings import Settings
from dashboard.state import Store
from dashboard.state.demo import DEMO_ACCOUNTS
from dashboard.state.passwords import DEMO_PASSWORD
from tests.ports import free_port
from tests.waiting import until

DASHBOARD = str(Path(sys.executable).parent / "dashboard")


def serve(data):
    port = free_port()
    return running([DASHBOARD, "serve", "--demo", "--port", str(port)], port, data)


@pytest.fixture(scope="module")
def first_start(tmp_path_factory):
    """A data folder after the first start, and what the console said."""
    data = tmp_path_factory.mktemp("demo")
    with serve(data) as server:
        assert server.request("GET", "/healthz").body == b"ok"
        until(lambda: "manager.two" in server.output.read_text())
        output = server.output.read_text()
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(20) == 0
    return data, output, server


def test_two_starts_at_once_come_up_with_the_same_data_and_accounts(tmp_path):
    with ExitStack() as both, ThreadPoolExecutor() as threads:
        servers = list(threads.map(lambda _: both.enter_context(serve(tmp_path)), range(2)))
        for server in servers:
            assert server.login("manager.two", DEMO_PASSWORD).cookie
    assert len(pointer.published(tmp_path / "extracts")) == 1
    assert "Traceback" not in "".join(server.output.read_text() for server in servers)
    with Store.open(tmp_path, rounds=4) as store:
        assert {user.username for user in store.list_users()} == {username for username, *_ in DEMO_ACCOUNTS}


@pytest.fixture
def data(first_start):
    return first_start[0]


def dashboard(data, *arguments):
    environment = os.environ | {"DASHBOARD_DATA": str(data)}
    return subprocess.run([DASHBOARD, *arguments], capture_output=True, text=True, env=environment, check=False)


def test_the_console_says_where_it_is_and_who_can_sign_in(first_start):
    _, output, server = first_start
    _, _, said = output.partition("Infusion dashboard: ")
    assert said.startswith(f"http://127.0.0.1:{server.port} ")
    assert DEMO_PASSWORD in said
    assert all(username in said for username, *_ in DEMO_ACCOUNTS)
    assert "Uvicorn" not in output
    assert "Streamlit" not in output


def test_the_second_start_is_quick_and_ends_when_told_to(data):
    with serve(data) as server:
        cookie = server.login("director", DEMO_PASSWORD).cookie
        with server.stream(cookie) as stream:
            stream.run()
            server.process.terminate()
            assert server.process.wait(20) == 0
        output = server.output.read_text()
    assert output.startswith("Infusion dashboard: ")
    assert "Traceback" not in output


def test_check_finds_nothing_missing(data):
    done = dashboard(data, "check")
    assert (done.returncode, "problem" in done.stdout) == (0, False), done.stdout
    assert "demo data" in done.stdout
    assert done.stderr == ""


def test_demo_data_are_not_served_to_others(data):
    with Store.open(data, rounds=4) as store:
        for user in store.list_users():
            store.disable(user.username)
    refused = dashboard(data, "serve", "--host", "0.0.0.0")
    with Store.open(data, rounds=4) as store:
        for user in store.list_users():
            store.enable(user.username)
    assert refused.returncode == 1
    assert "holds demo data" in refused.stderr


def test_secrets_are_the_owners_alone(data):
    for name in ("state.db", "cookie.key"):
        assert (data / "state" / name).stat().st_mode & 0o777 == 0o600


def become(data, version, *, demo):
    """Make the extract in use one of another schema version, published as such."""
    before = pointer.current(data / "extracts")
    before.path.chmod(0o600)
    with duckdb.connect(str(before.path)) as connection:
        connection.execute("update extract_info set schema_version = $1", [version])
    found = before.path.stat()
    now = replace(before, sha256=before.digest(), bytes=found.st_size, mtime_ns=found.st_mtime_ns, demo=demo)
    pointer.write(pointer.card_of(now.path), now)
    pointer.turn(data / "extracts", now)
    return now


def test_demo_data_of_an_older_version_are_made_anew_and_the_server_ends_as_it_should(data):
    older = become(data, SCHEMA_VERSION - 1, demo=True)
    with serve(data) as server:
        assert server.request("GET", "/healthz").body == b"ok"
        server.process.terminate()
        assert server.process.wait(20) == 0
        said = server.output.read_text()
    now = pointer.current(data / "extracts")
    assert now.name != older.name
    assert schema_version(now.path) == SCHEMA_VERSION
    assert f"The demo data have schema version {SCHEMA_VERSION - 1}, this program reads {SCHEMA_VERSION}" in said
    assert "Traceback" not in said
    older.path.unlink()
    pointer.card_of(older.path).unlink()


def test_a_clinics_data_of_an_older_version_are_left_alone(data):
    older = become(data, SCHEMA_VERSION - 1, demo=False)
    with click.Context(cli.serve) as context:
        cli._prepare_demo(context, replace(Settings.from_environment(), data=data))
    assert pointer.current(data / "extracts") == older
    become(data, SCHEMA_VERSION, demo=True)


def test_check_finds_a_changed_extract(data):
    (extract,) = (data / "extracts").glob("*.duckdb")
    content = bytearray(extract.read_bytes())
    content[-1] ^= 1
    extract.chmod(0o600)
    extract.write_bytes(content)
    done = dashboard(data, "check")
    assert done.returncode == 1
    assert "was changed after it was built" in done.stdout
