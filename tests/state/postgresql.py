"""A PostgreSQL server of the tests' own, in a temporary folder, reached by a socket there."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

_FOLDERS = ("/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt")
#: What a crash of the machine would cost is not tested here; what a killed client costs is.
_SETTINGS = ("fsync=off", "full_page_writes=off", "listen_addresses=", "max_connections=150", "shared_buffers=32MB")


def programs() -> Path | None:
    """Folder of initdb and postgres, or None where there is none."""
    named = [os.environ.get("POSTGRESQL_BIN", "")]
    named += [str(path.parent) for folder in _FOLDERS for path in sorted(Path(folder).glob("*/bin/initdb"))]
    on_path = shutil.which("initdb")
    named += [str(Path(on_path).parent)] if on_path else []
    return next((Path(one) for one in named if one and (Path(one) / "postgres").is_file()), None)


@dataclass
class Server:
    """A running server."""

    folder: Path
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str) -> str:
        """The address of a database as DASHBOARD_STATE names it."""
        return f"postgresql+psycopg://dashboard@/{database}?host={self.folder}"

    def create(self) -> str:
        """Make an empty database, and return its name."""
        name = f"state{next(self.numbers)}"
        self.run(f"create database {name} strategy file_copy")
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self.run(f"drop database {name} with (force)")

    def run(self, statement: str, database: str = "postgres") -> list[tuple]:
        """Run a statement behind the store's back."""
        with psycopg.connect(f"host={self.folder} user=dashboard dbname={database}", autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def running() -> Iterator[Server]:
    """Make a server and run it, as another user where we are root, which PostgreSQL refuses."""
    found = programs()
    assert found is not None
    folder = Path(tempfile.mkdtemp(prefix="dashboard-postgresql-"))
    user = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": ()} if os.getuid() == 0 else {}
    if user:
        shutil.chown(folder, "nobody")
    folder.chmod(0o700)
    process = None
    try:
        make = [found / "initdb", "-D", folder / "data", "-U", "dashboard", "-A", "trust", "--no-sync", "-E", "UTF8"]
        subprocess.run(make, check=True, capture_output=True, cwd="/", **user)
        options = [part for setting in _SETTINGS for part in ("-c", setting)]
        with (Path(tempfile.gettempdir()) / f"{folder.name}.log").open("w+") as log:
            process = subprocess.Popen(
                [found / "postgres", "-D", folder / "data", "-k", folder, *options],
                stdout=log,
                stderr=log,
                cwd="/",
                **user,
            )
            server = Server(folder)
            _await(server, process, Path(log.name))
            yield server
    finally:
        if process is not None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(folder, ignore_errors=True)
        (Path(tempfile.gettempdir()) / f"{folder.name}.log").unlink(missing_ok=True)


def _await(server: Server, process: subprocess.Popen, log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            server.run("select 1")
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())
