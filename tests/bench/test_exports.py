"""What a large file costs beside DuckDB's own writing, and how much memory: each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import duckdb
import pytest

from dashboard.intake import demo, publish

_OURS = """
import re, sys, time
from pathlib import Path
from dashboard import exports, filters
from dashboard.access import Role, Viewer
from dashboard.settings import Settings
from dashboard.state import Store
from dashboard.warehouse import Reader, Warehouse
data, path = Path(sys.argv[1]), Path(sys.argv[2])
def most():  # in KB; unlike ru_maxrss without that of the process before
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
house = Warehouse(path, Settings(data=data, memory_limit=f"{sys.argv[4]}MiB"))
role = Role.FINANCE if sys.argv[3] == "payment_rows" else Role.MEDICAL_DIRECTOR
reader = Reader(house, Viewer("d", "D", role))
asked = {"period": ["custom"], "from": ["1990-01-01"], "to": ["2100-01-01"]}
with Store.open(data, rounds=4) as store:
    before = most()
    start = time.perf_counter()
    body, receipt = exports.asked(reader, exports.DATASETS[sys.argv[3]], asked).write("csv")
    for part in body:
        pass
    store.audit.record("export", "d", receipt.dataset, **receipt.details())
    seconds = time.perf_counter() - start
details = receipt.details()
print(seconds, details["rows"], details["bytes"], before, most())
"""
_COPY = """
import sys, time
import duckdb
from dashboard.settings import QUERIES
connection = duckdb.connect(sys.argv[2], read_only=True, config={"memory_limit": "1GB"})
connection.execute("set enable_progress_bar = false")
sql = (QUERIES / "rows_bookings.sql").read_text()
for name, value in (
    ("$start", "date '1990-01-01'"), ("$end", "date '2100-01-01'"), ("$sites::site[]", "enum_range(null::site)"),
    ("$lines::line[]", "enum_range(null::line)"), ("$bands::band[]", "enum_range(null::band)"),
):
    sql = sql.replace(name, value)
start = time.perf_counter()
connection.execute(f"copy ({sql}) to '{sys.argv[1]}/copy.csv' (header)")
print(time.perf_counter() - start)
"""


def measured(script, *words):
    done = subprocess.run([sys.executable, "-c", script, *words], check=True, capture_output=True, text=True)
    return [float(word) for word in done.stdout.split()]


def enlarged(folder, rows):
    """An extract with so many bookings, each with keys and payments of its own."""
    demo.write_delivery(folder / "delivery", years=2, bookings=40_000)
    publish.import_delivery(folder / "delivery", folder)
    [extract] = (folder / "extracts").glob("extract-*.duckdb")
    large = folder / "large.duckdb"
    with duckdb.connect(str(large)) as connection:
        connection.execute(f"attach '{extract}' as whole (read_only)")
        connection.execute("copy from database whole to large")
        [(count,)] = connection.sql("select count(*) from bookings").fetchall()
        copies = -(-rows // count)
        for table, keys in (("bookings", ["booking_id"]), ("payments", ["payment_id", "booking_id"])):
            own = ", ".join(f"{key} || '-' || copy as {key}" for key in keys)
            connection.execute(
                f"create or replace table {table} as select whole.* replace ({own}) "
                f"from (from whole.{table}) as whole, range({copies}) as copies(copy) limit {rows}"
            )
    return large


def taken(folder, large, dataset, limit, times=1):
    """Seconds, rows, bytes, and MB before and at most, of the fastest of several times."""
    found = [measured(_OURS, str(folder), str(large), dataset, str(limit)) for _ in range(times)]
    seconds, rows, size, before, most = min(found)
    return seconds, int(rows), size / 1e6, before / 1024, most / 1024


@pytest.mark.bench
def test_a_million_rows_beside_copy(tmp_path, ratio):
    large = enlarged(tmp_path, 1_000_000)
    # In turns: whatever else the machine does slows both.
    rounds = [
        (measured(_COPY, str(tmp_path), str(large))[0], taken(tmp_path, large, "booking_rows", 1024))
        for _ in range(5)
    ]
    copy, ours = min(seconds for seconds, _ in rounds), min(one for _, one in rounds)
    assert ours[1] == 1_000_000
    ratio("CSV of a million rows against COPY", ours[0] / copy)
    ratios = ", ".join(f"{one[0] / seconds:.2f}" for seconds, one in rounds)
    print(
        f"\n1,000,000 rows: {ours[0]:.2f} s against COPY {copy:.2f} s, ratio {ours[0] / copy:.2f} (turns: {ratios})"
    )


@pytest.mark.bench
@pytest.mark.parametrize("rows", [1_000_000, 10_000_000])
def test_memory_is_bounded_by_the_setting_and_not_by_the_file(tmp_path, rows):
    """Rows in stored order, and rows that have to be joined and sorted."""
    large = enlarged(tmp_path, rows)
    for dataset in ("booking_rows", "payment_rows"):
        for limit in (256, 1024):
            seconds, count, size, before, most = taken(tmp_path, large, dataset, limit)
            print(
                f"\n{count:,} rows of {dataset}, {large.stat().st_size / 1e6:,.0f} MB of extract, limit {limit} MiB: "
                f"file {size:,.0f} MB in {seconds:.1f} s, memory {before:,.0f} MB before and {most:,.0f} MB at most"
            )
            assert most - before < limit + 192
