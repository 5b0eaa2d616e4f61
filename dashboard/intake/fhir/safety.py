"""Adverse events as side effects."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import Any

from dashboard.intake.contract import LONGEST_TEXT
from dashboard.intake.fhir.elements import (
    code_of,
    codings,
    is_date,
    is_partial,
    label_of,
    moment_of,
    objects,
    period_of,
    texts,
    words_of,
)
from dashboard.intake.fhir.outcome import OTHER_PATIENT, LeftOut, Outcome, Problem, Rejected, RejectionError, Row
from dashboard.intake.fhir.references import DanglingError, shown
from dashboard.intake.fhir.stream import Json
from dashboard.intake.fhir.terms import GRADES, OUTCOMES, SNOMED_SEVERITY, SNOMED_SYSTEMS
from dashboard.intake.fhir.vocabulary import plain
from dashboard.intake.fhir.world import World

_DAY = 24 * 60 * 60
_GRADE = re.compile(r"\bgrade ([1-5])\b")
_SEVERITY_WORDS = (
    ("fatal", re.compile(r"\b(fatal|death|died)\b")),
    ("life_threatening", re.compile(r"\blife threatening\b")),
    ("severe", re.compile(r"\bsevere\b")),
    ("moderate", re.compile(r"\bmoderate\b")),
    ("mild", re.compile(r"\bmild\b")),
)
_ANY_SEVERITY = "(?:fatal|death|died|life threatening|severe|moderate|mild)"
#: As in the CTCAE's own words for grade 3: severe, but not immediately life-threatening.
_DENIED_SEVERITY = re.compile(rf"\b(?:no|not|non|without)(?: \w+)? {_ANY_SEVERITY}(?: or {_ANY_SEVERITY})*\b")
_NOT_SERIOUS = re.compile(r"(?:non|not) ?serious\b|no$")
_SERIOUS = re.compile(r"serious\b(?!.*\b(?:no|not|non|none|unknown)\b)|yes$")


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
    values["related"] = _related(world, resource)
    onset, over = _times(resource)
    if onset is not None and not _has_time(onset):
        world.remarks.note("AdverseEvent", "date", "says no time of day: the minutes to onset are not known")
    values["onset_at"] = onset if _has_time(onset) else None
    values["resolved_at"] = over if _has_time(over) else None
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
        raise RejectionError("AdverseEvent.subject", OTHER_PATIENT, "(not shown)")
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


def _has_time(text: str | None) -> bool:
    return text is not None and not is_date(text) and not is_partial(text)


def _severity(world: World, concept: Any) -> str | None:
    """The grade by code, word or CTCAE's number, where all of them mean the same."""
    if concept is None:
        return None
    grades: set[str] = set()
    for coding in codings(concept):
        system, code = str(coding.get("system")), str(coding.get("code"))
        if system in SNOMED_SYSTEMS and code in SNOMED_SEVERITY:
            grades.add(SNOMED_SEVERITY[code])
        elif "ctc" in system.casefold() and re.fullmatch("[1-5]", code):
            # A bare number is one of many scales, unless its system is that of the CTCAE.
            grades.add(GRADES[int(code) - 1])
    for name in words_of(concept).names:
        grades |= _grades_of(plain(name))
    return _only(world, grades, "severity", "is no grade that the contract has")


@lru_cache(maxsize=1000)
def _grades_of(text: str) -> frozenset[str]:
    if numbers := _GRADE.findall(text):
        return frozenset(GRADES[int(number) - 1] for number in numbers)
    text = _DENIED_SEVERITY.sub(" ", text)
    return frozenset(grade for grade, pattern in _SEVERITY_WORDS if pattern.search(text))


def _serious(world: World, concept: Any) -> str | None:
    if concept is None:
        return None
    answers: set[str] = set()
    for name in words_of(concept).names:
        text = _spaced(name)
        if _NOT_SERIOUS.match(text):
            answers.add("no")
        elif _SERIOUS.match(text):
            answers.add("yes")
    return _only(world, answers, "seriousness", "is neither serious nor non-serious")


def _only(world: World, found: set[str], element: str, otherwise: str) -> str | None:
    """What was found, if it is one thing."""
    if len(found) == 1:
        return next(iter(found))
    world.remarks.note("AdverseEvent", element, "means several things" if found else otherwise)
    return None


@lru_cache(maxsize=1000)
def _spaced(name: str) -> str:
    """A name, or a code in camel case, word by word."""
    return plain(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name))


def _outcome(world: World, concept: Any) -> str | None:
    if concept is None:
        return None
    for name in words_of(concept).names:
        text = _spaced(name)
        if text in OUTCOMES:
            return OUTCOMES[text]
    world.remarks.note("AdverseEvent", "outcome", "is no outcome that the contract has")
    return None


def _related(world: World, resource: Json) -> str | None:
    """The causality of the suspects, where it is the same for all; its texts are free and are not taken."""
    labels = [label for suspect in objects(resource.get("suspectEntity")) if (label := _causality(suspect))]
    if len({plain(label) for label in labels}) > 1:
        world.remarks.note("AdverseEvent", "suspectEntity", "has several suspects that are judged differently")
        return None
    return labels[0] if labels else None


def _causality(suspect: Json) -> str | None:
    for causality in objects(suspect.get("causality")):
        for concept in (causality.get("assessment"), causality.get("entityRelatedness")):
            displays = [text for one in codings(concept) for text in texts(one.get("display"))]
            label = next((text for text in displays if len(text) <= LONGEST_TEXT), None) or code_of(concept)
            if label is not None:
                return label
    return None
