"""What an import did, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from dashboard.intake.contract import TABLES, DeliveryError, StorageError, UnforeseenError
from dashboard.intake.reading.header import told_names
from dashboard.intake.review import DropError, Review

Item = TypeVar("Item")

#: Of the JSON form, which docs/import.md describes; raised when a name in it changes its meaning.
REPORT_VERSION = 1
#: So many lines of a kind are told on a terminal.
_MOST = 100
#: So many reasons and files are read one by one, here and on the page Data; of more each reason is told once.
ONE_BY_ONE = 50


@dataclass(frozen=True)
class FileReport:
    """What became of the rows of one file; `ignored` names columns that were not read."""

    source: str
    file: str
    rows_read: int
    rows_accepted: int
    rows_rejected: int
    rows_left_out: int
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class Reason:
    """How many lines of a file were rejected for one reason, and the first of them (five at most), for one table."""

    file: str
    column: str | None
    reason: str
    lines: int
    first_line: int
    first_value: str | None
    first_lines: tuple[int, ...] = ()
    source: str = ""

    @property
    def is_duplicate(self) -> bool:
        """Whether the lines repeat an id."""
        return self.reason.startswith("is a duplicate")

    @property
    def sentence(self) -> str:
        """Which lines, what about them, and the first offending value."""
        where = f"line {self.first_line:,}"
        if self.lines > 1:
            where = f"{self.lines:,} lines, first {', '.join(f'{line:,}' for line in self.first_lines)}"
        return f"{self.file} {where}: {self.fault}"

    @property
    def fault(self) -> str:
        """What is wrong with the first of them, and its value."""
        column = f"{self.column} " if self.column else ""
        value = f" ({self.first_value!r})" if self.first_value is not None else ""
        return f"{column}{self.reason}{value}"


@dataclass(frozen=True)
class ResourceReport:
    """What became of the resources of one type; read is the sum of the others."""

    resource: str
    rows_read: int
    rows_accepted: int
    rows_rejected: int
    rows_looked_up: int
    rows_left_out: int


@dataclass(frozen=True)
class LeftOut:
    """What has no place in the contract, resources of a type or one of their elements, or what a mapping excludes."""

    source: str
    what: str
    reason: str
    rows: int

    @property
    def by_mapping(self) -> bool:
        """Whether they are rows of a table, and a mapping leaves them out on purpose."""
        return any(self.source == table.name for table in TABLES)

    @property
    def sentence(self) -> str:
        """How many, and why."""
        return f"{self.rows:,} × {self.what}: {self.reason}"


@dataclass(frozen=True)
class ImportReport:
    """An extract and what it was made of.

    Attributes:
        notes: what was taken for granted, in a sentence each.
        published: whether it is in use now; False after a dry run.
    """

    name: str
    path: Path
    files: tuple[FileReport, ...]
    reasons: tuple[Reason, ...]
    seconds: float = 0.0
    resources: tuple[ResourceReport, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    review: Review = field(default_factory=Review)
    published: bool = True

    @property
    def rows_read(self) -> int:
        """Rows of all files."""
        return sum(file.rows_read for file in self.files)

    @property
    def rows_accepted(self) -> int:
        """Rows that are in the extract."""
        return sum(file.rows_accepted for file in self.files)

    @property
    def rows_rejected(self) -> int:
        """Rows that are in `rejects`."""
        return sum(file.rows_rejected for file in self.files)

    @property
    def rows_left_out(self) -> int:
        """Rows that the mapping leaves out."""
        return sum(file.rows_left_out for file in self.files)

    @property
    def summary(self) -> str:
        """The rows in one sentence."""
        left = f" + {self.rows_left_out:,} left out" if self.rows_left_out else ""
        return (
            f"{self.rows_accepted:,} rows accepted + {self.rows_rejected:,} rejected{left} = {self.rows_read:,} read"
        )

    def as_json(self) -> dict[str, Any]:
        """The report for programs, as docs/import.md describes it; dates are ISO 8601 text."""
        return {
            "report_version": REPORT_VERSION,
            "result": "published",
            "extract": self.name,
            "seconds": round(self.seconds, 3),
            "rows": {
                "read": self.rows_read,
                "accepted": self.rows_accepted,
                "rejected": self.rows_rejected,
                "left_out": self.rows_left_out,
            },
            "duplicates": sum(reason.lines for reason in self.reasons if reason.is_duplicate),
            "files": [asdict(file) for file in self.files],
            "rejects": [asdict(reason) for reason in self.reasons],
            "resources": [asdict(one) for one in self.resources],
            "left_out": [asdict(one) for one in self.left_out],
            "notes": list(self.notes),
            **asdict(self.review),
        }

    def lines(self) -> Iterator[str]:
        """The report as lines of text, at most 100 columns wide where names allow."""
        some = self.rows_left_out > 0
        yield f"{'file':<28}{'read':>14}{'accepted':>14}{'rejected':>14}" + f"{'left out':>14}" * some
        yield from self._file_lines(some=some)
        left = (self.rows_left_out,) * some
        yield _counts("total", self.rows_read, self.rows_accepted, self.rows_rejected, *left)
        yield from _first(self._ignored_lines())
        yield from self._resource_lines()
        yield from self.notes
        if self.reasons:
            yield "rejected lines, by reason:"
        yield from _first(f"  {line}" for line in self._reason_lines())
        yield from self.review.lines()
        if self.published:
            yield f"published {self.name} in {self.seconds:.1f} s"
        else:
            yield f"dry run: nothing was published; an import would publish this, checked in {self.seconds:.1f} s"

    def _file_lines(self, *, some: bool) -> Iterator[str]:
        """The rows of each file; of very many those with rejects first, and the rest together."""
        told = sorted(self.files, key=lambda file: not file.rows_rejected) if len(self.files) > _MOST else self.files
        for file in told[:_MOST]:
            left = (file.rows_left_out,) * some
            yield _counts(file.file, file.rows_read, file.rows_accepted, file.rows_rejected, *left)
        if others := told[_MOST:]:
            yield _counts(
                f"{len(others):,} other files",
                sum(file.rows_read for file in others),
                sum(file.rows_accepted for file in others),
                sum(file.rows_rejected for file in others),
                *(sum(file.rows_left_out for file in others),) * some,
            )

    def _ignored_lines(self) -> Iterator[str]:
        """Which columns were not read, by file; of very many files the same columns once."""
        files = [file for file in self.files if file.ignored]
        alike = _alike(files, lambda file: file.ignored) if len(files) > ONE_BY_ONE else [[file] for file in files]
        for found in alike:
            yield f"{_and_more(found[0].file, found)}: columns not read: {', '.join(told_names(found[0].ignored))}"

    def _reason_lines(self) -> Iterator[str]:
        """Why rows were rejected, by file; of very many each reason once, those of the most lines first."""
        # Where a file holds several tables, which of them.
        several = {name for name, tables in Counter(file.file for file in self.files).items() if tables > 1}

        def told(one: Reason, sentence: str) -> str:
            return f"{one.source} of {sentence}" if one.file in several else sentence

        if len(self.reasons) <= ONE_BY_ONE:
            yield from (told(one, one.sentence) for one in self.reasons)
            return
        alike = _alike(self.reasons, lambda one: (one.source, one.column, one.reason))
        for found in sorted(alike, key=lambda found: -sum(one.lines for one in found)):
            first = found[0]
            lines = f"{sum(one.lines for one in found):,} lines, first {first.first_line:,}"
            summed = f"{_and_more(first.file, found)}, {lines}: {first.fault}"
            yield told(first, summed if len(found) > 1 else first.sentence)

    def _resource_lines(self) -> Iterator[str]:
        """What FHIR resources became, and what was left out."""
        if self.resources:
            yield f"{'resource':<24}{'read':>12}{'accepted':>12}{'rejected':>12}{'looked up':>12}{'left out':>12}"
        for one in self.resources:
            yield (
                f"{one.resource:<24}{one.rows_read:>12,}{one.rows_accepted:>12,}{one.rows_rejected:>12,}"
                f"{one.rows_looked_up:>12,}{one.rows_left_out:>12,}"
            )
        for why, mapped in (("by the mapping", True), ("since the contract has no place for it", False)):
            told = [left for left in self.left_out if left.by_mapping == mapped]
            if told:
                yield f"left out, {why}:"
            for left in told:
                yield f"  {left.sentence}"


def refusal(error: DeliveryError) -> dict[str, Any]:
    """The report of an import that published nothing."""
    result = {DropError: "held", StorageError: "failed", UnforeseenError: "failed"}.get(type(error), "refused")
    # A disk that went away while the delivery was read says nothing of the delivery; damaged gzip bears no number.
    if isinstance(error.__cause__, OSError) and error.__cause__.errno is not None:
        result = "failed"
    return {"report_version": REPORT_VERSION, "result": result, "message": str(error)}


def _alike(items: Iterable[Item], key: Callable[[Item], Hashable]) -> list[list[Item]]:
    """Those of one key together, in the order of their first."""
    found: dict[Hashable, list[Item]] = {}
    for item in items:
        found.setdefault(key(item), []).append(item)
    return list(found.values())


def _and_more(file: str, found: Sequence[object]) -> str:
    others = len(found) - 1
    return f"{file} and {others:,} more file{'s' * (others > 1)}" if others else file


def _first(lines: Iterable[str]) -> Iterator[str]:
    """The first lines, and how many more there would be."""
    found = iter(lines)
    yield from islice(found, _MOST)
    if more := sum(1 for _ in found):
        yield f"  … and {more:,} more; the page Data has all, and so has --report FILE.json"


def _counts(name: str, *counts: int) -> str:
    return f"{name:<28}" + "".join(f"{count:>14,}" for count in counts)
