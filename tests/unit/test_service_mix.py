"""Service mix: what a shift is made of adds up to the shift, and a chair-hour to what was invoiced."""

from __future__ import annotations

import datetime as dt
import itertools
import math

import pandas as pd
import pytest
from small_extracts import reading

from dashboard import panels, rates
from dashboard.exports import scope_of
from dashboard.filters import parse
from dashboard.panels.scores import scores, told
from dashboard.panels.service_mix import KINDS
from tests.facts import facts_of


@pytest.fixture(scope="module")
def chosen(everything):
    return parse({"period": ["90-days"]}, scope_of(everything))


def test_a_shift_is_split_without_a_rest(everything, chosen):
    rows = panels.rows(everything, "mix_shift", chosen)
    now, then = (
        panels.rows(everything, "mix_by_site", of).groupby("line")["value"].sum()
        for of in (chosen, chosen.compared())
    )
    by_line = rows.groupby("line")[["value", "visits_now", "visits_before"]].sum()
    assert by_line["visits_now"].to_dict() == now.to_dict()
    assert by_line["visits_before"].to_dict() == then.to_dict()
    assert by_line["value"].to_dict() == (now - then).to_dict()
    kinds = rows.set_index(["line", "kind"])
    assert (kinds.xs(KINDS["came"], level="kind")["visits_before"] == 0).all()
    assert (kinds.xs(KINDS["left"], level="kind")["visits_now"] == 0).all()
    assert kinds.xs(KINDS["stayed"], level="kind")["patients"].sum() > 0


def test_without_a_compared_period_there_is_no_shift(everything):
    for compare in ("none", "site-dallas"):
        rows = panels.rows(everything, "mix_shift", parse({"compare": [compare]}, scope_of(everything)))
        assert not len(rows)
        assert panels.PANELS["mix_shift"].answer(rows).startswith("Choose another period")


def test_a_shift_is_not_told_against_a_period_that_the_extract_holds_in_part(everything):
    first = everything.catalogue.first_day
    rows = []
    for start in (30, 29):
        days = (first + dt.timedelta(days=start), first + dt.timedelta(days=start + 29))
        address = {"period": ["custom"], "from": [str(days[0])], "to": [str(days[1])]}
        rows.append(len(panels.rows(everything, "mix_shift", parse(address, scope_of(everything)))))
    assert rows[0] > 0
    assert rows[1] == 0


def test_the_answer_says_whether_the_share_shifts_beyond_chance(everything, chosen):
    rows = panels.rows(everything, "mix_summary", chosen)
    panel = panels.PANELS["mix_summary"]
    whole = (rows["metric"] == "ketamine_share") & (rows["site"] == "All sites")

    def answer(**change):
        frame = rows.drop(columns=["change_kind", "change_words", "change_told"])
        return panel.answer(told(frame.mask(whole, frame.assign(**change))))

    wide = answer(change=-1.0, change_lower=-3.0, change_upper=1.0)
    assert "its change of −1.0 points (−3.0 to +1.0) is not distinguishable" in wide
    fallen = answer(change=-4.0, change_lower=-6.0, change_upper=-2.0)
    assert "its share has fallen by −4.0 points (−6.0 to −2.0)" in fallen


def test_a_patient_who_comes_four_times_is_no_four_findings(tmp_path):
    """Of ten patients eight come for ketamine, of ten others before them five, each four times: by visits a rise."""
    lines = ["booking_id,patient_id,site,service,starts_at,status,age"]
    for first, ketamine in ((5, 5), (15, 8)):
        for patient, visit in itertools.product(range(10), range(4)):
            service = "ketamine-infusion" if patient < ketamine else "vitamin-c"
            start = f"2026-09-{first + 3 * visit:02} 10:00"
            lines.append(f"B{len(lines)},P{first}-{patient},chicago,{service},{start},completed,40")
    by_visits = rates.newcombe_difference(32, 40, 20, 40)
    assert by_visits.lower > 0
    asked = {"period": ["custom"], "from": ["2026-09-15"], "to": ["2026-09-24"], "site": ["chicago"]}
    with reading(tmp_path, bookings="\n".join(lines) + "\n") as reader:
        first, second = (
            panels.rows(reader, "mix_summary", parse(asked | {"compare": [one], "also": [two]}, scope_of(reader)))
            for one, two in (("previous", "none"), ("none", "previous"))
        )
    for rows, lead in ((first, ""), (second, "also_")):
        told = rows.set_index("metric").loc["ketamine_share"]
        assert told[f"{lead}change_kind"] == "common"
        assert told[f"{lead}change"] == pytest.approx(30)
        # Four equal visits each: the variance is four times as large, the limits are twice as far.
        assert told[f"{lead}change_lower"] == pytest.approx(30 - 2 * (30 - 100 * by_visits.lower))
        assert told[f"{lead}change_upper"] == pytest.approx(30 + 2 * (100 * by_visits.upper - 30))
    assert "is not distinguishable" in panels.PANELS["mix_summary"].answer(first)


def test_limits_of_counts_stay_what_they_are(everything, chosen):
    names = ["completed", "patients", "invoiced"]
    every = panels.rows(everything, "mix_summary", chosen)
    plain = scores(everything, chosen, names)
    limits = ["change_lower", "change_upper", "change_told"]
    assert plain["change_upper"].max() > 100
    own = every[every["metric"].isin(names)].reset_index(drop=True)
    pd.testing.assert_frame_equal(own[limits], plain[limits])


def test_the_spread_of_a_share_is_that_of_the_patients(everything, chosen, tmp_path):
    """At each site and in all, worked out once more on the bookings; many are in both periods."""
    before = chosen.compared()
    values = chosen.values() | {"before_start": before.start, "before_end": before.end}
    found = everything.query("share_change", **values, one_in=1)
    with facts_of(everything.warehouse.path, tmp_path) as ask:
        visits = ask(
            "select patient::varchar as patient, site::varchar as site, starts_on, line = 'ketamine' as ketamine "
            "from bookings where status = 'completed'"
        ).df()
    days = pd.to_datetime(visits["starts_on"]).dt.date
    for site, by_patients in zip(found["site"], found["by_patients"], strict=True):
        spread = 0.0
        for sign, period in ((1, chosen), (-1, before)):
            own = visits[days.between(period.start, period.end) & (pd.isna(site) | (visits["site"] == site))]
            rest = (own["ketamine"] - own["ketamine"].mean()) / len(own)
            spread = rest.groupby(own["patient"]).sum().mul(sign).add(spread, fill_value=0)
        assert by_patients == pytest.approx((spread**2).sum())
    assert len(found) == len(chosen.sites) + 1
    assert (found["by_patients"] > 1.5 * found["by_visits"]).all()


def test_a_chair_hour_brings_what_was_invoiced_over_the_hours(everything, chosen):
    rows = panels.rows(everything, "chair_hour_revenue", chosen)
    invoiced = panels.rows(everything, "invoiced_by_site", chosen)
    assert rows["numerator"].sum() == pytest.approx(100 * invoiced["value"].sum())
    assert rows["value"].tolist() == pytest.approx((rows["numerator"] / 100 / rows["denominator"]).tolist())
    assert "Ketamine $" in panels.PANELS["chair_hour_revenue"].answer(rows)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_what_patients_use_is_told_apart_in_both_modes(everything, chosen, mode):
    look = panels.look_of(everything.catalogue, chosen, mode)
    colours = found_scale(panels.specification("patients_using_both", look).body)
    triples = [[int(colour[place : place + 2], 16) for place in (1, 3, 5)] for colour in colours]
    apart = [math.dist(one, other) for one, other in itertools.combinations(triples, 2)]
    assert len(apart) == 3
    # Hydration's blue and the accent's are 52 apart in the dark.
    assert min(apart) > 70


def found_scale(part):
    """The colours of the first scale of colours in a specification."""
    parts = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in parts:
        if key == "color" and isinstance(value, dict) and "range" in value.get("scale", {}):
            return value["scale"]["range"]
        if found := found_scale(value):
            return found
    return None
