"""Reads a file whose lines end, values part or quotes are escaped in an uncommon way as if it were a common one."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

from dashboard.intake.reading.dialect import NEWLINE, Dialect

#: What the escape and a letter stand for where nothing is quoted; a line end or tab has no place in a value there.
_LETTERS = {b"t": b" ", b"n": b" ", b"r": b" ", b"N": b""}


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...

    def close(self) -> None: ...


def rewriting(dialect: Dialect) -> Callable[[bytes], bytes]:
    """What turns bytes of the dialect into lines that end in LF or CR LF, with one delimiter and doubled quotes.

    Bytes may be cut anywhere but within what ends a line, parts values or is escaped.
    """

    def parted(part: bytes) -> bytes:
        if dialect.line_end != NEWLINE:
            part = part.replace(dialect.line_end, NEWLINE)
        return part.replace(dialect.between, dialect.delimiter) if dialect.between else part

    if not dialect.escape:
        return parted
    letters = b"" if dialect.quote else b"".join(_LETTERS)
    marks = b"".join(map(re.escape, (dialect.escape, dialect.quote or dialect.delimiter)))
    pair = re.compile(rb"%b([%b%b])" % (re.escape(dialect.escape), marks, letters))

    def plain(found: re.Match[bytes]) -> bytes:
        mark = found.group(1)
        if mark == dialect.escape:
            return mark
        return mark * 2 if dialect.quote else _LETTERS.get(mark, b" ")

    return lambda part: pair.sub(plain, parted(part))


class Rewriter:
    """The bytes of a file, rewritten; physical lines stay physical lines.

    Args:
        source: gives the bytes as UTF-8.
        dialect: how they are written.
    """

    def __init__(self, source: _Source, dialect: Dialect) -> None:
        self._source = source
        self._rewrite = rewriting(dialect)
        self._marks = b"\r" + dialect.escape + dialect.between
        self._held = b""

    def read(self, size: int = -1) -> bytes:
        """The next bytes, somewhat more or fewer than asked for; empty at the end only."""
        while True:
            part = self._source.read(size)
            given = self._held + part
            # Whatever may go on in the next part waits for it.
            taken = given.rstrip(self._marks) if part else given
            self._held = given[len(taken) :]
            if (made := self._rewrite(taken)) or not part:
                return made

    def __enter__(self) -> Rewriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._source.close()
