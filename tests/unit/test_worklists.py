"""The worklists against pandas on the facts: who is on each, who isn't, in which order."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from choices import asked

from dashboard import access, packs, panels
from dashboard.panels import PANELS, worklists

LISTS = [name for name, panel in PANELS.items() if panel.resource == "worklists"]
KEPT = {"booked", "arrived", "completed"}


@pytest.fixture(scope="module")
def until(house):
    return house.catalogue.last_full_day


@pytest.fixture(scope="module")
def bookings(facts):
    frame = facts(
        "select booking_id, patient::varchar as patient, site::varchar as site, line::varchar as line, "
        "status::varchar as status, starts_at, starts_on, assessed from bookings"
    )
    return frame.assign(starts_on=pd.to_datetime(frame["starts_on"]).dt.date).sort_values(["starts_at", "booking_id"])


@pytest.fixture(scope="module")
def ketamine(bookings):
    """Completed and planned ketamine visits by patient, in order."""
    own = bookings[(bookings["line"] == "ketamine") & bookings["status"].isin(KEPT)]
    return dict(list(own.groupby("patient")))


def done(visits, until):
    return visits[(visits["status"] == "completed") & (visits["starts_on"] <= until)]


def heading(reader, name):
    return panels.heading(reader, name, asked(reader))


def days(count):
    return dt.timedelta(days=count)


def keys(frame):
    """A list's rows as (booking, patient), in order."""
    return list(zip(frame["booking_id"], frame["patient"], strict=True))


def test_inductions_that_will_miss_day_28(everything, ketamine, until):
    rows = panels.rows(everything, "worklist_inductions", asked(everything))
    truth, safe = {}, 0
    for patient, visits in ketamine.items():
        had = done(visits, until)
        if not len(had):
            continue
        day_28 = had["starts_on"].iloc[0] + days(28)
        if not 1 <= (day_28 - until).days <= worklists.NEAR_DAYS:
            continue
        count = len(had)
        ahead = int(((visits["starts_on"] > until) & (visits["starts_on"] <= day_28)).sum())
        if count + ahead >= 6:
            safe += 1
            continue
        at_home = had[had["site"] == had["site"].iloc[0]]
        truth[at_home["booking_id"].iloc[-1], patient] = ((day_28 - until).days, count, ahead)
    assert safe > 0
    assert len(truth) >= 3
    found = zip(rows["days_left"], rows["done"], rows["ahead"], strict=True)
    assert dict(zip(keys(rows), found, strict=True)) == truth
    assert rows["days_left"].is_monotonic_increasing
    assert ((rows["todo"].str.startswith("Too late")) == (rows["short"] > rows["days_left"])).all()
    late = int((rows["short"] > rows["days_left"]).sum())
    told = f"{len(truth)} inductions will miss day 28" + (f"; for {late} it is too late" if late else "")
    assert heading(everything, "worklist_inductions").startswith(told)


def test_boosters_overdue(everything, ketamine, until):
    rows = panels.rows(everything, "worklist_boosters", asked(everything))
    later, last = {}, {}
    for patient, visits in ketamine.items():
        every = visits[visits["status"] == "completed"]
        first = every["starts_on"].iloc[0] if len(every) else None
        on = list(every["starts_on"])
        for before, day, site in zip(on, on[1:], every["site"].iloc[1:], strict=False):
            if (day - first).days > 28 and until - days(364) <= day <= until:
                later.setdefault(site, []).append((day - before).days)
        had = done(visits, until)
        if len(had) and (until - first).days >= 28 and not (visits["starts_on"] > until).any():
            last[patient] = had.iloc[-1]
    usual = {site: pd.Series(gaps).median() for site, gaps in later.items()}
    truth = {
        (row["booking_id"], patient): ((until - row["starts_on"]).days, usual[row["site"]])
        for patient, row in last.items()
        if usual[row["site"]] < (until - row["starts_on"]).days < 60
    }
    assert len(last) > len(truth) > 20
    assert dict(zip(keys(rows), zip(rows["days"], rows["usual_days"], strict=True), strict=True)) == truth
    assert rows["days"].is_monotonic_decreasing
    catalogue = everything.catalogue
    said = ", ".join(f"{usual[site]:.0f} days at {catalogue.site_name(site)}" for site in catalogue.sites)
    assert heading(everything, "worklist_boosters") == f"{len(truth)} boosters are overdue; usual interval {said}"
    one = asked(everything, site="chicago")
    assert panels.heading(everything, "worklist_boosters", one).endswith(
        f"usual interval {usual['chicago']:.0f} days"
    )


def test_scores_that_are_missing_and_can_still_be_taken(everything, ketamine, facts, until):
    rows = panels.rows(everything, "worklist_scores", asked(everything))
    scores = facts("select patient::varchar as patient, instrument, taken_on from scores")
    scores = scores.assign(taken_on=pd.to_datetime(scores["taken_on"]).dt.date)
    taken = dict(list(scores.groupby("patient")))
    truth = {}
    for patient, visits in ketamine.items():
        had = done(visits, until)
        if not len(had):
            continue
        first = had["starts_on"].iloc[0]
        windows = {"Day 7": (first + days(5), first + days(9)), "Day 14": (first + days(12), first + days(16))}
        if first + days(28) <= until:
            last = had.loc[had["starts_on"] <= first + days(28), "starts_on"].iloc[-1]
            windows["After induction"] = last + days(14), last + days(31)
        for moment, (start, end) in windows.items():
            if not start <= until + days(1) <= end:
                continue
            own = taken.get(patient, scores.iloc[:0])
            have = set(own.loc[(own["taken_on"] >= start) & (own["taken_on"] <= end), "instrument"])
            lacks = [name for name in ("PHQ-9", "GAD-7") if name not in have]
            if lacks:
                truth[patient, moment] = (" and ".join(lacks), (end - until).days)
    found = zip(rows["missing"], rows["days_left"], strict=True)
    assert dict(zip(zip(rows["patient"], rows["moment"], strict=True), found, strict=True)) == truth
    assert {"PHQ-9", "GAD-7", "PHQ-9 and GAD-7"} == {lacks for lacks, _ in truth.values()}
    assert set(rows["moment"]) == set(worklists.MOMENTS.values())
    lacks = [words for words, _ in truth.values()]
    last = sum(left == 1 for _, left in truth.values())
    assert last > 0
    assert heading(everything, "worklist_scores") == (
        f"{len({patient for patient, _ in truth})} patients have scores missing: "
        f"PHQ-9 of {sum('PHQ-9' in words for words in lacks)}, GAD-7 of {sum('GAD-7' in words for words in lacks)}; "
        f"{last} on their last day"
    )
    assert rows["days_left"].is_monotonic_increasing


def test_forms_are_those_that_the_page_data_counts(everything, bookings, until):
    rows = panels.rows(everything, "worklist_forms", asked(everything))
    late = bookings[
        (bookings["status"] == "completed") & ~bookings["assessed"].fillna(False).astype(bool)
        & (bookings["starts_on"] > until - days(28)) & (bookings["starts_on"] <= until - days(3))
    ]  # fmt: skip
    assert set(keys(rows)) == set(keys(late))
    assert len(rows) == panels.rows(everything, "late_forms", asked(everything))["missing"].sum() > 5
    assert rows["days"].is_monotonic_decreasing
    said = f"{len(late)} side-effect forms are late, the oldest for {rows['days'].max()} days"
    assert heading(everything, "worklist_forms") == said


def test_no_shows_not_rebooked(everything, bookings, until):
    rows = panels.rows(everything, "worklist_no_shows", asked(everything))
    kept = bookings[bookings["status"].isin(KEPT | {"no_show"})]
    last = kept.groupby(["patient", "line"]).tail(1)
    missed = last[
        (last["status"] == "no_show") & (last["starts_on"] > until - days(28)) & (last["starts_on"] <= until)
    ]
    assert set(keys(rows)) == set(keys(missed))
    every = bookings[(bookings["status"] == "no_show") & (bookings["starts_on"] > until - days(28))]
    assert len(every) > len(missed) > 5
    assert (rows["todo"] == "Call to rebook: " + rows["service"].astype("object")).all()
    lines = list(rows["line"])
    assert lines == sorted(lines, key=["Ketamine", "Vitamin", "Hydration"].index)
    for _, own in rows.groupby("line"):
        assert own["days"].is_monotonic_decreasing
    said = f"{len(missed)} no-shows are not rebooked, {(missed['line'] == 'ketamine').sum()} of them ketamine"
    assert heading(everything, "worklist_no_shows") == said


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("where", [{}, {"site": "miami-beach"}])
def test_a_page_reads_the_first_rows_and_knows_of_all(everything, name, where):
    chosen = asked(everything, **where)
    every = panels.rows(everything, name, chosen)
    pd.testing.assert_frame_equal(panels.on_page(everything, name, chosen), every.head(worklists.FIRST_ROWS))
    assert panels.length(everything, name, chosen) == len(every) > 1


@pytest.mark.parametrize("name", LISTS)
def test_a_site_gets_its_own_rows_and_no_others(everything, reader_of, bookings, name):
    manager = reader_of("manager.dallas")
    rows = panels.rows(manager, name, asked(manager))
    every = panels.rows(everything, name, asked(everything, period="7-days", line="hydration", band="65-74"))
    dallas = every[every["site"] == "Dallas"]
    assert keys(rows) == keys(dallas)
    assert 0 < len(rows) < len(every)
    # The booking is one that the site's own front desk has.
    at = bookings.set_index("booking_id")["site"]
    assert set(at[rows["booking_id"]]) == {"dallas"}
    # An empty list says so in a sentence.
    assert PANELS[name].answer(rows.iloc[:0])
    finance = reader_of("finance")
    with pytest.raises(access.AccessDeniedError):
        panels.rows(finance, name, asked(finance))
    assert name not in {dataset.name for dataset in packs.open_to(finance.viewer)}
