"""The Account page: where one is signed in, and one's own password."""

from __future__ import annotations

import pytest
from elements import html

from dashboard.access import Role
from dashboard.state import Store
from dashboard.state.brake import Brake

PASSWORD, NEW = "correct horse battery", "another good password"


@pytest.fixture
def store(data):
    with Store.open(data, rounds=4) as store:
        yield store


@pytest.fixture
def page(store, visit):
    """Open the page as a fresh account."""

    def page(username):
        store.add_user(username, Role.FINANCE, PASSWORD)
        return visit(username, "account")

    return page


def change(at, present, new, again=None):
    for label, value in (
        ("Present password", present),
        ("New password", new),
        ("New password, again", new if again is None else again),
    ):
        next(field for field in at.text_input if field.label == label).set_value(value)
    return next(button for button in at.button if button.label == "Change password").click().run()


def test_open_sessions_are_listed_and_the_others_can_be_ended(page, store, sessions):
    at = page("olga")
    assert "End all others" not in [button.label for button in at.button]
    other = store.open_session("olga", address="203.0.113.9", browser="Firefox on Windows")
    at.run()
    shown = " ".join(element.value for element in at.get("html"))
    assert "Firefox on Windows from 203.0.113.9" in shown
    assert "/second-factor" in shown
    assert not at.exception
    next(button for button in at.button if button.label == "End all others").click().run()
    assert store.viewer(other, touch=False) is None
    assert store.viewer_of(sessions("olga"), touch=False)
    shown = " ".join(element.value for element in at.get("html"))
    assert "Another, 1" not in shown
    assert "Signed in before" in shown


def test_a_password_is_changed_by_who_knows_the_present_one(page, store, sessions):
    at = page("petra")
    for given, why in (
        ((PASSWORD, NEW, "something else"), "differ"),
        (("wrong password", NEW), "present password is not right"),
        ((PASSWORD, "Password123"), "common"),
        ((PASSWORD, "petra and more"), "user name"),
    ):
        at = change(at, *given)
        assert why in at.error[0].value
        assert "Nothing was changed" in at.error[0].value
    assert store.verify("petra", PASSWORD)
    change(at, PASSWORD, NEW)
    assert store.verify("petra", NEW)
    assert store.viewer_of(sessions("petra"), touch=False) is None


def test_guesses_of_the_present_password_run_into_the_brake(page, store):
    at = page("quin")
    for _ in range(5):
        at = change(at, "wrong password", NEW)
        assert "not right" in at.error[0].value
    at = change(at, PASSWORD, NEW)
    assert "Too many failed attempts" in at.error[0].value
    assert store.verify("quin", PASSWORD)
    assert Brake(store).admit("quin", "198.51.100.1").wait, "the login page waits too"


def test_whose_sites_are_all_sites_is_told_so(visit):
    assert "<dd>Every site: Chicago, Dallas, Miami Beach</dd>" in html(visit("admin", "account"))
    assert "<dd>Chicago, Dallas</dd>" in html(visit("manager.two", "account"))
