"""Comparisons: which days stand against which, with another site, two at once, and the interval of a change."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import changes, panels, rates, scorecard
from dashboard.exports import scope_of
from dashboard.filters import COMPARISONS, Scope, parse
from dashboard.panels.scores import told
from dashboard.panels.words import ALL_SITES

SCOPE = Scope(
    dt.date(2024, 10, 1), dt.date(2026, 11, 27), dt.date(2026, 10, 30), ("chicago", "miami_beach"), ("ketamine",), ()
)


def counts_apart(a, b):
    """The difference of two counts as `changes.between` has it."""
    frame = pd.DataFrame({"metric": "bookings", "value": a, "numerator": a, "denominator": np.nan})
    found = changes.between(frame, frame.assign(value=b, numerator=b))
    return found["change"].to_numpy(), found["change_lower"].to_numpy(), found["change_upper"].to_numpy()


def compared(**address):
    return parse({name: [value] for name, value in address.items()}, SCOPE).compared()


@given(st.dates(dt.date(2026, 1, 1), dt.date(2026, 6, 1)), st.integers(0, 120))
def test_the_same_weekdays_are_the_latest_that_lie_wholly_before(start, length):
    end = start + dt.timedelta(days=length)
    given = {"period": "custom", "from": str(start), "to": str(end)}
    before = compared(**given, compare="same-weekdays")
    assert before.end < start
    assert (before.start.weekday(), before.end.weekday()) == (start.weekday(), end.weekday())
    assert before.days == length + 1
    assert (before.end + dt.timedelta(weeks=1)) >= start
    year = compared(**given, compare="last-year-weekdays")
    assert (start - year.start, end - year.end) == (dt.timedelta(days=364), dt.timedelta(days=364))


def test_a_site_is_compared_with_only_where_it_is_the_viewers():
    chosen = parse({"compare": ["site-miami-beach"], "also": ["site-chicago"]}, SCOPE)
    assert (chosen.compared_site(), chosen.compared_site(also=True)) == ("miami_beach", "chicago")
    assert chosen.compared() is None
    assert parse({"compare": ["site-dallas"], "also": ["nonsense"]}, SCOPE).query() == {"period": ["28-days"]}
    assert parse(chosen.query(), SCOPE) == chosen


def test_whole_periods_stay_whole_whatever_they_are_compared_with():
    from dashboard.periods import whole

    for name in set(COMPARISONS) - {"none"}:
        before = whole(parse({"period": ["90-days"], "compare": [name]}, SCOPE)).compared()
        assert before.start.day == 1
        assert (before.end + dt.timedelta(days=1)).day == 1


def test_a_counts_change_has_both_counts_intervals_put_together():
    """Of 20 and 10: Byar's limits 12.21 to 30.89 and 4.79 to 18.39."""
    value, lower, upper = counts_apart([20.0, 0], [10.0, 0])
    a, b = rates.poisson_interval(20, 1), rates.poisson_interval(10, 1)
    assert (round(float(a.lower), 2), round(float(b.upper), 2)) == (12.21, 18.39)
    assert value.tolist() == [10, 0]
    assert lower[0] == pytest.approx(10 - np.hypot(20 - a.lower, b.upper - 10))
    assert upper[0] == pytest.approx(10 + np.hypot(a.upper - 20, 10 - b.lower))
    assert lower[1] == -upper[1] < 0


def test_the_interval_covers_the_true_change_as_often_as_it_says():
    rng = np.random.default_rng(4)
    _, lower, upper = counts_apart(rng.poisson(30, 20_000).astype(float), rng.poisson(22, 20_000).astype(float))
    assert 0.945 < ((lower <= 8) & (upper >= 8)).mean() < 0.975


def test_changes_have_intervals_where_chance_could_do_it_and_none_elsewhere():
    now = pd.DataFrame(
        {
            "metric": ["no_show_rate", "bookings", "chair_utilisation", "lead_time", "no_show_rate"],
            "value": [10.0, 40, 55, 3, np.nan], "numerator": [10.0, 40, 550, 3, 0],
            "denominator": [100.0, np.nan, 1000, np.nan, 0],
        }
    )  # fmt: skip
    then = now.assign(
        value=[5.0, 50, 50, 4, 5], numerator=[5.0, 50, 500, 4, 5], denominator=[100.0, np.nan, 1000, np.nan, 100]
    )
    found = changes.between(now, then)
    assert found["change"].tolist()[:4] == [5, -10, 5, -1]
    newcombe = rates.newcombe_difference(10, 100, 5, 100)
    assert found.loc[0, "change_lower"] == pytest.approx(100 * float(newcombe.lower))
    assert found.loc[1, "change_upper"] == pytest.approx(counts_apart([40.0], [50.0])[2][0])
    assert found.loc[[2, 3, 4], ["change_lower", "change_upper"]].isna().all().all()
    assert np.isnan(found.loc[4, "change"])


def test_two_comparisons_stand_beside_each_other(everything):
    chosen = parse(
        {"period": ["90-days"], "compare": ["same-weekdays"], "also": ["site-dallas"]}, scope_of(everything)
    )
    rows = panels.rows(everything, "bookings_summary", chosen).set_index(["metric", "site"])
    plain = parse({"period": ["90-days"], "compare": ["none"]}, scope_of(everything))
    dallas = panels.rows(everything, "bookings_summary", plain).set_index(["metric", "site"])
    before = chosen.compared()
    assert set(rows["against"]) == {before.period_text()}
    assert set(rows["also_against"]) == {"Dallas"}
    for name in ("bookings", "no_show_rate", "chair_utilisation"):
        here, there = rows.loc[(name, "Chicago")], dallas.loc[(name, "Dallas")]
        assert here["also_change"] == pytest.approx(here["value"] - there["value"])
        assert rows.loc[[(name, "Dallas"), (name, ALL_SITES)], "also_change"].isna().all()
    assert dallas["change"].isna().all()
    # Sites differ in size, so that a count's difference has no verdict; a rate's has.
    assert rows.xs("bookings", level=0)["also_change_lower"].isna().all()
    assert np.isfinite(rows.loc[("no_show_rate", "Chicago"), "also_change_lower"])
    assert np.isfinite(rows.loc[("bookings", "Chicago"), "change_lower"])
    html = scorecard.compare(rows.reset_index())
    assert f"{before.period_text()}: " in html
    assert "Dallas: " in html
    # One comparison is named in the bar alone.
    one = parse({"period": ["90-days"]}, scope_of(everything))
    assert "against" not in scorecard.compare(panels.rows(everything, "bookings_summary", one))


def test_a_manager_of_one_site_has_no_other_to_compare_with(reader_of):
    dallas = reader_of("manager.dallas")
    chosen = parse({"compare": ["site-chicago"]}, scope_of(dallas))
    assert chosen.compare == "previous"
    assert "Chicago" not in panels.rows(dallas, "bookings_summary", chosen).to_csv()


def test_a_change_is_only_called_one_where_its_interval_excludes_nothing():
    row = {"metric": "bookings", "site": "Dallas", "value": 400.0, "numerator": 400.0, "denominator": np.nan,
           "lower": np.nan, "upper": np.nan, "before": 300.0, "against": "Chicago", "also_against": "",
           "also_change": np.nan}  # fmt: skip

    def card(**change):
        return scorecard.compare(told(pd.DataFrame([row | {"change": 100.0} | change])))

    wide = card(change_lower=-5.0, change_upper=205.0)
    assert "not distinguishable" in wide
    narrow = card(change_lower=48.0, change_upper=152.0)
    assert "not distinguishable" not in narrow
    assert 'aria-label="Unusual"' in narrow  # more bookings are neither good nor bad


def judged(now, before, of, sites):
    """The changes of a no-show rate at so many sites, judged."""
    frame = pd.DataFrame({"metric": "no_show_rate", "value": 100 * now / of, "numerator": now, "denominator": of})
    then = frame.assign(value=100 * before / of, numerator=before)
    return pd.concat([frame[["metric"]], changes.between(frame, then)], axis=1).pipe(
        lambda rows: pd.concat([rows, changes.judged(rows)], axis=1)
    )


def test_of_sixty_sites_at_which_nothing_changed_none_is_told_most_of_the_time():
    """Each interval alone leaves out 0 at one site of twenty, so that nearly every look at sixty would tell some."""
    rng = np.random.default_rng(7)
    sites, looks, of = 60, 300, np.full(60, 400.0)
    alone = together = 0
    for _ in range(looks):
        now, before = rng.binomial(400, 0.1, (2, sites)).astype(float)
        rows = judged(now, before, of, sites)
        alone += bool(((rows["change_lower"] > 0) | (rows["change_upper"] < 0)).any())
        together += bool((rows["change_kind"] != "common").any())
    assert alone / looks > 0.9
    assert together / looks < 0.08


def test_one_site_of_sixty_that_changed_is_told_and_the_words_say_of_others_why_not():
    rng = np.random.default_rng(3)
    now, before = rng.binomial(400, 0.1, (2, 60)).astype(float)
    now[7] = 100.0
    rows = judged(now, before, np.full(60, 400.0), 60)
    assert rows.loc[7, "change_kind"] == "concern"
    assert rows.loc[7, "change_words"] == ""
    others = rows.drop(7)
    apart = (others["change_lower"] > 0) | (others["change_upper"] < 0)
    assert apart.any()
    assert set(others.loc[apart, "change_words"]) == {"not distinguishable among several"}
    assert set(others.loc[~apart, "change_words"]) == {"not distinguishable"}


def test_each_metric_is_a_family_of_its_own():
    """At one site nothing is adjusted: what its interval says is what is told."""
    row = {"metric": "no_show_rate", "change": 3.0, "change_lower": 0.1, "change_upper": 5.9}
    alone = changes.judged(pd.DataFrame([row, row | {"metric": "cancellation_rate"}]))
    assert set(alone["change_kind"]) == {"concern"}
    three = changes.judged(
        pd.DataFrame([row, *[row | {"change": 0.1, "change_lower": -2.8, "change_upper": 3.0}] * 2])
    )
    assert three["change_words"].tolist() == ["not distinguishable among several", *["not distinguishable"] * 2]


def test_what_differs_by_line_and_age_is_neither_good_nor_bad_where_it_is_not_known_like_for_like():
    row = {"metric": "any_effect_patients", "change": 9.0, "change_lower": 4.0, "change_upper": 14.0}
    assert changes.judged(pd.DataFrame([row]))["change_kind"].tolist() == ["neither"]
    alike = {"alike": -3.0, "alike_lower": -5.0, "alike_upper": -1.0, "alike_p": 0.003}
    [kind], [words] = changes.judged(pd.DataFrame([row | {"metric": "any_effect"} | alike])).to_numpy().T
    assert kind == "improvement"
    assert words == "like for like −3.0 (−5.0 to −1.0)"
