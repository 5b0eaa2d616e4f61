"""Leaves rows out that a mapping doesn't want: which they are, as an expression."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.intake.mapping import RowFilter
from dashboard.intake.sql import literal

#: Among the flags of misfits, beyond those of columns; queries/build/macros.sql knows them as flags of faults.
_PLACES = {"only": 30, "except": 31}


def left_out(filters: Sequence[RowFilter], texts: Sequence[str], empty: Sequence[str]) -> str:
    """The flag of the filter that leaves a row out; 0 where none does.

    Args:
        filters: of the section; of several that leave a row out the first counts.
        texts: the column of each, as trimmed text, null where it is empty.
        empty: words that mean that a value is not known.
    """
    whens = []
    for one, text in zip(filters, texts, strict=True):
        # DuckDB's small letters on both sides: Python has others for some.
        words = dict.fromkeys("" if word in empty else word for word in one.words)
        listed = ", ".join(f"lower({literal(word)})" for word in words)
        named = f"lower(coalesce({text}, '')) in ({listed})"
        whens.append(f"when {'not ' if one.setting == 'only' else ''}{named} then {1 << _PLACES[one.setting]}")
    return f"(case {' '.join(whens)} else 0 end)::ubigint"
