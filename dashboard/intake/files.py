"""Opens the files of a delivery: compression, encoding, dialect, and DuckDB's way to read them."""

from __future__ import annotations

import difflib
import gzip
import re
import zlib
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import duckdb
import numpy as np

from dashboard.intake.contract import DeliveryError
from dashboard.intake.dialect import CSV, NEWLINE, UTF_8, Dialect
from dashboard.intake.mapping import SourceColumn
from dashboard.intake.rewrite import Rewriter
from dashboard.intake.scan import Readable, Scan, Sink, scan
from dashboard.intake.sql import identifier, literal
from dashboard.intake.transcode import Transcoder

#: Of the names of files that can be mapped; .gz may follow.
ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".psv", ".dat", ".parquet")
_PEEKED = 1_000_000
#: First bytes of files that are often delivered in the place of a table's.
_NO_TEXT = {
    b"PK\x03\x04": "an Excel workbook or a ZIP archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%PDF": "a PDF",
}
_AS_CSV = "save each table as “CSV UTF-8” and deliver that"
#: A number, day or time, as no column is called.
_DATUM = re.compile(r"[+-]?[\d.,:/-]*\d[\d.,:/-]*([T ]\d[\d:.]*)?\s?([AaPp][Mm]|Z)?")
#: What to say of a first line that looks like data.
DATA_HEADER = (
    "its first line looks like data and not like names of columns: if it is, write header = false in the mapping and "
    "name columns by number, from 1"
)
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"


class _Open(Readable, AbstractContextManager["_Open"], Protocol):
    """An open file."""


@dataclass(frozen=True)
class Inspected:
    """What a pass over a file found.

    Attributes:
        types: DuckDB's types of the columns of a Parquet file; empty for text, where all are text.
    """

    path: Path
    dialect: Dialect
    found: Scan
    types: tuple[str, ...] = ()

    @property
    def is_parquet(self) -> bool:
        """Whether it is a Parquet file."""
        return bool(self.types)


def bare_name(name: str) -> str:
    """A file's name without its endings: visits for visits.csv.gz."""
    for endings in ((".gz",), ENDINGS):
        ending = next((one for one in endings if name.lower().endswith(one)), "")
        name = name[: len(name) - len(ending)]
    return name


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet, by its first bytes."""
    return starts(path) == _PARQUET


def is_gzip(path: Path) -> bool:
    """Whether a file is compressed with gzip, by its name or its first bytes."""
    return path.suffix == ".gz" or starts(path)[:2] == _GZIP


def starts(path: Path) -> bytes:
    """The first four bytes as they lie there."""
    try:
        with path.open("rb") as file:
            return file.read(4)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> DeliveryError:
    if isinstance(error, PermissionError):
        return DeliveryError(f"{path} cannot be read ({error.strerror}); give this account the right to read it")
    if isinstance(error, UnicodeError):
        return DeliveryError(
            f"{path} has another encoding than was named ({error}); name the file's encoding in the mapping, for "
            'example encoding = "utf-16-le" or "cp1252"'
        )
    why = error.strerror if isinstance(error, OSError) and error.strerror else error
    return DeliveryError(f"{path} cannot be read ({why}); check the file and deliver it again")


def _open(path: Path, dialect: Dialect) -> _Open:
    """The file's bytes: uncompressed, as UTF-8, with lines and quotes in the common way."""
    file: object = gzip.GzipFile(path, "rb") if is_gzip(path) else path.open("rb")
    if dialect.encoding != UTF_8:
        file = Transcoder(cast(BinaryIO, file), dialect.encoding)
    if dialect.rewritten:
        file = Rewriter(cast(BinaryIO, file), dialect)
    return cast(_Open, file)


def peek(path: Path, encoding: str = UTF_8) -> bytes:
    """The first bytes as UTF-8, down to the end of a line.

    Raises:
        DeliveryError: the file cannot be read, or is a workbook or an archive.
    """
    if kind := _NO_TEXT.get(starts(path)):
        raise DeliveryError(f"{path} is {kind}, which is not read; {_AS_CSV}")
    try:
        with _open(path, Dialect(encoding=encoding)) as file:
            part = file.read(_PEEKED)
    except (OSError, EOFError, zlib.error, UnicodeError) as error:
        raise _unreadable(path, error) from error
    if len(part) < _PEEKED:
        return part
    return part[: (part.rfind(NEWLINE) if NEWLINE in part else part.rfind(b"\r")) + 1]


def inspect(
    path: Path, dialect: Dialect, sink: Sink | None = None, seen: Callable[[bytes], object] | None = None
) -> Inspected:
    """Read a file once: its header, the number of its records, the broken ones.

    Args:
        path: the file.
        dialect: how it is written; of no matter for Parquet.
        sink: given the sound records.
        seen: called with every part that is read.

    Raises:
        DeliveryError: it cannot be read.
    """
    if is_parquet(path):
        return _inspect_parquet(path)
    try:
        with _open(path, dialect) as file:
            found = scan(file, sink, seen, dialect)
    except (OSError, EOFError, zlib.error, UnicodeError) as error:
        raise _unreadable(path, error) from error
    found.plain &= dialect.encoding == UTF_8 and not dialect.rewritten
    return Inspected(path, dialect, found)


def _inspect_parquet(path: Path) -> Inspected:
    """Rows are numbered from 1; there are no broken ones."""
    try:
        with duckdb.connect() as connection:
            described = connection.execute(f"describe select * from {_parquet(path)}").fetchall()  # noqa: S608
            [(rows,)] = connection.execute(f"select count(*) from {_parquet(path)}").fetchall()  # noqa: S608
    except duckdb.Error as error:
        raise _unreadable(path, Exception(str(error).splitlines()[0])) from error
    found = Scan(
        header=tuple(name.strip() for name, *_ in described),
        records=int(rows),
        first_rows=[np.array([0])],
        shifts=[np.array([1])],
    )
    return Inspected(path, CSV, found, tuple(kind for _, kind, *_ in described))


def mend(inspected: Inspected, copy: Path) -> None:
    """Write the sound records to `copy` in the plainest form, below a header of numbers.

    Raises:
        DeliveryError: the file cannot be read or the copy not be written.
    """
    dialect = inspected.dialect
    try:
        # Holds what the delivery holds, so nobody else may read it.
        copy.touch(mode=0o600)
        with copy.open("wb") as sink:
            sink.write(dialect.delimiter.join(str(n).encode() for n in range(len(inspected.found.header))) + b"\n")
            inspect(inspected.path, dialect, sink)
    except OSError as error:
        raise DeliveryError(f"{copy} cannot be written: {error.strerror}") from error


def relation(inspected: Inspected, path: Path) -> str:
    """What stands behind `from` to read the sound records of `path`: the file or its mended copy.

    Columns are named by their positions from 0, so that no name of a file gets into a statement.
    """
    names = [str(number) for number in range(len(inspected.found.header))]
    if inspected.is_parquet:
        return f"{_parquet(path)} as delivered_file({', '.join(map(identifier, names))})"
    dialect = inspected.dialect
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    quote = literal(dialect.quote.decode())
    header = dialect.header or path != inspected.path
    compression = "gzip" if path == inspected.path and is_gzip(path) else "none"
    return (
        f"read_csv({literal(str(path))}, header={'true' if header else 'false'}, auto_detect=false, "
        f"all_varchar=true, columns={{{types}}}, delim={literal(dialect.delimiter.decode())}, quote={quote}, "
        f"escape={quote}, compression='{compression}', max_line_size=2000000, store_rejects=true, "
        "rejects_table='unread', rejects_scan='unread_scans', rejects_limit=10)"
    )


def _parquet(path: Path) -> str:
    return f"read_parquet({literal(str(path))}, binary_as_string=true, hive_partitioning=false)"


def check_header(inspected: Inspected) -> None:
    """Refuse a file whose header cannot be read.

    Raises:
        DeliveryError: there is no header, or it is of another encoding.
    """
    header, path = inspected.found.header, inspected.path
    if not any(header):
        raise DeliveryError(f"{path} has no readable header; its first line must name the columns")
    if any("\ufffd" in name or "\0" in name for name in header):
        raise DeliveryError(
            f"the header of {path} is not {inspected.dialect.encoding}; name the file's encoding in the mapping, "
            'for example encoding = "cp1252" or "utf-16"'
        )


def position(wanted: SourceColumn, header: tuple[str, ...], where: str) -> int:
    """The position, from 0, of a column that the mapping names.

    A name counts as it is written, else without regard to case and spaces.

    Raises:
        DeliveryError: the file has no such column, or several; it says `where`.
    """
    if isinstance(wanted, int):
        if not 1 <= wanted <= len(header):
            raise DeliveryError(f"{where}: there is no column number {wanted}; the file has {len(header)}")
        return wanted - 1
    for same in (str, folded):
        found = [place for place, name in enumerate(header) if same(name) == same(wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            numbers = " or ".join(str(place + 1) for place in found)
            raise DeliveryError(
                f"{where}: the column {wanted!r} stands more than once; give its number instead, {numbers}"
            )
    raise DeliveryError(
        f"{where}: there is no column {wanted!r} in the file. Correct the mapping{header_told(header)}"
        + ("" if is_data(header) else nearest(wanted, header))
    )


def header_told(header: tuple[str, ...]) -> str:
    """What a header has, for the end of a message; of one that looks like data only that it does."""
    if is_data(header):
        return f"; {DATA_HEADER}"
    # Below the first line, which alone is kept on record: without a header these are a patient's values.
    return f"\n  its header has {', '.join(header)}"


def is_data(record: tuple[str, ...]) -> bool:
    """Whether what should name columns looks like their values: a number, day or time stands among it.

    Numbers in turn are names that a program gave.
    """
    in_turn = [str(number) for number in range(len(record) + 1)]
    if record in (tuple(in_turn[:-1]), tuple(in_turn[1:])):
        return False
    return any(_DATUM.fullmatch(cell.strip()) for cell in record)


def nearest(name: str, known: Collection[str]) -> str:
    """The names most like one that is unknown, as the end of a sentence."""
    small = {one.lower(): one for one in known}
    found = [small[one] for one in difflib.get_close_matches(name.lower(), small, n=3, cutoff=0.5)]
    return f" (did you mean {' or '.join(found)}?)" if found else ""


def folded(name: str) -> str:
    """A name without regard to case and spaces."""
    return " ".join(name.casefold().split())
