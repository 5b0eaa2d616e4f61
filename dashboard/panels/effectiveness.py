"""Panels of how patients fared after ketamine: PHQ-9 and GAD-7 by moment, site, age group and indication."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import altair as alt
import pandas as pd

from dashboard import charts, dot_charts, scorecard, theme
from dashboard.filters import Filters
from dashboard.measuring import measure_all
from dashboard.metrics import METRICS, SETTLED_DAYS
from dashboard.panels.column import SITE, Column
from dashboard.panels.panel import Panel
from dashboard.panels.scores import against, named
from dashboard.panels.words import listed, titled
from dashboard.warehouse import Reader
from dashboard.wording import number, plural

INSTRUMENTS = ("PHQ-9", "GAD-7")
#: When a score is due after the first ketamine infusion of a patient.
MOMENTS = {
    "hours_24": "Within 24 hours",
    "day_7": "Day 7",
    "day_14": "Day 14",
    "after_induction": "14–31 days after induction",
}
NOT_RECORDED = "Not recorded"
#: Of fewer patients a heading says nothing; chart and table have them with their intervals.
FEWEST_TOLD = 10
_EVERY = ("scored", "score_change", "response", "worsening")
#: What a moment alone has.
_ALONE = {"remission": "after_induction", "durability": "day_14", "responders_scored": "day_14"}
_SHARES = ("scored", "response", "remission", "worsening", "durability")


def _counted(reader: Reader, filters: Filters, *by: str) -> pd.DataFrame:
    """The sums of the query by the dimensions named (site, group, indication), a row also where nobody was due."""
    # The finest grain for every panel: they share one answer.
    until = reader.catalogue.last_full_day
    frame = reader.query("effectiveness", by=("site", "band", "indication"), until=until, **filters.values())
    frame["group"] = frame["band"].map(reader.catalogue.groups)
    frame["indication"] = frame["indication"].map(_indication)
    counts = [name for name in frame.columns if name not in {*_KEYS, "band"}]
    keys: dict[str, list[str]] = {
        "instrument": list(INSTRUMENTS),
        "moment": list(MOMENTS),
        "site": list(filters.sites),
        "group": list(dict.fromkeys(reader.catalogue.groups.values())),
        "indication": sorted(frame["indication"].unique(), key=lambda name: (name == NOT_RECORDED, name)),
    }
    every = pd.MultiIndex.from_product([keys[name] for name in (*_KEYS[:2], *by)], names=[*_KEYS[:2], *by])
    return frame.groupby([*_KEYS[:2], *by])[counts].sum().reindex(every, fill_value=0).reset_index()


def _indication(code: str) -> str:
    """An indication as staff read it.

    >>> _indication("chronic_pain"), _indication("ptsd"), _indication("")
    ('Chronic pain', 'PTSD', 'Not recorded')
    """
    return code.upper() if code in _ABBREVIATED else theme.line_title(code or NOT_RECORDED)


#: Before this day of the extract scores may be due of patients who had begun before it and seem to have begun in it:
#: the last time for a score ends 59 days after the first infusion.
KNOWN_FROM = SETTLED_DAYS + 60
_ABBREVIATED = frozenset({"ptsd", "ocd", "mdd", "gad", "crps"})
_KEYS = ("instrument", "moment", "site", "group", "indication")


def _measured(frame: pd.DataFrame, *by: str) -> pd.DataFrame:
    """Every metric of every row, as far as it exists for the instrument and the moment, with who was scored."""
    rows = measure_all(
        frame, [*_EVERY, *_ALONE], [*_KEYS[:2], *by, "scored", "due", "early_scored", "early_responders"]
    )
    kept = rows["metric"].map(_ALONE).fillna(rows["moment"]) == rows["moment"]
    kept &= (rows["metric"] != "remission") | (rows["instrument"] == "PHQ-9")
    rows = rows[kept]
    lasting = rows["metric"].isin(["durability", "responders_scored"])
    rows = rows.assign(
        scored=rows["scored"].mask(lasting, rows["early_scored"]),
        due=rows["due"].mask(lasting, rows["early_responders"]),
    )
    rows["scored_share"] = 100 * rows["scored"] / rows["due"].where(rows["due"] > 0)
    return named(rows.drop(columns=["early_scored", "early_responders"]).reset_index(drop=True))


def _by_moment(reader: Reader, filters: Filters) -> pd.DataFrame:
    earlier = filters.compared()
    if earlier and earlier.start < filters.scope.first_day + dt.timedelta(KNOWN_FROM):
        earlier = None
    found = against(_measured(_counted(reader, filters)), _measured(_counted(reader, earlier)) if earlier else None)
    return found.assign(moment=found["moment"].map(MOMENTS))


def _by(dimension: str) -> Callable[[Reader, Filters], pd.DataFrame]:
    def rows(reader: Reader, filters: Filters) -> pd.DataFrame:
        """After induction, and what lasted until day 14; of whom anybody was due."""
        found = _measured(_counted(reader, filters, dimension), dimension)
        last = found["metric"].map(_ALONE).fillna("after_induction") == found["moment"]
        found = found[last & (found["due"] > 0) & (found["metric"] != "responders_scored")]
        order = {name: place for place, name in enumerate((*_EVERY, *_ALONE))}
        found = found.sort_values("metric", key=lambda column: column.map(order), kind="stable")
        places = {name: place for place, name in enumerate(INSTRUMENTS)}
        found = found.sort_values("instrument", key=lambda column: column.map(places), kind="stable")
        return titled(found.assign(moment=found["moment"].map(MOMENTS)).reset_index(drop=True), reader)

    return rows


def _answer(frame: pd.DataFrame) -> str:
    rows = frame[(frame["instrument"] == "PHQ-9") & (frame["moment"] == MOMENTS["after_induction"])]
    found = rows.set_index("metric")
    if not found.loc["scored", "denominator"]:
        return "No patient's time for a score after ketamine ended in this period"
    shown = {name: f"{number(value, 1)} %" for name, value in found["value"].to_dict().items()}
    scored = found.loc["scored"]
    due = plural(found["denominator"].to_dict()["scored"], "patient", "patients")
    share = f"scored: {scored['numerator']:,.0f} of {due} due ({shown['scored']})"
    if not scored["numerator"]:
        return f"PHQ-9 after induction: {share}"
    if scored["numerator"] < FEWEST_TOLD:
        return f"PHQ-9 after induction: too few are scored to say how they fared; {share}"
    return f"PHQ-9 after induction: {shown['response']} responded, {shown['worsening']} got worse; {share}"


def _split_answer(dimension: str) -> Callable[[pd.DataFrame], str]:
    def answer(frame: pd.DataFrame) -> str:
        rows = frame[(frame["instrument"] == "PHQ-9") & (frame["metric"] == "response")]
        few = rows.loc[rows["denominator"] < FEWEST_TOLD, dimension].tolist()
        told = [
            f"{row[dimension]} {number(row['value'], 1)} % of {row['denominator']:,.0f} scored"
            f" ({number(row['scored_share'])} % of those due)"
            for row in rows[rows["denominator"] >= FEWEST_TOLD].to_dict("records")
        ]
        left = f"; fewer than {FEWEST_TOLD} scored: {listed(few, ', ')}" if few else ""
        if not told:
            return f"PHQ-9 after induction: too few are scored to say who responds{left}"
        return f"PHQ-9 response after induction: {listed(told)}{left}"

    return answer


def _chart(dimension: str, title: str) -> Callable[[charts.Look], charts.Chart]:
    def build(look: charts.Look) -> charts.Chart:
        return dot_charts.shares(
            look,
            f"By {title.lower()}, % of those scored",
            dimension,
            [METRICS[name].title for name in _SHARES],
            [
                alt.Tooltip(f"{dimension}:N", title=title),
                alt.Tooltip("title:N", title="What"),
                alt.Tooltip("value:Q", title="%", format=",.1f"),
                alt.Tooltip("scored_share:Q", title="Scored, % of those due", format=",.1f"),
                *charts.rate_tips(("number", "of")),
            ],
        )

    return build


_VALUES = (
    Column("title", "What"),
    Column("value", "Value", "decimal", own="value"),
    Column("unit", "Unit"),
    Column("lower", "95 % from", "decimal", own="value"),
    Column("upper", "95 % to", "decimal", own="value"),
    Column("numerator", "Numerator", "count"),
    Column("denominator", "Denominator", "count"),
    Column("scored", "Scored", "count"),
    Column("due", "Due", "count"),
    Column("scored_share", "Scored (% of those due)", "decimal"),
)
_CHANGE = (
    Column("before", "Compared period", "decimal", own="value"),
    Column("change", "Change", "decimal", own="change"),
    Column("change_lower", "Change, 95 % from", "decimal", own="change"),
    Column("change_upper", "Change, 95 % to", "decimal", own="change"),
    Column("change_told", "Change, in words"),
)
_INSTRUMENT, _MOMENT = Column("instrument", "Questionnaire"), Column("moment", "When")
_SPLITS = {
    "site": ("effectiveness_by_site", "How patients fared, by site", SITE),
    "group": ("effectiveness_by_age", "How patients fared, by age", Column("group", "Age group")),
    "indication": (
        "effectiveness_by_indication",
        "How patients fared, by indication",
        Column("indication", "Indication"),
    ),
}
_WHO = (
    "Everyone whose time for that score ended in the period is due, whether or not a questionnaire was filled in; "
    "who was not scored may have fared otherwise. A patient counts once, where, at the age and for what the first "
    "ketamine infusion was."
)

PANELS = (
    Panel(
        "effectiveness", "PHQ-9 and GAD-7 after ketamine", "safety", _by_moment,
        (_INSTRUMENT, _MOMENT, *_VALUES, *_CHANGE), None, (*_EVERY, *_ALONE), _answer, html=scorecard.moments,
        whole="asked",
        note=f"{_WHO} Day 7: the score nearest to it of days 5 to 9; day 14: of days 12 to 16. Induction: the "
        "infusions up to day 28 after the first. Remission: also of who was below 5 before. Who comes at the worst "
        "is better later in any case (regression to the mean): nobody stands beside who was not treated. No change "
        f"is told against the extract's first {KNOWN_FROM} days, in which who had begun before it seems to begin.",
    ),
    *(
        Panel(
            name, title, "safety", _by(dimension), (column, _INSTRUMENT, _MOMENT, *_VALUES),
            _chart(dimension, column.title), _SHARES, _split_answer(dimension), each="instrument",
            whole="asked",
            note="14–31 days after induction; durability: on day 14. The table has the mean change too.",
        )
        for dimension, (name, title, column) in _SPLITS.items()
    ),
)  # fmt: skip
