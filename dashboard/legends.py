"""How the entries of a chart's legend are laid out, so that none is cut on a phone."""

from __future__ import annotations

from collections.abc import Sequence

#: So many letters of a legend's entries stand on one line of a phone's chart; beside names of rows that are longer
#: than the others by so many letters fewer.
LEGEND_LETTERS = 39
SHORT_NAME = 10


def legend_columns(entries: Sequence[str], beside: Sequence[str] = ()) -> int:
    """In how many columns a legend is not cut on a phone, beside the names of its chart's rows; 0 is one line."""
    room = LEGEND_LETTERS - max(0, max(map(len, beside), default=0) - SHORT_NAME)
    lengths = [len(entry) for entry in entries]
    # More than four don't fit beside each other in half a page either.
    if len(lengths) <= 4 and _line_letters(lengths) <= room:
        return 0
    fitting = [n for n in (3, 2) if _line_letters([max(lengths[i::n], default=0) for i in range(n)]) <= room]
    return fitting[0] if fitting else 1


def _line_letters(lengths: Sequence[int]) -> int:
    """Of a line of a legend, the signs before the third and further entries counted as letters."""
    return sum(lengths) + 2 * max(0, len(lengths) - 2)
