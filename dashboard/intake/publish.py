"""Makes a delivery the extract in use, whole or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from dashboard.intake import keys, pointer
from dashboard.intake.build import Identity, build
from dashboard.intake.contract import SCHEMA_VERSION, DeliveryError
from dashboard.intake.expressions import Loaded
from dashboard.intake.lookups import load_lookups
from dashboard.intake.mapping import Join, Mapping
from dashboard.intake.mapping_file import load_mapping
from dashboard.intake.reader import Source, Survey, find_sources, left_over, survey
from dashboard.intake.reference import Reference, load_reference
from dashboard.intake.report import FileReport, ImportReport, Reason
from dashboard.intake.sql import statements
from dashboard.metrics import DEFINITIONS_VERSION

KEPT_EXTRACTS = 5
MEMORY_LIMIT = "1GB"
LOCK_NAME = "import.lock"
_BUILDING = ".building"
_SURVEY_SHARE = 0.15

Progress = Callable[[str, float], None]


def import_delivery(
    delivery: Path,
    data: Path,
    *,
    reference: Path | None = None,
    mapping: Path | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
    memory_limit: str = MEMORY_LIMIT,
) -> ImportReport:
    """Read a delivery and publish it as the extract in use.

    An import that is under way is waited for. Whatever fails, the extract in use stays.

    Args:
        delivery: folder with the files that data/README.md describes.
        data: the data folder; extracts/ and state/ are made in it.
        reference: folder with own reference tables.
        mapping: file that says what the tables are made of, as docs/mapping.md describes.
        dry_run: read, check and report, and publish nothing.
        progress: called with what is done now and the share that is done, 0 to 1.
        memory_limit: what DuckDB may use before it spills to the data folder.

    Raises:
        DeliveryError: the delivery is refused, or the data folder cannot be written.
    """
    began = time.monotonic()
    tell: Progress = progress or (lambda _step, _share: None)
    extracts = data / "extracts"
    try:
        extracts.mkdir(parents=True, exist_ok=True)
        with _alone(extracts, tell):
            _sweep(extracts)
            work = extracts / _BUILDING
            work.mkdir(mode=0o700)
            try:
                report = _import(delivery, data, reference, mapping, dry_run, tell, memory_limit, work)
            finally:
                shutil.rmtree(work, ignore_errors=True)
            if not dry_run:
                _drop_oldest(extracts)
    except OSError as error:
        raise DeliveryError(
            f"{error.filename or data} cannot be written ({error.strerror}); "
            "the extract in use stays. Check free space and permissions, then import again"
        ) from error
    tell("checked" if dry_run else "published", 1.0)
    return dataclasses.replace(report, seconds=time.monotonic() - began)


@contextlib.contextmanager
def _alone(extracts: Path, tell: Progress) -> Iterator[None]:
    """Hold the import lock; the system frees it when the process ends, however it ends."""
    with (extracts / LOCK_NAME).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("waiting for another import to end", 0.0)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sweep(extracts: Path) -> None:
    """Remove what imports that were killed have left."""
    shutil.rmtree(extracts / _BUILDING, ignore_errors=True)


def _import(
    delivery: Path,
    data: Path,
    reference_folder: Path | None,
    mapping_file: Path | None,
    dry_run: bool,
    tell: Progress,
    memory_limit: str,
    work: Path,
) -> ImportReport:
    reference = load_reference(reference_folder)
    mapping = load_mapping(mapping_file, reference) if mapping_file else None
    demo = _is_demo(delivery)
    surveys = _survey(find_sources(delivery, mapping), tell)
    notes = _mapping_notes(delivery, mapping) if mapping else []

    def join(connection: duckdb.DuckDBPyConnection) -> dict[Join, Loaded]:
        if mapping is None:
            return {}
        loaded, faults = load_lookups(connection, mapping, delivery, work)
        notes.extend(faults)
        return loaded

    # A dry run keeps nothing, a new key neither.
    passing = dry_run and not (data / "state" / keys.FILE_NAME).exists()
    key = keys.DEMO_KEY if demo or passing else keys.patient_key(data / "state")
    built_at = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    name = _extract_name(built_at, surveys, reference, mapping.digest(delivery) if mapping else None)
    identity = Identity(SCHEMA_VERSION, DEFINITIONS_VERSION, built_at, name, demo)
    built = work / name
    try:
        with _database(built, work, memory_limit) as connection:
            build(connection, surveys, reference, identity, key, work, _later(tell), join)
            _verify(connection)
            files, reasons = _file_reports(connection, surveys), _reasons(connection)
    except duckdb.Error as error:
        raise DeliveryError(
            f"the extract could not be built: {str(error).splitlines()[0]}; the extract in use stays"
        ) from error
    if not sum(file.rows_accepted for file in files if file.source == "bookings"):
        raise DeliveryError(
            f"{delivery}: no row of bookings was accepted, so nothing was published. "
            f"Correct the files and import again{_examples(reasons)}"
        )
    if not dry_run:
        tell("publishing", 0.98)
        _publish(built, data / "extracts")
    return ImportReport(name, data / "extracts" / name, files, reasons, 0.0, tuple(notes), not dry_run)


def _mapping_notes(delivery: Path, mapping: Mapping) -> list[str]:
    notes = mapping.notes()
    if "side_effects" not in mapping.tables:
        notes.append("side_effects is not in the mapping, so the extract holds none")
    if others := left_over(delivery, mapping):
        notes.append(f"files that the mapping takes nothing from: {', '.join(others)}")
    return notes


def _later(tell: Progress) -> Progress:
    return lambda step, share: tell(step, _SURVEY_SHARE + (0.95 - _SURVEY_SHARE) * share)


def _is_demo(delivery: Path) -> bool:
    path = delivery / "delivery.json"
    try:
        return bool(json.loads(path.read_text(encoding="utf-8")).get("demo"))
    except FileNotFoundError:
        return False
    except (OSError, ValueError, AttributeError) as error:
        raise DeliveryError(f"{path} is not a JSON object; correct or remove it") from error


def _survey(sources: list[Source], tell: Progress) -> list[Survey]:
    total = sum(source.path.stat().st_size for source in sources) or 1
    surveys: list[Survey] = []
    done = 0

    for source in sources:

        def advance(size: int, name: str = source.name) -> None:
            nonlocal done
            done += size
            tell(f"checking {name}", _SURVEY_SHARE * min(done / total, 1.0))

        surveys.append(survey(source, advance))
    return surveys


def _extract_name(built_at: dt.datetime, surveys: list[Survey], reference: Reference, mapping: str | None) -> str:
    """Named by build time and by what went in, which decides what comes out."""
    content = [SCHEMA_VERSION, DEFINITIONS_VERSION, reference.sha256]
    content += [[one.source.table.name, one.source.name, one.sha256] for one in surveys]
    content += [mapping] if mapping else []
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    moment = f"{built_at:%Y%m%dT%H%M%S}{built_at.microsecond // 1000:03d}Z"
    return f"extract-{moment}-{digest[:12]}.duckdb"


@contextlib.contextmanager
def _database(path: Path, work: Path, memory_limit: str) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(
        str(path),
        config={
            "memory_limit": memory_limit,
            "temp_directory": str(work / "spill"),
            "preserve_insertion_order": "true",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    try:
        yield connection
        connection.execute("checkpoint")
    finally:
        connection.close()


def _verify(connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse an extract whose parts contradict each other."""
    for statement in statements("verify"):
        for claim, expected, found in connection.execute(statement).fetchall():
            if expected != found:
                raise DeliveryError(
                    f"the extract does not add up ({claim}: {expected:,} against {found:,}) and was "
                    "not published; the extract in use stays. Please report this with the delivery"
                )


def _file_reports(connection: duckdb.DuckDBPyConnection, surveys: list[Survey]) -> tuple[FileReport, ...]:
    ignored = {(one.source.table.name, one.source.name): one.ignored for one in surveys}
    rows = connection.execute(statements("file_counts")[0]).fetchall()
    return tuple(
        FileReport(source, file, read, accepted, rejected, ignored[source, file])
        for source, file, read, accepted, rejected in rows
    )


def _reasons(connection: duckdb.DuckDBPyConnection) -> tuple[Reason, ...]:
    rows = connection.execute(statements("reasons")[0]).fetchall()
    return tuple(Reason(*row) for row in rows)


def _examples(reasons: tuple[Reason, ...]) -> str:
    return "".join(f"\n  {reason.sentence}" for reason in reasons[:5])


def _publish(built: Path, extracts: Path) -> None:
    """Flush the extract, move it to its place, then turn the pointer to it."""
    with built.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    size = built.stat().st_size
    built.chmod(0o640)
    built.rename(extracts / built.name)
    _flush_folder(extracts)
    turned = built.with_name(pointer.FILE_NAME)
    with turned.open("w", encoding="utf-8") as file:
        json.dump({"name": built.name, "sha256": digest, "bytes": size}, file)
        file.flush()
        os.fsync(file.fileno())
    turned.replace(extracts / pointer.FILE_NAME)
    _flush_folder(extracts)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _drop_oldest(extracts: Path) -> None:
    """Keep the last few extracts; names sort by build time."""
    named = pointer.current(extracts)
    found = sorted(extracts.glob("extract-*.duckdb"))
    for path in found[:-KEPT_EXTRACTS]:
        if named is None or path != named.path:
            path.unlink()
