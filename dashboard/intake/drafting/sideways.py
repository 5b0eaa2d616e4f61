"""Records that stand sideways in another system's file: a column for each side effect or each questionnaire."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.intake.contract import INSTRUMENTS, SEVERITIES, Table
from dashboard.intake.drafting.formats import listed, toml_string
from dashboard.intake.drafting.guesses import column_words, guess_column, guess_word, words_of
from dashboard.intake.drafting.samples import SampledFile, layout_of
from dashboard.intake.drafting.synonyms import WORDS
from dashboard.intake.drafting.together import Visits
from dashboard.intake.drafting.words import with_counterparts
from dashboard.intake.reference import Reference

#: From so many columns called after side effects on, a file is a form of them: one may be what a patient came with.
_FORM = 2
#: What a column of a side effect, of its grade, or of a questionnaire's sum may be called besides.
_MARKS = {"ae", "aes", "se", "side", "effect", "effects", "adverse", "event"}
_BESIDE = _MARKS | {
    "any",
    "had",
    "post",
    "after",
    "infusion",
    "during",
    "treatment",
    "symptom",
    "reaction",
    "present",
    "yes",
    "no",
    "y",
    "n",
}
_GRADES = {"severity", "grade", "sev", "level"}
_DAYS = {"date", "day", "timestamp", "taken", "completed"}
_SUMS = {"total", "tot", "score", "sum", "raw", "result", "value"}
_LARGEST = {"PHQ-9": 27, "GAD-7": 21}
#: What side effects are called, besides their names. "Hypertension" and "tachycardia" are diagnoses as well.
_CALLED = {
    "nausea": "nauseous|nauseated|nauseas",
    "confusion": "confused",
    "dizziness": "dizzy|mareo|mareos",
    "increased_heart_rate": "elevated heart rate|raised heart rate|heart rate increase|heart rate increased|"
    "hr increase|hr increased|increased hr|elevated hr",
    "increased_blood_pressure": "elevated blood pressure|raised blood pressure|blood pressure increase|"
    "blood pressure increased|elevated bp|raised bp|increased bp|bp increase|bp increased",
    "blurred_vision": "blurry vision|vision blurred|vision borrosa",
    "short_term_memory_loss": "memory loss|memory impairment",
    "cardiac_arrest": "",
    "respiratory_failure": "respiratory arrest",
}
#: Other terms that a form has beside those.
_FURTHER = (
    "headache|vomiting|dissociation|drowsiness|sedation|hallucinations|hallucination|palpitations|syncope|fainting|"
    "injection site pain|injection site reaction|chest pain|shortness of breath|itching|rash|chills|sweating|"
    "double vision|numbness|tingling"
)
#: What columns are called that hold one of a row's side effects each, before their numbers.
NUMBERED = {
    "ae",
    "adverse event",
    "adverse effect",
    "adverse reaction",
    "side effect",
    "reaction",
    "symptom",
}
#: A longer name is none of these, and would take long to look through.
_LONGEST = 80
_NUMBER = re.compile(r"(.*?)[\s_.#(-]*0*([1-9]\d?)\)?")
_NOTHING = {"none", "unchecked", "absent", "denied", "denies", "nil", "0"}
_CHECKED = {"checked", "present", "x"}


@dataclass(frozen=True)
class Across:
    """A column whose name says what a table has in a column of words.

    Attributes:
        term: the side effect, or the questionnaire.
        name: the column.
        rows: the setting that leaves the rows out in which it has nothing.
        grades: the column that tells the severity, and what its values mean.
        day: the column that tells when a questionnaire was filled in.
        holds_terms: whether the column's values are the side effects, and its name is no more than a number.
    """

    term: str
    name: str
    rows: str
    grades: tuple[str, dict[str, str]] | None = None
    day: str | None = None
    holds_terms: bool = False

    def lines(self, file: SampledFile, own: dict[str, str]) -> dict[str, str]:
        """The lines of a section that are known, by the contract's column.

        Args:
            file: holds the column.
            own: lines of the same file's bookings, by the contract's column; empty where it holds none.
        """
        tag = re.sub(r"[^a-z0-9]+", "-", self.term.lower()).strip("-")
        key = "score_id" if self.term in INSTRUMENTS else "event_id"
        lines = {key: f'{key} = {{ row_number = "{tag}-" }}  # guess: no id found; each row has one of its own'}
        if number := re.match(r'booking_id = ("(?:[^"\\]|\\.)*"|\d+) ', own.get("booking_id", "")):
            # What somebody wrote is no part of an id, which would be another once a slip is corrected.
            beside = number[1] if self.holds_terms else file.source(self.name)
            lines[key] = f'{key} = {{ column = [{number[1]}, {beside}], separator = "-{tag}-" }}  # guess'
        if self.term in INSTRUMENTS:
            lines["instrument"] = f"instrument = {{ constant = {toml_string(self.term)} }}  # guess: by its name"
            lines |= {name: own[name] for name in ("patient_id",) if name in own}
            if "starts_at" in own and self.day is None:
                lines["taken_at"] = own["starts_at"].replace("starts_at", "taken_at", 1)
        else:
            lines |= {name: own[name] for name in ("booking_id",) if name in own}
        if self.holds_terms:
            lines["effect"] = f"effect = {file.source(self.name)}  # guess: one of several columns of side effects"
        elif self.term not in INSTRUMENTS:
            lines["effect"] = f"effect = {{ constant = {toml_string(self.term)} }}  # guess: by its name"
        if self.grades is not None:
            name, words = self.grades
            values = ", ".join(f"{toml_string(value)} = {toml_string(word)}" for value, word in words.items())
            lines["severity"] = f"severity = {{ column = {file.source(name)}, values = {{ {values} }} }}  # guess"
        return lines


def told(table: Table, file: SampledFile, columns: Sequence[Across]) -> list[str]:
    """What to say before the sections of a file."""
    if table.name == "scores":
        return [f"# guess: {file.called} has a column for each questionnaire; DECIDE: were they filled in then?"]
    what = "several columns of side effects" if columns[0].holds_terms else "a column for each side effect"
    return [
        f"# guess: {file.called} has {what};",
        "# DECIDE: do they tell what came after the infusion, and not what a patient came with?",
    ]


def effects_of(file: SampledFile, reference: Reference) -> list[Across]:
    """The columns of a file that each tell whether one side effect came, or how severe it was.

    Empty where fewer than two side effects are asked for.
    """
    known = {frozenset(words_of(one.name).split()): one.effect for one in reference.effects}
    for effect, called in _CALLED.items():
        if any(one.effect == effect for one in reference.effects):
            known |= {frozenset(words.split()): effect for words in called.split("|") if words}
    listed_effects = set(known.values())
    known |= {frozenset(column_words(words).split()): words for words in _FURTHER.split("|")}
    asked: dict[str, str] = {}
    graded: dict[str, str] = {}
    for name in file.header:
        told = column_words(name).split()
        words = frozenset(told) - _BESIDE
        # Behind a mark of its own anything is a side effect: ae_tingling.
        marked = bool(told) and told[0] in _MARKS and not words & _GRADES
        term = known.get(words - _GRADES) or known.get(frozenset(told) - _GRADES)
        # A number alone is the place in somebody's list of choices: ae___1.
        named = any(not word.isdigit() for word in words)
        if term is None and marked and named and len(words) < len(told):
            term = " ".join(word for word in told if word in words)
        if term is not None and file.header.count(name) == 1:
            (graded if words & _GRADES else asked).setdefault(term, name)
    found = [_across(file, term, name, graded.get(term)) for term, name in (graded | asked).items()]
    effects = [one for one in found if one is not None]
    order = {name: number for number, name in enumerate(file.header)}
    enough = sum(one.term in listed_effects for one in effects) >= _FORM
    return sorted(effects, key=lambda one: order[one.name]) if enough else []


def terms_of(file: SampledFile) -> list[Across]:
    """The columns of a file that each hold one of a row's side effects, as AE1 to AE6 do; in their order.

    Empty where there is one alone, and where none holds a word that could be a side effect: answers and numbers are
    those of checkboxes, whose names stand elsewhere.
    """
    groups: dict[str, list[str]] = {}
    for name in file.header:
        match = _NUMBER.fullmatch(name.strip()) if len(name) <= _LONGEST else None
        stem = column_words(match[1]) if match else ""
        if stem.removesuffix("s") in NUMBERED and file.header.count(name) == 1:
            groups.setdefault(stem, []).append(name)
    for names in groups.values():
        values = {value for name in names for value in file.columns[name] if not _is_nothing(value)}
        if len(names) < _FORM or not values or any(_is_answer(value) for value in values):
            continue
        nothing = {value.lower() for name in names for value in file.columns[name] if _is_nothing(value)}
        left_out = listed(["", *sorted(nothing | {"none", "no", "n/a"})])
        # Column 5 of a sample may be empty, and of the next delivery not.
        return [
            Across(
                name,
                name,
                f"except = {{ column = {file.source(name)}, values = {left_out} }}",
                _grades_beside(file, name),
                holds_terms=True,
            )
            for name in names
        ]
    return []


def _grades_beside(file: SampledFile, name: str) -> tuple[str, dict[str, str]] | None:
    """The grades of a numbered column, as AE1 severity tells those of AE1; None where there are none.

    Numbers above 5 and words that are no grades are none.
    """
    wanted = {re.sub(r"[^a-z0-9]", "", f"{name} {word}".lower()) for word in _GRADES}
    for one in file.header:
        if re.sub(r"[^a-z0-9]", "", one.lower()) in wanted and file.header.count(one) == 1:
            graded = _grades_of(file, one)
            # No grade beside a side effect is an unknown one.
            nothing = {value: "" for value in dict.fromkeys(file.columns[one]) if _is_nothing(value)}
            return (graded[0], graded[1] | nothing) if graded else None
    return None


def _is_answer(value: str) -> bool:
    """Whether a value says whether something came, or how much, and not what."""
    return _is_yes(value) or not re.search(r"[^\W\d]", value) or guess_word(value, SEVERITIES) is not None


def _across(file: SampledFile, term: str, name: str, graded: str | None) -> Across | None:
    """A side effect by what its column holds: an answer, or a grade."""
    values = list(dict.fromkeys(file.columns[name]))
    nothing = [value for value in values if _is_nothing(value)]
    yes = [value for value in values if _is_yes(value)]
    if name != graded and len(nothing) + len(yes) == len(values):
        # Where nobody had it yet, the other answer is known.
        told = yes or sorted(with_counterparts(nothing) - set(nothing))
        if told:
            rows = f"only = {{ column = {file.source(name)}, values = {listed(told)} }}"
        else:
            rows = f"except = {{ column = {file.source(name)}, values = {listed([*(nothing or ['no', '0']), ''])} }}"
        return Across(term, name, rows, _grades_of(file, graded) if graded else None)
    grades = _grades_of(file, name)
    if grades is None:
        return None
    return Across(
        term, name, f"except = {{ column = {file.source(name)}, values = {listed([*nothing, ''])} }}", grades
    )


def _is_yes(value: str) -> bool:
    words = words_of(value)
    return words in _CHECKED or words in WORDS["yes"].split("|")


def _is_nothing(value: str) -> bool:
    words = words_of(value)
    return words in _NOTHING or words in WORDS["no"].split("|")


def _grades_of(file: SampledFile, name: str) -> tuple[str, dict[str, str]] | None:
    """A column of grades and what its values mean; None where one means none."""
    values = [value for value in dict.fromkeys(file.columns[name]) if not _is_nothing(value)]
    words = {value: guess_word(value, SEVERITIES) for value in values}
    meant = {value: word for value, word in words.items() if word is not None}
    if len(meant) < len(values):
        return None
    if values and all(value.isdigit() for value in values):
        meant |= {str(number): word for number, word in enumerate(SEVERITIES[:5], 1)}
    else:
        # Grades that the sample has none of are called so, as likely as not.
        meant |= {word.replace("_", " "): word for word in SEVERITIES[:5] if word not in meant.values()}
    return name, meant


@dataclass(frozen=True)
class Form:
    """How bookings tell whether the form of side effects was filled in.

    Attributes:
        line: of the bookings' section.
        join: the section by which they find the form; empty where it stands beside them.
    """

    line: str
    join: tuple[str, ...] = ()


def form_of(
    file: SampledFile, effects: Sequence[Across], bookings: SampledFile, visits: Visits | None
) -> Form | None:
    """The form: it was filled in where it has an answer. None where no answer is a no, or no booking finds it.

    Args:
        file: holds the form.
        effects: its columns.
        bookings: the file of the bookings.
        visits: how rows of the form find their bookings, where they name none.
    """
    if effects[0].holds_terms:
        # The others are empty as well where there was one side effect; in another file an id has several rows.
        effects = effects[:1] if file is bookings else []
    one = next((one for one in effects if any(map(_is_nothing, file.columns[one.name]))), None)
    if one is None:
        return None
    parts = [f"column = {file.source(one.name)}", 'values = { "" = "no" }', 'default = "yes"']
    join: tuple[str, ...] = ()
    if file is not bookings:
        if visits is None:
            own = guess_column("booking_id", "bookings", bookings.header, ())
            named = guess_column("booking_id", "side_effects", file.header, ())
            if own is None or named is None:
                return None
            keys = bookings.source(own.name), file.source(named.name)
        else:
            keys = bookings.sources(visits.other_key), file.sources(visits.key)
        parts.insert(0, 'join = "forms"')
        join = (
            "[joins.forms]  # guess: a form without side effects was filled in, too",
            *layout_of(file), f"key = {keys[0]}", f"other_key = {keys[1]}", 'doubled = "empty"',
        )  # fmt: skip
    return Form(f"side_effects_assessed = {{ {', '.join(parts)} }}  # guess: the form has an answer", join)


def scores_of(file: SampledFile) -> list[Across]:
    """The columns of a file that hold the sum of a questionnaire, the first of each."""
    found: dict[str, Across] = {}
    told = [(name, *_instrument(name)) for name in file.header]
    for name, instrument, rest in told:
        if instrument and rest <= _SUMS and _are_sums(file.columns[name], _LARGEST[instrument]):
            rows = f'except = {{ column = {file.source(name)}, values = [""] }}'
            days = [one for one, of, beside in told if of == instrument and beside and beside <= _DAYS]
            found.setdefault(instrument, Across(instrument, name, rows, day=next(iter(days), None)))
    return list(found.values())


def _instrument(name: str) -> tuple[str | None, set[str]]:
    """The questionnaire that a column is called after, and the other words of its name."""
    words = re.sub(r"\b(phq|gad) ?([97])\b", r"\1-\2", column_words(name)).upper().split()
    found = [word for word in words if word in INSTRUMENTS]
    return (found[0] if len(found) == 1 else None), {word.lower() for word in words if word not in found}


def _are_sums(values: Sequence[str], largest: int) -> bool:
    return bool(values) and all(
        re.fullmatch(r"\d{1,2}(\.0+)?", value) and float(value) <= largest for value in values
    )
