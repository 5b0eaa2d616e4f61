"""The first visitor waits for nothing that could have been worked out before."""

import shutil

from dashboard import access, exports, filters, panels, pictures, warmup
from dashboard.access import Role
from dashboard.panels import PANELS
from dashboard.serving import instruments
from dashboard.settings import Settings
from dashboard.state import Store
from dashboard.warehouse import Reader, Warehouse

PASSWORD = "correct-horse-battery"


def made() -> float:
    return instruments.QUERIES.labels("made")._value.get()


def first_page(reader: Reader) -> float:
    """How many answers the page Today had to make anew."""
    before = made()
    chosen = filters.parse({}, exports.scope_of(reader))
    for panel in PANELS.values():
        if panel.resource == "today" and len(panels.rows(reader, panel.name, chosen)):
            panels.heading(reader, panel.name, chosen)
            pictures.html(reader, panel, chosen)
            if panel.chart:
                pictures.pictures(reader, panel.name, chosen, "light")
    return made() - before


def test_the_first_page_of_every_kind_of_account_is_worked_out(everything, tmp_path):
    # A file of its own: nothing of it has been asked yet.
    path = tmp_path / everything.warehouse.path.name
    shutil.copy(everything.warehouse.path, path)
    house = Warehouse(path, Settings(data=tmp_path))
    dallas = Reader(house, access.Viewer("x", "X", Role.MANAGER, frozenset({"dallas"})))
    chicago = Reader(house, access.Viewer("y", "Y", Role.MANAGER, frozenset({"chicago"})))
    with Store.open(tmp_path, rounds=4) as store:
        store.add_user("manager.dallas", Role.MANAGER, PASSWORD, sites=["dallas"])
        for reader in warmup.readers_of(house, store):
            list(warmup.first_page(reader))
    assert first_page(dallas) == 0
    # Nobody has an account of this kind, so that its page is made when somebody asks.
    assert first_page(chicago) > 0
    house.close()
