"""What an import by root makes is the service's to read, and nothing else of root's."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from intake_clinic import Clinic

from dashboard import folders
from dashboard.intake import pointer, publication
from dashboard.settings import ROOT

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="nobody but root may give files away")


def test_what_root_imports_is_the_services_to_read(clinic: Clinic) -> None:
    """An import by hand as root, into the folder that a service of another user reads."""
    clinic.publish()
    extracts = clinic.data / "extracts"
    for path in (extracts, *extracts.iterdir()):
        os.chown(path, 65534, 65534)
    clinic.publish()
    assert {(path.name, path.stat().st_uid, path.stat().st_gid) for path in extracts.iterdir()} == {
        (path.name, 65534, 65534) for path in extracts.iterdir()
    }


def test_nothing_of_roots_is_given_away_through_a_link(clinic: Clinic, tmp_path: Path) -> None:
    """Who owns the folder may have put links, of either kind, in the place of files that an import makes or keeps."""
    clinic.publish()
    extracts, kept = clinic.data / "extracts", tmp_path / "kept"
    kept.write_text("root's")
    os.chown(extracts, 65534, 65534)
    (extracts / f".{pointer.FILE_NAME}.{os.getpid()}").symlink_to(kept)
    clinic.publish()
    assert (kept.read_text(), kept.stat().st_uid) == ("root's", 0)
    (extracts / "twice").hardlink_to(kept)
    with kept.open("rb") as file:
        folders.give_to_owner(file.fileno(), extracts)
    assert kept.stat().st_uid == 0
    (extracts / "built").symlink_to(kept)
    with pytest.raises(OSError, match="symbolic links"):
        publication.publish(extracts / "built", extracts, demo=False, listed=None)
    assert kept.stat().st_uid == 0


COMMAND = [sys.executable, "-m", "dashboard"]


def run(data: Path, *words: str, told: str = "") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"DASHBOARD_DATA": str(data), "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*COMMAND, *words], input=told, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_what_root_makes_in_a_data_folder_of_the_services_is_the_services(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, 65534, 65534)
    delivery = data / "deliveries" / "demo"
    month = ("export", "month-end", "--month", "2026-09", "-o", str(data / "packs" / "2026"))
    for words, told in (
        (("users", "add", "ada", "--role", "admin", "--password-stdin"), "correct horse battery\n"),
        (("demo", str(delivery), "--bookings", "400"), ""),
        (("import", str(delivery)), ""),
        (month, ""),
        (("import", str(data / "deliveries"), "--watch", "--once"), ""),
        (("report", "safety", "--month", "2026-09", "-o", str(data / "packs" / "safety.html")), ""),
    ):
        done = run(data, *words, told=told)
        assert done.returncode == 0, done.stderr
    found = {path.relative_to(data) for path in data.rglob("*")}
    assert {Path("state/state.db.queue"), Path("packs/2026/month-end_2026-09.zip.receipt.json")} <= found
    assert [path for path in found if (data / path).stat().st_uid != 65534] == []
    assert [path for path in found if (data / path).stat().st_gid != 65534] == []


@pytest.mark.parametrize("name", ["audit.head", "state.db.queue", "state.db"])
def test_root_writes_through_no_link_in_the_state(tmp_path: Path, name: str) -> None:
    kept = tmp_path / "kept"
    state = tmp_path / "data" / "state"
    state.mkdir(parents=True)
    for path in (state.parent, state):
        os.chown(path, 65534, 65534)
    (state / name).symlink_to(kept)
    os.chown(state / name, 65534, 65534, follow_symlinks=False)
    refused = run(state.parent, "users", "add", "ada", "--role", "admin", "--password-stdin", told="correct horse\n")
    assert "Traceback" not in refused.stderr
    assert (name == "state.db.queue", refused.returncode) in ((True, 0), (False, 1))
    assert not kept.exists()
