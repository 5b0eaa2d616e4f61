"""The dashboard with demo data as `make run` serves it, and a browser."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from dashboard.intake import pointer
from tests.browser.harness import chromium, launch, visiting
from tests.ports import free_port
from tests.server.server_harness import running

DASHBOARD = str(Path(sys.executable).parent / "dashboard")
ARTIFACTS = Path(__file__).parents[2] / "artifacts" / "screenshots"


@pytest.fixture(scope="session")
def browser():
    if chromium() is None and not os.environ.get("CI"):
        pytest.skip("NO BROWSER: install chromium; the browser tests did not run")
    # Playwright waits for 5 s, less than a page of sixty sites may take where two browsers share two cores.
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        started = launch(playwright)
        yield started
        started.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory, worker_id):
    """A server of this process's own, with its own accounts; the extract is built once for all."""
    data = tmp_path_factory.mktemp("demo")
    if worker_id != "master":
        shutil.copytree(_extracts(tmp_path_factory.getbasetemp().parent), data / "extracts")
    port = free_port()
    command = [DASHBOARD, "serve", "--demo", "--port", str(port)]
    with running(command, port, data) as served:
        yield served


def _extracts(shared: Path) -> Path:
    """The demo extract in a folder of all processes, made by the first that asks."""
    data = shared / "demo"
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (data / "extracts" / pointer.FILE_NAME).exists():
            for command in ("demo", "import"):
                subprocess.run(
                    [DASHBOARD, command, data / "delivery"],
                    env=os.environ | {"DASHBOARD_DATA": str(data)},
                    check=True,
                    capture_output=True,
                )
    return data / "extracts"


@pytest.fixture
def visit(browser, server):
    """Open a window: `with visit(viewport=…) as window`."""
    return lambda **options: visiting(browser, server.origin, **options)


@pytest.fixture(scope="session")
def artifacts():
    """Folder of the run's pictures, outside git."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    return ARTIFACTS
