"""How long an import takes against DuckDB's bare reading of the same files, and how much memory it takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest

from dashboard.intake import demo
from dashboard.settings import ROOT

pytestmark = pytest.mark.bench

_BARE = """
import json, resource, sys, time
from pathlib import Path
import duckdb
from dashboard.intake.contract import TABLES
types = {"timestamp": "TIMESTAMP", "date": "DATE", "whole number": "INTEGER", "amount": "DECIMAL(14, 2)"}
delivery, work = Path(sys.argv[1]), Path(sys.argv[2])
began = time.monotonic()
connection = duckdb.connect(str(work / "bare.duckdb"))
for table in TABLES:
    file = delivery / f"{table.name}.csv"
    kinds = {column.name: column.kind for column in table.columns}
    header = file.open().readline().strip().split(",")
    columns = {name: types.get(kinds[name], "VARCHAR") for name in header}
    connection.execute(
        f"create table {table.name} as select * from read_csv('{file}', header=true, auto_detect=false, "
        f"columns={columns!r}, delim=',', quote='\\"', ignore_errors=true)"
    )
connection.execute("checkpoint")
seconds = time.monotonic() - began
used = resource.getrusage(resource.RUSAGE_SELF)
# ru_maxrss would begin with what the parent had when it forked.
peak = int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
print(json.dumps({"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "mb": peak / 1024}))
"""
_IMPORT = """
import json, resource, sys, time
from pathlib import Path
from dashboard.intake.publish import import_delivery
began = time.monotonic()
report = import_delivery(Path(sys.argv[1]), Path(sys.argv[2]))
seconds = time.monotonic() - began
used = resource.getrusage(resource.RUSAGE_SELF)
# ru_maxrss would begin with what the parent had when it forked.
peak = int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
print(json.dumps({"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "mb": peak / 1024}))
"""


def measure(code: str, delivery: Path, work: Path) -> dict[str, float]:
    """Seconds, CPU seconds (user and system, loading Python's modules among them) and peak memory of a process of its own."""
    work.mkdir()
    arguments = [sys.executable, "-c", code, str(delivery), str(work)]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("bookings", [200_000, 1_000_000])
def test_import_against_bare_reading(tmp_path: Path, bookings: int) -> None:
    """Medians of five each, taken in turn, so that a busy machine weighs on both alike."""
    demo.write_delivery(tmp_path / "delivery", years=max(bookings // 100_000, 1), bookings=bookings)
    bare, ours = [], []
    for number in range(5):
        bare.append(measure(_BARE, tmp_path / "delivery", tmp_path / f"bare{number}"))
        ours.append(measure(_IMPORT, tmp_path / "delivery", tmp_path / f"import{number}"))

    def ratio(what: str) -> str:
        ratios = sorted(one[what] / other[what] for one, other in zip(ours, bare, strict=True))
        return f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"

    def typical(runs: list[dict[str, float]], what: str) -> float:
        return median(one[what] for one in runs)

    print(
        f"\n{bookings:,} bookings: ratio wall {ratio('seconds')}, ratio CPU {ratio('cpu')}; "
        f"wall {typical(bare, 'seconds'):.2f} s bare, {typical(ours, 'seconds'):.2f} s import; "
        f"CPU {typical(bare, 'cpu'):.2f} s bare, {typical(ours, 'cpu'):.2f} s import; "
        f"peak RSS {max(one['mb'] for one in bare):.0f} MB bare, {max(one['mb'] for one in ours):.0f} MB import"
    )


def test_comparing_with_the_extract_before(tmp_path: Path) -> None:
    """What the second import of the same million takes on top of the first."""
    demo.write_delivery(tmp_path / "delivery", years=10, bookings=1_000_000)
    first = measure(_IMPORT, tmp_path / "delivery", tmp_path / "data")
    code = _IMPORT.replace("Path(sys.argv[2])", "Path(sys.argv[2]).parent / 'data'")
    second = measure(code, tmp_path / "delivery", tmp_path / "again")
    print(f"\nwithout comparison {first['seconds']:.2f} s, with {second['seconds']:.2f} s")
