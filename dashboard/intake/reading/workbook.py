"""Reads a sheet of a workbook, Excel's or OpenDocument's, as the CSV that its rows would be: a line for each row."""

from __future__ import annotations

import datetime as dt
import html
import json
import math
import re
import resource
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import python_calamine as calamine

from dashboard.intake.contract import DeliveryError
from dashboard.intake.reading.kinds import OLD_OFFICE, ZIP

#: Of the names of workbooks.
ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
#: A sheet by its name, by its number from 1, or the first that is shown and holds anything.
Sheet = str | int | None
Cell = str | float | bool | dt.datetime | dt.date | dt.time | dt.timedelta
#: What the parts of a workbook may take unpacked, and its reader's memory; no sheet has more than 1,048,576 rows.
LARGEST = 4_000_000_000
_ADVICE = "save each table as “CSV UTF-8” and deliver that"
#: What is asked of a workbook in the place of a sheet's name; no sheet's has such characters.
_SHEETS, _CHOSEN = "[sheets]", "[chosen]"
#: What it is where its reader fails, and where that is ended, as it is for want of memory.
_ENDED = (
    "no workbook that can be read, since it is damaged; ",
    "a workbook that memory does not hold, since it is damaged or a cell far to the right or far below makes a sheet "
    "huge; find such a cell with Ctrl+End and delete its row and column, or ",
)
#: The one part of a workbook of OpenDocument that is encrypted as a whole.
_LOCKED = "encrypted-package"
#: The exit code behind a message for people.
_REFUSED = 3
#: A format of Excel that shows zeros before a number.
_PADDED = re.compile(r"0{2,}(?:[- /]0+)*")
#: No value holds a <: without looking past it, many beginnings without an end take no longer than one.
_FORMAT = re.compile(r'<(?:\w+:)?numFmt\s[^<>]*?formatCode="([^"<]*)"')
#: How OpenDocument writes spans of time, of which those of a day or more come as they are written.
_SPAN = re.compile(r"(-?)PT(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d+)?)S)?")
_SPECIAL = re.compile(r'["\r\n,]')
#: A run of blanks that holds the end of a line, looked for from its beginning alone.
_ENDS = re.compile(r"(?<!\s)[^\S\r\n]*+[\r\n]\s*+")
#: A spreadsheet computes with so many digits, and shows no more.
_DIGITS, _WHOLE = ".15g", 10**15
#: So many places of a sheet are named in a sentence.
_NAMED = 5


def is_workbook(path: Path, start: bytes) -> bool:
    """Whether a file may be a workbook, by its first bytes and the names of its parts."""
    return start.startswith(OLD_OFFICE) or (
        start.startswith(ZIP) and (_is_open(path) or any(name.startswith("xl/") for name in _parts(path)))
    )


def _is_open(path: Path) -> bool:
    """Whether a workbook is OpenDocument's."""
    return not {"content.xml", _LOCKED}.isdisjoint(_parts(path))


def _parts(path: Path) -> list[str]:
    """The names of what a file holds; none where it is no archive."""
    try:
        with _archive(path) as packed:
            return [name.lower() for name in packed.namelist()]
    except (OSError, zipfile.BadZipFile):
        return []


def _archive(path: Path) -> zipfile.ZipFile:
    """A file as the archive that it is.

    Raises:
        OSError, zipfile.BadZipFile: it cannot be read, or is none.
    """
    try:
        return zipfile.ZipFile(path)
    except (ValueError, NotImplementedError, struct.error) as error:
        # Of a name that is no text, of a later version of the format, of places that are none.
        raise zipfile.BadZipFile(str(error)) from error


def sheets(path: Path, but: Sequence[str] = ()) -> list[str]:
    """The sheets that are shown and hold anything, in their order; those of some names aside.

    Raises:
        DeliveryError: the workbook cannot be read.
    """
    with SheetText(path, _SHEETS, but) as told:
        found: list[str] = json.loads(told.read())
    return found


def chosen(path: Path, wanted: Sequence[str | int]) -> list[str]:
    """The sheets that a mapping asks for, each once: by name, by number, or those shown whose names fit a pattern.

    Of none that it asks for the first that is shown and holds anything.

    Raises:
        DeliveryError: the workbook cannot be read, or has no such sheet.
    """
    with SheetText(path, _CHOSEN, wanted) as told:
        found: list[str] = json.loads(told.read())
    return found


def _shown_sheets(path: Path, but: Sequence[str]) -> list[str]:
    book = _opened(path)
    return [name for name in _shown(book) if name not in but and _loaded(path, book, name).end is not None]


def _chosen_sheets(path: Path, wanted: Sequence[str | int]) -> list[str]:
    book, found = _opened(path), list[str]()
    for one in wanted or (None,):
        if isinstance(one, str) and one not in book.sheet_names and any(mark in one for mark in "*?["):
            named = [name for name in _shown_sheets(path, ()) if fnmatchcase(name.casefold(), one.casefold())]
            if not named:
                raise _missing(path, book, one)
            found += named
        else:
            found.append(_named(path, book, one))
    return list(dict.fromkeys(found))


class SheetText:
    """A sheet as CSV in UTF-8: commas, values quoted where they must be, line ends within values as blanks.

    So a line is a row, by the number that the spreadsheet gives it. Numbers have a spreadsheet's fifteen digits, TRUE
    and FALSE are written as it saves them, moments 2026-01-05 09:00:00, days 2026-01-05 unless others of their column
    have a time. What a formula last gave counts; where that is an error there is no value.
    """

    def __init__(self, path: Path, sheet: str | None = None, given: Sequence[str | int] = ()) -> None:
        """Open it, in a process of its own: what reads workbooks may end its process where one is damaged.

        Raises:
            DeliveryError: the workbook is too large.
        """
        _require_small(path)
        self._path, self._told = path, tempfile.TemporaryFile()  # noqa: SIM115
        self._seen: dict[str, list[Any]] = {}
        asked = json.dumps([str(path), sheet, list(given)])
        arguments = [sys.executable, "-m", "dashboard.intake.reading.workbook", asked]
        self._child = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=self._told)  # noqa: S603

    def read(self, size: int = -1) -> bytes:
        """The next bytes, as many as asked for or all; empty at the end only.

        Raises:
            DeliveryError: the workbook cannot be read, or has no such sheet.
        """
        stream = self._child.stdout
        found = stream.read(size) if stream else b""
        if size < 0 or len(found) < size:
            code = self._child.wait()
            self._told.seek(0)
            told = self._told.read().decode(errors="replace")
            if code:
                # What it says otherwise is not for people.
                raise DeliveryError(told if code == _REFUSED else f"{self._path} is {_ENDED[code < 0]}{_ADVICE}")
            # Python may have warned of something beside it.
            self._seen = json.loads(next((line for line in told.splitlines() if line.startswith("{")), "{}"))
        return found

    def remarks(self, header: int) -> tuple[str, ...]:
        """What its cells show and its rows don't hold, in sentences, once all was read; of rows below a line's."""
        remarks, merged = [], [f"{first}–{last}" for first, last in self._seen.get("merged", ()) if last > header]
        if merged:
            more = f" and {len(merged) - _NAMED} more" if len(merged) > _NAMED else ""
            remarks.append(
                "cells that are merged over several rows hold their value in the first alone and are empty in the "
                f"others (rows {', '.join(merged[:_NAMED])}{more}); unmerge them and fill each row"
            )
        if padded := self._seen.get("padded"):
            remarks.append(
                f"numbers that are shown with zeros before them (as {', '.join(padded[:_NAMED])}) are read without: "
                "where other files write them in full, save the sheet as “CSV UTF-8”, which keeps them"
            )
        return tuple(remarks)

    def close(self) -> None:
        """Let go of the workbook."""
        self._child.kill()
        self._child.wait()
        if self._child.stdout:
            self._child.stdout.close()
        self._told.close()

    def __enter__(self) -> SheetText:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _require_small(path: Path) -> None:
    try:
        if zipfile.is_zipfile(path):
            with _archive(path) as packed:
                size = sum(part.file_size for part in packed.infolist())
        else:
            size = path.stat().st_size
    except (OSError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from error
    if size > LARGEST:
        raise DeliveryError(f"{path} is a workbook of more than {LARGEST:,} bytes when it is unpacked; {_ADVICE}")


def _opened(path: Path) -> calamine.CalamineWorkbook:
    try:
        return calamine.CalamineWorkbook.from_path(path)
    except PermissionError as error:
        raise DeliveryError(
            f"{path} cannot be read ({error.strerror}); give this account the right to read it"
        ) from error
    except (calamine.CalamineError, OSError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DeliveryError:
    if isinstance(error, calamine.PasswordError) or _LOCKED in _parts(path):
        return DeliveryError(f"{path} is a workbook that needs a password; save it without one, or {_ADVICE}")
    return DeliveryError(f"{path} is no workbook that can be read ({error}); {_ADVICE}")


def _shown(book: calamine.CalamineWorkbook) -> list[str]:
    return [
        one.name
        for one in book.sheets_metadata
        if one.visible == calamine.SheetVisibleEnum.Visible and one.typ == calamine.SheetTypeEnum.WorkSheet
    ]


def _loaded(path: Path, book: calamine.CalamineWorkbook, name: str) -> calamine.CalamineSheet:
    try:
        return book.get_sheet_by_name(name)
    except calamine.CalamineError as error:
        raise _unreadable(path, error) from error


def _named(path: Path, book: calamine.CalamineWorkbook, sheet: Sheet) -> str:
    names = book.sheet_names
    if sheet is None:
        shown = _shown(book) or names
        # To load a large one takes a while.
        filled = (name for name in shown if len(shown) == 1 or _loaded(path, book, name).end is not None)
        found = next(filled, next(iter(shown), None))
    elif isinstance(sheet, int):
        found = names[sheet - 1] if 0 < sheet <= len(names) else None
    else:
        found = next((name for name in names if name.strip().casefold() == sheet.strip().casefold()), None)
    if found is None:
        raise _missing(path, book, sheet)
    return found


def _missing(path: Path, book: calamine.CalamineWorkbook, sheet: Sheet) -> DeliveryError:
    there = ", ".join(map(repr, book.sheet_names)) or "none"
    return DeliveryError(f"{path} has no sheet {sheet!r}, but {there}; correct sheet in the mapping")


def _unseen(path: Path, sheet: calamine.CalamineSheet) -> dict[str, list[Any]]:
    """What a sheet shows and its rows don't hold: cells merged over rows, and formats with zeros before numbers."""
    merged = {(first + 1, last + 1) for (first, _), (last, _) in sheet.merged_cell_ranges or () if last > first}
    padded = dict.fromkeys(
        one for one in map(_plain_format, _FORMAT.findall(_styles(path))) if _PADDED.fullmatch(one)
    )
    return {"merged": sorted(merged), "padded": list(padded)}


def _plain_format(code: str) -> str:
    return re.sub(r'"|\\', "", html.unescape(code)).split(";", 1)[0]


def _styles(path: Path) -> str:
    try:
        with _archive(path) as packed:
            return packed.read("xl/styles.xml").decode(errors="replace")
    except (KeyError, zipfile.BadZipFile):
        return ""


def _lines(sheet: calamine.CalamineSheet, *, open_document: bool) -> Iterator[bytes]:
    timed = {place for row in sheet.iter_rows() for place, cell in enumerate(row) if isinstance(cell, dt.datetime)}
    for row in sheet.iter_rows():
        cells = map(_span, row) if open_document else row
        texts = [text_of(cell, timed=place in timed) for place, cell in enumerate(cells)]
        # Of a row that holds nothing no record is made.
        yield (",".join(texts) if any(texts) else "").encode("utf-8", "replace") + b"\n"


def _span(cell: Cell) -> Cell:
    if not isinstance(cell, str) or not (found := _SPAN.fullmatch(cell)):
        return cell
    hours, minutes, seconds = (float(part or 0) for part in found.groups()[1:])
    span = dt.timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return -span if found[1] else span


def text_of(cell: Cell, *, timed: bool = False) -> str:
    """A cell as it stands in the CSV; `timed`: a day has the time 00:00:00, as others of its column have one."""
    if isinstance(cell, str):
        if not _SPECIAL.search(cell):
            return cell
        return '"' + _ENDS.sub(" ", cell).replace('"', '""') + '"'
    # A truth is a number, too, and a moment a day.
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int | float):
        whole = math.isfinite(cell) and cell == int(cell) and abs(cell) < _WHOLE
        return str(int(cell)) if whole else f"{cell:{_DIGITS}}"
    if isinstance(cell, dt.datetime):
        # Spreadsheets count days as numbers, in which a second has no exact place; databases end time at its last.
        near = cell if cell.year == dt.MAXYEAR else cell + dt.timedelta(microseconds=500_000)
        return near.isoformat(" ", "seconds")
    if isinstance(cell, dt.date):
        return cell.isoformat() + " 00:00:00" * timed
    if isinstance(cell, dt.time):
        return f"{cell:%H:%M:%S}"
    seconds = round(cell.total_seconds())
    sign, seconds = "-" * (seconds < 0), abs(seconds)
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def main(path: str, sheet: str | None, given: list[str | int]) -> None:
    """Write what is asked of a workbook to standard output."""
    file, out = Path(path), sys.stdout.buffer
    # A sheet takes the room of all cells up to the last, empty ones too. Not all systems have such a limit.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (LARGEST, LARGEST))
    try:
        if sheet == _SHEETS:
            out.write(json.dumps(_shown_sheets(file, [str(one) for one in given])).encode())
        elif sheet == _CHOSEN:
            out.write(json.dumps(_chosen_sheets(file, given)).encode())
        else:
            book = _opened(file)
            found = _loaded(file, book, _named(file, book, sheet))
            out.writelines(_lines(found, open_document=_is_open(file)))
            sys.stderr.write(f"\n{json.dumps(_unseen(file, found))}\n")
    except DeliveryError as error:
        sys.stderr.write(str(error))
        sys.exit(_REFUSED)


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))
