"""One server process against two behind the published nginx configuration: how many changes a second both answer.

Clients, nginx and PostgreSQL run on the same machine and take their part of its cores, so that two processes can't
reach twice the changes here. Set from outside: REPLICAS_BOOKINGS (100,000), or REPLICAS_DATA for a data folder that has
an extract; REPLICAS_SESSIONS (12), REPLICAS_CHANGES (6 for each session).
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from dashboard.access import Role
from dashboard.state import Store
from tests.bench.test_load import Person
from tests.deploy.proxy import nginx, program
from tests.server.server_harness import PASSWORD, await_ready, dashboard_server

pytestmark = pytest.mark.bench

SESSIONS = int(os.environ.get("REPLICAS_SESSIONS", "12"))
CHANGES = int(os.environ.get("REPLICAS_CHANGES", "6"))
#: Turns of each, so that what else the machine does meets both.
ROUNDS = 3


@pytest.fixture
def replicas(extracts, tmp_path, postgresql_server):
    """Two processes with an extract each and one state store."""
    name = postgresql_server.create()
    url = postgresql_server.url(name)
    named = os.environ.get("REPLICAS_DATA")
    built = Path(named) if named else extracts(int(os.environ.get("REPLICAS_BOOKINGS", "100000")))
    with Store.open(tmp_path / "first", rounds=4, url=url) as store:
        for number in range(SESSIONS):
            person = Person(number)
            store.add_user(person.username, Role.MANAGER, PASSWORD, sites=[person.site])
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    with ExitStack() as opened:
        served = []
        for place in ("first", "second"):
            shutil.copytree(built / "extracts", tmp_path / place / "extracts")
            served.append(opened.enter_context(dashboard_server(tmp_path / place, DASHBOARD_STATE=url)))
        for server in served:
            await_ready(server)
        yield served
    postgresql_server.drop(name)


def answered(proxy, seed):
    """Changes a second of all sessions together, none of which waits between an answer and its next change."""
    people = [Person(number) for number in range(SESSIONS)]
    cookies = [proxy.login(person.username, PASSWORD).cookie for person in people]
    threads = [
        threading.Thread(target=person.visit, args=(proxy, cookie, CHANGES, 0.0, seed))
        for person, cookie in zip(people, cookies, strict=True)
    ]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    assert [fault for person in people for fault in person.faults] == []
    return SESSIONS * CHANGES / took, np.median([seconds for person in people for seconds in person.seconds])


def test_a_second_process(replicas, tmp_path, ratio):
    if program("nginx") is None:
        pytest.skip("NO NGINX: install nginx")
    first, second = (server.port for server in replicas)
    found: dict[int, list[float]] = {1: [], 2: []}
    with ExitStack() as opened:
        proxies = {}
        for count, ports in ((1, (first, first)), (2, (first, second))):
            folder = tmp_path / f"nginx-{count}"
            folder.mkdir()
            proxies[count] = opened.enter_context(nginx(folder, ports))
        for turn in range(ROUNDS + 1):
            for count, proxy in proxies.items():
                rate, usual = answered(proxy, turn)
                # In the first turn both learn what is asked.
                if turn:
                    found[count].append(rate)
                    print(f"\n{count} process(es): {rate:.1f} changes a second, median {1000 * usual:.0f} ms")
    one, two = np.median(found[1]), np.median(found[2])
    print(f"two against one: {two / one:.2f}")
    ratio("changes a second of one process against two", one / two)
