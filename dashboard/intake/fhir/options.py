"""The [fhir] table of a mapping file: what codes mean, where names don't say it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dashboard.intake.contract import DeliveryError
from dashboard.intake.fhir.terms import BOOKING_TYPES
from dashboard.intake.reference import Reference

LAST_UPDATED = "lastUpdated"
_WORDS = ("bookings", "cancelled_at", "default_site", "default_service", "side_effects_form")
_TABLES = ("sites", "services", "effects")


@dataclass(frozen=True)
class Options:
    """How a delivery of FHIR resources is to be understood.

    Attributes:
        bookings: the resource type that bookings are read from.
        cancelled_at: `lastUpdated` where that is when a booking was cancelled; else empty.
        default_site, default_service: for bookings that say nothing about it; may be empty.
        side_effects_form: last part of the address of the questionnaire for side effects.
        sites, services, effects: keys of the reference tables by reference, code or text.
    """

    bookings: str = BOOKING_TYPES[0]
    cancelled_at: str = ""
    default_site: str = ""
    default_service: str = ""
    side_effects_form: str = "side-effects"
    sites: Mapping[str, str] = field(default_factory=dict)
    services: Mapping[str, str] = field(default_factory=dict)
    effects: Mapping[str, str] = field(default_factory=dict)


def read_options(table: Mapping[str, Any] | None, reference: Reference) -> Options:
    """The options of a [fhir] table.

    Raises:
        DeliveryError: a name or value that has no meaning here.
    """
    given = dict(table or {})
    if unknown := sorted(set(given) - {*_WORDS, *_TABLES}):
        raise DeliveryError(f"[fhir] has no {', '.join(unknown)}; it knows {', '.join((*_WORDS, *_TABLES))}")
    for name in _WORDS:
        if not isinstance(given.get(name, ""), str):
            raise DeliveryError(f"[fhir] {name} must be a text")
    sites = [site.site for site in reference.sites]
    services = [service.service for service in reference.services]
    _check("bookings", given.get("bookings", BOOKING_TYPES[0]), BOOKING_TYPES)
    _check("cancelled_at", given.get("cancelled_at", ""), ("", LAST_UPDATED))
    _check("default_site", given.get("default_site", ""), ("", *sites))
    _check("default_service", given.get("default_service", ""), ("", *services))
    allowed: dict[str, list[str] | None] = {"sites": sites, "services": services, "effects": None}
    for name, keys in allowed.items():
        entries = given.get(name, {})
        if not isinstance(entries, Mapping):
            raise DeliveryError(f'[fhir.{name}] must be a table of lines like "Location/1" = "{sites[0]}"')
        for key, value in entries.items():
            if not isinstance(value, str) or not value:
                raise DeliveryError(f"[fhir.{name}] {key!r} must have a text as its value")
            if keys is not None:
                _check(f"{name}.{key}", value, keys)
    return Options(**given)


def _check(name: str, value: str, allowed: Iterable[str]) -> None:
    words = list(allowed)
    if value not in words:
        raise DeliveryError(f"[fhir] {name} = {value!r} is not allowed; allowed: {', '.join(filter(None, words))}")
