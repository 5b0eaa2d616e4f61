"""Reads XLSX as its standard says, to see what a spreadsheet would: text, numbers, formulas."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

_NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ESCAPE = re.compile(r"_x([0-9A-F]{4})_")


def sheets(path: Path) -> dict[str, list[list[object]]]:
    """Each sheet's rows: str for text, float for numbers, None for empty cells; formulas raise."""
    with zipfile.ZipFile(path) as book:
        names = [s.get("name") for s in ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{_NS}sheet")]
        shared = []
        if "xl/sharedStrings.xml" in book.namelist():
            shared = [_text(item) for item in ElementTree.fromstring(book.read("xl/sharedStrings.xml"))]
        return {
            name: _rows(ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml")), shared)
            for number, name in enumerate(names, start=1)
        }


def _text(item: ElementTree.Element) -> str:
    raw = "".join(part.text or "" for part in item.iter(f"{_NS}t"))
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), raw)


def _place(cell: ElementTree.Element) -> int:
    """The cell's column, from 0."""
    place = 0
    for letter in re.match("[A-Z]+", cell.get("r"))[0]:
        place = place * 26 + ord(letter) - 64
    return place - 1


def _rows(sheet: ElementTree.Element, shared: list[str]) -> list[list[object]]:
    found = []
    for row in sheet.iter(f"{_NS}row"):
        cells: list[object] = []
        for cell in row:
            assert cell.find(f"{_NS}f") is None, "a formula"
            cells += [None] * (_place(cell) - len(cells))
            value, kind = cell.find(f"{_NS}v"), cell.get("t", "n")
            if kind == "inlineStr":
                cells.append(_text(cell))
            elif value is None:
                cells.append(None)
            else:
                cells.append(shared[int(value.text)] if kind == "s" else float(value.text))
        found.append(cells)
    return found


#: Formats of numbers that a workbook names by their place in the standard alone.
_BUILT_IN = {0: "General", 3: "#,##0", 4: "#,##0.00"}


def number_formats(path: Path, sheet: int = 1) -> list[dict[int, str]]:
    """The format of each cell that a sheet holds by its column, from 0, row by row."""
    with zipfile.ZipFile(path) as book:
        styles = ElementTree.fromstring(book.read("xl/styles.xml"))
        rows = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{sheet}.xml")).iter(f"{_NS}row")
        own = {int(one.get("numFmtId")): one.get("formatCode") for one in styles.iter(f"{_NS}numFmt")}
        used = [int(one.get("numFmtId")) for one in styles.find(f"{_NS}cellXfs")]
        return [{_place(cell): (_BUILT_IN | own)[used[int(cell.get("s", 0))]] for cell in row} for row in rows]
