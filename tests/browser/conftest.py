"""The dashboard with demo data as `make run` serves it, and a browser."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.harness import chromium, launch, visiting
from tests.server.server_harness import free_port, running

ARTIFACTS = Path(__file__).parents[2] / "artifacts" / "screenshots"


@pytest.fixture(scope="session")
def browser():
    if chromium() is None and not os.environ.get("CI"):
        pytest.skip("NO BROWSER: install chromium; the browser tests did not run")
    with sync_playwright() as playwright:
        started = launch(playwright)
        yield started
        started.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    data = tmp_path_factory.mktemp("demo")
    port = free_port()
    command = [str(Path(sys.executable).parent / "dashboard"), "serve", "--demo", "--port", str(port)]
    with running(command, port, data) as served:
        yield served


@pytest.fixture
def visit(browser, server):
    """Open a window: `with visit(viewport=…) as window`."""
    return lambda **options: visiting(browser, server.origin, **options)


@pytest.fixture(scope="session")
def artifacts():
    """Folder of the run's pictures, outside git."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    return ARTIFACTS
