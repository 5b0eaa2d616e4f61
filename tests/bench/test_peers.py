"""The page Bookings beside the same page made with Dash, Panel and Superset: one extract, one question, one browser.

Dash and Panel ask the dashboard's own queries and keep their answers as it does, so that what differs is how a change
reaches the screen; Superset asks the same cubes in its own way and keeps its answers, too. The others have no record, no
headings, definitions, tables and files, and Dash and Panel no sign-in. Set from outside: PEERS_PYTHON, an interpreter
with requirements.lock, `dash`, `plotly` and `panel`; SUPERSET_PYTHON, another one with `apache-superset` and
`duckdb-engine`; PEERS_DATA for a data folder that has an extract, or PEERS_BOOKINGS (100,000).
"""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import sync_playwright

from dashboard.intake import pointer
from dashboard.settings import ROOT
from tests.bench.peers import superset_page
from tests.browser.harness import chromium, launch, visiting
from tests.ports import free_port
from tests.server.server_harness import PASSWORD, await_ready, dashboard_server, running

pytestmark = pytest.mark.bench

PERIODS = ("Last 7 days", "Last 90 days", "Last 12 months", "Last month")
ROUNDS = 3
PEERS = Path(__file__).parent / "peers"
#: All charts are in sight: Superset draws and asks for those alone.
TALL = {"width": 1440, "height": 2200}
#: Whoever draws has drawn when nothing has changed for so many milliseconds.
QUIET = 700
#: Before anything else of a page: every shadow tree is known from its first moment.
ROOTS = """
window.roots = [];
const attach = Element.prototype.attachShadow;
Element.prototype.attachShadow = function (options) {
    const root = attach.call(this, options);
    window.roots.push(root);
    if (window.watch) window.watch(root);
    return root;
};
"""
#: From the next choice: milliseconds until nothing is drawn any more, in the page and in its shadow trees.
WATCH = """
(quiet) => {
    let start = 0, last = 0;
    const observer = new MutationObserver(() => { last = performance.now(); });
    const begin = () => { start ||= last = performance.now(); };
    window.watch = (root) => {
        observer.observe(root, {subtree: true, childList: true, attributes: true, characterData: true});
        // A choice in a shadow tree is told to nobody outside.
        for (const kind of ['pointerdown', 'change']) root.addEventListener(kind, begin, {capture: true, once: true});
    };
    for (const root of [document.documentElement, ...window.roots]) window.watch(root);
    const armed = performance.now();
    window.repainted = new Promise((resolve, reject) => {
        const look = () => {
            const now = performance.now();
            if (start && now - last > quiet) { observer.disconnect(); window.watch = null; resolve(last - start); }
            else if (now - armed > 60000) reject(new Error('not repainted after a minute'));
            else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
    });
}
"""


@pytest.fixture(scope="module")
def folder(with_a_director):
    return with_a_director("PEERS")


def ours(page, period):
    page.get_by_test_id("stSelectbox").first.locator("input").click()
    page.evaluate(WATCH, QUIET)
    page.get_by_role("option", name=period, exact=True).click()


def dashs(page, period):
    page.locator("#period").click()
    page.evaluate(WATCH, QUIET)
    page.get_by_role("option", name=period, exact=True).click()


def panels(page, period):
    page.evaluate(WATCH, QUIET)
    page.locator("select").first.select_option(label=period)


#: What Superset names about the same.
LIKE = {"Last 7 days": "Last week", "Last 90 days": "Last quarter", "Last 12 months": "Last year"}


def supersets(page, period):
    page.locator('[data-test="filter-bar"] [role=button]:has-text("Last")').first.click()
    page.get_by_text(LIKE.get(period, period), exact=True).last.click()
    page.get_by_role("button", name="APPLY", exact=True).click()
    page.wait_for_timeout(500)
    page.evaluate(WATCH, QUIET)
    page.get_by_role("button", name="Apply filters").click()


@contextmanager
def superset(python, folder, extract):
    """Its own server with the same page; its origin."""
    port, log = free_port(), folder / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [python, str(PEERS / "superset_page.py"), str(port), str(folder), str(extract)],
            stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        end = time.monotonic() + 300
        while "\nmade" not in log.read_text():
            if process.poll() is not None or time.monotonic() > end:
                raise AssertionError(log.read_text()[-3000:])
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def enter_superset(window):
    window.page.goto("/login/")
    window.page.locator("#username").fill(superset_page.NAME)
    window.page.locator("#password").fill(superset_page.PASSWORD)
    window.page.keyboard.press("Enter")
    window.page.wait_for_url("**/superset/welcome/**")


def test_a_change_of_the_period_beside_other_frameworks(folder, tmp_path, ratio):
    python, other = os.environ.get("PEERS_PYTHON"), os.environ.get("SUPERSET_PYTHON")
    if chromium() is None or not (python or other):
        pytest.skip("have Chromium, and set PEERS_PYTHON or SUPERSET_PYTHON to interpreters with what is compared")
    took: dict[str, list[float]] = {}
    for name in ("dash", "panel", "superset"):
        (tmp_path / name).mkdir()
    with ExitStack() as stack:
        server = stack.enter_context(dashboard_server(folder))
        await_ready(server)
        served = {"dashboard": (server.origin, "/bookings", ours)}
        if python:
            places = {"DASHBOARD_DATA": str(folder), "PYTHONPATH": f"{ROOT}:{PEERS}"}
            ports = free_port(), free_port()
            dash = [python, str(PEERS / "dash_page.py"), str(ports[0])]
            panel = [python, "-m", "panel", "serve", str(PEERS / "panel_page.py"), f"--port={ports[1]}",
                     "--address=127.0.0.1", f"--allow-websocket-origin=127.0.0.1:{ports[1]}", "--liveness",
                     "--liveness-endpoint=healthz"]  # fmt: skip
            for name, command, port, path, choose in (
                ("Dash", dash, ports[0], "/", dashs), ("Panel", panel, ports[1], "/panel_page", panels),
            ):  # fmt: skip
                one = stack.enter_context(running(command, port, tmp_path / name.lower(), **places))
                # Whatever it does before its first page, isn't counted.
                one.patience = 120.0
                one.request("GET", path)
                served[name] = one.origin, path, choose
        if other:
            extract = pointer.named(folder / "extracts").path
            origin = stack.enter_context(superset(other, tmp_path / "superset", extract))
            served["Superset"] = origin, superset_page.ADDRESS, supersets
        browser = launch(stack.enter_context(sync_playwright()))
        windows = {}
        for name, (origin, path, choose) in served.items():
            window = stack.enter_context(visiting(browser, origin, viewport=TALL))
            window.page.add_init_script(ROOTS)
            if name == "dashboard":
                window.sign_in("director", PASSWORD)
                window.open(path)
            else:
                if name == "Superset":
                    enter_superset(window)
                window.page.goto(origin + path, wait_until="commit")
                window.page.wait_for_timeout(12_000)
            windows[name] = window.page, choose
        # In turns, so that what else the machine does meets all of them; the first round isn't counted.
        for turn in range(ROUNDS + 1):
            for name, (page, choose) in windows.items():
                for period in PERIODS:
                    choose(page, period)
                    found = page.evaluate("window.repainted")
                    if turn:
                        took.setdefault(name, []).append(found)
        # For a look at whether all of them drew the same.
        for name, (page, _) in windows.items():
            page.screenshot(path=ROOT / "artifacts" / f"peer-{name}.png", full_page=True)
        browser.close()
    print()
    own = median(took["dashboard"])
    for name, found in took.items():
        print(
            f"{name:10} {median(found):5.0f} ms ({min(found):.0f}-{max(found):.0f}), dashboard against it {own / median(found):.2f}"
        )
        if name != "dashboard":
            ratio(f"change of the period of bookings against {name}", own / median(found))
    assert all(len(found) == ROUNDS * len(PERIODS) for found in took.values())
