"""The fingerprints of an inbox's deliveries: what lies there as it did is not read again at every look."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from pathlib import Path

from dashboard import folders
from dashboard.intake import attempts

FILE_NAME = "inbox.json"
#: Changes less than so many seconds old are read again: a later one may bear the same time.
_SETTLED_SECONDS = 10.0


class Fingerprints:
    """Fingerprints by folder, kept from look to look and, beside the extracts, from start to start.

    A fingerprint is known as long as its files have the same names, sizes, times and numbers. What is kept is a
    convenience: where it can't be read or written, everything is read again.
    """

    def __init__(self, extracts: Path) -> None:
        self._file = extracts / FILE_NAME
        self._known: dict[str, list[str]] = {}
        with contextlib.suppress(OSError, ValueError, AttributeError):
            content = json.loads(self._file.read_text(encoding="utf-8"))
            self._known = {str(name): [str(one) for one in pair] for name, pair in content.items() if len(pair) == 2}
        self._changed = False

    def of(self, delivery: Path) -> str:
        """The fingerprint of a delivery.

        Raises:
            OSError: a file cannot be read.
        """
        name, now = os.fspath(delivery.absolute()), time.time()
        stamp, newest = _stamp(delivery)
        known = self._known.get(name)
        if known is not None and known[0] == stamp:
            return known[1]
        found = attempts.fingerprint(delivery)
        if newest < now - _SETTLED_SECONDS and _stamp(delivery)[0] == stamp:
            self._known[name] = [stamp, found]
            self._changed = True
        return found

    def keep(self, inbox: Path, deliveries: list[Path]) -> None:
        """Write down what is known, without what left the inbox."""
        there = {os.fspath(one.absolute()) for one in deliveries}
        gone = [name for name in self._known if Path(name).parent == inbox.absolute() and name not in there]
        for name in gone:
            del self._known[name]
        if not (gone or self._changed):
            return
        temporary = self._file.with_name(f".{FILE_NAME}.{os.getpid()}")
        with contextlib.suppress(OSError, UnicodeError):
            try:
                with open(temporary, "w", encoding="utf-8", opener=folders.opened) as file:
                    json.dump(self._known, file)
                temporary.replace(self._file)
                self._changed = False
            finally:
                temporary.unlink(missing_ok=True)


def _stamp(delivery: Path) -> tuple[str, float]:
    """A digest of what tells whether a file of the delivery was changed, and when the last of them was."""
    digest, newest = hashlib.sha256(), 0.0
    for path in attempts.files_of(delivery):
        found = path.stat()
        newest = max(newest, found.st_mtime, found.st_ctime)
        told = (found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)
        digest.update(os.fsencode(path.relative_to(delivery)) + f"\0{told}\0".encode())
    return digest.hexdigest(), newest
