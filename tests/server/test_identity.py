"""Who is looking, in the Streamlit script."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.access import Role
from dashboard.state import Store, session_key

PROBE = str(Path(__file__).parent / "probe.py")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("DASHBOARD_DATA", str(tmp_path))
    with Store.open(tmp_path, rounds=4) as store:
        store.add_user("ada", Role.ADMIN, "correct horse battery")
        yield store


def run(user):
    at = AppTest.from_file(PROBE)
    at.user = user
    return at.run()


def test_the_signed_in_see_the_page(store):
    at = run({"session": session_key(store.open_session("ada"))})
    assert at.text[0].value == "viewer=ada owner=ada role=admin"


@pytest.mark.parametrize("user", [{}, {"session": None}, {"session": "0" * 64}, {"username": "ada"}])
@pytest.mark.usefixtures("store")
def test_others_see_the_way_to_sign_in_and_nothing_else(user):
    at = run(user)
    assert not at.exception
    assert [len(at.text), len(at.markdown)] == [0, 1]
    assert "(/login)" in at.markdown[0].value


def test_the_next_run_after_the_end_shows_nothing(store):
    token = store.open_session("ada")
    at = run({"session": session_key(token)})
    store.close_session(token)
    at.run()
    assert not at.text
