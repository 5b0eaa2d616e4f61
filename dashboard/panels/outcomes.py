"""Panels of the Outcomes page: courses of ketamine, from the first infusion to what scores say."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import altair as alt
import numpy as np
import pandas as pd
from scipy import stats

from dashboard import charts, scorecard, survival, theme
from dashboard.filters import Filters
from dashboard.metrics import METRICS, measure
from dashboard.panels.base import (
    BAND,
    SCORE_COLUMNS,
    SITE,
    Column,
    Panel,
    course_counts,
    scores,
    share_text,
    titled,
    unit_title,
    value_columns,
)
from dashboard.rates import FloatArray
from dashboard.warehouse import Reader

#: Of fewer patients nothing is drawn: too few to judge.
LEAST_PATIENTS = 10
#: Days of the retention curve, and from one point to the next.
HORIZON, STEP = 364, 7
SUMMARY = (
    "courses",
    "induction_completion",
    "inductions_under_way",
    "phq9_scored",
    "phq9_response",
    "phq9_remission",
    "phq9_worsening",
    "phq9_durability",
    "gad7_scored",
    "gad7_response",
    "gad7_worsening",
    "gad7_durability",
)
INSTRUMENTS = {
    "phq9": ("phq9_response", "phq9_remission", "phq9_worsening"),
    "gad7": ("gad7_response", "gad7_worsening"),
}
MOMENTS = {"day_1": "within 24 hours", "day_7": "day 7", "day_14": "day 14", "after": "after induction"}
_INITIALS = {"ptsd": "PTSD", "ocd": "OCD", "adhd": "ADHD", "": "Not recorded"}
_OF_COURSES = (
    "Patients by the day of their first completed ketamine infusion of the extract, whatever lines are chosen."
)
INDICATION = Column("indication", "Indication")


def _values(filters: Filters, reader: Reader) -> dict[str, object]:
    values = filters.values() | {"until": reader.catalogue.last_full_day}
    del values["lines"]
    return values


def indication_title(indication: str) -> str:
    """An indication as staff read it.

    >>> indication_title("chronic_pain"), indication_title("ptsd"), indication_title("")
    ('Chronic pain', 'PTSD', 'Not recorded')
    """
    return _INITIALS.get(indication.lower(), indication.replace("_", " ").capitalize())


def _summary(reader: Reader, filters: Filters) -> pd.DataFrame:
    return scores(reader, filters, SUMMARY)


def _summary_answer(frame: pd.DataFrame) -> str:
    def last(name: str) -> pd.Series:
        return frame[frame["metric"] == name].iloc[-1]

    if not last("courses")["value"]:
        return "Nobody began ketamine in this period"
    scored = last("phq9_scored")
    told = share_text(last("phq9_response"))
    return (
        f"Induction completed {share_text(last('induction_completion'))}; PHQ-9 response {told}, with "
        f"{scored['numerator']:,.0f} of {scored['denominator']:,.0f} patients scored"
    )


# --- change of scores ------------------------------------------------------------------------


def _changes(reader: Reader, filters: Filters) -> pd.DataFrame:
    """Mean change from baseline by window and site, with its 95 % interval (Student's t)."""
    frame = reader.query("score_changes", by=("site",), **_values(filters, reader))
    index = pd.MultiIndex.from_product(
        [("PHQ-9", "GAD-7"), MOMENTS, filters.sites], names=["instrument", "moment", "site"]
    )
    frame = frame.set_index(["instrument", "moment", "site"])[["due", "scored", "change_sum", "change_squares"]]
    frame = frame.reindex(index, fill_value=0).reset_index()
    n = frame["scored"].where(frame["scored"] >= LEAST_PATIENTS).astype(float)
    mean = frame["change_sum"] / n
    spread = np.sqrt((frame["change_squares"] - n * mean**2).clip(lower=0) / (n - 1))
    reach = pd.Series(stats.t.ppf(0.975, n - 1), index=frame.index) * spread / np.sqrt(n)
    share = 100 * frame["scored"] / frame["due"].where(frame["due"] > 0)
    what = frame["instrument"] + ", " + frame["moment"].map(MOMENTS)
    rows = frame.assign(what=what, value=mean, lower=mean - reach, upper=mean + reach, share=share)
    rows = rows.rename(columns={"scored": "numerator", "due": "denominator"})
    rows["reading"] = np.where(rows["numerator"] < LEAST_PATIENTS, charts.TOO_FEW, "")
    return titled(rows.drop(columns=["change_sum", "change_squares"]), reader)


def _changes_answer(frame: pd.DataFrame) -> str:
    part = frame[(frame["instrument"] == "PHQ-9") & (frame["moment"] == "after")]
    scored, due = part["numerator"].sum(), part["denominator"].sum()
    known = part.dropna(subset=["value"])
    if not len(known):
        return "Too few scores to judge a change; choose a longer period"
    told = ", ".join(f"{row['site']} {row['value']:+.1f}" for row in known.to_dict("records")).replace("-", "−")
    return f"PHQ-9 from baseline to after induction: {told}; {scored:,.0f} of {due:,.0f} patients scored"


def _changes_chart(look: charts.Look) -> charts.Chart:
    order = [f"{instrument}, {moment}" for instrument in ("PHQ-9", "GAD-7") for moment in MOMENTS.values()]
    return charts.dots(
        look, "Mean change from baseline", "Points; below 0 is better", "what", "Window", ("scored", "patients due"),
        order=order, series=charts.by_site(look),
    )  # fmt: skip


# --- outcomes by indication and age ----------------------------------------------------------


def _by(dimension: str, key: str) -> Callable[[Reader, Filters], pd.DataFrame]:
    """Response, remission and worsening by a dimension of the first infusion; too few patients are not judged."""

    def rows(reader: Reader, filters: Filters) -> pd.DataFrame:
        frame = course_counts(reader, filters, dimension)
        parts = []
        for name in INSTRUMENTS[key]:
            metric = METRICS[name]
            part = pd.concat([frame[[dimension, "follow_up_due"]], measure(frame, metric)], axis=1)
            part.insert(1, "measure", metric.title.split(" ", 1)[1].capitalize())
            parts.append(part.assign(place=range(len(part))))
        found = pd.concat(parts, ignore_index=True).sort_values("place", kind="stable", ignore_index=True)
        found["share"] = 100 * found["denominator"] / found["follow_up_due"].where(found["follow_up_due"] > 0)
        few = found["denominator"] < LEAST_PATIENTS
        found["reading"] = np.where(few, charts.TOO_FEW, "")
        found[["value", "lower", "upper"]] = found[["value", "lower", "upper"]].mask(few, axis=0)
        if dimension == "indication":
            found["indication"] = found["indication"].map(indication_title)
        return found.drop(columns="place")

    return rows


def _by_answer(dimension: str, name: str) -> Callable[[pd.DataFrame], str]:
    def answer(frame: pd.DataFrame) -> str:
        responses = frame[frame["measure"] == "Response"]
        known = responses.dropna(subset=["value"])
        scored, due = responses["denominator"].sum(), responses["follow_up_due"].sum()
        if not len(known):
            return f"{name}: too few patients scored to judge ({scored:,.0f} of {due:,.0f} due)"
        low, high = known["lower"].max(), known["upper"].min()
        apart = "intervals lie apart" if low > high else "not distinguishable"
        many = f"{len(known)} {dimension} groups" if len(known) > 1 else "one group"
        told = f", {apart}" if len(known) > 1 else ""
        return f"{name} response of {many} with enough scores{told}; {scored:,.0f} of {due:,.0f} patients scored"

    return answer


def _by_chart(dimension: str, key: str, title: str) -> Callable[[charts.Look], charts.Chart]:
    def build(look: charts.Look) -> charts.Chart:
        titles = tuple(METRICS[name].title.split(" ", 1)[1].capitalize() for name in INSTRUMENTS[key])
        kinds: dict[str, theme.VerdictKind] = {
            "Response": "improvement", "Remission": "neither", "Worsening": "concern",
        }  # fmt: skip
        colours = tuple(theme.verdict_colour(kinds[title], look.mode) for title in titles)
        series = charts.Series("measure", "Measure", titles, colours)
        order: Sequence[str] | int = look.bands if dimension == "band" else 8
        return charts.dots(
            look, title, "% of patients scored", dimension, dimension.capitalize(), ("patients", "scored"),
            order=order, series=series, few_together=True,
        )  # fmt: skip

    return build


def _induction(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = course_counts(reader, filters, "band", "site")
    rows = pd.concat([frame[["band", "site"]], measure(frame, METRICS["induction_completion"])], axis=1)
    few = rows["denominator"] < LEAST_PATIENTS
    rows[["value", "lower", "upper"]] = rows[["value", "lower", "upper"]].mask(few, axis=0)
    return titled(rows.assign(reading=np.where(few, charts.TOO_FEW, "")), reader)


def _induction_answer(frame: pd.DataFrame) -> str:
    done, due = frame["numerator"].sum(), frame["denominator"].sum()
    if not due:
        return "No patient's day 28 has passed yet; choose an earlier or longer period"
    return f"{done:,.0f} of {due:,.0f} patients had six infusions by day 28 ({100 * done / due:.0f} %)"


def _induction_chart(look: charts.Look) -> charts.Chart:
    metric = METRICS["induction_completion"]
    return charts.dots(
        look, "Induction completed by age band and site", unit_title(metric), "band", "Age band", metric.counted,
        order=look.bands, series=charts.by_site(look),
    )  # fmt: skip


# --- gaps and retention ----------------------------------------------------------------------


def _gaps(reader: Reader, filters: Filters) -> pd.DataFrame:
    values = _values(filters, reader)
    del values["until"]
    frame = reader.query("infusion_gaps", **values)
    rows = []
    for site in filters.sites:
        for phase, title in (("induction", "In induction"), ("later", "Later")):
            part = frame[(frame["site"] == site) & (frame["phase"] == phase)].sort_values("days")
            days, many = part["days"].to_numpy(dtype=float), part["infusions"].to_numpy(dtype=int)
            quartiles = _quantiles(days, many)
            name = f"{reader.catalogue.site_name(site)}, {title.lower()}"
            row = dict(zip(("lower", "value", "upper"), quartiles, strict=True))
            rows.append({"what": name, "site": site, "phase": title, "numerator": int(many.sum()), **row})
    return titled(pd.DataFrame(rows), reader)


def _quantiles(days: FloatArray, many: np.ndarray) -> list[float]:
    """Quartiles of days, each as often as `many` says, as numpy.quantile has them; NaN of none."""
    each = np.repeat(days, many)
    return [float(part) for part in np.quantile(each, (0.25, 0.5, 0.75))] if each.size else [np.nan] * 3


def _gaps_answer(frame: pd.DataFrame) -> str:
    known = frame.dropna(subset=["value"])
    if not len(known):
        return "Nobody came back for another ketamine infusion in this period"
    told = "; ".join(f"{row['what']} {row['value']:.0f}" for row in known.to_dict("records"))
    return f"Median days between ketamine infusions: {told}"


def _gaps_chart(look: charts.Look) -> charts.Chart:
    tips = [
        alt.Tooltip("what:N", title="Site"), alt.Tooltip("value:Q", title="Median days", format=",.1f"),
        alt.Tooltip("lower:Q", title="First quartile", format=",.1f"),
        alt.Tooltip("upper:Q", title="Third quartile", format=",.1f"),
        alt.Tooltip("numerator:Q", title="Infusions", format=",.0f"),
    ]  # fmt: skip
    base = alt.Chart(charts.ROWS).encode(
        y=alt.Y("what:N", title=None, sort=None, axis=alt.Axis(labelLimit=200)),
        color=charts.colour(charts.by_site(look)), tooltip=tips,
    )  # fmt: skip
    x = "Days since the infusion before"
    span = base.mark_rule(strokeWidth=6, opacity=0.35).encode(x=alt.X("lower:Q", title=x), x2="upper:Q")
    middle = base.mark_point(filled=True, size=80, opacity=1).encode(x=alt.X("value:Q", title=x))
    title = charts.heading("Days between infusions: median and middle half")
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
        return "Too few patients began ketamine in this period to follow them"
    reached = frame[frame["day"] == 84]
    followed = frame.groupby("of", sort=False).tail(1)
    latest = reached if len(reached) else followed[followed["day"] >= 28]
    if not len(latest):
        return "Too few patients are followed for four weeks yet; choose an earlier or longer period"
    told = ", ".join(
        f"{row['of']} {row['value']:.0f} % ({row['lower']:.0f} to {row['upper']:.0f}) by day {row['day']}"
        for row in latest.to_dict("records")
    )
    return f"Still coming for ketamine: {told}"


def _retention_chart(title: str, *, by_site: bool) -> Callable[[charts.Look], charts.Chart]:
    def build(look: charts.Look) -> charts.Chart:
        colours = look.site_colours if by_site else tuple(theme.group_colours())
        return charts.curves(title, "% still coming", "Days since the first infusion", colours)

    return build


_SHARE = Column("share", "Scored (% of those due)", "decimal")
_READING = Column("reading", "In words")
_RATE = (
    Column("measure", "Measure"), Column("value", "% of patients scored", "decimal"),
    Column("lower", "95 % from", "decimal"), Column("upper", "95 % to", "decimal"),
    Column("numerator", "Patients", "count"), Column("denominator", "Scored", "count"),
    Column("follow_up_due", "Patients due", "count"), _SHARE, _READING,
)  # fmt: skip
_FEW = f"Groups of fewer than {LEAST_PATIENTS} patients scored are not drawn: too few to judge."


def _outcome_panels(dimension: str, column: Column) -> list[Panel]:
    found = []
    for key, name in (("phq9", "PHQ-9"), ("gad7", "GAD-7")):
        title = f"{name} by {column.title.lower()}"
        found.append(
            Panel(
                f"{key}_by_{'age' if dimension == 'band' else dimension}", title, "outcomes", _by(dimension, key),
                (column, *_RATE), _by_chart(dimension, key, title), INSTRUMENTS[key],
                _by_answer("age" if dimension == "band" else dimension, name), note=f"{_OF_COURSES} {_FEW}",
            )
        )  # fmt: skip
    return found


def _retention_panel(name: str, title: str, dimension: str, column: Column) -> Panel:
    return Panel(
        name, title, "outcomes", _retention(dimension),
        (column, Column("day", "Day", "count"), Column("value", "Still coming (%)", "decimal"),
         Column("lower", "95 % from", "decimal"), Column("upper", "95 % to", "decimal"),
         Column("numerator", "Patients at risk", "count"), Column("patients", "Patients in all", "count")),
        _retention_chart(title, by_site=dimension == "site"), (), _retention_answer,
        note="Kaplan–Meier. A patient has stopped at the last ketamine infusion before a gap of more than 60 days; "
        f"who came within the last 60 days is censored there. Drawn while {LEAST_PATIENTS} patients are at risk.",
    )  # fmt: skip


PANELS = (
    Panel(
        "outcomes_summary", "Courses and outcomes by site", "outcomes", _summary, SCORE_COLUMNS, None, SUMMARY,
        _summary_answer, html=scorecard.compare, note=_OF_COURSES,
    ),
    Panel(
        "score_change", "Mean change from baseline", "outcomes", _changes,
        (Column("what", "Window"), SITE, Column("value", "Mean change, points", "decimal"),
         Column("lower", "95 % from", "decimal"), Column("upper", "95 % to", "decimal"),
         Column("numerator", "Patients scored", "count"), Column("denominator", "Patients due", "count"),
         _SHARE, _READING),
        _changes_chart, (), _changes_answer,
        note="Windows after the first infusion: within 24 hours, day 7 and day 14 (2 days either way); after "
        "induction: 14 to 31 days after the last infusion by day 28. Baseline: the last score of the 14 days up to "
        "the first infusion. 95 % interval by Student's t.",
    ),
    *_outcome_panels("indication", INDICATION),
    *_outcome_panels("band", BAND),
    Panel(
        "induction_by_age", "Induction completed by age band and site", "outcomes", _induction,
        (BAND, SITE, *value_columns("induction_completion"), _READING), _induction_chart, ("induction_completion",),
        _induction_answer, note=_FEW.replace("scored", "due"),
    ),
    Panel(
        "course_gaps", "Days between ketamine infusions", "outcomes", _gaps,
        (SITE, Column("phase", "Phase"), Column("value", "Median days", "decimal"),
         Column("lower", "First quartile", "decimal"), Column("upper", "Third quartile", "decimal"),
         Column("numerator", "Infusions", "count")),
        _gaps_chart, (), _gaps_answer,
        note="Completed ketamine infusions of the period, since the patient's one before. In induction: by day 28 "
        "after the first.",
    ),
    _retention_panel("retention_by_site", "Retention by site", "site", Column("of", "Site")),
    _retention_panel("retention_by_age", "Retention by age group", "band", Column("of", "Age group")),
)  # fmt: skip
