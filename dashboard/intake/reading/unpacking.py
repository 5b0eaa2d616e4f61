"""Unpacks gzip, and refuses what unpacks to more than any table or resource does."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any, BinaryIO

from dashboard.intake.contract import DeliveryError

CHUNK = 1 << 20
#: Times its size to which a file may unpack. Rows most alike, each with an id, were seen at 202; zeros reach 1,032.
MOST_TIMES = 500
#: Bytes of what is unpacked over which the ratio counts; less fills nothing, whatever it is.
STRETCH = 256 << 20
#: Rows of Parquet to a byte of its file: an id and a time of their own in each take more room than that.
_MOST_ROWS_A_BYTE = 20
_ANY_ROWS = 10_000_000


def unpacked(path: Path, packed: BinaryIO | None = None) -> io.BufferedReader:
    """The bytes of a gzip file; reading on raises DeliveryError where it unpacks to too much.

    Args:
        path: the file.
        packed: the same, open at its beginning; closed with the result.

    Raises:
        OSError: the file can't be opened.
    """
    return io.BufferedReader(_Bounded(path, packed or path.open("rb")), CHUNK)


def refuse_vast(path: Path, size: int, rows: int) -> None:
    """Refuse a Parquet file that is far larger inside than its own size tells.

    Args:
        path: the file.
        size: bytes of its columns, decompressed.
        rows: how many it has.

    Raises:
        DeliveryError: it is.
    """
    held = path.stat().st_size
    if size > max(STRETCH, MOST_TIMES * held):
        raise _too_much(path, f"{held:,} bytes of it unpack to {size:,}")
    if rows > max(_ANY_ROWS, _MOST_ROWS_A_BYTE * held):
        raise _too_much(path, f"its {held:,} bytes say that they hold {rows:,} rows")


def _too_much(path: Path, found: str) -> DeliveryError:
    return DeliveryError(
        f"{path} unpacks to more than a table does: {found}. Check who made it; if its rows are meant, deliver them "
        "as plain files, and import again"
    )


class _Bounded(io.RawIOBase):
    """What a gzip file holds, for as long as each stretch of it comes from a fair share of the file."""

    def __init__(self, path: Path, packed: BinaryIO) -> None:
        self._path, self._packed = path, packed
        self._file = gzip.GzipFile(fileobj=packed, mode="rb")
        self._unpacked = self._since = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        size = self._file.readinto(buffer)
        self._unpacked += size
        if self._unpacked >= STRETCH:
            # Each stretch by itself: a long honest beginning pays for nothing that comes after it.
            at = self._packed.tell()
            if self._unpacked > MOST_TIMES * (at - self._since):
                raise _too_much(self._path, f"{at - self._since:,} bytes of it unpack to {self._unpacked:,}")
            self._unpacked, self._since = 0, at
        return size

    def close(self) -> None:
        self._file.close()
        self._packed.close()
        super().close()
