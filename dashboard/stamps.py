"""Whether a file is still the one that it was."""

from __future__ import annotations

from pathlib import Path


def stamp_of(path: Path) -> tuple[int, ...]:
    """What of a file changes when it is written to or replaced: size, time of the last change and number.

    Empty where it isn't there.
    """
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_size, found.st_mtime_ns, found.st_ino
