"""SQL that reads a text as a time or number and writes it in the contract's notation."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from dashboard.intake.mapping import ColumnMapping, Numbers
from dashboard.intake.mapping.months import english, english_day, names_weekdays, shortened
from dashboard.intake.mapping.time_formats import EPOCHS, EXCEL, ZONES, has_zone
from dashboard.intake.sql import identifier, literal

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
    formats = [shortened(text) for text in mapped.formats] if mapped.language else list(mapped.formats)
    local = [text for text in formats if not has_zone(text) and text != EXCEL]
    # DuckDB's %z reads no Z, and its %Z not all names.
    offset = [text for text in formats if has_zone(text) and text not in EPOCHS and "%Z" not in text]
    named = [text for text in formats if "%Z" in text]
    counted = [text for text in formats if text in EPOCHS]
    date = mapped.column.kind == "date"
    if local or offset or named:
        ways.append({"written": _spaced(raw, formats)})
        if mapped.language:
            days = any(map(names_weekdays, formats))
            if days:
                ways.append({"weekday": english_day(way(name, "written"), mapped.language)})
            ways.append({"english": english(way(name, "weekday" if days else "written"), mapped.language)})
    written = way(name, "english" if mapped.language else "written")
    if local:
        ways.append({"local": _parsed(written, local)})
        made.append(_wall_clock(way(name, "local"), mapped, date=date))
    if EXCEL in formats:
        ways.append({EXCEL: _since_1899(raw)})
        made.append(_wall_clock(way(name, EXCEL), mapped, date=date))
    for part, texts, text in (
        ("zoned", offset, f"regexp_replace({written}, '[Zz]$', '+00:00')"),
        ("named", named, _named(written)),
    ):
        if texts:
            ways.append({part: f"timezone('UTC', {_parsed(text, texts)})"})
            made.append(_universal(way(name, part), date=date))
    for text in counted:
        ways.append({text: _since_1970(raw, EPOCHS[text])})
        made.append(_universal(way(name, text), date=date))
    return f"coalesce({', '.join(made)})" if len(made) > 1 else made[0]


def read_by(text: str, form: str) -> str:
    """A text as a time by one format, which counts nothing."""
    written = _spaced(text, [form])
    return _parsed(_named(written) if "%Z" in form else written, [form])


def _spaced(text: str, formats: Sequence[str]) -> str:
    # Browsers put a narrow space, which no format has, before AM and PM.
    spaced = f"replace(replace({text}, '\u202f', ' '), '\u00a0', ' ')"
    if any("%f" in one for one in formats):
        # Some databases write more digits of a second than DuckDB's %f reads.
        spaced = rf"regexp_replace({spaced}, '(\.\d{{6}})\d+', '\1')"
    if any("%p" in one for one in formats):
        # a.m., as in Canada, a. m., as in Spanish, and 9:05a, as where a column is narrow.
        spaced = rf"regexp_replace({spaced}, '(?i)(\d ?[ap])(?:\. ?m\.|\.?)(\W|$)', '\1m\2')"
    return spaced


def _parsed(text: str, formats: Sequence[str]) -> str:
    spaced = [one.replace("\u202f", " ").replace("\u00a0", " ") for one in formats]
    return f"try_strptime({text}, [{', '.join(map(literal, spaced))}])"


def _named(text: str) -> str:
    """A text with short names of zones as offsets."""
    for short, hours in ZONES.items():
        text = rf"regexp_replace({text}, '\b{short}\b', 'GMT{hours:+d}')"
    return text


def _wall_clock(moment: str, mapped: ColumnMapping, *, date: bool) -> str:
    """A time without a zone, which is the site's own unless the mapping says another."""
    if date:
        return f"{_born(moment, mapped)}::date::varchar"
    text = f"{moment}::varchar" if mapped.timezone is None else instant(moment, mapped.timezone)
    return f"case when in_range({moment}) then {text} end"


def _born(day: str, mapped: ColumnMapping) -> str:
    """A birth date; one with two digits of the year that lies ahead is of the century before."""
    if not any("%y" in text for text in mapped.formats):
        return day
    # Four digits say which century is meant, and are wrong if they lie ahead.
    written = f"regexp_matches({way(mapped.column.name, 'written')}, '(^|\\D)(\\d{{4}}|\\d{{8}})(\\D|$)')"
    return f"if({day} > current_date and not {written}, {day} - interval 100 years, {day})"


def _since_1899(raw: str) -> str:
    """A spreadsheet's number of days as a time, to the nearest second: halves of a minute are no exact fractions."""
    number = f"case when regexp_matches({raw}, '^\\d{{1,6}}(\\.\\d+)?$') then try_cast({raw} as double) end"
    return f"timestamp '1899-12-30' + to_seconds(round({number} * 86400)::bigint)"


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


def sum_of(parts: Sequence[str], each: Sequence[Decimal], kind: str) -> str:
    """The sum of numbers, each multiplied by its own; missing ones count nothing, and anything else gives none."""
    sound = " and ".join(f"coalesce(regexp_full_match({part}, '\\d+\\.?\\d*|\\.\\d+'), true)" for part in parts)
    terms = " + ".join(
        f"coalesce(try_cast({part} as double), 0) * {times:f}::double"
        for part, times in zip(parts, each, strict=True)
    )
    made = "bigint" if kind == "whole number" else "decimal(14, 2)"
    return f"case when {sound} then try_cast(round({terms}, {0 if made == 'bigint' else 2}) as {made})::varchar end"


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
