"""An extract of three bookings on two days: what headings, charts and comparisons say of next to nothing."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from choices import asked
from small_extracts import reading

from dashboard import access, filters, panels, pictures
from dashboard.axes import LEAST_STEP, NUMBER
from dashboard.panels import PANELS

BOOKINGS = """booking_id,patient_id,site,service,starts_at,status,birth_date,price,side_effects_assessed,booked_at
B1,P1,chicago,ketamine-infusion,2026-11-03 09:00,completed,1980-01-06,475.00,yes,2026-10-28 10:00
B2,P2,chicago,vitamin-myers,2026-11-04 10:00,no_show,1990-05-06,179.00,,2026-10-29 10:00
B3,P3,dallas,hydration-basic,2026-11-04 11:00,completed,2010-05-06,119.00,yes,2026-10-30 10:00
"""


@pytest.fixture(scope="module")
def little(tmp_path_factory):
    """A reader of the three bookings who may see every page and site."""
    with reading(tmp_path_factory.mktemp("little"), bookings=BOOKINGS) as reader:
        yield reader


def heading(reader, name, **parameters):
    return panels.heading(reader, name, asked(reader, **parameters))


def test_headings_of_next_to_nothing(little):
    assert heading(little, "age_pyramid") == (
        "Patients of 65 and over: Chicago ketamine too few; Dallas vitamin or hydration too few"
    )
    assert heading(little, "age_rates") == "Too few in every age band to judge a rate"
    assert heading(little, "site_rates") == (
        "Any side effect, with the same ages everywhere: fewer than 10 at every site, not shown"
    )
    assert heading(little, "gaps") == "No open day without a booking"
    assert heading(little, "worklist_inductions").startswith("No induction within 14 days")
    assert heading(little, "worklist_no_shows") == "1 no-show is not rebooked"


def test_one_is_one_infusion_and_no_event_has_its_bound(little):
    chicago = {"site": "chicago"}
    assert heading(little, "ketamine_share_by_site", **chicago) == "Ketamine is 100 % of 1 completed visit"
    assert heading(little, "age_patients", **chicago) == "0 adolescent and 0 geriatric among 1 patient"
    assert heading(little, "safety_outcomes") == "0 side effects in 2 infusions; upper bound 77.64 %"
    assert heading(little, "safety_outcomes", **chicago) == "0 side effects in 1 infusion; upper bound 95.00 %"
    rows = panels.rows(little, "effects", asked(little, **chicago))
    assert set(rows["reading"]) == {"0 in 1 infusion; upper bound 95.00 %"}


def test_headings_of_a_site_without_any_booking(little):
    miami = {"site": "miami-beach"}
    assert heading(little, "bookings_summary", **miami) == "No bookings in this period"
    assert heading(little, "mix_summary", **miami) == "No completed visits in this period"
    assert (
        heading(little, "safety_quality", **miami)
        == "Side-effect forms filled in: no completed infusions in this period"
    )
    assert heading(little, "worklist_no_shows", **miami) == "No no-show of the last 28 days is left to rebook"


def test_one_booking_of_which_nothing_came_yet(everything):
    last, told = everything.catalogue.last_day.isoformat(), 0
    for site in everything.sites:
        own = {"site": site.replace("_", "-"), "period": "custom", "from_": last, "to": last}
        bookings = panels.rows(everything, "bookings_summary", asked(everything, **own)).iloc[0]["value"]
        said = heading(everything, "bookings_summary", **own)
        if bookings:
            told += 1
            noun = "booking" if bookings == 1 else "bookings"
            assert said == f"{bookings:.0f} {noun}; no-shows not known, no past appointments yet"
    assert told


def test_the_day_says_how_few_days_were_before(little):
    told = panels.rows(little, "today", asked(little)).set_index(["site", "metric"])["sentence"]
    assert told["Chicago", "bookings"] == "Bookings 1: 1 earlier day in Chicago is too few to judge it"
    assert told["Dallas", "bookings"] == "Bookings 1: no earlier day in Dallas to judge it by"


def test_a_day_of_which_nothing_is_judged_has_nothing_that_could_stand_out(little, everything):
    assert heading(little, "day_chart") == "Bookings: nothing is judged at any site"
    last = everything.catalogue.last_full_day.isoformat()
    assert "nothing is judged" not in heading(everything, "day_chart", day=last)


def test_one_side_effect_is_one():
    effects = pd.DataFrame({"severity": ["Mild", "Severe", "Unknown"], "value": [0, 1, 0]})
    told = PANELS["severity"].answer
    assert told(effects) == "1 of 1 side effect is severe or worse"
    assert (
        told(effects.assign(value=[3, 1, 2]))
        == "1 of 6 side effects are severe or worse; the severity of 2 is unknown"
    )


def test_nothing_is_compared_with_a_time_before_the_extract(little):
    chosen = asked(little)
    assert chosen.compared() is None
    assert chosen.lacks_comparison()
    rows = panels.rows(little, "bookings_summary", chosen)
    assert set(rows["against"]) == {""}
    assert rows["change"].isna().all()
    # One of the two days can be compared with the other.
    day = asked(little, period="custom", from_="2026-11-04", to="2026-11-04")
    assert day.compared().start == dt.date(2026, 11, 3)
    assert not day.lacks_comparison()
    assert day.compared().period_text() == "3 Nov 2026"


def test_of_a_site_that_had_not_opened_there_is_nothing_to_compare_with(little):
    rows = panels.rows(
        little, "bookings_summary", asked(little, period="custom", from_="2026-11-04", to="2026-11-04")
    )
    bookings = rows[rows["metric"] == "bookings"].set_index("site")
    assert bookings.at["Chicago", "before"] == 1
    assert bookings.loc["Dallas", ["before", "change", "change_lower"]].isna().all()
    # Over all sites there were less.
    assert bookings.at["All sites", "change"] == 1


def axes(node):
    """Every axis of a specification, with the type of its channel."""
    if isinstance(node, dict):
        if isinstance(node.get("axis"), dict):
            yield node.get("type"), node["axis"]
        for child in node.values():
            yield from axes(child)
    elif isinstance(node, list):
        for child in node:
            yield from axes(child)


def test_no_time_axis_tells_a_date_twice_and_no_zero_has_six_decimals(little):
    of_time, of_rates = 0, 0
    for name, panel in PANELS.items():
        if not panel.chart or not access.allows(little.viewer, panel.resource):
            continue
        for one in pictures.pictures(little, name, asked(little), "light").charts:
            for kind, axis in axes(one.body):
                if kind == "temporal":
                    of_time += 1
                    assert axis.get("tickMinStep") == LEAST_STEP, name
                of_rates += axis.get("format") == NUMBER
    assert of_time > 5
    assert of_rates > 5


def test_what_a_viewer_is_not_told_of_the_files_is_named(reader_of, everything):
    assert heading(reader_of("manager.dallas"), "sources").endswith(" rows read, without those of side_effects")
    assert heading(everything, "sources").endswith(" rows read")


def test_worklists_tell_whom_and_what_to_do_before_all_else():
    # What stands further right isn't seen on a phone.
    for panel in PANELS.values():
        if panel.resource == "worklists":
            assert [column.name for column in panel.columns[:3]] == ["site", "booking_id", "todo"]
    assert [column.name for column in PANELS["day_gaps"].columns[:4]] == ["site", "start", "end", "fits"]


def test_days_without_a_booking_are_dated_as_everywhere(everything):
    dates = panels.rows(everything, "gaps", asked(everything))["first_dates"].dropna()
    told = [day for site in dates for day in site.split(", ")]
    assert told
    assert all(filters.day_text(dt.datetime.strptime(day, "%d %b %Y").date()) == day for day in told)


def test_chairs_of_days_before_a_sites_first_booking_are_none(little):
    """Two days of Chicago's eight chairs of ten hours, and not those of the 26 days before, of which nothing is known.

    Dallas joined on the second day with six chairs of nine hours, Miami Beach never did.
    """
    rows = panels.rows(little, "bookings_summary", asked(little, period="28-days"))
    used = rows.set_index(["site", "metric"]).loc["Chicago", "chair_utilisation"]
    assert (used["numerator"], used["denominator"]) == (90, 2 * 8 * 600)
    every = rows[rows["metric"] == "chair_utilisation"].set_index("site")["denominator"]
    assert (every["Dallas"], every["All sites"]) == (6 * 540, 2 * 8 * 600 + 6 * 540)
    trend = panels.rows(little, "utilisation_trend", asked(little, period="28-days", by="day")).dropna(
        subset=["value"]
    )
    assert trend["period"].min() == pd.Timestamp(2026, 11, 3)
    slots = panels.rows(little, "bookings_summary", asked(little, period="28-days", **{"no-shows": "slots"}))
    assert (
        slots.set_index(["site", "metric"]).loc[("Chicago", "no_show_rate_slots"), "denominator"] <= 2 * 8 * 600 / 30
    )
