"""Imports the deliveries of an inbox: each once, when it is complete, in order of name."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import NoReturn

from dashboard import folders, locks
from dashboard.intake import attempts, pointer, turns
from dashboard.intake.attempts import Watched
from dashboard.intake.contract import DeliveryError, StorageError
from dashboard.intake.inbox import Fingerprints
from dashboard.intake.report import ImportReport, refusal

#: So long no file of a delivery without a marker may have changed.
QUIET_SECONDS = 300.0
LOCK_NAME = "watch.lock"
LOOK_SECONDS = 20.0
#: What failed for want of room or rights is tried again after so long, then after twice as long, up to the second.
_FIRST_WAIT, _LONGEST_WAIT = 20.0, 600.0

Import = Callable[[Path, Watched], ImportReport]
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
    """Whether a delivery holds a marker, or has files and none of them has changed for `quiet` seconds.

    Raises:
        PermissionError: the folder may not be entered.
    """
    if any((delivery / marker).is_file() for marker in attempts.MARKERS):
        return True
    try:
        times = _changed(delivery)
    except FileNotFoundError:
        return False
    return len(times) > 1 and max(times) <= now - quiet


def _changed(delivery: Path) -> list[float]:
    """When a delivery and each thing in it was changed; of a link that leads nowhere when it was made."""
    paths = (delivery, *delivery.rglob("*"))
    return [(path.stat() if path.exists() else path.lstat()).st_mtime for path in paths]


def _leads_out(delivery: Path, inbox: Path) -> Path | None:
    """A link in a delivery, or the delivery itself, that leads elsewhere than into the inbox."""
    within = Path(os.path.realpath(inbox))
    links = (path for path in (delivery, *delivery.rglob("*")) if path.is_symlink())
    return next((path for path in links if not Path(os.path.realpath(path)).is_relative_to(within)), None)


def _why_not(delivery: Path, now: float) -> str:
    """What to add where a delivery isn't complete since this machine's clock is behind that of its files."""
    try:
        ahead = max(_changed(delivery)) > now
    except OSError:
        return ""
    return ": a file in it bears a time that is yet to come; check the clocks, or put a file _SUCCESS into it" * ahead


class _Outcome(Enum):
    PUBLISHED = auto()
    FAILED = auto()
    KNOWN = auto()
    WAITS = auto()


class Watch:
    """An inbox that is looked at again and again.

    Args:
        inbox: folder in which each sub-folder is a delivery.
        data: the data folder with the record of imports.
        run: imports a delivery, given its folder and how the inbox came to it, and keeps the record.
        under: tells what else decides what comes of a delivery, as a digest.
        quiet: seconds without change after which a delivery without marker is complete.
        in_turn: deliveries build on one another, so that none is imported before those that stand before it.
    """

    def __init__(
        self,
        inbox: Path,
        data: Path,
        run: Import,
        under: Callable[[], str],
        quiet: float = QUIET_SECONDS,
        *,
        in_turn: bool = False,
    ) -> None:
        self._inbox, self._extracts, self._run, self._under = inbox, data / "extracts", run, under
        self._quiet, self._in_turn = quiet, in_turn
        #: What was said last of a delivery: at every look the same is not said again.
        self._told: dict[str, str] = {}
        #: How often what failed was tried, and when it is tried again.
        self._waiting: dict[str, tuple[int, float]] = {}
        #: In turn, the place in the record up to which deliveries were published in their order.
        self._latest = -1
        self._record: list[attempts.Attempt] = []
        self._circumstances = ""

    def look(self) -> tuple[int, int, int]:
        """Import each complete delivery that wasn't before, in order of name; go on after one that fails.

        Returns:
            How many were published, how many were not, and how many were done with before.

        Raises:
            StorageError: the inbox or the data folder cannot be used at all.
        """
        outcomes: Counter[_Outcome] = Counter()
        with _alone(self._extracts):
            found = deliveries(self._inbox)
            fingerprints = Fingerprints(self._extracts)
            self._latest = -1
            self._read()
            for delivery in found:
                outcome = self._take(delivery, [one.name for one in found], fingerprints)
                outcomes[outcome] += 1
                if self._in_turn and outcome not in (_Outcome.PUBLISHED, _Outcome.KNOWN):
                    break
            fingerprints.keep(self._inbox, found)
        return outcomes[_Outcome.PUBLISHED], outcomes[_Outcome.FAILED], outcomes[_Outcome.KNOWN]

    def go_on(self) -> NoReturn:
        """Look again and again; a disk that goes away is told once and waited for, since it mostly comes back."""
        from dashboard.state import StateError

        told = ""
        while True:
            time.sleep(LOOK_SECONDS)
            try:
                self.look()
                if told:
                    log.info("the inbox and the data folder can be used again")
                told = ""
            except (StorageError, StateError, OSError) as error:
                if str(error) != told:
                    log.error("%s; it is tried again every %.0f seconds", str(error).rstrip("."), LOOK_SECONDS)
                told = str(error)

    def _take(self, delivery: Path, names: list[str], fingerprints: Fingerprints) -> _Outcome:
        """Import a delivery if it is complete and not done with."""
        if self._is_waiting(delivery):
            return _Outcome.FAILED
        try:
            # A folder that may not be read would look empty.
            os.scandir(delivery).close()
            if not is_complete(delivery, self._quiet, time.time()):
                self._say(delivery, logging.INFO, f"is not complete yet{_why_not(delivery, time.time())}")
                return _Outcome.WAITS
            if (link := _leads_out(delivery, self._inbox)) is not None:
                message = (
                    f"{link} is a link that leads out of the inbox, where others may not choose what is read; "
                    "put the file or folder itself there"
                )
                self._say(delivery, logging.ERROR, f"was not published: {message}")
                self._note(delivery, "refused", message)
                return _Outcome.FAILED
            fingerprint = fingerprints.of(delivery)
        except FileNotFoundError:
            self._say(delivery, logging.INFO, "was taken away")
            return _Outcome.WAITS
        except OSError as error:
            self._note_unreadable(delivery, error)
            return _Outcome.FAILED
        if self._in_turn:
            if outcome := self._in_its_turn(delivery, names, fingerprint):
                return outcome
        elif fingerprint in turns.settled(turns.alike(self._record, fingerprint), self._circumstances):
            return _Outcome.KNOWN
        behind = None if self._in_turn else turns.published_behind(self._record, delivery.name, names)
        try:
            report = self._run(delivery, Watched(fingerprint, self._circumstances, str(self._inbox), behind))
        except DeliveryError as error:
            self._say(delivery, logging.ERROR, f"was not published: {error}")
            if refusal(error)["result"] == "failed":
                self._let_wait(delivery)
            return _Outcome.FAILED
        finally:
            # A copy of a delivery under another name is the same delivery.
            self._read()
        self._waiting.pop(delivery.name, None)
        self._latest = len(self._record) - 1
        self._say(delivery, logging.INFO, f"published as {report.name}: {report.summary}")
        for note in report.notes:
            log.info("%s: %s", delivery.name, note)
        return _Outcome.PUBLISHED

    def _in_its_turn(self, delivery: Path, names: list[str], fingerprint: str) -> _Outcome | None:
        """What to do about a delivery that builds on those before it without importing it; None where it is to be."""
        record, in_use = self._record, _in_use(self._extracts)
        place = turns.place_in_turn(record, delivery.name, fingerprint, in_use)
        if place is not None and place >= max(self._latest, 0):
            self._latest = place
            return _Outcome.KNOWN
        ahead = turns.gone_ahead(record, delivery.name, str(self._inbox), names, in_use)
        if place == -1:
            why, way = "is not in the extract in use, since an earlier one was put in use again, and", "correct it"
        elif ahead is not None:
            why = f"stands before {ahead}, which was added and left the inbox: old rows would replace new ones. It"
            way = f"put the days after it, up to {ahead}, back into the inbox"
        elif place is None and fingerprint in turns.settled(turns.of(record, delivery.name), self._circumstances):
            why, way = "was not published before and", "correct it"
        else:
            # Or one that stands before it was corrected since, and has put older rows in place of its own.
            return None
        by_hand = (
            f"import it by hand (dashboard import {delivery} --add, with --accept-drop where rows are meant to go)"
        )
        message = f"{why} holds up the deliveries after it; {way}, {by_hand}, or move it out of the inbox"
        self._say(delivery, logging.ERROR, message)
        if place == -1 or ahead is not None:
            self._note(delivery, "held", f"{delivery.name} {message}")
        return _Outcome.FAILED

    def _read(self) -> None:
        """Read the record of imports, and what else decides what comes of one."""
        self._record, self._circumstances = attempts.read(self._extracts), self._under()

    def _say(self, delivery: Path, level: int, message: str) -> bool:
        """Log a message, unless it was the last one of this delivery; whether it was not."""
        if self._told.get(delivery.name) == message:
            return False
        self._told[delivery.name] = message
        log.log(level, "%s %s", delivery.name, message)
        return True

    def _is_waiting(self, delivery: Path) -> bool:
        return self._waiting.get(delivery.name, (0, 0.0))[1] > time.monotonic()

    def _let_wait(self, delivery: Path) -> None:
        """Try what failed again later: what failed may have taken long, and what it lacks needn't be there soon."""
        tried, _ = self._waiting.get(delivery.name, (0, 0.0))
        wait = min(_FIRST_WAIT * 2**tried, _LONGEST_WAIT)
        self._waiting[delivery.name] = (min(tried + 1, 10), time.monotonic() + wait)

    def _note_unreadable(self, delivery: Path, error: OSError) -> None:
        """Say that a delivery can't be read, and put it on record."""
        message = f"{error.filename or delivery} cannot be read ({error.strerror}); check who may read it"
        self._say(delivery, logging.ERROR, f"was not published: {message}")
        self._note(delivery, "failed", message)

    def _note(self, delivery: Path, result: attempts.Result, message: str) -> None:
        """Put on record why a delivery wasn't even tried, unless that is the last that was said of it."""
        last = turns.of(self._record, delivery.name)[-1:]
        if [(one.result, one.message) for one in last] != [(result, message)]:
            now = dt.datetime.now(dt.UTC)
            with contextlib.suppress(OSError):
                attempts.append(self._extracts, attempts.Attempt(now, delivery.name, "", result, message))


def _in_use(extracts: Path) -> str | None:
    with contextlib.suppress(pointer.ExtractError):
        if (named := pointer.named(extracts)) is not None:
            return named.name
    return None


@contextlib.contextmanager
def _alone(extracts: Path) -> Iterator[None]:
    """One watcher at a time, or two would import the same delivery one after the other."""
    with contextlib.ExitStack() as held:
        try:
            folders.make(extracts)
            waits = partial(log.info, "waiting for another watcher to end its look")
            held.enter_context(locks.alone(extracts / LOCK_NAME, waits))
        except OSError as error:
            raise StorageError(
                f"{error.filename or extracts} cannot be written ({error.strerror}); check permissions"
            ) from error
        yield
