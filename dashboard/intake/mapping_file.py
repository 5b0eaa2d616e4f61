"""Reads a mapping file and refuses what cannot work, with place and remedy."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb

from dashboard.intake.contract import LONGEST_TEXT, TABLES, Column, DeliveryError, Table
from dashboard.intake.files import nearest
from dashboard.intake.mapping import (
    ColumnMapping,
    Files,
    Join,
    KeyColumns,
    Layout,
    Lookup,
    Mapping,
    Numbers,
    SourceColumn,
    TableMapping,
)
from dashboard.intake.reference import Reference
from dashboard.intake.transcode import python_name

_LONGEST_DELIMITER = 8
_LAYOUT = ("encoding", "delimiter", "quote", "escape", "skip", "header", "empty")
_TABLE = ("file", *_LAYOUT, "columns")
_JOIN = ("file", "key", "other_key", "doubled", *_LAYOUT)
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


@dataclass(frozen=True)
class _Place:
    """A place of the mapping file, for messages."""

    path: Path
    name: str

    def fault(self, what: str) -> DeliveryError:
        return DeliveryError(f"{self.path}, {self.name}: {what}")

    def at(self, name: str) -> _Place:
        return _Place(self.path, name)

    def check_keys(self, found: Iterable[str], known: Collection[str], what: str) -> None:
        for name in found:
            if name not in known:
                raise self.fault(f"there is no {what} {name!r}{nearest(name, known)}; known: {', '.join(known)}")

    def text(self, value: Any, name: str) -> str:
        if not isinstance(value, str):
            raise self.fault(f"{name} must be a text in quotes, not {value!r}")
        return value


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
    tables = {
        table.name: _table(data[table.name], table, joins, reference, place) for table in TABLES if table.name in data
    }
    personal = frozenset(
        str(source).lower()
        for table in tables.values()
        for mapped in table.columns
        if mapped.column.personal
        for source in mapped.sources
    )
    tables = {name: replace(table, personal=personal) for name, table in tables.items()}
    for table in tables.values():
        _refuse_leaks(table, place)
    keyed = frozenset(
        mapped.column.name
        for table in tables.values()
        for mapped in table.columns
        if mapped.column.kind == "identifier" and not mapped.column.personal and table.is_personal(mapped)
    )
    tables = {name: replace(table, keyed=keyed) for name, table in tables.items()}
    return Mapping(path, hashlib.sha256(content).hexdigest(), tables, data.get("fhir", {}))


def _refuse_leaks(table: TableMapping, place: _Place) -> None:
    for mapped in table.columns:
        if mapped.column.kind == "text" and not mapped.values and table.is_personal(mapped):
            raise place.at(f"[{table.table.name}.columns] {mapped.column.name}").fault(
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
    files = _files(data, place)
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
    data: Any, table: Table, joins: dict[str, tuple[Join, KeyColumns]], reference: Reference, top: _Place
) -> TableMapping:
    place = top.at(f"[{table.name}]")
    if not isinstance(data, dict):
        raise place.fault("must be a table with file and columns")
    place.check_keys(data, _TABLE, "setting")
    files = _files(data, place)
    columns = data.get("columns")
    within = place.at(f"[{table.name}.columns]")
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
        _column(columns[name], column, joins, reference, within.at(f"{within.name} {name}"))
        for name, column in known.items()
        if name in columns
    )
    return TableMapping(table, files, mapped)


def _files(data: dict[str, Any], place: _Place) -> Files:
    given = data.get("file")
    patterns: list[Any] = given if isinstance(given, list) else [given]
    if given is None or not patterns:
        raise place.fault('file is missing; name the file or a pattern like "appointments-*.csv"')
    for pattern in patterns:
        if not place.text(pattern, "file") or Path(pattern).is_absolute() or ".." in Path(pattern).parts:
            raise place.fault(f"file {pattern!r} must be a name or pattern within the delivery's folder")
    return Files(tuple(patterns), _layout(data, place))


def _layout(data: dict[str, Any], place: _Place) -> Layout:
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
