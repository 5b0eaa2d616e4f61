"""How long a connection may take to say what it wants: uvicorn's protocol with an end to waiting.

By itself it waits for ever for the first request, and for the rest of one that has begun. Enough connections that
say nothing, which anybody can open, would take all the places there are.
"""

from __future__ import annotations

import asyncio

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

#: For a request with its headers, however slow the line; a browser's idle spare connection is opened anew.
REQUEST_SECONDS = 10.0
_WORDS = b"The request took too long to arrive.\n"
_TOO_LATE = (
    b"HTTP/1.1 408 Request Timeout\r\nContent-Type: text/plain; charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n"
    b"Cache-Control: no-store\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(_WORDS), _WORDS)
)


class Impatient(H11Protocol):
    """A connection that is ended when no whole request comes in time.

    The time runs while nothing is being answered. Between two requests uvicorn's own, shorter wait counts until the
    first byte of the next, then this one.
    """

    _waiting: asyncio.TimerHandle | None = None
    _upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait."""
        super().connection_made(transport)
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See whether that was a request."""
        super().data_received(data)
        self._look()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """From here on another protocol has the connection."""
        super().handle_websocket_upgrade(event)
        self._stop()
        self._upgraded = True

    def _look(self) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering or self._upgraded or self.timeout_keep_alive_task is not None or self.transport.is_closing():
            self._stop()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(REQUEST_SECONDS, self._give_up)

    def _stop(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        # Who has sent nothing, or a request whose answer has gone out, waits for none.
        if self.conn.trailing_data[0] and self.conn.their_state is h11.IDLE:
            self.transport.write(_TOO_LATE)
        self.transport.close()


def end_waiting(server: uvicorn.Server | None) -> None:
    """Let the server, before it listens, end connections that say nothing."""
    if server is not None:
        server.config.http_protocol_class = Impatient
