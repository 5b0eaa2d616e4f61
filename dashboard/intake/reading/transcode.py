"""Reads a file of another encoding as UTF-8."""

from __future__ import annotations

import codecs
from typing import BinaryIO

# A lone surrogate is no UTF-8, so that the scan finds the record where the byte stands.
_MARK = "\udcff"
_HANDLER = "dashboard-undecodable"


def _mark(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return _MARK, error.end
    raise error


codecs.register_error(_HANDLER, _mark)


def python_name(encoding: str) -> str | None:
    """Python's own name of a text encoding; None if it doesn't know one of that name."""
    try:
        found = codecs.lookup(encoding)
        # Refused for what is none of text, such as hex, and for those that can't pass over a wrong byte.
        " ".encode(encoding)
        codecs.getincrementaldecoder(encoding)(_HANDLER).decode(b"", final=True)
    except (LookupError, UnicodeError, ValueError):
        return None
    return found.name


class Transcoder:
    """The text of a file as UTF-8; what its encoding doesn't have becomes bytes that are no UTF-8."""

    def __init__(self, source: BinaryIO, encoding: str) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder(encoding)(_HANDLER)

    def read(self, size: int = -1) -> bytes:
        """The next bytes, somewhat more or fewer than asked for; empty at the end only."""
        while True:
            part = self._source.read(size)
            text = self._decoder.decode(part, final=not part)
            if text or not part:
                return text.encode("utf-8", "surrogatepass")

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def __enter__(self) -> Transcoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
