"""What a mapping says of a section's files: which they are and how they are written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from dashboard.intake.mapping import Files, Layout
from dashboard.intake.place import Place
from dashboard.intake.transcode import python_name

LAYOUT = ("encoding", "delimiter", "quote", "escape", "skip", "header", "empty")
_LONGEST_DELIMITER = 8


def files_of(data: dict[str, Any], place: Place) -> Files:
    """The files that a table or a join names.

    Raises:
        DeliveryError: they lie elsewhere, or cannot be written so.
    """
    given = data.get("file")
    patterns: list[Any] = given if isinstance(given, list) else [given]
    if given is None or not patterns:
        raise place.fault('file is missing; name the file or a pattern like "appointments-*.csv"')
    for pattern in patterns:
        if not place.text(pattern, "file") or Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            raise place.fault(f"file {pattern!r} must be a name or pattern within the delivery's folder")
    return Files(tuple(patterns), _layout(data, place))


def _layout(data: dict[str, Any], place: Place) -> Layout:
    encoding, delimiter, escape = data.get("encoding"), data.get("delimiter"), data.get("escape", "")
    quote, header, empty = data.get("quote", '"'), data.get("header", True), data.get("empty", [])
    if encoding is not None:
        encoding = python_name(place.text(encoding, "encoding"))
        if encoding is None:
            raise place.fault(
                f"the encoding {data['encoding']!r} is not known; write utf-8, cp1252, latin-1, utf-16 or the like"
            )
        encoding = "utf-8" if encoding in ("utf-8-sig", "ascii") else encoding
    marks = {"delimiter": delimiter, "quote": quote or None, "escape": escape or None}
    for name, mark in marks.items():
        longest = _LONGEST_DELIMITER if name == "delimiter" else 1
        if mark is not None and not re.fullmatch(rf"[\x01-\x7f]{{1,{longest}}}", place.text(mark, name), re.DOTALL):
            many = f" or up to {longest}" if longest > 1 else ""
            raise place.fault(f'the {name} {mark!r} must be one ASCII character{many} like "," ";" "|" or "\\t"')
        if mark is not None and (mark.isalnum() or mark in "._-" or set(mark) & set("\r\n")):
            raise place.fault(f"the {name} cannot be {mark!r}; take a character that stands in no value")
    if delimiter and quote and quote in delimiter:
        raise place.fault("delimiter and quote are the same; they must differ")
    if escape and (escape in (delimiter or ",;\t|") or escape == quote):
        raise place.fault("escape must differ from delimiter and quote; leave it out where quotes are doubled")
    if not isinstance(header, bool):
        raise place.fault("header must be true or false")
    skip = data.get("skip", 0)
    if not isinstance(skip, int) or isinstance(skip, bool) or skip < 0:
        raise place.fault(f"skip must be the number of lines before the header, not {skip!r}")
    empty = [empty] if isinstance(empty, str) else empty
    if not isinstance(empty, list):
        raise place.fault('empty must be a list of words like ["NULL", "NA"]')
    words = tuple(place.text(word, "empty").strip() for word in empty)
    return Layout(encoding, delimiter, quote, header, words, skip, escape)
