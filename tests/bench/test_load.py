"""Many people at once: signed-in sessions of managers change filters over real websockets.

Set from outside: LOAD_SESSIONS (60), LOAD_BOOKINGS (1,000,000), or LOAD_DATA for a data folder that has an extract
already; LOAD_CHANGES (8 for each session and round), LOAD_THINK (seconds between an answer and the next change, 20 on
average; with 2, sixty people ask for more than two cores can answer) and LOAD_ROUNDS (2). The clients run on the same machine, so the server's own CPU time is printed, too.
"""

from __future__ import annotations

import os
import random
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from dashboard.access import Role
from dashboard.intake import demo, publish
from dashboard.state import Store
from tests.server.server_harness import PASSWORD, Server, await_ready, dashboard_server

pytestmark = pytest.mark.bench

SITES = ("chicago", "dallas", "miami_beach")
PAGES = ("", "bookings", "service_mix", "safety", "age_groups")
PERIODS = ("7-days", "28-days", "90-days", "12-months", "this-year", "last-month")
LINES = ("ketamine", "vitamin", "hydration")
#: After this long, Streamlit has let go of a session that stays away.
FORGOTTEN_AFTER = 75.0
#: How long a person waits for an answer before it counts as none.
PATIENCE = 300.0


def setting(name: str, default: float) -> float:
    return float(os.environ.get(f"LOAD_{name}", default))


@dataclass
class Person:
    """A manager of one site, and what happened to them."""

    number: int
    seconds: list[float] = field(default_factory=list)
    received: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def username(self) -> str:
        return f"manager.{self.number}"

    @property
    def site(self) -> str:
        return SITES[self.number % len(SITES)]

    def visit(self, server: Server, cookie: str, changes: int, think: float, seed: int) -> None:
        """Open a page and change filters, with other people's sites forged into the address."""
        chance = random.Random(1_000 * seed + self.number)
        foreign = [site.partition("_")[0] for site in SITES if site != self.site]
        try:
            # People don't come all in the same second.
            time.sleep(chance.uniform(0, 5) * think)
            with server.stream(cookie) as stream:
                stream.patience = PATIENCE
                for _ in range(changes):
                    asked = [f"period={chance.choice(PERIODS)}", *(f"site={s.replace('_', '-')}" for s in SITES)]
                    asked += [f"line={line}" for line in chance.sample(LINES, chance.randint(0, 2))]
                    begun = time.perf_counter()
                    stream.send_rerun(page=chance.choice(PAGES), query="&".join(asked))
                    sent = b"".join(message.SerializeToString() for message in stream.messages())
                    self.seconds.append(time.perf_counter() - begun)
                    self.received += len(sent)
                    text = sent.decode("utf-8", "replace").lower()
                    self.faults += [f"{self.site} got {word}" for word in foreign if word in text]
                    self.faults += [word for word in ("went wrong", "cannot be shown", "traceback") if word in text]
                    if self.site.partition("_")[0] not in text:
                        self.faults.append(f"{self.site} got nothing of its own")
                    time.sleep(chance.uniform(0.5, 1.5) * think)
        except Exception as error:
            self.faults.append(repr(error))


def resident(server: Server) -> float:
    """Memory of the server's process in MB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def cpu_seconds(server: Server) -> float:
    """Time that the server's process has kept a core busy."""
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    data = tmp_path_factory.mktemp("load")
    if built := os.environ.get("LOAD_DATA"):
        shutil.copytree(Path(built) / "extracts", data / "extracts")
    else:
        demo.write_delivery(data / "delivery", years=3, bookings=int(setting("BOOKINGS", 1_000_000)))
        publish.import_delivery(data / "delivery", data)
    with Store.open(data, rounds=4) as store:
        for number in range(int(setting("SESSIONS", 60))):
            person = Person(number)
            store.add_user(person.username, Role.MANAGER, PASSWORD, sites=[person.site])
    with dashboard_server(data) as served:
        await_ready(served)
        served.patience = PATIENCE
        yield served


def alone(server: Server) -> float:
    """Seconds of one person's change in the middle, with nobody else there."""
    person = Person(0)
    person.visit(server, server.sign_in(person.username), changes=40, think=0, seed=99)
    assert person.faults == [], person.faults
    return float(np.median(person.seconds))


def test_many_sessions_change_filters(server, ratio):
    count, changes = int(setting("SESSIONS", 60)), int(setting("CHANGES", 8))
    think, rounds = setting("THINK", 20), int(setting("ROUNDS", 2))
    single = alone(server)
    print(f"\none session: p50 {1000 * single:.0f} ms")
    memory = [("started", resident(server))]
    for turn in range(rounds):
        people = [Person(number) for number in range(count)]
        # One after the other: so many unfinished sign-ins of one address at once are held back as guessing.
        cookies = [server.sign_in(person.username) for person in people]
        threads = [
            threading.Thread(target=person.visit, args=(server, cookie, changes, think, turn))
            for person, cookie in zip(people, cookies, strict=True)
        ]
        begun, spent = time.perf_counter(), cpu_seconds(server)
        for thread in threads:
            thread.start()
        most = 0.0
        while any(thread.is_alive() for thread in threads):
            most = max(most, resident(server))
            time.sleep(0.5)
        took, spent = time.perf_counter() - begun, cpu_seconds(server) - spent
        times = np.array([seconds for person in people for seconds in person.seconds])
        faults = [fault for person in people for fault in person.faults]
        p50, p95 = np.percentile(times, [50, 95]) * 1000
        print(
            f"\nround {turn + 1}: {count} sessions, {len(times)} changes in {took:.0f} s, "
            f"p50 {p50:.0f} ms, p95 {p95:.0f} ms, {sum(p.received for p in people) / len(times) / 1024:.0f} kB and "
            f"{1000 * spent / len(times):.0f} ms of the server's CPU a change, p95 {p95 / 1000 / single:.1f} x one session"
        )
        ratio(f"p95 of {count} sessions against one session's median, round {turn + 1}", p95 / 1000 / single)
        assert faults == [], faults
        assert len(times) == count * changes
        memory.append((f"most in round {turn + 1}", most))
        time.sleep(FORGOTTEN_AFTER)
        memory.append((f"closed after round {turn + 1}", resident(server)))
    print("memory, MB: " + ", ".join(f"{moment} {size:.0f}" for moment, size in memory))
