"""A real Spark Connect server with two workers, and one delivery imported by each engine."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from dashboard.cli import main
from dashboard.intake import demo, pointer
from dashboard.intake.publish import import_delivery
from dashboard.settings import ROOT

BOOKINGS = 3_000


def distribution() -> Path | None:
    """The folder of Spark's server, as `tests/ensure.sh spark` puts it."""
    for folder in (os.environ.get("SPARK_HOME"), ROOT / ".venv" / "spark"):
        if folder and (Path(folder) / "jars").is_dir():
            return Path(folder)
    return None


def java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return bool(home and (Path(home) / "bin" / "java").exists()) or shutil.which("java") is not None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def spark_address(tmp_path_factory):
    """The address of a server of our own: a driver and two workers, each a process."""
    home = distribution()
    if home is None or not java():
        if os.environ.get("CI"):
            pytest.fail("CI must have Java and Spark: sh tests/ensure.sh java spark")
        pytest.skip("NO SPARK: run sh tests/ensure.sh java spark; nothing of Spark's was tested")
    folder = tmp_path_factory.mktemp("spark")
    port = free_port()
    conf = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": port,
        "spark.driver.host": "127.0.0.1",
        "spark.executor.memory": "640m",
        # For minutes on few rows: less of a plan to make, and no code that pays off later only.
        "spark.sql.shuffle.partitions": 2,
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.ui.enabled": "false",
        "spark.local.dir": folder / "local",
        "spark.sql.warehouse.dir": folder / "warehouse",
    }
    command = [str(home / "bin" / "spark-submit"), "--master", "local-cluster[2,1,640]", "--driver-memory", "640m"]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer", "--name", "tests"]
    command += [part for name, value in conf.items() for part in ("--conf", f"{name}={value}")]
    environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            [*command, "spark-internal"], env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True
        )
    try:
        _answers(server, port, folder / "server.log")
        yield f"sc://127.0.0.1:{port}"
    finally:
        # Its workers are of its process group.
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)
        shutil.rmtree(home / "work", ignore_errors=True)


def _answers(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise RuntimeError(f"Spark ended:\n{log.read_text()[-3000:]}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise RuntimeError(f"Spark doesn't answer:\n{log.read_text()[-3000:]}")


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
def by_duckdb(delivery, tmp_path_factory):
    data = tmp_path_factory.mktemp("duckdb")
    import_delivery(delivery, data)
    return Imported(data)


@pytest.fixture(scope="session")
def by_spark(delivery, tmp_path_factory, spark_address):
    data = tmp_path_factory.mktemp("by-spark")
    arguments = ["import", str(delivery), "--engine", "spark", "--spark", spark_address, "--data", str(data)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return Imported(data)
