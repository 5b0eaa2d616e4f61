"""Notes on record what came of an import, and whether a watched inbox need look at its delivery again."""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dashboard.intake import attempts
from dashboard.intake.attempts import Watched
from dashboard.intake.contract import DeliveryError, UnforeseenError
from dashboard.intake.report import ImportReport, refusal
from dashboard.interruption import is_stop
from dashboard.tracebacks import traceback_text

log = logging.getLogger("dashboard.import")

Note = Callable[[ImportReport, dict[Path, str]], None]


@contextlib.contextmanager
def noted(
    extracts: Path, delivery: Path, watched: Watched, began: float, *, dry_run: bool, add: bool
) -> Iterator[Note]:
    """Keep on record what came of the import; a dry run leaves no trace.

    One by hand that published nothing is noted without fingerprint, so that a watched inbox, which may
    have another mapping, tries the delivery itself. What is yielded takes the report and the digests of the files.
    """

    def note(
        result: attempts.Result,
        message: str,
        fingerprint: str,
        extract: str | None = None,
        base: str | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        now, seconds = dt.datetime.now(dt.UTC), round(time.monotonic() - began, 1)
        own = (watched.under, base, watched.inbox, notes)
        attempt = attempts.Attempt(now, delivery.name, fingerprint, result, message, extract, seconds, *own)
        # A folder that can't be written is told by the import itself.
        with contextlib.suppress(OSError):
            attempts.append(extracts, attempt)

    def published(report: ImportReport, digests: dict[Path, str]) -> None:
        if dry_run:
            return
        found = watched.fingerprint
        if not found:
            # A delivery that was taken away since counts as one that nobody has tried.
            with contextlib.suppress(OSError):
                found = attempts.fingerprint(delivery, digests)
        base = report.review.compared_with if add else None
        note("published", report.summary, found, report.name, base, report.notes)

    try:
        yield published
    except DeliveryError as error:
        if not dry_run:
            # Below the first line stand values of the delivery.
            note(refusal(error)["result"], str(error).splitlines()[0], _still(delivery, watched.fingerprint))
        raise
    except Exception as error:
        if is_stop(error):
            raise
        # Of an inbox the deliveries after it would else never be imported; its words may quote a value.
        log.error("an error that nobody foresaw:\n%s", traceback_text(error))
        told = UnforeseenError(
            f"{delivery} could not be imported for an error that nobody foresaw ({type(error).__qualname__}); "
            "the extract in use stays. Please report it, with the traceback"
        )
        if not dry_run:
            note("failed", str(told), _still(delivery, watched.fingerprint))
        raise told from error


def _still(delivery: Path, fingerprint: str) -> str:
    """The fingerprint, unless the delivery went away or changed meanwhile: then it was another that was refused."""
    if not fingerprint:
        return ""
    try:
        return fingerprint if attempts.fingerprint(delivery) == fingerprint else ""
    except OSError:
        return ""
