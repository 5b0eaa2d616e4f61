"""Values of many kinds in one column, as observations are exported: which rows a draft takes for scores."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from dashboard.intake.drafting.formats import listed, toml_string
from dashboard.intake.drafting.guesses import Guess, guess_column, words_of
from dashboard.intake.drafting.samples import SampledFile
from dashboard.intake.fhir.terms import INSTRUMENT_OF, PANELS

#: LOINC's codes of total scores.
_TOTALS = {code: name for code, name in INSTRUMENT_OF.items() if code not in PANELS}
_CODE = re.compile(r"\d{1,7}-\d")
#: Of a column of codes so many values look like one.
_MOSTLY = 0.8


@dataclass(frozen=True)
class Scores:
    """The rows of a file that are scores.

    Attributes:
        file: the file with these rows of its sample alone.
        kind: the column that says what each row is of.
        meant: its values that are questionnaires, with these.
        score: the column of the points, by its name.
    """

    file: SampledFile
    kind: str
    meant: dict[str, str]
    score: Guess | None

    @property
    def only(self) -> str:
        """The setting that takes these rows alone."""
        told = f"only = {{ column = {self.file.source(self.kind)}, values = {listed(list(self.meant))} }}"
        return f"{told}  # guess: the file holds values of many kinds"

    @property
    def instrument(self) -> str:
        """The line of the questionnaire."""
        words = ", ".join(f"{toml_string(one)} = {toml_string(name)}" for one, name in self.meant.items())
        told = f"instrument = {{ column = {self.file.source(self.kind)}, values = {{ {words} }} }}"
        return f"{told}  # guess, likely: total scores among its values"


def scores_among(file: SampledFile, instrument_in: Callable[[str], str | None]) -> Scores | None:
    """The scores among the rows of a file; None where it holds nothing else, or no one kind is the total score.

    Args:
        file: probably holds scores.
        instrument_in: says which questionnaire a text names.
    """
    full = {name: values for name, values in file.columns.items() if name and len(values) == file.rows}
    for name, values in full.items():
        # Of codes those of the total scores are known, also where the sample has none of them.
        coded = sum(_CODE.fullmatch(value) is not None for value in values) >= _MOSTLY * max(len(values), 1)
        meant = _TOTALS if coded else _named(set(values), instrument_in)
        if meant and not set(values) <= set(meant):
            kept = [value in meant for value in values]
            score = guess_column("score", "scores", file.header, (name,))
            # Where the sample has none the other columns tell as much by other rows.
            narrowed = set(full) if any(kept) else {score.name} if score else set()
            columns = {
                one: [value for value, keep in zip(of_one, kept, strict=True) if keep]
                if one in narrowed & set(full)
                else of_one
                for one, of_one in file.columns.items()
            }
            return Scores(replace(file, columns=columns, rows=sum(kept) or file.rows), name, meant, score)
    return None


def _named(values: set[str], instrument_in: Callable[[str], str | None]) -> dict[str, str]:
    """The values that each name a questionnaire, one for each; of several that which says it is the total."""
    found: dict[str, list[str]] = {}
    for value in sorted(values):
        if name := instrument_in(value):
            found.setdefault(name, []).append(value)
    meant = {}
    for name, spellings in found.items():
        totals = [one for one in spellings if "total" in words_of(one).split()]
        chosen = spellings if len(spellings) == 1 else totals
        if len(chosen) != 1:
            return {}
        meant[chosen[0]] = name
    return meant
