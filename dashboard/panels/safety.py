"""Panels of the Safety page, in the order in which reviewers ask."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from dashboard import charts, dot_charts, rates, scorecard
from dashboard.changes import ALIKE
from dashboard.filters import Filters
from dashboard.measuring import MEASURED, measure
from dashboard.metrics import METRICS
from dashboard.panels.alike import of_effects
from dashboard.panels.column import PERIOD, SITE, Column, value_columns
from dashboard.panels.panel import Panel
from dashboard.panels.scores import ALIKE_COLUMNS, SCORE_COLUMNS, against, measured, scores
from dashboard.panels.sums import counts, effect_counts, effect_patients, filled, patient_counts
from dashboard.panels.trends import trend, trend_frame
from dashboard.panels.words import listed, share_text, titled
from dashboard.theme import SEVERITY_TITLES, line_title
from dashboard.warehouse import Reader
from dashboard.wording import number, plural

QUALITY = (
    "ascertainment",
    "anesthesiologist_coverage",
    "physician_coverage",
    "supervision_other",
    "supervision_none",
    "supervision_not_recorded",
    "coordinated_care",
)
OUTCOMES = (
    "any_effect",
    "any_effect_patients",
    "severe_effect",
    "severe_effect_patients",
    "serious_effect",
    "serious_effect_patients",
    "event_rate",
    "events",
    "transfers",
)
_INFUSIONS = ("infusion", "infusions")


def _quality(reader: Reader, filters: Filters) -> pd.DataFrame:
    return scores(reader, filters, QUALITY)


def _outcomes(reader: Reader, filters: Filters) -> pd.DataFrame:
    return scores(reader, filters, OUTCOMES)


def _quality_answer(frame: pd.DataFrame) -> str:
    forms = frame[frame["metric"] == "ascertainment"].iloc[-1]
    said = share_text(forms) if forms["denominator"] else "no completed infusions in this period"
    return f"Side-effect forms filled in: {said}"


def _outcomes_answer(frame: pd.DataFrame) -> str:
    total = frame[frame["metric"] == "any_effect"].iloc[-1]
    serious = frame[frame["metric"] == "serious_effect"].iloc[-1]
    if not serious["denominator"]:
        return "No completed infusions in this period"
    if pd.isna(serious["numerator"]):
        seriously = "the number with a serious effect is hidden"
    elif serious["numerator"] == 0:
        seriously = zero_text(int(serious["denominator"]), "serious effects")
    else:
        seriously = plural(serious["numerator"], *_INFUSIONS) + " with a serious effect"
    if pd.isna(total["value"]):
        return f"How often a side effect followed is hidden; {seriously}"
    if total["numerator"] == 0:
        return zero_text(int(total["denominator"]), "side effects")
    return f"Any side effect after {number(total['value'], 1)} of 100 infusions; {seriously}"


def zero_text(trials: int, what: str = "") -> str:
    """No event, with what it still allows: "0 in 2,000 infusions; upper bound 0.15 %"."""
    if not trials:
        return "no completed infusions"
    bound = float(rates.zero_event_upper_bound(trials)) * 100
    said = f"0 {what} in {plural(trials, *_INFUSIONS)}; upper bound {number(bound, 2)} %"
    return said.replace("0  in", "0 in")


def effect_rows(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """Every side effect, also those with no event, by whichever of site, line and band is named.

    Returns:
        effect, the dimensions, `measure` of the incidence by infusion, the number of events, the
        incidence by patient with its counts, and the reading in words. Without an event the upper
        limit is the exact one-sided 95 % bound.
    """
    effects = list(reader.catalogue.effects_at(reader.sites))
    patients = effect_patients(reader, filters, *by)
    treated = np.repeat(patient_counts(reader, filters, *by)["treated_patients"].to_numpy(), len(effects))
    by_patient = measure(patients.assign(treated_patients=treated), METRICS["effect_incidence_patients"])
    rows = pd.concat([_incidence(reader, filters, *by), by_patient.add_prefix("patient_")], axis=1)
    rows["reading"] = [_reading(row) for row in rows.to_dict("records")]
    return titled(rows, reader)


def _incidence(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """Every side effect by infusion: effect, the dimensions, the number of events and `measure` of the incidence."""
    effects = list(reader.catalogue.effects_at(reader.sites))
    keys = [*by, "effect"]
    frame = filled(effect_counts(reader, filters, *keys), filters, keys, effect=effects)
    completed = np.repeat(counts(reader, filters, *by)["completed"].to_numpy(), len(effects))
    incidence = measure(frame.assign(completed=completed), METRICS["effect_incidence"])
    return pd.concat([frame[[*keys, "events"]], incidence], axis=1)


def _reading(row: Mapping[Any, Any]) -> str:
    if row["denominator"] == 0:
        return "no completed infusions"
    if pd.isna(row["numerator"]):
        return f"hidden in {plural(row['denominator'], *_INFUSIONS)}"
    if row["numerator"] == 0:
        return zero_text(int(row["denominator"]))
    reading = f"{row['numerator']:,.0f} in {plural(row['denominator'], *_INFUSIONS)} ({number(row['value'], 2)} %)"
    if pd.isna(row["patient_numerator"]):
        return reading
    return (
        f"{reading}; {row['patient_numerator']:,.0f} of {plural(row['patient_denominator'], 'patient', 'patients')} "
        f"({number(row['patient_value'], 2)} %)"
    )


def _effects(reader: Reader, filters: Filters) -> pd.DataFrame:
    """Every side effect with how frequent it is and its change from the compared period, judged like for like."""
    rows = effect_rows(reader, filters)
    rows["frequency"] = [_frequency(row) for row in rows.to_dict("records")]
    now = rows[list(MEASURED)].assign(metric="effect_incidence")
    earlier = filters.compared()
    then = _incidence(reader, earlier)[list(MEASURED)] if earlier else None
    alike = of_effects(reader, filters, earlier) if earlier else pd.DataFrame(np.nan, now.index, list(ALIKE))
    found = against(now, then, alike).drop(columns=[*MEASURED, "metric"])
    found["against_before"] = [_against(row) for row in found.to_dict("records")]
    return pd.concat([rows, found], axis=1)


#: How frequent a side effect is, by the share of patients in per cent (CIOMS III).
FREQUENCIES = ((10, "very common"), (1, "common"), (0.1, "uncommon"), (0.01, "rare"), (0, "very rare"))


def _frequency(row: Mapping[Any, Any]) -> str:
    """The class of the share of patients, and those that its interval reaches to; of none seen the bound's."""
    if pd.isna(row["patient_numerator"]) or not row["patient_denominator"]:
        return ""
    least, most = _class(row["patient_lower"]), _class(row["patient_upper"])
    if not row["patient_numerator"]:
        return f"none seen; at most {most}"
    found = _class(row["patient_value"])
    return found if least == most else f"{found} ({least} to {most})"


def _class(percent: float) -> str:
    return next(word for least, word in FREQUENCIES if percent >= least)


def _against(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["change_lower"]):
        return ""
    if row["change_kind"] == "common":
        return str(row["change_words"])
    if pd.isna(row["alike"]):
        return f"{_direction(row['change'])}, service lines and ages not taken into account"
    return f"{_direction(row['alike'])} like for like"


def _direction(change: float) -> str:
    return "higher" if change > 0 else "lower"


def _effects_by(*by: str) -> Callable[[Reader, Filters], pd.DataFrame]:
    def rows(reader: Reader, filters: Filters) -> pd.DataFrame:
        return effect_rows(reader, filters, *by)

    return rows


def _effects_answer(frame: pd.DataFrame) -> str:
    happened = frame[frame["numerator"] > 0]
    hidden = frame["numerator"].isna().any()
    if not len(happened):
        return "All that was recorded is hidden" if hidden else "No side effect is recorded in this period"
    most = happened["value"].max()
    top = [name.lower() for name in happened.loc[happened["value"] == most, "effect"]]
    never = frame.loc[frame["numerator"] == 0, "effect"].tolist()
    none = f"; none of {', '.join(n.lower() for n in never)}" if never else ""
    lead = "Most frequent of those shown" if hidden else "Most frequent"
    each = " each" if len(top) > 1 else ""
    return f"{lead}: {listed(top)}, {number(most, 1)} per 100 infusions{each}{none}"


def _effects_chart(look: charts.Look) -> charts.Chart:
    return dot_charts.dots(
        look, "Incidence by infusion", "Per 100 infusions", "effect", "Side effect",
        METRICS["effect_incidence"].counted, order=look.effects,
    )  # fmt: skip


def _effects_by_site_chart(look: charts.Look) -> charts.Chart:
    return dot_charts.dots(
        look, "Incidence by site", "Per 100 infusions", "effect", "Side effect",
        METRICS["effect_incidence"].counted, order=look.effects, series=charts.by_site(look),
    )  # fmt: skip


def _effects_by_line_chart(look: charts.Look) -> charts.Chart:
    return dot_charts.dots(
        look, "Incidence by service line", "Per 100 infusions", "effect", "Side effect",
        METRICS["effect_incidence"].counted, order=look.effects, series=charts.by_line(look),
    )  # fmt: skip


def _effects_by_band_chart(look: charts.Look) -> charts.Chart:
    return charts.heat(
        look, "Incidence by age band", "Per 100 infusions", "band", "Age band", look.bands, "effect",
        "Side effect", look.effects, charts.rate_tips(METRICS["effect_incidence"].counted),
    )  # fmt: skip


def _by_line(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = counts(reader, filters, "line", "site")
    return titled(measured(frame, "any_effect", "line", "site"), reader)


def _by_line_chart(look: charts.Look) -> charts.Chart:
    metric = METRICS["any_effect"]
    return dot_charts.dots(
        look, "Any side effect by service line and site", "Per 100 infusions", "line", "Service line",
        metric.counted, order=[line_title(line) for line in look.lines], series=charts.by_site(look),
    )  # fmt: skip


def _severity(reader: Reader, filters: Filters) -> pd.DataFrame:
    frame = effect_counts(reader, filters, "effect", "severity").rename(columns={"all_events": "value"})
    keys = ["effect", "severity"]
    frame = filled(
        frame, filters, keys, effect=list(reader.catalogue.effects_at(reader.sites)), severity=list(SEVERITY_TITLES)
    )
    return titled(frame[[*keys, "value"]], reader)


def _severity_answer(frame: pd.DataFrame) -> str:
    total = frame["value"].sum(skipna=False)
    if pd.isna(total):
        return "Side effects by severity, as far as shown"
    if not total:
        return "No side effect is recorded in this period"
    grave = frame.loc[frame["severity"].isin(["Severe", "Life-threatening", "Fatal"]), "value"].sum()
    unknown = frame.loc[frame["severity"] == "Unknown", "value"].sum()
    left = f"; the severity of {unknown:,.0f} is unknown" if unknown else ""
    return f"{grave:,.0f} of {plural(total, 'side effect is', 'side effects are')} severe or worse{left}"


def _severity_chart(look: charts.Look) -> charts.Chart:
    return charts.bars(
        "Side effects by severity", "Events", "effect", "Side effect", look.effects, charts.by_severity(look)
    )


def _serious(reader: Reader, filters: Filters) -> pd.DataFrame:
    """Serious events and emergency transfers by site, of all bookings, with Poisson intervals."""
    frame = effect_counts(reader, filters, "site")
    index = pd.Index(filters.sites, name="site")
    frame = frame.set_index("site")[["serious_events", "transfers"]].reindex(index, fill_value=0)
    completed = counts(reader, filters, "site").set_index("site")["completed"]
    rows = []
    for kind, column in (("Serious side effects", "serious_events"), ("Emergency transfers", "transfers")):
        events = frame[column].to_numpy(dtype=float)
        part = pd.DataFrame({"kind": kind, "site": index, "value": events, "lower": np.nan, "upper": np.nan})
        shown = part["value"].notna()
        interval = rates.poisson_interval(events[shown], np.ones(shown.sum()))
        part.loc[shown, "lower"], part.loc[shown, "upper"] = interval.lower, interval.upper
        part["denominator"] = completed.reindex(index).to_numpy()
        rows.append(part)
    return titled(pd.concat(rows, ignore_index=True), reader)


def _serious_answer(frame: pd.DataFrame) -> str:
    def words(kind: str, one: str, many: str) -> str:
        total = frame.loc[frame["kind"] == kind, "value"].sum(skipna=False)
        return f"the number of {many} is hidden" if pd.isna(total) else plural(total, one, many)

    serious = words("Serious side effects", "serious side effect", "serious side effects")
    transfers = words("Emergency transfers", "emergency transfer", "emergency transfers")
    return f"{serious[0].upper()}{serious[1:]}, {transfers}"


_EFFECT_COLUMNS = (
    Column("value", "Per 100 infusions", "decimal"),
    Column("lower", "95 % from", "decimal"),
    Column("upper", "95 % to", "decimal"),
    Column("numerator", "Infusions with it", "count"),
    Column("denominator", "Completed infusions", "count"),
    Column("events", "Events", "count"),
    Column("patient_value", "% of patients", "decimal"),
    Column("patient_lower", "Patients, 95 % from", "decimal"),
    Column("patient_upper", "Patients, 95 % to", "decimal"),
    Column("patient_numerator", "Patients with it", "count"),
    Column("patient_denominator", "Patients treated", "count"),
    Column("reading", "In words"),
)
_CHANGE_COLUMNS = (
    Column("frequency", "How frequent"),
    Column("before", "Compared period", "decimal"),
    Column("change", "Change, points", "decimal"),
    Column("change_lower", "Change, 95 % from", "decimal"),
    Column("change_upper", "Change, 95 % to", "decimal"),
    Column("alike", "Like for like, points", "decimal"),
    Column("alike_lower", "Like for like, 95 % from", "decimal"),
    Column("alike_upper", "Like for like, 95 % to", "decimal"),
    Column("against_before", "Against the compared period"),
)
_EFFECT = Column("effect", "Side effect")
_EFFECT_METRICS = ("effect_incidence", "effect_incidence_patients")


PANELS = (
    Panel(
        "safety_quality", "Were forms filled in, who supervised, is a provider on record?", "safety", _quality,
        SCORE_COLUMNS, None, QUALITY, _quality_answer, html=scorecard.compare,
        whole="asked",
    ),
    Panel(
        "safety_outcomes", "Any side effect, severe, serious, transfers", "safety", _outcomes,
        (*SCORE_COLUMNS, *ALIKE_COLUMNS), None, OUTCOMES, _outcomes_answer, html=scorecard.compare,
        note="Changes by infusion are judged like for like: of one site, service line and age band. By patient and "
        "by event one may come of the mix, and is neither good nor bad.",
        whole="asked", hides=True,
    ),
    Panel(
        "serious_events", "Serious side effects and emergency transfers", "safety", _serious,
        (Column("kind", "What"), SITE, Column("value", "Number", "count"), Column("lower", "95 % from", "decimal"),
         Column("upper", "95 % to", "decimal"), Column("denominator", "Completed infusions", "count")),
        None, ("transfers",), _serious_answer, html=scorecard.by_kind,
        note="Of all bookings, completed or not; exact Poisson interval below 10 events, Byar's from 10.",
        whole="asked", hides=True,
    ),
    Panel(
        "effects", "Each side effect, by infusion and by patient", "safety", _effects,
        (_EFFECT, *_EFFECT_COLUMNS[:-1], *_CHANGE_COLUMNS, _EFFECT_COLUMNS[-1]), _effects_chart, _EFFECT_METRICS,
        _effects_answer,
        note="Changes are judged like for like, of one site, service line and age band; p adjusted for all side "
        "effects (Benjamini and Hochberg).",
        whole="asked", hides=True,
    ),
    Panel(
        "effects_by_site", "Each side effect by site", "safety", _effects_by("site"),
        (_EFFECT, SITE, *_EFFECT_COLUMNS), _effects_by_site_chart, _EFFECT_METRICS,
        whole="asked", hides=True,
        note="Where more infusions are ketamine, more have side effects: choose one service line to compare sites.",
    ),
    Panel(
        "effects_by_line", "Each side effect by service line", "safety", _effects_by("line"),
        (_EFFECT, Column("line", "Service line"), *_EFFECT_COLUMNS), _effects_by_line_chart, _EFFECT_METRICS,
        whole="asked", hides=True,
    ),
    Panel(
        "effects_by_age", "Each side effect by age band", "safety", _effects_by("band"),
        (_EFFECT, Column("band", "Age band"), *_EFFECT_COLUMNS), _effects_by_band_chart, _EFFECT_METRICS,
        whole="asked", hides=True,
        note="Where more infusions are ketamine, more have side effects: choose one service line to compare ages.",
    ),
    Panel(
        "any_effect_by_line", "Any side effect by service line and site", "safety", _by_line,
        (Column("line", "Service line"), SITE, *value_columns("any_effect")), _by_line_chart, ("any_effect",),
        whole="asked", hides=True,
    ),
    Panel(
        "effect_trend", "Any side effect over time", "safety", trend_frame("any_effect"),
        (PERIOD, SITE, *value_columns("any_effect")), trend("any_effect"), ("any_effect",), dated=True,
        whole="year", hides=True,
    ),
    Panel(
        "ascertainment_trend", "Side-effect forms filled in over time", "safety", trend_frame("ascertainment"),
        (PERIOD, SITE, *value_columns("ascertainment")), trend("ascertainment"), ("ascertainment",), dated=True,
        note="Read beside the chart above: where forms were filled in more often, more effects are found.",
        whole="year",
    ),
    Panel(
        "severity", "Side effects by severity", "safety", _severity,
        (_EFFECT, Column("severity", "Severity"), Column("value", "Events", "count")), _severity_chart,
        ("events",), _severity_answer, note="CTCAE grades as recorded; severe is not the same as serious.",
        whole="asked", hides=True,
    ),
)  # fmt: skip
