"""Infusions of two periods, or of two sites, compared like for like: of one site, service line and age band."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dashboard import access, two_groups
from dashboard.arguments import FloatArray
from dashboard.changes import ALIKE
from dashboard.clusters import designs
from dashboard.filters import Filters
from dashboard.metrics import METRICS
from dashboard.panels.sums import counts, effect_counts, filled
from dashboard.surveillance import ALL, SERIOUS, SEVERE
from dashboard.warehouse import Reader

#: In what infusions are alike that are compared with each other.
STRATA = ("site", "line", "band")
_OF_METRICS = {"any_effect": ALL, "severe_effect": SEVERE, "serious_effect": SERIOUS}


def told(reader: Reader) -> bool:
    """Whether the viewer is told what is like for like: what is hidden from others could be inferred from it."""
    return access.allows(reader.viewer, "signals") and not reader.hides_small_counts


def compared(
    events: FloatArray, trials: FloatArray, others: FloatArray, among: FloatArray, *, design: FloatArray
) -> pd.DataFrame:
    """ALIKE in per cent, one row for each but the last axis, along which the strata stand."""
    x, n, y, m = np.broadcast_arrays(events, trials, others, among)
    found = two_groups.like_for_like(x, n, y, m, design=design)
    parts = [*(100 * np.asarray(side) for side in found.difference), np.asarray(found.p_value)]
    return pd.DataFrame({name: part.ravel() for name, part in zip(ALIKE, parts, strict=True)})


def of_metrics(reader: Reader, now: Filters, then: Filters, names: Sequence[str]) -> pd.DataFrame:
    """Shares of infusions like for like, by metric and site, last all sites where there are several.

    Args:
        reader: who asks; nothing is told to those who may not see Signals.
        now: the filters whose figures change.
        then: those that they are compared with; of one site, each site is compared with that one, and their whole
            with nothing.
        names: metrics; of those that don't differ by service line and age nothing is told.

    Returns:
        metric, site (its name in the extract, empty for all) and ALIKE.
    """
    shares = [name for name in names if name in _OF_METRICS]
    if not shares or not told(reader):
        return pd.DataFrame(columns=["metric", "site", *ALIKE])
    ours, theirs = (counts(reader, one, *STRATA) for one in (now, then))
    known = designs(reader, now.days)
    own = len(then.sites) == len(now.sites)
    parts = []
    for name in shares:
        [above], [below] = METRICS[name].numerator, METRICS[name].denominator
        strata = [
            frame[column].to_numpy(dtype=float).reshape(len(one.sites), -1)
            for frame, one in ((ours, now), (theirs, then))
            for column in (above, below)
        ]
        wider = np.array([known.get((line, _OF_METRICS[name]), 1.0) for line in ours["line"].tolist()])
        wider = wider.reshape(len(now.sites), -1)
        parts.append(compared(*strata, design=wider).assign(metric=name, site=now.sites))
        if own and len(now.sites) > 1:
            whole = compared(*(part.reshape(1, -1) for part in strata), design=wider.reshape(1, -1))
            parts.append(whole.assign(metric=name, site=""))
    return pd.concat(parts, ignore_index=True)


def of_effects(reader: Reader, now: Filters, then: Filters) -> pd.DataFrame:
    """Every side effect by infusion like for like, as `catalogue.effects_at` orders them: ALIKE."""
    effects = list(reader.catalogue.effects_at(reader.sites))
    if not told(reader):
        return pd.DataFrame(np.nan, index=range(len(effects)), columns=list(ALIKE))
    known = designs(reader, now.days)
    strata = []
    for one in (now, then):
        keys = [*STRATA, "effect"]
        rows = filled(effect_counts(reader, one, *keys), one, keys, effect=effects)
        strata.append(rows["infusions"].to_numpy(dtype=float).reshape(-1, len(effects)).T)
        strata.append(counts(reader, one, *STRATA)["completed"].to_numpy(dtype=float)[np.newaxis])
    lines = counts(reader, now, *STRATA)["line"].tolist()
    wider = np.array([[known.get((line, effect), 1.0) for line in lines] for effect in effects])
    return compared(*strata, design=wider)
