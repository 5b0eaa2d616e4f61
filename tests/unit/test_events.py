"""The Events page's numbers against SQL written independently on the facts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from choices import asked

from dashboard import access, panels, two_groups
from dashboard.access import Role, Viewer
from dashboard.panels import PANELS, events
from dashboard.warehouse import Reader

EVENTS = [name for name, panel in PANELS.items() if panel.resource == "events"]


@pytest.mark.parametrize("username", ["admin", "manager.dallas", "finance"])
@pytest.mark.parametrize("name", EVENTS)
def test_who_they_are_is_for_the_medical_director(reader_of, username, name):
    reader = reader_of(username)
    with pytest.raises(access.AccessDeniedError):
        panels.rows(reader, name, asked(reader))
    with pytest.raises(access.AccessDeniedError):
        events.timeline(reader, "1")


def test_the_listing_has_each_event_with_its_infusion(director, facts):
    chosen = asked(director, period="28-days", site="dallas", effect="dizziness")
    rows = panels.rows(director, "event_list", chosen)
    truth = facts(
        """
        select event_id, e.patient::varchar as patient, b.age, b.dose_mg,
            (select count(*) from bookings as before where before.patient = e.patient and before.line = e.line
                and before.site = e.site
                and before.status = 'completed'
                and (before.starts_at, before.booking_id) <= (b.starts_at, b.booking_id)) as infusion,
            b.status = 'completed' as completed
        from side_effects as e inner join bookings as b using (booking_id)
        where e.site = 'dallas' and e.effect = 'dizziness' and e.starts_on between $start and $end
        order by e.starts_on desc, event_id
        """,
        start=chosen.start, end=chosen.end,
    )  # fmt: skip
    assert list(rows["event_id"]) == list(truth["event_id"])
    assert len(rows) >= 10
    assert list(rows["patient"]) == list(truth["patient"])
    np.testing.assert_array_equal(rows["age"].astype(float), truth["age"].astype(float))
    np.testing.assert_array_equal(rows["dose_mg"], truth["dose_mg"].astype(float))
    done = truth["completed"]
    np.testing.assert_array_equal(rows.loc[done, "infusion"].astype(float), truth.loc[done, "infusion"].astype(float))
    assert rows["infusion"].max() > 3


def test_the_latest_listed_are_those_of_the_sites_chosen(director):
    every = panels.rows(director, "event_list", asked(director, period="12-months")).set_index("event_id")
    one = panels.rows(director, "event_list", asked(director, period="12-months", site="chicago")).set_index(
        "event_id"
    )
    assert len(every) == events.LISTED
    assert set(one["site"]) == {"Chicago"}
    assert len(one) > (every["site"] == "Chicago").sum() > 50
    shared = one.index.intersection(every.index)
    np.testing.assert_array_equal(one.loc[shared, "infusion"], every.loc[shared, "infusion"])


def test_what_a_delivery_lacks_is_said(director):
    frame = panels.rows(director, "event_list", asked(director, period="90-days"))
    gaps = int((frame["action"] == "not recorded").sum())
    assert gaps > 0
    assert not frame[["related", "outcome", "action"]].isna().any().any()
    assert f"action of {gaps:,}" in PANELS["event_list"].answer(frame)
    assert f"dose of {int(frame['dose_mg'].isna().sum()):,}" in PANELS["event_list"].answer(frame)


def test_only_the_latest_are_listed_and_the_note_says_so(house, director):
    frame = panels.rows(director, "event_list", asked(director, period="12-months"))
    assert len(frame) == events.LISTED == 2_000
    assert frame["starts_on"].is_monotonic_decreasing
    assert "latest 2,000" in PANELS["event_list"].note


def test_the_onset_curve_rises_to_all_with_a_recorded_onset(director, facts):
    chosen = asked(director, period="12-months", effect="nausea", line="ketamine")
    curve = panels.rows(director, "onset_curve", chosen)
    truth = facts(
        """
        select onset_minutes from side_effects
        where effect = 'nausea' and line = 'ketamine' and status = 'completed'
            and starts_on between $start and $end
        """,
        start=chosen.start, end=chosen.end,
    )["onset_minutes"]  # fmt: skip
    known = np.sort(truth.dropna().to_numpy(dtype=float))
    assert curve["value"].iloc[-1] == pytest.approx(100)
    assert curve["value"].is_monotonic_increasing
    assert curve["denominator"].iloc[0] == len(known) > 50
    for minutes, value in zip(curve["minutes"], curve["value"], strict=True):
        assert value == pytest.approx(100 * (known <= minutes).mean())
    times = panels.rows(director, "event_times", chosen)
    assert times["onset_median"].iloc[0] == np.median(known)
    assert times["onset_q3"].iloc[0] == np.quantile(known, 0.75)
    assert times["onset_n"].iloc[0] == len(known)
    assert times["events"].iloc[0] == len(truth)
    half = np.quantile(known, 0.5, method="inverted_cdf")
    assert f"half had begun {half:.0f} min after ketamine" in PANELS["onset_curve"].answer(curve)


def test_no_heading_tells_a_median_of_few():
    """Of one event the longest duration is that event's, and half of four onsets are two."""
    curve = pd.DataFrame(
        {
            "what": "Nausea", "line": ["Ketamine"] * 2 + ["Vitamin"] * 2, "minutes": [20.0, 40.0, 3.0, 9.0],
            "value": [50.0, 100.0, 50.0, 100.0], "denominator": [10, 10, 9, 9],
        }
    )  # fmt: skip
    answer = PANELS["onset_curve"].answer
    assert answer(curve) == "Nausea: half had begun 20 min after ketamine; fewer than 10 after vitamin"
    assert answer(curve[2:]) == "Nausea: fewer than 10 onsets are recorded after any service line"
    times = pd.DataFrame(
        {"effect": ["Nausea", "Rash", "Fever"], "duration_median": [40.0, 300.0, np.nan], "duration_n": [10, 9, 0]}
    )
    answer = PANELS["event_times"].answer
    assert answer(times) == "Longest: nausea, 40 min in the median of 10"
    assert answer(times[1:]) == "Fewer than 10 durations are recorded of each side effect"
    assert answer(times[2:]) == "No duration is recorded for such side effects in this period"


@pytest.mark.parametrize("effect", ["", "nausea", "serious"])
def test_who_came_back_after_it_and_who_without(director, facts, effect):
    chosen = asked(director, period="12-months", effect=effect)
    rows = panels.rows(director, "event_returns", chosen).set_index("comparison")
    until = director.catalogue.last_full_day
    truth = facts(
        """
        select b.site, b.line, b.band,
            exists (select 1 from side_effects as e
                where e.booking_id = b.booking_id
                    and ($effect = '' or e.effect = $effect or ($effect = 'serious' and e.serious))) as with_it,
            exists (select 1 from bookings as later
                where later.patient = b.patient and later.line = b.line and later.site = b.site
                    and later.status = 'completed'
                    and (later.starts_at, later.booking_id) > (b.starts_at, b.booking_id)
                    and later.starts_on - b.starts_on <= 60) as back,
            count(*) as n
        from bookings as b
        where b.status = 'completed' and b.starts_on <= $until::date - 60
        group by all
        """,
        effect=effect, until=until,
    )  # fmt: skip
    for site, part in [*truth.groupby("site", observed=True), ("all", truth)]:
        name = "All sites" if site == "all" else director.catalogue.site_name(site)
        counts = [
            part.loc[(part["with_it"] == with_it) & (part["back"] if back else True), "n"].sum()
            for with_it in (True, False)
            for back in (True, False)
        ]
        if not part["with_it"].any():
            assert name not in rows.index
            continue
        row = rows.loc[name]
        assert list(row[["numerator", "denominator", "other_numerator", "other_denominator"]]) == counts
        # Of each service line and age band of a site those with and without it, weighted by both.
        part = part.assign(n=part["n"].astype(float), returned=part["n"].where(part["back"], 0).astype(float))
        strata = [
            [
                one.loc[one["with_it"] == with_it, column].sum()
                for with_it in (True, False)
                for column in ("returned", "n")
            ]
            for _, one in part.groupby(["site", "line", "band"], observed=True)
        ]
        weights = [n * m / (n + m) for _, n, _, m in strata]
        difference = sum(
            weight * (x / n - y / m) for weight, (x, n, y, m) in zip(weights, strata, strict=True) if weight
        )
        assert row["difference"] == pytest.approx(100 * difference / sum(weights))
        assert row["difference"] == pytest.approx(row["rate"] - row["other_rate"])
        limits = two_groups.like_for_like(*zip(*strata, strict=True)).difference
        assert row["lower"] == pytest.approx(100 * float(limits.lower))


def test_a_patients_timeline_is_all_of_it_in_order(director, facts):
    patient = facts("select patient::varchar as p from scores group by 1 order by count(*) desc, 1 limit 1")[
        "p"
    ].iloc[0]
    rows = events.timeline(director, patient)
    assert rows["moment"].is_monotonic_increasing
    counted = facts(
        """
        select (select count(*) from bookings where patient::varchar = $p and status = 'completed') as infusions,
            (select count(*) from side_effects where patient::varchar = $p) as effects,
            (select count(*) from scores where patient::varchar = $p) as scores
        """,
        p=patient,
    ).iloc[0]  # fmt: skip
    kinds = rows["kind"].value_counts()
    assert kinds["Infusion"] == counted["infusions"] > 0
    assert kinds.get("Side effect", 0) == counted["effects"]
    assert kinds.get("PHQ-9", 0) + kinds.get("GAD-7", 0) == counted["scores"] > 0
    here = Reader(director.warehouse, Viewer("x", "X", Role.MEDICAL_DIRECTOR, frozenset({"dallas"})))
    assert set(events.timeline(here, patient)["site"]) <= {"Dallas"}
    assert not len(events.timeline(director, "' or 1=1 --"))


def test_a_choice_that_holds_nothing_says_so(director):
    nothing = asked(
        director, period="custom", from_="2026-10-25", to="2026-10-25", line="vitamin", effect="confusion"
    )
    for name in ("event_list", "onset_curve", "event_times"):
        assert PANELS[name].answer(panels.rows(director, name, nothing)).startswith("No ")


def test_every_column_of_minutes_says_so():
    columns = PANELS["event_times"].columns
    assert {c.title.endswith(" (min)") for c in columns if c.format == "decimal"} == {True}
