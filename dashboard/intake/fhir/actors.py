"""Who and what takes part in an Appointment, told apart before anything is read of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from dashboard.intake.fhir.elements import objects
from dashboard.intake.fhir.stream import Json
from dashboard.intake.fhir.vocabulary import Words
from dashboard.intake.fhir.world import World, named

_STAFF = ("Practitioner", "PractitionerRole")
_DECLINED = "declined"


@dataclass
class Actors:
    """References to those who take part, by what they lead to.

    Attributes:
        patients: references to patients; those who declined count where no other takes part.
        unsure: references of which neither they nor the delivery tell what they lead to.
        names: what the unsure ones are called: compared, and never shown, since it may be a person.
        scheduled_places, scheduled_services: those whose schedules its slots are of.
    """

    patients: list[Json] = field(default_factory=list)
    places: list[Json] = field(default_factory=list)
    services: list[Json] = field(default_factory=list)
    staff: list[Json] = field(default_factory=list)
    unsure: list[Json] = field(default_factory=list)
    names: Words = field(default_factory=Words)
    scheduled_places: list[Json] = field(default_factory=list)
    scheduled_services: list[Json] = field(default_factory=list)


def actors_of(world: World, resource: Json) -> Actors:
    """The actors of an Appointment; whoever declined does not come, so no place or person is read of them."""
    actors = Actors()
    declined: list[Json] = []
    for participant in objects(resource.get("participant")):
        for reference in objects(participant.get("actor")):
            kind = world.kind_of(reference, resource)
            if participant.get("status") == _DECLINED:
                declined += [reference] if kind == "Patient" else []
            elif kind == "Patient":
                actors.patients.append(reference)
            elif kind == "Location":
                actors.places.append(reference)
            elif kind == "HealthcareService":
                actors.services.append(reference)
            elif kind in _STAFF:
                actors.staff.append(reference)
            elif kind is None:
                actors.unsure.append(reference)
    actors.patients = actors.patients or declined
    for reference in _scheduled(world, resource):
        kind = world.kind_of(reference, {})
        if kind == "Location":
            actors.scheduled_places.append(reference)
        elif kind == "HealthcareService":
            actors.scheduled_services.append(reference)
    if not actors.unsure:
        return actors
    words = [named(reference) for reference in actors.unsure]
    actors.names = Words(
        tuple(key for one in words for key in one.keys), tuple(name for one in words for name in one.names)
    )
    return actors


def _scheduled(world: World, resource: Json) -> Iterator[Json]:
    """The actors of the schedules that an Appointment's slots are of."""
    for slot in objects(resource.get("slot")):
        for schedule in _delivered(world, slot, resource, "Slot"):
            yield from _delivered(world, schedule, {}, "Schedule")


def _delivered(world: World, reference: Json, container: Json, kind: str) -> Iterator[Json]:
    found = world.follow(reference, container, kind)
    if found is not None and found.kind == kind and found.contained is None:
        yield from world.index.data(found.key)
