"""Spark where it is not there: messages, and what an import that was killed leaves. No Java needed."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner

from dashboard.cli import main
from dashboard.intake import facts
from dashboard.intake.publish import import_delivery
from dashboard.settings import ROOT, Settings


def run(*arguments):
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def unanswered():
    """A port at which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def test_without_the_extra_the_message_says_how_to_install_it(delivery, tmp_path):
    """And DuckDB needs none of it."""
    hidden = (
        "import sys; sys.modules['pyspark'] = sys.modules['sqlglot'] = None; from dashboard.cli import main; main()"
    )

    def call(*arguments):
        command = [sys.executable, "-c", hidden, "import", str(delivery), "--data", str(tmp_path), *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    done = call("--engine", "spark", "--spark", "sc://127.0.0.1:15002")
    assert done.returncode == 1
    assert "the extra 'spark', which is not installed: pip install 'infusion-dashboard[spark]'" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "extracts").exists()
    assert call().returncode == 0


def test_an_addition_is_duckdbs(delivery, tmp_path):
    done = run("import", str(delivery), "--engine", "spark", "--add", "--data", str(tmp_path))
    assert done.exit_code == 2
    assert "--add is done by DuckDB and doesn't go with --engine spark." in done.output


def test_a_program_that_is_no_file_can_use_it():
    """As workers of a test run are, and what is started with python -c."""
    code = "from dashboard.spark.session import require_extra; require_extra(); print('loaded')"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "loaded"), done.stderr


def test_a_server_that_does_not_answer_is_told_before_anything_is_read(delivery, tmp_path, unanswered):
    address = f"sc://127.0.0.1:{unanswered}"
    done = run("import", str(delivery), "--engine", "spark", "--spark", address, "--data", str(tmp_path))
    assert done.exit_code == 1
    assert f"no Spark Connect server answers at 127.0.0.1:{unanswered}" in done.output
    assert "checking" not in done.output


@pytest.mark.parametrize("address", ["http://127.0.0.1:15002", "sc://", "spark"])
def test_an_address_of_another_kind_is_refused(delivery, tmp_path, address, monkeypatch):
    done = run("import", str(delivery), "--engine", "spark", "--spark", address, "--data", str(tmp_path))
    assert done.exit_code == 1
    assert "is like sc://host:15002" in done.output
    monkeypatch.setenv("DASHBOARD_SPARK", address)
    with pytest.raises(ValueError, match="DASHBOARD_SPARK must be an address like sc://host:15002"):
        Settings.from_environment()


def test_an_engine_without_an_address_says_what_to_give(delivery, tmp_path):
    done = run("import", str(delivery), "--engine", "spark", "--data", str(tmp_path))
    assert done.exit_code == 1
    assert "--spark sc://host:15002, or DASHBOARD_SPARK" in done.output
    done = run("import", str(delivery), "--spark", "sc://127.0.0.1:15002", "--data", str(tmp_path))
    assert done.exit_code == 2
    assert "--spark goes with --engine spark" in done.output


def test_the_next_import_removes_facts_that_were_never_published(delivery, tmp_path):
    extracts = tmp_path / "data" / "extracts"
    extracts.mkdir(parents=True)
    begun = extracts / "extract-20260101T000000000Z-0123456789ab.duckdb"
    folder = facts.begin(begun, tmp_path / "shared").folder
    (folder / "bookings").mkdir()
    import_delivery(delivery, tmp_path / "data")
    assert not folder.exists()
    assert not facts.list_of(begun).exists()
