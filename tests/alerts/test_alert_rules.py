"""What a rule may be about, and what it finds: the same as the page says, by the same functions."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from alerts_clinic import publish

from dashboard import exports, filters, panels
from dashboard.access import Role, Viewer, limited
from dashboard.alerts import evaluate, rules
from dashboard.alerts.evaluate import Finding
from dashboard.alerts.rules import Condition, Rule, RuleError
from dashboard.panels import today
from dashboard.settings import Settings
from dashboard.shelf import Shelf
from dashboard.warehouse import Reader


def reader(house, role=Role.ADMIN, *sites):
    viewer = Viewer("x", "X", role, frozenset(sites) if sites else None)
    return Reader(house, limited(viewer, Settings(data=house.path.parent).small_cells))


def morning_after(house, days=1):
    day = house.catalogue.last_full_day + dt.timedelta(days=days)
    return dt.datetime.combine(day, dt.time(18), dt.UTC)


# --- what a rule may be about ----------------------------------------------------------------


def test_what_is_offered_is_what_the_role_sees(demo_house):
    manager, finance = reader(demo_house, Role.MANAGER, "dallas"), reader(demo_house, Role.FINANCE)
    assert rules.figures(reader(demo_house, Role.MEDICAL_DIRECTOR)) == today.FIGURES
    assert set(today.FIGURES) - set(rules.figures(manager)) == {"events"}
    assert rules.figures(finance) == ()
    assert list(rules.kinds(finance)) == ["missing"]
    assert {one.kind for one in rules.usual(finance, "dallas")} == {"missing"}
    for who in (manager, finance, reader(demo_house)):
        assert [rules.checked(who, one) for one in rules.usual(who, "dallas")] == list(rules.usual(who, "dallas"))


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        (Condition("chicago", "special", "bookings", "any"), "site is not open"),
        (Condition("atlantis", "missing", "data", number=2), "site is not open"),
        (Condition("dallas", "special", "events", "any"), "figure is not open"),
        (Condition("dallas", "special", "invoiced", "any"), "figure is not open"),
        (Condition("dallas", "special", "bookings", "above"), "which way"),
        (Condition("dallas", "threshold", "bookings", "worse", 3), "which way"),
        (Condition("dallas", "threshold", "bookings", "above"), "number lies between 0 and 1,000,000"),
        (Condition("dallas", "threshold", "bookings", "above", -1), "number lies between"),
        (Condition("dallas", "threshold", "no_show_rate", "above", 1_000.1), "between 0 and 1,000"),
        (Condition("dallas", "threshold", "no_show_rate", "above", float("nan")), "number lies between"),
        (Condition("dallas", "threshold", "no_show_rate", "above", 5, -1), "least denominator"),
        (Condition("dallas", "missing", "data", number=0), "between 1 and 60"),
        (Condition("dallas", "missing", "data", number=61), "between 1 and 60"),
        (Condition("dallas", "missing", "data", number=1.5), "whole"),
        (Condition("dallas", "missing", "payments"), "which data"),
        (Condition("dallas", "often", "bookings"), "what the rule is about"),
    ],
)
def test_what_makes_no_sense_or_is_not_open_is_refused(demo_house, condition, why):
    with pytest.raises(RuleError, match=why):
        rules.checked(reader(demo_house, Role.MANAGER, "dallas"), condition)


def test_what_a_kind_does_not_need_is_left_out(demo_house):
    who = reader(demo_house)
    assert rules.checked(who, Condition("dallas", "special", "bookings", "any", 7.0, 3)) == Condition(
        "dallas", "special", "bookings", "any"
    )
    # A count has no denominator that could be too small.
    assert rules.checked(who, Condition("dallas", "threshold", "bookings", "below", 7.0, 3)).least == 0
    for number in (1, 60):
        assert rules.checked(who, Condition("dallas", "missing", "data", number=number)).number == number


# --- the same as the page --------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.ADMIN, Role.MEDICAL_DIRECTOR])
def test_an_alert_and_the_page_never_disagree(demo_house, role):
    """Every figure at every site on twenty days: by a rule of one site, and on the page of all sites."""
    who = reader(demo_house, role)
    everything = filters.parse({}, exports.scope_of(who))
    outcomes = set()
    for back in range(20):
        day = demo_house.catalogue.last_full_day - dt.timedelta(days=back)
        page = panels.rows(who, "today", replace(everything, day=day))
        for row in page.to_dict("records"):
            site = next(one for one in who.sites if demo_house.catalogue.site_name(one) == row["site"])
            for side in ("any", "worse"):
                [found] = [evaluate._figure(who, Condition(site, "special", row["metric"], side), day)]
                counted = today.STANDING_OUT if side == "any" else ("concern", "neither")
                expected = (
                    "not judged" if row["kind"] == "unknown" else "alert" if row["kind"] in counted else "quiet"
                )
                assert found.outcome == expected, (day, row["metric"], site)
                if row["metric"] != "events":
                    assert found.said == row["sentence"]
                outcomes.add((side, found.outcome))
    assert len(outcomes) == 6


def test_the_link_opens_the_very_page(demo_house):
    who = reader(demo_house)
    day = demo_house.catalogue.last_full_day
    address = evaluate.address(who, Condition("dallas", "special", "no_show_rate", "any"), day)
    assert address == f"/today?period=28-days&site=dallas&figure=no-show-rate&day={day}"
    assert evaluate.address(who, Condition("dallas", "missing", "data", number=2), day) == "/data"


def test_side_effects_are_told_without_their_number(demo_house):
    who = reader(demo_house, Role.MEDICAL_DIRECTOR)
    said = set()
    for back in range(30):
        day = demo_house.catalogue.last_full_day - dt.timedelta(days=back)
        for condition in (
            Condition("chicago", "special", "events", "any"), Condition("chicago", "threshold", "events", "above", 2.0),
        ):  # fmt: skip
            found = evaluate._figure(who, condition, day)
            if found.outcome != "not judged":
                said.add(found.said)
    assert said == {
        "Side effects reported in Chicago: as the rule says. The page Today has the figures",
        "Side effects reported in Chicago: as usual again. The page Today has the figures",
    }


# --- thresholds ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "off", "outcome"),
    [("above", 0, "quiet"), ("above", -0.01, "alert"), ("above", 0.01, "quiet"), ("below", 0, "quiet"),
     ("below", 0.01, "alert"), ("below", -0.01, "quiet")],
)  # fmt: skip
def test_a_number_is_passed_not_reached(demo_house, side, off, outcome):
    who = reader(demo_house)
    day = demo_house.catalogue.last_full_day
    scores = today.day_scores(who, replace(filters.parse({}, exports.scope_of(who)), day=day, sites=("chicago",)))
    row = scores[scores["metric"] == "no_show_rate"].iloc[0]
    condition = Condition("chicago", "threshold", "no_show_rate", side, row["value"] + off)
    found = evaluate._figure(who, condition, day)
    assert found.outcome == outcome
    assert f"of {row['denominator']:.0f}" in found.said
    for more, judged in ((-1, True), (0, True), (1, False)):
        least = replace(condition, least=int(row["denominator"]) + more)
        assert (evaluate._figure(who, least, day).outcome != "not judged") is judged


# --- missing data ----------------------------------------------------------------------------


def test_data_are_too_old_from_the_day_after_the_number(demo_house):
    who, condition = reader(demo_house), Condition("dallas", "missing", "data", number=2)
    outcomes = [evaluate.findings(who, condition, None, morning_after(demo_house, days))[0] for days in (1, 2, 3)]
    assert [one.outcome for one in outcomes] == ["quiet", "quiet", "alert"]
    assert [one.day - demo_house.catalogue.last_full_day for one in outcomes] == [
        dt.timedelta(days=days) for days in (1, 2, 3)
    ]
    assert outcomes[-1].said.endswith("3 days ago: more than 2")


def test_a_day_without_bookings_is_one_of_the_pages_gaps(tmp_path):
    saturday = dt.date(2026, 2, 28)
    publish(tmp_path, saturday, gaps={("dallas", saturday), ("dallas", saturday - dt.timedelta(days=2))})
    house = Shelf(Settings(data=tmp_path)).current()
    who, condition = reader(house), Condition("dallas", "missing", "bookings")
    found = evaluate.findings(who, condition, dt.date(2026, 1, 31), morning_after(house))
    assert [(one.day.day, one.outcome) for one in found] == [
        (22, "not judged"), (23, "quiet"), (24, "quiet"), (25, "quiet"), (26, "alert"), (27, "quiet"), (28, "alert"),
    ]  # fmt: skip
    gaps = who.query("gaps", sites=("dallas",)).iloc[0]
    alerts = [filters.day_text(one.day) for one in found if one.outcome == "alert"]
    assert gaps["first_dates"] == ", ".join(alerts)
    other = evaluate.findings(who, replace(condition, site="chicago"), None, morning_after(house))
    assert [one.outcome for one in other] == ["quiet"]
    house.close()


@pytest.mark.parametrize(("more", "outcome"), [(-1, "alert"), (0, "quiet"), (1, "quiet")])
def test_late_forms_are_those_of_the_page_data(demo_house, more, outcome):
    who = reader(demo_house, Role.MANAGER, "chicago")
    missing = int(who.query("late_forms", sites=("chicago",))["missing"].sum())
    assert missing > 1
    condition = Condition("chicago", "missing", "forms", number=float(missing + more))
    [found] = evaluate.findings(who, condition, None, morning_after(demo_house))
    assert (found.outcome, found.day) == (outcome, demo_house.catalogue.last_full_day)
    assert found.said.startswith(f"{missing} side-effect forms")


# --- days and steps --------------------------------------------------------------------------


def test_days_that_no_run_saw_are_looked_at_up_to_a_week(demo_house):
    who, condition = reader(demo_house), Condition("dallas", "special", "bookings", "any")
    last, now = demo_house.catalogue.last_full_day, morning_after(demo_house)

    def days(after):
        return [(last - one.day).days for one in evaluate.findings(who, condition, after, now)]

    assert days(None) == [0]
    assert days(last) == []
    assert days(last + dt.timedelta(days=9)) == []  # an earlier extract was put in use
    assert days(last - dt.timedelta(days=2)) == [1, 0]
    assert days(last - dt.timedelta(days=90)) == [6, 5, 4, 3, 2, 1, 0]


def test_what_opens_and_recovers_as_days_follow_each_other():
    def changes(outcomes, open_since=None):
        found = [Finding(dt.date(2026, 3, 1 + n), outcome, "") for n, outcome in enumerate(outcomes)]
        condition = Condition("dallas", "special", "bookings", "any")
        rule = Rule("r", "max", condition, open_since=open_since)
        return [(step.change, step.day.day) for step in evaluate.steps(rule, found)]

    before = dt.date(2026, 2, 1)
    assert changes(["quiet", "alert", "alert", "not judged", "quiet"]) == [("opened", 2), ("recovered", 5)]
    assert changes(["alert", "not judged", "alert"], before) == []
    assert changes(["not judged", "quiet", "quiet"], before) == [("recovered", 2)]
    assert changes(["not judged"]) == changes(["quiet"]) == changes([]) == []
