"""Reads the files of a delivery: their headers, their bytes, their records."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dashboard.intake.contract import TABLES, DeliveryError, Table
from dashboard.intake.leaks import refuse_nested, refuse_numbered
from dashboard.intake.mapping import Join, SourceColumn, TableMapping
from dashboard.intake.mapping.expressions import PART, Expressions, Loaded
from dashboard.intake.reading.detect import check_header, check_header_line, dialect_of, own_dialect
from dashboard.intake.reading.dialect import CSV, Dialect
from dashboard.intake.reading.files import (
    Inspected,
    inspect,
    is_direct,
    relation,
)
from dashboard.intake.reading.finding import Source, how_to_map
from dashboard.intake.reading.header import header_told, is_data, is_strange, position
from dashboard.intake.reading.scan import Scan
from dashboard.intake.sql import identifier
from dashboard.stamps import stamp_of

_OWN_IDS = frozenset(one.name for table in TABLES for one in table.columns if one.kind == "identifier")


@dataclass(frozen=True)
class Survey:
    """What a pass over a source found, with the digest and size of the file as it lies there.

    Attributes:
        columns: the contract's name of each column of the file, or what a mapping reads it for; None for those that
            are not read.
        dialect: how the file is written.
        types: DuckDB's types of the columns of a Parquet file; else empty.
        prepared: its sound records as CSV with these columns and PART, where the file itself is no table. Files that
            follow one another may share one.
        stamp: what tells whether the file was changed since; None where nobody need know.
    """

    source: Source
    found: Scan
    columns: tuple[str | None, ...]
    sha256: str
    bytes: int
    dialect: Dialect = CSV
    types: tuple[str, ...] = ()
    prepared: Path | None = None
    stamp: tuple[int, ...] | None = None

    @property
    def inspected(self) -> Inspected:
        """The file with what was found in it."""
        return Inspected(self.source.path, self.dialect, self.found, self.types)

    def require_unchanged(self) -> None:
        """Refuse a file that was written to while it was read: what was counted is not what was taken.

        Raises:
            DeliveryError: another size, time or file.
        """
        if self.stamp is not None:
            require_unchanged(self.source.path, self.stamp)

    @property
    def places(self) -> dict[SourceColumn, int]:
        """The position of each column of the file that its mapping names."""
        mapping = self.source.mapping
        return _locate(self.source, mapping, self.found.header) if mapping else {}

    @property
    def is_data_first(self) -> bool:
        """Whether what was taken for names of columns looks like data."""
        return self.source.mapping is not None and is_data(self.found.header)

    @property
    def ignored(self) -> dict[int, str]:
        """Columns that are not read, by their place; none where their names look like values of a patient."""
        if self.is_data_first:
            return {}
        untold = is_data(self.found.header) or is_strange(self.found.header)
        pairs = zip(self.found.header, self.columns, strict=True)
        return {
            place: f"number {place}" if untold else name or f"number {place} (no name)"
            for place, (name, column) in enumerate(pairs, start=1)
            if column is None
        }


def survey(source: Source, progress: Callable[[int], None]) -> Survey:
    """Read a file once: check its header, count its records, find the broken ones.

    Args:
        source: the file.
        progress: called with the number of uncompressed bytes of each part read.

    Raises:
        DeliveryError: the file cannot be read, or its header lacks a column.
    """
    digest, stamp = hashlib.sha256(), stamp_of(source.path)

    def seen(part: bytes) -> None:
        digest.update(part)
        progress(len(part))

    if source.mapping is None:
        dialect = replace(own_dialect(source.path, source.sheet), ids=_OWN_IDS)
    else:
        found = dialect_of(source.path, source.mapping.files.layout, _wanted(source.mapping), source.sheet)
        dialect = replace(found, ids=source.mapping.id_sources)
    inspected = inspect(source.path, dialect, seen=seen)
    if inspected.is_parquet or not is_direct(source.path, dialect):
        with source.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
    columns = _match_columns(source, inspected)
    size, types = stamp[0], inspected.types
    made = Survey(source, inspected.found, columns, digest.hexdigest(), size, dialect, types, stamp=stamp)
    made.require_unchanged()
    return made


def require_unchanged(path: Path, stamp: tuple[int, ...]) -> None:
    """Refuse a file whose stamp is another one by now.

    Raises:
        DeliveryError: another size, time or file.
    """
    if stamp != stamp_of(path):
        raise DeliveryError(
            f"{path} was changed while it was read, so nothing was published; import again when it is written to "
            "its end"
        )


def expressions(surveyed: Survey, lookups: Mapping[Join, Loaded]) -> Expressions | None:
    """What a mapped file's columns are made of; None for a file that has the contract's own."""
    source = surveyed.source
    if source.mapping is None:
        return None
    names = (source.name, source.file)
    return Expressions(source.mapping, names, surveyed.types, surveyed.places, lookups)


def view_of(surveyed: Survey, path: Path, mapped: Expressions | None = None, beside: Sequence[Path] = ()) -> str:
    """The statement that makes the view `delivered`: the contract's columns as trimmed text.

    Columns that the file doesn't have are null; columns that the contract or the mapping doesn't
    know are named by number only and never selected. `misfits` has a flag for each column whose
    value the mapping cannot read, at the column's place in the contract; `part` counts the files
    of which prepared records were made, or this one and those `beside` it, which are read together.
    """
    rows, part = relation(surveyed.inspected, path, beside=beside), "file_index" if beside else "0"
    if mapped is not None:
        return f"create or replace temp view delivered as {mapped.select(rows, part)}"
    if surveyed.prepared is not None:
        rows, part = relation(surveyed.inspected, path, more=1), identifier(str(len(surveyed.found.header)))
    value = "{0}" if surveyed.found.tidy else "cleaned({0})"
    selected = ", ".join(
        f"{value.format(identifier(str(surveyed.columns.index(column.name))))} as {identifier(column.name)}"
        if column.name in surveyed.columns
        else f"null::varchar as {identifier(column.name)}"
        for column in surveyed.source.table.columns
    )
    return (
        f"create or replace temp view delivered as select {selected}, 0::ubigint as misfits, "  # noqa: S608
        f"{part}::uinteger as {PART} from {rows}"
    )


def _wanted(mapping: TableMapping) -> dict[SourceColumn, str]:
    """The columns of the file that the mapping names, each with what it is named for."""
    table = mapping.table.name
    of = f" of {mapping.section}" if mapping.number else ""
    names: dict[SourceColumn, str] = {}
    for mapped in mapping.columns:
        for name in mapped.own_sources:
            names.setdefault(name, f"{table}.{mapped.column.name}{of}")
    for one in mapping.filters:
        names.setdefault(one.column, f"{one.setting} of {mapping.section}")
    return names


def _locate(source: Source, mapping: TableMapping, header: tuple[str, ...]) -> dict[SourceColumn, int]:
    """The position of each column of the file that the mapping names."""
    wanted = _wanted(mapping).items()
    others = tuple(_wanted(mapping))
    return {name: position(name, header, f"{source.path} for {what}", others) for name, what in wanted}


def _match_mapped(source: Source, mapping: TableMapping, inspected: Inspected) -> tuple[str | None, ...]:
    advice = f"write skip = {{skip}} in {mapping.section} of the mapping, the number of lines before it"
    check_header_line(inspected, _wanted(mapping), advice)
    check_header(inspected, [])
    places = _locate(source, mapping, inspected.found.header)
    refuse_numbered(mapping, inspected.found.header, places, f"{source.path} for ")
    refuse_nested(mapping, inspected.types, places, f"{source.path} for ")
    names = {places[name]: what for name, what in _wanted(mapping).items()}
    return tuple(names.get(place) for place in range(len(inspected.found.header)))


def _separator(line: str, table: Table) -> str | None:
    """What seems to separate the columns of a header that has one: the rarer characters only if they part names."""
    usual = (mark for mark in ";\t|" if mark in line)
    rarer = (mark for mark in "~^$\x1f\x01" if set(line.split(mark)) & set(table.required_columns))
    return next(iter((*usual, *rarer)), None)


def _match_columns(source: Source, inspected: Inspected) -> tuple[str | None, ...]:
    """The contract's column for each of the file's.

    Raises:
        DeliveryError: the header is empty, doubled, wrongly separated, or lacks a column.
    """
    if source.mapping is not None:
        return _match_mapped(source, source.mapping, inspected)
    table, where, header = source.table, source.path, inspected.found.header
    advice = "remove the lines before it, or write a mapping with skip = {skip}"
    check_header_line(inspected, table.required_columns, advice)
    check_header(inspected, table.required_columns)
    if "\ufffd" in header[0] or "\0" in header[0]:
        raise DeliveryError(f"{where} is not UTF-8; save it as “CSV UTF-8” and deliver it again")
    known = {column.name for column in table.columns}
    names = [name.lower() for name in header]
    if len(names) == 1 and (mark := _separator(names[0], table)):
        raise DeliveryError(f"{where} separates its columns with {mark!r}; save it with commas and deliver it again")
    if missing := [name for name in table.required_columns if name not in names]:
        raise DeliveryError(
            f"{where} lacks the required column{'s' * (len(missing) > 1)} {', '.join(missing)}. "
            f"Add or rename columns and import again, or {how_to_map(where.parent)}"
            + header_told(header, table.required_columns)
        )
    kinds = dict(zip(names, inspected.types, strict=False))
    if typed := next((name for name in names if name in known and kinds.get(name, "VARCHAR") != "VARCHAR"), None):
        raise DeliveryError(f"{where} is Parquet, and its column {typed} is no text; {how_to_map(where.parent)}")
    if doubled := sorted({name for name in names if name in known and names.count(name) > 1}):
        raise DeliveryError(f"{where} has the column {', '.join(doubled)} more than once; remove one of them")
    return tuple(name if name in known else None for name in names)
