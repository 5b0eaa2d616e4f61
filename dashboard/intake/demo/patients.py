"""The patients of the demo delivery: where they come, for what, and from which day on."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dashboard.intake.demo.days import Days, Ints
from dashboard.intake.reference import Reference

Flags = npt.NDArray[np.bool_]

_SITE_SHARES = {"chicago": 0.39, "dallas": 0.245, "miami_beach": 0.365}
#: How much volume of each line a month has, January first.
_SEASONS = {
    "ketamine": (1.08, 1.05, 1.02, 1.0, 0.98, 0.96, 0.94, 0.95, 1.0, 1.02, 1.02, 0.98),
    "vitamin": (1.15, 1.1, 1.0, 0.95, 0.95, 0.95, 0.92, 0.92, 0.98, 1.02, 1.05, 1.0),
    "hydration": (0.85, 0.88, 0.95, 1.0, 1.08, 1.15, 1.2, 1.18, 1.05, 0.95, 0.85, 0.9),
}


@dataclass(frozen=True)
class Patients:
    """One entry a patient; `start` is the day of the first booking of each of the two kinds."""

    site: Ints
    ketamine: Flags
    drips: Flags
    ketamine_start: Ints
    drips_start: Ints
    hydration: Flags

    def __len__(self) -> int:
        return len(self.site)


def draw_patients(rng: np.random.Generator, reference: Reference, days: Days, count: int) -> Patients:
    """So many patients."""
    names = [site.site for site in reference.sites]
    shares = np.array([_SITE_SHARES.get(name, 0.3) for name in names])
    site = rng.choice(len(names), count, p=shares / shares.sum())
    kind = rng.random(count)
    ketamine = kind < 0.42
    drips = (kind >= 0.42) | (kind < 0.06)
    hydration = rng.random(count) < 0.42
    ketamine_start = _arrivals(rng, days, "ketamine", count)
    alone = np.where(hydration, _arrivals(rng, days, "hydration", count), _arrivals(rng, days, "vitamin", count))
    # Who comes for both takes up the drips some weeks into the ketamine.
    drips_start = np.where(ketamine & drips, ketamine_start + rng.integers(7, 90, count), alone)
    return Patients(site, ketamine, drips, ketamine_start, drips_start, hydration)


def _arrivals(rng: np.random.Generator, days: Days, line: str, count: int) -> Ints:
    """Days on which new patients come: more at the start, when the doors open, then steady."""
    number = np.arange(days.end)
    month = np.array([(days.first + dt.timedelta(days=int(n))).month for n in number])
    weight = np.array(_SEASONS[line])[month - 1] * (1.0 + 0.9 * np.exp(-number / 120))
    return rng.choice(days.end, count, p=weight / weight.sum())
