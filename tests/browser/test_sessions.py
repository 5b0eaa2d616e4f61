"""Sign-in, and the end of a session on an open screen, on a page that says who is looking."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.harness import PHONE, visiting
from tests.server.server_harness import PASSWORD, add_accounts, probe_server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def probe(tmp_path_factory):
    """The server with the probe page and one account of each role."""
    data = tmp_path_factory.mktemp("probe")
    add_accounts(data)
    with probe_server(data) as served:
        yield served


@pytest.fixture
def open_window(browser, probe):
    return lambda **options: visiting(browser, probe.origin, **options)


def sign_in(window, username):
    window.page.get_by_label("User name").fill(username)
    window.page.get_by_label("Password").fill(PASSWORD)
    window.page.get_by_role("button", name="Sign in").click()
    window.page.get_by_text(f"viewer={username}").wait_for()


def test_sign_in_leads_to_the_page_without_a_fault(open_window, probe):
    with open_window() as window:
        window.page.goto("/?site=chicago")
        sign_in(window, "ada")
        assert window.page.url == f"{probe.origin}/?site=chicago"
        assert "dashboard_session" not in window.page.evaluate("document.cookie")
        assert window.faults == []


def test_the_screen_is_left_soon_after_the_session_has_ended(open_window, probe):
    with open_window() as window:
        window.page.goto("/?site=chicago")
        sign_in(window, "eve")
        probe.sql("update sessions set revoked_at = created_at where username = 'eve'")
        window.page.wait_for_url("**/login?next=*", timeout=10_000)
        expect(window.page.get_by_text("viewer=")).to_have_count(0)
        sign_in(window, "eve")
        assert window.page.url == f"{probe.origin}/?site=chicago"


def test_the_way_back_after_signing_out_is_closed(open_window):
    with open_window() as window:
        window.page.goto("/")
        sign_in(window, "ada")
        window.page.goto("/logout")
        window.page.get_by_label("User name").wait_for()
        window.page.go_back()
        window.page.get_by_label("User name").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_login_page_fits_a_phone(open_window, scheme):
    with open_window(viewport=PHONE, color_scheme=scheme) as window:
        window.page.goto("/login")
        assert window.page.evaluate("document.documentElement.scrollWidth") == 390
        user, password = window.page.get_by_label("User name"), window.page.get_by_label("Password")
        assert user.get_attribute("autocomplete") == "username"
        assert password.get_attribute("autocomplete") == "current-password"
        user.fill("nobody")
        password.fill("wrong password")
        window.page.keyboard.press("Enter")
        assert window.page.get_by_role("alert").inner_text() == "User name or password is wrong."
        assert [fault for fault in window.faults if "401" not in fault] == []
