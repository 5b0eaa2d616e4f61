"""What names and values of another system's columns probably mean."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from dashboard.intake.drafting.synonyms import (
    COLUMNS,
    ELSE,
    FILLING,
    GENERIC,
    IDS,
    JOINING,
    MEANS,
    OF_IDS,
    PARTIES,
    PERSONAL,
    WEAK,
    WHOSE,
    WORDS,
    WRITTEN,
    YES,
)

#: Up to so much confidence a person is asked.
UNSURE = 0.5
#: From so much on a name alone tells a column.
TELLING = 0.85
#: What stands between the parts of a value.
_PARTS = re.compile(r"\s+[-–—:]\s+|[()\[\]/:]")
#: Signs for a number.
_NUMBER = re.compile(r"#|№|\bN[°º]")
#: What Salesforce puts behind the names of an organization's own columns.
_CUSTOM = re.compile(r"__p?[cr]$", re.IGNORECASE)
#: So many letters a word has at least that is written together with others; and shorter ones that end some.
_LEAST = 3
#: A longer word is no name, and to take it apart would take hours.
_LONGEST = 80
_ENDINGS = frozenset({"id", "no", "of", "dt", "at", "on", "ts"})
_BEGINNINGS = frozenset({"is", "no"})
#: Columns of patients, whose names may say so.
_OF_PATIENTS = ("birth_date", "age", "sex")


@dataclass(frozen=True)
class Guess:
    """A column of a file for one of the contract, with confidence from 0 to 1 and what it rests on."""

    name: str
    confidence: float
    why: str = "by its name"


# Asked about each value of each column, and about the same names of sites and services each time.
@lru_cache(maxsize=1 << 16)
def words_of(name: str) -> str:
    """A name as words in small letters without accents: AppointmentID and APPOINTMENT_ID become appointment id."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", name) if not unicodedata.combining(one))
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", plain)
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


@cache
def column_words(name: str) -> str:
    """The words of a column's name in English, those left out that tell nothing."""
    bare = _CUSTOM.sub("", name)
    words = [part for word in words_of(_NUMBER.sub(" number ", bare)).split() for part in _apart(word)]
    english = " ".join(MEANS.get(word, word) for word in words if word not in JOINING)
    return english.replace("number show", "no show")


@cache
def _apart(word: str) -> tuple[str, ...]:
    """The words of which one is made that is written as one: apptstarttime. The fewest that make it up."""
    known = _known_words()
    if word in known or word in MEANS or not word.isalpha() or len(word) > _LONGEST:
        return (word,)
    best: list[tuple[str, ...] | None] = [(), *([None] * len(word))]
    for end in range(1, len(word) + 1):
        for start in range(end):
            before, part = best[start], word[start:end]
            # Words of two letters stand in any other.
            least = 1 if part in (_ENDINGS if start else _BEGINNINGS) else _LEAST
            if before is None or len(part) < least or part not in known:
                continue
            now = best[end]
            if now is None or len(before) + 1 < len(now):
                best[end] = (*before, part)
    return best[-1] or (word,)


@cache
def _known_words() -> frozenset[str]:
    """Words of which names of columns are made."""
    names = (name for table in COLUMNS.values() for pair in table.items() for name in pair)
    told = {word for name in names for word in words_of(name).split()}
    return frozenset(told | PERSONAL | WHOSE | WRITTEN | set(MEANS) | _ENDINGS | _BEGINNINGS)


def find_column(wanted: str, header: Sequence[str]) -> str | None:
    """The column of a header that has a name of these words."""
    return next((name for name in header if column_words(name) == wanted), None)


def find_person(wanted: str, header: Sequence[str]) -> str | None:
    """The column of a header with a name of these words, if need be behind a word for a patient."""
    whole = find_column(wanted, header)
    if whole is not None:
        return whole
    for name in header:
        before, found, after = column_words(name).partition(wanted)
        if found and not after and set(before.split()) <= WHOSE:
            return name
    return None


def guess_columns(contract_name: str, table: str, header: Sequence[str], taken: Collection[str]) -> list[Guess]:
    """The columns of a header that one of the contract may be made of, the likeliest first."""
    found = {name: _best(column_words(name), contract_name, table) for name in header if name and name not in taken}
    return [Guess(name, fit) for name, fit in sorted(found.items(), key=lambda pair: -pair[1]) if fit > 0.2]


@cache
def _known_as(contract_name: str, table: str) -> tuple[tuple[str, str, frozenset[str]], ...]:
    """What columns are called of which one of the contract may be made, the likeliest first; also as one word."""
    known = (column_words(name) for name in (contract_name, *COLUMNS[table].get(contract_name, "").split(", ")))
    # A name of which nothing is left, as "a" or "%", is called like no column.
    return tuple((words, words.replace(" ", ""), frozenset(words.split())) for words in known if words)


# The same words are asked about for every column of the contract and table, and again for each guess: of a file of
# thousands of columns that was nearly all that a draft took.
@lru_cache(maxsize=1 << 18)
def _best(words: str, contract_name: str, table: str) -> float:
    """How well a name fits the best of what the column is called."""
    whole, own, best = words.replace(" ", ""), set(words.split()), 0.0
    for rank, (known, joined, parts) in enumerate(_known_as(contract_name, table)):
        # What has other letters fits in no way, and that is most; a patient's id goes by more names than these.
        if parts <= own or joined in whole or contract_name == "patient_id":
            best = max(best, _fit(words, known, rank, contract_name))
    return best


def guess_column(contract_name: str, table: str, header: Sequence[str], taken: Collection[str]) -> Guess | None:
    """The likeliest of `guess_columns`."""
    return next(iter(guess_columns(contract_name, table, header, taken)), None)


def _fit(words: str, known: str, rank: int, contract_name: str) -> float:
    """How well a name fits the one known of this rank."""
    if contract_name == "patient_id" and known == "patient id":
        alike = ["patient" if word in OF_IDS else "id" if word in IDS else word for word in words.split()]
        words = " ".join(alike) if len(alike) > 1 else words
    if contract_name in _OF_PATIENTS:
        words = " ".join(word for word in words.split() if word not in WHOSE)
    if words == known or words.replace(" ", "") == known.replace(" ", ""):
        return 0.95 - 0.01 * rank
    if sorted(words.split()) == sorted(known.split()):
        return 0.9 - 0.01 * rank
    beside = set(words.split()) - set(known.split())
    if len(known) > 3 and not beside & ELSE.get(contract_name, frozenset()):
        # A word before or behind it leaves it as it is, mostly.
        beside_it = f" {words} ".startswith(f" {known} ") or f" {words} ".endswith(f" {known} ")
        return (0.45 if known in GENERIC else 0.6) - 0.01 * rank if beside_it else 0.0
    return 0.0


def meaning_of_yes(name: str) -> tuple[str, str] | None:
    """The status that yes and no mean in a column of such a name; None where they mean none."""
    words = words_of(name)
    return next(((yes, no) for pattern, yes, no in YES if re.search(pattern, words)), None)


def guess_word(value: str, allowed: Collection[str], yes_no: tuple[str, str] | None = None) -> str | None:
    """The word of the contract that a value probably means; `yes_no` are those that yes and no do.

    Of a value in parts, as "Grade 1 - Mild" or "x - Cancelled", all must mean the same, but for signs.
    """
    if (found := _guess_whole(value, allowed, yes_no)) is not None:
        return found
    parts = [part for part in _PARTS.split(value) if len(words_of(part)) > 1]
    meant = {_guess_whole(part, allowed, yes_no) for part in parts}
    return meant.pop() if len(meant) == 1 else None


def _guess_whole(value: str, allowed: Collection[str], yes_no: tuple[str, str] | None) -> str | None:
    words = re.sub(rf" by (?:the )?(?:{PARTIES})$|^(?:{PARTIES}) (?=cancel|no show|did not)", "", words_of(value))
    for answer, word in zip(("yes", "no"), yes_no or (), strict=False):
        if words in WORDS[answer].split("|"):
            return word
    for word in allowed:
        if words == words_of(word) or words in WORDS.get(word, "").split("|"):
            return word
    return None


def is_name(value: str, known: Mapping[str, Collection[str]]) -> bool:
    """Whether a value is a key or name, as a whole."""
    words = words_of(value)
    return any(words == words_of(name) for key, names in known.items() for name in (key, *names))


def guess_reference(value: str, known: Mapping[str, Collection[str]]) -> str | None:
    """The key that a value probably means: of that key or name, else the one that its words tell from all others.

    Half of its words must be of that name: in a sentence there may be any.

    Args:
        value: as the file has it.
        known: for each key what it is called.
    """
    found, _ = _reference(value, known)
    return found


def is_said(value: str, known: Mapping[str, Collection[str]]) -> bool:
    """Whether a value means a key and says nothing else."""
    return _reference(value, known)[1]


def _reference(value: str, known: Mapping[str, Collection[str]]) -> tuple[str | None, bool]:
    words = words_of(value)
    own = {key: {words_of(name) for name in (key, *names)} for key, names in known.items()}
    if found := next((key for key, names in own.items() if words in names), None):
        return found, True
    parts = {key: set(" ".join(names).split()) for key, names in own.items()}
    keys = Counter(word for each in parts.values() for word in each)
    given = {word for word in words.split() if word in keys or not (word in FILLING or re.match(r"\d", word))}
    shared = {key: given & each for key, each in parts.items()}
    weights = {key: sum(1 / keys[word] for word in each) for key, each in shared.items()}
    best = max(weights, key=lambda key: weights[key])
    telling = {word for word in shared[best] if keys[word] == 1}
    # One such word may stand beside anything: "Room C", "High risk".
    weak = all(len(word) == 1 or word in WEAK for word in telling) and len(shared[best]) == 1
    if not telling or weak or 2 * len(shared[best]) < len(given):
        return None, False
    return best, given == shared[best]
