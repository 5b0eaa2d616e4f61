"""Metrics by site, and what they are compared with beside them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from dashboard import changes
from dashboard.additive import side_by_side
from dashboard.filters import Filters
from dashboard.measuring import MEASURED, measure, measure_all
from dashboard.metrics import METRICS, OF_FIRST_VISITS, SETTLED_DAYS
from dashboard.panels.alike import of_metrics
from dashboard.panels.column import SITE, Column
from dashboard.panels.sums import gathered
from dashboard.panels.words import titled, together
from dashboard.theme import VERDICTS
from dashboard.warehouse import Reader

SCORE_COLUMNS = (
    Column("title", "Metric"),
    SITE,
    Column("value", "Value", "decimal", own="value"),
    Column("unit", "Unit"),
    Column("numerator", "Numerator", "count"),
    Column("denominator", "Denominator", "count"),
    Column("lower", "95 % from", "decimal", own="value"),
    Column("upper", "95 % to", "decimal", own="value"),
    Column("against", "Compared with"),
    Column("before", "Value compared with", "decimal", own="value"),
    Column("change", "Change", "decimal", own="change"),
    Column("change_lower", "Change, 95 % from", "decimal", own="change"),
    Column("change_upper", "Change, 95 % to", "decimal", own="change"),
    Column("change_told", "Change, in words"),
    Column("also_against", "Second comparison"),
    Column("also_before", "Second value", "decimal", own="value"),
    Column("also_change", "Second change", "decimal", own="change"),
    Column("also_change_lower", "Second change, 95 % from", "decimal", own="change"),
    Column("also_change_upper", "Second change, 95 % to", "decimal", own="change"),
    Column("also_change_told", "Second change, in words"),
)
#: Of figures that are judged like for like.
ALIKE_COLUMNS = (
    Column("alike", "Like for like", "decimal", own="change"),
    Column("alike_lower", "Like for like, 95 % from", "decimal", own="change"),
    Column("alike_upper", "Like for like, 95 % to", "decimal", own="change"),
    Column("also_alike", "Second, like for like", "decimal", own="change"),
    Column("also_alike_lower", "Second, like for like, 95 % from", "decimal", own="change"),
    Column("also_alike_upper", "Second, like for like, 95 % to", "decimal", own="change"),
)


def measured(frame: pd.DataFrame, name: str, *keep: str) -> pd.DataFrame:
    """The dimensions named and the metric's value, numerator, denominator, lower and upper."""
    return side_by_side({one: frame[one] for one in keep}, measure(frame, METRICS[name]))


def values_of(name: str, *by: str) -> Callable[[Reader, Filters], pd.DataFrame]:
    """What gives a panel its rows: the metric's value by the dimensions named."""

    def rows(reader: Reader, filters: Filters) -> pd.DataFrame:
        found = measured(gathered(reader, filters, [name], *by), name, *by)
        return titled(found[[*by, "value"]], reader)

    return rows


def scores(reader: Reader, filters: Filters, names: Sequence[str]) -> pd.DataFrame:
    """Metrics by site, and over all of them where there are several, with one or two comparisons.

    Returns:
        One row a metric and site: metric, title, unit, site, value, numerator, denominator, lower,
        upper, and of the first comparison against (what with, in words), before, before_numerator, change,
        change_lower, change_upper (`changes.between`), alike, alike_lower, alike_upper, alike_p (like for like, of
        shares that differ by line and age), change_kind and change_words (`changes.judged`) and change_told (both
        in words); of a second one the same, led by `also_`. Empty and NaN where nothing is compared.
    """
    now = _scores(reader, filters, names)
    parts = [now]
    for also, lead in ((False, ""), (True, "also_")):
        against, then = _then(reader, filters, names, now, also=also)
        part = changes.between(now, then).assign(against=against)
        earlier = filters.compared(also=also)
        if filters.compared_site(also=also) or (earlier and earlier.days != filters.days):
            # Sites differ in size, and months in days: of counts that is no finding.
            limits = ["change_lower", "change_upper"]
            part[limits] = part[limits].where(now["unit"] != "count", axis=0)
        like_for_like = _like_for_like(reader, filters, names, now, also=also)
        part = pd.concat([part, like_for_like.where(part["change"].notna(), np.nan)], axis=1)
        parts.append(told(pd.concat([now["metric"], part], axis=1)).drop(columns="metric").add_prefix(lead))
    return pd.concat(parts, axis=1)


def told(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with change_kind, change_words (`changes.judged`) and both in words, as files have them."""
    found = changes.judged(rows)
    tested = rows["change_lower"].notna().tolist()
    words = [
        "" if not known else said if kind == "common" else "; ".join(filter(None, (VERDICTS[kind].word, said)))
        for known, kind, said in zip(tested, found["change_kind"], found["change_words"], strict=True)
    ]
    return pd.concat([rows, found.assign(change_told=words)], axis=1)


def _like_for_like(
    reader: Reader, filters: Filters, names: Sequence[str], now: pd.DataFrame, *, also: bool
) -> pd.DataFrame:
    """ALIKE beside the rows of now."""
    site = filters.compared_site(also=also)
    then = filters.compared(also=also) or (filters.at(site) if site else None)
    nothing = pd.DataFrame(np.nan, index=now.index, columns=list(changes.ALIKE))
    if then is None or not any(METRICS[name].mixed for name in names):
        return nothing
    found = of_metrics(reader, filters, then, names)
    found["site"] = [reader.catalogue.site_name(one) if one else together(reader, filters) for one in found["site"]]
    beside = now[["metric", "site"]].merge(found, how="left", on=["metric", "site"])
    return beside[list(changes.ALIKE)].set_index(now.index)


def _then(
    reader: Reader, filters: Filters, names: Sequence[str], now: pd.DataFrame, *, also: bool
) -> tuple[str, pd.DataFrame]:
    """What is compared with, in words, and its rows beside those of now."""
    nothing = _nothing(now[list(MEASURED)])
    if earlier := filters.compared(also=also):
        then = _scores(reader, earlier, names)[list(MEASURED)]
        return filters.against_text(earlier), then.where(_held(reader, filters, now, earlier), nothing)
    if (site := filters.compared_site(also=also)) is None:
        return "", nothing
    name = reader.catalogue.site_name(site)
    own = _scores(reader, filters.at(site), names).set_index("metric")
    then = own.loc[now["metric"], list(MEASURED)].set_index(now.index)
    # A site isn't compared with itself, nor with a whole that it is part of.
    return name, then.where(~now["site"].isin([name, together(reader, filters)]), nothing)


def _held(reader: Reader, filters: Filters, now: pd.DataFrame, earlier: Filters) -> pd.Series:
    """Of which rows of now the extract holds what the earlier period is to be compared by."""
    found = reader.query("holdings", sites=filters.sites)
    names = found["site"].map(reader.catalogue.site_name)
    firsts = dict(zip(names, found["first_day"], strict=True))
    firsts[together(reader, filters)] = reader.catalogue.first_day
    # A site without any booking never begins.
    first = pd.to_datetime(now["site"].map(firsts)).fillna(pd.Timestamp.max.floor("D") - dt.timedelta(SETTLED_DAYS))
    start, end = pd.Timestamp(earlier.start), pd.Timestamp(earlier.end)
    # Of a site that was to open there is nothing to tell, and that it has opened since is no improvement; a part of a
    # period has fewer of everything that is counted.
    held = (first <= end) & ((first <= start) | ~now["unit"].isin(["count", "dollars"]))
    return held & ((first + dt.timedelta(SETTLED_DAYS) <= start) | ~now["metric"].isin(list(OF_FIRST_VISITS)))


def against(now: pd.DataFrame, then: pd.DataFrame | None, alike: pd.DataFrame | None = None) -> pd.DataFrame:
    """Rows of metrics with their change from those of the compared period, judged; NaN without one.

    `alike` has `changes.ALIKE` of metrics that differ by service line and age.
    """
    parts = [now, changes.between(now, _nothing(now) if then is None else then)]
    return told(pd.concat([*parts, *([] if alike is None else [alike])], axis=1))


def _nothing(now: pd.DataFrame) -> pd.DataFrame:
    """Rows that nothing can be said against."""
    return now.assign(value=np.nan, numerator=0.0, denominator=0.0, lower=np.nan, upper=np.nan)


def _scores(reader: Reader, filters: Filters, names: Sequence[str]) -> pd.DataFrame:
    frame = titled(gathered(reader, filters, names, "site"), reader)
    if len(filters.sites) > 1:
        total = gathered(reader, filters, names).assign(site=together(reader, filters))
        frame = pd.concat([frame, total], ignore_index=True)
    return named(measure_all(frame, list(names), ["site"]))


def named(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of metrics with title and unit."""
    metrics = [METRICS[name] for name in rows["metric"].tolist()]
    title = pd.Series([one.title for one in metrics], index=rows.index, dtype="str")
    return rows.assign(title=title, unit=pd.Series([one.unit for one in metrics], index=rows.index, dtype="str"))
