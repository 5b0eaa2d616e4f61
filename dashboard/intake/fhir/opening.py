"""Opens a file as what its first bytes say it is: gzip under any name, UTF-16 as UTF-8."""

from __future__ import annotations

import codecs
import io
from pathlib import Path
from typing import Any, cast

from dashboard.intake.reading.unpacking import CHUNK, unpacked

BOM = codecs.BOM_UTF8
_GZIP = b"\x1f\x8b"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def open_bytes(path: Path) -> io.BufferedReader:
    """The bytes of a file, as UTF-8 and unpacked.

    Clients that fetch an export unpack it and keep the name, or keep it packed under the name of
    what it holds; and what a Windows shell writes is UTF-16.

    Raises:
        OSError, EOFError, zlib.error: the file can't be read.
        DeliveryError: it unpacks to more than resources do.
    """
    file = cast(io.BufferedReader, path.open("rb", buffering=CHUNK))
    try:
        start = file.peek(CHUNK)
        if start.startswith(_GZIP) or (path.suffix.lower() == ".gz" and start and not begins_json(start)):
            # The reader closes what it reads from.
            file = unpacked(path, file)
            start = file.peek(CHUNK)
    except BaseException:
        file.close()
        raise
    return io.BufferedReader(_AsUtf8(file), CHUNK) if start.startswith(_UTF16) else file


def begins_json(start: bytes) -> bool:
    """Whether bytes are the beginning of a JSON object or array."""
    return start.startswith(_UTF16) or start.removeprefix(BOM).lstrip()[:1] in (b"{", b"[")


class _AsUtf8(io.RawIOBase):
    """UTF-16 read as UTF-8; what is no character becomes U+FFFD."""

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-16")("replace")
        self._left = b""
        self._at_end = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        while not self._left and not self._at_end:
            part = self._file.read(CHUNK)
            self._at_end = not part
            self._left = self._decoder.decode(part, self._at_end).encode("utf-8", "replace")
        size = min(len(self._left), len(buffer))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size

    def close(self) -> None:
        self._file.close()
        super().close()
