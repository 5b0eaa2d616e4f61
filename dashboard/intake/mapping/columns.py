"""Reads what a mapping says of a column, and refuses what cannot work."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dashboard.intake.contract import LONGEST_TEXT, Column
from dashboard.intake.mapping import ColumnMapping, Lookup, Numbers, Pattern
from dashboard.intake.mapping.months import MONTHS, names_months, names_weekdays
from dashboard.intake.mapping.patterns import MOST_GROUPS, groups_of
from dashboard.intake.mapping.place import Place
from dashboard.intake.mapping.sources import Joins, join_of, own_key, source_of
from dashboard.intake.mapping.time_formats import fault_of
from dashboard.intake.reading.header import nearest
from dashboard.intake.reference import Reference

_NUMBERS = ("currency", "unit", "thousands", "decimal")
_ORIGINS = ("column", "constant", "row_number", "file_name", "unknown")
_MAKING = (
    "pattern",
    "values",
    "default",
    "otherwise",
    "unusable",
    "format",
    "language",
    "timezone",
    *_NUMBERS,
    "times",
)
_COLUMN = (*_ORIGINS, "separator", "join", "key", *_MAKING)
#: Factors beyond are of no unit, and the smaller ones would lose digits.
_LEAST_FACTOR, _MOST_FACTOR = Decimal("0.000001"), Decimal(1_000_000)
_FACTOR_DIGITS = 18
_FEWEST = 2
_SHAPES = {
    "timestamp": (r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*", "a time like 2026-01-05 09:00"),
    "date": (r"\d{4}-\d{2}-\d{2}", "a date like 1980-12-31"),
    "whole number": (r"-?\d+", "a whole number"),
    "amount": (r"-?\d+(\.\d{1,2})?", "an amount like 475.00"),
}


def column_of(data: Any, column: Column, joins: Joins, reference: Reference, place: Place) -> ColumnMapping:
    """What a column of the contract is made of."""
    if not isinstance(data, dict):
        data = {"column": data}
    place.check_keys(data, _COLUMN, "setting")
    mapped = ColumnMapping(column, keys=_keys(column, reference))
    origins = [name for name in _ORIGINS if name in data]
    if len(origins) != 1:
        several = " and not several" * (len(origins) > 1)
        raise place.fault(f"needs one of {', '.join(_ORIGINS[:-1])} and {_ORIGINS[-1]}{several}")
    if origins == ["constant"]:
        return _constant(data, mapped, place)
    if origins == ["row_number"]:
        return replace(mapped, row_number=_row_number(data, column, place))
    if origins == ["unknown"]:
        return replace(mapped, unknown=_unknown(data, column, place))
    mapped = _file_name(data, mapped, place) if origins == ["file_name"] else _sources(data, mapped, joins, place)
    pattern, numbers = _pattern(data, place), _numbers(data, column, place)
    if numbers and numbers.each and (pattern is None or pattern.groups != len(numbers.each)):
        raise place.fault(
            f"times has {len(numbers.each)} numbers, so that a pattern with as many groups is needed, each of which "
            "is multiplied by one: pattern = '^(\\d+):(\\d+)$', times = [60, 1]"
        )
    return replace(
        mapped,
        pattern=pattern,
        values=_values(data, mapped, place),
        default=_default(data, mapped, place),
        unusable=_unusable(data, column, place),
        formats=_formats(data, column, place),
        language=_language(data, place),
        timezone=_timezone(data, column, place),
        numbers=numbers,
    )


def _row_number(data: dict[str, Any], column: Column, place: Place) -> str:
    if column.personal and column.kind == "identifier":
        raise place.fault(
            "row_number would make every row a patient of its own; name columns that tell patients apart, such as "
            'column = "Email" or column = ["Name", "Birth date"], of which only a keyed hash is kept. Where nothing '
            "tells them, say { unknown = true }: every booking is then a patient of its own, and the report says so"
        )
    if column.kind != "identifier" or len(data) > 1:
        raise place.fault("row_number goes with ids of rows only, and with no other setting")
    return place.text(data["row_number"], "row_number")


def _unknown(data: dict[str, Any], column: Column, place: Place) -> bool:
    if data["unknown"] is not True or len(data) > 1:
        raise place.fault("unknown must be true, and goes with no other setting")
    if not (column.personal and column.kind == "identifier"):
        raise place.fault("unknown goes with patient_id only; leave out a column that nothing is known of")
    return True


def _file_name(data: dict[str, Any], mapped: ColumnMapping, place: Place) -> ColumnMapping:
    if data["file_name"] is not True:
        raise place.fault(f"file_name must be true, not {data['file_name']!r}")
    if mapped.column.kind == "identifier":
        raise place.fault("an id cannot be the same in every row of a file; name a column of the file")
    if others := [name for name in data if name not in ("file_name", *_MAKING)]:
        raise place.fault(f"{', '.join(others)} goes with column only, and not with file_name")
    return replace(mapped, file_name=True)


def _sources(data: dict[str, Any], mapped: ColumnMapping, joins: Joins, place: Place) -> ColumnMapping:
    given = data["column"] if isinstance(data["column"], list) else [data["column"]]
    if not given:
        raise place.fault("column is empty; name the column of the file")
    return replace(
        mapped,
        sources=tuple(source_of(one, "column", place) for one in given),
        separator=place.text(data.get("separator", " "), "separator"),
        lookup=_lookup(data, joins, place),
    )


def _pattern(data: dict[str, Any], place: Place) -> Pattern | None:
    if "pattern" not in data:
        return None
    text = place.text(data["pattern"], "pattern")
    if not text or "\0" in text:
        raise place.fault("pattern is empty or holds a zero byte; write it like '^(.*)-' in single quotes")
    try:
        groups = groups_of(text)
    except ValueError as error:
        raise place.fault(
            f"the pattern {text!r} cannot be read ({error}); write it as RE2 has it, in single quotes, and with a "
            "backslash before signs that are meant as they are: '\\(' for a parenthesis"
        ) from error
    if groups > MOST_GROUPS:
        raise place.fault(
            f"the pattern {text!r} has more than {MOST_GROUPS} groups; write (?:…) for those that are not values"
        )
    return Pattern(text, groups)


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


def _constant(data: dict[str, Any], mapped: ColumnMapping, place: Place) -> ColumnMapping:
    if len(data) > 1:
        raise place.fault("a constant goes with no other setting")
    if mapped.column.kind == "identifier" and mapped.column.required:
        raise place.fault("an id cannot be the same in every row; name a column of the file")
    return replace(mapped, constant=_word(data["constant"], mapped, place))


def _word(value: Any, mapped: ColumnMapping, place: Place) -> str:
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


def _lookup(data: dict[str, Any], joins: Joins, place: Place) -> Lookup | None:
    if "join" not in data:
        if "key" in data:
            raise place.fault("key goes with join only")
        return None
    if isinstance(data["join"], dict):
        join, key = join_of(data["join"], "", place.at(f"{place.name} join"))
    else:
        name = place.text(data["join"], "join")
        if name not in joins:
            raise place.fault(
                f"there is no [joins.{name}]{nearest(name, joins)}; add it, or write join = {{ file = …, key = … }}"
            )
        join, key = joins[name]
    return Lookup(join, own_key(data["key"], join, place) if "key" in data else key)


def _values(data: dict[str, Any], mapped: ColumnMapping, place: Place) -> dict[str, str]:
    given = data.get("values", {})
    if not isinstance(given, dict):
        raise place.fault('values must be a table like { Yes = "no_show", No = "completed" }')
    return {name.strip(): _word(value, mapped, place) for name, value in given.items()}


def _default(data: dict[str, Any], mapped: ColumnMapping, place: Place) -> str | None:
    if "default" in data and "otherwise" in data:
        raise place.fault("default and otherwise mean the same; give one of them")
    given = data.get("default", data.get("otherwise"))
    return None if given is None else _word(given, mapped, place)


def _unusable(data: dict[str, Any], column: Column, place: Place) -> bool:
    if "unusable" not in data:
        return False
    if data["unusable"] != "empty":
        raise place.fault(
            f'unusable must be "empty", not {data["unusable"]!r}; without it such a value rejects its row'
        )
    if column.required or column.kind == "identifier":
        raise place.fault("unusable goes with columns that may be empty, and not with ids")
    if "default" in data or "otherwise" in data:
        raise place.fault("default says already what every other value becomes, and unusable too; give one of them")
    return True


def _formats(data: dict[str, Any], column: Column, place: Place) -> tuple[str, ...]:
    if "format" not in data:
        return ()
    if column.kind not in ("timestamp", "date"):
        raise place.fault(f"format goes with times and dates only; {column.name} is a {column.kind}")
    given = data["format"] if isinstance(data["format"], list) else [data["format"]]
    for text in given:
        if fault := fault_of(place.text(text, "format")):
            raise place.fault(f"the format {text!r} {fault}")
    if not given:
        raise place.fault("format is empty")
    return tuple(given)


def _language(data: dict[str, Any], place: Place) -> str:
    if "language" not in data:
        return ""
    formats = data.get("format", ())
    formats = [formats] if isinstance(formats, str) else formats
    if not any(names_months(text) or names_weekdays(text) for text in formats):
        raise place.fault(
            "language goes with a format that has %b or %B, the name of a month, or %a or %A, that of a weekday"
        )
    language = place.text(data["language"], "language").lower()
    if language not in MONTHS:
        raise place.fault(
            f"the language {language!r} is not known; known are {', '.join(MONTHS)}, and English without"
        )
    return language


def _timezone(data: dict[str, Any], column: Column, place: Place) -> str | None:
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


def _numbers(data: dict[str, Any], column: Column, place: Place) -> Numbers | None:
    given = {name: place.text(data[name], name) for name in _NUMBERS if name in data}
    named = [*given, *(["times"] if "times" in data else [])]
    if not named:
        return None
    if column.kind not in ("whole number", "amount"):
        raise place.fault(f"{', '.join(named)} goes with numbers only; {column.name} is a {column.kind}")
    if "currency" in given and "unit" in given:
        raise place.fault("currency and unit mean the same; give one of them")
    thousands, decimal = given.get("thousands", ""), given.get("decimal", ".")
    if len(thousands) > 1 or thousands.isdigit() or len(decimal) != 1 or decimal.isdigit() or thousands == decimal:
        raise place.fault("thousands and decimal must be two different single characters, neither of them a digit")
    sign = given.get("currency", given.get("unit", "")).strip()
    if isinstance(data.get("times"), list):
        if given or len(data["times"]) < _FEWEST:
            raise place.fault("a list of times needs two numbers or more, and goes with no other setting of numbers")
        return Numbers(each=tuple(_times(one, place) for one in data["times"]))
    return Numbers(sign, thousands, decimal, _times(data["times"], place) if "times" in data else None)


def _times(value: Any, place: Place) -> Decimal:
    """The factor as it is written, in as many digits as DuckDB multiplies exactly."""
    factor = Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else Decimal(0)
    if not (factor.is_finite() and _LEAST_FACTOR <= factor <= _MOST_FACTOR):
        raise place.fault(
            f"times must be a number from {_LEAST_FACTOR:f} to {_MOST_FACTOR:,}, such as 60 or 0.01, not {value!r}"
        )
    places = min(max(-int(factor.as_tuple().exponent), 0), _FACTOR_DIGITS - max(factor.adjusted() + 1, 0))
    return factor.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
