"""Publication: whole or not at all, whatever happens meanwhile."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from intake_clinic import BOOKINGS, Clinic

from dashboard.intake import attempts, build, database, keys, pointer, publication, publish
from dashboard.intake.commands import demo, import_command, step_lines
from dashboard.intake.compare import differing
from dashboard.intake.contract import DeliveryError
from dashboard.settings import ROOT


def pointed(clinic: Clinic) -> pointer.Pointer:
    named = pointer.current(clinic.data / "extracts")
    assert named is not None
    return named


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_pointer_names_the_extract_and_its_digest(clinic: Clinic) -> None:
    report = clinic.publish()
    named = pointed(clinic)
    assert (named.name, named.path) == (report.name, report.path)
    assert named.sha256 == hashlib.sha256(report.path.read_bytes()).hexdigest()
    assert named.bytes == report.path.stat().st_size
    assert clinic.ask("select name, rows_read, rows_accepted, rows_rejected, demo from extract_info") == [
        (report.name, 1, 1, 0, False)
    ]
    assert {path.name for path in (clinic.data / "extracts").iterdir()} == {
        *(report.name, pointer.FILE_NAME, publish.LOCK_NAME, attempts.FILE_NAME),
        pointer.card_of(report.path).name,
    }


def test_the_same_delivery_has_the_same_content_name(clinic: Clinic) -> None:
    first, second = clinic.publish(), clinic.publish()
    assert first.name != second.name
    assert first.name.split("-")[2] == second.name.split("-")[2]
    clinic.write("bookings.csv", BOOKINGS, "B1,P1,chicago,vitamin-c,2026-01-05 09:00,completed")
    assert clinic.publish().name.split("-")[2] != first.name.split("-")[2]


def test_the_last_extracts_are_kept(clinic: Clinic) -> None:
    reports = [clinic.publish(rules=publish.Rules(kept_extracts=2)) for _ in range(4)]
    kept = sorted((clinic.data / "extracts").glob("*.duckdb"))
    assert kept == [report.path for report in reports[2:]]
    assert pointer.published(clinic.data / "extracts")[::-1] == [
        pointer.Pointer(p.name, digest(p), p.stat().st_size, p, p.stat().st_mtime_ns, False) for p in kept
    ]


def test_a_broken_delivery_leaves_the_extract_in_use(clinic: Clinic) -> None:
    clinic.publish()
    before = (clinic.data / "extracts" / pointer.FILE_NAME).read_bytes()
    clinic.write("bookings.csv", "booking_id,site", "B1,chicago")
    with pytest.raises(DeliveryError):
        clinic.publish()
    assert (clinic.data / "extracts" / pointer.FILE_NAME).read_bytes() == before
    assert pointed(clinic).name == clinic.report.name
    assert not list((clinic.data / "extracts").glob(".*"))


def test_what_does_not_add_up_is_not_published(clinic: Clinic) -> None:
    """What is added to an extract that has lost rows of a cube."""
    clinic.publish()
    with duckdb.connect(str(clinic.report.path)) as connection:
        connection.execute("delete from daily")
    publication.publish(clinic.report.path, clinic.data / "extracts", demo=False, listed=None)
    damaged = pointed(clinic)
    clinic.write("bookings.csv", BOOKINGS, "B2,P2,chicago,vitamin-c,2026-01-06 09:00,completed")
    with pytest.raises(DeliveryError, match="bookings in daily: 2 against 1"):
        clinic.publish(add=True)
    assert pointed(clinic) == damaged
    assert list((clinic.data / "extracts").glob("*.duckdb")) == [damaged.path]


def test_left_overs_are_swept(clinic: Clinic) -> None:
    left = clinic.data / "extracts" / ".building"
    left.mkdir(parents=True)
    (left / "extract.duckdb").write_bytes(b"half")
    clinic.publish()
    assert not left.exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_named(clinic: Clinic) -> None:
    clinic.data.mkdir()
    clinic.data.chmod(0o500)
    with pytest.raises(DeliveryError, match="cannot be written"):
        clinic.publish()


def test_a_full_or_wrong_data_folder_is_named(clinic: Clinic) -> None:
    clinic.data.write_text("a file")
    with pytest.raises(DeliveryError, match=r"cannot be written.*permissions"):
        clinic.publish()


def test_little_memory_is_enough(clinic: Clinic) -> None:
    clinic.publish(memory_limit="100MB")


def test_what_several_threads_have_no_memory_for_one_does(tmp_path: Path) -> None:
    # Of a limit that one thread's blocks fit into and not those of eight.
    limited = {"memory_limit": "16MB", "threads": 1, "temp_directory": str(tmp_path / "spill")}
    with duckdb.connect(config=limited) as connection:
        connection.execute(
            "create table rows as select 'id-' || (i * 7919 % 1000003)::varchar as id from range(1000000) as numbers (i)"
        )
        connection.execute("set threads = 8")
        statement = "create table counted as select id, count(*) as rows from rows group by id"
        with pytest.raises(duckdb.OutOfMemoryException):
            connection.execute(statement)
        build.execute(connection, statement, {})
        assert connection.execute("select count(*), sum(rows) from counted").fetchall() == [(1_000_000, 1_000_000)]
        assert connection.execute("select current_setting('threads')").fetchall() == [(8,)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "is damaged"),
        (b"[]", "is damaged"),
        (b'{"name": "../x", "sha256": "", "bytes": 1}', "is damaged"),
        (b'{"name": "extract-1Z-000000000000.duckdb", "sha256": "", "bytes": 1}', "cannot be found"),
    ],
)
def test_a_wrong_pointer_is_told(tmp_path: Path, content: bytes, words: str) -> None:
    assert pointer.current(tmp_path) is None
    (tmp_path / pointer.FILE_NAME).write_bytes(content)
    with pytest.raises(pointer.ExtractError, match=words):
        pointer.current(tmp_path)


def test_a_pointer_that_leads_to_a_device_is_not_read(tmp_path: Path) -> None:
    (tmp_path / pointer.FILE_NAME).symlink_to("/dev/null")
    with pytest.raises(pointer.ExtractError, match="is no file"):
        pointer.current(tmp_path)


def test_a_cut_extract_is_told(clinic: Clinic) -> None:
    path = clinic.publish().path
    os.truncate(path, 100)
    with pytest.raises(pointer.ExtractError, match="has 100 bytes instead"):
        pointer.current(clinic.data / "extracts")


def test_a_key_from_outside(tmp_path: Path) -> None:
    key = bytes(range(32))
    assert keys.patient_key(tmp_path / "state", key.hex()) == key
    for name, content in (("raw.key", key), ("hex.key", key.hex().encode() + b"\n")):
        file = tmp_path / name
        file.touch(0o600)
        file.write_bytes(content)
        assert keys.patient_key(tmp_path / "state", None, file) == key
    file.chmod(0o640)
    with pytest.raises(DeliveryError, match="chmod 600"):
        keys.patient_key(tmp_path / "state", None, file)
    for given, named in (("abc", None), ("zz" * 32, None), (None, tmp_path / "none.key")):
        with pytest.raises(DeliveryError, match="DASHBOARD_PATIENT_KEY"):
            keys.patient_key(tmp_path / "state", given, named)
    assert not (tmp_path / "state").exists()


def test_the_key_stays_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    first = keys.patient_key(tmp_path)
    assert (len(first), keys.patient_key(tmp_path)) == (32, first)
    (tmp_path / keys.FILE_NAME).write_bytes(b"short")
    with pytest.raises(DeliveryError, match="has 5 bytes"):
        keys.patient_key(tmp_path)


def test_two_imports_at_once(clinic: Clinic) -> None:
    """The second waits, says so, and both are published."""
    steps: list[str] = []
    reports = []
    inside = threading.Event()

    def first(step: str, share: float) -> None:
        inside.set()
        if step.startswith("building"):
            time.sleep(0.02)

    def import_first() -> None:
        reports.append(publish.import_delivery(clinic.delivery, clinic.data, progress=first))

    thread = threading.Thread(target=import_first)
    thread.start()
    assert inside.wait(10)
    reports.append(publish.import_delivery(clinic.delivery, clinic.data, progress=lambda step, _: steps.append(step)))
    thread.join()
    assert steps[0] == "waiting for another import to end"
    assert reports[0].name < reports[1].name == pointed(clinic).name


@pytest.mark.parametrize("add", [False, True])
def test_killed_imports_leave_a_whole_extract(clinic: Clinic, add: bool) -> None:
    kill_imports(clinic, 3, add=add)


@pytest.mark.bench
@pytest.mark.parametrize("add", [False, True])
def test_a_hundred_killed_imports(clinic: Clinic, add: bool) -> None:
    kill_imports(clinic, 100, add=add)


_IMPORTER = """
import os, sys
from pathlib import Path
from dashboard.intake.publish import import_delivery
for _ in sys.stdin:
    child = os.fork()
    if not child:
        while True:
            import_delivery(Path(sys.argv[1]), Path(sys.argv[2]), add=sys.argv[3] == "add")
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


def kill_imports(clinic: Clinic, times: int, *, add: bool) -> None:
    """Kill imports at random moments; after each, a reader must see a whole extract."""
    rows = (f"B{n},P{n % 999},dallas,vitamin-c,2026-01-{n % 28 + 1:02} 09:00,completed" for n in range(5_000))
    clinic.write("bookings.csv", BOOKINGS, *rows)
    clinic.publish()
    moments = random.Random(5)
    # A file, since DuckDB takes `python -c` for a person's session and prints its progress where it takes long.
    script = clinic.delivery.with_name("importer.py")
    script.write_text(_IMPORTER)
    # One process loads the modules, and children of it are killed.
    with subprocess.Popen(
        [sys.executable, str(script), str(clinic.delivery), str(clinic.data), "add" if add else "all"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(times):
            process.stdin.write("\n")
            child = int(process.stdout.readline())
            time.sleep(moments.uniform(0.02, 0.9))
            os.kill(child, signal.SIGKILL)
            assert process.stdout.readline() == "gone\n"
            named = pointed(clinic)
            assert hashlib.sha256(named.path.read_bytes()).hexdigest() == named.sha256
            with duckdb.connect(str(named.path), read_only=True) as connection:
                assert connection.execute("select sum(bookings) from daily").fetchone() == (5_000,)
        process.stdin.close()
    clinic.publish()
    assert not list((clinic.data / "extracts").glob(".*"))
    assert {card.stem for card in (clinic.data / "extracts").glob("extract-*.json")} == {
        extract.stem for extract in (clinic.data / "extracts").glob("*.duckdb")
    }


def test_the_commands(clinic: Clinic, tmp_path: Path) -> None:
    runner = CliRunner()
    folder = str(tmp_path / "demo")
    made = runner.invoke(demo, [folder, "--bookings", "500", "--seed", "3"])
    assert (made.exit_code, "next: dashboard import" in made.output) == (0, True)
    done = runner.invoke(import_command, [folder, "--data", str(clinic.data)])
    assert done.exit_code == 0
    for words in ("bookings.csv", "accepted", "rejected lines, by reason", "published extract-"):
        assert words in done.output
    refused = runner.invoke(import_command, [str(tmp_path / "nowhere"), "--data", str(clinic.data)])
    assert (refused.exit_code, "is not a folder" in refused.output) == (1, True)
    assert runner.invoke(import_command, []).exit_code == 2
    for command in (demo, import_command):
        assert "Example: dashboard" in runner.invoke(command, ["--help"]).output
    info = json.loads((tmp_path / "demo" / "delivery.json").read_text())
    assert info["demo"] is True


def test_a_step_has_one_line_however_steps_take_turns(capsys: pytest.CaptureFixture[str]) -> None:
    tell = step_lines()
    for share in (0.1, 0.2):
        for name in ("bookings-1.csv", "bookings-2.csv"):
            tell(f"checking {name}", share)
    assert capsys.readouterr().err == " 10%  checking bookings-1.csv\n 10%  checking bookings-2.csv\n"


def test_of_thousands_of_steps_alike_one_a_percent_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    tell = step_lines()
    for number in range(3000):
        tell(f"reading {number}.json", number / 3000 / 10)
    tell("building bookings", 0.1)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["  0%  reading 0.json", "  0%  reading 1.json"]
    assert lines[-1] == " 10%  building bookings"
    # The first fifty, and the first of each percent that comes later.
    assert len(lines) == 50 + 10 + 1


def test_of_very_many_files_those_with_rejects_are_told_and_the_rest_together(clinic: Clinic) -> None:
    (clinic.delivery / "bookings.csv").unlink()
    for number in range(240):
        status = "unheard_of" if number % 2 else "completed"
        row = f"B{number},P1,chicago,vitamin-c,2026-01-05 09:00,{status}"
        columns = f"{BOOKINGS},notes-{number if number < 120 else 120}"
        clinic.write(f"bookings-{number:03}.csv", columns, row + ",x", f"C{number}" + row[2:] + ",x")
    report = clinic.publish()
    assert (report.rows_read, report.rows_accepted, report.rows_rejected) == (480, 240, 240)
    lines = list(report.lines())
    files = [line.split() for line in lines if line.startswith("bookings-") and "columns not read" not in line]
    assert len(files) == 100
    assert all(rejected == "2" for _, _, _, rejected in files)
    # The other 20 with rejects, the 120 without any and the one of side effects.
    assert [line.split() for line in lines if "other files" in line] == [
        ["141", "other", "files", "280", "240", "40"]
    ]
    assert sum("columns not read" in line for line in lines) == 100
    [more] = [line for line in lines if line.startswith("  … and ")]
    assert more == "  … and 21 more; the page Data has all, and so has --report FILE.json"
    [reason] = [line for line in lines if line.startswith("  bookings-")]
    assert reason.startswith("  bookings-001.csv and 119 more files, 240 lines, first 2: status is not a status")
    assert len(report.as_json()["files"]) == 241


def test_of_very_many_files_the_same_columns_are_named_once(clinic: Clinic) -> None:
    (clinic.delivery / "bookings.csv").unlink()
    row = "P1,chicago,vitamin-c,2026-01-05 09:00,completed"
    for number in range(60):
        columns = f"{BOOKINGS},notes" + ",more" * (number == 7)
        clinic.write(f"bookings-{number:03}.csv", columns, f"B{number},{row},x" + ",x" * (number == 7))
    told = [line for line in clinic.publish().lines() if "columns not read" in line]
    assert told == [
        "bookings-000.csv and 58 more files: columns not read: notes",
        "bookings-007.csv: columns not read: notes, more",
    ]


def test_many_rows_are_staged_in_a_file_and_sorted_in_spans(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what comes of it the same, added to an extract, too, and nothing left of the file."""
    visits = [f"B{n},P{n % 4},chicago,vitamin-c,2026-01-{28 - n:02} 09:00,completed" for n in range(20)]
    clinic.write("bookings.csv", BOOKINGS, *visits, "B20,P0,chicago,vitamin-c,never,completed")
    in_memory = clinic.publish()
    monkeypatch.setattr(database, "_STAGED_IN_MEMORY", 0)
    monkeypatch.setattr(build, "_SPAN_ROWS", 3)
    building = clinic.data / "extracts" / ".building"
    staged = set()
    in_a_file = clinic.publish(progress=lambda _step, _share: staged.add((building / "staged.duckdb").exists()))
    days = clinic.ask("select starts_on from bookings")
    added = clinic.publish(add=True)
    assert (in_memory.rows_rejected, in_a_file.rows_rejected, len(days)) == (1, 1, 20)
    assert days == sorted(days)
    assert differing(in_memory.path, in_a_file.path) == differing(in_a_file.path, added.path) == []
    assert (True in staged, building.exists()) == (True, False)
