"""Panels of the Age groups page: adolescent to geriatric."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from dashboard import charts, dot_charts, no_shows, scorecard
from dashboard.filters import Filters
from dashboard.measuring import measure_all
from dashboard.metrics import METRICS
from dashboard.panels.column import BAND, LINE, SITE, Column, value_columns
from dashboard.panels.panel import Panel
from dashboard.panels.scores import measured, values_of
from dashboard.panels.sums import gathered, of_lines
from dashboard.panels.words import TOLD, titled, unit_title
from dashboard.warehouse import Reader
from dashboard.wording import number, plural

GROUP = Column("group", "Age group")
#: The group of who has no age; in no share of an age.
UNKNOWN = "Unknown"


def _patients(reader: Reader, filters: Filters) -> pd.DataFrame:
    # By the band at the latest visit, so that the bands of a site add up to its patients.
    found = reader.query(of_lines("both_lines", filters), by=("site", "band"), **filters.values())
    bands = filters.bands or filters.scope.bands
    index = pd.MultiIndex.from_product([filters.sites, bands], names=["site", "band"])
    frame = found.groupby(["site", "band"])[["patients"]].sum().reindex(index, fill_value=0).reset_index()
    frame["group"] = frame["band"].map(reader.catalogue.groups)
    return titled(frame.rename(columns={"patients": "value"}), reader)


def _bookings(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = values_of("bookings", "site", "band")(reader, filters)
    return frame.assign(group=frame["band"].map(reader.catalogue.groups))


def _answer(frame: pd.DataFrame) -> str:
    total = frame["value"].sum()
    if not total:
        return "No patients in this period"
    young = frame.loc[frame["group"] == "Adolescent", "value"].sum()
    old = frame.loc[frame["group"] == "Geriatric", "value"].sum()
    unknown = frame.loc[frame["group"] == UNKNOWN, "value"].sum()
    left = f"; the age of {unknown:,.0f} is unknown" if unknown else ""
    return f"{young:,.0f} adolescent and {old:,.0f} geriatric among {plural(total, 'patient', 'patients')}{left}"


def _stacked(
    title: str, unit: str, series: Callable[[charts.Look], charts.Series]
) -> Callable[[charts.Look], charts.Chart]:
    def build(look: charts.Look) -> charts.Chart:
        return charts.bars(title, unit, "band", "Age band", look.bands, series(look), horizontal=False)

    return build


#: Of fewer than these below the line a rate is not judged.
LEAST = 10
RATES = (
    "no_show_rate",
    "cancellation_rate",
    "late_cancellation_rate",
    "ketamine_share",
    "ascertainment",
    "induction_completion",
)
SIDES = {"ketamine": "Ketamine", "drip": "Vitamin or hydration"}


def _judged(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows, those of few below the line without a value but with the words for it."""
    few = frame["denominator"] < LEAST
    shown = ["value", "lower", "upper"]
    return frame.assign(reading=np.where(few, charts.TOO_FEW, ""), **frame[shown].mask(few, axis=0))


def _rate(name: str) -> Callable[[Reader, Filters], pd.DataFrame]:
    def rows(reader: Reader, filters: Filters) -> pd.DataFrame:
        metric = no_shows.in_use(name, filters.no_shows)
        frame = measured(gathered(reader, filters, [metric], "band", "site"), metric, "band", "site")
        return titled(_judged(frame), reader)

    return rows


def _rates(reader: Reader, filters: Filters) -> pd.DataFrame:
    """Every rate by age band, of all sites asked for."""
    names = no_shows.all_in_use(RATES, filters.no_shows)
    frame = gathered(reader, filters, names, "band")
    rows = _judged(measure_all(frame, list(names), ["band"]))
    return rows.assign(title=rows["metric"].map(lambda name: METRICS[name].title))


def _rates_answer(frame: pd.DataFrame) -> str:
    few = int((frame["reading"] != "").sum())
    if few == len(frame):
        return "Too few in every age band to judge a rate"
    if not few:
        return f"{plural(len(frame), 'rate', 'rates')} by age band"
    return f"{len(frame) - few} of {len(frame)} rates by age band can be judged; the others are of too few"


def _pyramid(reader: Reader, filters: Filters) -> pd.DataFrame:
    # Whichever lines are chosen: of those alone nobody could have used both sides.
    values = {**filters.values(), "lines": filters.scope.lines}
    frame = reader.query("both_lines", by=("site", "band"), **values)
    bands = filters.bands or filters.scope.bands
    index = pd.MultiIndex.from_product([filters.sites, bands, [*SIDES, "both"]], names=["site", "band", "used"])
    found = frame.set_index(["site", "band", "used"])["patients"].reindex(index, fill_value=0).unstack("used")
    sides = [
        (found[side] + found["both"]).rename("value").reset_index().assign(side=title)
        for side, title in SIDES.items()
    ]
    rows = pd.concat(sides, ignore_index=True)
    rows["group"] = rows["band"].map(reader.catalogue.groups)
    order = {name: place for place, name in enumerate(filters.sites)}
    return titled(rows.sort_values("site", key=lambda s: s.map(order), kind="stable", ignore_index=True), reader)


def _pyramid_answer(frame: pd.DataFrame) -> str:
    if not frame["value"].sum():
        return "No patients in this period"
    known = frame[frame["group"] != UNKNOWN]
    if not known["value"].sum():
        return "The age of no patient is known in this period"
    unknown = "; who has no age is left out" if known["value"].sum() < frame["value"].sum() else ""
    sites = frame["site"].nunique()
    if sites > TOLD:
        return f"Patients of 65 and over at {sites} sites: {_of_old(known)}{unknown}"
    told = [f"{site} {shares}" for site, part in known.groupby("site", sort=False) if (shares := _of_old(part))]
    return f"Patients of 65 and over: {'; '.join(told)}{unknown}"


def _of_old(frame: pd.DataFrame) -> str:
    """Which share of each side's patients of known age is of 65 and over; empty without patients, words for few."""
    told = []
    for side in SIDES.values():
        own = frame[frame["side"] == side]
        if patients := own["value"].sum():
            share = number(100 * own.loc[own["group"] == "Geriatric", "value"].sum() / patients)
            told.append(f"{side.lower()} {'too few' if patients < LEAST else f'{share} %'}")
    return ", ".join(told)


def _pyramid_chart(look: charts.Look) -> charts.Chart:
    line = charts.by_line(look).colours
    return charts.pyramid(
        "Patients by age band", "Patients", "side", tuple(SIDES.values()), (line[0], line[-1]), look.bands
    )


def _rate_chart(name: str) -> Callable[[charts.Look], charts.Chart]:
    def build(look: charts.Look) -> charts.Chart:
        metric = METRICS[no_shows.in_use(name, look.no_shows)]
        title = f"{metric.title} by age band and site"
        return dot_charts.dots(
            look, title, unit_title(metric), "band", "Age band", metric.counted, order=look.bands,
            series=charts.by_site(look),
        )  # fmt: skip

    return build


_READING = Column("reading", "In words")

PANELS = (
    Panel(
        "age_pyramid", "Age pyramid by site and line", "age_groups", _pyramid,
        (GROUP, BAND, SITE, Column("side", "Line"), Column("value", "Patients", "count")), _pyramid_chart,
        ("patients",), _pyramid_answer, each="site",
        note="Ketamine to the left, vitamin or hydration to the right, whatever lines are chosen above. By age at "
        "the latest visit of the period; a patient who uses both stands on both sides.",
    ),
    Panel(
        "age_rates", "Rates by age band", "age_groups", _rates,
        (Column("title", "Rate"), BAND, Column("value", "%", "decimal"), Column("lower", "95 % from", "decimal"),
         Column("upper", "95 % to", "decimal"), Column("numerator", "Numerator", "count"),
         Column("denominator", "Denominator", "count"), _READING),
        None, RATES, _rates_answer, html=scorecard.by_band,
        note=f"Of all sites chosen. Of fewer than {LEAST} below the line: too few to judge.",
    ),
    Panel(
        "age_patients", "Patients by age band and site", "age_groups", _patients,
        (GROUP, BAND, SITE, *value_columns("patients")),
        _stacked("Patients by age band and site", "Patients", charts.by_site), ("patients",), _answer,
        note="By age at the latest visit of the period, so that the bands add up. A patient seen at "
        "two sites counts at both.",
    ),
    Panel(
        "age_bookings", "Bookings by age band and site", "age_groups", _bookings,
        (GROUP, BAND, SITE, *value_columns("bookings")),
        _stacked("Bookings by age band and site", "Bookings", charts.by_site), ("bookings",),
    ),
    Panel(
        "age_mix", "Completed visits by age band and service line", "age_groups",
        values_of("completed", "band", "line"), (BAND, LINE, *value_columns("completed")),
        _stacked("Completed visits by age band and service line", "Completed visits", charts.by_line), ("completed",),
    ),
    Panel(
        "age_no_shows", "No-show rate by age band and site", "age_groups", _rate("no_show_rate"),
        (BAND, SITE, *value_columns("no_show_rate"), _READING),
        _rate_chart("no_show_rate"), ("no_show_rate",),
    ),
    Panel(
        "age_effects", "Any side effect by age band and site", "age_groups", _rate("any_effect"),
        (BAND, SITE, *value_columns("any_effect"), _READING),
        _rate_chart("any_effect"), ("any_effect", "ascertainment"),
        whole="asked", hides=True,
        note="Where more infusions are ketamine, more have side effects: choose one service line to compare ages.",
    ),
)  # fmt: skip
