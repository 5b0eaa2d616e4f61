"""What a printed document is made of, and panels as blocks of it.

A panel goes through `seen`: its rows, words, columns and charts as plain JSON. So a document of
today and one of a copy that was kept for years are drawn alike.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard import access, filters, panels, pictures
from dashboard.filters import Filters
from dashboard.warehouse import Reader
from dashboard.wording import number

CHART_WIDTH = 640
#: Of one site's chart beside others.
NARROW_WIDTH = 280


@dataclass(frozen=True)
class Heading:
    """A heading; sections are of level 2, what stands in them of level 3."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph; a quiet one explains."""

    text: str
    quiet: bool = False


@dataclass(frozen=True)
class Facts:
    """Terms, each with its description."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Grid:
    """A table: headings, whether each column holds numbers, rows of text."""

    title: str
    headings: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Picture:
    """A chart: a whole Vega-Lite specification with its rows, and what it shows in words."""

    body: dict[str, Any]
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class Pictures:
    """Charts beside each other."""

    each: tuple[Picture, ...]


Block = Heading | Text | Facts | Grid | Picture | Pictures


@dataclass(frozen=True)
class Document:
    """A document: its title, a line below it, and its blocks.

    Attributes:
        demo: whether every page says that the data are demo data.
        sheet: whether all of it stands on one page, smaller where it has to.
    """

    title: str
    subtitle: str
    blocks: tuple[Block, ...]
    demo: bool = False
    sheet: bool = False


def seen(reader: Reader, name: str, chosen: Filters) -> dict[str, Any]:
    """A panel as it is seen, for JSON: panel, title, heading, note, definitions, columns, rows, charts, annotations.

    Rows hold the panel's columns in order: numbers, text, dates as ISO text, None for nothing.

    Raises:
        AccessDeniedError: the panel isn't open to the reader's viewer.
    """
    panel = panels.panel_of(name, chosen)
    access.require(reader.viewer, panel.resource)
    frame = panels.rows(reader, name, chosen)
    columns = panels.columns(reader, name, chosen)
    heading = panels.heading(reader, name, chosen)
    return {
        "panel": name,
        "title": panel.title,
        "heading": heading,
        "note": panels.note(reader, name, chosen),
        "definitions": [[metric.title, metric.definition] for metric in panel.definitions()],
        "columns": [[column.name, column.title, column.format] for column in columns],
        "rows": [list(row.values()) for row in _records(frame[[column.name for column in columns]])],
        **_charts(reader, name, chosen, frame, heading),
    }


def _charts(reader: Reader, name: str, chosen: Filters, frame: pd.DataFrame, heading: str) -> dict[str, Any]:
    """The charts of `seen`, and the annotations that stand on them.

    In print nobody turns to the next sites: charts of more than are drawn at a time are left out, the table has all.
    """
    panel = panels.panel_of(name, chosen)
    if panel.chart is None or not len(frame) or (chosen.parts > 1 and panel.sites_in in frame):
        return {"charts": [], "annotations": []}
    found = pictures.pictures(reader, name, chosen, "light")
    width = NARROW_WIDTH if len(found.charts) > 1 else CHART_WIDTH
    made = []
    for one in found.charts:
        values = {"name": "source", "values": _records(one.rows.to_pandas())}
        body = {**one.body, "width": width, "data": values}
        made.append({"caption": one.caption, "alt": f"{panel.title}. {heading}", "body": body})
    return {"charts": made, "annotations": [f"{note.label} {note.words}" for note in found.notes]}


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows for JSON; by way of pandas' own writer, which knows every type that a frame holds."""
    found: list[dict[str, Any]] = json.loads(
        frame.to_json(orient="records", date_format="iso", date_unit="s", double_precision=15)
    )
    return found


def drawn(content: Mapping[str, Any]) -> list[Block]:
    """The charts of what `seen` gave, beside each other as far as a page is wide, and what is annotated on them."""
    pictures = [Picture(one["body"], one["alt"], one["caption"]) for one in content["charts"]]
    # Three beside each other fill a page's width.
    found: list[Block] = [Pictures(tuple(pictures[i : i + 3])) for i in range(0, len(pictures), 3)]
    # Copies of before annotations have none.
    if pictures and (notes := content.get("annotations")):
        found.append(Text(f"Annotations: {'; '.join(notes)}.", quiet=True))
    return found


def blocks(content: Mapping[str, Any]) -> list[Block]:
    """What `seen` gave, as blocks: the answer, charts, the whole table, definitions."""
    found: list[Block] = [Heading(content["heading"]), *drawn(content)]
    if content["rows"]:
        found.append(grid(content))
    else:
        found.append(Text("Nothing to show for these filters.", quiet=True))
    if content["note"]:
        found.append(Text(content["note"], quiet=True))
    found += [Text(f"{title}: {definition}", quiet=True) for title, definition in content["definitions"]]
    return found


def grid(content: Mapping[str, Any], columns: Sequence[str] = ()) -> Grid:
    """The table of what `seen` gave, its cells as people read them; columns that hold nothing are left out."""
    kept = [
        i
        for i, (name, _, _) in enumerate(content["columns"])
        if (not columns or name in columns) and any(row[i] not in (None, "") for row in content["rows"])
    ]
    about = [content["columns"][i] for i in kept]
    return Grid(
        content["title"],
        tuple(title for _, title, _ in about),
        tuple(form not in {"text", "date", "datetime"} for _, _, form in about),
        tuple(
            tuple(cell(row[i], form) for i, (_, _, form) in zip(kept, about, strict=True)) for row in content["rows"]
        ),
    )


def cell(value: Any, form: str) -> str:
    """A value as a cell shows it; an em dash where there is none.

    >>> cell(1234.0, "count"), cell(4.2049, "decimal"), cell(None, "count"), cell("2026-08-03T00:00:00", "date")
    ('1,234', '4.20', '—', '3 Aug 2026')
    """
    if value is None or value == "":
        return "—"
    if form == "count":
        return number(value)
    if form in {"decimal", "percent"}:
        return number(value, 2)
    if form == "dollars":
        return f"${number(value, 2)}".replace("$−", "−$")
    if form == "date":
        return filters.day_text(pd.Timestamp(value).date())
    if form == "datetime":
        moment = pd.Timestamp(value)
        return f"{filters.day_text(moment.date())}, {moment:%H:%M}"
    return str(value)


def facts(rows: Iterable[tuple[str, object]]) -> Facts:
    """Facts of whatever can be written as text; empty ones left out."""
    return Facts(tuple((term, str(text)) for term, text in rows if text not in (None, "")))
