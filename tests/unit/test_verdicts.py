"""The day's verdict: at, below and above its limits, each rule, and how it is said."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from dashboard import spc, tiles, verdicts
from dashboard.exports import scope_of
from dashboard.filters import parse
from dashboard.metrics import METRICS
from dashboard.panels import today
from dashboard.verdicts import LEAST_DAYS, Verdict, judge, rank, sentence, weekly_pattern

RATE, COUNT, VOLUME = METRICS["no_show_rate"], METRICS["completed"], METRICS["bookings"]
UTILISATION = METRICS["chair_utilisation"]
TUESDAY = dt.date(2026, 10, 27)
LEVEL = [50.0, 60.0, 40.0, 55.0, 45.0, 60.0, 50.0, 40.0, 52.0, 48.0, 57.0, 43.0]


def charted(metric, values, denominators=None, *, step=1):
    """A chart whose last day is the Tuesday, of numerators where denominators are given."""
    values = np.array(values, dtype=float)
    days = [TUESDAY - dt.timedelta(days=step * i) for i in range(len(values))][::-1]
    if denominators is None:
        return verdicts.chart(metric, days, values, values, np.full(len(values), np.nan))
    below = np.array(denominators, dtype=float)
    rates = np.divide(100 * values, below, out=np.full(len(values), np.nan), where=below > 0)
    return verdicts.chart(metric, days, rates, values, below)


def kind(metric, values, denominators=None):
    return judge(metric, charted(metric, values, denominators)).kind


def last(limits):
    return [float(np.asarray(limit)[-1]) for limit in limits]


def test_limits_are_the_xmr_charts_of_the_days_before_and_not_of_the_day():
    limits = spc.xmr(LEVEL)
    expected = [float(limits.centre[0]), float(limits.lower[0]), float(limits.upper[0])]
    assert last(charted(UTILISATION, [*LEVEL, 51.0]).limits) == pytest.approx(expected)
    assert last(charted(UTILISATION, [*LEVEL, 99.0]).limits) == pytest.approx(expected)


def test_a_rates_limits_are_the_p_prime_charts_of_the_days_before_at_the_days_own_size():
    events, trials = [2, 9, 1, 8, 2, 9, 1, 7, 2, 9, 1, 8], [40, 50, 30, 40, 45, 50, 35, 40, 40, 50, 30, 40]
    _, lower, upper = last(charted(RATE, [*events, 3], [*trials, 31]).limits)
    past = spc.p_chart(events, trials)
    centre = sum(events) / sum(trials)
    widened = (float(past.upper[-1]) - centre) / (3 * np.sqrt(centre * (1 - centre) / 40))
    assert widened > 1  # they vary more than chance, so that it is p′ and not p
    reach = 3 * widened * np.sqrt(centre * (1 - centre) / 31)
    assert upper == pytest.approx(100 * (centre + reach))
    assert lower == max(0, 100 * (centre - reach))


def test_chairs_that_are_booked_twice_over_are_judged_beyond_a_hundred_per_cent():
    _, lower, upper = last(charted(UTILISATION, [*(value + 300 for value in LEVEL), 350.0]).limits)
    assert 100 < lower < 350 < upper
    assert kind(UTILISATION, [*(value + 300 for value in LEVEL), 350.0]) == "common"
    assert kind(UTILISATION, [*(value + 300 for value in LEVEL), 500.0]) == "improvement"


def test_verdict_at_below_and_above_the_limits():
    _, lower, upper = last(charted(UTILISATION, [*LEVEL, 50.0]).limits)
    kinds = [kind(UTILISATION, [*LEVEL, value]) for value in (lower - 0.01, lower, upper, upper + 0.01)]
    assert kinds == ["concern", "common", "common", "improvement"]


def test_which_direction_is_good_comes_from_the_metric_and_a_volume_is_only_unusual():
    steady = [10.0, 11.0] * 6
    assert kind(UTILISATION, [*steady, 99.0]) == "improvement"
    assert kind(UTILISATION, [*steady, 0.0]) == "concern"
    assert kind(VOLUME, [*[20.0, 21.0] * 6, 60.0]) == "neither"
    many = [1000] * 13
    assert kind(RATE, [*[100, 105] * 6, 300], many) == "concern"
    assert kind(RATE, [*[100, 105] * 6, 5], many) == "improvement"


def test_a_level_past_of_counts_allows_for_chance():
    assert kind(COUNT, [0.0] * 13) == "common"
    assert [kind(COUNT, [*[4.0] * 12, value]) for value in (10.0, 11.0)] == ["common", "improvement"]


def test_a_small_day_is_judged_by_its_own_size():
    events, trials = [7, 8] * 6, [100] * 12
    assert kind(RATE, [*events, 3], [*trials, 12]) == "common"
    assert kind(RATE, [*events, 100], [*trials, 400]) == "concern"


def test_each_rule_at_its_threshold():
    base = [50.0, 60.0, 40.0, 55.0, 45.0, 60.0, 40.0, 50.0, 40.0, 60.0, 45.0, 55.0, 40.0]
    near = last(charted(UTILISATION, [*base * 3, 50.0]).limits)
    six, seven = [52.0, 53.0] * 3, [52.0, 53.0] * 3 + [52.0]
    assert [judge(UTILISATION, charted(UTILISATION, base + tail)).rule for tail in (six, seven)] == ["", "run"]
    assert judge(UTILISATION, charted(UTILISATION, base + seven)).run == 7
    # The first of the seven is itself the lowest: seven that rise make six steps.
    rising = [44.0, 45.5, 47.0, 48.5, 50.5, 52.0]
    found = [judge(UTILISATION, charted(UTILISATION, [*base[:-1], *tail])) for tail in (rising, [*rising, 53.0])]
    assert [verdict.rule for verdict in found] == ["", "trend"]
    close = near[0] + 0.9 * (near[2] - near[0])
    pair = [judge(UTILISATION, charted(UTILISATION, [*base * 3, 51.0, close, tail])) for tail in (51.0, close)]
    assert [verdict.rule for verdict in pair] == ["", "two in three"]
    assert {verdict.kind for verdict in pair} == {"common", "improvement"}


def test_outside_is_said_before_any_other_rule():
    verdict = judge(UTILISATION, charted(UTILISATION, [*LEVEL, *[70.0] * 6, 99.0]))
    assert verdict.rule == "outside"


def test_a_long_run_is_no_news():
    assert not Verdict("concern", "run", run=verdicts.STANDING_FROM - 1).standing
    assert Verdict("concern", "run", run=verdicts.STANDING_FROM).standing
    assert not Verdict("concern", "outside").standing


def test_too_few_earlier_days_say_nothing_and_trial_limits_say_so():
    days = LEVEL[: LEAST_DAYS - 1]
    assert judge(UTILISATION, charted(UTILISATION, [*days, 50.0])) == Verdict("unknown", reason="too few")
    trial = charted(UTILISATION, [*LEVEL[:LEAST_DAYS], 50.0])
    assert judge(UTILISATION, trial).kind == "common"
    assert trial.trial
    assert charted(UTILISATION, [*LEVEL[:11], 50.0]).trial
    assert not charted(UTILISATION, [*LEVEL[:12], 50.0]).trial


def test_nothing_to_divide_by_is_not_judged_and_earlier_such_days_are_passed_over():
    nothing = charted(RATE, [1, 2, 1, 2, 1, 0], [10, 10, 10, 10, 10, 0])
    assert judge(RATE, nothing) == Verdict("unknown", reason="nothing")
    gap = charted(RATE, [1, 0, 2, 1, 2, 1], [10, 0, 10, 10, 10, 10])
    assert gap.past == 4
    assert judge(RATE, gap).kind == "common"


def test_a_weekly_pattern_is_what_kruskal_and_wallis_find():
    rng = np.random.default_rng(3)
    weekdays = np.tile(np.arange(7), 20)
    level = rng.integers(20, 40, weekdays.size).astype(float)
    for values in (level, level + 12 * (weekdays == 0), np.where(weekdays == 5, np.nan, level)):
        present = np.isfinite(values)
        groups = [values[present & (weekdays == day)] for day in np.unique(weekdays[present])]
        assert weekly_pattern(values, weekdays) == (stats.kruskal(*groups).pvalue < verdicts.WEEKLY_P)
    assert weekly_pattern(level + 12 * (weekdays == 0), weekdays)
    assert not weekly_pattern(np.full(weekdays.size, 4.0), weekdays)
    assert not weekly_pattern(level[:6], weekdays[:6])


def test_limits_are_of_the_weekday_only_where_weekdays_differ():
    rng = np.random.default_rng(5)
    level = rng.normal(60, 3, 140)
    days = charted(UTILISATION, level)
    assert not days.weekly
    assert days.past == 139
    tuesdays = np.arange(140)[::-1] % 7 == 0
    weekly = charted(UTILISATION, level - 30 * tuesdays)
    assert weekly.weekly
    assert {day.weekday() for day in weekly.days} == {1}
    assert judge(UTILISATION, weekly).kind == "common"


def said(metric, values, denominators=None, *, step=1, verdict=None):
    found = charted(metric, values, denominators, step=step)
    return sentence(metric, found, verdict or judge(metric, found), "Dallas")


def test_the_sentence_has_value_counts_limit_weekday_and_site():
    events, trials = [2, 2, 1, 2, 2, 1, 2, 2, 1, 2, 2, 1, 2], [31] * 13
    assert said(RATE, [*events, 9], [*trials, 31]) == (
        "No-shows 9 of 31 (29.0 %): above the upper limit of 17.7 % for a day in Dallas"
    )
    rng = np.random.default_rng(5)
    tuesdays = np.arange(140)[::-1] % 7 == 0
    weekly = rng.normal(60, 3, 140) - 30 * tuesdays
    weekly[-1] = 60.0
    assert said(UTILISATION, weekly).startswith("Chair utilisation 60.0 %: above the upper limit of 3")
    assert said(UTILISATION, weekly).endswith(" % for a Tuesday in Dallas")


def test_the_sentence_of_each_rule_and_of_each_reason():
    base = [50.0, 60.0, 40.0, 55.0, 45.0, 60.0, 40.0, 50.0, 40.0, 60.0, 45.0, 55.0, 40.0]
    assert said(UTILISATION, [*base, *[52.0, 53.0] * 4]) == (
        "Chair utilisation 53.0 %: the 8th day in a row above the usual 50.4 % in Dallas"
    )
    rising = [44.0, 45.5, 47.0, 48.5, 50.5, 52.0, 53.0]
    assert said(UTILISATION, [*base[:-1], *rising]) == "Chair utilisation 53.0 %: rising for 7 days or more in Dallas"
    trial = said(COUNT, [20.0, 22.0, 21.0, 23.0, 22.0])
    assert trial.startswith("Completed visits 22: within the usual ")
    assert trial.endswith(" for a day in Dallas (trial limits, of 4 days)")
    assert said(COUNT, [20.0, 22.0]) == "Completed visits 22: 1 earlier day in Dallas is too few to judge it"
    assert said(COUNT, [22.0]) == "Completed visits 22: no earlier day in Dallas to judge it by"
    assert said(RATE, [1, 0], [10, 0]) == "No-show rate: no past appointments on this Tuesday in Dallas"
    closed, empty, running = (Verdict("unknown", reason=reason) for reason in ("closed", "empty", "not over"))
    assert said(COUNT, [20.0, np.nan], verdict=closed) == "Dallas is closed on this Tuesday"
    assert said(COUNT, [20.0, np.nan], verdict=empty) == (
        "Nothing at all is booked on this Tuesday in Dallas: a holiday, or data are missing"
    )
    assert said(COUNT, [20.0, 3.0], verdict=running) == (
        "Completed visits 3 so far: this Tuesday is not over in Dallas, so that nothing is judged"
    )


def test_concerns_stand_first_then_what_is_furthest_out():
    given = [
        Verdict("common"), Verdict("improvement", "outside", distance=9), Verdict("concern", "run", distance=5),
        Verdict("concern", "outside", distance=4), Verdict("neither", "outside", distance=8),
        Verdict("concern", "outside", distance=3.5),
    ]  # fmt: skip
    assert [given.index(verdict) for verdict in sorted(given, key=rank)] == [3, 5, 2, 4, 1, 0]


def test_false_alarms_are_as_often_as_the_page_says():
    """The rules on figures that nothing but chance moves, each judged at its last day as the page does."""
    values = np.random.default_rng(1).standard_normal(8 * 9_000).reshape(9_000, 8)
    found = sum(bool(spc.special_causes(row, 0, -3, 3).any[-1]) for row in values)
    assert found / len(values) == pytest.approx(verdicts.FALSE_ALARMS, abs=0.003)


# --- on an extract ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scope(everything):
    return scope_of(everything)


def test_a_days_rows_hold_every_figure_at_every_site_in_order(everything, scope):
    rows = today.day_scores(everything, parse({}, scope))
    assert list(rows["metric"]) == [*today.FIGURES] * len(everything.sites)
    assert sorted(rows["pressing"]) == list(range(len(rows)))
    kinds = rows.sort_values("pressing")["kind"].tolist()
    order = ["concern", "neither", "improvement", "common", "unknown"]
    assert kinds == sorted(kinds, key=order.index)


def test_limits_know_nothing_of_the_day_and_of_what_came_after(everything, scope):
    """The day's limits, worked out again from the earlier days' values alone."""
    chosen = parse({"day": ["2026-08-11"], "site": ["dallas"], "figure": ["bookings"]}, scope)
    [row] = today.day_scores(everything, chosen).query("metric == 'bookings'").to_dict("records")
    [days] = today._site_days(everything, chosen)
    values = days.measured["bookings"][:, 0]
    kept = [v for d, v in zip(days.days, values, strict=True) if d.weekday() == 1 and np.isfinite(v)][:-1]
    assert row["days"] == len(kept) > 12
    assert row["usual"] == pytest.approx(np.mean(kept))
    assert days.days[-1] == dt.date(2026, 8, 11)


def test_of_days_that_are_not_over_only_the_one_looked_at_counts():
    days = [dt.date(2026, 3, 2) + dt.timedelta(days=n) for n in range(9)]
    number = np.arange(9)
    booked = number >= 2
    own = today.SiteDays("x", days, number % 7, number > 0, booked, {"a": np.column_stack([number, number])})

    def seen(day, last_full_day):
        found = own.up_to(days[day], days[last_full_day])
        places = [days.index(one) for one in found.days]
        assert found.measured["a"].tolist() == [[place, place] for place in places]
        assert (found.weekdays == [place % 7 for place in places]).all()
        assert (found.booked == booked[places]).all()
        assert (found.open == [place > 0 for place in places]).all()
        return places

    assert seen(5, 6) == [2, 3, 4, 5]
    assert seen(7, 6) == [2, 3, 4, 5, 6, 7]
    assert seen(8, 6) == [2, 3, 4, 5, 6, 8]
    assert seen(8, 3) == [2, 3, 8]
    # Before and at the first booking there is no past.
    assert seen(1, 6) == [1]
    assert seen(2, 6) == [2]
    assert seen(4, 0) == [4]


def test_a_sunday_at_a_site_that_is_closed_and_a_day_that_is_not_over(everything, scope):
    sunday = today.day_scores(everything, parse({"day": ["2026-10-25"]}, scope))
    closed = sunday[sunday["reason"] == "closed"]
    assert set(closed["site"]) == {"Chicago", "Dallas"}
    assert (sunday[sunday["site"] == "Miami Beach"]["reason"] == "").any()
    ahead = today.day_scores(everything, parse({"day": ["2026-11-03"]}, scope))
    assert set(ahead["kind"]) == {"unknown"}
    assert "The day is not over" in today.attention(ahead)
    # Its limits are those of days that are over.
    [row] = ahead[(ahead["site"] == "Dallas") & (ahead["metric"] == "completed")].to_dict("records")
    assert all(v > 0 for v in row["history"][:-1])
    assert row["value"] == 0


def test_a_viewer_of_no_small_counts_has_no_side_effects_of_the_day(reader_of):
    manager = reader_of("manager.dallas")
    scope = scope_of(manager)
    assert "events" not in scope.figures
    chosen = parse({"figure": ["events"]}, scope)
    assert chosen.figure == ""
    assert "events" not in set(today.day_scores(manager, chosen)["metric"])
    assert today.figure_of(manager, chosen) != "events"


def test_the_chart_is_of_the_figure_chosen_else_of_what_stands_out_most(everything, scope):
    chosen = parse({"figure": ["ketamine-share"]}, scope)
    assert set(today.PANELS[1].frame(everything, chosen)["metric"]) == {"ketamine_share"}
    for day in ("2026-10-30", "2026-10-26", "2026-10-12"):
        chosen = parse({"day": [day]}, scope)
        rows = today.day_scores(everything, chosen)
        out = rows[rows["kind"].isin(today.STANDING_OUT)].sort_values(["standing", "pressing"])
        assert today.figure_of(everything, chosen) == (out["metric"].iloc[0] if len(out) else "bookings")


def test_the_charts_last_point_is_the_days_own(everything, scope):
    chosen = parse({"figure": ["no-show-rate"]}, scope)
    scores = today.day_scores(everything, chosen).query("metric == 'no_show_rate'").set_index("site")
    points = today.PANELS[1].frame(everything, chosen).groupby("site").tail(1).set_index("site")
    assert len(points) == 3
    for site, point in points.iterrows():
        assert point["value"] == scores.loc[site, "value"]
        assert (point["lower"], point["upper"]) == (scores.loc[site, "usual_from"], scores.loc[site, "usual_to"])
        assert point["sentence"] == scores.loc[site, "sentence"]


def test_attention_is_one_line_on_a_usual_day_and_names_what_stands_out_on_another(everything, scope):
    rows = today.day_scores(everything, parse({}, scope))
    usual = rows.assign(kind="common", standing=False)
    assert today.attention(usual).count("<li>") == 1
    assert "A usual day: every figure is within its usual range." in today.attention(usual)
    odd = usual.assign(kind=np.where(usual["pressing"] < 2, "concern", "common"))
    html = today.attention(odd)
    first, second = odd.sort_values("pressing")["sentence"].head(2)
    assert html.index(tiles.escape(first)) < html.index(tiles.escape(second))
    assert f"figure={odd.sort_values('pressing')['metric'].iloc[0].replace('_', '-')}" in html
    standing = today.attention(odd.assign(standing=odd["kind"] == "concern"))
    assert "Nothing new stands out." in standing
    assert "A usual day" not in standing
    assert "No news: 2 figures have lain on one side" in standing


def test_one_site_has_tiles_several_a_table_and_many_have_sites_as_rows(everything, scope):
    rows = today.day_scores(everything, parse({}, scope))
    one = tiles.day(rows[rows["site"] == "Dallas"])
    assert one.count('<li class="tile"') == len(today.FIGURES)
    assert "Chicago" not in one
    assert tiles.day(rows).count("<tr>") == len(today.FIGURES) + 1
    many = [rows[rows["site"] == "Dallas"].assign(site=f"Site {i}") for i in range(9)]
    many[4] = many[4].assign(kind="concern", standing=False)
    html = tiles.day(pd.concat(many))
    assert html.count('<th scope="row">') == 9
    assert html.index("Site 4") < html.index("Site 0")
