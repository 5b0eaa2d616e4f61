"""Workbooks of visits, written for tests."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import xlsxwriter
from intake_clinic import BOOKINGS

HEADER = BOOKINGS.split(",")


def write(path: Path, hidden: str = "", **sheets: list[list[Any]]) -> None:
    """A workbook of these sheets; moments, days and numbers are such cells."""
    with xlsxwriter.Workbook(str(path)) as book:
        formats = {kind: book.add_format({"num_format": form}) for kind, form in
                   ((dt.datetime, "mm/dd/yyyy hh:mm"), (dt.date, "mm/dd/yyyy"), (dt.time, "hh:mm"))}  # fmt: skip
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name.replace("_", " "))
            if name == hidden:
                sheet.hide()
            for row, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    if type(cell) in formats:
                        sheet.write_datetime(row, column, cell, formats[type(cell)])
                    elif isinstance(cell, str):
                        sheet.write_string(row, column, cell)
                    else:
                        sheet.write(row, column, cell)


def visit(number: object, site: object = "chicago", day: int = 5, status: str = "completed") -> list[object]:
    return [number, f"P{number}", site, "vitamin-c", dt.datetime(2026, 1, day, 9, 30), status]
