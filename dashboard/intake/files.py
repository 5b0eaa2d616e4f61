"""Opens the files of a delivery: compression, encoding, dialect, and DuckDB's way to read them."""

from __future__ import annotations

import difflib
import gzip
import zlib
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import duckdb
import numpy as np

from dashboard.intake.contract import DeliveryError
from dashboard.intake.dialect import CSV, UTF_8, Dialect
from dashboard.intake.mapping import Layout, SourceColumn
from dashboard.intake.scan import Readable, Scan, Sink, scan
from dashboard.intake.sql import identifier, literal
from dashboard.intake.transcode import Transcoder

_DELIMITERS = (b",", b";", b"\t", b"|")
_PEEKED = 1_000_000
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


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


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet, by its first bytes."""
    return _starts(path) == _PARQUET


def is_gzip(path: Path) -> bool:
    """Whether a file is compressed with gzip, by its name or its first bytes."""
    return path.suffix == ".gz" or _starts(path)[:2] == _GZIP


def _starts(path: Path) -> bytes:
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


def _open(path: Path, encoding: str) -> _Open:
    """The file's bytes, uncompressed and as UTF-8."""
    file = cast(BinaryIO, gzip.GzipFile(path, "rb") if is_gzip(path) else path.open("rb"))
    return cast(_Open, file if encoding == UTF_8 else Transcoder(file, encoding))


def peek(path: Path, encoding: str = UTF_8) -> bytes:
    """The first bytes as UTF-8, down to the end of a line."""
    try:
        with _open(path, encoding) as file:
            part = file.read(_PEEKED)
    except (OSError, EOFError, zlib.error, UnicodeError) as error:
        raise _unreadable(path, error) from error
    return part if len(part) < _PEEKED else part[: part.rfind(b"\n") + 1]


class _Peeked:
    """Bytes at hand as a file."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def read(self, _size: int, /) -> bytes:
        content, self._content = self._content, b""
        return content


def header_of(content: bytes, dialect: Dialect) -> tuple[str, ...]:
    """The names of the columns at the start of a file."""
    return scan(_Peeked(content), dialect=dialect).header


def dialect_of(path: Path, layout: Layout, wanted: Collection[SourceColumn]) -> Dialect:
    """The dialect of a file: what the layout says, the rest found out.

    Without a delimiter it is the one under which most of the wanted columns stand in the header.
    """
    encoding = layout.encoding
    if encoding is None:
        encoding = "utf-16" if not is_gzip(path) and _starts(path)[:2] in _UTF_16 else UTF_8
    quote = layout.quote.encode()
    if layout.delimiter is not None:
        return Dialect(layout.delimiter.encode(), quote, layout.header, encoding)
    content = peek(path, encoding)
    names = {str(name).strip().lower() for name in wanted}

    def fit(mark: bytes) -> tuple[int, int]:
        header = header_of(content, Dialect(mark, quote, layout.header))
        return len(names & {name.lower() for name in header}), len(header)

    best = max((mark for mark in _DELIMITERS if mark != quote), key=fit)
    return Dialect(best, quote, layout.header, encoding)


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
        with _open(path, dialect.encoding) as file:
            found = scan(file, sink, seen, dialect)
    except (OSError, EOFError, zlib.error, UnicodeError) as error:
        raise _unreadable(path, error) from error
    found.plain &= dialect.encoding == UTF_8
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
    for same in (str, _folded):
        found = [place for place, name in enumerate(header) if same(name) == same(wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            numbers = " or ".join(str(place + 1) for place in found)
            raise DeliveryError(
                f"{where}: the column {wanted!r} stands more than once; give its number instead, {numbers}"
            )
    near = nearest(wanted, header) or f"; it has {', '.join(header)}"
    raise DeliveryError(f"{where}: there is no column {wanted!r} in the file{near}. Correct the mapping")


def nearest(name: str, known: Collection[str]) -> str:
    """The names most like one that is unknown, as the end of a sentence."""
    small = {one.lower(): one for one in known}
    found = [small[one] for one in difflib.get_close_matches(name.lower(), small, n=3, cutoff=0.5)]
    return f" (did you mean {' or '.join(found)}?)" if found else ""


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
