"""A delivery as the mappers see it: references followed, sites, services and people found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from dashboard.intake.fhir.elements import texts
from dashboard.intake.fhir.index import Index
from dashboard.intake.fhir.lookups import place_of, place_words, service_of
from dashboard.intake.fhir.options import Options
from dashboard.intake.fhir.outcome import RejectionError, Remarks
from dashboard.intake.fhir.references import DanglingError, Found, Resolver, type_of
from dashboard.intake.fhir.stream import Json
from dashboard.intake.fhir.vocabulary import Vocabulary, Words
from dashboard.intake.reference import Reference

_PLACES = ("Location", "Organization")
_HIGHEST = 20
_NO_WORDS = Words()
_HIDDEN = "(not shown)"
_NO_DELIVERED = "refers to nothing in the delivery"


@dataclass
class World:
    """All that is needed to make a record of a resource."""

    index: Index
    vocabulary: Vocabulary
    options: Options
    reference: Reference
    remarks: Remarks = field(default_factory=Remarks)

    def __post_init__(self) -> None:
        self.resolver = Resolver(self.index)
        self.zones = {site.site: ZoneInfo(site.timezone) for site in self.reference.sites}
        self._site_of_key = lru_cache(maxsize=4096)(self._look_up_site)

    def follow(self, reference: Any, container: Json, expected: str | None = None) -> Found | None:
        """The resource that a reference leads to; None where it leads to nothing."""
        try:
            return self.resolver.resolve(reference, container, expected)
        except DanglingError:
            return None

    def patient(self, references: Iterable[Json], container: Json, element: str) -> str:
        """The id of the one patient among references that may lead to others, too.

        Raises:
            RejectionError: there is none, or several, or it isn't in the delivery.
        """
        found: dict[str, Found] = {}
        trouble: str | None = None
        for reference in references:
            kind = type_of(reference)
            if kind not in (None, "Patient"):
                continue
            try:
                target = self.resolver.resolve(reference, container, kind)
            except DanglingError as error:
                trouble = trouble or str(error)
                continue
            if target.kind == "Patient":
                target = self._merged(target)
                found[target.key] = target
        if len(found) > 1:
            raise RejectionError(element, f"names {len(found)} patients; a booking has one")
        if not found:
            raise RejectionError(element, trouble or "names no patient", None if trouble is None else _HIDDEN)
        [patient] = found.values()
        if patient.contained is not None:
            why = "is a contained patient whom no identifier tells from others; deliver a Patient, or an identifier"
            raise RejectionError(element, why, _HIDDEN)
        return patient.identity

    def _merged(self, patient: Found) -> Found:
        """The record that a patient's was replaced by, and so on."""
        if patient.contained is not None or not self.index.has_merged:
            return patient
        return Found("Patient", self.index.survivor_of(patient.key))

    def kind_of(self, reference: Json, container: Json) -> str | None:
        """The type of what a reference leads to; None where neither it nor the delivery tells."""
        if stated := type_of(reference):
            return stated
        found = self.follow(reference, container)
        return None if found is None else found.kind

    def site(self, levels: Iterable[Sequence[Json | Words]], container: Json, element: str) -> str:
        """The key of the site, by the first level that tells one and no other, else the default.

        Args:
            levels: references to places, the surest first; bare words are compared and never shown.
            container: the resource in which they stand.
            element: what a reject names.

        Raises:
            RejectionError: no place means a site, or they mean several.
        """
        seen: _Place | None = None
        hidden = False
        several: list[str] = []
        for level in levels:
            sites: dict[str, None] = {}
            for one in level:
                if isinstance(one, Words):
                    site, hidden = self.vocabulary.sites.find(one), hidden or bool(one.names)
                else:
                    place = self._place(one, container)
                    site, seen = place.site, seen or place
                if site:
                    sites[site] = None
            if len(sites) == 1:
                return next(iter(sites))
            several = several or list(sites)
        if several:
            raise RejectionError(element, "leads to several sites; a booking has one", ", ".join(several))
        if self.options.default_site:
            return self.options.default_site
        if seen is None and hidden:
            # A name alone may be that of a person.
            why = "names no known place; say by type or reference which actor is one, or set default_site"
            raise RejectionError(element, f"{why} under [fhir] of a mapping file", _HIDDEN)
        if seen is None:
            raise RejectionError(element, "names no place; set default_site under [fhir] of a mapping file")
        raise RejectionError(element, self.vocabulary.sites.advice(seen.words, seen.trouble), _shown(seen.words))

    def _place(self, reference: Json, container: Json) -> _Place:
        """What a reference to a place tells: its own words after the mapping's and before the table's."""
        words = named(reference)
        mapped = self.vocabulary.sites.mapped(words)
        try:
            found = self.resolver.resolve(reference, container, "Location")
        except DanglingError as error:
            trouble = str(error) if words.keys else None
            return _Place(mapped or self.vocabulary.sites.known(words), words, trouble)
        if found.kind not in _PLACES:
            return _Place(mapped, Words(words.keys))
        if found.contained is not None:
            site, more, home = self._climb(place_of(found.contained, found.key), container)
        else:
            site, more, home = self._site_of_key(found.key)
        if home:
            # The name of a house is mostly that of who lives in it.
            words = Words(words.keys)
        shown = Words((*words.keys, *more.keys), (*words.names, *more.names))
        return _Place(mapped or site or self.vocabulary.sites.known(words), shown)

    def _look_up_site(self, key: str) -> tuple[str | None, Words, bool]:
        return self._climb(self.index.data(key), {})

    def _climb(self, kept: Any, container: Json) -> tuple[str | None, Words, bool]:
        """The site of a place, or of what it is part of, and so on; its words, and whether it is a house."""
        lowest, home = place_words(kept), bool(kept["home"])
        level = [kept]
        for _ in range(_HIGHEST):
            for one in level:
                if site := self.vocabulary.sites.find(place_words(one)):
                    return site, lowest, home
            above = [reference for one in level for reference in one["up"]]
            level = list(self._places(above, container))
            if not level:
                break
        return None, lowest, home

    def _places(self, references: list[Json], container: Json) -> Iterator[Any]:
        for reference in references:
            found = self.follow(reference, container, "Location")
            if found is not None and found.kind in _PLACES:
                yield place_of(found.contained, found.key) if found.contained else self.index.data(found.key)

    def offered(self, reference: Json, container: Json) -> tuple[Words, list[list[Json]]]:
        """What a HealthcareService is called, and where it is offered."""
        own = named(reference)
        found = self.follow(reference, container, "HealthcareService")
        if found is None or found.kind != "HealthcareService":
            return own, []
        kept = service_of(found.contained, found.key) if found.contained else self.index.data(found.key)
        return Words((*own.keys, *kept["keys"]), (*own.names, *kept["names"])), kept["where"]

    def service(self, words: list[Words], shown: str | None, element: str, *, prose: Words = _NO_WORDS) -> str:
        """The key of the service, by the mapping file before the reference table.

        Args:
            words: what it is called, the surest first.
            shown: what a reject shows.
            element: where it is looked for first.
            prose: free text, compared as a whole after all others and never shown.

        Raises:
            RejectionError: no word means a service.
        """
        glossary = self.vocabulary.services
        for find in (glossary.mapped, glossary.known):
            for one in (*words, prose):
                if service := find(one):
                    return service
        if self.options.default_service:
            return self.options.default_service
        seen = next((one for one in words if one.keys or one.names), None)
        if seen is None:
            raise RejectionError(element, "is empty; set default_service under [fhir] of a mapping file")
        raise RejectionError(element, glossary.advice(seen), shown)

    def staff(self, references: Iterable[Json], container: Json, kind: str) -> tuple[str | None, str | None]:
        """A code for the person in charge, and what the one who supervises is by the roles delivered."""
        provider: str | None = None
        supervision: str | None = None
        for reference in references:
            named = type_of(reference)
            if named not in (None, "Practitioner", "PractitionerRole"):
                continue
            found = self.follow(reference, container, named or "Practitioner")
            if found is None:
                self.remarks.note(kind, "participant", _NO_DELIVERED)
                continue
            if found.contained is not None or found.kind not in ("Practitioner", "PractitionerRole"):
                continue
            person, role = self._role(found)
            provider = provider or f"staff-{sha256(person.encode()).hexdigest()[:10]}"
            if role is not None and (supervision is None or _RANK[role] < _RANK[supervision]):
                supervision = role
        return provider, supervision

    def _role(self, found: Found) -> tuple[str, str | None]:
        if found.kind == "Practitioner":
            return found.key, self.index.role_of(found.key)
        *practitioners, supervision = self.index.data(found.key)
        for reference in practitioners:
            if person := self.follow(reference, {}, "Practitioner"):
                return person.key, supervision
        return found.key, supervision

    def zone_of(self, site: str) -> dt.tzinfo:
        """The time zone of a site."""
        return self.zones[site]


_RANK = {"anesthesiologist": 0, "physician": 1, "other": 2}


@dataclass(frozen=True)
class _Place:
    """What a reference to a place tells.

    Attributes:
        site: the site that it means.
        words: what it is called, as far as that may be shown.
        trouble: why it leads to nothing.
    """

    site: str | None
    words: Words
    trouble: str | None = None


def named(reference: Json) -> Words:
    """What a reference itself says: the reference as written, and its display."""
    return Words(tuple(texts(reference.get("reference"))), tuple(texts(reference.get("display"))))


def _shown(words: Words) -> str | None:
    return next(iter((*words.names, *words.keys)), None)
