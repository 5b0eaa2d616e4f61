"""Takes the README's pictures from the real app with demo data: `python -m tests.browser.screenshots DIR`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.harness import DESKTOP, PHONE, chromium, launch, visiting
from tests.ports import free_port
from tests.server.server_harness import running

#: File, account, address, colour scheme, window.
PICTURES = (
    ("today", "director", "/?day=2026-08-11", "light", DESKTOP),
    ("today-manager", "manager.dallas", "/", "light", DESKTOP),
    ("today-phone", "manager.miami", "/", "light", PHONE),
    ("bookings", "director", "/bookings?period=90-days", "light", DESKTOP),
    ("service-mix", "director", "/service_mix?period=12-months", "light", DESKTOP),
    ("safety", "director", "/safety?period=90-days", "light", DESKTOP),
    ("safety-dark", "director", "/safety?period=90-days", "dark", DESKTOP),
    ("signals", "director", "/signals?period=90-days&effect=nausea&line=ketamine", "light", DESKTOP),
    ("courses", "director", "/courses?period=12-months", "light", DESKTOP),
    ("age-groups", "director", "/age_groups?period=90-days", "light", DESKTOP),
    ("exports", "finance", "/exports?period=last-month", "light", DESKTOP),
    ("data", "admin", "/data", "light", DESKTOP),
)


def take(folder: Path) -> None:
    """Serve the demo from a folder of its own and take every picture, one window high."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    dashboard = str(Path(sys.executable).parent / "dashboard")
    with (
        tempfile.TemporaryDirectory() as data,
        running([dashboard, "serve", "--demo", "--port", str(port)], port, Path(data)) as server,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        for name, username, address, scheme, window in PICTURES:
            with visiting(browser, server.origin, viewport=window, color_scheme=scheme) as visit:
                visit.sign_in(username, target=address)
                visit.page.mouse.move(0, 0)
                visit.page.screenshot(path=folder / f"{name}.png", animations="disabled")
            print(folder / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    if chromium() is None:
        sys.exit("There is no browser; install chromium.")
    take(Path(sys.argv[1]))
