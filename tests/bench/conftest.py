"""What the benchmarks found, as ratios: times differ from machine to machine, ratios of one run hardly."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from dashboard.access import Role
from dashboard.settings import ROOT
from dashboard.state import Store
from tests.server.server_harness import PASSWORD

FOUND = ROOT / "artifacts" / "bench.json"


@pytest.fixture
def ratio():
    """Note a ratio by name, of which less is better; `make bench-compare` sets it beside the recorded one."""

    def note(name: str, value: float) -> None:
        found: dict[str, float] = json.loads(FOUND.read_text(encoding="utf-8")) if FOUND.exists() else {}
        found[name] = round(value, 3)
        FOUND.parent.mkdir(exist_ok=True)
        FOUND.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")

    return note


@pytest.fixture(scope="session")
def extracts(tmp_path_factory):
    """A data folder with an extract of so many demo bookings over three years, made once."""
    from dashboard.intake import demo, publish

    made: dict[int, Path] = {}

    def extract(bookings: int) -> Path:
        if bookings not in made:
            folder = tmp_path_factory.mktemp(f"bookings-{bookings}")
            demo.write_delivery(folder / "delivery", years=3, bookings=bookings)
            publish.import_delivery(folder / "delivery", folder)
            made[bookings] = folder
        return made[bookings]

    return extract


@pytest.fixture(scope="session")
def with_a_director(extracts, tmp_path_factory):
    """A data folder of one's own with an extract and the account `director`.

    `with_a_director(prefix)` takes the extract from the folder that PREFIX_DATA names, or makes one of
    PREFIX_BOOKINGS bookings (100,000).
    """

    def folder(prefix: str) -> Path:
        named = os.environ.get(f"{prefix}_DATA")
        built = Path(named) if named else extracts(int(os.environ.get(f"{prefix}_BOOKINGS", "100000")))
        data = tmp_path_factory.mktemp("data")
        shutil.copytree(built / "extracts", data / "extracts")
        with Store.open(data, rounds=4) as store:
            store.add_user("director", Role.MEDICAL_DIRECTOR, PASSWORD)
        return data

    return folder
