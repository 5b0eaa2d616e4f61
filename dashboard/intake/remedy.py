"""What to do about a delivery of which nothing was accepted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dashboard.intake.mapping import TableMapping
from dashboard.intake.reading.reader import Survey
from dashboard.intake.report import Reason

#: Reasons that refuse a word have one of these in them.
_WORDS = ("is not among the mapped values", "; allowed: ")


def remedy(
    reasons: Sequence[Reason], surveys: Sequence[Survey], mapping: Path | None, *, resources: bool = False
) -> str:
    """What to correct and, where words are what fails most, where the mapping takes them.

    It shows no value of the delivery, so that it may stand on record.

    Args:
        reasons: why rows were rejected.
        surveys: the files that count.
        mapping: the file by which they were read, if any.
        resources: whether it is one of FHIR resources.
    """
    if resources and not any(one.found.records for one in surveys):
        return "None of its resources is a booking that can be shown: export those of visits and import again"
    if not any(one.found.records for one in surveys):
        return "There is no row below the header: export the table anew and import again"
    if mapping is None:
        return "Correct the files and import again"
    advice = f"Correct the mapping {mapping} or the files and import again"
    counted = {(one.source.table.name, one.source.name) for one in surveys}
    those = (one for one in reasons if (one.source, one.file) in counted)
    most = max(those, key=lambda one: one.lines, default=None)
    if most is None or not any(words in most.reason for words in _WORDS):
        return advice
    for one in surveys:
        table = one.source.mapping
        if one.source.name == most.file and table and _takes_words(table, most.column):
            where = f"{table.table.name}.columns.{most.column}"
            return (
                f"{advice}. Most rows have a word in {most.column} that is not known: add such words under "
                f"[{where}.values], the file's word on the left. Where {most.column} stands in one line, write it "
                "there: { column = …, values = { … } }"
            )
    return advice


def _takes_words(table: TableMapping, column: str | None) -> bool:
    return any(mapped.column.name == column and (mapped.sources or mapped.file_name) for mapped in table.columns)
