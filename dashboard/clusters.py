"""How much more counts of side effects and no-shows vary since a patient has several visits, and some are prone."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from dashboard import two_groups
from dashboard.query_faults import QueryTimeoutError, WarehouseError
from dashboard.warehouse import Reader

log = logging.getLogger(__name__)

#: Any side effect, as `clusters.sql` calls it.
_ANY = ""
#: So many visits tell how those of a patient go together; more would only take longer.
SAMPLE = 200_000
#: Of fewer infusions with a side effect, or no-shows, it isn't known how they go together: as if independent.
LEAST_HITS = 20
#: Lengths of periods, in days, for which it is worked out; of others it is the next longer one's, which is no less.
LENGTHS = (31, 92, 184, 366)
_MOMENTS = ("patients", "trials", "trials_squared", "hits", "hits_squared", "hits_trials")

Designs = dict[tuple[str, str], float]


def designs(reader: Reader, days: int) -> Designs:
    """The design effect by service line and side effect ('' any, 'severe', 'serious', one by name), 1 at least.

    Of all of the extract at the sites that the reader may see, worked out once for each of `LENGTHS`.

    Args:
        reader: who asks.
        days: length of the period whose counts are judged.
    """
    days = _length(days)
    frame = reader.warehouse.remembered(("clusters", reader.sites, days), lambda: _clusters(reader, days))
    groups = frame.groupby(["line", "what"], sort=False)
    return {(str(line), str(what)): _design(rows) for (line, what), rows in groups}


def of_no_shows(reader: Reader, days: int) -> float:
    """The design effect of no-shows among a patient's past appointments on one weekday, as `designs`."""
    return _design(_answered(reader, "clusters_no_shows", _length(days)))


def _length(days: int) -> int:
    longest = LENGTHS[-1]
    return next((length for length in LENGTHS if days <= length), -(-days // longest) * longest)


def one_in(visits: float, sample: int) -> int:
    """Every how-manieth patient is asked of so many visits, so that about the sample comes."""
    return max(1, round(visits / sample))


def _design(rows: pd.DataFrame) -> float:
    hits = rows["hits"].sum()
    if not LEAST_HITS <= hits < rows["trials"].sum():
        return 1.0
    # Noise puts half of what is 1 below it, which would make limits narrower than of independent visits.
    return max(1.0, two_groups.design_effect(*(rows[name] for name in _MOMENTS)))


def _answered(reader: Reader, name: str, days: int) -> pd.DataFrame:
    """What the question finds; no rows where facts are elsewhere and Spark can't be asked, so that all is 1.

    Alarms that may be false are better than none.
    """
    completed = reader.query("holdings", sites=reader.sites)["completed"].sum()
    until = reader.catalogue.last_full_day
    try:
        return reader.query(name, sites=reader.sites, days=days, until=until, one_in=one_in(completed, SAMPLE))
    except QueryTimeoutError:
        raise  # somebody else is given way, or it takes too long
    except WarehouseError as error:
        if not reader.warehouse.facts_elsewhere:
            raise
        log.warning("visits of a patient are taken as independent, since they can't be asked about: %s", error)
        return pd.DataFrame({name: [] for name in ("site", "line", "what", *_MOMENTS)})


def _clusters(reader: Reader, days: int) -> pd.DataFrame:
    """The sums of `clusters.sql`; those of one side effect with all infusions, also those that it didn't follow."""
    frame = _answered(reader, "clusters", days)
    every = frame[frame["what"] == _ANY].set_index(["site", "line"])
    keys = pd.MultiIndex.from_frame(frame[["site", "line"]])
    return frame.assign(**{name: every[name].reindex(keys).to_numpy(dtype=np.float64) for name in _MOMENTS[:3]})
