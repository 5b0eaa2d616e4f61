"""Every page for every demo account: what opens, what doesn't, and that nothing foreign is sent."""

from __future__ import annotations

import pytest
from elements import html, sent
from streamlit.testing.v1 import AppTest

from dashboard import access, navigation, panels
from dashboard.access import Role, Viewer
from dashboard.queries import queries
from dashboard.settings import PAGES
from dashboard.state import Store
from dashboard.state.demo import DEMO_ACCOUNTS

#: One manager of one site stands for all of them: what differs is the site's name.
ACCOUNTS = [username for username, *_ in DEMO_ACCOUNTS if username not in {"manager.chicago", "manager.miami"}]
NAMES = [entry.name for entry in navigation.ENTRIES]
MANAGERS = [entry.name for entry in navigation.entries_for(Viewer("m", "M", Role.MANAGER))]
PANEL_PAGES = {entry.name for entry in navigation.ENTRIES} & {panel.resource for panel in panels.PANELS.values()}
FOREIGN = {
    "manager.dallas": ("Chicago", "chicago", "Miami", "miami"),
    "manager.two": ("Miami", "miami"),
}
#: Neither a default nor anything that the account's own choice could be.
FORGED = {
    "site": ["chicago", "dallas", "miami-beach", "miami_beach", "*", "' or 1=1 --"],
    "period": "12-months",
    "compare": "last-year",
}


@pytest.mark.parametrize("page", NAMES)
@pytest.mark.parametrize("username", ACCOUNTS)
def test_a_page_opens_for_whom_it_is_and_for_nobody_else(visit, viewer, username, page):
    entry = next(entry for entry in navigation.ENTRIES if entry.name == page)
    if entry not in navigation.entries_for(viewer(username)):
        with pytest.raises(ValueError, match=page):
            visit(username, page)
        return
    at = visit(username, page)
    assert not at.exception
    assert [title.value for title in at.title] == [entry.title]
    assert not at.error
    assert not at.warning
    assert "extract of" in html(at) or "Extract" in html(at) or page in {"account", "audit", "register"}


@pytest.mark.parametrize("page", NAMES)
@pytest.mark.parametrize("username", ACCOUNTS)
def test_the_page_itself_refuses_whom_it_is_not_for(sessions, viewer, username, page):
    at = AppTest.from_file(PAGES / f"{page}.py", default_timeout=30)
    at.user = {"session": sessions(username)}
    at.run()
    allowed = page in {entry.name for entry in navigation.entries_for(viewer(username))}
    # Streamlit is told to hide what the exception says; nothing was drawn before it.
    assert bool(at.exception) != allowed
    assert bool(at.title) == allowed
    assert allowed or not at.get("html")


@pytest.mark.parametrize("page", MANAGERS)
@pytest.mark.parametrize("username", FOREIGN)
def test_no_forged_address_brings_another_sites_rows(visit, username, page):
    at = visit(username, page, **FORGED)
    assert not at.exception
    # A reason for a rejected row lists the sites that a file may name.
    bytes_sent = sent(at).replace("allowed: chicago, dallas, miami_beach", "")
    assert [word for word in FOREIGN[username] if word in bytes_sent] == []


@pytest.mark.parametrize("page", MANAGERS)
def test_the_same_words_are_found_where_the_sites_are_open(visit, page):
    bytes_sent = sent(visit("admin", page, period="12-months"))
    assert "Chicago" in bytes_sent
    assert "Miami" in bytes_sent


@pytest.mark.parametrize("page", sorted(PANEL_PAGES))
def test_a_choice_that_holds_nothing_says_so(visit, page):
    who = "director" if Role.MEDICAL_DIRECTOR in access.RESOURCES[page] else "finance"
    at = visit(who, page, period="custom", from_="2026-10-25", to="2026-10-25", line="vitamin", band="85-plus")
    assert not at.exception
    assert not at.error
    told = any(info.value.startswith("Nothing to show for these filters.") for info in at.info)
    # Data and Worklists are of no period, and Revenue is of no age.
    assert told == (page not in {"data", "worklists", "revenue"})


@pytest.mark.parametrize(
    "address",
    [
        {"period": "tomorrow", "from": "31/12/2026", "to": "x"},
        {"period": "custom", "from": "2026-02-30", "to": "9999-12-31"},
        {"period": "custom", "from": "2026-10-31", "to": "2026-10-01"},
        {"day": "1066-10-14", "compare": "me", "by": "decade"},
        {"site": "atlantis", "line": "coffee", "band": "12-17"},
        {"site": ["", "\x00", "chicago" * 500]},
    ],
)
@pytest.mark.parametrize("page", ["today", "safety"])
def test_a_malformed_address_falls_back_to_what_is(visit, page, address):
    at = visit("director", page, **{("from_" if name == "from" else name): v for name, v in address.items()})
    assert not at.exception
    assert not at.error
    assert len(at.title) == 1


@pytest.mark.parametrize(
    ("page", "address", "said"),
    [
        ("revenue", {"band": ["12-17", "200-300"]}, "There is no such choice here, so it is left out: band 200-300."),
        ("bookings", {"sites": ["dallas"]}, "No page has a parameter sites, so it is left out."),
        (
            "bookings",
            {"site": ["dallas", "atl[an](x)tis"], "by": "decade"},
            "left out: site atl[an](x)tis, by decade.",
        ),
        ("bookings", {"compare": "site-boston", "no_shows": "all"}, "left out: compare site-boston, no-shows all."),
        ("bookings", {"period": "tomorrow"}, "There is no period tomorrow. Periods: 7-days, 28-days"),
        ("bookings", {"period": "custom", "from_": "2026-02-30", "to": "2026-09-30"}, "'2026-02-30' is no day."),
        ("today", {"day": "1066-10-14"}, "and nothing of the period asked for. The bar above says what is shown."),
        ("exports", {"dataset": "salaries"}, "There is no dataset salaries here."),
        ("exports", {"dataset": "payment_rows", "columns": "amount,tip"}, "There is no column tip here."),
    ],
)
def test_a_page_says_what_of_its_address_there_is_not(visit, page, address, said):
    at = visit("admin", page, **{name.replace("no_shows", "no-shows"): value for name, value in address.items()})
    [warning] = at.warning
    plain = warning.value.replace("\\", "").replace("\u2060", "")
    assert said in plain
    # Also where a browser asks for the page once more; the address has lost it by then.
    assert [one.value for one in at.run().warning] == [warning.value]
    assert "](x)" not in warning.value
    if page in {"revenue", "bookings"}:
        at.selectbox(key="filter_period").set_value("90-days").run()
        assert not at.warning


def test_choosing_another_period_than_days_of_ones_own_is_nothing_to_tell(visit):
    at = visit("admin", "bookings", period="custom", from_="2026-09-01", to="2026-09-30")
    assert not at.warning
    at.selectbox(key="filter_period").set_value("90-days").run()
    assert not at.warning


def test_a_page_whose_address_has_what_there_is_says_nothing(visit):
    """All that bars write, also what was chosen on another page and of another's site."""
    address = {"site": ["chicago", "dallas"], "band": "12-17", "compare": "site-chicago", "by": "week"}
    at = visit("manager.dallas", "bookings", period="90-days", effect="nausea", day="1066-10-14", **address)
    assert not at.warning


@pytest.mark.parametrize(("page", "key"), [("bookings", "bookings_by_status"), ("exports", None)])
def test_the_address_carries_from_page_to_page(visit, page, key):
    at = visit("director", page, period="90-days", site="dallas", line="ketamine", band=["65-74", "75-84"])
    at.switch_page("../pages/safety.py").run()
    assert at.selectbox(key="filter_period").value == "90-days"
    assert at.multiselect(key="filter_site").value == ["dallas"]
    assert at.multiselect(key="filter_line").value == ["ketamine"]
    assert at.multiselect(key="filter_band").value == ["65–74", "75–84"]
    assert key is None or f"/export/{key}.csv" not in html(at)


def test_an_age_group_stands_for_its_bands(visit):
    at = visit("director", "bookings", band="12-17")
    ages = at.multiselect(key="filter_band")
    assert [option for option in ages.options if ": " in option] == [
        "Adolescent: 12–17", "Adult: 18–25, 26–44, 45–64", "Geriatric: 65–74, 75–84, 85+"
    ]  # fmt: skip
    ages.set_value(["12–17", "75–84", "Geriatric"]).run()
    assert at.multiselect(key="filter_band").value == ["12–17", "65–74", "75–84", "85+"]
    assert at.query_params["band"] == ["12-17", "65-74", "75-84", "85-plus"]
    at.multiselect(key="filter_band").set_value([]).run()
    assert "band" not in at.query_params


def test_a_choice_in_the_bar_reaches_address_rows_and_links(visit):
    at = visit("director", "bookings")
    at.selectbox(key="filter_period").set_value("last-month").run()
    at.multiselect(key="filter_site").set_value(["dallas"]).run()
    assert at.query_params["period"] in ("last-month", ["last-month"])
    assert at.query_params["site"] in ("dallas", ["dallas"])
    assert "/export/bookings_summary.csv?period=last-month&amp;site=dallas" in html(at)
    assert "Chicago" not in "".join(e.proto.body for e in at.get("html") if "scorecard" in e.proto.body)


def test_a_site_that_is_not_in_the_extract_is_explained(data, sessions):
    from dashboard.state import Store, session_key

    with Store.open(data, rounds=4) as store:
        store.add_user("elsewhere", Role.MANAGER, "correct horse battery", sites=("boston",))
        key = session_key(store.open_session("elsewhere"))
    at = AppTest.from_file(PAGES.parent / "dashboard" / "main.py", default_timeout=30)
    at.user = {"session": key}
    at.run()
    assert "No site of this extract is open to your account" in at.warning[0].value
    assert not at.get("vega_lite_chart")


def test_every_query_and_panel_is_of_a_page_or_a_row_dataset():
    served = {resource for query in queries().values() for resource in query.serves}
    assert served >= PANEL_PAGES
    assert {panel.resource for panel in panels.PANELS.values()} <= {*NAMES, "reject_values"}


def test_a_chart_of_which_all_is_too_few_is_not_drawn(visit):
    """Day 28 of nobody who began in the last four weeks has passed, nor can anybody be told to have stopped."""
    short, long = (visit("director", "courses", period=period) for period in ("28-days", "12-months"))
    assert [info.value[:15] for info in short.info] == ["Too few in ever", "Nothing to show", "Nothing to show"]
    assert not long.info
    charts = [len(at.get("vega_lite_chart")) for at in (short, long)]
    assert charts[1] - charts[0] == 3
    # One click leads to a period that has some.
    button, *_ = [one for one in short.button if one.label == "Show the last 90 days"]
    longer = button.click().run()
    assert longer.query_params["period"] == "90-days"
    # Inductions there are; of hardly anybody it is known yet whether they stopped.
    assert len(longer.get("vega_lite_chart")) == charts[1] - 2
    button, *_ = [one for one in longer.button if one.label == "Show the last 12 months"]
    longest = button.click().run()
    assert not longest.info
    assert len(longest.get("vega_lite_chart")) == charts[1]


@pytest.mark.parametrize(("sites", "compared"), [(["dallas"], False), (["chicago", "dallas"], True)])
def test_signals_compares_sites_where_there_are_several(data, visit, sites, compared):
    username = f"director.of.{len(sites)}"
    with Store.open(data, rounds=4) as store:
        store.add_user(username, Role.MEDICAL_DIRECTOR, "correct horse battery", sites=sites)
    told = sent(visit(username, "signals"))
    assert panels.PANELS["control_chart"].title in told
    assert (panels.PANELS["site_funnel"].title in told) is compared
    assert (panels.PANELS["site_rates"].title in told) is compared
