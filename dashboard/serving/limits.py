"""How much one request, one session and everyone together may ask of the server."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager

import anyio
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.serving import instruments

log = logging.getLogger(__name__)

LARGEST_HEADERS = 32 * 1024
#: What is taken in of longer ones, to be refused with words; past it the connection ends.
MOST_TAKEN_IN = 4 * LARGEST_HEADERS
#: Longest path with its query string: all filters at once need a tenth of it.
LONGEST_ADDRESS = 8 * 1024
#: Largest body of a request: forms are all that pages send outside the websocket.
LARGEST_BODY = 64 * 1024
#: Longest wait for all of it, in seconds.
BODY_SECONDS = 15.0
#: Largest message that a page sends to its script, also where it comes compressed: the address and values of widgets.
LARGEST_MESSAGE = 1024 * 1024
#: Open pages of one account, in however many sessions; each costs a script's state, and a thread while it runs.
WEBSOCKETS_EACH = 20
WEBSOCKETS = 1_000
#: Messages of one session in so many seconds, from all its pages: they wait without a limit for their turn, so that
#: ten seconds of thousands would keep everybody waiting for minutes, also when who sent them has gone.
MOST_MESSAGES, MESSAGE_SECONDS = 300, 10.0
#: Files of one account, in however many sessions and with however many tokens: others need places too.
EXPORTS_EACH = 2
#: How long an answer that needs no body waits for the rest of one, in seconds.
REST_OF_BODY = 5.0


class Slots:
    """So many at once for one holder, and so many in all."""

    def __init__(self, each: int, total: int) -> None:
        self._each = each
        self._total = total
        self._held: Counter[str] = Counter()

    @contextmanager
    def take(self, holder: str) -> Iterator[bool]:
        """Hold a slot within the context, or be told that there is none."""
        free = self._held[holder] < self._each and self._held.total() < self._total
        self._held[holder] += free
        try:
            yield free
        finally:
            self._held[holder] -= free
            if not self._held[holder]:
                del self._held[holder]


class Pace:
    """So many in so many seconds for one asker; kept in memory, since it guards this process's work."""

    def __init__(self, times: int, seconds: float) -> None:
        self._times = times
        self._seconds = seconds
        self._windows: dict[str, tuple[float, int]] = {}
        self._swept = 0.0

    def wait(self, asker: str, now: float) -> float:
        """Seconds until it is this asker's turn again; zero, and counted, if it is now."""
        if now - self._swept >= self._seconds:
            self._swept = now
            self._windows = {name: one for name, one in self._windows.items() if now - one[0] < self._seconds}
        begun, taken = self._windows.get(asker, (now, 0))
        if now - begun >= self._seconds:
            begun, taken = now, 0
        if taken >= self._times:
            return begun + self._seconds - now
        self._windows[asker] = begun, taken + 1
        return 0.0


def take_in_headers(server: uvicorn.Server | None) -> None:
    """Let the server wait for all of a request's headers, in how many packets they may come; bound messages.

    By itself it ends the connection after the first 16 KiB of headers that have not come whole, so that
    who may come in, and what is said to who may not, would hang on how the network cuts them.
    """
    if server is not None:
        server.config.h11_max_incomplete_event_size = MOST_TAKEN_IN
        # Streamlit has one limit for both ways, as large as the largest page; refused here, less is held of each.
        server.config.ws_max_size = LARGEST_MESSAGE


class Sizes:
    """ASGI middleware that refuses what is larger than anything the pages send."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let pass, or refuse."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        refusal = _oversize(scope)
        if refusal is not None and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1009})
        elif refusal is not None:
            await refusal(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            await self._bounded(scope, receive, send)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        taken, begun, more = 0, False, True
        end = anyio.current_time() + BODY_SECONDS

        async def counted() -> Message:
            nonlocal taken, more
            with anyio.CancelScope(deadline=end if more else math.inf) as wait:
                message = await receive()
            if wait.cancelled_caught:
                raise _RefusedError(_too_slow())
            taken += len(message.get("body", b""))
            more = message.get("more_body", False)
            if taken > LARGEST_BODY:
                raise _RefusedError(_too_large())
            return message

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except _RefusedError as refused:
            if not begun:
                await refused.answer(scope, receive, send)


class Unread:
    """ASGI middleware that takes in the rest of a small body before the answer to it goes out.

    A connection ends with an answer that overtakes its request, and whoever is still sending then, a proxy
    above all, may lose the answer: the sender would see a fault instead of why it was refused.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let pass, and see to it that what was sent is taken in."""
        headers = dict(scope.get("headers", ()))
        if scope["type"] == "http" and {b"content-length", b"transfer-encoding"} <= headers.keys():
            # A proxy that goes by the other of the two sees another request behind this one.
            refusal = PlainTextResponse("The request says twice how long it is.\n", 400, {"Connection": "close"})
            await refusal(scope, receive, send)
            return
        if scope["type"] != "http" or _oversize(scope) is not None:
            await self._app(scope, receive, send)
            return
        more = headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in headers
        taken = 0

        async def noted() -> Message:
            nonlocal more, taken
            message = await receive()
            taken += len(message.get("body", b""))
            more = message.get("more_body", False)
            return message

        async def after_the_rest(message: Message) -> None:
            if message["type"] == "http.response.start":
                with anyio.move_on_after(REST_OF_BODY):
                    while more and taken <= LARGEST_BODY:
                        await noted()
            await send(message)

        await self._app(scope, noted, after_the_rest)


class _RefusedError(Exception):
    """A body went on after its limit, or not at all."""

    def __init__(self, answer: Response) -> None:
        self.answer = answer


def _oversize(scope: Scope) -> Response | None:
    if sum(len(name) + len(value) for name, value in scope["headers"]) > LARGEST_HEADERS:
        return PlainTextResponse("The request's headers are too large. Delete this site's cookies.\n", 431)
    if len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"]) > LONGEST_ADDRESS:
        return PlainTextResponse("The address is too long. Choose fewer filters.\n", 414)
    length = dict(scope["headers"]).get(b"content-length", b"0")
    if not length.isdigit() or len(length) > 12 or int(length) > LARGEST_BODY:
        return _too_large()
    return None


def _too_slow() -> Response:
    return PlainTextResponse("The request's body took too long to arrive.\n", 408, {"Connection": "close"})


def _too_large() -> Response:
    # The rest of the body isn't read, so the connection cannot carry another request.
    return PlainTextResponse("The request's body is too large.\n", 413, {"Connection": "close"})


class Desk:
    """The route of files: an ASGI app that hands out so many at once and waits so long for each."""

    def __init__(self, answer: Callable[[Request], Awaitable[Response]], total: int, seconds: float) -> None:
        self._answer = answer
        self._slots = Slots(EXPORTS_EACH, total)
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, or say that it is someone else's turn."""
        request = Request(scope, receive)
        with ExitStack() as place:
            if not place.enter_context(self._slots.take(request.state.viewer.username)):
                instruments.EXPORTS.labels("busy").inc()
                busy = PlainTextResponse(
                    "Other files are being made. Wait until one of them is done, then try again.\n", 429
                )
                busy.headers["Retry-After"] = "10"
                await busy(scope, receive, send)
                return
            place.enter_context(instruments.EXPORTS_RUNNING.track_inprogress())
            await self._send(request, send, place.close)

    async def _send(self, request: Request, send: Send, leave: Callable[[], None]) -> None:
        result, begun = "failed", False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)
            # Who has the whole file may ask for the next, though this answer is still being put away.
            if message["type"] == "http.response.body" and not message.get("more_body"):
                leave()

        try:
            with anyio.fail_after(self._seconds):
                response = await self._answer(request)
                await response(request.scope, request.receive, noted)
            result = "sent" if response.status_code == 200 else "refused"
        except TimeoutError:
            result = "slow"
            log.warning("a file was not sent within %.0f seconds and was cut off", self._seconds)
            # Without its last part, the browser knows that a file which has begun isn't whole.
            if not begun:
                late = PlainTextResponse("This took too long. Choose a shorter period or fewer sites.\n", 503)
                await late(request.scope, request.receive, send)
        finally:
            instruments.EXPORTS.labels(result).inc()
