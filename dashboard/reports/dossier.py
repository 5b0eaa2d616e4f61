"""A signal's dossier: the copy of what was seen when it was opened, and every decision since."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dashboard import filters, no_shows, panels, surveillance, theme
from dashboard.filters import Filters
from dashboard.intake import pointer
from dashboard.reports.document import Block, Document, Facts, Grid, Heading, Text, blocks, facts, grid, seen
from dashboard.state.register import Signal, Step
from dashboard.surveillance import NO_SHOW
from dashboard.warehouse import Reader

#: What is copied beside the figures of the series.
_CHARTS = ("control_chart", "control_forms", "rate_chart", "event_gaps")
_COMPARED = ("site_funnel",)
_NO_SHOW_CHARTS = ("no_show_trend",)


class SeriesError(ValueError):
    """A series that isn't tested in this extract; the message says so."""


def freeze(reader: Reader, chosen: Filters, series: str) -> dict[str, Any]:
    """What is to be seen of a series at this moment, as JSON.

    Args:
        reader: whose eyes.
        chosen: the filters in force; the copy holds them, cut down to the series.
        series: as `surveillance.key` writes it.

    Returns:
        series, what (in words), reading (in words), figures (of `document.seen`, the rows of the
        series alone), panels (each of `document.seen`), filters, extract (name, sha256, built_at,
        last_full_day, demo), definitions_version, false_alarms_a_year.

    Raises:
        AccessDeniedError: the page Signals or the site isn't open to the viewer.
        SeriesError: the series isn't tested in this extract.
    """
    catalogue = reader.catalogue
    site, effect, line, group, _weekday = (*series.split("|"), *[""] * 5)[:5]
    if site not in chosen.scope.sites:
        raise SeriesError("The series isn't tested in this extract. Choose another one.")
    bands = tuple(band for band in chosen.scope.bands if group and catalogue.groups[band] == group)
    own = replace(
        chosen, sites=(site,), lines=(line,) if line else (), bands=bands, effect="" if effect == NO_SHOW else effect
    )
    alarms = own.at(site)
    frame = panels.rows(reader, "signal_alarms", alarms)
    places = [place for place, row in enumerate(frame["series"]) if row == series]
    if not places:
        raise SeriesError("The series isn't tested in this extract. Choose another one.")
    figures = seen(reader, "signal_alarms", alarms)
    figures["rows"] = [figures["rows"][place] for place in places]
    figures["heading"] = str(frame["what"].iloc[places[0]])
    if effect == NO_SHOW:
        copied = [seen(reader, name, _history(own)) for name in _NO_SHOW_CHARTS]
    else:
        copied = [seen(reader, name, own) for name in _CHARTS]
        # A site among the others.
        copied += [seen(reader, name, own.at(*chosen.scope.sites)) for name in _COMPARED]
    return {
        "series": series,
        "what": str(frame["what"].iloc[places[0]]),
        "reading": str(frame["reading"].iloc[places[0]]),
        "figures": figures,
        "panels": copied,
        "filters": {**_plain(own.described(of_day=False)), "address": own.address()},
        "extract": {
            "name": catalogue.name,
            "sha256": _digest(reader),
            "built_at": catalogue.built_at.isoformat(),
            "last_full_day": catalogue.last_full_day.isoformat(),
            "demo": catalogue.demo,
        },
        "site_name": catalogue.site_name(site),
        "definitions_version": catalogue.definitions_version,
        "false_alarms_a_year": surveillance.FALSE_ALARMS_A_YEAR,
    }


def _history(chosen: Filters) -> Filters:
    """Everything up to the end of the period, by month, and under the definition that no-shows are tested by."""
    return replace(chosen.on(chosen.scope.first_day, chosen.end), by="month", no_shows=no_shows.HEADLINE)


def _plain(described: Mapping[str, object]) -> dict[str, Any]:
    return {
        key: value.isoformat() if isinstance(value, dt.date) else list(value) if isinstance(value, tuple) else value
        for key, value in described.items()
    }


def _digest(reader: Reader) -> str:
    """SHA-256 of the extract, of its card, or of its bytes where it has none."""
    path = reader.warehouse.path
    cards = {one.name: one.sha256 for one in pointer.published(path.parent)}
    return cards.get(path.name) or pointer.Pointer(path.name, "", 0, path).digest()


def document(signal: Signal, today: dt.date, fault: str | None = None) -> Document:
    """The dossier, to print.

    Args:
        signal: with its frozen copy; drawn from that alone, whatever the extract in use is.
        today: to tell whether the next step is overdue.
        fault: what of it isn't as it was signed, in a sentence.
    """
    copy = signal.frozen
    found: list[Block] = [Text(f"NOT AS IT WAS SIGNED. {fault}")] if fault else []
    found += [stand(signal, today), Heading("Decisions")]
    for step in signal.steps:
        found += [Heading(_signed(step), 3), Text(step.rationale)]
    found += [Heading("What was seen when it was opened"), Text(copy["reading"]), origin(signal)]
    found.append(Grid(copy["figures"]["title"], ("Figure", "Value"), (False, False), _pairs(copy["figures"])))
    for content in copy["panels"]:
        found += blocks(content)
    return Document(
        f"Signal {signal.number}: {signal.what}",
        f"{copy['site_name']}. {signal.latest.title}. Printed {filters.day_text(today)} (UTC).",
        tuple(found),
        demo=bool(copy["extract"]["demo"]),
    )


def stand(signal: Signal, today: dt.date) -> Facts:
    """Where the signal stands."""
    due = signal.latest.due_on
    overdue = ", overdue" if signal.is_overdue(today) else ""
    return facts(
        [
            ("Stage", signal.latest.title),
            ("Site", signal.frozen["site_name"]),
            ("Opened", _by(signal.steps[0])),
            ("Next step due", filters.day_text(due) + overdue if due else ""),
        ]
    )


def origin(signal: Signal) -> Facts:
    """Of what the frozen copy is, and whether it is as it was."""
    copy = signal.frozen
    extract = copy["extract"]
    return facts(
        [
            ("Filters", "; ".join(_chosen(copy))),
            ("Extract", extract["name"]),
            ("SHA-256 of the extract", extract["sha256"]),
            ("Data to", filters.day_text(dt.date.fromisoformat(extract["last_full_day"]))),
            ("Definitions", f"version {copy['definitions_version']}"),
            ("Setting", f"at most {copy['false_alarms_a_year']:g} false alarm a year among all series"),
            ("SHA-256 of this copy", signal.frozen_sha256),
            ("State of this copy", "as it was written" if signal.is_intact() else "CHANGED since it was written"),
        ]
    )


def _chosen(copy: Mapping[str, Any]) -> list[str]:
    """The filters in force that a series knows, as staff read them; from the copy alone, whatever is in use today."""
    chosen = copy["filters"]
    start, end = (filters.day_text(dt.date.fromisoformat(chosen[key])) for key in ("from", "to"))
    found = [f"{start} to {end}", copy["site_name"]]
    found += [", ".join(map(theme.line_title, chosen["lines"]))] if chosen.get("lines") else []
    found += [f"ages {', '.join(chosen['bands'])}"] if chosen.get("bands") else []
    if effect := chosen.get("effect"):
        found.append("serious side effects" if effect == surveillance.SERIOUS else effect.replace("_", " "))
    return found


def _pairs(figures: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The series' rows as pairs of heading and value, below each other."""
    table = grid(figures)
    return tuple(pair for row in table.rows for pair in zip(table.headings, row, strict=True))


def _signed(step: Step) -> str:
    return _by(step) + (f"; next step due {filters.day_text(step.due_on)}" if step.due_on else "")


def _by(step: Step) -> str:
    when = f"{filters.day_text(step.at.date())}, {step.at:%H:%M} UTC"
    return f"{step.title}: {step.person_name} ({step.person}), {when}"
