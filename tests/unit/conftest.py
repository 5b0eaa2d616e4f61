"""Readers of a small real extract, for the tests of what lies below the pages."""

from dataclasses import replace

import pytest

from dashboard.access import Role, Viewer
from dashboard.settings import Settings
from dashboard.shelf import Shelf
from dashboard.state.demo import DEMO_ACCOUNTS
from dashboard.warehouse import Reader
from tests.demo_extract import add_extract
from tests.facts import facts_of


@pytest.fixture(scope="session")
def settings(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    add_extract(data, bookings=12_000)
    return Settings(data=data)


@pytest.fixture(scope="session")
def house(settings):
    shelf = Shelf(settings)
    yield shelf.current()
    shelf.current().close()


@pytest.fixture(scope="session")
def everything(house):
    """A reader who may see every page and site."""
    return Reader(house, Viewer("all", "All", Role.ADMIN))


@pytest.fixture(scope="session")
def director(house):
    """A reader who may see every event and signal."""
    return Reader(house, Viewer("dan", "Dan Ho", Role.MEDICAL_DIRECTOR))


@pytest.fixture(scope="session")
def facts(house, tmp_path_factory):
    """SQL on the extract's own tables."""
    with facts_of(house.path, tmp_path_factory.mktemp("facts")) as ask:
        yield lambda sql, **values: ask(sql, **values).df()


@pytest.fixture(scope="session")
def reader_of(house):
    """A reader by the user name of a demo account."""

    def reader(username):
        for account, name, role, sites in DEMO_ACCOUNTS:
            if account == username:
                return Reader(house, Viewer(account, name, role, None if sites is None else frozenset(sites)))
        raise KeyError(username)

    return reader


@pytest.fixture(scope="session")
def settings_of(settings):
    """The settings with some of them changed."""

    def changed(**changes):
        return replace(settings, **changes)

    return changed


@pytest.fixture(scope="module")
def managers(house):
    """A manager of every site and one of a single site, who may put their numbers together."""
    every = [None, frozenset({"dallas"})]
    return [Reader(house, Viewer("m", "M", Role.MANAGER, sites)) for sites in every]
