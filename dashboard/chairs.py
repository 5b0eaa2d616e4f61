"""Chairs over one local day: how many are taken when, and which stretches are free.

Times are minutes that have passed since local midnight, so that a visit over a change of the clocks
takes as long as it does: such a day has 1,380 or 1,500 of them. Labels are local time.
"""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from dashboard.arguments import FloatArray

#: Length of a slot in minutes.
SLOT = 30


class Span(NamedTuple):
    """From one minute of the day to another."""

    start: float
    end: float


class Stretch(NamedTuple):
    """Chairs that are free from one minute to another."""

    start: float
    end: float
    chairs: int


@dataclass(frozen=True)
class Day:
    """One local day of a site.

    Attributes:
        date: the local date.
        zone: the site's time zone.
        opens: local time of opening; None where the site is closed.
        closes: local time of closing.
        chairs: how many there are.
    """

    date: dt.date
    zone: ZoneInfo
    opens: dt.time | None
    closes: dt.time | None
    chairs: int

    @property
    def hours(self) -> Span | None:
        """The opening hours, or None where the site is closed."""
        if self.opens is None or self.closes is None:
            return None
        return Span(
            self.minute(dt.datetime.combine(self.date, self.opens)),
            self.minute(dt.datetime.combine(self.date, self.closes)),
        )

    @property
    def open_chairs(self) -> float:
        """How many chairs visits can be booked on; NaN where the site is closed on the day, or has none."""
        return float(self.chairs) if self.hours and self.chairs else math.nan

    def minute(self, local: dt.datetime) -> float:
        """Minutes from local midnight to a local time; of an hour that comes twice the first one."""
        midnight = dt.datetime.combine(self.date, dt.time(), self.zone)
        passed = local.replace(tzinfo=self.zone).astimezone(dt.UTC) - midnight.astimezone(dt.UTC)
        return passed.total_seconds() / 60

    def label(self, minute: float) -> str:
        """The local time of a minute, with the zone's name in an hour that comes twice: "1:30 am CST"."""
        midnight = dt.datetime.combine(self.date, dt.time(), self.zone).astimezone(dt.UTC)
        at = (midnight + dt.timedelta(minutes=minute)).astimezone(self.zone)
        twice = at.replace(fold=0).utcoffset() != at.replace(fold=1).utcoffset()
        clock = f"{(at.hour - 1) % 12 + 1}:{at.minute:02} {'am' if at.hour < 12 else 'pm'}"
        return f"{clock} {at:%Z}" if twice else clock

    def slots(self, taken: Sequence[Span]) -> FloatArray:
        """Starts of the half-hours from opening to closing, and beyond as far as visits go."""
        spans = [span for span in (self.hours, *taken) if span is not None]
        if not spans:
            return np.array([])
        first = np.floor(min(span.start for span in spans) / SLOT) * SLOT
        return np.arange(max(first, 0), max(span.end for span in spans), SLOT)

    def free(self, taken: Sequence[Span], least: float) -> list[Stretch]:
        """Stretches of the opening hours with a chair free for at least `least` minutes, earliest first.

        As many chairs as are free all through a stretch are counted with it. One more visit fits
        wherever fewer visits than chairs overlap, whichever chairs they sit on.
        """
        if (hours := self.hours) is None:
            return []
        cuts = sorted({*hours, *(min(max(edge, hours.start), hours.end) for span in taken for edge in span)})
        pieces = [Span(a, b) for a, b in itertools.pairwise(cuts)]
        busy = [sum(span.start < piece.end and span.end > piece.start for span in taken) for piece in pieces]
        found: Counter[Span] = Counter()
        for layer in range(1, self.chairs + 1):
            free = [self.chairs - used >= layer for used in busy]
            for is_free, run in itertools.groupby(zip(free, pieces, strict=True), key=itemgetter(0)):
                own = [piece for _, piece in run]
                if is_free and own[-1].end - own[0].start >= least:
                    found[Span(own[0].start, own[-1].end)] += 1
        return [Stretch(*span, count) for span, count in sorted(found.items())]


def in_use(taken: Sequence[Span], slots: FloatArray) -> FloatArray:
    """Chairs taken in each slot, on average over its minutes."""
    used = np.zeros(len(slots))
    for span in taken:
        used += np.clip(np.minimum(span.end, slots + SLOT) - np.maximum(span.start, slots), 0, None)
    return used / SLOT
