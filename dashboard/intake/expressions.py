"""Turns a table's mapping into the select statement behind the view `delivered`.

The statement has layers, each of which computes once what the next one uses: source columns as
trimmed text, the raw value of each column of the contract, what is made of it on the way, its
value, and last the values with the flags of those that could not be made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Names
from collections.abc import Sequence
from dataclasses import dataclass, field

from dashboard.intake.filters import left_out
from dashboard.intake.mapping import ColumnMapping, Join, KeyColumns, Numbers, SourceColumn, TableMapping, has_zone
from dashboard.intake.sql import identifier, literal

#: Stands between the parts of a key, and in no value.
_BETWEEN = "\x1f"
_LEFT_OUT = "left_out"
_FLOATS = ("FLOAT", "DOUBLE", "DECIMAL")


@dataclass(frozen=True)
class Loaded:
    """The temporary table that holds a join's columns beside its key, and their DuckDB types."""

    table: str
    types: Names[SourceColumn, str]


def lookup_column(source: SourceColumn) -> str:
    """The name of a column in it: DuckDB doesn't tell names by their case."""
    return repr(source).lower()


@dataclass
class _Steps:
    """A column's expressions, layer by layer; `reason` is why `value` may be missing where `raw` isn't."""

    raw: str
    ways: list[dict[str, str]] = field(default_factory=list)
    value: str = ""
    reason: str | None = None
    misses: str | None = None


@dataclass(frozen=True)
class Misfit:
    """Why a value of a column may be refused by the mapping; `missing` is for a key without row."""

    reason: str | None
    missing: str | None


class Expressions:
    """The statement for one file, and why its values may be refused.

    Args:
        mapping: of the table.
        name: of the file.
        types: DuckDB's types of a Parquet file's columns, else empty.
        places: the position of each source column in the file.
        lookups: the temporary table of each join.
    """

    def __init__(
        self,
        mapping: TableMapping,
        name: str,
        types: tuple[str, ...],
        places: Names[SourceColumn, int],
        lookups: Names[Join, Loaded],
    ) -> None:
        self._mapping = mapping
        self._name = name
        self._types = types
        self._places = places
        self._lookups = lookups
        self._mapped = {one.column.name: one for one in mapping.columns}
        self._steps = {name: self._make(name, one) for name, one in self._mapped.items()}

    def misfits(self) -> dict[str, Misfit]:
        """For each mapped column, why its values may be refused."""
        return {
            name: Misfit(steps.reason, steps.misses and _missing(self._mapped[name]))
            for name, steps in self._steps.items()
        }

    def select(self, rows: str) -> str:
        """The statement that reads `rows`, a relation whose columns are named by their positions."""
        empty = self._mapping.files.layout.empty
        cleaned = [
            f"{clean_text(place, self._type(place), empty)} as {_source(place)}"
            for place in sorted(set(self._places.values()))
        ]
        numbered = bool(self._joins) or any(one.row_number is not None for one in self._mapped.values())
        if numbered:
            cleaned.append("row_number() over () as row_number")
        raws = [f"{steps.raw} as {_raw(name)}" for name, steps in self._steps.items()]
        values = [f"{steps.value} as {_value(name)}" for name, steps in self._steps.items()]
        misses = [f"{steps.misses} as {_miss(name)}" for name, steps in self._steps.items() if steps.misses]
        order = " order by row_number" if self._joins else ""
        carried = ["row_number"] if self._joins else []
        if self._mapping.filters:
            carried.append(_LEFT_OUT)
        made = (
            f"(select {', '.join([*raws, *misses, *carried])} from "  # noqa: S608
            f"{self._filtered(cleaned, rows)} as delivered_row{self._join_clauses()})"
        )
        for layer in range(max((len(steps.ways) for steps in self._steps.values()), default=0)):
            ways = [
                f"{text} as {_way(name, part)}"
                for name, steps in self._steps.items()
                if layer < len(steps.ways)
                for part, text in steps.ways[layer].items()
            ]
            made = f"(select {', '.join(['*', *ways])} from {made})"  # noqa: S608
        made = f"(select {', '.join(['*', *values])} from {made})"  # noqa: S608
        return f"select {', '.join(self._final())} from {made}{order}"  # noqa: S608

    def _filtered(self, cleaned: list[str], rows: str) -> str:
        """The cleaned source columns, empty in rows that a filter leaves out, so that nothing is made of them."""
        filters, empty = self._mapping.filters, self._mapping.files.layout.empty
        read = f"(select {', '.join(cleaned) or '1'} from {rows})"  # noqa: S608
        if not filters:
            return read
        places = [self._places[one.column] for one in filters]
        # A number from Parquet is compared as an id is written: 1, not 1.0.
        texts = [_typed_text(_source(place), self._type(place), "identifier") for place in places]
        kept = [f"if({_LEFT_OUT} = 0, {_source(one)}, null) as {_source(one)}" for one in set(self._places.values())]
        marked = f"(select *, {left_out(filters, texts, empty)} as {_LEFT_OUT} from {read})"  # noqa: S608
        return f"(select * replace ({', '.join(sorted(kept))}) from {marked})"  # noqa: S608

    @property
    def _joins(self) -> dict[tuple[Join, KeyColumns], str]:
        """The alias of each join with each key."""
        pairs = dict.fromkeys((one.lookup.join, one.lookup.key) for one in self._mapped.values() if one.lookup)
        return {pair: f"joined_{number}" for number, pair in enumerate(pairs)}

    def _join_clauses(self) -> str:
        return "".join(
            f" left join {identifier(self._lookups[join].table)} as {alias} on {alias}.key = {self._joined_by(key)}"
            for (join, key), alias in self._joins.items()
        )

    def _joined_by(self, key: KeyColumns) -> str:
        return joined_key([f"delivered_row.{_source(self._places[one])}" for one in key])

    def _final(self) -> list[str]:
        table = self._mapping.table
        columns, flags = [], ["0::ubigint"]
        for place, column in enumerate(table.columns):
            steps, name = self._steps.get(column.name), column.name
            if steps is None:
                columns.append(f"null::varchar as {identifier(name)}")
                continue
            # What cannot be read is passed on as it stands, for the reject to show.
            columns.append(f"coalesce({_value(name)}, {_raw(name)}) as {identifier(name)}")
            conditions = []
            if steps.reason:
                conditions.append(f"({_raw(name)} is not null and {_value(name)} is null)")
            if steps.misses:
                conditions.append(_miss(name))
            if conditions:
                flags.append(f"flag({' or '.join(conditions)}, {place})")
        misfits = " + ".join(flags)
        if self._mapping.filters:
            misfits = f"case when {_LEFT_OUT} = 0 then {misfits} else {_LEFT_OUT} end"
        return [*columns, f"{misfits} as misfits"]

    def _type(self, place: int) -> str:
        return self._types[place] if self._types else "VARCHAR"

    def _make(self, name: str, mapped: ColumnMapping) -> _Steps:
        steps = _Steps(self._raw_of(mapped))
        raw = _raw(name)
        words = {word: value for word, value in mapped.values.items() if value and word}
        if mapped.constant is not None or mapped.row_number is not None:
            steps.value = raw
            return steps
        made = self._made(name, mapped, steps)
        if words:
            compared = raw
            if len({word.lower() for word in words}) == len(words):
                words = {word.lower(): value for word, value in words.items()}
                steps.ways.append({"word": f"lower({raw})"})
                compared = _way(name, "word")
            whens = " ".join(f"when {literal(word)} then {literal(value)}" for word, value in words.items())
            steps.value = f"case {compared} {whens} else {made or 'null'} end"
        else:
            steps.value = made or raw
        if mapped.values and not made:
            steps.reason = "is not among the mapped values"
        if mapped.values.get(""):
            steps.value = f"case when {raw} is null then {literal(mapped.values[''])} else {steps.value} end"
        if mapped.default is not None:
            steps.value = f"coalesce({steps.value}, {literal(mapped.default)})"
            steps.reason = None
        if self._mapping.is_keyed(mapped):
            steps.value = f"keyed({steps.value})"
        if mapped.lookup and mapped.column.required and mapped.default is None:
            alias = self._joins[mapped.lookup.join, mapped.lookup.key]
            steps.misses = f"({alias}.key is null and {self._joined_by(mapped.lookup.key)} is not null)"
        return steps

    def _raw_of(self, mapped: ColumnMapping) -> str:
        """The value as the file has it; null where it is empty or a word that means so."""
        if mapped.constant is not None:
            return f"nullif({literal(mapped.constant)}, '')"
        if mapped.row_number is not None:
            return f"{literal(f'{mapped.row_number}{self._name}-')} || row_number"
        parts = [self._part(mapped, source) for source in mapped.sources]
        raw = parts[0]
        if len(parts) > 1 and mapped.column.kind == "identifier":
            raw = f" || {literal(mapped.separator)} || ".join(parts)
        elif len(parts) > 1:
            raw = f"nullif(concat_ws({literal(mapped.separator)}, {', '.join(parts)}), '')"
        empty = [word for word, value in mapped.values.items() if not value and word]
        if not empty:
            return raw
        return f"case when {raw} not in ({', '.join(map(literal, empty))}) then {raw} end"

    def _part(self, mapped: ColumnMapping, source: SourceColumn) -> str:
        if mapped.lookup:
            alias = self._joins[mapped.lookup.join, mapped.lookup.key]
            text = f"{alias}.{identifier(lookup_column(source))}"
        else:
            text = _source(self._places[source])
        return _typed_text(text, self._source_type(mapped, source), mapped.column.kind)

    def _source_type(self, mapped: ColumnMapping, source: SourceColumn) -> str:
        if mapped.lookup:
            return self._lookups[mapped.lookup.join].types[source]
        return self._type(self._places[source])

    def _made(self, name: str, mapped: ColumnMapping, steps: _Steps) -> str | None:
        """The value by format, number format or name; None where the raw value will do."""
        raw = _raw(name)
        typed = any(self._source_type(mapped, source).startswith(("TIMESTAMP", "DATE")) for source in mapped.sources)
        if mapped.formats and not typed:
            steps.reason = f"does not match the format {' or '.join(mapped.formats)}"
            if mapped.column.kind == "timestamp":
                steps.reason += ", or is not from 1990 to 2100"
            return _moment(name, mapped, steps)
        if mapped.timezone:
            steps.ways.append({"moment": f"as_local({raw})"})
            return f"coalesce({_instant(_way(name, 'moment'), mapped.timezone)}, {raw})"
        if mapped.numbers:
            steps.reason = f"is not a number like {mapped.numbers.example}"
            return _number(name, mapped.numbers, mapped.column.kind, steps)
        if mapped.keys:
            steps.ways.append({"key": f"lower({raw})"})
            others = {word: key for word, key in mapped.keys.items() if word != key}
            whens = " ".join(f"when {literal(word)} then {literal(key)}" for word, key in others.items())
            return f"case {_way(name, 'key')} {whens} else {raw} end" if others and not mapped.values else None
        return None


def joined_key(parts: Sequence[str]) -> str:
    """The key of a join from its parts; null where one is."""
    return f"({f' || {literal(_BETWEEN)} || '.join(parts)})"


def clean_text(place: int, kind: str, empty: tuple[str, ...]) -> str:
    """A source column as trimmed text; null where it is empty or a word that means so."""
    name = identifier(str(place))
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {name})::varchar || 'Z'"
    if kind.startswith("TIMESTAMP"):
        return f"{name}::timestamp::varchar"
    text = name if kind == "VARCHAR" else f"{name}::varchar"
    trimmed = f"cleaned({text})"
    words = [word for word in empty if word]
    if not words:
        return trimmed
    return f"case when {trimmed} not in ({', '.join(map(literal, words))}) then {trimmed} end"


def _typed_text(text: str, kind: str, wanted: str) -> str:
    """A Parquet column's text in the contract's notation for the kind of value that is wanted."""
    if kind == "DATE" and wanted == "timestamp":
        return f"{text} || ' 00:00'"
    if kind.startswith("TIMESTAMP") and wanted == "date":
        return f"left({text}, 10)"
    if kind.startswith(_FLOATS) and wanted in ("identifier", "whole number"):
        return f"regexp_replace({text}, '\\.0+$', '')"
    if kind.startswith(_FLOATS) and wanted == "amount":
        return f"without_zeros({text})"
    return text


def _missing(mapped: ColumnMapping) -> str | None:
    if mapped.lookup is None:
        return None
    rows = "has no row, or several," if mapped.lookup.join.doubled else "has no row"
    return f"{rows} in {mapped.lookup.join.name} with its {' + '.join(map(str, mapped.lookup.key))}"


def _source(place: int) -> str:
    return f"source_{place}"


def _raw(name: str) -> str:
    return identifier(f"raw_{name}")


def _way(name: str, part: str) -> str:
    return identifier(f"{part}_of_{name}")


def _value(name: str) -> str:
    return identifier(f"value_{name}")


def _miss(name: str) -> str:
    return identifier(f"miss_{name}")


def _instant(moment: str, zone: str) -> str:
    """A local time of a zone in the contract's notation for instants."""
    if zone == "UTC":
        return f"{moment}::varchar || 'Z'"
    return f"timezone('UTC', timezone({literal(zone)}, {moment}))::varchar || 'Z'"


def _moment(name: str, mapped: ColumnMapping, steps: _Steps) -> str:
    """A time or date by its formats, in the contract's notation."""
    raw, made = _raw(name), []
    local = [text for text in mapped.formats if not has_zone(text)]
    zoned = [text for text in mapped.formats if has_zone(text)]
    date = mapped.column.kind == "date"
    if local:
        steps.ways.append({"local": f"try_strptime({raw}, [{', '.join(map(literal, local))}])"})
        moment = _way(name, "local")
        text = f"{moment}::varchar" if mapped.timezone is None else _instant(moment, mapped.timezone)
        made.append(f"{moment}::date::varchar" if date else f"case when in_range({moment}) then {text} end")
    if zoned:
        # DuckDB's %z reads no Z.
        written = f"regexp_replace({raw}, '[Zz]$', '+00:00')"
        steps.ways.append({"zoned": f"timezone('UTC', try_strptime({written}, [{', '.join(map(literal, zoned))}]))"})
        moment = _way(name, "zoned")
        made.append(
            f"{moment}::date::varchar" if date else f"case when in_range({moment}) then {moment}::varchar || 'Z' end"
        )
    return f"coalesce({', '.join(made)})" if len(made) > 1 else made[0]


def _number(name: str, numbers: Numbers, kind: str, steps: _Steps) -> str:
    """A number by its format, in the contract's notation.

    Most numbers have their sign or unit at one end and no separator; they need no pattern.
    """
    raw, unsigned, bare, digits = _raw(name), _way(name, "unsigned"), _way(name, "bare"), _way(name, "digits")
    sign, zeros = numbers.currency, "without_fraction" if kind == "whole number" else "without_zeros"
    stripped = (
        f"case when starts_with({raw}, {literal(sign)}) then substring({raw}, {len(sign) + 1}) "
        f"when ends_with({raw}, {literal(sign)}) then left({raw}, -{len(sign)}) else {raw} end"
    )
    steps.ways.append({"unsigned": stripped if sign else raw})
    others = [mark for mark in (numbers.thousands, "." if numbers.decimal != "." else "") if mark]
    pointed = _pointed(unsigned, numbers)
    conditions = [f"not contains({unsigned}, {literal(mark)})" for mark in others]
    conditions.append(f"try_cast({pointed} as decimal(14, 2)) is not null")
    steps.ways.append({"bare": f"case when {' and '.join(conditions)} then trim({pointed}) end"})
    pattern = literal(_number_pattern(numbers))
    steps.ways.append({"digits": f"case when {bare} is null then regexp_extract({raw}, {pattern}, 1) end"})
    body = f"regexp_replace({digits}, {literal(_thousands(numbers))}, '', 'g')" if numbers.thousands else digits
    return (
        f"case when {bare} is not null then {zeros}({bare}) "
        f"when {digits} <> '' and contains({raw}, '(') = contains({raw}, ')') "
        f"then if(regexp_matches({raw}, '[(−-]'), '-', '') || {zeros}({_pointed(body, numbers)}) end"
    )


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
