"""Drafts a mapping for the files of another system, its guesses marked."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dashboard.intake.contract import TABLES, Column, DeliveryError, Table
from dashboard.intake.detect import guessed
from dashboard.intake.dialect import UTF_8
from dashboard.intake.files import Inspected, inspect, mend, relation
from dashboard.intake.guesses import FILE_WORDS, FORMATS, Guess, guess_column, guess_numbers, guess_word
from dashboard.intake.reader import delimited_files
from dashboard.intake.reference import Reference
from dashboard.intake.sql import identifier, statements

_SAMPLE = 2000
_WORDS_SHOWN = 40
#: Characters that may not stand in a TOML file as they are.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
_SEEN = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True)
class _File:
    """A file with its columns, a sample of its rows and the pattern for it and others like it."""

    pattern: str
    inspected: Inspected
    columns: dict[str, list[str]]

    @property
    def header(self) -> tuple[str, ...]:
        return self.inspected.found.header


def draft_mapping(delivery: Path, reference: Reference) -> str:
    """A mapping file for a folder, to be read and corrected by a person.

    Raises:
        DeliveryError: there is no such folder, or no file in it that can be mapped.
    """
    if not delivery.is_dir():
        raise DeliveryError(f"{delivery} is not a folder; give the folder that holds the export")
    paths = delimited_files(delivery)
    if not paths:
        raise DeliveryError(
            f"{delivery} holds no CSV, TSV, text or Parquet file (plain or .gz); "
            "export the tables in one of these forms"
        )
    with tempfile.TemporaryDirectory() as work, duckdb.connect() as connection:
        for statement in statements("macros"):
            connection.execute(statement)
        files = [_sampled(group, connection, Path(work)) for group in _groups(paths)]
        return _Draft(files, reference, connection, delivery).text()


def _groups(paths: list[Path]) -> list[list[Path]]:
    """Files of the same kind: their names differ in digits only."""
    groups: dict[str, list[Path]] = {}
    for path in paths:
        groups.setdefault(re.sub(r"\d+", "0", path.name), []).append(path)
    return list(groups.values())


def _pattern(paths: list[Path]) -> str:
    first = paths[0].name
    if len(paths) == 1:
        return first
    return re.sub(r"\*[\W_*]*\*", "*", re.sub(r"\d+", "*", first))


def _sampled(paths: list[Path], connection: duckdb.DuckDBPyConnection, work: Path) -> _File:
    path = paths[0]
    inspected = inspect(path, guessed(path))
    read = path
    if not inspected.found.plain:
        read = work / f"{abs(hash(path))}.csv"
        mend(inspected, read)
    header = inspected.found.header
    if not any(header):
        return _File(_pattern(paths), inspected, {})
    selected = ", ".join(f"trim({identifier(str(n))}::varchar)" for n in range(len(header)))
    rows = connection.execute(f"select {selected} from {relation(inspected, read)} limit {_SAMPLE}").fetchall()  # noqa: S608
    columns = {name: [row[n] for row in rows if row[n]] for n, name in enumerate(header)}
    return _File(_pattern(paths), inspected, columns)


class _Draft:
    def __init__(
        self, files: list[_File], reference: Reference, connection: duckdb.DuckDBPyConnection, delivery: Path
    ) -> None:
        self._files = files
        self._reference = reference
        self._connection = connection
        self._delivery = delivery

    def text(self) -> str:
        chosen = self._choose()
        lines = [
            f"# A drafted mapping for {self._delivery.resolve().name}. Every line is a guess: read each,",
            "# then settle those marked DECIDE. Check with: dashboard import DIR --mapping THIS --dry-run",
            "# docs/mapping.md explains what may stand here.",
        ]
        if "bookings" not in chosen and (left := [one for one in self._files if one not in chosen.values()]):
            chosen["bookings"] = max(left, key=lambda one: self._likeness(TABLES[0], one))
            lines.append("# DECIDE: no file looks much like bookings; is the one below the right one?")
        used = {id(file) for file in chosen.values()}
        rest = [file for file in self._files if id(file) not in used]
        bookings = chosen.get("bookings")
        join = self._patients(bookings, rest) if bookings else None
        if join is not None:
            file, key, other = join
            rest = [one for one in rest if one is not file]
            lines += ["", "[joins.patients]  # guess: its key holds the patients of the bookings", *_layout(file)]
            lines += [f"key = {_quoted(key)}", f"other_key = {_quoted(other)}"]
        for table in TABLES:
            if table.name in chosen:
                lines += ["", *self._table(table, chosen[table.name], join)]
            elif table.name == "bookings":
                lines += ["", "# DECIDE: no file looks like bookings; name it and its columns here.", "[bookings]"]
                lines += ['file = "bookings.csv"', "[bookings.columns]"]
            elif table.required:
                lines += ["", f"# No file looks like {table.name}; without a section there are none."]
        if rest:
            lines += ["", "# Files that no table takes anything from:"]
            lines += [f"# - {file.pattern}: {', '.join(file.header)}" for file in rest]
        # Texts in quotes have none of them left; a comment must not hold what TOML has no place for.
        return "".join(_CONTROL.sub("\ufffd", line) + "\n" for line in lines)

    def _choose(self) -> dict[str, _File]:
        """The file of each table: each file serves the table that it fits best, the best file wins."""
        fits: list[tuple[float, str, _File]] = []
        for file in self._files:
            scores = {table.name: self._fit(table, file) for table in TABLES}
            name = max(scores, key=lambda one: scores[one])
            if scores[name] >= 2 and not self._is_people(file, scores[name]):
                fits.append((scores[name], name, file))
        chosen: dict[str, _File] = {}
        for _, name, file in sorted(fits, key=lambda fit: -fit[0]):
            chosen.setdefault(name, file)
        return chosen

    def _fit(self, table: Table, file: _File) -> float:
        needed = {"bookings": "starts_at", "side_effects": "effect", "payments": "amount", "scores": "score"}
        if guess_column(needed[table.name], table.name, file.header, ()) is None:
            return 0.0
        return self._likeness(table, file)

    def _likeness(self, table: Table, file: _File) -> float:
        score = 3.0 if re.search(FILE_WORDS[table.name], file.pattern.lower()) else 0.0
        for column in table.columns:
            if guess := guess_column(column.name, table.name, file.header, ()):
                score += guess.confidence * (1.0 if column.required else 0.3)
        return score

    def _is_people(self, file: _File, score: float) -> bool:
        others = [one for one in self._files if one is not file]
        return bool(re.search(FILE_WORDS[""], file.pattern.lower())) and bool(others) and score < 5

    def _patients(self, bookings: _File, rest: list[_File]) -> tuple[_File, str, str] | None:
        """A file of patients: its key, which stands once a row, holds most patients of the bookings."""
        key = guess_column("patient_id", "bookings", bookings.header, ())
        if key is None:
            return None
        wanted = set(bookings.columns.get(key.name, ()))
        for file in rest:
            for name, values in file.columns.items():
                if len(set(values)) == len(values) and len(wanted & set(values)) * 2 > min(len(wanted), len(values)):
                    return file, key.name, name
        return None

    def _table(self, table: Table, file: _File, join: tuple[_File, str, str] | None) -> list[str]:
        lines = [f"[{table.name}]", *_layout(file), f"[{table.name}.columns]"]
        maps: list[str] = []
        taken: set[str] = set()
        guesses: dict[str, Guess] = {}
        for column in sorted(table.columns, key=lambda one: not one.required):
            if guess := guess_column(column.name, table.name, file.header, taken):
                guesses[column.name] = guess
                taken.add(guess.name)
        if table.name in ("bookings", "side_effects") and "booking_id" not in guesses:
            # Where a patient's id is all there is, a booking is a patient.
            patient = guesses.get("patient_id") or guess_column("patient_id", "bookings", file.header, ())
            if patient and table.name == "side_effects":
                guesses["booking_id"] = Guess(patient.name, 0.3)
        for column in table.columns:
            guess = guesses.get(column.name)
            if guess is not None and column is table.columns[0] and (line := self._combined(column, file, guess)):
                lines.append(line)
            elif guess is not None:
                line, words = self._column(table, column, file, guess)
                lines.append(line)
                maps += words
            elif table.name == "bookings" and join and (found := self._joined(column, join, guesses)):
                lines.append(found)
            elif column.required:
                lines.append(self._missing(column, file))
        unused = [name for name in file.header if name not in taken]
        if unused:
            lines.append(f"# Columns that are not read: {', '.join(unused)}")
        return [*lines, *maps]

    def _combined(self, column: Column, file: _File, guess: Guess) -> str | None:
        """An id that numbers the rows of each patient or booking only, together with theirs."""
        values = file.columns[guess.name]
        if len(set(values)) == len(values):
            return None
        for name in ("patient_id", "booking_id"):
            other = guess_column(name, "bookings", file.header, (guess.name,))
            if other and len(set(zip(file.columns[other.name], values, strict=False))) == len(values):
                names = f"[{_quoted(other.name)}, {_quoted(guess.name)}]"
                return (
                    f'{column.name} = {{ column = {names}, separator = "-" }}  # guess: only both together are unique'
                )
        return None

    def _joined(self, column: Column, join: tuple[_File, str, str], guesses: dict[str, Guess]) -> str | None:
        if column.name not in ("birth_date", "sex", "age") or (column.name == "age" and "birth_date" in guesses):
            return None
        file = join[0]
        guess = guess_column(column.name, "bookings", file.header, ())
        if guess is None:
            return None
        settings, why = self._settings(column, file.columns[guess.name])
        parts = ['join = "patients"', f"column = {_quoted(guess.name)}", *settings]
        return f"{column.name} = {{ {', '.join(parts)} }}  # guess{why}"

    def _missing(self, column: Column, file: _File) -> str:
        held = f"the file has {', '.join(file.header)}"
        words: dict[str, str] = {
            "site": self._reference.sites[0].site,
            "service": self._reference.services[0].service,
            "status": "completed",
            "kind": "payment",
            "instrument": "PHQ-9",
        }
        if column.name in words:
            return (
                f"{column.name} = {{ constant = {_quoted(words[column.name])} }}  # DECIDE: no column found; "
                f"the same in every row? {held}"
            )
        if column.kind == "identifier" and not column.personal and column.name != "booking_id":
            return f'{column.name} = {{ row_number = "" }}  # DECIDE: no id found; the row\'s number is taken. {held}'
        return f'# {column.name} = ""  # DECIDE: required, and no column found; {held}'

    def _column(self, table: Table, column: Column, file: _File, guess: Guess) -> tuple[str, list[str]]:
        sample = file.columns[guess.name]
        how = "sure" if guess.confidence > 0.8 else "likely" if guess.confidence > 0.5 else "unsure"
        source = _quoted(guess.name)
        if list(file.header).count(guess.name) > 1:
            source = str(list(file.header).index(guess.name) + 1)
        mark = "" if guess.confidence > 0.5 else "  # DECIDE: is it this column?"
        allowed = self._words(column)
        if allowed:
            return self._mapped_words(table, column, guess, source, sample, allowed, how)
        settings, why = self._settings(column, sample)
        value = f"{{ {', '.join([f'column = {source}', *settings])} }}" if settings else source
        return f"{column.name} = {value}{mark or f'  # guess, {how}: by its name'}{why}", []

    def _words(self, column: Column) -> dict[str, str]:
        """What a column of words may hold, with what its values are compared with."""
        if column.name == "site":
            return {site.site: site.name for site in self._reference.sites}
        if column.name == "service":
            return {service.service: service.name for service in self._reference.services}
        return {word: word for word in column.allowed}

    def _mapped_words(
        self,
        table: Table,
        column: Column,
        guess: Guess,
        source: str,
        sample: list[str],
        allowed: dict[str, str],
        how: str,
    ) -> tuple[str, list[str]]:
        """A map of the values that were seen; those without a guess stand there as comments."""
        shown = sorted(set(sample), key=lambda value: (-sample.count(value), value))[:_WORDS_SHOWN]
        known = {one.lower() for pair in allowed.items() for one in pair}
        line = f"{column.name} = {source}  # guess, {how}: by its name; its values are words of the contract"
        if shown and all(value.lower() in known for value in shown):
            return line, []
        negated = column.name == "status" and bool(re.search("no.?show", guess.name.lower()))
        lines = [f"[{table.name}.columns.{column.name}]  # guess, {how}: by its name", f"column = {source}"]
        lines.append(f"[{table.name}.columns.{column.name}.values]")
        for value in shown:
            word = self._word(column, value, allowed, negated)
            if word is None:
                lines.append(f'# {_quoted(value)} = ""  # DECIDE: one of {", ".join(allowed)}; else rejected')
            else:
                lines.append(f"{_quoted(value)} = {_quoted(word)}  # guess")
        if len(set(sample)) > _WORDS_SHOWN:
            lines.append("# DECIDE: there are more values; add them, or default = … above")
        return f"# {column.name}: below", lines

    def _word(self, column: Column, value: str, allowed: dict[str, str], negated: bool) -> str | None:
        if column.kind != "reference":
            return guess_word(value, allowed, negated)
        for key, name in allowed.items():
            if value.lower() in (key, name.lower()) or (len(value) > 3 and value.lower() in name.lower()):
                return key
        return None

    def _settings(self, column: Column, sample: list[str]) -> tuple[list[str], str]:
        """What a column needs besides its source, and what to say about it."""
        if column.kind in ("timestamp", "date"):
            return self._format(column, sample)
        if column.kind in ("amount", "whole number"):
            found = guess_numbers(sample)
            return [f"{name} = {_quoted(text)}" for name, text in found.items()], ""
        return [], ""

    def _format(self, column: Column, sample: list[str]) -> tuple[list[str], str]:
        if not sample:
            return [], "; DECIDE: it is empty in the sample"
        if column.kind == "timestamp" and all(re.search(r"T00:00(:00)?Z$", value) for value in sample):
            return [f'format = "{_SEEN}"'], "; always midnight, so it counts as the site's own day"
        own = (
            "as_local(x) is not null or as_instant(x) is not null"
            if column.kind == "timestamp"
            else ("strlen(x) = 10 and try_cast(x as date) is not null")
        )
        if self._share(own, sample) == 1:
            return [], ""
        fits = {text: self._share("try_strptime(x, $format) is not null", sample, text) for text in FORMATS}
        best = max(fits.values())
        if best < 0.5:
            return [], f"; DECIDE: no format found for values like {_shape(sample[0])}; add format = …"
        formats = [text for text, share in fits.items() if share == best]
        chosen = formats[0]
        why = (
            "" if best == 1 else f"; DECIDE: it fits {best:.0%} of the sample, give format = [..., ...] for the rest"
        )
        if any(text.replace("%d", "%m", 1) != text and _swapped(chosen) == text for text in formats[1:]):
            why += f"; DECIDE: month or day first? {_swapped(chosen)} fits as well"
        return [f"format = {_quoted(chosen)}"], why

    def _share(self, condition: str, sample: Sequence[str], text: str | None = None) -> float:
        values: dict[str, object] = {"sample": list(sample)}
        if text is not None:
            values["format"] = text
        row = self._connection.execute(
            f"select avg(if({condition}, 1, 0)) from (select unnest($sample) as x)",  # noqa: S608
            values,
        ).fetchone()
        return float(row[0]) if row and row[0] is not None else 0.0


def _swapped(text: str) -> str:
    return text.replace("%m", "%_").replace("%d", "%m").replace("%_", "%d")


def _shape(value: str) -> str:
    """A value's shape, since values of patients must not stand in a mapping."""
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "0", value))[:40]


def _quoted(text: str) -> str:
    """A TOML string: JSON's escapes are TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _layout(file: _File) -> list[str]:
    dialect = file.inspected.dialect
    lines = [f"file = {_quoted(file.pattern)}"]
    if not file.inspected.is_parquet:
        if dialect.encoding != UTF_8:
            lines.append(f"encoding = {_quoted(dialect.encoding)}  # guess: it is not UTF-8")
        lines.append(f"delimiter = {_quoted(dialect.delimiter.decode())}")
        if dialect.skipped:
            lines.append(f"skip = {dialect.skipped}  # guess: lines before the header")
        if dialect.escape:
            lines.append(
                f"escape = {_quoted(dialect.escape.decode())}  # guess: it stands before quotes within values"
            )
    return lines
