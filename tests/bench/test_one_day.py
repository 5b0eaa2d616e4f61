"""How long it takes to add one day to an extract, against the import of the whole delivery.

Set from outside: ADDITION_BOOKINGS (1,000,000), or ADDITION_DATA for a folder with deliveries `base`, the state of a
day, and `inc`, what the next day brings.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from statistics import median

import duckdb
import pytest

from dashboard.intake import demo, pointer
from dashboard.intake.compare import differing
from tests.bench.test_import import measure

pytestmark = pytest.mark.bench

BOOKINGS = int(os.environ.get("ADDITION_BOOKINGS", "1000000"))

_ADD = """
import json, resource, sys, time
from pathlib import Path
from dashboard.intake.publish import import_delivery
began, loading = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
import_delivery(Path(sys.argv[1]), Path(sys.argv[2]), add=ADD)
"""
_LATEST = {"side_effects": "coalesce(resolved_at, onset_at, '1')", "payments": "paid_at", "scores": "taken_at"}


def split(source: Path, target: Path, day: dt.date) -> None:
    """The state of a delivery at the begin of a day (base) and of the next (union), and what differs (inc)."""
    today, tomorrow = str(day), str(day + dt.timedelta(1))
    with duckdb.connect() as connection:
        for name in ("bookings", *_LATEST):
            connection.execute(
                f"create table {name} as select row_number() over () as n, * from read_csv("
                f"'{source}/{name}.csv', all_varchar=true, header=true, ignore_errors=true)"
            )
        for folder, since, until in (("base", "", today), ("inc", today, tomorrow), ("union", "", tomorrow)):
            (target / folder).mkdir(parents=True, exist_ok=True)
            shutil.copy(source / "delivery.json", target / folder)
            rows = {"bookings": state(until)}
            if since:
                rows["bookings"] += f" except select * from ({state(since)})"
            for name, column in _LATEST.items():
                rows[name] = f"select * from {name} where {column} >= '{since}' and {column} < '{until}'"
            for name, query in rows.items():
                connection.execute(
                    f"copy (select * exclude n from ({query}) order by n) to '{target}/{folder}/{name}.csv' (header)"
                )


def state(day: str) -> str:
    """The bookings as they stood at the begin of a day: those ahead are booked or cancelled."""
    ahead, open_then = f"starts_at >= '{day}'", f"coalesce(cancelled_at, '9') >= '{day}'"
    return (
        f"select * replace (if({ahead} and {open_then}, 'booked', status) as status, "
        f"if({ahead}, 'no', side_effects_assessed) as side_effects_assessed, if({ahead}, null, ends_at) as ends_at, "
        f"if({open_then}, null, cancelled_at) as cancelled_at) "
        f"from bookings where coalesce(booked_at, starts_at) < '{day}'"
    )


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if given := os.environ.get("ADDITION_DATA"):
        return Path(given)
    folder = tmp_path_factory.mktemp("addition")
    demo.write_delivery(folder / "demo", years=3, bookings=BOOKINGS)
    # Six weeks before the end: bookings lie ahead as on any day.
    split(folder / "demo", folder, demo_end(folder / "demo") - dt.timedelta(42))
    return folder


def demo_end(delivery: Path) -> dt.date:
    with duckdb.connect() as connection:
        query = f"select max(starts_at)[:10] from read_csv('{delivery}/bookings.csv', all_varchar=true, ignore_errors=true) where starts_at like '20%'"
        [[day]] = connection.execute(query).fetchall()
    return dt.date.fromisoformat(day)


def rows_of(delivery: Path) -> int:
    """Lines of its files but for their headers; no value of the demo's has a line break in it."""
    return sum(file.read_bytes().count(b"\n") - 1 for file in delivery.glob("*.csv"))


def test_a_day_added_against_the_whole(tmp_path: Path, deliveries: Path, ratio: Callable[[str, float], None]) -> None:
    """Whole and added in turn, each from the same extract; at the end both must say the same."""
    start = tmp_path / "start"
    measure(_ADD.replace("ADD)", "False)"), deliveries / "base", start)
    whole, added = [], []
    for number in range(int(os.environ.get("ADDITION_RUNS", "3"))):
        for found, add, folder in ((whole, "False", "union"), (added, "True", "inc")):
            data = tmp_path / f"{folder}-{number}"
            shutil.copytree(start, data)
            found.append(measure(_ADD.replace("ADD)", f"{add})"), deliveries / folder, data))
        extracts = [pointer.current(tmp_path / f"{folder}-{number}" / "extracts") for folder in ("union", "inc")]
        assert differing(*(one.path for one in extracts if one)) == []
        for folder in ("union", "inc"):
            shutil.rmtree(tmp_path / f"{folder}-{number}")
    for what in ("seconds", "cpu"):
        shares = [one[what] / other[what] for one, other in zip(added, whole, strict=True)]
        ratio(f"a day added to {BOOKINGS:,} bookings against importing all, {what}", median(shares))
        print(
            f"\n{rows_of(deliveries / 'inc'):,} rows added to {rows_of(deliveries / 'union'):,}, {what}: "
            f"{median(one[what] for one in added):.2f} s added, {median(one[what] for one in whole):.2f} s whole, "
            f"share {median(shares):.3f} ({min(shares):.3f} to {max(shares):.3f})"
        )
    print(f"peak RSS {max(one['mb'] for one in added):.0f} MB added, {max(one['mb'] for one in whole):.0f} MB whole")
