"""Groups of one patient: whether it was that patient is not told by which counts are hidden."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.small_groups import hidden_zeros, pool
from dashboard.suppression import shown

#: A total and its four age bands; of the last one patient was asked, of the one before twelve.
ASKED = {"18-44": 60, "45-64": 50, "65-84": 12, "85+": 1}
SUMS = np.array([[-1.0, 1.0, 1.0, 1.0, 1.0]])
POOL = [1 + list(ASKED).index(band) for band in pool(ASKED, 10)]


def decided(*bands, periods=((),)):
    """What is shown of one month, or of several and their sum, each given by its bands."""
    counts = np.array([[sum(own), *own] for own in bands])
    if periods[-1]:
        counts = np.vstack([counts, counts.sum(axis=0)])
    pools = [[POOL] if not children else [] for children in periods]
    zeros = hidden_zeros(counts, pools, np.zeros(len(counts), dtype=bool), periods)
    small = (counts > 0) & (counts <= 10) | zeros
    return shown(counts, small, periods, [SUMS] * len(counts), range(5), 10)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (ASKED, ["85+", "65-84"]),
        ({"a": 40, "b": 2}, []),
        ({"a": 40, "b": 0}, ["b", "a"]),
        ({"a": 1, "b": 1, "c": 9, "d": 30}, ["a", "b", "c"]),
        ({"a": 1}, ["a"]),
        ({}, []),
    ],
)
def test_who_stands_together(asked, expected):
    assert pool(asked, 10) == expected


def test_the_same_is_hidden_whoever_it_was():
    patterns = [decided((30, 20, 0, 1)), decided((30, 20, 1, 0)), decided((30, 20, 1, 1))]
    assert not patterns[0][0, 4]
    for other in patterns[1:]:
        assert (other == patterns[0]).all()
    # Where nobody of them had it, that may be known.
    assert decided((30, 20, 0, 0))[0].tolist() == [True] * 5


def test_a_quarter_does_not_tell_which_month_it_was():
    """Its 0 would say that the month's is one, too."""
    periods = [(), (), (), (0, 1, 2)]
    rest = (30, 20, 0, 0)
    one, other = (decided((30, 20, *last), rest, rest, periods=periods) for last in ((0, 1), (1, 0)))
    assert (one == other).all()
    assert not one[[0, 3], 4].any()


def test_of_a_site_with_one_patient_no_zero_is_shown():
    counts = np.array([[1, 1, 0, 0, 0], [0, 0, 0, 0, 0]])
    zeros = hidden_zeros(counts, [[], []], np.array([True, True]), [(), ()])
    assert zeros.tolist() == [[False, False, True, True, True], [True] * 5]
