"""What NumPy finds in a window of a delimited file, which holds whole records and what follows them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]
NOWHERE: Positions = np.zeros(0, np.int64)
LF, CR = 10, 13
_BLANK, _ASCII = 32, 127
_WORD = 64


def places(codes: Codes, mark: bytes) -> Positions:
    """Where a mark of one byte stands; nowhere where there is no mark."""
    return np.flatnonzero(codes == mark[0]) if mark else NOWHERE


def marks_before(codes: Codes, mark: bytes, quotes: Positions, ends: Positions) -> Positions:
    """How many delimiters outside quoted values stand before each end."""
    if len(quotes):
        marks = places(codes, mark)
        return np.searchsorted(marks[outside(quotes, marks)], ends)
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


def is_tidy(codes: Codes, delimiter: bytes, lines: int) -> bool:
    """Whether no value of records without quotes has blanks around it, control characters, or others beyond ASCII.

    Args:
        codes: the records, without the end of the last one.
        delimiter: what stands between values.
        lines: so many line feeds are among the codes.
    """
    if not len(codes):
        return True
    if codes.max() > _ASCII:
        return False
    others = np.count_nonzero(codes < _BLANK) - lines
    if others and others != sum(np.count_nonzero(codes == mark) for mark in {CR, delimiter[0]} if mark < _BLANK):
        return False
    blank = codes == _BLANK
    edge = (codes <= _BLANK) | (codes == delimiter[0])
    at_edge = blank[0] or blank[-1] or (blank[1:] & edge[:-1]).any() or (blank[:-1] & edge[1:]).any()
    return not at_edge


def outside(quotes: Positions, positions: Positions) -> npt.NDArray[np.bool_]:
    """Whether each position stands outside quoted values."""
    if not len(quotes):
        return np.ones(len(positions), bool)
    found: npt.NDArray[np.bool_] = np.searchsorted(quotes, positions) % 2 == 0
    return found


def first_stray_quote(codes: Codes, quotes: Positions, last: bool, delimiter: bytes) -> int:
    """Where the first quote stands that neither opens, closes nor doubles; else the length.

    A quote at the very end of a window that isn't the file's last is left for the next one, and so is one before a
    carriage return there.
    """
    length = len(codes)
    if not len(quotes):
        return length
    mark, quote = delimiter[0], codes[quotes[0]]
    openers, closers = quotes[0::2], quotes[1::2]
    before = codes[np.maximum(openers - 1, 0)]
    opens = (openers == 0) | (before == mark) | (before == LF) | (before == quote)
    after = codes[np.minimum(closers + 1, length - 1)]
    closes = (after == mark) | (after == LF) | (after == quote)
    # A carriage return ends a value where it ends the line, or the file.
    returned = np.flatnonzero(after == CR)
    further = closers[returned] + 2
    closes[returned] = np.where(further < length, codes[np.minimum(further, length - 1)] == LF, last)
    closes[closers == length - 1] = last
    stray = np.concatenate([openers[~opens], closers[~closes]])
    return int(stray.min()) if len(stray) else length


def first_swallowed(codes: Codes, quotes: Positions, newlines: Positions, mark: bytes, width: int) -> int:
    """Where the first quoted value begins that holds a line like a record of this width; else the length.

    Such a line goes from a line end within quotes to the next one or the next quote; no blank follows a delimiter.
    """
    within = newlines[~outside(quotes, newlines)]
    if not len(within):
        return len(codes)
    number, line = np.searchsorted(quotes, within), np.searchsorted(newlines, within)
    far = np.append(quotes, len(codes))[number]
    stops = np.minimum(far, np.append(newlines, len(codes))[line + 1])
    marks = places(codes, mark)
    first, last = np.searchsorted(marks, within), np.searchsorted(marks, stops)
    like = np.flatnonzero(last - first == width - 1)
    for one in like.tolist():
        behind = marks[first[one] : last[one]] + 1
        if not (codes[np.minimum(behind, len(codes) - 1)] == _BLANK).any():
            return int(quotes[number[one] - 1])
    return len(codes)


def lone_returns(codes: Codes, quotes: Positions, ends: Positions) -> list[int]:
    """Numbers of the records with a carriage return outside quotes that ends no line."""
    returns = np.flatnonzero(codes == CR)
    returns = returns[outside(quotes, returns)]
    records = np.searchsorted(ends, returns)
    alone: list[int] = np.unique(records[returns + 1 != ends[records]]).tolist()
    return alone


def undecodable(block: bytes, ends: Positions) -> list[int]:
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
