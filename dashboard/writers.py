"""The forms of a file: CSV, CSV in gzip, Parquet and XLSX, each written while it is read."""

from __future__ import annotations

import datetime as dt
import io
import re
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xlsxwriter

from dashboard import cells
from dashboard.panels import Column
from dashboard.panels.column import UNIT, own_format
from dashboard.receipts import Part
from dashboard.sources import Source, schema

SHEET_ROWS = 1_048_576
_LONGEST_CELL = 32_767
_LONGEST_NAME = 31  # of a sheet
_REFUSED = re.compile(r"[\[\]:*?/\\]")  # in it
_NARROWEST, _WIDEST = 12, 60  # of a column, in characters
_READ = 1 << 20
_GROUP_ROWS = 100_000
_GZIP = zlib.MAX_WBITS | 16  # its head holds no name and no time: the same rows give the same bytes


class FileError(RuntimeError):
    """Rows that a form of file cannot hold; the message says which other form can."""


@dataclass(frozen=True)
class Bench:
    """Where a file is made.

    Attributes:
        folder: to work in.
        workbook_cells: what a workbook takes; five million cells take a minute or two to write, and larger
            workbooks open slowly, if at all.
    """

    folder: Path
    workbook_cells: int


@dataclass(frozen=True)
class Form:
    """A form of file. Its key is the file's ending.

    Attributes:
        title: as staff read it.
        media_type: as HTTP has it.
        write: the file in parts, from its rows, what it says of itself, and where it is made.
        own_totals: whether the file itself says how many rows it holds, and their totals.
    """

    title: str
    media_type: str
    write: Callable[[Source, Mapping[str, str], Bench], Iterator[Part]]
    own_totals: bool = False


def _csv(source: Source, _about: Mapping[str, str], _bench: Bench) -> Iterator[Part]:
    return source.csv()


def _gzip(source: Source, _about: Mapping[str, str], _bench: Bench) -> Iterator[Part]:
    packer = zlib.compressobj(wbits=_GZIP)
    for part in source.csv():
        yield replace(part, data=packer.compress(part.data))
    yield Part(packer.flush())


def _parquet(source: Source, about: Mapping[str, str], _bench: Bench) -> Iterator[Part]:
    """Rows in groups; what the file is of stands in its metadata."""
    sink = io.BytesIO()
    form = schema(source.columns).with_metadata({f"dashboard.{key}": value for key, value in about.items()})
    with pq.ParquetWriter(_Drain(sink), form, compression="zstd") as writer:
        for group in _groups(source.batches()):
            writer.write_table(group.select(form.names).cast(form))
            yield Part(_taken(sink), group.num_rows, _sums(source, group))
    yield Part(_taken(sink))


def _xlsx(source: Source, about: Mapping[str, str], bench: Bench) -> Iterator[Part]:
    return workbook({"Rows": source}, about, bench)


def sheet_names(titles: Sequence[str]) -> list[str]:
    """Titles as a spreadsheet takes them for sheets: short, without the signs that it refuses, each once.

    >>> sheet_names(["Invoiced, paid and outstanding by service line", "Gaps: why?", "GAPS WHY"])
    ['Invoiced, paid… service line', 'Gaps why', 'GAPS WHY 2']
    """
    found: list[str] = []
    for title in titles:
        plain = " ".join(_REFUSED.sub("", title).split()).strip("'")
        name, times = _shortened(plain, ""), 1
        # Of names that differ in case alone a spreadsheet says that they are the same.
        while name.lower() in map(str.lower, found):
            times += 1
            name = _shortened(plain, f" {times}")
        found.append(name)
    return found


def _shortened(text: str, suffix: str) -> str:
    room = _LONGEST_NAME - len(suffix)
    if len(text) <= room:
        return text + suffix
    # What tells titles apart stands at their end.
    end = " ".join(text.split()[-2:])
    start = text[: max(room - len(end) - 1, 0)].rpartition(" ")[0].rstrip(",;")
    return (f"{start}… {end}" if start else text[: room - 1] + "…") + suffix


def workbook(sources: Mapping[str, Source], about: Mapping[str, str], bench: Bench) -> Iterator[Part]:
    """Sheets of rows by name, and one that says what they are; kept row by row in a file until it is whole."""
    cells_in_all = sum(source.summary()[0] * len(source.columns) for source in sources.values())
    if cells_in_all > bench.workbook_cells:
        raise FileError(
            f"{cells_in_all:,} cells are too many for an Excel workbook, which takes {bench.workbook_cells:,} here. "
            "Take another form (CSV, Parquet or ZIP), or choose a shorter period, fewer sites or fewer columns."
        )
    with tempfile.TemporaryDirectory(dir=bench.folder) as place:
        path = Path(place) / "rows.xlsx"
        book = xlsxwriter.Workbook(path, {"constant_memory": True, "tmpdir": place, "strings_to_formulas": False})
        # A time of its own would make other bytes of the same rows.
        book.set_properties({"created": dt.datetime(2000, 1, 1)})  # noqa: DTZ001 - written as it stands
        try:
            looks = _Looks(book)
            for name, source in sources.items():
                sheets = _Sheets(book, looks, name, source.columns)
                for batch in source.batches():
                    sheets.add(batch)
                    # Sums over tables that show the same money twice would be no control.
                    sums = _sums(source, pa.Table.from_batches([batch])) if len(sources) == 1 else {}
                    yield Part(b"", batch.num_rows, sums)
            _describe(book, looks, about)
        finally:
            # Also when it is broken off: it holds files of its own.
            book.close()
        with path.open("rb") as file:
            while data := file.read(_READ):
                yield Part(data)


class _Looks:
    """How cells of a workbook look."""

    def __init__(self, book: Any) -> None:
        self.bold = book.add_format({"bold": True})
        self.over_numbers = book.add_format({"bold": True, "align": "right"})
        # Text that looks like a formula stays text when somebody edits its cell.
        self.text = book.add_format({"quote_prefix": True})
        self.formats = {
            # On the left, like words: on the right they touch the words of the next column.
            "date": book.add_format({"num_format": "yyyy-mm-dd", "align": "left"}),
            "datetime": book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"}),
            "dollars": book.add_format({"num_format": "#,##0.00"}),
            "count": book.add_format({"num_format": "#,##0"}),
            "decimal": book.add_format({"num_format": "#,##0.00"}),
            "percent": book.add_format({"num_format": "#,##0.00"}),
        }


def _describe(book: Any, looks: _Looks, about: Mapping[str, str]) -> None:
    """A sheet that says what the rows are of."""
    sheet = book.add_worksheet("About this file")
    sheet.set_column(0, 0, 24)
    sheet.set_column(1, 1, 80)
    for row, (key, value) in enumerate(about.items()):
        sheet.write_string(row, 0, key[:1].upper() + key[1:].replace("_", " "), looks.bold)
        sheet.write_string(row, 1, value)


class _Sheets:
    """Rows in one sheet after the other, since a sheet holds a million."""

    def __init__(self, book: Any, looks: _Looks, name: str, columns: tuple[Column, ...]) -> None:
        self._book = book
        self._looks = looks
        self._name = name
        self._columns = columns
        self._number = 0
        self._open()

    def _open(self) -> None:
        self._number += 1
        name = self._name if self._number == 1 else _shortened(self._name, f" {self._number}")
        self._sheet = self._book.add_worksheet(name)
        self._sheet.freeze_panes(1, 0)
        # As it is printed: as wide as a page, its heading on each.
        self._sheet.set_landscape()
        self._sheet.fit_to_pages(1, 0)
        self._sheet.repeat_rows(0)
        self._sheet.set_footer("&L&A&R&P / &N")
        for place, column in enumerate(self._columns):
            self._widen(place, len(column.title))
            words = column.format in {"text", "date", "datetime"}
            self._write_text(0, place, column.title, self._looks.bold if words else self._looks.over_numbers)
        self._row = 1

    def _widen(self, place: int, characters: int) -> None:
        self._sheet.set_column(place, place, max(_NARROWEST, min(characters + 2, _WIDEST)))

    def add(self, batch: pa.RecordBatch) -> None:
        """Write the rows of a batch."""
        if self._row == 1:
            self._fit(batch)
        values = [batch.column(column.name).to_pylist() for column in self._columns]
        # Also where the unit of the rows is none of the columns.
        mixed = UNIT in batch.schema.names
        units = batch.column(UNIT).to_pylist() if mixed else [""] * batch.num_rows
        for unit, *row in zip(units, *values, strict=True):
            if self._row == SHEET_ROWS:
                self._open()
            for place, (value, column) in enumerate(zip(row, self._columns, strict=True)):
                if value is not None:
                    own = mixed and column.own
                    self._write(place, value, own_format(value, unit) if own else column.format)
            self._row += 1

    def _fit(self, batch: pa.RecordBatch) -> None:
        """Columns as wide as the words of the first rows."""
        for place, column in enumerate(self._columns):
            if column.format == "text":
                longest = pc.max(pc.utf8_length(batch.column(place).cast(pa.string()))).as_py() or 0
                self._widen(place, max(longest, len(column.title)))
            elif column.format == "datetime":
                self._widen(place, max(len("2026-01-05 09:00:00"), len(column.title)))

    def _write(self, place: int, value: Any, form: str) -> None:
        if form == "text":
            self._write_text(self._row, place, value, self._looks.text if cells.is_formula(value) else None)
        elif form in {"date", "datetime"}:
            self._sheet.write_datetime(self._row, place, value, self._looks.formats[form])
        else:
            self._sheet.write_number(self._row, place, value, self._looks.formats.get(form))

    def _write_text(self, row: int, place: int, text: str, form: Any) -> None:
        if len(text) > _LONGEST_CELL:
            raise FileError(f"A cell of XLSX holds {_LONGEST_CELL:,} characters, and a text here has more; take CSV.")
        self._sheet.write_string(row, place, text, form)


class _Drain:
    """What Arrow needs of a file that is emptied while it is written: it counts on."""

    def __init__(self, sink: io.BytesIO) -> None:
        self._sink = sink
        self._position = 0
        self.closed = False

    def write(self, data: Any) -> int:
        count = self._sink.write(data)
        self._position += count
        return count

    def tell(self) -> int:
        return self._position

    def flush(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        self.closed = True

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False


def _taken(sink: io.BytesIO) -> bytes:
    data = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return data


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches together, so that a group of rows is worth its head."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        if sum(len(b) for b in waiting) >= _GROUP_ROWS:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)


def _sums(source: Source, table: pa.Table) -> dict[str, Decimal | int]:
    names = [column.name for column in source.columns if column.name in source.totals]
    return {name: pc.sum(table.column(name)).as_py() or 0 for name in names}


_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: By the ending of the file's name.
FORMS = {
    "csv": Form("CSV", "text/csv; charset=utf-8", _csv),
    "csv.gz": Form("CSV, gzip", "application/gzip", _gzip),
    "parquet": Form("Parquet", "application/vnd.apache.parquet", _parquet),
    "xlsx": Form("Excel", _WORKBOOK, _xlsx, own_totals=True),
}
