"""Files of another system with a sample of their rows, as a draft looks at them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice, takewhile
from operator import attrgetter
from pathlib import Path

import duckdb

from dashboard.intake.contract import DeliveryError
from dashboard.intake.drafting.formats import listed, shape, toml_string
from dashboard.intake.drafting.synonyms import EMPTY
from dashboard.intake.drafting.totals import without_totals
from dashboard.intake.reading.detect import guessed
from dashboard.intake.reading.dialect import UTF_8
from dashboard.intake.reading.files import (
    Inspected,
    bare_name,
    inspect,
    is_gzip,
    is_workbook,
    mend,
    relation,
    unreadable,
    usable,
)
from dashboard.intake.reading.header import is_datum, is_plain, is_shown, told_names
from dashboard.intake.reading.workbook import chosen, sheets
from dashboard.intake.sql import identifier

_SAMPLE = 2000
#: Of words for nothing those that can mean nothing else.
_SURELY = re.compile(r"\(?null\)?|nan|nat|#?n/?a!?|\\n|\.|#*user_missing.*|0.*", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
#: So many columns of numbers tell that the line above them is none of their rows.
_NUMBERS = 3
#: Of fewer columns several files may have the same by chance.
_FEW = 2


@dataclass(frozen=True)
class SampledFile:
    """A file with its columns, a sample of its rows and the pattern for it and others like it.

    Attributes:
        patterns: several where files are alike in their columns alone.
        columns: the values of each column, the empty ones left out.
        rows: so many the sample has.
        empty: words that stand for nothing.
        no_records: a column and its words by which rows are left out that are none.
        sheets: of workbooks with several, those that are alike, each by its workbook and name.
        named: how a mapping names these sheets.
    """

    patterns: tuple[str, ...]
    inspected: Inspected
    columns: dict[str, list[str]]
    rows: int = 0
    empty: tuple[str, ...] = ()
    no_records: tuple[str, tuple[str, ...]] | None = None
    sheets: tuple[tuple[Path, str], ...] = ()
    named: tuple[str | int, ...] = ()

    @property
    def names(self) -> list[str]:
        """The files' names without endings, with their sheets', as columns can be made of them."""
        if self.sheets:
            return [f"{bare_name(path.name)} [{sheet}]" for path, sheet in self.sheets]
        return [bare_name(pattern) for pattern in self.patterns]

    @property
    def pattern(self) -> str:
        """What the files are called."""
        return ", ".join(self.patterns)

    @property
    def called(self) -> str:
        """What the files and sheets are called."""
        sheets = ", ".join(dict.fromkeys(sheet for _, sheet in self.sheets))
        return f"{self.pattern} [{sheets}]" if sheets else self.pattern

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns."""
        return self.inspected.found.header

    def is_unique(self, names: Sequence[str]) -> bool:
        """Whether no two rows of the sample have the same values in all of the columns."""
        columns = [self.columns[name] for name in names]
        rows = list(zip(*columns, strict=False))
        return len(set(rows)) == len(rows) == max(map(len, columns))

    def source(self, name: str) -> str:
        """A column as a mapping names it: by its number where its name tells it from no other."""
        if not self.inspected.dialect.header or list(self.header).count(name) > 1:
            return str(list(self.header).index(name) + 1)
        return toml_string(name)

    def sources(self, names: Sequence[str]) -> str:
        """Several columns, as a list in TOML."""
        return f"[{', '.join(map(self.source, names))}]"

    @property
    def is_named(self) -> bool:
        """Whether its columns have names that may be shown: what stands there may be the values of a patient.

        A line of no numbers above columns of nothing else is of another kind than they are.
        """
        if not self.inspected.dialect.header or is_shown(self.header, ()):
            return self.inspected.dialect.header
        named = (values for name, values in self.columns.items() if name and not EMPTY.fullmatch(name))
        numbers = (values for values in named if values and all(map(is_datum, values)))
        return is_plain(self.header) and len(list(islice(numbers, _NUMBERS))) == _NUMBERS

    @property
    def told(self) -> str:
        """Its columns; where they have no names, or names that may be data, how they are written."""
        if self.is_named:
            return ", ".join(told_names(self.header))
        return ", ".join(
            f"{number} ({shape(values[0]) if values else 'empty'})"
            for number, values in enumerate(self.columns.values(), start=1)
        )


def sampled_files(paths: list[Path], connection: duckdb.DuckDBPyConnection, work: Path) -> list[SampledFile]:
    """Samples of files, those of one kind as one: their names differ in digits only, or their columns are the same.

    Args:
        paths: files that can be mapped.
        connection: has the macros of queries/build.
        work: for mended copies.

    Raises:
        DeliveryError: one cannot be read.
    """
    return _across(_alike([_sampled(group, sheet, connection, work) for group, sheet in _groups(paths)]), paths)


def _groups(paths: list[Path]) -> list[tuple[list[Path], str | None]]:
    """Files of the same kind: their names differ in digits only; of workbooks with several sheets each by itself."""
    groups: dict[tuple[str, str | None], list[Path]] = {}
    for path in paths:
        names = sheets(usable(path)) if is_workbook(path) else []
        for sheet in names if len(names) > 1 else [None]:
            groups.setdefault((_DIGITS.sub("0", path.name), sheet), []).append(path)
    return [(group, sheet) for (_, sheet), group in groups.items()]


def _pattern(paths: list[Path]) -> str:
    first = paths[0].name
    if len(paths) == 1:
        return first
    return re.sub(r"\*[\W_*]*\*", "*", _DIGITS.sub("*", first))


def _sampled(paths: list[Path], sheet: str | None, connection: duckdb.DuckDBPyConnection, work: Path) -> SampledFile:
    path, named = usable(paths[0]), () if sheet is None else (sheet,)
    sheets = tuple((one, name) for one in paths for name in named)
    inspected = inspect(path, guessed(path, sheet))
    read, copy = path, work / f"{abs(hash((path, sheet)))}.csv"
    if not inspected.found.plain:
        read = copy
        mend(inspected, copy)
    header = inspected.found.header
    if not any(header):
        return SampledFile((_pattern(paths),), inspected, {}, sheets=sheets, named=named)
    selected = ", ".join(f"trim({identifier(str(n))}::varchar)" for n in range(len(header)))

    def rows_of(read: Path) -> list[tuple[str | None, ...]]:
        return connection.execute(f"select {selected} from {relation(inspected, read)} limit {_SAMPLE}").fetchall()  # noqa: S608

    try:
        try:
            rows = rows_of(read)
        except duckdb.IOException:
            # As when a delivery is read: of what is compressed DuckDB refuses more than the count does.
            if read != path or not is_gzip(path):
                raise
            mend(inspected, copy)
            rows = rows_of(copy)
    except duckdb.Error as error:
        raise unreadable(path, error) from error
    rows, no_records = without_totals(header, rows)
    # Of columns with one name the first is the one that a mapping names.
    columns = {name: [value for row in rows if (value := row[header.index(name)])] for name in header}
    empty = _words_for_nothing(columns)
    columns = {name: [value for value in values if value not in empty] for name, values in columns.items()}
    return SampledFile((_pattern(paths),), inspected, columns, len(rows), empty, no_records, sheets, named)


def _words_for_nothing(columns: dict[str, list[str]]) -> tuple[str, ...]:
    """Words that stand for nothing among what otherwise are numbers or times, and elsewhere for nothing else."""
    found: dict[str, None] = {}
    elsewhere: set[str] = set()
    for values in columns.values():
        words = dict.fromkeys(value for value in values if EMPTY.fullmatch(value))
        others = {value for value in values if value not in words}
        if others and all(re.search(r"\d", value) for value in others):
            found |= words
        elif others:
            elsewhere |= words.keys()
    # A dash may be a status, and "unknown" a grade.
    return tuple(word for word in found if word not in elsewhere or _SURELY.fullmatch(word))


def _alike(files: list[SampledFile]) -> list[SampledFile]:
    """Files with the same columns as one: exports of a site each, say, or a workbook's sheets of a month each."""
    # A section's sheets are read from each of its files: those of one workbook, then workbooks with the same ones.
    for marks in (attrgetter("patterns"), attrgetter("named")):
        groups: dict[tuple[str, ...], list[SampledFile]] = {}
        for file in files:
            key = (*_columns_of(file), "", *marks(file)) if file.sheets else _columns_of(file)
            groups.setdefault(key, []).append(file)
        files = [_joint(group) if len(group) > 1 else group[0] for group in groups.values()]
    return files


def _columns_of(file: SampledFile) -> tuple[str, ...]:
    """By what files are alike: few columns, or none with a name, may be the same by chance."""
    return file.header if len(file.header) > _FEW and file.inspected.dialect.header else (file.called,)


def _joint(group: list[SampledFile]) -> SampledFile:
    first = group[0]
    columns = {name: [value for file in group for value in file.columns[name]] for name in first.columns}
    return replace(
        first,
        patterns=tuple(dict.fromkeys(pattern for file in group for pattern in file.patterns)),
        columns=columns,
        rows=sum(file.rows for file in group),
        sheets=tuple(pair for file in group for pair in file.sheets),
        named=tuple(dict.fromkeys(name for file in group for name in file.named)),
    )


def _across(files: list[SampledFile], paths: list[Path]) -> list[SampledFile]:
    """Workbooks whose sheets have the same columns and other names as one, where a pattern or numbers name them."""
    groups: dict[tuple[str, ...], list[SampledFile]] = {}
    for file in files:
        groups.setdefault(_columns_of(file) if file.sheets else (file.called,), []).append(file)
    joined = []
    for group in groups.values():
        one = _joint(group)
        named = _names_for_all(one.sheets) if len(group) > 1 else None
        joined += group if named is None else [replace(one, patterns=_patterns(one, paths), named=named)]
    return joined


def _patterns(file: SampledFile, paths: list[Path]) -> tuple[str, ...]:
    """What its workbooks are called: a pattern where none that it would take is another's."""
    alike: dict[str, list[Path]] = {}
    for path in paths:
        alike.setdefault(_DIGITS.sub("0", path.name), []).append(path)
    own = {path for path, _ in file.sheets}
    found = [[_pattern(group)] if own.issuperset(group) else [path.name for path in group if path in own]
             for group in alike.values()]  # fmt: skip
    return tuple(name for names in found for name in names)


def _names_for_all(wanted: Sequence[tuple[Path, str]]) -> tuple[str | int, ...] | None:
    """A pattern, or numbers, by which these sheets and no others are taken from their workbooks."""
    books: dict[Path, list[str]] = {}
    for path, sheet in wanted:
        books.setdefault(path, []).append(sheet)
    names = [sheet for _, sheet in wanted]
    digits = {_DIGITS.sub("*", name) for name in names}
    words = zip(*(re.findall(r"\w+|\W+", name) for name in names), strict=False)
    shared = "".join(one[0] for one in takewhile(lambda one: len(set(one)) == 1, words)) + "*"
    places = {tuple(sheets(path).index(sheet) + 1 for sheet in own) for path, own in books.items()}
    settings: list[tuple[str | int, ...]] = [*([tuple(digits)] if len(digits) == 1 else []), (shared,)]
    settings += places if len(places) == 1 else ()
    for setting in settings:
        # A workbook may have no such sheet, and numbers count those that are hidden, too.
        with suppress(DeliveryError):
            if all(set(chosen(path, setting)) == set(own) for path, own in books.items()):
                return setting
    return None


def files_of(file: SampledFile) -> list[str]:
    """The settings of a mapping that name the files, and of a workbook with several sheets these."""
    named = f"file = {listed(file.patterns) if len(file.patterns) > 1 else toml_string(file.pattern)}"
    sheets = [toml_string(one) if isinstance(one, str) else str(one) for one in file.named]
    if not sheets:
        return [named]
    return [named, f"sheet = {sheets[0] if len(sheets) == 1 else '[' + ', '.join(sheets) + ']'}"]


def layout_of(file: SampledFile) -> list[str]:
    """The lines that say which files they are and how they are written."""
    dialect = file.inspected.dialect
    lines, is_book = files_of(file), is_workbook(file.inspected.path)
    if not file.inspected.is_parquet:
        if dialect.encoding != UTF_8:
            lines.append(f"encoding = {toml_string(dialect.encoding)}  # guess: it is not UTF-8")
        lines += [] if is_book else [f"delimiter = {toml_string(dialect.delimiter.decode())}"]
        if dialect.skipped:
            lines.append(f"skip = {dialect.skipped}  # guess: lines before the header")
        if not dialect.header:
            lines.append("header = false  # guess: its first line looks like data; columns are named by number")
        if dialect.escape:
            lines.append(
                f"escape = {toml_string(dialect.escape.decode())}  # guess: it stands before quotes within values"
            )
    if file.empty:
        lines.append(f"empty = {listed(file.empty)}  # guess: it stands among numbers or times")
    return lines
