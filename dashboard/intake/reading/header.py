"""What the first line of a file says its columns are, and what a message may show of it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from functools import cache

from dashboard.intake.contract import TABLES, DeliveryError
from dashboard.intake.drafting.guesses import column_words
from dashboard.intake.drafting.synonyms import COLUMNS
from dashboard.intake.mapping import SourceColumn

#: A number, day or time, as no column is called. Nothing is tried twice: a cell may have a million digits.
_DATUM = re.compile(r"[+-]?(?=[.,:/-]*+\d)[\d.,:/-]++([T ]\d[\d:.]*+)?\s?([AaPp][Mm]|Z)?")
#: What no name of a column has within it: a day or time, an address.
_WITHIN = re.compile(r"\d{4}-\d\d|\d\d?/\d\d?/\d\d|\d:\d\d|@|[<>{}]")
#: What ends a line elsewhere, or nowhere.
_STRANGE = re.compile(r"[\x02-\x08\x0b\x0c\x0e-\x1e\x7f-\x9f\u2028\u2029]")
_SINGLE = re.compile("'[^']*'")
_LONGEST, _MOST = 60, 50
#: Of so many columns one must have a usual name, if none is wanted, before the names are shown.
_USUAL = 3
#: What to say of a first line that looks like data.
DATA_HEADER = (
    "its first line looks like data and not like names of columns: if it is, write header = false in the mapping and "
    "name columns by number, from 1"
)


def position(wanted: SourceColumn, header: tuple[str, ...], where: str, others: Collection[SourceColumn] = ()) -> int:
    """The position, from 0, of a column that the mapping names.

    A name counts as it is written, else without regard to case and spaces.

    Args:
        wanted: its name or number.
        header: the columns of the file.
        where: what a message begins with.
        others: all columns that are wanted of the file.

    Raises:
        DeliveryError: the file has no such column, or several.
    """
    if isinstance(wanted, int):
        if not 1 <= wanted <= len(header):
            raise DeliveryError(f"{where}: there is no column number {wanted}; the file has {len(header)}")
        return wanted - 1
    for same in (str, folded):
        found = [place for place, name in enumerate(header) if same(name) == same(wanted)]
        if len(found) == 1:
            return found[0]
        if found:
            numbers = " or ".join(str(place + 1) for place in found)
            raise DeliveryError(
                f"{where}: the column {wanted!r} stands more than once; give its number instead, {numbers}"
            )
    wanted_names = [str(name) for name in (wanted, *others)]
    raise DeliveryError(
        f"{where}: there is no column {wanted!r} in the file. Correct the mapping{header_told(header, wanted_names)}"
        + (nearest(wanted, header) if is_shown(header, wanted_names) else "")
    )


def header_told(header: tuple[str, ...], wanted: Collection[str]) -> str:
    """What a header has, for the end of a message; of one that may be data nothing but that."""
    if is_data(header):
        return f"; {DATA_HEADER}"
    if not is_shown(header, wanted):
        return (
            f". Its first line has {len(header):,} column{'s' * (len(header) != 1)} and no usual name of one, so "
            "that it may be data and is not shown: if it is, write header = false in a mapping and name columns by "
            "number; or they are separated by another character"
        )
    if all(_SINGLE.fullmatch(name) for name in header):
        return """; its names stand in single quotes: write quote = "'" in the mapping"""
    # Below the first line, which alone is kept on record: without a header these are a patient's values.
    return f"\n  its header has {', '.join(told_names(header))}"


def told_names(names: Collection[str]) -> list[str]:
    """Names for a message: none too long, and not too many."""
    whole = [name or "(no name)" for name in list(names)[:_MOST]]
    shown = [name if len(name) <= _LONGEST else f"{name[:_LONGEST]}…" for name in whole]
    return [*shown, f"and {len(names) - _MOST:,} more"] if len(names) > _MOST else shown


def is_data(record: tuple[str, ...]) -> bool:
    """Whether what should name columns looks like their values: a number, day or time stands among it.

    Numbers in turn are names that a program gave.
    """
    in_turn = [str(number) for number in range(len(record) + 1)]
    if record in (tuple(in_turn[:-1]), tuple(in_turn[1:])):
        return False
    return any(map(is_datum, record))


def is_datum(cell: str) -> bool:
    """Whether a cell holds a number, day or time."""
    return _DATUM.fullmatch(cell.strip()) is not None


def is_shown(header: tuple[str, ...], wanted: Collection[str]) -> bool:
    """Whether a message may show the names of a header: what a file has there may be the values of a patient.

    It names a column that is wanted, or some that are usual, and holds nothing that no name has.
    """
    if not is_plain(header):
        return False
    if {folded(str(name)) for name in wanted} & set(map(folded, header)):
        return True
    named = [name for name in header if name]
    usual = sum(len(name) <= _LONGEST and _is_usual(name) for name in named)
    return usual * _USUAL >= len(named) > 0


def is_plain(header: tuple[str, ...]) -> bool:
    """Whether a header holds nothing that no name of a column has."""
    return not (is_data(header) or is_strange(header) or any(_WITHIN.search(name) for name in header))


def is_strange(header: Collection[str]) -> bool:
    """Whether a name holds a character that should have ended a line, so that rows stand in the header."""
    return any(_STRANGE.search(name) for name in header)


def _is_usual(name: str) -> bool:
    words = column_words(name).split()
    return bool(words) and _vocabulary().issuperset(words)


@cache
def _vocabulary() -> frozenset[str]:
    """The words of all names that columns usually have."""
    own = [column.name for table in TABLES for column in table.columns]
    others = [name for known in COLUMNS.values() for names in known.values() for name in names.split(", ")]
    usual = [
        "name",
        "first name",
        "last name",
        "email",
        "phone",
        "address",
        "note",
        "notes",
        "comment",
        "time",
        "code",
    ]
    return frozenset(word for name in (*own, *others, *usual) for word in column_words(name).split())


def nearest(name: str, known: Collection[str]) -> str:
    """The names most like one that is unknown, as the end of a sentence."""
    small = {one.lower(): one for one in known}
    found = [small[one] for one in difflib.get_close_matches(name.lower(), small, n=3, cutoff=0.5)]
    return f" (did you mean {' or '.join(found)}?)" if found else ""


def folded(name: str) -> str:
    """A name without regard to case and spaces."""
    return " ".join(name.casefold().split())
