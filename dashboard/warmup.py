"""What the first visitor would otherwise wait for: imports, queries, charts, small counts, tests of every series."""

from __future__ import annotations

import gc
import inspect
from collections import Counter
from collections.abc import Iterator

from dashboard import access, exports, filters, navigation, panels, surveillance
from dashboard.ahead import work_out
from dashboard.panels import PANELS
from dashboard.state import (
    Store,
    authenticator,  # noqa: F401 - the first sign-in needs it
)
from dashboard.state.chart_marks import ChartMarks
from dashboard.warehouse import Reader, Warehouse

#: So many kinds of accounts, by role and sites, find their first page worked out: those of most people.
KINDS = 12
#: The step after which a first page has nothing to wait for.
READY = "ready"


def steps(house: Warehouse, store: Store) -> Iterator[str]:
    """Work out, one step after the other, what people see first of an extract; a step's name when it is done."""
    everyone = Reader(house, access.Viewer("warm-up", "Warm-up", access.Role.ADMIN))
    look = panels.look_of(house.catalogue, filters.parse({}, exports.scope_of(everyone)), "light")
    for panel in PANELS.values():
        if panel.chart:
            panels.specification(panel.name, look)
            yield panel.name
    yield from house.decide_small_counts()
    readers = readers_of(house, store)
    for reader in readers:
        yield from first_page(reader)
    # The first element that Streamlit draws makes it look up the source of every module; Python keeps what is found.
    inspect.stack()
    # What is there now stays, and each full collection would look through all of it again. What an extract before
    # has left there goes first.
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    yield READY
    # Of what other pages show it alone takes seconds.
    for reader in readers:
        if access.allows(reader.viewer, "signals"):
            surveillance.surveil(reader)
            yield "signals"


def readers_of(house: Warehouse, store: Store) -> list[Reader]:
    """One for each kind of account that sees anything of the extract, those of most people first."""
    kinds = Counter((user.role, user.sites) for user in store.list_users() if not user.disabled)
    marks = ChartMarks(store).in_force()
    found = []
    for (role, sites), _ in kinds.most_common(KINDS):
        own = None if sites is None else frozenset(sites)
        viewer = access.limited(access.Viewer("warm-up", "Warm-up", role, own), store.small_cells)
        found.append(Reader(house, viewer, marks))
    return [reader for reader in found if reader.sites]


def first_page(reader: Reader) -> Iterator[str]:
    """Work out the panels of the page that the viewer sees first."""
    page = navigation.entries_for(reader.viewer)[0].name
    chosen = filters.parse({}, exports.scope_of(reader))
    # Told in the bar above it.
    reader.query("nobody_returned")
    for panel in PANELS.values():
        if panel.resource == page:
            work_out(reader, panel.name, chosen, "light")
            yield panel.name
