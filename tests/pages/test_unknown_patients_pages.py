"""Pages of an extract whose patients nobody could tell apart say so above every figure."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.intake import publish
from dashboard.settings import ROOT
from dashboard.shelf import shelf
from dashboard.state import Store, session_key
from dashboard.state.demo import add_demo_accounts

HEADER = "booking_id,patient_id,site,service,starts_at,status"


@pytest.mark.parametrize(("people", "told"), [(60, True), (59, False)])
def test_that_nobody_came_twice_stands_beside_the_extracts_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, people: int, told: bool
) -> None:
    delivery = tmp_path / "delivery"
    delivery.mkdir()
    rows = [f"B{n},P{n % people},chicago,vitamin-c,2026-01-{n % 28 + 1:02} 09:00,completed" for n in range(60)]
    (delivery / "bookings.csv").write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    (delivery / "side_effects.csv").write_text("event_id,booking_id,effect\n", encoding="utf-8")
    publish.import_delivery(delivery, tmp_path)
    with Store.open(tmp_path, rounds=4) as store:
        add_demo_accounts(store)
        key = session_key(store.open_session("director"))
    monkeypatch.setenv("DASHBOARD_DATA", str(tmp_path))
    shelf.cache_clear()
    try:
        at = AppTest.from_file(ROOT / "dashboard" / "main.py", default_timeout=30)
        at.user = {"session": key}
        at.run().switch_page("../pages/courses.py").run()
        assert not at.exception
        [line] = [body for one in at.get("html") if 'class="extract"' in (body := one.proto.body)]
        assert ("No patient has come twice" in line) is told
    finally:
        shelf.cache_clear()
