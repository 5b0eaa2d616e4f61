"""Which files of a folder hold FHIR resources."""

from __future__ import annotations

import os
import re
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dashboard.intake.attempts import MARKERS
from dashboard.intake.contract import TABLES, DeliveryError
from dashboard.intake.fhir.opening import begins_json, open_bytes
from dashboard.intake.fhir.stream import Item, Json
from dashboard.intake.fhir.terms import RESOURCE_TYPES

_LINE_ENDINGS = (".ndjson", ".jsonl")
_ENDINGS = (*_LINE_ENDINGS, ".json")
#: Never looked into for resources.
_OTHERS = (".csv", ".tsv", ".parquet", ".toml", ".md")
#: Says of a delivery whether it is the demo; never part of the data.
_ABOUT = "delivery.json"
_SAMPLE = 1 << 20
_GLANCE = 1 << 16
_SPEAKING = b'"resourceType"'


@dataclass(frozen=True)
class ResourceFile:
    """A file of a delivery, named by its path within it; `place` says which it is in the order of names."""

    path: Path
    name: str
    place: str = ""

    @property
    def is_document(self) -> bool:
        """Whether its name doesn't say that it is a file of lines."""
        return not _bare(self.path).endswith(_LINE_ENDINGS)

    @cached_property
    def expected(self) -> str | None:
        """The resource type that the file's name says it holds, as in 1.Patient.ndjson, else its folder's."""
        words = [word for part in reversed(Path(self.name).parts) for word in re.split("[^A-Za-z]+", part)]
        return next((word for word in words if word in RESOURCE_TYPES), None)


def find_files(delivery: Path) -> list[ResourceFile]:
    """The files of JSON in a folder and its subfolders, by name; hidden ones are passed over.

    They are known by their endings; of others, which some exports leave out, what they hold tells.
    """
    found = [(_written(path.relative_to(delivery)), path) for path in _files(delivery) if _holds_json(path)]
    return [
        ResourceFile(path, name, f"file {number:,} of {len(found):,}")
        for number, (name, path) in enumerate(sorted(found), start=1)
    ]


def refuse_unreadable(delivery: Path) -> None:
    """Refuse a folder of which a part would be passed over though it may hold resources.

    Raises:
        DeliveryError: it has a link to a folder, which is not followed, a folder that may not be entered, or
            something with the name of a file of resources that is no file.
    """
    for path in delivery.rglob("*"):
        name = path.relative_to(delivery)
        if any(part.startswith(".") for part in name.parts):
            continue
        if path.is_dir():
            linked, closed = path.is_symlink(), not os.access(path, os.R_OK | os.X_OK)
            what = "is a link to a folder, which is not followed" if linked else "is a folder that cannot be read"
            if not linked and not closed:
                continue
        elif path.is_file() or not _bare(path).endswith(_ENDINGS):
            continue
        else:
            what = "is neither a file nor a link to one that is there"
        raise DeliveryError(
            f"{delivery / _written(name)} {what}, so that resources would be missing; put files there, or take it "
            "away, and import again"
        )


def count_others(delivery: Path) -> Counter[str]:
    """How many files of the folder are passed over though they hold something, by the endings of their names."""
    others = (path for path in _files(delivery) if path.name not in MARKERS and not _holds_json(path))
    return Counter(path.suffix.lower() or "without ending" for path in others if path.stat().st_size)


def _files(delivery: Path) -> Iterator[Path]:
    for path in delivery.rglob("*"):
        name = path.relative_to(delivery)
        if path.is_file() and str(name) != _ABOUT and not any(part.startswith(".") for part in name.parts):
            yield path


def _written(path: Path) -> str:
    """A name as it can be shown and stored; what is no character of UTF-8, or moves the line, as an escape."""
    text = os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")
    return text if text.isprintable() else "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _bare(path: Path) -> str:
    return path.name.lower().removesuffix(".gz")


def _holds_json(path: Path) -> bool:
    bare = _bare(path)
    return bare.endswith(_ENDINGS) or (not bare.endswith(_OTHERS) and _begins_with_resources(path))


def _begins_with_resources(path: Path) -> bool:
    try:
        with open_bytes(path) as file:
            start = file.read(_GLANCE)
    except (OSError, EOFError, zlib.error):
        return False
    return begins_json(start) and _SPEAKING in start


def is_fhir(delivery: Path) -> bool:
    """Whether a folder is a delivery of FHIR resources and not of the contract's CSV files.

    Raises:
        DeliveryError: it is both.
    """
    files = find_files(delivery) if delivery.is_dir() else []
    speaks = next((file for file in files if _speaks_of_resources(file.path)), None)
    if speaks is None:
        return False
    tables = [path.name for table in TABLES for path in delivery.glob(f"{table.name}*.csv*")]
    if tables:
        raise DeliveryError(
            f"{delivery} holds both {tables[0]} and FHIR resources ({speaks.name}); "
            "deliver them in folders of their own"
        )
    return True


def _speaks_of_resources(path: Path) -> bool:
    try:
        with open_bytes(path) as file:
            return _SPEAKING in file.read(_SAMPLE)
    except (OSError, EOFError, zlib.error) as error:
        raise DeliveryError(f"{path} cannot be read ({error}); check the file and deliver it again") from error


UNKNOWN = "unknown"
BUNDLE = "Bundle"


@dataclass(frozen=True)
class Kind:
    """What an item is: a resource type and, where it can't be read as one, why.

    Attributes:
        name: the type; where the item doesn't tell, that of the file's name, else `unknown`.
        fault: why it is no resource; None where it is.
        value: what a reject shows.
        element: the element that is at fault.
        left_out: why it is nothing that could be read; None where it could be.
    """

    name: str
    fault: str | None = None
    value: str | None = None
    element: str | None = None
    left_out: str | None = None


def kind_of(item: Item, file: ResourceFile) -> Kind:
    """What stands at this place of the file."""
    guess = file.expected or UNKNOWN
    if item.fault is not None:
        return Kind(guess, item.fault)
    if item.resource is None:
        deletes = item.deleted is not None
        why = "an entry that says that a resource was deleted" if deletes else "an entry without a resource"
        return Kind(BUNDLE, left_out=why)
    name: Any = item.resource.get("resourceType")
    if isinstance(name, str) and name in RESOURCE_TYPES:
        return Kind(name)
    if name is None and (paper := _paper(item.resource, file)):
        return Kind(paper, left_out="not a resource: it describes the export")
    if name is None:
        return Kind(guess, "has no resourceType")
    shown = name if isinstance(name, str) else None
    return Kind(guess, "is not a resource type of FHIR R4", shown, "resourceType")


def _paper(resource: Json, file: ResourceFile) -> str | None:
    """What exports lay beside the resources: the server's manifest, the client's log."""
    if ("transactionTime" in resource and "output" in resource) or file.path.name.lower() == "manifest.json":
        return "export manifest"
    return "export log" if "exportId" in resource and "eventId" in resource else None
