"""Many at once, and killed in the middle: no change is lost, the store stays readable, the record holds."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dashboard.state import Store
from dashboard.state.audit import Search
from tests.waiting import until


def hammer(place, each, kills):
    """Open, change and kill: what was acknowledged and what was found afterwards."""
    script = Path(__file__).parent / "hammer.py"
    command = [sys.executable, str(script), str(place.data), place.url or "", str(each), str(kills)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=570)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["opened"] == [0] * 4, done.stderr
    changed, killed = result["together"], result["killed"]
    assert set(changed["codes"]) == {0}, done.stderr
    # A change is a new version of the account and an entry on record: both or neither.
    assert changed["changes"] == changed["acknowledged"] == changed["version"] - 1
    assert changed["fault"] is None
    assert killed["faults"] == [], done.stderr
    assert kills <= killed["acknowledged"] <= killed["since"] <= killed["acknowledged"] + kills
    return result


def test_no_change_is_lost_to_others_or_to_kills(place):
    hammer(place, each=2, kills=3)


@pytest.mark.bench
def test_400_changes_at_once_and_60_kills(place, request):
    began = time.monotonic()
    result = hammer(place, each=25, kills=60)
    assert result["together"]["acknowledged"] == 400
    killed = result["killed"]
    print(
        f"\n{request.node.name}: 400 changes of 16 threads in 4 processes, none lost; 60 kills: "
        f"{killed['acknowledged']} changes acknowledged, {killed['since']} found; {time.monotonic() - began:.0f} s"
    )


#: Changes the store without a pause until it is told to end; says when it has begun, and counts.
BUSY = """
import sys, time
from pathlib import Path
from dashboard.state import Store
from dashboard.state.audit import Search
from tests.waiting import until
store = Store.open(Path(sys.argv[1]), rounds=4)
while not Path(sys.argv[1], "enough").exists():
    with store.database.write() as connection:
        store.audit.append(connection, "view", "busy", "today")
        time.sleep(0.3)
"""


def test_who_waits_to_change_something_has_its_turn_before_those_who_have_just_changed_something(tmp_path):
    """SQLite asks for its lock every 0.1 s: whose gap between two changes is shorter would keep all others out."""
    with Store.open(tmp_path, rounds=4) as store:
        busy = [subprocess.Popen([sys.executable, "-c", BUSY, str(tmp_path)]) for _ in range(2)]
        try:
            until(lambda: {entry.actor for entry in store.audit.search(Search(), 9)} == {"busy"})
            for _ in range(5):
                store.audit.record("view", "ada", "today")
        finally:
            (tmp_path / "enough").touch()
            assert [process.wait(60) for process in busy] == [0, 0]
        actors = [entry.actor for entry in store.audit.search(Search(), 1_000)]
    between = "".join("a" if actor == "ada" else "." for actor in actors).strip(".").split("a")
    assert max(map(len, between)) <= 4, actors


def test_opening_a_store_twice_takes_no_lock_away(tmp_path):
    """Closing a file drops the process's locks on it: another process would then remove the log in use."""
    with Store.open(tmp_path, rounds=4) as store:
        with Store.open(tmp_path, rounds=4):
            pass
        file = tmp_path / "state" / "state.db"
        code = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('select count(*) from audit').fetchone())"

        def count():
            done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True)
            return done.stdout.strip()

        assert count() == "(0,)"
        store.audit.record("view", "ada", "today")
        assert count() == "(1,)"
