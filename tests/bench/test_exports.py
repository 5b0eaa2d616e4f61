"""What a large file costs beside DuckDB's own writing, and how much memory: each in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import duckdb
import pytest

from dashboard.intake import demo, publish

_OURS = """
import hashlib, resource, sys, time
from pathlib import Path
from dashboard import exports, filters
from dashboard.access import Role, Viewer
from dashboard.settings import Settings
from dashboard.state import Store
from dashboard.warehouse import Reader, Warehouse
data, path = Path(sys.argv[1]), Path(sys.argv[2])
house = Warehouse(path, Settings(data=data))
reader = Reader(house, Viewer("d", "D", Role.MEDICAL_DIRECTOR))
asked = {"period": ["custom"], "from": ["1990-01-01"], "to": ["2100-01-01"]}
with Store.open(data, rounds=4) as store:
    start = time.perf_counter()
    body, receipt = exports.asked(reader, exports.DATASETS["booking_rows"], asked).write("csv")
    for part in body:
        pass
    store.audit.record("export", "d", receipt.dataset, **receipt.details())
    seconds = time.perf_counter() - start
details = receipt.details()
print(seconds, details["rows"], details["bytes"], resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
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


@pytest.mark.bench
@pytest.mark.parametrize("rows", [1_000_000, 10_000_000])
def test_a_large_csv(tmp_path, rows):
    demo.write_delivery(tmp_path / "delivery", years=2, bookings=40_000)
    publish.import_delivery(tmp_path / "delivery", tmp_path)
    [extract] = (tmp_path / "extracts").glob("extract-*.duckdb")
    large = tmp_path / "large.duckdb"
    with duckdb.connect(str(large)) as connection:
        connection.execute(f"attach '{extract}' as whole (read_only)")
        connection.execute("copy from database whole to large")
        connection.execute(
            f"create or replace table bookings as select * from bookings, range({rows // 10_000}) limit {rows}"
        )
    copies = [measured(_COPY, str(tmp_path), str(large))[0] for _ in range(2)]
    ours = [measured(_OURS, str(tmp_path), str(large)) for _ in range(2)]
    best = min(ours)
    assert best[1] == rows
    print(
        f"\n{rows:,} rows: {best[0]:.2f} s against COPY {min(copies):.2f} s, ratio {best[0] / min(copies):.2f}; "
        f"file {best[2] / 1e6:,.0f} MB, peak memory {max(o[3] for o in ours) / 1024:,.0f} MB"
    )
