"""Reads the CSV files of a delivery: which they are, their headers, their bytes, their records."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from dashboard.intake.contract import TABLES, DeliveryError, Table
from dashboard.intake.scan import Scan, Sink, scan
from dashboard.intake.sql import identifier, literal


@dataclass(frozen=True)
class Source:
    """One file of a delivery and the table of the contract that it belongs to."""

    table: Table
    path: Path

    @property
    def name(self) -> str:
        """The file's name, as reports and rejects show it."""
        return self.path.name


@dataclass(frozen=True)
class Survey:
    """What a pass over a source found, with the digest and size of the file as it lies there.

    Attributes:
        columns: the contract's name of each column of the file, None for unknown ones.
        prepared: its sound records as CSV with these columns, where the file itself is no CSV.
    """

    source: Source
    found: Scan
    columns: tuple[str | None, ...]
    sha256: str
    bytes: int
    prepared: Path | None = None

    @property
    def ignored(self) -> tuple[str, ...]:
        """Columns of the file that the contract doesn't know."""
        pairs = zip(self.found.header, self.columns, strict=True)
        return tuple(name for name, column in pairs if column is None)


def find_sources(delivery: Path) -> list[Source]:
    """The files of a delivery in the order in which they are read: by table, then by name.

    Raises:
        DeliveryError: no such folder, or a required table is missing.
    """
    if not delivery.is_dir():
        raise DeliveryError(f"{delivery} is not a folder; give the folder that holds bookings.csv")
    sources: list[Source] = []
    for table in TABLES:
        patterns = (f"{table.name}.csv", f"{table.name}-*.csv")
        found = {
            path
            for pattern in patterns
            for ending in ("", ".gz")
            for path in delivery.glob(pattern + ending)
            if path.is_file()
        }
        if table.required and not found:
            raise DeliveryError(
                f"{delivery} holds no {table.name}.csv; add it (its required columns are "
                f"{', '.join(table.required_columns)}; a header alone will do)"
            )
        sources += [Source(table, path) for path in sorted(found)]
    return sources


def survey(source: Source, progress: Callable[[int], None]) -> Survey:
    """Read a file once: check its header, count its records, find the broken ones.

    Args:
        source: the file.
        progress: called with the number of uncompressed bytes of each part read.

    Raises:
        DeliveryError: the file cannot be read, or its header lacks a required column.
    """
    digest = hashlib.sha256()

    def seen(part: bytes) -> None:
        if source.path.suffix != ".gz":
            digest.update(part)
        progress(len(part))

    found = _scan(source, None, seen)
    if source.path.suffix == ".gz":
        with source.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
    size = source.path.stat().st_size
    return Survey(source, found, _match_columns(source, found.header), digest.hexdigest(), size)


def mend(surveyed: Survey, copy: Path) -> None:
    """Write the sound records to `copy` in the plainest form of CSV, below a header of numbers.

    Raises:
        DeliveryError: the file cannot be read or the copy not be written.
    """
    try:
        # Holds what the delivery holds, so nobody else may read it.
        copy.touch(mode=0o600)
        with copy.open("wb") as sink:
            sink.write(",".join(map(str, range(len(surveyed.columns)))).encode() + b"\n")
            _scan(surveyed.source, sink, None)
    except OSError as error:
        raise DeliveryError(f"{copy} cannot be written: {error.strerror}") from error


def view_of(surveyed: Survey, path: Path) -> str:
    """The statement that makes the view `delivered`: the contract's columns as trimmed text.

    Columns that the file doesn't have are null; columns that the contract doesn't know are
    named by number only and never selected.
    """
    names = [name or f"unknown {n}" for n, name in enumerate(surveyed.columns)]
    value = "{0}" if surveyed.found.tidy else "cleaned({0})"
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    selected = ", ".join(
        f"{value.format(identifier(column.name))} as {identifier(column.name)}"
        if column.name in names
        else f"null::varchar as {identifier(column.name)}"
        for column in surveyed.source.table.columns
    )
    return (
        f"create or replace temp view delivered as select {selected} "  # noqa: S608
        f"from read_csv({literal(str(path))}, header=true, auto_detect=false, "
        f"all_varchar=true, columns={{{types}}}, delim=',', quote='\"', escape='\"', "
        "max_line_size=2000000, store_rejects=true, rejects_table='unread', "
        "rejects_scan='unread_scans', rejects_limit=10)"
    )


def _scan(source: Source, sink: Sink | None, seen: Callable[[bytes], object] | None) -> Scan:
    try:
        with _open(source.path) as file:
            return scan(file, sink, seen)
    except (OSError, EOFError, zlib.error) as error:
        raise DeliveryError(f"{source.path} cannot be read ({error}); check the file and deliver it again") from error


def _open(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    return path.open("rb")


def _match_columns(source: Source, header: tuple[str, ...]) -> tuple[str | None, ...]:
    """The contract's column for each of the file's.

    Raises:
        DeliveryError: the header is empty, doubled, wrongly separated, or lacks a column.
    """
    table, where = source.table, source.path
    if not any(header):
        raise DeliveryError(
            f"{where} has no readable header; its first line must name the columns, "
            f"at least {', '.join(table.required_columns)}"
        )
    if "\ufffd" in header[0] or "\0" in header[0]:
        raise DeliveryError(f"{where} is not UTF-8; save it as “CSV UTF-8” and deliver it again")
    known = {column.name for column in table.columns}
    names = [name.lower() for name in header]
    if len(names) == 1 and (mark := next((c for c in ";\t|" if c in names[0]), None)):
        raise DeliveryError(f"{where} separates its columns with {mark!r}; save it with commas and deliver it again")
    if missing := [name for name in table.required_columns if name not in names]:
        raise DeliveryError(
            f"{where} lacks the required column{'s' * (len(missing) > 1)} {', '.join(missing)}. "
            # Below the first line, which alone is kept on record: without a header these are a patient's values.
            f"Add or rename columns and import again\n  its header has {', '.join(header)}"
        )
    if doubled := sorted({name for name in names if name in known and names.count(name) > 1}):
        raise DeliveryError(f"{where} has the column {', '.join(doubled)} more than once; remove one of them")
    return tuple(name if name in known else None for name in names)
