"""The records that resources become, as the build reads them: one file of CSV for each type."""

from __future__ import annotations

import contextlib
import csv
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dashboard.intake.contract import SHOWN_CHARACTERS, Table
from dashboard.intake.fhir.outcome import Problem
from dashboard.intake.mapping.expressions import PART
from dashboard.intake.reading.record import Fault
from dashboard.intake.reading.scan import Scan

_LONGEST_CELL = 1000


@dataclass
class ResourceScan(Scan):
    """What a pass over the resources of one file found; one may have several faults."""

    accepted: int = 0
    #: Values are quoted where they need it, and blank where they are missing.
    tidy: bool = False

    @property
    def sound(self) -> int:
        """Records that a reader must find."""
        return self.accepted


@dataclass
class Records:
    """Where the records of one type are written; `part` counts the files that have some."""

    path: Path
    columns: tuple[str, ...]
    writer: Any
    part: int = 0

    def write(self, values: dict[str, str | None]) -> None:
        """Append one of the file that is read now."""
        self.writer.writerow([*(_cell(values.get(name)) for name in self.columns), self.part])


@contextlib.contextmanager
def records_of(work: Path, kind: str, contract: Table) -> Iterator[Records]:
    """The file that takes the records of one type, whatever files their resources lie in."""
    path = work / f"records-{kind}.csv"
    # Holds what the delivery holds, so nobody else may read it.
    path.touch(mode=0o600)
    columns = tuple(column.name for column in contract.columns)
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*columns, PART])
        yield Records(path, columns, writer)


def fault_of(line: int, problem: Problem) -> Fault:
    """Why a record is none, as the scan of a file would say it."""
    return Fault(line, problem.reason, problem.element, shortened(problem.value))


def shortened(value: str | None) -> str | None:
    """A value as rejects show it."""
    if value is None or len(value) <= SHOWN_CHARACTERS:
        return value
    return value[: SHOWN_CHARACTERS - 1] + "…"


def _cell(value: str | None) -> str:
    """A value as CSV takes it: on one line, without what no text should hold."""
    text = (value or "")[:_LONGEST_CELL]
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def note_lines(scan: ResourceScan, lines: array[int]) -> None:
    """Remember where the distance between number and line of a record changes."""
    if not lines:
        return
    places = np.array(lines, np.int64)
    rows = np.arange(scan.accepted - len(places), scan.accepted)
    shifts = places - rows
    changes = np.flatnonzero(np.diff(shifts, prepend=-1))
    scan.first_rows.append(rows[changes])
    scan.shifts.append(shifts[changes])
    del lines[:]
