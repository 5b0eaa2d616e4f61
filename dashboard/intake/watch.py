"""Imports the deliveries of an inbox: each once, when it is complete, in order of name."""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dashboard.intake import attempts
from dashboard.intake.contract import DeliveryError, StorageError
from dashboard.intake.report import ImportReport

#: So long no file of a delivery without a marker may have changed.
QUIET_SECONDS = 300.0
LOCK_NAME = "watch.lock"

Import = Callable[[Path, str], ImportReport]
log = logging.getLogger("dashboard.import")


def deliveries(inbox: Path) -> list[Path]:
    """The deliveries of an inbox: its sub-folders by name, hidden ones left out.

    Raises:
        StorageError: the inbox cannot be read.
    """
    try:
        return sorted(path for path in inbox.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise StorageError(f"the inbox {inbox} cannot be read ({error.strerror}); check the path") from error


def is_complete(delivery: Path, quiet: float, now: float) -> bool:
    """Whether a delivery holds a marker, or has files and none of them has changed for `quiet` seconds."""
    if any((delivery / marker).is_file() for marker in attempts.MARKERS):
        return True
    try:
        times = _changed(delivery)
    except OSError:
        return False
    return len(times) > 1 and max(times) <= now - quiet


def _changed(delivery: Path) -> list[float]:
    """When a delivery and each thing in it was changed; of a link that leads nowhere when it was made."""
    paths = (delivery, *delivery.rglob("*"))
    return [(path.stat() if path.exists() else path.lstat()).st_mtime for path in paths]


def _why_not(delivery: Path, now: float) -> str:
    """What to add where a delivery isn't complete since this machine's clock is behind that of its files."""
    try:
        ahead = max(_changed(delivery)) > now
    except OSError:
        return ""
    return ": a file in it bears a time that is yet to come; check the clocks, or put a file _SUCCESS into it" * ahead


def settled(record: list[attempts.Attempt]) -> set[str]:
    """Fingerprints of the deliveries that are done with; what failed for lack of room is tried again."""
    return {attempt.fingerprint for attempt in record if attempt.result != "failed"}


def published(record: list[attempts.Attempt]) -> set[str]:
    """Fingerprints of the deliveries that were published."""
    return {attempt.fingerprint for attempt in record if attempt.result == "published"}


def import_new(
    inbox: Path, data: Path, run: Import, quiet: float = QUIET_SECONDS, *, in_turn: bool = False
) -> tuple[int, int, int]:
    """Import each complete delivery that wasn't before, in order of name; go on after one that fails.

    Args:
        inbox: folder in which each sub-folder is a delivery.
        data: the data folder with the record of imports.
        run: imports a delivery, given its folder and fingerprint, and keeps the record.
        quiet: seconds without change after which a delivery without marker is complete.
        in_turn: deliveries build on one another, so that none is imported before those that stand before it.

    Returns:
        How many were published, how many were not, and how many were done with before.

    Raises:
        StorageError: the inbox or the data folder cannot be used at all.
    """
    done = failed = known = 0
    with _alone(data):
        for delivery in deliveries(inbox):
            if not is_complete(delivery, quiet, time.time()):
                log.info("%s is not complete yet%s", delivery.name, _why_not(delivery, time.time()))
                if in_turn:
                    break
                continue
            try:
                fingerprint = attempts.fingerprint(delivery)
                # Read anew each time: a copy of a delivery under another name is the same delivery.
                record = attempts.read(data / "extracts")
                if in_turn:
                    # The same bytes on another day say that something is again as it was.
                    record = [attempt for attempt in record if attempt.delivery == delivery.name]
                    if fingerprint in settled(record) and fingerprint not in published(record):
                        failed += 1
                        log.error("%s", _held_up(delivery))
                        break
                if fingerprint in settled(record):
                    known += 1
                    continue
                report = run(delivery, fingerprint)
            except (DeliveryError, OSError) as error:
                failed += 1
                log.error("%s was not published: %s", delivery.name, error)
                if isinstance(error, OSError):
                    _note_unreadable(data, delivery, error)
                if in_turn:
                    break
                continue
            done += 1
            log.info("%s published as %s: %s", delivery.name, report.name, report.summary)
    return done, failed, known


def _held_up(delivery: Path) -> str:
    return (
        f"{delivery.name} was not published before and holds up the deliveries after it; correct it, "
        "import it by hand with --accept-drop, or move it out of the inbox"
    )


def _note_unreadable(data: Path, delivery: Path, error: OSError) -> None:
    message = f"{error.filename or delivery} cannot be read ({error.strerror}); check who may read it"
    with contextlib.suppress(OSError):
        attempts.append(
            data / "extracts", attempts.Attempt(dt.datetime.now(dt.UTC), delivery.name, "", "failed", message)
        )


@contextlib.contextmanager
def _alone(data: Path) -> Iterator[None]:
    """One watcher at a time, or two would import the same delivery one after the other."""
    try:
        (data / "extracts").mkdir(parents=True, exist_ok=True)
        lock = (data / "extracts" / LOCK_NAME).open("a")
    except OSError as error:
        raise StorageError(
            f"{error.filename or data} cannot be written ({error.strerror}); check permissions"
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
