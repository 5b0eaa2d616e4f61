"""Reads what a mapping says of files and of those that are joined to them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from dashboard.intake.mapping import Files, Join, KeyColumns, Layout, RowFilter, SourceColumn
from dashboard.intake.mapping.place import Place
from dashboard.intake.reading.transcode import python_name

_LONGEST_DELIMITER = 8
_MOST_SKIPPED = 1_000_000
_LAYOUT = ("encoding", "delimiter", "quote", "escape", "skip", "header", "empty", "sheet")
_FILTERS: tuple[Literal["only", "except"], ...] = ("only", "except")
#: Settings of a table.
TABLE = ("file", *_LAYOUT, *_FILTERS, "columns")
_JOIN = ("file", "key", "other_key", "doubled", *_LAYOUT, *_FILTERS)
#: Each join by name, with the key's columns in the table's own file.
Joins = dict[str, tuple[Join, KeyColumns]]


def joins_of(data: Any, place: Place) -> Joins:
    """Each join by name, with the key's columns in the table's own file."""
    if not isinstance(data, dict):
        raise place.fault("joins must be tables: [joins.patients]")
    return {name: join_of(one, name, place.at(f"[joins.{name}]")) for name, one in data.items()}


def join_of(data: Any, name: str, place: Place) -> tuple[Join, KeyColumns]:
    """A join, with the key's columns in the table's own file; without a name it goes by its files."""
    if not isinstance(data, dict):
        raise place.fault('must be a table with file and key: { file = "patients.csv", key = "PatientId" }')
    place.check_keys(data, _JOIN, "setting")
    files = files_of(data, place)
    if "key" not in data and "other_key" not in data:
        raise place.fault("key is missing; name the column that both files share")
    other = _key(data.get("other_key", data.get("key")), "other_key", place)
    doubled = data.get("doubled", "refused")
    if doubled not in ("refused", "empty"):
        raise place.fault(
            f'doubled says what a key gives that stands in several rows: "refused" or "empty", not {doubled!r}'
        )
    join = Join(name or ", ".join(files.patterns), files, other, doubled == "empty", filters_of(data, place))
    return join, own_key(data.get("key", data.get("other_key")), join, place)


def _key(value: Any, name: str, place: Place) -> KeyColumns:
    given = value if isinstance(value, list) and value else [value]
    return tuple(source_of(one, name, place) for one in given)


def own_key(value: Any, join: Join, place: Place) -> KeyColumns:
    """The key's columns in the table's own file: as many as in the joined one."""
    key = _key(value, "key", place)
    if len(key) != len(join.other_key):
        raise place.fault(
            f"key has {len(key)} columns and other_key {len(join.other_key)}; name as many in the same order"
        )
    return key


def source_of(value: Any, name: str, place: Place) -> SourceColumn:
    """A column of a file, by its name or number."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "" or value == 0:
        raise place.fault(f"{name} must be the name of a column in quotes, or its number from 1, not {value!r}")
    return value


def filters_of(data: dict[str, Any], section: Place) -> tuple[RowFilter, ...]:
    """Which rows of a table or join are left out."""
    found = []
    for setting in _FILTERS:
        if setting not in data:
            continue
        place = section.at(f"{section.name} {setting}")
        several = data[setting] if isinstance(data[setting], list) and data[setting] else [data[setting]]
        found += [_filter(one, setting, place) for one in several]
    return tuple(found)


def _filter(data: Any, setting: Literal["only", "except"], place: Place) -> RowFilter:
    if not isinstance(data, dict) or "column" not in data or "values" not in data:
        raise place.fault(
            'must be a table with column and values: { column = "Type", values = ["Lunch"] }, or a list of such'
        )
    place.check_keys(data, ("column", "values"), "setting")
    column = source_of(data["column"], "column", place)
    values: Any = [data["values"]] if isinstance(data["values"], str) else data["values"]
    if not isinstance(values, list) or not values:
        raise place.fault('values must be a list of words like ["Lunch", "Blocked"]; "" is the empty value')
    words = dict.fromkeys(place.text(value, "values").strip() for value in values)
    return RowFilter(setting, column, tuple(words))


def files_of(data: dict[str, Any], place: Place) -> Files:
    """The files of a table or join, and how they are written."""
    given = data.get("file")
    patterns: list[Any] = given if isinstance(given, list) else [given]
    if given is None or not patterns:
        raise place.fault('file is missing; name the file or a pattern like "appointments-*.csv"')
    for pattern in patterns:
        parts = Path(place.text(pattern, "file")).parts
        if not parts or Path(pattern).is_absolute() or ".." in parts:
            raise place.fault(f"file {pattern!r} must be a name or pattern within the delivery's folder")
        if any("**" in part and part != "**" for part in parts) or parts[-1] == "**":
            raise place.fault(
                f'file {pattern!r} has ** beside something else or at its end; it means folders alone: "**/*.csv"'
            )
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
        allowed = rf"[^\0]{{1,{longest}}}" if longest > 1 else r"[\x01-\x7f]"
        if mark is not None and not re.fullmatch(allowed, place.text(mark, name)):
            many = f"one to {longest} characters" if longest > 1 else "one ASCII character"
            raise place.fault(f'the {name} {mark!r} must be {many} like "," ";" "|" or "\\t"')
        if mark is not None and (mark.isalnum() or mark in "._-" or set(mark) & set("\r\n")):
            raise place.fault(f"the {name} cannot be {mark!r}; take a character that stands in no value")
    if delimiter and quote and quote in delimiter:
        raise place.fault("delimiter and quote are the same; they must differ")
    if escape and (escape in (delimiter or ",;\t|") or escape == quote):
        raise place.fault("escape must differ from delimiter and quote; leave it out where quotes are doubled")
    if not isinstance(header, bool):
        raise place.fault("header must be true or false")
    skip = data.get("skip", 0)
    if not isinstance(skip, int) or isinstance(skip, bool) or not 0 <= skip <= _MOST_SKIPPED:
        raise place.fault(
            f"skip must be the number of lines before the header, up to {_MOST_SKIPPED:,}, not {skip!r}"
        )
    empty = [empty] if isinstance(empty, str) else empty
    if not isinstance(empty, list):
        raise place.fault('empty must be a list of words like ["NULL", "NA"]')
    words = tuple(place.text(word, "empty").strip() for word in empty)
    return Layout(encoding, delimiter, quote, header, words, skip, escape, _sheets(data.get("sheet", []), place))


def _sheets(given: Any, place: Place) -> tuple[str | int, ...]:
    sheets: list[Any] = given if isinstance(given, list) else [given]
    for sheet in sheets:
        named = isinstance(sheet, str) and bool(sheet.strip())
        if not named and (isinstance(sheet, bool) or not isinstance(sheet, int) or sheet < 1):
            raise place.fault(
                f"sheet must be the name of a workbook's sheet in quotes, or its number from 1, not {sheet!r}; "
                "or a list of such"
            )
    return tuple(sheets)
