"""Each role walks all of its pages in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from dashboard.access import Role, Viewer
from dashboard.navigation import ENTRIES, entries_for
from dashboard.panels import PANELS
from dashboard.state.demo import DEMO_ACCOUNTS
from tests.browser.harness import DESKTOP, PHONE

pytestmark = pytest.mark.browser

ROLES = {
    "manager.chicago": Role.MANAGER,
    "director": Role.MEDICAL_DIRECTOR,
    "finance": Role.FINANCE,
    "admin": Role.ADMIN,
}
OF_FHIR = {"resources", "left_out"}
FOREIGN = {"manager.chicago": ("dallas", "miami"), "manager.two": ("miami",)}


def pages_of(role):
    return entries_for(Viewer("x", "X", role))


def looked_into_by(role):
    """Pages that are searched for barriers and pictured as this role sees them: each once, since these take longest."""
    if role is Role.MEDICAL_DIRECTOR:
        return pages_of(role)
    return [e for e in pages_of(role) if e not in pages_of(Role.MEDICAL_DIRECTOR)] if role is Role.ADMIN else []


def test_every_page_is_looked_into():
    assert {e for role in ROLES.values() for e in looked_into_by(role)} == set(ENTRIES)


@pytest.mark.parametrize(("username", "role"), ROLES.items())
def test_a_role_walks_its_pages_without_a_fault(visit, artifacts, username, role):
    with visit() as window:
        window.page.goto("/")
        assert window.barriers() == [], "the page before sign-in"
        window.sign_in(username)
        menu = window.page.get_by_test_id("stTopNavLink")
        assert [name.split("\n")[-1].strip() for name in menu.all_inner_texts()] == [e.title for e in pages_of(role)]
        first = pages_of(role)[0].title
        expect(window.page.get_by_role("heading", level=1, name=first, exact=True)).to_be_visible()
        for entry in pages_of(role):
            window.go(entry.title)
            # The two of FHIR deliveries are drawn only where there was one.
            drawn = [p for p in PANELS.values() if p.resource == entry.name and p.name not in OF_FHIR]
            seen = looked_at(window, drawn, role)
            if entry in looked_into_by(role):
                assert window.barriers() == [], entry.name
                window.shoot(artifacts / f"{username}-{entry.name}-light-1440.png")
            for tabs in window.page.get_by_role("tablist").all():
                for tab in tabs.get_by_role("tab").all()[1:]:
                    tab.click()
                    opened = window.page.locator(f"[id='{tab.get_attribute('aria-controls')}']")
                    expect(opened.locator("[class*=st-key-panel_]").first).to_be_visible(timeout=20_000)
                    window.settle()
                    seen |= looked_at(window, drawn, role)
            assert seen == {panel.name for panel in drawn}
        assert window.faults == []


def looked_at(window, panels, role):
    """Those of the panels that stand on the page; each shows what it has."""
    seen, silent = set(), 0
    for panel in panels:
        place = window.page.locator(f".st-key-panel_{panel.name}")
        if not place.count():
            continue  # behind another tab
        expect(place).to_be_visible()
        if panel.hides and place.get_by_text("Every count above 0 is hidden").count():
            silent += 1
        elif panel.chart:
            expect(place.locator(".stVegaLiteChart").first).to_be_visible()
            assert place.locator("[aria-label]").count() > 0
        expect(place.get_by_role("link", name="CSV", exact=False)).to_be_visible()
        seen.add(panel.name)
    expect(window.page.get_by_test_id("stException")).to_have_count(0)
    expect(window.page.get_by_test_id("stAlert")).to_have_count(silent)
    assert not silent or role is Role.MANAGER
    return seen


@pytest.mark.parametrize(
    ("scheme", "sizes"), [("dark", (DESKTOP, PHONE)), ("light", (PHONE,))], ids=["dark", "light-phone"]
)
def test_nothing_is_cut_or_scrolls_sideways(visit, artifacts, scheme, sizes):
    with visit(viewport=sizes[0], color_scheme=scheme) as window:
        window.sign_in("director", target="/account")
        for entry in pages_of(Role.MEDICAL_DIRECTOR):
            window.page.set_viewport_size(sizes[0])
            window.open(f"/{entry.name}")
            for size in sizes:
                window.page.set_viewport_size(size)
                window.settle()
                assert window.overflow() == 0, (entry.name, size)
                if size is sizes[0]:
                    assert window.barriers() == [], entry.name
                window.shoot(artifacts / f"director-{entry.name}-{scheme}-{size['width']}.png")
        assert window.faults == []


@pytest.mark.parametrize("username", FOREIGN)
def test_no_byte_of_another_site_reaches_a_manager(visit, username):
    forged = (
        "?site=dallas&site=miami-beach&site=chicago&period=12-months&effects_by=by-age-band&scores_by=by-indication"
    )
    with visit() as window:
        window.sign_in(username, target=f"/today{forged}")
        for entry in pages_of(Role.MANAGER):
            window.open(f"/{entry.name}{forged}")
        received = window.texts().replace("allowed: chicago, dallas, miami_beach", "").lower()
        assert len(received) > 50_000
        assert [word for word in FOREIGN[username] if word in received] == []
        assert window.faults == []


def test_a_page_of_another_role_is_not_there(visit):
    with visit() as window:
        window.sign_in("finance", target="/account")
        for entry in [entry for entry in ENTRIES if entry not in pages_of(Role.FINANCE)]:
            answer = window.page.goto(f"/{entry.name}")
            assert answer.status == 404
            expect(window.page.get_by_text(f"There is no page “{entry.name}” for your account.")).to_be_visible()
        window.page.get_by_role("link", name="Go to Bookings").click()
        window.settle()
        assert "panel_effects" not in window.texts()
        answer = window.context.request.get("/export/effects.csv")
        assert (answer.status, answer.text()) == (404, "There is no such file for this account.\n")


def test_every_demo_account_lands_on_its_first_page(visit):
    # The others' first pages are where they begin to walk.
    for username, role in ((name, role) for name, _, role, _ in DEMO_ACCOUNTS if name not in ROLES):
        with visit() as window:
            window.sign_in(username)
            title = pages_of(role)[0].title
            expect(window.page.get_by_role("heading", level=1, name=title, exact=True)).to_be_visible()
            assert window.faults == []
