"""How long a full build takes by each engine, on this machine.

Set from outside: SPARK_BOOKINGS ("1000000,10000000"), or SPARK_DELIVERIES, folders of deliveries that are there
already, separated by colons; SPARK_ROUNDS=1 leaves out the second build by Spark; SPARK_MEGABYTES of each worker.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.intake import demo
from dashboard.settings import ROOT
from tests.spark import server

pytestmark = pytest.mark.bench

#: Numbers of bookings to make deliveries of, and deliveries.
SOURCES = (
    os.environ.get("SPARK_DELIVERIES", "").split(":")
    if "SPARK_DELIVERIES" in os.environ
    else [int(size) for size in os.environ.get("SPARK_BOOKINGS", "1000000").split(",")]
)
_ROUNDS = ("Spark, cold", "Spark, warm")[: int(os.environ.get("SPARK_ROUNDS", "2"))]
_MEGABYTES = int(os.environ.get("SPARK_MEGABYTES", "2048"))
_IMPORT = """
import sys, time
from pathlib import Path
from dashboard.intake.build import CUBES
from dashboard.intake.publish import import_delivery
from dashboard.spark.engine import SparkBuild
delivery, data, address = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
names = {f"building {name.replace('_', ' ')}" for name in CUBES}
moments = []
tell = lambda step, share: moments.append((time.monotonic(), step))
began = time.monotonic()
if address:
    with SparkBuild(address) as build:
        import_delivery(delivery, data, progress=tell, spark=build)
else:
    import_delivery(delivery, data, progress=tell)
seconds = time.monotonic() - began
cubes = sum(after - moment for (moment, step), (after, _) in zip(moments, moments[1:]) if step in names)
print(seconds, cubes)
"""


def build(delivery: Path, data: Path, address: str) -> tuple[float, float]:
    """Seconds of a whole import in a process of its own, and of its cubes, which with Spark include writing the facts."""
    command = [sys.executable, "-c", _IMPORT, str(delivery), str(data), address]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    seconds, cubes = done.stdout.splitlines()[-1].split()
    return float(seconds), float(cubes)


@pytest.mark.parametrize("source", SOURCES)
def test_a_full_build_by_each_engine(tmp_path: Path, source: int | str) -> None:
    """Spark twice: cold, and with its processes warm, as a server that goes on running has them."""
    home = server.distribution()
    if home is None or not server.java():
        pytest.skip("NO SPARK: run sh tests/ensure.sh java spark")
    if isinstance(source, int):
        delivery = tmp_path / "delivery"
        demo.write_delivery(delivery, years=min(max(source // 100_000, 1), 30), bookings=source)
    else:
        delivery = Path(source)
    found = {"DuckDB": build(delivery, tmp_path / "duckdb", "")}
    with server.running(home, tmp_path, _MEGABYTES, {}) as address:
        for number, name in enumerate(_ROUNDS):
            found[name] = build(delivery, tmp_path / f"spark{number}", address)
            shutil.rmtree(tmp_path / f"spark{number}")
    of = f"{source:,} bookings" if isinstance(source, int) else source
    print(f"\n{of}, {os.cpu_count()} cores, Spark with two workers of one core on the same machine:")
    for name, (seconds, cubes) in found.items():
        print(f"  {name:<12} {seconds:7.1f} s in all, {cubes:7.1f} s of it for facts as Parquet and cubes")
    ours, theirs = found["DuckDB"], found[_ROUNDS[-1]]
    share = ours[1] / ours[0]
    print(
        f"  Cubes are {share:.0%} of DuckDB's import. With workers that took no time at all, an import by Spark would still "
        f"take {1 - share:.0%} of it: reading, checking and joining stay on the importing machine."
    )
    print(
        f"  Here Spark took {theirs[0] / ours[0]:.1f} times as long. It is for facts that don't fit on the machines that "
        "serve pages, not for speed."
    )
