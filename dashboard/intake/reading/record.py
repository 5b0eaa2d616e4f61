"""One record of a delimited file: why it is broken, and how it is read by itself."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from dashboard.intake.reading.dialect import Dialect

LONGEST_RECORD = 1_000_000
#: What nobody sees around a name: blanks, tabs, byte-order marks, spaces without width and marks of direction.
UNSEEN = "".join(
    map(chr, (*range(9, 14), *range(28, 33), 133, 160, 173, 5760, 6158, *range(8192, 8208), *range(8232, 8240)))
) + "".join(map(chr, (*range(8287, 8304), 12288, 65279)))

COLUMNS = "columns in the header"
TOO_LONG = f"the record is longer than {LONGEST_RECORD:,} bytes"
ZERO_BYTE = "the record holds a NUL byte"
LONE_RETURN = "the record holds a carriage return outside quotes"
_BAD_QUOTES = "a quoted value is not closed, or text follows its closing quote"
_BACKSLASH = f"{_BAD_QUOTES}; if a backslash stands before quotes within values, the mapping's escape says so"

_OPENED_WITHIN = "a quote opens within a value and closes behind a delimiter"
_IN_ID = "a quote stands within an id that is not quoted, where it belongs to no pair"
_SWALLOWED = "a quoted value holds lines that look like records, so that a quote seems to be lost"
#: Records of fewer columns are told from a list within a text by nothing.
WIDE = 5

_END = re.compile(rb"\r?(?:\n|\Z)")


@dataclass(frozen=True, slots=True)
class Fault:
    """A record that is broken in structure: the physical line where it begins, and why.

    Attributes:
        column: what of it is at fault, where that is known.
        value: what a reject may show of it.
    """

    line: int
    reason: str
    column: str | None = None
    value: str | None = None


class HopelessError(Exception):
    """Most of a file's records are broken, and so many that it can't be the table it was taken for."""


@lru_cache(maxsize=1024)
def wrong_count(found: int, expected: int) -> str:
    """Why a record with a wrong number of columns is broken."""
    return f"the record has {found} columns instead of the {expected} {COLUMNS}"


def swallows(record: bytes, dialect: Dialect, width: int) -> bool:
    """Whether a line within a quoted value has as many delimiters as a record of this width, none before a blank.

    Then the value goes from a quote that was never closed to the next one that could close it.
    """
    if width < WIDE or not dialect.quote or record.find(b"\n", 0, -1) < 0:
        return False
    quote, mark = re.escape(dialect.quote), dialect.delimiter
    lines = re.findall(rb"\n([^\n%b]*)" % quote, record.rstrip(b"\r\n"))
    return any(line.count(mark) == width - 1 and mark + b" " not in line for line in lines)


def opens_within(values: list[bytes], quote: bytes) -> bool:
    """Whether a quote between two characters of a bare value is alone there, and another ends a later bare value.

    Then a delimiter before a quoted value was lost, and one of those within it passes for it. A quote at the end of
    a value, or before a blank, may stand for inches.
    """
    opened = False
    for value in values:
        if value.count(quote) % 2:
            if opened and value.rstrip(b" ").endswith(quote):
                return True
            _, _, behind = value.partition(quote)
            opened |= not value.startswith(quote) and behind[:1] not in (b"", b" ")
    return False


def parse(
    buffer: bytes, start: int, dialect: Dialect, width: int = 0, ids: Collection[int] = ()
) -> tuple[list[bytes] | None, str | None, int]:
    """One record from `start`: its values or why it has none, and where the next one begins.

    A broken record ends with its first physical line, so that one lost quote costs one line.

    Args:
        buffer: holds it.
        start: where it begins.
        dialect: how it is written.
        width: so many columns the header has; 0 where it isn't known.
        ids: positions of columns that hold ids.
    """
    swallowed = within = stray = False
    fields: list[bytes] = []
    loose: list[bytes] = []
    position = start
    limit = min(len(buffer), start + LONGEST_RECORD + 2)
    while match := dialect.field.match(buffer, position, limit):
        quoted, bare = match.group(1), match.group(2)
        fields.append(bare if quoted is None else dialect.plain(quoted))
        if quoted is None and dialect.quote and dialect.quote in bare:
            loose.append(bare)
            # A pair may stand around a nickname, where a name is all that there is of an id.
            stray |= len(fields) - 1 in ids and bare.count(dialect.quote) % 2 == 1
        position = match.end()
        if buffer[position : position + 1] == dialect.delimiter:
            position += 1
            continue
        end = _END.match(buffer, position)
        if end is None or position - start > LONGEST_RECORD:
            break
        if swallowed := swallows(buffer[start:position], dialect, width):
            break
        if within := opens_within(loose, dialect.quote):
            break
        return (None, _IN_ID, end.end()) if stray else (fields, None, end.end())
    newline = buffer.find(b"\n", start)
    end_of_line = len(buffer) if newline < 0 else newline + 1
    line = buffer[start:end_of_line]
    if len(line) > LONGEST_RECORD:
        return None, TOO_LONG, end_of_line
    if b"\r" in line.rstrip(b"\r\n"):
        return None, LONE_RETURN, end_of_line
    if swallowed or within:
        return None, _SWALLOWED if swallowed else _OPENED_WITHIN, end_of_line
    return None, _BACKSLASH if b"\\" + dialect.quote in line else _BAD_QUOTES, end_of_line
