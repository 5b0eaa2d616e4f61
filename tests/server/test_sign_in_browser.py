"""Sign-in, and the end of a session on an open screen, in a real browser."""

from __future__ import annotations

import shutil
from contextlib import contextmanager

import pytest
from playwright.sync_api import sync_playwright
from server_harness import PASSWORD

pytestmark = pytest.mark.browser
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@contextmanager
def opened(browser, server, **options):
    """A page that notes what the console and the network should not have seen."""
    context = browser.new_context(base_url=server.origin, **options)
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "request",
        lambda r: faults.append(r.url) if r.url.startswith(("http", "ws")) and server.host not in r.url else None,
    )
    yield page, faults
    context.close()


def sign_in(page, username):
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text(f"viewer={username}").wait_for()


def test_sign_in_leads_to_the_page_without_a_fault(browser, server):
    with opened(browser, server) as (page, faults):
        page.goto("/?site=chicago")
        sign_in(page, "ada")
        assert page.url == f"{server.origin}/?site=chicago"
        assert "dashboard_session" not in page.evaluate("document.cookie")
        assert faults == []


def test_the_screen_is_left_soon_after_the_session_has_ended(browser, server):
    with opened(browser, server) as (page, _):
        page.goto("/?site=chicago")
        sign_in(page, "eve")
        server.sql("update sessions set revoked_at = created_at where username = 'eve'")
        page.wait_for_url("**/login?next=*", timeout=10_000)
        assert page.get_by_text("viewer=").count() == 0
        sign_in(page, "eve")
        assert page.url == f"{server.origin}/?site=chicago"


def test_the_way_back_after_signing_out_is_closed(browser, server):
    with opened(browser, server) as (page, _):
        page.goto("/")
        sign_in(page, "ada")
        page.goto("/logout")
        page.get_by_label("User name").wait_for()
        page.go_back()
        page.get_by_label("User name").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_login_page_fits_a_phone(browser, server, scheme):
    options = {"viewport": {"width": 390, "height": 844}, "color_scheme": scheme}
    with opened(browser, server, **options) as (page, faults):
        page.goto("/login")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert page.get_by_label("User name").get_attribute("autocomplete") == "username"
        assert page.get_by_label("Password").get_attribute("autocomplete") == "current-password"
        page.get_by_label("User name").fill("nobody")
        page.get_by_label("Password").fill("wrong password")
        page.keyboard.press("Enter")
        assert page.get_by_role("alert").inner_text() == "User name or password is wrong."
        faults = [fault for fault in faults if "401" not in fault]
        assert faults == []
