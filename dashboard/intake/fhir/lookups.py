"""What is kept of the resources that are read for others: never a name of a person."""

from __future__ import annotations

from typing import Any

from dashboard.intake.fhir.elements import objects, texts, words_of
from dashboard.intake.fhir.index import Index, identifier_aliases
from dashboard.intake.fhir.mending import NO_CHARACTER
from dashboard.intake.fhir.outcome import LeftOut, Outcome, Problem, Rejected
from dashboard.intake.fhir.references import address_alias, identifiers_of
from dashboard.intake.fhir.stream import Json
from dashboard.intake.fhir.terms import ANESTHESIOLOGY_CODES, NOT_BEGUN, PHYSICIAN_CODES, TRACKED
from dashboard.intake.fhir.versions import Order, version_of
from dashboard.intake.fhir.vocabulary import Words, plain

#: Why a resource is rejected whose id another one has, by how it stands to the one that was read before.
DUPLICATES = {
    Order.NEWER: "is delivered in several versions; the newest is kept",
    Order.OLDER: "is delivered in several versions; the newest is kept",
    Order.UNKNOWN: "is a duplicate; the first resource with it is kept",
    Order.OTHER: "is that of another resource, too; what refers to it leads to several",
}
_LONGEST_DATE = 40
#: What leads from a slot to who and what is free in it.
_SCHEDULED = {"Slot": "schedule", "Schedule": "actor"}
#: Houses and homes of patients, as codes of location-physical-type and v3-RoleCode and by name.
_HOMES = frozenset({"ho", "ptres", "house", "home", "patient s residence", "patient s home"})


def note_resource(index: Index, kind: str, identity: str, resource: Json, full_url: str | None) -> Order | None:
    """Put a resource into the look-ups; where one of its type has its id already, how they stand to each other."""
    key = f"{kind}/{identity}"
    version = version_of(resource, full_url)
    if kind not in TRACKED:
        return index.add(key, 0, version)
    aliases = list(identifier_aliases(kind, identifiers_of(resource)))
    if full_url is not None and not full_url.endswith(f"/{key}"):
        aliases.append(address_alias(full_url))
    order = index.add(key, _kept(kind, key, resource), version, aliases)
    if kind == "Patient" and order in (None, Order.NEWER):
        index.note_links(key, _links(resource))
    return order


def superseded(index: Index, key: str, resource: Json, full_url: str | None) -> Outcome | None:
    """What becomes of a resource that a newer version took the place of, or that was deleted; None of others."""
    if not index.has_versions:
        return None
    version = version_of(resource, full_url)
    if index.is_deleted(key, version):
        return LeftOut("deleted: another entry of the delivery says so")
    if index.is_outdated(key, version):
        kind, _, identity = key.partition("/")
        return Rejected((Problem(f"{kind}.id", DUPLICATES[Order.OLDER], identity),))
    return None


def note_contained(index: Index, resource: Json) -> None:
    """Know the patients whom a resource contains, and whom an identifier tells from others."""
    for one in objects(resource.get("contained")):
        if one.get("resourceType") == "Patient" and (identifiers := list(identifiers_of(one))):
            index.note_person(identifiers, _person(one))


def identity_of(resource: Json, full_url: str | None) -> str | None:
    """A resource's id; in a Bundle that gives none, the last part of its address."""
    given = resource.get("id")
    if given is None and full_url is not None:
        given = full_url.rstrip("/").replace(":", "/").rpartition("/")[2]
    if not isinstance(given, str) or not given or not given.isprintable() or len(given) > 200:
        return None
    if " " in given or NO_CHARACTER in given:
        return None
    return given


def place_words(kept: Any) -> Words:
    """What a Location or Organization is called, of what is kept of it."""
    return Words(tuple(kept["keys"]), tuple(kept["names"]), tuple(kept["cities"]))


def place_of(resource: Json, key: str) -> dict[str, Any]:
    """What is kept of a Location or Organization; of a house only its keys."""
    identifiers = list(identifiers_of(resource))
    numbers = [f"{system}|{value}" for system, value in identifiers if system != "*"]
    home = any(plain(name) in _HOMES for name in words_of(resource.get("physicalType"), resource.get("type")).names)
    names = [*texts(resource.get("name"), resource.get("alias")), *(value for _, value in identifiers)]
    cities = [city for address in objects(resource.get("address")) for city in texts(address.get("city"))]
    upwards = [*objects(resource.get("partOf")), *objects(resource.get("managingOrganization"))]
    return {
        "keys": [key, *numbers],
        "names": [] if home else names,
        "cities": [] if home else cities,
        "up": [_reference(one) for one in upwards],
        "home": home,
    }


def service_of(resource: Json, key: str) -> dict[str, Any]:
    """What is kept of a HealthcareService: what it is called and where it is offered."""
    words = words_of(resource.get("type"), resource.get("specialty"), resource.get("category"))
    where = [objects(resource.get(name)) for name in ("location", "providedBy")]
    return {
        "keys": [key, *words.keys],
        "names": [*texts(resource.get("name")), *words.names],
        "where": [[_reference(one) for one in level] for level in where],
    }


def supervision_of(resource: Json) -> str:
    """What a PractitionerRole makes of its practitioner, in the contract's words."""
    words = words_of(resource.get("code"), resource.get("specialty"))
    names = {plain(name) for name in words.names}
    if ANESTHESIOLOGY_CODES & set(words.keys) or any("anesthesi" in n or "anaesthesi" in n for n in names):
        return "anesthesiologist"
    if PHYSICIAN_CODES & set(words.keys) or any("physician" in name.split() for name in names):
        return "physician"
    return "other"


def _kept(kind: str, key: str, resource: Json) -> Any:
    if kind == "Patient":
        return _person(resource)
    if kind in ("Location", "Organization"):
        return place_of(resource, key)
    if kind == "HealthcareService":
        return service_of(resource, key)
    if kind == "PractitionerRole":
        return [_reference(one) for one in objects(resource.get("practitioner"))] + [supervision_of(resource)]
    if kind in _SCHEDULED:
        return [_reference(one, display=False) for one in objects(resource.get(_SCHEDULED[kind]))]
    if kind == "Encounter":
        return _standing_alone(encounter_of(resource), resource)
    if kind == "ChargeItem":
        return [_reference(one) for one in charged(resource)]
    return 0


def _person(patient: Json) -> list[str | None]:
    """Birth date and sex of a patient."""
    birth, sex = patient.get("birthDate"), patient.get("gender")
    return [
        # A year as a number is one; what is no date at all rejects the bookings.
        birth if birth is None or isinstance(birth, str) else str(birth)[:_LONGEST_DATE],
        sex if isinstance(sex, str) else None,
    ]


def _links(patient: Json) -> dict[str, list[Json]]:
    """What a patient's record says of others that were merged with it, by the type of the link."""
    found: dict[str, list[Json]] = {}
    for link in objects(patient.get("link")):
        if (kind := link.get("type")) in ("replaced-by", "replaces"):
            found.setdefault(kind, []).extend(_reference(one, display=False) for one in objects(link.get("other")))
    return found


def charged(resource: Json) -> list[Json]:
    """The references of a ChargeItem that lead to what was charged, the surest first."""
    return [
        *objects(resource.get("context")),
        *objects(resource.get("encounter")),
        *objects(resource.get("supportingInformation")),
    ]


def encounter_of(resource: Json) -> dict[str, Any]:
    """What is kept of an Encounter."""
    period = next(objects([resource.get("period"), resource.get("actualPeriod")]), {})
    rooms = objects([place.get("location") for place in objects(resource.get("location"))])
    places = [rooms, objects(resource.get("serviceProvider"))]
    people = [person.get("individual") or person.get("actor") for person in objects(resource.get("participant"))]
    service = words_of(resource.get("serviceType"), resource.get("type"))
    return {
        "start": next(texts(period.get("start")), None),
        "end": next(texts(period.get("end")), None),
        "happened": took_place(resource),
        "where": [[_reference(one) for one in level] for level in places],
        "people": [_reference(one, display=False) for one in objects(people)],
        "keys": list(service.keys),
        "names": list(service.names),
        "subject": [_reference(one, display=False) for one in objects(resource.get("subject"))],
    }


def _standing_alone(visit: dict[str, Any], encounter: Json) -> dict[str, Any]:
    """What is kept of an Encounter, without references that lead somewhere from within it alone."""
    where = [[_outside(one, encounter) for one in level] for level in visit["where"]]
    people, subject = ([_outside(one, encounter) for one in visit[name]] for name in ("people", "subject"))
    return visit | {"where": where, "people": people, "subject": subject}


def _outside(reference: Json, container: Json) -> Json:
    """A reference to what the container contains, by what else leads to it: an identifier, the name of a place."""
    text = reference.get("reference")
    if text is None or not text.startswith("#"):
        return reference
    found = (one for one in objects(container.get("contained")) if one.get("id") == text[1:])
    contained = next(found, {})
    kept: Json = {"type": contained["resourceType"]} if isinstance(contained.get("resourceType"), str) else {}
    for identifier in objects(contained.get("identifier")):
        kept.setdefault("identifier", {name: identifier.get(name) for name in ("system", "value")})
    if kept.get("type") in ("Location", "Organization") and (names := place_of(contained, "")["names"]):
        kept["display"] = names[0]
    return kept


def took_place(resource: Json) -> bool:
    """Whether an Encounter's status says that it has begun, so that its period is no plan."""
    return str(resource.get("status")) not in NOT_BEGUN


def _reference(reference: Json, display: bool = True) -> Json:
    """A reference without what isn't needed to follow it; displays of persons are dropped."""
    kept = {name: reference[name] for name in ("reference", "type") if isinstance(reference.get(name), str)}
    if display and isinstance(reference.get("display"), str):
        kept["display"] = reference["display"]
    for identifier in objects(reference.get("identifier")):
        kept["identifier"] = {name: identifier.get(name) for name in ("system", "value")}
    return kept
