"""One-time links to set a password: on a real store, and attacked on a running server."""

from __future__ import annotations

from datetime import timedelta

import pytest
from server_harness import PASSWORD, Answer

from dashboard.access import Role
from dashboard.state import StateError
from dashboard.state.resets import Resets, link

NEW = "another good password"


@pytest.fixture
def store(store):
    store.add_user("ada", Role.ADMIN, PASSWORD)
    return store


@pytest.fixture
def resets(store):
    return Resets(store)


def test_a_link_sets_the_password_once_and_ends_the_sessions(store, resets):
    session, token = store.open_session("ada"), resets.issue("Ada")
    assert store.verify("ada", PASSWORD), "issuing it changes nothing"
    assert resets.use(token, NEW).username == "ada"
    assert store.verify("ada", NEW)
    assert store.viewer(session, touch=True) is None
    assert resets.use(token, "yet another password") is None
    assert store.verify("ada", NEW)


def test_a_weak_password_leaves_the_link_good(store, resets):
    token = resets.issue("ada")
    for weak in ("short", "Password123", "my name is ada"):
        with pytest.raises(StateError):
            resets.use(token, weak)
    assert resets.use(token, NEW)


CHANGES = {
    "a newer link": lambda _, resets: resets.issue("ada"),
    "a new password": lambda store, _: store.reset_password("ada", PASSWORD),
    "another role": lambda store, _: store.set_role("ada", Role.FINANCE, None),
    "disabled": lambda store, _: store.disable("ada"),
    "disabled and enabled": lambda store, _: (store.disable("ada"), store.enable("ada")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_link_is_void_after(store, resets, change):
    token = resets.issue("ada")
    CHANGES[change](store, resets)
    assert resets.use(token, NEW) is None
    assert resets.owner(token) is None


def test_a_link_is_too_old_after_a_day(store, resets, clock):
    token = resets.issue("ada")
    clock.now += timedelta(hours=24) - timedelta(seconds=1)
    assert resets.owner(token)
    clock.now += timedelta(seconds=1)
    assert resets.use(token, NEW) is None


def test_no_link_for_who_cannot_sign_in(store, resets):
    store.disable("ada")
    with pytest.raises(StateError, match="Enable the account first"):
        resets.issue("ada")
    with pytest.raises(StateError, match="no user nobody"):
        resets.issue("nobody")


def test_the_store_never_holds_the_token(resets, tmp_path):
    token = resets.issue("ada")
    assert token.encode() not in b"".join(path.read_bytes() for path in (tmp_path / "state").iterdir())


def test_the_token_stands_where_no_server_sees_it():
    assert link("https://dashboard.example/", "TOKEN") == "https://dashboard.example/login/reset#TOKEN"


# --- attacked on a running server ------------------------------------------------------------


@pytest.fixture
def zoe(server):
    """An account of its own, and a token for it."""
    with server.store() as store:
        if store.account_name("zoe") is None:
            store.add_user("zoe", Role.FINANCE, None)
        return Resets(store).issue("zoe")


def set_password(server, token, password=NEW, again=None, **headers) -> Answer:
    fields = {"token": token, "password": password, "again": password if again is None else again}
    return server.post("/login/reset", fields, **headers)


def test_opening_the_link_changes_nothing(server, zoe):
    for method in ("GET", "HEAD"):
        for path in ("/login/reset", f"/login/reset?token={zoe}&password=by+opening+it&again=by+opening+it"):
            answer = server.request(method, path)
            assert (answer.status, answer.headers["Set-Cookie"]) == (200, None)
            assert b"zoe" not in answer.body
    assert server.login("zoe", "by opening it").status == 401
    assert server.request("GET", "/login/reset.js").headers["Content-Type"].startswith("text/javascript")


def test_the_link_is_good_once(server, zoe):
    assert "differ" in set_password(server, zoe, again="something else").error
    weak = set_password(server, zoe, "short")
    assert "10 characters" in weak.error
    assert weak.field("token") == zoe
    done = set_password(server, zoe)
    assert (done.status, done.headers["Set-Cookie"]) == (200, None)
    assert b"Your password is set" in done.body
    assert server.login("zoe", NEW).status == 303
    replayed = set_password(server, zoe, "yet another password")
    assert replayed.status == 410
    assert "used already" in replayed.error
    assert server.login("zoe", NEW).status == 303


def test_a_link_unlocks_who_is_locked_out(server, zoe):
    for _ in range(6):
        server.login("zoe", "wrong password")
    assert server.login("zoe", NEW).status == 429
    assert set_password(server, zoe).status == 200
    assert server.login("zoe", NEW).status == 303


@pytest.mark.parametrize("token", ["", "guess", "x" * 500, "' or 1=1 --"])
def test_a_guess_sets_nothing(server, token):
    assert set_password(server, token).status == 410


def test_another_site_cannot_send_the_form(server, zoe):
    assert set_password(server, zoe, Origin="http://evil.example").status == 403
    assert set_password(server, zoe, Sec_Fetch_Site="cross-site").status == 403
    assert set_password(server, zoe).status == 200


def test_who_was_invited_has_no_password_before(server):
    with server.store() as store:
        store.add_user("yan", Role.FINANCE, None)
    for guess in ("", "None", "yan", "." * 31):
        assert server.login("yan", guess).status == 401
