"""Panels of the Service mix page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from dashboard import charts, clusters, dot_charts, scorecard, theme, time_charts
from dashboard.filters import Filters
from dashboard.measuring import CENTS
from dashboard.metrics import METRICS
from dashboard.panels.column import BAND, LINE, PERIOD, SITE, Column, value_columns
from dashboard.panels.panel import Panel
from dashboard.panels.scores import SCORE_COLUMNS, measured, scores, told, values_of
from dashboard.panels.sums import counts
from dashboard.panels.words import share_text, titled, together
from dashboard.warehouse import Reader
from dashboard.wording import number, plural, signed

USES = {"ketamine": "Ketamine only", "drip": "Vitamin or hydration only", "both": "Both"}


def _time_chart(look: charts.Look) -> charts.Chart:
    return time_charts.time_bars(
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
    return dot_charts.dots(
        look, "Ketamine share by site", "% of completed visits", "site", "Site", metric.counted,
        order=look.sites,
    )  # fmt: skip


def _band_chart(look: charts.Look) -> charts.Chart:
    metric = METRICS["ketamine_share"]
    return dot_charts.dots(
        look, "Ketamine share by age band", "% of completed visits", "band", "Age band", metric.counted,
        order=look.bands,
    )  # fmt: skip


def _share_answer(frame: pd.DataFrame) -> str:
    total = frame["denominator"].sum()
    if not total:
        return "No completed visits in this period"
    visits = plural(total, "completed visit", "completed visits")
    return f"Ketamine is {number(100 * frame['numerator'].sum() / total)} % of {visits}"


def _by_line(title: str, unit: str, **more: Any) -> Callable[[charts.Look], charts.Chart]:
    """What draws bars by site and service line."""

    def build(look: charts.Look) -> charts.Chart:
        return charts.bars(title, unit, "site", "Site", look.sites, charts.by_line(look), **more)

    return build


def _revenue_answer(frame: pd.DataFrame) -> str:
    total = frame["value"].sum()
    if not total:
        return "Nothing was invoiced in this period"
    drip = frame.loc[frame["line"] != "Ketamine", "value"].sum()
    return f"${total:,.0f} invoiced, {number(100 * drip / total)} % of it for vitamin and hydration"


def _both(reader: Reader, filters: Filters) -> pd.DataFrame:
    # Whichever lines are chosen: of those alone nobody could have used both.
    values = {**filters.values(), "lines": filters.scope.lines}
    frame = reader.query("both_lines", by=("site",), **values)
    index = pd.MultiIndex.from_product([filters.sites, USES], names=["site", "used"])
    frame = frame.set_index(["site", "used"])[["patients"]].reindex(index, fill_value=0).reset_index()
    frame["used"] = frame["used"].map(USES)
    return titled(frame.rename(columns={"patients": "value"}), reader)


def _both_chart(look: charts.Look) -> charts.Chart:
    # Not the accent, which is a blue as hydration's is in the dark.
    colours = theme.line_colours([look.lines[0], look.lines[-1], "both"], look.mode)
    series = charts.Series("used", "Used", tuple(USES.values()), tuple(colours))
    return charts.bars("Patients by what they use", "Patients", "site", "Site", look.sites, series)


def _both_answer(frame: pd.DataFrame) -> str:
    both = frame.loc[frame["used"] == "Both", "value"].sum()
    if not frame["value"].sum():
        return "No patients in this period"
    return f"{plural(both, 'patient uses', 'patients use')} both ketamine and drips at the same site"


SUMMARY = ("completed", "ketamine_share", "drip_share", "patients", "invoiced")


#: Shares of visits that are of patients rather than visits: who comes six times for ketamine is no six findings.
SHARES = ("ketamine_share", "drip_share")
#: So many visits of both periods tell how those of a patient go together.
SAMPLE = 50_000


def _summary(reader: Reader, filters: Filters) -> pd.DataFrame:
    rows = scores(reader, filters, SUMMARY)
    for also, lead in ((False, ""), (True, "also_")):
        if before := filters.compared(also=also):
            rows = _widened(reader, filters, before, rows, lead)
    return rows


def _widened(reader: Reader, filters: Filters, before: Filters, rows: pd.DataFrame, lead: str) -> pd.DataFrame:
    """The rows with the limits of a share's change as wide as patients who come several times make them."""
    values = filters.values() | {"before_start": before.start, "before_end": before.end}
    visits = sum(counts(reader, one)["completed"].sum() for one in (filters, before))
    found = reader.query("share_change", **values, one_in=clusters.one_in(visits, SAMPLE))
    whole = together(reader, filters)
    names = [whole if pd.isna(site) else reader.catalogue.site_name(site) for site in found["site"]]
    spread = (found["by_patients"] / found["by_visits"].where(found["by_visits"] > 0)) ** 0.5
    # Never narrower than by visits: of few patients too little spread is seen.
    factors = dict(zip(names, spread.fillna(1).clip(lower=1), strict=True))
    own = rows["metric"].isin(SHARES)
    factor = rows.loc[own, "site"].map(factors).fillna(1)
    change = rows.loc[own, f"{lead}change"]
    lower, upper = (
        (change + factor * (rows.loc[own, f"{lead}{name}"] - change)).clip(-100, 100)
        for name in ("change_lower", "change_upper")
    )
    judged = told(rows.loc[own, ["metric"]].assign(change=change, change_lower=lower, change_upper=upper))
    judged = judged.drop(columns="metric").add_prefix(lead)
    rows = rows.copy()
    rows.loc[own, judged.columns] = judged
    return rows


def _summary_answer(frame: pd.DataFrame) -> str:
    share = frame[frame["metric"] == "ketamine_share"].iloc[-1]
    if not share["denominator"]:
        return "No completed visits in this period"
    told = f"Ketamine is {share_text(share)} of completed visits"
    if pd.isna(share["change"]):
        return told
    low, high = share["change_lower"], share["change_upper"]
    points = f"{signed(share['change'])} points ({signed(low)} to {signed(high)})"
    if share["change_kind"] == "common":
        return f"{told}; its change of {points} is {share['change_words']}"
    return f"{told}; its share has {'risen' if share['change'] > 0 else 'fallen'} by {points}"


#: By the periods in which patients were seen.
KINDS = {"came": "This period alone", "left": "Compared one alone", "stayed": "Both periods"}


def _shift(reader: Reader, filters: Filters) -> pd.DataFrame:
    """Change of completed visits by line: of other patients, and of the same ones."""
    columns = ["line", "kind", "value", "visits_now", "visits_before", "patients"]
    before = filters.compared()
    # Of a period that the extract holds in part, patients would be missing that it never knew of.
    if before is None or before.start < filters.scope.first_day:
        return pd.DataFrame(columns=columns)
    values = filters.values() | {"before_start": before.start, "before_end": before.end}
    del values["lines"]
    frame = reader.query("mix_shift", **values).set_index(["line", "kind"])
    index = pd.MultiIndex.from_product([filters.scope.lines, KINDS], names=["line", "kind"])
    frame = frame.reindex(index, fill_value=0).reset_index()
    frame["kind"] = frame["kind"].map(KINDS)
    frame["value"] = frame["visits_now"] - frame["visits_before"]
    return titled(frame, reader)[columns]


def _shift_chart(look: charts.Look) -> charts.Chart:
    titles = [theme.line_title(line) for line in look.lines]
    other = theme.status_colours(look.mode)["Cancelled late"]
    series = charts.Series(
        "kind", "Patients", tuple(KINDS.values()), (theme.accent(look.mode), theme.quiet(look.mode), other)
    )
    return charts.bars(
        "Change of completed visits", "Visits more or fewer", "line", "Service line", titles, series,
        side_by_side=True,
    )  # fmt: skip


def _shift_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "Choose another period to compare with to see what a shift is made of"
    told = []
    for line, part in frame.groupby("line", sort=False):
        by = part.set_index("kind")["value"]
        others = by[KINDS["came"]] + by[KINDS["left"]]
        stayed = signed(by[KINDS["stayed"]], 0)
        told.append(f"{line} {signed(by.sum(), 0)} ({signed(others, 0)} other patients, {stayed} the same ones)")
    return f"Completed visits, change: {'; '.join(told)}"


def _chair_hours(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = reader.query("chair_hours", **filters.values())
    frame = frame.assign(chair_hours=frame["chair_minutes"] / 60)
    rows = measured(frame, "invoiced_per_chair_hour", "site", "line")
    return titled(rows.assign(invoiced=rows["numerator"] / CENTS), reader)


def _chair_hours_answer(frame: pd.DataFrame) -> str:
    told = []
    for line, part in frame.groupby("line", sort=False):
        if part["denominator"].sum():
            hourly = part["numerator"].sum() / part["denominator"].sum() / CENTS
            told.append(f"{line} ${number(hourly)}")
    return f"Invoiced per chair-hour: {', '.join(told)}" if told else "No chair was used in this period"


PANELS = (
    Panel(
        "mix_summary", "Share, patients and revenue by site", "service_mix", _summary, SCORE_COLUMNS, None, SUMMARY,
        _summary_answer, html=scorecard.compare,
        note="Limits of a share itself, and of its difference from another site, are as if each visit were another "
        "patient's, and so too narrow; those of its change between periods allow for patients who come often.",
    ),
    Panel(
        "mix_shift", "What the shift is made of", "service_mix", _shift,
        (LINE, Column("kind", "Patients seen in"), Column("value", "Visits more or fewer", "count"),
         Column("visits_now", "Completed visits", "count"),
         Column("visits_before", "Completed visits, compared period", "count"),
         Column("patients", "Patients", "count")),
        _shift_chart, (), _shift_answer,
        note="Against the first comparison above. By when patients had completed visits, of any line. Who "
        "comes every 31 days is often seen in one of two periods of 28 alone, and has neither come nor left.",
    ),
    Panel(
        "chair_hour_revenue", "Invoiced per chair-hour", "service_mix", _chair_hours,
        (SITE, LINE, Column("value", "Invoiced per chair-hour (US$)", "decimal"),
         Column("invoiced", "Invoiced (US$)", "dollars"), Column("denominator", "Chair-hours", "decimal")),
        _by_line("Invoiced per chair-hour", "US dollars", side_by_side=True, number_format="$,.2f"),
        ("invoiced_per_chair_hour",), _chair_hours_answer,
    ),
    Panel(
        "mix_over_time", "Completed visits by service line", "service_mix", values_of("completed", "period", "line"),
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
        "mix_by_site", "Completed visits by site and service line", "service_mix",
        values_of("completed", "site", "line"), (SITE, LINE, Column("value", "Completed visits", "count")),
        _by_line("Completed visits by site and service line", "Completed visits"), ("completed",),
    ),
    Panel(
        "invoiced_by_site", "Invoiced by site and service line", "service_mix",
        values_of("invoiced", "site", "line"), (SITE, LINE, *value_columns("invoiced")),
        _by_line("Invoiced by site and service line", "US dollars", number_format="$,.2f"), ("invoiced",),
        _revenue_answer,
    ),
    Panel(
        "patients_by_line", "Patients by site and service line", "service_mix",
        values_of("patients", "site", "line"), (SITE, LINE, *value_columns("patients")),
        _by_line("Patients by site and service line", "Patients", side_by_side=True), ("patients",),
        note="A patient who uses two lines counts in both.",
    ),
    Panel(
        "patients_using_both", "Patients by what they use", "service_mix", _both,
        (SITE, Column("used", "Used"), Column("value", "Patients", "count")), _both_chart, ("patients",),
        _both_answer, note="Shown over all service lines, whatever lines are chosen above.",
    ),
)  # fmt: skip
