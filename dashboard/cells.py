"""Cells of a file: which text is harmless in a spreadsheet, and how each kind of value is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dashboard.panels.column import Column

#: What a spreadsheet, or a person who pastes, may drop before it looks for a formula: spaces, controls,
#: characters without width, quotes. As queries/export/cells.sql has them.
_DROPPED = (
    "\\s\x00-\x20\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180e\u2000-\u200f\u2028-\u202f"
    "\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\"'`\xb4\u2018-\u201f\xab\xbb\u2039"
    "\u203a\uff02\uff07"
)
#: = + - @ and their full-width, small, raised and lowered forms.
_STARTS = "=+\\-@\u207a-\u207c\u208a-\u208c\u2212\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20"
#: Numbers that lose digits, zeros or their exponent when read as numbers, or are no amounts: 1.10, 1,234, 5-, 5 %.
_NUMBERS = (
    "[0-9][0-9.]{11,}|0[0-9]+|[0-9][0-9.]*[eE][+\\-]?[0-9]+|[0-9]*[.,][0-9.,]*[0-9][0-9.,]*-?|[0-9]+[.,\\-]"
    "|[($\u20ac\xa3]+[0-9][0-9.,]*\\)?|[0-9][0-9.,]* ?[%\u20ac]|[0-9]+ [0-9]+/[0-9]+"
)
_PLACE = "(?:[0-9]{1,2}|[0-9]{4})"
_MONTH = (
    "(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?)"
)
#: Days and months: 10-12, 1/2/3, 2026-10, MAR1, 5 May. A name with its year in four digits behind it is what it says.
_DAYS = (
    f"{_PLACE}[-/]{_PLACE}(?:[-/]{_PLACE})?|{_MONTH}(?:[-/. ]?[0-9]{{1,2}}|[-/.]?[0-9]{{4}})"
    f"|{_PLACE}[-/. ]?{_MONTH}(?:[-/. ][0-9]{{1,2}})?"
)
_HARMFUL = re.compile(f"[\x00-\x1f']|[{_DROPPED}]*[{_STARTS}]|(?:{_NUMBERS}|{_DAYS})\\Z")
_NAME = re.compile(r"[a-z_]+")


def harmless(text: str) -> str:
    """The text as a cell of CSV holds it: unchanged, or with an apostrophe in front.

    >>> harmless("=1+1"), harmless("nausea"), harmless("'quoted"), harmless("1234567890123456")
    ("'=1+1", 'nausea', "''quoted", "'1234567890123456")
    >>> harmless("MAR1"), harmless("10-12"), harmless("1.10"), harmless("85+"), harmless("18–25"), harmless("B052135")
    ("'MAR1", "'10-12", "'1.10", '85+', '18–25', 'B052135')
    """
    return f"'{text}" if _HARMFUL.match(text) else text


def is_formula(text: str) -> bool:
    """Whether a spreadsheet could take the text for something else when it is edited there."""
    return harmless(text) != text


def line_sql(columns: Sequence[Column]) -> str:
    """An SQL expression for a row's line of CSV, with the macros of queries/export/cells.sql.

    Raises:
        ValueError: a column's key isn't one that our own queries could have.
    """
    cells = {column.name: f"{column.format}_cell({name_sql(column)})" for column in columns}
    texts = [column.name for column in columns if column.format == "text"]
    if not texts:
        return _concat(cells.values())
    # One look at all texts of a row takes a third of the time of one look at each.
    words = ", ".join(f"word({name}), ','" for name in texts)
    plain = cells | {name: f"plain_cell({name})" for name in texts}
    return (
        f"case when is_plain(concat({words}), {len(texts)}) "
        f"then {_concat(plain.values())} else {_concat(cells.values())} end"
    )


def _concat(cells: Iterable[str]) -> str:
    written = ", ',', ".join(cells)
    return f"concat({written}, chr(13), chr(10))"


def value_sql(column: Column) -> str:
    """An SQL expression for a column's typed value: money as decimals with cents, ENUMs as text."""
    types = {
        "text": "varchar",
        "date": "date",
        "datetime": "timestamp",
        "count": "bigint",
        "dollars": "decimal(18, 2)",
        "decimal": "double",
        "percent": "double",
    }
    name = name_sql(column)
    return f"{name}::{types[column.format]} as {name}"


def name_sql(column: Column) -> str:
    """The column's key, checked: these are the only words that are put into SQL."""
    if not _NAME.fullmatch(column.name):
        raise ValueError(f"{column.name!r} is no column of a query")
    return column.name
