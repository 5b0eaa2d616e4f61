"""Colours and words of verdicts, sites and lines: the only place that names a colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

Mode = Literal["light", "dark"]
VerdictKind = Literal["concern", "improvement", "common", "neither", "unknown"]


@dataclass(frozen=True)
class Verdict:
    """How a verdict is told: never by colour alone."""

    word: str
    icon: str
    light: str
    dark: str


#: The colours of NHS Making Data Count.
VERDICTS: dict[VerdictKind, Verdict] = {
    "concern": Verdict("Concern", "▲", "#E46C0A", "#F4964A"),
    "improvement": Verdict("Improvement", "★", "#0077B6", "#4FB0E3"),
    "neither": Verdict("Unusual", "◆", "#6A3D9A", "#B08BD6"),
    "common": Verdict("As usual", "●", "#7F7F7F", "#A6A6A6"),
    "unknown": Verdict("Not judged", "○", "#7F7F7F", "#A6A6A6"),
}

_SITES = {
    "light": ("#2F4B7C", "#2A9D8F", "#D45087"),
    "dark": ("#8FAEE6", "#4FC4B5", "#F08CB5"),
}
# Okabe and Ito's colour-blind-safe scheme, for further sites.
_FURTHER = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
_LINES = {
    "light": {"ketamine": "#6A51A3", "vitamin": "#C9A227", "hydration": "#4EB3D3"},
    "dark": {"ketamine": "#A793DC", "vitamin": "#E3C45C", "hydration": "#7FD0EA"},
}
_STATUSES = {
    "light": {
        "Completed": "#2C6E8F",
        "Arrived": "#7FB2C9",
        "Booked": "#B9C4CC",
        "Cancelled": "#D9C7A3",
        "Cancelled late": "#C08A3E",
        "No-show": "#8C3B4A",
    },
    "dark": {
        "Completed": "#5FA8C9",
        "Arrived": "#9CCBDD",
        "Booked": "#6E7B85",
        "Cancelled": "#B7A47C",
        "Cancelled late": "#DBA657",
        "No-show": "#D0788A",
    },
}
_SEVERITIES = {
    "light": ("#D6E3EA", "#8FB4C7", "#3F7C9C", "#1C4A66", "#0B2233", "#BDB6A8"),
    "dark": ("#2F4958", "#4A7389", "#75A7C0", "#A9D0E3", "#E4F3FA", "#8C8577"),
}
_ACCENT = {"light": "#0B6E8A", "dark": "#59B7D1"}
_QUIET = {"light": "#5B6470", "dark": "#9AA4AE"}
_PAPER = {"light": "#FFFFFF", "dark": "#14181C"}
_HEAT = {"light": ("#EEF4F7", "#0B4F66"), "dark": ("#1C2830", "#8AD3EA")}


def accent(mode: Mode) -> str:
    """The one accent colour."""
    return _ACCENT[mode]


def quiet(mode: Mode) -> str:
    """Reference lines and secondary marks."""
    return _QUIET[mode]


def paper(mode: Mode) -> str:
    """The ground of the page."""
    return _PAPER[mode]


def heat(mode: Mode) -> tuple[str, str]:
    """Least and most of a heat map."""
    return _HEAT[mode]


def css_variables(mode: Mode | None = None) -> str:
    """The colours that style.css and what is drawn as HTML name; without a mode they follow the page's own."""
    names: dict[str, Callable[[Mode], str]] = {"paper": paper, "accent": accent, "quiet": quiet}
    names |= {kind: partial(verdict_colour, kind) for kind in VERDICTS}
    return " ".join(f"--{name}: {colour(mode) if mode else either(colour)};" for name, colour in names.items())


def either(colour: Callable[[Mode], str]) -> str:
    """A colour in CSS that follows the page's mode."""
    return f"light-dark({colour('light')}, {colour('dark')})"


def variable(kind: VerdictKind) -> str:
    """Colour of a verdict in HTML, by its name among `css_variables`."""
    return f"var(--{kind})"


def verdict_colour(kind: VerdictKind, mode: Mode) -> str:
    """Colour of a verdict."""
    verdict = VERDICTS[kind]
    return verdict.dark if mode == "dark" else verdict.light


def site_colours(count: int, mode: Mode) -> list[str]:
    """One colour a site, in the order of the reference table."""
    own = _SITES[mode]
    further = [_FURTHER[i % len(_FURTHER)] for i in range(max(0, count - len(own)))]
    return [*own, *further][:count]


def group_colours() -> tuple[str, ...]:
    """Colours of groups that have none of their own."""
    return _FURTHER


def line_colours(lines: Sequence[str], mode: Mode) -> list[str]:
    """One colour a service line."""
    known = _LINES[mode]
    return [known.get(line, _FURTHER[i % len(_FURTHER)]) for i, line in enumerate(lines)]


def status_colours(mode: Mode) -> dict[str, str]:
    """One colour a booking status, by its title, in the order in which they stack."""
    return _STATUSES[mode]


def severity_colours(mode: Mode) -> tuple[str, ...]:
    """Mild to fatal, then unknown."""
    return _SEVERITIES[mode]


#: Booking statuses as staff read them.
STATUS_TITLES = {
    "completed": "Completed",
    "arrived": "Arrived",
    "booked": "Booked",
    "cancelled": "Cancelled",
    "late_cancelled": "Cancelled late",
    "no_show": "No-show",
}
SEVERITY_TITLES = {
    "mild": "Mild",
    "moderate": "Moderate",
    "severe": "Severe",
    "life_threatening": "Life-threatening",
    "fatal": "Fatal",
    "unknown": "Unknown",
}


def line_title(line: str) -> str:
    """A service line as staff read it."""
    return line.replace("_", " ").capitalize()


def _in_dark() -> dict[str, str]:
    """Each colour of the light theme with its own of the dark one."""
    named = [
        (_SITES["light"], _SITES["dark"]),
        *((tuple(one["light"].values()), tuple(one["dark"].values())) for one in (_LINES, _STATUSES)),
        (_SEVERITIES["light"], _SEVERITIES["dark"]),
        (_HEAT["light"], _HEAT["dark"]),
        *(((one["light"],), (one["dark"],)) for one in (_ACCENT, _QUIET, _PAPER)),
        *(((one.light,), (one.dark,)) for one in VERDICTS.values()),
    ]
    return {light: dark for lights, darks in named for light, dark in zip(lights, darks, strict=True)}


def recoloured(drawing: Any, mode: Mode) -> Any:
    """A chart's grammar that was written down in the light theme, in the colours of another mode.

    >>> recoloured({"mark": {"color": "#0B6E8A"}, "range": ["#5B6470", 3]}, "dark")
    {'mark': {'color': '#59B7D1'}, 'range': ['#9AA4AE', 3]}
    """
    if mode == "light":
        return drawing
    if isinstance(drawing, dict):
        return {key: recoloured(value, mode) for key, value in drawing.items()}
    if isinstance(drawing, list):
        return [recoloured(value, mode) for value in drawing]
    return _DARK.get(drawing, drawing) if isinstance(drawing, str) else drawing


_DARK = _in_dark()


def print_greys() -> list[str]:
    """Up to three series apart on a black and white printer, the first darkest."""
    return ["#222222", "#8C8C8C", "#CFCFCF"]
