"""The tables of an extract themselves, for SQL that a test writes independently of the product's."""

from __future__ import annotations

import shutil
from contextlib import contextmanager

import duckdb


@contextmanager
def facts_of(extract, folder):
    """Answers SQL with its values: on a copy, since one process opens a file in one way only."""
    copy = shutil.copy(extract, folder / "facts.duckdb")
    with duckdb.connect(str(copy), read_only=True) as connection:
        yield lambda sql, **values: connection.cursor().execute(sql, values)
