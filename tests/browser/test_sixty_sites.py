"""A group of sixty sites in a real browser: pages stay readable, charts turn through the sites, one site sees one."""

from __future__ import annotations

import os
import subprocess

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DASHBOARD
from tests.browser.harness import DESKTOP, PHONE, visiting
from tests.ports import free_port
from tests.server.server_harness import running

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def sixty(browser, tmp_path_factory):
    """Windows on a dashboard of sixty sites."""
    data = tmp_path_factory.mktemp("sixty")
    delivery = data / "delivery"
    for command in (
        ["demo", delivery, "--sites", "60", "--bookings", "10000", "--years", "1"],
        ["import", delivery, "--reference", delivery / "reference"],
    ):
        subprocess.run(
            [DASHBOARD, *command], env=os.environ | {"DASHBOARD_DATA": str(data)}, check=True, capture_output=True
        )
    port = free_port()
    with running([DASHBOARD, "serve", "--demo", "--port", str(port)], port, data) as server:
        yield lambda **options: visiting(browser, server.origin, **options)


def test_pages_of_sixty_sites_are_readable(sixty, artifacts):
    with sixty() as window:
        window.sign_in("director", target="/account")
        for page in ("today", "bookings", "age_groups"):
            window.page.set_viewport_size(DESKTOP)
            window.open(f"/{page}?period=90-days")
            for size in (DESKTOP, PHONE):
                window.page.set_viewport_size(size)
                window.settle()
                expect(window.page.get_by_text("Sites 1 to 12 of 60.")).to_be_visible()
                assert window.overflow() == 0, (page, size)
                assert window.barriers() == [], (page, size)
                assert window.page.get_by_test_id("stException").count() == 0
                window.shoot(artifacts / f"sixty-{page}-{size['width']}.png")
        assert window.faults == []


def test_of_nine_small_charts_the_last_is_as_wide_as_the_others(sixty):
    with sixty() as window:
        names = "chicago dallas miami_beach albany atlanta baltimore boston buffalo charlotte"
        sites = "&".join(f"site={name}" for name in names.split())
        window.sign_in("director", target=f"/bookings?period=90-days&{sites}")
        charts = window.page.locator(".st-key-panel_no_show_trend .stVegaLiteChart")
        expect(charts).to_have_count(9)
        places = [chart.bounding_box() for chart in charts.all()]
        assert len({round(place["x"]) for place in places}) == 2, "charts stand beside each other"
        assert len({round(place["width"]) for place in places}) == 1, places


def test_charts_turn_to_the_next_sites_and_the_address_keeps_them(sixty):
    with sixty() as window:
        window.sign_in("director", target="/bookings?period=90-days")
        panel = window.page.locator(".st-key-panel_no_show_trend")
        card = window.page.locator(".st-key-panel_bookings_summary .scorecard")
        expect(panel.locator(".stVegaLiteChart")).to_have_count(12)
        expect(panel.get_by_text("Chicago", exact=True)).to_be_visible()
        expect(window.page.get_by_role("button", name="Previous sites")).to_be_disabled()
        window.page.get_by_role("button", name="Next sites").click()
        expect(window.page.get_by_text("Sites 13 to 24 of 60.")).to_be_visible()
        window.settle()
        assert "part=2" in window.page.url
        expect(panel.get_by_text("Chicago", exact=True)).to_have_count(0)
        expect(panel.get_by_text("Hartford", exact=True)).to_be_visible()
        expect(card.get_by_role("rowheader", name="Hartford")).to_be_visible()
        expect(card.get_by_role("rowheader", name="All sites")).to_be_visible()
        window.open(window.page.url)
        expect(panel.get_by_text("Hartford", exact=True)).to_be_visible()
        # The picker finds a site by letters; the choice begins at the first sites again.
        picker = window.page.get_by_role("combobox", name="Sites")
        picker.click()
        picker.press_sequentially("wich")
        window.page.get_by_role("option", name="Wichita").click()
        window.page.keyboard.press("Escape")
        window.settle()
        expect(window.page.get_by_text("Sites 13 to 24 of 60.")).to_have_count(0)
        assert "site=wichita" in window.page.url
        assert "part=" not in window.page.url
        assert window.faults == []


def test_a_manager_of_one_of_sixty_sites_sees_a_page_of_one(sixty):
    with sixty() as window:
        window.sign_in("manager.dallas", target="/bookings?period=90-days&part=3")
        expect(window.page.get_by_text("Sites 1 to 12")).to_have_count(0)
        expect(window.page.get_by_role("combobox", name="Sites")).to_have_count(0)
        assert "part=" not in window.page.url
        head = window.page.locator(".st-key-panel_bookings_summary thead th").all_inner_texts()
        assert head == ["Dallas"]
        assert window.faults == []
        assert "Wichita" not in window.texts()


def test_a_day_of_sixty_sites_rolls_below_its_headings(sixty):
    with sixty() as window:
        window.sign_in("director", target="/today")
        card = window.page.locator(".st-key-panel_today .scorecard.many")
        heading = card.get_by_text("No-show rate", exact=True)
        assert card.bounding_box()["height"] < DESKTOP["height"]
        before = heading.bounding_box()["y"]
        card.evaluate("e => { e.scrollTop = e.scrollHeight; }")
        assert card.evaluate("e => e.scrollTop") > 100
        assert heading.bounding_box()["y"] == pytest.approx(before, abs=30)
        window.open("/account")
        expect(window.page.get_by_text("Every site: 60 sites")).to_be_visible()
        assert window.faults == []
