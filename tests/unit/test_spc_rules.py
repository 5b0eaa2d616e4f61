"""Rules for special causes and Anhøj's run rules of `dashboard.spc`: thresholds, gaps and invariances."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from scipy import stats

from dashboard.spc import (
    SpecialCauses,
    one_side_rule,
    run_limits,
    run_rules,
    special_causes,
    trend_rule,
    two_in_three_rule,
)

quick = settings(max_examples=60, deadline=None)


@pytest.mark.parametrize(("points", "flagged"), [(6, 0), (7, 1), (8, 2)])
@pytest.mark.parametrize("sign", [1, -1])
def test_seven_points_make_a_run_or_a_trend(points, flagged, sign):
    wanted = [0] * (points - flagged) + [1] * flagged
    assert one_side_rule([sign] * points).tolist() == wanted
    assert trend_rule(sign * np.arange(points)).tolist() == [sign * w for w in wanted]


def test_a_point_on_the_centre_ends_a_run():
    assert not one_side_rule([1] * 6 + [0] + [1] * 6).any()
    assert not one_side_rule([0] * 10).any()


def test_a_run_starts_anew_on_the_other_side():
    assert one_side_rule([1] * 7 + [-1] * 7).tolist() == ([0] * 6 + [1]) * 2


def test_an_equal_neighbour_ends_a_trend():
    assert trend_rule([1, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10, 11, 12]).tolist() == [0] * 12 + [1]


@pytest.mark.parametrize(
    ("close", "side", "wanted"),
    [
        ([1, 1], [1, 1], [0, 0]),
        ([1, 0, 0, 1], [1, 1, 1, 1], [0, 0, 0, 0]),
        ([1, 1, 0], [1, 1, 0], [0, 0, 0]),
        ([1, 1, 0], [-1, -1, -1], [1, 1, 1]),
        ([True, False, True, False], [1, 1, 1, 1], [1, 1, 1, 0]),
    ],
)
def test_two_in_three_needs_three_points_on_one_side(close, side, wanted):
    assert two_in_three_rule(close, side).tolist() == wanted


@pytest.mark.parametrize("rule", [one_side_rule, trend_rule, lambda v: two_in_three_rule(v, v)])
def test_rules_take_an_empty_series(rule):
    assert rule([]).shape == (0,)


def test_a_point_on_a_limit_is_not_outside():
    found = special_causes([3, 3.001, -3, -3.001, 0], 0, -3, 3)
    assert found.outside.tolist() == [0, 1, 0, -1, 0]
    assert found.highlighted.tolist() == found.any.tolist() == [False, True, False, True, False]


def test_outer_third_begins_beyond_two_thirds_and_ends_at_the_limit():
    for values, flags in (
        ([2.0, 2.5, 1.0], [0, 0, 0]),
        ([2.1, 2.5, 1.0], [1, 1, 1]),
        ([3.0, 2.5, 1.0], [1, 1, 1]),
        ([3.1, 2.5, 1.0], [0, 0, 0]),
    ):
        assert special_causes(values, 0, -3, 3).two_in_three.tolist() == flags


def test_a_cut_off_limit_does_not_move_the_outer_third():
    # Two days without an event are common on a chart whose lower limit was cut off at 0.
    assert not special_causes([0, 0, 0.1], 1, 0, 5).any.any()
    assert special_causes([4, 4, 1.1], 1, 0, 5).two_in_three.tolist() == [1, 1, 1]
    assert special_causes([0.1, 0.1, 0.9], 1, 0, 2).two_in_three.tolist() == [-1, -1, -1]
    assert not special_causes([1, 1, 0.96], 0.9, 0.6, 1).any.any()
    assert special_causes([0.65, 0.65, 0.85], 0.9, 0.6, 1).two_in_three.tolist() == [-1, -1, -1]


def test_limits_vary_by_point():
    found = special_causes([2, 2], [0, 0], [-3, -1], [3, 1])
    assert found.outside.tolist() == [0, 1]


def test_flags_begin_when_known_and_highlights_cover_the_whole_pattern():
    found = special_causes([0, 1, 1, 1, 1, 1, 1, 1, -1], 0, -3, 3)
    assert found.one_side.tolist() == [0] * 7 + [1, 0]
    assert found.highlighted.tolist() == [False] + [True] * 7 + [False]
    falling = special_causes([7, 6, 5, 4, 3, 2, 1, 9], 4, -30, 30)
    assert falling.trend.tolist() == [0] * 6 + [-1, 0]
    assert falling.highlighted.tolist() == [True] * 7 + [False]
    third = special_causes([2.5, 1, 2.5, -1], 0, -3, 3)
    assert third.two_in_three.tolist() == [1, 1, 1, 0]
    assert third.highlighted.tolist() == [True, False, True, False]
    assert third.any.tolist() == [True, True, True, False]


# Wandering, one-sided and steadily rising or falling series, so that each rule has its turn.
steps = st.one_of(
    st.lists(st.one_of(st.integers(-4, 4), st.none()), max_size=40),
    st.lists(st.one_of(st.integers(1, 3), st.none()), min_size=5, max_size=30),
    st.lists(st.integers(-9, 9), unique=True, min_size=5).map(sorted),
    st.lists(st.integers(-9, 9), unique=True, min_size=5).map(lambda v: sorted(v, reverse=True)),
)


@quick
@given(steps)
def test_reversing_the_sides_flips_the_flags(values):
    y = np.array(values, dtype=float)
    found, mirrored = special_causes(y, 0, -3, 3), special_causes(-y, 0, -3, 3)
    for flags, flipped in zip(found[:4], mirrored[:4], strict=True):
        assert_array_equal(flags, -flipped)
    assert_array_equal(found.highlighted, mirrored.highlighted)


@quick
@given(steps)
def test_missing_points_neither_extend_nor_break_a_pattern(values):
    y = np.array(values, dtype=float)
    present = ~np.isnan(y)
    found, closed_up = special_causes(y, 0, -3, 3), special_causes(y[present], 0, -3, 3)
    for flags, wanted in zip(found, closed_up, strict=True):
        assert_array_equal(flags[present], wanted)
        assert not flags[~present].any()


@quick
@given(steps)
def test_flags_hold_against_a_plain_reading_of_the_rules(values):
    y = [v for v in values if v is not None]
    found = special_causes(y, 0, -3, 3)
    for i in range(len(y)):
        last = y[max(i - 6, 0) : i + 1]
        full = len(last) == 7
        assert (found.one_side[i] == 1) == (full and min(last) > 0)
        assert (found.one_side[i] == -1) == (full and max(last) < 0)
        pairs = list(pairwise(last))
        assert (found.trend[i] == 1) == (full and all(a < b for a, b in pairs))
        assert (found.trend[i] == -1) == (full and all(a > b for a, b in pairs))
        threes = [y[j : j + 3] for j in range(max(i - 2, 0), i + 1) if j + 3 <= len(y)]
        high = [t for t in threes if min(t) > 0 and t.count(3) >= 2]
        low = [t for t in threes if max(t) < 0 and t.count(-3) >= 2]
        assert found.two_in_three[i] == bool(high) - bool(low)
        assert found.outside[i] == (y[i] > 3) - (y[i] < -3)


def test_a_point_without_limits_still_counts_in_runs():
    found = special_causes([1] * 7, 0, math.nan, math.nan)
    assert found.one_side.tolist() == [0] * 6 + [1]
    assert not found.outside.any()
    without_centre = special_causes([1] * 7, math.nan, math.nan, math.nan)
    assert not without_centre.any.any()


def test_special_causes_cannot_be_changed():
    found = special_causes([1], 0, -3, 3)
    assert isinstance(found, SpecialCauses)
    with pytest.raises(AttributeError):
        found.trend = None


@pytest.mark.parametrize(
    ("signs", "longest", "crossings", "signal"),
    [
        ("+-" * 12, 1, 23, False),
        ("+" * 8 + "-+" * 8, 8, 16, False),
        ("+" * 9 + "-+" * 7 + "-", 9, 15, True),
        ("+++---" * 4, 3, 7, True),
        ("+++---" * 3 + "+++--+", 3, 8, False),
    ],
)
def test_run_rules_signal_beyond_their_limits(signs, longest, crossings, signal):
    found = run_rules([1 if s == "+" else -1 for s in signs], 0)
    assert (found.n_useful, found.longest_run_max, found.crossings_min) == (24, 8, 8)
    assert (found.longest_run, found.crossings, found.signal) == (longest, crossings, signal)


def test_run_rules_pass_over_points_on_the_centre_and_missing_ones():
    found = run_rules([6, 7, 5, 8, math.nan, 9, 4, 3], 5)
    assert (found.n_useful, found.longest_run, found.crossings) == (6, 4, 1)


@pytest.mark.parametrize("values", [[], [5, 5], [math.nan]])
def test_run_rules_without_useful_points(values):
    found = run_rules(values, 5)
    assert (found.n_useful, found.longest_run, found.crossings) == (0, 0, 0)
    assert not found.signal


@quick
@given(st.integers(1, 500))
def test_crossings_limit_is_the_lower_five_percent_point(n_useful):
    fewest = run_limits(n_useful).crossings_min
    assert stats.binom.cdf(fewest, n_useful - 1, 0.5) >= 0.05
    assert stats.binom.cdf(fewest - 1, n_useful - 1, 0.5) < 0.05
