"""What a built extract says of itself: whether it adds up, and what a report tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from dashboard.intake.contract import DeliveryError
from dashboard.intake.reading.reader import Survey
from dashboard.intake.report import FileReport, LeftOut, Reason, ResourceReport
from dashboard.intake.sql import statements


def verify(connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse an extract whose parts contradict each other."""
    for statement in statements("verify"):
        for claim, expected, found in connection.execute(statement).fetchall():
            if expected != found:
                raise DeliveryError(
                    f"the extract does not add up ({claim}: {expected:,} against {found:,}) and was "
                    "not published; the extract in use stays. Please report this with the delivery"
                )


def file_reports(connection: duckdb.DuckDBPyConnection, surveys: Sequence[Survey]) -> tuple[FileReport, ...]:
    """What came of the rows of each file."""
    ignored = _ignored(surveys)
    return tuple(
        FileReport(source, file, read, accepted, rejected, left, ignored.get((source, file), ()))
        for source, file, read, accepted, rejected, left in _rows(connection, "file_counts")
    )


def _ignored(surveys: Sequence[Survey]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Columns that no section of a mapping reads of a file, told once, by table and name of its first section."""
    files: dict[tuple[Path, str | None], list[Survey]] = {}
    for one in surveys:
        files.setdefault((one.source.path, one.source.sheet), []).append(one)
    found = {}
    for first, *others in files.values():
        left = (name for place, name in first.ignored.items() if all(place in one.ignored for one in others))
        found[first.source.table.name, first.source.name] = tuple(left)
    return found


def reasons(connection: duckdb.DuckDBPyConnection) -> tuple[Reason, ...]:
    """Why rows were rejected."""
    return tuple(Reason(*row) for row in _rows(connection, "reasons"))


def resource_reports(connection: duckdb.DuckDBPyConnection) -> tuple[ResourceReport, ...]:
    """What came of the resources of each kind."""
    return tuple(ResourceReport(*row) for row in _rows(connection, "resource_counts"))


def left_out(connection: duckdb.DuckDBPyConnection) -> tuple[LeftOut, ...]:
    """What is not in the extract, and why."""
    return tuple(LeftOut(*row) for row in _rows(connection, "left_out_counts"))


def _rows(connection: duckdb.DuckDBPyConnection, name: str) -> list[tuple[Any, ...]]:
    return connection.execute(statements(name)[0]).fetchall()
