"""The login page and sign-out, over HTTP."""

from __future__ import annotations

import http.client
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from server_harness import ACCOUNTS, PASSWORD

from dashboard.access import Role
from dashboard.serving import gate
from dashboard.state.passwords import DEMO_PASSWORD

FORM = "application/x-www-form-urlencoded"


def test_the_login_page_holds_to_its_policy(server):
    page = server.request("GET", "/login")
    html = page.body.decode()
    assert page.status == 200
    assert "<script" not in html
    assert "<style" not in html
    assert " style=" not in html
    assert "//" not in html.replace("<!DOCTYPE html>", "")
    assert server.request("GET", "/login/style.css").headers["Content-Type"].startswith("text/css")


def test_the_cookie_is_for_this_site_only(server):
    cookie = server.login("ada").headers["Set-Cookie"]
    assert cookie.startswith("dashboard_session=")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {"httponly", "path=/", "samesite=strict"}


def test_under_tls_the_cookie_is_secure_and_bound_to_the_host(server):
    origin = server.origin.replace("http:", "https:")
    answer = server.login("ada", X_Forwarded_Proto="https", Origin=origin)
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-dashboard_session=")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {
        "httponly",
        "path=/",
        "samesite=strict",
        "secure",
    }
    assert server.request("GET", "/session", Cookie=answer.cookie, X_Forwarded_Proto="https").status == 200


def test_the_store_never_holds_the_token(server):
    token = server.sign_in("ada").partition("=")[2]
    state = b"".join(path.read_bytes() for path in (server.data / "state").glob("state.db*"))
    assert token.encode() not in state


def test_unknown_name_wrong_password_and_disabled_account_read_alike(server):
    with server.store() as store:
        store.add_user("gone", Role.ADMIN, PASSWORD)
        store.disable("gone")
    answers = [server.login("nobody"), server.login("ada", "wrong password"), server.login("gone")]
    bodies = {a.body.replace(name, b"NAME") for a, name in zip(answers, [b"nobody", b"ada", b"gone"], strict=True)}
    assert {a.status for a in answers} == {401}
    assert {a.headers["Set-Cookie"] for a in answers} == {None}
    assert len(bodies) == 1
    assert b'role="alert"' in bodies.pop()


def test_what_is_typed_cannot_become_markup(server):
    page = server.login('"><script>alert(1)</script>', target='/"><b>').body.decode()
    assert "<script>" not in page
    assert "<b>" not in page


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_form_of_another_site_is_refused(server, origin):
    answer = server.login("ada", Origin=origin)
    assert (answer.status, answer.headers["Set-Cookie"]) == (403, None)


def test_a_form_that_the_browser_calls_foreign_is_refused(server):
    assert server.login("ada", Sec_Fetch_Site="cross-site").status == 403
    assert server.login("ada", Sec_Fetch_Site="same-site").status == 403
    assert server.login("ada", Sec_Fetch_Site="same-origin").status == 303


def test_a_request_without_origin_is_refused(server):
    form = f"username=ada&password={quote(PASSWORD)}"
    assert server.request("POST", "/login", form, Content_Type=FORM).status == 403


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("username=ada&password=" + "x" * 8192, FORM),
        ('{"username": "ada"}', "application/json"),
        ("a=1&" * 50, FORM),
        ("username=%ff", FORM),
    ],
)
def test_a_body_that_is_no_small_form_is_refused(server, body, kind):
    assert server.request("POST", "/login", body, Content_Type=kind, Origin=server.origin).status == 400


@pytest.mark.parametrize("password", ["", "x" * 200, "a\x00b", "ü" * 60])
def test_odd_passwords_are_only_wrong(server, password):
    assert server.login("ada", password).status == 401


SAFE = ["/", "/safety", "/safety?a=b&c=d", "/?next=//evil.example"]
UNSAFE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "http://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    " //evil.example",
    "/login",
    "/login?next=/x",
    "/logout",
    "",
    "/" + "x" * 2001,
]


@pytest.mark.parametrize("target", SAFE)
def test_sign_in_leads_back_to_the_page(server, target):
    assert server.login("ada", target=target).headers["Location"] == target


@pytest.mark.parametrize("target", UNSAFE)
def test_sign_in_leads_to_no_other_site(server, target):
    assert gate.safe_next(target) == "/"
    assert server.login("ada", target=target).headers["Location"] == "/"
    signed_in = server.request("GET", f"/login?next={quote(target)}", Cookie=server.sign_in("ada"))
    assert (signed_in.status, signed_in.headers["Location"]) == (303, "/")


def test_a_link_from_another_site_finds_its_session_at_the_second_try(server):
    page = server.request("GET", "/login?next=/safety", Sec_Fetch_Site="cross-site").body.decode()
    assert 'content="0; url=/login?next=/safety"' in page
    assert "refresh" not in server.request("GET", "/login?next=/safety").body.decode()


def test_a_new_sign_in_ends_the_former_session_of_the_browser(server):
    former = server.sign_in("ada")
    assert server.login("ada", Cookie=former).status == 303
    assert server.request("GET", "/session", Cookie=former).status == 401


# --- sign-out --------------------------------------------------------------------------------


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_the_sign_out_link_ends_the_session(server, site):
    cookie = server.sign_in("ada")
    answer = server.request("GET", "/logout", Cookie=cookie, Sec_Fetch_Site=site)
    assert (answer.status, answer.headers["Location"]) == (303, "/login")
    assert "max-age=0" in answer.headers["Set-Cookie"].lower()
    assert server.request("GET", "/session", Cookie=cookie).status == 401


def test_another_site_cannot_sign_anyone_out(server):
    cookie = server.sign_in("ada")
    page = server.request("GET", "/logout", Cookie=cookie, Sec_Fetch_Site="cross-site")
    assert (page.status, page.headers["Set-Cookie"]) == (200, None)
    assert b'action="/logout"' in page.body
    server.request("POST", "/logout", Cookie=cookie, Origin="http://evil.example")
    assert server.request("GET", "/session", Cookie=cookie).status == 200


# --- the brake -------------------------------------------------------------------------------


@pytest.mark.parametrize("username", ["ada", "nobody"])
def test_five_failures_lock_an_account_for_a_while(server, username):
    assert [server.login(username, "wrong password").status for _ in range(6)] == [401] * 5 + [429]
    locked = server.login(username)
    assert locked.status == 429
    assert 50 <= int(locked.headers["Retry-After"]) <= 60
    assert b"Try again in 1 minute." in locked.body
    assert server.login("max").status == 303


def test_the_owners_browser_gets_in_while_a_stranger_guesses(server):
    cookies = [line.split(";")[0] for line in server.login("ada").headers.get_all("Set-Cookie")]
    (device,) = [cookie for cookie in cookies if cookie.startswith("dashboard_device=")]
    assert [server.login("ada", "wrong password").status for _ in range(6)] == [401] * 5 + [429]
    assert server.login("ada").status == 429
    assert server.login("ada", Cookie="dashboard_device=guess").status == 429
    assert server.login("ada", Cookie=device).status == 303


def test_twenty_failures_lock_an_address(server):
    assert [server.login(name, "wrong password").status for name in [*ACCOUNTS] * 5] == [401] * 20
    assert server.login("nobody").status == 429


def test_a_whole_clinic_behind_one_address_signs_in_at_once(server):
    with ThreadPoolExecutor(60) as people:
        assert Counter(people.map(lambda name: server.login(name).status, [*ACCOUNTS] * 15)) == {303: 60}


def test_guesses_sent_at_once_get_no_more_tries(server):
    with ThreadPoolExecutor(100) as guesses:
        statuses = guesses.map(lambda name: server.login(name, "wrong password").status, [*ACCOUNTS] * 50)
        assert Counter(statuses) == {401: 20, 429: 180}


def test_a_sign_in_forgives_the_failures_before(server):
    for _ in range(3):
        assert [server.login("ada", "wrong password").status for _ in range(4)] == [401] * 4
        assert server.login("ada").status == 303


def places(server):
    return {subject for (subject,) in server.sql("select subject from brakes where kind = 'address'")}


def test_behind_a_proxy_the_clients_address_counts(server):
    """A proxy appends the address that it sees; what the client put in front of it is no evidence."""
    for number in range(3):
        server.login("nobody", X_Forwarded_For=f"198.51.100.{number}, 203.0.113.9")
    server.login("nobody", X_Forwarded_For="2001:db8:7:7::1")
    assert places(server) == {"203.0.113.9", "2001:db8:7:7::/64"}


def test_a_header_from_elsewhere_than_the_proxy_is_not_believed(server):
    """127.0.0.2 is this machine too, but not where the proxy speaks from."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20, source_address=("127.0.0.2", 0))
    headers = {"Content-Type": FORM, "Origin": server.origin, "X-Forwarded-For": "203.0.113.10"}
    try:
        connection.request("POST", "/login", "username=nobody&password=x", headers)
    except OSError:
        pytest.skip("this machine has no 127.0.0.2")
    assert connection.getresponse().status == 401
    connection.close()
    assert places(server) == {"127.0.0.2"}


# --- what comes before signing in is not kept -------------------------------------------------


def test_a_token_set_before_sign_in_is_not_adopted(server):
    planted = "dashboard_session=" + "A" * 43
    answer = server.login("ada", Cookie=planted)
    assert answer.status == 303
    assert answer.cookie != planted
    assert server.request("GET", "/session", Cookie=planted).status == 401
    # Nor does signing in again go on with the session that was there.
    again = server.login("ada", Cookie=answer.cookie)
    assert again.cookie != answer.cookie
    assert server.request("GET", "/session", Cookie=answer.cookie).status == 401


# --- demo accounts ---------------------------------------------------------------------------


def test_demo_accounts_sign_in_on_this_machine_alone(server):
    """A proxy in front of a demo brings in everybody, and everybody knows the password."""
    with server.store() as store:
        store.add_user("sample", Role.MANAGER, DEMO_PASSWORD, sites=["dallas"], demo=True)
    for address in ("203.0.113.9", "2001:db8::1", "elsewhere", "127.0.0.1, 203.0.113.9"):
        answer = server.login("sample", DEMO_PASSWORD, X_Forwarded_For=address)
        assert (answer.status, answer.cookie) == (403, "")
        assert "on this machine alone" in answer.error
    # Which is no way to find out whether a password is right.
    assert server.login("sample", "wrong password", X_Forwarded_For="203.0.113.9").status == 401
    for address in ("127.0.0.1", "::1"):
        assert server.login("sample", DEMO_PASSWORD, X_Forwarded_For=address).status == 303
    assert server.login("sample", DEMO_PASSWORD).status == 303
    with server.store() as store:
        store.disable("sample")


def test_demo_accounts_stand_on_the_page_while_there_are_any(server):
    assert b"Demo data" not in server.request("GET", "/login").body
    with server.store() as store:
        store.add_user("showcase", Role.MANAGER, DEMO_PASSWORD, sites=["miami_beach"], demo=True)
        page = server.request("GET", "/login").body.decode()
        assert "showcase" in page
        assert "Clinic manager, Miami Beach" in page
        assert DEMO_PASSWORD in page
        assert "ada" not in page.replace("data", "")
        store.disable("showcase")
    assert b"showcase" not in server.request("GET", "/login").body
