"""Drafts a mapping for the files of another system, its guesses marked."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection
from pathlib import Path

import duckdb

from dashboard.intake import evidence, together
from dashboard.intake.contract import TABLES, Column, DeliveryError, Table
from dashboard.intake.files import bare_name
from dashboard.intake.formats import Formats, toml_string
from dashboard.intake.guesses import UNSURE, Guess, guess_column, guess_columns
from dashboard.intake.header import told_names
from dashboard.intake.reader import delimited_files
from dashboard.intake.reference import Reference
from dashboard.intake.samples import SampledFile, files_of, layout_of, sampled_files
from dashboard.intake.sql import statements
from dashboard.intake.synonyms import FILES
from dashboard.intake.together import Line, Visits, visits_of
from dashboard.intake.words import Words

#: Characters that may not stand in a TOML file as they are.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
#: Of a column of ids so many values differ; some rows may stand there twice.
_MOSTLY = 0.9
#: What tells a refund from a payment.
_SIGNED = """pattern = '([-−(])', values = { "-" = "refund", "−" = "refund", "(" = "refund" }, default = "payment\""""
#: From so much on a file is one of a table.
_LIKE = 2


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
        files = sampled_files(paths, connection, Path(work))
        return _Draft(files, reference, connection, delivery).text()


class _Draft:
    def __init__(
        self, files: list[SampledFile], reference: Reference, connection: duckdb.DuckDBPyConnection, delivery: Path
    ) -> None:
        self._files = files
        self._reference = reference
        self._words = Words(reference)
        self._formats = Formats(connection)
        self._delivery = delivery
        self._people: dict[str, tuple[str, ...]] = {}
        self._bookings: SampledFile | None = None

    def text(self) -> str:
        chosen = self._choose()
        lines = [
            f"# A drafted mapping for {self._delivery.resolve().name}. Every line is a guess: read each,",
            "# then settle those marked DECIDE. Check with: dashboard import DIR --mapping THIS --dry-run",
            "# docs/mapping.md explains what may stand here.",
        ]
        if "bookings" not in chosen and (left := [one for one in self._files if one not in chosen.values()]):
            chosen["bookings"] = max(left, key=lambda one: (self._likeness(TABLES[0], one), one.rows))
            lines.append("# DECIDE: no file looks much like bookings; is the one below the right one?")
        used = {id(file) for file in chosen.values()}
        rest = [file for file in self._files if id(file) not in used]
        bookings = chosen.get("bookings")
        join = self._patients(bookings, rest) if bookings else None
        log = chosen.get("side_effects")
        visits = self._visits(log, bookings)
        self._people, self._bookings = together.same_people(chosen), bookings
        tables: list[str] = []
        for table in TABLES:
            if table.name in chosen:
                tables += ["", *self._table(table, chosen[table.name], join, visits)]
            elif table.name == "bookings":
                tables += ["", "# DECIDE: no file looks like bookings; name it and its columns here.", "[bookings]"]
                tables += ['file = "bookings.csv"', "[bookings.columns]"]
            elif table.required:
                tables += ["", f"# No file looks like {table.name}; without a section there are none."]
        # A file of which nothing is taken is no file of patients.
        if join is not None and any('join = "patients"' in line for line in tables):
            file, key, other = join
            rest = [one for one in rest if one is not file]
            lines += ["", "[joins.patients]  # guess: its key holds the patients of the bookings", *layout_of(file)]
            own = bookings.source(key) if bookings else toml_string(key)
            lines += [f"key = {own}", f"other_key = {file.source(other)}"]
        if log is not None and bookings is not None and visits is not None:
            lines += ["", "[joins.visits]  # guess: most side effects have a booking of their patient and day"]
            lines += [*layout_of(bookings), f"key = {log.sources(visits.key)}"]
            lines += [f"other_key = {bookings.sources(visits.other_key)}", 'doubled = "empty"']
        lines += tables
        if rest:
            lines += ["", "# Files that no table takes anything from:"]
            lines += [f"# - {file.pattern}: {file.told}" for file in rest]
        # Texts in quotes have none of them left; a comment must not hold what TOML has no place for.
        return "".join(_CONTROL.sub("\ufffd", line) + "\n" for line in lines)

    def _choose(self) -> dict[str, SampledFile]:
        """The file of each table: each file serves the table that it fits best, the best file wins."""
        fits: list[tuple[float, str, SampledFile]] = []
        for file in self._files:
            scores = {table.name: self._fit(table, file) for table in TABLES}
            best = max(scores.values())
            if best >= _LIKE and not self._is_people(file, best):
                # One that another file fits better may be of its next table, if that is nearly as likely.
                fits += [(score, name, file) for name, score in scores.items() if score >= max(_LIKE, best - 1)]
        chosen: dict[str, SampledFile] = {}
        for _, name, file in sorted(fits, key=lambda fit: -fit[0]):
            if file not in chosen.values():
                chosen.setdefault(name, file)
        return chosen

    def _fit(self, table: Table, file: SampledFile) -> float:
        needed = {"bookings": "starts_at", "side_effects": "effect", "payments": "amount", "scores": "score"}
        if guess_column(needed[table.name], table.name, file.header, ()) is None:
            return 0.0
        return self._likeness(table, file)

    def _likeness(self, table: Table, file: SampledFile) -> float:
        score = 3.0 if re.search(FILES[table.name], file.pattern.lower()) else 0.0
        for column in table.columns:
            if guess := guess_column(column.name, table.name, file.header, ()):
                score += guess.confidence * (1.0 if column.required else 0.3)
        return score

    def _is_people(self, file: SampledFile, score: float) -> bool:
        others = [one for one in self._files if one is not file]
        return bool(re.search(FILES[""], file.pattern.lower())) and bool(others) and score < 5

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
        lines = [f"[{table.name}]", *layout_of(file), f"[{table.name}.columns]", f"# The file has {file.told}"]
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
            elif found := self._elsewhere(table, column, file, guesses, join):
                lines.append(found)
            elif not column.required and self._words.of(column):
                lines += [doubt] if (doubt := self._words.in_doubt(table, column, file)) else []
            elif column.required:
                lines.append(self._told_otherwise(column, file, guesses) or self._missing(column))
        unused = [name for name in file.header if name and name not in taken]
        if unused:
            shown = ", ".join(told_names(unused)) if file.is_named else f"{len(unused):,}"
            lines.append(f"# Columns that are not read: {shown}")
        return [*lines, *maps]

    def _guesses(self, table: Table, file: SampledFile, taken: set[str]) -> dict[str, Guess]:
        """A column for each of the contract's, by its name where what it holds bears that out."""
        guesses: dict[str, Guess] = {}

        def take(column: Column, guess: Guess | None) -> None:
            if guess is not None:
                guesses[column.name] = guess
                taken.add(guess.name)

        # Whose a row is comes first; its id may be the same where each patient has one.
        for column in sorted(table.columns, key=lambda one: (one.name != "patient_id", not one.required)):
            if self._words.of(column) or (column.name == "patient_id" and table.name in self._people):
                continue
            patient = guesses.get("patient_id")
            free = taken - {patient.name} if patient and column is table.columns[0] else taken
            take(column, self._by_name(table, column, file, free))
        for column in sorted(table.columns, key=lambda one: not one.required):
            if self._words.of(column):
                take(column, self._words.guess(table, column, file, taken))
        # Where a patient's id is all there is, a booking is a patient.
        patient = guess_column("patient_id", "bookings", file.header, ())
        if patient and table.name == "side_effects" and "booking_id" not in guesses:
            guesses["booking_id"] = Guess(patient.name, 0.3)
        return guesses

    def _by_name(self, table: Table, column: Column, file: SampledFile, taken: Collection[str]) -> Guess | None:
        found = guess_columns(column.name, table.name, file.header, taken)
        read = [one for one in found if self._formats.reads(column, file.columns[one.name])]
        if column.name == "starts_at":
            timed = [one for one in found if evidence.is_times(file.columns[one.name]) or one in read]
            unnamed = [] if file.inspected.dialect.header else self._moments(column, file, taken)
            return together.start_of([*timed, *unnamed], file) or next(iter(found), None)
        if column is table.columns[0]:
            return next((one for one in read if self._is_id(table, column, file, one)), None)
        if column.name == "ends_at":
            if found and evidence.is_times(file.columns[found[0].name]):
                return found[0]
            # A day alone is no end of a visit.
            read = [one for one in read if not evidence.is_days(file.columns[one.name])]
        return next(iter(read), None)

    def _moments(self, column: Column, file: SampledFile, taken: Collection[str]) -> list[Guess]:
        """Columns without a name that hold times or days."""
        names = [
            name for name, values in file.columns.items() if name not in taken and self._formats.reads(column, values)
        ]
        return [Guess(name, UNSURE, "by its values") for name in names]

    def _is_id(self, table: Table, column: Column, file: SampledFile, guess: Guess) -> bool:
        """Whether a column may be the id of the table's rows: by itself, or with another."""
        # What may be called after anything is none.
        if table.name == "bookings" and guess.confidence <= UNSURE:
            return False
        values = file.columns[guess.name]
        mostly = len(set(values)) >= _MOSTLY * len(values)
        return mostly or together.numbered(column, file, guess) is not None

    def _together(
        self, table: Table, column: Column, file: SampledFile, guesses: dict[str, Guess], visits: Visits | None
    ) -> Line | None:
        """The line of a column that several of the file's make up, with these."""
        guess, start = guesses.get(column.name), guesses.get("starts_at")
        people = self._people.get(table.name, ())
        if visits is not None and (table.name, column.name) == ("side_effects", "booking_id"):
            line = f'{column.name} = {{ join = "visits", column = {toml_string(visits.booking_id)} }}'
            return f"{line}  # guess, likely: by patient and day", visits.key
        if guess is not None and column is table.columns[0]:
            return together.numbered(column, file, guess)
        if column.name == "ends_at" and (guess is None or evidence.is_times(file.columns[guess.name])):
            found = together.ending(column, file, start, guess, self._formats)
            return found or (
                None if guess is None else (f"# ends_at = {file.source(guess.name)}  # DECIDE: of which day?", ())
            )
        if guess is not None and column.kind == "timestamp":
            return together.with_time(column, file, guess, self._formats)
        if guess is None and column.name == "patient_id":
            return together.person(column, file, people)
        if guess is None and column.name == "booking_id" and table.name == "bookings":
            patient = guesses.get("patient_id")
            person = (patient.name,) if patient else (together.person(column, file, people) or ("", ()))[1]
            return together.visit(column, file, person, start)
        return None

    def _joined(self, column: Column, join: tuple[SampledFile, str, str], guesses: dict[str, Guess]) -> str | None:
        if column.name not in ("birth_date", "sex", "age") or (column.name == "age" and "birth_date" in guesses):
            return None
        file = join[0]
        guess = guess_column(column.name, "bookings", file.header, ())
        if guess is None:
            return None
        settings, why = self._formats.settings(column, guess.name, file.columns[guess.name])
        parts = ['join = "patients"', f"column = {file.source(guess.name)}", *settings]
        return f"{column.name} = {{ {', '.join(parts)} }}  # guess{why}"

    def _elsewhere(
        self,
        table: Table,
        column: Column,
        file: SampledFile,
        guesses: dict[str, Guess],
        join: tuple[SampledFile, str, str] | None,
    ) -> str | None:
        """The line of a column that stands in another file."""
        if table.name == "bookings":
            return self._joined(column, join, guesses) if join else None
        return self._of_booking(column, file, guesses) if column.name == "patient_id" else None

    def _of_booking(self, column: Column, file: SampledFile, guesses: dict[str, Guess]) -> str | None:
        """The patient of a row that names its booking alone."""
        own, bookings = guesses.get("booking_id"), self._bookings
        if own is None or bookings is None or bookings is file or own.confidence <= UNSURE:
            return None
        number, patient = (
            guess_column(name, "bookings", bookings.header, ()) for name in ("booking_id", "patient_id")
        )
        if number is None or patient is None or not set(file.columns[own.name]) & set(bookings.columns[number.name]):
            return None
        join = f"{files_of(bookings)}, key = {file.source(own.name)}"
        join += f", other_key = {bookings.source(number.name)}"
        source = f"join = {{ {join} }}, column = {bookings.source(patient.name)}"
        return f"{column.name} = {{ {source} }}  # guess: its booking's"

    def _strange(self, sample: list[str]) -> str:
        """What to say of side effects' ids of bookings where the bookings have none of them."""
        bookings = self._bookings
        number = guess_column("booking_id", "bookings", bookings.header, ()) if bookings else None
        if bookings is None or number is None or set(sample) & set(bookings.columns[number.name]):
            return ""
        return f"; DECIDE: no booking has one of its values as {number.name}"

    def _told_otherwise(self, column: Column, file: SampledFile, guesses: dict[str, Guess]) -> str | None:
        """A site that stands in the files' names, and a kind of payment that its sign tells."""
        amount = guesses.get("amount")
        if column.name == "kind" and amount and any(map(evidence.is_negative, file.columns[amount.name])):
            return f"kind = {{ column = {file.source(amount.name)}, {_SIGNED} }}  # guess: by its sign"
        names = [bare_name(pattern) for pattern in file.patterns]
        sites = {name: self._words.site_in(name) for name in names}
        if column.name == "site" and len(names) > 1 and all(sites.values()):
            told = ", ".join(f"{toml_string(name)} = {toml_string(site or '')}" for name, site in sites.items())
            return f"site = {{ file_name = true, values = {{ {told} }} }}  # guess: by the files' names"
        return None

    def _missing(self, column: Column) -> str:
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
                "the same in every row?"
            )
        if column.kind == "identifier" and not column.personal and column.name != "booking_id":
            return f'{column.name} = {{ row_number = "" }}  # DECIDE: no id found; the row\'s number is taken'
        return f'# {column.name} = ""  # DECIDE: required, and no column found'

    def _column(self, table: Table, column: Column, file: SampledFile, guess: Guess) -> tuple[str, list[str]]:
        sample = file.columns[guess.name]
        how = "sure" if guess.confidence > 0.8 else "likely" if guess.confidence > 0.5 else "unsure"
        source = file.source(guess.name)
        mark = "" if guess.confidence > UNSURE else "  # DECIDE: is it this column?"
        if self._words.of(column):
            return self._words.lines(table, column, file, guess, source, how)
        settings, why = self._formats.settings(column, guess.name, sample)
        if column.name == "starts_at":
            others = guess_columns(column.name, table.name, file.header, ())
            read = [one for one in others if self._formats.reads(column, file.columns[one.name])]
            why += together.rivals(read, guess, file) + together.lacking_time(file, guess)
        if (table.name, column.name) == ("side_effects", "booking_id"):
            why += self._strange(sample)
        value = f"{{ {', '.join([f'column = {source}', *settings])} }}" if settings else source
        line = f"{column.name} = {value}{mark or f'  # guess, {how}: {guess.why}'}{why}"
        if column.name == "provider" and evidence.names_people(sample):
            return f"# {line}; DECIDE: these look like names of staff, and the extract keeps them", []
        # What is in doubt and not needed is better left out than wrong.
        return (line if column.required or not mark else f"# {line}"), []
