"""Panels of the Courses page: what follows a patient's first ketamine infusion."""

from __future__ import annotations

from collections.abc import Callable

import altair as alt
import numpy as np
import pandas as pd

from dashboard import charts, dot_charts, rates, scorecard, survival, theme
from dashboard.filters import Filters
from dashboard.measuring import measure
from dashboard.metrics import METRICS, SETTLED_DAYS
from dashboard.panels.column import BAND, SITE, Column, value_columns
from dashboard.panels.panel import Panel
from dashboard.panels.scores import SCORE_COLUMNS, scores
from dashboard.panels.sums import course_counts
from dashboard.panels.words import TOLD, listed, share_text, titled, unit_title
from dashboard.warehouse import Reader
from dashboard.wording import number, plural

#: Of fewer patients nothing is drawn: too few to judge.
LEAST_PATIENTS = 10
#: Days of the retention curve, and from one point to the next.
HORIZON, STEP = 364, 7
#: A curve that ends before this day is not drawn: nearly nobody can have stopped by then.
FOLLOWED = 28
SUMMARY = ("courses", "induction_completion", "inductions_under_way")
_OF_COURSES = (
    "Patients by the day of their first completed ketamine infusion of the extract, whatever lines are chosen. In "
    f"a site's first {SETTLED_DAYS} days in it that is so of those who had begun before, too: their inductions seem "
    "unfinished, and no change against such days is told."
)


def _values(filters: Filters, reader: Reader) -> dict[str, object]:
    values = filters.values() | {"until": reader.catalogue.last_full_day}
    del values["lines"]
    return values


def _summary(reader: Reader, filters: Filters) -> pd.DataFrame:
    rows = scores(reader, filters, SUMMARY)
    # Of an earlier period none is under way any more.
    passing = rows["metric"] == "inductions_under_way"
    changes = [f"{lead}{name}" for lead in ("", "also_") for name in ("change", "change_lower", "change_upper")]
    rows.loc[passing, changes] = np.nan
    rows.loc[passing, ["change_told", "also_change_told"]] = ""
    return rows


def _summary_answer(frame: pd.DataFrame) -> str:
    def last(name: str) -> pd.Series:
        return frame[frame["metric"] == name].iloc[-1]

    if not last("courses")["value"]:
        return "Nobody began ketamine in this period"
    if not last("induction_completion")["denominator"]:
        begun = plural(last("courses")["value"], "patient", "patients")
        return f"{begun} began ketamine; for none has day 28 of the induction passed yet"
    return f"Induction completed {share_text(last('induction_completion'))}"


def _induction(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = course_counts(reader, filters, "band", "site")
    rows = pd.concat([frame[["band", "site"]], measure(frame, METRICS["induction_completion"])], axis=1)
    few = rows["denominator"] < LEAST_PATIENTS
    rows[["value", "lower", "upper"]] = rows[["value", "lower", "upper"]].mask(few, axis=0)
    return titled(rows.assign(reading=np.where(few, charts.TOO_FEW, "")), reader)


def _induction_answer(frame: pd.DataFrame) -> str:
    done, due = frame["numerator"].sum(), frame["denominator"].sum()
    if not due:
        return "No patient's day 28 has passed yet"
    patients = plural(due, "patient", "patients")
    return f"{done:,.0f} of {patients} had six infusions by day 28 ({number(100 * done / due)} %)"


def _induction_chart(look: charts.Look) -> charts.Chart:
    metric = METRICS["induction_completion"]
    return dot_charts.dots(
        look, "Induction completed by age band and site", unit_title(metric), "band", "Age band", metric.counted,
        order=look.bands, series=charts.by_site(look),
    )  # fmt: skip


def _gaps(reader: Reader, filters: Filters) -> pd.DataFrame:
    values = _values(filters, reader)
    del values["until"]
    frame = reader.query("infusion_gaps", **values)
    rows = []
    for site in filters.sites:
        for phase, title in (("induction", "In induction"), ("later", "Later")):
            part = frame[(frame["site"] == site) & (frame["phase"] == phase)].sort_values("days")
            days, many = part["days"].to_numpy(dtype=float), part["infusions"].to_numpy(dtype=int)
            name = f"{reader.catalogue.site_name(site)}, {title.lower()}"
            row = dict(zip(("lower", "value", "upper"), rates.quartiles(days, many).tolist(), strict=True))
            rows.append({"what": name, "site": site, "phase": title, "numerator": int(many.sum()), **row})
    return titled(pd.DataFrame(rows), reader)


def _gaps_answer(frame: pd.DataFrame) -> str:
    if not frame["numerator"].sum():
        return "Nobody came back for another ketamine infusion in this period"
    # Of few a median is whichever days these were.
    known = frame[frame["numerator"] >= LEAST_PATIENTS]
    few = int(frame["numerator"].between(1, LEAST_PATIENTS - 1).sum())
    left = f"; {few} of fewer than {LEAST_PATIENTS} infusions left out" if few else ""
    if not len(known):
        return f"Too few ketamine infusions to tell the median days between them{left}"
    sites = known["site"].nunique()
    if sites > TOLD:
        told = ", ".join(
            f"{str(phase).lower()} {number(days.min())} to {number(days.max())}"
            for phase, days in known.groupby("phase", sort=False)["value"]
        )
        return f"Median days between ketamine infusions at {sites} sites: {told}{left}"
    told = "; ".join(f"{row['what']} {number(row['value'])}" for row in known.to_dict("records"))
    return f"Median days between ketamine infusions: {told}{left}"


def _gaps_chart(look: charts.Look) -> charts.Chart:
    tips = [
        alt.Tooltip("what:N", title="Site"), alt.Tooltip("value:Q", title="Median days", format=",.1f"),
        alt.Tooltip("lower:Q", title="First quartile", format=",.1f"),
        alt.Tooltip("upper:Q", title="Third quartile", format=",.1f"),
        alt.Tooltip("numerator:Q", title="Infusions", format=",.0f"),
    ]  # fmt: skip
    base = alt.Chart(charts.ROWS).encode(
        y=alt.Y("what:N", title=None, sort=None, axis=alt.Axis(labelLimit=200)),
        color=charts.colour(charts.by_site(look), [f"{site}, in induction" for site in look.sites]), tooltip=tips,
    )  # fmt: skip
    x = "Days since the infusion before"
    span = base.mark_rule(strokeWidth=6, opacity=0.35).encode(x=alt.X("lower:Q", title=x), x2="upper:Q")
    middle = base.mark_point(filled=True, size=80, opacity=1).encode(x=alt.X("value:Q", title=x))
    title = charts.heading("Days between: median and middle half")
    return alt.layer(span, middle).properties(title=title, height=56 * len(look.sites) + charts.ROOM)


def _retention(dimension: str) -> Callable[[Reader, Filters], pd.DataFrame]:
    def rows(reader: Reader, filters: Filters) -> pd.DataFrame:
        frame = reader.query("retention", by=(dimension,), **_values(filters, reader))
        if dimension == "band":
            frame["of"] = frame["band"].map(reader.catalogue.groups)
            order = list(dict.fromkeys(reader.catalogue.groups.values()))
        else:
            frame["of"] = frame["site"].map(reader.catalogue.site_name)
            order = [reader.catalogue.site_name(site) for site in filters.sites]
        at = np.arange(0, HORIZON + 1, STEP)
        parts = []
        for name in order:
            own = frame[frame["of"] == name]
            curve = survival.kaplan_meier(own["days"], own["stopped"], own["patients"], at)
            points = pd.DataFrame(
                {
                    "of": name, "day": at, "value": 100 * curve.value, "lower": 100 * curve.lower,
                    "upper": 100 * curve.upper, "numerator": curve.at_risk, "patients": own["patients"].sum(),
                }
            )  # fmt: skip
            # Of few patients at risk a curve says more than is known.
            parts.append(points[points["numerator"] >= LEAST_PATIENTS])
        return pd.concat(parts, ignore_index=True)

    return rows


def _retention_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "Too few patients who began in this period can be followed yet"
    reached = frame[frame["day"] == 84]
    followed = frame.groupby("of", sort=False).tail(1)
    latest = reached if len(reached) else followed[followed["day"] >= FOLLOWED]
    if not len(latest):
        return "Too few patients are followed for four weeks yet"
    told = listed(
        [
            f"{row['of']} {number(row['value'])} % "
            f"({number(row['lower'])} to {number(row['upper'])}) by day {row['day']}"
            for row in latest.to_dict("records")
        ],
        ", ",
    )
    return f"Still coming for ketamine: {told}"


def _retention_chart(title: str, *, by_site: bool) -> Callable[[charts.Look], charts.Chart]:
    def build(look: charts.Look) -> charts.Chart:
        colours = look.site_colours if by_site else tuple(theme.group_colours())
        groups = look.sites if by_site else look.groups
        return charts.curves(title, "% still coming", "Days since the first infusion", colours, groups)

    return build


_READING = Column("reading", "In words")
_FEW = f"Groups of fewer than {LEAST_PATIENTS} patients due are not drawn: too few to judge."


def _retention_panel(name: str, title: str, dimension: str, column: Column) -> Panel:
    return Panel(
        name, title, "courses", _retention(dimension),
        (column, Column("day", "Day", "count"), Column("value", "Still coming (%)", "decimal"),
         Column("lower", "95 % from", "decimal"), Column("upper", "95 % to", "decimal"),
         Column("numerator", "Patients at risk", "count"), Column("patients", "Patients followed", "count")),
        _retention_chart(title, by_site=dimension == "site"), (), _retention_answer,
        sites_in="of" if dimension == "site" else "",
        enough=lambda frame: bool((frame["day"] >= FOLLOWED).any()),
        note="Kaplan–Meier. A patient has stopped at the last ketamine infusion before a gap of more than 60 days; "
        "all are followed up to 60 days before the last full day, since later nobody can be told to have stopped. "
        f"Drawn while {LEAST_PATIENTS} patients are at risk.",
    )  # fmt: skip


PANELS = (
    Panel(
        "courses_summary", "Courses by site", "courses", _summary, SCORE_COLUMNS, None, SUMMARY,
        _summary_answer, html=scorecard.compare, note=_OF_COURSES,
    ),
    Panel(
        "induction_by_age", "Induction completed by age band and site", "courses", _induction,
        (BAND, SITE, *value_columns("induction_completion"), _READING), _induction_chart, ("induction_completion",),
        _induction_answer, note=_FEW,
    ),
    Panel(
        "course_gaps", "Days between ketamine infusions", "courses", _gaps,
        (SITE, Column("phase", "Phase"), Column("value", "Median days", "decimal"),
         Column("lower", "First quartile", "decimal"), Column("upper", "Third quartile", "decimal"),
         Column("numerator", "Infusions", "count")),
        _gaps_chart, (), _gaps_answer,
        note="Completed ketamine infusions of the period, since the patient's one before. In induction: by day 28 "
        "after the first. Of those who came back; in the extract's first weeks long gaps can't be seen yet.",
    ),
    _retention_panel("retention_by_site", "Retention by site", "site", Column("of", "Site")),
    _retention_panel("retention_by_age", "Retention by age group", "band", Column("of", "Age group")),
)  # fmt: skip
