"""Groups of so few patients that a hidden count tells of one: of these a 0 is hidden, too.

Whoever sees bookings one by one knows who was treated. Where all completed infusions of an age band in a month are
one patient's and 0 is shown, a hidden count says that this patient had a side effect. So such a group stands with
the next larger ones, until they have more patients together than a small count has: either all of them are known to
be 0, or none is. Which groups stand together follows from who was treated alone, and from what is shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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


Groups = Mapping[tuple[str, str], Treated]


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


def hidden_zeros(
    counts: IntArray,
    margins: Sequence[Margins],
    treated: Sequence[Groups],
    periods: Sequence[Sequence[int]],
    limit: int,
) -> BoolArray:
    """Which counts of 0 must not be shown, periods × cells.

    Args:
        counts: periods × cells.
        margins: of each kind of counts; the first is of any side effect, which has every other in it.
        treated: for each period who was asked, by line and band where somebody was treated.
        periods: for each period the positions of those that it is the sum of, parts before their sum.
        limit: the largest count that is hidden.
    """
    found = np.zeros(counts.shape, dtype=bool)
    for position, children in enumerate(periods):
        own, groups = counts[position], treated[position]
        for kind in margins:
            _hide(found[position], own, kind, margins[0].bands, groups, limit)
        if groups and patients(groups.values()) <= TOO_FEW:
            found[position] = True
        # A 0 of the quarter would tell that of its months.
        for child in children:
            found[position] |= found[child]
        found[position] &= own == 0
    return found


def _hide(
    hidden: BoolArray, counts: IntArray, kind: Margins, bands_of_any: Mapping[str, int], groups: Groups, limit: int
) -> None:
    """Add the zeros of one kind in one period that must not be shown."""
    bands = kind.bands or bands_of_any
    _hide_pools(hidden, counts, kind, Margins(kind.lines, bands), groups, limit)
    # A line of which 0 is known has none of a band's side effects, which may leave one patient of the band.
    _hide_pools(hidden, counts, kind, _possible(hidden, counts, kind.lines, bands), groups, limit)


def _hide_pools(
    hidden: BoolArray, counts: IntArray, kind: Margins, possible: Margins, groups: Groups, limit: int
) -> None:
    """Add the zeros of groups with too few patients of the lines and bands that are possible, and of their pools."""
    for place, own in enumerate(kind):
        parts: dict[str, list[Treated]] = {}
        for names, part in groups.items():
            if names[place] in own and names[1 - place] in possible[1 - place]:
                parts.setdefault(names[place], []).append(part)
        together = [own[name] for name in pool({name: patients(some) for name, some in parts.items()}, limit)]
        if counts[together].any():
            hidden[together] |= counts[together] == 0


def _possible(hidden: BoolArray, counts: IntArray, lines: Mapping[str, int], bands: Mapping[str, int]) -> Margins:
    """The lines and bands of which it isn't known that they have none."""
    return Margins(*({name: at for name, at in one.items() if counts[at] or hidden[at]} for one in (lines, bands)))
