"""Names of months in the languages of other systems: which one a sample speaks, and SQL that makes them English."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
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
_ENGLISH = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FULL = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november"),
    "december",
)
_LETTERS = re.compile(r"[^\W\d_]{3,}")


def names_months(text: str) -> bool:
    """Whether a format reads the name of a month."""
    return any(sign in text.replace("%%", "") for sign in ("%b", "%B"))


def shortened(text: str) -> str:
    """A format for what `english` makes, which has short names alone."""
    return re.sub(r"%(.)", lambda sign: "%b" if sign[1] == "B" else sign[0], text, flags=re.DOTALL)


def english(text: str, language: str) -> str:
    """SQL that puts the English short name in the place of the first month that a text names.

    The point of a short form goes where a blank, a comma or the end follows; elsewhere it stands between parts.
    """
    words = _words(language)
    pattern = rf"(?i)(^|[^\pL])({'|'.join(sorted(words, key=len, reverse=True))})(?:\.([ ,]|$)|([^\pL]|$))"
    whens = " ".join(f"when {literal(word)} then {literal(_ENGLISH[month])}" for word, month in words.items())
    found = f"lower(regexp_extract({text}, {literal(pattern)}, 2))"
    name = f"case {found} {whens} end"
    return f"coalesce(regexp_replace({text}, {literal(pattern)}, '\\1' || {name} || '\\3\\4'), {text})"


def spoken(sample: Sequence[str]) -> str | None:
    """The language of the months that most values name; None where it is English, or where they name none."""
    named = [set(map(str.lower, _LETTERS.findall(value))) for value in sample]
    named = [words for words in named if words]
    own = {*_FULL, *(name.lower() for name in _ENGLISH), "sept"}
    counts = {language: sum(not words.isdisjoint(_words(language)) for words in named) for language in MONTHS}
    best = max(counts, key=lambda language: counts[language])
    if counts[best] <= sum(not words.isdisjoint(own) for words in named) or 2 * counts[best] <= len(sample):
        return None
    return best


def in_english(value: str, language: str) -> str:
    """What `english` makes of a value."""
    words, made = _words(language), False

    def told(found: re.Match[str]) -> str:
        nonlocal made
        month = None if made else words.get(found[1].lower())
        made |= month is not None
        return found[0] if month is None else _ENGLISH[month]

    return re.sub(r"([^\W\d_]+)(?:\.(?=[ ,]|$))?", told, value)


@cache
def _words(language: str) -> dict[str, int]:
    """Each name with the number of its month, from 0."""
    found = {}
    for month, names in enumerate(MONTHS[language]):
        for name in names.split():
            plain = unicodedata.normalize("NFKD", name)
            found[name] = found["".join(sign for sign in plain if not unicodedata.combining(sign))] = month
    return found
