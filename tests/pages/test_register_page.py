"""The register as people use it: opened from a series, decided step by step, shut to everyone else."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from elements import html, sent
from streamlit.testing.v1 import AppTest

from dashboard.access import Role, Viewer
from dashboard.reports import files
from dashboard.settings import PAGES
from dashboard.state import Store
from dashboard.state.register import Register

WHY = "More of it than its own past explains."


@pytest.fixture
def signals(data):
    """What the register holds now."""

    def signals():
        with Store.open(data, rounds=4) as store:
            return Register(store).signals(Viewer("a", "A", Role.ADMIN))

    return signals


@pytest.fixture
def page(sessions):
    """The register's page on its own, for a signal."""

    def page(username, number):
        at = AppTest.from_file(PAGES / "register.py", default_timeout=30)
        at.user = {"session": sessions(username)}
        at.query_params["signal"] = str(number)
        return at.run()

    return page


NOTICES = """
from dashboard.screen import page
from dashboard.screen import register_page
register_page.notices(page.open_page("safety"))
"""


@pytest.fixture
def notices(sessions):
    """What a person is told of signals above the page Safety, without its panels."""

    def notices(username, **address):
        at = AppTest.from_string(NOTICES, default_timeout=30)
        at.user = {"session": sessions(username)}
        for name, value in address.items():
            at.query_params[name] = value
        return html(at.run())

    return notices


def press(at, label):
    next(button for button in at.button if button.label == label).click()
    return at.run()


def test_the_series_to_open_is_of_the_side_effect_that_the_page_shows(visit):
    at = visit("director", "signals", site="dallas", line="ketamine", period="90-days", effect="confusion")
    [series] = [box for box in at.selectbox if box.label == "Series"]
    assert series.value == "dallas|confusion|ketamine||"
    assert series.options[0] != "Confusion after ketamine in Dallas"


def test_a_series_is_opened_decided_and_seen_by_whom_it_concerns(visit, page, signals, notices, data):
    for username, opens in (("director", "and opens one."), ("admin", "and the medical director opens one there.")):
        empty = html(visit(username, "register"))
        assert "No signal was opened yet" in empty
        assert '<a href="/signals" target="_self">Signals</a>' in empty
        assert opens in empty
    at = visit("director", "signals", line="ketamine", period="90-days")
    series = next(
        key for key in at.selectbox(key="signal_series").options if key == "Nausea after ketamine in Dallas"
    )
    at.selectbox(key="signal_series").set_value("dallas|nausea|ketamine||")
    press(at, "Open the signal")
    assert "Write the rationale" in at.error[0].value
    assert signals() == []
    at.text_area[0].set_value(WHY)
    press(at, "Open the signal")
    assert not at.exception
    assert not at.error
    [signal] = signals()
    assert (signal.what, signal.series) == (series, "dallas|nausea|ketamine||")
    assert f"/register?signal={signal.number}" in at.success[0].value
    assert signal.latest.person == "director"
    assert signal.is_intact()
    # Twice about the same is once too often.
    at.text_area[0].set_value(WHY)
    assert "is open already" in press(at, "Open the signal").error[0].value

    at = page("director", signal.number)
    assert WHY in html(at)
    assert signal.frozen["extract"]["sha256"] in html(at)
    # No number and its per cent sign stand on two lines.
    reading = signal.frozen["reading"]
    assert " %" in reading
    assert f"<p>{reading.replace(' %', chr(160) + '%')}</p>" in html(at)
    assert f"/export/signal-{signal.number}.pdf" in html(at)
    # Filters as staff read them, not as the record has them.
    assert "<dt>Filters</dt><dd>2 Aug 2026 to 30 Oct 2026; Dallas; Ketamine; nausea</dd>" in html(at)
    assert at.selectbox[0].options == ["Validated", "Closed, refuted"]
    at.text_area[0].set_value("Forms agree with the charts of the nurses.")
    press(at, "Sign")
    assert not at.error
    assert [step.step for step in signals()[0].steps] == ["detected", "validated"]

    # An administrator reads and can't decide.
    at = page("admin", signal.number)
    assert WHY in html(at)
    assert not at.button
    assert "Only the medical director decides" in at.caption[0].value

    # A manager learns that there is one at their site, and not what.
    told = visit("manager.dallas", "safety")
    assert "A safety signal is under review: Dallas (validated, opened" in html(told)
    assert WHY not in sent(told)
    assert "/register" not in html(told)
    assert "under review" not in notices("manager.chicago")
    assert "under review" in notices("director", site="dallas")
    assert "under review" not in notices("director", site="chicago")

    at = page("director", signal.number)
    at.selectbox[0].set_value(("closed", "refuted"))
    at.text_area[0].set_value("A new form asks about it first.")
    press(at, "Sign")
    assert signals()[0].latest.title == "Closed, refuted"
    assert "under review" not in notices("manager.dallas")
    assert "0 of 1 signal open" in html(visit("admin", "register"))

    assert not page("admin", signal.number).error
    with closing(sqlite3.connect(data / "state" / "state.db")) as connection, connection:
        connection.execute("drop trigger signal_steps_no_update")
        connection.execute("update signal_steps set rationale = 'All was well, so nothing.' where number = 2")
    at = page("admin", signal.number)
    assert "Step 2 of signal 1 was changed or removed" in at.error[0].value
    with Store.open(data, rounds=4) as store:
        viewer = Viewer("a", "A", Role.ADMIN)
        dossier = files.respond(viewer, store, "signal-1", "html", {})
    assert "NOT AS IT WAS SIGNED. Step 2 of signal 1 was changed or removed" in "".join(
        part.decode() for part in dossier._parts
    )


def test_a_signal_that_isn_t_there_shows_the_list(page):
    for number in ("99", "x", "1' or 1=1", "9" * 30):
        at = page("director", number)
        assert not at.exception
        assert [title.value for title in at.title] == ["Signal register"]
        assert not at.text_area
