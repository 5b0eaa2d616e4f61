"""Counts the records of a delimited file and finds those that no reader can make sense of.

This pass is independent of DuckDB's reader: it knows how many records a file has, on which
physical line each begins, and which are broken in structure. It reads in windows of a bounded
size and works on whole windows with NumPy; only records with stray quotes are taken one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from dashboard.intake.dialect import CSV, Dialect

LONGEST_RECORD = 1_000_000
# What is made of a window stays in the processor's cache.
_WINDOW = 1_024_000
_SMALL_WINDOW = 64_000
_WIDER = 2  # times the window, for a record that doesn't end within one
_LF, _CR, _BLANK, _ASCII = 10, 13, 32, 127
_WORD = 64
_BOM = b"\xef\xbb\xbf"
_END = re.compile(rb"\r?\n|\Z")

Positions = npt.NDArray[np.int64]
_NOWHERE: Positions = np.zeros(0, np.int64)


@dataclass(frozen=True)
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
    """

    header: tuple[str, ...] = ()
    records: int = 0
    faults: list[Fault] = field(default_factory=list)
    plain: bool = True
    tidy: bool = True
    first_rows: list[Positions] = field(default_factory=list)
    shifts: list[Positions] = field(default_factory=list)

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
) -> Scan:
    """Read the file once.

    Args:
        source: the uncompressed bytes, as UTF-8.
        sink: given the sound records without the header, with line feeds as line ends and
            with plain quoting.
        seen: called with every part that is read, for a digest or a progress display.
        dialect: how records are written.
    """
    return _Scanner(source, sink, seen, dialect).run()


class _Scanner:
    def __init__(
        self, source: Readable, sink: Sink | None, seen: Callable[[bytes], object] | None, dialect: Dialect
    ) -> None:
        self._source = source
        self._sink = sink
        self._seen = seen
        self._dialect = dialect
        self._buffer = b""
        self._position = 0
        self._at_end = False
        self._line = 1
        self._sound = 0
        self._styles: set[bool] = set()
        self._stray = False
        self._found = Scan()

    def run(self) -> Scan:
        self._fill(LONGEST_RECORD)
        if self._buffer.startswith(_BOM):
            self._position = len(_BOM)
            self._found.plain = self._dialect.header
        self._read_header()
        window = _WINDOW
        while self._fill(window):
            taken = self._take_window(window)
            if taken:
                window = min(window * 4, _WINDOW)
                continue
            if not self._stray and window == _WINDOW:
                window = _WIDER * _WINDOW
                continue
            self._fill(LONGEST_RECORD + 2)
            self._take_record()
            window = _SMALL_WINDOW
        if len(self._styles) > 1:
            self._found.plain = False
        return self._found

    def _fill(self, wanted: int) -> int:
        """Have at least `wanted` bytes at hand, or all that are left; how many there are."""
        while not self._at_end and len(self._buffer) - self._position < wanted:
            part = self._source.read(max(wanted, _WINDOW))
            if self._seen is not None:
                self._seen(part)
            self._at_end = not part
            self._buffer = self._buffer[self._position :] + part
            self._position = 0
        return len(self._buffer) - self._position

    def _read_header(self) -> None:
        """The first record that is not blank; blank lines before it ask for a mended copy.

        Without a header it only says how many columns there are, and is left for what follows.
        """
        while self._position < len(self._buffer):
            fields, _, end = _parse(self._buffer, self._position, self._dialect)
            blank = fields == [b""]
            if not blank and not self._dialect.header:
                self._found.header = tuple(str(number) for number in range(1, len(fields or []) + 1))
                return
            self._styles.add(self._buffer[self._position : end].endswith(b"\r\n"))
            self._line += self._buffer.count(b"\n", self._position, end)
            self._position = end
            if not blank:
                texts = [text.decode("utf-8", errors="replace").strip() for text in fields or []]
                self._found.header = tuple(texts)
                return
            self._found.plain = False

    def _take_window(self, size: int) -> bool:
        """Take all whole and plainly quoted records at the start of the window, if any."""
        last = self._at_end and size >= len(self._buffer) - self._position
        block = self._buffer[self._position : self._position + size]
        codes = np.frombuffer(block, np.uint8)
        newlines = np.flatnonzero(codes == _LF)
        quotes = _positions(codes, self._dialect.quote) if self._dialect.quote in block else _NOWHERE
        ends = newlines[_outside(quotes, newlines)] if len(quotes) else newlines
        limit = _first_stray_quote(codes, quotes, last, self._dialect.delimiter)
        self._stray = limit < len(block)
        open_end = last and block[-1:] != b"\n" and limit == len(block) and len(quotes) % 2 == 0
        ends = ends[: np.searchsorted(ends, limit)]
        if open_end:
            ends = np.append(ends, len(block))
        if not len(ends):
            return False
        if self._found.tidy:
            # What follows the last record belongs to the next window: its end is no end of a value.
            self._found.tidy = not len(quotes) and _is_tidy(codes[: ends[-1]], self._dialect.delimiter)
        self._take_records(block, codes, newlines, quotes, ends)
        self._position += min(int(ends[-1]) + 1, len(block))
        return True

    def _take_records(
        self,
        block: bytes,
        codes: npt.NDArray[np.uint8],
        newlines: Positions,
        quotes: Positions,
        ends: Positions,
    ) -> None:
        stop = int(ends[-1])
        starts = np.concatenate([[0], ends[:-1] + 1])
        before = np.maximum(ends - 1, 0)
        with_cr = (codes[before] == _CR) & (ends > starts)
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
        others = any(not reason.endswith(_COLUMNS) for reason in reasons.values())
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
        codes: npt.NDArray[np.uint8],
        quotes: Positions,
        ends: Positions,
        lengths: Positions,
    ) -> dict[int, str]:
        """Why each faulty record is one, by its number within the block."""
        columns = np.diff(_marks_before(codes, self._dialect.delimiter, quotes, ends), prepend=0) + 1
        expected = len(self._found.header)
        # DuckDB lets a record pass that has empty values too many at its end, quoted or not.
        excess = np.flatnonzero(columns > expected)
        if len(excess):
            starts = np.concatenate([[0], ends[:-1] + 1])
            lasts = codes[starts[excess] + lengths[excess] - 1]
            if np.isin(lasts, list(self._dialect.delimiter + self._dialect.quote)).any():
                self._found.plain = False
        reasons = {
            number: _wrong_count(int(columns[number]), expected)
            for number in np.flatnonzero((columns != expected) & (lengths > 0)).tolist()
        }
        for number in np.flatnonzero(lengths > LONGEST_RECORD).tolist():
            reasons[number] = _TOO_LONG
        if b"\0" in block:
            zeros = np.flatnonzero(codes == 0)
            reasons |= dict.fromkeys(np.unique(np.searchsorted(ends, zeros)).tolist(), _ZERO_BYTE)
        if b"\r" in block:
            for number in _lone_returns(codes, quotes, ends):
                reasons[number] = _LONE_RETURN
        if not block.isascii():
            reasons |= dict.fromkeys(_undecodable(block, ends), self._dialect.undecodable)
        return reasons

    def _take_record(self) -> None:
        """Take one record that is quoted in an unusual way, or is too long, or is broken."""
        start = self._position
        fields, reason, end = _parse(self._buffer, start, self._dialect)
        record = self._buffer[start:end]
        if fields is not None:
            reason = self._judge(record, fields)
        self._found.plain = self._found.tidy = False
        if fields != [b""]:
            self._found.records += 1
            if reason is None:
                self._note_lines(np.array([self._line]))
                if self._sink is not None:
                    self._sink.write(self._dialect.line(fields or []))
            else:
                self._found.faults.append(Fault(self._line, reason))
        self._line += record.count(b"\n")
        self._position = end
        if reason == _TOO_LONG and not record.endswith(b"\n"):
            self._skip_line()

    def _skip_line(self) -> None:
        """Drop what is left of a line that is longer than the bytes at hand."""
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
            return _wrong_count(len(fields), expected)
        if b"\0" in record:
            return _ZERO_BYTE
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


_TOO_LONG = f"the record is longer than {LONGEST_RECORD:,} bytes"
_ZERO_BYTE = "the record holds a NUL byte"
_LONE_RETURN = "the record holds a carriage return outside quotes"
_BAD_QUOTES = "a quoted value is not closed, or text follows its closing quote"


_COLUMNS = "columns in the header"


def _positions(codes: npt.NDArray[np.uint8], mark: bytes) -> Positions:
    return np.flatnonzero(codes == mark[0]) if mark else _NOWHERE


def _marks_before(codes: npt.NDArray[np.uint8], mark: bytes, quotes: Positions, ends: Positions) -> Positions:
    """How many delimiters outside quoted values stand before each end."""
    if len(quotes):
        marks = _positions(codes, mark)
        return np.searchsorted(marks[_outside(quotes, marks)], ends)
    # A bit for each byte, counted by words of 64: far less to pass over than a position for each delimiter.
    bits = np.zeros(len(codes) // _WORD * 8 + 8, np.uint8)
    packed = np.packbits(codes == mark[0], bitorder="little")
    bits[: len(packed)] = packed
    words = bits.view("<u8")
    before = np.cumsum(np.bitwise_count(words), dtype=np.int64)
    word, bit = ends // _WORD, (ends % _WORD).astype(np.uint64)
    later = np.bitwise_count(words[word] >> bit)
    found: Positions = before[word] - later
    return found


def _is_tidy(codes: npt.NDArray[np.uint8], delimiter: bytes) -> bool:
    """Whether no value of records without quotes has blanks around it, or characters beyond ASCII."""
    if not len(codes):
        return True
    if codes.max() > _ASCII:
        return False
    blank = codes == _BLANK
    edge = (codes <= _BLANK) | (codes == delimiter[0])
    at_edge = blank[0] or blank[-1] or (blank[1:] & edge[:-1]).any() or (blank[:-1] & edge[1:]).any()
    return not at_edge


def _wrong_count(found: int, expected: int) -> str:
    return f"the record has {found} columns instead of the {expected} {_COLUMNS}"


def _outside(quotes: Positions, positions: Positions) -> npt.NDArray[np.bool_]:
    """Whether each position stands outside quoted values."""
    if not len(quotes):
        return np.ones(len(positions), bool)
    outside: npt.NDArray[np.bool_] = np.searchsorted(quotes, positions) % 2 == 0
    return outside


def _first_stray_quote(codes: npt.NDArray[np.uint8], quotes: Positions, last: bool, delimiter: bytes) -> int:
    """Where the first quote stands that neither opens, closes nor doubles; else the length.

    A quote at the very end of a window that isn't the file's last is left for the next one.
    """
    length = len(codes)
    if not len(quotes):
        return length
    mark, quote = delimiter[0], codes[quotes[0]]
    openers, closers = quotes[0::2], quotes[1::2]
    before = codes[np.maximum(openers - 1, 0)]
    opens = (openers == 0) | (before == mark) | (before == _LF) | (before == quote)
    after = codes[np.minimum(closers + 1, length - 1)]
    closes = (after == mark) | (after == _LF) | (after == _CR) | (after == quote)
    closes[closers == length - 1] = last
    stray = np.concatenate([openers[~opens], closers[~closes]])
    return int(stray.min()) if len(stray) else length


def _lone_returns(codes: npt.NDArray[np.uint8], quotes: Positions, ends: Positions) -> list[int]:
    """Numbers of the records with a carriage return outside quotes that ends no line."""
    returns = np.flatnonzero(codes == _CR)
    returns = returns[_outside(quotes, returns)]
    records = np.searchsorted(ends, returns)
    alone: list[int] = np.unique(records[returns + 1 != ends[records]]).tolist()
    return alone


def _undecodable(block: bytes, ends: Positions) -> list[int]:
    """Numbers of the records that are not UTF-8."""
    found: list[int] = []
    position = 0
    while position < len(block):
        try:
            block[position:].decode("utf-8")
        except UnicodeDecodeError as error:
            number = int(np.searchsorted(ends, position + error.start))
            found.append(number)
            position = int(ends[number]) + 1
        else:
            break
    return found


def _parse(buffer: bytes, start: int, dialect: Dialect) -> tuple[list[bytes] | None, str | None, int]:
    """One record from `start`: its values or why it has none, and where the next one begins.

    A broken record ends with its first physical line, so that one lost quote costs one line.
    """
    fields: list[bytes] = []
    position = start
    limit = min(len(buffer), start + LONGEST_RECORD + 2)
    while match := dialect.field.match(buffer, position, limit):
        quoted, bare = match.group(1), match.group(2)
        fields.append(bare if quoted is None else dialect.plain(quoted))
        position = match.end()
        if buffer[position : position + 1] == dialect.delimiter:
            position += 1
            continue
        end = _END.match(buffer, position)
        if end is None or position - start > LONGEST_RECORD:
            break
        return fields, None, end.end()
    newline = buffer.find(b"\n", start)
    end_of_line = len(buffer) if newline < 0 else newline + 1
    line = buffer[start:end_of_line]
    if len(line) > LONGEST_RECORD:
        return None, _TOO_LONG, end_of_line
    return None, _LONE_RETURN if b"\r" in line.rstrip(b"\r\n") else _BAD_QUOTES, end_of_line


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
