"""Reads a mapping file and refuses what cannot work, with place and remedy."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from dashboard.intake.contract import TABLES, DeliveryError, Table
from dashboard.intake.leaks import personal_names, refuse_texts
from dashboard.intake.mapping import ColumnMapping, Mapping, TableMapping, section_name
from dashboard.intake.mapping.columns import column_of
from dashboard.intake.mapping.place import Place
from dashboard.intake.mapping.sources import TABLE, Joins, files_of, filters_of, joins_of
from dashboard.intake.reference import Reference

#: Where nothing tells patients apart.
_ALONE = "; where no column tells patients apart, say { unknown = true }: every booking is a patient of its own then"
#: What to do about scores of which no column tells when they were taken.
DAYLESS = (
    "; without a day a score stands before no visit and after none: take it from the visits by a join, or from the "
    "file's name (file_name), or leave the section out"
)
#: Of tomllib's messages, those on names that stand twice.
_TWICE = ("Cannot declare", "Cannot overwrite", "Cannot redefine", "Cannot mutate", "Duplicate inline table key")


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
    except RecursionError as error:
        raise DeliveryError(f"the mapping {path} has brackets within brackets without end; correct them") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeliveryError(f"the mapping {path} is not TOML in UTF-8: {error}. {_remedy(str(error))}") from error
    place = Place(path, "top level")
    names = [table.name for table in TABLES]
    place.check_keys(data, (*names, "joins", "fhir"), "table")
    joins = joins_of(data.get("joins", {}), place)
    sections = [
        _table(section, table, number, joins, reference, place)
        for table in TABLES
        if table.name in data
        for number, section in _numbered(data[table.name])
    ]
    personal = personal_names(sections)
    sections = [replace(section, personal=personal) for section in sections]
    refuse_texts(sections, f"{path}, ")
    keyed = frozenset(
        mapped.column.name
        for section in sections
        for mapped in section.columns
        if mapped.column.kind == "identifier" and not mapped.column.personal and section.is_personal(mapped)
    )
    sections = [replace(section, keyed=keyed) for section in sections]
    return Mapping(path, hashlib.sha256(content).hexdigest(), tuple(sections), data.get("fhir", {}))


def _remedy(fault: str) -> str:
    """What to do about a file that is not TOML."""
    if any(words in fault for words in _TWICE):
        return (
            "A name stands twice, in two lines or in a line and a section: a column or its values may stand further "
            "down as a section of its own, like [bookings.columns.site]. Keep one place and delete the other"
        )
    return "Put names and texts in double quotes and correct that line"


def _numbered(data: Any) -> list[tuple[int, Any]]:
    """The sections of a table with their numbers, 0 for an only one: [payments], or [[payments]] several times."""
    if not isinstance(data, list) or not data:
        return [(0, data)]
    return list(enumerate(data, start=1)) if len(data) > 1 else [(0, data[0])]


def _table(data: Any, table: Table, number: int, joins: Joins, reference: Reference, top: Place) -> TableMapping:
    place = top.at(section_name(table.name, number))
    if not isinstance(data, dict):
        raise place.fault("must be a table with file and columns")
    place.check_keys(data, TABLE, "setting")
    files, filters = files_of(data, place), filters_of(data, place)
    columns = data.get("columns")
    within = place.at(section_name(table.name, number, ""))
    if not isinstance(columns, dict):
        raise within.fault("is missing; it says what each column is made of")
    known = {column.name: column for column in table.columns}
    within.check_keys(columns, known, f"column of {table.name}")
    if missing := [name for name in table.required_columns if name not in columns]:
        own, same = table.columns[0].name, [name for name in missing if known[name].kind != "identifier"]
        raise within.fault(
            f"the required column{'s' * (len(missing) > 1)} {', '.join(missing)} "
            f"{'are' if len(missing) > 1 else 'is'} not mapped; name the column of the file that holds it"
            + (f', or give {" or ".join(same)} as {{ constant = "…" }}' if same else "")
            + (f', or make {own} of the number of the row: {{ row_number = "" }}' if own in missing else "")
            + (_ALONE if "patient_id" in missing and own == "booking_id" else "")
            + (DAYLESS if "taken_at" in missing else "")
        )
    mapped = tuple(
        column_of(columns[name], column, joins, reference, place.at(section_name(table.name, number, name)))
        for name, column in known.items()
        if name in columns
    )
    return TableMapping(table, files, _with_patients(mapped, table, within), number, filters)


def _with_patients(mapped: tuple[ColumnMapping, ...], table: Table, place: Place) -> tuple[ColumnMapping, ...]:
    """The columns, the booking's id standing for an unknown patient's."""
    if not any(one.unknown for one in mapped):
        return mapped
    booking = next((one for one in mapped if one.column.name == "booking_id"), None)
    if booking is None:
        raise place.fault(
            f"patient_id is unknown, and {table.name} have no booking_id whose patient it would be; name the column "
            "that holds the booking's id, or leave the table out"
        )
    return tuple(replace(booking, column=one.column, unknown=True) if one.unknown else one for one in mapped)
