"""What a file tells in pieces: a day as year, month and day, and an age as a number and its unit."""

from __future__ import annotations

import re

from dashboard.intake.contract import Column
from dashboard.intake.drafting.formats import toml_string
from dashboard.intake.drafting.guesses import Guess, column_words
from dashboard.intake.drafting.samples import SampledFile
from dashboard.intake.drafting.together import Line

#: The parts of a moment with their signs in a format and the numbers that they may be.
_PARTS = {
    "year": ("%Y", 1990, 2100),
    "month": ("%m", 1, 12),
    "day": ("%d", 1, 31),
    "hour": ("%H", 0, 23),
    "minute": ("%M", 0, 59),
}
_NEEDED = 3
_UNITS = {"unit", "units", "cod", "code"}
#: Units that mean years; 801 is that of the ICH.
_YEARS = {"year", "years", "yr", "yrs", "y", "a", "801"}


def told(column: Column, file: SampledFile, guess: Guess | None) -> Line | None:
    """The line of a column that the file has in pieces, with the names of these."""
    if column.name == "starts_at" and guess is None:
        return _moment(column, file)
    return _age(column, file, guess) if column.name == "age" and guess is not None else None


def _moment(column: Column, file: SampledFile) -> Line | None:
    names: list[str] = []
    for part, (_, least, most) in _PARTS.items():
        name = next((one for one in file.header if column_words(one) == part), None)
        values = file.columns[name] if name else []
        # A month by its name, or an hour of some rows alone, is for a person to settle.
        if name is None or len(values) != file.rows or not all(_is_between(one, least, most) for one in values):
            break
        names.append(name)
    if len(names) < _NEEDED:
        return None
    form = "-".join(sign for sign, *_ in list(_PARTS.values())[: len(names)])
    source = f'{{ column = {file.sources(names)}, separator = "-", format = "{form}" }}'
    doubt = "" if len(names) > _NEEDED else "; DECIDE: is there no time of day?"
    return f"{column.name} = {source}  # guess, likely: a moment in its parts{doubt}", tuple(names)


def _is_between(value: str, least: int, most: int) -> bool:
    return re.fullmatch(r"\d{1,4}", value) is not None and least <= int(value) <= most


def _age(column: Column, file: SampledFile, guess: Guess) -> Line | None:
    """Ages in years, where another column tells in what each is: a number of months is no age in years."""
    beside = (one for one in file.header if "age" in column_words(one).split() and one != guess.name)
    unit = next((one for one in beside if set(column_words(one).split()) & _UNITS), None)
    kinds = set(file.columns[unit]) if unit else set()
    years = sorted(one for one in kinds if one.lower() in _YEARS)
    if unit is None or len(kinds) == len(years):
        return None
    names = (guess.name, unit)
    if not years:
        return f"# {column.name} = {file.source(guess.name)}  # DECIDE: {unit} tells in what, and never years", names
    words = "|".join(map(re.escape, years))
    pattern = f"^(\\d+)(?:\\.\\d+)? {f'(?:{words})' if len(years) > 1 else words}$"
    source = f'{{ column = {file.sources(names)}, pattern = {_single(pattern)}, unusable = "empty" }}'
    return f"{column.name} = {source}  # guess, likely: where {unit} says years; others are unknown", names


def _single(pattern: str) -> str:
    return toml_string(pattern) if "'" in pattern else f"'{pattern}'"
