"""Choices that leave nothing: what the page says then, and what it proposes instead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from elements import html

from dashboard.panels import PANELS
from dashboard.shelf import shelf


def infos(at):
    return {info.value for info in at.info}


@pytest.fixture
def catalogue():
    return shelf().current().catalogue


def test_only_what_leaves_something_out_is_proposed(visit, catalogue):
    last = catalogue.last_day.isoformat()
    nothing = "Nothing to show for these filters. Choose a longer or an earlier period"
    ahead = {"period": "custom", "from_": last, "to": last}
    assert f"{nothing}." in infos(visit("manager.dallas", "bookings", **ahead))
    some = infos(visit("director", "bookings", **ahead, site="dallas", line="hydration"))
    assert f"{nothing}, or more sites, or more lines or ages." in some


def test_bars_of_nothing_are_not_drawn_and_each_panel_says_what_it_is_of(visit):
    at = visit("director", "service_mix", band="under-12")
    titles = [panel.title for panel in PANELS.values() if panel.resource == "service_mix" and not panel.answer]
    assert len(titles) > 2
    for title in titles:
        assert f'<h2 class="answer">{title}</h2>' in html(at)
    assert not at.get("vega_lite_chart")


def test_without_money_no_bridge_closes_to_the_cent_and_no_table_is_empty(visit, catalogue):
    last = catalogue.last_day.isoformat()
    at = visit("finance", "revenue", period="custom", from_=last, to=last)
    assert html(at).count('<h2 class="answer">Nothing was invoiced or paid in this period</h2>') == 2
    assert "closes to the cent" not in html(at)
    assert [table.proto.alt for table in at.dataframe if not len(table.value)] == []


def test_a_rate_of_nothing_is_drawn(visit):
    """Of the open chairs those under 12 take 0 %, which is an answer."""
    assert len(visit("director", "bookings", band="under-12").get("vega_lite_chart")) == 1


def test_a_day_has_no_longer_period(visit, catalogue):
    told = infos(visit("manager.dallas", "today", day=catalogue.last_day.isoformat()))
    assert "Nothing to show for these filters. Choose another day." in told


def test_the_bar_says_where_the_data_begin_and_that_nothing_is_before(visit, catalogue):
    first = catalogue.first_day.isoformat()
    begin = f"from <b>{catalogue.first_day.day} {catalogue.first_day:%b %Y}</b> to"
    at = visit("director", "bookings", period="custom", from_=first, to=first)
    assert ", nothing before to compare with" in html(at)
    assert begin in html(at)
    assert begin not in html(visit("director", "bookings"))


def test_control_charts_of_all_days_propose_no_longer_period(visit, catalogue):
    first = catalogue.first_day.isoformat()
    at = visit("director", "signals", period="custom", from_=first, to=first, line="hydration", effect="nausea")
    control = [one for one in infos(at) if "are in use already" in one]
    assert control, infos(at)
    assert not [button for button in at.button if button.key in {"longer_control_chart", "longer_event_gaps"}]


def period_of(at):
    return next(box.value for box in at.selectbox if box.key == "filter_period")


def choose_period(at, period):
    next(box for box in at.selectbox if box.key == "filter_period").select(period).run()


def opened(at, page):
    """The page by its link, which drops the address."""
    at.query_params.clear()
    return at.switch_page(str(Path("..") / "pages" / f"{page}.py")).run()


def test_courses_open_on_a_period_of_which_inductions_can_be_judged(visit):
    """Nobody chose one: 28 days hold no induction whose day 28 has passed, and 90 hardly anybody known to have stopped."""
    at = opened(visit("director", "today"), "courses")
    assert period_of(at) == "12-months"
    assert "Still coming for ketamine: " in html(at)
    assert "Induction completed" in html(at)
    assert "for none has day 28" not in html(at)
    assert period_of(visit("director", "courses", period="28-days")) == "28-days"


def test_a_period_that_was_chosen_goes_along_and_a_usual_one_does_not(visit):
    at = opened(visit("director", "today"), "courses")
    assert period_of(opened(at, "bookings")) == "28-days"
    choose_period(at, "90-days")
    assert period_of(opened(at, "courses")) == "90-days"
    choose_period(at, "28-days")
    assert period_of(opened(at, "bookings")) == "28-days"
    assert period_of(opened(at, "courses")) == "28-days"


def test_what_is_hidden_in_a_chart_is_told_below_it(visit):
    told = html(visit("manager.dallas", "safety"))
    assert re.search(r"<p>[1-9]\d* of \d+ counts are hidden, and not drawn\.</p>", told)
    assert "counts are hidden" not in html(visit("director", "safety"))
