"""Commands that are stopped: what was begun is taken away, and what took effect is whole and on record."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from dashboard.settings import Settings
from dashboard.state import Store
from dashboard.state.audit import Search
from dashboard.state.closed_months import ClosedMonths
from tests.demo_extract import add_extract
from tests.waiting import until

MAIN = "from dashboard.cli import main; main()"
#: One that is over in the demo data.
MONTH = "2026-09"


@pytest.fixture
def data(tmp_path, monkeypatch):
    data = tmp_path / "data"
    monkeypatch.setenv("DASHBOARD_DATA", str(data))
    add_extract(data, 400)
    with Store.open(data, rounds=4):
        return data


def stopped(data, there, *words):
    """The exit code of a command that is told to stop once a file is there, while the store keeps it waiting."""
    with (
        closing(sqlite3.connect(data / "state" / "state.db", isolation_level=None)) as busy,
        subprocess.Popen(
            [sys.executable, "-c", MAIN, *words], env=os.environ, stderr=subprocess.PIPE, text=True
        ) as running,
    ):
        busy.execute("begin immediate")
        until(there)
        time.sleep(0.3)
        running.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        busy.execute("rollback")
        _, told = running.communicate(timeout=60)
    assert "Traceback" not in told
    return running.returncode


def entries(data):
    with Store.for_settings(Settings(data=data)) as store:
        return store.audit.search(Search(kinds=("export",)), 9)


def test_a_file_that_is_there_is_on_record_though_its_command_was_stopped(data, tmp_path):
    file = tmp_path / "payments.csv"
    assert stopped(data, file.exists, "export", "payment_rows", "-o", str(file)) == 128 + signal.SIGTERM
    assert [(entry.details["file"], entry.details["outcome"]) for entry in entries(data)] == [(file.name, "complete")]
    assert {path.name for path in tmp_path.glob("*payments*")} | {path.name for path in tmp_path.glob(".*")} == {
        file.name, f"{file.name}.receipt.json"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "subject", "mode"),
    [(("report", "today", "--site", "dallas", "-o"), "morning_huddle", 0o600), (("audit", "export"), "audit", 0o640)],
    ids=["report", "record"],
)
def test_what_else_is_there_is_on_record_though_its_command_was_stopped(data, tmp_path, words, subject, mode):
    file = tmp_path / "file.html"
    assert stopped(data, file.exists, *words, str(file)) == 128 + signal.SIGTERM
    assert [(entry.subject, entry.details["outcome"]) for entry in entries(data)] == [(subject, "complete")]
    assert file.stat().st_mode & 0o777 == mode
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [file.name]


def test_no_month_is_closed_by_a_stopped_command_without_its_pack(data, tmp_path):
    folder = tmp_path / "packs"

    def begun():
        return list(folder.glob(".*.part"))

    words = ("export", "month-end", "--month", MONTH, "-o", str(folder), "--close")
    assert stopped(data, begun, *words) == 128 + signal.SIGTERM
    with Store.for_settings(Settings(data=data)) as store:
        assert ClosedMonths(store).list(MONTH)
    assert sorted(path.name for path in folder.iterdir()) == [
        f"month-end_{MONTH}.zip", f"month-end_{MONTH}.zip.receipt.json"
    ]  # fmt: skip
    assert len(entries(data)) == 1


def test_a_command_that_is_stopped_early_leaves_nothing_of_its_file(data, tmp_path):
    """Between the file's being made and being put in its place, rows of patients lie beside it."""
    slow = "import os, time\nflush = os.fsync\nos.fsync = lambda descriptor: (time.sleep(20), flush(descriptor))\n"
    file = tmp_path / "payments.csv"
    words = [sys.executable, "-c", slow + MAIN, "export", "payment_rows", "-o", str(file)]
    with subprocess.Popen(words, env=os.environ, stderr=subprocess.PIPE, text=True) as running:
        until(lambda: list(tmp_path.glob(".*.part")))
        time.sleep(0.5)
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGTERM
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
