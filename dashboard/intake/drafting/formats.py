"""How the times and numbers of another system's columns are probably written."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import duckdb

from dashboard.intake.contract import Column
from dashboard.intake.drafting.evidence import is_midnights
from dashboard.intake.drafting.guesses import words_of
from dashboard.intake.drafting.possible_formats import possible_formats
from dashboard.intake.mapping.months import in_english, spoken
from dashboard.intake.mapping.readings import read_by
from dashboard.intake.mapping.time_formats import EXCEL

_SEEN = "%Y-%m-%dT%H:%M:%SZ"
#: Numbers from 1970, of 2001 to 2286.
_EPOCHS = {"epoch": r"\d{10}(\.\d+)?", "epoch_ms": r"\d{13}(\.\d+)?"}
#: Days as a spreadsheet counts them, from 1927 on; with times since 1990.
_SERIAL = re.compile(r"[1-7]\d{4}(\.\d+)?")
_FIRST_SERIAL = {"date": 10_000, "timestamp": 32_874}
#: Of a sample so much must be read by a format, by so many together all.
_MOST = 0.5
_FORMATS = 3
_DAY_MINUTES = 1440
#: What is read as the contract has it, but for its year.
_OTHER_YEARS = "year(try_cast(x as timestamp)) not between 1990 and 2100"
#: Points, of how many, or with what they mean.
_OF = re.compile(r"\d{1,2}(?:\s*/\s*\d{1,2})?(?:\s*\([^()]{1,40}\))?")
#: Of a cent.
_FRACTION = re.compile(r"\.\d{4,}$")
_HOURS = re.compile(r"\d\s*h", re.IGNORECASE)
#: A number with a sign or unit at one end.
_NUMBER = re.compile(r"[(+−-]?\s*[^\d\s(+−-]{0,4}\s*[+−-]?\s*(\d+)[\d.,'\s]*[^\d\s]{0,8}[)−-]?")
#: More or less than a number.
_COMPARED = re.compile(r"([<>]=?|[≤≥~≈])\s*(\d+(?:\.\d+)?)")
#: Columns of the contract that hold money, and how dollars are called.
_MONEY = ("price", "amount")
_DOLLARS = {"$", "US$", "USD", "USD$", "$USD"}


class Formats:
    """Tries formats on values as an import would read them.

    Args:
        connection: has the macros of queries/build.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._tried: dict[tuple[str, ...], dict[str, float]] = {}

    def settings(self, column: Column, name: str, sample: list[str]) -> tuple[list[str], str]:
        """What a column needs besides its source, and what to say about it.

        Args:
            column: of the contract.
            name: of the file's column.
            sample: its values.
        """
        if column.kind in ("timestamp", "date"):
            language = spoken(sample)
            settings, why = self._time(column, [in_english(one, language) for one in sample] if language else sample)
            if language and settings:
                settings.append(f'language = "{language}"')
            # What says UTC in its name and not in its values would count as the site's own time.
            if (
                column.kind == "timestamp"
                and "utc" in words_of(name).split()
                and not any(mark in one for one in settings for mark in ("%z", "%Z", "epoch"))
            ):
                settings.append('timezone = "UTC"')
            return settings, why
        if column.kind in ("amount", "whole number"):
            if (
                column.name == "score"
                and any("/" in x or "(" in x for x in sample)
                and all(map(_OF.fullmatch, sample))
            ):
                return [r"pattern = '^(\d+)'"], "; what stands behind the points is cut"
            compared = {one: bound for one in sample if (bound := _COMPARED.fullmatch(one))}
            numbers = guess_numbers([one for one in sample if one not in compared])
            sign = numbers.get("currency", "")
            doubt = f"; DECIDE: amounts count as dollars, and these are in {sign}"
            found = [f"{key} = {toml_string(text)}" for key, text in numbers.items()]
            foreign = sign and column.name in _MONEY and not is_dollars(sign)
            why = doubt if foreign else ""
            if compared and column.name == "age" and all(one[1] == ">" for one in compared.values()):
                # As ages are written that would tell who somebody is.
                words = ", ".join(f'{toml_string(one)} = "{int(float(it[2])) + 1}"' for one, it in compared.items())
                found = [f"values = {{ {words} }}", *(found or ['decimal = "."'])]
            elif compared:
                why += (
                    f"; DECIDE: some are no numbers but bounds, like {shape(next(iter(compared)))}, and are rejected"
                )
            return found + _times(column, name, sample), why
        return [], ""

    def reads(self, column: Column, sample: list[str]) -> bool:
        """Whether most values can be what the contract wants there."""
        if not sample:
            return False
        if column.kind in ("timestamp", "date"):
            if _counted(column, sample) or self._share(_own_form(column), sample) >= _MOST:
                return True
            if language := spoken(sample):
                sample = [in_english(one, language) for one in sample]
            return max(self._fits(column, sample).values(), default=0) >= _MOST
        if column.kind in ("amount", "whole number"):
            numbers = [found for value in sample if (found := _NUMBER.fullmatch(value))]
            if column.name == "chair_minutes" and any(map(_HOURS.search, sample)):
                return False
            too_many = [
                one for one in numbers if column.name == "chair_minutes" and float(one[1] or 0) > _DAY_MINUTES
            ]
            if column.name == "score" and all(map(_OF.fullmatch, sample)):
                return True
            return len(numbers) - len(too_many) >= 0.9 * len(sample)
        # What sums stand in is no way to pay.
        return column.name != "method" or not all(map(_NUMBER.fullmatch, sample))

    def _time(self, column: Column, sample: list[str]) -> tuple[list[str], str]:
        if not sample:
            return [], "; DECIDE: it is empty in the sample"
        if column.kind == "timestamp" and is_midnights(sample):
            # As instants they would be the evening before.
            plain = all(value.endswith("T00:00:00Z") for value in sample)
            day = [f'format = "{_SEEN}"'] if plain else ["pattern = '^.{10}'", 'format = "%Y-%m-%d"']
            return day, "; always midnight, so it counts as the site's own day"
        if self._share(_own_form(column), sample) == 1:
            return [], ""
        if counted := _counted(column, sample):
            return [f'format = "{counted}"'], "; days as a spreadsheet counts them" if counted == EXCEL else ""
        fits = self._fits(column, sample)
        best = max(fits.values(), default=0)
        if best < _MOST and self._share(_OTHER_YEARS, sample) >= _MOST:
            return (
                [],
                "; DECIDE: its years are not from 1990 to 2100, so that its rows are rejected: were they shifted?",
            )
        if best < _MOST:
            return [], f"; DECIDE: no format found for values like {shape(sample[0])}; add format = …"
        formats = [text for text, share in fits.items() if share == best]
        chosen, rest = [formats[0]], sample
        while len(chosen) < _FORMATS and (rest := self._unread(rest, chosen[-1])):
            # What has day and month the other way round makes both orders doubtful, and is read in none.
            swapped = {_swapped(text) for text in chosen} - set(chosen)
            others = {text: share for text, share in self._fits(column, rest).items() if text not in swapped}
            further = max(others, key=lambda text: others[text], default=None)
            if further is None or not others[further]:
                break
            chosen.append(further)
        rest = self._unread(rest, chosen[-1])
        why = ""
        if rest:
            turned = any(self._fits(column, rest).get(_swapped(text)) for text in chosen if _swapped(text) != text)
            share = f"{len(rest) / len(sample):.0%} of the sample"
            other = f"are written otherwise, like {shape(rest[0])}: another format, or no times at all?"
            order = "have day and month the other way round, so that neither order is sure of the others"
            why = f"; DECIDE: {share} {order if turned else other}"
        if any(text.replace("%d", "%m", 1) != text and _swapped(chosen[0]) == text for text in formats[1:]):
            why += f"; DECIDE: month or day first? {_swapped(chosen[0])} fits as well"
        told = ", ".join(map(toml_string, chosen))
        return [f"format = {f'[{told}]' if len(chosen) > 1 else told}"], why

    def _fits(self, column: Column, sample: Sequence[str]) -> dict[str, float]:
        """The share of a sample that each format reads, as a year that may be meant; a year alone is no time."""
        key = tuple(sample)
        if key not in self._tried:
            self._tried[key] = {text: self._share(_fits(text), sample) for text in possible_formats(sample)}
        tried = self._tried[key]
        return tried if column.kind == "date" else {text: share for text, share in tried.items() if "%d" in text}

    def _unread(self, sample: Sequence[str], text: str) -> list[str]:
        rows = self._connection.execute(
            f"select x from (select unnest($sample) as x) where not coalesce({_fits(text)}, false)",  # noqa: S608
            {"sample": list(sample)},
        ).fetchall()
        return [value for (value,) in rows]

    def _share(self, condition: str, sample: Sequence[str]) -> float:
        row = self._connection.execute(
            f"select avg(if({condition}, 1, 0)) from (select unnest($sample) as x)",  # noqa: S608
            {"sample": list(sample)},
        ).fetchone()
        return float(row[0]) if row and row[0] is not None else 0.0


def is_dollars(currency: str) -> bool:
    """Whether a sign or code of a currency is that of the amounts."""
    return currency.strip().upper() in _DOLLARS


def _fits(text: str) -> str:
    """Whether a format reads a value as a year that may be meant."""
    return f"year({read_by('x', text)}) between 1900 and 2100"


def _counted(column: Column, sample: Sequence[str]) -> str | None:
    """Whether all are numbers of seconds or milliseconds since 1970, or of a spreadsheet's days."""
    if not sample:
        return None
    if all(map(_SERIAL.fullmatch, sample)) and min(map(float, sample)) >= _FIRST_SERIAL[column.kind]:
        return EXCEL
    return next((name for name, form in _EPOCHS.items() if all(re.fullmatch(form, x) for x in sample)), None)


def _times(column: Column, name: str, sample: Sequence[str]) -> list[str]:
    """By what a number is multiplied whose unit stands in its name; 1 rounds what has too many places."""
    words = set(words_of(name).split())
    if column.name == "chair_minutes" and words & {"hour", "hours", "hrs"}:
        return ["times = 60"]
    if column.kind == "amount" and words & {"cents", "cent", "mcg", "ug"}:
        return ["times = 0.01" if words & {"cents", "cent"} else "times = 0.001"]
    if column.kind == "amount" and any(map(_FRACTION.search, sample)):
        return ["times = 1"]
    if column.kind != "whole number" or not any(re.fullmatch(r"\d+\.\d+", value) for value in sample):
        return []
    whole = not any(re.fullmatch(r"\d+\.\d*[1-9]\d*", value) for value in sample)
    # Who is 38.9 years old is 38; half a point of a score is no score.
    if column.name == "age" and not whole:
        return [r"pattern = '^(\d+)(?:\.\d+)?$'"]
    return ["times = 1"] if whole or column.name == "chair_minutes" else []


def _own_form(column: Column) -> str:
    """Whether a value is written as the contract has it."""
    if column.kind == "timestamp":
        return "as_local(x) is not null or as_instant(x) is not null"
    return "strlen(x) = 10 and try_cast(x as date) is not null"


def toml_string(text: str) -> str:
    """A TOML string: JSON's escapes are TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def listed(texts: Sequence[str]) -> str:
    """Texts as a list in TOML."""
    return f"[{', '.join(map(toml_string, texts))}]"


def _swapped(text: str) -> str:
    return text.replace("%m", "%_").replace("%d", "%m").replace("%_", "%d")


def shape(value: str) -> str:
    """A value's shape, since values of patients must not stand in a mapping."""
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "0", value))[:40]


def guess_numbers(values: Sequence[str]) -> dict[str, str]:
    """Sign, thousands separator and decimal sign of amounts; empty where they are the contract's."""
    if not values or all(re.fullmatch(r"-?\d+(\.\d{1,2})?", value) for value in values):
        return {}
    found: dict[str, str] = {}
    signs = {match for value in values for match in re.findall(r"[^\d\s.,()'+−-]+", value)}
    if len(signs) > 1:
        return {}
    if signs:
        found["currency"] = signs.pop()
    bare = [re.sub(r"[^\d.,]", "", value) for value in values]
    # No amount has three places, so that points before three digits each stand for thousands.
    if any("." in value for value in bare) and all(re.fullmatch(r"\d{1,3}(\.\d{3})*", value) for value in bare):
        return found | {"decimal": ",", "thousands": "."}
    if any(re.search(r"\d\.\d{3},|,\d{1,2}$", value) for value in bare):
        found |= {"decimal": ","} | ({"thousands": "."} if any("." in value for value in bare) else {})
    elif any("," in value for value in bare):
        found["thousands"] = ","
    return found or {"decimal": "."}
