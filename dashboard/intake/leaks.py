"""Refuses texts and ids of the extract that would say who a patient is, or be what somebody wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Names

from dashboard.intake.contract import DeliveryError
from dashboard.intake.drafting.evidence import is_private, is_written, says_who
from dashboard.intake.drafting.guesses import column_words
from dashboard.intake.mapping import ColumnMapping, Join, Mapping, SourceColumn, TableMapping, section_name

#: DuckDB's types of values within values.
_NESTED = re.compile(r"^(STRUCT|MAP|UNION|JSON|VARIANT)\b|\]$")
_SHOWN_TYPE = 60


def is_telling(mapped: ColumnMapping, name: str) -> bool:
    """Whether a column of this name, of which one of the contract is made, says who a patient is."""
    # A list of side effects, or a second file of staff or sites, may have names that are no patient's.
    if column_words(name) == "name" and (mapped.lookup or mapped.column.name == "effect"):
        return False
    return is_private(name)


def personal_names(sections: Iterable[TableMapping]) -> frozenset[str]:
    """The source columns of a mapping that say who a patient is, in small letters."""
    return frozenset(name.lower() for name in _personal(sections))


def _personal(sections: Iterable[TableMapping]) -> frozenset[str]:
    return frozenset(
        str(source)
        for section in sections
        for mapped in section.columns
        for source in mapped.sources
        # The booking's id stands for that of a patient whom nobody knows by it.
        if not mapped.unknown
        # An id that is put together of an e-mail address and a time says who came, too.
        and (
            mapped.column.personal
            or (mapped.column.kind == "identifier" and says_who(str(source)))
            or is_telling(mapped, str(source))
        )
    )


def refuse_texts(sections: Sequence[TableMapping], start: str) -> None:
    """Refuse texts that are made of columns which say who a patient is.

    Args:
        sections: of the mapping.
        start: what a message begins with, before the place.

    Raises:
        DeliveryError: one is, and its values are not those of a map.
    """
    anywhere = _personal(sections)
    for section in sections:
        here = personal_names(one for one in sections if one.files.patterns == section.files.patterns)
        for mapped in section.columns:
            # The pt of one file, a patient, is not the PT of another, a preferred term.
            named = any(str(one).lower() in here or str(one) in anywhere for one in mapped.sources)
            if named and _is_open_text(mapped):
                raise _fault(section, mapped, start, mapped.origin)


def refuse_numbered(
    section: TableMapping, header: tuple[str, ...], places: Names[SourceColumn, int], start: str
) -> None:
    """The same for columns that are named by number, or in two ways, when the file's header is known.

    Args:
        section: of the mapping.
        header: the columns of its file.
        places: where those stand that the section names.
        start: what a message begins with.
    """
    personal = {place: name for name, place in places.items() if str(name).lower() in section.personal}
    for mapped in section.columns:
        if mapped.lookup or section.is_personal(mapped):
            continue
        for source in mapped.sources:
            place = places[source]
            if _is_open_text(mapped) and (place in personal or is_telling(mapped, header[place])):
                raise _fault(section, mapped, start, f"{source} ({header[place]})")
            if mapped.column.kind == "identifier" and place in personal:
                raise DeliveryError(
                    f"{start}{_named(section, mapped)}: the column {source!r} is {personal[place]!r}, which says who "
                    "a patient is; name it in the same way in both places, so that a keyed hash of it is kept"
                )


def refuse_nested(
    section: TableMapping, types: tuple[str, ...], places: Names[SourceColumn, int], start: str
) -> None:
    """Refuse texts and ids that are made of a whole list or structure, in which anything may stand.

    Args:
        section: of the mapping.
        types: DuckDB's types of the columns of its file, of which only Parquet has such.
        places: where the columns stand that the section names.
        start: what a message begins with.

    Raises:
        DeliveryError: one is, without a pattern that takes a part out.
    """
    for mapped in section.columns:
        if mapped.lookup is None:
            for source in mapped.sources:
                _refuse_nested(section, mapped, source, types[places[source]] if types else "", start)


def refuse_nested_joined(mapping: Mapping, join: Join, types: Names[SourceColumn, str]) -> None:
    """The same for columns of a second file."""
    for section in mapping.sections:
        for mapped in section.columns:
            if mapped.lookup and mapped.lookup.join == join:
                for source in mapped.sources:
                    _refuse_nested(section, mapped, source, types[source], f"{mapping.path}, ")


def refuse_joined(mapping: Mapping, join: Join, header: tuple[str, ...]) -> None:
    """The same as `refuse_numbered` for columns of a second file."""
    for section in mapping.sections:
        for mapped in section.columns:
            if mapped.lookup is None or mapped.lookup.join != join or not _is_open_text(mapped):
                continue
            for source in mapped.sources:
                if isinstance(source, int) and is_telling(mapped, header[source - 1]):
                    column = f"{source} ({header[source - 1]}) of {join.name}"
                    raise _fault(section, mapped, f"{mapping.path}, ", column)


def is_hidden(section: TableMapping, mapped: ColumnMapping, header: tuple[str, ...]) -> bool:
    """Whether rejects show none of a column's values, since they may say who a patient is."""
    numbers = [] if mapped.lookup else [source for source in mapped.sources if isinstance(source, int)]
    return section.is_personal(mapped) or any(is_telling(mapped, header[number - 1]) for number in numbers)


def _is_open_text(mapped: ColumnMapping) -> bool:
    """Whether a text may have other values than those that the mapping itself gives."""
    if mapped.column.kind != "text" or not mapped.sources:
        return False
    gives = any(word and value for word, value in mapped.values.items())
    return not gives and not (mapped.values and mapped.default is not None)


def _refuse_nested(section: TableMapping, mapped: ColumnMapping, source: SourceColumn, kind: str, start: str) -> None:
    if (
        not _NESTED.search(kind)
        or mapped.pattern
        or not (mapped.column.kind == "identifier" or _is_open_text(mapped))
    ):
        return
    raise DeliveryError(
        f"{start}{_named(section, mapped)}: the column {source} holds lists or structures ({kind[:_SHOWN_TYPE]}), in "
        "which anything may stand; write what is wanted of it into a column of its own, or take it out with pattern"
    )


def _named(section: TableMapping, mapped: ColumnMapping) -> str:
    return section_name(section.table.name, section.number, mapped.column.name)


def _fault(section: TableMapping, mapped: ColumnMapping, start: str, column: str) -> DeliveryError:
    what = "holds what somebody wrote" if is_written(column) and not says_who(column) else "says who a patient is"
    return DeliveryError(
        f"{start}{_named(section, mapped)}: the column {column} {what}, and must not get into the extract; map "
        'another column, leave it out, or give a word for each of its own: values = { "its word" = "yours" }'
    )
