"""Whole calendar periods: which are over, what adds up to what, what a choice of dates comes to."""

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import periods
from dashboard.filters import Scope, parse

DAY = dt.timedelta(days=1)
FIRST, LAST = dt.date(2024, 10, 15), dt.date(2026, 10, 30)
SCOPE = Scope(FIRST, dt.date(2026, 11, 25), LAST, ("a", "b"), ("ketamine",), ("18–25",))
DAYS = st.dates(dt.date(2024, 1, 1), dt.date(2027, 6, 30))


def chosen(**address):
    return parse({name.rstrip("_"): [value] for name, value in address.items()}, SCOPE)


@pytest.mark.parametrize(
    ("last", "count"),
    [(dt.date(2026, 9, 29), 1), (dt.date(2026, 9, 30), 2), (dt.date(2026, 10, 1), 2)],
)
def test_a_period_counts_once_its_last_day_is_over(last, count):
    assert len(periods.over("month", dt.date(2026, 8, 1), last)) == count


def test_a_period_begun_before_the_extract_does_not_count():
    assert periods.over("month", FIRST, LAST)[0].start == dt.date(2024, 11, 1)
    assert periods.over("quarter", FIRST, LAST)[0].start == dt.date(2025, 1, 1)
    assert [p.start.year for p in periods.over("year", FIRST, LAST)] == [2025]


@settings(max_examples=100)
@given(DAYS, DAYS)
def test_the_tree_has_parts_before_their_sum_and_they_make_it_up(one, other):
    tree = periods.tree(min(one, other), max(one, other))
    assert len(set(tree)) == len(tree)
    assert [p.end for p in tree] == sorted(p.end for p in tree)
    for grain, parts in (("quarter", "month"), ("year", "quarter")):
        for whole in (p for p in tree if p.grain == grain):
            own = [p for p in tree if p.grain == parts and whole.start <= p.start and p.end <= whole.end]
            assert own[0].start == whole.start
            assert own[-1].end == whole.end
            assert all(a.end + DAY == b.start for a, b in pairwise(own))
            assert max(tree.index(p) for p in own) < tree.index(whole)


def test_pieces_are_as_few_and_as_long_as_can_be():
    tree = periods.tree(FIRST, LAST)
    found = periods.pieces(dt.date(2024, 12, 1), dt.date(2026, 8, 31), tree)
    assert [p.grain for p in found] == ["month", "year", "quarter", "quarter", "month", "month"]
    assert periods.pieces(dt.date(2026, 9, 2), dt.date(2026, 9, 30), tree) is None
    assert periods.pieces(dt.date(2026, 9, 1), dt.date(2026, 10, 30), tree) is None


@pytest.mark.parametrize(
    ("address", "start", "end"),
    [
        ({}, "2026-09-01", "2026-09-30"),
        ({"period": "7-days"}, "2026-09-01", "2026-09-30"),
        ({"period": "last-month"}, "2026-09-01", "2026-09-30"),
        ({"period": "90-days"}, "2026-07-01", "2026-09-30"),
        ({"period": "12-months"}, "2025-10-01", "2026-09-30"),
        ({"period": "this-year"}, "2026-01-01", "2026-09-30"),
        ({"period": "custom", "from_": "2026-05-10", "to": "2026-06-20"}, "2026-05-01", "2026-06-30"),
        ({"period": "custom", "from_": "2026-06-15", "to": "2026-06-17"}, "2026-05-01", "2026-05-31"),
        ({"period": "custom", "from_": "2024-10-16", "to": "2024-10-20"}, "2024-11-01", "2024-11-30"),
    ],
)
def test_a_choice_in_whole_periods(address, start, end):
    whole = periods.whole(chosen(**address))
    assert (whole.start.isoformat(), whole.end.isoformat()) == (start, end)


@settings(max_examples=150)
@given(DAYS, DAYS, st.sampled_from(["previous", "last-year"]))
def test_whatever_is_chosen_and_compared_is_whole(one, other, compare):
    asked = chosen(period="custom", from_=one.isoformat(), to=other.isoformat(), compare=compare)
    for whole in (periods.whole(asked), periods.whole_year(asked)):
        assert whole.start.day == 1
        assert (whole.end + DAY).day == 1
        assert FIRST <= whole.start <= whole.end <= LAST
        if (before := whole.compared()) is None:
            assert whole.lacks_comparison()
            continue
        assert before.start.day == 1
        assert (before.end + DAY).day == 1
        assert before.end < whole.start or compare == "last-year"
        assert whole.grain == before.grain == "month"


def test_an_extract_of_less_than_a_month_has_none():
    scope = Scope(dt.date(2026, 9, 5), dt.date(2026, 9, 29), dt.date(2026, 9, 29), ("a",), (), ())
    assert periods.whole(parse({}, scope)) is None
    assert periods.whole_year(parse({}, scope)) is None
    assert periods.tree(scope.first_day, scope.last_full_day) == []
