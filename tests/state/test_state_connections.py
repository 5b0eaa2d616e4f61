"""A connection to the state store is closed, also where it outlives the store."""

from __future__ import annotations

import sqlite3

import pytest

from dashboard.state.database import Database


def test_a_connection_in_use_at_the_end_is_closed_when_it_comes_back(tmp_path):
    database = Database.in_file(tmp_path / "state.db")
    with database.read() as connection:
        raw = connection.connection.dbapi_connection
        database.close()
        assert connection.exec_driver_sql("select 1").scalar() == 1
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        raw.execute("select 1")
