"""The head of the audit record: how many entries there are, and the seal of the last one."""

from __future__ import annotations

import fcntl
import hmac
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dashboard import folders
from dashboard.state.database import StateError

_TEXT = re.compile(r"([1-9][0-9]*):([0-9a-f]{64})")
#: Of a line in the file, which is always overwritten whole.
_WIDTH = 160


@dataclass(frozen=True)
class Head:
    """Number of entries and the last one's seal; 0 and nothing for an empty record."""

    entries: int
    seal: str

    def __str__(self) -> str:
        return f"{self.entries}:{self.seal}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Read what `str` wrote.

        Raises:
            StateError: it is none.
        """
        found = _TEXT.fullmatch(text.strip())
        if not found:
            raise StateError(f"{text!r} is no head: it looks like 1234:4f0c…, as 'dashboard audit head' prints it.")
        return cls(int(found[1]), found[2])


class HeadFile:
    """The head in a file, signed. It never goes back, and may lag behind by what is being written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def advance(self, head: Head, signature: str) -> None:
        """Note a head, unless a later one stands there already."""
        handle = folders.opened(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            present = _TEXT.match(os.pread(handle, _WIDTH, 0).decode("ascii", "replace"))
            if present is None or int(present[1]) < head.entries:
                os.pwrite(handle, f"{head} {signature}".ljust(_WIDTH - 1).encode() + b"\n", 0)
        finally:
            os.close(handle)

    def renew(self, head: Head, signature: str) -> None:
        """Note a head whatever stands there."""
        self.path.unlink(missing_ok=True)
        self.advance(head, signature)

    def read(self, sign: Callable[[Head], str]) -> Head | None:
        """The head, or None if there is no file.

        Raises:
            StateError: the file is damaged, or `sign` doesn't give its signature.
        """
        try:
            text, _, signature = self.path.read_text(encoding="ascii", errors="replace").strip().partition(" ")
        except FileNotFoundError:
            return None
        try:
            head = Head.parse(text)
        except StateError:
            raise StateError(f"The head file {self.path} is damaged.") from None
        if not hmac.compare_digest(sign(head).encode(), signature.encode()):
            raise StateError(
                f"The head file {self.path} was not written with the record's key. If that key was lost or "
                "replaced, put it back; until then nothing can be recorded."
            )
        return head
