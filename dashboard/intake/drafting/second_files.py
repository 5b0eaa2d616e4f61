"""What of bookings a draft finds in a second file: patients by their id, a site or service by its key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from dashboard.intake.contract import TABLES, Column
from dashboard.intake.drafting import together
from dashboard.intake.drafting.formats import Formats
from dashboard.intake.drafting.guesses import Guess, guess_column, words_of
from dashboard.intake.drafting.samples import SampledFile, files_of
from dashboard.intake.drafting.words import Words

#: A second file, the column of the bookings that is its key, and its own.
Join = tuple[SampledFile, str, str]


@dataclass(frozen=True)
class Named:
    """A column of words in a second file: its line, those below the section, the key of the bookings, the file."""

    line: str
    words: list[str]
    key: str
    file: SampledFile


def of_patients(bookings: SampledFile, rest: Sequence[SampledFile]) -> Join | None:
    """A file of patients: its key, which stands once a row, holds most patients of the bookings.

    Where ids are small numbers those of a few sites are among the patients', too: of several keys that of the same
    name is taken, else that which holds most.
    """
    key = together.patient_of(bookings)
    if key is None:
        return None
    wanted = set(bookings.columns.get(key.name, ()))
    found: list[tuple[tuple[bool, int], Join]] = []
    for file in rest:
        for name, values in file.columns.items():
            held = len(wanted & set(values))
            if name and len(set(values)) == len(values) and held * 2 > min(len(wanted), len(values)):
                alike = words_of(name) == words_of(key.name)
                found.append(((alike, held), (file, key.name, name)))
    return max(found, key=lambda one: one[0])[1] if found else None


def patients_line(column: Column, file: SampledFile, guesses: dict[str, Guess], formats: Formats) -> str | None:
    """The line of a column of the bookings that the file of patients has."""
    if column.name not in ("birth_date", "sex", "age") or (column.name == "age" and "birth_date" in guesses):
        return None
    guess = guess_column(column.name, "bookings", file.header, ())
    if guess is None:
        return None
    settings, why = formats.settings(column, guess.name, file.columns[guess.name])
    parts = ['join = "patients"', f"column = {file.source(guess.name)}", *settings]
    return f"{column.name} = {{ {', '.join(parts)} }}  # guess{why}"


def named(
    column: Column, bookings: SampledFile, guess: Guess | None, rest: Sequence[SampledFile], words: Words
) -> Named | None:
    """A site or service that the bookings tell by a key, where one second file has its name and one key fits.

    Args:
        column: of the contract.
        bookings: their file.
        guess: the column that is taken for it where no second file tells more.
        rest: the files of no table.
        words: know what sites and services are called.
    """
    if column.kind != "reference" or (guess is not None and words.knows(column, bookings, guess.name)):
        return None
    patient = together.patient_of(bookings)
    own = [guess.name] if guess is not None else [one for one in bookings.header if one]
    keys = [
        (file, found, mine, other)
        for file in rest
        if (found := words.guess(TABLES[0], column, file, ())) and words.knows(column, file, found.name)
        for mine, other in product(own, file.columns)
        if other and other != found.name and (patient is None or mine != patient.name)
        if _is_key(bookings.columns.get(mine, ()), file, other)
    ]
    alike = [one for one in keys if words_of(one[2]) == words_of(one[3])]
    if len(fitting := keys if len(keys) == 1 else alike) != 1:
        return None
    [(file, found, mine, other)] = fitting
    named = ", ".join([*files_of(file), f"key = {bookings.source(mine)}", f"other_key = {file.source(other)}"])
    join = f"join = {{ {named} }}"
    line, below = words.lines(
        TABLES[0], column, _as_looked_up(file, found.name, other, bookings.columns[mine]), found,
        file.source(found.name), "likely",
    )  # fmt: skip
    why = f"# guess, likely: {column.name} by the key of a second file"
    if not below:
        return Named(f"{column.name} = {{ {join}, column = {file.source(found.name)} }}  {why}", [], mine, file)
    return Named(line, [f"{below[0].partition('  #')[0]}  {why}", join, *below[1:]], mine, file)


def _is_key(values: Sequence[str], file: SampledFile, other: str) -> bool:
    """Whether a column of the second file stands once a row and has each of the values."""
    keys = file.columns[other]
    return bool(values) and len(set(keys)) == len(keys) == file.rows and set(values) <= set(keys)


def _as_looked_up(file: SampledFile, name: str, key: str, wanted: Sequence[str]) -> SampledFile:
    """The file with a column's values as often as they are looked up: by that a draft shows them."""
    values = file.columns[name]
    if len(values) != file.rows:
        return file
    told = dict(zip(file.columns[key], values, strict=True))
    return replace(file, columns={**file.columns, name: [told[one] for one in wanted]})
