"""A file on its way to a person, and what the record says of it once it is there, cut or failed."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from anyio import CancelScope, to_thread
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from dashboard import folders

NO_SUCH_FILE = "There is no such file for this account.\n"
#: What stands behind a file's name for the receipt beside it.
BESIDE = ".receipt.json"

Totals = Mapping[str, Decimal | int]


def no_such_file() -> Response:
    """One answer for what isn't there and what isn't the account's: an address tells nothing of what there is."""
    return PlainTextResponse(NO_SUCH_FILE, status_code=404)


@dataclass(frozen=True)
class Part:
    """Bytes of a file, with the rows that they finish and what those add to the control totals."""

    data: bytes
    rows: int = 0
    totals: Totals = field(default_factory=dict)


class Receipt:
    """What left in a file, counted while it is written: rows, control totals, bytes, SHA-256, and how it ended.

    `refused_sites` are those that were asked for and aren't the viewer's; none of it is in the file.
    `about` is what else goes on record of the file: its form, columns, definitions, link.
    """

    def __init__(
        self,
        dataset: str,
        filters: dict[str, Any],
        extract: str | None,
        refused_sites: tuple[str, ...] = (),
        about: Mapping[str, Any] | None = None,
    ) -> None:
        self.dataset = dataset
        self.refused_sites = refused_sites
        self._about = {"filters": filters, "extract": extract, **(about or {})}
        self._rows = 0
        self._bytes = 0
        self._totals: Counter[str] = Counter()
        self._digest = hashlib.sha256()
        self._outcome: Literal["complete", "cut", "failed"] = "cut"

    def counted(self, parts: Iterator[Part]) -> Iterator[bytes]:
        """The file's bytes, counted and hashed as they are handed over."""
        # In a thread of its own, hashing a part costs no time beside making the next.
        with ThreadPoolExecutor(1, "hash") as hashing:
            hashed = hashing.submit(lambda: None)
            try:
                for part in parts:
                    yield part.data
                    # Counted when the next is asked for; `FileResponse` does that just before this one leaves.
                    self._rows += part.rows
                    self._bytes += len(part.data)
                    # One part waits at most: hashing slower than writing must not fill memory.
                    hashed.result()
                    hashed = hashing.submit(self._digest.update, part.data)
                    for name, value in part.totals.items():
                        self._totals[name] += value  # type: ignore[assignment]  # sums of Decimal
            except Exception:
                self._outcome = "failed"
                raise
        self._outcome = "complete"

    def whole(self, content: bytes) -> Iterator[bytes]:
        """A file that was made in one piece."""
        self._bytes, self._digest = len(content), hashlib.sha256(content)
        self._outcome = "complete"
        yield content

    def fail(self) -> None:
        """Note that its last part never left."""
        self._outcome = "failed"

    def details(self) -> dict[str, Any]:
        """What goes on record: of a file that was cut or failed, what had been handed over so far."""
        # A workbook is whole before its first byte goes out: broken off before, no row has left.
        rows, summed = (self._rows, self._totals) if self._bytes else (0, Counter[str]())
        counts = {"rows": rows, "bytes": self._bytes, "sha256": self._digest.hexdigest()}
        totals = {name: str(value) for name, value in summed.items()}
        return {**self._about, **({"totals": totals} if totals else {}), **counts, "outcome": self._outcome}


def write_beside(file: Path, content: Mapping[str, Any]) -> Path:
    """Write the receipt beside a file; where it lies."""
    path = file.with_name(file.name + BESIDE)
    with open(path, "w", encoding="utf-8", opener=folders.opened) as stream:
        stream.write(json.dumps(content, indent=2, default=str, ensure_ascii=False) + "\n")
    return path


#: So many of a file's last bytes stay here until it is on record.
HELD = 16 * 1024


class FileResponse(StreamingResponse):
    """A file in parts. `ended` puts the receipt on record, before the last bytes leave or when the answer is cut off.

    Where it can't, as on a full disk, those bytes stay here: nobody has a whole file that isn't on record.
    """

    def __init__(
        self, parts: Iterator[bytes], name: str, receipt: Receipt, media_type: str = "text/csv; charset=utf-8"
    ) -> None:
        super().__init__(
            self._recorded(parts),
            media_type=media_type,
            headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
        )
        self.receipt = receipt
        self.ended: Callable[[Receipt], None] = lambda _receipt: None
        self._parts = parts
        self._is_recorded = False

    async def stream_response(self, send: Send) -> None:
        """Send the parts; the head goes out with the first bytes, so that until then a failure can still be told.

        A workbook takes minutes before it has any.
        """
        head: list[Message] = [
            {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        ]
        async for part in self.body_iterator:
            if part:
                for message in (*head, {"type": "http.response.body", "body": part, "more_body": True}):
                    await send(message)
                head = []
        for message in (*head, {"type": "http.response.body", "body": b"", "more_body": False}):
            await send(message)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            # A browser that breaks off cancels this task, which must not take the record with it.
            with CancelScope(shield=True):
                await to_thread.run_sync(self._end)

    def _recorded(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        held = b""
        for part in parts:
            if not part:
                yield part  # nothing leaves, and who has waited too long is told so
                continue
            if held:
                yield held
            # Of a part what can leave leaves: one that is cut off on its way isn't on record as complete.
            if len(part) > HELD:
                yield part[:-HELD]
            held = part[-HELD:]
        try:
            self._end()
        except Exception:
            self.receipt.fail()
            raise
        yield held

    def _end(self) -> None:
        if self._is_recorded:
            return
        close = getattr(self._parts, "close", None)
        if close is not None:
            close()
        self.ended(self.receipt)
        self._is_recorded = True
