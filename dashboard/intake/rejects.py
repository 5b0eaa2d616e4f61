"""Writes the rejected lines of a delivery as they were delivered, to be mended and delivered again."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import duckdb

from dashboard.intake.contract import DeliveryError
from dashboard.intake.reader import Survey
from dashboard.intake.scan import LONGEST_RECORD
from dashboard.intake.sql import statements


def write_rejects(connection: duckdb.DuckDBPyConnection, surveys: list[Survey], folder: Path) -> None:
    """Write a file for each file with rejects: its header and its rejected records, byte for byte.

    They hold what the delivery holds, patients' ids among it, so only their owner may read them;
    they belong where the delivery lies and not into the data folder.

    Raises:
        DeliveryError: the folder cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for surveyed in surveys:
            source = surveyed.source
            values = {"source": source.table.name, "file": source.name}
            lines = {line for (line,) in connection.execute(statements("rejected_lines")[0], values).fetchall()}
            broken = {fault.line for fault in surveyed.found.faults}
            if lines:
                _write(source.path, lines, broken, folder / f"{source.name.split('.')[0]}-rejects.csv")
    except OSError as error:
        raise DeliveryError(
            f"the rejects cannot be written to {error.filename or folder} ({error.strerror}); nothing was published"
        ) from error


def _write(delivered: Path, lines: set[int], broken: set[int], target: Path) -> None:
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    with (
        gzip.open(delivered, "rb") if delivered.suffix == ".gz" else delivered.open("rb") as source,
        target.open("wb") as sink,
    ):
        for record in _records(cast(BinaryIO, source), lines, broken):
            sink.write(record if record.endswith(b"\n") else record + b"\n")


def _records(source: BinaryIO, lines: set[int], broken: set[int]) -> Iterator[bytes]:
    """The header and the records that begin on the lines; of a broken one its first line only."""
    number, header_due = 0, True
    while line := source.readline():
        number += 1
        first = number
        blank = not line.strip(b"\xef\xbb\xbf\r\n")
        if first not in lines and not (header_due and not blank):
            continue
        header_due = False
        while first not in broken and line.count(b'"') % 2 and len(line) <= LONGEST_RECORD:
            more = source.readline()
            number += bool(more)
            line += more
            if not more:
                break
        yield line
