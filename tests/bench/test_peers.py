"""The page Bookings beside the same page made with Dash and with Panel: one extract, one question, one browser.

All three ask the dashboard's own queries and keep their answers, so that what differs is how a change reaches the
screen. The others have no sign-in, no record, no headings, definitions, tables and files. Set from outside:
PEERS_PYTHON, an interpreter with requirements.lock, `dash`, `plotly` and `panel`; PEERS_DATA for a data folder that
has an extract, or PEERS_BOOKINGS (100,000).
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import sync_playwright

from dashboard.settings import ROOT
from tests.browser.harness import chromium, launch, visiting
from tests.server.server_harness import PASSWORD, await_ready, dashboard_server, free_port, running

pytestmark = pytest.mark.bench

PERIODS = ("Last 7 days", "Last 90 days", "Last 12 months", "Last month")
ROUNDS = 3
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


def test_a_change_of_the_period_beside_dash_and_panel(folder, tmp_path, ratio):
    python = os.environ.get("PEERS_PYTHON")
    if python is None or chromium() is None:
        pytest.skip(
            "set PEERS_PYTHON to an interpreter with requirements.lock, dash, plotly and panel, and have Chromium"
        )
    pages = Path(__file__).parent / "peers"
    places = {"DASHBOARD_DATA": str(folder), "PYTHONPATH": f"{ROOT}:{pages}"}
    ports = free_port(), free_port()
    dash = [python, str(pages / "dash_page.py"), str(ports[0])]
    panel = [python, "-m", "panel", "serve", str(pages / "panel_page.py"), f"--port={ports[1]}", "--address=127.0.0.1",
             f"--allow-websocket-origin=127.0.0.1:{ports[1]}", "--liveness", "--liveness-endpoint=healthz"]  # fmt: skip
    took: dict[str, list[float]] = {}
    with ExitStack() as stack:
        for name in ("dash", "panel"):
            (tmp_path / name).mkdir()
        served = {
            "dashboard": (stack.enter_context(dashboard_server(folder)), "/bookings", ours),
            "Dash": (stack.enter_context(running(dash, ports[0], tmp_path / "dash", **places)), "/", dashs),
            "Panel": (
                stack.enter_context(running(panel, ports[1], tmp_path / "panel", **places)),
                "/panel_page",
                panels,
            ),
        }
        await_ready(served["dashboard"][0])
        browser = launch(stack.enter_context(sync_playwright()))
        windows = {}
        for name, (server, path, choose) in served.items():
            window = stack.enter_context(visiting(browser, server.origin))
            window.page.add_init_script(ROOTS)
            if name == "dashboard":
                window.sign_in("director", PASSWORD)
                window.open(path)
            else:
                # Whatever it does before its first page, isn't counted.
                server.patience = 120.0
                server.request("GET", path)
                window.page.goto(server.origin + path, wait_until="commit")
                window.page.wait_for_timeout(8_000)
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
