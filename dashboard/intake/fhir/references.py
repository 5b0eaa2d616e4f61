"""Resolves references of all of FHIR's kinds to resources of the delivery."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from dashboard.intake.fhir.elements import objects, texts
from dashboard.intake.fhir.index import Index
from dashboard.intake.fhir.stream import Json
from dashboard.intake.fhir.terms import RESOURCE_TYPES, TRACKED

_LITERAL = re.compile(
    r"(?:(?P<base>[A-Za-z][A-Za-z0-9+.-]*://[^?#]*)/)?(?P<kind>[A-Z][A-Za-z]+)/(?P<id>[^/?#|]+)(?:/_history/[^/?#]+)?"
)


@dataclass(frozen=True)
class Found:
    """What a reference leads to.

    Attributes:
        kind: the resource type.
        key: `Type/id`; of a contained resource `#id`.
        contained: the resource itself, where it is contained in the one that refers to it.
    """

    kind: str
    key: str
    contained: Json | None = None

    @property
    def identity(self) -> str:
        """The id alone."""
        return self.key.partition("/")[2]


class DanglingError(LookupError):
    """The reference leads to nothing of the delivery; the message says why, without its value."""


class SeveralError(DanglingError):
    """The reference could mean any of several resources."""

    def __init__(self) -> None:
        super().__init__("leads to several resources of the delivery")


class Resolver:
    """Follows references, with a delivery's index at hand."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def resolve(self, reference: Any, container: Json, expected: str | None = None) -> Found:
        """The resource that a Reference leads to.

        Args:
            reference: the Reference element.
            container: the resource in which it stands.
            expected: the type that is meant, where the reference itself doesn't say it.

        Raises:
            DanglingError: it leads to nothing, or to several.
        """
        if not isinstance(reference, dict):
            raise DanglingError("is not a Reference")
        literal = next(texts(reference.get("reference")), None)
        identifier = next(objects(reference.get("identifier")), None)
        kind = _bare_type(reference) or expected
        if literal is not None:
            try:
                return self._literal(literal, container, kind)
            except DanglingError:
                if identifier is None:
                    raise
        if identifier is None:
            raise DanglingError("holds neither a reference nor an identifier")
        return self._logical(identifier, kind)

    def _literal(self, text: str, container: Json, kind: str | None) -> Found:
        if text.startswith("#"):
            return self._contained(text[1:], container)
        match = _LITERAL.fullmatch(text)
        if match is None or match["base"]:
            target = self._index.target(_address(text))
            if target is not None:
                return self._of_key(target)
        if match:
            return self._typed(match["kind"], unquote(match["id"]))
        if "?" in text:
            return self._search(text)
        if text.startswith("urn:"):
            return self._by_urn(text, kind)
        if kind is not None and "/" not in text:
            return self._typed(kind, text)
        raise DanglingError("is not a reference of a known form")

    def _typed(self, kind: str, identity: str) -> Found:
        if kind not in RESOURCE_TYPES:
            raise DanglingError(f"refers to the type {kind}, which FHIR R4 doesn't have")
        return self._of_key(f"{kind}/{identity}")

    def _of_key(self, key: str) -> Found:
        if not key or (self._index.has_versions and self._index.is_several(key)):
            raise SeveralError
        kind = key.partition("/")[0]
        if kind in TRACKED and not self._index.holds(key):
            # A record that was merged into another may be delivered no more.
            survivor = self._index.survivor_of(key)
            if survivor != key and self._index.holds(survivor):
                return Found(kind, survivor)
            raise DanglingError(f"refers to a resource {kind} that is not in the delivery")
        return Found(kind, key)

    def _contained(self, identity: str, container: Json) -> Found:
        for resource in objects(container.get("contained")):
            if resource.get("id") == identity and isinstance(resource.get("resourceType"), str):
                return self._known(resource) or Found(resource["resourceType"], f"#{identity}", resource)
        raise DanglingError("refers to a contained resource that is not there")

    def _known(self, contained: Json) -> Found | None:
        """The delivered resource that a contained one is by its identifier."""
        kind, several = contained["resourceType"], False
        for identifier in objects(contained.get("identifier")):
            try:
                return self._delivered(identifier, kind)
            except SeveralError:
                several = True
            except DanglingError:
                continue
        return None if several or kind != "Patient" else self._person(contained)

    def _person(self, named: Json) -> Found | None:
        """The patient with one of these identifiers who is delivered within other resources alone."""
        keys = (self._index.person(system, value) for system, value in identifiers_of(named))
        key = next((key for key in keys if key is not None), None)
        return None if key is None else Found("Patient", key)

    def _search(self, text: str) -> Found:
        path, _, query = text.partition("?")
        kind = path.rpartition("/")[2]
        parameters = parse_qsl(query, keep_blank_values=True)
        if len(parameters) == 1 and kind in RESOURCE_TYPES:
            name, value = parameters[0]
            if name == "identifier":
                system, bar, number = value.partition("|")
                return self._by_identifier(kind, (bar and system) or "*", number if bar else system)
            if name == "_id":
                return self._typed(kind, value)
        raise DanglingError("is a search by other than one identifier")

    def _by_urn(self, text: str, kind: str | None) -> Found:
        """A resource whose id is the last part of the urn, for deliveries that leave out addresses."""
        identity = text.rpartition(":")[2]
        for candidate in [kind] if kind else sorted(TRACKED):
            if self._index.holds(f"{candidate}/{identity}"):
                return self._of_key(f"{candidate}/{identity}")
        raise DanglingError("refers to an address (urn:) that no resource of the delivery has")

    def _logical(self, identifier: Json, kind: str | None) -> Found:
        try:
            return self._delivered(identifier, kind)
        except SeveralError:
            raise
        except DanglingError:
            person = self._person({"identifier": identifier}) if kind in (None, "Patient") else None
            if person is None:
                raise
            return person

    def _delivered(self, identifier: Json, kind: str | None) -> Found:
        """The delivered resource that an identifier is of."""
        value = next(texts(identifier.get("value")), None)
        if value is None:
            raise DanglingError("holds an identifier without a value")
        system = next(texts(identifier.get("system")), "*")
        for candidate in [kind] if kind else sorted(TRACKED):
            if (target := self._index.target(f"{candidate}?{system}|{value}")) is not None:
                return self._of_key(target)
        raise DanglingError("holds an identifier that no resource of the delivery has")

    def _by_identifier(self, kind: str, system: str, value: str) -> Found:
        target = self._index.target(f"{kind}?{system}|{value}")
        if target is None:
            raise DanglingError(f"searches for a resource {kind} that is not in the delivery")
        return self._of_key(target)


def type_of(reference: Any) -> str | None:
    """The type that a Reference names, whether or not it leads anywhere."""
    if not isinstance(reference, dict):
        return None
    text = next(texts(reference.get("reference")), "")
    if match := _LITERAL.fullmatch(text):
        return match["kind"]
    if "?" in text:
        return text.partition("?")[0].rpartition("/")[2]
    return _bare_type(reference)


def shown(reference: Json) -> str:
    """A reference as a reject may show it: what searches by an identifier could name a person."""
    text = next(texts(reference.get("reference")), "")
    return text if _LITERAL.fullmatch(text) or text.startswith(("#", "urn:uuid:")) else "(not shown)"


def key_of(address: object) -> str | None:
    """The key of the resource that an address, relative or absolute, is of."""
    match = _LITERAL.fullmatch(address) if isinstance(address, str) else None
    return f"{match['kind']}/{unquote(match['id'])}" if match else None


def address_alias(full_url: str) -> str:
    """By what a Bundle's entry is found that is referred to by its fullUrl."""
    return _address(full_url)


def identifiers_of(resource: Json) -> Iterator[tuple[str, str]]:
    """System and value of a resource's identifiers; the system is `*` where there is none."""
    for identifier in objects(resource.get("identifier")):
        for value in texts(identifier.get("value")):
            yield next(texts(identifier.get("system")), "*"), value


def _address(text: str) -> str:
    return "@" + text.partition("/_history/")[0]


def _bare_type(reference: Json) -> str | None:
    return next((text.rpartition("/")[2] for text in texts(reference.get("type"))), None)
