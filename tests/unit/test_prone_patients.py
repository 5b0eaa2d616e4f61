"""Tests of a rate against its own past where a patient has several infusions and some patients are prone."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard import surveillance, two_groups
from dashboard.detection import cusum_alarm, maxsprt_alarm, near_cusum_alarm, near_maxsprt_alarm


def of_patients(rng, rate, correlation, days=730, a_day=8, visits=6, apart=4):
    """Events and trials by day where each patient has six infusions, and some are prone; with the design effect."""
    begun = rng.poisson(a_day / visits, days)
    first = np.repeat(np.arange(days), begun)
    shape = (1 - correlation) / correlation
    prone = rng.beta(rate * shape, (1 - rate) * shape, first.size)
    on = first[:, np.newaxis] + apart * np.arange(visits)
    hit = rng.random(on.shape) < prone[:, np.newaxis]
    trials, events = (np.bincount(on.ravel(), part.ravel(), days + apart * visits)[:days] for part in (on >= 0, hit))
    x, n = hit.sum(axis=1).astype(float), np.full(first.size, float(visits))
    moments = (first.size, n.sum(), (n**2).sum(), x.sum(), (x**2).sum(), (x * n).sum())
    return events, trials, max(1.0, two_groups.design_effect(*moments))


@pytest.mark.parametrize("rate", [0.05, 0.004], ids=["CUSUM", "MaxSPRT"])
def test_the_level_holds_where_some_patients_are_prone(rate):
    """As if infusions were independent, there are several times as many alarms as stated."""
    rng, alpha, looks = np.random.default_rng(12), 0.02, 250
    alone = allowed = 0
    for _ in range(looks):
        events, trials, design = of_patients(rng, rate, 0.2)
        # The first weeks fill up with patients who have begun.
        before, during = slice(30, 548), slice(548, 730)
        past = events[before].sum(), trials[before].sum()

        def alarm(wider, events=events[during], trials=trials[during], past=past):
            if rate >= surveillance.COMMON:
                return cusum_alarm(events, trials, *past, [], alpha, design=wider).first >= 0
            return maxsprt_alarm(events, trials, *past, trials.sum(), alpha, 3, design=wider).first >= 0

        alone += alarm(1.0)
        allowed += alarm(design)
    assert alone / looks > 2.5 * alpha
    assert allowed / looks <= alpha


@pytest.mark.parametrize("scale", [2, 3])
def test_a_design_effect_is_so_many_copies_of_each_trial(scale):
    """Each trial written down twice: allowed for, it says what it said once."""
    rng = np.random.default_rng(8)
    trials = np.full(120, 12.0)
    events = rng.binomial(12, np.where(np.arange(120) < 60, 0.05, 0.15)).astype(float)
    once = cusum_alarm(events, trials, 150, 3_000, np.full(30, 12.0), 0.01)
    copies = cusum_alarm(
        scale * events, scale * trials, scale * 150, scale * 3_000, np.full(30, scale * 12.0), 0.01, design=scale
    )
    assert copies == once
    assert once.first > 0
    rare = rng.binomial(12, np.where(np.arange(120) < 60, 0.004, 0.03)).astype(float)
    once = maxsprt_alarm(rare, trials, 12, 3_000, 1_800.0, 0.01)
    copies = maxsprt_alarm(
        scale * rare, scale * trials, scale * 12, scale * 3_000, scale * 1_800.0, 0.01, design=scale
    )
    assert copies[:2] == once[:2]
    assert copies.p_value == pytest.approx(once.p_value)
    assert once.first > 0


def test_what_comes_nowhere_near_is_found_with_the_design_effect_too():
    rng = np.random.default_rng(5)
    trials = np.full((40, 150), 10.0)
    for rate, near, alarm in (
        (0.06, near_cusum_alarm, lambda x, n, c, v, w: cusum_alarm(x, n, c, v, [], 0.02, w)),
        (0.004, near_maxsprt_alarm, lambda x, n, c, v, w: maxsprt_alarm(x, n, c, v, n.sum(), 0.02, 1, w)),
    ):
        events = rng.binomial(10, rate * rng.uniform(1, 3, (40, 1)), (40, 150)).astype(float)
        past, among, wider = np.full(40, 2_000 * rate), np.full(40, 2_000.0), rng.uniform(1, 3, 40)
        found = near(events, trials, past, among, 0.02, design=wider)
        given = [alarm(*one).first >= 0 for one in zip(events, trials, past, among, wider, strict=True)]
        assert any(given)
        assert not (np.array(given) & ~found).any()
        assert not found.all()
