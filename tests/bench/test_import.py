"""How long an import takes against DuckDB's bare reading of the same files, mapped against direct, and how much memory."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from statistics import median

import pytest

from dashboard.intake import demo
from dashboard.intake.contract import TABLES
from dashboard.settings import ROOT

pytestmark = pytest.mark.bench

#: Ends a script that `measure` runs: what it took since `began` and `loading`.
TELL = """
seconds = time.monotonic() - began
used = resource.getrusage(resource.RUSAGE_SELF)
cpu = used.ru_utime + used.ru_stime - loading.ru_utime - loading.ru_stime
# ru_maxrss would begin with what the parent had when it forked.
peak = int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])
print(json.dumps({"seconds": seconds, "cpu": cpu, "mb": peak / 1024}))
"""
_BARE = """
import json, resource, sys, time
from pathlib import Path
import duckdb
from dashboard.intake.contract import TABLES
types = {"timestamp": "TIMESTAMP", "date": "DATE", "whole number": "INTEGER", "amount": "DECIMAL(14, 2)"}
delivery, work = Path(sys.argv[1]), Path(sys.argv[2])
began, loading = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
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
"""
_IMPORT = """
import json, resource, sys, time
from pathlib import Path
from dashboard.intake.publish import import_delivery
began, loading = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
mapping = Path(sys.argv[1]) / "mapping.toml"
import_delivery(Path(sys.argv[1]), Path(sys.argv[2]), mapping=mapping if mapping.exists() else None)
"""


Runs = list[dict[str, float]]


def measure(code: str, delivery: Path, work: Path) -> dict[str, float]:
    """Seconds, CPU seconds (user and system) and peak memory of a process of its own, once Python's modules are loaded."""
    work.mkdir(exist_ok=True)
    arguments = [sys.executable, "-c", code + TELL, str(delivery), str(work)]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """The demo delivery of so many bookings, written once."""

    @cache
    def written(bookings: int) -> Path:
        folder = tmp_path_factory.mktemp("delivery")
        # Of any length in years the demo data have bookings of 1990 and later alone.
        demo.write_delivery(folder, years=min(max(bookings // 100_000, 1), 30), bookings=bookings)
        return folder

    return written


def ratios_of(ours: Runs, others: Runs, what: str) -> str:
    ratios = sorted(one[what] / other[what] for one, other in zip(ours, others, strict=True))
    return f"{median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def typical(runs: Runs, what: str) -> float:
    return median(one[what] for one in runs)


@pytest.mark.parametrize("bookings", [200_000, 1_000_000])
def test_import_against_bare_reading(
    tmp_path: Path, delivery: Callable[[int], Path], bookings: int, ratio: Callable[[str, float], None]
) -> None:
    """Medians of five each, taken in turn, so that a busy machine weighs on both alike."""
    bare, ours = [], []
    for number in range(5):
        bare.append(measure(_BARE, delivery(bookings), tmp_path / f"bare{number}"))
        ours.append(measure(_IMPORT, delivery(bookings), tmp_path / f"import{number}"))
    for what in ("seconds", "cpu"):
        times = median(one[what] / other[what] for one, other in zip(ours, bare, strict=True))
        ratio(f"import of {bookings:,} bookings against bare reading, {what}", times)
    print(
        f"\n{bookings:,} bookings: ratio wall {ratios_of(ours, bare, 'seconds')}, ratio CPU {ratios_of(ours, bare, 'cpu')}; "
        f"wall {typical(bare, 'seconds'):.2f} s bare, {typical(ours, 'seconds'):.2f} s import; "
        f"CPU {typical(bare, 'cpu'):.2f} s bare, {typical(ours, 'cpu'):.2f} s import; "
        f"peak RSS {max(one['mb'] for one in bare):.0f} MB bare, {max(one['mb'] for one in ours):.0f} MB import"
    )


def test_memory_while_the_files_grow(tmp_path: Path, delivery: Callable[[int], Path]) -> None:
    """Peak memory of an import of ever larger files."""
    for bookings in (200_000, 1_000_000, 2_000_000, 5_000_000):
        folder = delivery(bookings)
        size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
        bare = measure(_BARE, folder, tmp_path / f"bare{bookings}")
        found = measure(_IMPORT, folder, tmp_path / f"import{bookings}")
        print(
            f"\n{bookings:,} bookings ({size:.0f} MB): peak RSS {bare['mb']:.0f} MB bare, {found['mb']:.0f} MB import; "
            f"wall {found['seconds']:.1f} s"
        )


def test_mapped_against_direct(tmp_path: Path, delivery: Callable[[int], Path]) -> None:
    """The same files, once with the contract's columns and once with others that a mapping names."""
    direct, mapped = delivery(1_000_000), tmp_path / "mapped"
    mapped.mkdir()
    mapping = []
    for table in TABLES:
        with (direct / f"{table.name}.csv").open("rb") as source, (mapped / f"x-{table.name}.csv").open("wb") as copy:
            names = source.readline().decode().strip().split(",")
            copy.write(",".join(f"X {name}" for name in names).encode() + b"\n")
            shutil.copyfileobj(source, copy)
        mapping.append(f'[{table.name}]\nfile = "x-{table.name}.csv"\n[{table.name}.columns]')
        mapping += [f'{name} = "X {name}"' for name in names]
    (mapped / "mapping.toml").write_text("\n".join(mapping))
    plain, renamed = [], []
    for number in range(3):
        plain.append(measure(_IMPORT, direct, tmp_path / f"direct{number}"))
        renamed.append(measure(_IMPORT, mapped, tmp_path / f"mapped{number}"))
    print(
        f"\nmapped / direct: wall {ratios_of(renamed, plain, 'seconds')}, CPU {ratios_of(renamed, plain, 'cpu')}; "
        f"wall {typical(plain, 'seconds'):.2f} s direct, {typical(renamed, 'seconds'):.2f} s mapped"
    )


def test_comparing_with_the_extract_before(tmp_path: Path, delivery: Callable[[int], Path]) -> None:
    """What the second import of the same million takes on top of the first."""
    first = measure(_IMPORT, delivery(1_000_000), tmp_path / "data")
    second = measure(_IMPORT, delivery(1_000_000), tmp_path / "data")
    print(f"\nwithout comparison {first['seconds']:.2f} s, with {second['seconds']:.2f} s")
