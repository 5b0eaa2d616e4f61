"""A PostgreSQL server beside SQLite, for whatever keeps state."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dashboard.state import Store
from tests.state import postgresql


@pytest.fixture(scope="session")
def postgresql_server():
    """The tests' own server. Where there is none to start, the tests on it are skipped aloud."""
    if postgresql.programs() is None and not os.environ.get("CI"):
        pytest.skip("NO POSTGRESQL: install postgresql; the state store was tested on SQLite alone")
    with postgresql.running() as server:
        yield server


class Clock:
    """A time that passes when the test says so."""

    def __init__(self):
        self.now = datetime(2026, 3, 1, 8, tzinfo=UTC)

    def __call__(self):
        return self.now

    def pass_by(self, **duration):
        self.now += timedelta(**duration)


@pytest.fixture
def clock():
    return Clock()


@dataclass(frozen=True)
class Place:
    """Where a store lies: a data folder, and the address of a database instead of its file."""

    data: Path
    url: str | None = None

    def open(self, **options: object) -> Store:
        """Open the store, with passwords hashed fast."""
        return Store.open(self.data, url=self.url, **{"rounds": 4, **options})


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    """An empty store's place, on both back ends in turn."""
    if request.param == "sqlite":
        yield Place(tmp_path)
        return
    server = request.getfixturevalue("postgresql_server")
    name = server.create()
    yield Place(tmp_path, server.url(name))
    server.drop(name)
