"""Which widgets a run sets: a browser draws those anew, so the others are left alone."""

import pytest

from dashboard.shelf import shelf
from dashboard.warehouse import Reader

KINDS = ("selectbox", "multiselect", "date_input", "button_group", "segmented_control")


def in_the_bar(at):
    return [
        widget for kind in KINDS for widget in at.get(kind) if (widget.key or "").startswith(("filter_", "export_"))
    ]


def set_by(at):
    """Keys of the widgets that the run set."""
    return {widget.key for widget in in_the_bar(at) if widget.proto.set_value}


@pytest.mark.parametrize("page", ["bookings", "safety", "signals", "exports"])
def test_a_page_that_runs_again_sets_nothing(visit, page):
    at = visit("director", page)
    assert {widget.key for widget in in_the_bar(at)} == set_by(at) != set()
    at.run()
    assert set_by(at) == set()


def test_a_choice_sets_no_widget(visit):
    at = visit("director", "bookings", site="dallas")
    at.selectbox(key="filter_period").set_value("last-month").run()
    assert at.selectbox(key="filter_period").value == "last-month"
    assert at.multiselect(key="filter_site").value == ["dallas"]
    assert set_by(at) == set()


def test_another_address_sets_what_it_changes(visit):
    at = visit("director", "bookings", site="dallas")
    at.run()
    at.query_params["period"] = "12-months"
    at.run()
    assert at.selectbox(key="filter_period").value == "12-months"
    assert set_by(at) == {"filter_period"}


def test_what_the_address_does_not_take_is_set_back(visit, viewer):
    at = visit("director", "bookings")
    # All sites are no choice of some.
    at.multiselect(key="filter_site").set_value(list(Reader(shelf().current(), viewer("director")).sites)).run()
    assert at.multiselect(key="filter_site").value == []
    assert set_by(at) == {"filter_site"}


@pytest.mark.parametrize(("username", "said"), [("director", "All sites"), ("manager.two", "All your sites")])
def test_who_sees_some_of_the_sites_is_not_told_of_all(visit, username, said):
    at = visit(username, "bookings")
    assert at.multiselect(key="filter_site").proto.placeholder == said


def test_other_words_of_the_same_choice_are_set(visit):
    at = visit("director", "today", figure="no-show-rate")
    before = at.selectbox(key="filter_figure").options
    at.run()
    at.selectbox(key="filter_no-shows").set_value("scheduled").run()
    assert not at.exception
    after = at.selectbox(key="filter_figure").options
    assert after != before
    assert set_by(at) == {"filter_figure"}
    assert at.selectbox(key="filter_figure").proto.raw_value in after


def test_widgets_of_another_page_are_set(visit):
    at = visit("director", "bookings", period="90-days")
    at.run()
    at.switch_page("../pages/service_mix.py").run()
    assert at.selectbox(key="filter_period").value == "90-days"
    assert "filter_period" in set_by(at)
