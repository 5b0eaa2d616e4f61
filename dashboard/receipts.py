"""A file on its way to a person, and what the record says of it once it is there, cut or failed."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pandas as pd
from anyio import CancelScope, to_thread
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

NO_SUCH_FILE = "There is no such file for this account.\n"


def no_such_file() -> Response:
    """One answer for what isn't there and what isn't the account's: an address tells nothing of what there is."""
    return PlainTextResponse(NO_SUCH_FILE, status_code=404)


class Receipt:
    """What left in a file, counted while it is written: rows, bytes, SHA-256, and how it ended.

    `refused_sites` are those that were asked for and aren't the viewer's; none of it is in the file.
    """

    def __init__(
        self, dataset: str, filters: dict[str, Any], extract: str | None, refused_sites: tuple[str, ...] = ()
    ) -> None:
        self.dataset = dataset
        self.refused_sites = refused_sites
        self._about = {"filters": filters, "extract": extract}
        self._read: deque[int] = deque()
        self._rows = 0
        self._bytes = 0
        self._digest = hashlib.sha256()
        self._outcome: Literal["complete", "cut", "failed"] = "cut"

    def rows_of(self, frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        """The frames, whose rows count once their text is on its way."""
        for frame in frames:
            self._read.append(len(frame))
            yield frame

    def counted(self, texts: Iterator[str]) -> Iterator[bytes]:
        """The file's text as UTF-8, counted and hashed: its head, then a part for each frame."""
        try:
            for number, text in enumerate(texts):
                part = text.encode()
                self._rows += self._read.popleft() if number else 0
                self._bytes += len(part)
                self._digest.update(part)
                yield part
        except Exception:
            self._outcome = "failed"
            raise
        self._outcome = "complete"

    def whole(self, content: bytes) -> Iterator[bytes]:
        """A file that was made in one piece."""
        self._bytes, self._digest = len(content), hashlib.sha256(content)
        self._outcome = "complete"
        yield content

    def details(self) -> dict[str, Any]:
        """What goes on record: of a file that was cut or failed, what had been handed over so far."""
        counts = {"rows": self._rows, "bytes": self._bytes, "sha256": self._digest.hexdigest()}
        return {**self._about, **counts, "outcome": self._outcome}


class FileResponse(StreamingResponse):
    """A file in parts. `ended` is called with the receipt when the answer is over, however it ends."""

    def __init__(
        self, parts: Iterator[bytes], name: str, receipt: Receipt, media_type: str = "text/csv; charset=utf-8"
    ) -> None:
        super().__init__(
            parts,
            media_type=media_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )
        self.receipt = receipt
        self.ended: Callable[[Receipt], None] = lambda _receipt: None
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            # A browser that breaks off cancels this task, which must not take the record with it.
            with CancelScope(shield=True):
                await to_thread.run_sync(self._end)

    def _end(self) -> None:
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()
        self.ended(self.receipt)
