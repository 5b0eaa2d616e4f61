"""Finds out how a delimited file is written, from its first bytes."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from dashboard.intake.contract import DeliveryError
from dashboard.intake.mapping import Layout, SourceColumn
from dashboard.intake.reading.dialect import NEWLINE, SEPARATOR, UTF_8, Dialect
from dashboard.intake.reading.files import Inspected, is_gzip, is_workbook, peek, starts
from dashboard.intake.reading.header import folded, is_data, is_strange
from dashboard.intake.reading.record import LONGEST_RECORD
from dashboard.intake.reading.rewrite import rewriting
from dashboard.intake.reading.scan import header_of, scan

#: Of those under which equally many columns stand in a header the first is taken.
_DELIMITERS = (b",", b";", b"\t", b"|", b"$", b"^", b"~", b"\x1f", b"\x01")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
#: Without a byte-order mark the zeros beside most characters tell it, which no other encoding has: so many at least.
_ZEROS = 0.5
#: The first line by which some systems tell spreadsheets their delimiter.
_SAID = re.compile(rb'\A(?:\xef\xbb\xbf)?"?sep=([^\w\s"]|\t)"?\r*(?:\n|\r|\Z)', re.IGNORECASE)
#: What stands between the first two names, where these are quoted.
_BETWEEN = re.compile(rb'(?:\xef\xbb\xbf)?"[^"]*"([^"\w][^"]{0,7})"')
#: A header is looked for among so many lines.
_TITLES = 50
#: A header may lack so much of the values of the rows below it.
_MOST = 0.8


def dialect_of(path: Path, layout: Layout, wanted: Collection[SourceColumn], sheet: str | None = None) -> Dialect:
    """The dialect of a file, or of a workbook's sheet: what the layout says, the rest found out.

    Without a delimiter it is the one that the file itself names in its first line, or else the one under which most
    of the wanted columns stand in the header.
    """
    if is_workbook(path):
        # Its rows come as CSV, however the mapping says that other files are written.
        return Dialect(header=layout.header, skipped=layout.skip, sheet=sheet)
    encoding = layout.encoding
    if encoding is None:
        encoding = UTF_8 if is_gzip(path) else _unicode(starts(path))
    content = peek(path, Dialect(encoding=encoding))
    said = _SAID.match(content)
    dialect = Dialect(
        quote=layout.quote.encode(),
        header=layout.header,
        encoding=encoding,
        skipped=layout.skip or int(bool(said)),
        escape=layout.escape.encode(),
        line_end=line_end(content),
    )
    if layout.delimiter is not None:
        mark = layout.delimiter.encode()
        if len(mark) > 1:
            return replace(dialect, delimiter=SEPARATOR, between=mark)
        return replace(dialect, delimiter=mark)
    if said:
        return replace(dialect, delimiter=said.group(1))

    start = rewriting(dialect)(content)

    def fit(mark: bytes) -> tuple[int, int]:
        header = header_of(start, replace(dialect, delimiter=mark))
        return held(header, wanted), len(header)

    return replace(dialect, delimiter=max((mark for mark in _DELIMITERS if mark != dialect.quote), key=fit))


def _unicode(first: bytes) -> str:
    """The encoding of Unicode that the first bytes of a file tell."""
    if first.startswith(_UTF_16):
        return "utf-16"
    even, odd = first[::2], first[1::2]
    for encoding, zeros, others in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros.count(0) > _ZEROS * len(zeros) and 0 not in others:
            return encoding
    return UTF_8


def own_dialect(path: Path, sheet: str | None) -> Dialect:
    """That of a file with the contract's own columns, which is UTF-8 and separated by commas."""
    return dialect_of(path, Layout(UTF_8, ","), (), sheet)


def line_end(content: bytes) -> bytes:
    """What ends the lines: LF unless all end in a carriage return, or the first in two and LF."""
    first, end, _ = content.partition(NEWLINE)
    if not end:
        return b"\r" if b"\r" in content else NEWLINE
    # The last line is often added by something else, and ends as usual.
    return b"\r\r\n" if first.endswith(b"\r\r") else NEWLINE


def held(header: tuple[str, ...], wanted: Collection[SourceColumn]) -> int:
    """How many of the wanted columns stand in a header."""
    return len({folded(str(name)) for name in wanted} & set(map(folded, header)))


def check_header_line(inspected: Inspected, wanted: Collection[SourceColumn], advice: str) -> None:
    """Refuse a file that has its columns in another line than the one that was taken for the header.

    Args:
        inspected: the file.
        wanted: columns that it should have.
        advice: what to do, with {skip} for the number of lines before the header.

    Raises:
        DeliveryError: another of the first lines holds more of the columns.
    """
    dialect, named = inspected.dialect, [name for name in wanted if isinstance(name, str)]
    here = held(inspected.found.header, named)
    if inspected.is_parquet or not dialect.header or here == len(set(map(folded, named))):
        return
    content = rewriting(dialect)(peek(inspected.path, dialect))
    lines = range(min(_TITLES, content.count(NEWLINE)) + 1)
    # The delimiter may have been found out from a title.
    marks = [mark for mark in dict.fromkeys((dialect.delimiter, *_DELIMITERS)) if mark != dialect.quote]

    def holds(line: int) -> int:
        headers = (header_of(content, replace(dialect, delimiter=mark, skipped=line)) for mark in marks)
        return max(held(header, named) for header in headers)

    best = max(lines, key=lambda line: (holds(line), -line))
    skip = _past_blank(content, best)
    if holds(best) > here and skip != dialect.skipped:
        raise DeliveryError(
            f"{inspected.path} has its columns in line {skip + 1}, not in line {dialect.skipped + 1}; "
            + advice.replace("{skip}", str(skip))
        )


def check_header(inspected: Inspected, wanted: Collection[str]) -> None:
    """Refuse a file whose header cannot be read, and say why it can't.

    Args:
        inspected: the file.
        wanted: columns that it must name, where it has the contract's own.

    Raises:
        DeliveryError: there is no header, or it is of another encoding, or holds the rows as well.
    """
    found, path, dialect = inspected.found, inspected.path, inspected.dialect
    own = f", at least {', '.join(wanted)}" if wanted else ""
    if not any(found.header):
        raise DeliveryError(
            f"{path} has no readable header{_why(inspected, wanted)}; its first line must name the columns{own}"
        )
    if any("\ufffd" in name or "\0" in name for name in found.header) and not wanted:
        raise DeliveryError(
            f"the header of {path} is not {dialect.encoding}; name the file's encoding in the mapping, "
            'for example encoding = "cp1252" or "utf-16"'
        )
    if not found.records and is_strange(found.header) and not inspected.is_parquet:
        raise DeliveryError(
            f"{path} has one line only, which holds characters that end lines elsewhere; save it with usual line "
            "ends (line feed, or carriage return and line feed) and deliver it again"
        )


def _why(inspected: Inspected, wanted: Collection[str]) -> str:
    """Why there is no header, behind a colon, where that can be told."""
    dialect = inspected.dialect
    if inspected.is_parquet:
        return ""
    content = rewriting(dialect)(peek(inspected.path, dialect))
    if not content.strip():
        short = not is_gzip(inspected.path) and inspected.path.stat().st_size <= LONGEST_RECORD
        return ": it is empty" if short else f": its first line is longer than {LONGEST_RECORD:,} bytes"
    others = (mark for mark in _DELIMITERS if mark not in (dialect.quote, dialect.delimiter))
    marks = (one for one in others if wanted and _names_all(content, replace(dialect, delimiter=one), wanted))
    if mark := next(marks, None):
        return f": it separates its columns with {mark.decode()!r}; save it with commas"
    line = content.lstrip().split(NEWLINE, 1)[0].rstrip()
    if b"\0" in line:
        return ': it holds zero bytes, as UTF-16 does; save it as UTF-8, or write encoding = "utf-16-le" in a mapping'
    if b"\r" in line:
        return (
            ": some of its lines end in a carriage return alone and others don't; save it with one kind of line ends"
        )
    if len(line) > LONGEST_RECORD:
        return f": its first line is longer than {LONGEST_RECORD:,} bytes"
    if is_strange([line.decode(UTF_8, "replace")]):
        return ": it holds characters that end lines elsewhere; save it with usual line ends"
    if (between := _BETWEEN.match(line)) and between.group(1) != dialect.delimiter:
        named = between.group(1).decode(UTF_8, "replace")
        advice = "save it with commas" if wanted else "write that as delimiter in the mapping"
        return f": it separates its columns with {named!r}; {advice}"
    if dialect.quote and dialect.quote in line:
        return ": a quoted name in its first line is not closed, or text follows its closing quote"
    return ""


def _names_all(content: bytes, dialect: Dialect, wanted: Collection[str]) -> bool:
    return held(header_of(content, dialect), wanted) == len(set(map(folded, wanted)))


def guessed(path: Path, sheet: str | None = None) -> Dialect:
    """The dialect of a file, or of a workbook's sheet, of which nothing is known, without titles before its header.

    The header is the first line that has about as many columns as most of the next ones, with names.
    """
    layout = Layout()
    found = dialect_of(path, layout, (), sheet)
    if found.encoding == UTF_8 and "\ufffd" in peek(path, found).decode(UTF_8, "replace"):
        # Windows' western encoding is what is most likely then.
        layout = Layout(encoding="cp1252")
        found = dialect_of(path, layout, ())
    content, book = peek(path, found), is_workbook(path)
    escaped = replace(found, escape=b"\\")
    if not book and b'\\"' in content and _broken(content, escaped) < _broken(content, found):
        found = escaped
    start = rewriting(found)(content)
    lines = range(found.skipped, max(found.skipped, min(_TITLES, start.count(NEWLINE))) + 1)

    headers: dict[bytes, tuple[int, int]] = {}
    for mark in (found.delimiter,) if found.skipped or book else _DELIMITERS:
        records = {line: header_of(start, replace(found, delimiter=mark, skipped=line)) for line in lines}
        often = Counter(map(len, records.values()))
        usual = max(often, key=lambda width: (often[width], width))
        first = next((line for line, record in records.items() if _is_header(record, usual)), lines.start)
        headers[mark] = (len(records[first]), first)
    best = max(headers, key=lambda mark: (headers[mark][0], -headers[mark][1]))
    found = replace(found, delimiter=best, skipped=_past_blank(start, headers[best][1]))
    return replace(found, header=not is_data(header_of(start, found)))


def _is_header(record: tuple[str, ...], usual: int) -> bool:
    """Whether a record is about as wide as most are, and hardly a column of it without a name."""
    named = sum(map(bool, record))
    # One without a name holds the numbers of the rows.
    return len(record) >= _MOST * usual and (named >= len(record) - 1 or named >= _MOST * len(record))


def _past_blank(content: bytes, skipped: int) -> int:
    """As many lines, if any, and the blank ones that follow."""
    lines = content.split(NEWLINE, _TITLES)[skipped:] if skipped else []
    return skipped + next((number for number, line in enumerate(lines) if line.strip()), 0)


def _broken(content: bytes, dialect: Dialect) -> int:
    return len(scan(io.BytesIO(rewriting(dialect)(content)), dialect=dialect).faults)
