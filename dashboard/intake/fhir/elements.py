"""Takes elements out of resources whose form can't be relied on."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from dashboard.intake.contract import LONGEST_TEXT
from dashboard.intake.fhir.stream import Json
from dashboard.intake.fhir.vocabulary import Words

_YEAR = re.compile(r"\d{4}")
_MONTH = re.compile(r"\d{4}-\d{2}")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
#: What SNOMED CT's full names end with.
_TAG = re.compile(
    r" \((?:finding|disorder|procedure|event|situation|observable entity|qualifier value|regime/therapy|substance)\)$"
)


def objects(value: Any) -> Iterator[Json]:
    """The objects of a list, or the one that stands in its place."""
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        for one in value:
            if isinstance(one, dict):
                yield one


def texts(*values: Any) -> Iterator[str]:
    """The texts among values and lists of values, without blanks at their ends."""
    for value in values:
        for one in value if isinstance(value, list) else (value,):
            if isinstance(one, str) and (bare := one.strip()):
                yield bare


def concepts(value: Any) -> Iterator[Json]:
    """CodeableConcepts, also where they stand in a CodeableReference as FHIR R5 has it."""
    for one in objects(value):
        concept = one.get("concept")
        yield concept if isinstance(concept, dict) else one


def codings(concept: Any) -> Iterator[Json]:
    """The codings of one or several CodeableConcepts."""
    for one in concepts(concept):
        yield from objects(one.get("coding"))


def words_of(*values: Any) -> Words:
    """What CodeableConcepts are called: codes with and without their system, displays, texts."""
    keys: list[str] = []
    names: list[str] = []
    for value in values:
        if value is None:
            continue
        for coding in codings(value):
            for code in texts(coding.get("code")):
                keys += [f"{system}|{code}" for system in texts(coding.get("system"))]
                keys.append(code)
                names.append(code)
            names += (untagged(text) for text in texts(coding.get("display")))
        for one in concepts(value):
            names += (untagged(text) for text in texts(one.get("text")))
    return Words(tuple(keys), tuple(names))


def label_of(*values: Any) -> str | None:
    """A word for people: the first display, else text, else code."""
    words = words_of(*values)
    displays = [text for value in values for coding in codings(value) for text in texts(coding.get("display"))]
    others = [text for value in values for one in concepts(value) for text in texts(one.get("text"))]
    return next((untagged(text) for text in (*displays, *others, *words.names)), None)


def untagged(text: str) -> str:
    """A term without the tag of its full name in SNOMED CT, so that Nausea (finding) is Nausea."""
    return _TAG.sub("", text) if text.endswith(")") else text


def code_of(concept: Any) -> str | None:
    """The first code, else the first short display; free text is not taken."""
    found = [text for coding in codings(concept) for text in texts(coding.get("code"))]
    found += [text for coding in codings(concept) for text in texts(coding.get("display"))]
    return next((text for text in found if len(text) <= LONGEST_TEXT), None)


def is_date(text: Any) -> bool:
    """Whether a dateTime is a date without a time of day."""
    return isinstance(text, str) and _DATE.fullmatch(text) is not None


def is_partial(text: Any) -> bool:
    """Whether a date is a year, or a year and a month."""
    return isinstance(text, str) and (_YEAR.fullmatch(text) or _MONTH.fullmatch(text)) is not None


def middle_of(text: str) -> str:
    """The date in the middle of a partial date; any other as it is."""
    if _YEAR.fullmatch(text):
        return f"{text}-07-01"
    return f"{text}-15" if _MONTH.fullmatch(text) else text


def moment_of(text: Any, zone: dt.tzinfo) -> dt.datetime | None:
    """An instant, taken in `zone` where it has no offset; None where it isn't one."""
    if not isinstance(text, str) or len(text) <= len("2026-01-05"):
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def whole_of(value: Any) -> str | None:
    """A whole number, also where it is written as text or with zeros behind a point; None where it isn't one."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    # The size first: a short text can stand for a number that fills the memory.
    return str(int(number)) if number.is_finite() and abs(number) < 10**6 and number == int(number) else None


def form_name(resource: Json) -> str:
    """The last part of the address of the questionnaire that a form answers; a Reference in STU3."""
    given = resource.get("questionnaire")
    address = next(texts(given, *(one.get("reference") for one in objects(given))), "")
    return address.partition("|")[0].rstrip("/").rpartition("/")[2]


def period_of(value: Any) -> tuple[str | None, str | None]:
    """Start and end of a Period, where they are texts."""
    period = next(objects(value), {})
    return next(texts(period.get("start")), None), next(texts(period.get("end")), None)
