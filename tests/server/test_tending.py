"""A running server works out what people would wait for, of each extract that is published, and ends while it does."""

from __future__ import annotations

import signal
import time
from contextlib import closing
from dataclasses import replace
from urllib.request import urlopen

import duckdb
import pytest
from prometheus_client.parser import text_string_to_metric_families
from server_harness import add_clinic, await_ready, dashboard_server

from dashboard.intake import pointer, publish
from dashboard.state.passwords import DEMO_PASSWORD
from tests.demo_extract import ENDLESS
from tests.ports import free_port
from tests.waiting import until


def answers(port, source="made"):
    """How many answers were made anew, and how often the question of Signals was asked."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    found = {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}
    return (
        found.get(("dashboard_query_answers_total", source), 0),
        found.get(("dashboard_query_seconds_count", "signal_events"), 0),
    )


@pytest.fixture
def warm(tmp_path):
    """A server that has worked out what people see first, and the port of its figures."""
    add_clinic(tmp_path)
    port = free_port()
    with dashboard_server(tmp_path, DASHBOARD_METRICS_PORT=str(port)) as server:
        await_ready(server)
        until(lambda: answers(port)[1])
        yield server, port
    for word in ("leaked", "Traceback"):
        assert word not in server.output.read_text()


def test_an_extract_published_later_is_worked_out_before_anybody_asks(warm):
    server, port = warm
    made, asked = answers(port)
    publish.import_delivery(server.data / "delivery", server.data)
    # Nobody is signed in. Signals comes last.
    until(lambda: answers(port)[1] > asked)
    assert answers(port)[0] > made
    director = server.login("director", DEMO_PASSWORD).cookie
    with server.stream(director) as stream:
        before = answers(port)
        _, shown = stream.run(page="")
        assert answers(port) == before
    assert "**Miami Beach**" in shown


def test_a_page_that_somebody_reads_has_its_other_periods_when_they_are_chosen(warm):
    server, port = warm
    director = server.login("director", DEMO_PASSWORD).cookie
    with server.stream(director) as stream:
        stream.run(page="bookings", query="period=28-days")
        seen = [answers(port, "ahead")[0]]

        def still():
            seen.append(answers(port, "ahead")[0])
            return seen[-1] > 0 and len(seen) > 20 and seen[-20] == seen[-1]

        until(still)
        before = answers(port)[0]
        for period in ("7-days", "12-months", "last-month"):
            stream.run(page="bookings", query=f"period={period}")
        assert answers(port)[0] == before
        # Other dates are nobody's guess.
        stream.run(page="bookings", query="period=custom&from=2026-01-02&to=2026-01-20")
        assert answers(port)[0] > before


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_as_usual_while_something_is_worked_out(tmp_path, how):
    add_clinic(tmp_path)
    extracts = tmp_path / "extracts"
    [extract] = extracts.glob("extract-*.duckdb")
    extract.chmod(0o600)
    with closing(duckdb.connect(str(extract))) as connection:
        for statement in ENDLESS:
            connection.execute(statement)
    other = replace(pointer.named(extracts), bytes=extract.stat().st_size, mtime_ns=extract.stat().st_mtime_ns)
    pointer.turn(extracts, replace(other, sha256=other.digest()))
    with dashboard_server(tmp_path, DASHBOARD_QUERY_SECONDS="90") as server:
        # Modules and charts come first; from then on it waits for the answer.
        time.sleep(10)
        assert b"warming up" in server.request("GET", "/readyz").body
        begun = time.monotonic()
        server.process.send_signal(how)
        code = server.process.wait(30)
    said = server.output.read_text()
    assert code == 0, said
    assert time.monotonic() - begun < 10
    for word in ("FATAL", "terminate", "Traceback", "leaked"):
        assert word not in said, said
