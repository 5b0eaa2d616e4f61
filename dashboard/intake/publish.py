"""Makes a delivery the extract in use, whole or not at all."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from dashboard import folders, locks
from dashboard.intake import addition, facts, keys, pointer, publication, review, verification
from dashboard.intake.attempts import Watched
from dashboard.intake.build import Identity, Material, build, into
from dashboard.intake.contract import DEFINITIONS_VERSION, SCHEMA_VERSION, DeliveryError, StorageError
from dashboard.intake.delivery import Progress, read_delivery
from dashboard.intake.mapping import Join
from dashboard.intake.mapping.expressions import Loaded
from dashboard.intake.mapping.lookups import load_lookups
from dashboard.intake.noting import noted
from dashboard.intake.reading import shortened
from dashboard.intake.reading.reader import Survey
from dashboard.intake.rejects import write_rejects
from dashboard.intake.remedy import remedy
from dashboard.intake.report import ImportReport, Reason
from dashboard.intake.sql import STAGED, literal, told
from dashboard.intake.unmatched import unmatched
from dashboard.settings import Settings

if TYPE_CHECKING:
    from dashboard.spark.engine import SparkBuild

LOCK_NAME = "import.lock"
_BUILDING = ".building"
_SURVEY_SHARE = 0.15
#: So many records are staged in memory, from where they spill as they are. Of a table in memory some of each block of
#: rows never leaves it (its flags and words by number), so that more need a file: which takes longer to write, being
#: compressed.
_STAGED_IN_MEMORY = 5_000_000
#: What DuckDB may use for so many records, and for more: every sort and join of many comes to the limit, and there is
#: more beside it that DuckDB doesn't count. Ten million bookings are to stay below 1 GB.
_MEMORY_LIMIT, _MEMORY_LIMIT_OF_MANY = "672MB", "560MB"

#: What DuckDB raises for want of space or memory, or when a write fails under it.
_MACHINE = (
    duckdb.IOException,
    duckdb.OutOfMemoryException,
    duckdb.TransactionException,
    duckdb.FatalException,
)


@dataclass(frozen=True)
class Rules:
    """What a person may set about publication.

    Attributes:
        drop_share: the fall of a table's or site's rows that is still published, 0.05 for 5 %.
        accept_drop: publish whatever the fall.
        kept_extracts: how many extracts stay, the one in use always among them.
        late_form_days: days after a visit from which its missing side-effect form counts as late.
        patient_key, patient_key_file: the key of the patient numbers, where it isn't in the data folder.
    """

    drop_share: float = 0.05
    accept_drop: bool = False
    kept_extracts: int = 5
    late_form_days: int = 3
    patient_key: str | None = field(default=None, repr=False)
    patient_key_file: Path | None = None

    @classmethod
    def of(cls, settings: Settings, *, accept_drop: bool = False) -> Rules:
        """What the settings say."""
        return cls(
            settings.drop_share / 100,
            accept_drop,
            settings.kept_extracts,
            settings.late_form_days,
            settings.patient_key,
            settings.patient_key_file,
        )


def import_delivery(
    delivery: Path,
    data: Path,
    *,
    reference: Path | None = None,
    mapping: Path | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
    memory_limit: str | None = None,
    rules: Rules | None = None,
    rejects: Path | None = None,
    watched: Watched | None = None,
    spark: SparkBuild | None = None,
    add: bool = False,
) -> ImportReport:
    """Read a delivery and publish it as the extract in use.

    An import that is under way is waited for. Whatever fails, the extract in use stays. What was
    tried and what came of it is noted in extracts/imports.jsonl.

    Args:
        delivery: folder with the files that data/README.md or docs/fhir.md describes, or with those
            of another system that the mapping describes.
        data: the data folder; extracts/ and state/ are made in it.
        reference: folder with own reference tables.
        mapping: file that says what the tables are made of, and what codes of FHIR resources mean.
        dry_run: read, check and report; publish, note and keep nothing.
        progress: called with what is done now and the share that is done, 0 to 1.
        memory_limit: what DuckDB may use before it spills to the data folder; by the number of records unless given.
        rules: what is let pass and kept.
        rejects: folder for the rejected lines as they were delivered, also where nothing is published.
        watched: how an inbox came to the delivery; None where a person named it.
        spark: builds the cubes and keeps the facts as Parquet; where it is None, DuckDB does and holds all.
        add: the delivery holds what is new or changed, and goes into the extract in use.

    Raises:
        DropError: far fewer rows than in the extract in use, or none but older or made-up ones.
        StorageError: the data folder cannot be written, or the machine lacks memory or space.
        DeliveryError: the delivery is refused.
    """
    began = time.monotonic()
    tell: Progress = progress or (lambda _step, _share: None)
    extracts = data / "extracts"
    watched = watched or Watched()
    with noted(extracts, delivery, watched, began, dry_run=dry_run, add=add) as done:
        try:
            folders.make(extracts)
            with locks.alone(extracts / LOCK_NAME, lambda: tell("waiting for another import to end", 0.0)):
                _sweep(extracts)
                work = extracts / _BUILDING
                work.mkdir(mode=0o700)
                try:
                    rules = rules or Rules()
                    report, digests = _import(
                        delivery,
                        data,
                        reference,
                        mapping,
                        dry_run,
                        tell,
                        memory_limit,
                        work,
                        rules,
                        rejects,
                        watched.behind,
                        spark=spark,
                        add=add,
                    )
                finally:
                    shutil.rmtree(work, ignore_errors=True)
                if not dry_run:
                    with pointer.held(extracts):
                        publication.drop_oldest(extracts, rules.kept_extracts)
        except OSError as error:
            raise StorageError(
                f"{error.filename or data} cannot be written ({error.strerror}); "
                "the extract in use stays. Check free space and permissions, then import again"
            ) from error
        report = replace(report, seconds=time.monotonic() - began)
        done(report, digests)
    tell("checked" if dry_run else "published", 1.0)
    return report


def _sweep(extracts: Path) -> None:
    """Remove what imports that were killed have left."""
    shutil.rmtree(extracts / _BUILDING, ignore_errors=True)
    with pointer.held(extracts):
        pointer.sweep(extracts)
    facts.sweep(extracts)


def _import(
    delivery: Path,
    data: Path,
    reference_folder: Path | None,
    mapping_file: Path | None,
    dry_run: bool,
    tell: Progress,
    memory_limit: str | None,
    work: Path,
    rules: Rules,
    rejects: Path | None,
    behind: str | None,
    *,
    spark: SparkBuild | None,
    add: bool,
) -> tuple[ImportReport, dict[Path, str]]:
    """The report, and the SHA-256 of each file of the delivery that was read."""
    found = read_delivery(
        delivery, work, reference_folder, mapping_file, _earlier(tell), add=add, lines=rejects is not None
    )
    surveys, demo, notes = found.surveys, found.demo, found.notes

    def join(connection: duckdb.DuckDBPyConnection) -> dict[Join, Loaded]:
        if found.tables is None:
            return {}
        loaded, faults = load_lookups(connection, found.tables, delivery, work)
        notes.extend([*faults, *unmatched(connection, surveys, loaded, work)])
        return loaded

    if demo and not rules.accept_drop:
        publication.refuse_demo(delivery, data / "extracts")
    key = _patient_key(data, rules, demo=demo, dry_run=dry_run)
    built_at = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    base = addition.base_of(data / "extracts", demo=demo, key=key) if add else None
    further = [found.mapping.digest(delivery)] if found.mapping else []
    further += [base.sha256] if base else []
    name = publication.extract_name(built_at, found.resources, found.reference, further)
    built = work / name
    if spark:
        spark.begin(data / "extracts" / name)
    past, sound = publication.in_use(data / "extracts"), 0
    try:
        records = sum(one.found.records for one in surveys)
        with _database(work / "scratch.duckdb" if base else built, work, memory_limit, records) as connection:
            compared_with = base.name if base else review.attach(connection, past, demo=demo) if past else None
            identity = Identity(
                SCHEMA_VERSION,
                DEFINITIONS_VERSION,
                built_at,
                name,
                demo,
                compared_with,
                rules.late_form_days,
                keys.check_of(key),
            )
            noted = tuple(found.resources.notes)
            material = Material(surveys, found.reference, identity, key, work, _later(tell), noted, join)
            if base:
                sound = addition.add(connection, built, base, material)
            else:
                build(connection, material, spark.cubes if spark else None)
            verification.verify(connection)
            if compared_with:
                notes += review.notes(connection, compared_with, keys.check_of(key))
            days = review.last_full_days(connection) if behind and compared_with and not base else None
            if spark:
                spark.finish(connection)
            if rejects:
                notes += write_rejects(connection, surveys, rejects)
            report = ImportReport(
                name,
                data / "extracts" / name,
                verification.file_reports(connection, surveys),
                verification.reasons(connection),
                resources=verification.resource_reports(connection),
                left_out=verification.left_out(connection),
                notes=(*notes, *shortened.told(connection, surveys)),
                review=review.read(connection, compared_with),
                published=not dry_run,
            )
        if spark:
            built = spark.set_apart(built)
    except _MACHINE as error:
        raise StorageError(
            f"the extract could not be built: {told(error)}; the extract in use stays. "
            "Check free space and memory, then import again"
        ) from error
    except duckdb.Error as error:
        raise DeliveryError(
            f"the extract could not be built: {told(error)}; the extract in use stays. Please report this"
        ) from error
    if base and not sound:
        _refuse_nothing(delivery, report, surveys, mapping_file)
    elif not base and not sum(file.rows_accepted for file in report.files if file.source == "bookings"):
        of_bookings = [one for one in surveys if one.source.table.name == "bookings"]
        raise DeliveryError(
            f"{delivery}: no row of bookings was accepted, so nothing was published. "
            f"{remedy(report.reasons, of_bookings, mapping_file, resources=bool(report.resources))}"
            f"{_excluded(report)}{_examples(report.reasons)}"
        )
    if not rules.accept_drop:
        why = f"\nrejected lines, by reason:{_examples(report.reasons)}" if report.reasons else ""
        review.refuse_falls(report.review.changes, rules.drop_share, why)
        if behind and days:
            review.refuse_older(delivery, behind, *days)
    if not dry_run:
        tell("publishing", 0.98)
        publication.publish(built, data / "extracts", demo, spark.seal() if spark else None)
    return report, found.digests


def _refuse_nothing(delivery: Path, report: ImportReport, surveys: list[Survey], mapping: Path | None) -> None:
    """Refuse a delivery to be added of which no row at all will do, now or later."""
    names = {one.source.name for one in surveys}
    # Rows that are left out on purpose are as good as not there.
    if reasons := tuple(reason for reason in report.reasons if reason.file in names):
        raise DeliveryError(
            f"{delivery}: no row was accepted, so nothing was added. "
            f"{remedy(reasons, surveys, mapping)}{_examples(reasons)}"
        )


def _patient_key(data: Path, rules: Rules, *, demo: bool, dry_run: bool) -> bytes:
    """The key of the patient numbers. A dry run keeps nothing, a new key neither."""
    set_elsewhere = rules.patient_key or rules.patient_key_file
    passing = dry_run and not set_elsewhere and not (data / "state" / keys.FILE_NAME).exists()
    if demo or passing:
        return keys.DEMO_KEY
    return keys.patient_key(data / "state", rules.patient_key, rules.patient_key_file)


def _earlier(tell: Progress) -> Progress:
    return lambda step, share: tell(step, _SURVEY_SHARE * share)


def _later(tell: Progress) -> Progress:
    return lambda step, share: tell(step, _SURVEY_SHARE + (0.95 - _SURVEY_SHARE) * share)


@contextlib.contextmanager
def _database(path: Path, work: Path, memory_limit: str | None, records: int) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a database, and beside it one for rows on their way into it."""
    many = records > _STAGED_IN_MEMORY
    connection = duckdb.connect(
        str(path),
        config={
            "memory_limit": memory_limit or (_MEMORY_LIMIT_OF_MANY if many else _MEMORY_LIMIT),
            "temp_directory": str(work / "spill"),
            "preserve_insertion_order": "true",
            # It turns lists of words into joins, behind which rows are read in any order and lose their lines.
            "disabled_optimizers": "in_clause",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )
    staged = str(work / "staged.duckdb") if many else ":memory:"
    try:
        [[catalog]] = connection.execute("select current_catalog()").fetchall()
        connection.execute(f"attach {literal(staged)} as {STAGED}")
        into(connection, catalog)
        yield connection
        connection.execute("checkpoint")
    finally:
        connection.close()


def _excluded(report: ImportReport) -> str:
    """How many bookings the mapping leaves out, or resources that might be some, as a sentence behind another."""
    whole = [left for left in report.left_out if left.source == left.what in ("Appointment", "Encounter")]
    if whole:
        return f". Left out are {', '.join(left.sentence for left in whole)}"
    told = [
        f"{left.rows:,} row{'s' * (left.rows != 1)} by {left.reason}"
        for left in report.left_out
        if left.source == left.what == "bookings"
    ]
    return f". The mapping leaves out {' and '.join(told)}" if told else ""


def _examples(reasons: tuple[Reason, ...]) -> str:
    return "".join(f"\n  {reason.sentence}" for reason in reasons[:5])
