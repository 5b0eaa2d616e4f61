"""Appointments, or where these are missing encounters, as bookings."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboard.intake.fhir.actors import actors_of
from dashboard.intake.fhir.elements import (
    code_of,
    is_date,
    is_partial,
    label_of,
    middle_of,
    moment_of,
    objects,
    texts,
    whole_of,
    words_of,
)
from dashboard.intake.fhir.lookups import encounter_of
from dashboard.intake.fhir.options import LAST_UPDATED
from dashboard.intake.fhir.outcome import LeftOut, Outcome, Problem, Rejected, RejectionError, Row, unknown_status
from dashboard.intake.fhir.stream import Json
from dashboard.intake.fhir.terms import (
    APPOINTMENT_STATUSES,
    CANCELLATION_EXTENSION,
    ENCOUNTER_STATUSES,
    STATUSES_LEFT_OUT,
)
from dashboard.intake.fhir.vocabulary import Words
from dashboard.intake.fhir.world import World

_LATE = dt.timedelta(hours=24)
_LONGEST_VISIT = 1440
_CODE = re.compile("[A-Za-z-]{1,20}")
_ANOTHER = "is another patient than that of its appointment: not taken for it"


@dataclass
class _Draft:
    """A booking on the way: its values, and what kept others from being found."""

    values: dict[str, str | None] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def attempt(self, column: str, find: Callable[[], str | None]) -> str | None:
        """Fill a column; what keeps it from being filled is noted, so that all faults are shown at once."""
        try:
            self.values[column] = find()
        except RejectionError as error:
            self.problems.append(error.problem)
        return self.values.get(column)


def booking_of_appointment(world: World, identity: str, resource: Json) -> Outcome:
    """The booking that an Appointment is."""
    status = resource.get("status")
    if reason := STATUSES_LEFT_OUT["Appointment"].get(str(status)):
        return LeftOut(reason)
    key = f"Appointment/{identity}"
    actors = actors_of(world, resource)
    encounter = world.index.encounter_of(key)
    # Nothing is known of an encounter whose id is that of several.
    visit: Any = (world.index.data(encounter) if encounter else None) or {}
    draft = _Draft({"booking_id": identity, "starts_at": next(texts(resource.get("start")), None)})
    patients = actors.patients or visit.get("subject") or list(objects(resource.get("subject"))) or actors.unsure
    patient = draft.attempt("patient_id", lambda: world.patient(patients, resource, "Appointment.participant.actor"))
    if patient is not None and not _is_of(world, visit.get("subject"), patient):
        world.remarks.note("Encounter", "subject", _ANOTHER)
        visit = {}
    named = objects([one.get("reference") for one in objects(resource.get("serviceType"))])
    services = [*actors.services, *named, *actors.scheduled_services]
    offered = [world.offered(one, resource) for one in services]
    places: list[Sequence[Json | Words]] = [actors.places, *visit.get("where", []), actors.scheduled_places]
    if actors.unsure:
        places.insert(1, [actors.names])
    places += [level for _, where in offered for level in where]
    coded = ("serviceType", "appointmentType", "specialty", "serviceCategory")
    words = [words_of(resource.get("serviceType")), *(one for one, _ in offered)]
    words += [words_of(resource.get(name)) for name in coded[1:]]
    words.append(Words(tuple(visit.get("keys", ())), tuple(visit.get("names", ()))))
    prose = Words(actors.names.keys, (*texts(resource.get("description")), *actors.names.names))
    shown = label_of(*(resource.get(name) for name in coded))

    site = draft.attempt("site", lambda: world.site(places, resource, "Appointment.participant.actor"))
    draft.attempt("service", lambda: world.service(words, shown, "Appointment.serviceType", prose=prose))
    draft.attempt("status", lambda: _status(status, APPOINTMENT_STATUSES, "Appointment"))
    if draft.values["starts_at"] is None:
        draft.problems.append(Problem("Appointment.start", "is empty"))
    if draft.problems or site is None:
        return Rejected(tuple(draft.problems))

    values, zone = draft.values, world.zone_of(site)
    values["ends_at"] = next(texts(resource.get("end")), None)
    values["booked_at"] = _whole_date(world, "Appointment", "created", resource.get("created"))
    values["indication"] = code_of(resource.get("reasonCode")) or code_of(resource.get("reason"))
    alone = encounter is not None and not world.index.is_shared(encounter)
    took = _minutes(world, visit, zone) if alone else None
    values["chair_minutes"] = took or _planned(world, resource.get("minutesDuration"))
    staff = visit.get("people", []) + actors.staff + actors.unsure
    values["provider"], values["supervision"] = world.staff(staff, resource, "Appointment")
    if values["status"] == "cancelled":
        _note_cancellation(world, resource, values, zone)
    return _finish(world, key, values, zone)


def booking_of_encounter(world: World, identity: str, resource: Json) -> Outcome:
    """The booking that stands behind an Encounter, where bookings are read from these."""
    status = resource.get("status")
    if reason := STATUSES_LEFT_OUT["Encounter"].get(str(status)):
        return LeftOut(reason)
    visit = encounter_of(resource)
    words = [words_of(resource.get("serviceType")), words_of(resource.get("type"))]
    words += [words_of({"coding": list(objects(resource.get("class")))})]
    shown = label_of(resource.get("serviceType"), resource.get("type"), {"coding": [*objects(resource.get("class"))]})
    draft = _Draft({"booking_id": identity, "starts_at": visit["start"]})
    draft.attempt("patient_id", lambda: world.patient(visit["subject"], resource, "Encounter.subject"))
    site = draft.attempt("site", lambda: world.site(visit["where"], resource, "Encounter.location"))
    draft.attempt("service", lambda: world.service(words, shown, "Encounter.type"))
    draft.attempt("status", lambda: _status(status, ENCOUNTER_STATUSES, "Encounter"))
    if visit["start"] is None:
        draft.problems.append(Problem("Encounter.period", "has no start"))
    if draft.problems or site is None:
        return Rejected(tuple(draft.problems))
    values, zone = draft.values, world.zone_of(site)
    values["ends_at"] = visit["end"]
    values["indication"] = code_of(resource.get("reasonCode"))
    values["provider"], values["supervision"] = world.staff(visit["people"], resource, "Encounter")
    return _finish(world, f"Encounter/{identity}", values, zone)


def _finish(world: World, key: str, values: dict[str, str | None], zone: dt.tzinfo) -> Row:
    """Add what others say of the booking, and note it for them."""
    patient = values["patient_id"] or ""
    birth, sex, *_ = world.index.data(f"Patient/{patient}")
    if sex is not None and not _CODE.fullmatch(sex):
        world.remarks.note("Patient", "gender", "is no code: not kept, since it may be a text")
        sex = None
    values["sex"] = sex
    if birth is not None:
        values["birth_date"] = middle_of(birth)
        if is_partial(birth):
            world.remarks.note("Patient", "birthDate", "is partial: the middle of its year or month is taken")
    if (cents := world.index.price_of(key)) is not None:
        values["price"] = f"{cents // 100}.{cents % 100:02}"
    if world.index.has_form(key):
        values["side_effects_assessed"] = "yes"
    if starts := moment_of(values["starts_at"], zone):
        day = f"{starts.astimezone(zone):%Y-%m-%d}"
        world.index.note_booking(key, patient, int(starts.timestamp()), values["status"] or "", day)
    return Row(values)


def _is_of(world: World, subject: list[Json] | None, patient: str) -> bool:
    """Whether a subject leads to this patient; one that leads nowhere says nothing else."""
    if not subject or subject[0].get("reference") == f"Patient/{patient}":
        return True
    try:
        return world.patient(subject, {}, "Encounter.subject") == patient
    except RejectionError:
        return True


def _status(code: object, statuses: dict[str, str], kind: str) -> str:
    if not isinstance(code, str):
        raise RejectionError(f"{kind}.status", "is empty")
    if code not in statuses:
        problem = unknown_status(kind, code)
        raise RejectionError(problem.element, problem.reason, problem.value)
    return statuses[code]


def _note_cancellation(world: World, resource: Json, values: dict[str, str | None], zone: dt.tzinfo) -> None:
    """Say when it was cancelled, where that is known, and whether that was late."""
    given = list(texts(resource.get("cancellationDate"), resource.get("cancelationDate")))
    for extension in objects(resource.get("extension")):
        if extension.get("url") == CANCELLATION_EXTENSION:
            given += texts(extension.get("valueDateTime"))
    if not given and world.options.cancelled_at == LAST_UPDATED:
        given += [text for meta in objects(resource.get("meta")) for text in texts(meta.get("lastUpdated"))]
    if not given:
        return
    cancelled, starts = moment_of(given[0], zone), moment_of(values["starts_at"], zone)
    if cancelled is None:
        world.remarks.note("Appointment", "cancellationDate", "says no time of day: late or not is not known")
        return
    values["cancelled_at"] = given[0]
    if starts is not None and starts - cancelled < _LATE:
        values["status"] = "late_cancelled"


def _whole_date(world: World, kind: str, element: str, given: object) -> str | None:
    """A dateTime of which only the date counts."""
    if is_partial(given):
        world.remarks.note(kind, element, "is partial: no date can be taken of it")
        return None
    text = next(texts(given), None)
    return f"{text} 00:00" if text is not None and is_date(text) else text


def _planned(world: World, given: object) -> str | None:
    """Whole minutes that an appointment should take."""
    if (minutes := whole_of(given)) is None and given is not None:
        world.remarks.note("Appointment", "minutesDuration", "is not a whole number")
    return minutes


def _minutes(world: World, visit: Any, zone: dt.tzinfo) -> str | None:
    """Whole minutes that an encounter took."""
    start, end = (moment_of(visit.get(name), zone) for name in ("start", "end"))
    if start is None or end is None or not visit["happened"]:
        return None
    minutes = round((end - start).total_seconds() / 60)
    if 0 < minutes <= _LONGEST_VISIT:
        return str(minutes)
    world.remarks.note("Encounter", "period", "lasts no minute or more than a day: the time planned is taken")
    return None
