"""A real browser on the real dashboard: where Chromium is, how a person signs in and walks the pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect
from playwright.sync_api import TimeoutError as NotInTime
from streamlit.proto.BackMsg_pb2 import BackMsg

from dashboard.state.passwords import DEMO_PASSWORD

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_APPS = ("Google Chrome", "Chromium")
#: Quiet: no request of the browser's own. The sandbox needs rights that containers lack.
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


def chromium() -> str | None:
    """Path of the browser, or None where there is none."""
    named = [os.environ.get("CHROMIUM"), *map(shutil.which, _NAMES)]
    apps = [f"/Applications/{app}.app/Contents/MacOS/{app}" for app in _APPS]
    return next((path for path in [*named, *apps] if path and Path(path).is_file()), None)


def launch(playwright: Playwright) -> Browser:
    """Start the browser, headless."""
    return playwright.chromium.launch(executable_path=chromium(), args=list(_ARGUMENTS))


@dataclass
class Visit:
    """A person's browser window, and what should not have happened in it.

    Attributes:
        faults: console errors, requests to other hosts and answers of 400 and more.
        received: every byte that came over the websocket.
        asked: what the browser asked the server for, but whether the session is still alive, which it asks by itself.
    """

    origin: str
    context: BrowserContext
    page: Page
    faults: list[str] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def sign_in(self, username: str, password: str = DEMO_PASSWORD, target: str = "/") -> None:
        """Open an address, fill in the login form and wait for the page behind it."""
        self.page.goto(target)
        self.page.get_by_label("User name").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()
        self.settle()

    def open(self, address: str) -> None:
        """Open an address and wait until it is drawn."""
        self.page.goto(address)
        self.settle()

    def go(self, title: str) -> None:
        """Follow the menu to a page; on a phone the menu opens first."""
        link = self.page.get_by_role("link", name=title, exact=True)
        if not link.is_visible():
            self.page.get_by_test_id("stExpandSidebarButton").click()
        link.click()
        expect(self.page.get_by_role("heading", level=1, name=title, exact=True)).to_be_visible(timeout=20_000)
        self.settle()

    def settle(self) -> None:
        """Wait until the script has run and every chart is drawn."""
        expect(self.page.get_by_role("heading", level=1).first).to_be_visible(timeout=30_000)
        app = self.page.get_by_test_id("stApp")
        expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=30_000)
        expect(self.page.locator(".stVegaLiteChart:not(:has(canvas, svg))")).to_have_count(0, timeout=30_000)
        expect(self.page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=30_000)

    def overflow(self) -> int:
        """Pixels by which the page is wider than its window, once its charts have followed a change of width."""
        main = self.page.get_by_test_id("stMain")
        # Streamlit draws a chart again some 100 ms after its place has changed; until then the old one sticks out.
        with suppress(NotInTime):
            self.page.wait_for_function(
                "e => e.scrollWidth <= e.clientWidth", arg=main.element_handle(), timeout=10_000
            )
        return int(main.evaluate("e => e.scrollWidth - e.clientWidth"))

    def texts(self) -> str:
        """All that the websocket brought, as far as it is text."""
        return b"\n".join(self.received).decode("utf-8", "replace")

    def barriers(self) -> list[str]:
        """What axe-core finds on the page that keeps people out: everything serious or critical, and wrong headings."""
        found = Axe().run(self.page).response["violations"]
        grave = [one for one in found if one["impact"] in {"serious", "critical"} or one["id"] == "heading-order"]
        return [f"{one['id']}: {node['html'][:200]}" for one in grave for node in one["nodes"]]

    def shoot(self, file: Path) -> None:
        """A picture of the whole page."""
        file.parent.mkdir(parents=True, exist_ok=True)
        # Streamlit scrolls inside its own frame: the window is made as tall as the page.
        size = self.page.viewport_size or DESKTOP
        tall = self.page.get_by_test_id("stMain").evaluate("e => e.scrollHeight")
        self.page.set_viewport_size({"width": size["width"], "height": max(int(tall) + 8, size["height"])})
        self.page.mouse.move(0, 0)
        self.settle()
        self.page.screenshot(path=file, animations="disabled")
        self.page.set_viewport_size(size)


@contextmanager
def visiting(browser: Browser, origin: str, **options: object) -> Iterator[Visit]:
    """A fresh browser window on the dashboard that notes every fault."""
    given = {"viewport": DESKTOP, "timezone_id": "America/Chicago", "locale": "en-US", **options}
    context = browser.new_context(base_url=origin, **given)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(20_000)
    visit = Visit(origin, context, page)
    host = origin.split("//")[1]
    page.on("console", lambda m: visit.faults.append(f"console: {m.text}") if m.type == "error" else None)
    page.on("pageerror", lambda error: visit.faults.append(f"script: {error}"))
    page.on("response", lambda r: visit.faults.append(f"{r.status} {r.url}") if r.status >= 400 else None)

    def reached(url: str) -> None:
        if url.startswith(("http", "ws")) and url.split("/")[2] != host:
            visit.faults.append(f"another host: {url}")
        if url != f"{origin}/session":
            visit.asked.append(url)

    def sent(data: bytes) -> None:
        message = BackMsg.FromString(data)
        if not message.rerun_script.is_auto_rerun:
            visit.asked.append(str(message))

    def connected(socket) -> None:
        reached(socket.url)
        socket.on("framesent", sent)
        socket.on(
            "framereceived", lambda data: visit.received.append(data if isinstance(data, bytes) else data.encode())
        )

    page.on("request", lambda request: reached(request.url))
    page.on("websocket", connected)
    try:
        yield visit
    finally:
        context.close()
