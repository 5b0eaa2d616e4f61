"""Drafts a mapping for the files of another system, its guesses marked."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import duckdb

from dashboard.intake import together
from dashboard.intake.contract import TABLES, Column, DeliveryError, Table
from dashboard.intake.detect import guessed
from dashboard.intake.dialect import UTF_8
from dashboard.intake.files import inspect, mend, relation
from dashboard.intake.formats import Formats, toml_string
from dashboard.intake.guesses import (
    FILE_WORDS,
    UNSURE,
    Guess,
    guess_column,
    guess_reference,
    guess_word,
)
from dashboard.intake.reader import delimited_files
from dashboard.intake.reference import Reference
from dashboard.intake.sql import identifier, statements
from dashboard.intake.together import Line, SampledFile, Visits, visits_of

_SAMPLE = 2000
_WORDS_SHOWN = 40
#: Characters that may not stand in a TOML file as they are.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
#: Of a column of ids so many values differ; some rows may stand there twice.
_MOSTLY = 0.9


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


def _sampled(paths: list[Path], connection: duckdb.DuckDBPyConnection, work: Path) -> SampledFile:
    path = paths[0]
    inspected = inspect(path, guessed(path))
    read = path
    if not inspected.found.plain:
        read = work / f"{abs(hash(path))}.csv"
        mend(inspected, read)
    header = inspected.found.header
    if not any(header):
        return SampledFile(_pattern(paths), inspected, {})
    selected = ", ".join(f"trim({identifier(str(n))}::varchar)" for n in range(len(header)))
    rows = connection.execute(f"select {selected} from {relation(inspected, read)} limit {_SAMPLE}").fetchall()  # noqa: S608
    columns = {name: [row[n] for row in rows if row[n]] for n, name in enumerate(header)}
    return SampledFile(_pattern(paths), inspected, columns)


class _Draft:
    def __init__(
        self, files: list[SampledFile], reference: Reference, connection: duckdb.DuckDBPyConnection, delivery: Path
    ) -> None:
        self._files = files
        self._reference = reference
        self._formats = Formats(connection)
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
            lines += [f"key = {toml_string(key)}", f"other_key = {toml_string(other)}"]
        visits = self._visits(chosen.get("side_effects"), bookings)
        if bookings is not None and visits is not None:
            lines += ["", "[joins.visits]  # guess: most side effects have a booking of their patient and day"]
            lines += [*_layout(bookings), f"key = {together.listed(visits.key)}"]
            lines += [f"other_key = {together.listed(visits.other_key)}", 'doubled = "empty"']
        for table in TABLES:
            if table.name in chosen:
                lines += ["", *self._table(table, chosen[table.name], join, visits)]
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

    def _choose(self) -> dict[str, SampledFile]:
        """The file of each table: each file serves the table that it fits best, the best file wins."""
        fits: list[tuple[float, str, SampledFile]] = []
        for file in self._files:
            scores = {table.name: self._fit(table, file) for table in TABLES}
            name = max(scores, key=lambda one: scores[one])
            if scores[name] >= 2 and not self._is_people(file, scores[name]):
                fits.append((scores[name], name, file))
        chosen: dict[str, SampledFile] = {}
        for _, name, file in sorted(fits, key=lambda fit: -fit[0]):
            chosen.setdefault(name, file)
        return chosen

    def _fit(self, table: Table, file: SampledFile) -> float:
        needed = {"bookings": "starts_at", "side_effects": "effect", "payments": "amount", "scores": "score"}
        if guess_column(needed[table.name], table.name, file.header, ()) is None:
            return 0.0
        return self._likeness(table, file)

    def _likeness(self, table: Table, file: SampledFile) -> float:
        score = 3.0 if re.search(FILE_WORDS[table.name], file.pattern.lower()) else 0.0
        for column in table.columns:
            if guess := guess_column(column.name, table.name, file.header, ()):
                score += guess.confidence * (1.0 if column.required else 0.3)
        return score

    def _is_people(self, file: SampledFile, score: float) -> bool:
        others = [one for one in self._files if one is not file]
        return bool(re.search(FILE_WORDS[""], file.pattern.lower())) and bool(others) and score < 5

    def _patients(self, bookings: SampledFile, rest: list[SampledFile]) -> tuple[SampledFile, str, str] | None:
        """A file of patients: its key, which stands once a row, holds most patients of the bookings."""
        key = guess_column("patient_id", "bookings", bookings.header, ())
        if key is None:
            return None
        wanted = set(bookings.columns.get(key.name, ()))
        for file in rest:
            for name, values in file.columns.items():
                if (
                    name
                    and len(set(values)) == len(values)
                    and len(wanted & set(values)) * 2 > min(len(wanted), len(values))
                ):
                    return file, key.name, name
        return None

    def _visits(self, log: SampledFile | None, bookings: SampledFile | None) -> Visits | None:
        """How side effects that name no booking find theirs."""
        if log is None or bookings is None or log is bookings:
            return None
        named = guess_column("booking_id", "side_effects", log.header, ())
        patient = guess_column("patient_id", "bookings", log.header, ())
        if named and named.confidence > UNSURE and (patient is None or named.name != patient.name):
            return None
        return visits_of(log, bookings)

    def _table(
        self, table: Table, file: SampledFile, join: tuple[SampledFile, str, str] | None, visits: Visits | None
    ) -> list[str]:
        lines = [f"[{table.name}]", *_layout(file), f"[{table.name}.columns]"]
        maps: list[str] = []
        taken: set[str] = set()
        guesses = self._guesses(table, file, taken)
        for column in table.columns:
            guess = guesses.get(column.name)
            several = self._together(table, column, file, guesses, visits)
            if several is not None:
                line, names = several
                lines.append(line)
                taken.update(names)
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

    def _guesses(self, table: Table, file: SampledFile, taken: set[str]) -> dict[str, Guess]:
        """A column for each of the contract's: by their names, then by what they hold."""
        guesses: dict[str, Guess] = {}
        for column in sorted(table.columns, key=lambda one: not one.required):
            guess = guess_column(column.name, table.name, file.header, taken)
            if guess and (column is not table.columns[0] or self._is_id(table, column, file, guess)):
                guesses[column.name] = guess
                taken.add(guess.name)
        for column in table.columns:
            wanted = column.required and column.name not in guesses and self._words(column)
            if wanted and (guess := self._by_values(column, file, taken)):
                guesses[column.name] = guess
                taken.add(guess.name)
        # Where a patient's id is all there is, a booking is a patient.
        patient = guess_column("patient_id", "bookings", file.header, ())
        if patient and table.name == "side_effects" and "booking_id" not in guesses:
            guesses["booking_id"] = Guess(patient.name, 0.3)
        return guesses

    def _is_id(self, table: Table, column: Column, file: SampledFile, guess: Guess) -> bool:
        """Whether a column may be the id of the table's rows: by itself, or with another."""
        # What may be called after anything is none.
        if table.name == "bookings" and guess.confidence <= UNSURE:
            return False
        values = file.columns[guess.name]
        mostly = len(set(values)) >= _MOSTLY * len(values)
        return mostly or together.numbered(column, file, guess) is not None

    def _by_values(self, column: Column, file: SampledFile, taken: set[str]) -> Guess | None:
        """The first column of which all values are words for the contract's.

        Of another the rest would stand in the draft, and may be what somebody wrote of a patient.
        """
        allowed = self._words(column)
        for name in file.header:
            values = set(file.columns[name])
            if name in taken or not name or not 0 < len(values) <= _WORDS_SHOWN:
                continue
            if all(self._word(column, value, allowed, False) for value in values):
                return Guess(name, UNSURE, "by its values")
        return None

    def _together(
        self, table: Table, column: Column, file: SampledFile, guesses: dict[str, Guess], visits: Visits | None
    ) -> Line | None:
        """The line of a column that several of the file's make up, with these."""
        guess = guesses.get(column.name)
        if visits is not None and (table.name, column.name) == ("side_effects", "booking_id"):
            line = f'{column.name} = {{ join = "visits", column = {toml_string(visits.booking_id)} }}'
            return f"{line}  # guess, likely: by patient and day", visits.key
        if guess is not None and column is table.columns[0]:
            return together.numbered(column, file, guess)
        if guess is not None and column.name == "starts_at":
            return together.with_time(column, file, guess, self._formats)
        if guess is None and column.name == "patient_id":
            return together.person(column, file)
        if guess is None and column.name == "booking_id" and table.name == "bookings":
            return together.visit(column, file, guesses)
        return None

    def _joined(self, column: Column, join: tuple[SampledFile, str, str], guesses: dict[str, Guess]) -> str | None:
        if column.name not in ("birth_date", "sex", "age") or (column.name == "age" and "birth_date" in guesses):
            return None
        file = join[0]
        guess = guess_column(column.name, "bookings", file.header, ())
        if guess is None:
            return None
        settings, why = self._formats.settings(column, file.columns[guess.name])
        parts = ['join = "patients"', f"column = {toml_string(guess.name)}", *settings]
        return f"{column.name} = {{ {', '.join(parts)} }}  # guess{why}"

    def _missing(self, column: Column, file: SampledFile) -> str:
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
                f"{column.name} = {{ constant = {toml_string(words[column.name])} }}  # DECIDE: no column found; "
                f"the same in every row? {held}"
            )
        if column.kind == "identifier" and not column.personal and column.name != "booking_id":
            return f'{column.name} = {{ row_number = "" }}  # DECIDE: no id found; the row\'s number is taken. {held}'
        return f'# {column.name} = ""  # DECIDE: required, and no column found; {held}'

    def _column(self, table: Table, column: Column, file: SampledFile, guess: Guess) -> tuple[str, list[str]]:
        sample = file.columns[guess.name]
        how = "sure" if guess.confidence > 0.8 else "likely" if guess.confidence > 0.5 else "unsure"
        source = toml_string(guess.name)
        if list(file.header).count(guess.name) > 1:
            source = str(list(file.header).index(guess.name) + 1)
        mark = "" if guess.confidence > UNSURE else "  # DECIDE: is it this column?"
        allowed = self._words(column)
        if allowed:
            return self._mapped_words(table, column, guess, source, sample, allowed, how)
        settings, why = self._formats.settings(column, sample)
        value = f"{{ {', '.join([f'column = {source}', *settings])} }}" if settings else source
        return f"{column.name} = {value}{mark or f'  # guess, {how}: {guess.why}'}{why}", []

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
        line = f"{column.name} = {source}  # guess, {how}: {guess.why}; its values are words of the contract"
        if shown and all(value.lower() in known for value in shown):
            return line, []
        negated = column.name == "status" and bool(re.search("no.?show", guess.name.lower()))
        lines = [f"[{table.name}.columns.{column.name}]  # guess, {how}: {guess.why}", f"column = {source}"]
        lines.append(f"[{table.name}.columns.{column.name}.values]")
        for value in shown:
            word = self._word(column, value, allowed, negated)
            if word is None:
                lines.append(f'# {toml_string(value)} = ""  # DECIDE: one of {", ".join(allowed)}; else rejected')
            else:
                lines.append(f"{toml_string(value)} = {toml_string(word)}  # guess")
        if len(set(sample)) > _WORDS_SHOWN:
            lines.append("# DECIDE: there are more values; add them, or default = … above")
        return f"# {column.name}: below", lines

    def _word(self, column: Column, value: str, allowed: dict[str, str], negated: bool) -> str | None:
        if column.kind != "reference":
            return guess_word(value, allowed, negated)
        return guess_reference(value, self._names(column))

    def _names(self, column: Column) -> dict[str, tuple[str, ...]]:
        """What the sites or services are called."""
        if column.name == "site":
            return {site.site: (site.name, site.city) for site in self._reference.sites}
        return {service.service: (service.name,) for service in self._reference.services}


def _layout(file: SampledFile) -> list[str]:
    dialect = file.inspected.dialect
    lines = [f"file = {toml_string(file.pattern)}"]
    if not file.inspected.is_parquet:
        if dialect.encoding != UTF_8:
            lines.append(f"encoding = {toml_string(dialect.encoding)}  # guess: it is not UTF-8")
        lines.append(f"delimiter = {toml_string(dialect.delimiter.decode())}")
        if dialect.skipped:
            lines.append(f"skip = {dialect.skipped}  # guess: lines before the header")
        if dialect.escape:
            lines.append(
                f"escape = {toml_string(dialect.escape.decode())}  # guess: it stands before quotes within values"
            )
    return lines
