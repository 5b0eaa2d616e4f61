"""Finds headers within a file that name its columns in another order than the first line."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np

from dashboard.intake.contract import DeliveryError
from dashboard.intake.reading.header import folded, position
from dashboard.intake.reading.reader import Survey
from dashboard.intake.sql import identifier

_LOOKED_AT = 100
_FEWEST = 2


def refuse_moved_columns(
    connection: duckdb.DuckDBPyConnection, number: int, before: int, together: Sequence[Survey]
) -> None:
    """Refuse a file of several exports, one behind another, whose columns stand in different orders.

    Rows behind such a header are as wide as the others, so that a patient's name would be taken for a code and one id
    for another. Only rows whose id is the name of a column are looked at.

    Args:
        connection: has read the files.
        number: of the first file.
        before: so many rows of the table were read before it.
        together: what the scan found of the files that were read together, which have one header.

    Raises:
        DeliveryError: it has one; the message names its line.
    """
    surveyed = together[0]
    if not surveyed.dialect.header or surveyed.is_data_first:
        return  # its first line is a row like any other
    table, own = surveyed.source.table, _own_names(surveyed)
    key = table.columns[0].name
    if key not in own:
        return
    names = {name for name in surveyed.found.header if name}
    found = connection.execute(
        f"select rowid, * from {identifier(f'read_{table.name}')} where file >= $file "  # noqa: S608
        f"and {identifier(key)} in (select unnest($names)) limit {_LOOKED_AT}",
        {"file": number, "names": sorted(names)},
    )
    columns = [name for name, *_ in found.description or ()]
    for row in found.fetchall():
        values = dict(zip(columns, row, strict=True))
        # A row with faults keeps what was delivered.
        values |= values.get("raw") or {}
        held = {name: values[name] for name in own if values.get(name) is not None}
        named = [name for name, value in held.items() if value in names]
        moved = [f"{held[name]} in the place of {own[name]}" for name in named if not _same(held[name], own[name])]
        # A line of totals under a column called Total has one such name, too.
        if moved and len(named) >= min(_FEWEST, len(own)) and 2 * len(named) > len(held):
            place = values["file"] - number
            surveyed = together[place]
            before += sum(one.found.sound for one in together[:place])
            line = _line(surveyed, values["rowid"] - before)
            raise DeliveryError(
                f"{surveyed.source.path} names its columns again in line {line:,}, "
                f"in another order ({', '.join(moved[:3])}), so that what follows would be taken for other columns. "
                "Make a file of its own of that line and what follows, and import again"
            )


def _own_names(surveyed: Survey) -> dict[str, str]:
    """The header's name of each column of the contract that is taken from one column as it stands there."""
    header, mapping = surveyed.found.header, surveyed.source.mapping
    if mapping is None:
        return {column: name for column, name in zip(surveyed.columns, header, strict=True) if column}
    return {
        mapped.column.name: header[position(mapped.own_sources[0], header, "")]
        for mapped in mapping.columns
        if len(mapped.own_sources) == 1 and mapped.lookup is None and not mapping.is_keyed(mapped)
    }


def _same(one: str, other: str) -> bool:
    return folded(one) == folded(other)


def _line(surveyed: Survey, row: int) -> int:
    """The physical line on which a sound row begins."""
    rows, shifts = surveyed.found.shift_table()
    return row + int(shifts[np.searchsorted(rows, row, side="right") - 1])
