"""Control charts with people's marks: limits begin anew where a person says so and nowhere else."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from dashboard import filters, panels, spc
from dashboard.exports import scope_of
from dashboard.marks import Mark

DAY = dt.date(2026, 5, 18)


@pytest.fixture(scope="module")
def chosen(director):
    asked = {"period": ["12-months"], "effect": ["nausea"], "line": ["ketamine"], "by": ["week"]}
    return filters.parse(asked, scope_of(director))


def mark(kind, text="Another antiemetic", site="dallas", day=DAY, number=1):
    return Mark(
        number, kind, site, "nausea", "ketamine", day, text, "Dan Ho", dt.datetime(2026, 11, 2, tzinfo=dt.UTC)
    )


def of(rows, site):
    return rows[rows["site"] == site].reset_index(drop=True)


@pytest.mark.parametrize("name", ["control_chart", "rate_chart"])
def test_limits_begin_anew_from_the_first_point_on_or_after_the_date(director, chosen, name):
    before = panels.rows(director, name, chosen)
    after = panels.rows(replace(director, marks=(mark("rebase"),)), name, chosen)
    for site in ("Chicago", "Miami Beach"):
        assert_allclose(of(after, site)["centre"], of(before, site)["centre"], rtol=1e-12)
    dallas, plain = of(after, "Dallas"), of(before, "Dallas")
    assert plain["centre"].nunique() == 1
    new = dallas["period"].dt.date >= DAY
    assert 5 < new.sum() < len(new) - 5
    limits = spc.p_chart if name == "control_chart" else spc.u_chart
    for part in (dallas[new], dallas[~new]):
        chart = limits(part["numerator"].to_numpy(dtype=float), part["denominator"].to_numpy(dtype=float))
        assert_allclose(part["centre"], 100 * np.asarray(chart.centre), rtol=1e-12)
        assert_allclose(part["upper"], 100 * np.asarray(chart.upper), rtol=1e-12)
    assert list(dallas["value"]) == list(plain["value"])
    [noted] = dallas.loc[dallas["marks"] != "", ["period", "marks"]].to_dict("records")
    assert noted["period"].date() == DAY  # a Monday, on which the week begins
    assert noted["marks"] == "Limits rebased, 18 May 2026: Another antiemetic (Dan Ho)"


def test_a_short_new_stretch_has_trial_limits(director, chosen):
    late = mark("rebase", day=dt.date(2026, 9, 28))
    dallas = of(panels.rows(replace(director, marks=(late,)), "control_chart", chosen), "Dallas")
    assert list(dallas["limits"].tail(3)) == ["trial"] * 3
    assert dallas["limits"].iloc[0] == "full"


def test_annotations_change_no_limit(director, chosen):
    notes = (mark("annotation", "Flu"), mark("annotation", "New nurse", day=dt.date(2026, 5, 20), number=2))
    before = panels.rows(director, "control_chart", chosen)
    after = panels.rows(replace(director, marks=notes), "control_chart", chosen)
    assert_allclose(after["centre"], before["centre"], rtol=1e-12)
    [words] = [text for text in after["marks"] if text]
    assert words == "18 May 2026: Flu (Dan Ho); 20 May 2026: New nurse (Dan Ho)"
    assert not before["marks"].any()
    # On another side effect's chart it isn't, nor on the one of all lines.
    other = replace(chosen, effect="dizziness")
    assert not panels.rows(replace(director, marks=notes), "control_chart", other)["marks"].any()


def test_a_mark_outside_the_chart_cuts_nothing(director, chosen):
    early = (mark("rebase", day=dt.date(2020, 1, 1)), mark("rebase", day=dt.date(2030, 1, 1), number=2))
    before = panels.rows(director, "control_chart", chosen)
    after = panels.rows(replace(director, marks=early), "control_chart", chosen)
    assert_allclose(after["upper"], before["upper"], rtol=1e-12)


def test_repeats_count_in_the_rate_chart_alone(director, chosen):
    every = replace(chosen, effect="", lines=())
    infusions = panels.rows(director, "control_chart", every)
    events = panels.rows(director, "rate_chart", every)
    assert events["numerator"].sum() > infusions["numerator"].sum() > 0
    truth = director.query("effect_counts", by=(), grain="day", **every.on(
        director.catalogue.first_day, every.end
    ).values())  # fmt: skip
    shown = events["period"].min().date()
    whole = director.query("effect_counts", by=(), grain="day", **every.on(shown, every.end).values())
    assert events["numerator"].sum() == whole["events"].sum() <= truth["events"].sum()


def test_unusual_forms_stand_on_the_same_axis(director, chosen):
    rows = panels.rows(director, "control_chart", chosen)
    forms = panels.rows(director, "control_forms", chosen)
    assert list(rows["period"]) == list(forms.sort_values(["site", "period"])["period"]) or len(rows) == len(forms)
    for site, part in rows.groupby("site"):
        own = forms[forms["site"] == site].sort_values("period")
        n, m = own["numerator"].to_numpy(dtype=float), own["denominator"].to_numpy(dtype=float)
        chart = spc.p_chart(n, m)
        lit = spc.special_causes(n / m, *chart).highlighted
        assert [bool(text) for text in part.sort_values("period")["forms"]] == list(lit)
