from __future__ import annotations

import pytest
from server_harness import add_accounts, probe_server


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The server with the probe page and one account of each role."""
    data = tmp_path_factory.mktemp("data")
    add_accounts(data)
    with probe_server(data) as running:
        yield running


@pytest.fixture(autouse=True)
def forget_attempts(request):
    """Failed sign-ins of one test mustn't lock out the next."""
    yield
    if "server" in request.fixturenames:
        request.getfixturevalue("server").sql("delete from brakes")
