"""Drafts a mapping for the files of another system, its guesses marked."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import duckdb

from dashboard.intake.contract import TABLES, Column, DeliveryError, Table
from dashboard.intake.drafting import doubts, evidence, in_parts, row_guesses, second_files, sideways, together
from dashboard.intake.drafting.file_choice import choose, fit, likeness
from dashboard.intake.drafting.formats import Formats, toml_string
from dashboard.intake.drafting.guesses import UNSURE, Guess, guess_column, guess_columns
from dashboard.intake.drafting.observations import scores_among
from dashboard.intake.drafting.samples import SampledFile, files_of, layout_of, sampled_files
from dashboard.intake.drafting.sideways import Across, Form
from dashboard.intake.drafting.together import Line, Visits, visits_of
from dashboard.intake.drafting.words import Words
from dashboard.intake.fhir.files import is_fhir
from dashboard.intake.reading.finding import files_to_map, nothing_to_map
from dashboard.intake.reading.header import told_names
from dashboard.intake.reference import Reference
from dashboard.intake.sql import statements

#: Characters that may not stand in a TOML file as they are.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")
#: Of columns without a name so many are looked at: to try formats on one takes some milliseconds.
_UNNAMED = 200
#: What tells a refund from a payment.
_SIGNED = """pattern = '([-−(])', values = { "-" = "refund", "−" = "refund", "(" = "refund" }, default = "payment\""""


def draft_mapping(delivery: Path, reference: Reference) -> str:
    """A mapping file for a folder, to be read and corrected by a person.

    Raises:
        DeliveryError: there is no such folder, or no file in it that can be mapped.
    """
    if not delivery.is_dir():
        raise DeliveryError(f"{delivery} is not a folder; give the folder that holds the export")
    paths, folders = files_to_map(delivery)
    if not paths:
        if is_fhir(delivery):
            raise DeliveryError(
                f"{delivery} holds FHIR resources, which are imported without a mapping: dashboard import {delivery}"
            )
        raise nothing_to_map(delivery)
    with tempfile.TemporaryDirectory() as work, duckdb.connect() as connection:
        for statement in statements("macros"):
            connection.execute(statement)
        files = sampled_files(paths, connection, Path(work))
        files = [replace(one, patterns=tuple(folders + name for name in one.patterns)) for one in files]
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
        #: Lines of the bookings, by the contract's column.
        self._own: dict[str, str] = {}
        #: Columns that each stand for a side effect or questionnaire, by what the file is called.
        self._sideways: dict[str, list[str]] = {}
        self._form: Form | None = None
        #: Files of no table, and those of them that something is taken from.
        self._rest: list[SampledFile] = []
        self._used: list[SampledFile] = []

    def text(self) -> str:
        chosen = choose(self._files)
        lines = [
            f"# A drafted mapping for {self._delivery.resolve().name}. Every line is a guess: read each,",
            "# then settle those marked DECIDE. Check with: dashboard import DIR --mapping THIS --dry-run",
            "# docs/mapping.md explains what may stand here.",
        ]
        if "bookings" not in chosen:
            # The only file may hold visits with what was paid for them.
            left = [one for one in self._files if one not in chosen.values()]
            left = left or [one for one in self._files if fit(TABLES[0], one)]
        if "bookings" not in chosen and left:
            chosen["bookings"] = max(left, key=lambda one: (likeness(TABLES[0], one), one.rows))
            lines.append("# DECIDE: no file looks much like bookings; is the one below the right one?")
        across = self._across(chosen)
        used = [*chosen.values(), *(file for file, _ in across.values())]
        rest = [file for file in self._files if file not in used]
        bookings = chosen.get("bookings")
        join = second_files.of_patients(bookings, rest) if bookings else None
        # What a file of patients says of a place is where they live.
        self._rest = [one for one in rest if join is None or one is not join[0]]
        log = across["side_effects"][0] if "side_effects" in across else chosen.get("side_effects")
        visits = self._visits(log, bookings)
        files = {name: file for name, (file, _) in across.items()}
        self._people, self._bookings = together.same_people(chosen | files), bookings
        if "side_effects" in across and bookings is not None:
            self._form = sideways.form_of(*across["side_effects"], bookings, visits)
        tables: list[str] = []
        for table in TABLES:
            if table.name in across:
                file, columns = across[table.name]
                tables += ["", *sideways.told(table, file, columns)]
                for one in columns:
                    tables += [*self._table(table, file, None, visits, one), ""]
                tables.pop()
            elif table.name in chosen:
                section = self._table(table, chosen[table.name], join, visits)
                tables += ["", *section]
                if table.name == "bookings":
                    self._own = {line.partition(" = ")[0]: line for line in section}
            elif table.name == "bookings":
                tables += ["", "# DECIDE: no file looks like bookings; name it and its columns here.", "[bookings]"]
                tables += ['file = "bookings.csv"', "[bookings.columns]"]
            elif table.required:
                tables += ["", f"# No file looks like {table.name}; without a section there are none."]
        # A file of which nothing is taken is no file of patients.
        if join is not None and any('join = "patients"' in line for line in tables):
            file, key, other = join
            self._used.append(file)
            lines += ["", "[joins.patients]  # guess: its key holds the patients of the bookings", *layout_of(file)]
            own = bookings.source(key) if bookings else toml_string(key)
            lines += [f"key = {own}", f"other_key = {file.source(other)}"]
        if log is not None and bookings is not None and visits is not None:
            status = next(one for one in TABLES[0].columns if one.name == "status")
            lines += ["", *visits.lines(log, bookings, self._words.guess(TABLES[0], status, bookings, ()))]
        lines += ["", *self._form.join] if self._form and self._form.join else []
        lines += tables
        if "scores" not in files and "scores" not in chosen:
            lines += doubts.scores_without_section(self._files)
        if rest := [one for one in rest if not any(one is used for used in self._used)]:
            lines += ["", "# Files that no table takes anything from:"]
            lines += [f"# - {file.called}: {file.told}" for file in rest]
        # Texts in quotes have none of them left; a comment must not hold what TOML has no place for.
        return "".join(_CONTROL.sub("\ufffd", line) + "\n" for line in lines)

    def _across(self, chosen: dict[str, SampledFile]) -> dict[str, tuple[SampledFile, list[Across]]]:
        """The file of a table that has a column for each side effect or questionnaire, where no other is likelier."""
        found: dict[str, tuple[SampledFile, list[Across]]] = {}
        for name in ("side_effects", "scores"):
            files = [chosen[name]] if name in chosen else self._files
            columns = [(file, self._columns_across(name, file)) for file in files]
            best = max(columns, key=lambda one: len(one[1]))
            if best[1]:
                chosen.pop(name, None)
                found[name] = best
                self._sideways.setdefault(best[0].called, []).extend(one.name for one in best[1])
        return found

    def _columns_across(self, table: str, file: SampledFile) -> list[Across]:
        if table == "scores":
            return sideways.scores_of(file)
        return sideways.effects_of(file, self._reference) or sideways.terms_of(file)

    def _visits(self, log: SampledFile | None, bookings: SampledFile | None) -> Visits | None:
        """How side effects that name no booking find theirs."""
        if log is None or bookings is None or log is bookings:
            return None
        named = guess_column("booking_id", "side_effects", log.header, ())
        patient = together.patient_of(log)
        if named and named.confidence > UNSURE and (patient is None or named.name != patient.name):
            return None
        start = self._guesses(TABLES[0], bookings, set()).get("starts_at")
        return visits_of(log, bookings, together.booking_id_of(bookings, start))

    def _table(
        self,
        table: Table,
        file: SampledFile,
        join: second_files.Join | None,
        visits: Visits | None,
        across: Across | None = None,
    ) -> list[str]:
        given = across.lines(file, self._own if file is self._bookings else {}) if across else {}
        maps: list[str] = []
        taken = set(self._sideways.get(file.called, ()))
        among = scores_among(file, self._words.instrument_in) if table.name == "scores" and not across else None
        if among:
            file, given = among.file, {"instrument": among.instrument}
            taken.add(among.kind)
        guesses = self._guesses(table, file, taken)
        if among and among.score and not file.columns[among.score.name]:
            guesses.setdefault("score", among.score)
        if across and table.name == "scores":
            guesses["score"] = Guess(across.name, 0.9)
            if across.day is not None:
                guesses["taken_at"] = Guess(across.day, 0.9)
        lines = [f"[[{table.name}]]" if across else f"[{table.name}]", *layout_of(file)]
        lines += [across.rows] if across else row_guesses.left_out(table, file, guesses.get("amount"))
        lines += [among.only] if among else []
        lines += [f"[{table.name}.columns]", *([f"# The file has {file.told}"] if file.told and not across else [])]
        lines += doubts.about(table, file)
        for column in table.columns:
            if across and not column.required and column.name not in given:
                continue
            guess = guesses.get(column.name)
            several = self._together(table, column, file, guesses, visits)
            if column.name in given:
                lines.append(given[column.name])
            elif several is not None:
                line, names = several
                lines.append(line)
                taken.update(names)
            elif table.name == "bookings" and (
                named := second_files.named(column, file, guess, self._rest, self._words)
            ):
                lines.append(named.line)
                maps += named.words
                taken.add(named.key)
                self._used.append(named.file)
            elif guess is not None:
                line, words = self._column(table, column, file, guess)
                lines.append(line)
                maps += row_guesses.asked(words, guess.name, row_guesses.failed(table, file, guesses.get("amount")))
            elif column.name == "side_effects_assessed" and self._form:
                lines.append(self._form.line)
            elif found := self._elsewhere(table, column, file, guesses, join):
                lines.append(found)
            elif not column.required and self._words.of(column):
                lines += [doubt] if (doubt := self._words.in_doubt(table, column, file)) else []
            elif column.required:
                told = self._told_otherwise(column, file, guesses)
                lines.append(told or self._words.missing(table, column, file, guesses))
        unused = [name for name in file.header if name and name not in taken]
        if unused and not across:
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
        self._words.forget_kind(table, file, guesses, taken)
        # Where a patient's id is all there is, a booking is a patient.
        patient = together.patient_of(file)
        if patient and table.name == "side_effects" and "booking_id" not in guesses:
            guesses["booking_id"] = Guess(patient.name, 0.3)
        return guesses

    def _by_name(self, table: Table, column: Column, file: SampledFile, taken: Collection[str]) -> Guess | None:
        found = guess_columns(column.name, table.name, file.header, taken)
        if column.name == "patient_id":
            found = together.patients_of(file, taken)
        read = [one for one in found if self._formats.reads(column, file.columns[one.name])]
        if column.name == "starts_at":
            timed = [one for one in found if evidence.is_times(file.columns[one.name]) or one in read]
            unnamed = self._moments(column, file, taken, found)
            start = together.start_of([*timed, *unnamed], file) or next(iter(found), None)
            if start is not None and evidence.is_times(file.columns[start.name]):
                return together.day_of(column, file, self._formats) or start
            return start
        if column is table.columns[0]:
            return next((one for one in read if together.is_id(table, column, file, one)), None)
        if column.name == "ends_at":
            if found and evidence.is_times(file.columns[found[0].name]):
                return found[0]
            # A day alone is no end of a visit.
            read = [one for one in read if not evidence.is_days(file.columns[one.name])]
        return next(iter(read), None)

    def _moments(
        self, column: Column, file: SampledFile, taken: Collection[str], named: Sequence[Guess]
    ) -> list[Guess]:
        """Columns without a name that hold times or days; of unusual names the only one that holds moments."""
        names = [
            name
            for name, values in islice(file.columns.items(), _UNNAMED)
            if name not in taken and self._formats.reads(column, values) and not evidence.is_short_numbers(values)
        ]
        if file.inspected.dialect.header:
            moments = [one for one in names if evidence.is_moments(file.columns[one])]
            usual = bool(named) or len(moments) != 1 or not together.may_be(moments[0], column.name)
            names = [] if usual else moments
        return [Guess(name, UNSURE, "by its values") for name in names]

    def _together(
        self, table: Table, column: Column, file: SampledFile, guesses: dict[str, Guess], visits: Visits | None
    ) -> Line | None:
        """The line of a column that several of the file's make up, with these."""
        guess, start = guesses.get(column.name), guesses.get("starts_at")
        people = self._people.get(table.name, ())
        if found := in_parts.told(column, file, guess):
            return found
        if visits is not None and (table.name, column.name) == ("side_effects", "booking_id"):
            told = self._bookings.sources(visits.booking_id) if self._bookings else ""
            told = told if len(visits.booking_id) > 1 else toml_string(visits.booking_id[0])
            line = f'{column.name} = {{ join = "visits", column = {told} }}'
            return f"{line}  # guess, likely: {visits.why}", visits.key
        if guess is not None and column is table.columns[0]:
            return together.numbered(column, file, guess)
        if column.name == "ends_at" and (guess is None or evidence.is_times(file.columns[guess.name])):
            found = together.ending(column, file, start, guess, self._formats)
            return found or (
                None if guess is None else (f"# ends_at = {file.source(guess.name)}  # DECIDE: of which day?", ())
            )
        if guess is not None and column.name == "status":
            return self._words.status_of_two(column, file, guess)
        if guess is not None and column.kind == "timestamp":
            return together.with_time(column, file, guess, self._formats, start)
        if guess is None and column.name == "patient_id":
            # Who paid by name is no patient of bookings that have ids.
            theirs = not people and self._of_booking(column, file, guesses)
            return None if theirs else together.person(column, file, people)
        if guess is None and column.name == "booking_id" and table.name == "bookings":
            patient = guesses.get("patient_id")
            person = (patient.name,) if patient else (together.person(column, file, people) or ("", ()))[1]
            return together.visit(column, file, person, start)
        return None

    def _elsewhere(
        self,
        table: Table,
        column: Column,
        file: SampledFile,
        guesses: dict[str, Guess],
        join: second_files.Join | None,
    ) -> str | None:
        """The line of a column that stands in another file."""
        if table.name == "bookings":
            return second_files.patients_line(column, join[0], guesses, self._formats) if join else None
        return self._of_booking(column, file, guesses) if column.name in ("patient_id", "paid_at") else None

    def _of_booking(self, column: Column, file: SampledFile, guesses: dict[str, Guess]) -> str | None:
        """The patient, or the day, of a row that names its booking alone."""
        own, bookings = guesses.get("booking_id"), self._bookings
        if own is None or bookings is None or bookings is file or own.confidence <= UNSURE:
            return None
        number, wanted = guess_column("booking_id", "bookings", bookings.header, ()), together.patient_of(bookings)
        if column.name == "paid_at":
            wanted = self._guesses(TABLES[0], bookings, set()).get("starts_at")
        if number is None or wanted is None or not set(file.columns[own.name]) & set(bookings.columns[number.name]):
            return None
        join = ", ".join([*files_of(bookings), f"key = {file.source(own.name)}"])
        join += f", other_key = {bookings.source(number.name)}"
        settings, why = self._formats.settings(column, wanted.name, bookings.columns[wanted.name])
        source = ", ".join([f"join = {{ {join} }}", f"column = {bookings.source(wanted.name)}", *settings])
        doubt = "" if column.name == "patient_id" else "; DECIDE: it has no day of its own"
        return f"{column.name} = {{ {source} }}  # guess: its booking's{why}{doubt}"

    def _told_otherwise(self, column: Column, file: SampledFile, guesses: dict[str, Guess]) -> str | None:
        """A site that stands in the files' names, and a kind of payment that its sign tells."""
        amount = guesses.get("amount")
        if column.name == "kind" and amount and any(map(evidence.is_negative, file.columns[amount.name])):
            return f"kind = {{ column = {file.source(amount.name)}, {_SIGNED} }}  # guess: by its sign"
        sites = {name: self._words.site_in(name) for name in file.names}
        if column.name == "site" and len(sites) > 1 and all(sites.values()):
            told = ", ".join(f"{toml_string(name)} = {toml_string(site or '')}" for name, site in sites.items())
            return f"site = {{ file_name = true, values = {{ {told} }} }}  # guess: by the files' names"
        return None

    def _column(self, table: Table, column: Column, file: SampledFile, guess: Guess) -> tuple[str, list[str]]:
        sample = file.columns[guess.name]
        how = "sure" if guess.confidence > 0.8 else "likely" if guess.confidence > 0.5 else "unsure"
        source = file.source(guess.name)
        mark = "" if guess.confidence > UNSURE else "  # DECIDE: is it this column?"
        if self._words.of(column):
            return self._words.lines(table, column, file, guess, source, how)
        settings, why = self._formats.settings(column, guess.name, sample)
        if column.kind == "identifier" and evidence.is_cut_short(sample):
            why += "; DECIDE: digits of these numbers are lost, so that several may have become one"
        if column.kind == "identifier" and evidence.is_decimal(sample):
            settings.append(r"pattern = '^(\d+)(?:\.0)?$'")
            why += "; without the .0 of a program that took them for numbers"
        if column.name == "starts_at":
            others = guess_columns(column.name, table.name, file.header, ())
            read = [one for one in others if self._formats.reads(column, file.columns[one.name])]
            why += together.rivals(read, guess, file) + together.lacking_time(file, guess)
        why += doubts.of_column(table, column, file, guess.name, self._bookings)
        value = f"{{ {', '.join([f'column = {source}', *settings])} }}" if settings else source
        line = f"{column.name} = {value}{mark or f'  # guess, {how}: {guess.why}'}{why}"
        if column.name == "provider" and evidence.names_people(sample):
            return f"# {line}; DECIDE: these look like names of staff, and the extract keeps them", []
        # What is in doubt and not needed is better left out than wrong.
        return (line if column.required or not mark else f"# {line}"), []
