"""Panels of the Age groups page: adolescent to geriatric."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from dashboard import charts
from dashboard.filters import Filters
from dashboard.metrics import METRICS
from dashboard.panels.base import (
    BAND,
    LINE,
    SITE,
    Column,
    Panel,
    counts,
    measured,
    titled,
    unit_title,
    value_columns,
)
from dashboard.warehouse import Reader

GROUP = Column("group", "Age group")


def _patients(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = reader.query("patients_last_band", **filters.values())
    bands = filters.bands or filters.scope.bands
    index = pd.MultiIndex.from_product([filters.sites, bands], names=["site", "band"])
    frame = frame.set_index(["site", "band"]).reindex(index, fill_value=0).reset_index()
    frame["group"] = frame["band"].map(reader.catalogue.groups)
    return titled(frame.rename(columns={"patients": "value"}), reader)


def _bookings(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = counts(reader, filters, "site", "band")
    frame = measured(frame, "bookings", "site", "band")[["site", "band", "value"]]
    frame["group"] = frame["band"].map(reader.catalogue.groups)
    return titled(frame, reader)


def _answer(frame: pd.DataFrame) -> str:
    total = frame["value"].sum()
    if not total:
        return "No patients in this period"
    young = frame.loc[frame["group"] == "Adolescent", "value"].sum()
    old = frame.loc[frame["group"] == "Geriatric", "value"].sum()
    return f"{young:,.0f} adolescent and {old:,.0f} geriatric among {total:,.0f} patients"


def _stacked(title: str, unit: str) -> Callable[[charts.Look], charts.Chart]:
    def build(look: charts.Look) -> charts.Chart:
        return charts.bars(title, unit, "band", "Age band", look.bands, charts.by_site(look), horizontal=False)

    return build


def _mix(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = counts(reader, filters, "band", "line")
    return titled(measured(frame, "completed", "band", "line"), reader)[["band", "line", "value"]]


def _mix_chart(look: charts.Look) -> charts.Chart:
    return charts.bars(
        "Completed visits by age band and service line",
        "Completed visits",
        "band",
        "Age band",
        look.bands,
        charts.by_line(look),
        horizontal=False,
    )


def _rate(name: str) -> Callable[[Reader, Filters], pd.DataFrame]:
    def rows(reader: Reader, filters: Filters) -> pd.DataFrame:
        frame = measured(counts(reader, filters, "band", "site"), name, "band", "site")
        return titled(frame, reader)

    return rows


def _rate_chart(name: str, title: str) -> Callable[[charts.Look], charts.Chart]:
    metric = METRICS[name]

    def build(look: charts.Look) -> charts.Chart:
        return charts.dots(
            look, title, unit_title(metric), "band", "Age band", metric.counted, order=look.bands,
            series=charts.by_site(look),
        )  # fmt: skip

    return build


PANELS = (
    Panel(
        "age_patients", "Patients by age band and site", "age_groups", _patients,
        (GROUP, BAND, SITE, *value_columns("patients")), _stacked("Patients by age band and site", "Patients"),
        ("patients",), _answer,
        note="By age at the latest visit of the period, so that the bands add up. A patient seen at "
        "two sites counts at both.",
    ),
    Panel(
        "age_bookings", "Bookings by age band and site", "age_groups", _bookings,
        (GROUP, BAND, SITE, *value_columns("bookings")), _stacked("Bookings by age band and site", "Bookings"),
        ("bookings",),
    ),
    Panel(
        "age_mix", "Completed visits by age band and service line", "age_groups", _mix,
        (BAND, LINE, *value_columns("completed")), _mix_chart, ("completed",),
    ),
    Panel(
        "age_no_shows", "No-show rate by age band and site", "age_groups", _rate("no_show_rate"),
        (BAND, SITE, *value_columns("no_show_rate")),
        _rate_chart("no_show_rate", "No-show rate by age band and site"), ("no_show_rate",),
    ),
    Panel(
        "age_effects", "Any side effect by age band and site", "age_groups", _rate("any_effect"),
        (BAND, SITE, *value_columns("any_effect")),
        _rate_chart("any_effect", "Any side effect by age band and site"), ("any_effect", "ascertainment"),
        whole="asked", hides=True,
    ),
)  # fmt: skip
