"""The commands that docs/deploy.md gives whoever installs it, run by a shell as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.settings import ROOT

#: Which of them stand for the machine that they are tried on.
ACCOUNT = "runuser -u infusion-dashboard -- "
PLACES = {
    "/etc/infusion-dashboard.env": "{folder}/settings.env",
    "/opt/infusion-dashboard/.venv/bin/dashboard": str(Path(sys.executable).parent / "dashboard"),
    "/var/lib/infusion-dashboard": "{folder}/data",
}


@pytest.fixture
def run(tmp_path):
    """Run a command with the published function `run`, its paths in the test's folder."""
    (published,) = re.findall(r"^run\(\) \{.*?^ .*?\}$", (ROOT / "docs/deploy.md").read_text(), re.M | re.S)
    for named, here in {ACCOUNT: "", **PLACES}.items():
        assert named in published
        published = published.replace(named, here.format(folder=tmp_path))

    def run(command):
        kept = {key: value for key, value in os.environ.items() if not key.startswith("DASHBOARD_")}
        script = f"{published}\nrun {command}"
        return subprocess.run(
            ["sh", "-c", script], env=kept, capture_output=True, text=True, check=False, timeout=120
        )

    return run


def test_what_is_run_by_hand_has_the_settings_of_the_server(run, tmp_path):
    alone = run("users add kim --role manager --site chicago --name 'Kim Lee' --invite")
    assert "http://127.0.0.1:8501/login/reset#" in alone.stdout
    (tmp_path / "settings.env").write_text("DASHBOARD_URL='https://clinic.example'\n")
    assert "https://clinic.example/login/reset#" in run("users reset-link kim").stdout
    assert "Kim Lee" in run("users list").stdout
    assert (tmp_path / "data" / "state" / "state.db").is_file()


def test_without_the_servers_settings_nothing_is_run_by_hand(run, tmp_path):
    (tmp_path / "settings.env").write_text("DASHBOARD_STATE='\n")
    refused = run("users list")
    assert refused.returncode != 0
    assert not (tmp_path / "data").exists()
