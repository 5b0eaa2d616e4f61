"""Panels of the Events page: which side effects, whose, how soon, and who came back."""

from __future__ import annotations

import datetime as dt

import altair as alt
import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard import charts, control_charts, rates, specifications, theme, two_groups
from dashboard.filters import Filters, day_text
from dashboard.panels.column import LINE, SITE, Column
from dashboard.panels.panel import Panel
from dashboard.panels.signals import effect_title
from dashboard.panels.words import titled, together
from dashboard.theme import VERDICTS
from dashboard.warehouse import Reader
from dashboard.wording import number, plural, signed

NOT_RECORDED = "not recorded"
#: Any side effect that a reviewer reads one by one: serious, severe or worse, of unknown severity, or with an
#: emergency transfer.
GRAVE = "grave"
#: As many as `event_list` gives.
LISTED = 2_000
#: Of fewer a heading tells no median.
LEAST = 10
#: A patient has come back who has another infusion of the same line at the same site within so long.
RETURN_DAYS = 60
_TEXTS = ("related", "outcome", "action")
_NUMBERS = {"age": "age", "dose_mg": "dose", "onset_minutes": "onset", "duration_minutes": "duration"}


def _asked(filters: Filters) -> dict[str, object]:
    return {**filters.values(), "effect": filters.effect}


def _listing(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = reader.query("event_list", **_asked(filters))
    for name in _TEXTS:
        frame[name] = frame[name].fillna(NOT_RECORDED)
    frame["serious"] = np.where(frame["serious"], "yes", "no")
    frame["service"] = frame["service"].map(lambda service: reader.catalogue.services.get(service, service))
    return titled(frame, reader)


def _listing_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No such side effect is recorded in this period"
    said = "The latest " if len(frame) == LISTED else ""
    said += (
        f"{plural(len(frame), 'side effect', 'side effects')} of "
        f"{plural(frame['patient'].nunique(), 'patient', 'patients')}"
    )
    serious = int((frame["serious"] == "yes").sum())
    missing = {title: int(frame[name].isna().sum()) for name, title in _NUMBERS.items()}
    missing |= {name: int((frame[name] == NOT_RECORDED).sum()) for name in _TEXTS}
    gaps = ", ".join(f"{name} of {count:,}" for name, count in missing.items() if count)
    return f"{said}, {serious:,} serious" + (f"; {NOT_RECORDED}: {gaps}" if gaps else "")


def _times(reader: Reader, filters: Filters) -> pd.DataFrame:
    return reader.query("event_times", **_asked(filters))


def _onset_curve(reader: Reader, filters: Filters) -> pd.DataFrame:
    """Share of side effects that had begun after so many minutes, by service line."""
    frame = _times(reader, filters).dropna(subset=["onset_minutes"])
    by_minute = frame.groupby(["line", "onset_minutes"], sort=True, observed=True)["events"].sum().reset_index()
    begun = by_minute.groupby("line", observed=True)["events"]
    total = begun.transform("sum")
    rows = by_minute.assign(
        minutes=by_minute["onset_minutes"].astype(float), numerator=begun.cumsum(), denominator=total,
        value=100 * begun.cumsum() / total,
    )  # fmt: skip
    return titled(rows.assign(what=effect_title(reader, filters.effect)), reader)


def _onset_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No onset is recorded for such side effects in this period"
    what = frame["what"].iloc[0]
    half = frame[(frame["value"] >= 50) & (frame["denominator"] >= LEAST)].groupby("line", sort=False).head(1)
    if not len(half):
        return f"{what}: fewer than {LEAST} onsets are recorded after any service line"
    said = ", ".join(f"{row['minutes']:.0f} min after {row['line'].lower()}" for row in half.to_dict("records"))
    few = " and ".join(line for line in dict.fromkeys(frame["line"]) if line not in set(half["line"])).lower()
    return f"{what}: half had begun {said}" + (f"; fewer than {LEAST} after {few}" if few else "")


def _onset_chart(look: charts.Look) -> charts.Chart:
    return control_charts.steps(
        "Begun, by minutes from the start", "% of those with a recorded onset", charts.by_line(look),
        [
            alt.Tooltip("line:N", title="Service line"), alt.Tooltip("minutes:Q", title="Minutes", format=",.0f"),
            alt.Tooltip("value:Q", title="% begun", format=",.1f"),
            alt.Tooltip("numerator:Q", title="Begun", format=",.0f"),
            alt.Tooltip("denominator:Q", title="With a recorded onset", format=",.0f"),
        ],
    )  # fmt: skip


def _durations(reader: Reader, filters: Filters) -> pd.DataFrame:
    """Median and quartiles of minutes to onset and of duration, by side effect."""
    frame = _times(reader, filters)
    rows = []
    for effect, part in frame.groupby("effect", sort=False):
        row: dict[str, object] = {"effect": effect, "events": part["events"].sum()}
        for name, column in (("onset", "onset_minutes"), ("duration", "duration_minutes")):
            known = part.dropna(subset=[column])
            times, often = known[column].to_numpy(dtype=float), known["events"].to_numpy(dtype=float)
            row[f"{name}_n"] = often.sum()
            names = (f"{name}_{part}" for part in ("q1", "median", "q3"))
            row |= dict(zip(names, rates.quartiles(times, often).tolist(), strict=True))
        rows.append(row)
    columns = ["effect", "events", *(f"{n}_{q}" for n in ("onset", "duration") for q in ("n", "q1", "median", "q3"))]
    places = {effect: place for place, effect in enumerate(reader.catalogue.effects)}
    found = pd.DataFrame(rows, columns=columns).sort_values("effect", key=lambda column: column.map(places))
    return titled(found.reset_index(drop=True), reader)


def _durations_answer(frame: pd.DataFrame) -> str:
    if not len(frame.dropna(subset=["duration_median"])):
        return "No duration is recorded for such side effects in this period"
    # Of few the longest would be whichever has the fewest.
    known = frame[frame["duration_n"] >= LEAST]
    if not len(known):
        return f"Fewer than {LEAST} durations are recorded of each side effect"
    longest = known.sort_values("duration_median").iloc[-1]
    return (
        f"Longest: {longest['effect'].lower()}, {number(longest['duration_median'])} min in the median of "
        f"{longest['duration_n']:,.0f}"
    )


def _returns(reader: Reader, filters: Filters) -> pd.DataFrame:
    """After what share of infusions with and without the side effect patients came back, by site and in all."""
    catalogue = reader.catalogue
    until = min(filters.end, catalogue.last_full_day - dt.timedelta(days=RETURN_DAYS))
    values = {key: value for key, value in _asked(filters).items() if key != "end"}
    found = reader.query("event_returns", **values | {"start": catalogue.first_day, "until": until})
    strata = found.pivot(index=["site", "line", "band"], columns="with_it", values=["returned", "infusions"])
    counted, at = (
        strata.reindex(columns=_GROUPS).fillna(0).to_numpy(dtype=float),
        strata.index.get_level_values("site"),
    )
    parts = [(catalogue.site_name(site), counted[at == site]) for site in filters.sites]
    if len(parts) > 1:
        parts.append((together(reader, filters), counted))
    rows = pd.DataFrame([{"comparison": name, **_with_and_without(part)} for name, part in parts])
    rows = rows[rows["difference"].notna()].reset_index(drop=True)
    rows = rows.assign(what=effect_title(reader, filters.effect), until=day_text(until))
    apart = (rows["lower"] > 0) | (rows["upper"] < 0)
    fewer = np.where(rows["difference"] < 0, VERDICTS["concern"].word, VERDICTS["neither"].word)
    return rows.assign(verdict=np.where(apart, fewer, VERDICTS["common"].word))


_COUNTED = ("numerator", "denominator", "other_numerator", "other_denominator")


_GROUPS = [("returned", True), ("infusions", True), ("returned", False), ("infusions", False)]


def _with_and_without(strata: npt.NDArray[np.float64]) -> dict[str, float]:
    """What came of both groups, in all and like for like; of strata, rows with the columns of `_GROUPS`."""
    returned, infusions, others_returned, others = strata.T
    found = two_groups.like_for_like(returned, infusions, others_returned, others)
    difference, lower, upper = found.difference
    shares = {"rate": found.a, "other_rate": found.b, "difference": difference, "lower": lower, "upper": upper}
    return {
        **dict(zip(_COUNTED, strata.sum(axis=0).tolist(), strict=True)),
        **{name: 100 * float(share) for name, share in shares.items()},
    }


def _returns_answer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No infusions with and without it, of one service line and age, that began 60 days ago or more"
    row = frame.iloc[-1]
    said = (
        f"Like for like, patients came back within {RETURN_DAYS} days after {number(row['rate'], 1)} % of infusions "
        f"with {row['what'].lower()}, {number(row['other_rate'], 1)} % without"
    )
    if row["verdict"] == VERDICTS["common"].word:
        return f"{said}: not distinguishable"
    span = f"({signed(row['lower'])} to {signed(row['upper'])})"
    return f"{said}, apart by {signed(row['difference'])} points {span}"


def _returns_chart(look: charts.Look) -> charts.Chart:
    return control_charts.intervals(
        look, "Came back, with it − without it", "Points", "comparison", len(look.sites) + 1,
        [
            alt.Tooltip("comparison:N", title="Site"),
            alt.Tooltip("rate:Q", title="With it, like for like, %", format=",.1f"),
            alt.Tooltip("other_rate:Q", title="Without it, like for like, %", format=",.1f"),
            alt.Tooltip("difference:Q", title="Difference, points", format="+,.1f"),
            alt.Tooltip("lower:Q", title="95 % from", format="+,.1f"),
            alt.Tooltip("upper:Q", title="95 % to", format="+,.1f"),
        ],
    )  # fmt: skip


def timeline(reader: Reader, patient: str) -> pd.DataFrame:
    """All that is recorded of a patient at the sites that the viewer may see.

    Returns:
        One row an infusion, side effect or score, in order: moment, kind (Infusion, Side effect, PHQ-9,
        GAD-7), what, value (dose in mg of an infusion, the score of a score), severity, site.
    """
    frame = titled(reader.query("patient_timeline", patient=patient), reader)
    names = {**reader.catalogue.effects, **reader.catalogue.services}
    return frame.assign(what=frame["what"].map(lambda what: names.get(what, what)))


TIMELINE_COLUMNS = (
    Column("moment", "When", "datetime"),
    Column("kind", "Kind"),
    Column("what", "What"),
    Column("value", "Dose (mg) or score", "decimal"),
    Column("severity", "Severity"),
    SITE,
)


def timeline_specification(look: charts.Look) -> specifications.Specification:
    """The chart of `timeline`: infusions and side effects as marks, scores as lines below them."""
    colours = {
        "Infusion": theme.accent(look.mode), "Side effect": theme.verdict_colour("concern", look.mode),
        "PHQ-9": theme.verdict_colour("neither", look.mode), "GAD-7": theme.quiet(look.mode),
    }  # fmt: skip
    return specifications.specification(control_charts.patient(colours))


_RETURN_COLUMNS = (
    Column("comparison", "Site"),
    Column("what", "Side effect"),
    Column("rate", "Came back after it, like for like (%)", "decimal"),
    Column("numerator", "Came back after it", "count"),
    Column("denominator", "Infusions with it", "count"),
    Column("other_rate", "Came back without it, like for like (%)", "decimal"),
    Column("other_numerator", "Came back without it", "count"),
    Column("other_denominator", "Infusions without it", "count"),
    Column("difference", "Difference, points", "decimal"),
    Column("lower", "95 % from", "decimal"),
    Column("upper", "95 % to", "decimal"),
    Column("verdict", "Verdict"),
    Column("until", "Infusions up to"),
)

PANELS = (
    Panel(
        "event_list", "Side effects, one by one", "events", _listing,
        (
            Column("starts_on", "Visit", "date"), SITE, Column("patient", "Patient"), Column("age", "Age", "count"),
            Column("service", "Service"), Column("infusion", "Infusion", "count"),
            Column("dose_mg", "Dose (mg)", "decimal"), Column("effect", "Side effect"),
            Column("severity", "Severity"), Column("serious", "Serious"), Column("related", "Related"),
            Column("onset_minutes", "Onset (min)", "count"), Column("duration_minutes", "Duration (min)", "count"),
            Column("outcome", "Outcome"), Column("action", "Action"), Column("event_id", "Event"),
        ),
        None, (), _listing_answer,
        note="The latest 2,000, of all bookings; Exports has every row. Patient: the keyed number. Infusion: 1 "
        "for the patient's first completed one of the same service line at the site, and so on. An empty number is "
        "not recorded.",
    ),
    Panel(
        "onset_curve", "Time to onset", "events", _onset_curve,
        (LINE, Column("minutes", "Minutes from the start", "count"), Column("value", "Begun (%)", "decimal"),
         Column("numerator", "Begun", "count"), Column("denominator", "With a recorded onset", "count")),
        _onset_chart, (), _onset_answer,
        note="Of side effects after completed infusions whose onset is recorded, from the start of the visit.",
    ),
    Panel(
        "event_times", "Onset and duration", "events", _durations,
        (
            Column("effect", "Side effect"), Column("events", "Events", "count"),
            Column("onset_median", "Onset, median (min)", "decimal"),
            Column("onset_q1", "Onset, lower quartile (min)", "decimal"),
            Column("onset_q3", "Onset, upper quartile (min)", "decimal"),
            Column("onset_n", "Onset recorded", "count"),
            Column("duration_median", "Duration, median (min)", "decimal"),
            Column("duration_q1", "Duration, lower quartile (min)", "decimal"),
            Column("duration_q3", "Duration, upper quartile (min)", "decimal"),
            Column("duration_n", "Duration recorded", "count"),
        ),
        None, (), _durations_answer,
        note="Minutes from the start to onset, and from onset to resolution; of those recorded.",
    ),
    Panel(
        "event_returns", "Return to the next infusion", "events", _returns, _RETURN_COLUMNS, _returns_chart, (),
        _returns_answer,
        note="Completed infusions from the extract's first day to the period's end, 60 days or more before the last "
        "full day; came back: another completed infusion of the same service line at the same site within 60 days. "
        "Like for like: within the same service line and age band (Mantel and Haenszel; 95 % limits of Klingenberg, "
        "infusions taken as independent). Who fares badly comes back less and reports more: this shows no cause.",
    ),
)  # fmt: skip
