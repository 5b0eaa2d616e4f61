"""What several columns of another system's files make up together, or tell together of a row."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import product

from dashboard.intake.contract import STATUSES, Column, Table
from dashboard.intake.drafting import evidence
from dashboard.intake.drafting.evidence import is_days, is_moments, is_padded, is_phrases, is_ranges, is_times
from dashboard.intake.drafting.formats import Formats, listed
from dashboard.intake.drafting.guesses import (
    UNSURE,
    Guess,
    column_words,
    find_column,
    find_person,
    guess_column,
    guess_columns,
    guess_word,
    meaning_of_yes,
    words_of,
)
from dashboard.intake.drafting.samples import SampledFile, layout_of
from dashboard.intake.drafting.synonyms import ELSE, PEOPLE, STARTS, TIMES

#: A line of a mapping, and the columns that it takes besides those guessed.
Line = tuple[str, tuple[str, ...]]
#: Of the rows of a log so many must find a booking.
_MOST = 0.5
#: Times as many values must stand beside patients as there are patients, that they tell one visit from another.
_TELLING = 1.2
#: Of a day with two times the day with the first or the last.
_STARTS = r"^(.*?)\s*[-–]\s*\d{1,2}:\d{2}\D*$"
_ENDS = r"^(.+?) \d{1,2}:\d{2}.*?[-–]\s*(\d{1,2}:\d{2}\D*)$"
#: The day without its midnight and the time without the first day of a system: 1/5/2026 0:00 12/30/1899 9:15.
_BARE = r"^(.+?)(?:[T ]0?0:00\S*| 12:00\S* ?[Aa][Mm])?(?: \S*(?:1899|1900)(?:-\d\d-\d\d)?)?[T ](\d+:\d.*)$"
#: So much less sure a column may be that is as good as another.
_AS_GOOD = 0.005
_ADDRESSES = ("email", "e mail", "email address")
_ONLY_DAY = "the only day"
#: Of a column of ids so many values differ; some rows may stand there twice.
_MOSTLY = 0.9
#: So many digits a day has at least.
_DIGITS = 4
_NOT_KEPT = ("cancelled", "late_cancelled", "no_show")
_DAYS = {"date", "day", "visit", "start", "starts", "time", "when"}


@dataclass(frozen=True)
class Visits:
    """How rows that name no booking find theirs: by columns of their own and of the bookings, which have an id."""

    key: tuple[str, ...]
    other_key: tuple[str, ...]
    booking_id: tuple[str, ...]

    @property
    def why(self) -> str:
        """What rows and bookings have in common."""
        return "by patient and day" if len(self.key) > 1 else "by patient, of whom each has one booking"

    def lines(self, log: SampledFile, bookings: SampledFile, status: Guess | None) -> list[str]:
        """The section of the join.

        Args:
            log: the file of the rows.
            bookings: that of the bookings.
            status: the column that tells what became of a booking, if one does.
        """
        lines = [f"[joins.visits]  # guess: most side effects have a booking {self.why}"]
        lines += [*layout_of(bookings), f"key = {log.sources(self.key)}"]
        lines += [f"other_key = {bookings.sources(self.other_key)}", 'doubled = "empty"']
        if status is not None and (words := self._not_kept(bookings, status)):
            given = f"{{ column = {bookings.source(status.name)}, values = {listed(words)} }}"
            lines.append(f"except = {given}  # guess: of two bookings a day that which took place")
        return lines

    def _not_kept(self, bookings: SampledFile, status: Guess) -> list[str]:
        """Words for bookings that did not take place, where without these a patient has one a day more often."""
        said = meaning_of_yes(status.name)
        states = bookings.columns[status.name]
        words = [one for one in dict.fromkeys(states) if guess_word(one, STATUSES, said) in _NOT_KEPT]
        columns = [bookings.columns[name] for name in (*self.other_key, status.name)]
        if not words or len({len(values) for values in columns}) > 1:
            return []
        rows = list(zip(*columns, strict=True))
        days, kept = (
            [row[:-1] for row in chosen] for chosen in (rows, [row for row in rows if row[-1] not in words])
        )
        return words if len(days) - len(set(days)) > len(kept) - len(set(kept)) else []


def booking_id_of(bookings: SampledFile, start: Guess | None) -> tuple[str, ...]:
    """The columns that tell one booking from all others: an id, else who comes when."""
    number, patient = guess_column("booking_id", "bookings", bookings.header, ()), patient_of(bookings)
    if number is not None and number.confidence > UNSURE:
        return (number.name,) if bookings.is_unique((number.name,)) else ()
    return _who_and_when(bookings, (patient.name,), start) if patient else ()


def visits_of(log: SampledFile, bookings: SampledFile, booking_id: tuple[str, ...]) -> Visits | None:
    """The columns by which most rows of a log find a booking: the patient and the day."""
    own, other = (patient_of(file) for file in (log, bookings))
    # Where a booking is a patient there is nothing to be looked up.
    if own is None or other is None or booking_id in ((), (other.name,)):
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
        found = sum(row in set(patients) for row in rows) > _MOST * len(rows)
        once = found and bookings.is_unique((other.name,)) and own.confidence > UNSURE
        return Visits((own.name,), (other.name,), booking_id) if once else None
    return Visits((own.name, best[0]), (other.name, best[1]), booking_id)


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


def same_people(files: dict[str, SampledFile]) -> dict[str, tuple[str, ...]]:
    """By table, the column that tells patients apart, where that of the likeliest name isn't the bookings'.

    Of all that may tell a patient the one is taken that most other files share.
    """
    bookings = files.get("bookings")
    others = {name: file for name, file in files.items() if name in ("payments", "scores") and file is not bookings}
    if bookings is None or not others:
        return {}

    def shared(name: str) -> dict[str, str]:
        """By table, the column that holds most of these patients."""
        own, found = set(bookings.columns[name]), {}
        for table, file in others.items():
            shares = {one: len(own & set(file.columns[one])) / len(set(file.columns[one])) for one in _tellers(file)}
            best = max(shares, key=lambda one: shares[one], default=None)
            if best is not None and shares[best] > _MOST:
                found[table] = best
        return found

    tellers = _tellers(bookings)
    best = max(tellers, key=lambda name: len(shared(name)), default=None)
    if best is None or len(shared(best)) == len(shared(tellers[0])):
        best = tellers[0] if tellers else None
    if best is None:
        return {}
    wanted = {"bookings": best} | shared(best)
    # What is found by its name anyway need not be said.
    return {table: (name,) for table, name in wanted.items() if _named(files[table]) != name}


def _named(file: SampledFile) -> str | None:
    guess = patient_of(file)
    return guess.name if guess else None


def patients_of(file: SampledFile, taken: Collection[str] = ()) -> list[Guess]:
    """The columns that may hold patients' ids, the likeliest first; one of names or titles is in doubt."""
    found = guess_columns("patient_id", "bookings", file.header, taken)
    phrases = {one.name for one in found if is_phrases(file.columns[one.name])}
    addressed = any(find_person(name, file.header) for name in _ADDRESSES)
    return [one for one in found if one.name not in phrases] + [
        Guess(one.name, min(one.confidence, UNSURE), one.why)
        for one in found
        # An e-mail address tells more.
        if one.name in phrases and not addressed
    ]


def patient_of(file: SampledFile, taken: Collection[str] = ()) -> Guess | None:
    """The likeliest of `patients_of`."""
    return next(iter(patients_of(file, taken)), None)


def _tellers(file: SampledFile) -> list[str]:
    """Columns that may tell one patient from another, the likeliest first."""
    ids = [one.name for one in patients_of(file)]
    people = [find_person(names[0], file.header) for names in PEOPLE if len(names) == 1]
    return [name for name in dict.fromkeys([*ids, *people]) if name and file.columns.get(name)]


def is_id(table: Table, column: Column, file: SampledFile, guess: Guess) -> bool:
    """Whether a column may be the id of the table's rows: by itself, or with another."""
    # What may be called after anything is none.
    if table.name == "bookings" and guess.confidence <= UNSURE:
        return False
    values = file.columns[guess.name]
    several = len(set(values)) < _MOSTLY * len(values)
    return not several or evidence.is_cut_short(values) or numbered(column, file, guess) is not None


def numbered(column: Column, file: SampledFile, guess: Guess) -> Line | None:
    """An id that numbers the rows of each patient or booking only, together with theirs."""
    values = file.columns[guess.name]
    # Of numbers that a spreadsheet has shortened several are one, which the patient's puts not right.
    if len(set(values)) == len(values) or evidence.is_cut_short(values):
        return None
    for name in ("patient_id", "booking_id"):
        own = (guess.name,)
        other = patient_of(file, own) if name == "patient_id" else guess_column(name, "bookings", file.header, own)
        if other and file.is_unique((other.name, guess.name)):
            names = (other.name, guess.name)
            line = f'{column.name} = {{ column = {file.sources(names)}, separator = "-" }}'
            return f"{line}  # guess: only both together are unique", names
    return None


def start_of(guesses: Sequence[Guess], file: SampledFile) -> Guess | None:
    """Of columns that may tell when a visit starts the one that does: with the time of day, else the day."""
    moments = [one for one in guesses if is_moments(file.columns[one.name])]
    days = [one for one in guesses if is_days(file.columns[one.name])]
    # Beside a day and its time a moment of its own may be when somebody wrote the row.
    whole = bool(days) and days[0] is guesses[0] and time_beside("starts_at", days[0].name, file) is not None
    if moments and not whole and (not days or days[0] is not guesses[0] or moments[0].confidence > UNSURE):
        return moments[0]
    return days[0] if days else next(iter(guesses), None)


def rivals(guesses: Sequence[Guess], taken: Guess, file: SampledFile) -> str:
    """What to say where another column may as well be the start."""
    also = [
        one.name
        for one in guesses
        if one.name != taken.name
        and one.confidence >= taken.confidence - _AS_GOOD
        and not is_times(file.columns[one.name])
    ]
    return f"; DECIDE: or is it {' or '.join(also)}?" if also else ""


def time_beside(column: str, day: str, file: SampledFile) -> str | None:
    """The column that holds the time of day to a day."""
    times = [
        name
        for name, values in file.columns.items()
        if name not in ("", day) and evidence.may_be_times(name, values) and len(values) == len(file.columns[day])
    ]
    if not file.inspected.dialect.header:
        return next(iter(times), None)
    told = column_words(day)
    # In studies the day of VISDAT has its time in VISTIM.
    if column == "ends_at":
        return next((name for name in times if is_ranges(file.columns[name])), None)
    alike = {
        re.sub(r"\b(date|day)\b", "time", told),
        re.sub(r"dat$", "tim", told),
        *(TIMES if column == "starts_at" else TIMES[:1]),
    }
    for name in times:
        if column_words(name) in alike and may_be(name, column):
            return name
    started = (name for name in times if set(column_words(name).split()) & STARTS and may_be(name, column))
    return next(started, None) if column == "starts_at" else None


def may_be(name: str, contract_name: str) -> bool:
    """Whether a name has no word by which it means something else."""
    return not set(column_words(name).split()) & ELSE.get(contract_name, frozenset())


def with_time(column: Column, file: SampledFile, guess: Guess, formats: Formats, start: Guess | None) -> Line | None:
    """A date with the time of day that stands in a column of its own, and is not that of a visit's start."""
    days = file.columns[guess.name]
    if not is_days(days) or (name := time_beside(column.name, guess.name, file)) is None:
        return None
    if start is not None and start.name != guess.name and name == time_beside("starts_at", start.name, file):
        return None
    line, names = _day_and_time(column, (guess.name, name), file, formats)
    doubt = f"; DECIDE: is {guess.name} the day of the visit?" if guess.why == _ONLY_DAY else ""
    return f"{line}{doubt}", names


def ending(
    column: Column, file: SampledFile, start: Guess | None, end: Guess | None, formats: Formats
) -> Line | None:
    """The day of a start with the time of an end, which may stand beside that of the start."""
    if start is None or not is_days(file.columns[start.name]):
        return None
    name = end.name if end else time_beside(column.name, start.name, file)
    if name is None or len(file.columns[name]) != len(file.columns[start.name]):
        return None
    if end is None and not is_ranges(file.columns[name]):
        return None
    # A day of its own may be another than that of the start.
    own = end and next((day for day in _days_of(column, file, formats) if day != start.name), None)
    found = _day_and_time(column, (own or start.name, name), file, formats)
    return (found[0], (own, *found[1])) if own else found


def _days_of(column: Column, file: SampledFile, formats: Formats) -> list[str]:
    """Columns of a name for it that hold days, as many as there are rows."""
    found = [one.name for one in guess_columns(column.name, "bookings", file.header, ())]
    return [name for name in found if _holds_days(column, name, file, formats)]


def _holds_days(column: Column, name: str, file: SampledFile, formats: Formats) -> bool:
    values = file.columns[name]
    return is_days(values) and len(values) == file.rows and formats.reads(column, values)


def day_of(column: Column, file: SampledFile, formats: Formats) -> Guess | None:
    """The day of a start of which only the time was found: the only one that may be it."""
    named = _days_of(column, file, formats)
    others = [
        name
        for name in file.header
        if name
        and set(column_words(name).split()) & {"date", "day"}
        and not set(column_words(name).split()) & (ELSE[column.name] - {"booking", "booked"})
        and _holds_days(column, name, file, formats)
    ]
    if named:
        return Guess(named[0], 0.6)
    return Guess(others[0], UNSURE, _ONLY_DAY) if len(others) == 1 else None


def _day_and_time(column: Column, names: tuple[str, str], file: SampledFile, formats: Formats) -> Line:
    both = [" ".join(pair) for pair in zip(*(file.columns[name] for name in names), strict=True)]
    parts = [f"column = {file.sources(names)}"]
    pattern = _BARE if is_padded(*(file.columns[name] for name in names)) else None
    if is_ranges(file.columns[names[1]]):
        pattern = _ENDS if column.name == "ends_at" else _STARTS
    if pattern:
        both = [" ".join(found.groups()) for value in both if (found := re.search(pattern, value))]
        parts.append(f"pattern = '{pattern}'")
    settings, why = formats.settings(column, names[0], both)
    parts += settings
    return f"{column.name} = {{ {', '.join(parts)} }}  # guess, likely: a day and its time{why}", names[1:]


def lacking_time(file: SampledFile, guess: Guess) -> str:
    """What to say of a start without time of day, where another column holds some."""
    if not is_days(file.columns[guess.name]) and not evidence.is_midnights(file.columns[guess.name]):
        return ""
    others = [
        name
        for name, values in file.columns.items()
        if name not in ("", guess.name) and (is_times(values) or (is_moments(values) and may_be(name, "starts_at")))
    ]
    return f"; DECIDE: it has no time of day; is that in {' or '.join(others)}?" if others else ""


def person(column: Column, file: SampledFile, preferred: tuple[str, ...] = ()) -> Line | None:
    """What else tells one patient from another: what is preferred, or what mostly does."""
    for wanted in (*([preferred] if preferred else ()), *PEOPLE):
        found = wanted if wanted == preferred else tuple(find_person(one, file.header) or "" for one in wanted)
        names = tuple(name for name in found if name and file.columns.get(name))
        if len(names) == len(wanted):
            source = f"{{ column = {file.sources(names)} }}" if len(names) > 1 else file.source(names[0])
            line = f"{column.name} = {source}  # guess, unsure: no id of patients; only a keyed hash of it is kept. "
            return f"{line}DECIDE: has each patient one of their own?", names
    return None


def visit(column: Column, file: SampledFile, patient: Sequence[str], start: Guess | None) -> Line | None:
    """Who comes when, where bookings have no id."""
    names = _who_and_when(file, patient, start)
    if not names:
        return None
    line = f"{column.name} = {{ column = {file.sources(names)} }}"
    return f"{line}  # guess, unsure: no id of bookings, and these together are unique", ()


def _who_and_when(file: SampledFile, patient: Sequence[str], start: Guess | None) -> tuple[str, ...]:
    """The columns of a patient, day and time, if no two rows have the same."""
    if not patient or start is None:
        return ()
    time = time_beside("starts_at", start.name, file) or next(
        (name for one in TIMES if (name := find_column(one, file.header)) and name != start.name), None
    )
    names = (*patient, start.name) + ((time,) if time else ())
    return names if file.is_unique(names) else ()
