"""The record of imports: what was tried, when, and what came of it. One line of JSON each, only ever appended."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from dashboard import folders

FILE_NAME = "imports.jsonl"
#: A file of one of these names says that a delivery is complete.
MARKERS = ("_SUCCESS", "complete", "complete.txt")
#: What lies in a folder since somebody has looked into it, beside all names that begin with a point or with `~$`.
_LEFT_BEHIND = frozenset({"thumbs.db", "desktop.ini"})
#: published; refused: as it is it will never do; held: only with --accept-drop; failed: not the delivery's fault.
Result = Literal["published", "refused", "held", "failed"]


@dataclass(frozen=True)
class Attempt:
    """One import.

    Attributes:
        at: when it ended, UTC.
        delivery: name of the folder.
        fingerprint: digest of the delivery's names and bytes; empty where it wasn't taken.
        result: what came of it.
        message: for people, without values of the delivery.
        extract: the name of what was published.
        seconds: how long it took.
        under: digest of what else decides what comes of it, as the mapping; empty where it wasn't taken.
        base: the name of the extract that it was added to; None of a whole delivery.
        inbox: the inbox in which it lay; empty where a person named the delivery.
        notes: of what was published, what people should know of it beside its rows, without values of the delivery.
    """

    at: dt.datetime
    delivery: str
    fingerprint: str
    result: Result
    message: str
    extract: str | None = None
    seconds: float = 0.0
    under: str = ""
    base: str | None = None
    inbox: str = ""
    notes: tuple[str, ...] = ()


_FIELDS = frozenset(field.name for field in fields(Attempt))


@dataclass(frozen=True)
class Watched:
    """How an inbox comes to a delivery.

    Attributes:
        fingerprint: of the delivery.
        under: digest of what else decides what comes of it.
        inbox: where it lies.
        behind: the name of a delivery that was published already and stands behind it in order of name.
    """

    fingerprint: str = ""
    under: str = ""
    inbox: str = ""
    behind: str | None = None


def files_of(delivery: Path) -> list[Path]:
    """The files of a delivery but its marker and what programs leave behind that only look into the folder.

    A lock file of a spreadsheet, or a Mac's .DS_Store, makes no other delivery of it.
    """
    markers = {delivery / name for name in MARKERS}
    found = (path for path in delivery.rglob("*") if not _is_left_behind(path.relative_to(delivery)))
    return sorted(path for path in found if path.is_file() and path not in markers)


def _is_left_behind(name: Path) -> bool:
    return any(part.startswith((".", "~$")) or part.lower() in _LEFT_BEHIND for part in name.parts)


def fingerprint(delivery: Path, known: Mapping[Path, str] | None = None) -> str:
    """Digest of names and bytes of the files of a delivery; the same for a copy of it elsewhere.

    Args:
        delivery: the folder.
        known: SHA-256 of files that have been read already.

    Raises:
        OSError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in files_of(delivery):
        content = (known or {}).get(path) or _digest(path)
        # A name need not be text, and the delivery is published by now.
        digest.update(os.fsencode(path.relative_to(delivery).as_posix()) + f"\0{content}\0".encode())
    return digest.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def append(extracts: Path, attempt: Attempt) -> None:
    """Note an attempt in one write, so that two at once don't mix their lines.

    Raises:
        OSError: it cannot be noted.
    """
    line = json.dumps(asdict(attempt) | {"at": attempt.at.isoformat(timespec="seconds")}, ensure_ascii=False) + "\n"
    folders.make(extracts)
    descriptor = folders.opened(extracts / FILE_NAME, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        # What a full disk has left of a line must not swallow the next one.
        size = os.fstat(descriptor).st_size
        torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, b"\n" * torn + line.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(extracts: Path) -> list[Attempt]:
    """All attempts, oldest first; lines that can't be read are passed over."""
    try:
        lines = (extracts / FILE_NAME).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return list(_parsed(lines))


def _parsed(lines: list[str]) -> Iterator[Attempt]:
    for line in lines:
        with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
            # What a later version of this program notes besides makes no line unreadable.
            found: dict[str, Any] = {name: value for name, value in json.loads(line).items() if name in _FIELDS}
            made = {"at": dt.datetime.fromisoformat(found["at"]), "notes": tuple(map(str, found.get("notes", ())))}
            yield Attempt(**found | made)


def newest(record: list[Attempt]) -> list[Attempt]:
    """The attempts, newest first; what failed and was tried again, as an inbox does, only as it failed last."""
    failed: set[tuple[str, str]] = set()
    told: list[Attempt] = []
    for attempt in reversed(record):
        same = (attempt.delivery, attempt.message)
        if attempt.result == "failed" and same in failed:
            continue
        if attempt.result == "failed":
            failed.add(same)
        told.append(attempt)
    return told
