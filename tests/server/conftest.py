from __future__ import annotations

import pytest
from click.testing import CliRunner
from provider import CLIENT, SECRET, providing
from server_harness import PASSWORD, add_accounts, probe_server

from dashboard.access import Role
from dashboard.cli import main
from dashboard.state.identities import Identities
from tests.ports import free_port

#: Who the provider of single sign-on knows, by subject.
PEOPLE = {
    "1": {"email": "Eve.Lind@clinic.example", "email_verified": True},
    "2": {"email": "stranger@clinic.example", "email_verified": True},
    "3": {"email": "max@clinic.example", "email_verified": False},
    "4": {"email": "max@clinic.example"},
    "5": {"email": "gone@clinic.example", "email_verified": True},
    "6": {"email": "bo@clinic.example", "email_verified": True},
}


@pytest.fixture
def store(place, clock):
    """An empty store on both back ends, at the clock's time."""
    with place.open(clock=clock) as store:
        yield store


@pytest.fixture
def data(tmp_path, monkeypatch):
    """An empty data folder that commands use."""
    monkeypatch.setenv("DASHBOARD_DATA", str(tmp_path))
    return tmp_path


@pytest.fixture
def run(data):
    """Runs a command."""

    def invoke(*arguments, answers=None):
        return CliRunner().invoke(main, arguments, input=answers)

    return invoke


@pytest.fixture
def add(run):
    """Adds a user."""

    def invoke(username, *options):
        return run("users", "add", username, *options, "--password-stdin", answers=f"{PASSWORD}\n")

    return invoke


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The server with the probe page and one account of each role."""
    data = tmp_path_factory.mktemp("data")
    add_accounts(data)
    with probe_server(data) as running:
        yield running


@pytest.fixture(scope="session")
def provider():
    """A provider of single sign-on."""
    with providing(PEOPLE) as running:
        yield running


@pytest.fixture(scope="session")
def strict(provider, tmp_path_factory):
    """A server where two roles need a second factor, and that takes a provider's word."""
    data, port = tmp_path_factory.mktemp("strict"), free_port()
    add_accounts(data)
    settings = {
        "DASHBOARD_SECOND_FACTOR": "admin, medical_director",
        "DASHBOARD_URL": f"http://127.0.0.1:{port}",
        "DASHBOARD_OIDC_ISSUER": provider.issuer,
        "DASHBOARD_OIDC_CLIENT_ID": CLIENT,
        "DASHBOARD_OIDC_CLIENT_SECRET": SECRET,
        "DASHBOARD_OIDC_NAME": "Clinic login",
    }
    with probe_server(data, port, **settings) as running, running.store() as store:
        Identities(store).set("max", "max@clinic.example")
        Identities(store).set("eve", "eve.lind@clinic.example")
        for name in ("gone@clinic.example", "bo@clinic.example"):
            store.add_user(name, Role.FINANCE, None)
        store.disable("gone@clinic.example")
        yield running


@pytest.fixture(autouse=True)
def forget_attempts(request):
    """Failed sign-ins of one test mustn't lock out the next."""
    yield
    for name in {"server", "strict"} & set(request.fixturenames):
        request.getfixturevalue(name).sql("delete from brakes")
