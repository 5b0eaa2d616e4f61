"""Notes on record what came of an import, and whether a watched inbox need look at its delivery again."""

from __future__ import annotations

import contextlib
import datetime as dt
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dashboard.intake import attempts
from dashboard.intake.attempts import Watched
from dashboard.intake.contract import DeliveryError
from dashboard.intake.report import ImportReport, refusal

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


def _still(delivery: Path, fingerprint: str) -> str:
    """The fingerprint, unless the delivery went away or changed meanwhile: then it was another that was refused."""
    if not fingerprint:
        return ""
    try:
        return fingerprint if attempts.fingerprint(delivery) == fingerprint else ""
    except OSError:
        return ""
