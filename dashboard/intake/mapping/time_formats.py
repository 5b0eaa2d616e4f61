"""Formats of times: which have a zone, and which would read a value wrongly."""

from __future__ import annotations

import re
from functools import cache

import duckdb

#: Numbers that count from 1970, UTC; how many of them make a second.
EPOCHS = {"epoch": 1, "epoch_ms": 1000}
#: Days since 1899-12-30 with the time as their fraction, as spreadsheets count; a wall clock, of no zone.
EXCEL = "excel"
#: What zones are called for short, with their hours from UTC: DuckDB knows no summer time by such a name, and takes
#: some for those of other countries.
ZONES = {
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8,
    "HST": -10, "AST": -4, "ADT": -3, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3,
    "AEST": 10, "AEDT": 11, "AWST": 8, "NZST": 12, "NZDT": 13,
}  # fmt: skip
_DAY = ("year", "month", "day")
_CLOCK = ("hour", "minute", "second")
#: What each sign reads; a hyphen before a letter means the same part.
_PARTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys("Yy", ("year",)),
    **dict.fromkeys("mbB", ("month",)),
    "d": ("day",),
    # Days of the year and of ISO's year stand for the month, too.
    "j": ("month", "day"),
    "G": _DAY,
    **dict.fromkeys("HI", ("hour",)),
    "M": ("minute",),
    "S": ("second",),
    **dict.fromkeys("fgn", ("fraction",)),
    "p": ("half of the day",),
    "z": ("offset",),
    "Z": ("zone",),
    **dict.fromkeys("aAuw", ("day of the week",)),
    **dict.fromkeys("UVW", ("week",)),
    "x": _DAY,
    **dict.fromkeys("XT", _CLOCK),
    "c": (*_DAY, *_CLOCK),
}


def has_zone(text: str) -> bool:
    """Whether a format reads instants: an offset, a zone or a number from 1970; a literal Z is none of them."""
    return text in EPOCHS or any(mark in text.replace("%%", "") for mark in ("%z", "%Z"))


def fault_of(text: str) -> str | None:
    """What is wrong with a format and what to do; None where it will do."""
    if text in EPOCHS or text == EXCEL:
        return None
    if "%" not in text:
        return (
            'has no % sign; write it like "%d/%m/%Y %H:%M", or "epoch" or "epoch_ms" for numbers from 1970, '
            '"excel" for days as spreadsheets count them'
        )
    if why := _unreadable(text):
        return f'cannot be read ({why}); write it like "%d/%m/%Y %H:%M" with the signs of docs/mapping.md'
    seen: dict[str, str] = {}
    for sign in re.findall(r"%(-?[A-Za-z%])", text):
        for part in _PARTS.get(sign[-1], ()):
            if part in seen:
                twice = f"%{sign} twice" if seen[part] == sign else f"both %{seen[part]} and %{sign} for the {part}"
                return (
                    f"has {twice}, of which only one would count; take the part that is meant out of the value with "
                    "pattern, as docs/mapping.md shows, and write the format of that part alone"
                )
        seen |= dict.fromkeys(_PARTS.get(sign[-1], ()), sign)
    if "hour" in seen and seen["hour"].endswith("I") and "half of the day" not in seen:
        return (
            "has %I without %p, so that every time would be before noon; add %p where AM or PM stands, put the "
            "column that holds it behind this one, or write %H for hours up to 23"
        )
    if "year" not in seen:
        return (
            "has no year, so that every value would be of 1900; add %Y or %y, and put the column that holds the "
            'day before this one: column = ["Date", "Time"]'
        )
    return None


@cache
def _unreadable(text: str) -> str | None:
    """What DuckDB has against a format."""
    try:
        with duckdb.connect() as connection:
            connection.execute("select try_strptime('2026', $format)", {"format": text})
    except duckdb.Error as error:
        return str(error).splitlines()[0].split(": ")[-1]
    return None
