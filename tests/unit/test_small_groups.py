"""Groups of one patient: whether it was that patient is not told by which counts are hidden."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard.small_groups import Kinds, Margins, Treated, hidden_zeros, patients, pool
from dashboard.suppression import shown

#: A total, its two lines and its four age bands. Of the last band one patient was asked, of the one before twelve.
LINES, BANDS = ("ketamine", "vitamin"), ("18-44", "45-64", "65-84", "85+")
KINDS = Kinds(
    MARGINS := Margins({line: 1 + i for i, line in enumerate(LINES)}, {band: 3 + i for i, band in enumerate(BANDS)}),
    [MARGINS],
    [],
)
SUMS = np.array([[-1.0, 1, 1, 0, 0, 0, 0], [-1.0, 0, 0, 1, 1, 1, 1]])
ASKED = {("ketamine", "18-44"): Treated(60, "a", "k"), ("ketamine", "45-64"): Treated(50, "b", "l"),
         ("ketamine", "65-84"): Treated(12, "c", "m"), ("ketamine", "85+"): Treated(1, "d", "d"),
         ("vitamin", "18-44"): Treated(30, "e", "n")}  # fmt: skip
#: Two patients of the last band, one of each line.
TWO = ASKED | {("vitamin", "85+"): Treated(1, "o", "o")}


def decided(*bands, vitamin=11, asked=ASKED, periods=((),)):
    """What is shown of one month, or of several and their sum, each given by its bands."""
    counts = np.array([[sum(own), sum(own) - vitamin, vitamin, *own] for own in bands])
    if periods[-1]:
        counts = np.vstack([counts, counts.sum(axis=0)])
    treated = [asked if not children else {} for children in periods]
    zeros = hidden_zeros(counts, KINDS, treated, periods, 10)
    small = (counts > 0) & (counts <= 10) | zeros
    return shown(counts, small, periods, [SUMS] * len(counts), range(7), 10)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"a": 60, "b": 12, "c": 1}, ["c", "b"]),
        ({"a": 40, "b": 2}, []),
        ({"a": 40, "b": 0}, ["b", "a"]),
        ({"a": 1, "b": 1, "c": 9, "d": 30}, ["a", "b", "c"]),
        ({"a": 1}, ["a"]),
        ({}, []),
    ],
)
def test_who_stands_together(sizes, expected):
    assert pool(sizes, 10) == expected


def test_a_patient_of_two_parts_is_one_patient():
    same, other, nobody = Treated(1, "d", "d"), Treated(1, "e", "e"), Treated(0)
    assert [patients(parts) for parts in ([], [nobody], [same, same, nobody], [same, other])] == [0, 0, 1, 2]


def test_the_same_is_hidden_whoever_it_was():
    patterns = [decided((30, 20, 0, 1)), decided((30, 20, 1, 0)), decided((30, 20, 1, 1))]
    assert not patterns[0][0, 6]
    for other in patterns[1:]:
        assert (other == patterns[0]).all()
    # Where nobody of them had it, that may be known.
    assert decided((30, 20, 0, 0))[0].tolist() == [True] * 7


def test_a_line_that_is_known_to_have_none_leaves_the_other_alone():
    """Of the two patients of the last band, only the one of the other line can have had it."""
    assert decided((30, 20, 0, 0), asked=TWO)[0].all()
    assert decided((30, 20, 0, 0), asked=TWO, vitamin=0)[0].all()
    one, other = (decided((30, 20, *last), asked=TWO, vitamin=0) for last in ((0, 1), (1, 0)))
    assert (one == other).all()
    assert not one[0, 6]
    # Where the line may have some, too, a 0 of the band before tells of two patients.
    assert decided((30, 20, 0, 1), asked=TWO)[0, 5]


def test_a_quarter_does_not_tell_which_month_it_was():
    """Its 0 would say that the month's is one, too."""
    periods = [(), (), (), (0, 1, 2)]
    rest = (30, 20, 0, 0)
    one, other = (decided((30, 20, *last), rest, rest, periods=periods) for last in ((0, 1), (1, 0)))
    assert (one == other).all()
    assert not one[[0, 3], 6].any()


def test_of_a_site_with_one_patient_no_zero_is_shown():
    counts = np.array([[1, 1, 0, 1, 0, 0, 0], [0] * 7])
    alone = {("ketamine", "18-44"): Treated(1, "a", "a")}
    zeros = hidden_zeros(counts, KINDS, [alone, alone], [(), ()], 10)
    assert zeros.tolist() == [[False, False, True, False, True, True, True], [True] * 7]


def test_any_side_effect_is_one_of_those_that_can_be():
    """Of the last band one patient had each line; what vitamins brought is known to be of another band."""
    places = [Margins({"ketamine": 7 * n + 1, "vitamin": 7 * n + 2}, {b: 7 * n + 3 + i for i, b in enumerate(BANDS)})
              for n in range(3)]  # fmt: skip
    kinds = Kinds(places[0], places[1:], [])
    first = [20, 20, 0, 12, 7, 0, 1]  # after ketamine alone
    other = [20, 20, 0, 12, 7, 1, 0]
    second = [12, 0, 12, 0, 12, 0, 0]  # after vitamins alone, of the second band
    asked = TWO | {("vitamin", "45-64"): Treated(40, "p", "z")}
    hidden = []
    for own in (first, other):
        counts = np.array([[*np.add(own, second), *own, *second]])
        hidden.append(hidden_zeros(counts, kinds, [asked], [()], 10)[0])
    # The band before the last is hidden with it, whichever of the two it was.
    assert hidden[0][[5, 12]].all()
    assert hidden[1][[6, 13]].all()
    assert not hidden[0][14:].any()
