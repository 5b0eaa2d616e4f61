"""Commands that are stopped while they load what they need, or as they end: quietly, with the usual exit code."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

#: Read by Python as it starts: sends the stop when a module is about to be imported, or when all is done.
SENDER = """
import atexit, os, signal, sys
number, when = int(os.environ["STOP"]), os.environ["WHEN"]
signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's `&` takes away
stop = lambda: os.kill(os.getpid(), number)
class Finder:
    def find_spec(name, *_):
        if name == when:
            stop()
if when == "end":
    atexit.register(stop)
else:
    sys.meta_path.insert(0, Finder)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("words", "when"),
    [
        (["--version"], "dashboard.cli"),
        (["--version"], "click"),
        (["demo", "made"], "pandas"),
        (["--version"], "end"),
        (["serve"], "dashboard.server"),
        (["serve"], "streamlit"),
        (["export", "visits", "-o", "visits.csv"], "dashboard.exports"),
        (["users", "list"], "sqlalchemy"),
    ],
)
def test_a_stop_ends_a_command_quietly_wherever_it_comes(tmp_path, words, when, number):
    (tmp_path / "sitecustomize.py").write_text(SENDER)
    path = os.pathsep.join([str(tmp_path), *sys.path])
    told = {"PYTHONPATH": path, "STOP": str(int(number)), "WHEN": when, "DASHBOARD_DATA": str(tmp_path / "data")}
    command = [sys.executable, "-m", "dashboard", *words]
    done = subprocess.run(command, env=os.environ | told, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (128 + number, "")
