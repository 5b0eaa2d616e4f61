"""Rows of another system's files that a draft leaves out: lines of totals, and payments that came to nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dashboard.intake.contract import Table
from dashboard.intake.drafting.evidence import SHOWN, beside_price, paid_back
from dashboard.intake.drafting.formats import is_dollars, listed, toml_string
from dashboard.intake.drafting.guesses import Guess, column_words, guess_column, guess_word, words_of
from dashboard.intake.drafting.samples import SampledFile
from dashboard.intake.drafting.synonyms import FAILED, GONE
from dashboard.intake.drafting.words import with_counterparts

_CURRENCY = re.compile(r"[A-Za-z]{3}|US\$|\$|[€£¥]")
#: Columns whose words may say that a payment came to nothing.
_TELLING = {"status", "state", "result", "outcome", "response"}


def left_out(table: Table, file: SampledFile, amount: Guess | None) -> list[str]:
    """The setting that leaves out rows that are no records of the table, if there are some.

    Args:
        table: of the contract.
        file: its file.
        amount: the column of a payment's amount.
    """
    only = _in_dollars(file) if table.name == "payments" else []
    if found := failed(table, file, amount):
        return [*only, _except(file, *found, "these came to nothing")]
    if file.no_records:
        return [*only, _except(file, *file.no_records, "lines of totals or of nothing, or the header again")]
    return [*only, _except(file, *gone, "these count no more")] if (gone := _gone(file.columns)) else only


def failed(table: Table, file: SampledFile, amount: Guess | None) -> tuple[str, tuple[str, ...]] | None:
    """The column that tells which payments came to nothing, with its words for that."""
    # What has been paid of a sum tells itself that nothing was.
    paid = amount is not None and "paid" in column_words(amount.name).split()
    return _failed(file.columns) if table.name == "payments" and not paid else None


def asked(lines: Sequence[str], name: str, left: tuple[str, tuple[str, ...]] | None) -> list[str]:
    """The lines of a column's words, without questions of those whose rows are left out."""
    words = left[1] if left and left[0] == name else ()
    return [line for line in lines if not any(line.startswith(f"# {toml_string(one)} =") for one in words)]


def refunded(file: SampledFile, amount: str) -> str:
    """What to say where a column beside the amount holds what was paid back of the same payment."""
    name = paid_back(file.columns, amount)
    if name is None:
        return ""
    return (
        f"; DECIDE: {name} may hold what was paid back: such refunds need a second section, "
        "see One row, two records in docs/mapping.md"
    )


def with_others(file: SampledFile, amount: str) -> str:
    """What to say where tax, tips or fees stand beside the amount."""
    names = beside_price(file.columns, amount)
    if not names:
        return ""
    told = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"; DECIDE: does it hold {told}? No visit's price does, and all that it holds counts as paid"


def strange(bookings: SampledFile | None, sample: Sequence[str]) -> str:
    """What to say of side effects' ids of bookings where the bookings have none of them."""
    number = guess_column("booking_id", "bookings", bookings.header, ()) if bookings else None
    if bookings is None or number is None or set(sample) & set(bookings.columns[number.name]):
        return ""
    return f"; DECIDE: no booking has one of its values as {number.name}"


def _failed(columns: dict[str, list[str]]) -> tuple[str, tuple[str, ...]] | None:
    for name, values in columns.items():
        kinds = set(values)
        if not set(column_words(name).split()) & _TELLING or len(kinds) > SHOWN:
            continue
        words = sorted(value for value in kinds if words_of(value) in FAILED)
        if words and len(words) < len(kinds):
            return name, tuple(words)
    return None


def _gone(columns: dict[str, list[str]]) -> tuple[str, tuple[str, ...]] | None:
    """The column whose yes says that a row was deleted, with its words for yes."""
    for name, values in columns.items():
        kinds = set(values)
        if set(column_words(name).split()) & GONE and kinds and all(guess_word(one, ("yes", "no")) for one in kinds):
            # Where all say no in a way of which the yes isn't known, nothing tells what it will be.
            words = tuple(sorted(one for one in with_counterparts(values) if guess_word(one, ("yes",))))
            return (name, words) if words else None
    return None


def _in_dollars(file: SampledFile) -> list[str]:
    """What keeps payments in other currencies from being counted as dollars."""
    for name, values in file.columns.items():
        kinds = sorted(set(values))
        if "currency" not in column_words(name).split() or not all(map(_CURRENCY.fullmatch, kinds)):
            continue
        others = [one for one in kinds if not is_dollars(one)]
        dollars = [one for one in kinds if is_dollars(one)]
        told = f"amounts count as dollars, and {name} says {', '.join(others[:SHOWN])}, too"
        if others and dollars:
            given = listed(dollars) if len(dollars) > 1 else toml_string(dollars[0])
            return [f"only = {{ column = {file.source(name)}, values = {given} }}  # guess; DECIDE: {told}"]
        if others:
            return [f"# DECIDE: {told.removesuffix(', too')}"]
    return []


def _except(file: SampledFile, name: str, words: Sequence[str], why: str) -> str:
    told = listed(words) if len(words) > 1 else toml_string(words[0])
    return f"except = {{ column = {file.source(name)}, values = {told} }}  # guess: {why}"
