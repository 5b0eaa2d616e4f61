"""What an import by root makes is the service's to read, and nothing else of root's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from intake_clinic import Clinic

from dashboard.intake import pointer, publication

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
        pointer.give_to_owner(file.fileno(), extracts)
    assert kept.stat().st_uid == 0
    (extracts / "built").symlink_to(kept)
    with pytest.raises(OSError, match="symbolic links"):
        publication.publish(extracts / "built", extracts, demo=False, listed=None)
    assert kept.stat().st_uid == 0
