"""Columns of another system that hold words: which of them a draft takes for site, service, status and the like."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import product

from dashboard.intake.contract import INSTRUMENTS, Column, Table
from dashboard.intake.drafting import evidence
from dashboard.intake.drafting.formats import toml_string
from dashboard.intake.drafting.guesses import (
    TELLING,
    UNSURE,
    Guess,
    column_words,
    guess_column,
    guess_columns,
    guess_reference,
    guess_word,
    is_name,
    is_said,
    meaning_of_yes,
    words_of,
)
from dashboard.intake.drafting.samples import SampledFile
from dashboard.intake.drafting.synonyms import STATUS_SIGNS, WORDS
from dashboard.intake.mapping.file import DAYLESS
from dashboard.intake.reference import Reference

#: A column by its values alone is filled in so many rows.
_FILLED = 0.9
#: Words of a ledger for what is owed and for what was paid of it.
_OWED, _PAID = {"charge", "charges"}, {"payment", "payments", "paid"}
_GRADES = ("1", "2", "3", "4", "5")
#: Of a column by its name so many rows have words that are known, or another that has is taken.
_KNOWN = 0.5
_ANSWERS = (
    ("Y", "N"),
    ("Yes", "No"),
    ("yes", "no"),
    ("YES", "NO"),
    ("y", "n"),
    ("true", "false"),
    ("True", "False"),
    ("TRUE", "FALSE"),
    ("1", "0"),
    ("Checked", "Unchecked"),
)
_LEDGER = "was it paid, or is it owed? What is only owed is left out by except"
_GIVEN_BACK = (
    "is it the payment itself, of which nothing stays (leave it out by except), or a row of its own for what "
    "went back?"
)
_EVERY = frozenset(word for words in WORDS.values() for word in words.split("|")) | {"failed", "rejected", "declined"}


class Words:
    """What columns of words may hold, and which column of a file holds that.

    Args:
        reference: knows sites and services.
    """

    def __init__(self, reference: Reference) -> None:
        self._reference = reference

    def of(self, column: Column) -> dict[str, str]:
        """The words that a column of the contract may hold, with what they are called; empty where any text may."""
        if column.name == "site":
            return {site.site: site.name for site in self._reference.sites}
        if column.name == "service":
            return {service.service: service.name for service in self._reference.services}
        return {word: word for word in column.allowed}

    def site_in(self, name: str) -> str | None:
        """The site of which a file's name holds a name, if of one alone."""
        words = f" {words_of(name)} "
        found = [
            one.site
            for one in self._reference.sites
            if any(f" {words_of(two)} " in words for two in (one.site, one.name))
        ]
        return found[0] if len(found) == 1 else None

    def guess(self, table: Table, column: Column, file: SampledFile, taken: Collection[str]) -> Guess | None:
        """The column that has its name or its words, and better both."""
        named = [
            one
            for one in guess_columns(column.name, table.name, file.header, taken)
            if file.columns[one.name] and not evidence.is_written(one.name)
        ]
        known = {one.name: self._known(column, file, one.name) for one in named}
        least = _KNOWN if column.name != "kind" else 0.01
        borne_out = [one for one in named if known[one.name] >= least]
        if borne_out and (borne_out[0].confidence > UNSURE or not column.required):
            return borne_out[0]
        if column.required and (found := self._by_values(column, file, taken)):
            return found
        if borne_out:
            return borne_out[0]
        # Where none of its words is known a name must tell, and what need not be told is better left out.
        personal = evidence.personal_words(file.columns)
        return next(
            (
                one
                for one in named
                if self._may_be(column)
                and self._tells(column, one)
                and not (column.name == "status" and evidence.is_address(one.name, file.columns[one.name]))
                and (known[one.name] or not evidence.tells_who(file.columns[one.name], personal))
            ),
            None,
        )

    def _tells(self, column: Column, guess: Guess) -> bool:
        """Whether a name tells its column also where no word is known."""
        status = column.name == "status" and column_words(guess.name).endswith("status")
        return guess.confidence >= TELLING or status

    def in_doubt(self, table: Table, column: Column, file: SampledFile) -> str | None:
        """A column that need not be told, has the name and words that aren't known: as a comment."""
        for one in guess_columns(column.name, table.name, file.header, ()):
            kinds = evidence.shown(file.columns[one.name], evidence.personal_words(file.columns))
            if one.confidence >= TELLING and kinds and not evidence.is_written(one.name):
                told = ", ".join(map(toml_string, kinds))
                return f"# {column.name} = {file.source(one.name)}  # DECIDE: give the words for its values, {told}"
        return None

    def _may_be(self, column: Column) -> bool:
        one = column.name == "site" and len(self._reference.sites) == 1
        return column.required and not one and column.name not in ("kind", "instrument")

    def knows(self, column: Column, file: SampledFile, name: str) -> bool:
        """Whether a column's values hold words for the contract's."""
        return bool(file.columns[name]) and self._known(column, file, name) >= _KNOWN

    def _known(self, column: Column, file: SampledFile, name: str) -> float:
        values = file.columns[name]
        words = self._meant(column, file, name)
        return sum(words[value] is not None for value in values) / len(values)

    def _meant(self, column: Column, file: SampledFile, name: str) -> dict[str, str | None]:
        """What each value of a column probably means."""
        values = set(file.columns[name])
        meant = {value: self._word(column, name, value) for value in values}
        if column.name == "status" and {"?", "@", ">", "<"} & values and values <= set(STATUS_SIGNS):
            meant = {value: STATUS_SIGNS[value] for value in values}
        if column.name == "kind" and set(map(words_of, values)) & _PAID:
            # Beside what is paid a charge may be what is owed, as in a ledger.
            meant |= dict.fromkeys(value for value in values if words_of(value) in _OWED)
        if column.name == "kind" and evidence.paid_back(file.columns, None):
            # Then it was paid first, and what was paid back has a column of its own; a refund is a row of its own.
            meant |= dict.fromkeys((value for value in values if words_of(value) == "refunded"), "payment")
        return meant | dict.fromkeys(filter(str.isdigit, values)) if self._is_scale(column, values) else meant

    def _is_scale(self, column: Column, values: Collection[str]) -> bool:
        """Whether a severity is told by numbers that are no grades, as from 0 to 10."""
        return column.name == "severity" and any(value.isdigit() and value not in _GRADES for value in values)

    def _by_values(self, column: Column, file: SampledFile, taken: Collection[str]) -> Guess | None:
        """The column of which all values are words for the contract's, names as a whole before parts of them.

        Of another the rest would stand in the draft, and may be what somebody wrote of a patient.
        """
        found: list[Guess] = []
        for name, values in file.columns.items():
            filled = len(values) >= _FILLED * file.rows
            if name in taken or not name or not filled or not 0 < len(set(values)) <= evidence.SHOWN:
                continue
            # What is a name and nothing else may stand anywhere.
            whole = column.kind == "reference" and all(is_said(value, self._names(column)) for value in set(values))
            if (evidence.is_written(name) and not whole) or "zone" in name.lower():
                continue
            # Where a patient lives is no site, though a site's city may name the same state.
            if column.name == "site" and evidence.is_address(name, values):
                continue
            if column.kind == "reference" and all(is_name(value, self._names(column)) for value in set(values)):
                return Guess(name, 0.75, "its values are their names")
            if self._known(column, file, name) == 1:
                found.append(Guess(name, UNSURE, "by its values"))
        return next(iter(found), None)

    def lines(
        self, table: Table, column: Column, file: SampledFile, guess: Guess, source: str, how: str
    ) -> tuple[str, list[str]]:
        """A map of the values that were seen; those without a guess stand there as comments, if they may be shown."""
        sample, allowed = file.columns[guess.name], self.of(column)
        known = {one.lower() for pair in allowed.items() for one in pair}
        if sample and all(value.lower() in known for value in sample):
            return f"{column.name} = {source}  # guess, {how}: {guess.why}; its values are words of the contract", []
        words = self._meant(column, file, guess.name)
        mark = self._doubt(column, file, guess) + self._open(column, words)
        if self._is_scale(column, words):
            mark += "; DECIDE: its numbers are no grades from 1 to 5"
        lines = [f"[{table.name}.columns.{column.name}]  # guess, {how}: {guess.why}{mark}", f"column = {source}"]
        lines.append(f"[{table.name}.columns.{column.name}.values]")
        told = evidence.shown(sample, evidence.personal_words(file.columns))
        # What is a word of the contract as a whole is nothing else.
        whole = sorted(value for value in words if value not in told and self._is_whole(column, guess.name, value))
        for value in (*told, *whole, *self._counterparts(column, sample)):
            word = words[value] if value in words else self._word(column, guess.name, value)
            if word is None and column.name == "kind" and words_of(value) in _OWED:
                lines.append(f'# {toml_string(value)} = "payment"  # DECIDE: {_LEDGER}')
            elif word == "refund" and self._may_be_given_back(value, guess.name, file):
                lines.append(f'# {toml_string(value)} = "refund"  # DECIDE: {_GIVEN_BACK}')
            elif word is None:
                lines.append(f'# {toml_string(value)} = ""  # DECIDE: one of {", ".join(allowed)}; else rejected')
            else:
                lines.append(f"{toml_string(value)} = {toml_string(word)}  # guess")
        if column.required and 0 < len(sample) < file.rows and "" not in words:
            lines.append(f'# "" = ""  # DECIDE: in some rows it is empty; one of {", ".join(allowed)}; else rejected')
        if hidden := len(words) - len(told) - len(whole):
            lines.append(
                f"# DECIDE: {hidden} more, not shown, since they hardly repeat and may be what somebody wrote of a "
                "patient; add them, or default = … above"
            )
        return f"# {column.name}: below", lines

    def _may_be_given_back(self, value: str, name: str, file: SampledFile) -> bool:
        """Whether a refund may be the payment's own row: its status says so, and no sign or column of amounts."""
        amount = guess_column("amount", "payments", file.header, ())
        signed = amount is not None and any(map(evidence.is_negative, file.columns[amount.name]))
        told = signed or any("refunded" in column_words(one).split() for one in file.header)
        return words_of(value) == "refunded" and "status" in column_words(name) and not told

    def _open(self, column: Column, words: Mapping[str, str | None]) -> str:
        """What to say where no value tells that a visit took place."""
        booked = sorted(value for value, word in words.items() if word == "booked")
        if column.name != "status" or not booked or {"completed", "arrived"} & set(words.values()):
            return ""
        return "; DECIDE: none of its values says that a visit took place: what are those booked that are past?"

    def _doubt(self, column: Column, file: SampledFile, guess: Guess) -> str:
        """What to say where a yes or no tells half of a status."""
        others = self._cancelling(file, guess) if column.name == "status" else []
        if not others:
            return ""
        return f"; DECIDE: what was cancelled stands in {' or '.join(others)}: put both together, see docs/mapping.md"

    def _cancelling(self, file: SampledFile, guess: Guess) -> list[str]:
        """Columns that tell what was cancelled beside one that tells by yes and no who came."""
        if meaning_of_yes(guess.name) is None or not _answers(file.columns[guess.name]):
            return []
        return [name for name in file.header if name != guess.name and re.search("cancel|cxl", name.lower())]

    def status_of_two(self, column: Column, file: SampledFile, guess: Guess) -> tuple[str, tuple[str, ...]] | None:
        """A status that two columns of yes and no tell together: who came, and what was cancelled."""
        others = [name for name in self._cancelling(file, guess) if _answers(file.columns[name])]
        if column.name != "status" or len(others) != 1 or len(file.columns[others[0]]) != file.rows:
            return None
        cancelled = "late_cancelled" if "late" in words_of(others[0]).split() else "cancelled"
        told = []
        answers = (sorted(with_counterparts(file.columns[name])) for name in (guess.name, others[0]))
        for came, off in product(*answers):
            word = cancelled if guess_word(off, ("yes",)) else self._word(column, guess.name, came)
            told.append(f"{toml_string(f'{came}+{off}')} = {toml_string(word or '')}")
        source = file.sources((guess.name, others[0]))
        line = f'status = {{ column = {source}, separator = "+", values = {{ {", ".join(told)} }} }}'
        return f"{line}  # guess, likely: both tell it together", (others[0],)

    def instrument_in(self, text: str) -> str | None:
        """The questionnaire that a text names, if one alone."""
        words = f" {column_words(text)} "
        found = [one for one in INSTRUMENTS if any(f" {each} " in words for each in WORDS[one].split("|"))]
        return found[0] if len(found) == 1 else None

    def missing(self, table: Table, column: Column, file: SampledFile, guesses: Mapping[str, Guess]) -> str:
        """The line of a column that must be told and for which there is none."""
        if column.name == "instrument":
            score = guesses.get("score")
            told = [self.instrument_in(text) for text in (*([score.name] if score else []), *file.patterns)]
            if found := next(filter(None, told), None):
                return f"instrument = {{ constant = {toml_string(found)} }}  # guess: by the name of file or column"
        words: dict[str, str] = {
            "site": self._reference.sites[0].site,
            "service": self._reference.services[0].service,
            "status": "completed",
            "kind": "payment",
            "instrument": "PHQ-9",
        }
        if column.name in words:
            other = (
                self._seldom(column, file) if column.name == "status" else self._called(table, column, file, guesses)
            )
            return (
                f"{column.name} = {{ constant = {toml_string(words[column.name])} }}  # DECIDE: no column found; "
                f"the same in every row{f', or is it in {other}' if other else ''}?"
            )
        if column is table.columns[0]:
            others = ", to which no other file can refer" if table.name == "bookings" else ""
            return f'{column.name} = {{ row_number = "" }}  # DECIDE: no id found; the row\'s number is taken{others}'
        if column.personal and any(one.name == "booking_id" for one in table.columns):
            return (
                f"# {column.name} = {{ unknown = true }}  # DECIDE: required, and no column found; name columns that "
                "tell patients apart; as it stands every booking is a patient of its own, and nobody comes again"
            )
        if column.name == "taken_at":
            return f'# {column.name} = ""  # DECIDE: required, and no column found{DAYLESS}'
        several = "; name columns that tell patients apart, else the booking's own id" if column.personal else ""
        return f'# {column.name} = ""  # DECIDE: required, and no column found{several}'

    def _called(self, table: Table, column: Column, file: SampledFile, guesses: Mapping[str, Guess]) -> str | None:
        """A column of a name for it whose values differ and mean nothing here, as numbers of clinics do."""
        others = {one.name for one in guesses.values()}
        for one in guess_columns(column.name, table.name, file.header, others):
            if column.kind == "reference" and one.confidence > UNSURE and not evidence.is_written(one.name):
                return one.name if 1 < len(set(file.columns[one.name])) <= evidence.SHOWN else None
        return None

    def _seldom(self, column: Column, file: SampledFile) -> str | None:
        """A column of which all values are words for the contract's, of two kinds or more, and many are empty."""
        for name, values in file.columns.items():
            kinds = set(values)
            if name and len(kinds) <= evidence.SHOWN and len(self._distinct(column, name, kinds)) > 1:
                return f"{name}, which is often empty"
        return None

    def _distinct(self, column: Column, name: str, kinds: Collection[str]) -> set[str]:
        """What values mean, if all mean something."""
        meant = {self._word(column, name, value) for value in kinds}
        return {word for word in meant if word} if None not in meant else set()

    def forget_kind(self, table: Table, file: SampledFile, guesses: dict[str, Guess], taken: set[str]) -> None:
        """Forget a kind that tells nothing but payments where amounts have a sign."""
        kind, amount = guesses.get("kind"), guesses.get("amount")
        if kind is None or amount is None or not any(map(evidence.is_negative, file.columns[amount.name])):
            return
        column = next(one for one in table.columns if one.name == "kind")
        if {self._word(column, kind.name, value) for value in file.columns[kind.name]} <= {None, "payment"}:
            del guesses["kind"]
            taken.discard(kind.name)

    def _counterparts(self, column: Column, sample: list[str]) -> list[str]:
        """The other answer where only one was seen: the first serious event may be yet to come."""
        return sorted(with_counterparts(sample) - set(sample)) if "yes" in column.allowed else []

    def _is_whole(self, column: Column, name: str, value: str) -> bool:
        if column.kind == "reference":
            return is_said(value, self._names(column))
        # What means something elsewhere is no remark either.
        return self._word(column, name, value) is not None or words_of(value) in _EVERY

    def _word(self, column: Column, name: str, value: str) -> str | None:
        if column.kind == "reference":
            return guess_reference(value, self._names(column))
        if column.name == "instrument":
            return self.instrument_in(value)
        yes_no = meaning_of_yes(name) if column.name == "status" else None
        return guess_word(value, column.allowed, yes_no)

    def _names(self, column: Column) -> dict[str, Sequence[str]]:
        """What the sites or services are called."""
        if column.name == "site":
            return {site.site: (site.name, site.city) for site in self._reference.sites}
        return {service.service: (service.name,) for service in self._reference.services}


def _answers(values: Sequence[str]) -> bool:
    """Whether all are a yes or a no."""
    return bool(values) and all(guess_word(value, ("yes", "no")) for value in set(values))


def with_counterparts(values: Sequence[str]) -> set[str]:
    """Answers with the other ones of their pairs."""
    pairs = {one: two for pair in _ANSWERS for one, two in (pair, pair[::-1])}
    return set(values) | {pairs[value] for value in set(values) if value in pairs}
