"""The inbox over months: corrected and late deliveries, mended settings, folders that go away, what others leave in it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result
from intake_clinic import BOOKINGS, EVENTS

from dashboard.intake import attempts, pointer, watch
from dashboard.intake.commands import import_command
from dashboard.intake.extracts import extracts as extracts_command
from dashboard.settings import Settings
from dashboard.state import Store
from dashboard.state.audit import Search
from tests.waiting import until

REFUSED = "holds up the deliveries after it"


class Inbox:
    """An inbox beside a data folder, with the shortest way to deliver, look and ask."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder / "inbox", folder / "data"
        self.folder.mkdir()

    def deliver(self, name: str, *rows: str, where: Path | None = None, marker: bool = True) -> Path:
        delivery = (where or self.folder) / name
        delivery.mkdir(parents=True, exist_ok=True)
        (delivery / "bookings.csv").write_text("\n".join((BOOKINGS, *rows)) + "\n")
        (delivery / "side_effects.csv").write_text(f"{EVENTS}\n")
        if marker:
            (delivery / "_SUCCESS").touch()
        return delivery

    def look(self, *options: str) -> Result:
        arguments = [str(self.folder), "--watch", "--once", "--data", str(self.data), *options]
        return CliRunner().invoke(import_command, arguments)

    def told(self, *options: str) -> str:
        return self.look(*options).output.splitlines()[-1]

    def by_hand(self, delivery: Path, *options: str) -> Result:
        return CliRunner().invoke(import_command, [str(delivery), "--data", str(self.data), *options])

    @property
    def record(self) -> list[tuple[str, str]]:
        return [(one.delivery, one.result) for one in attempts.read(self.data / "extracts")]

    def status(self) -> dict[str, str]:
        named = pointer.current(self.data / "extracts")
        assert named
        with duckdb.connect(str(named.path), read_only=True) as connection:
            return dict(connection.execute("select booking_id, status::varchar from bookings").fetchall())


def row(identity: str, day: int, status: str = "completed") -> str:
    return f"{identity},P1,chicago,vitamin-c,2026-01-{day:02} 09:00,{status}"


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path)


@pytest.fixture
def days(inbox: Inbox, tmp_path: Path) -> Inbox:
    """A whole delivery and two days that were added; on the second a booking of the first is completed."""
    assert inbox.by_hand(inbox.deliver("whole", row("B0", 4), where=tmp_path)).exit_code == 0
    inbox.deliver("2026-01-05", row("B1", 5, "booked"), row("B2", 5))
    inbox.deliver("2026-01-06", row("B1", 5, "completed"))
    assert inbox.told("--add") == "2 published, 0 not published, 0 known from before"
    return inbox


@pytest.mark.parametrize("name", [".~lock.bookings.csv#", ".DS_Store", "Thumbs.db", "desktop.ini", "~$notes.xlsx"])
def test_who_only_looks_into_a_folder_makes_no_new_delivery_of_it(days: Inbox, name: str) -> None:
    (days.folder / "2026-01-05" / name).write_text("left behind")
    assert days.told("--add") == "0 published, 0 not published, 2 known from before"
    assert days.status()["B1"] == "completed"


def test_days_after_one_that_was_corrected_are_added_again(days: Inbox) -> None:
    days.deliver("2026-01-05", row("B1", 5, "booked"), row("B2", 5, "no_show"))
    assert days.told("--add") == "2 published, 0 not published, 0 known from before"
    assert days.status() == {"B0": "completed", "B1": "completed", "B2": "no_show"}
    assert days.told("--add") == "0 published, 0 not published, 2 known from before"


def test_a_day_is_not_lost_by_going_back(days: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHBOARD_DATA", str(days.data))
    first = attempts.read(days.data / "extracts")[1].extract
    assert CliRunner().invoke(extracts_command, ["use", str(first)]).exit_code == 0
    days.deliver("2026-01-07", row("B3", 7))
    held_up = days.look("--add")
    assert days.record[-1] == ("2026-01-06", "held")
    assert (held_up.exit_code, days.status()) == (1, {"B0": "completed", "B1": "booked", "B2": "completed"})
    again = days.by_hand(days.folder / "2026-01-06", "--add")
    assert (again.exit_code, days.told("--add")) == (0, "1 published, 0 not published, 2 known from before")
    assert days.status() == {"B0": "completed", "B1": "completed", "B2": "completed", "B3": "completed"}


def test_a_day_that_comes_after_those_behind_it_have_left_replaces_nothing(days: Inbox) -> None:
    """Days that were added are put away, and an older one is corrected."""
    archive = days.folder.with_name("archive")
    (days.folder / "2026-01-06").rename(archive)
    corrected = days.deliver("2026-01-05", row("B1", 5, "booked"), row("B2", 5, "no_show"))
    for _ in range(2):
        assert days.look("--add").exit_code == 1
    assert days.status() == {"B0": "completed", "B1": "completed", "B2": "completed"}
    assert days.record[-1] == ("2026-01-05", "held")
    message = attempts.read(days.data / "extracts")[-1].message
    assert message.startswith("2026-01-05 stands before 2026-01-06, which was added and left the inbox")
    archive.rename(days.folder / "2026-01-06")
    assert days.told("--add") == "2 published, 0 not published, 0 known from before"
    assert days.status() == {"B0": "completed", "B1": "completed", "B2": "no_show"}
    # What is added by hand, or comes from another inbox, holds up nothing.
    assert days.by_hand(days.deliver("today", row("B4", 6), where=days.folder.parent), "--add").exit_code == 0
    shutil.rmtree(corrected)
    days.deliver("2026-01-07", row("B5", 7))
    assert days.told("--add") == "1 published, 0 not published, 1 known from before"


def test_what_holds_up_others_says_how_to_add_it_by_hand(days: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    """Without --add that day alone would be the extract, and --accept-drop would let it."""
    faulty = days.deliver("2026-01-07")
    (faulty / "bookings.csv").write_text("nonsense\n")
    days.look("--add")
    caplog.clear()
    assert days.look("--add").exit_code == 1
    [told] = [one.getMessage() for one in caplog.records if REFUSED in one.getMessage()]
    assert f"dashboard import {faulty} --add" in told


def test_a_refused_delivery_is_tried_again_once_the_mapping_is_mended(inbox: Inbox, tmp_path: Path) -> None:
    inbox.deliver("2026-01-05", row("B1", 5))
    mapping = tmp_path / "clinic.toml"
    mapping.write_text("[bookings\n")
    assert inbox.told("--mapping", str(mapping)) == "0 published, 1 not published, 0 known from before"
    assert inbox.told("--mapping", str(mapping)) == "0 published, 0 not published, 1 known from before"
    names = BOOKINGS.split(",")
    lines = [f'{table}.file = "{table}.csv"' for table in ("bookings", "side_effects")]
    lines += [f'bookings.columns.{name} = "{name}"' for name in names]
    lines += [f'side_effects.columns.{name} = "{name}"' for name in EVENTS.split(",")]
    mapping.write_text("\n".join(lines) + "\n")
    assert inbox.told("--mapping", str(mapping)) == "1 published, 0 not published, 0 known from before"


def test_a_refused_delivery_is_tried_again_once_its_site_is_known(inbox: Inbox, tmp_path: Path) -> None:
    inbox.deliver("2026-01-05", "B1,P1,boston,vitamin-c,2026-01-05 09:00,completed")
    assert inbox.told() == "0 published, 1 not published, 0 known from before"
    own = tmp_path / "reference"
    own.mkdir()
    (own / "sites.csv").write_text(
        "site,name,city,timezone,chairs,opens,closes,open_days\n"
        "boston,Boston,Boston,America/New_York,4,08:00,18:00,Mon Tue\n"
    )
    assert inbox.told("--reference", str(own)) == "1 published, 0 not published, 0 known from before"


def test_a_day_is_tried_again_once_there_is_an_extract_to_add_it_to(inbox: Inbox, tmp_path: Path) -> None:
    inbox.deliver("2026-01-05", row("B1", 5))
    for _ in range(2):
        assert inbox.look("--add").exit_code == 1
    assert inbox.by_hand(inbox.deliver("whole", row("B0", 4), where=tmp_path)).exit_code == 0
    assert inbox.told("--add") == "1 published, 0 not published, 0 known from before"


def test_an_older_delivery_that_comes_late_does_not_replace_a_newer_one(inbox: Inbox) -> None:
    visits = [row(f"B{n}", 1 + n % 6) for n in range(60)]
    inbox.deliver("2026-01-06", *visits)
    inbox.deliver("2026-01-05", *visits, marker=False)
    assert inbox.look().exit_code == 0
    older = inbox.deliver("2026-01-05", *(one for one in visits if "-06 " not in one), *(
        row(f"C{n}", 5) for n in range(10)))  # fmt: skip
    assert (inbox.look().exit_code, "C0" in inbox.status()) == (1, False)
    assert inbox.record[-1] == ("2026-01-05", "held")
    message = attempts.read(inbox.data / "extracts")[-1].message
    assert message.startswith(
        "the last full day of the delivery is 2026-01-05, that of the extract in use 2026-01-06"
    )
    assert inbox.told() == "0 published, 0 not published, 2 known from before"
    assert (inbox.by_hand(older).exit_code, "C0" in inbox.status()) == (0, True)


def test_a_disk_that_goes_away_while_it_is_read_makes_no_refused_delivery(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = inbox.deliver("2026-01-05", row("B1", 5))
    real = watch.Fingerprints.of

    def then_gone(self: watch.Fingerprints, folder: Path) -> str:
        found = real(self, folder)
        delivery.rename(delivery.with_name(".away"))
        return found

    with monkeypatch.context() as patched:
        patched.setattr(watch.Fingerprints, "of", then_gone)
        assert inbox.look().exit_code == 1
    delivery.with_name(".away").rename(delivery)
    assert inbox.told() == "1 published, 0 not published, 0 known from before"


def test_bytes_are_read_once_however_often_is_looked(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = inbox.deliver("2026-01-05", row("B1", 5))
    read: list[Path] = []
    real = attempts.fingerprint
    monkeypatch.setattr(attempts, "fingerprint", lambda folder, *more: read.append(folder) or real(folder, *more))
    monkeypatch.setattr("dashboard.intake.inbox._SETTLED_SECONDS", -60.0)
    inbox.look()
    assert read == [delivery]
    assert (inbox.told(), read) == ("0 published, 0 not published, 1 known from before", [delivery])
    kept = inbox.data / "extracts" / "inbox.json"
    assert list(json.loads(kept.read_text())) == [str(delivery)]
    # Equal length and time, as a copy that keeps times would leave it.
    times = (delivery / "bookings.csv").stat()
    (delivery / "bookings.csv").write_text((delivery / "bookings.csv").read_text().replace("B1", "B2"))
    os.utime(delivery / "bookings.csv", ns=(times.st_atime_ns, times.st_mtime_ns))
    assert inbox.told() == "1 published, 0 not published, 0 known from before"
    kept.write_text("{damaged")
    assert inbox.told() == "0 published, 0 not published, 1 known from before"
    shutil.rmtree(delivery)
    inbox.look()
    assert json.loads(kept.read_text()) == {}


def test_what_just_changed_is_read_again(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second change may bear the same time as the first."""
    inbox.deliver("2026-01-05", row("B1", 5))
    inbox.look()
    assert not (inbox.data / "extracts" / "inbox.json").exists()


def test_what_is_tried_again_and_again_hides_no_other_import() -> None:
    def tried(minute: int, name: str, result: attempts.Result, message: str = "") -> attempts.Attempt:
        at = attempts.dt.datetime(2026, 1, 5, 9, minute, tzinfo=attempts.dt.UTC)
        return attempts.Attempt(at, name, "", result, message)

    record = [tried(0, "one", "published"), tried(1, "two", "failed", "full")]
    record += [tried(minute, name, "failed", "full") for minute in range(2, 40) for name in ("two", "three")]
    record += [tried(40, "two", "failed", "closed"), tried(41, "four", "held"), tried(42, "four", "held")]
    assert [(one.at.minute, one.delivery) for one in attempts.newest(record)] == [
        (42, "four"),
        (41, "four"),
        (40, "two"),
        (39, "three"),
        (39, "two"),
        (0, "one"),
    ]


def test_what_a_later_version_notes_besides_makes_no_line_unreadable(tmp_path: Path) -> None:
    one = attempts.Attempt(attempts.dt.datetime(2026, 1, 5, tzinfo=attempts.dt.UTC), "d", "f", "published", "m")
    attempts.append(tmp_path, one)
    file = tmp_path / attempts.FILE_NAME
    file.write_text(file.read_text().replace('"message"', '"mood": "good", "message"'))
    assert attempts.read(tmp_path) == [one]


COMMAND = "import sys; from dashboard.cli import main; main(sys.argv[1:])"


def started(inbox: Inbox, *options: str, before: str = "") -> subprocess.Popen[str]:
    arguments = [str(inbox.folder), "--data", str(inbox.data), *options]
    return subprocess.Popen(
        [sys.executable, "-c", f"{before}{COMMAND}", "import", *arguments], stderr=subprocess.PIPE, text=True
    )


def test_a_watcher_outlives_an_inbox_that_goes_away(inbox: Inbox) -> None:
    inbox.deliver("2026-01-05", row("B1", 5))
    quick = "import dashboard.intake.watch as watch; watch.LOOK_SECONDS = 0.2; "
    with started(inbox, "--watch", before=quick) as running:
        lines: list[str] = []
        assert running.stderr
        reader = threading.Thread(target=lambda: lines.extend(running.stderr or ()), daemon=True)
        reader.start()
        try:
            until(lambda: inbox.record == [("2026-01-05", "published")])
            away = inbox.folder.with_name("away")
            inbox.folder.rename(away)
            until(lambda: any("cannot be read" in line for line in lines))
            time.sleep(1)
            away.rename(inbox.folder)
            inbox.deliver("2026-01-06", row("B1", 5), row("B2", 6))
            until(lambda: inbox.record[1:] == [("2026-01-06", "published")])
            until(lambda: any("can be used again" in line for line in lines))
        finally:
            running.terminate()
            assert running.wait(120) == 128 + signal.SIGTERM
        reader.join(5)
    assert len([line for line in lines if "cannot be read" in line]) == 1


def test_a_wrong_path_ends_a_watcher_at_once(inbox: Inbox) -> None:
    inbox.folder.rmdir()
    with started(inbox, "--watch") as running:
        _, told = running.communicate(timeout=60)
    assert (running.returncode, "check the path" in told) == (1, True)


#: What a test runner starts in the background may have been told to ignore it.
HEARS_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_an_import_that_is_stopped_leaves_nothing_and_no_traceback(inbox: Inbox, sent: signal.Signals) -> None:
    delivery = inbox.deliver(
        "big", *(f"B{n},P{n % 999},chicago,vitamin-c,2026-01-05 09:00,completed" for n in range(400_000))
    )
    inbox.folder = delivery
    building = inbox.data / "extracts" / ".building"
    with started(inbox, before=HEARS_CTRL_C) as running:
        lines: list[str] = []
        reader = threading.Thread(target=lambda: lines.extend(running.stderr or ()), daemon=True)
        reader.start()
        until(lambda: any("building" in line for line in lines))
        assert building.exists()
        running.send_signal(sent)
        code = running.wait(120)
        reader.join(5)
    assert (code, building.exists()) == (128 + sent, False)
    assert not [line for line in lines if "Traceback" in line]


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_an_import_that_is_stopped_once_published_is_on_record_and_says_so(
    inbox: Inbox, sent: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    """The store is made to keep the record waiting, so that the stop comes in between."""
    delivery = inbox.deliver(
        "day", *(f"B{n},P{n},chicago,vitamin-c,2026-01-05 09:00,completed" for n in range(20_000))
    )
    inbox.folder = delivery
    store = inbox.data / "state" / "state.db"
    with started(inbox, before=HEARS_CTRL_C) as running:
        assert running.stderr
        assert any("building" in line for line in running.stderr)
        with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as busy:
            busy.execute("begin immediate")
            until(lambda: (inbox.data / "extracts" / pointer.FILE_NAME).exists())
            time.sleep(0.3)
            running.send_signal(sent)
            time.sleep(0.3)
            busy.execute("rollback")
        running.communicate(timeout=60)
    assert running.returncode == 128 + sent
    named = pointer.current(inbox.data / "extracts")
    assert named
    assert f"published {named.name.removesuffix('.duckdb')}" in capfd.readouterr().out
    with Store.for_settings(Settings(data=inbox.data)) as kept:
        [entry] = kept.audit.search(Search(kinds=("import",)), 9)
    assert (entry.details["outcome"], entry.details["extract"]) == ("done", named.name)


def test_what_fails_is_told_once_and_tried_after_longer_and_longer(
    inbox: Inbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.deliver("2026-01-05", row("B1", 5))
    inbox.deliver("2026-01-06", row("B1", 5), marker=False)
    tried: list[float] = []
    clock = [0.0]

    def full(_delivery: Path, _watched: attempts.Watched) -> None:
        tried.append(clock[0])
        raise watch.StorageError("no space left")

    monkeypatch.setattr(watch.time, "monotonic", lambda: clock[0])
    caplog.set_level("INFO")
    looking = watch.Watch(inbox.folder, inbox.data, full, lambda: "")  # type: ignore[arg-type]
    for _ in range(200):
        assert looking.look() == (0, 1, 0)
        clock[0] += 20
    assert tried[:7] == [0, 20, 60, 140, 300, 620, 1220]
    assert [one.getMessage() for one in caplog.records] == [
        "2026-01-05 was not published: no space left",
        "2026-01-06 is not complete yet",
    ]


def test_a_folder_that_may_not_be_entered_stops_no_other(inbox: Inbox) -> None:
    closed = inbox.deliver("2026-01-05", row("B1", 5))
    inbox.deliver("2026-01-06", row("B2", 5))
    # Root enters all folders unless that is taken from it.
    prefix = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    if prefix and not shutil.which("setpriv"):
        pytest.skip("root without setpriv can't be kept out of a folder")
    arguments = ["import", str(inbox.folder), "--watch", "--once", "--data", str(inbox.data)]
    closed.chmod(0)
    try:
        for _ in range(2):
            done = subprocess.run(
                [*prefix, sys.executable, "-c", COMMAND, *arguments], capture_output=True, text=True, check=False
            )
            assert (done.returncode, "cannot be read (Permission denied)" in done.stderr) == (1, True), done.stderr
    finally:
        closed.chmod(0o700)
    assert inbox.record == [("2026-01-05", "failed"), ("2026-01-06", "published")]
    assert inbox.told() == "1 published, 0 not published, 1 known from before"
