"""What all queries of a page cost together as the bookings grow: pages should hardly notice.

Set from outside: QUERIES_BOOKINGS ("100000,1000000": the first is what the others are set against), or QUERIES_DATA,
data folders that have an extract already, separated by colons.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from statistics import median

import pytest

from dashboard import access, exports, filters, panels
from dashboard.access import Role, Viewer
from dashboard.panels import PANELS
from dashboard.serving import instruments
from dashboard.settings import Settings
from dashboard.shelf import Shelf
from dashboard.warehouse import Reader, Warehouse

pytestmark = pytest.mark.bench

PERIODS = ("28-days", "90-days", "12-months")
ROUNDS = 3
PAGES = tuple(dict.fromkeys(panel.resource for panel in PANELS.values() if not panel.resource.endswith("_rows")))


def folders(extracts):
    if named := os.environ.get("QUERIES_DATA"):
        return [Path(one) for one in named.split(":")]
    return [extracts(int(one)) for one in os.environ.get("QUERIES_BOOKINGS", "100000,1000000").split(",")]


def size_of(folder):
    """How many bookings the extract of a folder has, in words: "1.0 M"."""
    house = Shelf(Settings(data=folder)).current()
    bookings = Reader(house, Viewer("x", "X", Role.ADMIN)).query("holdings")["bookings"].sum()
    return f"{bookings / 1e6:.1f} M"


def spent():
    """Seconds by query, since the process began."""
    samples = (sample for metric in instruments.QUERY_SECONDS.collect() for sample in metric.samples)
    return Counter({next(iter(s.labels.values())): s.value for s in samples if s.name.endswith("_sum")})


def asked_anew(folder, page):
    """Seconds of a page's queries, by query: the median over rounds and periods of the whole, nothing kept."""
    role = Role.ADMIN if Role.ADMIN in access.RESOURCES[page] else Role.MEDICAL_DIRECTOR
    settings = Settings(data=folder)
    path = Shelf(settings).current().path
    found = []
    for round_ in range(1 + ROUNDS):
        for period in PERIODS:
            # A warehouse that has kept nothing, on a file that the system holds.
            house = Warehouse(path, settings)
            reader = Reader(house, Viewer("x", "X", role))
            chosen = filters.parse({"period": [period], "effect": ["nausea"]}, exports.scope_of(reader))
            before = spent()
            for panel in PANELS.values():
                if panel.resource == page:
                    panels.on_page(reader, panel.name, chosen)
                    panels.heading(reader, panel.name, chosen)
            if round_:
                found.append(spent() - before)
            house.close()
    return sorted(found, key=lambda one: one.total())[len(found) // 2]


def test_queries_of_a_page_as_bookings_grow(extracts, ratio):
    first, *larger = folders(extracts)
    small = {page: asked_anew(first, page) for page in PAGES}
    for folder in larger:
        large = {page: asked_anew(folder, page) for page in PAGES}
        print(f"\n{size_of(folder)} against {size_of(first)} bookings, all queries of a page, ms:")
        for page in PAGES:
            times = large[page].total() / small[page].total()
            ratio(f"queries of {page}, {size_of(folder)} against {size_of(first)} bookings", times)
            slowest = ", ".join(f"{name} {1000 * t:.0f}" for name, t in large[page].most_common(3))
            print(
                f"{page:12} {1000 * small[page].total():6.0f} -> {1000 * large[page].total():6.0f}  {times:5.2f} x  ({slowest})"
            )
        every = [large[page].total() / small[page].total() for page in PAGES]
        print(f"median {median(every):.2f} x, largest {max(every):.2f} x")
