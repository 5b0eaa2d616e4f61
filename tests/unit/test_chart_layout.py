"""How charts and scorecards are laid out: legends that fit, sites in one order, words where there is no sign."""

from __future__ import annotations

import datetime as dt
import re

import pandas as pd
import pytest
from choices import asked
from small_extracts import reading

from dashboard import exports, panels, pictures, scorecard, theme
from dashboard.access import Role
from dashboard.filters import parse
from dashboard.legends import legend_columns
from dashboard.panels.scores import told
from dashboard.panels.signals import effect_title
from dashboard.theme import VERDICTS

EFFECTS = ["Nausea", "Increased blood pressure", "Short-term memory loss"]


@pytest.mark.parametrize(
    ("entries", "beside", "columns"),
    [
        (["Chicago", "Dallas", "Miami Beach"], [], 0),
        # 24 letters of a row's name take the room of a third.
        (["Chicago", "Dallas", "Miami Beach"], EFFECTS, 2),
        (list(theme.SEVERITY_TITLES.values()), EFFECTS, 2),
        (list(theme.STATUS_TITLES.values()), [], 3),
        (["Booked ahead", "Walked in", "No-show, chair kept"], [], 2),
        (["Chicago Metropolitan Infusion Center", "Dallas Ketamine Institute", "Miami"], [], 1),
        ([], [], 0),
    ],
)
def test_a_legend_has_as_many_columns_as_fit_on_a_phone(entries, beside, columns):
    assert legend_columns(entries, beside) == columns


@pytest.fixture(scope="module")
def staggered(tmp_path_factory):
    """A clinic whose second site of the reference table has the first infusion."""
    lines = ["booking_id,patient_id,site,service,starts_at,status,booked_at,side_effects_assessed"]
    first = dt.date(2026, 6, 1)
    for week in range(20):
        for site in ("dallas",) if week < 4 else ("dallas", "chicago"):
            day = first + dt.timedelta(weeks=week)
            lines.append(
                f"B{len(lines)},P{len(lines)},{site},ketamine-infusion,{day} 09:00,completed,{day} 08:00,yes"
            )
    folder, bookings = tmp_path_factory.mktemp("staggered"), "\n".join(lines) + "\n"
    events = "event_id,booking_id,effect,serious\nE1,B9,nausea,no\n"
    with reading(folder, Role.MEDICAL_DIRECTOR, bookings=bookings, side_effects=events) as reader:
        yield reader


def test_sites_stand_in_one_order_whichever_has_the_first_row(staggered):
    chosen = asked(staggered, period="90-days")
    frame = panels.rows(staggered, "control_chart", chosen)
    assert frame["site"].iloc[0] == "Dallas"
    assert effect_title(staggered, "") == frame["what"].iloc[0]
    charts = pictures.pictures(staggered, "control_chart", chosen, "light").charts
    assert [one.caption for one in charts] == ["Chicago", "Dallas"]


def test_a_day_that_is_not_over_has_no_verdict_on_its_chart_either(everything):
    ahead = everything.catalogue.last_full_day + dt.timedelta(days=3)
    chosen = parse({"day": [ahead.isoformat()], "figure": ["completed"]}, exports.scope_of(everything))
    frame = panels.rows(everything, "day_chart", chosen)
    last = frame[frame["period"] == ahead]
    assert len(last) == len(everything.sites)
    assert set(last["verdict"]) == {VERDICTS["common"].word}
    assert set(last["rule"]) == {""}
    # Outside the limits it is, which a past day would be told for.
    assert (last["value"] < last["lower"]).any()


def change_of(**more):
    row = {
        "metric": "invoiced", "site": "Chicago", "value": 0.0, "numerator": 0.0, "denominator": 1.0, "lower": 0.0,
        "upper": 0.0, "change": 0.0, "change_lower": float("nan"), "change_upper": float("nan"), "before": 0.0,
    }  # fmt: skip
    return scorecard.compare(told(pd.DataFrame([row | more, row | more | {"site": "Dallas"}])))


def test_no_change_of_dollars_has_no_sign():
    assert ">$0</span>" in change_of()
    assert ">+$12</span>" in change_of(change=12.0)
    assert ">−$12</span>" in change_of(change=-12.0)


def test_what_a_change_without_a_sign_says_stands_below_where_words_are_left_out():
    plain = {"metric": "bookings", "value": 9.0, "change": 3.0, "change_lower": -2.0, "change_upper": 8.0}
    assert '<p class="signless">' in change_of(**plain)
    assert "signless" not in change_of(**plain | {"change_lower": 1.0})


def test_counts_of_what_happened_stand_with_their_interval_or_bound_at_each_site():
    """Of few sites beside each other, of many below each other in their order: the last is a site like others."""

    def rows(sites):
        return pd.DataFrame([
            {"kind": kind, "site": site, "value": value, "lower": value / 4, "upper": 3.69 + value, "denominator": 48.0}
            for kind in ("Serious side effects", "Emergency transfers")
            for site, value in sites
        ])  # fmt: skip

    few = scorecard.by_kind(rows([("Chicago", 0.0), ("Dallas", 2.0), ("Miami Beach", float("nan"))]))
    assert few.count('<b>0</b><span class="bound">upper bound 3.69</span>') == 2
    assert few.count('<b>2</b><span class="interval">0.5 to 5.7</span>') == 2
    assert few.count("48 completed infusions") == 4
    assert few.count(">hidden<") == 2
    names = [f"Site {number}" for number in range(scorecard.MANY + 2)]
    many = scorecard.by_kind(rows([(name, 1.0) for name in names]))
    assert re.findall(r'<th scope="row">(.*?)</th>', many) == names
    assert re.findall(r'<th scope="col">(.*?)</th>', many) == ["Serious side effects", "Emergency transfers"]
