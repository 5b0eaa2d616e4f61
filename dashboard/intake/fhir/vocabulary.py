"""Finds the site, service or effect that a name or code means."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from dashboard.intake.fhir.options import Options
from dashboard.intake.reference import Reference

#: So many different codes are named with the line to add for each; a longer list helps nobody.
_SUGGESTED = 25


@dataclass(frozen=True)
class Words:
    """What one thing is called.

    Attributes:
        keys: references and codes, like `Location/1` or `system|code`; compared as they are.
        names: names, texts and displays; compared without case and punctuation.
        cities: compared with the cities of sites only.
    """

    keys: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    cities: tuple[str, ...] = ()


class Glossary:
    """The words of one reference table, those of the mapping file before those of the table."""

    def __init__(self, table: str, mapped: Mapping[str, str], known: Iterable[tuple[str, Iterable[str]]]) -> None:
        self._table = table
        self._mapped = dict(mapped)
        self._mapped_names = {plain(name): key for name, key in mapped.items()}
        self._known = _unique(known)
        self._cities: dict[str, str] = {}
        self._suggested: set[str] = set()

    def with_cities(self, cities: Iterable[tuple[str, Iterable[str]]]) -> Glossary:
        """The same, which knows where each thing is, too; a city with two of them tells nothing."""
        self._cities = _unique(cities)
        return self

    def mapped(self, words: Words) -> str | None:
        """The key that the mapping file gives for these words."""
        for key in words.keys:
            if key in self._mapped:
                return self._mapped[key]
        for name in words.names:
            if (found := self._mapped_names.get(plain(name))) is not None:
                return found
        return None

    def known(self, words: Words) -> str | None:
        """The key that these words mean by the reference table."""
        for name in words.names:
            if (found := self._known.get(plain(name))) is not None:
                return found
        for city in words.cities:
            if (found := self._cities.get(plain(city))) is not None:
                return found
        return None

    def find(self, words: Words) -> str | None:
        """The key by the mapping file, else by the reference table."""
        return self.mapped(words) or self.known(words)

    def advice(self, seen: Words, trouble: str | None = None) -> str:
        """What to do about words that mean nothing here, or about a reference that leads to nothing."""
        why = f"{trouble}; deliver it, or" if trouble else f"is none of the {self._table} by key or name;"
        key = next((*seen.keys, *seen.names).__iter__(), None)
        if key is not None and (key in self._suggested or len(self._suggested) < _SUGGESTED):
            self._suggested.add(key)
            line = f"{json.dumps(key, ensure_ascii=False)} = …"
            return f"{why} add the line {line} under [fhir.{self._table}]"
        return f"{why} add a line for it under [fhir.{self._table}]"


def _unique(entries: Iterable[tuple[str, Iterable[str]]]) -> dict[str, str]:
    """Words by what they mean; a word with two meanings has none."""
    meanings: dict[str, set[str]] = {}
    for key, names in entries:
        for name in names:
            meanings.setdefault(plain(name), set()).add(key)
    return {name: min(keys) for name, keys in meanings.items() if name and len(keys) == 1}


@lru_cache(maxsize=10_000)
def plain(text: str) -> str:
    """A text without case, accents and punctuation: how words are compared."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return re.sub(r"[\W_]+", " ", bare).strip()


@dataclass(frozen=True)
class Vocabulary:
    """The three glossaries of a delivery."""

    sites: Glossary
    services: Glossary
    effects: Glossary


def make_vocabulary(reference: Reference, options: Options) -> Vocabulary:
    """The words that a delivery's names and codes are compared with."""
    sites = Glossary("sites", options.sites, [(s.site, (s.site, s.name)) for s in reference.sites])
    return Vocabulary(
        sites.with_cities([(s.site, (s.city, s.city.split(",")[0])) for s in reference.sites]),
        Glossary("services", options.services, [(s.service, (s.service, s.name)) for s in reference.services]),
        Glossary("effects", options.effects, [(e.effect, (e.effect, e.name)) for e in reference.effects]),
    )
