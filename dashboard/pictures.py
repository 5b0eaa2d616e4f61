"""The charts of a panel as they are drawn, on a page or in print: which rows, which sites, with which annotations.

Of many sites a page draws some at a time, the same ones in every panel; where a colour can't tell them apart any
more, each site has a small chart of its own. Tables and files always have them all.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from dashboard import chart_notes, charts, panels, specifications, theme
from dashboard.axes import FLOOR, TOP
from dashboard.chart_notes import Note
from dashboard.filters import Filters
from dashboard.panels import PANELS, Panel
from dashboard.panels.words import together
from dashboard.warehouse import Reader

#: A site's name in a chart that is built once for each of many.
_ANY_SITE = "*"


@dataclass(frozen=True)
class Picture:
    """One chart: what it is of where there are several (else empty), its rows and its specification."""

    caption: str
    rows: pa.Table
    body: dict[str, Any]


@dataclass(frozen=True)
class Pictures:
    """The charts of a panel, so many beside each other, and the annotations that stand on them.

    `titled` says whether each has the panel's title; else it stands above them all.
    """

    charts: list[Picture]
    notes: list[Note]
    beside: int = 4
    titled: bool = True


def shown(reader: Reader, panel: Panel, chosen: Filters, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the sites that are drawn at a time; all of them where they are few, or stand together."""
    if chosen.parts == 1 or panel.sites_in not in frame:
        return frame
    names = {reader.catalogue.site_name(site) for site in chosen.sites_drawn} | {together(reader, chosen)}
    return frame[frame[panel.sites_in].isin(names)]


def html(reader: Reader, panel: Panel, chosen: Filters) -> str:
    """A panel's rows as HTML, where that is how it shows them; else nothing."""
    if (build := panel.html) is None:
        return ""
    key = ("html", chosen.part, *panels.key_of(reader, panel.name, chosen))

    def made() -> str:
        frame = panels.rows(reader, panel.name, chosen)
        return build(shown(reader, panel, chosen, frame))

    return reader.warehouse.kept(key, made)


def pictures(reader: Reader, name: str, chosen: Filters, mode: theme.Mode) -> Pictures:
    """The charts of a panel that has one."""
    key = ("pictures", mode, chosen.part, reader.marks, *panels.key_of(reader, name, chosen))
    return reader.warehouse.kept(key, lambda: _pictures(reader, name, chosen, mode))


def _pictures(reader: Reader, name: str, chosen: Filters, mode: theme.Mode) -> Pictures:
    panel, frame = panels.panel_of(name, chosen), panels.rows(reader, name, chosen)
    own = replace(chosen, sites=chosen.sites_drawn) if panel.sites_in in frame else chosen
    look = panels.look_of(reader.catalogue, own, mode)
    spec, each, beside = panels.specification(name, look), panel.each, 4
    apart = not each and len(look.sites) > charts.COLOURED and specifications.tells_apart(spec, panel.sites_in)
    if apart:
        each, beside = panel.sites_in, 2 if specifications.is_nominal(spec, "y") else 3
        one = replace(look, sites=(_ANY_SITE,), site_colours=(theme.accent(mode),))
        spec = panels.specification(name, one)
    rows = shown(reader, panel, chosen, frame)
    notes = panels.notes_of(reader, name, own, frame, spec)
    drawn = panels.drawn(rows, spec, panels.asked(reader, name, chosen).grain)
    parts = {str(one): part for one, part in drawn.groupby(rows[each], sort=False)} if each else {"": drawn}
    # Sites in one order on every panel, whichever has the first row.
    parts = {name: parts[name] for name in dict.fromkeys([*look.sites, *parts]) if name in parts}
    # Rates are compared from chart to chart; counts of a large site would press those of a small one down.
    rates = len(parts) > 1 and bool(frame.get("denominator", pd.Series(dtype=float)).notna().any())
    highest = _highest(drawn) if rates and panel.sites_in == each else 0
    lowest = _lowest(drawn) if rates and spec.any_floor else None
    made = []
    for caption, part in parts.items():
        if spec.any_top and (top := highest or (1 if not _highest(part) else 0)):
            part = part.assign(**{TOP: top})
        if lowest is not None:
            part = part.assign(**{FLOOR: lowest})
        here = [note for site, note in notes if each not in ("site", panel.sites_in) or site in ("", caption)]
        body = chart_notes.annotated(spec, here, mode)
        made.append(Picture(caption, table(part), specifications.of_one(body, _ANY_SITE, caption) if apart else body))
    return Pictures(made, [note for _, note in notes], beside, titled=not apart)


def _highest(drawn: pd.DataFrame) -> float:
    """The largest value that stands along the axis of a chart; 0 where none is above it."""
    return float(np.nanmax(_along(drawn, "upper"), initial=0))


def _lowest(drawn: pd.DataFrame) -> float:
    """The least share that stands along the axis of a chart; 100 where there is none."""
    return float(np.nanmin(_along(drawn, "lower"), initial=100))


def _along(drawn: pd.DataFrame, bound: str) -> npt.NDArray[np.float64]:
    return drawn[[name for name in ("value", "centre", bound) if name in drawn]].to_numpy(dtype=float)


def table(frame: pd.DataFrame) -> pa.Table:
    """Rows for a browser: whole numbers in four bytes, words that repeat once, and nothing of pandas' own."""
    return pa.table({str(name): _column(frame[name]) for name in frame.columns})


def _column(values: pd.Series) -> pa.Array:
    array = pa.Array.from_pandas(values)
    if pa.types.is_floating(array.type) or pa.types.is_integer(array.type):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        known = numbers[~np.isnan(numbers)]
        whole = bool((np.trunc(known) == known).all() and (np.abs(known) < 2**31).all())
        return array.cast(pa.int32()) if whole else array
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
        words = array.cast(pa.string()).dictionary_encode()
        if len(words.dictionary) * 2 <= len(words):
            return words.cast(pa.dictionary(pa.int16(), pa.string()))
    return array


def turns(resource: str) -> bool:
    """Whether the page has panels of which only some of many sites are drawn at a time."""
    own = [panel for panel in PANELS.values() if panel.resource == resource and (panel.chart or panel.html)]
    return any(column.name == panel.sites_in for panel in own for column in panel.columns)
