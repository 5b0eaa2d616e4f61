"""What the medical director's pages cost at a million bookings, against the other pages and against the import.

Set from outside: SAFETY_BOOKINGS (1,000,000), or SAFETY_DATA for a data folder that has a delivery and an extract.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from statistics import median

import pytest

from dashboard import surveillance
from dashboard.access import Role, Viewer
from dashboard.intake import demo, publish
from dashboard.settings import Settings
from dashboard.shelf import Shelf
from dashboard.state import Store
from dashboard.warehouse import Reader
from tests.server.server_harness import PASSWORD, Server, await_ready, dashboard_server

pytestmark = pytest.mark.bench

OTHERS = ("", "bookings", "service_mix", "age_groups")
MEASURED = ("safety", "signals", "events", "register")
PERIODS = ("28-days", "90-days", "12-months", "this-year", "last-month")


@pytest.fixture(scope="module")
def delivery(tmp_path_factory):
    if built := os.environ.get("SAFETY_DATA"):
        return Path(built) / "delivery"
    folder = tmp_path_factory.mktemp("delivery")
    demo.write_delivery(folder, years=3, bookings=int(os.environ.get("SAFETY_BOOKINGS", "1000000")))
    return folder


@pytest.fixture(scope="module")
def imported(delivery, tmp_path_factory):
    """A data folder with the delivery imported, and how many seconds that took."""
    data = tmp_path_factory.mktemp("data")
    began = time.perf_counter()
    publish.import_delivery(delivery, data)
    return data, time.perf_counter() - began


def test_detection_takes_a_small_part_of_the_import(imported, ratio):
    data, seconds = imported
    house = Shelf(Settings(data=data)).current()
    began = time.perf_counter()
    found = surveillance.surveil(Reader(house, Viewer("d", "Director", Role.MEDICAL_DIRECTOR)))
    took = time.perf_counter() - began
    house.close()
    print(f"\ndetection {took:.1f} s of {len(found)} series, import {seconds:.1f} s: {took / seconds:.3f} of it")
    ratio("detection against the import", took / seconds)
    assert len(found) > 100


def rendered(server: Server, cookie: str, page: str, periods: tuple[str, ...]) -> tuple[list[float], float]:
    """Seconds of each change of the period on a page, and the kB that the last one sent."""
    took: list[float] = []
    sent = 0
    with server.stream(cookie) as stream:
        for period in periods:
            began = time.perf_counter()
            stream.send_rerun(page=page, query=f"period={period}&effect=nausea")
            parts = [message.SerializeToString() for message in stream.messages()]
            took.append(time.perf_counter() - began)
            sent = sum(map(len, parts))
            text = b"".join(parts).decode("utf-8", "replace").lower()
            assert "went wrong" not in text
            assert "cannot be shown" not in text
    return took, sent / 1024


def test_the_directors_pages_render_as_fast_as_the_others(imported, tmp_path, ratio):
    data = tmp_path / "data"
    shutil.copytree(imported[0] / "extracts", data / "extracts")
    with Store.open(data, rounds=4) as store:
        store.add_user("director", Role.MEDICAL_DIRECTOR, PASSWORD)
    with dashboard_server(data) as server:
        await_ready(server)
        cookie = server.sign_in("director")
        first, again = {}, {}
        for page in (*OTHERS, *MEASURED):
            # Periods that nobody has asked for yet, and the same once more.
            first[page], sent = rendered(server, cookie, page, PERIODS)
            again[page], sent = rendered(server, cookie, page, PERIODS)
            print(
                f"\n{page or 'today':12} first {1000 * median(first[page]):6.0f} ms, again "
                f"{1000 * median(again[page]):6.0f} ms, {sent:4.0f} kB",
                end="",
            )
        for name, times in (("first", first), ("again", again)):
            usual = median(median(times[page]) for page in OTHERS)
            for page in MEASURED:
                ratio(f"rendering of {page}, {name}, against other pages", median(times[page]) / usual)
            ratios = ", ".join(f"{page} {median(times[page]) / usual:.2f}" for page in MEASURED)
            print(f"\n{name}: times the median of the other pages ({1000 * usual:.0f} ms): {ratios}", end="")
