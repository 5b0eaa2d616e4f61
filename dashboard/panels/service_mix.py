"""Panels of the Service mix page."""

from __future__ import annotations

import pandas as pd

from dashboard import charts, theme
from dashboard.filters import Filters
from dashboard.metrics import METRICS, plural
from dashboard.panels.base import (
    BAND,
    LINE,
    PERIOD,
    SITE,
    Column,
    Panel,
    counts,
    measured,
    patient_counts,
    titled,
    value_columns,
)
from dashboard.warehouse import Reader

USES = {"ketamine": "Ketamine only", "drip": "Vitamin or hydration only", "both": "Both"}


def _over_time(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = counts(reader, filters, "period", "line")
    return titled(measured(frame, "completed", "period", "line"), reader)[["period", "line", "value"]]


def _time_chart(look: charts.Look) -> charts.Chart:
    return charts.time_bars(
        look,
        "Completed visits by service line",
        "Share of completed visits",
        charts.by_line(look),
        share=True,
    )


def _share_by_site(reader: Reader, filters: Filters) -> pd.DataFrame:
    return titled(measured(counts(reader, filters, "site"), "ketamine_share", "site"), reader)


def _share_by_band(reader: Reader, filters: Filters) -> pd.DataFrame:
    return measured(counts(reader, filters, "band"), "ketamine_share", "band")


def _share_chart(look: charts.Look) -> charts.Chart:
    metric = METRICS["ketamine_share"]
    return charts.dots(
        look, "Ketamine share by site", "% of completed visits", "site", "Site", metric.counted,
        order=look.sites,
    )  # fmt: skip


def _band_chart(look: charts.Look) -> charts.Chart:
    metric = METRICS["ketamine_share"]
    return charts.dots(
        look, "Ketamine share by age band", "% of completed visits", "band", "Age band", metric.counted,
        order=look.bands,
    )  # fmt: skip


def _share_answer(frame: pd.DataFrame) -> str:
    total = frame["denominator"].sum()
    if not total:
        return "No completed visits in this period"
    return f"Ketamine is {100 * frame['numerator'].sum() / total:.0f} % of {total:,.0f} completed visits"


def _site_mix(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = counts(reader, filters, "site", "line")
    return titled(measured(frame, "completed", "site", "line"), reader)[["site", "line", "value"]]


def _site_mix_chart(look: charts.Look) -> charts.Chart:
    return charts.bars(
        "Completed visits by site and service line",
        "Completed visits",
        "site",
        "Site",
        look.sites,
        charts.by_line(look),
    )


def _revenue(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = counts(reader, filters, "site", "line")
    return titled(measured(frame, "invoiced", "site", "line"), reader)[["site", "line", "value"]]


def _revenue_chart(look: charts.Look) -> charts.Chart:
    return charts.bars(
        "Invoiced by site and service line",
        "US dollars",
        "site",
        "Site",
        look.sites,
        charts.by_line(look),
        number_format="$,.2f",
    )


def _revenue_answer(frame: pd.DataFrame) -> str:
    total = frame["value"].sum()
    if not total:
        return "Nothing was invoiced in this period"
    drip = frame.loc[frame["line"] != "Ketamine", "value"].sum()
    return f"${total:,.0f} invoiced, {100 * drip / total:.0f} % of it for vitamin and hydration"


def _both(reader: Reader, filters: Filters) -> pd.DataFrame:
    values = filters.values()
    del values["lines"]
    frame = reader.query("both_lines", by=("site",), **values)
    index = pd.MultiIndex.from_product([filters.sites, USES], names=["site", "used"])
    frame = frame.set_index(["site", "used"]).reindex(index, fill_value=0).reset_index()
    frame["used"] = frame["used"].map(USES)
    return titled(frame.rename(columns={"patients": "value"}), reader)


def _both_chart(look: charts.Look) -> charts.Chart:
    line = charts.by_line(look).colours
    series = charts.Series("used", "Used", tuple(USES.values()), (line[0], line[-1], theme.accent(look.mode)))
    return charts.bars("Patients by what they use", "Patients", "site", "Site", look.sites, series)


def _both_answer(frame: pd.DataFrame) -> str:
    both = frame.loc[frame["used"] == "Both", "value"].sum()
    if not frame["value"].sum():
        return "No patients in this period"
    return f"{plural(both, 'patient uses', 'patients use')} both ketamine and drips at the same site"


def _patients(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = patient_counts(reader, filters, "site", "line")
    return titled(measured(frame, "patients", "site", "line"), reader)[["site", "line", "value"]]


def _patients_chart(look: charts.Look) -> charts.Chart:
    return charts.bars(
        "Patients by site and service line",
        "Patients",
        "site",
        "Site",
        look.sites,
        charts.by_line(look),
        side_by_side=True,
    )


PANELS = (
    Panel(
        "mix_over_time", "Completed visits by service line", "service_mix", _over_time,
        (PERIOD, LINE, Column("value", "Completed visits", "count")), _time_chart, ("completed",), dated=True,
    ),
    Panel(
        "ketamine_share_by_site", "Ketamine share by site", "service_mix", _share_by_site,
        (SITE, *value_columns("ketamine_share")), _share_chart, ("ketamine_share",), _share_answer,
    ),
    Panel(
        "ketamine_share_by_age", "Ketamine share by age band", "service_mix", _share_by_band,
        (BAND, *value_columns("ketamine_share")), _band_chart, ("ketamine_share",),
    ),
    Panel(
        "mix_by_site", "Completed visits by site and service line", "service_mix", _site_mix,
        (SITE, LINE, Column("value", "Completed visits", "count")), _site_mix_chart, ("completed",),
    ),
    Panel(
        "invoiced_by_site", "Invoiced by site and service line", "service_mix", _revenue,
        (SITE, LINE, *value_columns("invoiced")), _revenue_chart, ("invoiced",), _revenue_answer,
    ),
    Panel(
        "patients_by_line", "Patients by site and service line", "service_mix", _patients,
        (SITE, LINE, *value_columns("patients")), _patients_chart, ("patients",),
        note="A patient who uses two lines counts in both.",
    ),
    Panel(
        "patients_using_both", "Patients by what they use", "service_mix", _both,
        (SITE, Column("used", "Used"), Column("value", "Patients", "count")), _both_chart, ("patients",),
        _both_answer, note="Shown over all service lines, whatever lines are chosen above.",
    ),
)  # fmt: skip
