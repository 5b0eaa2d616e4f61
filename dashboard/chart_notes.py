"""Annotations of dates on charts over time: thin lines with a label, laid over a finished specification."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboard import theme
from dashboard.specifications import Specification


@dataclass(frozen=True)
class Note:
    """What somebody wrote on a date: its label on the charts, the date, the words with site and name.

    `late` is for a date in the second half of the chart, whose label stands to the left of its line.
    """

    label: str
    on: dt.date
    words: str
    late: bool = False


def along_time(spec: Specification) -> dict[str, Any] | None:
    """The channel of a chart's time axis; None without one."""
    for part in (spec.body, *spec.body.get("layer", ())):
        channel: dict[str, Any] = part.get("encoding", {}).get("x", {})
        if channel.get("field") == "period" and channel.get("type") == "temporal":
            return channel
    return None


def annotated(spec: Specification, notes: Sequence[Note], mode: theme.Mode) -> dict[str, Any]:
    """A specification with a thin line and a label at the date of each note; as it is where there is none.

    The notes are data of their own layers, so that the chart's rows stay what they are.
    """
    channel = along_time(spec)
    if channel is None or not notes:
        return spec.body
    rows = [
        {
            "on": f"{day}T00:00:00",
            "label": ", ".join(note.label for note in own),
            "note": "; ".join(note.words for note in own),
            "late": own[0].late,
        }
        for day, own in ((day, [note for note in notes if note.on == day]) for day in sorted({n.on for n in notes}))
    ]
    # On the axis of the chart, whose title and labels it shares, but not in its steps.
    place = {key: value for key, value in channel.items() if key != "timeUnit"} | {"field": "on"}
    tip = {"field": "note", "type": "nominal", "title": "Annotation"}
    shade = theme.quiet(mode)
    layers = [
        {
            "data": {"values": rows},
            "mark": {"type": "rule", "color": shade, "strokeWidth": 1},
            "encoding": {"x": place, "tooltip": [tip]},
        },
        {
            "data": {"values": rows},
            "mark": {"type": "text", "color": shade, "fontSize": 11, "fontWeight": 600,
                     "align": {"expr": "datum.late ? 'right' : 'left'"}, "dx": {"expr": "datum.late ? -3 : 3"},
                     "baseline": "top"},
            "encoding": {"x": place, "y": {"value": 0}, "text": {"field": "label", "type": "nominal"},
                         "tooltip": [tip]},
        },
    ]  # fmt: skip
    if "layer" in spec.body:
        return spec.body | {"layer": [*spec.body["layer"], *layers]}
    own: dict[str, Any] = {key: spec.body[key] for key in ("mark", "encoding") if key in spec.body}
    rest = {key: value for key, value in spec.body.items() if key not in own}
    # What is selected belongs to the marks; what is worked out from the rows, to the whole.
    params = spec.body.get("params", ())
    own["params"] = [one for one in params if "select" in one]
    return rest | {"params": [one for one in params if "select" not in one], "layer": [own, *layers]}
