"""The Audit page on a store of its own: search, order, pages, and what it says of a record that was touched."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from contextlib import closing

import pytest
from elements import html
from streamlit.testing.v1 import AppTest

from dashboard.access import Role
from dashboard.settings import PAGES, Settings
from dashboard.state import Store, session_key, shared_store
from dashboard.state.audit import Search


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("DASHBOARD_DATA", str(tmp_path))
    with Store.open(tmp_path, rounds=4) as store:
        store.add_user("kim", Role.ADMIN, "correct horse battery")
        for number in range(120):
            store.audit.record("view", "ada" if number % 2 else "eve", f"page {number}", sites=("dallas",))
        store.audit.record("export", "eve", "payment_rows", rows=12)
        yield store
    shared_store(Settings.from_environment()).close()
    shared_store.cache_clear()


@pytest.fixture
def visit(store):
    key = session_key(store.open_session("kim"))

    def visit(**address):
        at = AppTest.from_file(PAGES / "audit.py", default_timeout=30)
        at.user = {"session": key}
        for name, value in address.items():
            at.query_params[name] = value
        at.run()
        assert not at.exception
        return at

    return visit


def shown(at):
    [table] = at.dataframe
    return table.value


def test_the_newest_entries_come_first_a_page_at_a_time(visit):
    at = visit()
    first = shown(at)
    numbers = list(first["number"])
    assert numbers == list(range(numbers[0], numbers[0] - 50, -1))
    # The look itself may be on record already, or come on it between the count and the entries.
    assert numbers[0] in (122, 123)
    assert any(f"1–50 of {count} entries" in html(at) for count in {122, numbers[0]})
    newer, older = (next(b for b in at.button if b.label == label) for label in ("Newer", "Older"))
    assert newer.disabled
    older.click().run()
    assert shown(at)["number"].iloc[0] in (72, 73)
    assert at.query_params["part"] in ("1", ["1"])
    assert "/export/audit.csv?" in html(at)


@pytest.mark.parametrize(
    ("address", "of"),
    [
        ({"person": "ada"}, 60),
        ({"kind": "export"}, 1),
        ({"kind": ["export", "user"]}, 2),
        # Of one person's: the look itself, with the words in it, may be on record already.
        ({"text": "PAGE 11", "person": "ada"}, 6),
        ({"days": "ever", "person": "eve"}, 61),
        ({"days": "1-day", "person": "eve", "kind": "view"}, 60),
        ({"days": "yesterday", "kind": "gossip", "part": "999999999999", "person": "eve"}, 61),
        ({"part": "99", "person": "ada"}, 60),
    ],
)
def test_the_address_is_the_search(visit, address, of):
    assert f" of {of:,} entries" in html(visit(**address))


def test_a_choice_in_the_bar_reaches_the_address_and_the_file(visit):
    at = visit(part="1")
    at.selectbox(key="audit_person").set_value("eve").run()
    assert at.query_params["person"] in ("eve", ["eve"])
    assert "1–50 of 61 entries" in html(at)
    assert "/export/audit.csv?person=eve" in html(at)
    at.text_input(key="audit_text").set_value("payment").run()
    assert list(shown(at)["subject"]) == ["payment_rows"]


def test_nothing_found_says_so(visit):
    # Of one person's: the look itself, with the word in it, may be on record already.
    assert "Nothing on record" in visit(text="no such word", person="eve").info[0].value


def test_looking_at_the_record_is_on_record_once(visit, store):
    at = visit(person="ada")
    at.run()
    assert re.search(r"All 12[23] entries are as they were written", html(at))
    shared_store(Settings.from_environment()).audit.flush()
    looked = store.audit.search(Search(actor="kim"), 5)
    assert [(entry.subject, entry.details) for entry in looked] == [
        ("audit", {"period": "30-days", "person": "ada"}),
    ]


def test_a_record_that_was_touched_is_named(visit, store, tmp_path):
    with closing(sqlite3.connect(tmp_path / "state" / "state.db")) as connection, connection:
        connection.execute("drop trigger audit_no_update")
        connection.execute("update audit set actor = 'max' where number = 7")
    at = visit()
    assert "Entry 7 was changed" in html(at)
    assert "dashboard audit verify" in html(at)
    assert "as they were written" not in html(at)


def test_a_signal_that_was_put_into_the_register_is_named(visit, store, tmp_path):
    with closing(sqlite3.connect(tmp_path / "state" / "state.db")) as connection, connection:
        sha256 = hashlib.sha256(b"{}").hexdigest()
        connection.execute("insert into signals values (1, 'dallas', 'series', 'what', '{}', ?)", (sha256,))
    at = visit()
    assert "Signal 1 was put in" in html(at)
    assert "as they were written" not in html(at)


@pytest.mark.parametrize("role", [Role.MANAGER, Role.FINANCE])
def test_the_page_itself_refuses_others(store, role):
    store.add_user("pat", role, "correct horse battery", sites=["dallas"])
    at = AppTest.from_file(PAGES / "audit.py", default_timeout=30)
    at.user = {"session": session_key(store.open_session("pat"))}
    at.run()
    assert at.exception
    assert not at.title
    assert not at.dataframe
