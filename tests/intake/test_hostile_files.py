"""Deliveries of somebody who wants the import to hang, to fill the memory or to end: each is refused in a moment."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from intake_clinic import BOOKINGS, EVENTS, Clinic
from intake_workbooks import HEADER, visit, write

from dashboard.intake import attempts
from dashboard.intake.attempts import Watched
from dashboard.intake.contract import DeliveryError
from dashboard.intake.publish import import_delivery
from dashboard.intake.report import ImportReport
from dashboard.intake.watch import Watch

#: An import of a few rows takes two seconds; on a busy machine some more.
PATIENCE = 90.0
SETTINGS = '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><!--{}--></styleSheet>'
#: Of the last text of a workbook's cells.
LAST = f"{' ' * 1_500_000}x\ny</t></si></sst>"
Writes = Callable[[Path], None]


def import_apart(delivery: Path) -> str:
    """What the command says, in a process that can be ended where it hangs."""
    command = [str(Path(sys.executable).parent / "dashboard"), "import", str(delivery), "--dry-run"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, cwd=delivery.parent)
    assert "Traceback" not in done.stderr
    return done.stderr


def pipe(delivery: Path) -> None:
    os.mkfifo(delivery / "delivery.json")


def long_words(delivery: Path) -> None:
    (delivery / "delivery.json").write_text('{"demo": true}' + " " * 2_000_000)


def comments(delivery: Path) -> None:
    (delivery / "bookings.csv").write_text("<!---->" * 60 + "x\n")


def digits(delivery: Path) -> None:
    (delivery / "bookings.csv").write_text("1" * 900_000 + f"x,{BOOKINGS}\n")


def blanks(delivery: Path) -> None:
    (delivery / "bookings.csv").unlink()
    write(delivery / "bookings.xlsx", Visits=[HEADER, visit(1)])
    replaced(delivery / "bookings.xlsx", "xl/sharedStrings.xml", lambda text: text.replace("</t></si></sst>", LAST))


def formats(delivery: Path) -> None:
    (delivery / "bookings.csv").unlink()
    write(delivery / "bookings.xlsx", Visits=[HEADER, visit(1)])
    replaced(delivery / "bookings.xlsx", "xl/styles.xml", lambda _: SETTINGS.format("<numFmt " * 300_000))


def replaced(book: Path, part: str, change: Callable[[str], str]) -> None:
    """Write a workbook anew with another part."""
    with zipfile.ZipFile(book) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    assert part in parts
    parts[part] = change(parts[part].decode()).encode()
    with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)


@pytest.mark.parametrize(
    ("hostile", "told"),
    [
        (pipe, "delivery.json is not a JSON object"),
        (long_words, "delivery.json is not a JSON object"),
        (comments, "bookings.csv lacks the required columns"),
        (digits, "bookings.csv"),
        (blanks, "no row of bookings was accepted"),
        (formats, "is not a time like"),
    ],
)
def test_no_file_keeps_an_import_busy_without_an_end(clinic: Clinic, hostile: Writes, told: str) -> None:
    hostile(clinic.delivery)
    assert told in import_apart(clinic.delivery)


@pytest.mark.parametrize(
    ("place", "mark"),
    [(6, b"\x63\x00"), (8, b"\x00\x08")],
    ids=["of a version that is yet to come", "with a name that is no text"],
)
def test_an_archive_that_python_does_not_know_is_refused(clinic: Clinic, place: int, mark: bytes) -> None:
    (clinic.delivery / "bookings.csv").unlink()
    book = clinic.delivery / "bookings.xlsx"
    write(book, Visits=[HEADER, visit(1)])
    content = bytearray(book.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + place : entry + place + 2] = mark
    content[entry + 46 : entry + 48] = b"\xff\xfe"
    book.write_bytes(content)
    with pytest.raises(DeliveryError, match="is a ZIP archive or a damaged workbook"):
        clinic.publish()


def test_what_nobody_foresaw_stops_no_inbox(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The deliveries after it are imported, it is tried again, and no value of it is told."""
    inbox, data, secret = tmp_path / "inbox", tmp_path / "data", "Jane Doe"
    for name in ("one", "two"):
        (inbox / name).mkdir(parents=True)
        (inbox / name / "bookings.csv").write_text(
            f"{BOOKINGS}\n{name},P1,chicago,vitamin-c,2026-01-05 09:00,completed\n"
        )
        (inbox / name / "side_effects.csv").write_text(f"{EVENTS}\n")
        (inbox / name / "_SUCCESS").touch()

    def run(delivery: Path, watched: Watched) -> ImportReport:
        def fail_on_the_first(_step: str, _share: float) -> None:
            if delivery.name == "one":
                raise KeyError(secret)

        return import_delivery(delivery, data, watched=watched, progress=fail_on_the_first)

    assert Watch(inbox, data, run, lambda: "").look() == (1, 1, 0)
    first, second = attempts.read(data / "extracts")
    assert (first.delivery, first.result, second.result) == ("one", "failed", "published")
    assert "nobody foresaw (KeyError); the extract in use stays" in first.message
    assert "fail_on_the_first" in caplog.text
    assert "Jane" not in caplog.text + first.message
