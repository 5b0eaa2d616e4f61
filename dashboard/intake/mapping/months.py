"""Names of months and weekdays in the languages of other systems: which one a sample speaks, and SQL that makes them
English."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Sequence
from functools import cache

from dashboard.intake.sql import literal

#: For each language the months in order, each with its name and its short forms; also without accents.
MONTHS = {
    "es": (
        *("enero ene", "febrero feb", "marzo mar", "abril abr", "mayo may", "junio jun", "julio jul", "agosto ago"),
        *("septiembre setiembre sept sep set", "octubre oct", "noviembre nov", "diciembre dic"),
    ),
    "pt": (
        *("janeiro jan", "fevereiro fev", "março mar", "abril abr", "maio mai", "junho jun", "julho jul"),
        *("agosto ago", "setembro set", "outubro out", "novembro nov", "dezembro dez"),
    ),
    "fr": (
        *("janvier janv jan", "février févr fév", "mars mar", "avril avr", "mai", "juin", "juillet juil jul"),
        *("août aoû", "septembre sept sep", "octobre oct", "novembre nov", "décembre déc"),
    ),
    "de": (
        *("januar jänner jan jän", "februar feb", "märz maerz mär mrz", "april apr", "mai", "juni jun", "juli jul"),
        *("august aug", "september sept sep", "oktober okt", "november nov", "dezember dez"),
    ),
    "it": (
        *("gennaio gen", "febbraio feb", "marzo mar", "aprile apr", "maggio mag", "giugno giu", "luglio lug"),
        *("agosto ago", "settembre sett set", "ottobre ott", "novembre nov", "dicembre dic"),
    ),
}
#: Likewise the days of the week, from Monday.
WEEKDAYS = {
    "es": ("lunes lun", "martes mar", "miércoles miér mié", "jueves jue", "viernes vie", "sábado sáb", "domingo dom"),
    "pt": (
        *("segunda-feira segunda seg", "terça-feira terça ter", "quarta-feira quarta qua", "quinta-feira quinta qui"),
        *("sexta-feira sexta sex", "sábado sáb", "domingo dom"),
    ),
    "fr": ("lundi lun", "mardi mar", "mercredi mer", "jeudi jeu", "vendredi ven", "samedi sam", "dimanche dim"),
    "de": (
        "montag mo",
        "dienstag di",
        "mittwoch mi",
        "donnerstag do",
        "freitag fr",
        "samstag sonnabend sa",
        "sonntag so",
    ),
    "it": ("lunedì lun", "martedì mar", "mercoledì mer", "giovedì gio", "venerdì ven", "sabato sab", "domenica dom"),
}
_ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FULL = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november"),
    "december",
)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FULL_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_ENGLISH_DAY = re.compile(rf"(?i)\W*({'|'.join((*_FULL_DAYS, *_DAYS))})(?![^\W\d_])")
#: A whole date in numbers, beside which a first word is a day of the week.
_NUMBERS = re.compile(r"\d{1,2}([./-])\d{1,2}\1\d{2,4}|\d{4}([./-])\d{1,2}\2\d{1,2}")
_LETTERS = re.compile(r"[^\W\d_]{3,}")


def names_months(text: str) -> bool:
    """Whether a format reads the name of a month."""
    return any(sign in text.replace("%%", "") for sign in ("%b", "%B"))


def names_weekdays(text: str) -> bool:
    """Whether a format reads the name of a day of the week."""
    return any(sign in text.replace("%%", "") for sign in ("%a", "%A"))


def shortened(text: str) -> str:
    """A format for what `english` makes, which has short names alone."""
    return re.sub(r"%([AB])|%.", lambda sign: f"%{sign[1].lower()}" if sign[1] else sign[0], text, flags=re.DOTALL)


def english(text: str, language: str) -> str:
    """SQL that puts the English short name in the place of the first month that a text names.

    The point of a short form goes where a blank, a comma or the end follows; elsewhere it stands between parts.
    """
    return _replaced(text, r"^|[^\pL]", _words(language), _ENGLISH)


def english_day(text: str, language: str) -> str:
    """Likewise of a day of the week that is a text's first word, since "mar" may be a Tuesday and March."""
    return _replaced(text, r"^[^\pL\pN]*", _weekdays(language), _DAYS)


def _replaced(text: str, before: str, words: dict[str, int], names: Sequence[str]) -> str:
    pattern = rf"(?i)({before})({_any(words)})(?:\.([ ,]|$)|([^\pL]|$))"
    whens = " ".join(f"when {literal(word)} then {literal(names[number])}" for word, number in words.items())
    found = f"lower(regexp_extract({text}, {literal(pattern)}, 2))"
    name = f"case {found} {whens} end"
    return f"coalesce(regexp_replace({text}, {literal(pattern)}, '\\1' || {name} || '\\3\\4'), {text})"


def _any(words: dict[str, int]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


def spoken(sample: Sequence[str]) -> str | None:
    """The language of the months and weekdays that most values name; None where it is English, or they name none."""
    named = {language: _named(sample, _words(language), _first_day(language)) for language in MONTHS}
    best = max(named, key=lambda language: sum(named[language]))
    own = _named(sample, (*_FULL, *map(str.lower, _ENGLISH), "sept"), _ENGLISH_DAY)
    few = 2 * sum(map(bool, named[best])) <= len(sample)
    return None if few or sum(named[best]) <= sum(own) else best


def _named(sample: Sequence[str], months: Collection[str], day: re.Pattern[str]) -> list[int]:
    """Of each value how many of the two it names: a month, and a day of the week before it."""
    return [
        any(word.lower() in months for word in _LETTERS.findall(value)) + (day.match(value) is not None)
        for value in sample
    ]


def in_english(value: str, language: str) -> str:
    """What `english` makes of a value; a first word is a day of the week where the rest is a whole date."""
    words, made = _words(language), False

    def told(found: re.Match[str]) -> str:
        nonlocal made
        month = None if made else words.get(found[1].lower())
        made |= month is not None
        return found[0] if month is None else _ENGLISH[month]

    first = _first_day(language).match(value)
    start = ""
    if first is not None:
        rest = value[first.end() :]
        if _NUMBERS.search(rest) or any(word.lower() in words for word in _LETTERS.findall(rest)):
            start, value = f"{first[1]}{_DAYS[_weekdays(language)[first[2].lower()]]}", rest
    return start + re.sub(r"([^\W\d_]+)(?:\.(?=[ ,]|$))?", told, value)


@cache
def _first_day(language: str) -> re.Pattern[str]:
    """A day of the week as the first word."""
    return re.compile(rf"(?i)(\W*)({_any(_weekdays(language))})(?:\.(?=[ ,]|$)|(?![^\W\d_]))")


@cache
def _words(language: str) -> dict[str, int]:
    """Each name with the number of its month, from 0."""
    return _numbered(MONTHS[language])


@cache
def _weekdays(language: str) -> dict[str, int]:
    """Each name with the number of its day, from 0; English ones in full, too."""
    return _numbered(WEEKDAYS[language]) | _numbered(_FULL_DAYS)


def _numbered(names: Sequence[str]) -> dict[str, int]:
    found = {}
    for number, spellings in enumerate(names):
        for name in spellings.split():
            plain = unicodedata.normalize("NFKD", name)
            found[name] = found["".join(sign for sign in plain if not unicodedata.combining(sign))] = number
    return found
