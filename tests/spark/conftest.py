"""A real Spark Connect server with two workers, and one delivery imported by each engine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from dashboard.cli import main
from dashboard.intake import demo, pointer
from dashboard.intake.publish import import_delivery
from dashboard.settings import REFERENCE
from tests.spark import server

BOOKINGS = 3_000


@pytest.fixture(scope="session")
def spark_address(tmp_path_factory):
    """The address of a server of our own: a driver and two workers, each a process."""
    home = server.distribution()
    if home is None or not server.java():
        pytest.fail("there is no Java or no Spark: sh tests/ensure.sh java spark")
    # For a minute on few rows: less of a plan to make, and no code that pays off later only.
    quick = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
    settings = {
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.driver.extraJavaOptions": quick,
        "spark.executor.extraJavaOptions": quick,
    }
    with server.running(home, tmp_path_factory.mktemp("spark"), 640, settings) as address:
        yield address


@dataclass(frozen=True)
class Imported:
    """A data folder with one extract in use."""

    data: Path

    @property
    def extract(self) -> Path:
        found = pointer.named(self.data / "extracts")
        assert found is not None
        return found.path


@pytest.fixture(scope="session")
def delivery(tmp_path_factory):
    folder = tmp_path_factory.mktemp("delivery")
    demo.write_delivery(folder, years=1, bookings=BOOKINGS)
    return folder


@pytest.fixture(scope="session")
def reference(tmp_path_factory):
    """Own tables, in which prices rise within the delivery's days."""
    folder = tmp_path_factory.mktemp("reference")
    head, *rows = (REFERENCE / "services.csv").read_text(encoding="utf-8").splitlines()
    dearer = [f"{line.replace('.00', '.50')},2026-03-01" for line in rows]
    (folder / "services.csv").write_text("\n".join([f"{head},from", *(f"{line}," for line in rows), *dearer]))
    return folder


@pytest.fixture(scope="session")
def by_duckdb(delivery, reference, tmp_path_factory):
    data = tmp_path_factory.mktemp("duckdb")
    import_delivery(delivery, data, reference=reference)
    return Imported(data)


@pytest.fixture(scope="session")
def by_spark(delivery, reference, tmp_path_factory, spark_address):
    data = tmp_path_factory.mktemp("by-spark")
    arguments = ["import", str(delivery), "--engine", "spark", "--spark", spark_address, "--data", str(data)]
    arguments += ["--reference", str(reference)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return Imported(data)
