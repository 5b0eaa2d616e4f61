"""The monthly safety review: what the pages Safety and Signals show of a month, to print and keep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from dashboard import access, exports, filters, navigation, panels
from dashboard.filters import Filters
from dashboard.panels import PANELS
from dashboard.panels.events import GRAVE
from dashboard.panels.signals import effect_title
from dashboard.reports.document import Block, Document, Facts, Grid, Heading, Text, blocks, facts, seen
from dashboard.state.register import Signal
from dashboard.surveillance import NO_SHOW
from dashboard.warehouse import Reader

_RATE = (
    "site", "line", "band", "effect", "value", "lower", "upper", "numerator", "denominator", "events",
    "patient_value", "patient_numerator", "patient_denominator", "frequency", "against_before", "reading",
)  # fmt: skip
_FARED = (
    "site", "group", "indication", "instrument", "moment", "title", "value", "unit", "lower", "upper", "scored",
    "due", "scored_share",
)  # fmt: skip
_LISTED = (
    "starts_on", "site", "patient", "age", "service", "infusion", "dose_mg", "effect", "severity", "serious",
    "onset_minutes", "duration_minutes", "outcome", "action",
)  # fmt: skip
_CHARTED = (
    "period", "site", "value", "numerator", "denominator", "centre", "lower", "upper", "verdict", "rule", "limits",
    "forms", "marks",
)  # fmt: skip
#: The panels of a month in the order in which reviewers ask, each with the columns that its table keeps.
_OF_THE_MONTH: tuple[tuple[str, Sequence[str]], ...] = (
    ("safety_quality", ()),
    ("safety_outcomes", ()),
    ("serious_events", ()),
    ("effects", _RATE),
    ("severity", ()),
    ("effects_by_site", _RATE),
    ("effects_by_line", _RATE),
    ("effects_by_age", _RATE),
    ("effectiveness", ()),
    ("effectiveness_by_site", _FARED),
    ("effectiveness_by_age", _FARED),
    ("effectiveness_by_indication", _FARED),
)
#: Panels of the twelve months up to the end of the month.
_OF_THE_YEAR: tuple[tuple[str, Sequence[str]], ...] = (("effect_trend", ()), ("ascertainment_trend", ()))
#: Panels that look back by themselves.
_BACK: tuple[tuple[str, Sequence[str]], ...] = (
    ("signal_alarms", ("what", "verdict", "found_on", "since", "observed", "trials", "expected", "ratio", "reading")),
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
    found: list[Block] = [_about(reader, chosen)]
    alarms = {name: seen(reader, name, chosen) for name, _ in _BACK}
    for name, columns in _OF_THE_MONTH:
        found += blocks(seen(reader, name, chosen), columns)
    year = _year_to(chosen)
    for name, columns in _OF_THE_YEAR:
        found += blocks(seen(reader, name, year), columns)
    for name, columns in _BACK:
        kept = alarms[name] | {"rows": [row for row, is_alarm in _alarms(alarms[name]) if is_alarm]}
        found += blocks(kept, columns, chart=False)
    found += _control_charts(reader, chosen)
    found += _listing(reader, chosen)
    found += _register(reader, chosen, signals, today)
    where = (
        "all sites"
        if chosen.sites == chosen.scope.sites
        else ", ".join(map(reader.catalogue.site_name, chosen.sites))
    )
    return Document(
        f"Safety review, {chosen.start:%B %Y}, {where}",
        f"{chosen.period_text()}. Extract {reader.catalogue.name}.",
        tuple(found),
        demo=reader.catalogue.demo,
    )


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
        yield from blocks(_latest(content, _year_to(chosen).start), _CHARTED)
    yield from blocks(_latest(seen(reader, "control_forms", chosen), _year_to(chosen).start))
    yield from blocks(_latest(seen(reader, "event_gaps", chosen), chosen.start))


def _latest(content: Mapping[str, Any], first: dt.date) -> dict[str, Any]:
    """A chart of all of the extract with the table from a day on."""
    period = [name for name, _, _ in content["columns"]].index("period")
    rows = [row for row in content["rows"] if pd.Timestamp(row[period]).date() >= first]
    said = f"The chart is of all of the extract, the table from {filters.day_text(first)}. {content['note']}".strip()
    return {**content, "rows": rows, "note": said}


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
    return blocks(content, _LISTED)


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
        ]
    )


def _year_to(chosen: Filters) -> Filters:
    start = max(filters.months_back(chosen.start.replace(day=1), 11), chosen.scope.first_day)
    return filters.parse(
        {**chosen.query(), "period": ["custom"], "from": [start.isoformat()], "to": [chosen.end.isoformat()],
         "by": ["month"]},
        chosen.scope,
    )  # fmt: skip


def _register(reader: Reader, chosen: Filters, signals: Sequence[Signal], today: dt.date) -> list[Block]:
    shown = [signal for signal in signals if signal.site in chosen.sites]
    if not shown:
        return [Heading("Signal register: no signals"), Text("None was opened at these sites.", quiet=True)]
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
    return [
        Heading(f"Signal register: {open_ones} of {len(shown)} open"),
        Grid("Signals", headings, (True, *[False] * 6), rows),
    ]
