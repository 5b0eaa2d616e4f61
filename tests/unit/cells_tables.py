"""Random tables of counts, and what follows from those of them that are shown: exact linear algebra."""

from __future__ import annotations

import itertools

import numpy as np

PRIME = 2_147_483_629  # ranks modulo a large prime: products of two residues fit into 64 bits


def reduced(rows: np.ndarray, basis: list[tuple[int, np.ndarray]]) -> np.ndarray:
    """Rows less what the basis spans, modulo PRIME."""
    rows = rows.copy()
    for pivot, vector in basis:
        rows = (rows - np.outer(rows[:, pivot], vector)) % PRIME
    return rows


def basis_of(rows: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """A basis of what the rows span, each vector with the column where it alone has a 1; its length is the rank."""
    left = rows.astype(np.int64) % PRIME
    basis: list[tuple[int, np.ndarray]] = []
    while len(left := left[left.any(axis=1)]):
        vector = left[0]
        pivot = int(np.flatnonzero(vector)[0])
        vector = vector * pow(int(vector[pivot]), -1, PRIME) % PRIME
        left = reduced(left[1:], [(pivot, vector)])
        basis.append((pivot, vector))
    return basis


def recoverable(shown: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Which hidden rows follow from the shown: those with which the rank doesn't grow."""
    return ~reduced(hidden.astype(np.int64) % PRIME, basis_of(shown)).any(axis=1)


class Tables:
    """Months × effect × severity × line × band of random counts, and everything published of them.

    `members` has a row for each published count (period by period, cell by cell) over the base
    cells; `counts` are their sums.
    """

    def __init__(self, rng: np.random.Generator, months: int = 3) -> None:
        shape = [int(rng.integers(low, high)) for low, high in ((1, 4), (1, 3), (1, 4), (1, 5))]
        density, mean = rng.uniform(0.1, 0.9), rng.choice([1.0, 3.0, 8.0, 20.0])
        size = (months, *shape)
        self.base = (rng.poisson(mean, size) * (rng.random(size) < density)).ravel()
        places = np.array(list(itertools.product(*map(range, size))))
        effects, severities, lines, bands = shape
        masks, self.names = [], []
        for effect in range(effects):
            own = places[:, 1] == effect
            masks.append(own)
            self.names.append((effect, "", 0))
            for column, name, values in ((3, "line", lines), (4, "band", bands), (2, "severity", severities)):
                for value in range(values):
                    masks.append(own & (places[:, column] == value))
                    self.names.append((effect, name, value))
        masks.append(np.ones(len(places), dtype=bool))
        self.names.append((-1, "", 0))
        self.order = sorted(range(len(masks)), key=lambda i: (self.names[i][1] != "", i))
        spans = [(m,) for m in range(months)] + ([tuple(range(months))] if months > 1 else [])
        self.periods = [() if len(span) == 1 else span for span in spans]
        self.members = np.array([mask & np.isin(places[:, 0], span) for span in spans for mask in masks], dtype=int)
        self.counts = (self.members @ self.base).reshape(len(spans), len(masks))
        self.sums = [self._sums()] * len(spans)

    def _sums(self) -> np.ndarray:
        rows = []
        for effect in sorted({name[0] for name in self.names} - {-1}):
            for kind in ("line", "band", "severity"):
                row = [(n[:2] == (effect, kind)) - 1.0 * (n == (effect, "", 0)) for n in self.names]
                rows.append(row)
        rows.append([(n[0] >= 0 and n[1] == "") - 1.0 * (n[0] == -1) for n in self.names])
        return np.array(rows, dtype=float)

    def system(self, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows of what readers know and of what they must not, over the base cells.

        A count of 0 that is shown makes each of its parts a known 0. Small counts and small base
        cells are to be protected.
        """
        counts = self.counts.ravel()
        zero = self.members[counts == 0].any(axis=0)
        known = np.vstack([self.members[mask.ravel() & (counts > 0)], np.eye(len(self.base), dtype=int)[zero]])
        small = np.vstack([self.members[(counts > 0) & (counts <= 10)],
                           np.eye(len(self.base), dtype=int)[(self.base > 0) & (self.base <= 10)]])  # fmt: skip
        return known, small
