"""The inbox: complete deliveries, once, in order; what fails is told and doesn't stop the rest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from intake_clinic import BOOKINGS, EVENTS

from dashboard.intake import attempts, turns, watch
from dashboard.intake.commands import import_command


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def deliver(
    inbox: Path, name: str, *, rows: int = 1, marker: str | None = "_SUCCESS", header: str = BOOKINGS
) -> Path:
    folder = inbox / name
    folder.mkdir()
    body = "".join(f"{name}-{n},P{n},chicago,vitamin-c,2026-01-05 09:00,completed\n" for n in range(rows))
    (folder / "bookings.csv").write_text(f"{header}\n{body}")
    (folder / "side_effects.csv").write_text(f"{EVENTS}\n")
    if marker:
        (folder / marker).touch()
    return folder


def look(inbox: Path, tmp_path: Path, *options: str) -> Result:
    arguments = [str(inbox), "--watch", "--once", "--data", str(tmp_path / "data"), *options]
    return CliRunner().invoke(import_command, arguments)


def record(tmp_path: Path) -> list[tuple[str, str]]:
    return [(attempt.delivery, attempt.result) for attempt in attempts.read(tmp_path / "data" / "extracts")]


def test_each_once_in_order_and_on_after_a_failure(inbox: Path, tmp_path: Path) -> None:
    deliver(inbox, "2026-01-06", rows=3)
    deliver(inbox, "2026-01-05", header="nonsense")
    deliver(inbox, "2026-01-04", rows=2)
    deliver(inbox, "2026-01-07", marker=None)
    first = look(inbox, tmp_path)
    assert (first.exit_code, first.output.splitlines()[-1]) == (
        1,
        "2 published, 1 not published, 0 known from before",
    )
    done = [("2026-01-04", "published"), ("2026-01-05", "refused"), ("2026-01-06", "published")]
    assert record(tmp_path) == done
    again = look(inbox, tmp_path)
    assert (again.exit_code, again.output.splitlines()[-1]) == (
        0,
        "0 published, 0 not published, 3 known from before",
    )
    shutil.copytree(inbox / "2026-01-06", inbox / "a copy of it")
    (inbox / "2026-01-05" / "bookings.csv").write_text(f"{BOOKINGS}\n" + "".join(
        f"M{n},P{n},chicago,vitamin-c,2026-01-05 09:00,completed\n" for n in range(4)))  # fmt: skip
    assert look(inbox, tmp_path).exit_code == 0
    assert record(tmp_path) == [*done, ("2026-01-05", "published")]


def test_without_marker_it_must_have_been_quiet(inbox: Path, tmp_path: Path) -> None:
    delivery = deliver(inbox, "one", marker=None)
    now = time.time()
    assert not watch.is_complete(delivery, 60, now)
    for path in (*delivery.iterdir(), delivery):
        os.utime(path, (now - 60, now - 60))
    assert watch.is_complete(delivery, 60, now)
    assert not watch.is_complete(delivery, 61, now)
    (inbox / "empty").mkdir()
    assert not watch.is_complete(inbox / "empty", 0, now + 99)
    assert look(inbox, tmp_path, "--quiet", "30").exit_code == 0
    assert record(tmp_path) == [("one", "published")]


def test_what_is_held_back_is_not_tried_again_and_what_lacks_room_is(inbox: Path, tmp_path: Path) -> None:
    deliver(inbox, "1", rows=9)
    deliver(inbox, "2", rows=1)
    assert look(inbox, tmp_path).exit_code == 1
    assert look(inbox, tmp_path).exit_code == 0
    assert record(tmp_path) == [("1", "published"), ("2", "held")]
    tried = attempts.read(tmp_path / "data" / "extracts")
    failed = attempts.Attempt(tried[0].at, "3", "f" * 64, "failed", "full")
    assert turns.settled([*tried, failed]) == {attempt.fingerprint for attempt in tried}


def test_a_line_that_was_torn_costs_only_itself(tmp_path: Path) -> None:
    one = attempts.Attempt(attempts.dt.datetime(2026, 1, 5, tzinfo=attempts.dt.UTC), "d", "f", "published", "m")
    attempts.append(tmp_path, one)
    with (tmp_path / attempts.FILE_NAME).open("a") as file:
        file.write('{"at": "2026')
    attempts.append(tmp_path, one)
    assert attempts.read(tmp_path) == [one, one]


def test_wrong_usage_and_a_missing_inbox(inbox: Path, tmp_path: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(import_command, [str(inbox), "--once"]).exit_code == 2
    assert runner.invoke(import_command, [str(inbox), "--watch", "--once", "--report", "x"]).exit_code == 2
    missing = look(inbox / "nowhere", tmp_path)
    assert (missing.exit_code, "cannot be read" in missing.output) == (1, True)


def test_what_was_imported_by_hand_is_not_imported_again(inbox: Path, tmp_path: Path) -> None:
    done = deliver(inbox, "2026-01-04", rows=2, marker=None)
    refused = deliver(inbox, "2026-01-05", header="nonsense", marker=None)
    for delivery, code in ((done, 0), (refused, 1)):
        by_hand = CliRunner().invoke(import_command, [str(delivery), "--data", str(tmp_path / "data")])
        assert by_hand.exit_code == code
        (delivery / "_SUCCESS").touch()
    looked = look(inbox, tmp_path)
    assert (looked.exit_code, looked.output.splitlines()[-1]) == (
        1,
        "0 published, 1 not published, 1 known from before",
    )
    assert record(tmp_path) == [("2026-01-04", "published"), ("2026-01-05", "refused"), ("2026-01-05", "refused")]
    assert look(inbox, tmp_path).output.splitlines()[-1] == "0 published, 0 not published, 2 known from before"


def test_what_is_added_is_added_in_turn(inbox: Path, tmp_path: Path) -> None:
    whole = deliver(tmp_path, "whole", rows=2)
    assert CliRunner().invoke(import_command, [str(whole), "--data", str(tmp_path / "data")]).exit_code == 0
    deliver(inbox, "2026-01-05")
    deliver(inbox, "2026-01-06", header="nonsense")
    deliver(inbox, "2026-01-07")
    first = look(inbox, tmp_path, "--add")
    assert (first.exit_code, first.output.splitlines()[-1]) == (
        1,
        "1 published, 1 not published, 0 known from before",
    )
    again = look(inbox, tmp_path, "--add")
    assert (again.exit_code, again.output.splitlines()[-1]) == (
        1,
        "0 published, 1 not published, 1 known from before",
    )
    (inbox / "2026-01-06" / "bookings.csv").write_text((inbox / "2026-01-05" / "bookings.csv").read_text())
    assert look(inbox, tmp_path, "--add").output.splitlines()[-1] == (
        "2 published, 0 not published, 1 known from before"
    )
    assert record(tmp_path) == [
        ("whole", "published"),
        ("2026-01-05", "published"),
        ("2026-01-06", "refused"),
        ("2026-01-06", "published"),
        ("2026-01-07", "published"),
    ]


def test_a_day_that_is_not_complete_holds_up_those_after_it(inbox: Path, tmp_path: Path) -> None:
    whole = deliver(tmp_path, "whole", rows=2)
    assert CliRunner().invoke(import_command, [str(whole), "--data", str(tmp_path / "data")]).exit_code == 0
    deliver(inbox, "2026-01-05", marker=None)
    deliver(inbox, "2026-01-06")
    assert look(inbox, tmp_path, "--add").output.splitlines()[-1] == (
        "0 published, 0 not published, 0 known from before"
    )
    (inbox / "2026-01-05" / "_SUCCESS").touch()
    assert look(inbox, tmp_path, "--add").output.splitlines()[-1] == (
        "2 published, 0 not published, 0 known from before"
    )


def test_a_link_to_nothing_keeps_no_delivery_waiting(inbox: Path, tmp_path: Path) -> None:
    delivery = deliver(inbox, "one", marker=None)
    (delivery / "payments-1.csv").symlink_to("nowhere")
    once = look(inbox, tmp_path, "--quiet", "0")
    assert (once.exit_code, record(tmp_path)) == (1, [("one", "refused")])


def test_files_of_another_clock_are_told(inbox: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    delivery = deliver(inbox, "one", marker=None)
    caplog.set_level("INFO")
    assert look(inbox, tmp_path).exit_code == 0
    ahead = time.time() + 3600
    os.utime(delivery / "bookings.csv", (ahead, ahead))
    assert look(inbox, tmp_path).exit_code == 0
    waiting = [one.getMessage() for one in caplog.records]
    assert waiting[0] == "one is not complete yet"
    assert waiting[1].startswith("one is not complete yet: a file in it bears a time that is yet to come")


def test_names_of_deliveries_do_not_steer_a_terminal(inbox: Path, tmp_path: Path) -> None:
    deliver(inbox, "\x1b[31mone")
    arguments = [str(inbox), "--data", str(tmp_path / "data"), "--watch", "--once"]
    command = "import sys; from dashboard.cli import main; main(sys.argv[1:])"
    done = subprocess.run([sys.executable, "-c", command, "import", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stderr
    assert "\\x1b[31mone published" in done.stderr


def test_no_name_of_a_delivery_makes_an_entry_of_the_log(inbox: Path, tmp_path: Path) -> None:
    deliver(inbox, "one\n2026-01-05 09:00:00,000 INFO two published", header="nonsense")
    arguments = [str(inbox), "--data", str(tmp_path / "data"), "--watch", "--once"]
    command = "import sys; from dashboard.cli import main; main(sys.argv[1:])"
    done = subprocess.run([sys.executable, "-c", command, "import", *arguments], capture_output=True, text=True)
    assert done.returncode == 1
    entries = [line for line in done.stderr.splitlines() if "two published" in line]
    assert entries
    assert all(line.startswith("  ") for line in entries), entries
