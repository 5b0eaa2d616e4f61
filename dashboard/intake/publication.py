"""Puts a built extract in its place and in use, and lets go of the oldest ones."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dashboard import folders
from dashboard.intake import pointer
from dashboard.intake.contract import DEFINITIONS_VERSION, SCHEMA_VERSION
from dashboard.intake.fhir.reading import Resources
from dashboard.intake.reference import Reference
from dashboard.intake.review import DropError
from dashboard.interruption import no_way_back


def extract_name(built_at: dt.datetime, resources: Resources, reference: Reference, further: Sequence[str]) -> str:
    """Named by build time and by what went in, which decides what comes out."""
    content: list[Any] = [SCHEMA_VERSION, DEFINITIONS_VERSION, reference.sha256]
    content += [[one.source.table.name, one.source.name, one.sha256] for one in resources.surveys]
    content += resources.digests
    content += further
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    moment = f"{built_at:%Y%m%dT%H%M%S}{built_at.microsecond // 1000:03d}Z"
    return f"extract-{moment}-{digest[:12]}.duckdb"


def in_use(extracts: Path) -> Path | None:
    """The extract to compare with; none where the one in use is damaged."""
    try:
        named = pointer.current(extracts)
    except pointer.ExtractError:
        return None
    return named.path if named else None


def refuse_demo(delivery: Path, extracts: Path) -> None:
    """Refuse demo data where the extract in use holds a clinic's own.

    Raises:
        DropError: it does.
    """
    with contextlib.suppress(pointer.ExtractError):
        if (named := pointer.named(extracts)) and named.demo is False:
            raise DropError(
                f"{delivery} holds demo data, and the extract in use a clinic's own, so nothing was published. "
                "Import it into a data folder of its own (--data DIR), or with --accept-drop if made-up data "
                "are meant to take its place"
            )


def publish(built: Path, extracts: Path, demo: bool, listed: str | None) -> None:
    """Flush the extract, move it to its place, then turn the pointer to it."""
    with open(built, "rb", opener=folders.opened) as file:
        os.fchmod(file.fileno(), 0o640)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        folders.give_to_owner(file.fileno(), extracts)
        os.fsync(file.fileno())
    found = built.stat()
    target = pointer.Pointer(
        built.name, digest, found.st_size, extracts / built.name, found.st_mtime_ns, demo, listed
    )
    with pointer.held(extracts):
        no_way_back()
        pointer.write(pointer.card_of(target.path), target)
        built.rename(target.path)
        pointer.flush_folder(extracts)
        pointer.turn(extracts, target)


def drop_oldest(extracts: Path, kept: int) -> list[Path]:
    """Keep the last extracts, and the one in use. Call it with `pointer.held`.

    Returns:
        What was removed.
    """
    used = in_use(extracts)
    removed = [path for path in reversed(pointer.newest_first(extracts)[kept:]) if path != used]
    for path in removed:
        pointer.remove(path)
    return removed
