"""Facts kept as Parquet: where they lie and what they must be, as the list beside their extract says."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboard import folders

ENDING = ".facts"


class FactsError(RuntimeError):
    """The facts of an extract can't be used; the message says what is wrong with which file."""


@dataclass(frozen=True)
class FactFile:
    """A file of facts as it was published: its name within the folder, size, digest and time of the last writing."""

    name: str
    bytes: int
    sha256: str
    mtime_ns: int


@dataclass(frozen=True)
class Facts:
    """The facts of an extract.

    Attributes:
        folder: where they lie, as this machine and Spark's workers name it.
        files: of a published extract all of them.
    """

    folder: Path
    files: tuple[FactFile, ...] = ()

    @property
    def here(self) -> bool:
        """Whether this machine sees them; else only Spark's workers do."""
        return self.folder.is_dir()

    def check(self, *, thorough: bool = False) -> None:
        """Compare sizes, and where a file was written since or on request the digests of all their bytes.

        Raises:
            FactsError: a file is missing or has other bytes than were published.
        """
        for one in self.files:
            path = self.folder / one.name
            try:
                found = path.stat()
                changed = found.st_size != one.bytes or (
                    (thorough or found.st_mtime_ns != one.mtime_ns) and _digest(path) != one.sha256
                )
            except OSError as error:
                raise FactsError(f"{path} cannot be read ({error.strerror})") from error
            if changed:
                raise FactsError(f"{path} was changed after it was published")


def list_of(extract: Path) -> Path:
    """The file beside an extract that says where its facts lie and what they are."""
    return extract.with_suffix(ENDING)


def facts_of(extract: Path) -> Facts | None:
    """The facts of an extract, None where it holds them itself.

    Raises:
        FactsError: their list is damaged.
    """
    path = list_of(extract)
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        files = tuple(FactFile(**one) for one in content["files"])
        # A folder beside the extract moves with it.
        return Facts(path.parent / content["folder"], files)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise FactsError(f"{path} is damaged or cannot be read") from error


def begin(extract: Path, root: Path | None) -> Facts:
    """Make the folder for the facts of an extract to come, and note it first, so that `sweep` finds it.

    Args:
        extract: where the extract will lie.
        root: the folder for facts; None for the extract's own.

    Raises:
        OSError: it cannot be made.
    """
    facts = Facts((root or extract.parent) / extract.stem)
    _write(extract, facts)
    folders.make(facts.folder.parent)
    facts.folder.mkdir(mode=0o750)
    return facts


def finish(extract: Path, folder: Path) -> str:
    """List the facts of an extract that is built, flushed and for reading only.

    Returns:
        The digest of the list, for the card of the extract.

    Raises:
        OSError: a file cannot be read, or the list not be written.
    """
    files = []
    for path in sorted(folder.rglob("*.parquet")):
        with open(path, "rb", opener=folders.opened) as file:
            os.fchmod(file.fileno(), 0o440)
            folders.give_to_owner(file.fileno(), folder.parent)
            os.fsync(file.fileno())
            found = os.fstat(file.fileno())
        files.append(FactFile(str(path.relative_to(folder)), found.st_size, _digest(path), found.st_mtime_ns))
    for inner in (folder, *(path for path in folder.iterdir() if path.is_dir())):
        descriptor = os.open(inner, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            os.fchmod(descriptor, 0o550)
            folders.give_to_owner(descriptor, folder.parent)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    _write(extract, Facts(folder, tuple(files)))
    return digest_of(extract)


def digest_of(extract: Path) -> str:
    """SHA-256 of the list of its facts.

    Raises:
        OSError: it cannot be read.
    """
    return _digest(list_of(extract))


def remove(extract: Path) -> None:
    """Remove the facts of an extract and their list, where there are any."""
    with contextlib.suppress(FactsError):
        if (found := facts_of(extract)) and found.here:
            for path in (found.folder, *found.folder.iterdir()):
                with contextlib.suppress(OSError):
                    path.chmod(0o750)
            shutil.rmtree(found.folder, ignore_errors=True)
    list_of(extract).unlink(missing_ok=True)


def sweep(extracts: Path) -> None:
    """Remove facts whose extract was never published, or is gone. No import may be under way."""
    for path in extracts.glob(f"extract-*{ENDING}"):
        extract = path.with_name(path.name.removesuffix(ENDING) + ".duckdb")
        if not extract.exists():
            remove(extract)


def _write(extract: Path, facts: Facts) -> None:
    beside = facts.folder.parent == extract.parent
    files: Sequence[dict[str, Any]] = [vars(one) for one in facts.files]
    content = {"folder": facts.folder.name if beside else str(facts.folder), "files": files}
    final = list_of(extract)
    temporary = final.with_name(f".{final.name}.{os.getpid()}")
    try:
        with open(temporary, "w", encoding="utf-8", opener=folders.opened) as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(final)
    finally:
        temporary.unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
