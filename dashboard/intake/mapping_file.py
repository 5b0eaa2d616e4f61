"""Reads a mapping file and refuses what cannot work, with place and remedy."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

from dashboard.intake.contract import TABLES, DeliveryError, Table
from dashboard.intake.mapping import Mapping, TableMapping
from dashboard.intake.mapping_columns import column_of
from dashboard.intake.mapping_place import Place
from dashboard.intake.mapping_sources import TABLE, Joins, files_of, joins_of
from dashboard.intake.reference import Reference

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
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DeliveryError(f"the mapping {path} is not TOML in UTF-8: {error}. {_remedy(str(error))}") from error
    place = Place(path, "top level")
    names = [table.name for table in TABLES]
    place.check_keys(data, (*names, "joins", "fhir"), "table")
    joins = joins_of(data.get("joins", {}), place)
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


def _remedy(fault: str) -> str:
    """What to do about a file that is not TOML."""
    if any(words in fault for words in _TWICE):
        return (
            "A name stands twice, in two lines or in a line and a section: a column or its values may stand further "
            "down as a section of its own, like [bookings.columns.site]. Keep one place and delete the other"
        )
    return "Put names and texts in double quotes and correct that line"


def _refuse_leaks(table: TableMapping, place: Place) -> None:
    for mapped in table.columns:
        if mapped.column.kind == "text" and not mapped.values and table.is_personal(mapped):
            raise place.at(f"[{table.table.name}.columns] {mapped.column.name}").fault(
                f"the column {mapped.origin} says who a patient is, and must not get into the extract; "
                "map another column or leave it out"
            )


def _table(data: Any, table: Table, joins: Joins, reference: Reference, top: Place) -> TableMapping:
    place = top.at(f"[{table.name}]")
    if not isinstance(data, dict):
        raise place.fault("must be a table with file and columns")
    place.check_keys(data, TABLE, "setting")
    files = files_of(data, place)
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
        column_of(columns[name], column, joins, reference, within.at(f"{within.name} {name}"))
        for name, column in known.items()
        if name in columns
    )
    return TableMapping(table, files, mapped)
