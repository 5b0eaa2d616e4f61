"""What the first visitor after a start waits for, against the next one: the server warms up before it says it is ready.

Set from outside: FIRST_BOOKINGS (1,000,000), or FIRST_DATA for a data folder that has an extract already.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from statistics import median

import pytest

from dashboard.access import Role
from dashboard.state import Store
from tests.server.server_harness import PASSWORD, await_ready, dashboard_server

pytestmark = pytest.mark.bench

STARTS = 5


def opened(server) -> float:
    """Seconds until the first page has run for a person who has just signed in."""
    with server.stream(server.sign_in("director")) as stream:
        begun = time.perf_counter()
        _, shown = stream.run(page="", query="")
        took = time.perf_counter() - begun
    assert "Chicago" in shown
    return took


def test_the_first_page_after_a_start(extracts, tmp_path, ratio):
    named = os.environ.get("FIRST_DATA")
    built = Path(named) if named else extracts(int(os.environ.get("FIRST_BOOKINGS", "1000000")))
    data = tmp_path / "data"
    shutil.copytree(built / "extracts", data / "extracts")
    with Store.open(data, rounds=4) as store:
        store.add_user("director", Role.MEDICAL_DIRECTOR, PASSWORD)
    firsts, laters, ready = [], [], []
    for _ in range(STARTS):
        begun = time.perf_counter()
        with dashboard_server(data) as server:
            await_ready(server)
            ready.append(time.perf_counter() - begun)
            firsts.append(opened(server))
            laters += [opened(server) for _ in range(3)]
    print(
        f"\nready {median(ready):.1f} s after the start; first page {1000 * median(firsts):.0f} ms for the first visitor, "
        f"{1000 * median(laters):.0f} ms for the next ones: {median(firsts) / median(laters):.1f} x"
    )
    ratio("first page after a start against later ones", median(firsts) / median(laters))
