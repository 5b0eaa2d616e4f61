"""Reads a sheet of a workbook, Excel's or OpenDocument's, as the CSV that its rows would be: a line for each row."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import python_calamine as calamine

from dashboard.intake.contract import DeliveryError
from dashboard.intake.kinds import OLD_OFFICE, ZIP

#: Of the names of workbooks.
ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
#: A sheet by its name, by its number from 1, or the first that is shown and holds anything.
Sheet = str | int | None
Cell = str | float | bool | dt.datetime | dt.date | dt.time | dt.timedelta
#: What the parts of a workbook may take unpacked; no sheet has more than 1,048,576 rows.
LARGEST = 4_000_000_000
_ADVICE = "save each table as “CSV UTF-8” and deliver that"
#: What is asked of a workbook in the place of a sheet's name; no sheet's has such characters.
_SHEETS, _CHOSEN = "[sheets]", "[chosen]"
#: The exit code behind a message for people.
_REFUSED = 3
_SPECIAL = re.compile(r'["\r\n,]')
_ENDS = re.compile(r"\s*[\r\n]+\s*")
#: A spreadsheet computes with so many digits, and shows no more.
_DIGITS, _WHOLE = ".15g", 10**15


def is_workbook(path: Path, start: bytes) -> bool:
    """Whether a file may be a workbook, by its first bytes and the names of its parts."""
    if start.startswith(OLD_OFFICE):
        return True
    if not start.startswith(ZIP):
        return False
    try:
        with zipfile.ZipFile(path) as packed:
            names = [name.lower() for name in packed.namelist()]
    except (OSError, zipfile.BadZipFile):
        return False
    return "content.xml" in names or any(name.startswith("xl/") for name in names)


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
        asked = json.dumps([str(path), sheet, list(given)])
        arguments = [sys.executable, "-m", "dashboard.intake.workbook", asked]
        self._child = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=self._told)  # noqa: S603

    def read(self, size: int = -1) -> bytes:
        """The next bytes, as many as asked for or all; empty at the end only.

        Raises:
            DeliveryError: the workbook cannot be read, or has no such sheet.
        """
        stream = self._child.stdout
        found = stream.read(size) if stream else b""
        if (size < 0 or len(found) < size) and (code := self._child.wait()):
            self._told.seek(0)
            # What it says otherwise is not for people.
            why = self._told.read().decode(errors="replace") if code == _REFUSED else ""
            raise DeliveryError(
                why or f"{self._path} is no workbook that can be read, since it is damaged; {_ADVICE}"
            )
        return found

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
            with zipfile.ZipFile(path) as packed:
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
    if isinstance(error, calamine.PasswordError):
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


def _lines(sheet: calamine.CalamineSheet) -> Iterator[bytes]:
    timed = {place for row in sheet.iter_rows() for place, cell in enumerate(row) if isinstance(cell, dt.datetime)}
    for row in sheet.iter_rows():
        texts = [text_of(cell, timed=place in timed) for place, cell in enumerate(row)]
        # Of a row that holds nothing no record is made.
        yield (",".join(texts) if any(texts) else "").encode("utf-8", "replace") + b"\n"


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
        # Spreadsheets count days as numbers, in which a second has no exact place.
        return (cell + dt.timedelta(microseconds=500_000)).strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, dt.date):
        return f"{cell:%Y-%m-%d}" + " 00:00:00" * timed
    if isinstance(cell, dt.time):
        return f"{cell:%H:%M:%S}"
    seconds = round(cell.total_seconds())
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def main(path: str, sheet: str | None, given: list[str | int]) -> None:
    """Write what is asked of a workbook to standard output."""
    file, out = Path(path), sys.stdout.buffer
    try:
        if sheet == _SHEETS:
            out.write(json.dumps(_shown_sheets(file, [str(one) for one in given])).encode())
        elif sheet == _CHOSEN:
            out.write(json.dumps(_chosen_sheets(file, given)).encode())
        else:
            book = _opened(file)
            out.writelines(_lines(_loaded(file, book, _named(file, book, sheet))))
    except DeliveryError as error:
        sys.stderr.write(str(error))
        sys.exit(_REFUSED)


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))
