"""Observations of PHQ-9 and GAD-7 as scores."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from dashboard.intake.fhir.elements import codings, is_date, objects, period_of, texts
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
        score = _whole(value)
        fault = fault or (None if score is not None else "is not a whole number")
        own = [] if fault is None else [Problem(element, fault, _shown(value))]
        if problems or own:
            rows.append(Rejected((*problems, *own)))
            continue
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
        if value is None and (of_panel or "dataAbsentReason" in part):
            continue
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


def _whole(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        number = Decimal(value)
        return str(int(number)) if number.is_finite() and abs(number) < 10**6 and number == int(number) else None
    except InvalidOperation:
        return None


def _shown(value: Any) -> str | None:
    return None if value is None else str(value)[:40] if isinstance(value, int | str) else "(not shown)"
