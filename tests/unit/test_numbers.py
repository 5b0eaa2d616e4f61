"""Every metric at every site against SQL written independently on the facts."""

import re

import numpy as np
import pandas as pd
import pytest

from dashboard import panels, scorecard
from dashboard.access import RESOURCES, Role, allows
from dashboard.exports import scope_of
from dashboard.filters import parse
from dashboard.measuring import measure
from dashboard.metrics import METRICS
from dashboard.panels import safety
from dashboard.panels.safety import effect_rows
from dashboard.panels.sums import counts, effect_counts, gathered
from dashboard.panels.words import ALL_SITES

VISIT = "status in ('arrived', 'completed')"
DONE = "status = 'completed'"
KETAMINE = "line = 'ketamine'"
#: Numerator and denominator of each metric on the table of bookings; None where it is a count.
ON_BOOKINGS = {
    "bookings": ("count(*)", None),
    "completed": (f"count_if({DONE})", None),
    "no_show_rate": ("count_if(status = 'no_show')", f"count_if({VISIT} or status = 'no_show')"),
    "no_show_rate_scheduled": (
        "count_if(status = 'no_show')",
        "count_if(status not in ('cancelled', 'booked', 'late_cancelled') or status <> 'cancelled' "
        "and starts_on <= (select last_full_day from extract_info))",
    ),
    "no_show_rate_slots": (
        "count_if(status = 'no_show')",
        "(select sum(greatest(case when c.date <= (select last_full_day from extract_info) then s.chairs * "
        "floor(date_diff('minute', s.opens, s.closes) * c.open::int / (select min(minutes) from service_prices)) else 0 end, "
        "(select count_if(status in ('arrived', 'completed', 'no_show')) from bookings b "
        "where b.site = c.site and b.starts_on = c.date))) "
        "from calendar c join site_hours s on s.site = c.site where c.date between $start and $end "
        "and c.site::varchar = any($sites))",
    ),
    "cancellation_rate": ("count_if(status = 'cancelled')", "count(*)"),
    "late_cancellation_rate": ("count_if(status = 'late_cancelled')", "count(*)"),
    "new_patients": ("count_if(is_new)", None),
    "returning_visits": (f"count_if({VISIT} and not is_new)", None),
    "ketamine_share": (f"count_if({DONE} and {KETAMINE})", f"count_if({DONE})"),
    "drip_share": (f"count_if({DONE} and not {KETAMINE})", f"count_if({DONE})"),
    "invoiced": (f"sum(price_cents) filter ({DONE}) / 100", None),
    "patients": (f"count(distinct patient) filter ({VISIT})", None),
    "ascertainment": (f"count_if({DONE} and assessed)", f"count_if({DONE})"),
    "anesthesiologist_coverage": (
        f"count_if({DONE} and {KETAMINE} and supervision = 'anesthesiologist')",
        f"count_if({DONE} and {KETAMINE})",
    ),
    "physician_coverage": (
        f"count_if({DONE} and {KETAMINE} and supervision = 'physician')",
        f"count_if({DONE} and {KETAMINE})",
    ),
    "supervision_not_recorded": (
        f"count_if({DONE} and {KETAMINE} and supervision = 'not_recorded')",
        f"count_if({DONE} and {KETAMINE})",
    ),
    "supervision_other": (
        f"count_if({DONE} and {KETAMINE} and supervision = 'other')",
        f"count_if({DONE} and {KETAMINE})",
    ),
    "supervision_none": (
        f"count_if({DONE} and {KETAMINE} and supervision = 'none')",
        f"count_if({DONE} and {KETAMINE})",
    ),
    "coordinated_care": (
        f"count(distinct patient) filter ({DONE} and {KETAMINE} and mental_health_provider = 'yes')",
        f"count(distinct patient) filter ({DONE} and {KETAMINE})",
    ),
    "any_effect": (f"count_if({DONE} and booking_id in (select booking_id from side_effects))", f"count_if({DONE})"),
    "severe_effect": (
        f"count_if({DONE} and booking_id in (select booking_id from side_effects "
        "where severity in ('severe', 'life_threatening', 'fatal')))",
        f"count_if({DONE})",
    ),
    "serious_effect": (
        f"count_if({DONE} and booking_id in (select booking_id from side_effects where serious))",
        f"count_if({DONE})",
    ),
    "any_effect_patients": (
        f"count(distinct patient) filter ({DONE} and booking_id in (select booking_id from side_effects))",
        f"count(distinct patient) filter ({DONE})",
    ),
    "severe_effect_patients": (
        f"count(distinct patient) filter ({DONE} and booking_id in "
        "(select booking_id from side_effects where severity in ('severe', 'life_threatening', 'fatal')))",
        f"count(distinct patient) filter ({DONE})",
    ),
    "serious_effect_patients": (
        f"count(distinct patient) filter ({DONE} and booking_id in "
        "(select booking_id from side_effects where serious))",
        f"count(distinct patient) filter ({DONE})",
    ),
    "lead_time": ("median(starts_on - booked_on)", None),
    "chair_utilisation": (
        f"sum(chair_minutes) filter ({VISIT})",
        "(select sum(capacity_minutes) from calendar c where c.date between $start and $end "
        "and c.site::varchar = any($sites))",
    ),
    "scheduled_utilisation": (
        "sum(chair_minutes) filter (status not in ('cancelled', 'late_cancelled'))",
        "(select sum(capacity_minutes) from calendar c where c.date between $start and $end "
        "and c.site::varchar = any($sites))",
    ),
    "transfers": (
        "(select count_if(transfer) from side_effects e where e.starts_on between $start and $end "
        "and e.site::varchar = any($sites))",
        None,
    ),
    "events": (
        "(select count(*) from side_effects e where e.starts_on between $start and $end "
        "and e.site::varchar = any($sites))",
        None,
    ),
}
#: Metrics of one side effect; `test_each_effect` has them.
OF_AN_EFFECT = {"effect_incidence", "effect_incidence_patients", "event_rate"}


@pytest.fixture(scope="module")
def chosen(everything):
    return parse({"period": ["90-days"]}, scope_of(everything))


def asked(facts, chosen, name, sites):
    above, below = ON_BOOKINGS[name]
    sql = f"select ({above})::double as above, {f'({below})::double' if below else 'null'} as below from bookings "
    sql += "where starts_on between $start and $end and site::varchar = any($sites)"
    return facts(sql, start=chosen.start, end=chosen.end, sites=list(sites)).iloc[0].tolist()


def test_every_metric_has_independent_sql():
    # test_money.py, test_effectiveness.py and test_courses.py have the others.
    elsewhere = {name for name, metric in METRICS.items() if metric.source in {"money", "effectiveness", "courses"}}
    assert ON_BOOKINGS.keys() | OF_AN_EFFECT == METRICS.keys() - elsewhere


@pytest.mark.parametrize("name", ON_BOOKINGS)
def test_metric_at_each_site_and_over_all(everything, facts, chosen, name):
    metric = METRICS[name]
    by_site = gathered(everything, chosen, [name], "site")
    rows = dict(zip(by_site["site"], measure(by_site, metric).to_dict("records"), strict=True))
    rows[ALL_SITES] = measure(gathered(everything, chosen, [name]), metric).iloc[0].to_dict()
    assert list(rows) == [*everything.sites, ALL_SITES]
    for site, row in rows.items():
        above, below = asked(facts, chosen, name, everything.sites if site == ALL_SITES else [site])
        if ON_BOOKINGS[name][1] is None:
            assert row["value"] == pytest.approx(above, abs=1e-9), site
        else:
            assert (row["numerator"], row["denominator"]) == (above, below), site
            assert row["value"] == pytest.approx(100 * above / below), site


@pytest.mark.parametrize("by", [(), ("site",), ("line",), ("band",)])
def test_each_effect(everything, facts, chosen, by):
    rows = effect_rows(everything, chosen, *by)
    values = {"start": chosen.start, "end": chosen.end}
    keys = "".join(f"{name}::varchar as {name}, " for name in by)
    events = facts(
        f"select {keys} effect::varchar as effect, count(*) as events, count(distinct booking_id) as infusions, "
        "count(distinct patient) as patients from side_effects where status = 'completed' "
        "and starts_on between $start and $end group by all",
        **values,
    )
    done = facts(
        f"select {keys} count(*) as infusions, count(distinct patient) as patients from bookings "
        "where status = 'completed' and starts_on between $start and $end group by all",
        **values,
    )
    assert rows["numerator"].sum() == events["infusions"].sum() > 0
    assert rows["patient_numerator"].sum() == events["patients"].sum()
    assert rows["events"].sum() == events["events"].sum()
    per_effect = rows.groupby("effect")
    assert (per_effect["denominator"].sum() == done["infusions"].sum()).all()
    assert (per_effect["patient_denominator"].sum() == done["patients"].sum()).all()


def test_effects_without_an_event_have_their_row_and_bound(everything, chosen):
    rows = effect_rows(everything, chosen)
    assert list(rows["effect"]) == list(everything.catalogue.effects.values())
    none = rows[rows["numerator"] == 0]
    assert "Cardiac arrest" in none["effect"].to_numpy()
    arrest = none[none["effect"] == "Cardiac arrest"].iloc[0]
    bound = 100 * (1 - 0.05 ** (1 / arrest["denominator"]))
    assert arrest["upper"] == pytest.approx(bound)
    assert arrest["reading"] == f"0 in {arrest['denominator']:,.0f} infusions; upper bound {bound:.2f} %"


@pytest.mark.parametrize("dimension", ["site", "line", "band", "service"])
def test_counts_add_up_over(everything, chosen, dimension):
    total = counts(everything, chosen).iloc[0]
    parts = counts(everything, chosen, dimension)
    added = [c for c in total.index if c not in ("capacity_minutes", "open_days")]
    assert len(added) > 20
    assert parts[added].sum().to_dict() == total[added].to_dict()


def test_every_band_is_there_under_12_and_unknown_too(everything, chosen):
    assert list(counts(everything, chosen, "band")["band"]) == list(everything.catalogue.bands)
    assert {"Under 12", "Unknown"} <= set(everything.catalogue.bands)


def test_patients_by_age_add_up_to_the_sites_patients(everything, facts, chosen):
    rows = panels.PANELS["age_patients"].frame(everything, chosen)
    for site in everything.sites:
        name = everything.catalogue.site_name(site)
        assert rows.loc[rows["site"] == name, "value"].sum() == asked(facts, chosen, "patients", [site])[0]


@pytest.mark.parametrize("grain", ["day", "week", "month"])
def test_a_trend_adds_up_to_its_period(everything, chosen, grain):
    by = parse({"period": ["90-days"], "by": [grain]}, scope_of(everything))
    total = counts(everything, chosen).iloc[0]
    assert counts(everything, by, "period")["bookings"].sum() == total["bookings"]
    events = effect_counts(everything, by, "period")["all_events"].sum()
    assert events == effect_counts(everything, chosen)["all_events"].iloc[0]


@pytest.mark.parametrize(
    ("trend", "summary", "name"),
    [
        ("no_show_trend", "bookings_summary", "no_show_rate"),
        ("cancellation_trend", "bookings_summary", "cancellation_rate"),
        ("late_cancellation_trend", "bookings_summary", "late_cancellation_rate"),
        ("effect_trend", "safety_outcomes", "any_effect"),
        ("ascertainment_trend", "safety_quality", "ascertainment"),
        ("any_effect_by_line", "safety_outcomes", "any_effect"),
        ("age_no_shows", "bookings_summary", "no_show_rate"),
        ("age_effects", "safety_outcomes", "any_effect"),
    ],
)
def test_panels_agree_on_a_rate(everything, chosen, trend, summary, name):
    parts = panels.PANELS[trend].frame(everything, chosen).groupby("site")[["numerator", "denominator"]].sum()
    whole = panels.PANELS[summary].frame(everything, chosen)
    whole = whole[(whole["metric"] == name) & (whole["site"] != ALL_SITES)].set_index("site")
    pd.testing.assert_frame_equal(
        parts.sort_index(), whole[["numerator", "denominator"]].sort_index(), check_names=False
    )


@pytest.mark.parametrize("name", panels.PANELS)
def test_every_panel_has_its_columns_for_every_choice(everything, reader_of, name):
    panel = panels.PANELS[name]
    if not allows(everything.viewer, panel.resource):
        everything = reader_of("director")
    choices = ({}, {"site": ["dallas"]}, {"line": ["vitamin"]}, {"band": ["85-plus"]}, {"compare": ["none"]},
               {"compare": ["last-year"], "period": ["12-months"]})  # fmt: skip
    for choice in choices:
        chosen = parse(choice, scope_of(everything))
        frame = panel.frame(everything, chosen)
        assert {column.name for column in panel.columns} <= set(frame.columns), choice
        assert panels.heading(everything, name, chosen)
        if panel.html and len(frame):
            assert re.search("<(table|ul)", panel.html(frame))


@pytest.mark.parametrize("name", [n for n, p in panels.PANELS.items() if Role.MANAGER in RESOURCES[p.resource]])
def test_the_other_sites_are_in_no_panel_of_a_manager(reader_of, name):
    dallas = reader_of("manager.dallas")
    frame = panels.PANELS[name].frame(dallas, parse({"site": ["chicago", "miami-beach"]}, scope_of(dallas)))
    assert not frame.astype(str).isin(["Chicago", "Miami Beach", "chicago", "miami_beach"]).to_numpy().any()


def frequency(patients, of):
    """How frequent a side effect is called that so many patients had."""
    row = pd.DataFrame([{"patients": patients, "treated_patients": of}])
    return safety._frequency(measure(row, METRICS["effect_incidence_patients"]).add_prefix("patient_").iloc[0])


def test_how_frequent_is_told_with_the_classes_that_the_patients_allow():
    """At, above and below each threshold of CIOMS III; of few patients every class is possible that the interval has."""
    assert [safety._class(percent) for percent in (10, 9.99, 1, 0.999, 0.1, 0.0999, 0.01, 0.00999, 0)] == [
        "very common", "common", "common", "uncommon", "uncommon", "rare", "rare", "very rare", "very rare",
    ]  # fmt: skip
    assert frequency(5_000, 100_000) == "common"
    assert frequency(1, 5) == "very common (common to very common)"
    assert frequency(3, 100) == "common"
    assert frequency(2, 100) == "common (uncommon to common)"
    assert frequency(0, 40) == "none seen; at most common"
    assert frequency(0, 400) == "none seen; at most uncommon"
    assert frequency(0, 0) == ""
    assert frequency(np.nan, 100) == ""


def test_against_the_compared_period_like_for_like(everything):
    rows = panels.rows(everything, "effects", parse({"period": ["90-days"]}, scope_of(everything)))
    seen = rows[rows["alike_lower"].notna()]
    assert len(seen) > 5
    for row in seen.to_dict("records"):
        told = row["against_before"]
        if row["alike_lower"] <= 0 <= row["alike_upper"]:
            assert told.startswith("not distinguishable")
        else:
            assert told in {"not distinguishable among several", "higher like for like", "lower like for like"}
    before = parse({"period": ["90-days"]}, scope_of(everything)).compared()
    earlier = panels.rows(everything, "effects", before)
    pd.testing.assert_series_equal(rows["before"], earlier["value"], check_names=False)
    none = panels.rows(
        everything, "effects", parse({"period": ["90-days"], "compare": ["none"]}, scope_of(everything))
    )
    assert none[["change", "alike"]].isna().all(axis=None)
    assert set(none["against_before"]) == {""}


def test_every_share_on_a_card_has_what_it_was_worked_out_from(everything, chosen):
    rows = panels.rows(everything, "bookings_summary", chosen)
    html = scorecard.compare(rows)
    for name in ("chair_utilisation", "scheduled_utilisation", "no_show_rate"):
        hours, unit = (60, '<span class="more"> h</span>') if "utilisation" in name else (1, "")
        for row in rows[rows["metric"] == name].to_dict("records"):
            over, under = (row[part] / hours for part in ("numerator", "denominator"))
            assert f'<span class="counted">{over:,.0f}/{under:,.0f}{unit}</span>' in html


def test_all_sites_are_those_of_the_extract_and_not_of_an_account(reader_of, everything):
    """A manager of two sites out of three, and whoever chooses two of them, reads no total of all."""
    scope = scope_of(everything)
    two = parse({"period": ["90-days"], "site": ["chicago", "dallas"]}, scope)
    manager = reader_of("manager.two")
    own = parse({"period": ["90-days"]}, scope_of(manager))
    whole = parse({"period": ["90-days"]}, scope)
    for reader, chosen, said in ((everything, two, "These sites"), (manager, own, "These sites"),
                                 (everything, whole, "All sites")):  # fmt: skip
        assert panels.rows(reader, "bookings_summary", chosen)["site"].iloc[-1] == said
