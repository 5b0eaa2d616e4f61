"""Infusions of two periods, or of two sites, compared like for like: of one site, service line and age band."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from dashboard import two_groups
from dashboard.arguments import FloatArray
from dashboard.changes import ALIKE
from dashboard.filters import Filters
from dashboard.metrics import METRICS
from dashboard.panels.sums import counts, effect_counts, filled
from dashboard.warehouse import Reader

#: In what infusions are alike that are compared with each other.
STRATA = ("site", "line", "band")


def compared(events: FloatArray, trials: FloatArray, others: FloatArray, among: FloatArray) -> pd.DataFrame:
    """ALIKE in per cent, one row for each but the last axis, along which the strata stand.

    Where a count that weighs is hidden (NaN) nothing can be said, and all is NaN.
    """
    events, trials, others, among = (np.array(one) for one in np.broadcast_arrays(events, trials, others, among))
    hidden = ((np.isnan(events) | np.isnan(others)) & (trials > 0) & (among > 0)).any(axis=-1)
    found = two_groups.like_for_like(np.nan_to_num(events), trials, np.nan_to_num(others), among)
    percent = [100 * np.asarray(side) for side in found.difference]
    parts = [np.where(hidden, np.nan, part).ravel() for part in (*percent, found.p_value)]
    return pd.DataFrame(dict(zip(ALIKE, parts, strict=True)))


def of_metrics(reader: Reader, now: Filters, then: Filters, names: Sequence[str]) -> pd.DataFrame:
    """Shares of infusions like for like, by metric and site, last all sites where there are several.

    Args:
        reader: who asks.
        now: the filters whose figures change.
        then: those that they are compared with; of one site, each site is compared with that one, and their whole
            with nothing.
        names: metrics; of those that don't differ by service line and age nothing is told.

    Returns:
        metric, site (its name in the extract, empty for all) and ALIKE.
    """
    shares = [name for name in names if METRICS[name].mixed and METRICS[name].source == "counts"]
    if not shares:
        return pd.DataFrame(columns=["metric", "site", *ALIKE])
    ours, theirs = (counts(reader, one, *STRATA) for one in (now, then))
    own = len(then.sites) == len(now.sites)
    parts = []
    for name in shares:
        [above], [below] = METRICS[name].numerator, METRICS[name].denominator
        strata = [
            frame[column].to_numpy(dtype=float).reshape(len(one.sites), -1)
            for frame, one in ((ours, now), (theirs, then))
            for column in (above, below)
        ]
        parts.append(compared(*strata).assign(metric=name, site=now.sites))
        if own and len(now.sites) > 1:
            whole = compared(*(part.reshape(1, -1) for part in strata))
            parts.append(whole.assign(metric=name, site=""))
    return pd.concat(parts, ignore_index=True)


def of_effects(reader: Reader, now: Filters, then: Filters) -> pd.DataFrame:
    """Every side effect by infusion like for like, as `catalogue.effects_at` orders them: ALIKE."""
    effects = list(reader.catalogue.effects_at(reader.sites))
    strata = []
    for one in (now, then):
        keys = [*STRATA, "effect"]
        rows = filled(effect_counts(reader, one, *keys), one, keys, effect=effects)
        strata.append(rows["infusions"].to_numpy(dtype=float).reshape(-1, len(effects)).T)
        strata.append(counts(reader, one, *STRATA)["completed"].to_numpy(dtype=float)[np.newaxis])
    return compared(*strata)
