"""SQL that reads a text as a time or number and writes it in the contract's notation."""

from __future__ import annotations

import re
from decimal import Decimal

from dashboard.intake.mapping import ColumnMapping, Numbers
from dashboard.intake.sql import identifier, literal
from dashboard.intake.time_formats import EPOCHS, has_zone

#: Expressions by name, layer by layer; each layer may use the ones before it.
Ways = list[dict[str, str]]


def way(name: str, part: str) -> str:
    """The name of an expression on the way to a column's value."""
    return identifier(f"{part}_of_{name}")


def instant(moment: str, zone: str) -> str:
    """A local time of a zone in the contract's notation for instants."""
    if zone == "UTC":
        return f"{moment}::varchar || 'Z'"
    return f"timezone('UTC', timezone({literal(zone)}, {moment}))::varchar || 'Z'"


def moment_of(name: str, raw: str, mapped: ColumnMapping, ways: Ways) -> str:
    """A time or date by its formats."""
    made = []
    local = [text for text in mapped.formats if not has_zone(text)]
    zoned = [text for text in mapped.formats if has_zone(text) and text not in EPOCHS]
    counted = [text for text in mapped.formats if text in EPOCHS]
    date = mapped.column.kind == "date"
    if local:
        ways.append({"local": f"try_strptime({raw}, [{', '.join(map(literal, local))}])"})
        moment = way(name, "local")
        text = f"{moment}::varchar" if mapped.timezone is None else instant(moment, mapped.timezone)
        made.append(f"{moment}::date::varchar" if date else f"case when in_range({moment}) then {text} end")
    if zoned:
        # DuckDB's %z reads no Z.
        written = f"regexp_replace({raw}, '[Zz]$', '+00:00')"
        ways.append({"zoned": f"timezone('UTC', try_strptime({written}, [{', '.join(map(literal, zoned))}]))"})
        moment = way(name, "zoned")
        made.append(_universal(moment, date=date))
    for text in counted:
        ways.append({text: _since_1970(raw, EPOCHS[text])})
        made.append(_universal(way(name, text), date=date))
    return f"coalesce({', '.join(made)})" if len(made) > 1 else made[0]


def _universal(moment: str, *, date: bool) -> str:
    return f"{moment}::date::varchar" if date else f"case when in_range({moment}) then {moment}::varchar || 'Z' end"


def _since_1970(raw: str, units: int) -> str:
    """A number of seconds, or of fractions of which so many make one, as a time of UTC in whole seconds."""
    # So many digits reach beyond the year 5000, and no product leaves its type.
    digits = 10 + len(str(units))
    whole = f"regexp_extract({raw}, '^(-?\\d{{1,{digits}}})(?:\\.\\d*)?$', 1)"
    return f"make_timestamp(try_cast({whole} as bigint) // {units} * 1000000)"


def number_of(name: str, raw: str, numbers: Numbers, kind: str, ways: Ways) -> str:
    """A number by its format.

    Most numbers have their sign or unit at one end and no separator; they need no pattern.
    """
    unsigned, bare, digits = way(name, "unsigned"), way(name, "bare"), way(name, "digits")
    sign, zeros = numbers.currency, "without_fraction" if kind == "whole number" else "without_zeros"
    stripped = (
        f"case when starts_with({raw}, {literal(sign)}) then substring({raw}, {len(sign) + 1}) "
        f"when ends_with({raw}, {literal(sign)}) then left({raw}, -{len(sign)}) else {raw} end"
    )
    ways.append({"unsigned": stripped if sign else raw})
    others = [mark for mark in (numbers.thousands, "." if numbers.decimal != "." else "") if mark]
    pointed = _pointed(unsigned, numbers)
    conditions = [f"not contains({unsigned}, {literal(mark)})" for mark in others]
    conditions.append(f"try_cast({pointed} as decimal(14, 2)) is not null")
    ways.append({"bare": f"case when {' and '.join(conditions)} then trim({pointed}) end"})
    pattern = literal(_number_pattern(numbers))
    ways.append({"digits": f"case when {bare} is null then regexp_extract({raw}, {pattern}, 1) end"})
    body = f"regexp_replace({digits}, {literal(_thousands(numbers))}, '', 'g')" if numbers.thousands else digits
    minus = f"if(regexp_matches({raw}, '[(−-]'), '-', '')"
    closed = f"{digits} <> '' and contains({raw}, '(') = contains({raw}, ')')"
    whole, part = bare, _pointed(body, numbers)
    if numbers.times is None:
        whole, part = f"{zeros}({whole})", f"{zeros}({part})"
    number = f"case when {bare} is not null then {whole} when {closed} then {minus} || {part} end"
    return number if numbers.times is None else _multiplied(number, numbers.times, 0 if kind == "whole number" else 2)


def _multiplied(number: str, times: Decimal, places: int) -> str:
    """The product, rounded half away from zero; 20 and 18 digits fit into DuckDB's 38."""
    scale = max(-int(times.as_tuple().exponent), 0)
    product = f"try_cast({number} as decimal(20, 8)) * {literal(f'{times:f}')}::decimal(18, {scale})"
    # A cast would take 1_000 and 1e-3 for numbers, too.
    return f"case when regexp_full_match({number}, '[+-]?\\d*\\.?\\d*') then round({product}, {places})::varchar end"


def _pointed(text: str, numbers: Numbers) -> str:
    return text if numbers.decimal == "." else f"replace({text}, {literal(numbers.decimal)}, '.')"


def _thousands(numbers: Numbers) -> str:
    return "[ \u00a0\u202f]" if numbers.thousands == " " else re.escape(numbers.thousands)


def _number_pattern(numbers: Numbers) -> str:
    """The whole value, the digits with their separators as its group."""
    whole = r"\d+"
    if numbers.thousands:
        mark = _thousands(numbers)
        whole = rf"\d{{1,3}}(?:{mark}\d{{2,3}})*{mark}\d{{3}}|\d+"
    decimal = re.escape(numbers.decimal)
    digits = rf"((?:{whole})(?:{decimal}\d*)?|{decimal}\d+)"
    sign = rf"(?:{re.escape(numbers.currency)})?" if numbers.currency else ""
    return rf"(?i)^[(+−-]?\s*{sign}\s*[+−-]?\s*{digits}\s*{sign}\s*[)−-]?$"
