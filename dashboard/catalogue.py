"""What an extract holds: its identity, its sites and the words that filters and labels need."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard.intake.contract import other_schema
from dashboard.query_faults import WarehouseError


@dataclass(frozen=True)
class Place:
    """A site as the reference table of the extract has it."""

    site: str
    name: str
    city: str
    timezone: str


@dataclass(frozen=True)
class Catalogue:
    """What the extract holds: its identity and the words that filters and labels need."""

    name: str
    built_at: dt.datetime
    demo: bool
    definitions_version: str
    first_day: dt.date
    last_day: dt.date
    last_full_day: dt.date
    sites: dict[str, Place]
    lines: tuple[str, ...]
    bands: tuple[str, ...]
    groups: dict[str, str]
    effects: dict[str, str]
    listed_effects: frozenset[str]
    #: Of side effects that a site may have made up, the sites that wrote them down.
    own_words: dict[str, frozenset[str]]
    services: dict[str, str]

    def effects_at(self, sites: Iterable[str]) -> dict[str, str]:
        """The side effects that there are for who sees these sites: what another site wrote down is its own."""
        seen = frozenset(sites)
        foreign = {effect for effect, wrote in self.own_words.items() if not wrote & seen}
        return {effect: name for effect, name in self.effects.items() if effect not in foreign}

    def site_name(self, site: str) -> str:
        """The site's name as staff read it."""
        place = self.sites.get(site)
        return place.name if place else site


def read(
    file: str, info: pd.Series[Any], ask: Callable[[str], pd.DataFrame], words: Callable[[], pd.DataFrame]
) -> Catalogue:
    """The catalogue: `info` is the row of `extract_info`, `ask` answers a query without values by its name.

    `words` gives which sites wrote which side effects down.

    Raises:
        WarehouseError: the file has tables of another version than this program reads.
    """
    if other := other_schema(int(info["schema_version"])):
        raise WarehouseError(f"{file} {other}")
    places = ask("sites").to_dict("records")
    bands = ask("age_bands")
    effects = ask("effects")
    services = ask("services")
    wrote = words().groupby("effect")["site"].agg(frozenset)
    return Catalogue(
        name=str(info["name"]),
        built_at=pd.Timestamp(info["built_at"]).to_pydatetime(),
        demo=bool(info["demo"]),
        definitions_version=str(info["definitions_version"]),
        first_day=pd.Timestamp(info["first_day"]).date(),
        last_day=pd.Timestamp(info["last_day"]).date(),
        last_full_day=pd.Timestamp(info["last_full_day"]).date(),
        sites={row["site"]: Place(row["site"], row["name"], row["city"], row["timezone"]) for row in places},
        lines=tuple(dict.fromkeys(services["line"])),
        bands=tuple(bands["band"]),
        groups=dict(zip(bands["band"], bands["group"], strict=True)),
        effects=dict(zip(effects["effect"], effects["name"], strict=True)),
        listed_effects=frozenset(effects.loc[effects["listed"], "effect"]),
        # What the reference table calls neither listed nor serious a site has mostly made up itself.
        own_words={
            effect: wrote.get(effect, frozenset())
            for effect in effects.loc[~(effects["listed"] | effects["serious"]), "effect"]
        },
        services=dict(zip(services["service"], services["name"], strict=True)),
    )
