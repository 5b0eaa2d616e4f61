"""Commands that fail in their midst: one line that says what and where, and what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from dashboard.access import Role
from dashboard.cli import main
from dashboard.settings import ROOT
from dashboard.state import Store
from tests.demo_extract import add_extract
from tests.ports import free_port

FULL_DISK = Path("/dev/full")
FULL = "create trigger full before insert on audit begin select raise(abort, 'database or disk is full'); end"


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("DASHBOARD_DATA", str(tmp_path))
    with Store.open(tmp_path, rounds=4) as store:
        store.add_user("ada", Role.ADMIN, "correct horse battery")
    return tmp_path


def test_a_store_that_fails_in_the_midst_of_a_command_is_told_in_a_line(data):
    with Store.open(data, rounds=4) as store, store.database.write() as connection:
        connection.exec_driver_sql(FULL)
    refused = CliRunner().invoke(main, ["users", "disable", "ada"])
    assert refused.exit_code == 1
    assert refused.output.startswith(
        "Error: The state store failed (database or disk is full). Make room on its disk"
    )
    with Store.open(data, rounds=4) as store:
        assert not store.user("ada").disabled


@pytest.mark.parametrize("words", [("audit", "export"), ("state", "backup")])
def test_a_place_that_cannot_be_written_is_told_in_a_line(data, words):
    refused = CliRunner().invoke(main, [*words, str(data / "missing" / "file")])
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: ")
    assert "missing" in refused.output
    assert "No such file or directory" in refused.output
    assert refused.output.count("\n") == 1


def test_a_back_up_that_finds_no_room_is_told_and_leaves_nothing(data):
    """Files of this process may grow to 64 KiB: enough for the store's journal, and not for its copy."""
    limit = (
        "import resource, signal, sys\n"
        "from dashboard.cli import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, 65_536))\n"
        "main(['state', 'backup', sys.argv[1]])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", limit, str(data / "copy")], cwd=ROOT, env=os.environ, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {data / 'copy'} cannot be written (")
    assert done.stderr.count("\n") == 1
    assert [path.name for path in data.iterdir() if path.name != "state"] == []


def test_a_password_cannot_be_asked_for_without_a_terminal(data):
    for words in (("users", "add", "kim", "--role", "finance"), ("users", "reset-password", "ada")):
        done = subprocess.run(
            [sys.executable, "-c", "import sys; from dashboard.cli import main; main(sys.argv[1:])", *words],
            cwd=ROOT, env=os.environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert "--password-stdin" in done.stderr
        assert "Warning" not in done.stderr


def test_a_folder_whose_name_the_locale_cannot_read_is_told_with_the_way_out(data, tmp_path):
    own = tmp_path / "Zürich"
    own.mkdir()
    environment = os.environ | {"DASHBOARD_DATA": str(own), "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    command = [
        sys.executable,
        "-c",
        "import sys; from dashboard.cli import main; main(sys.argv[1:])",
        "users",
        "list",
    ]
    done = [
        subprocess.run(
            command, cwd=ROOT, env=environment | {"PYTHONUTF8": mode}, capture_output=True, text=True, check=False
        )
        for mode in "01"
    ]
    assert (done[0].returncode, done[1].returncode) == (1, 0)
    assert "can't be read in this locale; set PYTHONUTF8=1" in done[0].stderr
    assert done[0].stderr.count("\n") == 1


#: Root enters all folders unless that is taken from it.
AS_OTHERS = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root can't be kept out of a folder")
@pytest.mark.parametrize(
    ("closed", "mode", "said"),
    [
        ("above", 0o600, "The folder {above} cannot be entered: it belongs to"),
        ("above", 0o500, "The folder {data} cannot be made: {above} belongs to"),
        ("data", 0o600, "The folder {data} cannot be entered: it belongs to"),
        ("data", 0o500, "The folder {state} cannot be made: {data} belongs to"),
        ("state", 0o600, "The folder {state} cannot be entered: it belongs to"),
        ("state", 0o500, "The folder {state} cannot be written: it belongs to"),
        ("file", 0o600, "{above} is no folder."),
    ],
)
@pytest.mark.parametrize("command", [["users", "list"], ["check"], ["serve", "--demo", "--port"]])
def test_a_folder_that_cannot_be_used_is_told_as_it_is(tmp_path, closed, mode, said, command):
    place = {"above": tmp_path / "above"}
    place["data"] = place["above"] / "data"
    place["state"] = place["data"] / "state"
    if closed == "file":
        place["above"].touch()
    elif closed == "above":
        place["above"].mkdir()
    else:
        place[closed].mkdir(parents=True)
    shut = place["above"] if closed == "file" else place[closed]
    shut.chmod(mode)
    if command[-1] == "--port":
        command = [*command, str(free_port())]
    done = subprocess.run(
        [*AS_OTHERS, sys.executable, "-m", "dashboard", *command], cwd=ROOT, capture_output=True, text=True, timeout=60,
        env=os.environ | {"DASHBOARD_DATA": str(place["data"]), "PYTHONPATH": str(ROOT)}, check=False,
    )  # fmt: skip
    shut.chmod(0o700)
    assert done.returncode == 1
    told = (done.stdout if command == ["check"] else done.stderr).splitlines()
    assert any(said.format(**place) in line for line in told[:2]), told
    assert "Traceback" not in done.stderr
    assert command == ["check"] or len(told) == 1, told
    assert all("DASHBOARD_DATA" in line for line in told if said.format(**place) in line)


@pytest.mark.skipif(not FULL_DISK.exists(), reason="there is no disk that is always full")
def test_what_was_done_is_said_to_stand_only_where_something_was(data):
    """Its output is the first thing that fails: on a full disk nothing more can be said there."""
    add_extract(data, 400)
    told = {}
    for words in ("users list", "extracts list", "alerts run --dry-run", "users disable ada"):
        with FULL_DISK.open("w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "dashboard", *words.split()], cwd=ROOT, env=os.environ, stdout=full,
                stderr=subprocess.PIPE, text=True, check=False, timeout=60,
            )  # fmt: skip
        assert done.returncode == 1
        told[words] = done.stderr
    stands = "Error: No space left on device. What was done before that stands; mend it and run this again.\n"
    assert told.pop("users disable ada") == stands
    assert set(told.values()) == {"Error: No space left on device. Mend it and run this again.\n"}


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may write everywhere")
@pytest.mark.parametrize("part", ["state.db", "state.db-shm"])
def test_check_says_that_a_store_can_be_read_and_not_written(tmp_path, part):
    """A store that was closed to writers for a while leaves parts behind that still are."""
    with Store.open(tmp_path, rounds=4) as store:
        store.audit.record("view", "ada", "today")
        (tmp_path / "state" / part).chmod(0o400)
        done = subprocess.run(
            [*AS_OTHERS, sys.executable, "-m", "dashboard", "check"], cwd=ROOT, capture_output=True, text=True,
            env=os.environ | {"DASHBOARD_DATA": str(tmp_path), "PYTHONPATH": str(ROOT)}, check=False, timeout=60,
        )  # fmt: skip
        (tmp_path / "state" / part).chmod(0o600)
    [told] = [line for line in done.stdout.splitlines() if "state store" in line]
    assert told.startswith("problem")
    assert (
        "state.db cannot be written (attempt to write a readonly database). Check who may write to it, to the" in told
    )
