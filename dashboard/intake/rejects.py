"""Writes the rejected lines of a delivery as they were delivered, to be mended and delivered again."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import duckdb

from dashboard.intake.contract import DeliveryError
from dashboard.intake.reading.dialect import NEWLINE, Dialect
from dashboard.intake.reading.files import REJECTS, is_gzip, is_workbook
from dashboard.intake.reading.reader import Survey
from dashboard.intake.reading.record import LONGEST_RECORD
from dashboard.intake.reading.unpacking import unpacked
from dashboard.intake.sql import statements

_PART = 1_000_000
_MOST_NAMES = 5
_LONGEST_NAME = 255  # bytes, on all usual file systems


def require_lines(surveys: list[Survey]) -> None:
    """Refuse files whose records cannot be copied as lines.

    Raises:
        DeliveryError: a file is Parquet, or of an encoding whose line ends are not those of ASCII.
    """
    for surveyed in surveys:
        encoding = surveyed.dialect.encoding
        if surveyed.inspected.is_parquet:
            kind = "is Parquet and has no lines"
        elif is_workbook(surveyed.source.path):
            kind = "is a workbook and has no lines"
        elif '\n"'.encode(encoding) != b'\n"':
            kind = f"is {encoding}, whose lines cannot be copied byte for byte"
        else:
            continue
        raise DeliveryError(
            f"{surveyed.source.path} {kind}, so --rejects cannot take them out; import without --rejects: the report "
            "and the page Data name file, row, column and reason. Mend the rows where the file comes from"
        )


def write_rejects(connection: duckdb.DuckDBPyConnection, surveys: list[Survey], folder: Path) -> list[str]:
    """Write a file for each file with rejects: its header and its rejected records, byte for byte.

    They hold what the delivery holds, patients' ids among it, so only their owner may read them;
    they belong where the delivery lies and not into the data folder.

    Returns:
        A sentence about files of an earlier import that still lie there, if there are any.

    Raises:
        DeliveryError: the folder cannot be written.
    """
    rejected: dict[Path, set[int]] = {}
    for surveyed in surveys:
        values = {"source": surveyed.source.table.name, "file": surveyed.source.name}
        found = connection.execute(statements("rejected_lines")[0], values).fetchall()
        # A file may hold several tables.
        rejected.setdefault(surveyed.source.path, set()).update(line for (line,) in found)
    taken: set[Path] = set()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for surveyed in surveys:
            if lines := rejected.pop(surveyed.source.path, None):
                surveyed.require_unchanged()
                target = _beside(folder / surveyed.source.name, taken)
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                _write(surveyed, lines, {fault.line for fault in surveyed.found.faults}, target)
        return _left(folder, taken | {surveyed.source.path for surveyed in surveys})
    except OSError as error:
        raise DeliveryError(
            f"the rejects cannot be written to {error.filename or folder} ({error.strerror}); nothing was published"
        ) from error


def _left(folder: Path, known: set[Path]) -> list[str]:
    found = {path.resolve() for path in known}
    names = sorted(
        path.name for path in folder.iterdir() if path.stem.endswith(REJECTS) and path.resolve() not in found
    )
    if not names:
        return []
    shown = ", ".join(names[:_MOST_NAMES]) + f" and {len(names) - _MOST_NAMES:,} more" * (len(names) > _MOST_NAMES)
    return [f"{folder} still holds rejected lines of an earlier import, which are not those of this one: {shown}"]


def _beside(delivered: Path, taken: set[Path]) -> Path:
    """`visits.2026-rejects.tsv` for `visits.2026.tsv.gz`; numbered where that name is taken."""
    plain = delivered.with_suffix("") if delivered.suffix.lower() == ".gz" else delivered
    added = REJECTS
    while (target := plain.with_name(_fitting(plain.stem, f"{added}{plain.suffix}"))) in taken:
        added = f"{REJECTS}-{len(taken)}"
    taken.add(target)
    return target


def _fitting(stem: str, ending: str) -> str:
    """A name that is no longer than names of files may be."""
    while stem and len(os.fsencode(stem + ending)) > _LONGEST_NAME:
        stem = stem[:-1]
    return stem + ending


def _write(surveyed: Survey, lines: set[int], broken: set[int], target: Path) -> None:
    delivered, dialect = surveyed.source.path, surveyed.dialect
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    with (
        unpacked(delivered) if is_gzip(delivered) else delivered.open("rb") as source,
        target.open("wb") as sink,
    ):
        for record in _records(cast(BinaryIO, source), lines, broken, dialect):
            sink.write(record if record.endswith(dialect.line_end[-1:]) else record + dialect.line_end)


def _records(source: BinaryIO, lines: set[int], broken: set[int], dialect: Dialect) -> Iterator[bytes]:
    """All down to the header, and the records that begin on the lines; of a broken one its first line only."""
    number, header_due = 0, dialect.header
    physical = _lines(source, dialect.line_end[-1:])
    for line in physical:
        number += 1
        first = number
        if first <= dialect.skipped:
            yield line
            continue
        blank = not line.strip(b"\xef\xbb\xbf\r\n")
        if first not in lines and not (header_due and not blank):
            continue
        header_due = False
        while first not in broken and _is_open(line, dialect) and len(line) <= LONGEST_RECORD:
            more = next(physical, b"")
            number += bool(more)
            line += more
            if not more:
                break
        yield line


def _lines(source: BinaryIO, end: bytes) -> Iterator[bytes]:
    """Physical lines with their ends."""
    if end == NEWLINE:
        yield from source
        return
    kept = b""
    while part := source.read(_PART):
        *whole, kept = (kept + part).split(end)
        yield from (line + end for line in whole)
    if kept:
        yield kept


def _is_open(record: bytes, dialect: Dialect) -> bool:
    """Whether a quoted value goes on in the next line."""
    if dialect.escape:
        record = re.sub(re.escape(dialect.escape) + b".", b"", record, flags=re.DOTALL)
    return bool(dialect.quote) and record.count(dialect.quote) % 2 == 1
