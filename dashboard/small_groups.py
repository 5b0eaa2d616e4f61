"""Groups of so few patients that a hidden count tells of one: of these a 0 is hidden, too.

Whoever sees bookings one by one knows who was treated. Where all completed infusions of an age band in a month are
one patient's and 0 is shown, a hidden count says that this patient had a side effect. So such a group stands with
the next larger ones, until they have more patients together than a small count has: either all of them are known to
be 0, or none is. Which groups stand together follows from who was treated alone, and from what is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from dashboard.suppression import BoolArray, IntArray

#: Of so many patients who were asked, or fewer, nothing may be told, not even 0.
TOO_FEW = 1


class Treated(NamedTuple):
    """Who of a line and band was asked about side effects: how many, and the first and last by their number.

    Without a form nothing is recorded as a rule, so who was treated and not asked hides nobody.
    """

    asked: int
    first: str = ""
    last: str = ""


class Margins(NamedTuple):
    """Where the counts of one kind are, by service line and by age band; either may be empty."""

    lines: Mapping[str, int]
    bands: Mapping[str, int]


#: A line and a band.
Pair = tuple[str, str]
Pairs = frozenset[Pair]
Groups = Mapping[Pair, Treated]


def patients(parts: Iterable[Treated]) -> int:
    """At least so many were asked in all; exactly so many where it is 0 or 1."""
    some = [part for part in parts if part.asked]
    if not some:
        return 0
    if min(part.first for part in some) == max(part.last for part in some):
        return 1
    # A patient of two parts counts once.
    return max(2, *(part.asked for part in some))


def pool(sizes: Mapping[Any, int], limit: int) -> list[Any]:
    """The groups of which 0 is shown for all or for none; empty where each has patients enough.

    >>> pool({"25-34": 40, "75-84": 12, "85+": 1}, 10)
    ['85+', '75-84']
    >>> pool({"25-34": 40, "75-84": 2}, 10)
    []
    """
    ranked = sorted(sizes, key=lambda group: (sizes[group], str(group)))
    if not ranked or sizes[ranked[0]] > TOO_FEW:
        return []
    found, together = [], 0
    for group in ranked:
        found.append(group)
        together += sizes[group]
        if together > limit:
            break
    return found


@dataclass(frozen=True)
class Kinds:
    """Where the counts are: of any side effect, of each one, and of such as are severe or serious."""

    any: Margins
    each: Sequence[Margins]
    grave: Sequence[Margins]


def hidden_zeros(
    counts: IntArray, kinds: Kinds, treated: Sequence[Groups], periods: Sequence[Sequence[int]], limit: int
) -> BoolArray:
    """Which counts of 0 must not be shown, periods × cells.

    Args:
        counts: periods × cells.
        kinds: where the counts are.
        treated: for each period who was asked, by line and band where somebody was treated.
        periods: for each period the positions of those that it is the sum of, parts before their sum.
        limit: the largest count that is hidden.
    """
    found = np.zeros(counts.shape, dtype=bool)
    for position, children in enumerate(periods):
        groups = treated[position]
        _Period(counts[position], found[position], groups, limit).decide(kinds)
        if groups and patients(groups.values()) <= TOO_FEW:
            found[position] = True
        # A 0 of the quarter would tell that of its months.
        for child in children:
            found[position] |= found[child]
        found[position] &= counts[position] == 0
    return found


@dataclass(frozen=True)
class _Period:
    """The counts of one period, and which of its zeros are hidden so far."""

    counts: IntArray
    hidden: BoolArray
    groups: Groups
    limit: int

    def decide(self, kinds: Kinds) -> None:
        """Hide the zeros of all kinds that must not be shown."""
        every, possible = frozenset(self.groups), set[Pair]()
        for kind in kinds.each:
            self._hide(kind, every, every)
            self._hide(kind, *self._left(kind))
            lines, bands = self._left(kind)
            possible |= lines & bands
        for kind in kinds.grave:
            self._hide(kind, possible, possible)
        # Any side effect is one of them: its 0 would tell theirs, and where none of them can be, there is none.
        for kind in (*kinds.each, *kinds.grave):
            for own, of_any in zip(kind, kinds.any, strict=True):
                for name, at in own.items():
                    self.hidden[of_any[name]] |= self.hidden[at] and not self.counts[of_any[name]]
        self._hide(kinds.any, every, every)
        self._hide(kinds.any, *self._left(kinds.any))
        self._hide(kinds.any, possible, possible)

    def _hide(self, kind: Margins, of_lines: Collection[Pair], of_bands: Collection[Pair]) -> None:
        """Hide the zeros of groups with too few patients, and of those that they stand with.

        What is of the bands is left of a line, and what is of the lines is left of a band.
        """
        for place, (own, left) in enumerate(zip(kind, (of_bands, of_lines), strict=True)):
            parts: dict[str, list[Treated]] = {}
            for pair in left:
                if pair[place] in own:
                    parts.setdefault(pair[place], []).append(self.groups[pair])
            sizes = {name: patients(some) for name, some in parts.items()}
            together = [own[name] for name in pool(sizes, self.limit)]
            if self.counts[together].any():
                self.hidden[together] |= self.counts[together] == 0

    def _left(self, kind: Margins) -> tuple[Pairs, Pairs]:
        """Where lines may have some, and where bands may, by what is shown.

        A line of which 0 is known has none of a band's side effects, which may leave one patient of the band.
        """
        none = [{name for name, at in own.items() if not self.counts[at] and not self.hidden[at]} for own in kind]
        lines, bands = (frozenset(pair for pair in self.groups if pair[i] not in none[i]) for i in (0, 1))
        return lines, bands
