"""Panels of the Signals page that look sideways: sites, ages and lines against each other in the period."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from dashboard import charts, control_charts, dot_charts, rates, spc, two_groups
from dashboard.arguments import FloatArray
from dashboard.changes import ALIKE, LEVEL
from dashboard.clusters import designs
from dashboard.filters import Filters
from dashboard.panels.alike import STRATA, compared
from dashboard.panels.column import SITE, Column
from dashboard.panels.panel import Panel
from dashboard.panels.signals import VERDICT, WHAT, effect_hits, effect_title
from dashboard.panels.words import listed, titled, together
from dashboard.theme import VERDICTS, VerdictKind
from dashboard.warehouse import Reader
from dashboard.wording import number, signed

#: With fewer sites than these no over-dispersion is estimated.
DISPERSION_SITES = 10
#: What a name takes of a funnel's width and height on a phone.
NAME_WIDTH, NAME_HEIGHT = 0.4, 0.1
NOT_DISTINGUISHABLE = "not distinguishable"
_COUNTED = ("infusions with it", "completed infusions")


def _sites(reader: Reader, filters: Filters) -> pd.DataFrame:
    """Each site against all: age-standardised rate, observed ÷ expected, funnel limits, words."""
    every = filters.at(*filters.scope.sites)
    frame = effect_hits(reader, every, "site", "line", "band")
    frame["group"] = frame["band"].map(reader.catalogue.groups)
    sites = list(every.sites)
    whole = frame.groupby("site", sort=False)[["infusions", "completed"]].sum().reindex(sites)
    observed, trials = (whole[name].to_numpy(dtype=float) for name in ("infusions", "completed"))
    frame["expected"] = _expected(frame)
    # As many times as large a variance, since a patient has several infusions.
    frame["varying"] = frame["expected"] * frame["line"].map(_of_lines(reader, filters)).fillna(1.0)
    by_site = frame.groupby("site", sort=False)[["expected", "varying"]].sum().reindex(sites)
    expected, varying = (by_site[name].to_numpy(dtype=float) for name in ("expected", "varying"))
    ratio = rates.standardised_ratio(observed, expected)
    inner, outer = spc.funnel(expected)
    design = np.divide(varying, expected, out=np.ones(len(sites)), where=expected > 0)
    widened = np.maximum(design, _dispersion(observed, expected))
    standard = _standardised(reader, every, frame)
    rows = pd.DataFrame(
        {
            "site": sites, "value": 100 * np.asarray(standard.value), "lower": 100 * np.asarray(standard.lower),
            "upper": 100 * np.asarray(standard.upper), "numerator": observed, "denominator": trials,
            "crude": 100 * np.divide(observed, trials, out=np.full(len(sites), np.nan), where=trials > 0),
            "expected": expected, "ratio": ratio.value, "ratio_lower": ratio.lower, "ratio_upper": ratio.upper,
            **{f"inner_{side}": _widen(getattr(inner, side), widened) for side in ("lower", "upper")},
            **{f"outer_{side}": _widen(getattr(outer, side), widened) for side in ("lower", "upper")},
        }
    )  # fmt: skip
    told = [_told(row["ratio"], row) for row in rows.to_dict("records")]
    rows["verdict"] = [VERDICTS[kind].word for kind, _ in told]
    rows["reading"] = [words for _, words in told]
    rows["what"] = effect_title(reader, filters.effect)
    # A site without infusions has nothing to stand for it.
    rows = rows[rows["site"].isin(filters.sites) & (rows["denominator"] > 0)]
    rows = titled(rows.sort_values("expected", ignore_index=True), reader)
    return rows.assign(named=named(rows) if len(rows) > charts.COLOURED else rows["site"])


def named(rows: pd.DataFrame) -> pd.Series:
    """Of many sites the names of those that stand out, farthest first, where no other name is in the way."""
    out = rows[rows["verdict"] != VERDICTS["common"].word].dropna(subset=["ratio"])
    away = (np.abs(out["ratio"] - 1) * np.sqrt(out["expected"])).sort_values(ascending=False, kind="stable")
    spans = [float(np.ptp(rows[axis].dropna())) or 1.0 for axis in ("expected", "ratio")]
    places = out[["expected", "ratio"]] / spans
    told: list[int] = []
    for place in away.index:
        gaps = (places.loc[told] - places.loc[place]).abs()
        if not ((gaps["expected"] < NAME_WIDTH) & (gaps["ratio"] < NAME_HEIGHT)).any():
            told.append(place)
    return rows["site"].where(rows.index.isin(told), "")


def _of_lines(reader: Reader, filters: Filters) -> dict[str, float]:
    """The design effect of the side effect chosen, by service line."""
    return {line: wider for (line, what), wider in designs(reader, filters.days).items() if what == filters.effect}


def _expected(frame: pd.DataFrame) -> pd.Series:
    """Of each row infusions with the effect, had each line and age group its rate over all sites."""
    strata = frame.groupby(["line", "group"])[["infusions", "completed"]].transform("sum")
    rate = (strata["infusions"] / strata["completed"].where(strata["completed"] > 0)).fillna(0)
    return rate * frame["completed"]


def _standardised(reader: Reader, filters: Filters, frame: pd.DataFrame) -> rates.Interval:
    """Rates with the age mix of all sites, repeats within patients widening the limits."""
    by_age = frame.groupby(["site", "group"], sort=False)[["infusions", "completed"]].sum().unstack("group")
    by_age = by_age.reindex(list(filters.sites)).fillna(0)
    events, people = by_age["infusions"].to_numpy(dtype=float), by_age["completed"].to_numpy(dtype=float)
    events, people = _shared_strata(events, people)
    repeats = reader.query("effect_repeats", effect=filters.effect, **filters.values())
    by_count = repeats.pivot_table(index="site", columns="infusions", values="patients", fill_value=0, aggfunc="sum")
    by_count = by_count.reindex(list(filters.sites), fill_value=0)
    patients = {int(count): by_count[count].to_numpy(dtype=float) for count in by_count.columns}
    if not people.any():
        return rates.Interval(*[np.full(len(events), np.nan)] * 3)
    return rates.directly_standardised_rate(
        events, people, people.sum(axis=0), patients_by_event_count=patients or None
    )


def _shared_strata(events: FloatArray, people: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Age groups that every site with infusions has; the others joined to the largest.

    A group without infusions at a site has no rate there, and nothing could be standardised.
    """
    present = people.sum(axis=1) > 0
    shared = (people[present] > 0).all(axis=0)
    largest = int(people.sum(axis=0).argmax())
    shared[largest] = True
    joined_events, joined_people = events.copy(), people.copy()
    joined_events[:, largest] += events[:, ~shared].sum(axis=1)
    joined_people[:, largest] += people[:, ~shared].sum(axis=1)
    return joined_events[:, shared], joined_people[:, shared]


def _dispersion(observed: FloatArray, expected: FloatArray) -> float:
    """The over-dispersion of sites of which something is expected; the others vary by nothing and would hide it."""
    known = expected > 0
    return spc.overdispersion(observed[known], expected[known]) if known.sum() >= DISPERSION_SITES else 1.0


def _widen(limit: object, dispersion: FloatArray) -> FloatArray:
    away = np.asarray(limit, dtype=float) - 1
    return np.asarray(np.maximum(1 + away * np.sqrt(dispersion), 0))


def _told(ratio: float, row: Mapping[Any, Any]) -> tuple[VerdictKind, str]:
    if np.isnan(ratio):
        return "common", "nothing is expected"
    said = f"{row['numerator']:,.0f} observed, {number(row['expected'], 1)} expected"
    if row["outer_lower"] <= ratio <= row["outer_upper"]:
        if row["inner_lower"] <= ratio <= row["inner_upper"]:
            return "common", f"{said}: {NOT_DISTINGUISHABLE} from the others"
        return "neither", f"{said}: outside the 95 % limits, within the 99.8 % limits"
    kind: VerdictKind = "concern" if ratio > 1 else "improvement"
    return kind, f"{said}: {'more' if ratio > 1 else 'fewer'} than chance allows (99.8 % limits)"


def _sites_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No completed infusions in this period"
    what = frame["what"].iloc[0]
    told = [
        f"{row['site']}: {row['reading']}"
        for row in frame.to_dict("records")
        if row["verdict"] != VERDICTS["common"].word
    ]
    if not told:
        return f"{what}: the sites are {NOT_DISTINGUISHABLE}"
    if len(frame) > charts.COLOURED:
        outside = "is" if len(told) == 1 else "are"
        return (
            f"{what}: {len(told)} of {len(frame)} sites {outside} outside the 95 % limits, "
            f"where chance alone puts up to {np.ceil(0.05 * len(frame)):,.0f}"
        )
    return f"{what}, {listed(told)}"


def _rates_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No completed infusions in this period"
    few = frame.loc[frame["value"].isna(), "site"].tolist()
    shown = frame.dropna(subset=["value"])
    apart = len(shown) > 1 and shown["lower"].max() > shown["upper"].min()
    said = "intervals lie apart" if apart else f"sites are {NOT_DISTINGUISHABLE}" if len(shown) > 1 else "one site"
    if not len(shown):
        return f"{frame['what'].iloc[0]}, with the same ages everywhere: fewer than 10 at every site, not shown"
    left = f"; fewer than 10 at {listed(few, ', ')}, not shown" if few else ""
    return f"{frame['what'].iloc[0]}, with the same ages everywhere: {said}{left}"


def _site_tips() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("site:N", title="Site"), alt.Tooltip("numerator:Q", title="Observed", format=",.0f"),
        alt.Tooltip("expected:Q", title="Expected", format=",.1f"),
        alt.Tooltip("ratio:Q", title="Observed ÷ expected", format=",.2f"), alt.Tooltip("verdict:N", title="Verdict"),
    ]  # fmt: skip


def _funnel_chart(look: charts.Look) -> charts.Chart:
    return control_charts.funnel(look, "Observed ÷ expected, 95 and 99.8 % limits", _site_tips())


def _rates_chart(look: charts.Look) -> charts.Chart:
    return dot_charts.dots(
        look, "Age-standardised rate by site", "Per 100 infusions", "site", "Site", _COUNTED, order=look.sites
    )


_CRUDE = ("difference", "lower", "upper")
_ALIKE = ALIKE[:3]
#: What is judged: like for like where groups have strata in common.
_DRAWN = ("drawn", "drawn_lower", "drawn_upper")
#: Of each group of a pair infusions with the side effect and completed ones.
_PAIRED = ("numerator", "denominator", "other_numerator", "other_denominator")
#: So many independent infusions would say as much.
_EFFECTIVE = ("effective", "other_effective")
_HITS = ["infusions", "completed"]


def _differences(reader: Reader, filters: Filters) -> pd.DataFrame:
    """Pairs of groups: difference with Newcombe's interval, like for like with its p, what would have been seen."""
    of_lines = {
        line: wider for (line, what), wider in designs(reader, filters.days).items() if what == filters.effect
    }
    rows = pd.DataFrame([_compared(*pair, of_lines) for pair in _pairs(reader, filters)])
    rows = rows[(rows["denominator"] > 0) & (rows["other_denominator"] > 0)].reset_index(drop=True)
    a, n, b, m = (rows[name].to_numpy(dtype=float) for name in _PAIRED)
    found = rates.newcombe_difference(a, n, b, m)
    # Groups that have no stratum in common are compared as they are.
    p_values = np.where(rows["alike_p"].notna(), rows["alike_p"], two_groups.interval_p_value(found))
    rows = rows.assign(
        rate=100 * a / n, other_rate=100 * b / m, difference=100 * np.asarray(found.value),
        lower=100 * np.asarray(found.lower), upper=100 * np.asarray(found.upper),
        p_value=rates.false_discovery_adjust(p_values) if len(p_values) else p_values,
        smallest=100 * np.asarray(rates.smallest_detectable(rows["effective"], b / m, rows["other_effective"])),
        what=effect_title(reader, filters.effect),
    )  # fmt: skip
    matched = rows["alike"].notna()
    pairs = zip(_DRAWN, _ALIKE, _CRUDE, strict=True)
    rows = rows.assign(**{drawn: rows[alike].where(matched, rows[crude]) for drawn, alike, crude in pairs})
    told = [_difference_told(row) for row in rows.to_dict("records")]
    return rows.assign(verdict=[VERDICTS[kind].word for kind, _ in told], reading=[words for _, words in told])


def _pairs(reader: Reader, filters: Filters) -> Iterator[tuple[str, str, bool, pd.DataFrame]]:
    """What is compared, of which site (or of all), whether it differs by nature, and the strata of both groups."""
    every = filters.at(*filters.scope.sites)
    if len(every.sites) > 1:
        by_site = effect_hits(reader, every, *STRATA).pivot(index=["line", "band"], columns="site", values=_HITS)
        by_site = by_site.reindex(columns=[(hits, site) for site in every.sites for hits in _HITS])
        counted = by_site.fillna(0).to_numpy(dtype=float).reshape(-1, len(every.sites), len(_HITS))
        for place, site in enumerate(every.sites):
            if site in filters.sites:
                here, name = counted[:, place], reader.catalogue.site_name(site)
                strata = np.hstack([here, counted.sum(axis=1) - here])
                yield (f"{name} − other sites", name, False, pd.DataFrame(strata, by_site.index))
    whole = together(reader, filters)
    by_line = effect_hits(reader, replace(filters, lines=()), *STRATA)
    ketamine = by_line["line"] == "ketamine"
    strata_of_lines = _strata(by_line[ketamine], by_line[~ketamine], apart="line")
    yield ("Ketamine − vitamin and hydration", whole, True, strata_of_lines)
    by_band = effect_hits(reader, replace(filters, bands=()), *STRATA)
    group = by_band["band"].map(reader.catalogue.groups)
    for name in ("Adolescent", "Geriatric"):
        strata_of_bands = _strata(by_band[group == name], by_band[group == "Adult"], apart="band")
        yield (f"{name} − adult", whole, True, strata_of_bands)
    before = filters.compared()
    if before:
        now, then = (effect_hits(reader, one, *STRATA) for one in (filters, before))
        yield ("This period − compared period", whole, False, _strata(now, then))


def _strata(first: pd.DataFrame, second: pd.DataFrame, apart: str = "") -> pd.DataFrame:
    """By stratum the hits of one group and those of the other."""
    alike = [name for name in STRATA if name != apart]
    groups = [part.groupby(alike, observed=True)[_HITS].sum() for part in (first, second)]
    return pd.concat(groups, axis=1).fillna(0)


def _wider(strata: pd.DataFrame, of_lines: Mapping[str, float]) -> FloatArray:
    """The design effect of each stratum: of its line, or the largest where lines are what is compared."""
    if "line" not in strata.index.names:
        return np.full(len(strata), max(of_lines.values(), default=1.0))
    return np.array([of_lines.get(line, 1.0) for line in strata.index.get_level_values("line")])


def _compared(
    comparison: str, site: str, natural: bool, strata: pd.DataFrame, of_lines: Mapping[str, float]
) -> dict[str, Any]:
    """What the groups of a pair have in all, and how they differ within strata."""
    counted = strata.to_numpy(dtype=float)
    wider = _wider(strata, of_lines)
    alike = compared(*counted.T[:, np.newaxis], design=wider).iloc[0]
    effective = dict(zip(_EFFECTIVE, (counted[:, [1, 3]] / wider[:, np.newaxis]).sum(axis=0).tolist(), strict=True))
    return {
        "comparison": comparison, "site": site, "natural": natural,
        **dict(zip(_PAIRED, counted.sum(axis=0).tolist(), strict=True)), **dict(zip(ALIKE, alike, strict=True)),
        **effective,
    }  # fmt: skip


def _difference_told(row: Mapping[Any, Any]) -> tuple[VerdictKind, str]:
    """The verdict on a pair, by how it differs like for like: sites, lines and ages don't have the same mix."""
    matched = pd.notna(row["alike"])
    value, lower, upper = (row[name] for name in _DRAWN)
    crude, alike = f"apart by {_points(row, *_CRUDE)}", f"like for like {_points(row, *_ALIKE)}"
    both = f"{crude}, {alike}" if matched else crude
    if lower <= 0 <= upper or row["p_value"] > LEVEL:
        seen = f"; a rise of {number(row['smallest'], 1)} points would most likely have been seen"
        return "common", f"{NOT_DISTINGUISHABLE}, {both}{seen if np.isfinite(row['smallest']) else ''}"
    # Lines and ages differ by nature; sites and periods should not, of the same mix.
    kind: VerdictKind = "neither" if row["natural"] or not matched else "concern" if value > 0 else "improvement"
    return kind, f"{'higher' if value > 0 else 'lower'}, {both}"


def _points(row: Mapping[Any, Any], value: str, lower: str, upper: str) -> str:
    return f"{signed(row[value])} points ({signed(row[lower])} to {signed(row[upper])})"


def _differences_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No two groups with completed infusions to compare"
    what = frame["what"].iloc[0]
    apart = frame[frame["verdict"] != VERDICTS["common"].word]
    if not len(apart):
        return f"{what}: no two groups are distinguishable"
    return f"{what}: " + listed([f"{row['comparison']} {row['reading']}" for row in apart.to_dict("records")], most=6)


def _differences_chart(look: charts.Look) -> charts.Chart:
    tips = [
        alt.Tooltip("comparison:N", title="Comparison"),
        alt.Tooltip("drawn:Q", title="Like for like, points", format="+,.2f"),
        alt.Tooltip("drawn_lower:Q", title="95 % from", format="+,.2f"),
        alt.Tooltip("drawn_upper:Q", title="95 % to", format="+,.2f"),
        alt.Tooltip("difference:Q", title="As it is, points", format="+,.2f"),
        alt.Tooltip("verdict:N", title="Verdict"),
    ]
    return control_charts.intervals(
        look, "Differences between two groups, like for like", "Per 100 infusions", "comparison", len(look.sites) + 4,
        tips, _DRAWN,
    )  # fmt: skip


_RATIO_COLUMNS = (
    Column("expected", "Expected", "decimal"),
    Column("ratio", "Observed ÷ expected", "decimal"),
    Column("ratio_lower", "Ratio, 95 % from", "decimal"),
    Column("ratio_upper", "Ratio, 95 % to", "decimal"),
)
_COUNT_COLUMNS = (
    Column("numerator", "Infusions with it", "count"),
    Column("denominator", "Completed infusions", "count"),
)
_WORDS = Column("reading", "In words")

PANELS = (
    Panel(
        "site_funnel", "Sites: observed ÷ expected", "signals", _sites,
        (SITE, WHAT, VERDICT, *_COUNT_COLUMNS, *_RATIO_COLUMNS,
         Column("inner_lower", "95 % limit, lower", "decimal"), Column("inner_upper", "95 % limit, upper", "decimal"),
         Column("outer_lower", "99.8 % limit, lower", "decimal"),
         Column("outer_upper", "99.8 % limit, upper", "decimal"), _WORDS),
        _funnel_chart, (), _sites_answer, sites_in="",
        note="Expected: every service line and age group at its rate over all sites. Exact Poisson limits, widened "
        "for several infusions of a patient, and from ten sites on for over-dispersion. No ranks.",
    ),
    Panel(
        "site_rates", "Sites: age-standardised rates", "signals", _sites,
        (SITE, WHAT, Column("value", "Age-standardised, per 100 infusions", "decimal"),
         Column("lower", "95 % from", "decimal"), Column("upper", "95 % to", "decimal"),
         Column("crude", "Crude, per 100 infusions", "decimal"), *_COUNT_COLUMNS, *_RATIO_COLUMNS, _WORDS),
        _rates_chart, (), _rates_answer,
        note="Standard: the age groups of all sites together; service lines as each site has them: choose one to "
        "compare. Dobson's limits, widened for repeats in one patient; not shown below 10 infusions with it. Where "
        "intervals overlap, sites are not distinguishable.",
    ),
    Panel(
        "group_differences", "Two groups at a time", "signals", _differences,
        (Column("comparison", "Comparison"), WHAT, VERDICT, Column("difference", "Difference, points", "decimal"),
         Column("lower", "95 % from", "decimal"), Column("upper", "95 % to", "decimal"),
         Column("rate", "First, per 100 infusions", "decimal"), *_COUNT_COLUMNS,
         Column("other_rate", "Second, per 100 infusions", "decimal"),
         Column("other_numerator", "Second, infusions with it", "count"),
         Column("other_denominator", "Second, completed infusions", "count"),
         Column("p_value", "p, adjusted", "decimal"),
         Column("alike", "Like for like, points", "decimal"),
         Column("alike_lower", "Like for like, 95 % from", "decimal"),
         Column("alike_upper", "Like for like, 95 % to", "decimal"),
         Column("smallest", "Smallest rise to be seen, points", "decimal"), _WORDS),
        _differences_chart, (), _differences_answer,
        note="Drawn and judged: the difference like for like, of one site, service line and age band but for what is "
        "compared (Mantel and Haenszel), p adjusted for the comparisons shown (Benjamini and Hochberg); as it is "
        "where groups have none of these in common, and in the table (Newcombe). Smallest rise: with 80 % power at "
        "two-sided 5 %, by Cohen's arcsine formula.",
    ),
)  # fmt: skip
