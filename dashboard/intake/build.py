"""Builds the tables of an extract from surveyed files, in DuckDB."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections.abc import Callable, Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from dashboard.intake import keys
from dashboard.intake.contract import DeliveryError
from dashboard.intake.leaks import is_hidden
from dashboard.intake.mapping import Join
from dashboard.intake.mapping.expressions import Expressions, Loaded
from dashboard.intake.reading.files import is_gzip, mend, unreadable
from dashboard.intake.reading.finding import Source
from dashboard.intake.reading.reader import Survey, expressions, view_of
from dashboard.intake.reading.repeats import refuse_moved_columns
from dashboard.intake.reference import Reference
from dashboard.intake.sql import STAGED, identifier, literal, parameters, statements

#: Rows without their doubles; then numbers for patients.
SOUND = ("misfit_rows", "rejected_rows", "unknown_names")
NUMBERED = ("duplicate_bookings", "patients")
ROWS = (
    "kept_bookings",
    "contradictory_side_effects",
    "effects",
    "side_effects",
    "bookings",
    "patient_sites",
    "contradictory_payments",
    "payments",
    "contradictory_scores",
    "scores",
)
#: Additive counts and sums of the facts, which another engine may build.
CUBES = ("daily", "daily_payments", "hourly", "daily_effects", "daily_patients", "courses", "outcomes", "returns")
#: What the extract says of the delivery, of itself and as of its last full day.
ACCOUNT = ("sources", "resources", "extract_info", "gaps", "late_forms", "worklists", "oddities")
_ALL = (*SOUND, *NUMBERED, *ROWS, "rejects", "reference_tables", "calendar", *CUBES, *ACCOUNT)

#: So many files are read at once.
_FILES = 500
#: Larger compressed or mapped files are read alone: their statement costs little then, and less memory.
_SMALL = 2**20
#: So many bookings are sorted at once: they fit in the memory that an import has.
_SPAN_ROWS = 2_000_000
_SPAN = ("first_on", "last_on")

Step = Callable[[str, float], None]
#: Executes a file of queries/build by its name, with the values that it may bind.
Run = Callable[[duckdb.DuckDBPyConnection, str, dict[str, Any]], None]
Prepare = Callable[[duckdb.DuckDBPyConnection], dict[Join, Loaded]]


@dataclasses.dataclass(frozen=True)
class Identity:
    """What an extract says of itself; `compared_with` is attached as `before` while it is built."""

    schema_version: int
    definitions_version: str
    built_at: dt.datetime
    name: str
    demo: bool
    compared_with: str | None = None
    late_form_days: int = 3
    key_check: str = ""


@dataclasses.dataclass(frozen=True)
class Material:
    """What an extract is built from.

    Attributes:
        surveys: the files of the delivery.
        reference: the reference tables.
        identity: goes to extract_info.
        key: turns patient ids into numbers.
        work: folder for mended copies.
        progress: called with what is done now and the share that is done, 0 to 1.
        notes: names of queries/build with their values, for what a reader has to add.
        prepare: loads the joins of a mapping.
    """

    surveys: Sequence[Survey]
    reference: Reference
    identity: Identity
    key: bytes
    work: Path
    progress: Step
    notes: Sequence[tuple[str, dict[str, Any]]] = ()
    prepare: Prepare | None = None

    @property
    def values(self) -> dict[str, Any]:
        """What the statements of a build may bind."""
        return {**dataclasses.asdict(self.identity), **keys.padded(self.key)}


def build(connection: duckdb.DuckDBPyConnection, material: Material, cubes: Run | None = None) -> None:
    """Fill an empty database with the tables that docs/extract.md names.

    Args:
        connection: open on the database.
        material: what it is built from.
        cubes: builds what CUBES names; DuckDB itself where it is None.

    Raises:
        DeliveryError: DuckDB read other rows than the scan counted.
    """
    read(connection, material)
    for number, name in enumerate(_ALL):
        material.progress(f"building {name.replace('_', ' ')}", 0.4 + 0.6 * number / len(_ALL))
        (cubes if cubes and name in CUBES else run)(connection, name, material.values)
    if material.identity.compared_with:
        material.progress("comparing with the extract in use", 1.0)
        run(connection, "changes")


def read(connection: duckdb.DuckDBPyConnection, material: Material) -> None:
    """Read the files into an empty database, as typed values with their faults."""
    run(connection, "macros")
    _load_reference(connection, material.reference)
    run(connection, "types")
    run(connection, "staging")
    for name, value in keys.padded(material.key).items():
        connection.execute(f"set variable key_{name} = $value", {"value": value})
    lookups = material.prepare(connection) if material.prepare else {}
    zones = [site.timezone for site in material.reference.sites]
    number = 0
    for together in _together(material.surveys):
        material.progress(f"reading {together[0].source.name}", 0.4 * number / len(material.surveys))
        _read(connection, number, together, lookups, zones, material.work)
        number += len(together)
    for name, noted in material.notes:
        run(connection, name, noted)
    run(connection, "shortened_patients")


def into(connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
    """Make and look up tables in a database; what it lacks is looked for among the staged rows."""
    connection.execute(f"set search_path = {literal(f'{identifier(catalog)},{STAGED}')}")


def run(connection: duckdb.DuckDBPyConnection, name: str, values: dict[str, Any] | None = None) -> None:
    """Execute the statements of queries/build/NAME.sql, each with the values that it names.

    One that names `first_on` and `last_on` is executed for each span of days of the kept bookings.
    """
    for statement in statements(name):
        named = parameters(statement)
        own = {key: (values or {})[key] for key in named - set(_SPAN)}
        for span in _spans(connection) if named >= set(_SPAN) else [{}]:
            execute(connection, statement, own | span)


def _spans(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    found = connection.execute(statements("spans")[0], {"rows": _SPAN_ROWS}).fetchall()
    return [dict(zip(_SPAN, days, strict=True)) for days in found]


def execute(connection: duckdb.DuckDBPyConnection, statement: str, values: dict[str, Any]) -> None:
    """Execute a statement; where memory doesn't suffice, once more with one thread, which needs less of it.

    Raises:
        duckdb.OutOfMemoryException: it doesn't suffice for one thread either.
    """
    try:
        connection.execute(statement, values)
    except duckdb.OutOfMemoryException:
        [[threads]] = connection.execute("select current_setting('threads')").fetchall()
        connection.execute("set threads = 1")
        try:
            connection.execute(statement, values)
        finally:
            connection.execute(f"set threads = {int(threads)}")


def _load_reference(connection: duckdb.DuckDBPyConnection, reference: Reference) -> None:
    run(connection, "reference")
    for name, rows in reference.rows().items():
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            connection.executemany(f"insert into {identifier('reference_' + name)} values ({marks})", rows)  # noqa: S608


def _together(surveys: Sequence[Survey]) -> Iterator[list[Survey]]:
    """Files in their order, those together that are read in one go: a statement takes 20 ms."""
    for _, found in itertools.groupby(enumerate(surveys), lambda one: one[1].prepared or _kind(one[1]) or one[0]):
        together = [surveyed for _, surveyed in found]
        most = len(together) if together[0].prepared else _FILES
        yield from (together[start : start + most] for start in range(0, len(together), most))


def _kind(surveyed: Survey) -> Hashable:
    """What parts of a table have in common that are written alike; None of a file that has to be read alone."""
    source, found = surveyed.source, surveyed.found
    if surveyed.types or not found.plain or (source.mapping is not None and not source.mapping.is_of_rows):
        return None
    compressed = is_gzip(source.path)
    if surveyed.bytes > _SMALL and (compressed or source.mapping is not None):
        return None
    # A table's section is one mapping for all of its files.
    return source.table.name, id(source.mapping), found.header, found.tidy, surveyed.dialect, compressed


def _read(
    connection: duckdb.DuckDBPyConnection,
    number: int,
    together: list[Survey],
    lookups: dict[Join, Loaded],
    zones: list[str],
    work: Path,
) -> None:
    """Read one file, or several of one table in one, into its staging table and check that every record arrived."""
    surveyed = together[0]
    source, found = surveyed.source, surveyed.found
    table = source.table.name
    path = surveyed.prepared or source.path
    if surveyed.prepared is None and not found.plain:
        path = work / f"{number}.csv"
        mend(surveyed.inspected, path)
    before = count(connection, f"read_{table}")
    mapped = expressions(surveyed, lookups)
    failed, beside = False, [] if surveyed.prepared else [one.source.path for one in together[1:]]

    def take(path: Path) -> None:
        connection.execute(view_of(surveyed, path, mapped, beside))
        run(connection, f"read_{table}", {"file": number, "timezones": zones})

    try:
        try:
            take(path)
        except duckdb.IOException:
            # DuckDB refuses what the count passed over: zeros behind the end of the compressed bytes, as tapes have.
            if beside or path != source.path or not is_gzip(path):
                raise
            path = work / f"{number}.csv"
            mend(surveyed.inspected, path)
            take(path)
    except duckdb.Error as error:
        if not beside:
            raise unreadable(source.path, error) from error
        failed = True
    finally:
        if path != source.path:
            path.unlink(missing_ok=True)
    if failed:
        # Which of them can't be read is told when each is read alone; nothing of any was taken.
        for place, one in enumerate(together):
            _read(connection, number + place, [one], lookups, zones, work)
        return
    for one in together:
        one.require_unchanged()
    arrived, sound = count(connection, f"read_{table}") - before, sum(one.found.sound for one in together)
    if arrived != sound:
        if beside:
            _require_each(connection, number, before, together)
        raise _other_rows(source.path, sound, arrived)
    if beside:
        _require_each(connection, number, before, together)
    left_out = 0
    if surveyed.prepared is None:
        refuse_moved_columns(connection, number, before, together)
    if mapped is not None:
        _note_mapping(connection, range(number, number + len(together)), surveyed, mapped)
        left_out = _note_left_out(connection, number, source)
        _empty_unusable(connection, number, source)
    _note_files(connection, number, before, together, left_out)


def _require_each(connection: duckdb.DuckDBPyConnection, number: int, before: int, together: list[Survey]) -> None:
    """Refuse files that were read together and did not arrive each whole and in their order."""
    table = together[0].source.table.name
    rows = connection.execute(
        f"select file, min(rowid), max(rowid), count(*) from {identifier(f'read_{table}')} "  # noqa: S608
        "where file >= $number group by file",
        {"number": number},
    ).fetchall()
    arrived = {file: tuple(found) for file, *found in rows}
    for place, one in enumerate(together):
        first, last, found = arrived.get(number + place, (before, before - 1, 0))
        if (first, last, found) != (before, before + one.found.sound - 1, one.found.sound):
            raise _other_rows(one.source.path, one.found.sound, found)
        before += found


def _other_rows(path: Path, sound: int, arrived: int) -> DeliveryError:
    return DeliveryError(
        f"{path}: {sound:,} sound records were counted and {arrived:,} were read; "
        "nothing was published. Save the file as plain CSV UTF-8 and deliver it again"
    )


def _note_files(
    connection: duckdb.DuckDBPyConnection, number: int, before: int, together: list[Survey], left_out: int
) -> None:
    """Keep what is known of files that were read together; rows are left out only of one that was read alone."""
    sound = [one.found.sound for one in together]
    tables = [one.found.shift_table() for one in together]
    faults = [(one.source.name, fault) for one in together for fault in one.found.faults]
    run(
        connection,
        "note_file",
        {
            "files": list(range(number, number + len(together))),
            "source": together[0].source.table.name,
            "names": [one.source.name for one in together],
            "sha256s": [one.sha256 for one in together],
            "bytes": [one.bytes for one in together],
            "rows_read": [one.found.records for one in together],
            "sound": sound,
            "left_out": [left_out] * len(together),
            "starts": list(itertools.accumulate(sound, initial=before))[:-1],
            "shifted": [number + place for place, (rows, _) in enumerate(tables) for _ in rows],
            "first_rows": [row for rows, _ in tables for row in rows.tolist()],
            "shifts": [shift for _, shifts in tables for shift in shifts.tolist()],
            "broken": [name for name, _ in faults],
            "lines": [fault.line for _, fault in faults],
            "columns": [fault.column for _, fault in faults],
            "shown": [fault.value for _, fault in faults],
            "reasons": [fault.reason for _, fault in faults],
        },
    )


def _note_mapping(
    connection: duckdb.DuckDBPyConnection, files: Sequence[int], surveyed: Survey, expressions: Expressions
) -> None:
    """Keep for the rejects what each column of files that were read together was made of."""
    table, mapping = surveyed.source.table, surveyed.source.mapping
    if mapping is None:
        return
    places = {column.name: place for place, column in enumerate(table.columns)}
    names = [mapped.column.name for mapped in mapping.columns]
    found = expressions.misfits()
    run(
        connection,
        "note_mapping",
        {
            "files": list(files),
            "source": table.name,
            "places": [places[name] for name in names],
            "columns": names,
            "origins": [mapped.origin for mapped in mapping.columns],
            "personal": [is_hidden(mapping, mapped, surveyed.found.header) for mapped in mapping.columns],
            "reasons": [found[name].reason for name in names],
            "missing": [found[name].missing for name in names],
            "patterns": [found[name].pattern for name in names],
        },
    )


def _note_left_out(connection: duckdb.DuckDBPyConnection, number: int, source: Source) -> int:
    """Keep why rows of a file were left out, and return how many."""
    mapping = source.mapping
    if mapping is None or not mapping.filters:
        return 0
    counts = dict(connection.execute(statements("left_out_rows")[0], {"file": number}).fetchall())
    told = [(reason, counts[setting]) for setting, reason in mapping.reasons().items() if setting in counts]
    same = [source.table.name] * len(told)
    noted = {"sources": same, "names": [source.name] * len(told), "whats": same}
    run(
        connection,
        "note_left_out",
        {**noted, "counts": [rows for _, rows in told], "reasons": [reason for reason, _ in told]},
    )
    return sum(counts.values())


def _empty_unusable(connection: duckdb.DuckDBPyConnection, number: int, source: Source) -> None:
    """Empty the values that a mapping would rather lose than their row, and keep how many they are."""
    told = source.mapping.emptied() if source.mapping else {}
    if not told:
        return
    table = source.table.name
    run(connection, "unusable", {"source": table, "file": number, "columns": list(told)})
    run(connection, f"unusable_{table}", {"file": number})
    counts = dict(connection.execute(statements("emptied_rows")[0], {"file": number}).fetchall())
    noted = {"sources": [table] * len(counts), "names": [source.name] * len(counts), "whats": list(counts)}
    reasons = [told[name] for name in counts]
    run(connection, "note_left_out", {**noted, "counts": list(counts.values()), "reasons": reasons})


def count(connection: duckdb.DuckDBPyConnection, *name: str) -> int:
    """How many rows a table has, by its name, with that of its database before it where it is another one."""
    [[rows]] = connection.execute(f"select count(*) from {'.'.join(map(identifier, name))}").fetchall()  # noqa: S608
    return int(rows)
