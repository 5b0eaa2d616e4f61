"""Answers to PHQ-9 and GAD-7 as scores, where their total is plain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dashboard.intake.fhir.elements import form_name, is_date, objects, texts, whole_of
from dashboard.intake.fhir.outcome import LeftOut, Outcome, Problem, Rejected, RejectionError, Row, unknown_status
from dashboard.intake.fhir.scores import is_scored
from dashboard.intake.fhir.stream import Json
from dashboard.intake.fhir.terms import (
    ANSWERS,
    FINISHED_FORM,
    INSTRUMENT_OF,
    LOINC_SYSTEMS,
    PANELS,
    QUESTIONS,
    UNFINISHED_FORM,
)
from dashboard.intake.fhir.vocabulary import plain
from dashboard.intake.fhir.world import World

_FORMS = {plain(code): INSTRUMENT_OF[code] for code in PANELS}
_FORMS |= {"phq 9": "PHQ-9", "phq9": "PHQ-9", "gad 7": "GAD-7", "gad7": "GAD-7"}
_WEIGHTS = ("ordinalValue", "itemWeight")
_HIGHEST = 3


def instrument_of_form(resource: Json) -> str | None:
    """The questionnaire that a QuestionnaireResponse answers, if it is one of the two, by the end of its address."""
    return _FORMS.get(plain(form_name(resource)))


def score_of_form(world: World, identity: str, resource: Json) -> Outcome:
    """The score of a form of which the total stands in it, or all questions are answered by 0 to 3."""
    instrument = instrument_of_form(resource) or ""
    status = str(resource.get("status"))
    if status in UNFINISHED_FORM:
        return LeftOut(f"status {status}: not completed")
    if status not in FINISHED_FORM:
        return Rejected((unknown_status("QuestionnaireResponse", status),))
    problems: list[Problem] = []
    patient = score = None
    try:
        score = _total(instrument, resource)
        if score is None:
            return LeftOut("answers to PHQ-9 or GAD-7 without a total, and not all answers are 0 to 3")
        patient = world.patient(objects(resource.get("subject")), resource, "QuestionnaireResponse.subject")
    except RejectionError as error:
        problems.append(error.problem)
    taken = next(texts(resource.get("authored")), None)
    if taken is None:
        problems.append(Problem("QuestionnaireResponse.authored", "is empty"))
    if problems or taken is None or patient is None:
        return Rejected(tuple(problems))
    if is_scored(world, f"QuestionnaireResponse/{identity}", instrument, patient, taken):
        return LeftOut("answers of which an Observation tells the score")
    return Row(
        {
            # The id of an Observation may be the same.
            "score_id": f"QuestionnaireResponse/{identity}",
            "patient_id": patient,
            "instrument": instrument,
            "taken_at": f"{taken} 00:00" if is_date(taken) else taken,
            "score": str(score),
        }
    )


def _total(instrument: str, resource: Json) -> int | None:
    """The total that is stated, or the sum of the answers; None where neither is plain.

    Raises:
        RejectionError: several totals are stated, or another than the sum.
    """
    totals: set[int | None] = set()
    answered: list[tuple[str | None, int | None]] = []
    for item in _answered(resource):
        codes = set(_codes(item))
        points = _points(item)
        if any(INSTRUMENT_OF.get(code) == instrument and code not in PANELS for code in codes):
            totals.add(points)
        else:
            answered.append((next(iter(codes & QUESTIONS[instrument]), None), points))
    # Where questions bear LOINC's codes, others that a form may have, such as how difficult it was, don't count.
    coded = [points for code, points in answered if code is not None]
    values = coded or [points for _, points in answered]
    known = [points for points in values if points is not None and 0 <= points <= _HIGHEST]
    codes_held = {code for code, _ in answered if code is not None}
    whole = len(values) == len(known) == len(QUESTIONS[instrument]) and (not coded or len(codes_held) == len(values))
    if whole:
        totals.add(sum(known))
    if len(totals) > 1:
        raise RejectionError("QuestionnaireResponse.item", "states a total that is not the sum of its answers")
    return next(iter(totals), None)


def _answered(container: Any) -> Iterator[Json]:
    """The items that hold answers, at whatever depth."""
    waiting = [container]
    while waiting:
        item = waiting.pop()
        answers = list(objects(item.get("answer")))
        if answers:
            yield item
        for one in (item, *answers):
            waiting += objects(one.get("item"))


def _codes(item: Json) -> Iterator[str]:
    """The codes that an item may be of: the ends of its link and of its definition."""
    for text in texts(item.get("linkId"), item.get("definition")):
        yield text.rstrip("/").replace("#", "/").rpartition("/")[2]


def _points(item: Json) -> int | None:
    """What the one answer of an item counts."""
    answers = list(objects(item.get("answer")))
    if len(answers) != 1:
        return None
    [answer] = answers
    for name in ("valueInteger", "valueDecimal"):
        if (number := whole_of(answer.get(name))) is not None:
            return int(number)
    coding = next(objects(answer.get("valueCoding")), {})
    for holder in (answer, coding):
        for extension in objects(holder.get("extension")):
            if str(extension.get("url")).rpartition("/")[2] in _WEIGHTS:
                number = whole_of(extension.get("valueDecimal"))
                return None if number is None else int(number)
    if str(coding.get("system")).rstrip("/") in LOINC_SYSTEMS:
        return ANSWERS.get(str(coding.get("code")))
    return None
