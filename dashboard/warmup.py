"""What the first visitor would otherwise wait for: imports, queries, charts, small counts."""

from __future__ import annotations

import gc
import logging

from dashboard import access, exports, filters, panels
from dashboard.query_faults import WarehouseError
from dashboard.shelf import shelf
from dashboard.warehouse import Reader

log = logging.getLogger(__name__)


def run() -> None:
    """Build the charts of the default period and answer the queries of the first page."""
    try:
        house = shelf().current()
    except WarehouseError as error:
        log.warning("starting without an extract: %s", error)
        return
    everyone = access.Viewer("warm-up", "Warm-up", access.Role.ADMIN)
    reader = Reader(house, everyone)
    chosen = filters.parse({}, exports.scope_of(reader))
    look = panels.look_of(house.catalogue, chosen, "light")
    for panel in panels.PANELS.values():
        if panel.chart:
            panels.specification(panel.name, look)
    panels.rows(reader, "today", chosen)
    house.decide_small_counts()
    # What is there now stays, and each full collection would look through all of it again.
    gc.collect()
    gc.freeze()
