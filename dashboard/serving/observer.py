"""Every request gets an id, a line in the log and its place in the figures; a failure gets a reference."""

from __future__ import annotations

import logging
import time

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard import navigation
from dashboard.serving import faults, instruments, journal

log = logging.getLogger(__name__)

_PAGES = frozenset({"/", *(f"/{entry.name}" for entry in navigation.ENTRIES)})
_CLASSES = {
    "/login": "sign-in",
    "/logout": "sign-out",
    "/export/": "export",
    "/session": "session",
    "/healthz": "health",
    "/readyz": "health",
    "/_stcore/stream": "websocket",
    "/_stcore/": "streamlit",
    "/static/": "static",
}


def route_class(path: str) -> str:
    """The kind of address, of which there are few whatever people ask for."""
    if path in _PAGES:
        return "page"
    return next((kind for start, kind in _CLASSES.items() if path.startswith(start)), "other")


class Observer:
    """ASGI middleware around all that can fail."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let pass, and watch."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        with journal.request() as facts:
            if scope["type"] == "http":
                await self._http(scope, receive, send, facts["request"])
            else:
                await self._websocket(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send, number: str) -> None:
        begun, status = time.perf_counter(), 0

        async def numbered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-Id"] = number
            await send(message)

        try:
            await self._app(scope, receive, numbered)
        except Exception as error:
            told = faults.unforeseen(error, route_class(scope["path"]))
            # Once an answer has begun, it can only be cut off, which tells the browser that it isn't whole.
            if not status:
                await PlainTextResponse(f"{told}\n", status_code=500)(scope, receive, numbered)
        self._count(scope, status, time.perf_counter() - begun)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        accepted = False

        async def counted(message: Message) -> None:
            nonlocal accepted
            if message["type"] == "websocket.accept" and not accepted:
                accepted = True
                instruments.WEBSOCKETS.inc()
                self._count(scope, 101, None)
            elif not accepted and message["type"] in {"websocket.close", "websocket.http.response.start"}:
                self._count(scope, message.get("status", 403), None)
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except Exception as error:
            faults.unforeseen(error, "websocket")
        finally:
            if accepted:
                instruments.WEBSOCKETS.dec()

    @staticmethod
    def _count(scope: Scope, status: int, seconds: float | None) -> None:
        route, method = route_class(scope["path"]), scope.get("method", "GET")
        instruments.REQUESTS.labels(route, status).inc()
        if seconds is not None:
            instruments.REQUEST_SECONDS.labels(route).observe(seconds)
        if route == "sign-in" and method == "POST" and status in {401, 429}:
            instruments.SIGN_IN_FAILURES.inc()
        client = HTTPConnection(scope).client
        log.info(
            "%s %s %s",
            method,
            journal.plain(scope["path"]),
            status,
            extra={
                "route": route,
                "method": method,
                "path": journal.plain(scope["path"]),
                "status": status,
                "milliseconds": None if seconds is None else round(1000 * seconds, 1),
                "client": client.host if client else None,
            },
        )
