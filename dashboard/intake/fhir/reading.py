"""The second pass over a delivery: writes its records for the pipeline that all deliveries go through."""

from __future__ import annotations

import contextlib
import hashlib
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dashboard.intake.contract import TABLES, DeliveryError, Table
from dashboard.intake.fhir.bookings import booking_of_appointment, booking_of_encounter
from dashboard.intake.fhir.census import LINKS, MODIFIED, NO_ID, FileCensus, take_census
from dashboard.intake.fhir.files import UNKNOWN, ResourceFile, count_others, find_files, kind_of, refuse_unreadable
from dashboard.intake.fhir.index import Index
from dashboard.intake.fhir.links import follow_encounter, follow_form, note_merged, note_roles
from dashboard.intake.fhir.lookups import DUPLICATES, identity_of, superseded
from dashboard.intake.fhir.mending import MODIFIER
from dashboard.intake.fhir.money import payment_of, price_of_charge
from dashboard.intake.fhir.options import Options, read_options
from dashboard.intake.fhir.outcome import Outcome, Problem, Rejected, Remarks, Row
from dashboard.intake.fhir.questionnaires import instrument_of_form, score_of_form
from dashboard.intake.fhir.records import Records, ResourceScan, fault_of, note_lines, records_of, shortened
from dashboard.intake.fhir.safety import side_effect_of
from dashboard.intake.fhir.scores import holds_scores, scores_of
from dashboard.intake.fhir.stream import Item, Json, read_items
from dashboard.intake.fhir.terms import TABLE_OF
from dashboard.intake.fhir.versions import Order
from dashboard.intake.fhir.vocabulary import make_vocabulary
from dashboard.intake.fhir.world import World
from dashboard.intake.reading.finding import Source
from dashboard.intake.reading.reader import Survey, require_unchanged
from dashboard.intake.reference import Reference
from dashboard.stamps import stamp_of

_PART = 100_000

Progress = Callable[[str, float], None]

_LINK_READERS: dict[str, Callable[[World, str, Json], Outcome]] = {
    "Encounter": follow_encounter,
    "ChargeItem": price_of_charge,
    "QuestionnaireResponse": follow_form,
}
_RECORD_READERS: dict[str, Callable[[World, str, Json], Outcome]] = {
    "Appointment": booking_of_appointment,
    "Encounter": booking_of_encounter,
    "AdverseEvent": side_effect_of,
    "Invoice": payment_of,
    "QuestionnaireResponse": score_of_form,
}
_FORM = "QuestionnaireResponse"


@dataclass(frozen=True)
class Resources:
    """A delivery of FHIR resources, ready for the build.

    Attributes:
        surveys: the records, by table and file.
        notes: names of queries/build with their values: counts, what was left out, rejects.
        digests: SHA-256 of every file.
        remarks: what the delivery lacks, in sentences.
    """

    surveys: list[Survey]
    notes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    remarks: tuple[str, ...] = ()


def read_resources(
    delivery: Path,
    work: Path,
    reference: Reference,
    table: Mapping[str, Any] | None,
    progress: Progress,
) -> Resources:
    """Read all resources of a folder.

    Args:
        delivery: the folder.
        work: private folder for records and look-ups.
        reference: the reference tables.
        table: the [fhir] table of a mapping file, if there is one.
        progress: called with what is done now and the share that is done, 0 to 1.

    Raises:
        DeliveryError: a file can't be read, the options make no sense, or there is nothing to
            read bookings from.
    """
    options = read_options(table, reference)
    index = Index(work / "fhir.sqlite")
    try:
        return _Reading(delivery, index, reference, options, work, progress).run()
    finally:
        index.close()
        (work / "fhir.sqlite").unlink(missing_ok=True)


@contextlib.contextmanager
def _file(file: ResourceFile) -> Iterator[None]:
    """What goes wrong with a file, said with its name."""
    try:
        yield
    except (EOFError, zlib.error, OSError) as error:
        elsewhere = isinstance(error, OSError) and error.filename not in (None, str(file.path))
        if elsewhere:
            raise
        raise DeliveryError(f"{file.path} cannot be read ({error}); check it and deliver it again") from error


class _Reading:
    def __init__(
        self,
        delivery: Path,
        index: Index,
        reference: Reference,
        options: Options,
        work: Path,
        progress: Progress,
    ) -> None:
        self._delivery = delivery
        self._options = options
        self._work = work
        self._progress = progress
        self._world = World(index, make_vocabulary(reference, options), options, reference)
        self._digests: dict[str, tuple[str, int]] = {}
        self._stamps: dict[Path, tuple[int, ...]] = {}
        # Forms come last: those whose score an Observation tells make no second one.
        self._kinds = {kind: TABLE_OF[kind] for kind in (options.bookings, "AdverseEvent", "Invoice", "Observation")}
        self._kinds[_FORM] = TABLE_OF["Observation"]

    def run(self) -> Resources:
        refuse_unreadable(self._delivery)
        censuses = self._count(find_files(self._delivery))
        self._refuse_without_bookings(censuses)
        note_roles(self._world)
        for kind in LINKS:
            if kind != self._options.bookings:
                for census in self._holding(censuses, kind):
                    self._follow(census, kind)
        surveys: list[Survey] = []
        for number, (kind, table) in enumerate(self._kinds.items()):
            contract = next(one for one in TABLES if one.name == table)
            with records_of(self._work, kind, contract) as records:
                for census in self._holding([one for one in censuses if kind != _FORM or one.holds_forms], kind):
                    self._progress(f"reading {kind} of {census.file.name}", 0.6 + 0.08 * number)
                    survey = self._survey(census, kind, contract, records)
                    if survey.found.records:
                        surveys.append(survey)
                        records.part += 1
        for path, stamp in self._stamps.items():
            require_unchanged(path, stamp)
        digests = [sha256 for sha256, _ in self._digests.values()]
        lacking = self._lacking(censuses, {survey.source.table.name for survey in surveys})
        return Resources(surveys, self._notes(censuses), digests, tuple(lacking))

    def _count(self, files: list[ResourceFile]) -> list[FileCensus]:
        """The first pass."""
        total = sum(file.path.stat().st_size for file in files) or 1
        censuses: list[FileCensus] = []
        done = 0
        for file in files:
            self._progress(f"counting {file.name}", 0.6 * done / total)
            with _file(file):
                self._stamps[file.path] = stamp_of(file.path)
                self._digests[file.name] = _digest(file.path)
                censuses.append(take_census(file, self._world.index, self._options))
            done += self._digests[file.name][1]
        note_merged(self._world)
        self._world.index.forget_deleted()
        self._world.index.has_forms = any(census.holds_forms for census in censuses)
        return censuses

    def _holding(self, censuses: list[FileCensus], kind: str) -> Iterator[FileCensus]:
        """The files that hold a type, each with its remarks taken down."""
        for census in censuses:
            if kind in census.fates:
                self._world.remarks = Remarks(census.left_out)
                with _file(census.file):
                    yield census

    def _refuse_without_bookings(self, censuses: list[FileCensus]) -> None:
        kinds = {kind: sum(one.fates[kind].read for one in censuses if kind in one.fates) for kind in TABLE_OF}
        if kinds[self._options.bookings]:
            return
        advice = "deliver them, too"
        if self._options.bookings == "Appointment" and kinds["Encounter"]:
            advice = (
                f"it holds {kinds['Encounter']:,} Encounter: to take these as bookings, write the two lines "
                '[fhir] and bookings = "Encounter" into a file and import with --mapping FILE'
            )
        broken = ((one, reject) for one in censuses for reject in one.rejects if reject.kind == UNKNOWN)
        if first := next(broken, None):
            census, reject = first
            advice += (
                f". Or they are among what could not be read: line {reject.line:,} of {census.label} is the first "
                f"and {reject.problem.reason}"
            )
        raise DeliveryError(f"{self._delivery} holds no {self._options.bookings} to read bookings from; {advice}")

    def _follow(self, census: FileCensus, kind: str) -> None:
        """Follow the look-ups of one type that lead from one resource to another."""
        for item, resource in self._items(census, kind):
            if resource is None or MODIFIER in resource or (kind == _FORM and instrument_of_form(resource)):
                # Settled when it was counted, or yet to be read as a score.
                continue
            identity = identity_of(resource, item.full_url)
            if identity is None:
                outcome: Outcome = Rejected((Problem(f"{kind}.id", NO_ID),))
            elif found := superseded(self._world.index, f"{kind}/{identity}", resource, item.full_url):
                outcome = found
            elif not self._world.index.claim(f"{kind}/{identity}"):
                outcome = Rejected((Problem(f"{kind}.id", DUPLICATES[Order.UNKNOWN], identity),))
            else:
                outcome = _LINK_READERS[kind](self._world, f"{kind}/{identity}", resource)
            census.settle(kind, item, outcome)

    def _items(self, census: FileCensus, kind: str) -> Iterable[tuple[Item, Json | None]]:
        """The resources of a type in a file; None in place of one that can't be read."""
        for item in read_items(census.file.path, unambiguous=not census.is_ambiguous):
            found = kind_of(item, census.file)
            if found.name == kind and found.left_out is None:
                yield item, None if found.fault else item.resource

    def _survey(self, census: FileCensus, kind: str, contract: Table, records: Records) -> Survey:
        """Write the records that the resources of one type in a file become."""
        scan = ResourceScan(header=records.columns)
        lines = array("q")
        fate = census.fate(kind)
        for item, resource in self._items(census, kind):
            if kind == "Observation" and resource is not None and not holds_scores(resource):
                continue
            if kind == _FORM and (resource is None or MODIFIER in resource or not instrument_of_form(resource)):
                continue
            outcomes = self._outcomes(item, resource, kind, census)
            fate.read += len(outcomes) - 1
            for outcome in outcomes:
                if isinstance(outcome, Row):
                    records.write(outcome.values)
                    lines.append(census.place(item))
                    scan.accepted += 1
                    scan.records += 1
                elif isinstance(outcome, Rejected):
                    scan.records += 1
                    scan.faults += [fault_of(census.place(item), problem) for problem in outcome.problems]
                else:
                    census.settle(kind, item, outcome)
            if len(lines) >= _PART:
                note_lines(scan, lines)
        note_lines(scan, lines)
        sha256, size = self._digests[census.file.name]
        source = Source(contract, census.file.path, census.label_of(kind))
        return Survey(source, scan, records.columns, sha256, size, prepared=records.path)

    def _outcomes(self, item: Item, resource: Json | None, kind: str, census: FileCensus) -> list[Outcome]:
        if resource is None:
            broken = kind_of(item, census.file)
            return [Rejected((Problem(broken.element, broken.fault or "", broken.value),))]
        identity = identity_of(resource, item.full_url)
        if identity is None:
            return [Rejected((Problem(f"{kind}.id", NO_ID),))]
        if MODIFIER in resource:
            return [Rejected((Problem(f"{kind}.{MODIFIER}", MODIFIED),))]
        if found := superseded(self._world.index, f"{kind}/{identity}", resource, item.full_url):
            return [found]
        if kind == "Observation":
            return scores_of(self._world, identity, resource)
        return [_RECORD_READERS[kind](self._world, identity, resource)]

    def _table_of(self, census: FileCensus, kind: str) -> str | None:
        """The table whose rows of a file are those of a type; forms of which none is a score have none."""
        return None if kind == _FORM and not census.holds_forms else self._kinds.get(kind)

    def _notes(self, censuses: list[FileCensus]) -> list[tuple[str, dict[str, Any]]]:
        fates = [(census, kind, fate) for census in censuses for kind, fate in census.fates.items()]
        left = [(census, *key, count) for census in censuses for key, count in census.left_out.items()]
        rejects = [(census, reject) for census in censuses for reject in census.rejects]
        return [
            (
                "note_resources",
                {
                    "names": [census.label_of(kind) for census, kind, _ in fates],
                    "resources": [kind for _, kind, _ in fates],
                    "tables": [self._table_of(census, kind) for census, kind, _ in fates],
                    "digests": [self._digests[census.file.name][0] for census, _, _ in fates],
                    "sizes": [self._digests[census.file.name][1] for census, _, _ in fates],
                    "read": [fate.read for _, _, fate in fates],
                    "looked_up": [fate.looked_up for _, _, fate in fates],
                    "rejected": [fate.rejected for _, _, fate in fates],
                    "left": [fate.left_out for _, _, fate in fates],
                },
            ),
            (
                "note_left_out",
                {
                    "sources": [kind for _, kind, _, _, _ in left],
                    "names": [census.label_of(kind) for census, kind, _, _, _ in left],
                    "whats": [what for _, _, what, _, _ in left],
                    "counts": [count for _, _, _, _, count in left],
                    "reasons": [reason for _, _, _, reason, _ in left],
                },
            ),
            (
                "note_rejects",
                {
                    "sources": [reject.kind for _, reject in rejects],
                    "names": [census.label_of(reject.kind) for census, reject in rejects],
                    "lines": [reject.line for _, reject in rejects],
                    "columns": [reject.problem.element for _, reject in rejects],
                    "shown": [shortened(reject.problem.value) for _, reject in rejects],
                    "reasons": [reject.problem.reason for _, reject in rejects],
                },
            ),
        ]

    def _lacking(self, censuses: list[FileCensus], tables: set[str]) -> Iterable[str]:
        if others := count_others(self._delivery):
            endings = ", ".join(f"{ending} ({number:,})" for ending, number in sorted(others.items()))
            yield f"files that are no JSON of FHIR are not read: {endings}"
        held = {kind for census in censuses for kind in census.fates}
        for kind, what in (
            ("AdverseEvent", "no side effects are shown, which does not mean that there were none"),
            ("Invoice", "no payments are shown"),
            ("Observation", "no scores are shown"),
        ):
            if kind not in held and self._kinds[kind] not in tables:
                yield f"the delivery holds no {kind}: {what}"


def _digest(path: Path) -> tuple[str, int]:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size
