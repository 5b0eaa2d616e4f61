"""Going back, damaged extracts and full disks: there is always a whole extract in service."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result
from intake_clinic import BOOKINGS, Clinic

from dashboard.access import Role, Viewer
from dashboard.cli import main
from dashboard.intake import attempts, pointer
from dashboard.intake.contract import SCHEMA_VERSION, StorageError, other_schema
from dashboard.intake.publish import Rules
from dashboard.intake.report import ImportReport
from dashboard.query_faults import WarehouseError
from dashboard.settings import ROOT, Settings
from dashboard.shelf import Shelf
from dashboard.state import Store
from dashboard.state.audit import Search
from dashboard.warehouse import Reader


def publish(clinic: Clinic, rows: int, **options: object) -> ImportReport:
    clinic.write(
        "bookings.csv", BOOKINGS, *(f"B{n},P{n},chicago,vitamin-c,2026-01-05 09:00,completed" for n in range(rows))
    )
    return clinic.publish(rules=Rules(accept_drop=True), **options)


@pytest.fixture
def run(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DASHBOARD_DATA", str(clinic.data))

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["extracts", *arguments])

    return invoke


def in_use(clinic: Clinic) -> str:
    named = pointer.current(clinic.data / "extracts")
    assert named is not None
    named.check(thorough=True)
    return named.name


def shelf_of(clinic: Clinic) -> Shelf:
    return Shelf(Settings(data=clinic.data))


def bookings(shelf: Shelf) -> int:
    reader = Reader(shelf.current(), Viewer("a", "A", Role.ADMIN))
    return int(reader.query("holdings")["bookings"].sum())


def spoil(path: Path, *, quietly: bool = False) -> None:
    """Turn bytes in the middle over, as a failing disk does; quietly: without a trace in the file's time."""
    before = path.stat()
    with path.open("r+b") as file:
        size = before.st_size
        for place in range(size // 8, size, 4096):
            file.seek(place)
            byte = file.read(1)
            file.seek(place)
            file.write(bytes([byte[0] ^ 0xFF]))
    if quietly:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_list_use_and_prune(clinic: Clinic, run) -> None:
    assert "dashboard import" in run("list").output
    first, second, third = (publish(clinic, rows) for rows in (1, 2, 3))
    shelf = shelf_of(clinic)
    assert bookings(shelf) == 3
    shelf.current().close()
    lines = run("list").output.splitlines()
    assert [line.split()[0] for line in lines] == [one.name.removesuffix(".duckdb") for one in (third, second, first)]
    assert ["in use" in line for line in lines] == [True, False, False]
    assert all("intact" in line for line in lines)
    assert "3 rows" in lines[0]

    assert run("use", first.name.removesuffix(".duckdb")).exit_code == 0
    assert in_use(clinic) == first.name
    assert (bookings(shelf), shelf.warning) == (1, None)
    spoil(second.path)
    assert "damaged" in run("list").output.splitlines()[1]
    refused = run("use", second.name)
    assert (refused.exit_code, "not as it was published" in refused.output) == (1, True)
    assert run("use", "extract-1Z-000000000000").exit_code == 1
    assert run("use", "../state/users.db").exit_code == 1
    assert in_use(clinic) == first.name

    assert run("prune", "--keep", "1").output.split() == ["removed", second.name]
    assert sorted(path.name for path in (clinic.data / "extracts").glob("*.duckdb")) == [first.name, third.name]
    assert run("use", third.name).exit_code == 0
    assert run("prune", "--keep", "1").exit_code == 0
    assert in_use(clinic) == third.name

    with Store.open(clinic.data) as store:
        entries = [entry for part in store.audit.stream(Search(kinds=("extract",))) for entry in part][::-1]
    assert all(entry.actor.startswith("os:") for entry in entries)
    done = [(entry.subject, entry.details["action"], entry.details["outcome"]) for entry in entries]
    assert [step for step in done if step[1] == "use"] == [
        (first.name, "use", "done"),
        (second.name, "use", "failed"),
        ("extract-1Z-000000000000.duckdb", "use", "failed"),
        ("../state/users.db.duckdb", "use", "failed"),
        (third.name, "use", "done"),
    ]
    assert entries[0].details["before"] == third.name
    assert [entry.details["removed"] for entry in entries if entry.details["action"] == "prune"] == [
        [second.name],
        [first.name],
    ]


def test_what_cannot_be_recorded_is_not_done(clinic: Clinic, run) -> None:
    first, second = publish(clinic, 1), publish(clinic, 2)
    (clinic.data / "state").mkdir(exist_ok=True)
    (clinic.data / "state" / "state.db").write_bytes(b"no database at all" * 500)
    for arguments in (("use", first.name), ("prune", "--keep", "1")):
        refused = run(*arguments)
        assert (refused.exit_code, "could not be recorded" in refused.output) == (1, True), refused.output
    assert in_use(clinic) == second.name
    assert first.path.exists()


def test_an_extract_of_another_schema_is_not_put_in_use(clinic: Clinic, run) -> None:
    first = publish(clinic, 1)
    second = publish(clinic, 2)
    with duckdb.connect(str(first.path)) as connection:
        connection.execute("update extract_info set schema_version = 1")
    found = first.path.stat()
    one = pointer.Pointer(first.name, "", found.st_size, first.path, found.st_mtime_ns)
    card = pointer.Pointer(first.name, one.digest(), found.st_size, first.path, found.st_mtime_ns)
    pointer.write(pointer.card_of(first.path), card)
    refused = run("use", first.name)
    assert (refused.exit_code, "schema version 1" in refused.output) == (1, True)
    later, [of_first] = run("list").output.splitlines()[0], run("list").output.splitlines()[2:]
    assert (second.path.stem in later, "schema" in later) == (True, False)
    assert of_first.strip() == f"has schema version 1, this program reads {SCHEMA_VERSION}; import the delivery again"
    pointer.turn(clinic.data / "extracts", card)
    shelf = shelf_of(clinic)
    assert bookings(shelf) == 2
    assert "schema version 1" in str(shelf.warning)
    assert "a later version of the program built it: use that" in other_schema(SCHEMA_VERSION + 1)
    assert shelf.current().catalogue.name == second.name


def test_killed_while_switching(clinic: Clinic) -> None:
    """The pointer always names a whole extract, and what was left is swept."""
    names = [publish(clinic, rows).name for rows in (1, 2)]
    code = (
        "import sys; from pathlib import Path; from dashboard.intake import pointer; folder = Path(sys.argv[1]);"
        "found = pointer.published(folder); print('ready', flush=True)\n"
        "while True:\n  for one in found: pointer.turn(folder, one)"
    )
    moments = random.Random(7)
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", code, str(clinic.data / "extracts")], cwd=ROOT, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            time.sleep(moments.uniform(0.01, 0.1))
            process.send_signal(signal.SIGKILL)
        assert in_use(clinic) in names
    publish(clinic, 1)
    assert not list((clinic.data / "extracts").glob(".*"))


@pytest.mark.parametrize("harm", ["cut", "spoilt", "gone", "pointer"])
def test_the_last_good_extract_takes_over(clinic: Clinic, harm: str) -> None:
    """Also in a process that has just started and has nothing open."""
    first, second = publish(clinic, 1), publish(clinic, 2)
    if harm == "cut":
        os.truncate(second.path, 5000)
    elif harm == "spoilt":
        spoil(second.path)
    elif harm == "gone":
        second.path.unlink()
    else:
        (clinic.data / "extracts" / pointer.FILE_NAME).write_text("{")
    shelf = shelf_of(clinic)
    # Where only the pointer is damaged the newest extract is whole.
    assert shelf.current().catalogue.name == (second.name if harm == "pointer" else first.name)
    assert "import the delivery again" in str(shelf.warning)
    third = publish(clinic, 3)
    assert (shelf.current().catalogue.name, shelf.warning) == (third.name, None)


def test_damage_that_shows_only_when_read(clinic: Clinic) -> None:
    """Size and time are right, so it is opened; DuckDB's checksums find it, and the other takes over."""
    first, second = publish(clinic, 1), publish(clinic, 2)
    shelf = shelf_of(clinic)
    house = shelf.current()
    assert house.catalogue.name == second.name
    house.damaged = True
    assert shelf.current().catalogue.name == second.name
    spoil(second.path, quietly=True)
    house.close()
    fresh = shelf_of(clinic)
    with contextlib.suppress(WarehouseError):
        # Where the damage lies decides whether opening or the first query finds it.
        bookings(fresh)
    assert fresh.current().catalogue.name == first.name
    assert second.name in str(fresh.warning)


def test_demo_data_never_stands_in_for_real_data(clinic: Clinic) -> None:
    clinic.write("delivery.json", '{"demo": true}')
    publish(clinic, 1)
    (clinic.delivery / "delivery.json").unlink()
    second = publish(clinic, 2)
    os.truncate(second.path, 100)
    with pytest.raises(WarehouseError, match="import the delivery again"):
        shelf_of(clinic).current()


def test_a_full_disk_leaves_the_extract_in_use(clinic: Clinic) -> None:
    """A limit on the size of files makes every write beyond it fail, as a full disk does."""
    first = publish(clinic, 1)
    clinic.write(
        "bookings.csv",
        BOOKINGS,
        *(f"B{n},P{n},chicago,vitamin-c,2026-01-{n % 28 + 1:02} 09:00,completed" for n in range(15_000)),
    )
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from dashboard.intake.publish import import_delivery\n"
        "from dashboard.intake.contract import StorageError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "try: import_delivery(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "except StorageError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(clinic.delivery), str(clinic.data)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "the extract in use stays" in done.stdout
    assert "free space" in done.stdout
    assert in_use(clinic) == first.name
    assert attempts.read(clinic.data / "extracts")[-1].result == "failed"
    assert not list((clinic.data / "extracts").glob(".*"))
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 300_000


def test_a_really_full_disk(clinic: Clinic) -> None:
    clinic.data.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(clinic.data)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no small file system can be mounted here")
    try:
        first = publish(clinic, 1)
        with pytest.raises(StorageError, match="free space"):
            publish(clinic, 40_000)
        assert in_use(clinic) == first.name
        assert not list((clinic.data / "extracts").glob(".*"))
    finally:
        subprocess.run(["umount", str(clinic.data)], check=True)


def test_open_pages_follow_while_extracts_are_switched(clinic: Clinic) -> None:
    """Readers under way never see a mixture: each answer is that of one extract."""
    targets = [pointer.published(clinic.data / "extracts")[0] for rows in (1, 2) if publish(clinic, rows)]
    shelf, seen = shelf_of(clinic), set()
    stop = threading.Event()

    def switch() -> None:
        while not stop.is_set():
            for target in targets:
                pointer.turn(clinic.data / "extracts", target)

    thread = threading.Thread(target=switch)
    thread.start()
    for _ in range(15):
        seen.add(bookings(shelf))
    stop.set()
    thread.join()
    assert seen <= {1, 2}
    assert shelf.warning is None


def test_an_extract_of_a_time_to_come_is_the_first_to_go_and_the_last_to_stand_in(clinic: Clinic) -> None:
    """Made while the clock was ahead; those made since would be removed at once, as the oldest."""
    folder = clinic.data / "extracts"
    made = publish(clinic, 1)
    ahead = made.path.with_name("extract-20990105T090000000Z-0123456789ab.duckdb")
    pointer.write(pointer.card_of(ahead), replace(pointer.published(folder)[0], name=ahead.name, path=ahead))
    made.path.rename(ahead)
    pointer.turn(folder, pointer.published(folder)[0])
    second, third = publish(clinic, 2), publish(clinic, 3)
    assert [one.name for one in pointer.published(folder)] == [third.name, second.name, ahead.name]
    spoil(third.path)
    assert shelf_of(clinic).current().catalogue.name == second.name
    clinic.publish(rules=Rules(accept_drop=True, kept_extracts=3))
    assert ahead.name not in {path.name for path in folder.iterdir()}
    assert second.path.exists()
