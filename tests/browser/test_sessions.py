"""Sign-in, and the end of a session on an open screen, on a page that says who is looking."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from dashboard.access import Role
from dashboard.state.identities import Identities
from dashboard.state.resets import Resets, link
from tests.browser.harness import PHONE, visiting
from tests.ports import free_port
from tests.server.authenticator import code, steady
from tests.server.provider import CLIENT, SECRET, providing
from tests.server.server_harness import PASSWORD, add_accounts, probe_server

pytestmark = [
    pytest.mark.browser,
    # What the provider's own code warns of is no concern of ours.
    pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib"),
]


@pytest.fixture(scope="module")
def probe(tmp_path_factory):
    """The server with the probe page and one account of each role."""
    data, port = tmp_path_factory.mktemp("probe"), free_port()
    add_accounts(data)
    with providing({"1": {"email": "max@clinic.example", "email_verified": True}}) as provider:
        settings = {
            "DASHBOARD_SECOND_FACTOR": "medical_director",
            "DASHBOARD_URL": f"http://127.0.0.1:{port}",
            "DASHBOARD_OIDC_ISSUER": provider.issuer,
            "DASHBOARD_OIDC_CLIENT_ID": CLIENT,
            "DASHBOARD_OIDC_CLIENT_SECRET": SECRET,
            "DASHBOARD_OIDC_NAME": "Clinic login",
        }
        with probe_server(data, port, **settings) as served, served.store() as store:
            Identities(store).set("max", "max@clinic.example")
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


def test_single_sign_on_comes_back_from_the_other_site_signed_in(open_window, probe):
    """The session's cookie is SameSite=Strict, which a browser doesn't send on the provider's redirect."""
    with open_window() as window:
        window.page.goto("/?site=chicago")
        window.page.get_by_role("link", name="Sign in with Clinic login").click()
        window.page.get_by_role("button", name="1", exact=True).click()
        window.page.get_by_text("viewer=max").wait_for()
        assert window.page.url == f"{probe.origin}/?site=chicago"
        cookies = {cookie["name"]: cookie["sameSite"] for cookie in window.context.cookies(probe.origin)}
        cookies = {name: value for name, value in cookies.items() if name.startswith("dashboard_")}
        assert cookies == {"dashboard_session": "Strict", "dashboard_device": "Strict"}


def test_a_second_factor_is_set_up_and_then_asked_for(open_window):
    steady()
    with open_window() as window:
        window.page.goto("/")
        window.page.get_by_label("User name").fill("dan")
        window.page.get_by_label("Password").fill(PASSWORD)
        window.page.get_by_role("button", name="Sign in").click()
        picture = window.page.get_by_role("img", name="QR code for the authenticator app")
        assert picture.evaluate("image => image.naturalWidth") > 200
        secret = window.page.locator(".secret code").inner_text().replace(" ", "")
        window.page.get_by_label("Code that the app shows now").fill(code(secret, -1))
        window.page.get_by_role("button", name="Confirm").click()
        # Of the page that is still being left there are none.
        expect(window.page.locator(".codes code")).to_have_count(10)
        codes = window.page.locator(".codes code").all_inner_texts()
        window.page.get_by_role("link", name="I have kept them").click()
        window.page.get_by_text("viewer=dan").wait_for()
        for given in (code(secret), codes[0]):
            window.page.goto("/logout")
            window.page.get_by_label("User name").fill("dan")
            window.page.get_by_label("Password").fill(PASSWORD)
            window.page.get_by_role("button", name="Sign in").click()
            window.page.get_by_label("Code", exact=True).fill(given)
            window.page.get_by_role("button", name="Go on").click()
            window.page.get_by_text("viewer=dan").wait_for()
        assert window.faults == []


def test_a_link_fills_the_form_and_leaves_the_address_bar(open_window, probe):
    with probe.store() as store:
        if store.account_name("kim") is None:
            store.add_user("kim", Role.FINANCE, None)
        address = link(probe.origin, Resets(store).issue("kim"))
    with open_window(viewport=PHONE) as window:
        window.page.goto(address)
        expect(window.page.get_by_label("New password", exact=True)).to_be_focused()
        assert window.page.url == f"{probe.origin}/login/reset"
        expect(window.page.locator("#token")).to_be_hidden()
        window.page.get_by_label("New password", exact=True).fill("a password of her own")
        window.page.get_by_label("New password, again").fill("a password of her own")
        window.page.get_by_role("button", name="Set the password").click()
        assert "Your password is set" in window.page.get_by_role("status").inner_text()
        window.page.get_by_label("Password").fill("a password of her own")
        window.page.get_by_role("button", name="Sign in").click()
        window.page.get_by_text("viewer=kim").wait_for()
        assert window.faults == []


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
