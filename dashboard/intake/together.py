"""What several columns of another system's files make up together, or tell together of a row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from dashboard.intake.contract import Column
from dashboard.intake.files import Inspected
from dashboard.intake.formats import Formats, toml_string
from dashboard.intake.guesses import PEOPLE, TIMES, UNSURE, Guess, find_column, guess_column, words_of

#: A line of a mapping, and the columns that it takes besides those guessed.
Line = tuple[str, tuple[str, ...]]
#: Of the rows of a log so many must find a booking.
_MOST = 0.5
#: Times as many values must stand beside patients as there are patients, that they tell one visit from another.
_TELLING = 1.2
#: So many digits a day has at least.
_DIGITS = 4
_DAYS = {"date", "day", "visit", "start", "starts", "time", "when"}
_TIME = re.compile(r"\d{1,2}:\d{2}|\d{3,4}\Z")


@dataclass(frozen=True)
class SampledFile:
    """A file with its columns, a sample of its rows and the pattern for it and others like it.

    Attributes:
        columns: the values of each column, the empty ones left out.
    """

    pattern: str
    inspected: Inspected
    columns: dict[str, list[str]]

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self.inspected.found.header


@dataclass(frozen=True)
class Visits:
    """How rows that name no booking find theirs: by columns of their own and of the bookings, which have an id."""

    key: tuple[str, str]
    other_key: tuple[str, str]
    booking_id: str


def visits_of(log: SampledFile, bookings: SampledFile) -> Visits | None:
    """The columns by which most rows of a log find a booking: the patient and the day."""
    own, other = (guess_column("patient_id", "bookings", file.header, ()) for file in (log, bookings))
    number = guess_column("booking_id", "bookings", bookings.header, ())
    if own is None or other is None or number is None or number.confidence <= UNSURE:
        return None
    if not unique(bookings, (number.name,)):
        return None
    rows, patients = log.columns[own.name], bookings.columns[other.name]
    shares: dict[tuple[str, str], float] = {}
    for day, theirs in product(_beside(log, own.name), _beside(bookings, other.name)):
        days, visits = log.columns[day], bookings.columns[theirs]
        known = set(zip(patients, visits, strict=True))
        # A column of few values, as the site's, would tell nothing of the day; nor do days where each came once.
        tells = len(known) > _TELLING * len(set(patients)) or set(words_of(theirs).split()) & _DAYS
        if rows and tells:
            shares[day, theirs] = sum(pair in known for pair in zip(rows, days, strict=True)) / len(rows)
    best = max(shares, key=lambda pair: shares[pair], default=None)
    if best is None or shares[best] <= _MOST:
        return None
    return Visits((own.name, best[0]), (other.name, best[1]), number.name)


def _beside(file: SampledFile, patient: str) -> list[str]:
    """Columns that may hold days, without gaps, so that they stand row by row beside the patient's."""
    rows = len(file.columns[patient])
    return [
        name
        for name, values in file.columns.items()
        if name not in ("", patient)
        and values
        and len(values) == rows
        and len(re.findall(r"\d", values[0])) >= _DIGITS
    ]


def numbered(column: Column, file: SampledFile, guess: Guess) -> Line | None:
    """An id that numbers the rows of each patient or booking only, together with theirs."""
    values = file.columns[guess.name]
    if len(set(values)) == len(values):
        return None
    for name in ("patient_id", "booking_id"):
        other = guess_column(name, "bookings", file.header, (guess.name,))
        if other and unique(file, (other.name, guess.name)):
            names = (other.name, guess.name)
            line = f'{column.name} = {{ column = {listed(names)}, separator = "-" }}'
            return f"{line}  # guess: only both together are unique", names
    return None


def with_time(column: Column, file: SampledFile, guess: Guess, formats: Formats) -> Line | None:
    """A date with the time of day that stands in a column of its own."""
    days = file.columns[guess.name]
    for wanted in TIMES:
        name = find_column(wanted, file.header)
        times = file.columns[name] if name else []
        if name is None or name == guess.name or len(times) != len(days) or not all(map(_TIME.match, times)):
            continue
        if any(":" in day for day in days):
            return None
        settings, why = formats.settings(column, [f"{day} {time}" for day, time in zip(days, times, strict=True)])
        parts = [f"column = {listed((guess.name, name))}", *settings]
        return f"{column.name} = {{ {', '.join(parts)} }}  # guess, likely: a day and its time{why}", (name,)
    return None


def person(column: Column, file: SampledFile) -> Line | None:
    """What else tells one patient from another."""
    for wanted in PEOPLE:
        names = tuple(name for one in wanted if (name := find_column(one, file.header)))
        if len(names) == len(wanted):
            source = f"{{ column = {listed(names)} }}" if len(names) > 1 else toml_string(names[0])
            line = f"{column.name} = {source}  # guess, unsure: no id of patients; only a keyed hash of it is kept. "
            return f"{line}DECIDE: has each patient one of their own?", names
    return None


def visit(column: Column, file: SampledFile, guesses: dict[str, Guess]) -> Line | None:
    """Who comes when, where bookings have no id."""
    patient, start = guesses.get("patient_id"), guesses.get("starts_at")
    if patient is None or start is None:
        return None
    time = next((name for one in TIMES if (name := find_column(one, file.header)) and name != start.name), None)
    names = (patient.name, start.name) + ((time,) if time else ())
    if not unique(file, names):
        return None
    line = f"{column.name} = {{ column = {listed(names)} }}"
    return f"{line}  # guess, unsure: no id of bookings, and these together are unique", ()


def unique(file: SampledFile, names: Sequence[str]) -> bool:
    """Whether no two rows of the sample have the same values in all of the columns."""
    columns = [file.columns[name] for name in names]
    rows = list(zip(*columns, strict=False))
    return len(set(rows)) == len(rows) == max(map(len, columns))


def listed(names: Sequence[str]) -> str:
    """Names of columns as a list in TOML."""
    return f"[{', '.join(map(toml_string, names))}]"
