"""Adverse events as side effects."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from dashboard.intake.contract import LONGEST_TEXT
from dashboard.intake.fhir.elements import (
    code_of,
    codings,
    is_date,
    label_of,
    moment_of,
    objects,
    period_of,
    texts,
    words_of,
)
from dashboard.intake.fhir.outcome import LeftOut, Outcome, Problem, Rejected, RejectionError, Row
from dashboard.intake.fhir.references import DanglingError, shown
from dashboard.intake.fhir.stream import Json
from dashboard.intake.fhir.terms import GRADES, OUTCOMES, SNOMED, SNOMED_SEVERITY
from dashboard.intake.fhir.vocabulary import plain
from dashboard.intake.fhir.world import World

_DAY = 24 * 60 * 60
_GRADE = re.compile(r"\bgrade ([1-5])\b")
_SEVERITY_WORDS = (
    ("fatal", r"\b(fatal|death|died)\b"),
    ("life_threatening", r"\blife threatening\b"),
    ("severe", r"\bsevere\b"),
    ("moderate", r"\bmoderate\b"),
    ("mild", r"\bmild\b"),
)


def side_effect_of(world: World, identity: str, resource: Json) -> Outcome:
    """The side effect that an AdverseEvent is."""
    if resource.get("actuality") == "potential":
        return LeftOut("actuality potential: it did not happen")
    if resource.get("status") == "entered-in-error":
        return LeftOut("status entered-in-error")
    values: dict[str, str | None] = {"event_id": identity}
    problems: list[Problem] = []
    for column, find in (("booking_id", _booking), ("effect", _effect)):
        try:
            values[column] = find(world, resource)
        except RejectionError as error:
            problems.append(error.problem)
    if problems:
        return Rejected(tuple(problems))
    values["severity"] = _severity(world, resource.get("severity"))
    values["serious"] = _serious(world, resource.get("seriousness"))
    values["outcome"] = _outcome(world, resource.get("outcome"))
    values["related"] = _related(resource)
    onset, over = _times(resource)
    if is_date(onset):
        world.remarks.note("AdverseEvent", "date", "says no time of day: the minutes to onset are not known")
    values["onset_at"] = None if is_date(onset) else onset
    values["resolved_at"] = None if is_date(over) else over
    return Row(values)


def _effect(world: World, resource: Json) -> str:
    concept = resource.get("event", resource.get("code"))
    if found := world.vocabulary.effects.find(words_of(concept)):
        return found
    label = label_of(concept)
    if label is None:
        raise RejectionError("AdverseEvent.event", "is empty")
    if len(label) > LONGEST_TEXT:
        # May tell a story, so it isn't shown.
        raise RejectionError(
            "AdverseEvent.event",
            f"is longer than {LONGEST_TEXT} characters; add its code under [fhir.effects] of a mapping file",
            "(not shown)",
        )
    return label


def _booking(world: World, resource: Json) -> str:
    """The id of the booking at which it happened: by the encounter, else by patient and time."""
    patient = world.patient(objects(resource.get("subject")), resource, "AdverseEvent.subject")
    key = _by_encounter(world, resource) or _by_time(world, resource, patient)
    whose = world.index.patient_of(key)
    if whose is not None and whose != patient:
        raise RejectionError("AdverseEvent.subject", "is another patient than that of the booking", "(not shown)")
    return key.partition("/")[2]


def _by_encounter(world: World, resource: Json) -> str | None:
    for reference in objects(resource.get("encounter")):
        try:
            found = world.resolver.resolve(reference, resource, "Encounter")
        except DanglingError as error:
            raise RejectionError("AdverseEvent.encounter", str(error), shown(reference)) from None
        if found.kind == world.options.bookings:
            return found.key
        if found.kind == "Encounter" and (booking := world.index.booking_of(found.key)):
            return booking
    return None


def _by_time(world: World, resource: Json, patient: str) -> str:
    """The patient's attended booking of the day up to the event, if there is one and no other."""
    moment: Any = _times(resource)[0]
    if moment is None:
        for reference in objects(resource.get("encounter")):
            found = world.follow(reference, resource, "Encounter")
            if found is not None and found.kind == "Encounter" and found.contained is None:
                moment = world.index.data(found.key)["start"]
    if is_date(moment):
        bookings = world.index.bookings_on(patient, moment)
    elif instant := moment_of(moment, dt.UTC):
        bookings = world.index.bookings_before(patient, int(instant.timestamp()), _DAY)
    else:
        raise RejectionError(
            "AdverseEvent.encounter", "leads to no booking, and there is no date to find the patient's booking by"
        )
    if len(bookings) != 1:
        many = "several" if bookings else "no"
        raise RejectionError(
            "AdverseEvent.encounter", f"leads to no booking, and the patient has {many} attended booking at its time"
        )
    return bookings[0]


def _times(resource: Json) -> tuple[str | None, str | None]:
    """When it happened, else when it was found; and when it was over, where a period says it."""
    start, end = period_of(resource.get("occurrencePeriod"))
    happened = texts(resource.get("date"), resource.get("occurrenceDateTime"), start, resource.get("detected"))
    return next(happened, None), end


def _severity(world: World, concept: Any) -> str | None:
    """The grade by code, word or CTCAE's number."""
    if concept is None:
        return None
    for coding in codings(concept):
        if coding.get("system") == SNOMED and (grade := SNOMED_SEVERITY.get(str(coding.get("code")))):
            return grade
    for name in words_of(concept).names:
        text = plain(name)
        if match := _GRADE.search(text) or re.fullmatch("([1-5])", text):
            return GRADES[int(match.group(1)) - 1]
        for grade, pattern in _SEVERITY_WORDS:
            if re.search(pattern, text):
                return grade
    world.remarks.note("AdverseEvent", "severity", "is no grade that the contract has")
    return None


def _serious(world: World, concept: Any) -> str | None:
    if concept is None:
        return None
    for name in words_of(concept).names:
        text = plain(name)
        if text.startswith(("non serious", "nonserious", "not serious")) or text == "no":
            return "no"
        if text.startswith("serious") or text == "yes":
            return "yes"
    world.remarks.note("AdverseEvent", "seriousness", "is neither serious nor non-serious")
    return None


def _outcome(world: World, concept: Any) -> str | None:
    if concept is None:
        return None
    for name in words_of(concept).names:
        text = plain(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))
        if text in OUTCOMES:
            return OUTCOMES[text]
    world.remarks.note("AdverseEvent", "outcome", "is no outcome that the contract has")
    return None


def _related(resource: Json) -> str | None:
    """The causality of the first suspect that has one; its texts are free and are not taken."""
    for suspect in objects(resource.get("suspectEntity")):
        for causality in objects(suspect.get("causality")):
            for concept in (causality.get("assessment"), causality.get("entityRelatedness")):
                displays = [text for one in codings(concept) for text in texts(one.get("display"))]
                label = next((text for text in displays if len(text) <= LONGEST_TEXT), None) or code_of(concept)
                if label is not None:
                    return label
    return None
