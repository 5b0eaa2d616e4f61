"""Which counts may be shown so that no small one follows from them: numbers in, a mask out.

Counts form a tree of periods (months, their quarter, their year) with the same cells in each, and
the cells of one period obey sums that everybody knows (a site's total is the sum of its age
bands). A count is *small* when it must not be known. Showing a count adds one equation to what
readers know; a small count follows from what is shown exactly when its own row lies in the span
of those equations. So counts are taken one after the other, each period when it is over, and one
is shown only where no small count comes into the span. Nothing shown is ever taken back, and no
decision depends on a later period: what an earlier extract showed, a later one shows too, and the
two together tell no more than the later one.

Sources: primary and complementary suppression, and its audit by linear algebra: L. H. Cox 1980,
J. Am. Stat. Assoc. 75:377-385, and 1995, J. Am. Stat. Assoc. 90:1453-1462. Limit of 1-10: the cell
size suppression policy of the Centers for Medicare & Medicaid Services.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

#: Relative size below which a row counts as zero, or two as parallel.
_TOLERANCE = 1e-9


def shown(
    counts: IntArray,
    small: BoolArray,
    periods: Sequence[Sequence[int]],
    sums: Sequence[FloatArray],
    order: Sequence[int],
    limit: int,
) -> BoolArray:
    """Which counts may be shown.

    Args:
        counts: additive counts, periods × cells; a longer period's are the sums of its children's.
        small: which counts must not become known, periods × cells. Every count of 1 to `limit`
            must be among them; others may be too: few patients with many events, a 0 that would tell.
        periods: the tree: for each period the positions of those that it is the sum of, none for
            the shortest. In the order in which they end, parts before their sum.
        sums: for each period the sums that its own cells obey, equations × cells: -1 for the
            total, 1 for its parts. Those of longer periods follow from those of their parts, but their
            hidden parts have to add up to enough as well.
        order: the cells in the order in which they are tried.
        limit: the largest count that is hidden. What hidden parts of a shown total add up to is
            above it as well, and above their number (or each would be 1).

    Returns:
        periods × cells: true where the count may be shown. Counts of 0 that aren't small always are, and a
        small one where it follows from others. Readers may know every equation, this rule and all that is shown;
        no small count above 0 follows linearly.

    Raises:
        ValueError: shapes that don't fit, or a count of 1 to `limit` that isn't small.
    """
    if counts.shape != small.shape or counts.shape[0] != len(periods) or len(sums) != len(periods):
        raise ValueError(
            f"counts {counts.shape}, small {small.shape}, {len(periods)} periods and {len(sums)} sums don't fit"
        )
    if (((counts > 0) & (counts <= limit)) & ~small).any():
        raise ValueError(f"every count of 1 to {limit} must be small")
    release = _Release(counts, small, limit, _equations(periods, sums))
    open_parts: dict[int, _Unknown] = {}
    for position, children in enumerate(periods):
        if children:
            parts = {child: open_parts.pop(child) for child in children}
            unknown = _joined(parts, position, release.known[position])
        else:
            unknown = _alone(sums[position], position, release.known[position])
        open_parts[position] = release.decide(unknown, position, order)
    return release.known


@dataclass(frozen=True)
class _Unknown:
    """What readers don't know yet: rows of (period, cell), each a vector over free numbers.

    Two rows that are parallel become known together; a row of zeros is known.
    """

    periods: IntArray
    cells: IntArray
    rows: FloatArray

    def kept(self, keep: BoolArray) -> _Unknown:
        """Only these rows, in as few free numbers as they need."""
        rows = self.rows[keep]
        # Of the rows only lengths and angles matter, which this leaves as they are.
        if rows.size and rows.shape[1] > rows.shape[0]:
            rows = np.transpose(np.linalg.qr(rows.T, mode="r"))
        return _Unknown(self.periods[keep], self.cells[keep], rows)


def _alone(sums: FloatArray, position: int, known: BoolArray) -> _Unknown:
    """The cells of one of the shortest periods: what their sums leave free."""
    cells = np.flatnonzero(~known)
    rows = null_space(sums[:, cells]) if len(sums) else np.eye(len(cells))
    return _Unknown(np.full(len(cells), position), cells, rows)


def _joined(parts: dict[int, _Unknown], position: int, known: BoolArray) -> _Unknown:
    """Several periods (by their position) beside each other, and the period that is their sum."""
    width = sum(part.rows.shape[1] for part in parts.values())
    total = np.zeros((len(known), width))
    stacked, start = [], 0
    for child, part in parts.items():
        wide = np.zeros((len(part.rows), width))
        wide[:, start : start + part.rows.shape[1]] = part.rows
        start += part.rows.shape[1]
        stacked.append(wide)
        own = part.periods == child
        total[part.cells[own]] += wide[own]
    new = np.flatnonzero(~known)
    return _Unknown(
        np.concatenate([*(part.periods for part in parts.values()), np.full(len(new), position)]),
        np.concatenate([*(part.cells for part in parts.values()), new]),
        np.vstack([*stacked, total[new]]),
    )


def null_space(matrix: FloatArray) -> FloatArray:
    """Orthonormal columns that span what the matrix maps to 0, rows × what is free."""
    _, singular, right = np.linalg.svd(matrix)
    rank = int((singular > _TOLERANCE * max(1.0, singular.max(initial=0.0))).sum())
    return right[rank:].T


Equation = tuple[tuple[int, int], list[tuple[int, int]]]


def _equations(periods: Sequence[Sequence[int]], sums: Sequence[FloatArray]) -> list[Equation]:
    """Every total with its parts, as (period, cell)."""
    found: list[Equation] = []
    for position, matrix in enumerate(sums):
        for row in matrix:
            [whole] = np.flatnonzero(row < 0)
            found.append(((position, int(whole)), [(position, int(part)) for part in np.flatnonzero(row > 0)]))
    cells = next((matrix.shape[1] for matrix in sums if matrix.size), 0)
    for position, children in enumerate(periods):
        if children:
            found += [((position, cell), [(child, cell) for child in children]) for cell in range(cells)]
    return found


class _Release:
    """The decisions so far."""

    def __init__(self, counts: IntArray, small: BoolArray, limit: int, equations: list[Equation]) -> None:
        self.known: BoolArray = (counts == 0) & ~small
        self._counts = counts
        self._small = small
        self._limit = limit
        self._touching: dict[tuple[int, int], list[Equation]] = {}
        for equation in equations:
            for place in (equation[0], *equation[1]):
                self._touching.setdefault(place, []).append(equation)

    def decide(self, unknown: _Unknown, position: int, order: Sequence[int]) -> _Unknown:
        """Show what may be shown of one period; return what is unknown then."""
        small = self._small[unknown.periods, unknown.cells]
        left = unknown.rows.copy()
        lengths = np.einsum("ij,ij->i", left, left)
        self._learn(unknown, lengths <= _TOLERANCE)
        place = {int(cell): i for i, cell in enumerate(unknown.cells) if unknown.periods[i] == position}
        for cell in order:
            row = place.get(cell)
            if row is None or self._small[position, cell] or self.known[position, cell]:
                continue
            direction = left[row] / np.sqrt(lengths[row])
            along = left @ direction
            # Parallel rows become known together: nothing of theirs lies off the direction.
            parallel = (lengths > _TOLERANCE) & (lengths - along**2 <= _TOLERANCE * lengths)
            if (parallel & small).any() or not self._tells_enough(unknown, parallel):
                continue
            self._learn(unknown, parallel)
            left -= np.outer(along, direction)
            left[parallel] = 0.0
            lengths = np.where(parallel, 0.0, np.maximum(lengths - along**2, 0.0))
        return _Unknown(unknown.periods, unknown.cells, left).kept(~self.known[unknown.periods, unknown.cells])

    def _learn(self, unknown: _Unknown, rows: BoolArray) -> None:
        self.known[unknown.periods[rows], unknown.cells[rows]] = True

    def _tells_enough(self, unknown: _Unknown, rows: BoolArray) -> bool:
        """Whether, with these rows known too, hidden parts of every known total add up to enough."""
        new = set(zip(unknown.periods[rows].tolist(), unknown.cells[rows].tolist(), strict=True))

        def known(place: tuple[int, int]) -> bool:
            return place in new or bool(self.known[place])

        for place in new:
            for whole, parts in self._touching.get(place, ()):
                if not known(whole):
                    continue
                hidden = [part for part in parts if not known(part)]
                rest = sum(int(self._counts[part]) for part in hidden)
                if hidden and rest <= max(self._limit, len(hidden)):
                    return False
        return True
