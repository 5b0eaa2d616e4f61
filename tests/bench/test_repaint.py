"""From a click on a filter to the repainted page, in a real Chromium, against a page that has nothing but the filter.

Set from outside: REPAINT_BOOKINGS (100,000), or REPAINT_DATA for a data folder that has an extract already.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from statistics import median

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.harness import chromium, launch, visiting
from tests.ports import free_port
from tests.server.server_harness import PASSWORD, await_ready, dashboard_server, running

pytestmark = pytest.mark.bench

PAGES = ("bookings", "service_mix", "age_groups", "safety", "courses", "signals")
#: Of each page: periods that are new to it, then the same again.
PERIODS = ("Last 7 days", "Last 90 days", "Last 12 months", "Last month")
EMPTY = f"""
import streamlit as st
st.title("Empty")
st.selectbox("Period", {("Last 28 days", *PERIODS)!r}, label_visibility="collapsed")
"""
#: So many milliseconds a person has looked at a page before they choose something.
READING = 3000
#: From the next click: how many milliseconds pass until the script has ended and the last change is painted.
WATCH = """
() => {
    const app = document.querySelector('[data-testid="stApp"]');
    let start = 0, last = 0, painted = 0, ran = false, due = false;
    // What a frame's callback sends to itself comes behind that frame's style, layout and painting.
    const {port1: behind, port2: send} = new MessageChannel();
    behind.onmessage = () => { painted = performance.now(); };
    const frame = () => { due = false; send.postMessage(null); };
    window.repainted = new Promise((resolve, reject) => {
        new MutationObserver((changes) => {
            // What is only told to who hears the page is painted nowhere.
            if (changes.every(({target}) => target.parentElement?.closest('.unseen') || target.closest?.('.unseen'))) return;
            last = performance.now();
            ran ||= start > 0 && app.dataset.testScriptState === 'running';
            if (!due) { due = true; requestAnimationFrame(frame); }
        }).observe(document.body, {subtree: true, childList: true, attributes: true, characterData: true});
        addEventListener('pointerdown', () => { start ||= last = performance.now(); }, {capture: true});
        const look = () => {
            const now = performance.now();
            // A run may be so short that the browser never shows it as running.
            const quiet = painted > last && now - last > (ran ? 150 : 1500);
            if (start && app.dataset.testScriptState === 'notRunning' && quiet) resolve(painted - start);
            else if (start && now - start > 60000) reject(new Error('not repainted after a minute'));
            else requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
    });
}
"""


@pytest.fixture(scope="module")
def browser():
    if chromium() is None:
        pytest.skip("NO BROWSER: install Chromium")
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def dashboard(with_a_director):
    with dashboard_server(with_a_director("REPAINT")) as server:
        await_ready(server)
        yield server


@contextmanager
def empty_page(folder):
    """Streamlit's own server with a page that has the filter alone."""
    script = folder / "empty.py"
    script.write_text(EMPTY, encoding="utf-8")
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}", "--server.headless=true",
               "--server.address=127.0.0.1", "--browser.gatherUsageStats=false"]  # fmt: skip
    with running(command, port, folder, STREAMLIT_SERVER_BASE_URL_PATH="") as server:
        yield server


def chosen(window, periods):
    """Milliseconds from each click to the repainted page, and kB that came."""
    took, sent = [], []
    for period in periods:
        before = sum(map(len, window.received))
        window.page.get_by_test_id("stSelectbox").first.locator("input").click()
        window.page.evaluate(WATCH)
        window.page.get_by_role("option", name=period, exact=True).click()
        took.append(window.page.evaluate("window.repainted"))
        window.settle()
        sent.append((sum(map(len, window.received)) - before) / 1024)
    return median(took), median(sent)


def test_from_click_to_repaint(dashboard, browser, tmp_path, ratio):
    with empty_page(tmp_path) as bare, visiting(browser, bare.origin) as window:
        window.open("/")
        chosen(window, PERIODS)
        usual, _ = chosen(window, PERIODS)
    print(f"\nan empty page: {usual:.0f} ms from click to repaint")
    with visiting(browser, dashboard.origin) as window:
        window.sign_in("director", PASSWORD)
        for page in PAGES:
            window.open(f"/{page}")
            window.page.wait_for_timeout(READING)
            first, sent = chosen(window, PERIODS)
            again, _ = chosen(window, PERIODS)
            for name, took in (("first", first), ("again", again)):
                ratio(f"click to repaint of {page}, {name}, against an empty page", took / usual)
            print(
                f"{page:12} first {first:5.0f} ms ({first / usual:.1f} x), again {again:5.0f} ms ({again / usual:.1f} x), {sent:.0f} kB"
            )
        assert window.faults == []
