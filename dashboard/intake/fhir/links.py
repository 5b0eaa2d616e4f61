"""Follows what leads from one look-up to another, once all of them are known."""

from __future__ import annotations

from dashboard.intake.fhir.elements import form_name, objects
from dashboard.intake.fhir.lookups import took_place
from dashboard.intake.fhir.outcome import LeftOut, Outcome, Problem, Rejected, Used, unknown_status
from dashboard.intake.fhir.references import DanglingError, key_of, shown
from dashboard.intake.fhir.stream import Json
from dashboard.intake.fhir.terms import FINISHED_FORM, STATUSES_LEFT_OUT, UNFINISHED_FORM
from dashboard.intake.fhir.vocabulary import plain
from dashboard.intake.fhir.world import World


def note_merged(world: World) -> None:
    """Note which records of patients were replaced by others, as either of the two may say.

    Those that were deleted since count, too: what refers to them means the other one.
    """
    world.index.join_people()
    links, lost = world.index.links(), list[tuple[str, str]]()
    for key, said in links:
        for reference in said.get("replaced-by", ()):
            found = world.follow(reference, {}, "Patient")
            if found is not None and found.kind == "Patient":
                world.index.merge(key, found.key)
            elif through := key_of(reference.get("reference")):
                lost.append((key, through))
    for key, said in links:
        for reference in said.get("replaces", ()):
            found = world.follow(reference, {}, "Patient")
            # The one that was replaced may be delivered no more.
            replaced = found.key if found is not None else key_of(reference.get("reference"))
            if replaced is not None and replaced.startswith("Patient/"):
                world.index.merge(replaced, key)
    for key, through in lost:
        # The one that replaced it is delivered no more, since it was replaced in turn.
        if world.index.survivor_of(through) != through:
            world.index.merge(key, through)


def note_roles(world: World) -> None:
    """Note of every practitioner what the roles delivered say."""
    for *practitioners, supervision in world.index.of_type("PractitionerRole"):
        for reference in practitioners:
            if found := world.follow(reference, {}, "Practitioner"):
                world.index.note_role(found.key, supervision)


def follow_encounter(world: World, key: str, resource: Json) -> Outcome:
    """Join an Encounter and the Appointment that it fulfils; one that was entered in error is none."""
    if resource.get("status") == "entered-in-error":
        return LeftOut(STATUSES_LEFT_OUT["Encounter"]["entered-in-error"])
    for reference in objects(resource.get("appointment")):
        try:
            found = world.resolver.resolve(reference, resource, "Appointment")
        except DanglingError as error:
            return Rejected((Problem("Encounter.appointment", str(error), shown(reference)),))
        if found.kind == "Appointment":
            world.index.link(key, found.key, took_place(resource))
    return Used()


def follow_form(world: World, _key: str, resource: Json) -> Outcome:
    """Note that a side-effect form was filled in; its answers are not read."""
    name = form_name(resource)
    if not name or plain(name) != plain(world.options.side_effects_form):
        return LeftOut("answers to another questionnaire than the side-effect form")
    status = str(resource.get("status"))
    if status in UNFINISHED_FORM:
        return LeftOut(f"status {status}: not completed")
    if status not in FINISHED_FORM:
        return Rejected((unknown_status("QuestionnaireResponse", status),))
    for reference in objects(resource.get("encounter")):
        try:
            found = world.resolver.resolve(reference, resource, "Encounter")
        except DanglingError as error:
            return Rejected((Problem("QuestionnaireResponse.encounter", str(error), shown(reference)),))
        booking = found.key if found.kind == world.options.bookings else world.index.booking_of(found.key)
        if booking:
            world.index.note_form(booking)
            return Used()
    return LeftOut("leads to no booking")
