"""Annotating a date: written in the filter bar, read on the charts, by the sites they are of; withdrawn with a reason."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from elements import html

from dashboard.state import Store
from dashboard.state.chart_marks import ChartMarks


@pytest.fixture(autouse=True)
def store(data, viewer):
    with Store.open(data, rounds=4) as store:
        yield store
        for mark in ChartMarks(store).in_force():
            ChartMarks(store).withdraw(viewer("director"), mark.number, "End of the test")


def opened(at):
    at.session_state["annotating"] = True
    return at.run()


def write(at, text, **chosen):
    [what] = [one for one in at.text_input if one.label == "What happened"]
    what.set_value(text)
    for label, value in chosen.items():
        [box] = [one for one in at.selectbox if one.label == label.replace("_", " ")]
        box.set_value(value)
    next(button for button in at.button if button.label == "Put it on the charts").click()
    return at.run()


def specs(at):
    return [json.loads(chart.proto.spec) for chart in at.get("vega_lite_chart")]


def test_a_manager_writes_and_only_those_of_the_site_read(visit, store):
    at = write(opened(visit("manager.dallas", "bookings")), "New nurse rota <script>")
    assert not at.exception
    [mark] = ChartMarks(store).in_force()
    assert (mark.site, mark.kind, mark.person) == ("dallas", "everything", "manager.dallas")
    assert "Dallas: New nurse rota &lt;script&gt; (" in html(at)
    assert "<script>" not in html(at)
    lines = [spec for spec in specs(at) if '"on"' in json.dumps(spec)]
    assert len(lines) == 6
    assert "New nurse rota" in html(visit("director", "bookings"))
    assert "New nurse rota" in html(visit("finance", "bookings"))
    for other in ("manager.miami", "director"):
        page = visit(other, "bookings", site="miami-beach")
        assert "New nurse rota" not in html(page) + json.dumps(specs(page))


def test_who_may_choose_all_sites(visit, store):
    at = opened(visit("director", "safety"))
    [site] = [box for box in at.selectbox if box.label == "At"]
    assert site.options == ["Chicago", "Dallas", "Miami Beach", "All sites"]
    # Managers' charts of side effects are of whole months.
    [day] = [one for one in at.date_input if one.label == "On"]
    day.set_value(day.value - dt.timedelta(days=60))
    at = write(at, "Another antiemetic", At="", On_charts_of="safety")
    assert "all sites: Another antiemetic" in html(visit("director", "safety", period="90-days"))
    assert "Another antiemetic" in html(visit("manager.dallas", "safety"))
    assert "Another antiemetic" not in html(visit("manager.dallas", "bookings"))
    two = opened(visit("manager.two", "bookings"))
    [site] = [box for box in two.selectbox if box.label == "At"]
    assert site.options == ["Chicago", "Dallas"]
    assert "At" not in [box.label for box in opened(visit("manager.dallas", "bookings")).selectbox]
    assert not [one for one in opened(visit("finance", "bookings")).text_input if one.label == "What happened"]


def test_an_own_annotation_is_withdrawn_with_a_reason(visit, store):
    write(opened(visit("director", "bookings")), "Written by another", At="dallas")
    at = write(opened(visit("manager.dallas", "bookings")), "The lift is broken")
    [box] = [one for one in at.selectbox if one.label == "On the charts now"]
    assert ["lift" in option for option in box.options] == [True]
    withdraw = next(button for button in at.button if button.label == "Withdraw it")
    withdraw.click()
    at.run()
    assert at.error[0].value == "Write what it is, or why, in 5 to 300 characters. Nothing was withdrawn."
    [why] = [one for one in at.text_input if one.label == "Why it is withdrawn"]
    why.set_value("It was the other lift")
    next(button for button in at.button if button.label == "Withdraw it").click()
    at.run()
    assert "The lift is broken" not in html(at)
    assert [mark.text for mark in ChartMarks(store).in_force()] == ["Written by another"]


def test_too_little_is_refused_and_stays_to_be_mended(visit, store):
    at = write(opened(visit("manager.dallas", "bookings")), "x")
    assert at.error[0].value == "Write what it is, or why, in 5 to 300 characters. Nothing was written."
    [text] = [one for one in at.text_input if one.label == "What happened"]
    assert text.value == "x"
    at = write(at, "A new nurse rota")
    assert [mark.text for mark in ChartMarks(store).in_force()] == ["A new nurse rota"]
    # Nothing is left to be sent twice.
    assert [one.value for one in at.text_input if one.label == "What happened"] == [""]
