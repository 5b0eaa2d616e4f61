"""Adds a delivery of what is new or changed to the extract in use: the same extract as all of it would give."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from dashboard.intake import keys, pointer
from dashboard.intake.build import ACCOUNT, CUBES, ROWS, SOUND, Material, Step, count, into, read, run
from dashboard.intake.contract import DEFINITIONS_VERSION, SCHEMA_VERSION, TABLES, DeliveryError
from dashboard.intake.differences import refuse_other_rows
from dashboard.intake.enum_types import widen
from dashboard.intake.reading.reader import Survey
from dashboard.intake.sql import identifier, literal, statements

#: The columns that a cube counts by, the first of them its date; all others are sums, the first of them of rows.
_GRAINS = {
    "daily": 5,
    "daily_payments": 9,
    "hourly": 6,
    "daily_effects": 7,
    "daily_patients": 7,
    "infusion_gaps": 5,
    "daily_outcomes": 6,
    "daily_returns": 5,
}
#: The extract that is added to, under the new one's name; the rows in question as they were.
_EXTRACT, _BEFORE = "extract", "before"
_WHOLE = "import the whole delivery instead, without --add"


def base_of(extracts: Path, *, demo: bool, key: bytes) -> pointer.Pointer:
    """The extract in use, if a delivery can be added to it.

    Args:
        extracts: the folder.
        demo: whether the delivery holds demo data.
        key: the key of the patient numbers.

    Raises:
        DeliveryError: there is none, it is damaged, or what it was built with differs from what is in force.
    """
    try:
        named = pointer.current(extracts)
        if named is not None:
            named.check()
    except pointer.ExtractError as error:
        raise DeliveryError(f"nothing can be added to the extract in use: {error}") from error
    if named is None:
        raise DeliveryError(f"there is no extract yet to which the delivery could be added; {_WHOLE}")
    if named.facts is not None:
        raise DeliveryError(f"the facts of {named.name} are Parquet files, to which nothing can be added; {_WHOLE}")
    try:
        with duckdb.connect(str(named.path), read_only=True) as connection:
            found = connection.execute("select * from extract_info")
            names = [name for name, *_ in found.description or ()]
            [row] = found.fetchall()
    except (duckdb.Error, ValueError) as error:
        raise DeliveryError(f"the extract {named.name} cannot be read; {_WHOLE}") from error
    if fault := _unlike(dict(zip(names, row, strict=True)), demo=demo, key=key):
        raise DeliveryError(f"the delivery can't be added to {named.name}: {fault}; {_WHOLE}")
    return named


def _unlike(info: dict[str, Any], *, demo: bool, key: bytes) -> str | None:
    """In what an extract differs from what a build would make now; None if in nothing."""
    if info["schema_version"] != SCHEMA_VERSION or "key_check" not in info:
        return "it was built by an earlier version of this program"
    if info["definitions_version"] != DEFINITIONS_VERSION:
        return f"its definitions are {info['definitions_version']}, those in force {DEFINITIONS_VERSION}"
    if bool(info["demo"]) != demo:
        return "only one of the two holds demo data"
    if info["key_check"] != keys.check_of(key):
        return "its patient numbers were made with another key, so that patients would not be recognised"
    return None


def add(connection: duckdb.DuckDBPyConnection, built: Path, base: pointer.Pointer, material: Material) -> int:
    """Copy the extract to `built` and put the rows of a delivery in, each in place of one with its id.

    The history of every patient that a row speaks of is built anew from the extract's rows and the
    delivered ones, by the queries of a full build. Only what differs from the extract is written to
    the copy. Cubes are additive: they get the difference between the cubes of these patients now and
    before. At the end the copy is the connection's default database.

    Args:
        connection: open on an empty database, which is not needed afterwards.
        built: where the new extract is to lie.
        base: the extract that is added to.
        material: the delivery, as `build.build` takes it.

    Returns:
        How many delivered rows are sound in themselves, which are accepted, wait, or repeat one that does.

    Raises:
        DeliveryError: with these reference tables rows of the extract would be others, or DuckDB read other rows
            than the scan counted.
    """
    progress = material.progress
    progress("copying the extract in use", 0.0)
    scratch = _side_by_side(connection, built, base, material.work)
    read(connection, material)
    recorded = _holds(connection, "unknown_names")
    run(connection, "add/unknown_names" if recorded else "add/unknown_names_unrecorded")
    refuse_other_rows(connection, base.name, _WHOLE)
    widen(connection, _EXTRACT)
    run(connection, "add/reference_before")
    [[repriced]] = connection.execute(statements("add/repriced")[0]).fetchall()
    values = {**material.values, "file": len(material.surveys)}
    for name in SOUND:
        run(connection, name, values)
    sound = sum(_sound_rows(connection, table.name) for table in TABLES)
    run(connection, "patients", values)
    _refuse_other_records(connection, base, material.surveys)
    _build_rows(connection, base, values, progress)
    progress("building cubes", 0.7)
    for catalog in (_BEFORE, scratch):
        into(connection, catalog)
        for name in CUBES:
            run(connection, name, values)
    run(connection, "changes")
    progress("putting the rows in", 0.8)
    _put_in(connection, scratch, recorded=recorded, repriced=repriced)
    progress("reviewing the extract", 0.9)
    into(connection, _EXTRACT)
    for name in ("calendar", *ACCOUNT):
        run(connection, name, values)
    return sound


def _side_by_side(connection: duckdb.DuckDBPyConnection, built: Path, base: pointer.Pointer, work: Path) -> str:
    """Open a copy of the extract, and a database for what was, beside the one of the connection: its name."""
    shutil.copyfile(base.path, built)
    built.chmod(0o640)
    [[scratch]] = connection.execute("select current_catalog()").fetchall()
    connection.execute(f"attach {literal(str(built))} as {_EXTRACT}")
    connection.execute(f"attach {literal(str(work / 'before.duckdb'))} as {_BEFORE}")
    return str(scratch)


def _put_in(connection: duckdb.DuckDBPyConnection, scratch: str, *, recorded: bool, repriced: bool) -> None:
    """Put rows and cubes that were built anew in the place of those of the copy.

    Args:
        connection: has the copy, what was, and in `scratch` what is.
        scratch: the name of that database.
        recorded: whether the extract records unknown names.
        repriced: whether list prices of its days are others, so that the cube of days is made anew.
    """
    run(connection, "add/merge")
    run(connection, "add/reference_tables")
    if recorded:
        run(connection, "add/unknown_names_kept")
    same_terms = _merge_side_effects(connection, scratch)
    if repriced:
        _make_daily(connection, scratch)
    for name, grain in _GRAINS.items():
        if (same_terms or name != "daily_effects") and not (repriced and name == "daily"):
            _merge_cube(connection, scratch, name, grain)
    run(connection, "add/whole")
    run(connection, "add/changes")


def _holds(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether the extract has a table."""
    found = connection.execute(statements("add/tables")[0], {"catalog": _EXTRACT}).fetchall()
    return (table,) in found


def _sound_rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    [[rows]] = connection.execute(f"select count(*) from read_{table} where faults = 0").fetchall()  # noqa: S608
    return int(rows)


def _refuse_other_records(
    connection: duckdb.DuckDBPyConnection, base: pointer.Pointer, surveys: Sequence[Survey]
) -> None:
    """Refuse a delivery whose rows would take the place of others since their ids are numbers of rows.

    The first side effect of today's ae.csv has the id of the first one of yesterday's.
    """
    for one in surveys:
        made = one.source.mapping.columns if one.source.mapping else ()
        for mapped in (mapped for mapped in made if mapped.row_number is not None):
            begins = {"begins": f"{mapped.row_number}{one.source.name}-"}
            [[found]] = connection.execute(statements("add/other_records")[0], begins).fetchall()
            if found is not None:
                raise DeliveryError(
                    f"the delivery can't be added to {base.name}: {mapped.column.name} is the number of the row in "
                    f"{one.source.name}, and {found} is another record there, whose place it would take. Make the "
                    f"ids of columns, or call each day's file otherwise, as by its date; or {_WHOLE}"
                )


def _build_rows(
    connection: duckdb.DuckDBPyConnection, base: pointer.Pointer, values: dict[str, Any], progress: Step
) -> None:
    """The rows of the patients in question, from those of the delivery and then those of the extract."""
    progress("finding the patients in the extract", 0.4)
    run(connection, "add/universe", values)
    for number, table in enumerate(TABLES, start=values["file"]):
        _note_rows(connection, base, table.name, {**values, "file": number})
    run(connection, "add/load", values)
    run(connection, "duplicate_bookings", values)
    for number, name in enumerate(ROWS):
        progress(f"building {name.replace('_', ' ')}", 0.5 + 0.2 * number / len(ROWS))
        run(connection, name, values)
    run(connection, "add/replaced", values)
    run(connection, "rejects", values)
    run(connection, "reference_tables", values)


def _note_rows(
    connection: duckdb.DuckDBPyConnection, base: pointer.Pointer, table: str, values: dict[str, Any]
) -> None:
    """Make the extract a file of the table, with a line for each of its rows."""
    first_row, rows = count(connection, f"read_{table}"), count(connection, _EXTRACT, table)
    # Row numbers have gaps where an earlier addition replaced rows.
    last = connection.execute(f"select coalesce(max(rowid), 0) from {_EXTRACT}.{table}").fetchall()[0][0]  # noqa: S608
    lines = f"select place + 1 as line, 1 as part from place_{table}"  # noqa: S608
    waiting = 0
    if table != "bookings":
        waiting = count(connection, _EXTRACT, f"waiting_{table}")
        lines += f" union all select {last + 2} + rowid, 0 from {_EXTRACT}.waiting_{table}"  # noqa: S608
    of_file = {"source": table, "name": base.name, "sha256": base.sha256, "bytes": base.bytes}
    run(connection, "add/note_rows", {**values, **of_file, "rows": rows + waiting, "first_row": first_row})
    connection.execute(
        "insert into line_shifts select $file, number, line - number "  # noqa: S608
        f"from (select line, row_number() over (order by part, line) - 1 as number from ({lines}))",
        {"file": values["file"]},
    )


def _merge_side_effects(connection: duckdb.DuckDBPyConnection, scratch: str) -> bool:
    """Put the side effects in; where the extract's terms change, their cube is made anew, too, and it says False."""
    run(connection, "add/terms")
    now = connection.execute("select effect from terms_now order by position").fetchall()
    before = connection.execute("select effect::varchar from extract.effects order by position").fetchall()
    if now == before:
        run(connection, "add/terms_same")
        return True
    run(connection, "add/terms_other")
    into(connection, _EXTRACT)
    run(connection, "add/terms_type")
    connection.execute(statements("side_effects")[0])
    connection.execute(
        f"insert into side_effects by name select * from {identifier(scratch)}.all_side_effects "  # noqa: S608
        "order by starts_on, site, booking_id, event_id"
    )
    run(connection, "daily_effects")
    into(connection, scratch)
    return False


def _make_daily(connection: duckdb.DuckDBPyConnection, scratch: str) -> None:
    """Make the cube with the sums at list prices anew, of all bookings: prices have changed on days with some."""
    connection.execute(f"drop table {_EXTRACT}.daily")
    into(connection, _EXTRACT)
    run(connection, "daily")
    into(connection, scratch)


def _merge_cube(connection: duckdb.DuckDBPyConnection, scratch: str, name: str, grain: int) -> None:
    """Add to a cube of the extract the difference of the patients in question, on the dates on which there is one."""
    described = connection.execute(f"describe {_EXTRACT}.{identifier(name)}").fetchall()
    columns = [(identifier(column), kind) for column, kind, *_ in described]
    by = [column for column, _ in columns[:grain]]
    sums = columns[grain:]
    keys_of_cube, date, counted = ", ".join(by), by[0], sums[0][0]
    less = ", ".join(f"-{column} as {column}" for column, _ in sums)
    added = ", ".join(f"sum({column}) as {column}" for column, _ in sums)
    whole = ", ".join(f"cast(sum({column}) as {kind}) as {column}" for column, kind in sums)
    differs = " or ".join(f"sum({column}) <> 0" for column, _ in sums)
    cube = f"{_EXTRACT}.{identifier(name)}"
    connection.execute(
        f"create or replace temp table difference as select {keys_of_cube}, {added} from ("  # noqa: S608
        f"select * from {identifier(scratch)}.{identifier(name)} union all by name "
        f"select {keys_of_cube}, {less} from {_BEFORE}.{identifier(name)}) group by {keys_of_cube} having {differs}"
    )
    connection.execute(
        f"create or replace temp table merged as select {keys_of_cube}, {whole} from ("  # noqa: S608
        f"select * from {cube} where {date} in (select {date} from difference) union all by name "
        f"select * from difference) group by {keys_of_cube} having sum({counted}) > 0"
    )
    connection.execute(f"delete from {cube} where {date} in (select {date} from difference)")  # noqa: S608
    connection.execute(f"insert into {cube} by name select * from merged order by {keys_of_cube}")  # noqa: S608
