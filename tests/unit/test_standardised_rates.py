"""Directly standardised rates of `dashboard.rates`: suppression, repeat events, refusals."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from dashboard.rates import (
    directly_standardised_rate,
    poisson_interval,
)

STRATA = {"population": [200, 300], "weights": [1, 3]}


@pytest.mark.parametrize(("events", "shown"), [(9, False), (9.9, False), (10, True), (11, True)])
def test_standardised_rate_is_suppressed_below_ten_events(events, shown):
    found = np.array(directly_standardised_rate([events - 3, 3], **STRATA))
    assert np.isfinite(found).all() == shown
    assert np.isnan(found).all() == (not shown)


@pytest.mark.parametrize("missing", [None, math.nan])
def test_missing_stratum_counts_as_no_event(missing):
    found = directly_standardised_rate([12, missing], **STRATA)
    assert_array_equal(np.array(found), np.array(directly_standardised_rate([12, 0], **STRATA)))
    assert_allclose(found.value, 12 / 200 / 4)


def test_standardised_rate_does_not_depend_on_the_scale_of_the_weights():
    scaled = directly_standardised_rate([12, 8], [200, 300], [1000, 3000])
    assert_allclose(np.array(scaled), np.array(directly_standardised_rate([12, 8], **STRATA)))


def test_standardised_rate_of_several_areas_has_one_interval_each():
    events, population = [[12, 8], [1, 2], [30, 0]], [[200, 300]] * 3
    found = directly_standardised_rate(events, population, STRATA["weights"])
    assert found.value.shape == (3,)
    for i, row in enumerate(events):
        alone = directly_standardised_rate(row, **STRATA)
        assert_array_equal([side[i] for side in found], np.array(alone))


def test_stratum_without_population_leaves_no_rate_unless_it_has_no_weight():
    assert np.isnan(np.array(directly_standardised_rate([12, 0], [200, 0], [1, 3]))).all()
    unweighted = directly_standardised_rate([12, 0], [200, 0], [1, 0])
    assert_allclose(np.array(unweighted), np.array(poisson_interval(12, 200)))


def test_repeat_events_widen_the_variance_by_their_squares():
    # Stratum 1: 6 patients once, 3 twice; stratum 2: 5 once, 1 three times.
    repeats = {1: [6, 5], 2: [3, 0], 3: [0, 1]}
    found = directly_standardised_rate([12, 8], **STRATA, patients_by_event_count=repeats)
    share = (1 / 4 / 200, 3 / 4 / 300)
    variance = (6 + 4 * 3) * share[0] ** 2 + (5 + 9 * 1) * share[1] ** 2
    byar = poisson_interval(20, 1)
    value = 12 * share[0] + 8 * share[1]
    assert_allclose(found.value, value)
    assert_allclose(found.lower, value + math.sqrt(variance / 20) * (byar.lower - 20))
    assert_allclose(found.upper, value + math.sqrt(variance / 20) * (byar.upper - 20))


def test_repeat_events_known_in_all_are_spread_alike_over_the_strata():
    found = directly_standardised_rate([12, 8], **STRATA, patients_by_event_count={1: 11, 2: 3, 3: 1})
    plain = directly_standardised_rate([12, 8], **STRATA)
    widening = math.sqrt((11 + 4 * 3 + 9 * 1) / 20)
    assert found.value == plain.value
    assert_allclose(found.upper - found.value, widening * (plain.upper - plain.value))
    assert_allclose(found.value - found.lower, widening * (plain.value - plain.lower))


def test_one_event_per_patient_changes_nothing():
    plain = np.array(directly_standardised_rate([12, 8], **STRATA))
    for once in ({1: [12, 8]}, {1: 20}, {0: [500, 4], 1: [12, 8]}, {1: [12, 8], 2: [None, 0]}):
        found = directly_standardised_rate([12, 8], **STRATA, patients_by_event_count=once)
        assert_allclose(np.array(found), plain, rtol=1e-12)


def test_repeat_events_of_several_areas_as_totals():
    found = directly_standardised_rate(
        [[12, 8], [0, 0]],
        [[200, 300]] * 2,
        STRATA["weights"],
        patients_by_event_count={1: [10, 0], 2: [5, 0]},
    )
    # Both axes are 2 long: arrays of the result's shape are totals, one an area.
    alone = directly_standardised_rate([12, 8], **STRATA, patients_by_event_count={1: 10, 2: 5})
    assert_allclose([side[0] for side in found], np.array(alone))
    assert np.isnan([side[1] for side in found]).all()


def test_lower_limit_carried_below_zero_by_one_patient_is_zero():
    found = directly_standardised_rate([10], [100], [1], patients_by_event_count={10: [1]})
    assert found.lower == 0
    assert found.upper > poisson_interval(10, 100).upper


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("events", {"events": [-1, 20]}),
        ("events", {"events": 20}),
        ("events", {"events": [], "population": [], "weights": []}),
        ("population", {"population": [200, None]}),
        ("population", {"population": [200, -1]}),
        ("population", {"population": [200]}),
        ("weights", {"weights": [1, math.nan]}),
        ("weights", {"weights": [1, -1]}),
        ("weights", {"weights": [1, 1, 1]}),
        ("weights", {"weights": [0, 0]}),
        ("confidence", {"confidence": 1}),
        ("patients_by_event_count", {"patients_by_event_count": {}}),
        ("patients_by_event_count", {"patients_by_event_count": [(1, 20)]}),
        ("patients_by_event_count", {"patients_by_event_count": {1: [12, 7]}}),
        ("patients_by_event_count", {"patients_by_event_count": {1: 19}}),
        ("patients_by_event_count", {"patients_by_event_count": {1: [12, 8, 0]}}),
        ("patients_by_event_count", {"patients_by_event_count": {1: [12, 0], 2: 4}}),
        ("patients_by_event_count", {"patients_by_event_count": {1.5: [8, 0], 1: [0, 8]}}),
        ("patients_by_event_count", {"patients_by_event_count": {-1: [-12, -8]}}),
        ("patients_by_event_count", {"patients_by_event_count": {1: [14, 8], 2: [-1, 0]}}),
    ],
)
def test_impossible_strata_are_refused_by_name(name, changed):
    arguments = {"events": [12, 8], **STRATA, **changed}
    with pytest.raises(ValueError, match=f"^{name} "):
        directly_standardised_rate(**arguments)
