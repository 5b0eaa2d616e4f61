"""Regular expressions of a mapping, as DuckDB's RE2 has them."""

from __future__ import annotations

from functools import cache

import duckdb

from dashboard.intake.sql import literal

#: DuckDB has no more of them by number.
MOST_GROUPS = 9


@cache
def groups_of(pattern: str) -> int:
    """How many groups a pattern has.

    Raises:
        ValueError: RE2 cannot read it; the message says why.
    """
    with duckdb.connect() as connection:
        try:
            connection.execute("select regexp_matches('', $pattern)", {"pattern": pattern})
        except duckdb.Error as error:
            raise ValueError(str(error).splitlines()[0].split("Error: ", 1)[-1]) from error
        # DuckDB tells the number only by refusing more names than there are groups.
        for groups in range(1, MOST_GROUPS + 2):
            try:
                connection.execute(f"select {extracted(literal(''), pattern, groups)}")
            except duckdb.BinderException:
                return groups - 1
    return MOST_GROUPS + 1


def extracted(text: str, pattern: str, groups: int) -> str:
    """The groups of a text as a struct of g1, g2 and so on, '' for each where nothing matches."""
    names = ", ".join(literal(f"g{number}") for number in range(1, groups + 1))
    return f"regexp_extract({text}, {literal(pattern)}, [{names}])"
