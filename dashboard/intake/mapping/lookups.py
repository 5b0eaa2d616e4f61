"""Loads the files that a mapping joins: their keys, once each, and the columns that are wanted."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import duckdb

from dashboard.intake.contract import SHOWN_CHARACTERS, DeliveryError
from dashboard.intake.drafting.evidence import says_who
from dashboard.intake.leaks import refuse_joined, refuse_nested_joined
from dashboard.intake.mapping import Join, Mapping, SourceColumn
from dashboard.intake.mapping.expressions import Loaded, clean_text, joined_key, lookup_column, typed_text
from dashboard.intake.mapping.row_filters import left_out
from dashboard.intake.reading.detect import check_header, check_header_line, dialect_of
from dashboard.intake.reading.files import Inspected, inspect, mend, relation, unreadable, with_sheets
from dashboard.intake.reading.header import position
from dashboard.intake.sql import identifier


def load_lookups(
    connection: duckdb.DuckDBPyConnection, mapping: Mapping, delivery: Path, work: Path
) -> tuple[dict[Join, Loaded], list[str]]:
    """Make a temporary table of each join.

    Args:
        connection: open on the database.
        mapping: names the joins.
        delivery: the folder of the files.
        work: folder for mended copies.

    Returns:
        The tables, and a line for each file of which records had to be left out.

    Raises:
        DeliveryError: a file or column is missing, or a key stands in several rows.
    """
    loaded: dict[Join, Loaded] = {}
    notes: list[str] = []
    for number, (join, wanted) in enumerate(mapping.lookups.items()):
        table = f"lookup_{number}"
        columns = ", ".join(f"{identifier(lookup_column(source))} varchar" for source in wanted)
        connection.execute(f"create temp table {table} (key varchar, file varchar, {columns})")
        types: dict[SourceColumn, str] = {}
        for path, sheet in with_sheets(_files(join, mapping, delivery), join.files.layout.sheets):
            where = f"{path} for {join.name} in {mapping.path}"
            needed = (*join.other_key, *wanted, *(one.column for one in join.filters))
            dialect = dialect_of(path, join.files.layout, needed, sheet)
            inspected = inspect(path, dialect)
            advice = f"write skip = {{skip}} for the join {join.name} of the mapping, the number of lines before it"
            check_header_line(inspected, needed, advice)
            check_header(inspected, [])
            places = {one: position(one, inspected.found.header, where, needed) for one in needed}
            refuse_joined(mapping, join, inspected.found.header)
            left = _load(connection, table, inspected, join, wanted, places, work / f"{table}.csv")
            if left:
                notes.append(
                    f"{path.name}: {left:,} row{'s are' if left > 1 else ' is'} left out of the join {join.name}"
                )
            types |= {one: inspected.types[places[one]] if inspected.types else "VARCHAR" for one in wanted}
            refuse_nested_joined(mapping, join, types)
            if faults := inspected.found.faults:
                notes.append(
                    f"{path.name}: {len(faults):,} broken records could not be looked up, "
                    f"first line {faults[0].line:,}: {faults[0].reason}"
                )
        if join.doubled:
            notes += _leave_out_doubled(connection, table, join)
        else:
            _refuse_doubled(connection, table, join, mapping)
        loaded[join] = Loaded(table, types)
    return loaded, notes


def _files(join: Join, mapping: Mapping, delivery: Path) -> list[Path]:
    found = join.files.find(delivery)
    if not found:
        raise DeliveryError(
            f"{mapping.path}, join {join.name}: no file of {delivery} matches {', '.join(join.files.patterns)}; "
            "correct the pattern or add the file"
        )
    return found


def _load(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    inspected: Inspected,
    join: Join,
    wanted: tuple[SourceColumn, ...],
    places: dict[SourceColumn, int],
    copy: Path,
) -> int:
    """Put the rows into the table; how many the join's filters leave out."""
    path = inspected.path
    if not inspected.found.plain:
        path = copy
        mend(inspected, copy)

    def text(source: SourceColumn) -> str:
        kind = inspected.types[places[source]] if inspected.types else "VARCHAR"
        return clean_text(places[source], kind, join.files.layout.empty)

    def compared(source: SourceColumn) -> str:
        kind = inspected.types[places[source]] if inspected.types else "VARCHAR"
        return typed_text(text(source), kind, "identifier")

    selected = ", ".join(text(source) for source in wanted)
    flag = left_out(join.filters, [compared(one.column) for one in join.filters], join.files.layout.empty)
    rows = f"from {relation(inspected, path)}"
    keys = joined_key([compared(one) for one in join.other_key])
    kept = f" where {flag} = 0" if join.filters else ""
    try:
        connection.execute(
            f"insert into {table} select {keys}, $file, {selected} {rows}{kept}",
            {"file": inspected.path.name},
        )
        if not join.filters:
            return 0
        [[left]] = connection.execute(f"select count(*) {rows} where {flag} <> 0").fetchall()
        return int(left)
    except duckdb.Error as error:
        raise unreadable(inspected.path, error) from error
    finally:
        copy.unlink(missing_ok=True)


def _leave_out_doubled(connection: duckdb.DuckDBPyConnection, table: str, join: Join) -> list[str]:
    """Drop the keys that stand in several rows, and say how many."""
    doubled = f"select key from {table} group by key having count(*) > 1"  # noqa: S608
    [[keys]] = connection.execute(f"select count(key) from ({doubled})").fetchall()  # noqa: S608
    connection.execute(f"delete from {table} where key in ({doubled})")  # noqa: S608
    many = f"{keys:,} keys stand" if keys != 1 else "1 key stands"
    return [f"{join.name}: {many} in several rows and gave nothing"] if keys else []


def _refuse_doubled(connection: duckdb.DuckDBPyConnection, table: str, join: Join, mapping: Mapping) -> None:
    doubled = connection.execute(
        "select key, count(*), count(*) over (), min(file), max(file) "  # noqa: S608
        f"from {table} where key is not null group by key having count(*) > 1 order by key limit 1"
    ).fetchone()
    if doubled is None:
        return
    key, rows, keys, first, last = doubled
    shown = "" if _is_personal(mapping, join) else f", for example {_shortened(key)!r} in {rows:,} rows"
    files = first if first == last else f"{first} and {last}"
    raise DeliveryError(
        f"{mapping.path}, join {join.name}: {keys:,} keys of {_named(join)} stand more than once in "
        f"{files}{shown}; a key must stand once, so that there is one value to take. "
        'Remove the other rows, name another column as other_key, or write doubled = "empty", to take nothing'
    )


def _is_personal(mapping: Mapping, join: Join) -> bool:
    """Whether the key says who a patient is, so that no message may show it."""
    names: Collection[str] = {
        str(name).lower()
        for section in mapping.sections
        for mapped in section.columns
        if mapped.lookup and mapped.lookup.join == join
        for name in (*mapped.lookup.key, *join.other_key)
    }
    return any(map(says_who, names)) or any(not section.personal.isdisjoint(names) for section in mapping.sections)


def _named(join: Join) -> str:
    names = " + ".join(map(repr, join.other_key))
    return f"the column{'s' * (len(join.other_key) > 1)} {names}"


def _shortened(text: str) -> str:
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
