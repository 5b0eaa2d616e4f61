"""How patients fared: every threshold on rows written by hand, and pandas on the facts of the demo extract."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from small_extracts import reading

from dashboard import filters, panels
from dashboard.access import AccessDeniedError, Role
from dashboard.exports import scope_of

FIRST = pd.Timestamp("2026-03-02 09:00")
LAST = "2026-06-30"
AFTER = "14–31 days after induction"

#: By patient: the days of ketamine infusions from FIRST, and PHQ-9 scores as (days from the first infusion, score).
COURSES = {
    # A baseline of exactly 14 days, and of 15, which is too old; the last one counts.
    "half": ([0, 2, 20], [(-14, 20), (-15, 3), (0.9, 10), (7, 11), (14, 10), (34, 10)]),
    "too_old": ([0], [(-15, 20), (7, 5)]),
    # Later on the day of the first infusion is no baseline, and is within 24 hours.
    "same_day": ([0], [(-0.01, 20), (0.01, 9)]),
    # A second past 24 hours.
    "late": ([0], [(-3, 20), (1.00002, 4)]),
    # Day 5 and day 9 are near enough to day 7, 4 and 10 are not; of two as near the later one counts.
    "near": ([0], [(-1, 10), (4, 1), (5, 15), (9, 16), (10, 1)]),
    "nearer": ([0], [(-1, 10), (6, 14), (9, 1)]),
    # Induction ends with the infusion of day 28; that of day 29 is a later one.
    "long": ([0, 28, 29], [(-1, 12), (28 + 13, 0), (28 + 14, 8), (28 + 31, 4), (28 + 32, 12)]),
    # PHQ-9 of 5 is no remission; 7 above is worse, 4 above is not.
    "five": ([0], [(-1, 10), (20, 5)]),
    "worse": ([0], [(-1, 8), (20, 13)]),
    "not_worse": ([0], [(-1, 8), (20, 12)]),
    # Responded within 24 hours: one lasts, one doesn't, one isn't seen again.
    "lasting": ([0], [(-1, 20), (0.5, 8), (16, 9)]),
    "fading": ([0], [(-1, 20), (0.5, 8), (12, 11)]),
    "unseen": ([0], [(-1, 20), (0.5, 8), (17, 2)]),
    # Nothing to fall from.
    "well": ([0], [(-1, 0), (20, 0)]),
    "silent": ([0], []),
    # Another line first: the clock starts with ketamine.
    "vitamin": ([30], [(29, 18), (50, 9)]),
}


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory):
    folder = tmp_path_factory.mktemp("effectiveness")
    bookings, scores = [], []
    for patient, (infusions, taken) in COURSES.items():
        visits = [(day, "ketamine-infusion") for day in infusions]
        visits += [(0, "vitamin-c")] if patient == "vitamin" else []
        for day, service in visits:
            start = FIRST + pd.Timedelta(days=day)
            bookings.append((f"{patient}-{day}", patient, "dallas", service, start, "completed", 40, "ptsd"))
        scores += [
            (f"{patient}-{day}", patient, "PHQ-9", FIRST + pd.Timedelta(days=day), score) for day, score in taken
        ]
    # No infusion: it didn't take place.
    bookings.append(("away", "away", "dallas", "ketamine-infusion", FIRST, "no_show", 40, "ptsd"))
    bookings.append(("end", "other", "chicago", "vitamin-c", pd.Timestamp(LAST), "completed", 40, ""))
    columns = ["booking_id", "patient_id", "site", "service", "starts_at", "status", "age", "indication"]
    tables = {"bookings": pd.DataFrame(bookings, columns=columns).to_csv(index=False)}
    columns = ["score_id", "patient_id", "instrument", "taken_at", "score"]
    tables["scores"] = pd.DataFrame(scores, columns=columns).to_csv(index=False)
    with reading(folder, Role.MEDICAL_DIRECTOR, **tables) as reader:
        yield reader


def shown(reader, name="effectiveness", **parameters):
    chosen = {"period": ["custom"], "from": ["2026-03-02"], "to": [LAST], "compare": ["none"]}
    chosen |= {key.rstrip("_"): [value] for key, value in parameters.items()}
    frame = panels.rows(reader, name, filters.parse(chosen, scope_of(reader)))
    return frame[frame["instrument"] == "PHQ-9"].set_index(["moment", "metric"])


def counted(frame, moment, metric):
    return tuple(frame.loc[(moment, metric), ["numerator", "denominator"]].astype(int))


def test_each_threshold(by_hand):
    rows = shown(by_hand)
    due = len(COURSES)
    assert counted(rows, "Within 24 hours", "scored") == (5, due)
    assert counted(rows, "Within 24 hours", "response") == (5, 5)
    # half 11, near 16 (the later of 5 and 9), nearer 14.
    assert counted(rows, "Day 7", "scored") == (3, due)
    assert counted(rows, "Day 7", "score_change") == ((11 - 20) + (16 - 10) + (14 - 10), 3)
    assert counted(rows, "Day 7", "worsening") == (1, 3)
    assert counted(rows, "Day 14", "scored") == (3, due)
    changes = {
        "half": 10 - 20, "long": 4 - 12, "five": 5 - 10, "worse": 13 - 8, "not_worse": 12 - 8, "lasting": 9 - 20,
        "unseen": 2 - 20, "well": 0, "vitamin": 9 - 18,
    }  # fmt: skip
    assert counted(rows, AFTER, "scored") == (len(changes), due)
    assert counted(rows, AFTER, "score_change") == (sum(changes.values()), len(changes))
    # half, long, five, lasting, unseen, vitamin; nobody responds from a baseline of 0.
    assert counted(rows, AFTER, "response") == (6, len(changes))
    # long, unseen, well.
    assert counted(rows, AFTER, "remission") == (3, len(changes))
    assert counted(rows, AFTER, "worsening") == (1, len(changes))
    change = rows.loc[(AFTER, "score_change")]
    values = np.array(list(changes.values()))
    assert change["value"] == pytest.approx(values.mean())
    low, high = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
    assert (change["lower"], change["upper"]) == pytest.approx((low, high))


def test_what_lasts_is_of_those_who_had_responded_within_a_day(by_hand):
    rows = shown(by_hand)
    # half (10 of 20 on day 14) and lasting still respond, fading doesn't; same_day and unseen aren't scored again.
    assert counted(rows, "Day 14", "durability") == (2, 3)
    assert counted(rows, "Day 14", "responders_scored") == (3, 5)
    assert tuple(rows.loc[("Day 14", "durability"), ["scored", "due"]]) == (3, 5)


@pytest.mark.parametrize(("moment", "closes"), [("Within 24 hours", 1), ("Day 7", 9), ("Day 14", 16), (AFTER, 31)])
def test_a_patient_is_due_in_the_period_in_which_the_time_for_the_score_ends(by_hand, moment, closes):
    """Of the induction of a single infusion: on that day, not on the days beside it."""
    day = FIRST.date() + pd.Timedelta(days=closes)
    due = [
        counted(shown(by_hand, from_=(day + pd.Timedelta(days=step)).isoformat(), to=(day + pd.Timedelta(days=step)).isoformat()),
                moment, "scored")[1]
        for step in (-1, 0, 1)
    ]  # fmt: skip
    # Two inductions end later, and one begins later.
    assert due == [0, len(COURSES) - (3 if moment == AFTER else 1), 0]


def test_one_line_indication_or_age_group_at_a_time(by_hand):
    assert shown(by_hand, line="vitamin")["denominator"].sum() == 0
    assert set(shown(by_hand, "effectiveness_by_indication")["indication"]) == {"PTSD"}
    assert set(shown(by_hand, "effectiveness_by_age")["group"]) == {"Adult"}
    assert shown(by_hand, band="65-74")["denominator"].sum() == 0
    # Nobody begins in Chicago, so nothing is said of it.
    assert set(shown(by_hand, "effectiveness_by_site")["site"]) == {"Dallas"}


def test_outcomes_are_open_to_who_cares_for_patients(reader_of):
    for username in ("director", "admin", "manager.dallas"):
        reader = reader_of(username)
        assert len(panels.rows(reader, "effectiveness_by_site", filters.parse({}, scope_of(reader))))
    finance = reader_of("finance")
    with pytest.raises(AccessDeniedError):
        panels.rows(finance, "effectiveness", filters.parse({}, scope_of(finance)))


@pytest.fixture(scope="module")
def courses(facts):
    """Patients' first infusions, inductions and scores of the demo extract, by pandas."""
    infusions = facts(
        "select * from bookings where line = 'ketamine' and status = 'completed' order by starts_at, booking_id"
    )
    scores = facts("select * from scores order by taken_at, score_id")
    first = infusions.groupby("patient").first()
    began = infusions["patient"].map(first["starts_on"])
    induction = infusions[(infusions["starts_on"] - began).dt.days <= 28]
    return first.assign(last_on=induction.groupby("patient")["starts_on"].max()), scores


@pytest.mark.parametrize("instrument", ["PHQ-9", "GAD-7"])
def test_the_figures_of_the_demo_extract_are_those_of_pandas(everything, courses, instrument):
    first, scores = courses
    chosen = filters.parse({"period": ["12-months"], "compare": ["none"]}, scope_of(everything))
    scores = scores[scores["instrument"] == instrument].join(
        first[["starts_at", "starts_on", "last_on"]], on="patient"
    )
    since = (scores["taken_on"] - scores["starts_on"]).dt.days
    early = (scores["taken_at"] > scores["starts_at"]) & (
        scores["taken_at"] - scores["starts_at"] <= pd.Timedelta("24h")
    )
    baseline = scores[(scores["taken_at"] <= scores["starts_at"]) & (since >= -14)].groupby("patient")["score"].last()
    after = (scores["taken_on"] - scores["last_on"]).dt.days.between(14, 31)
    later = scores[after].groupby("patient")["score"].last().astype(int)
    due = first[(first["last_on"] + pd.Timedelta(days=31)).between(str(chosen.start), str(chosen.end))]
    both = due.assign(baseline=baseline.astype(int), score=later).dropna(subset=["baseline", "score"])

    rows = panels.rows(everything, "effectiveness_by_site", chosen)
    rows = rows[rows["instrument"] == instrument].set_index(["metric", "site"])
    for site, part in both.groupby(both["site"].map(everything.catalogue.site_name)):
        n = len(part)
        assert n >= 20
        assert tuple(rows.loc[("scored", site), ["numerator", "denominator"]]) == (
            n,
            (due["site"].map(everything.catalogue.site_name) == site).sum(),
        )
        change = part["score"] - part["baseline"]
        assert rows.loc[("score_change", site), "value"] == pytest.approx(change.mean())
        assert rows.loc[("response", site), "numerator"] == (part["score"] <= part["baseline"] / 2).sum()
        assert rows.loc[("worsening", site), "numerator"] == (change >= 5).sum()
        if instrument == "PHQ-9":
            assert rows.loc[("remission", site), "numerator"] == (part["score"] < 5).sum()
    assert ("remission" in rows.index.get_level_values(0)) == (instrument == "PHQ-9")
    # Those who had responded within a day and were due on day 14.
    soon = scores[early].groupby("patient")["score"].last()
    responders = first[(first["starts_on"] + pd.Timedelta(days=16)).between(str(chosen.start), str(chosen.end))]
    responders = responders.assign(baseline=baseline, soon=soon).dropna(subset=["baseline", "soon"])
    responders = responders[responders["soon"] <= responders["baseline"] / 2]
    whole = panels.rows(everything, "effectiveness", chosen)
    lasting = whole[(whole["metric"] == "responders_scored") & (whole["instrument"] == instrument)]
    assert lasting["denominator"].item() == len(responders) > 0


def test_the_change_of_a_mean_has_the_interval_of_both_means(everything):
    chosen = filters.parse({"period": ["90-days"]}, scope_of(everything))
    now = panels.rows(everything, "effectiveness", chosen).query("metric == 'score_change'")
    before = panels.rows(everything, "effectiveness", chosen.compared()).query("metric == 'score_change'")
    assert now["change"].notna().all()
    np.testing.assert_allclose(now["change"], now["value"] - before["value"].to_numpy())
    below = np.hypot(now["value"] - now["lower"], (before["upper"] - before["value"]).to_numpy())
    np.testing.assert_allclose(now["change_lower"], now["change"] - below)


def test_no_change_is_told_against_days_in_which_those_seem_to_begin_who_had_begun_before(everything):
    scope = scope_of(everything)
    for first, told in ((119, False), (120, True)):
        start = scope.first_day + dt.timedelta(days=first + 90)
        end = start + dt.timedelta(days=89)
        chosen = filters.parse({"period": ["custom"], "from": [str(start)], "to": [str(end)]}, scope)
        assert chosen.compared().start == scope.first_day + dt.timedelta(days=first)
        rows = panels.rows(everything, "effectiveness", chosen)
        assert rows["change"].notna().any() == told
        assert (rows["change_told"] != "").any() == told
