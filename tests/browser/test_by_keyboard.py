"""A page without a mouse, and without eyes: by keyboard from sign-in to a file, and what a reader is told on the way."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from dashboard.state.passwords import DEMO_PASSWORD

pytestmark = pytest.mark.browser
#: A window of 1440 by 900 at a zoom of 200 %.
ZOOMED = {"width": 720, "height": 450}


def walk_to(page, place, most=60):
    """Press Tab until the place has the focus."""
    for _ in range(most):
        if place.count() and place.evaluate(
            "e => e === document.activeElement || e.contains(document.activeElement)"
        ):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{place} is not reached by keyboard")


def test_from_sign_in_to_a_file_without_a_mouse(visit):
    with visit() as window:
        page = window.page
        page.goto("/bookings")
        for field, text in (("User name", "director"), ("Password", DEMO_PASSWORD)):
            walk_to(page, page.get_by_label(field))
            page.keyboard.type(text)
        page.keyboard.press("Enter")
        window.settle()
        status = page.locator("div.unseen[role=status]")
        walk_to(page, page.get_by_role("combobox", name="Period"))
        page.keyboard.type("Last 90 days")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile("period=90-days"))
        window.settle()
        # What changed is said: the page, its period, its answer.
        extract, answer = page.locator(".extract").inner_text(), page.locator("h2.answer").first.inner_text()
        expect(status).to_have_text(f"Bookings. {extract.splitlines()[0]}. {answer}")
        panel = page.locator(".st-key-panel_bookings_summary")
        link = panel.get_by_role("link", name="CSV")
        walk_to(page, link)
        assert link.evaluate("e => getComputedStyle(e).outline").endswith("solid 2px")
        with page.expect_download() as started:
            page.keyboard.press("Enter")
        assert started.value.suggested_filename.endswith(".csv")
        walk_to(page, panel.locator("summary", has_text="Table"))
        page.keyboard.press("Enter")
        expect(panel.get_by_test_id("stDataFrame")).to_be_visible()
        assert window.faults == []


#: Where the keyboard is: None on nothing at all, else what it is, its name, and whether it stands in the window.
STOP = """() => {
    const e = document.activeElement, box = e.getBoundingClientRect()
    if (e === document.body) return null
    // Cells of a table, which may be higher than the window, are told and shown by the table itself.
    const table = !!e.closest('[data-testid=stDataFrame]') && e.tagName !== 'BUTTON'
    const name = e.ariaLabel || e.innerText || e.placeholder || [...(e.labels ?? [])].map(l => l.innerText).join()
    return [e.tagName, table ? 'table' : name, table || (box.top > -1 && box.bottom < innerHeight + 1)]
}"""


@pytest.mark.parametrize(
    ("who", "pages"),
    [
        ("director", ("signals", "alerts", "data", "register", "exports", "events", "worklists", "account")),
        ("finance", ("revenue",)),
        ("admin", ("audit",)),
    ],
    ids=["director", "finance", "admin"],
)
def test_a_page_is_gone_through_by_tab_and_left(visit, who, pages):
    with visit() as window:
        window.sign_in(who, target="/account")
        for page in pages:
            window.open(f"/{page}")
            expect(window.page.get_by_test_id("stTopNavLink").last).to_be_visible()
            stops = []
            while len(stops) < 200:
                window.page.keyboard.press("Tab")
                if (stop := window.page.evaluate(STOP)) is None:
                    break
                stops.append(stop)
            assert 10 < len(stops) < 200, page
            assert [stop for stop in stops if not stop[1].strip() or not stop[2]] == [], page


def test_a_choice_of_sites_is_told_while_its_list_is_open(visit):
    with visit() as window:
        window.sign_in("director", target="/bookings")
        before = window.page.locator("h2.answer").first.inner_text()
        sites = window.page.get_by_role("combobox", name="Sites")
        sites.focus()
        window.page.keyboard.type("Dallas")
        window.page.keyboard.press("Enter")
        # An open list hides the page from readers: what they are told must not be hidden with it.
        expect(sites).to_have_attribute("aria-expanded", "true")
        expect(window.page.get_by_role("status").filter(has_text="Bookings. ")).to_be_visible()
        status = window.page.get_by_role("status").filter(has_text="Bookings. ")
        expect(status).not_to_contain_text(before)
        expect(status).to_contain_text(re.compile("[0-9,]+ bookings; no-shows"))


def test_twice_as_large_nothing_is_cut_and_changes_stand_whole(visit):
    with visit(viewport=ZOOMED) as window:
        window.sign_in("manager.dallas", target="/bookings")
        assert window.overflow() == 0
        changes = window.page.locator(".scorecard.alone .change")
        starts = changes.evaluate_all("all => all.map(e => e.getClientRects().length)")
        assert len(starts) > 5
        assert set(starts) == {1}


def test_nothing_moves_for_who_asks_for_no_motion(visit):
    with visit(reduced_motion="reduce") as window:
        window.sign_in("director", target="/bookings")
        moving = window.page.evaluate(
            "() => [...document.querySelectorAll('*')].map(e => getComputedStyle(e)).filter(c => "
            "[...c.transitionDuration.split(','), ...c.animationDuration.split(',')].some(t => parseFloat(t) > 0.05))"
            ".length"
        )
        assert moving == 0
