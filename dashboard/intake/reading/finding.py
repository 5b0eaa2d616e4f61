"""Finds the files of a delivery: which of them are of which table, and what lies beside them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from dashboard.intake.contract import TABLES, DeliveryError, Table
from dashboard.intake.mapping import Mapping, TableMapping
from dashboard.intake.reading.files import ENDINGS, sheets_of, shown_name, usable, with_sheets
from dashboard.intake.reading.kinds import foreign
from dashboard.intake.reading.workbook import ENDINGS as BOOKS

#: What files are called that other programs pack others into.
_PACKED = (".zip", ".bz2", ".xz", ".zst", ".7z", ".rar", ".tar", ".tar.gz", ".tgz")
#: So many first bytes tell what a file is.
_START = 1024


@dataclass(frozen=True)
class Source:
    """One file of a delivery and the table of the contract that it belongs to.

    Attributes:
        name: of the file, as reports and rejects show it.
        mapping: what the table's columns are made of; None where the file has the contract's own.
        sheet: of a workbook.
    """

    table: Table
    path: Path
    name: str
    mapping: TableMapping | None = None
    sheet: str | None = None

    @property
    def file(self) -> str:
        """The file's own name; with the sheet's where a mapping may read several: `visits [May]`."""
        named = self.mapping is not None and self.mapping.files.layout.sheets
        return f"{self.path.stem} [{self.sheet}]" if named else self.path.name


def find_sources(delivery: Path, mapping: Mapping | None = None, *, whole: bool = True) -> list[Source]:
    """The files of a delivery in the order in which they are read: by table, then by name.

    Args:
        delivery: the folder.
        mapping: what the tables are made of.
        whole: whether it must hold all that a delivery needs; else one table will do.

    Raises:
        DeliveryError: no such folder, or a required table or a mapped file is missing.
    """
    if not delivery.is_dir():
        raise DeliveryError(f"{delivery} is not a folder; give the folder that holds bookings.csv")
    if mapping is not None:
        return _mapped_sources(delivery, mapping, whole=whole)
    entries = _entries(delivery)
    sources: list[Source] = []
    for table in TABLES:
        found = [usable(path) for path in entries if _is_part(path, table)]
        if whole and table.required and not found:
            own = tuple(f"{one.name}{mark}" for one in TABLES for mark in ".-")
            others = ", ".join(
                [shown_name(path) for path in delimited_files(delivery) if not path.name.startswith(own)][:5]
            )
            raise DeliveryError(
                f"{delivery} holds no {table.name}.csv; add it (its required columns are "
                f"{', '.join(table.required_columns)}; a header alone will do)"
                + (f". If it holds another system's files ({others}), {how_to_map(delivery)}" if others else "")
                + ("" if others else _instead([path for path in entries if not _is_any(path)]))
            )
        sources += [Source(table, path, path.name, sheet=sheets_of(path)[0]) for path in found]
    if not sources:
        raise _nothing_to_add(delivery)
    return sources


def _instead(entries: list[Path]) -> str:
    """What the first of the files is that lie in the place of tables and are none; by its ending, since one that
    holds one patient may bear the patient's name.
    """
    for path in filter(Path.is_file, entries):
        with path.open("rb") as file:
            start = file.read(_START)
        if told := foreign(start) if start else "empty":
            return f". One of its files ({path.suffix or 'without an ending'}) is {told}"
    return ""


def _is_part(path: Path, table: Table) -> bool:
    """Whether a file is one of a table by its name: bookings.csv, bookings-2026.csv.gz or .xlsx, in whatever case."""
    books = "|".join(map(re.escape, BOOKS))
    pattern = rf"{table.name}(-.*)?(\.csv(\.gz)?|{books})"
    return bool(re.fullmatch(pattern, path.name, re.DOTALL | re.IGNORECASE))


def _is_any(path: Path) -> bool:
    return any(_is_part(path, table) for table in TABLES)


def not_read(delivery: Path) -> list[str]:
    """Names of what lies in a folder of the contract's own files and looks like a table, but is none by its name."""
    names = tuple(table.name for table in TABLES)
    return [
        shown_name(path)
        for path in _entries(delivery)
        if not _is_any(path) and (path.name.lower().startswith(names) or _is_delimited(path))
    ]


def _entries(folder: Path) -> list[Path]:
    """What lies in a folder, but for what is hidden, in the order of names."""
    if not os.access(folder, os.R_OK | os.X_OK):
        raise DeliveryError(f"{folder} cannot be read; give this account the right to list and to enter it")
    # A spreadsheet that has a workbook open leaves a file of its name behind ~$.
    return sorted(path for path in folder.iterdir() if not path.name.startswith((".", "~$")))


def _nothing_to_add(delivery: Path) -> DeliveryError:
    names = ", ".join(f"{table.name}.csv" for table in TABLES)
    return DeliveryError(
        f"{delivery} holds none of {names}, so there is nothing to add; a header will do where a day has no rows"
    )


def delimited_files(folder: Path) -> list[Path]:
    """The files of a folder that can be mapped, in the order of their names."""
    return [path for path in _entries(folder) if _is_delimited(path)]


def files_to_map(folder: Path) -> tuple[list[Path], str]:
    """The files of a folder that can be mapped, with what stands before their names in a pattern for them.

    Where it holds none they are those of the folders below: some systems write one a day or a month.
    """
    if found := delimited_files(folder):
        return found, ""
    return _below(folder), "**/"


def nothing_to_map(delivery: Path) -> DeliveryError:
    """Why no mapping can be drafted for a folder without files that can be mapped."""
    if packed := [path.name for path in _entries(delivery) if path.name.lower().endswith(_PACKED)]:
        return DeliveryError(f"{delivery} holds {packed[0]}, an archive; unpack it there and draft again")
    return DeliveryError(
        f"{delivery} holds no CSV, TSV, text or Parquet file (plain or .gz) and no workbook, nor do its folders; "
        "export the tables in one of these forms"
    )


def _below(folder: Path) -> list[Path]:
    inner = [path for path in _entries(folder) if path.is_dir() and not path.is_symlink()]
    return [path for one in inner for path in (*delimited_files(one), *_below(one))]


def _is_delimited(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(ENDINGS) and path.is_file()


def left_over(delivery: Path, mapping: Mapping) -> list[str]:
    """Names of the files in the folder that the mapping takes nothing from."""
    taken = {path for section in mapping.sections for path in section.files.find(delivery)}
    taken |= {path for join in mapping.lookups for path in join.files.find(delivery)}
    # Of folders those count from which something is taken: others may hold what is no part of the delivery.
    folders = sorted({delivery, *(path.parent for path in taken)})
    return [
        str(path.relative_to(delivery).with_name(shown_name(path)))
        for folder in folders
        for path in delimited_files(folder)
        if path not in taken
    ]


def how_to_map(delivery: Path) -> str:
    """How to import another system's files."""
    return (
        f"write a mapping: 'dashboard mapping draft {delivery} -o mapping.toml' makes a first one, and "
        f"'dashboard import {delivery} --mapping mapping.toml' uses it"
    )


def _mapped_sources(delivery: Path, mapping: Mapping, *, whole: bool) -> list[Source]:
    if not mapping.of("bookings"):
        raise DeliveryError(
            f"{mapping.path} has no [bookings]; add it with file and columns. "
            f"'dashboard mapping draft {delivery}' writes a first one"
        )
    sources: list[Source] = []
    for section in mapping.sections:
        found = section.files.find(delivery)
        if not found and whole:
            patterns = ", ".join(section.files.patterns)
            there = (
                ", ".join(shown_name(path) for path in delimited_files(delivery)[:8]) or "no file that can be read"
            )
            raise DeliveryError(
                f"{mapping.path}, {section.section}: no file of {delivery} matches {patterns}; "
                f"correct the pattern or the folder, which holds {there}"
            )
        named = section.files.layout.sheets
        for path, sheet in with_sheets(found, named):
            repeat = 1 + sum((one.table, one.path, one.sheet) == (section.table, path, sheet) for one in sources)
            of_sheet = f" [{sheet}]" if named else ""
            name = _repeated(f"{path.relative_to(delivery)}{of_sheet}", repeat)
            sources.append(Source(section.table, path, name, section, sheet))
    if not sources:
        raise _nothing_to_add(delivery)
    return sources


def _repeated(name: str, repeat: int) -> str:
    return f"{name} ({repeat})" if repeat > 1 else name
