"""The second factor: on a real store, and attacked on a running server."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyotp
import pytest
from authenticator import code, steady
from server_harness import PASSWORD

from dashboard.access import Role
from dashboard.settings import Settings
from dashboard.state.challenges import Challenges
from dashboard.state.sealing import Seal, SealError
from dashboard.state.second_factor import SecondFactors, app_address, new_secret


@pytest.fixture
def store(store):
    store.add_user("ada", Role.ADMIN, PASSWORD)
    return store


@pytest.fixture
def factors(store, tmp_path):
    return SecondFactors(store, Seal(tmp_path / "state" / "key"))


@pytest.fixture
def enrolled(store, factors, clock):
    """A secret in use, and its recovery codes."""
    secret = new_secret()
    codes = factors.confirm(store.user("ada"), secret, pyotp.TOTP(secret).at(clock.now))
    assert codes
    return secret, codes


# --- on a real store -------------------------------------------------------------------------


def test_a_secret_is_used_once_a_code_has_confirmed_it(store, factors, clock):
    secret, token = new_secret(), store.open_session("ada")
    user = store.user("ada")
    assert factors.status("ada") is None
    for wrong in ("", "000000", "abcdef", pyotp.TOTP(new_secret()).at(clock.now)):
        assert factors.confirm(user, secret, wrong) is None
    assert factors.status("ada") is None
    assert len(factors.confirm(user, secret, pyotp.TOTP(secret).at(clock.now))) == 10
    assert factors.status("ada").codes_left == 10
    assert store.viewer(token, touch=True) is None
    assert factors.confirm(user, secret, pyotp.TOTP(secret).at(clock.now)) is None, "the account has changed since"


def test_a_code_counts_once_and_for_a_minute_and_a_half(factors, enrolled, clock):
    def at(step):
        return pyotp.TOTP(enrolled[0]).at(clock.now + timedelta(seconds=30 * step))

    assert not factors.check("ada", at(0)), "it has confirmed the secret already"
    clock.now += timedelta(seconds=90)
    assert not factors.check("ada", at(2)), "too early"
    assert not factors.check("ada", at(-2)), "too late"
    assert factors.check("ada", at(1))
    for step in (-1, 0, 1):
        assert not factors.check("ada", at(step)), "not after a later one"
    clock.now += timedelta(seconds=60)
    written = at(0)
    assert factors.check("ada", f" {written[:3]} {written[3:]} ")


def test_of_simultaneous_sign_ins_one_gets_in_with_a_code(factors, enrolled, clock):
    clock.now += timedelta(seconds=30)
    present = pyotp.TOTP(enrolled[0]).at(clock.now)
    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(lambda _: factors.check("ada", present), range(16))) == 1
        assert sum(threads.map(lambda _: factors.check("ada", enrolled[1][0]), range(16))) == 1


def test_each_recovery_code_counts_once(store, factors, enrolled):
    _, codes = enrolled
    assert len(set(codes)) == 10
    assert factors.check("ada", codes[0])
    assert not factors.check("ada", codes[0])
    assert factors.check("ada", codes[1].upper().replace("-", " "))
    assert factors.status("ada").codes_left == 8
    store.add_user("eve", Role.ADMIN, PASSWORD)
    assert not factors.check("eve", codes[2])


def test_the_store_holds_neither_secret_nor_codes(store, factors, enrolled, tmp_path):
    secret, codes = enrolled
    Challenges(store, Seal(tmp_path / "state" / "key")).issue("enrolment", {"secret": secret}, timedelta(minutes=1))
    kept = b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())
    for text in (secret, *codes, *(one.replace("-", "") for one in codes)):
        assert text.encode() not in kept


def test_another_key_opens_nothing_and_says_so(store, factors, enrolled, tmp_path):
    other = SecondFactors(store, Seal(tmp_path / "other"))
    with pytest.raises(SealError, match="does not open"):
        other.check("ada", enrolled[1][0])
    (tmp_path / "broken").write_bytes(b"short")
    with pytest.raises(SealError, match="damaged"):
        Seal(tmp_path / "broken").close("x")


def test_removing_it_ends_the_sessions(store, factors, enrolled):
    token = store.open_session("ada")
    factors.remove("ada")
    assert factors.status("ada") is None
    assert store.viewer(token, touch=True) is None
    assert not factors.check("ada", enrolled[1][0])


def test_a_challenge_is_taken_once_in_time_and_for_its_purpose(store, clock, tmp_path):
    challenges = Challenges(store, Seal(tmp_path / "state" / "key"))
    minute = timedelta(minutes=1)
    facts = {"username": "ada"}
    token = challenges.issue("code", facts, minute)
    assert challenges.take("oidc", token) is None
    assert challenges.take("code", "guess") is None
    assert challenges.take("code", token).facts == facts
    assert challenges.take("code", token) is None
    late = challenges.issue("code", facts, minute)
    clock.now += minute
    assert challenges.take("code", late) is None
    first = challenges.issue("code", facts, minute, ends=clock.now + minute / 2)
    clock.now += minute / 2
    assert challenges.take("code", first) is None, "what follows ends with what was before"


def test_the_app_reads_whom_it_is_for():
    address = app_address("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "ada")
    assert address.startswith("otpauth://totp/Infusion%20dashboard:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    assert "issuer=Infusion%20dashboard" in address


def test_a_setting_that_comes_later_ends_the_sessions_without(store, factors, enrolled):
    store.add_user("eve", Role.FINANCE, PASSWORD)
    store.add_user("bob", Role.ADMIN, PASSWORD)
    ada, eve, bob = (store.open_session(name) for name in ("ada", "eve", "bob"))
    factors.end_sessions_without({Role.ADMIN})
    assert store.viewer(ada, touch=False)
    assert store.viewer(eve, touch=False)
    assert store.viewer(bob, touch=False) is None


@pytest.mark.parametrize("text", ["king", "admin,king", "admin;finance"])
def test_an_unknown_role_in_the_setting_is_named(monkeypatch, text):
    monkeypatch.setenv("DASHBOARD_SECOND_FACTOR", text)
    with pytest.raises(ValueError, match=r"DASHBOARD_SECOND_FACTOR names no role .*roles: manager"):
        Settings.from_environment()


# --- attacked on a running server ------------------------------------------------------------


def enrol(server, form):
    """Confirm the secret that a page shows, with the code before the present one; secret, codes, answer."""
    steady()
    (shown,) = re.findall(r'class="secret"><code>([A-Z2-7 ]+)<', form.body.decode())
    secret = shown.replace(" ", "")
    done = server.post("/login/enrolment", {"challenge": form.field("challenge"), "code": code(secret, -1)})
    return secret, re.findall(r"<li><code>([a-z2-9-]{19})<", done.body.decode()), done


def fresh(server, username, role=Role.ADMIN):
    with server.store() as store:
        store.add_user(username, role, PASSWORD)
    return username


def test_a_role_that_needs_one_sets_it_up_before_anything_is_served(strict):
    form = strict.login("ada", target="/safety")
    assert (form.status, form.headers["Set-Cookie"]) == (200, None)
    assert b"Set up the second factor" in form.body
    assert b'src="data:image/svg+xml' in form.body
    wrong = strict.post("/login/enrolment", {"challenge": form.field("challenge"), "code": "000000"})
    assert (wrong.status, wrong.headers["Set-Cookie"]) == (401, None)
    again = strict.post("/login/enrolment", {"challenge": form.field("challenge"), "code": "000000"})
    assert "too long" in again.error
    secret, codes, done = enrol(strict, wrong)
    assert done.status == 200
    assert len(codes) == 10
    assert b'href="/safety"' in done.body
    assert strict.request("GET", "/session", Cookie=done.cookie).status == 200
    assert strict.login("eve").status == 303, "another role needs none"

    asked = strict.login("ada")
    assert (asked.status, asked.headers["Set-Cookie"]) == (200, None)
    assert secret not in asked.body.decode()
    assert b"data:image" not in asked.body
    entered = strict.post("/login/code", {"challenge": asked.field("challenge"), "code": code(secret)})
    assert (entered.status, entered.headers["Location"]) == (303, "/")
    assert strict.request("GET", "/session", Cookie=entered.cookie).status == 200
    replayed = strict.login("ada")
    refused = strict.post("/login/code", {"challenge": replayed.field("challenge"), "code": code(secret)})
    assert (refused.status, refused.headers["Set-Cookie"]) == (401, None)
    assert "used before" in refused.error
    entered = strict.post("/login/code", {"challenge": refused.field("challenge"), "code": codes[0]})
    assert entered.status == 303


def test_the_password_alone_opens_nothing(strict):
    username = fresh(strict, "bea")
    enrol(strict, strict.login(username))
    form = strict.login(username)
    challenge = form.field("challenge")
    for cookie in (f"dashboard_session={challenge}", f"dashboard_device={challenge}"):
        assert strict.request("GET", "/", Cookie=cookie).status == 401
    # Neither a challenge of one's own making, nor one for another purpose, nor the form without one.
    for forged in ("", "guess", strict.login("dan").field("challenge")):
        answer = strict.post("/login/code", {"challenge": forged, "code": "000000"})
        assert (answer.status, answer.headers["Set-Cookie"]) == (401, None)
    assert strict.post("/login/enrolment", {"challenge": challenge, "code": "000000"}).status == 401
    assert strict.post("/login/code", {"challenge": challenge}, Origin="http://evil.example").status == 403


def test_wrong_codes_run_into_the_brake_and_right_passwords_do_not_help(strict):
    username = fresh(strict, "cleo")
    secret, _, _ = enrol(strict, strict.login(username))
    statuses = []
    for _ in range(5):
        form = strict.login(username)
        assert form.status == 200
        statuses.append(strict.post("/login/code", {"challenge": form.field("challenge"), "code": "123"}).status)
    assert statuses == [401] * 5
    assert strict.login(username).status == 429
    # Also with the form that was open before.
    strict.sql("delete from brakes")
    form = strict.login(username)
    for _ in range(5):
        strict.login(username, "wrong password")
    held = strict.post("/login/code", {"challenge": form.field("challenge"), "code": code(secret)})
    assert held.status == 429
    assert held.headers["Set-Cookie"] is None
    strict.sql("delete from brakes")
    entered = strict.post("/login/code", {"challenge": held.field("challenge"), "code": code(secret)})
    assert entered.status == 303


@pytest.mark.parametrize("change", ["disable", "reset_password"])
def test_a_challenge_ends_with_what_its_password_was_good_for(strict, change):
    username = fresh(strict, f"dora-{change.replace('_', '-')}")
    secret, _, _ = enrol(strict, strict.login(username))
    form = strict.login(username)
    with strict.store() as store:
        store.disable(username) if change == "disable" else store.reset_password(username, "another password")
    answer = strict.post("/login/code", {"challenge": form.field("challenge"), "code": code(secret)})
    assert (answer.status, answer.headers["Set-Cookie"]) == (401, None)


def test_within_a_session_it_takes_password_and_code_to_change_it(strict):
    username = fresh(strict, "fay", Role.FINANCE)
    cookie = strict.login(username).cookie
    assert strict.post("/second-factor", {"action": "set-up", "password": PASSWORD}).status == 401
    wrong = strict.post("/second-factor", {"action": "set-up", "password": "wrong password"}, Cookie=cookie)
    assert wrong.status == 401
    assert "password is not right" in wrong.error
    form = strict.post("/second-factor", {"action": "set-up", "password": PASSWORD}, Cookie=cookie)
    secret, codes, done = enrol(strict, form)
    assert strict.request("GET", "/session", Cookie=cookie).status == 401
    cookie = done.cookie
    shown = strict.request("GET", "/second-factor", Cookie=cookie).body
    assert b"10 recovery codes left" in shown
    assert secret.encode() not in shown

    remove = {"action": "remove", "password": PASSWORD}
    foreign = strict.post("/second-factor", remove, Cookie=cookie, Origin="http://evil.example")
    assert foreign.status == 403
    for wrong in ({**remove, "password": "wrong password", "code": codes[0]}, {**remove, "code": "000000"}, remove):
        assert strict.post("/second-factor", wrong, Cookie=cookie).status == 401
    strict.sql("delete from brakes")
    gone = strict.post("/second-factor", {**remove, "code": codes[1]}, Cookie=cookie)
    assert gone.status == 303
    assert strict.login(username).status == 303


def test_who_needs_one_cannot_remove_it(strict):
    username = fresh(strict, "gil", Role.MEDICAL_DIRECTOR)
    _, codes, done = enrol(strict, strict.login(username))
    remove = {"action": "remove", "password": PASSWORD, "code": codes[0]}
    refused = strict.post("/second-factor", remove, Cookie=done.cookie)
    assert refused.status == 403
    assert b"Turn it off" not in refused.body
    with strict.store() as store:
        assert SecondFactors(store, Seal(strict.data / "unused")).status(username).codes_left == 10


def test_no_secret_and_no_code_is_in_the_log(strict):
    username = fresh(strict, "hal")
    secret, codes, _ = enrol(strict, strict.login(username))
    form = strict.login(username)
    strict.post("/login/code", {"challenge": form.field("challenge"), "code": codes[0]})
    said = strict.output.read_text()
    for text in (secret, *codes, form.field("challenge"), PASSWORD):
        assert text not in said
