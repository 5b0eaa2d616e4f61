"""Turns a table's mapping into the select statement behind the view `delivered`.

The statement has layers, each of which computes once what the next one uses: source columns as
trimmed text, the raw value of each column of the contract, what is made of it on the way, its
value, and last the values with the flags of those that could not be made.
"""

from __future__ import annotations

from collections.abc import Mapping as Names
from collections.abc import Sequence
from dataclasses import dataclass, field

from dashboard.intake.mapping import ColumnMapping, Join, KeyColumns, Pattern, SourceColumn, TableMapping
from dashboard.intake.mapping.patterns import extracted
from dashboard.intake.mapping.readings import Ways, instant, moment_of, number_of, sum_of, way
from dashboard.intake.mapping.row_filters import left_out
from dashboard.intake.reading.files import bare_name
from dashboard.intake.sql import identifier, literal

#: Stands between the parts of a key, and in no value.
_BETWEEN = "\x1f"
_LEFT_OUT = "left_out"
#: The column that counts the files which are read as one, from 0.
PART = "part"
#: Of Parquet: times with a zone, to the microsecond and to the nanosecond, as pandas writes them.
_INSTANTS = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS")
#: Whole numbers below are all told apart.
_EXACT = {"FLOAT": 2**24, "DOUBLE": 2**53}
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
    """A column's expressions, layer by layer.

    Attributes:
        raw: the value as the file has it.
        part: what the rest is made of: the name of `raw`, or of what a pattern takes out of it.
        reason: why `value` may be missing where there is a part.
    """

    raw: str
    part: str
    ways: Ways = field(default_factory=list)
    value: str = ""
    reason: str | None = None
    misses: str | None = None


@dataclass(frozen=True)
class Misfit:
    """Why a value of a column may be refused by the mapping; `missing` is for a key without row."""

    reason: str | None
    missing: str | None
    pattern: str | None


class Expressions:
    """The statement for one file, and why its values may be refused.

    Args:
        mapping: of the table.
        names: of the file: as ids of rows have it, another one in each section, and its own without its folder.
        types: DuckDB's types of a Parquet file's columns, else empty.
        places: the position of each source column in the file.
        lookups: the temporary table of each join.
    """

    def __init__(
        self,
        mapping: TableMapping,
        names: tuple[str, str],
        types: tuple[str, ...],
        places: Names[SourceColumn, int],
        lookups: Names[Join, Loaded],
    ) -> None:
        self._mapping = mapping
        self._name, self._file = names
        self._types = types
        self._places = places
        self._lookups = lookups
        self._mapped = {one.column.name: one for one in mapping.columns}
        self._steps = {name: self._make(name, one) for name, one in self._mapped.items()}

    def misfits(self) -> dict[str, Misfit]:
        """For each mapped column, why its values may be refused."""
        return {
            name: Misfit(steps.reason, steps.misses and _missing(self._mapped[name]), self._pattern(name))
            for name, steps in self._steps.items()
        }

    def select(self, rows: str, part: str) -> str:
        """The statement that reads `rows`, whose columns are named by their positions; `part` counts their files."""
        empty = self._mapping.files.layout.empty
        cleaned = [
            f"{clean_text(place, self._type(place), empty)} as {_source(place)}"
            for place in sorted(set(self._places.values()))
        ]
        cleaned.append(f"{part}::uinteger as {PART}")
        numbered = bool(self._joins) or any(one.row_number is not None for one in self._mapped.values())
        if numbered:
            cleaned.append("row_number() over () as row_number")
        raws = [f"{steps.raw} as {_raw(name)}" for name, steps in self._steps.items()]
        values = [f"{steps.value} as {_value(name)}" for name, steps in self._steps.items()]
        misses = [f"{steps.misses} as {_miss(name)}" for name, steps in self._steps.items() if steps.misses]
        order = " order by row_number" if self._joins else ""
        carried = [PART, *["row_number"] * bool(self._joins), *[_LEFT_OUT] * bool(self._mapping.filters)]
        made = (
            f"(select {', '.join([*raws, *misses, *carried])} from "  # noqa: S608
            f"{self._filtered(cleaned, rows)} as delivered_row{self._join_clauses()})"
        )
        for layer in range(max((len(steps.ways) for steps in self._steps.values()), default=0)):
            ways = [
                f"{text} as {way(name, part)}"
                for name, steps in self._steps.items()
                if layer < len(steps.ways)
                for part, text in steps.ways[layer].items()
            ]
            made = f"(select {', '.join(['*', *ways])} from {made})"  # noqa: S608
        made = f"(select {', '.join(['*', *values])} from {made})"  # noqa: S608
        return f"select {', '.join(self._final())} from {made}{order}"  # noqa: S608

    def _filtered(self, cleaned: list[str], rows: str) -> str:
        """The cleaned source columns, with the flag of the filter that leaves a row out."""
        filters, empty = self._mapping.filters, self._mapping.files.layout.empty
        read = f"(select {', '.join(cleaned)} from {rows})"  # noqa: S608
        if not filters:
            return read
        places = [self._places[one.column] for one in filters]
        # A number from Parquet is compared as an id is written: 1, not 1.0.
        texts = [typed_text(_source(place), self._type(place), "identifier") for place in places]
        return f"(select *, {left_out(filters, texts, empty)} as {_LEFT_OUT} from {read})"  # noqa: S608

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
        # A number from Parquet is compared as an id is written, whatever type either file gives it.
        places = [self._places[one] for one in key]
        return joined_key(
            [typed_text(f"delivered_row.{_source(place)}", self._type(place), "identifier") for place in places]
        )

    def _final(self) -> list[str]:
        table = self._mapping.table
        columns, flags = [], ["0::ubigint"]
        for place, column in enumerate(table.columns):
            steps, name = self._steps.get(column.name), column.name
            if steps is None:
                columns.append(f"null::varchar as {identifier(name)}")
                continue
            # What cannot be read is passed on as it stands, for the reject to show.
            shown = _raw(name)
            if self._mapped[name].default is not None or self._mapped[name].unusable:
                shown = "null"
            elif self._mapped[name].pattern:
                shown = f"case when {steps.part} is not null then {shown} end"
            columns.append(f"coalesce({_value(name)}, {shown}) as {identifier(name)}")
            conditions = []
            if steps.reason or self._pattern(name):
                conditions.append(f"({steps.part} is not null and {_value(name)} is null)")
            if steps.misses:
                conditions.append(_miss(name))
            if conditions:
                flags.append(f"flag({' or '.join(conditions)}, {place})")
        misfits = " + ".join(flags)
        if self._mapping.filters:
            misfits = f"case when {_LEFT_OUT} = 0 then {misfits} else {_LEFT_OUT} end"
        return [*columns, f"{misfits} as misfits", PART]

    def _type(self, place: int) -> str:
        return self._types[place] if self._types else "VARCHAR"

    def _make(self, name: str, mapped: ColumnMapping) -> _Steps:
        steps = _Steps(self._raw_of(mapped), _raw(name))
        words = {word: value for word, value in mapped.values.items() if value and word}
        if mapped.constant is not None or mapped.row_number is not None:
            steps.value = steps.part
            return steps
        if mapped.pattern:
            self._take(name, mapped, mapped.pattern, steps)
        raw = steps.part
        made = self._made(name, mapped, steps)
        if words:
            compared = raw
            if _folds_case(mapped):
                words = {word.lower(): value for word, value in words.items()}
                steps.ways.append({"word": f"lower({raw})"})
                compared = way(name, "word")
            whens = " ".join(f"when {literal(word)} then {literal(value)}" for word, value in words.items())
            steps.value = f"case {compared} {whens} else {made or 'null'} end"
        else:
            # A map that only fills or makes empty values leaves the others as they are, unless they have a default.
            steps.value = made or ("null" if mapped.values and mapped.default is not None else raw)
        if mapped.values and not made:
            steps.reason = "is not among the mapped values"
        if mapped.pattern:
            steps.value = f"case when {way(name, 'matched')} then {steps.value} end"
        if mapped.values.get(""):
            steps.value = f"case when {raw} is null then {literal(mapped.values[''])} else {steps.value} end"
        if mapped.default is not None:
            steps.value = f"coalesce({steps.value}, {literal(mapped.default)})" if mapped.default else steps.value
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
        if mapped.file_name:
            raw = literal(bare_name(self._file))
        else:
            raw = _together([self._part(mapped, source) for source in mapped.sources], mapped)
        return raw if mapped.pattern else _without_empty(raw, mapped)

    def _pattern(self, name: str) -> str | None:
        """The pattern that refuses what it doesn't match."""
        mapped = self._mapped[name]
        return mapped.pattern.text if mapped.pattern and mapped.default is None else None

    def _take(self, name: str, mapped: ColumnMapping, pattern: Pattern, steps: _Steps) -> None:
        """What the pattern takes out of a value; where it doesn't match, the value, of which nothing is made."""
        raw, taken, matched = _raw(name), way(name, "taken"), way(name, "matched")
        if pattern.groups > 1:
            steps.ways.append({"groups": extracted(raw, pattern.text, pattern.groups)})
            steps.ways.append({"taken": _together(self._groups(name, mapped), mapped)})
        else:
            text = f"regexp_extract({raw}, {literal(pattern.text)}, {pattern.groups})"
            steps.ways.append({"taken": f"cleaned({text})"})
        # Most values match and give something, and need no second look.
        found = f"case when {taken} is not null then true else regexp_matches({raw}, {literal(pattern.text)}) end"
        steps.ways.append({"matched": found})
        steps.ways.append({"part": f"case when {matched} then {_without_empty(taken, mapped)} else {raw} end"})
        steps.part = way(name, "part")

    def _groups(self, name: str, mapped: ColumnMapping) -> list[str]:
        """What each group of the pattern takes."""
        groups = mapped.pattern.groups if mapped.pattern else 0
        return [f"cleaned({way(name, 'groups')}.g{number})" for number in range(1, groups + 1)]

    def _part(self, mapped: ColumnMapping, source: SourceColumn) -> str:
        if mapped.lookup:
            alias = self._joins[mapped.lookup.join, mapped.lookup.key]
            text = f"{alias}.{identifier(lookup_column(source))}"
        else:
            text = _source(self._places[source])
        # A pattern is matched with what the file has, and a day goes with a time beside it.
        if mapped.pattern or (mapped.column.kind == "timestamp" and len(mapped.sources) > 1):
            return text
        return typed_text(text, self._source_type(mapped, source), mapped.column.kind)

    def _source_type(self, mapped: ColumnMapping, source: SourceColumn) -> str:
        if mapped.lookup:
            return self._lookups[mapped.lookup.join].types[source]
        return self._type(self._places[source])

    def _made(self, name: str, mapped: ColumnMapping, steps: _Steps) -> str | None:
        """The value by format, number format or name; None where the raw value will do."""
        raw = steps.part
        typed = (
            mapped.pattern is None
            and len(mapped.sources) == 1
            and self._source_type(mapped, mapped.sources[0]).startswith(("TIMESTAMP", "DATE"))
        )
        if mapped.formats and not typed:
            steps.reason = f"does not match the format {' or '.join(mapped.formats)}"
            if mapped.column.kind == "timestamp":
                steps.reason += ", or is not from 1990 to 2100"
            return moment_of(name, raw, mapped, steps.ways)
        if mapped.timezone:
            steps.ways.append({"moment": f"as_local({raw})"})
            return f"coalesce({instant(way(name, 'moment'), mapped.timezone)}, {raw})"
        if mapped.numbers:
            steps.reason = f"is not a number like {mapped.numbers.example}"
            if mapped.numbers.each:
                total = sum_of(self._groups(name, mapped), mapped.numbers.each, mapped.column.kind)
                return f"case when {raw} is not null then {total} end"
            return number_of(name, raw, mapped.numbers, mapped.column.kind, steps.ways)
        if mapped.keys:
            steps.ways.append({"key": f"lower({raw})"})
            others = {word: key for word, key in mapped.keys.items() if word != key}
            whens = " ".join(f"when {literal(word)} then {literal(key)}" for word, key in others.items())
            return f"case {way(name, 'key')} {whens} else {raw} end" if others and not mapped.values else None
        return None


def _together(parts: list[str], mapped: ColumnMapping) -> str:
    """Parts of a value put together; an id needs all of them."""
    if len(parts) == 1:
        return parts[0]
    if mapped.column.kind == "identifier":
        return f" || {literal(mapped.separator)} || ".join(parts)
    return f"nullif(concat_ws({literal(mapped.separator)}, {', '.join(parts)}), '')"


def _without_empty(text: str, mapped: ColumnMapping) -> str:
    """A value, null where it is a word that stands for none."""
    words = [word for word, value in mapped.values.items() if not value and word]
    compared = text
    if _folds_case(mapped):
        words, compared = [word.lower() for word in words], f"lower({text})"
    return f"case when {compared} not in ({', '.join(map(literal, words))}) then {text} end" if words else text


def _folds_case(mapped: ColumnMapping) -> bool:
    """Whether the map's words are compared without regard to case: no two of them differ by case alone."""
    return len({word.lower() for word in mapped.values}) == len(mapped.values)


def joined_key(parts: Sequence[str]) -> str:
    """The key of a join from its parts; null where one is."""
    return f"({f' || {literal(_BETWEEN)} || '.join(parts)})"


def clean_text(place: int, kind: str, empty: tuple[str, ...]) -> str:
    """A source column as trimmed text; null where it is empty or a word that means so."""
    name = identifier(str(place))
    if kind in _INSTANTS:
        return f"timezone('UTC', {name}::timestamptz)::varchar || 'Z'"
    if kind.startswith("TIMESTAMP"):
        return f"{name}::timestamp::varchar"
    text = name if kind == "VARCHAR" else f"{name}::varchar"
    trimmed = f"cleaned({text})"
    words = [word for word in empty if word]
    if not words:
        return trimmed
    return f"case when {trimmed} not in ({', '.join(map(literal, words))}) then {trimmed} end"


def typed_text(text: str, kind: str, wanted: str) -> str:
    """A Parquet column's text in the contract's notation for the kind of value that is wanted."""
    if kind == "DATE" and wanted == "timestamp":
        return f"{text} || ' 00:00'"
    if kind.startswith("TIMESTAMP") and wanted == "date":
        return f"left({text}, 10)"
    if kind in _EXACT and wanted == "identifier":
        # Beyond, two numbers are one: they are written as what has lost digits, which is no id.
        number = f"try_cast({text} as double)"
        whole = f"regexp_replace({text}, '\\.0+$', '')"
        return f"if(abs({number}) < {_EXACT[kind]}, {whole}, printf('%.16e', {number}))"
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


def _value(name: str) -> str:
    return identifier(f"value_{name}")


def _miss(name: str) -> str:
    return identifier(f"miss_{name}")
