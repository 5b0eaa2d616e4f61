"""The monthly safety review: what the pages Safety and Signals show of a month, to print and keep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from dashboard import access, exports, filters, navigation, panels, scorecard, theme
from dashboard.filters import Filters
from dashboard.metrics import METRICS, Metric
from dashboard.panels import PANELS
from dashboard.panels.events import GRAVE
from dashboard.panels.signals import effect_title
from dashboard.reports.crossed import bare_incidence, change, crossed, events, incidence, incidence_by_patient, share
from dashboard.reports.document import (
    NARROW_WIDTH,
    Block,
    Document,
    Facts,
    Grid,
    Heading,
    Picture,
    Pictures,
    Text,
    drawn,
    facts,
    grid,
    seen,
)
from dashboard.state.register import Signal
from dashboard.surveillance import NO_SHOW
from dashboard.warehouse import Reader
from dashboard.wording import number, plural

#: Verdicts of points of a control chart that nobody need look at.
_USUAL = (theme.VERDICTS["common"].word, theme.VERDICTS["unknown"].word)
_LISTED = (
    "starts_on", "site", "patient", "age", "service", "infusion", "dose_mg", "effect", "severity", "serious",
    "onset_minutes", "duration_minutes", "outcome", "action",
)  # fmt: skip
_ALARMS = ("what", "found_on", "since", "observed", "trials", "expected", "ratio", "reading")
_CHARTED = (
    "period",
    "site",
    "value",
    "numerator",
    "denominator",
    "centre",
    "lower",
    "upper",
    "verdict",
    "rule",
    "marks",
)
#: Panels of the twelve months up to the end of the month: their charts.
_OF_THE_YEAR = ("effect_trend", "ascertainment_trend")


@dataclass(frozen=True)
class _Part:
    """A panel of the month: what the first page calls its answer, and its table for paper.

    Attributes:
        asked: what it answers; empty where its answer stays off the first page.
        table: from the panel's rows, its title and what they are compared with.
        chart: whether its chart is drawn beside the table.
    """

    panel: str
    asked: str
    table: Callable[[pd.DataFrame, str, str], Grid]
    chart: bool = True


def _scored(frame: pd.DataFrame, title: str, before: str) -> Grid:
    """Metrics by site, and the change of the last column: of all sites, or of the one there is."""
    frame = frame.assign(label=[_labelled(METRICS[name]) for name in frame["metric"]])
    cells = [frame.assign(cell=[share(row) for row in frame.to_dict("records")])]
    if before:
        last = frame["site"].iloc[-1]
        own = frame[frame["site"] == last].assign(site=f"{last}, change from {before}")
        cells.append(own.assign(cell=[change(row) for row in own.to_dict("records")]))
    return crossed(pd.concat(cells), title, ("label", "Figure"), ("site", "Site"), lambda row: row["cell"])


def _labelled(metric: Metric) -> str:
    """A metric's title with its unit, where neither the title nor the value has it."""
    unit = scorecard.unit_beside(metric)
    return f"{metric.title}, {unit}" if unit else metric.title


def _grave(frame: pd.DataFrame, title: str, _before: str) -> Grid:
    return crossed(frame, title, ("kind", "What"), ("site", "Site"), events)


def _each_effect(frame: pd.DataFrame, title: str, before: str) -> Grid:
    rows = tuple(
        (row["effect"], incidence(row), incidence_by_patient(row), _counted(row["events"]), row["frequency"] or "—",
         change(row))
        for row in frame.to_dict("records")
    )  # fmt: skip
    headings = (
        "Side effect", "Per 100 infusions", "% of patients", "Events", "How frequent",
        f"Change, points from {before}" if before else "Change",
    )  # fmt: skip
    return Grid(title, headings, (False, True, True, True, False, True), rows)


def _counted(count: float) -> str:
    return "hidden" if pd.isna(count) else number(count)


def _by_severity(frame: pd.DataFrame, title: str, _before: str) -> Grid:
    return crossed(
        frame, title, ("effect", "Side effect"), ("severity", "Severity"),
        lambda row: _counted(row["value"]),
    )  # fmt: skip


def _effects_by(dimension: str, heading: str, cell: Callable[[scorecard.Row], str]) -> Callable[..., Grid]:
    def table(frame: pd.DataFrame, title: str, _before: str) -> Grid:
        return crossed(frame, f"{title}, per 100 infusions", ("effect", "Side effect"), (dimension, heading), cell)

    return table


def _fared(across: str, heading: str) -> Callable[..., Grid]:
    def table(frame: pd.DataFrame, title: str, _before: str) -> Grid:
        labels = frame["instrument"] + " " + frame["title"].str.lower()
        # One questionnaire after the other, PHQ-9 first.
        rows = frame.assign(label=labels).sort_values("instrument", ascending=False, kind="stable")
        return crossed(rows, title, ("label", "Figure"), (across, heading), share)

    return table


#: The panels of a month in the order in which reviewers ask.
_OF_THE_MONTH = (
    _Part("safety_quality", "Forms and supervision", _scored),
    _Part("safety_outcomes", "Side effects", _scored),
    _Part("serious_events", "Serious, transfers", _grave),
    _Part("effects", "Which ones", _each_effect),
    _Part("severity", "How severe", _by_severity),
    _Part("effects_by_site", "", _effects_by("site", "Site", incidence), chart=False),
    _Part("effects_by_line", "", _effects_by("line", "Service line", incidence), chart=False),
    _Part("effects_by_age", "", _effects_by("band", "Age band", bare_incidence), chart=False),
    _Part("effectiveness", "How patients fared", _fared("moment", "When")),
    _Part("effectiveness_by_site", "", _fared("site", "Site"), chart=False),
    _Part("effectiveness_by_age", "", _fared("group", "Age group"), chart=False),
    _Part("effectiveness_by_indication", "", _fared("indication", "Indication"), chart=False),
)


class MonthError(ValueError):
    """A month or site that can't be reported on; the message says what can."""


def month_of(reader: Reader, month: str, sites: Sequence[str] = ()) -> Filters:
    """The filters of a month, as a page has them whose address names its first and last day.

    Args:
        reader: of whom and what.
        month: YYYY-MM.
        sites: keys of sites; all that the reader may see unless given.

    Raises:
        MonthError: the month isn't in the extract, or a site isn't one of the reader's.
    """
    scope = exports.scope_of(reader)
    held = f"The extract holds {scope.first_day:%Y-%m} to {scope.last_full_day:%Y-%m}."
    try:
        first = dt.datetime.strptime(month, "%Y-%m").date()  # noqa: DTZ007 - a month of the clinics' own calendar
    except ValueError:
        raise MonthError(f"{month!r} is no month. Write it like {scope.last_full_day:%Y-%m}. {held}") from None
    last = filters.months_back(first, -1) - dt.timedelta(days=1)
    if last < scope.first_day or first > scope.last_full_day:
        raise MonthError(f"{month} isn't in the extract. {held}")
    if unknown := [site for site in sites if site not in scope.sites]:
        raise MonthError(f"There is no site {', '.join(unknown)} here. Sites: {', '.join(scope.sites)}.")
    chosen = {
        "period": ["custom"],
        "from": [max(first, scope.first_day).isoformat()],
        "to": [min(last, scope.last_full_day).isoformat()],
        "site": [filters.slug(site) for site in sites],
    }
    return filters.parse(chosen, scope)


def review(reader: Reader, chosen: Filters, signals: Sequence[Signal], today: dt.date) -> Document:
    """The review of a month.

    Args:
        reader: whose eyes; a panel that isn't open to them raises AccessDeniedError.
        chosen: of `month_of`.
        signals: those of the register that are shown, latest first.
        today: to tell which steps are overdue.
    """
    earlier = chosen.compared()
    before = earlier.period_text() if earlier else ""
    told: list[tuple[str, str]] = []
    found: list[Block] = []
    for part in _OF_THE_MONTH:
        content = seen(reader, part.panel, chosen)
        told.append((part.asked, content["heading"]))
        frame = panels.rows(reader, part.panel, chosen)
        found += _section(
            content, [part.table(frame, content["title"], before)] if len(frame) else [], chart=part.chart
        )
    found += _year(reader, chosen)
    alarms = seen(reader, "signal_alarms", chosen)
    # Alarms are of all days that the extract has: what was found since the month belongs in its review.
    until = filters.day_text(reader.catalogue.last_full_day)
    alarms["heading"] += f" (as of {until})"
    told.append(("Signals", alarms["heading"]))
    alarms["rows"] = [row for row, is_alarm in _alarms(alarms) if is_alarm]
    found += _section(alarms, [grid(alarms, _ALARMS)] if alarms["rows"] else [])
    found += _control_charts(reader, chosen)
    found += _listing(reader, chosen)
    register = _register(reader, chosen, signals, today)
    told.append(("Register", register[0].text))
    found += [*register, *_definitions()]
    where = (
        "all sites"
        if chosen.sites == chosen.scope.sites
        else ", ".join(map(reader.catalogue.site_name, chosen.sites))
    )
    return Document(
        f"Safety review, {chosen.start:%B %Y}, {where}",
        f"{chosen.period_text()}. Extract {reader.catalogue.name}.",
        (_about(reader, chosen), Heading("In short"), facts(pair for pair in told if pair[0]), *found),
        demo=reader.catalogue.demo,
    )


def _section(content: Mapping[str, Any], tables: Sequence[Grid], *, chart: bool = True) -> list[Block]:
    """A panel's answer, its charts, tables for paper, and how to read them."""
    found: list[Block] = [Heading(content["heading"]), *(drawn(content) if chart else [])]
    found += tables
    if content["note"]:
        found.append(Text(content["note"], quiet=True))
    return found


def _year(reader: Reader, chosen: Filters) -> list[Block]:
    """The trends up to the end of the month, beside each other."""
    year = _year_to(chosen)
    contents = [seen(reader, name, year) for name in _OF_THE_YEAR]
    shown = [picture for content in contents for block in drawn(content) for picture in getattr(block, "each", ())]
    if not shown:
        return []
    return [Heading(f"The months from {filters.day_text(year.start)}"), Pictures(tuple(map(_narrow, shown)))]


def _narrow(picture: Picture) -> Picture:
    return Picture({**picture.body, "width": NARROW_WIDTH}, picture.alt, picture.caption)


def _definitions() -> list[Block]:
    """What the figures mean, each once."""
    metrics = dict.fromkeys(name for part in _OF_THE_MONTH for name in PANELS[part.panel].metrics)
    return [Heading("Definitions"), facts((METRICS[name].title, METRICS[name].definition) for name in metrics)]


def _control_charts(reader: Reader, chosen: Filters) -> Iterator[Block]:
    """Control charts of any side effect and of each with an alarm; infusions between severe ones."""
    if not access.allows(reader.viewer, PANELS["control_chart"].resource):
        return
    alarms = panels.rows(reader, "signal_alarms", chosen)
    rose = [series.split("|")[1] for series in alarms.loc[alarms["alarm"], "series"]]
    for effect in dict.fromkeys(["", *(effect for effect in rose if effect != NO_SHOW)]):
        content = seen(reader, "control_chart", replace(chosen, effect=effect))
        # A document has a table for each title.
        content["title"] += f": {effect_title(reader, effect)}"
        yield from _section(*_out(content, _year_to(chosen).start))
    yield from _section(seen(reader, "control_forms", chosen), [])
    yield from _section(*_out(seen(reader, "event_gaps", chosen), chosen.start))


def _out(content: Mapping[str, Any], first: dt.date) -> tuple[dict[str, Any], list[Grid]]:
    """A control chart with its points from a day on that are out of the usual, or that people wrote a note at."""
    names = [name for name, _, _ in content["columns"]]
    rows = [dict(zip(names, row, strict=True)) for row in content["rows"]]
    lately = [row for row in rows if pd.Timestamp(row["period"]).date() >= first]
    out = [row for row in lately if row["verdict"] not in _USUAL or row.get("marks")]
    since = filters.day_text(first)
    counted = f"{len(out)} of {plural(len(lately), 'point', 'points')} since {since}"
    said = f"{counted} {'is' if len(out) == 1 else 'are'} out of the usual or noted. {content['note']}"
    kept = {**content, "rows": [list(row.values()) for row in out], "note": said.strip()}
    return kept, [grid(kept, _CHARTED)] if out else []


def _listing(reader: Reader, chosen: Filters) -> list[Block]:
    """The events that reviewers read one by one, for who may see them."""
    if not access.allows(reader.viewer, PANELS["event_list"].resource):
        return []
    content = seen(reader, "event_list", replace(chosen, effect=GRAVE))
    content["heading"] = f"To be read one by one: {content['heading']}"
    content["note"] = (
        "Serious, severe or worse, of unknown severity, or with an emergency transfer; the latest 2,000, of all "
        "bookings. Patient: the keyed number. The page Events has the others."
    )
    return _section(content, [grid(content, _LISTED)] if content["rows"] else [])


def _alarms(content: dict[str, object]) -> list[tuple[list[object], bool]]:
    columns: list[list[str]] = content["columns"]  # type: ignore[assignment]
    rows: list[list[object]] = content["rows"]  # type: ignore[assignment]
    found_on = [name for name, _, _ in columns].index("found_on")
    return [(row, row[found_on] is not None) for row in rows]


def _about(reader: Reader, chosen: Filters) -> Facts:
    catalogue = reader.catalogue
    month_end = filters.months_back(chosen.start.replace(day=1), -1) - dt.timedelta(days=1)
    before = chosen.compared()
    page = next(entry for entry in navigation.ENTRIES if entry.name == "safety")
    return facts(
        [
            ("Sites", ", ".join(catalogue.site_name(site) for site in chosen.sites)),
            ("Period", chosen.period_text() + ("" if chosen.end == month_end else ", a part of the month")),
            ("Compared with", before.period_text() if before else ""),
            ("Data to", filters.day_text(catalogue.last_full_day)),
            ("Extract", f"{catalogue.name}, built {filters.day_text(catalogue.built_at.date())}"),
            ("Definitions", f"version {catalogue.definitions_version}"),
            ("The same on the page", f"{page.title}: /{page.name}?{chosen.address()}"),
            (
                "Whole tables",
                "every row and column behind this review is in the files of the pages Safety and Signals, "
                "below their last table",
            ),
        ]
    )


def _year_to(chosen: Filters) -> Filters:
    start = max(filters.months_back(chosen.start.replace(day=1), 11), chosen.scope.first_day)
    return filters.parse(
        {**chosen.query(), "period": ["custom"], "from": [start.isoformat()], "to": [chosen.end.isoformat()],
         "by": ["month"]},
        chosen.scope,
    )  # fmt: skip


def _register(
    reader: Reader, chosen: Filters, signals: Sequence[Signal], today: dt.date
) -> tuple[Heading, Text | Grid]:
    shown = [signal for signal in signals if signal.site in chosen.sites]
    if not shown:
        return Heading("Signal register: no signals"), Text("None was opened at these sites.", quiet=True)
    open_ones = sum(signal.is_open for signal in shown)
    rows = tuple(
        (
            str(signal.number), reader.catalogue.site_name(signal.site), signal.what, signal.latest.title,
            filters.day_text(signal.latest.at.date()), signal.latest.person_name,
            "—" if signal.latest.due_on is None else filters.day_text(signal.latest.due_on)
            + (", overdue" if signal.is_overdue(today) else ""),
        )
        for signal in shown
    )  # fmt: skip
    headings = ("Signal", "Site", "Series", "Stage", "Since (UTC)", "Decided by", "Next step due")
    return (
        Heading(f"Signal register: {open_ones} of {len(shown)} open"),
        Grid("Signals", headings, (True, *[False] * 6), rows),
    )
