"""No small count follows from what is shown: exact ranks over random tables."""

import numpy as np
import pytest
from cells_tables import Tables, basis_of, recoverable

from dashboard.suppression import null_space, shown

TABLES = 1_000


def decided(table):
    small = (table.counts > 0) & (table.counts <= 10)
    return shown(table.counts, small, table.periods, table.sums, table.order, 10), small


def test_of_a_thousand_random_tables_none_is_recoverable():
    """Months with their quarter, effects by severity, line and band, their sum: all that is shown, as one system.

    Protected are the small published counts and the small base cells behind them. As a control,
    hiding only the small counts themselves must fail on the very same tables.
    """
    rng = np.random.default_rng(20_261_101)
    released = releasable = naive = protected = 0
    for number in range(TABLES):
        table = Tables(rng)
        mask, small = decided(table)
        known, secret = table.system(mask)
        assert mask[table.counts == 0].all()
        assert not recoverable(known, secret).any(), number
        naive += bool(number < 100 and recoverable(table.system(~small)[0], secret).any())
        protected += len(secret)
        released += int((mask & (table.counts > 0)).sum())
        releasable += int((table.counts > 10).sum())
    assert protected > 10 * TABLES
    assert naive > 25
    # What needn't be hidden mostly isn't.
    print(
        f"\n{released / releasable:.1%} of the counts above 10 are shown; hiding only small ones fails on {naive} of 100"
    )
    assert released > 0.8 * releasable


def test_the_rank_test_itself_finds_what_follows():
    shown_rows = np.array([[1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 2]])
    hidden = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 1, 1, 1]])
    assert recoverable(shown_rows, hidden).tolist() == [True, False, False, True, True]
    assert len(basis_of(np.vstack([shown_rows, shown_rows]))) == np.linalg.matrix_rank(shown_rows) == 3


def test_hidden_parts_of_a_known_total_add_up_to_more_than_the_limit():
    rng = np.random.default_rng(5)
    for _ in range(200):
        table = Tables(rng)
        mask, _ = decided(table)
        for counts, known, sums in zip(table.counts, mask, table.sums, strict=True):
            for row in sums:
                [whole], parts = np.flatnonzero(row < 0), np.flatnonzero(row > 0)
                hidden = parts[~known[parts]]
                if known[whole] and len(hidden):
                    assert counts[hidden].sum() > max(10, len(hidden))


def test_no_decision_depends_on_a_later_period():
    """What an extract shows of a period, the next one shows of it too, and nothing else of it."""
    rng = np.random.default_rng(6)
    for _ in range(100):
        table = Tables(rng)
        whole, small = decided(table)
        for months in (1, 2):
            early = shown(
                table.counts[:months], small[:months], table.periods[:months], table.sums[:months], table.order, 10
            )
            assert (early == whole[:months]).all()


ONE = [np.array([[-1.0, 1.0, 1.0]])]  # a total and its two parts


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([22, 11, 11], [True, True, True]),  # above the limit
        ([21, 11, 10], [True, False, False]),  # at it: the other part goes as well
        ([12, 11, 1], [True, False, False]),
        ([11, 11, 0], [True, True, True]),  # 0 is no small count
        ([11, 10, 1], [True, False, False]),
        ([10, 5, 5], [False, False, False]),
        ([0, 0, 0], [True, True, True]),
    ],
)
def test_a_total_and_two_parts(counts, expected):
    counts = np.array([counts])
    small = (counts > 0) & (counts <= 10)
    assert shown(counts, small, [()], ONE, [0, 1, 2], 10).tolist() == [expected]
    # Parts first: a single small part takes the total along.
    parts_first = shown(counts, small, [()], ONE, [1, 2, 0], 10)
    assert not (parts_first & small).any()
    if small[0, 1:].sum() == 1:
        assert parts_first[0].tolist() == [False, *(~small[0, 1:])]


def test_a_count_may_be_small_for_another_reason():
    """Twenty events of five patients."""
    counts = np.array([[40, 20, 20]])
    small = np.array([[False, True, False]])
    assert shown(counts, small, [()], ONE, [0, 1, 2], 10).tolist() == [[True, False, False]]


def test_a_quarter_is_not_told_by_its_months():
    counts = np.array([[20], [20], [5], [45]])
    small = counts <= 10
    nothing = [np.empty((0, 1))] * 4
    assert shown(counts, small, [(), (), (), (0, 1, 2)], nothing, [0], 10).ravel().tolist() == [
        True,
        True,
        False,
        False,
    ]
    counts = np.array([[20], [6], [5], [31]])
    assert shown(counts, counts <= 10, [(), (), (), (0, 1, 2)], nothing, [0], 10).ravel().tolist() == [
        True, False, False, True,
    ]  # fmt: skip


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="don't fit"):
        shown(np.array([[1, 2]]), np.array([[True]]), [()], ONE, [0], 10)
    with pytest.raises(ValueError, match="1 to 10 must be small"):
        shown(np.array([[15, 10, 5]]), np.zeros((1, 3), dtype=bool), [()], ONE, [0, 1, 2], 10)


def test_null_space_is_what_the_matrix_maps_to_nothing():
    matrix = np.array([[1.0, 1.0, -1.0, 0.0], [2.0, 2.0, -2.0, 0.0]])
    free = null_space(matrix)
    assert free.shape == (4, 3)
    assert np.allclose(matrix @ free, 0)
    assert np.allclose(free.T @ free, np.eye(3))
