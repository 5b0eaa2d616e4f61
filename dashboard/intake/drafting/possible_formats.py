"""Which formats may read a time or date, by how it looks; whether they do is for DuckDB to say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from itertools import product

#: Days, of several that fit the likelier first: in the United States the month stands before the day.
_DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%m/%d/%Y", "%d/%m/%Y", "%m/%d/%y", "%d/%m/%y"),
    *("%d.%m.%Y", "%d.%m.%y", "%m-%d-%Y", "%d-%m-%Y", "%m-%d-%y", "%d-%m-%y", "%y/%m/%d"),
    *("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %b, %Y", "%d %b %y", "%d%b%Y", "%d/%b/%Y", "%b %d, %Y", "%b %d %Y"),
    *("%d de %b de %Y", "%d de %b %Y", "%d. %b %Y", "%d. %B %Y"),
    *("%b-%d-%Y", "%Y-%b-%d", "%d %B %Y", "%d %B, %Y", "%B %d, %Y", "%B %d %Y"),
)
#: A day of the week before them.
_WEEKDAYS = ("", "%a, ", "%a ", "%A, ", "%A ")
_CLOCKS = (
    *("%H:%M", "%H:%M:%S", "%H:%M:%S.%f", "%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%I:%M:%S%p", "%I %p", "%I%p"),
    *("%H:%M:%S,%f", "%Hh%M", "%H.%M", "%H:%M Uhr", "%H.%M Uhr", "%H:%M hrs", "%H%M"),
)
_BETWEEN = (" ", "T", ", ", " at ", " à ", " um ", " - ")
_ZONES = ("", " %z", "%z", " %Z")
_OTHERS = ("%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d %H%M", "%d%b%Y:%H:%M:%S", "%Y-%m", "%Y")
_SIGNS = {
    "Y": r"\d{4}",
    **dict.fromkeys("yMS", r"\d{2}"),
    **dict.fromkeys("mdHI", r"\d{1,2}"),
    "f": r"\d{1,9}",
    **dict.fromkeys("ab", "[A-Za-z]{3}"),
    "A": "[A-Za-z]{6,9}",
    "B": "[A-Za-z]{3,9}",
    "p": r"[AaPp](?:\.? ?[Mm])?\.?",
    "z": r"[+-]\d{2}:?\d{2}",
    "Z": r"(?![AaPp][Mm]\b)(?:[A-Z]{3,5}(?:[+-]\d{1,2})?|[A-Z]\w+/\w+)",
}
#: So many values that look different are tried.
_TRIED = 40


def possible_formats(values: Iterable[str]) -> list[str]:
    """The formats that one value or another looks like, the likelier first."""
    looks = {re.sub("[a-z]", "a", re.sub("[A-Z]", "A", re.sub(r"\d", "0", value))): value for value in values}
    found = {text for value in list(looks.values())[:_TRIED] for text in _formats_of(value)}
    return sorted(found, key=_rank)


def _formats_of(value: str) -> list[str]:
    text = value.replace("\u202f", " ").replace("\u00a0", " ")
    found = [one for one in _OTHERS if _pattern(one).fullmatch(text)]
    for end in ("", *_ends()):
        at = re.search(rf"{_pattern(end).pattern}$", text) if end else None
        if end and at is None:
            continue
        before = text[: at.start()] if at else text
        found += [f"{day}{end}" for day in _days() if _pattern(day).fullmatch(before)]
    return found


@cache
def _days() -> tuple[str, ...]:
    return tuple("".join(parts) for parts in product(_WEEKDAYS, _DAYS))


@cache
def _ends() -> tuple[str, ...]:
    """What may stand behind a day."""
    return tuple("".join(parts) for parts in product(_BETWEEN, _CLOCKS, _ZONES))


@cache
def _pattern(text: str) -> re.Pattern[str]:
    """What a format reads, roughly."""
    parts = re.split(r"%([A-Za-z])", text)
    return re.compile("".join(_SIGNS[part] if n % 2 else re.escape(part) for n, part in enumerate(parts)))


@cache
def _order() -> dict[str, int]:
    return {day: rank for rank, day in enumerate((*_days(), *_OTHERS))}


def _rank(text: str) -> tuple[int, str]:
    # Of the same day the time hardly matters: few fit one value.
    day = max((day for day in _order() if text.startswith(day)), key=len)
    return _order()[day], text
