"""Single sign-on with a real provider on this machine, and attacks on it."""

from __future__ import annotations

import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from authenticator import code, steady
from joserfc.jwk import RSAKey
from provider import CLIENT, SECRET
from server_harness import PASSWORD, Answer

from dashboard.access import Role
from dashboard.serving.limits import Pace
from dashboard.settings import Settings
from dashboard.sign_in.single_sign_on import BEGINNINGS
from dashboard.state.sealing import Seal
from dashboard.state.second_factor import SecondFactors, new_secret

# What the provider's own code warns of is no concern of ours.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:authlib")


@pytest.fixture(autouse=True)
def straight(provider):
    yield
    provider.straighten()


@dataclass
class Begun:
    """A sign-in that waits for the provider: where the browser was sent, with which cookie."""

    address: str
    cookie: str

    def query(self, name):
        return parse_qs(urlsplit(self.address).query)[name][0]


def begin(server, target="/") -> Begun:
    answer = server.request("GET", f"/oidc/login?{urlencode({'next': target})}")
    assert answer.status == 303, answer.body
    return Begun(answer.headers["Location"], answer.cookie)


def come_back(server, location, cookie="") -> Answer:
    parts = urlsplit(location)
    # As a browser comes from the provider's site: with the Lax cookie only.
    headers = {"Sec_Fetch_Site": "cross-site", "Accept": "text/html"}
    return server.request("GET", f"{parts.path}?{parts.query}", Cookie=cookie, **headers)


def sign_in(server, provider, person, target="/") -> Answer:
    begun = begin(server, target)
    return come_back(server, provider.approve(begun.address, person), begun.cookie)


def session_of(answer):
    cookies = [line.split(";")[0] for line in answer.headers.get_all("Set-Cookie") or []]
    return next((cookie for cookie in cookies if cookie.startswith("dashboard_session=")), None)


def refused(answer, status, words):
    assert (answer.status, session_of(answer)) == (status, None)
    assert words in answer.error
    return True


def test_the_login_page_leads_to_the_provider(strict):
    page = strict.request("GET", "/login?next=/safety%3Fsite%3Ddallas").body.decode()
    assert "Sign in with Clinic login" in page
    assert 'href="/oidc/login?next=/safety%3Fsite%3Ddallas"' in page


def test_the_provider_is_asked_with_state_nonce_and_a_challenge(strict, provider):
    first, second = begin(strict), begin(strict)
    assert first.query("client_id") == CLIENT
    assert first.query("redirect_uri") == f"{strict.origin}/oidc/callback"
    assert first.query("code_challenge_method") == "S256"
    assert set(first.query("scope").split()) == {"openid", "email", "profile"}
    for name in ("state", "nonce", "code_challenge"):
        assert len(first.query(name)) >= 43
        assert first.query(name) != second.query(name)
    answer = strict.request("GET", "/oidc/login")
    flags = {part.strip().lower() for part in answer.headers["Set-Cookie"].split(";")[1:]}
    assert flags == {"httponly", "path=/", "samesite=lax", "max-age=600"}


def test_a_person_with_an_account_gets_its_rights(strict, provider):
    answer = sign_in(strict, provider, "1", target="/safety")
    assert answer.status == 200
    assert b'http-equiv="refresh" content="0; url=/safety"' in answer.body
    with strict.stream(session_of(answer)) as stream:
        assert stream.run()[1].strip() == "viewer=eve owner=eve role=finance"
    (asked,) = provider.token_requests
    assert len(asked["code_verifier"]) >= 43
    # Who has no identity of their own is known by the user name.
    assert session_of(sign_in(strict, provider, "6"))


def test_who_has_no_account_gets_none(strict, provider):
    assert refused(sign_in(strict, provider, "2"), 403, "no account here belongs to that")
    with strict.store() as store:
        assert store.account_name("stranger@clinic.example") is None


@pytest.mark.parametrize("person", ["3", "4"])
def test_an_address_that_is_not_verified_is_nobodys(strict, provider, person):
    assert refused(sign_in(strict, provider, person), 403, "could not be verified")


def test_a_disabled_account_stays_disabled(strict, provider):
    assert refused(sign_in(strict, provider, "5"), 403, "no account here belongs to that")


def test_a_state_counts_once_and_in_its_own_browser(strict, provider):
    begun, other = begin(strict), begin(strict)
    location = provider.approve(begun.address, "1")
    state, elsewhere = begun.query("state"), "was begun elsewhere"
    assert refused(come_back(strict, location.replace(state, other.query("state")), begun.cookie), 400, elsewhere)
    assert refused(come_back(strict, location.replace(state, "guess"), begun.cookie), 400, elsewhere)
    assert refused(come_back(strict, location.replace("state=", "stat="), begun.cookie), 400, elsewhere)
    # Somebody else's browser, sent here with the attacker's own code, is not signed in.
    assert refused(come_back(strict, location, other.cookie), 400, elsewhere)
    assert refused(come_back(strict, location, begun.cookie), 400, elsewhere)
    assert not provider.token_requests


def test_a_code_is_not_taken_twice(strict, provider):
    begun = begin(strict)
    location = provider.approve(begun.address, "1")
    assert session_of(come_back(strict, location, begun.cookie))
    assert refused(come_back(strict, location, begun.cookie), 400, "done already")
    # Nor in a sign-in of one's own.
    own = begin(strict)
    stolen = location.replace(begun.query("state"), own.query("state"))
    assert refused(come_back(strict, stolen, own.cookie), 403, "could not be verified")
    assert refused(
        come_back(strict, f"/oidc/callback?state={begin(strict).query('state')}"), 400, elsewhere := "begun"
    )
    assert elsewhere


def test_a_code_for_another_nonce_is_refused(strict, provider):
    begun = begin(strict)
    bent = begun.address.replace(begun.query("nonce"), "n" * 64)
    assert refused(come_back(strict, provider.approve(bent, "1"), begun.cookie), 403, "could not be verified")


LIES = {
    "audience": lambda claims: claims | {"aud": ["another"]},
    "audience, with us as party": lambda claims: claims | {"aud": ["another"], "azp": CLIENT},
    "issuer": lambda claims: claims | {"iss": "http://evil.example"},
    "nonce": lambda claims: claims | {"nonce": "another"},
    "no nonce": lambda claims: {key: value for key, value in claims.items() if key != "nonce"},
    "expired": lambda claims: claims | {"exp": int(time.time()) - 600},
    "no end": lambda claims: {key: value for key, value in claims.items() if key != "exp"},
    "no token": lambda _: None,
}


@pytest.mark.parametrize("lie", LIES)
def test_an_id_token_that_is_not_for_us_is_refused(strict, provider, lie):
    provider.bend = LIES[lie]
    assert refused(sign_in(strict, provider, "1"), 403, "could not be verified")


def test_a_signature_by_another_key_is_refused(strict, provider):
    provider.key = RSAKey.generate_key(2048)
    assert refused(sign_in(strict, provider, "1"), 403, "could not be verified")


def test_a_provider_that_says_no_or_nothing(strict, provider):
    begun = begin(strict)
    location = provider.approve(begun.address, "1", action="deny") + f"&state={begun.query('state')}"
    assert refused(come_back(strict, location, begun.cookie), 403, "did not let you in")
    begun = begin(strict)
    location = provider.approve(begun.address, "1")
    provider.silent = True
    assert refused(come_back(strict, location, begun.cookie), 502, "does not answer")
    answer = strict.request("GET", "/oidc/login")
    assert refused(answer, 502, "use your password")


def test_the_way_on_leads_to_no_other_site(strict, provider):
    answer = sign_in(strict, provider, "1", target="//evil.example")
    assert b'content="0; url=/"' in answer.body


def test_a_second_factor_is_asked_for_unless_the_provider_checked_one(strict, provider):
    secret = new_secret()
    with strict.store() as store:
        factors = SecondFactors(store, Seal.for_settings(Settings(strict.data)))
        steady()
        assert factors.confirm(store.user("eve"), secret, code(secret, -1))
        try:
            asked = sign_in(strict, provider, "1", target="/safety")
            assert (asked.status, session_of(asked)) == (200, None)
            entered = strict.post("/login/code", {"challenge": asked.field("challenge"), "code": code(secret)})
            assert (entered.status, entered.headers["Location"]) == (303, "/safety")
            provider.bend = lambda claims: claims | {"amr": ["pwd", "mfa"]}
            assert session_of(sign_in(strict, provider, "1"))
            provider.bend = lambda claims: claims | {"amr": "mfa"}
            assert session_of(sign_in(strict, provider, "1")) is None
        finally:
            factors.remove("eve")


def test_who_has_no_password_sets_the_second_factor_up_after_single_sign_on(strict, provider):
    """The role needs one, and the provider checked none: no session before it is set up."""
    with strict.store() as store:
        store.set_role("bo@clinic.example", Role.ADMIN, None)
        factors = SecondFactors(store, Seal.for_settings(Settings(strict.data)))
        try:
            form = sign_in(strict, provider, "6", target="/safety")
            assert (form.status, session_of(form)) == (200, None)
            assert b"Set up the second factor" in form.body
            (shown,) = re.findall(r'class="secret"><code>([A-Z2-7 ]+)<', form.body.decode())
            secret = shown.replace(" ", "")
            steady()
            fields = {"challenge": form.field("challenge"), "code": code(secret, -1)}
            done = strict.post("/login/enrolment", fields)
            assert done.status == 200
            assert b'href="/safety"' in done.body
            assert strict.request("GET", "/session", Cookie=session_of(done)).status == 200
            # From now on it is asked for, after the provider as well.
            asked = sign_in(strict, provider, "6")
            assert (asked.status, session_of(asked)) == (200, None)
            entered = strict.post("/login/code", {"challenge": asked.field("challenge"), "code": code(secret)})
            assert session_of(entered)
        finally:
            factors.remove("bo@clinic.example")
            store.set_role("bo@clinic.example", Role.FINANCE, None)


def test_beginnings_of_single_sign_on_have_a_limit_for_each_address(strict, provider):
    """Each asks the provider and leaves a row in the store, for anybody who comes along."""
    provider.silent = True  # what is begun then fails, and still counts

    def begun(address):
        return strict.request("GET", "/oidc/login", X_Forwarded_For=address)

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(begun, ["203.0.113.77"] * (BEGINNINGS + 30)))
    assert Counter(answer.status for answer in answers) == {502: BEGINNINGS, 429: 30}
    refusal = next(answer for answer in answers if answer.status == 429)
    assert 0 < int(refusal.headers["Retry-After"]) <= 60
    assert "Try again in a minute" in refusal.error
    assert begun("203.0.113.78").status == 502, "another address isn't held back"


def test_a_pace_begins_anew():
    pace = Pace(2, 60)
    assert [pace.wait("a", 100.0 + number) for number in range(3)] == [0, 0, 58]
    assert pace.wait("b", 130.0) == 0
    assert [pace.wait("a", 160.0 + number) for number in range(3)] == [0, 0, 58]
    assert [pace.wait("b", 161.0 + number) for number in range(2)] == [0, 28]


def test_no_code_and_no_secret_is_in_the_log(strict, provider):
    sign_in(strict, provider, "1")
    sign_in(strict, provider, "2")
    (first, second) = provider.token_requests
    said = strict.output.read_text()
    assert "no enabled account" in said
    for text in (SECRET, first["code"], second["code"], first["code_verifier"], "stranger"):
        assert text not in said


def test_without_a_provider_there_is_no_way_in_by_one(server):
    assert b"/oidc" not in server.request("GET", "/login").body
    for path in ("/oidc/login", "/oidc/callback?code=a&state=b"):
        answer = server.request("GET", path)
        assert (answer.status, answer.headers["Location"]) == (303, "/login")
    assert server.login("ada", PASSWORD).status == 303


# --- settings --------------------------------------------------------------------------------

COMPLETE = {
    "DASHBOARD_URL": "https://dashboard.example",
    "DASHBOARD_OIDC_ISSUER": "https://login.example/realm/",
    "DASHBOARD_OIDC_CLIENT_ID": CLIENT,
    "DASHBOARD_OIDC_CLIENT_SECRET": SECRET,
}


@pytest.fixture
def environment(monkeypatch):
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_what_single_sign_on_needs(environment, tmp_path):
    oidc = Settings.from_environment().oidc
    assert (oidc.issuer, oidc.name, oidc.claim) == ("https://login.example/realm", "single sign-on", "email")
    assert SECRET not in repr(Settings.from_environment())
    (tmp_path / "secret").write_text("from a file\n")
    environment.setenv("DASHBOARD_OIDC_CLIENT_SECRET_FILE", str(tmp_path / "secret"))
    assert Settings.from_environment().oidc.client_secret == "from a file"


@pytest.mark.parametrize("name", COMPLETE)
def test_what_is_missing_is_named(environment, name):
    environment.delenv(name)
    with pytest.raises(ValueError, match=f"{name} "):
        Settings.from_environment()


@pytest.mark.parametrize("name", ["DASHBOARD_URL", "DASHBOARD_OIDC_ISSUER"])
def test_nothing_goes_in_clear_text(environment, name):
    environment.setenv(name, "http://login.example")
    with pytest.raises(ValueError, match=f"{name} must be an https"):
        Settings.from_environment()
