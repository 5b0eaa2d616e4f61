"""A person's own views: kept, opened, first after sign-in, forgotten; nobody else's, and nothing that isn't open."""

from __future__ import annotations

import pytest
from elements import html
from streamlit.testing.v1 import AppTest

from dashboard.settings import ROOT
from dashboard.state import StateError, Store
from dashboard.state.kept import MOST
from dashboard.state.saved_views import SavedViews


@pytest.fixture
def store(data):
    with Store.open(data, rounds=4) as store:
        yield store
        for username in ("manager.dallas", "director", "finance"):
            for view in SavedViews(store).list(username):
                SavedViews(store).remove(username, view.name)


@pytest.fixture
def begin(sessions):
    """A new session at the address of the dashboard itself."""

    def begin(username, **address):
        at = AppTest.from_file(ROOT / "dashboard" / "main.py", default_timeout=30)
        at.user = {"session": sessions(username)}
        for name, value in address.items():
            at.query_params[name] = value
        return at.run()

    return begin


def opened(at):
    at.session_state["own_views"] = True
    return at.run()


def test_a_view_is_kept_listed_and_forgotten(visit, store):
    at = opened(visit("manager.dallas", "bookings", period="90-days", line="ketamine"))
    at.text_input[0].set_value("  Ketamine,   a quarter ")
    next(button for button in at.button if button.label == "Keep").click()
    at.run()
    assert not at.exception
    [view] = SavedViews(store).list("manager.dallas")
    assert (view.name, view.page, view.query) == ("Ketamine, a quarter", "bookings", "period=90-days&line=ketamine")
    assert "/bookings?period=90-days&amp;line=ketamine" in html(opened(at))
    assert SavedViews(store).list("director") == []
    next(button for button in at.button if button.label == "Remove").click()
    at.run()
    assert SavedViews(store).list("manager.dallas") == []


@pytest.mark.parametrize(("page", "dated"), [("bookings", True), ("today", True), ("worklists", False)])
def test_fixed_dates_are_offered_where_there_is_a_date_to_choose(visit, store, page, dated):
    at = opened(visit("manager.dallas", page))
    assert not at.exception
    assert ("With these very dates" in html(at)) is dated


def test_without_a_name_nothing_is_kept_and_the_page_says_why(visit, store):
    at = opened(visit("manager.dallas", "bookings"))
    next(button for button in at.button if button.label == "Keep").click()
    at.run()
    assert [error.value for error in at.error] == ["Give the view a name of 1 to 80 characters."]
    assert SavedViews(store).list("manager.dallas") == []


def test_the_view_chosen_opens_after_sign_in_until_it_is_not_chosen_any_more(visit, begin, store):
    views = SavedViews(store)
    views.save("director", "Signals of a year", "signals", "period=12-months&effect=nausea")
    views.save("director", "Mix", "service_mix", "period=7-days")
    assert [title.value for title in begin("director").title] == ["Today"]
    at = opened(visit("director", "bookings"))
    next(box for box in at.selectbox if box.label == "After sign-in, open").set_value("Signals of a year")
    at.run()
    at = begin("director")
    assert [title.value for title in at.title] == ["Signals"]
    assert (at.query_params["period"], at.query_params["effect"]) == ("12-months", "nausea")
    # Whoever asks for something gets that.
    assert [title.value for title in begin("director", period="7-days").title] == ["Today"]
    # Kept again under its name it stays first.
    views.save("director", "Signals of a year", "safety", "period=12-months")
    assert [title.value for title in begin("director").title] == ["Safety"]
    views.open_first("director", None)
    assert [title.value for title in begin("director").title] == ["Today"]


def test_a_page_that_is_not_open_any_more_opens_nowhere(begin, store, data):
    SavedViews(store).save("finance", "Mine once", "safety", "period=12-months")
    SavedViews(store).open_first("finance", "Mine once")
    at = begin("finance")
    assert not at.exception
    assert [title.value for title in at.title] == ["Bookings"]


def test_there_are_so_many_and_no_more(store):
    views = SavedViews(store)
    for number in range(MOST):
        views.save("finance", f"View {number}", "bookings", "period=7-days")
    with pytest.raises(StateError, match="remove one first"):
        views.save("finance", "One more", "bookings", "period=7-days")
    views.save("finance", "View 0", "revenue", "period=7-days")
    assert {view.name: view.page for view in views.list("finance")}["View 0"] == "revenue"
