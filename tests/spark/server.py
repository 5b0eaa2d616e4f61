"""A real Spark Connect server on this machine: a driver and two workers, each a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dashboard.settings import ROOT
from tests.ports import free_port


def distribution() -> Path | None:
    """The folder of Spark's server, as `tests/ensure.sh spark` puts it."""
    for folder in (os.environ.get("SPARK_HOME"), ROOT / ".venv" / "spark"):
        if folder and (Path(folder) / "jars").is_dir():
            return Path(folder)
    return None


def java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return bool(home and (Path(home) / "bin" / "java").exists()) or shutil.which("java") is not None


@contextmanager
def running(home: Path, folder: Path, megabytes: int, settings: Mapping[str, str]) -> Iterator[str]:
    """Start one, with so much memory for each of its three processes, and give its address."""
    port = free_port()
    conf = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": port,
        "spark.driver.host": "127.0.0.1",
        "spark.driver.memory": f"{megabytes}m",
        "spark.executor.memory": f"{megabytes}m",
        "spark.ui.enabled": "false",
        "spark.local.dir": folder / "local",
        "spark.sql.warehouse.dir": folder / "warehouse",
        **settings,
    }
    command = [str(home / "bin" / "spark-submit"), "--master", f"local-cluster[2,1,{megabytes}]", "--name", "tests"]
    command += ["--class", "org.apache.spark.sql.connect.service.SparkConnectServer"]
    command += [part for name, value in conf.items() for part in ("--conf", f"{name}={value}")]
    environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    log = folder / "server.log"
    with log.open("w") as sink:
        server = subprocess.Popen(
            [*command, "spark-internal"],
            env=environment,
            stdout=sink,
            stderr=sink,
            cwd=folder,
            start_new_session=True,
        )
    try:
        _wait(server, port, log)
        yield f"sc://127.0.0.1:{port}"
    finally:
        # Its workers are of its process group.
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)
        shutil.rmtree(home / "work", ignore_errors=True)


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise RuntimeError(f"Spark ended or doesn't answer:\n{log.read_text()[-3000:]}")
