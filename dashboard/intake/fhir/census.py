"""The first pass over a delivery: counts its resources and fills the look-ups."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from dashboard.intake.fhir.elements import objects
from dashboard.intake.fhir.files import ResourceFile, kind_of
from dashboard.intake.fhir.index import Index
from dashboard.intake.fhir.lookups import DUPLICATES, identity_of, note_contained, note_resource
from dashboard.intake.fhir.mending import MODIFIER
from dashboard.intake.fhir.options import Options
from dashboard.intake.fhir.outcome import LeftOut, Outcome, Problem, Rejected, Used
from dashboard.intake.fhir.questionnaires import instrument_of_form
from dashboard.intake.fhir.references import key_of
from dashboard.intake.fhir.scores import NO_SCORE, holds_scores
from dashboard.intake.fhir.stream import TWICE, Item, Json, read_items
from dashboard.intake.fhir.terms import (
    BOOKING_TYPES,
    CANCELLATION_EXTENSION,
    LOOKUPS,
    PERSONAL,
    READ_ELEMENTS,
    TABLE_OF,
    VERSIONED,
)
from dashboard.intake.fhir.versions import Order, is_later

#: Look-ups that lead from one resource to another are followed once all of them are known.
LINKS = ("Encounter", "ChargeItem", "QuestionnaireResponse")
NO_ID = "is missing, or is not an id"
MODIFIED = "may change the meaning of the resource, and is not understood"
_SHORTENED = "SUBSETTED"
_NO_PLACE = "has no place in the contract"
_ELEMENT = re.compile(r"_?[a-z][A-Za-z]{0,39}")
_PERSONAL_KINDS = ("Patient", "Practitioner")


@dataclass
class Fate:
    """How many resources of a type a file holds, and what became of those that make no records."""

    read: int = 0
    looked_up: int = 0
    rejected: int = 0
    left_out: int = 0


@dataclass(frozen=True)
class Reject:
    """A resource that is no record of a table and can't be used."""

    kind: str
    line: int
    problem: Problem


@dataclass
class FileCensus:
    """What a file holds.

    Attributes:
        fates: by resource type.
        left_out: counts by type, what (the type itself, or one of its elements) and reason.
        rejects: of resources that are read for others.
        by_number: whether resources share lines, so that their number stands for the line.
        is_ambiguous: whether some resource names an element twice.
        holds_forms: whether there are forms among them that may be scores.
    """

    file: ResourceFile
    fates: dict[str, Fate] = field(default_factory=dict)
    left_out: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    rejects: list[Reject] = field(default_factory=list)
    by_number: bool = False
    is_ambiguous: bool = False
    holds_forms: bool = False

    def label_of(self, kind: str) -> str:
        """The file's label for a type; forms and Observations of one file, both scores, are told apart."""
        apart = self.holds_forms and kind == "QuestionnaireResponse" and "Observation" in self.fates
        return f"{self.label}#forms" if apart else self.label

    @property
    def label(self) -> str:
        """The file's name, as reports and the extract show it; the document of one patient may bear theirs."""
        of_one_patient = self.file.is_document and "Patient" in self.fates and self.fates["Patient"].read == 1
        name = self.file.place if of_one_patient else self.file.name
        return f"{name}#resources" if self.by_number else name

    def fate(self, kind: str) -> Fate:
        """The counts of a type."""
        return self.fates.setdefault(kind, Fate())

    def place(self, item: Item) -> int:
        """The line of an item, or its number."""
        return item.number if self.by_number else item.line

    def settle(self, kind: str, item: Item, outcome: Outcome) -> None:
        """Count what became of a resource that makes no record."""
        fate = self.fate(kind)
        if isinstance(outcome, Used):
            fate.looked_up += 1
        elif isinstance(outcome, LeftOut):
            fate.left_out += 1
            self.left_out[kind, kind, outcome.reason] += 1
        elif isinstance(outcome, Rejected):
            fate.rejected += 1
            self.rejects += [Reject(kind, self.place(item), problem) for problem in outcome.problems]


def take_census(file: ResourceFile, index: Index, options: Options) -> FileCensus:
    """Read a file once.

    Raises:
        OSError, EOFError, zlib.error: the file can't be read.
    """
    census = FileCensus(file)
    waiting: list[tuple[str, Item, Outcome]] = []
    line = 0
    for item in read_items(file.path):
        census.by_number |= item.line == line
        census.is_ambiguous |= item.fault == TWICE
        line = item.line
        kind = kind_of(item, file)
        census.fate(kind.name).read += 1
        outcome = _judge(item, kind.name, index, options) if kind.fault is None else None
        if kind.left_out is not None:
            outcome = LeftOut(kind.left_out)
            _note_deletion(item, index)
        elif kind.fault is not None and not makes_records(kind.name, options):
            outcome = Rejected((Problem(kind.element, kind.fault, kind.value),))
        if isinstance(outcome, Rejected):
            # Where it stands is known once it is known whether resources share lines.
            waiting.append((kind.name, Item(item.line, item.number), outcome))
        elif outcome is not None:
            census.settle(kind.name, item, outcome)
        if item.resource is not None and kind.fault is None and not isinstance(outcome, LeftOut):
            _count_elements(census, kind.name, item.resource)
    for name, item, outcome in waiting:
        census.settle(name, item, outcome)
    return census


def makes_records(kind: str, options: Options) -> bool:
    """Whether resources of this type become records of a table."""
    return kind in TABLE_OF and (kind not in BOOKING_TYPES or kind == options.bookings)


def _judge(item: Item, kind: str, index: Index, options: Options) -> Outcome | None:
    """What becomes of a resource, as far as it doesn't depend on others; None where it does."""
    resource: Json = item.resource or {}
    identity = identity_of(resource, item.full_url)
    if kind == "Observation" and not holds_scores(resource):
        # A later version may take a score back by another code. First versions, which most are, can't.
        if identity is not None and is_later(resource):
            note_resource(index, kind, identity, resource, item.full_url)
        return LeftOut(NO_SCORE)
    if MODIFIER in resource and kind in LOOKUPS and not makes_records(kind, options):
        return Rejected((Problem(f"{kind}.{MODIFIER}", MODIFIED),))
    order: Order | None = None
    if kind in VERSIONED and identity is not None:
        order = note_resource(index, kind, identity, resource, item.full_url)
    if makes_records(kind, options) or kind in LINKS:
        note_contained(index, resource)
        return None
    if kind in BOOKING_TYPES:
        return LeftOut(f"bookings are read from {options.bookings}")
    if kind not in LOOKUPS:
        return LeftOut(_NO_PLACE)
    if identity is None:
        return Rejected((Problem(f"{kind}.id", NO_ID),))
    if order is None:
        return Used()
    return Rejected((Problem(f"{kind}.id", DUPLICATES[order], _shown(kind, identity)),))


def _note_deletion(item: Item, index: Index) -> None:
    """An entry that has no resource may say that one was deleted."""
    if item.deleted is not None and (key := key_of(item.deleted[0])) is not None:
        index.delete(key, item.deleted[1])


def _shown(kind: str, identity: str) -> str:
    return "(not shown)" if kind == "Patient" else identity


def _count_elements(census: FileCensus, kind: str, resource: Json) -> None:
    meta = resource.get("meta")
    if isinstance(meta, dict) and any(tag.get("code") == _SHORTENED for tag in objects(meta.get("tag"))):
        census.left_out[kind, f"{kind}.meta", "is tagged SUBSETTED: the server left out elements"] += 1
    others = resource.keys() - READ_ELEMENTS.get(kind, resource.keys())
    # What a server adds to FHIR's own elements may be what somebody looks for here, as a grade.
    if kind in READ_ELEMENTS and any(
        one.get("url") != CANCELLATION_EXTENSION for one in objects(resource.get("extension"))
    ):
        others.add("extension")
    if kind == "QuestionnaireResponse" and instrument_of_form(resource):
        census.holds_forms = True
        others -= {"subject", "authored", "item"}
    for name in others:
        # The name of an element is no text of the delivery's own; anything else might be.
        element = name if _ELEMENT.fullmatch(name) else "(no element of FHIR)"
        personal = kind in _PERSONAL_KINDS and element in PERSONAL
        census.left_out[kind, f"{kind}.{element}", "is personal and never read" if personal else _NO_PLACE] += 1
