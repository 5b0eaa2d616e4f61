"""What the values of another system's columns tell of them, and which of them a draft may show."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from dashboard.intake.drafting.guesses import column_words, words_of
from dashboard.intake.drafting.synonyms import (
    ADDRESSES,
    ELSEWHERE,
    FREE,
    LISTED,
    NAMED,
    NAMES,
    NAMING,
    OF_IDS,
    PERSONAL,
    RELATED,
    WHOSE,
    WRITTEN,
)

#: So many different values of a column are shown.
SHOWN = 40
#: A value that stands for a kind of thing is no longer.
_LONGEST = 60
_MOST_WORDS = 6
#: One of so many values is too many of those that say who a patient is.
_MANY = 4
#: So many digits the number of a spreadsheet's day has.
_DAY_DIGITS = 5
_TIME = re.compile(r"\d{1,2}[:h]\d{2}(:\d{2})?(\.\d+)?(\s*[AaPp](?:\.? ?[Mm])?\.?|\s(?:Uhr|hrs))?")
#: What systems without a type for days write behind one, and those without a type for times of day before one.
MIDNIGHT = r"(?:[T ]0?0:00(?::00(?:\.0+)?)?| 12:00(?::00)? ?[Aa][Mm])"
FIRST_DAY = r"(?:(?:12/30|30[./]12)[./]1899|1899-12-30|0?1[./]0?1[./]1900|1900-01-01)[T ]"
_UTC_DAY = re.compile(r"\d{4}-\d{2}-\d{2}[T ]00:00(:00(\.0+)?)?(Z|\+00(:?00)?)")
_DAY_ALONE, _TIME_ALONE = re.compile(rf"{MIDNIGHT}$"), re.compile(rf"^{FIRST_DAY}")
_FOUR_DIGITS = re.compile(r"(?:[01]\d|2[0-3])[0-5]\d")
_RANGE = re.compile(rf"{_TIME.pattern}\s*[-–]\s*{_TIME.pattern}")
#: A time of day, a spreadsheet's fraction of one, or seconds since 1970.
_CLOCK = re.compile(
    r"\d{1,2}:\d{2}|\d{1,2}\s*[AaPp]\.?[Mm]\b|\b\d{1,2}h\d{2}\b|^[1-7]\d{4}\.\d+$|^\d{10}(?:\d{3})?(?:\.\d+)?$"
)
_REFUNDS = {"refund", "refunds", "refunded"}
#: Columns of what is paid with a price and is none.
_NO_PRICE = {"tax", "taxes", "vat", "gst", "tip", "tips", "gratuity", "gratuities", "fee", "fees", "surcharge"}
_NO_AMOUNT = {"date", "time", "id", "number", "reason", "count", "status", "rate", "type", "percent"}
#: Words beside them that make a column no sum of money.
_NO_SUM = {"date", "time", "id", "number", "reason", "tip", "tax", "count", "status"}
_STATE = re.compile("[A-Z]{2}")
_SUM = re.compile(r"[^\w]*[A-Z]{0,3}\s*\d[\d.,\s]*\W*")
_STAFF = re.compile(r"\b(Dr|Mr|Ms|Mrs|Prof)\b\.? \w|\b[A-Z][\w'’-]+,? (?:[A-Z]\.? )?[A-Z][\w'’-]+")


def is_times(values: Sequence[str]) -> bool:
    """Whether all are times of day, without a date or of the first day that a system knows."""
    return bool(values) and all(_TIME.fullmatch(_TIME_ALONE.sub("", value)) for value in values)


def is_ranges(values: Sequence[str]) -> bool:
    """Whether all are two times of day with a dash between them."""
    return bool(values) and all(map(_RANGE.fullmatch, values))


def may_be_times(name: str, values: Sequence[str]) -> bool:
    """Whether a column holds times of day or two of them; as four digits, 0930, if its name says so."""
    digits = bool(values) and all(map(_FOUR_DIGITS.fullmatch, values))
    return is_times(values) or is_ranges(values) or (digits and "time" in column_words(name).split())


def is_negative(value: str) -> bool:
    """Whether a number has a minus, or stands in parentheses."""
    return bool(re.search(r"^\W*[-−(]|-$", value))


def paid_back(columns: Mapping[str, Sequence[str]], amount: str | None) -> str | None:
    """The column that holds what was paid back of the same payment, beside that of its amount."""
    for name, values in columns.items():
        words = set(column_words(name).split())
        sums = values and all(map(_SUM.fullmatch, values)) and any(re.search("[1-9]", value) for value in values)
        if name != amount and sums and words & _REFUNDS and not words & _NO_SUM:
            return name
    return None


def beside_price(columns: Mapping[str, Sequence[str]], amount: str) -> list[str]:
    """The columns of tax, tips and fees beside that of a payment's amount, which may hold them or not."""
    found = []
    for name, values in columns.items():
        words = set(column_words(name).split())
        sums = values and all(map(_SUM.fullmatch, values)) and any(re.search("[1-9]", value) for value in values)
        if name != amount and sums and words & _NO_PRICE and not words & _NO_AMOUNT:
            found.append(name)
    return found


def is_days(values: Sequence[str]) -> bool:
    """Whether none tells a time of day, but for midnight in all."""
    return bool(values) and not any(_CLOCK.search(_DAY_ALONE.sub("", value)) for value in values)


def is_midnights(values: Sequence[str]) -> bool:
    """Whether all are midnight in UTC, as programs write a day."""
    return bool(values) and all(map(_UTC_DAY.fullmatch, values))


def is_moments(values: Sequence[str]) -> bool:
    """Whether most tell a time of day with what else is longer than one."""
    told = sum(bool(_CLOCK.search(value)) and not _TIME.fullmatch(value) for value in values)
    return 2 * told > len(values) and not is_days(values) and not is_times(values)


def is_padded(days: Sequence[str], times: Sequence[str]) -> bool:
    """Whether days have midnight behind them, or times of day the first day before them."""
    return any(map(_DAY_ALONE.search, days)) or any(map(_TIME_ALONE.search, times))


def is_short_numbers(values: Sequence[str]) -> bool:
    """Whether all are whole numbers of a few digits: a spreadsheet's days without the time, or anything else."""
    return bool(values) and all(value.isdigit() and len(value) <= _DAY_DIGITS for value in values)


def is_cut_short(values: Sequence[str]) -> bool:
    """Whether numbers stand there of which a spreadsheet has dropped digits, as in 2.98725E+13."""
    found = (re.fullmatch(r"\d(?:\.(\d+))?[Ee]\+?(\d+)", value) for value in values)
    return any(one and len(one[1] or "") < int(one[2]) for one in found)


def is_decimal(values: Sequence[str]) -> bool:
    """Whether all are whole numbers with `.0`, as programs write ids of a column in which some are empty."""
    return bool(values) and all(re.fullmatch(r"\d+\.0", value) for value in values)


def is_phrases(values: Sequence[str]) -> bool:
    """Whether most are of several words, as names and titles are and ids aren't."""
    return 2 * sum(" " in value for value in values) > len(values)


def is_written(name: str) -> bool:
    """Whether a column of this name holds what somebody wrote."""
    return bool(set(column_words(name).split()) & WRITTEN)


def names_people(values: Sequence[str]) -> bool:
    """Whether half of the values or more look like names of people."""
    distinct = set(values)
    return bool(distinct) and 2 * sum("@" in value or bool(_STAFF.search(value)) for value in distinct) >= len(
        distinct
    )


def tells_who(values: Sequence[str], personal: Collection[str]) -> bool:
    """Whether many of the values hold an e-mail address, or a word that other columns say is a patient's."""
    distinct = set(values)
    telling = sum("@" in value or bool(set(words_of(value).split()) & set(personal)) for value in distinct)
    return _MANY * telling > len(distinct)


def is_address(name: str, values: Sequence[str]) -> bool:
    """Whether a column called state holds those of an address, in two letters each."""
    return column_words(name) == "state" and all(map(_STATE.fullmatch, values))


def says_who(name: str) -> bool:
    """Whether a column of this name holds a patient's name, addresses or birth date."""
    words = set(column_words(name).split())
    named = bool(words & NAMING) and words - NAMES <= WHOSE | RELATED
    return named or bool(words & ADDRESSES)


def is_private(name: str) -> bool:
    """Whether a column of this name holds what no text of the extract may be made of.

    That is a patient's name, address, phone, e-mail address or birth date, or what somebody wrote.
    """
    words = set(column_words(name).split())
    if words & LISTED:
        return False
    if words & FREE or (bool(words) and words <= {"patient", *OF_IDS}):
        return True
    return says_who(name) and not words & ELSEWHERE


def personal_words(columns: dict[str, list[str]]) -> frozenset[str]:
    """The words of columns whose names say that they tell of a patient."""
    found = [name for name in columns if _is_personal(set(column_words(name).split()))]
    return frozenset(
        word for name in found for value in columns[name] for word in words_of(value).split() if len(word) > 2
    )


def _is_personal(words: set[str]) -> bool:
    return (bool(words & PERSONAL) and not words & NAMED) or (bool(words) and words <= WHOSE)


def shown(values: Sequence[str], personal: Collection[str]) -> list[str]:
    """Those values that a draft may show, the most frequent first: kinds of things, which come again and again.

    Where values hardly repeat they may be what somebody wrote of a patient, and none is.
    """
    often = Counter(values)
    kinds = sorted(often, key=lambda value: (-often[value], value))
    repeated = 2 * len(kinds) <= len(values) and len(kinds) <= SHOWN
    if not repeated or any(len(value) > _LONGEST or len(value.split()) > _MOST_WORDS for value in kinds):
        return []
    return [value for value in kinds if not set(words_of(value).split()) & set(personal)]
