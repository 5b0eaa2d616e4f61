"""Workbooks as a spreadsheet program writes them: formats, spans, merged and hidden cells, titles and totals."""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
from intake_clinic import Export

from dashboard.intake.reading.workbook import SheetText
from tests.office import convert

NAMES = {name: f"urn:oasis:names:tc:opendocument:xmlns:{urn}:1.0" for name, urn in (
    ("office", "office"), ("style", "style"), ("text", "text"), ("table", "table"), ("number", "datastyle"))
} | {"of": "urn:oasis:names:tc:opendocument:xmlns:of:1.2"}  # fmt: skip
#: How numbers are shown: each kind of style, and what stands in it.
SHOWN = {
    "day": ("date", '<number:day/><number:text>. </number:text><number:month number:textual="true"/><number:year/>'),
    "moment": ("date", "<number:month/><number:text>/</number:text><number:day/><number:text>/</number:text>"
               '<number:year number:style="long"/><number:text> </number:text><number:hours/><number:text>:</number:text>'
               '<number:minutes number:style="long"/>'),
    "clock": ("time", '<number:hours/><number:text>:</number:text><number:minutes number:style="long"/>'),
    "span": ("time", '<number:hours/><number:text>:</number:text><number:minutes number:style="long"/>'),
    "padded": ("number", '<number:number number:min-integer-digits="7" number:decimal-places="0"/>'),
    "percent": ("percentage", '<number:number number:decimal-places="1"/><number:text>%</number:text>'),
    "dollars": ("currency", '<number:currency-symbol>$</number:currency-symbol><number:number number:decimal-places="2" '
                'number:grouping="true"/>'),
    "truth": ("boolean", "<number:boolean/>"),
}  # fmt: skip
#: How values of a kind are written, unless as numbers.
VALUES = {"day": "date", "moment": "date", "clock": "time", "span": "time", "truth": "boolean"}


def cell(value: str, shown: str = "", more: str = "") -> str:
    if shown == "formula":
        return f"<table:table-cell table:formula={quoteattr('of:=' + value)}/>"
    if not shown:
        lines = "".join(f"<text:p>{line}</text:p>" for line in value.split("\n"))
        return f'<table:table-cell office:value-type="string" {more}>{lines}</table:table-cell>'
    kind = VALUES.get(shown, "float")
    name = "value" if kind == "float" else f"{kind}-value"
    return f'<table:table-cell table:style-name="{shown}" office:value-type="{kind}" office:{name}="{value}" {more}/>'


def row(*cells: str, more: str = "") -> str:
    return f"<table:table-row {more}>{''.join(cells)}</table:table-row>"


def spreadsheet(path: Path, *, since: str = "1899-12-30", **sheets: list[str]) -> Path:
    styles = "".join(
        f'<number:{kind}-style style:name="N{name}" {"number:truncate-on-overflow=" + quoteattr("false") if name == "span" else ""}>'
        f'{parts}</number:{kind}-style><style:style style:name="{name}" style:family="table-cell" style:data-style-name="N{name}"/>'
        for name, (kind, parts) in SHOWN.items()
    )  # fmt: skip
    hidden = '<style:style style:name="hidden" style:family="table"><style:table-properties table:display="false"/></style:style>'
    tables = "".join(
        f'<table:table table:name="{name}" table:style-name="{"hidden" if name == "Old" else ""}">{"".join(rows)}</table:table>'
        for name, rows in sheets.items()
    )
    spaces = " ".join(f'xmlns:{name}="{urn}"' for name, urn in NAMES.items())
    path.write_text(
        f'<?xml version="1.0"?><office:document {spaces} office:version="1.3" '
        f'office:mimetype="application/vnd.oasis.opendocument.spreadsheet"><office:automatic-styles>{styles}{hidden}'
        "</office:automatic-styles><office:body><office:spreadsheet><table:calculation-settings>"
        f'<table:null-date table:date-value="{since}"/></table:calculation-settings>{tables}'
        "</office:spreadsheet></office:body></office:document>"
    )
    return path


#: A cell, and what is read of it.
CELLS = [
    (cell("2026-01-05T09:30:00", "moment"), "2026-01-05 09:30:00"),
    (cell("2026-01-05", "day"), "2026-01-05 00:00:00"),
    (cell("9999-12-31T23:59:59.997", "moment"), "9999-12-31 23:59:59"),
    (cell("PT09H30M00S", "clock"), "09:30:00"),
    (cell("PT30H05M00S", "span"), "30:05:00"),
    (cell("-PT02H05M30S", "span"), "-2:05:30"),
    (cell("true", "truth"), "TRUE"),
    (cell("NA()", "formula"), ""),
    (cell("1/0", "formula"), ""),
    (cell('"a"&"b"', "formula"), "ab"),
    (cell("1+1.5", "formula"), "2.5"),
    (cell("17", "padded"), "17"),
    (cell("12345678901234567", "padded"), "1.23456789012346e+16"),
    (cell("0.125", "percent"), "0.125"),
    (cell("1234.5", "dollars"), "1234.5"),
    (cell("PT30H05M00S"), "PT30H05M00S"),
    (cell("a\nb, c"), '"a b, c"'),
    (cell("00017"), "00017"),
]


@pytest.mark.parametrize(
    ("form", "since"),
    [("xlsx", "1899-12-30"), ("xlsm:Calc MS Excel 2007 VBA XML", "1904-01-01"), ("xls", "1904-01-01"), ("ods", "1899-12-30")],
)  # fmt: skip
def test_what_a_cell_holds_is_read_whatever_it_shows(tmp_path: Path, form: str, since: str) -> None:
    path = spreadsheet(tmp_path / "cells.fods", since=since, Cells=[row(one, cell("|")) for one, _ in CELLS])
    with SheetText(convert(path, form)) as text:
        lines = text.read().decode().splitlines()
    told = [text for _, text in CELLS]
    if form == "ods":
        # There a text like a span is one.
        told[15] = "30:05:00"
    assert lines == [f"{text},|" for text in told]


def test_a_sheet_made_for_readers_is_imported_and_what_it_only_shows_is_told(tmp_path: Path) -> None:
    """Titles, a clock beside the day, hidden and filtered rows, empty ones, merged cells, a line of totals."""

    def visit(number: int, site: str = "Chicago", more: str = "", across: str = "") -> str:
        day, clock = cell(f"2026-01-{number + 4:02}", "day"), cell(f"PT{8 + number:02}H15M00S", "clock")
        where = cell(site, more=across) if site else "<table:covered-table-cell/>"
        price = cell("1250.5", "dollars")
        return row(cell(str(number), "padded"), cell(f"P{number}"), where, day, clock, price, more=more)

    title = cell("Infusions", more='table:number-columns-spanned="6" table:number-rows-spanned="2"')
    spanned = 'table:number-columns-spanned="1" table:number-rows-spanned="2"'
    path = spreadsheet(
        tmp_path / "visits.fods",
        Infusions=[
            row(title), row(), row(*map(cell, ("No", "Patient", "Clinic", "Day", "Time", "Fee"))),
            visit(1), visit(2, more='table:visibility="collapse"'), visit(3, more='table:visibility="filter"'), row(),
            visit(4, "Dallas", across=spanned), visit(5, ""), visit(6), row(),
            row(cell("Total"), *["<table:table-cell/>"] * 4, cell("SUM(F4:F10)", "formula")),
        ],
        Old=[row(cell("No"))],
    )  # fmt: skip
    export = Export(tmp_path)
    book = convert(path, "xlsx")
    book.rename(export.clinic.delivery / book.name)
    report = export.publish(
        '[bookings]\nfile = "visits.xlsx"\nskip = 2\nexcept = { column = "No", values = "Total" }\n[bookings.columns]\n'
        'booking_id = "No"\npatient_id = "Patient"\nsite = "Clinic"\nservice = { constant = "vitamin-c" }\n'
        'starts_at = { column = ["Day", "Time"], format = "%Y-%m-%d %H:%M:%S" }\nstatus = { constant = "completed" }\n'
        'price = "Fee"\n'
    )
    assert export.bookings("booking_id, site::varchar, strftime(starts_at, '%d %H:%M'), price_cents") == [
        ("1", "chicago", "05 09:15", 125050), ("2", "chicago", "06 10:15", 125050), ("3", "chicago", "07 11:15", 125050),
        ("4", "dallas", "08 12:15", 125050), ("6", "chicago", "10 14:15", 125050),
    ]  # fmt: skip
    assert [(line, column) for _, line, column, *_ in export.rejects()] == [(9, "site")]
    told = [line for line in report.lines() if line.startswith("visits.xlsx: ")]
    assert len(told) == 2
    assert "cells that are merged over several rows hold their value in the first alone" in told[0]
    assert "(rows 8–9);" in told[0]
    assert "zeros before them (as 0000000) are read without" in told[1]
