"""What a mapping file says: where each table of the contract lies and what each column is made of."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping as Names
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from dashboard.intake.contract import Column, Table
from dashboard.intake.mapping.time_formats import has_zone
from dashboard.intake.reading.files import usable

#: A column of a file: its name in the header, or its number from 1.
SourceColumn = str | int
#: Columns that make up a key together.
KeyColumns = tuple[SourceColumn, ...]


@dataclass(frozen=True)
class Layout:
    """How a file is written; None where it is found out from the file.

    Attributes:
        encoding: Python's name of it.
        delimiter: one ASCII character or a few.
        quote: one ASCII character; empty where nothing is quoted.
        header: whether the first record names the columns.
        empty: words that mean that a value is not known.
        skip: so many lines stand before the header.
        escape: one ASCII character, which stands before a quote within a value; empty where quotes are doubled.
        sheets: of workbooks, by name, pattern or number from 1; none for the first.
    """

    encoding: str | None = None
    delimiter: str | None = None
    quote: str = '"'
    header: bool = True
    empty: tuple[str, ...] = ()
    skip: int = 0
    escape: str = ""
    sheets: tuple[str | int, ...] = ()


@dataclass(frozen=True)
class Files:
    """The files of a table or a join: patterns below the delivery's folder, and their layout."""

    patterns: tuple[str, ...]
    layout: Layout

    def find(self, delivery: Path) -> list[Path]:
        """The files in the order of their names.

        Raises:
            DeliveryError: a pattern matches what can't be read.
        """
        found = {path for pattern in self.patterns for path in delivery.glob(pattern)}
        # Marks of patterns may be part of a name: report[1].csv is what a browser makes of a second download.
        found |= {delivery / name for name in self.patterns if (delivery / name).is_file()}
        # Beside an open workbook spreadsheets put a file of its name behind ~$.
        return sorted(usable(path) for path in found if not path.is_dir() and not path.name.startswith("~$"))


@dataclass(frozen=True)
class RowFilter:
    """Which rows of a file are left out on purpose.

    Attributes:
        setting: `only`: all but those with one of the words; `except`: those.
        column: of the table's own file.
        words: compared without regard to case; the empty one is the empty value.
    """

    setting: Literal["only", "except"]
    column: SourceColumn
    words: tuple[str, ...]


@dataclass(frozen=True)
class Join:
    """A second file: its columns are looked up by a key.

    Attributes:
        name: as reports name it.
        other_key: the columns of the second file that hold the key.
        doubled: whether a key that stands in several rows gives nothing; else it is refused.
        filters: which of its rows are left out, `only` before `except`.
    """

    name: str
    files: Files
    other_key: KeyColumns
    doubled: bool = False
    filters: tuple[RowFilter, ...] = ()


@dataclass(frozen=True)
class Lookup:
    """What a column needs of a join: which one, and the key's columns in the table's own file."""

    join: Join
    key: KeyColumns


@dataclass(frozen=True)
class Numbers:
    """How numbers are written: sign or unit, thousands separator, decimal sign.

    Attributes:
        times: what a number is multiplied by; its places fit in 18 digits together with those before them.
        each: what the groups of a pattern are multiplied by before they are added, in the place of one number.
    """

    currency: str = ""
    thousands: str = ""
    decimal: str = "."
    times: Decimal | None = None
    each: tuple[Decimal, ...] = ()

    @property
    def example(self) -> str:
        """A number written so."""
        if self.each:
            return "12 in each group of the pattern"
        return f"{self.currency}1{self.thousands}234{self.decimal}50"


@dataclass(frozen=True)
class Pattern:
    """A regular expression, of which the groups are the value, or the whole match where it has none."""

    text: str
    groups: int


@dataclass(frozen=True)
class ColumnMapping:
    """What a column of the contract is made of.

    Attributes:
        sources: columns of the file, or of the joined one, put together with the separator.
        constant: the value of every row.
        row_number: what stands before the number of the row.
        file_name: whether the value is the name of the file.
        unknown: whether nothing tells patients apart, so that the booking's id stands for its patient's.
        pattern: what is taken out of a value before anything else is made of it.
        values: the contract's word for each word of the file; an empty word for no value.
        default: what every other value becomes.
        unusable: whether what cannot be used is left empty; else it rejects its row.
        formats: strptime formats and names of EPOCHS, tried in turn.
        language: of names of months, a key of MONTHS; empty for English.
        timezone: in which times without zone are meant; the site's own if None.
        keys: for a reference, the key of each key and name in small letters.
    """

    column: Column
    sources: tuple[SourceColumn, ...] = ()
    separator: str = " "
    lookup: Lookup | None = None
    constant: str | None = None
    row_number: str | None = None
    file_name: bool = False
    unknown: bool = False
    pattern: Pattern | None = None
    values: Names[str, str] = field(default_factory=dict)
    default: str | None = None
    unusable: bool = False
    formats: tuple[str, ...] = ()
    language: str = ""
    timezone: str | None = None
    numbers: Numbers | None = None
    keys: Names[str, str] = field(default_factory=dict)

    @property
    def own_sources(self) -> tuple[SourceColumn, ...]:
        """Columns of the table's own file."""
        return self.lookup.key if self.lookup else self.sources

    @property
    def origin(self) -> str:
        """Where values come from, for reports."""
        names = " + ".join(str(source) for source in self.sources)
        return f"{names} of {self.lookup.join.name}" if self.lookup else names

    @property
    def described(self) -> str:
        """Where values come from, in words."""
        return "the file's name" if self.file_name else f"column {self.origin}"


@dataclass(frozen=True)
class TableMapping:
    """A section of the mapping: where rows of a table of the contract lie and what its columns are made of.

    Attributes:
        number: of the section among several for the table, from 1; 0 where it is the only one.
        filters: which rows are left out, `only` before `except`.
        personal: names, in small letters, of source columns that say who a patient is.
        keyed: ids of the contract that are made of such columns, in this section or another.
    """

    table: Table
    files: Files
    columns: tuple[ColumnMapping, ...]
    number: int = 0
    filters: tuple[RowFilter, ...] = ()
    personal: frozenset[str] = frozenset()
    keyed: frozenset[str] = frozenset()

    @property
    def section(self) -> str:
        """The section, as messages name it."""
        return section_name(self.table.name, self.number)

    @property
    def parts_nobody(self) -> bool:
        """Whether each booking is a patient of its own: patients are unknown, or have the bookings' id."""
        made = {one.column.name: one for one in self.columns}
        patient, booking = made.get("patient_id"), made.get("booking_id")
        if patient is None or booking is None or self.columns[0] is not booking:
            return False
        return patient.unknown or patient == replace(booking, column=patient.column)

    def reasons(self) -> dict[str, str]:
        """What is said of the rows that each setting leaves out; its words may say who a patient is."""
        columns: dict[str, dict[str, None]] = {}
        for one in self.filters:
            columns.setdefault(one.setting, {})[str(one.column)] = None
        return {
            setting: f"{setting} of {self.section}, column{'s' * (len(named) > 1)} {' and '.join(named)}"
            for setting, named in columns.items()
        }

    @property
    def id_sources(self) -> frozenset[SourceColumn]:
        """Columns of the file that ids are made of, names in small letters."""
        found = {one for mapped in self.columns if mapped.column.kind == "identifier" for one in mapped.own_sources}
        return frozenset(one.lower() if isinstance(one, str) else one for one in found)

    @property
    def is_of_rows(self) -> bool:
        """Whether a row becomes the same in whichever file it stands, and nothing is counted by file."""
        by_file = any(one.file_name or one.row_number is not None for one in self.columns)
        return not (by_file or self.filters or self.emptied())

    def emptied(self) -> dict[str, str]:
        """For each column whose value is left empty where it cannot be used, what is said of such rows."""
        return {
            one.column.name: f"cannot be used and is empty, by unusable of "
            f"{section_name(self.table.name, self.number, one.column.name)}"
            for one in self.columns
            if one.unusable
        }

    def is_personal(self, mapped: ColumnMapping) -> bool:
        """Whether a column's values say who a patient is, whatever the contract calls it."""
        return (
            mapped.column.personal
            or self.is_keyed(mapped)
            or any(str(source).lower() in self.personal for source in mapped.sources)
        )

    def is_keyed(self, mapped: ColumnMapping) -> bool:
        """Whether an id is made of a patient's, so that only its keyed hash may be kept."""
        return mapped.column.name in self.keyed


@dataclass(frozen=True)
class Mapping:
    """A mapping file.

    Attributes:
        sections: of all tables, in the order in which they are read.
        fhir: the section of that name, as it stands there.
    """

    path: Path
    sha256: str
    sections: tuple[TableMapping, ...]
    fhir: Names[str, Any]

    def of(self, table: str) -> tuple[TableMapping, ...]:
        """The sections of a table of the contract, by its name."""
        return tuple(section for section in self.sections if section.table.name == table)

    @property
    def lookups(self) -> dict[Join, tuple[SourceColumn, ...]]:
        """The columns that each join has to provide."""
        wanted: dict[Join, dict[SourceColumn, None]] = {}
        for section in self.sections:
            for mapped in section.columns:
                if mapped.lookup:
                    wanted.setdefault(mapped.lookup.join, {}).update(dict.fromkeys(mapped.sources))
        return {join: tuple(columns) for join, columns in wanted.items()}

    def digest(self, delivery: Path) -> str:
        """SHA-256 of the mapping with the files that it joins."""
        digest = hashlib.sha256(self.sha256.encode())
        for join in self.lookups:
            for path in join.files.find(delivery):
                with path.open("rb") as file:
                    digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()

    def notes(self) -> list[str]:
        """What the import takes for granted, in a line each."""
        named = [
            (section, mapped, f"{section.table.name}.{mapped.column.name} ({mapped.described})")
            for section in self.sections
            for mapped in section.columns
        ]
        # Sections of a table may make a column of the same one.
        local = dict.fromkeys(
            name
            for _, mapped, name in named
            if mapped.column.kind == "timestamp" and any(not has_zone(text) for text in mapped.formats)
            if mapped.timezone is None
        )
        keyed = dict.fromkeys(name for section, mapped, name in named if section.is_keyed(mapped))
        lines = []
        if local:
            lines.append(f"times count as the site's own, since their format has no time zone: {', '.join(local)}")
        if keyed:
            lines.append(f"kept as a keyed hash, since it is made of patient ids: {', '.join(keyed)}")
        if any(section.parts_nobody for section in self.sections):
            lines.append(
                "nothing tells patients apart, so every booking is a patient of its own: nobody comes again, and new "
                "patients, patients counted, returns, courses, retention and worklists of patients say nothing"
            )
        return lines


def section_name(table: str, number: int, column: str | None = None) -> str:
    """A section of the mapping, or its columns or one of them, as messages name it.

    Args:
        table: the name of the contract's table.
        number: of the section among several; 0 where it is the only one.
        column: of the table; empty for all of them.
    """
    if number:
        part = "" if column is None else f", column {column}" if column else ", columns"
        return f"[{table}] number {number}{part}"
    return f"[{table}]" if column is None else f"[{table}.columns] {column}".rstrip()
