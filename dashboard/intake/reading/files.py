"""Opens the files of a delivery: compression, encoding, dialect, and DuckDB's way to read them."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import duckdb
import numpy as np

from dashboard.intake.contract import DeliveryError
from dashboard.intake.reading.dialect import CSV, NEWLINE, UTF_8, Dialect
from dashboard.intake.reading.kinds import GZIP, PARQUET, TELLING, foreign
from dashboard.intake.reading.record import HopelessError
from dashboard.intake.reading.rewrite import Rewriter
from dashboard.intake.reading.scan import Readable, Scan, Sink, scan
from dashboard.intake.reading.transcode import Transcoder
from dashboard.intake.reading.unpacking import refuse_vast, unpacked
from dashboard.intake.reading.workbook import ENDINGS as BOOKS
from dashboard.intake.reading.workbook import SheetText, chosen
from dashboard.intake.reading.workbook import is_workbook as is_book
from dashboard.intake.sql import identifier, literal, path_literal, told

#: Of the names of files that can be mapped; .gz may follow.
ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".psv", ".dat", ".parquet", *BOOKS)
#: What `import --rejects` adds to a file's name, so that it is another part of the same table.
REJECTS = "-rejects"
_MENDED = re.compile(rf"({REJECTS}(-\d+)?)+$")
_PEEKED = 1_000_000
#: What DuckDB says where it can't store what it has read.
_STORING = re.compile(r"space|writ|temporary|sync|truncate")


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
    """A file's name without its endings: visits for visits.csv.gz, and for visits-rejects.csv, rows of it."""
    for endings in ((".gz",), ENDINGS):
        ending = next((one for one in endings if name.lower().endswith(one)), "")
        name = name[: len(name) - len(ending)]
    return _MENDED.sub("", name)


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet, by its first bytes."""
    return starts(path).startswith(PARQUET)


def is_gzip(path: Path) -> bool:
    """Whether a file is compressed with gzip, by its name or its first bytes."""
    return path.suffix == ".gz" or starts(path).startswith(GZIP)


def is_workbook(path: Path) -> bool:
    """Whether a file is a workbook, of which one sheet is read."""
    return is_book(path, starts(path))


def sheets_of(path: Path, wanted: Sequence[str | int] = ()) -> Sequence[str | None]:
    """The sheets of a workbook that are wanted, by name; of any other file None.

    Raises:
        DeliveryError: the workbook has no such sheet, or the file is no workbook and one is wanted.
    """
    if is_workbook(path):
        return chosen(path, wanted)
    if wanted:
        raise DeliveryError(f"{path} is no workbook, so that it has no sheet; take sheet out of the mapping")
    return (None,)


def with_sheets(paths: Sequence[Path], wanted: Sequence[str | int]) -> list[tuple[Path, str | None]]:
    """Each file, of workbooks each sheet that is wanted, in their order."""
    return [(path, sheet) for path in paths for sheet in sheets_of(path, wanted)]


def is_direct(path: Path, dialect: Dialect) -> bool:
    """Whether the bytes that are scanned are those of the file as it lies there."""
    return not (is_gzip(path) or is_workbook(path) or dialect.encoding != UTF_8 or dialect.rewritten)


def starts(path: Path) -> bytes:
    """The first bytes as they lie there."""
    try:
        with path.open("rb") as file:
            return file.read(TELLING)
    except OSError as error:
        raise _unreadable(path, error) from error


def shown_name(path: Path) -> str:
    """A file's name in characters that any terminal and file can hold."""
    return os.fsencode(path.name).decode("utf-8", "backslashreplace")


def usable(path: Path) -> Path:
    """A path under which all readers find the file.

    Raises:
        DeliveryError: it is none of a file that can be read, or its name is no text.
    """
    if not path.is_file():
        what = "a folder" if path.is_dir() else "neither a file nor a link to one that is there"
        raise DeliveryError(
            f"{path.parent / shown_name(path)} is {what}, so that rows would be missing; put the file there, or "
            "take it away, and import again"
        )
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise DeliveryError(
            f"the name of {shown_name(path)} in {shown_name(path.parent)} is not UTF-8; rename it, or set "
            "PYTHONUTF8=1 if it is the locale that is not, and import again"
        ) from error
    return path


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


def unreadable(path: Path, error: duckdb.Error) -> duckdb.Error | DeliveryError:
    """What DuckDB failed with on a file as a message about it; the error itself where the machine is at fault."""
    machine = isinstance(error, duckdb.OutOfMemoryException | duckdb.FatalException | duckdb.TransactionException)
    if machine or (isinstance(error, duckdb.IOException) and _STORING.search(str(error))):
        return error
    return DeliveryError(
        f"{path} cannot be read: {told(error, path)}. It is damaged, or of a kind that is not known: write it anew, "
        "or as plain CSV UTF-8, and deliver it again"
    )


def _open(path: Path, dialect: Dialect) -> _Open:
    """The file's bytes: uncompressed, as UTF-8, with lines and quotes in the common way; or its sheet's."""
    if is_workbook(path):
        return cast(_Open, SheetText(path, dialect.sheet))
    file: object = unpacked(path) if is_gzip(path) else path.open("rb")
    if dialect.encoding != UTF_8:
        file = Transcoder(cast(BinaryIO, file), dialect.encoding)
    if dialect.rewritten:
        file = Rewriter(cast(BinaryIO, file), dialect)
    return cast(_Open, file)


def peek(path: Path, dialect: Dialect = CSV) -> bytes:
    """The first bytes as UTF-8, down to the end of a line, in the file's own lines and quotes.

    Raises:
        DeliveryError: the file cannot be read, or is an archive or the like.
    """
    packed, part = is_gzip(path), b""
    try:
        if not packed and not is_workbook(path) and (kind := foreign(starts(path))):
            raise DeliveryError(f"{path} is {kind}")
        with _open(path, Dialect(encoding=dialect.encoding, sheet=dialect.sheet)) as file:
            part = file.read(_PEEKED)
    except (OSError, EOFError, zlib.error, UnicodeError) as error:
        raise _unreadable(path, error) from error
    if kind := foreign(part, packed=packed):
        raise DeliveryError(f"{path} is {kind}")
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
            if isinstance(file, SheetText):
                found.remarks = file.remarks(dialect.skipped + 1)
    except HopelessError as error:
        raise DeliveryError(
            f"{path} is not the table that it is taken for: {error}. Correct the file, or how a mapping says that it "
            "is written (delimiter, quote, escape, encoding), and import again"
        ) from error
    except (OSError, EOFError, zlib.error, UnicodeError) as error:
        raise _unreadable(path, error) from error
    found.plain &= dialect.encoding == UTF_8 and not dialect.rewritten and not is_workbook(path)
    return Inspected(path, dialect, found)


def _inspect_parquet(path: Path) -> Inspected:
    """Rows are numbered from 1; there are no broken ones."""
    try:
        with duckdb.connect() as connection:
            described = connection.execute(f"describe select * from {_parquet(path)}").fetchall()  # noqa: S608
            [(rows,)] = connection.execute(f"select count(*) from {_parquet(path)}").fetchall()  # noqa: S608
            within = f"select coalesce(sum(total_uncompressed_size), 0) from parquet_metadata({path_literal(path)})"  # noqa: S608
            [(size,)] = connection.execute(within).fetchall()
    except duckdb.Error as error:
        raise _unreadable(path, Exception(told(error, path))) from error
    refuse_vast(path, int(size), int(rows))
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


def relation(inspected: Inspected, path: Path, more: int = 0, beside: Sequence[Path] = ()) -> str:
    """What stands behind `from` to read the sound records of `path`: the file or its mended copy.

    Columns are named by their positions from 0, so that no name of a file gets into a statement; `path` has so many
    `more` of them than the file. Files `beside` it are read behind it, as if they were one; `file_index` counts them.
    """
    names = [str(number) for number in range(len(inspected.found.header) + more)]
    if inspected.is_parquet:
        return f"{_parquet(path)} as delivered_file({', '.join(map(identifier, names))})"
    dialect = inspected.dialect
    types = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    quote = literal(dialect.quote.decode())
    header = dialect.header or path != inspected.path
    compression = "gzip" if path == inspected.path and is_gzip(path) else "none"
    paths = ", ".join(map(path_literal, (path, *beside)))
    return (
        f"read_csv([{paths}], header={'true' if header else 'false'}, auto_detect=false, "
        f"all_varchar=true, columns={{{types}}}, delim={literal(dialect.delimiter.decode())}, quote={quote}, "
        f"escape={quote}, compression='{compression}', hive_partitioning=false, max_line_size=2000000, "
        "store_rejects=true, rejects_table='unread', rejects_scan='unread_scans', rejects_limit=10)"
    )


def _parquet(path: Path) -> str:
    return f"read_parquet({path_literal(path)}, binary_as_string=true, hive_partitioning=false)"
