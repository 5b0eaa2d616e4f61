"""The Signals page's numbers against SQL written independently on the facts, and what it says of them."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from html import unescape
from urllib.parse import parse_qs

import numpy as np
import pandas as pd
import pytest
from choices import asked
from numpy.testing import assert_allclose

from dashboard import access, filters, panels, rates, spc, surveillance
from dashboard.access import Role, Viewer
from dashboard.exports import scope_of
from dashboard.panels import PANELS, comparison
from dashboard.panels.signals import described
from dashboard.surveillance import Series
from dashboard.warehouse import Reader

SIGNALS = [name for name, panel in PANELS.items() if panel.resource == "signals"]


@pytest.fixture
def year(director):
    return asked(director, period="12-months", effect="nausea", line="ketamine")


# --- who ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("username", ["manager.dallas", "finance"])
@pytest.mark.parametrize("name", SIGNALS)
def test_signals_are_for_the_director_and_the_administrator(reader_of, username, name):
    reader = reader_of(username)
    with pytest.raises(access.AccessDeniedError):
        panels.rows(reader, name, asked(reader))


@pytest.mark.parametrize("query", ["signal_infusions", "signal_events", "signal_no_shows", "event_gaps"])
def test_their_queries_too(reader_of, query):
    with pytest.raises(access.AccessDeniedError):
        reader_of("manager.dallas").query(query, until=dt.date(2026, 1, 1))


@pytest.mark.parametrize("name", SIGNALS)
def test_a_director_of_one_site_sees_that_site(house, name):
    reader = Reader(house, Viewer("d", "D", Role.MEDICAL_DIRECTOR, frozenset({"dallas"})))
    rows = panels.rows(reader, name, asked(reader, period="12-months"))
    text = rows.astype("str").to_csv()
    assert "Chicago" not in text
    assert "Miami" not in text
    assert name == "event_gaps" or "Dallas" in text or name == "group_differences"


def test_one_site_has_the_budget_of_its_own_series(house):
    reader = Reader(house, Viewer("d", "D", Role.MEDICAL_DIRECTOR, frozenset({"dallas"})))
    assert surveillance.surveil(reader)["a_year"].sum() == pytest.approx(surveillance.FALSE_ALARMS_A_YEAR)


# --- alarms ------------------------------------------------------------------------------------


def test_the_series_are_the_facts(director, facts):
    series = {(s.site, s.effect, s.line, s.group, s.weekday): s for s in surveillance.series_of(director)}
    until = director.catalogue.last_full_day
    whole = facts(
        "select site, line, count(*) as trials, count_if(assessed) as forms, "
        "count_if(booking_id in (select booking_id from side_effects where effect = 'dizziness')) as hits, "
        "count_if(has_serious) as serious from bookings where status = 'completed' and starts_on <= $until group by all",
        until=until,
    )
    for row in whole.to_dict("records"):
        one = series[row["site"], "dizziness", row["line"], "", ""]
        assert (one.events.sum(), one.trials.sum(), one.forms.sum()) == (row["hits"], row["trials"], row["forms"])
        assert series[row["site"], "serious", row["line"], "", ""].events.sum() == row["serious"]
    old = facts(
        "select count(*) as trials from bookings where status = 'completed' and starts_on <= $until and site = 'chicago' "
        "and line = 'ketamine' and age >= 65",
        until=until,
    )
    assert series["chicago", "nausea", "ketamine", "Geriatric", ""].trials.sum() == old["trials"][0]
    missed = facts(
        "select count_if(status = 'no_show') as n, count(*) as due from bookings where starts_on <= $until and "
        "status in ('arrived', 'completed', 'no_show') and site = 'miami_beach' and dayname(starts_on) = 'Monday'",
        until=until,
    )
    one = series["miami_beach", "no_show", "", "", "Monday"]
    assert (one.events.sum(), one.trials.sum()) == (missed["n"][0], missed["due"][0])


def test_the_page_says_how_many_were_tested_and_how_many_false_alarms_to_expect(director):
    panel = PANELS["signal_alarms"]
    rows = panels.rows(director, "signal_alarms", asked(director))
    tested = (rows["a_year"] > 0).sum()
    page = panel.html(rows)
    assert f"{tested} series tested in the half-year since 1 Jul 2026" in page
    assert "at most 1 false alarm a year is to be expected" in page
    quiet = rows[~rows["alarm"]]
    assert panel.answer(quiet) == f"Nothing is distinguishable from its own past in {len(quiet)} series"
    assert "No series is distinguishable from its own past." in panel.html(quiet)
    assert quiet["reading"].str.endswith(": not distinguishable").all()
    site = panels.rows(director, "signal_alarms", asked(director, site="dallas", line="ketamine"))
    assert 0 < len(site) < len(rows)
    assert f"{site['a_year'].sum():.2g} false alarms a year are" in panel.html(site)


def test_without_a_past_it_says_that_nothing_is_tested(director):
    days = pd.date_range("2026-01-01", "2026-05-31")
    rows = surveillance.watch([stepped(0.05, 0.5, "2026-03-01")], days[0].date(), days[-1].date())
    frame = described(director, asked(director), surveillance.measured(rows))
    panel = PANELS["signal_alarms"]
    assert panel.answer(frame) == "No series is tested yet"
    assert "nothing is tested" in panel.html(frame)
    assert "usual" not in panel.html(frame)


def test_an_alarm_is_a_sentence_with_a_link_to_its_chart(director):
    frame = panels.rows(director, "signal_alarms", asked(director))
    row = frame[frame["what"] == "Nausea after ketamine in Dallas"].iloc[[0]].assign(alarm=True)
    page = unescape(PANELS["signal_alarms"].html(row))
    [address] = re.findall(r'href="/signals\?(.*?)"', page)
    chosen = filters.parse(parse_qs(address), scope_of(director))
    assert (chosen.effect, chosen.sites, chosen.lines) == ("nausea", ("dallas",), ("ketamine",))
    assert 'aria-label="Concern"' in page


DAYS = pd.date_range("2023-01-01", "2025-06-30")


def stepped(before, after, since, forms=(0.9, 0.9)):
    """A series that changes once, without chance: events come in their turn."""
    late = pd.Timestamp(since) <= DAYS
    trials = np.full(len(DAYS), 10.0)
    rate = np.where(late, after, before)
    events = np.diff(np.floor(np.cumsum(rate * trials)), prepend=0)
    return Series(
        "chicago", "nausea", "ketamine", "", "", events, trials, trials * np.where(late, forms[1], forms[0]), False
    )


def watch(one):
    return surveillance.watch([one], DAYS[0].date(), DAYS[-1].date(), every=True)


def test_a_rise_that_lasts_stays_an_alarm_and_never_becomes_the_usual():
    rows = watch(stepped(0.05, 0.12, "2024-03-04"))
    alarms = [row for row in rows if row["alarm"]]
    assert [str(row["period_start"]) for row in alarms] == ["2024-01-01", "2024-07-01", "2025-01-01"]
    assert {row["past_trials"] for row in alarms} == {3650.0}
    assert dt.date(2024, 3, 4) < alarms[0]["found_on"] < dt.date(2024, 4, 15)
    assert abs((alarms[0]["since"] - dt.date(2024, 3, 4)).days) <= 7


def test_a_rise_is_told_later_and_with_wider_limits_where_patients_are_prone():
    alone, prone = (watch(replace(stepped(0.05, 0.12, "2025-01-06"), design=design))[-1] for design in (1.0, 2.0))
    assert alone["alarm"]
    assert prone["alarm"]
    assert alone["found_on"] < prone["found_on"]
    limits = surveillance.measured([alone, prone]).sort_values("design")[["lower", "upper"]].to_numpy()
    assert limits[1, 0] < limits[0, 0] < limits[0, 1] < limits[1, 1]


def test_what_does_not_change_or_falls_is_no_alarm():
    assert not any(row["alarm"] for row in watch(stepped(0.05, 0.05, "2024-03-04")))
    assert not any(row["alarm"] for row in watch(stepped(0.05, 0.01, "2024-03-04")))


def test_uncommon_and_never_seen_effects_are_watched_too():
    rows = watch(stepped(0.0, 0.02, "2025-02-03"))
    [alarm] = [row for row in rows if row["alarm"]]
    assert (alarm["method"], alarm["past_events"]) == ("MaxSPRT", 0)
    assert dt.date(2025, 2, 3) < alarm["found_on"] < dt.date(2025, 3, 10)


@pytest.mark.parametrize(
    ("forms", "words"),
    [
        ((0.5, 0.95), "part of the rise may be better recording"),
        ((0.95, 0.5), "the true rise may be larger"),
        ((0.9, 0.9), "not distinguishable, no sign that recording explains it"),
    ],
)
def test_what_happened_to_the_forms_is_said_with_the_alarm(director, forms, words):
    frame = surveillance.measured(watch(stepped(0.03, 0.12, "2025-02-03", forms)))
    rows = described(director, asked(director), frame)
    [said] = rows.loc[rows["alarm"], "reading"]
    assert said.startswith("Nausea after ketamine in Chicago: ")
    assert words in said


def test_periods_begin_with_180_days_of_past():
    first = [start for start, _ in surveillance.periods(dt.date(2024, 1, 3), dt.date(2025, 3, 1))]
    later = [start for start, _ in surveillance.periods(dt.date(2024, 1, 4), dt.date(2025, 3, 1))]
    assert first == [dt.date(2024, 7, 1), dt.date(2025, 1, 1)]
    assert later == [dt.date(2025, 1, 1)]


# --- over time ---------------------------------------------------------------------------------


def test_the_control_chart_is_laneys_of_the_facts(director, facts, year):
    rows = panels.rows(director, "control_chart", year)
    monthly = facts(
        "select site, date_trunc('month', starts_on)::date as month, count(*) as n, "
        "count_if(booking_id in (select booking_id from side_effects where effect = 'nausea')) as x from bookings "
        "where status = 'completed' and line = 'ketamine' and starts_on between '2025-11-01' and $end group by all "
        "order by all",
        end=year.end,
    )
    for site, part in monthly.groupby("site"):
        ours = rows[rows["site"] == director.catalogue.site_name(site)]
        assert ours["numerator"].tolist() == part["x"].tolist()
        assert ours["denominator"].tolist() == part["n"].tolist()
        chart = spc.p_chart(part["x"], part["n"])
        assert_allclose(ours["upper"], 100 * chart.upper)
        assert_allclose(ours["lower"], 100 * chart.lower)
    assert (rows["limits"] == "full").all()


def test_forms_stand_on_the_same_time_axis(director, year):
    chart, forms = (panels.rows(director, name, year) for name in ("control_chart", "control_forms"))
    assert chart[["period", "site"]].values.tolist() == forms[["period", "site"]].values.tolist()


def test_few_points_make_trial_limits(director):
    chosen = asked(director, period="custom", from_="2025-12-01", to="2025-12-20", by="week")
    rows = panels.rows(director, "control_chart", chosen)
    assert rows.groupby("site").size().max() < 12
    assert (rows["limits"] == "trial").all()
    assert "trial limits, fewer than 12 points" in PANELS["control_chart"].answer(rows)


@pytest.mark.parametrize(
    ("effect", "is_it"),
    [
        ("nausea", "effect = 'nausea'"),
        ("severe", "severity in ('severe', 'life_threatening', 'fatal')"),
        ("serious", "serious"),
    ],
)
def test_gaps_count_the_infusions_between(director, facts, year, effect, is_it):
    rows = director.query(
        "event_gaps", until=year.end, effect=effect, sites=year.sites, lines=year.lines, bands=year.scope.bands
    )
    if effect == year.effect:
        assert panels.rows(director, "event_gaps", year)["value"].tolist() == rows["value"].tolist()
    every = facts(
        f"select site, booking_id in (select booking_id from side_effects where {is_it}) as hit "
        "from bookings where status = 'completed' and line = 'ketamine' and starts_on <= $end "
        "order by site, starts_at, booking_id",
        end=year.end,
    )
    for site, part in every.groupby("site"):
        expected, since = [], None
        for hit in part["hit"]:
            if hit:
                if since is not None:
                    expected.append(since)
                since = 0
            elif since is not None:
                since += 1
        assert rows.loc[rows["site"] == site, "value"].tolist() == expected[-60:]


# --- comparisons -------------------------------------------------------------------------------


def test_expected_adds_up_to_observed_and_is_the_strata_at_the_common_rate(director, facts, year):
    rows = panels.rows(director, "site_funnel", year).set_index("site")
    assert_allclose(rows["expected"].sum(), rows["numerator"].sum())
    expected = facts(
        "with cell as (select site, case when age < 18 then 'young' when age < 65 then 'adult' when age >= 65 then 'old' "
        "end as ages, count(*) as n, count_if(booking_id in (select booking_id from side_effects where effect = 'nausea')) "
        "as x from bookings where status = 'completed' and line = 'ketamine' and starts_on between $start and $end "
        "group by all) select site, sum(n * rate) as expected from cell join (select ages, sum(x) / sum(n) as rate "
        "from cell group by all) as whole on whole.ages is not distinct from cell.ages group by all",
        start=year.start, end=year.end,
    )  # fmt: skip
    for row in expected.to_dict("records"):
        assert_allclose(rows.loc[director.catalogue.site_name(row["site"]), "expected"], row["expected"])


def test_age_standardised_rates_count_repeats_in_one_patient(director, facts):
    chosen = asked(director, period="12-months", line="ketamine")
    rows = panels.rows(director, "site_rates", chosen).set_index("site")
    cells = facts(
        'select site, "group", count(*) as n, count_if(has_effect) as x from bookings join age_bands using (band) '
        "where status = 'completed' and line = 'ketamine' and starts_on between $start and $end group by all",
        start=chosen.start, end=chosen.end,
    )  # fmt: skip
    repeats = facts(
        "select site, times, count(*) as patients from (select site, patient, count(*) as times from bookings where "
        "status = 'completed' and has_effect and line = 'ketamine' and starts_on between $start and $end group by all) "
        "group by all",
        start=chosen.start, end=chosen.end,
    )  # fmt: skip
    people = cells.pivot_table(index="site", columns="group", values="n", fill_value=0, observed=True)
    events = cells.pivot_table(index="site", columns="group", values="x", fill_value=0, observed=True)
    assert (people > 0).all().all()
    for site in people.index:
        count = repeats[repeats["site"] == site].set_index("times")["patients"].to_dict()
        wanted = rates.directly_standardised_rate(
            events.loc[site], people.loc[site], people.sum(), patients_by_event_count=count
        )
        plain = rates.directly_standardised_rate(events.loc[site], people.loc[site], people.sum())
        ours = rows.loc[director.catalogue.site_name(site)]
        assert_allclose(ours[["value", "lower", "upper"]].astype(float), 100 * np.array(wanted))
        assert wanted.upper > plain.upper


def test_below_ten_events_a_standardised_rate_is_not_shown(director):
    chosen = asked(director, period="12-months", effect="respiratory-failure")
    rows = panels.rows(director, "site_rates", chosen)
    assert rows["value"].isna().all()
    assert "not shown" in PANELS["site_rates"].answer(rows)


def test_no_over_dispersion_below_ten_sites_and_some_where_sites_vary():
    expected = np.full(12, 50.0)
    assert spc.overdispersion(expected, expected) == 1.0
    wide = spc.overdispersion(np.tile([30.0, 75.0], 6), expected)
    assert_allclose(wide, np.mean([(2 * (np.sqrt(x) - np.sqrt(50))) ** 2 for x in (30, 75)]))


def test_sites_of_which_nothing_is_expected_neither_count_nor_hide_the_over_dispersion():
    observed, expected = np.tile([30.0, 75.0], 6), np.full(12, 50.0)
    found = comparison._dispersion(observed, expected)
    assert found == spc.overdispersion(observed, expected) > 1
    idle = np.zeros(20)
    assert comparison._dispersion(np.append(observed, idle), np.append(expected, idle)) == found
    assert comparison._dispersion(np.append(observed[:9], idle), np.append(expected[:9], idle)) == 1.0
