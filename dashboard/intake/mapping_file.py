"""Reads a mapping file and refuses what cannot work, with place and remedy."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import tomllib
from collections.abc import Collection
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb

from dashboard.intake.contract import LONGEST_TEXT, TABLES, Column, DeliveryError, Table
from dashboard.intake.files import nearest
from dashboard.intake.layouts import LAYOUT, files_of
from dashboard.intake.mapping import (
    ColumnMapping,
    Join,
    KeyColumns,
    Lookup,
    Mapping,
    Numbers,
    RowFilter,
    SourceColumn,
    TableMapping,
    section_name,
)
from dashboard.intake.place import Place as _Place
from dashboard.intake.reference import Reference

_FILTERS: tuple[Literal["only", "except"], ...] = ("only", "except")
_TABLE = ("file", *LAYOUT, *_FILTERS, "columns")
_JOIN = ("file", "key", "other_key", "doubled", *LAYOUT)
_NUMBERS = ("currency", "unit", "thousands", "decimal")
_COLUMN = (
    *("column", "constant", "row_number", "separator", "join", "key", "values", "default", "otherwise"),
    *("format", "timezone", *_NUMBERS),
)
_SHAPES = {
    "timestamp": (r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*", "a time like 2026-01-05 09:00"),
    "date": (r"\d{4}-\d{2}-\d{2}", "a date like 1980-12-31"),
    "whole number": (r"-?\d+", "a whole number"),
    "amount": (r"-?\d+(\.\d{1,2})?", "an amount like 475.00"),
}


def load_mapping(path: Path, reference: Reference) -> Mapping:
    """Read and check a mapping file.

    Args:
        path: the TOML file that docs/mapping.md describes.
        reference: knows sites and services.

    Raises:
        DeliveryError: it cannot be read or cannot work; the message names file, table and column.
    """
    try:
        content = path.read_bytes()
        data = tomllib.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise DeliveryError(f"the mapping {path} cannot be read ({error.strerror}); check its name") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeliveryError(
            f"the mapping {path} is not TOML in UTF-8: {error}. Put names and texts in double quotes and "
            "correct that line"
        ) from error
    place = _Place(path, "top level")
    names = [table.name for table in TABLES]
    place.check_keys(data, (*names, "joins", "fhir"), "table")
    joins = _joins(data.get("joins", {}), place)
    sections = [
        _table(section, table, number, joins, reference, place)
        for table in TABLES
        if table.name in data
        for number, section in _numbered(data[table.name])
    ]
    personal = frozenset(
        str(source).lower()
        for section in sections
        for mapped in section.columns
        if mapped.column.personal
        for source in mapped.sources
    )
    sections = [replace(section, personal=personal) for section in sections]
    for section in sections:
        _refuse_leaks(section, place)
    keyed = frozenset(
        mapped.column.name
        for section in sections
        for mapped in section.columns
        if mapped.column.kind == "identifier" and not mapped.column.personal and section.is_personal(mapped)
    )
    sections = [replace(section, keyed=keyed) for section in sections]
    return Mapping(path, hashlib.sha256(content).hexdigest(), tuple(sections), data.get("fhir", {}))


def _numbered(data: Any) -> list[tuple[int, Any]]:
    """The sections of a table with their numbers, 0 for an only one: [payments], or [[payments]] several times."""
    if not isinstance(data, list) or not data:
        return [(0, data)]
    return list(enumerate(data, start=1)) if len(data) > 1 else [(0, data[0])]


def _refuse_leaks(section: TableMapping, place: _Place) -> None:
    for mapped in section.columns:
        if mapped.column.kind == "text" and not mapped.values and section.is_personal(mapped):
            raise place.at(section_name(section.table.name, section.number, mapped.column.name)).fault(
                f"the column {mapped.origin} says who a patient is, and must not get into the extract; "
                "map another column or leave it out"
            )


def _joins(data: Any, place: _Place) -> dict[str, tuple[Join, KeyColumns]]:
    """Each join by name, with the key's columns in the table's own file."""
    if not isinstance(data, dict):
        raise place.fault("joins must be tables: [joins.patients]")
    return {name: _join(one, name, place.at(f"[joins.{name}]")) for name, one in data.items()}


def _join(data: Any, name: str, place: _Place) -> tuple[Join, KeyColumns]:
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
    join = Join(name or ", ".join(files.patterns), files, other, doubled == "empty")
    return join, _own_key(data.get("key", data.get("other_key")), join, place)


def _key(value: Any, name: str, place: _Place) -> KeyColumns:
    given = value if isinstance(value, list) and value else [value]
    return tuple(_source(one, name, place) for one in given)


def _own_key(value: Any, join: Join, place: _Place) -> KeyColumns:
    key = _key(value, "key", place)
    if len(key) != len(join.other_key):
        raise place.fault(
            f"key has {len(key)} columns and other_key {len(join.other_key)}; name as many in the same order"
        )
    return key


def _table(
    data: Any,
    table: Table,
    number: int,
    joins: dict[str, tuple[Join, KeyColumns]],
    reference: Reference,
    top: _Place,
) -> TableMapping:
    place = top.at(section_name(table.name, number))
    if not isinstance(data, dict):
        raise place.fault("must be a table with file and columns")
    place.check_keys(data, _TABLE, "setting")
    files, filters = files_of(data, place), _filters(data, place)
    columns = data.get("columns")
    within = place.at(section_name(table.name, number, ""))
    if not isinstance(columns, dict):
        raise within.fault("is missing; it says what each column is made of")
    known = {column.name: column for column in table.columns}
    within.check_keys(columns, known, f"column of {table.name}")
    if missing := [name for name in table.required_columns if name not in columns]:
        raise within.fault(
            f"the required column{'s' * (len(missing) > 1)} {', '.join(missing)} "
            f"{'are' if len(missing) > 1 else 'is'} not mapped; "
            'name the column of the file that holds it, or give it as { constant = "…" }'
        )
    mapped = tuple(
        _column(columns[name], column, joins, reference, place.at(section_name(table.name, number, name)))
        for name, column in known.items()
        if name in columns
    )
    return TableMapping(table, files, mapped, number, filters)


def _filters(data: dict[str, Any], section: _Place) -> tuple[RowFilter, ...]:
    """Which rows are left out."""
    found = []
    for setting in _FILTERS:
        if setting not in data:
            continue
        given, place = data[setting], section.at(f"{section.name} {setting}")
        if not isinstance(given, dict) or "column" not in given or "values" not in given:
            raise place.fault('must be a table with column and values: { column = "Type", values = ["Lunch"] }')
        place.check_keys(given, ("column", "values"), "setting")
        column = _source(given["column"], "column", place)
        values: Any = [given["values"]] if isinstance(given["values"], str) else given["values"]
        if not isinstance(values, list) or not values:
            raise place.fault('values must be a list of words like ["Lunch", "Blocked"]; "" is the empty value')
        words = dict.fromkeys(place.text(value, "values").strip() for value in values)
        found.append(RowFilter(setting, column, tuple(words)))
    return tuple(found)


def _column(
    data: Any, column: Column, joins: dict[str, tuple[Join, KeyColumns]], reference: Reference, place: _Place
) -> ColumnMapping:
    if not isinstance(data, dict):
        data = {"column": data}
    place.check_keys(data, _COLUMN, "setting")
    mapped = ColumnMapping(column, keys=_keys(column, reference))
    origins = [name for name in ("column", "constant", "row_number") if name in data]
    if len(origins) != 1:
        raise place.fault("needs one of column, constant and row_number" + " and not several" * (len(origins) > 1))
    if origins == ["constant"]:
        return _constant(data, mapped, place)
    if origins == ["row_number"]:
        if column.kind != "identifier" or column.personal or len(data) > 1:
            raise place.fault("row_number goes with ids of rows only, and with nothing else")
        return replace(mapped, row_number=place.text(data["row_number"], "row_number"))
    given = data["column"] if isinstance(data["column"], list) else [data["column"]]
    if not given:
        raise place.fault("column is empty; name the column of the file")
    return replace(
        mapped,
        sources=tuple(_source(one, "column", place) for one in given),
        separator=place.text(data.get("separator", " "), "separator"),
        lookup=_lookup(data, joins, place),
        values=_values(data, mapped, place),
        default=_default(data, mapped, place),
        formats=_formats(data, column, place),
        timezone=_timezone(data, column, place),
        numbers=_numbers(data, column, place),
    )


def _source(value: Any, name: str, place: _Place) -> SourceColumn:
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "" or value == 0:
        raise place.fault(f"{name} must be the name of a column in quotes, or its number from 1, not {value!r}")
    return value


def _keys(column: Column, reference: Reference) -> dict[str, str]:
    """The key of each site or service by its key and, where it is the only one, by its name."""
    if column.kind != "reference":
        return {}
    rows = (
        [(site.site, site.name) for site in reference.sites]
        if column.name == "site"
        else [(service.service, service.name) for service in reference.services]
    )
    names = [name.lower() for _, name in rows]
    by_name = {name.lower(): key for key, name in rows if names.count(name.lower()) == 1}
    return by_name | {key: key for key, _ in rows}


def _constant(data: dict[str, Any], mapped: ColumnMapping, place: _Place) -> ColumnMapping:
    if len(data) > 1:
        raise place.fault("a constant goes with no other setting")
    if mapped.column.kind == "identifier" and mapped.column.required:
        raise place.fault("an id cannot be the same in every row; name a column of the file")
    return replace(mapped, constant=_word(data["constant"], mapped, place))


def _word(value: Any, mapped: ColumnMapping, place: _Place) -> str:
    """A value that the mapping itself gives, in the contract's words."""
    column = mapped.column
    if isinstance(value, bool):
        value = "yes" if value else "no"
    if not isinstance(value, str | int | float | dt.date | dt.datetime):
        raise place.fault(f"{value!r} is not a value; write a text in quotes")
    text = str(value).strip()
    if not text:
        return text
    allowed: Collection[str] = column.allowed
    small = text.lower()
    if column.kind == "reference":
        text, allowed = mapped.keys.get(small, small), dict.fromkeys(mapped.keys.values())
    elif column.allowed:
        words = {word.lower(): word for word in column.allowed}
        text = words.get(small) or words.get(re.sub(r"[\s-]+", "_", small)) or text
    if allowed and text not in allowed:
        raise place.fault(
            f"{value!r} is not a word of {column.name}{nearest(text, allowed)}; allowed: {', '.join(allowed)}"
        )
    shape = _SHAPES.get(column.kind)
    if shape and not re.fullmatch(shape[0], text):
        raise place.fault(f"{value!r} is not {shape[1]}")
    if column.kind == "text" and len(text) > LONGEST_TEXT:
        raise place.fault(f"{value!r} is longer than {LONGEST_TEXT} characters")
    return text


def _lookup(data: dict[str, Any], joins: dict[str, tuple[Join, KeyColumns]], place: _Place) -> Lookup | None:
    if "join" not in data:
        if "key" in data:
            raise place.fault("key goes with join only")
        return None
    if isinstance(data["join"], dict):
        join, key = _join(data["join"], "", place.at(f"{place.name} join"))
    else:
        name = place.text(data["join"], "join")
        if name not in joins:
            raise place.fault(
                f"there is no [joins.{name}]{nearest(name, joins)}; add it, or write join = {{ file = …, key = … }}"
            )
        join, key = joins[name]
    return Lookup(join, _own_key(data["key"], join, place) if "key" in data else key)


def _values(data: dict[str, Any], mapped: ColumnMapping, place: _Place) -> dict[str, str]:
    given = data.get("values", {})
    if not isinstance(given, dict):
        raise place.fault('values must be a table like { Yes = "no_show", No = "completed" }')
    return {name.strip(): _word(value, mapped, place) for name, value in given.items()}


def _default(data: dict[str, Any], mapped: ColumnMapping, place: _Place) -> str | None:
    if "default" in data and "otherwise" in data:
        raise place.fault("default and otherwise mean the same; give one of them")
    given = data.get("default", data.get("otherwise"))
    return None if given is None else _word(given, mapped, place)


def _formats(data: dict[str, Any], column: Column, place: _Place) -> tuple[str, ...]:
    if "format" not in data:
        return ()
    if column.kind not in ("timestamp", "date"):
        raise place.fault(f"format goes with times and dates only; {column.name} is a {column.kind}")
    given = data["format"] if isinstance(data["format"], list) else [data["format"]]
    for text in given:
        if "%" not in place.text(text, "format"):
            raise place.fault(f'the format {text!r} has no % sign; write it like "%d/%m/%Y %H:%M"')
        if why := _unreadable(text):
            raise place.fault(
                f"the format {text!r} cannot be read ({why}); "
                'write it like "%d/%m/%Y %H:%M" with the signs of docs/mapping.md'
            )
    if not given:
        raise place.fault("format is empty")
    return tuple(given)


@cache
def _unreadable(text: str) -> str | None:
    """What DuckDB has against a format."""
    try:
        with duckdb.connect() as connection:
            connection.execute("select try_strptime('2026', $format)", {"format": text})
    except duckdb.Error as error:
        return str(error).splitlines()[0].split(": ")[-1]
    return None


def _timezone(data: dict[str, Any], column: Column, place: _Place) -> str | None:
    if "timezone" not in data:
        return None
    if column.kind != "timestamp":
        raise place.fault(f"timezone goes with times only; {column.name} is a {column.kind}")
    name = place.text(data["timezone"], "timezone")
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise place.fault(f"the time zone {name!r} is not known; write it like America/Chicago or UTC") from None
    return name


def _numbers(data: dict[str, Any], column: Column, place: _Place) -> Numbers | None:
    given = {name: place.text(data[name], name) for name in _NUMBERS if name in data}
    if not given:
        return None
    if column.kind not in ("whole number", "amount"):
        raise place.fault(f"{', '.join(given)} goes with numbers only; {column.name} is a {column.kind}")
    if "currency" in given and "unit" in given:
        raise place.fault("currency and unit mean the same; give one of them")
    thousands, decimal = given.get("thousands", ""), given.get("decimal", ".")
    if len(thousands) > 1 or thousands.isdigit() or len(decimal) != 1 or decimal.isdigit() or thousands == decimal:
        raise place.fault("thousands and decimal must be two different single characters, neither of them a digit")
    return Numbers(given.get("currency", given.get("unit", "")).strip(), thousands, decimal)
