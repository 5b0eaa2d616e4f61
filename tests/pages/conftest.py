"""Pages as Streamlit runs them, on a small real extract, for each demo account."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from dashboard.settings import ROOT
from dashboard.shelf import shelf
from dashboard.state import Store, session_key
from dashboard.state.demo import add_demo_accounts
from tests.demo_extract import add_extract

#: A session serves every test of a worker, and on a slow machine more than the usual quarter of an hour
#: lies between two of them.
IDLE = timedelta(hours=10)


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """A data folder with an extract of one year and the demo accounts."""
    data = tmp_path_factory.mktemp("data")
    add_extract(data)
    with Store.open(data, rounds=4) as store:
        add_demo_accounts(store)
    return data


@pytest.fixture(scope="session", autouse=True)
def environment(data):
    """The dashboard's own data folder, for as long as these tests run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DASHBOARD_DATA", str(data))
        patch.setenv("DASHBOARD_IDLE_MINUTES", str(IDLE // timedelta(minutes=1)))
        shelf.cache_clear()
        yield
    shelf.cache_clear()


@pytest.fixture(scope="session")
def sessions(data):
    """A session key of each account."""
    keys: dict[str, str] = {}

    def key(username: str) -> str:
        if username not in keys:
            with Store.open(data, rounds=4) as store:
                keys[username] = session_key(store.open_session(username))
        return keys[username]

    return key


@pytest.fixture(scope="session")
def viewer(data, sessions):
    """The viewer of an account, as the state store has it."""

    def viewer(username: str):
        with Store.open(data, rounds=4, idle=IDLE) as store:
            return store.viewer_of(sessions(username), touch=False)

    return viewer


@pytest.fixture
def visit(sessions):
    """Open a page as an account with an address; the run's elements."""

    def visit(username: str, page: str, **address: str | list[str]) -> AppTest:
        at = AppTest.from_file(ROOT / "dashboard" / "main.py", default_timeout=30)
        at.user = {"session": sessions(username)}
        at.run()
        for name, value in address.items():
            at.query_params[name.rstrip("_")] = value
        return at.switch_page(str(Path("..") / "pages" / f"{page}.py")).run()

    return visit
