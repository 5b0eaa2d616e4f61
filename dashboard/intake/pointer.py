"""The pointer file: which extract is in use; and the card beside each extract that says what it must be."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboard import folders
from dashboard.clock import SKEW
from dashboard.intake import facts
from dashboard.interruption import took_effect

FILE_NAME = "current.json"
_NAME = re.compile(r"extract-[0-9TZ]+-[0-9a-f]{12}\.duckdb")


class ExtractError(RuntimeError):
    """The pointer or the extract that it names cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Pointer:
    """An extract as it was published.

    Attributes:
        name: file name of the extract.
        sha256: digest of its bytes, lower-case hex.
        bytes: its size.
        path: where it lies.
        mtime_ns: when the file was last written, as it was when the digest was taken; None if unknown.
        demo: whether it holds demo data; None if unknown.
        facts: digest of the list of its facts, where they are Parquet files beside it; else None.
    """

    name: str
    sha256: str
    bytes: int
    path: Path
    mtime_ns: int | None = None
    demo: bool | None = None
    facts: str | None = None

    def check(self, *, thorough: bool = False) -> None:
        """Compare the size, and where the file was written since or on request, the digest of all its bytes.

        A file that lies there as it was published is not read again: its blocks carry checksums,
        which DuckDB compares as it reads them.

        Raises:
            ExtractError: it is missing or has other bytes than were published.
        """
        try:
            found = self.path.stat()
            if found.st_size != self.bytes:
                raise ExtractError(
                    f"the extract {self.name} has {found.st_size:,} bytes instead of {self.bytes:,}; {_WAY_OUT}"
                )
            if (thorough or found.st_mtime_ns != self.mtime_ns) and self.digest() != self.sha256:
                raise ExtractError(f"the extract {self.name} was changed after it was published; {_WAY_OUT}")
        except FileNotFoundError as error:
            raise ExtractError(f"the extract {self.name} cannot be found; {_WAY_OUT}") from error
        except OSError as error:
            raise ExtractError(f"the extract {self.name} cannot be read ({error.strerror}); {_WAY_OUT}") from error
        self._check_facts(thorough=thorough)

    def _check_facts(self, *, thorough: bool) -> None:
        """Facts that only Spark's workers see are left to it."""
        if self.facts is None:
            return
        try:
            found = facts.facts_of(self.path)
            if found is None or facts.digest_of(self.path) != self.facts:
                raise ExtractError(f"the list of the facts of {self.name} is not as it was published; {_WAY_OUT}")
            if found.here:
                found.check(thorough=thorough)
        except (facts.FactsError, OSError) as error:
            raise ExtractError(f"the facts of {self.name}: {error}; {_WAY_OUT}") from error

    def digest(self) -> str:
        """SHA-256 of the bytes as they are now."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


_WAY_OUT = "import the delivery again, or go back to an earlier one: dashboard extracts list"


def current(extracts: Path) -> Pointer | None:
    """The extract that is in use, or None where nothing was published yet.

    The size is compared and the digest is not: this is called at every page.

    Raises:
        ExtractError: the pointer is damaged, or its extract is missing or of another size.
    """
    found = named(extracts)
    if found is None:
        return None
    try:
        size = found.path.stat().st_size
    except OSError as error:
        raise ExtractError(
            f"the extract {found.name} that {extracts / FILE_NAME} names cannot be found; {_WAY_OUT}"
        ) from error
    if size != found.bytes:
        raise ExtractError(f"the extract {found.name} has {size:,} bytes instead of {found.bytes:,}; {_WAY_OUT}")
    return found


def named(extracts: Path) -> Pointer | None:
    """What the pointer says, whatever has become of the extract.

    Raises:
        ExtractError: the pointer is damaged.
    """
    try:
        return _read(extracts / FILE_NAME, extracts)
    except FileNotFoundError:
        return None


def published(extracts: Path) -> list[Pointer]:
    """Every extract with its card, newest first; what has no readable card is left out."""
    found = []
    for path in newest_first(extracts):
        with contextlib.suppress(ExtractError, OSError):
            found.append(_read(card_of(path), extracts))
    return found


def newest_first(extracts: Path) -> list[Path]:
    """Every extract, by the time of its making in its name.

    One of a time to come was made while the clock was ahead: who knows when, so that it stands last.
    """
    latest = f"extract-{dt.datetime.now(dt.UTC) + SKEW:%Y%m%dT%H%M%S}"
    return sorted(extracts.glob("extract-*.duckdb"), key=lambda path: (path.name < latest, path.name), reverse=True)


def card_of(extract: Path) -> Path:
    """The file beside an extract that holds its name, digest and size."""
    return extract.with_suffix(".json")


def turn(extracts: Path, target: Pointer) -> None:
    """Name another extract as the one in use, in one step that can't be seen half done.

    Raises:
        OSError: the pointer cannot be written; it still names what it named before.
    """
    write(extracts / FILE_NAME, target)


def write(final: Path, target: Pointer) -> None:
    """Write name, digest, size and time to a pointer or card, whole or not at all."""
    content = {name: getattr(target, name) for name in ("name", "sha256", "bytes", "mtime_ns", "demo", "facts")}
    temporary = final.with_name(f".{FILE_NAME}.{os.getpid()}")
    try:
        # Made anew, since a link in its place would lead what is written, and given away, elsewhere.
        temporary.unlink(missing_ok=True)
        with open(temporary, "x", encoding="utf-8", opener=folders.opened) as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(final)
        took_effect()
    finally:
        temporary.unlink(missing_ok=True)
    flush_folder(final.parent)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder last over a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path, extracts: Path) -> Pointer:
    """A pointer or card.

    Raises:
        ExtractError: it is damaged or cannot be read.
        FileNotFoundError: there is none.
    """
    if path.exists() and not path.is_file():
        # A pipe or a device would be read for ever.
        raise ExtractError(f"{path} is no file: take it away; {_WAY_OUT}")
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        name, sha256, size = content["name"], content["sha256"], content["bytes"]
        mtime, demo, listed = content.get("mtime_ns"), content.get("demo"), content.get("facts")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ExtractError(f"{path} cannot be read ({error.strerror}); check who may read it") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ExtractError(f"{path} is damaged; {_WAY_OUT}") from error
    well_formed = isinstance(name, str) and isinstance(sha256, str) and isinstance(size, int)
    well_formed = well_formed and isinstance(listed, str | None)
    if not well_formed or not _NAME.fullmatch(name) or not isinstance(mtime, int | None):
        raise ExtractError(f"{path} is damaged; {_WAY_OUT}")
    return Pointer(name, sha256, size, extracts / name, mtime, demo, listed)


@contextlib.contextmanager
def held(extracts: Path) -> Iterator[None]:
    """Nobody else turns the pointer or removes extracts meanwhile; freed when the process ends, however it ends."""
    descriptor = os.open(extracts, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sweep(extracts: Path) -> None:
    """Remove what commands that were killed have left: half-written pointers, cards without their extract."""
    for path in extracts.glob(f".{FILE_NAME}.*"):
        path.unlink(missing_ok=True)
    for path in extracts.glob("extract-*.json"):
        if not path.with_suffix(".duckdb").exists():
            path.unlink(missing_ok=True)


def remove(target: Path) -> None:
    """Remove an extract, its card and its facts."""
    took_effect()
    target.unlink(missing_ok=True)
    facts.remove(target)
    card_of(target).unlink(missing_ok=True)
