"""Observations of PHQ-9 and GAD-7 as scores."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from dashboard.intake.fhir.elements import codings, is_date, moment_of, objects, period_of, texts, whole_of
from dashboard.intake.fhir.outcome import LeftOut, Outcome, Problem, Rejected, RejectionError, Row, unknown_status
from dashboard.intake.fhir.stream import Json
from dashboard.intake.fhir.terms import FINAL_OBSERVATION, INSTRUMENT_OF, LOINC_SYSTEMS, PANELS, STATUSES_LEFT_OUT
from dashboard.intake.fhir.world import World

NO_SCORE = "holds no total score of PHQ-9 or GAD-7"
NO_SCORE_OF_PANEL = "a panel without a total score of its own"


def holds_scores(resource: Json) -> bool:
    """Whether an Observation, or one of its components, is of PHQ-9 or GAD-7."""
    return any(_instrument(part.get("code")) for part in (resource, *objects(resource.get("component"))))


def scores_of(world: World, identity: str, resource: Json) -> list[Outcome]:
    """The scores that an Observation holds: mostly one, with components perhaps two."""
    status = str(resource.get("status"))
    if reason := STATUSES_LEFT_OUT["Observation"].get(status):
        return [LeftOut(reason)]
    if status not in FINAL_OBSERVATION:
        return [Rejected((unknown_status("Observation", status),))]
    found = list(_values(resource))
    if not found:
        return [LeftOut(NO_SCORE_OF_PANEL)]
    problems: list[Problem] = []
    patient: str | None = None
    try:
        patient = world.patient(objects(resource.get("subject")), resource, "Observation.subject")
    except RejectionError as error:
        problems.append(error.problem)
    start, _ = period_of(resource.get("effectivePeriod"))
    named = (resource.get("effectiveDateTime"), resource.get("effectiveInstant"), start, resource.get("issued"))
    taken = next(texts(*named), None)
    if taken is None:
        problems.append(Problem("Observation.effective[x]", "is empty"))
    rows: list[Outcome] = []
    for number, (instrument, value, element, fault) in enumerate(found):
        score = whole_of(value)
        fault = fault or (None if score is not None else "is not a whole number")
        own = [] if fault is None else [Problem(element, fault, _shown(value))]
        if problems or own:
            rows.append(Rejected((*problems, *own)))
            continue
        if world.index.has_forms:
            _note_score(world, resource, instrument, patient or "", taken or "")
        rows.append(
            Row(
                {
                    "score_id": identity if number == 0 else f"{identity}#{instrument}",
                    "patient_id": patient,
                    "instrument": instrument,
                    "taken_at": f"{taken} 00:00" if is_date(taken) else taken,
                    "score": score,
                }
            )
        )
    return rows


def _note_score(world: World, resource: Json, instrument: str, patient: str, taken: str) -> None:
    """Note which forms need not be counted, since this is their score."""
    for day in _days(taken):
        world.index.claim(f"score {instrument} {day} {patient}")
    for reference in objects(resource.get("derivedFrom")):
        found = world.follow(reference, resource, "QuestionnaireResponse")
        if found is not None:
            world.index.claim(f"score {found.key}")


def is_scored(world: World, form: str, instrument: str, patient: str, taken: str) -> bool:
    """Whether an Observation is the score of a form: it says so, or it is of that patient and day."""
    keys = [f"score {form}", *(f"score {instrument} {day} {patient}" for day in _days(taken))]
    return any(map(world.index.is_claimed, keys))


def _days(taken: str) -> set[str]:
    """The date as written and, of a time, in Greenwich: the same moment may be written with several offsets."""
    moment = moment_of(taken, dt.UTC)
    return {taken[:10], f"{moment.astimezone(dt.UTC):%Y-%m-%d}" if moment else taken[:10]}


def _instrument(concept: Any) -> tuple[str, bool] | None:
    """The questionnaire that a LOINC code is of, and whether the code is that of the panel; one, or none."""
    found: set[tuple[str, bool]] = set()
    for coding in codings(concept):
        if "system" in coding and str(coding["system"]).rstrip("/") not in LOINC_SYSTEMS:
            continue
        known = (code for code in texts(coding.get("code")) if code in INSTRUMENT_OF)
        found |= {(INSTRUMENT_OF[code], code in PANELS) for code in known}
    return min(found) if len({instrument for instrument, _ in found}) == 1 else None


def _values(resource: Json) -> Iterator[tuple[str, Any, str, str | None]]:
    """Questionnaire, value, element and fault of each total score; the sure code before the panel's own value."""
    found: dict[str, tuple[str, Any, str, str | None]] = {}
    parts = [(resource, "Observation.value[x]")]
    parts += [(component, "Observation.component") for component in objects(resource.get("component"))]
    for part, element in sorted(parts, key=lambda one: (_instrument(one[0].get("code")) or ("", True))[1]):
        coded = _instrument(part.get("code"))
        if coded is None:
            continue
        instrument, of_panel = coded
        value = part.get("valueInteger")
        fault: str | None = None
        if value is None:
            quantity = next(objects(part.get("valueQuantity")), {})
            value, fault = quantity.get("value"), _fault(quantity)
        if value is None and (text := part.get("valueString")) is not None:
            # What isn't a number alone may be a note, and is not shown.
            value, fault = (text, None) if whole_of(text) else ({}, None)
        if value is None and (of_panel or "dataAbsentReason" in part):
            continue
        if "dataAbsentReason" in part:
            fault = fault or "stands beside a reason why there is no value"
        if instrument not in found:
            found[instrument] = (instrument, value, element, fault)
        elif not of_panel and value != found[instrument][1]:
            found[instrument] = (instrument, value, element, "stands beside another value of the same score")
    yield from found.values()


def _fault(quantity: Json) -> str | None:
    """What makes the value of a Quantity another than that of a score."""
    if "comparator" in quantity:
        return "is not the score itself (comparator)"
    return "is a percentage" if "%" in (quantity.get("code"), quantity.get("unit")) else None


def _shown(value: Any) -> str | None:
    return None if value is None else str(value)[:40] if isinstance(value, int | str) else "(not shown)"
