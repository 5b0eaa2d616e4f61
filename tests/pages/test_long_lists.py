"""A worklist that is longer than anybody calls: its page has the first rows, its heading and its file all of them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from elements import html
from streamlit.testing.v1 import AppTest

from dashboard.intake.publish import import_delivery
from dashboard.panels import worklists
from dashboard.settings import ROOT
from dashboard.shelf import shelf
from dashboard.state import Store, session_key
from dashboard.state.demo import add_demo_accounts

LATE = worklists.FIRST_ROWS + 234


@pytest.fixture
def page(tmp_path, monkeypatch):
    """The page Worklists of an extract with so many late forms, as the manager of Dallas has it."""
    delivery = tmp_path / "delivery"
    delivery.mkdir()
    start = dt.datetime(2026, 3, 2, 9)
    with (delivery / "bookings.csv").open("w") as file:
        file.write("booking_id,patient_id,site,service,starts_at,status,side_effects_assessed\n")
        for number in range(LATE):
            at = start + dt.timedelta(days=number % 10, minutes=number % 60)
            file.write(f"B{number:04},P{number:04},dallas,vitamin-c,{at:%Y-%m-%d %H:%M},completed,no\n")
        file.write("B9999,P9999,dallas,vitamin-c,2026-03-20 09:00,completed,yes\n")
    (delivery / "side_effects.csv").write_text("event_id,booking_id,effect\n")
    import_delivery(delivery, tmp_path)
    with Store.open(tmp_path, rounds=4) as store:
        add_demo_accounts(store)
        key = session_key(store.open_session("manager.dallas"))
    monkeypatch.setenv("DASHBOARD_DATA", str(tmp_path))
    shelf.cache_clear()
    at = AppTest.from_file(ROOT / "dashboard" / "main.py", default_timeout=30)
    at.user = {"session": key}
    at.run()
    yield at.switch_page(str(Path("..") / "pages" / "worklists.py")).run()
    shelf.cache_clear()


def test_the_first_rows_are_shown_and_all_are_counted(page):
    assert f"{LATE:,} side-effect forms are late, the oldest for 18 days" in html(page)
    [shown] = page.dataframe
    assert len(shown.value) == worklists.FIRST_ROWS
    caption = f"The first {worklists.FIRST_ROWS:,} of {LATE:,} rows; the CSV has them all."
    assert caption in [one.value for one in page.caption]
