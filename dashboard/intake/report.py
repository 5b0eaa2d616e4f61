"""What an import did, for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FileReport:
    """What became of the rows of one file; `ignored` names columns that were not read."""

    source: str
    file: str
    rows_read: int
    rows_accepted: int
    rows_rejected: int
    ignored: tuple[str, ...]


@dataclass(frozen=True)
class Reason:
    """How many lines of a file were rejected for one reason, and the first of them."""

    file: str
    column: str | None
    reason: str
    lines: int
    first_line: int
    first_value: str | None

    @property
    def sentence(self) -> str:
        """Which lines, what about them, and the first offending value."""
        where = f"line {self.first_line:,}"
        if self.lines > 1:
            where = f"{self.lines:,} lines, first {self.first_line:,}"
        column = f"{self.column} " if self.column else ""
        value = f" ({self.first_value!r})" if self.first_value is not None else ""
        return f"{self.file} {where}: {column}{self.reason}{value}"


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
    seconds: float
    notes: tuple[str, ...] = ()
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

    def lines(self) -> Iterator[str]:
        """The report as lines of text, at most 100 columns wide where names allow."""
        yield f"{'file':<28}{'read':>14}{'accepted':>14}{'rejected':>14}"
        for file in self.files:
            yield _counts(file.file, file.rows_read, file.rows_accepted, file.rows_rejected)
        yield _counts("total", self.rows_read, self.rows_accepted, self.rows_rejected)
        for file in self.files:
            if file.ignored:
                yield f"{file.file}: columns not read: {', '.join(file.ignored)}"
        yield from self.notes
        if self.reasons:
            yield "rejected lines, by reason:"
        for reason in self.reasons:
            yield f"  {reason.sentence}"
        if self.published:
            yield f"published {self.name} in {self.seconds:.1f} s"
        else:
            yield f"dry run: nothing was published; an import would publish this, checked in {self.seconds:.1f} s"


def _counts(name: str, read: int, accepted: int, rejected: int) -> str:
    return f"{name:<28}{read:>14,}{accepted:>14,}{rejected:>14,}"
