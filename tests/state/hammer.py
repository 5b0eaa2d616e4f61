"""Processes that open one store at once, change it at once, and are killed while they do.

`python hammer.py DATA URL EACH KILLS` prints as JSON what was acknowledged and what the store holds.
The children are forked, so that the imports are paid for once.
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dashboard.access import Role
from dashboard.state import Store
from dashboard.state.audit import Search

THREADS = 4
PROCESSES = 4


def open_store(data: Path, url: str) -> Store:
    return Store.open(data, url=url or None, rounds=4)


def change(store: Store, number: int) -> None:
    store.by(f"os:{os.getpid()}").set_role("ada", Role.MANAGER, [f"site{number}"])


def found(store: Store) -> dict[str, object]:
    """What the store holds: a change is a version of the account and an entry, or neither."""
    verdict = store.audit.verify()
    changes = store.audit.count(Search(kinds=("user",), text="role and sites"))
    return {"version": store.user("ada").version, "changes": changes, "fault": verdict.fault}


def forked(work: Callable[[], None]) -> list[int]:
    """Do this in several processes at once: their exit codes."""
    children = []
    for _ in range(PROCESSES):
        child = os.fork()
        if not child:
            work()
            os._exit(0)
        children.append(child)
    return [os.waitpid(child, 0)[1] for child in children]


def opened(data: Path, url: str) -> list[int]:
    return forked(lambda: open_store(data, url).ping())


def together(data: Path, url: str, each: int) -> dict[str, object]:
    def work() -> None:
        with open_store(data, url) as store, ThreadPoolExecutor(THREADS) as threads:
            list(threads.map(lambda number: change(store, number), range(each * THREADS)))

    codes = forked(work)
    with open_store(data, url) as store:
        return {**found(store), "codes": codes, "acknowledged": PROCESSES * THREADS * each}


def killed(data: Path, url: str, kills: int) -> dict[str, object]:
    dice = random.Random(5)
    acknowledged, faults = 0, []
    with open_store(data, url) as store:
        before = int(found(store)["changes"])
    for _ in range(kills):
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            store = open_store(data, url)
            while True:
                change(store, 1)
                os.write(writing, b".")
        os.close(writing)
        select.select([reading], [], [], 60)
        time.sleep(dice.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while part := os.read(reading, 65536):
            acknowledged += len(part)
        os.close(reading)
        with open_store(data, url) as store:
            state = found(store)
        state["since"] = state["changes"] - before
        lost = state["since"] < acknowledged
        if lost or state["fault"] or state["version"] != state["changes"] + 1:
            faults.append({**state, "acknowledged": acknowledged})
    return {**state, "acknowledged": acknowledged, "faults": faults}


if __name__ == "__main__":
    folder, address, each, kills = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    codes = opened(folder, address)
    with open_store(folder, address) as fresh:
        fresh.add_user("ada", Role.MANAGER, "correct horse battery", sites=["dallas"])
    result = {"opened": codes, "together": together(folder, address, each), "killed": killed(folder, address, kills)}
    print(json.dumps(result))
