"""What a page shows is what it wishes to have of other choices, and a page comes before all wishes."""

import threading
import time

import pytest

from dashboard.ahead import ahead
from dashboard.panels import PANELS
from dashboard.shelf import shelf


@pytest.fixture
def worker(data):
    """A process that grants wishes, when it comes to it."""
    ahead.cache_clear()
    ahead().work(shelf().current(), 0, threading.Event())
    yield ahead()
    ahead.cache_clear()


@pytest.mark.parametrize(
    ("page", "dated"), [("bookings", "period"), ("today", "day"), ("worklists", ""), ("safety", "period")]
)
def test_a_page_wishes_for_the_panels_that_it_shows(visit, worker, page, dated):
    begun = time.monotonic()
    visit("director", page)
    # The first run is of another page, whose wishes are older.
    own = [wish for wish in worker._wishes.values() if PANELS[wish.panel].resource == page]
    assert own
    assert {wish.dated for wish in own} == {dated}
    assert list(worker._wishes.values())[-len(own) :] == own
    # It was made as something that somebody waits for.
    assert worker._left_at > begun
    assert worker._people == 0


def test_a_closed_tab_is_not_wished_for(visit, worker):
    visit("director", "safety")
    shown = {wish.panel for wish in worker._wishes.values()}
    assert {name for name, panel in PANELS.items() if panel.resource == "safety"} - shown


def test_a_page_without_filters_wishes_for_nothing(visit, worker):
    visit("director", "data")
    assert {PANELS[wish.panel].resource for wish in worker._wishes.values()} == {"today"}
