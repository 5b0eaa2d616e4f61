"""How the times and numbers of another system's columns are probably written."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import duckdb

from dashboard.intake.contract import Column

_SEEN = "%Y-%m-%dT%H:%M:%SZ"
FORMATS: tuple[str, ...] = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%Y-%m-%d %H:%M:%S %z", "%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S"),
    *("%m/%d/%Y", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %I:%M:%S %p"),
    *("%d/%m/%Y", "%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %I:%M %p", "%d/%m/%Y %I:%M:%S %p"),
    *("%m/%d/%y", "%m/%d/%y %H:%M", "%m/%d/%y %I:%M %p", "%d/%m/%y", "%d/%m/%y %H:%M"),
    *("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%m-%d-%Y", "%d-%m-%Y", "%m-%d-%Y %H:%M", "%d-%m-%Y %H:%M"),
    *("%d-%b-%Y", "%d-%b-%Y %H:%M", "%d %b %Y", "%d %b %Y %H:%M", "%d%b%Y", "%d%b%Y:%H:%M:%S", "%d-%b-%y"),
    *("%d-%b-%y %H:%M", "%d-%b-%y %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%d-%b-%y %I:%M:%S %p", "%Y-%m-%d %I:%M %p"),
    *("%b %d, %Y", "%b %d, %Y %I:%M %p", "%B %d, %Y", "%B %d, %Y %I:%M %p", "%d %B %Y", "%d %B %Y %H:%M"),
    *("%m/%d/%Y %I:%M%p", "%d/%m/%Y %I:%M%p", "%b %d %Y %I:%M%p", "%a, %b %d, %Y %I:%M %p", "%Y-%m-%d %I:%M%p"),
    *("%Y%m%d%H%M%S", "%Y%m%d%H%M", "%Y%m%d %H%M", "%Y%m%d %H:%M", "%Y-%m", "%Y"),
)  # fmt: skip


class Formats:
    """Tries formats on values as an import would read them.

    Args:
        connection: has the macros of queries/build.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def settings(self, column: Column, sample: list[str]) -> tuple[list[str], str]:
        """What a column needs besides its source, and what to say about it."""
        if column.kind in ("timestamp", "date"):
            return self._time(column, sample)
        if column.kind in ("amount", "whole number"):
            found = guess_numbers(sample)
            return [f"{name} = {toml_string(text)}" for name, text in found.items()], ""
        return [], ""

    def _time(self, column: Column, sample: list[str]) -> tuple[list[str], str]:
        if not sample:
            return [], "; DECIDE: it is empty in the sample"
        if column.kind == "timestamp" and all(re.search(r"T00:00(:00)?Z$", value) for value in sample):
            return [f'format = "{_SEEN}"'], "; always midnight, so it counts as the site's own day"
        own = (
            "as_local(x) is not null or as_instant(x) is not null"
            if column.kind == "timestamp"
            else ("strlen(x) = 10 and try_cast(x as date) is not null")
        )
        if self._share(own, sample) == 1:
            return [], ""
        fits = {text: self._share("try_strptime(x, $format) is not null", sample, text) for text in FORMATS}
        best = max(fits.values())
        if best < 0.5:
            return [], f"; DECIDE: no format found for values like {_shape(sample[0])}; add format = …"
        formats = [text for text, share in fits.items() if share == best]
        chosen = formats[0]
        why = (
            "" if best == 1 else f"; DECIDE: it fits {best:.0%} of the sample, give format = [..., ...] for the rest"
        )
        if any(text.replace("%d", "%m", 1) != text and _swapped(chosen) == text for text in formats[1:]):
            why += f"; DECIDE: month or day first? {_swapped(chosen)} fits as well"
        return [f"format = {toml_string(chosen)}"], why

    def _share(self, condition: str, sample: Sequence[str], text: str | None = None) -> float:
        values: dict[str, object] = {"sample": list(sample)}
        if text is not None:
            values["format"] = text
        row = self._connection.execute(
            f"select avg(if({condition}, 1, 0)) from (select unnest($sample) as x)",  # noqa: S608
            values,
        ).fetchone()
        return float(row[0]) if row and row[0] is not None else 0.0


def toml_string(text: str) -> str:
    """A TOML string: JSON's escapes are TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _swapped(text: str) -> str:
    return text.replace("%m", "%_").replace("%d", "%m").replace("%_", "%d")


def _shape(value: str) -> str:
    """A value's shape, since values of patients must not stand in a mapping."""
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "0", value))[:40]


def guess_numbers(values: Sequence[str]) -> dict[str, str]:
    """Sign, thousands separator and decimal sign of amounts; empty where they are the contract's."""
    if not values or all(re.fullmatch(r"-?\d+(\.\d{1,2})?", value) for value in values):
        return {}
    found: dict[str, str] = {}
    signs = {match for value in values for match in re.findall(r"[^\d\s.,()'+−-]+", value)}
    if len(signs) > 1:
        return {}
    if signs:
        found["currency"] = signs.pop()
    bare = [re.sub(r"[^\d.,]", "", value) for value in values]
    if any(re.search(r"\d\.\d{3},|,\d{1,2}$", value) for value in bare):
        found |= {"decimal": ","} | ({"thousands": "."} if any("." in value for value in bare) else {})
    elif any("," in value for value in bare):
        found["thousands"] = ","
    return found or {"decimal": "."}
