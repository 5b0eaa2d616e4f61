"""Lines of totals, empty lines and repeated headers among the rows of another system's files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from statistics import median

_TOTAL = re.compile(
    r"(?:grand\s+|sub\s*-?)?totals?\b"
    r"(?:\s+for\b.*|(?:\s+(?:appointments|bookings|visits|records|rows|clients|patients|payments|transactions))?"
    r"\s*(?::\s*(?:\d[\d.,]*)?)?)",
    re.IGNORECASE,
)
#: A line of totals has at most so many of the values that others have.
_SPARSE = 0.5


def is_total(row: Sequence[str | None], usual: float) -> bool:
    """Whether a row begins with a word for a total and has few values besides.

    Args:
        row: its values in order.
        usual: so many values most rows have.
    """
    filled = [value for value in row if value]
    return bool(filled) and len(filled) <= _SPARSE * usual and _TOTAL.fullmatch(filled[0]) is not None


def without_totals(
    header: Sequence[str], rows: list[tuple[str | None, ...]]
) -> tuple[list[tuple[str | None, ...]], tuple[str, tuple[str, ...]] | None]:
    """The rows that are records, and by which column and words of it the others can be left out."""
    usual = median(sum(map(bool, row)) for row in rows) if rows else 0
    names = tuple(name.strip() for name in header)
    # Reports name their columns on each page.
    totals = [row for row in rows if is_total(row, usual) or _is(row, names)]
    kept = [row for row in rows if any(row) and not (is_total(row, usual) or _is(row, names))]
    if len(kept) == len(rows) or not kept:
        return rows, None
    places = {next(place for place, value in enumerate(row) if value) for row in totals}
    blank = len(kept) + len(totals) < len(rows)
    # Of blank lines any column tells that has a value in all others.
    full = [place for place, name in enumerate(header) if name and all(row[place] for row in kept)]
    place = places.pop() if len(places) == 1 else next(iter(full), None) if not places else None
    words = dict.fromkeys(row[place] or "" for row in totals) if place is not None else {}
    # One that tells how many rows there were is another next time.
    words = {word: None for word in words if not re.search(r"\d", word)}
    # The total for somebody names them, and must stand in no mapping.
    named = any(" for " in word.lower() for word in words)
    if place is None or not header[place] or named or (blank and place not in full) or not (words or blank):
        return kept, None
    return kept, (header[place], (*words, "")[: len(words) + blank])


def _is(row: Sequence[str | None], names: tuple[str, ...]) -> bool:
    return tuple(value or "" for value in row) == names
