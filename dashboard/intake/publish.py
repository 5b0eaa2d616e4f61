"""Makes a delivery the extract in use, whole or not at all."""

from __future__ import annotations

import datetime as dt
import shutil
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from dashboard import folders, locks
from dashboard.intake import addition, facts, keys, pointer, publication, review, verification
from dashboard.intake.attempts import Watched
from dashboard.intake.build import Identity, Material, Prepare, build
from dashboard.intake.contract import DEFINITIONS_VERSION, SCHEMA_VERSION, DeliveryError, StorageError
from dashboard.intake.database import database, faults_told
from dashboard.intake.delivery import Delivery, Progress, read_delivery
from dashboard.intake.mapping import Join
from dashboard.intake.mapping.expressions import Loaded
from dashboard.intake.mapping.lookups import load_lookups
from dashboard.intake.noting import noted
from dashboard.intake.reading import shortened
from dashboard.intake.rejects import write_rejects
from dashboard.intake.remedy import remedy
from dashboard.intake.report import ImportReport, Reason
from dashboard.intake.unmatched import unmatched
from dashboard.settings import Settings

if TYPE_CHECKING:
    from dashboard.spark.engine import SparkBuild

LOCK_NAME = "import.lock"
_BUILDING = ".building"
_SURVEY_SHARE = 0.15


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


@dataclass(frozen=True)
class _Request:
    """What `import_delivery` was asked for; `behind` as of Watched."""

    delivery: Path
    data: Path
    reference: Path | None
    mapping: Path | None
    dry_run: bool
    tell: Progress
    memory_limit: str | None
    rules: Rules
    rejects: Path | None
    behind: str | None
    spark: SparkBuild | None
    add: bool

    @property
    def extracts(self) -> Path:
        """Where extracts lie."""
        return self.data / "extracts"


@dataclass(frozen=True)
class _Plan:
    """What is built from a delivery that was read; `base` is the extract that it is added to."""

    request: _Request
    work: Path
    found: Delivery
    key: bytes
    built_at: dt.datetime
    base: pointer.Pointer | None
    name: str

    @property
    def built(self) -> Path:
        """Where the extract is built."""
        return self.work / self.name


@dataclass(frozen=True)
class _Outcome:
    """What was built: of what is added the sound rows, and the last full days now and before where they matter."""

    report: ImportReport
    sound: int
    days: tuple[dt.date, dt.date] | None


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
    watched, rules = watched or Watched(), rules or Rules()
    request = _Request(
        delivery, data, reference, mapping, dry_run, tell, memory_limit, rules, rejects, watched.behind, spark, add
    )
    extracts = request.extracts
    with noted(extracts, delivery, watched, began, dry_run=dry_run, add=add) as done:
        try:
            folders.make(extracts)
            with locks.alone(extracts / LOCK_NAME, lambda: tell("waiting for another import to end", 0.0)):
                _sweep(extracts)
                work = extracts / _BUILDING
                work.mkdir(mode=0o700)
                try:
                    report, digests = _import(request, work)
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


def _import(request: _Request, work: Path) -> tuple[ImportReport, dict[Path, str]]:
    """The report, and the SHA-256 of each file of the delivery that was read."""
    found = read_delivery(
        request.delivery,
        work,
        request.reference,
        request.mapping,
        _earlier(request.tell),
        add=request.add,
        lines=request.rejects is not None,
    )
    rules, spark = request.rules, request.spark
    if found.demo and not rules.accept_drop:
        publication.refuse_demo(request.delivery, request.extracts)
    plan = _plan(request, work, found)
    if spark:
        spark.begin(request.extracts / plan.name)
    with faults_told():
        outcome = _build(plan)
        built = spark.set_apart(plan.built) if spark else plan.built
    _refuse_nothing(plan, outcome)
    if not rules.accept_drop:
        _refuse_less(request, outcome)
    if not request.dry_run:
        request.tell("publishing", 0.98)
        publication.publish(built, request.extracts, found.demo, spark.seal() if spark else None)
    return outcome.report, found.digests


def _plan(request: _Request, work: Path, found: Delivery) -> _Plan:
    key = _patient_key(request.data, request.rules, demo=found.demo, dry_run=request.dry_run)
    built_at = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    base = addition.base_of(request.extracts, demo=found.demo, key=key) if request.add else None
    further = [found.mapping.digest(request.delivery)] if found.mapping else []
    further += [base.sha256] if base else []
    name = publication.extract_name(built_at, found.resources, found.reference, further)
    return _Plan(request, work, found, key, built_at, base, name)


def _build(plan: _Plan) -> _Outcome:
    """Build the extract, verify it and read the report from it."""
    request, found, base = plan.request, plan.found, plan.base
    notes, spark = found.notes, request.spark

    def join(connection: duckdb.DuckDBPyConnection) -> dict[Join, Loaded]:
        if found.tables is None:
            return {}
        loaded, faults = load_lookups(connection, found.tables, request.delivery, plan.work)
        notes.extend([*faults, *unmatched(connection, found.surveys, loaded, plan.work)])
        return loaded

    past, sound = publication.in_use(request.extracts), 0
    records = sum(one.found.records for one in found.surveys)
    with database(
        plan.work / "scratch.duckdb" if base else plan.built, plan.work, request.memory_limit, records
    ) as connection:
        compared_with = base.name if base else review.attach(connection, past, demo=found.demo) if past else None
        material = _material(plan, compared_with, join)
        if base:
            sound = addition.add(connection, plan.built, base, material)
        else:
            build(connection, material, spark.cubes if spark else None)
        verification.verify(connection)
        if compared_with:
            notes += review.notes(connection, compared_with, keys.check_of(plan.key))
        days = review.last_full_days(connection) if request.behind and compared_with and not base else None
        if spark:
            spark.finish(connection)
        if request.rejects:
            notes += write_rejects(connection, found.surveys, request.rejects)
        report = ImportReport(
            plan.name,
            request.extracts / plan.name,
            verification.file_reports(connection, found.surveys),
            verification.reasons(connection),
            resources=verification.resource_reports(connection),
            left_out=verification.left_out(connection),
            notes=(*notes, *shortened.told(connection, found.surveys)),
            review=review.read(connection, compared_with),
            published=not request.dry_run,
        )
    return _Outcome(report, sound, days)


def _material(plan: _Plan, compared_with: str | None, join: Prepare) -> Material:
    request, found = plan.request, plan.found
    identity = Identity(
        SCHEMA_VERSION,
        DEFINITIONS_VERSION,
        plan.built_at,
        plan.name,
        found.demo,
        compared_with,
        request.rules.late_form_days,
        keys.check_of(plan.key),
    )
    notes = tuple(found.resources.notes)
    later = _later(request.tell)
    return Material(found.surveys, found.reference, identity, plan.key, plan.work, later, notes, join)


def _refuse_nothing(plan: _Plan, outcome: _Outcome) -> None:
    """Refuse a delivery without a booking that will do; of one that is added any row will do, now or later."""
    request, report, surveys = plan.request, outcome.report, plan.found.surveys
    if plan.base:
        names = {one.source.name for one in surveys}
        # Rows that are left out on purpose are as good as not there.
        reasons = tuple(reason for reason in report.reasons if reason.file in names)
        if reasons and not outcome.sound:
            raise DeliveryError(
                f"{request.delivery}: no row was accepted, so nothing was added. "
                f"{remedy(reasons, surveys, request.mapping)}{_examples(reasons)}"
            )
    elif not sum(file.rows_accepted for file in report.files if file.source == "bookings"):
        of_bookings = [one for one in surveys if one.source.table.name == "bookings"]
        raise DeliveryError(
            f"{request.delivery}: no row of bookings was accepted, so nothing was published. "
            f"{remedy(report.reasons, of_bookings, request.mapping, resources=bool(report.resources))}"
            f"{_excluded(report)}{_examples(report.reasons)}"
        )


def _refuse_less(request: _Request, outcome: _Outcome) -> None:
    """Refuse a delivery with far fewer rows than the extract in use, or with none but older ones."""
    report = outcome.report
    why = f"\nrejected lines, by reason:{_examples(report.reasons)}" if report.reasons else ""
    review.refuse_falls(report.review.changes, request.rules.drop_share, why)
    if request.behind and outcome.days:
        review.refuse_older(request.delivery, request.behind, *outcome.days)


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
