"""The morning huddle: what the pages Today and Worklists show of a site's day, on one sheet to print."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from dashboard import access, exports, filters, no_shows, panels, scorecard, theme
from dashboard.filters import Filters
from dashboard.metrics import METRICS
from dashboard.panels import PANELS, today
from dashboard.reports.document import Block, Document, Grid, Heading, Picture, Pictures, Text, seen
from dashboard.warehouse import Reader
from dashboard.wording import text

#: Charts beside each other, in points.
_WIDTH, _HEIGHT = 340, 56
#: As many sentences of what stands out, and gaps, as a sheet has room for.
_MOST = 3


class HuddleError(ValueError):
    """A day or site that there is no huddle of; the message says what there is."""


def day_of(reader: Reader, sites: Sequence[str], day: str = "", named: str = "") -> Filters:
    """The filters of a site's day, as the page Today has them.

    Args:
        reader: of whom and what.
        sites: the key of one site; may be empty for who sees one alone.
        day: YYYY-MM-DD; the last full day unless given.
        named: the definition of the no-show rate (`no_shows.DEFINITIONS`); the headline unless given.

    Raises:
        HuddleError: not one site of the reader's, a day that isn't in the extract, or no definition of that name.
    """
    scope = exports.scope_of(reader)
    chosen = tuple(sites) or scope.sites
    if len(chosen) != 1 or chosen[0] not in scope.sites:
        raise HuddleError(f"A huddle is of one site. Sites: {', '.join(scope.sites)}.")
    held = f"The extract holds {scope.first_day} to {scope.last_day}."
    try:
        asked = dt.date.fromisoformat(day) if day else scope.last_full_day
    except ValueError:
        raise HuddleError(f"{day!r} is no day. Write it like {scope.last_full_day}. {held}") from None
    if not scope.first_day <= asked <= scope.last_day:
        raise HuddleError(f"{day} isn't in the extract. {held}")
    if named and named not in no_shows.DEFINITIONS:
        known = ", ".join(no_shows.DEFINITIONS)
        raise HuddleError(f"There is no definition {named!r} of the no-show rate. Definitions: {known}.")
    found = {"day": [asked.isoformat()], "site": [filters.slug(chosen[0])], "no-shows": [named]}
    return filters.parse(found, scope)


def huddle(reader: Reader, chosen: Filters) -> Document:
    """The sheet of one site's day.

    Args:
        reader: whose eyes; what isn't open to them raises AccessDeniedError.
        chosen: of `day_of`.
    """
    access.require(reader.viewer, "today")
    site = reader.catalogue.site_name(chosen.sites[0])
    scores = panels.rows(reader, "today", chosen).sort_values("pressing")
    hours, ahead = (seen(reader, name, chosen) for name in ("day_by_hour", "days_ahead"))
    drawn = [_picture(one) for one in (hours, ahead) if one["charts"]]
    found: list[Block] = [
        *_attention(scores),
        _figures(scores.sort_index()),
        Heading(hours["heading"]),
        Pictures(tuple(drawn)),
        Text(" ".join([f"{ahead['heading']}. Dashed line: all chairs.", *_told(ahead["annotations"])])),
        *_gaps(reader, chosen),
        *_worklists(reader, chosen),
    ]
    catalogue = reader.catalogue
    return Document(
        f"Morning huddle, {site}, {chosen.day:%A} {filters.day_text(chosen.day)}",
        f"Data to {filters.day_text(catalogue.last_full_day)}. Extract {catalogue.name}. "
        f"No-show rate {no_shows.DEFINITIONS[chosen.no_shows].told}.",
        tuple(found),
        demo=catalogue.demo,
        sheet=True,
    )


def _told(annotations: Sequence[str]) -> list[str]:
    return [f"Annotations: {'; '.join(annotations[:_MOST])}."] if annotations else []


def _attention(scores: pd.DataFrame) -> Iterator[Block]:
    out = scores[scores["kind"].isin(today.STANDING_OUT)]
    if not len(out):
        yield Heading("Nothing stands out")
        return
    yield Heading(f"Needs attention: {len(out)} of {len(scores)} figures")
    for row in out.head(_MOST).to_dict("records"):
        yield Text(f"{row['verdict']}: {row['sentence']}.")


def _figures(scores: pd.DataFrame) -> Grid:
    rows = tuple(
        (str(row["title"]), text(row["value"], row["unit"]), scorecard.counts(row, METRICS[row["metric"]]),
         str(row["verdict"]), str(row["sentence"]))
        for row in scores.to_dict("records")
    )  # fmt: skip
    headings = ("Figure", "Value", "n/N", "Verdict", "In words")
    return Grid("The day's figures", headings, (False, True, True, False, False), rows)


def _picture(content: dict[str, Any]) -> Picture:
    """A panel's one chart, small and in greys."""
    [chart] = content["charts"]
    return Picture(_in_greys({**chart["body"], "width": _WIDTH, "height": _HEIGHT}), chart["alt"])


def _in_greys(part: Any) -> Any:
    """A specification with its colours in greys that a black and white printer tells apart."""
    if isinstance(part, list):
        return [_in_greys(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {key: _grey(value) if key == "color" else _in_greys(value) for key, value in part.items()}


def _grey(channel: Any) -> Any:
    greys = theme.print_greys()
    if isinstance(channel, str):
        return greys[0] if channel == theme.accent("light") else channel
    scale = channel.get("scale") if isinstance(channel, dict) else None
    if not scale or not 0 < len(scale.get("range", ())) <= len(greys):
        return channel
    return {**channel, "scale": {**scale, "range": greys[: len(scale["range"])]}}


def _gaps(reader: Reader, chosen: Filters) -> Iterator[Block]:
    frame = panels.rows(reader, "day_gaps", chosen)
    yield Heading(panels.heading(reader, "day_gaps", chosen))
    longest = frame.sort_values("minutes", ascending=False, kind="stable").head(_MOST).sort_index()
    told = [f"{row['start']} to {row['end']}, {row['chairs']:.0f} free" for row in longest.to_dict("records")]
    more = len(frame) - len(told)
    if told:
        yield Text("; ".join(told) + (f"; and {more:,} shorter ones" if more else "") + ".")


def _worklists(reader: Reader, chosen: Filters) -> Iterator[Block]:
    rows = []
    for panel in PANELS.values():
        if panel.resource == "worklists" and access.allows(reader.viewer, panel.resource):
            count = panels.length(reader, panel.name, chosen)
            rows.append((panel.title, f"{count:,}", panels.heading(reader, panel.name, chosen)))
    if rows:
        yield Heading(f"Worklists, as of {filters.day_text(reader.catalogue.last_full_day)}")
        yield Grid("Worklists", ("List", "Rows", "In words"), (False, True, False), tuple(rows))
