"""Reads a delivery up to what an extract is built from: its files or resources, and what it is read by."""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from dashboard.intake.contract import DeliveryError
from dashboard.intake.fhir.files import is_fhir
from dashboard.intake.fhir.reading import Resources, read_resources
from dashboard.intake.mapping import Mapping
from dashboard.intake.mapping.file import load_mapping
from dashboard.intake.reading.files import with_sheets
from dashboard.intake.reading.finding import Source, find_sources, left_over, not_read
from dashboard.intake.reading.header import DATA_HEADER, folded, is_shown, told_names
from dashboard.intake.reading.reader import Survey, survey
from dashboard.intake.reading.workbook import sheets
from dashboard.intake.reference import Reference, load_reference
from dashboard.intake.rejects import require_lines

_SCANNED_AT_ONCE = 2  # more would wait for one another and take more memory
#: Bytes of delivery.json, which says a word or two.
_LARGEST_TOLD = 1_000_000

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Delivery:
    """A delivery, read once and not yet built from.

    Attributes:
        folder: where it lies.
        demo: whether it says that it holds demo data.
        reference: the reference tables.
        mapping: the mapping file, where one was named.
        resources: its files, or the records that its FHIR resources became.
    """

    folder: Path
    demo: bool
    reference: Reference
    mapping: Mapping | None
    resources: Resources

    @property
    def surveys(self) -> list[Survey]:
        """What was found in each file."""
        return self.resources.surveys

    @property
    def tables(self) -> Mapping | None:
        """The mapping, where it says what tables are made of."""
        return _of_tables(self.mapping)

    @property
    def notes(self) -> list[str]:
        """What a person may want to know of it, in sentences."""
        data_first = [f"{one.source.name}: {DATA_HEADER}" for one in self.surveys if one.is_data_first]
        further = _mapping_notes(self.folder, self.tables) if self.tables else _own_notes(self)
        found = [*self.resources.remarks, *data_first, *_other_names(self.surveys)]
        hidden = [f"{one.source.name}: {remark}" for one in self.surveys for remark in one.found.remarks]
        return [*found, *hidden, *_unread_sheets(self), *further]

    @property
    def digests(self) -> dict[Path, str]:
        """The SHA-256 of each file that was read as it lies there."""
        return {one.source.path: one.sha256 for one in self.surveys if one.prepared is None}


def read_delivery(
    folder: Path,
    work: Path,
    reference_folder: Path | None,
    mapping_file: Path | None,
    progress: Progress,
    *,
    add: bool,
    lines: bool,
) -> Delivery:
    """Read a delivery's files once.

    Args:
        folder: where it lies.
        work: private folder for records and look-ups.
        reference_folder: folder with own reference tables.
        mapping_file: says what the tables are made of, and what codes of FHIR resources mean.
        progress: called with what is done now and the share that is done, 0 to 1.
        add: it holds what is new or changed, and need not be whole.
        lines: its lines are to be copied where they are rejected.

    Raises:
        DeliveryError: it can't be read, or not in this way.
    """
    reference = load_reference(reference_folder)
    mapping = load_mapping(mapping_file, reference) if mapping_file else None
    demo = is_demo(folder)
    if not _of_tables(mapping) and is_fhir(folder):
        if add:
            raise DeliveryError(
                f"{folder} holds FHIR resources, whose links to earlier ones can't be followed when added; "
                "import the whole delivery, without --add"
            )
        if lines:
            raise DeliveryError(
                "--rejects copies lines of CSV files; for FHIR resources see the rejects' files and lines"
            )
        resources = read_resources(folder, work, reference, mapping.fhir if mapping else None, progress)
    else:
        resources = Resources(_survey(find_sources(folder, mapping, whole=not add), progress))
    if lines:
        require_lines(resources.surveys)
    return Delivery(folder, demo, reference, mapping, resources)


def _of_tables(mapping: Mapping | None) -> Mapping | None:
    return mapping if mapping and mapping.sections else None


def _own_notes(delivery: Delivery) -> list[str]:
    """What lies beside the contract's own files and is none of them, so that nobody takes its rows for imported."""
    if any(one.prepared is not None for one in delivery.surveys) or not (names := not_read(delivery.folder)):
        return []
    return [
        f"not read, since they have no name of a table: {', '.join(told_names(names))}. A table is called "
        "bookings.csv, and a part of it bookings-PART.csv"
    ]


def _mapping_notes(delivery: Path, mapping: Mapping) -> list[str]:
    notes = mapping.notes()
    if not mapping.of("side_effects"):
        notes.append("side_effects is not in the mapping, so the extract holds none")
    notes += _same_ids(delivery, mapping)
    if others := left_over(delivery, mapping):
        notes.append(f"files that the mapping takes nothing from: {', '.join(others)}")
    return notes


def _other_names(surveys: list[Survey]) -> list[str]:
    """Columns that are named by number and have other names in another file of their section."""
    notes = []
    seen: dict[tuple[str, int], tuple[str, str]] = {}
    for one in surveys:
        section = one.source.mapping
        if section is None or one.is_data_first or not one.dialect.header or not is_shown(one.found.header, ()):
            continue
        for number in (name for name in one.places if isinstance(name, int)):
            called = one.found.header[number - 1]
            first, file = seen.setdefault((section.section, number), (called, one.source.name))
            if folded(first) != folded(called):
                notes.append(
                    f"{section.section}: column {number} is {first!r} in {file} and {called!r} in {one.source.name}; "
                    "if the columns stand in another order there, name them, or give the file a section of its own"
                )
    return notes


def _same_ids(delivery: Path, mapping: Mapping) -> list[str]:
    """Sections that take the same rows of a file under the same id, so that the second of each is rejected."""
    notes = []
    for one, other in combinations(mapping.sections, 2):
        # The id is the first column of every table; row numbers differ, and filters may part the rows.
        number, same = one.columns[0], one.columns[0] == other.columns[0]
        sheets_differ = one.files.layout.sheets != other.files.layout.sheets
        if (
            one.table != other.table
            or not same
            or number.row_number is not None
            or sheets_differ
            or (one.filters and other.filters)
        ):
            continue
        if both := sorted({path.name for path in {*one.files.find(delivery)} & {*other.files.find(delivery)}}):
            notes.append(
                f"{one.section} and {other.section} both read {', '.join(both)} and make {number.column.name} of "
                f"{number.origin}: a row that both take is a duplicate in the second. Make the ids differ there, "
                "for example with a second column"
            )
    return notes


def _unread_sheets(delivery: Delivery) -> list[str]:
    """Sheets of the workbooks that nothing is read from, so that nobody takes their rows for imported."""
    read: dict[Path, set[str]] = {}
    for one in delivery.surveys:
        if one.source.sheet is not None:
            read.setdefault(one.source.path, set()).add(one.source.sheet)
    for join in delivery.tables.lookups if delivery.tables else ():
        for path, sheet in with_sheets(join.files.find(delivery.folder), join.files.layout.sheets):
            if sheet is not None:
                read.setdefault(path, set()).add(sheet)
    left = {path: sheets(path, but=sorted(taken)) for path, taken in read.items()}
    return [
        f"{path.name}: sheets that are not read: {', '.join(told_names(names))}"
        for path, names in left.items()
        if names
    ]


def is_demo(delivery: Path) -> bool:
    """Whether a delivery says of itself that it is made up.

    Raises:
        DeliveryError: its delivery.json can't be read.
    """
    path = delivery / "delivery.json"
    try:
        return bool(json.loads(_small_text(path)).get("demo"))
    except FileNotFoundError:
        return False
    except PermissionError as error:
        raise DeliveryError(
            f"{path} cannot be read ({error.strerror}); give this account the right to read it"
        ) from error
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise DeliveryError(f"{path} is not a JSON object; correct or remove it") from error


def _small_text(path: Path) -> str:
    """A small file's text. What is none, a pipe or a device, would be waited for or read without an end."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("no file")
        content = file.read(_LARGEST_TOLD + 1)
    if len(content) > _LARGEST_TOLD:
        raise ValueError("too large")
    return content.decode()


def _survey(sources: list[Source], progress: Progress) -> list[Survey]:
    """Survey the files side by side: most of the work on them is done outside Python's lock."""
    total = sum(source.path.stat().st_size for source in sources) or 1
    telling = threading.Lock()
    done = 0

    def one(source: Source) -> Survey:
        def advance(size: int) -> None:
            nonlocal done
            with telling:
                done += size
                progress(f"checking {source.name}", min(done / total, 1.0))

        return survey(source, advance)

    with ThreadPoolExecutor(_SCANNED_AT_ONCE) as pool:
        return list(pool.map(one, sources))
