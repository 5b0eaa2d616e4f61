"""Which file of another system holds which table."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dashboard.intake.contract import TABLES, Table
from dashboard.intake.drafting.guesses import guess_column
from dashboard.intake.drafting.samples import SampledFile
from dashboard.intake.drafting.synonyms import FILES

#: From so much on a file is one of a table.
_LIKE = 2
#: A file of patients that is less like any table is none of them.
_NO_TABLE = 5
#: Without such a column a file holds no table of these.
_NEEDED = {"bookings": "starts_at", "side_effects": "effect", "payments": "amount", "scores": "score"}


def choose(files: Sequence[SampledFile]) -> dict[str, SampledFile]:
    """The file of each table: each file serves the table that it fits best, the best file wins."""
    fits: list[tuple[float, str, SampledFile]] = []
    for file in files:
        scores = {table.name: fit(table, file) for table in TABLES}
        best = max(scores.values())
        if best >= _LIKE and not _is_people(file, best, files):
            # One that another file fits better may be of its next table, if that is nearly as likely.
            fits += [(score, name, file) for name, score in scores.items() if score >= max(_LIKE, best - 1)]
    chosen: dict[str, SampledFile] = {}
    for _, name, file in sorted(fits, key=lambda each: -each[0]):
        if file not in chosen.values():
            chosen.setdefault(name, file)
    return chosen


def fit(table: Table, file: SampledFile) -> float:
    """How much a file is like a table, if it has what the table is of; else 0."""
    if guess_column(_NEEDED[table.name], table.name, file.header, ()) is None:
        return 0.0
    return likeness(table, file)


def likeness(table: Table, file: SampledFile) -> float:
    """How much a file is like a table, by its name and the names of its columns; from 2 on it may be one."""
    score = 3.0 if re.search(FILES[table.name], file.called.lower()) else 0.0
    for column in table.columns:
        if guess := guess_column(column.name, table.name, file.header, ()):
            score += guess.confidence * (1.0 if column.required else 0.3)
    return score


def _is_people(file: SampledFile, score: float, files: Sequence[SampledFile]) -> bool:
    others = [one for one in files if one is not file]
    return bool(re.search(FILES[""], file.called.lower())) and bool(others) and score < _NO_TABLE
