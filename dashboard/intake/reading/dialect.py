"""How the records of a delimited file are written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

UTF_8 = "utf-8"
#: Takes the place of a delimiter of several bytes: the separator of units, which stands in no text.
SEPARATOR = b"\x1f"
#: What ends a line, a carriage return before it or not.
NEWLINE = b"\n"


@dataclass(frozen=True)
class Dialect:
    """Delimiter and quote as one ASCII byte each; without a quote no value is quoted.

    Attributes:
        header: whether the first record names the columns; else they are named by number, from 1.
        encoding: Python's name of the encoding that the file lies in; records are scanned as UTF-8.
        skipped: so many lines before the header hold titles.
        escape: stands before a quote within a value, if quotes are not doubled; without a quote, before a delimiter.
        between: what stands between values where that is several bytes, in the place of the delimiter.
        ids: columns that hold ids, by name in small letters or by number from 1; of no matter for how records part.
        sheet: of a workbook; None for its first.
        line_end: LF, also where a carriage return stands before each; else what ends lines in its place.
    """

    delimiter: bytes = b","
    quote: bytes = b'"'
    header: bool = True
    encoding: str = UTF_8
    skipped: int = 0
    escape: bytes = b""
    between: bytes = b""
    line_end: bytes = NEWLINE
    ids: frozenset[str | int] = frozenset()
    sheet: str | None = None

    def ids_in(self, header: Sequence[str]) -> frozenset[int]:
        """The positions of the columns that hold ids."""
        return frozenset(
            place for place, name in enumerate(header) if name.lower() in self.ids or place + 1 in self.ids
        )

    @cached_property
    def field(self) -> re.Pattern[bytes]:
        """One value: group 1 if it is quoted, else group 2."""
        mark, quote = re.escape(self.delimiter), re.escape(self.quote)
        end = rb"(?=%b|\r?(?:\n|\Z))" % mark
        bare = rb"([^%b\r\n]*+)%b" % (mark, end)
        if not quote:
            return re.compile(rb"(?!)()|" + bare)
        blank = rb"[%b]*" % b" \t".replace(self.delimiter, b"")
        quoted = rb"%b%b([^%b]*+(?:%b%b[^%b]*+)*+)%b%b" % (blank, quote, quote, quote, quote, quote, quote, blank)
        return re.compile(rb"%b%b|(?!%b%b)%b" % (quoted, end, blank, quote, bare))

    @property
    def rewritten(self) -> bool:
        """Whether it is written in a way that is rewritten before records are scanned."""
        return self.line_end != NEWLINE or bool(self.escape or self.between)

    @property
    def undecodable(self) -> str:
        """Why a record is refused that holds other bytes than its encoding has."""
        if self.encoding == UTF_8:
            return "the record is not UTF-8; save the file as UTF-8, or name its encoding in a mapping"
        return f"the record is not {self.encoding}; name the encoding that the file is in"

    def plain(self, text: bytes) -> bytes:
        """A quoted value as it is meant."""
        return text.replace(self.quote * 2, self.quote)

    def line(self, fields: list[bytes]) -> bytes:
        """A record in the plainest form."""
        if self.quote:
            fields = [self.quote + text.replace(self.quote, self.quote * 2) + self.quote for text in fields]
        return self.delimiter.join(fields) + b"\n"


CSV = Dialect()
