"""What the first visitor would otherwise wait for: imports, queries, charts, small counts."""

from __future__ import annotations

import gc
import inspect
import logging
from collections import Counter

from dashboard import access, exports, filters, navigation, panels, pictures
from dashboard.panels import PANELS
from dashboard.query_faults import WarehouseError
from dashboard.shelf import shelf
from dashboard.state import Store
from dashboard.state.chart_marks import ChartMarks
from dashboard.warehouse import Reader, Warehouse

log = logging.getLogger(__name__)

#: So many kinds of accounts, by role and sites, find their first page worked out: those of most people.
KINDS = 12


def run(store: Store) -> None:
    """Build the charts of the default period, and what the first pages of those who have accounts show."""
    try:
        house = shelf().current()
    except WarehouseError as error:
        log.warning("starting without an extract: %s", error)
        return
    everyone = Reader(house, access.Viewer("warm-up", "Warm-up", access.Role.ADMIN))
    look = panels.look_of(house.catalogue, filters.parse({}, exports.scope_of(everyone)), "light")
    for panel in PANELS.values():
        if panel.chart:
            panels.specification(panel.name, look)
    house.decide_small_counts()
    first_pages(house, store)
    # The first element that Streamlit draws makes it look up the source of every module; Python keeps what is found.
    inspect.stack()
    # What is there now stays, and each full collection would look through all of it again.
    gc.collect()
    gc.freeze()


def first_pages(house: Warehouse, store: Store) -> None:
    """Work out the panels of the page that people see first, for each kind of account."""
    kinds = Counter((user.role, user.sites) for user in store.list_users() if not user.disabled)
    marks = ChartMarks(store).in_force()
    for (role, sites), _ in kinds.most_common(KINDS):
        own = None if sites is None else frozenset(sites)
        viewer = access.limited(access.Viewer("warm-up", "Warm-up", role, own), store.small_cells)
        reader = Reader(house, viewer, marks)
        if not reader.sites:
            continue
        page = navigation.entries_for(viewer)[0].name
        chosen = filters.parse({}, exports.scope_of(reader))
        for panel in PANELS.values():
            if panel.resource == page:
                panels.rows(reader, panel.name, chosen)
                panels.heading(reader, panel.name, chosen)
                pictures.html(reader, panel, chosen, "light")
                if panel.chart and len(panels.rows(reader, panel.name, chosen)):
                    pictures.pictures(reader, panel.name, chosen, "light")
