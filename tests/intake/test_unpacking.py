"""Small files that unpack to much, and links that lead out of an inbox: refused, and what is honest is not."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import duckdb
import pytest
from intake_clinic import BOOKINGS, EVENTS

from dashboard.intake.contract import DeliveryError
from dashboard.intake.fhir.opening import open_bytes
from dashboard.intake.reading.dialect import CSV
from dashboard.intake.reading.files import inspect
from dashboard.intake.reading.unpacking import MOST_TIMES, STRETCH, unpacked

ROW = "B1,P1,chicago,vitamin-c,2026-01-05 09:00,completed\n"


def bomb(path: Path, before: bytes = b"") -> Path:
    """Two stretches of one line again and again, a thousandth of it in the file."""
    with gzip.open(path, "wb") as file:
        file.write(before)
        for _ in range(2 * STRETCH // (1 << 20)):
            file.write(b"\n" * (1 << 20))
    return path


def read_through(file: BinaryIO) -> int:
    """So many bytes to its end."""
    return sum(len(part) for part in iter(lambda: file.read(1 << 20), b""))


@pytest.mark.parametrize("before", [b"", os.urandom(2 << 20)], ids=["all of it", "behind a part that is none"])
def test_what_unpacks_to_far_more_is_refused(tmp_path: Path, before: bytes) -> None:
    path = bomb(tmp_path / "bookings.csv.gz", before)
    with (
        unpacked(path) as file,
        pytest.raises(DeliveryError, match=r"bookings\.csv\.gz unpacks to more.*plain files"),
    ):
        read_through(file)


def test_a_table_and_a_resource_are_refused_alike(tmp_path: Path) -> None:
    path = bomb(tmp_path / "bookings.csv.gz", f"{BOOKINGS}\n{ROW}".encode())
    with pytest.raises(DeliveryError, match="unpacks to more"):
        inspect(path, CSV)
    with open_bytes(path) as file, pytest.raises(DeliveryError, match="unpacks to more"):
        read_through(file)


def test_what_is_alike_but_honest_is_read_to_its_end(tmp_path: Path) -> None:
    path, size = tmp_path / "Appointment.ndjson.gz", 0
    with gzip.open(path, "wb") as file:
        for number in range(STRETCH // 1000):
            size += file.write(f'{{"id":"{number:08d}","note":"{"as ever; " * 120}"}}\n'.encode())
    assert size > STRETCH
    assert size < MOST_TIMES * path.stat().st_size
    with unpacked(path) as file:
        assert read_through(file) == size


def test_a_small_parquet_file_of_a_vast_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bookings.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"copy (select 'B1' as id from range(30000000)) to '{path}' (format parquet)")
    with pytest.raises(DeliveryError, match="they hold 30,000,000 rows"):
        inspect(path, CSV)


def run(*arguments: str) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "dashboard"), "import", *arguments], capture_output=True, text=True
    )
    assert done.returncode == 1
    return done.stderr


@pytest.mark.parametrize("kind", ["file", "folder in it", "delivery"])
def test_no_link_leads_out_of_an_inbox(tmp_path: Path, kind: str) -> None:
    inbox, elsewhere = tmp_path / "inbox", tmp_path / "elsewhere"
    inbox.mkdir()
    elsewhere.mkdir()
    (elsewhere / "bookings.csv").write_text(f"{BOOKINGS}\n{ROW}")
    (elsewhere / "side_effects.csv").write_text(f"{EVENTS}\n")
    (elsewhere / "_SUCCESS").touch()
    delivery = inbox / "one"
    if kind == "delivery":
        delivery.symlink_to(elsewhere)
    else:
        delivery.mkdir()
        for name in ("side_effects.csv", "_SUCCESS"):
            (delivery / name).write_bytes((elsewhere / name).read_bytes())
        linked = delivery / ("bookings.csv" if kind == "file" else "more")
        linked.symlink_to(elsewhere / "bookings.csv" if kind == "file" else elsewhere)
    data = tmp_path / "data"
    said = run(str(inbox), "--data", str(data), "--watch", "--once")
    assert "is a link that leads out of the inbox" in said
    assert not (data / "extracts" / "current.json").exists()


def test_no_name_of_a_folder_prints_a_message_of_its_own(tmp_path: Path) -> None:
    delivery = tmp_path / "one\nError: all is well\x1b[2J"
    delivery.mkdir()
    said = run(str(delivery), "--data", str(tmp_path / "data"))
    assert "\x1b" not in said
    assert [line[:6] for line in said.splitlines() if "Error" in line] == ["Error:", "  Erro"]
