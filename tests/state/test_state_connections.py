"""A connection to the state store is closed, also where it outlives the store."""

from __future__ import annotations

import sqlite3

import pytest

from dashboard.access import Role
from dashboard.state.audit import Search
from dashboard.state.brake import Brake
from dashboard.state.database import Database
from dashboard.state.saved_views import SavedViews


def test_a_connection_in_use_at_the_end_is_closed_when_it_comes_back(tmp_path):
    database = Database.in_file(tmp_path / "state.db")
    with database.read() as connection:
        raw = connection.connection.dbapi_connection
        database.close()
        assert connection.exec_driver_sql("select 1").scalar() == 1
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        raw.execute("select 1")


def test_a_value_that_one_back_end_cannot_hold_is_no_fault_of_either(place):
    """Whoever speaks to the server sends NUL where they like, before they are signed in, too."""
    with place.open() as store:
        store.add_user("ada", Role.ADMIN, "correct horse battery")
        assert store.verify("a\x00da", "correct horse battery") is None
        assert store.account_name("ada\x00") is None
        assert Brake(store).admit("a\x00da", "127.0.0.1", "d\x00").ticket
        assert store.audit.search(Search(actor="\x00", text="a\x00b"), 5) == []
        views = SavedViews(store)
        views.save("ada", "Mon\x00days", "today", "")
        assert [view.name for view in views.list("ada")] == ["Mon\ufffddays"]
        assert store.user("ada").username == "ada"
