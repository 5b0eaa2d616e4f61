"""Groups of so few patients that a hidden count tells of one: of these a 0 is hidden, too.

Whoever sees bookings one by one knows who was treated. Where all completed infusions of an age band in a month are
one patient's and 0 is shown, a hidden count says that this patient had a side effect. So such a group stands with
the next larger ones, until they have more patients together than a small count has: either all of them are known to
be 0, or none is. Which groups stand together follows from who was treated alone, which everybody knows.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from dashboard.suppression import BoolArray, IntArray

#: Of so many patients who were asked, or fewer, nothing may be told, not even 0.
TOO_FEW = 1


def pool(patients: Mapping[Any, int], limit: int) -> list[Any]:
    """The groups of which 0 is shown for all or for none; empty where each has patients enough.

    `patients` are those who were asked about side effects, of each group that somebody was treated in. Without a
    form nothing is recorded as a rule, so who was treated and not asked hides nobody.

    >>> pool({"25-34": 40, "75-84": 12, "85+": 1}, 10)
    ['85+', '75-84']
    >>> pool({"25-34": 40, "75-84": 2}, 10)
    []
    """
    ranked = sorted(patients, key=lambda group: (patients[group], str(group)))
    if not ranked or patients[ranked[0]] > TOO_FEW:
        return []
    found, together = [], 0
    for group in ranked:
        found.append(group)
        together += patients[group]
        if together > limit:
            break
    return found


def hidden_zeros(
    counts: IntArray,
    pools: Sequence[Collection[Sequence[int]]],
    alone: BoolArray,
    periods: Sequence[Sequence[int]],
) -> BoolArray:
    """Which counts of 0 must not be shown, periods × cells.

    Args:
        counts: periods × cells.
        pools: for each period the cells of each count that stand together.
        alone: the periods in which a site as a whole has too few patients: no 0 of theirs is shown.
        periods: for each period the positions of those that it is the sum of, parts before their sum.
    """
    found = np.zeros(counts.shape, dtype=bool)
    for position, children in enumerate(periods):
        for cells in pools[position]:
            if counts[position, cells].any():
                found[position, cells] = True
        found[position] |= alone[position]
        # A 0 of the quarter would tell that of its months.
        for child in children:
            found[position] |= found[child]
        found[position] &= counts[position] == 0
    return found
