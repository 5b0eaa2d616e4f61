"""Tells which joins of a mapping find nothing, as when a key is written in another way in the second file."""

from __future__ import annotations

import io
from collections.abc import Mapping as Names
from collections.abc import Sequence
from pathlib import Path

import duckdb

from dashboard.intake.mapping import Join, KeyColumns, TableMapping
from dashboard.intake.mapping.expressions import Loaded, clean_text, joined_key, typed_text
from dashboard.intake.reading.files import peek, relation
from dashboard.intake.reading.reader import Survey
from dashboard.intake.reading.rewrite import rewriting
from dashboard.intake.reading.scan import scan
from dashboard.intake.sql import identifier

#: So many rows of a file are looked up at most: whether all are found is for the rejects and the pages to show.
_ROWS = 5_000


def unmatched(
    connection: duckdb.DuckDBPyConnection, surveys: Sequence[Survey], loaded: Names[Join, Loaded], work: Path
) -> list[str]:
    """A sentence for each file and join of which none of the first rows finds its key.

    Args:
        connection: holds the loaded joins.
        surveys: the files of the delivery.
        loaded: the joins.
        work: folder for a copy of the first rows.
    """
    notes = []
    for surveyed in surveys:
        section = surveyed.source.mapping
        lookups = _lookups(section) if section else {}
        if section is None or not lookups:
            continue
        copy = work / "first-rows.csv"
        try:
            rows = f"(select * from {relation(surveyed.inspected, _first_rows(surveyed, copy))} limit {_ROWS})"  # noqa: S608
            for (join, key), columns in lookups.items():
                own, found = _count(connection, rows, _key(surveyed, section, key), loaded[join].table)
                if own and not found:
                    notes.append(
                        f"{surveyed.source.name}: none of its {'first ' * (own == _ROWS)}{own:,} keys "
                        f"{' + '.join(map(str, key))} stands in {join.name}, so that {', '.join(columns)} "
                        f"{'are' if len(columns) > 1 else 'is'} empty there; compare how both files write it"
                    )
        except duckdb.Error:
            # What can't be read so is read in another way, or refused, when it is read as a whole.
            continue
        finally:
            copy.unlink(missing_ok=True)
    return notes


def _lookups(section: TableMapping) -> dict[tuple[Join, KeyColumns], list[str]]:
    """The columns of each join with each key whose rows are not rejected where it finds nothing."""
    found: dict[tuple[Join, KeyColumns], list[str]] = {}
    for mapped in section.columns:
        if mapped.lookup and (not mapped.column.required or mapped.default is not None):
            found.setdefault((mapped.lookup.join, mapped.lookup.key), []).append(mapped.column.name)
    return found


def _first_rows(surveyed: Survey, copy: Path) -> Path:
    """The file itself if DuckDB reads it as it is, else a copy of what stands at its beginning."""
    inspected = surveyed.inspected
    if inspected.is_parquet or inspected.found.plain:
        return inspected.path
    dialect = inspected.dialect
    content = rewriting(dialect)(peek(inspected.path, dialect))
    # Holds what the delivery holds, so nobody else may read it.
    copy.touch(mode=0o600)
    with copy.open("wb") as sink:
        sink.write(dialect.delimiter.join(str(n).encode() for n in range(len(inspected.found.header))) + b"\n")
        scan(io.BytesIO(content), sink, dialect=dialect)
    return copy


def _key(surveyed: Survey, section: TableMapping, key: KeyColumns) -> str:
    types, empty = surveyed.types, section.files.layout.empty
    texts = []
    for one in key:
        place = surveyed.places[one]
        kind = types[place] if types else "VARCHAR"
        texts.append(typed_text(clean_text(place, kind, empty), kind, "identifier"))
    return joined_key(texts)


def _count(connection: duckdb.DuckDBPyConnection, rows: str, key: str, table: str) -> tuple[int, int]:
    """How many rows have a key, and how many of them are found."""
    [[own, found]] = connection.execute(
        f"select count(key), count(*) filter (key in (select key from {identifier(table)})) "  # noqa: S608
        f"from (select {key} as key from {rows})"
    ).fetchall()
    return int(own), int(found)
