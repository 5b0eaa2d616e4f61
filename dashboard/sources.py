"""The rows of a file, whole from one extract: as lines of CSV, as typed batches, and their control totals."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from dashboard import cells
from dashboard.panels import Column
from dashboard.panels.column import UNIT, Format, own_format
from dashboard.receipts import Part
from dashboard.warehouse import Reader

_BOM = "\ufeff"
_CENT = Decimal("0.01")
_TYPES = {
    "text": pa.string(),
    "date": pa.date32(),
    "datetime": pa.timestamp("us"),
    "count": pa.int64(),
    "dollars": pa.decimal128(18, 2),
    "decimal": pa.float64(),
    "percent": pa.float64(),
}

_CONVERT: dict[str, Callable[[Any], Any]] = {
    "dollars": lambda v: Decimal(f"{v:.2f}"),
    "count": round,
    "date": lambda v: pd.Timestamp(v).date(),
    "datetime": lambda v: pd.Timestamp(v).to_pydatetime(),
    "text": str,
}

Totals = dict[str, Decimal | int]


class Source(Protocol):
    """Rows of a dataset in chosen columns."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """What stands in a row, in order."""

    @property
    def totals(self) -> tuple[str, ...]:
        """Those of the columns whose sums are control totals."""

    def csv(self) -> Iterator[Part]:
        """CSV (RFC 4180, UTF-8, with a byte-order mark for Excel): its head, then parts of bounded size."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The same rows, typed: money as decimals, dates as dates; last the units of rows that no column says."""

    def summary(self) -> tuple[int, Totals]:
        """How many rows, and their control totals."""


@dataclass(frozen=True)
class QueryRows:
    """The rows of a query, read in batches and never held as a whole; DuckDB writes the lines of CSV."""

    reader: Reader
    query: str
    values: dict[str, Any]
    columns: tuple[Column, ...]
    totals: tuple[str, ...]

    def csv(self) -> Iterator[Part]:
        """As `Source.csv`."""
        yield head(self.columns)
        wanted = [f"{cells.line_sql(self.columns)} as line", *map(cells.value_sql, self._summed())]
        for batch in self._read(wanted):
            yield Part(_joined(batch.column(0)), len(batch), self._sums(batch))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """As `Source.batches`."""
        yield from self._read([cells.value_sql(column) for column in self.columns])

    def summary(self) -> tuple[int, Totals]:
        """As `Source.summary`."""
        names = [column.name for column in self._summed()]
        wanted = ["count(*)::bigint as rows", *(f"coalesce(sum({name}), 0) as {name}" for name in names)]
        [found] = [row for batch in self._read(wanted) for row in batch.to_pylist()]
        return found.pop("rows"), {name: _exact(value) for name, value in found.items()}

    def _read(self, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        return self.reader.warehouse.batches(self.reader.viewer, self.query, wanted, **self.values)

    def _summed(self) -> list[Column]:
        return [column for column in self.columns if column.name in self.totals]

    def _sums(self, batch: pa.RecordBatch) -> Totals:
        return {
            column.name: _exact(pc.sum(batch.column(place)).as_py() or 0)
            for place, column in enumerate(self._summed(), start=1)
        }


@dataclass(frozen=True)
class FrameRows:
    """The rows of frames that are made in parts, or of one small table."""

    make: Callable[[], Iterator[pd.DataFrame]] = field(repr=False)
    columns: tuple[Column, ...]
    totals: tuple[str, ...] = ()

    def csv(self) -> Iterator[Part]:
        """As `Source.csv`."""
        yield head(self.columns)
        for frame in self.make():
            columns = [csv_cells(frame, column) for column in self.columns]
            yield Part(_lines(zip(*columns, strict=True)).encode(), len(frame), self._sums(frame))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """As `Source.batches`."""
        for frame in self.make():
            columns = self.columns
            if UNIT in frame and UNIT not in {column.name for column in columns}:
                columns = (*columns, Column(UNIT, ""))
            arrays = [_typed(_to_the_cent(frame, column), column) for column in columns]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema(columns))

    def summary(self) -> tuple[int, Totals]:
        """As `Source.summary`."""
        rows, totals = 0, dict.fromkeys(self.totals, Decimal(0))
        for frame in self.make():
            rows += len(frame)
            for name, value in self._sums(frame).items():
                totals[name] += value
        return rows, {**totals}

    def _sums(self, frame: pd.DataFrame) -> Totals:
        found: Totals = {}
        for column in self.columns:
            if column.name in self.totals:
                found[column.name] = sum((Decimal(c) for c in csv_cells(frame, column) if c), Decimal(0))
        return found


def schema(columns: Sequence[Column]) -> pa.Schema:
    """The typed columns of a dataset."""
    return pa.schema([(column.name, _TYPES[column.format]) for column in columns])


def head(columns: Sequence[Column]) -> Part:
    """The first line, with the byte-order mark by which Excel knows UTF-8."""
    return Part((_BOM + _lines([[cells.harmless(column.title) for column in columns]])).encode())


def csv_cells(frame: pd.DataFrame, column: Column) -> list[str]:
    """A column's values as cells of CSV; of figures in units of their rows each as its unit is written."""
    values = frame[column.name]
    if not (column.own and UNIT in frame):
        return _cells(values, column.format)
    forms = [own_format(value, unit) for value, unit in zip(values.fillna(0), frame[UNIT], strict=True)]
    written = {form: _cells(values, form) for form in set(forms)}
    return [written[form][place] for place, form in enumerate(forms)]


def _to_the_cent(frame: pd.DataFrame, column: Column) -> pd.Series:
    """A column's values; of figures in units of their rows money with no more places than it has in CSV."""
    values = frame[column.name]
    if not (column.own and UNIT in frame):
        return values
    return values.where(frame[UNIT] != "dollars", values.astype("float64").round(2))


def _cells(values: pd.Series, form: Format) -> list[str]:
    empty = values.isna()
    if form == "date":
        found = pd.to_datetime(values).dt.strftime("%Y-%m-%d")
    elif form == "datetime":
        found = pd.to_datetime(values).dt.strftime("%Y-%m-%dT%H:%M:%S")
    elif form == "count":
        found = values.map(lambda v: f"{v:.0f}", na_action="ignore")
    elif form == "dollars":
        found = values.map(lambda v: f"{v:.2f}", na_action="ignore")
    elif form in {"decimal", "percent"}:
        found = values.map(lambda v: repr(float(v)), na_action="ignore")
    else:
        found = values.map(lambda v: cells.harmless(str(v)), na_action="ignore")
    return found.astype("object").mask(empty, "").tolist()


def _typed(values: pd.Series, column: Column) -> pa.Array:
    convert = _CONVERT.get(column.format, float)
    given = zip(values, values.isna(), strict=True)
    return pa.array([None if missing else convert(value) for value, missing in given], _TYPES[column.format])


def _lines(rows: object) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)  # type: ignore[arg-type]
    return text.getvalue()


def _joined(lines: pa.StringArray) -> bytes:
    """The texts of an array one after the other, which is how Arrow keeps them."""
    _, places, text = lines.buffers()
    offsets = pa.Array.from_buffers(pa.int32(), len(lines) + 1, [None, places], offset=lines.offset)
    start, end = offsets[0].as_py(), offsets[len(lines)].as_py()
    return text.slice(start, end - start).to_pybytes() if end > start else b""


def _exact(value: Any) -> Decimal | int:
    """A sum as a whole number, or as dollars with cents."""
    # DuckDB's sums of whole numbers are too wide for Arrow's, and come as decimals without places.
    cents = isinstance(value, Decimal) and value.as_tuple().exponent != 0
    return value.quantize(_CENT) if cents else int(value)
