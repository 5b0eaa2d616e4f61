"""Counts the records of a delimited file and finds those that no reader can make sense of.

This pass is independent of DuckDB's reader: it knows how many records a file has, on which
physical line each begins, and which are broken in structure. It reads in windows of a bounded
size and works on whole windows with NumPy; only records with stray quotes are taken one by one.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dashboard.intake.reading.dialect import CSV, Dialect
from dashboard.intake.reading.record import (
    COLUMNS,
    LONE_RETURN,
    LONGEST_RECORD,
    TOO_LONG,
    UNSEEN,
    WIDE,
    ZERO_BYTE,
    Fault,
    HopelessError,
    parse,
    wrong_count,
)
from dashboard.intake.reading.windows import (
    CR,
    LF,
    NOWHERE,
    Codes,
    Positions,
    first_stray_quote,
    first_swallowed,
    is_tidy,
    lone_returns,
    marks_before,
    outside,
    places,
    undecodable,
)

#: What is made of a window of so many bytes stays in the processor's cache.
WINDOW = 1_024_000
_WIDER = 2  # times the window, for a record that doesn't end within one
_SMALLER = 16  # times, after a record that was taken by itself
_SMALLEST = 1_000  # bytes, where one such record follows another
_ALONE = 64  # so many records are taken by themselves at most before a window is tried again
_HOPELESS = 1_000_000  # broken records, if no more are sound: a place for each takes memory
_BOM = b"\xef\xbb\xbf"


@dataclass
class Scan:
    """What a pass over one file found.

    Attributes:
        header: names of the columns, as written.
        records: records after the header, blank lines left out.
        faults: the records among them that are broken in structure.
        plain: whether DuckDB can read the file as it is; else it needs the mended copy.
        tidy: whether values are free of quotes, of blanks around them and of characters beyond ASCII.
        first_rows, shifts: the n-th sound record (from 0) begins on physical line
            n + shift, with the shift of the last first_row that is not above n.
        remarks: what the file shows and its records don't hold, in sentences.
    """

    header: tuple[str, ...] = ()
    records: int = 0
    faults: list[Fault] = field(default_factory=list)
    plain: bool = True
    tidy: bool = True
    first_rows: list[Positions] = field(default_factory=list)
    shifts: list[Positions] = field(default_factory=list)
    remarks: tuple[str, ...] = ()

    @property
    def sound(self) -> int:
        """Records that a reader must find."""
        return self.records - len(self.faults)

    def shift_table(self) -> tuple[Positions, Positions]:
        """first_rows and shifts as two arrays of the same length, without repetitions."""
        rows = np.concatenate([np.zeros(0, np.int64), *self.first_rows])
        shifts = np.concatenate([np.zeros(0, np.int64), *self.shifts])
        kept = np.flatnonzero(np.diff(shifts, prepend=-1))
        return rows[kept], shifts[kept]


class Readable(Protocol):
    """Gives the uncompressed bytes."""

    def read(self, size: int, /) -> bytes:
        """The next bytes; empty at the end only."""


class Sink(Protocol):
    """Takes the mended copy."""

    def write(self, data: bytes, /) -> object:
        """Append the bytes."""


def scan(
    source: Readable,
    sink: Sink | None = None,
    seen: Callable[[bytes], object] | None = None,
    dialect: Dialect = CSV,
    window: int = WINDOW,
) -> Scan:
    """Read the file once.

    Args:
        source: the uncompressed bytes, as UTF-8.
        sink: given the sound records without the header, with line feeds as line ends and
            with plain quoting.
        seen: called with every part that is read, for a digest or a progress display.
        dialect: how records are written.
        window: so many bytes are taken at once.
    """
    return _Scanner(source, sink, seen, dialect, window).run()


def header_of(content: bytes, dialect: Dialect = CSV) -> tuple[str, ...]:
    """The names of the columns, from the bytes at the start of a file."""
    return _Scanner(io.BytesIO(content), None, None, dialect, WINDOW).header()


class _Scanner:
    def __init__(
        self,
        source: Readable,
        sink: Sink | None,
        seen: Callable[[bytes], object] | None,
        dialect: Dialect,
        window: int,
    ) -> None:
        self._source = source
        self._sink = sink
        self._seen = seen
        self._dialect = dialect
        self._window = window
        self._buffer = b""
        self._position = 0
        self._at_end = False
        self._line = 1
        self._sound = 0
        self._styles: set[bool] = set()
        self._stray = False
        self._ids: frozenset[int] = frozenset()
        self._found = Scan()

    def header(self) -> tuple[str, ...]:
        self._fill(LONGEST_RECORD)
        if self._buffer.startswith(_BOM):
            self._position = len(_BOM)
            self._found.plain = self._dialect.header
        self._read_header()
        return self._found.header

    def run(self) -> Scan:
        self._ids = self._dialect.ids_in(self.header())
        window, alone = self._window, 1
        while self._fill(window):
            if len(self._found.faults) > max(_HOPELESS, self._found.records // 2):
                first = self._found.faults[0]
                raise HopelessError(
                    f"{len(self._found.faults):,} of its first {self._found.records:,} records are broken, "
                    f"the first in line {first.line:,}: {first.reason}"
                )
            taken = self._take_window(window)
            if taken:
                window, alone = min(window * 4, self._window), 1
                continue
            if not self._stray and window == self._window:
                window = _WIDER * self._window
                continue
            # Where one such record follows another, what is looked at in vain must not be more than what is taken.
            for _ in range(alone):
                if self._fill(LONGEST_RECORD + 2):
                    self._take_record()
            alone = min(2 * alone, _ALONE)
            window = min(max(window // _SMALLER, _SMALLEST), max(self._window // _SMALLER, 1))
        if len(self._styles) > 1:
            self._found.plain = False
        return self._found

    def _fill(self, wanted: int) -> int:
        """Have at least `wanted` bytes at hand, or all that are left; how many there are."""
        while not self._at_end and len(self._buffer) - self._position < wanted:
            part = self._source.read(max(wanted, self._window))
            if self._seen is not None:
                self._seen(part)
            self._at_end = not part
            self._buffer = self._buffer[self._position :] + part
            self._position = 0
        return len(self._buffer) - self._position

    def _read_header(self) -> None:
        """The first record that is not blank; blank lines and titles before it ask for a mended copy.

        Without a header it only says how many columns there are, and is left for what follows.
        """
        for _ in range(self._dialect.skipped):
            self._found.plain = False
            self._skip_line()
        while self._position < len(self._buffer):
            fields, _, end = parse(self._buffer, self._position, self._dialect)
            blank = fields == [b""]
            if not blank and not self._dialect.header:
                self._found.header = tuple(str(number) for number in range(1, len(fields or []) + 1))
                return
            self._styles.add(self._buffer[self._position : end].endswith(b"\r\n"))
            lines = self._buffer.count(b"\n", self._position, end)
            # DuckDB takes no names of columns that go over several lines.
            self._found.plain &= lines <= 1
            self._line += lines
            self._position = end
            if not blank:
                texts = [text.decode("utf-8", errors="replace").strip(UNSEEN) for text in fields or []]
                self._found.header = tuple(texts)
                return
            self._found.plain = False

    def _take_window(self, size: int) -> bool:
        """Take all whole and plainly quoted records at the start of the window, if any."""
        last = self._at_end and size >= len(self._buffer) - self._position
        block = self._buffer[self._position : self._position + size]
        codes = np.frombuffer(block, np.uint8)
        newlines = np.flatnonzero(codes == LF)
        quotes = places(codes, self._dialect.quote) if self._dialect.quote in block else NOWHERE
        ends = newlines[outside(quotes, newlines)] if len(quotes) else newlines
        limit = first_stray_quote(codes, quotes, last, self._dialect.delimiter)
        if len(ends) and limit > ends[0] and len(ends) < len(newlines) and (width := len(self._found.header)) >= WIDE:
            limit = min(limit, first_swallowed(codes, quotes, newlines, self._dialect.delimiter, width))
        self._stray = limit < len(block)
        open_end = last and block[-1:] != b"\n" and limit == len(block) and len(quotes) % 2 == 0
        ends = ends[: np.searchsorted(ends, limit)]
        if open_end:
            ends = np.append(ends, len(block))
        if not len(ends):
            return False
        if self._found.tidy:
            # What follows the last record belongs to the next window: its end is no end of a value.
            lines = int(np.searchsorted(newlines, ends[-1]))
            self._found.tidy = not len(quotes) and is_tidy(codes[: ends[-1]], self._dialect.delimiter, lines)
        self._take_records(block, codes, newlines, quotes, ends)
        self._position += min(int(ends[-1]) + 1, len(block))
        return True

    def _take_records(
        self,
        block: bytes,
        codes: Codes,
        newlines: Positions,
        quotes: Positions,
        ends: Positions,
    ) -> None:
        stop = int(ends[-1])
        starts = np.concatenate([[0], ends[:-1] + 1])
        before = np.maximum(ends - 1, 0)
        with_cr = (codes[before] == CR) & (ends > starts)
        lengths = ends - starts - with_cr
        lines = self._line + (np.searchsorted(newlines, starts) if len(quotes) else np.arange(len(starts)))
        blank = lengths == 0
        reasons = self._find_faults(block[:stop], codes[:stop], quotes, ends, lengths)
        faulty = np.zeros(len(ends), bool)
        faulty[list(reasons)] = True
        faulty &= ~blank
        styles = with_cr[~blank & (ends < len(block))]
        if len(styles):
            self._styles |= {bool(styles.any()), bool(styles.all())}
        # DuckDB leaves out records with a wrong number of columns as this pass does, but for one
        # that ends with the file and not with a line end.
        others = any(not reason.endswith(COLUMNS) for reason in reasons.values())
        if blank.any() or others or ((with_cr | faulty) & (ends == len(block))).any():
            self._found.plain = False
        for record in np.flatnonzero(faulty).tolist():
            self._found.faults.append(Fault(int(lines[record]), reasons[record]))
        self._found.records += int((~blank).sum())
        sound = ~blank & ~faulty
        self._note_lines(lines[sound])
        if self._sink is not None:
            _copy(self._sink, block, starts, starts + lengths, with_cr, sound)
        self._line += int(np.searchsorted(newlines, stop, side="right"))

    def _find_faults(
        self,
        block: bytes,
        codes: Codes,
        quotes: Positions,
        ends: Positions,
        lengths: Positions,
    ) -> dict[int, str]:
        """Why each faulty record is one, by its number within the block."""
        columns = np.diff(marks_before(codes, self._dialect.delimiter, quotes, ends), prepend=0) + 1
        expected = len(self._found.header)
        # DuckDB lets a record pass that has empty values too many at its end, quoted or not.
        excess = np.flatnonzero((columns > expected) & (lengths > 0))
        if len(excess):
            starts = np.concatenate([[0], ends[:-1] + 1])
            lasts = codes[starts[excess] + lengths[excess] - 1]
            if np.isin(lasts, list(self._dialect.delimiter + self._dialect.quote)).any():
                self._found.plain = False
        reasons = {
            number: wrong_count(int(columns[number]), expected)
            for number in np.flatnonzero((columns != expected) & (lengths > 0)).tolist()
        }
        for number in np.flatnonzero(lengths > LONGEST_RECORD).tolist():
            reasons[number] = TOO_LONG
        if b"\0" in block:
            zeros = np.flatnonzero(codes == 0)
            reasons |= dict.fromkeys(np.unique(np.searchsorted(ends, zeros)).tolist(), ZERO_BYTE)
        if b"\r" in block:
            for number in lone_returns(codes, quotes, ends):
                reasons[number] = LONE_RETURN
        if not block.isascii():
            reasons |= dict.fromkeys(undecodable(block, ends), self._dialect.undecodable)
        return reasons

    def _take_record(self) -> None:
        """Take one record that is quoted in an unusual way, or is too long, or is broken."""
        start = self._position
        fields, reason, end = parse(self._buffer, start, self._dialect, len(self._found.header), self._ids)
        record = self._buffer[start:end]
        if fields is not None:
            reason = self._judge(record, fields)
        self._found.plain = self._found.tidy = False
        if record.removesuffix(b"\n").removesuffix(b"\r"):
            self._found.records += 1
            if reason is None:
                self._note_lines(np.array([self._line]))
                if self._sink is not None:
                    self._sink.write(self._dialect.line(fields or []))
            else:
                self._found.faults.append(Fault(self._line, reason))
        self._line += record.count(b"\n")
        self._position = end
        if reason == TOO_LONG and not record.endswith(b"\n"):
            self._skip_line()

    def _skip_line(self) -> None:
        """Drop what is left of a line, which may be longer than the bytes at hand."""
        while self._fill(1):
            newline = self._buffer.find(b"\n", self._position)
            if newline >= 0:
                self._line += 1
                self._position = newline + 1
                return
            self._position = len(self._buffer)

    def _judge(self, record: bytes, fields: list[bytes]) -> str | None:
        expected = len(self._found.header)
        if len(fields) != expected:
            return wrong_count(len(fields), expected)
        if b"\0" in record:
            return ZERO_BYTE
        try:
            record.decode("utf-8")
        except UnicodeDecodeError:
            return self._dialect.undecodable
        return None

    def _note_lines(self, lines: Positions) -> None:
        """Remember where the distance between number and line of a sound record changes."""
        if not len(lines):
            return
        rows = np.arange(self._sound, self._sound + len(lines))
        shifts = lines - rows
        changes = np.flatnonzero(np.diff(shifts, prepend=-1))
        self._found.first_rows.append(rows[changes])
        self._found.shifts.append(shifts[changes])
        self._sound += len(lines)


def _copy(
    sink: Sink,
    block: bytes,
    starts: Positions,
    stops: Positions,
    with_cr: npt.NDArray[np.bool_],
    sound: npt.NDArray[np.bool_],
) -> None:
    """Write the sound records, in runs as long as line ends and faults allow."""
    whole = sound & ~with_cr & (stops < len(block))
    joins = whole[:-1] & sound[1:]
    firsts = np.flatnonzero(sound & ~np.concatenate([[False], joins]))
    lasts = np.flatnonzero(sound & ~np.concatenate([joins, [False]]))
    for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
        sink.write(block[int(starts[first]) : int(stops[last])])
        sink.write(b"\n")
