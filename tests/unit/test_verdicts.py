"""The day's verdict: at, below and above its limits, and how it is said."""

import datetime as dt

import numpy as np
import pytest

from dashboard import spc
from dashboard.metrics import METRICS
from dashboard.panels.today import LEAST_DAYS, attention, chance, judge, sentence

RATE, COUNT, VOLUME = METRICS["no_show_rate"], METRICS["completed"], METRICS["bookings"]
UTILISATION = METRICS["chair_utilisation"]
HISTORY = np.array([50.0, 60.0, 40.0, 55.0, 45.0, 60.0, 50.0, 40.0])


def test_limits_are_those_of_the_xmr_chart():
    _, centre, lower, upper = judge(HISTORY, 50.0, UTILISATION, np.nan)
    limits = spc.xmr(HISTORY)
    assert centre == HISTORY.mean()
    assert lower == pytest.approx(float(limits.lower[0]))
    assert upper == pytest.approx(float(limits.upper[0]))


def test_verdict_at_below_and_above_the_limits():
    _, _, lower, upper = judge(HISTORY, 50.0, UTILISATION, np.nan)
    kinds = [judge(HISTORY, v, UTILISATION, np.nan)[0] for v in (lower - 0.01, lower, upper, upper + 0.01)]
    assert kinds == ["concern", "common", "common", "improvement"]


@pytest.mark.parametrize(
    ("metric", "high", "low"),
    [(RATE, "concern", "improvement"), (UTILISATION, "improvement", "concern")],
)
def test_which_direction_is_good_comes_from_the_metric(metric, high, low):
    steady = np.array([40.0, 41.0, 40.0, 41.0, 40.0, 41.0])
    assert judge(steady, 99.0, metric, 1000)[0] == high
    assert judge(steady, 1.0, metric, 1000)[0] == low


def test_a_volume_is_only_unusual():
    assert judge(np.array([20.0, 21.0] * 4), 60.0, VOLUME, np.nan)[0] == "neither"


def test_a_level_history_of_counts_allows_for_chance():
    level = np.zeros(8)
    assert judge(level, 0.0, COUNT, np.nan)[0] == "common"
    level = np.full(8, 4.0)
    assert [judge(level, v, COUNT, np.nan)[0] for v in (10.0, 11.0)] == ["common", "improvement"]


def test_a_small_day_is_judged_by_its_own_size():
    steady = np.array([7.0, 8.0, 7.0, 8.0, 7.0, 8.0, 7.0, 8.0])
    assert judge(steady, 25.0, RATE, 12)[0] == "common"
    assert judge(steady, 25.0, RATE, 400)[0] == "concern"
    assert chance(10.0, RATE, 100) == pytest.approx(9.0)


def test_too_few_earlier_days_say_nothing():
    days = np.full(8, np.nan)
    days[: LEAST_DAYS - 1] = 5.0
    assert judge(days, 50.0, UTILISATION, np.nan)[0] == "unknown"
    days[:LEAST_DAYS] = 5.0
    assert judge(days, 50.0, UTILISATION, np.nan)[0] == "improvement"


def test_a_closed_day_is_not_judged():
    assert judge(HISTORY, np.nan, UTILISATION, np.nan)[0] == "unknown"


def test_the_sentence_has_value_counts_limit_weekday_and_site():
    row = {"value": 500 / 31, "numerator": 5, "denominator": 31, "usual_from": 0.0, "usual_to": 14.0,
           "verdict": "concern", "closed": False}  # fmt: skip
    said = sentence(RATE, row, dt.date(2026, 10, 27), "Dallas")
    assert said == "No-show rate 5 of 31 (16.1 %): above the upper limit of 14.0 % for a Tuesday in Dallas"


def test_attention_ranks_concerns_first_and_leaves_the_usual_out():
    import pandas as pd

    frame = pd.DataFrame(
        {"verdict": ["improvement", "common", "neither", "concern"], "sentence": ["a", "b", "c", "d"]}
    )
    assert attention(frame) == [("concern", "d"), ("neither", "c"), ("improvement", "a")]
