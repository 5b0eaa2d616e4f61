"""The gate in front of Streamlit: no session, no answer; and the headers on every answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from functools import partial
from urllib.parse import quote, urlsplit

from anyio import to_thread
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from dashboard.access import Viewer
from dashboard.state import Store, session_key

#: Paths that are served to everyone; anything else needs a session.
OPEN = frozenset({"/login", "/login/style.css", "/healthz"})
COOKIE = "dashboard_session"
USER_HEADER = "X-Dashboard-User"
SESSION_HEADER = "X-Dashboard-Session"
#: A silent websocket is asked this often whether its session is still alive.
WATCH_SECONDS = 5.0
LONGEST_NEXT = 2000
_IDENTITY = b"x-dashboard-"
_CONTROL = re.compile(r"[\x00-\x20\x7f\\]")


def is_secure(connection: HTTPConnection) -> bool:
    """Whether the browser came by TLS, here or at a proxy on this machine."""
    return connection.scope["scheme"] in {"https", "wss"}


def cookie_name(connection: HTTPConnection) -> str:
    """Name of the session cookie; under TLS one that no other host or plain page can set."""
    return f"__Host-{COOKIE}" if is_secure(connection) else COOKIE


def session_token(connection: HTTPConnection) -> str | None:
    """The token that the browser sent, if any."""
    return connection.cookies.get(cookie_name(connection))


def is_same_origin(connection: HTTPConnection) -> bool:
    """Whether one of our own pages sent this, as the browser says.

    Browsers send Origin with every POST and websocket; what comes without is no browser.
    """
    host = connection.headers.get("host", "")
    origins = {f"http://{host}", f"https://{host}"}
    site = connection.headers.get("sec-fetch-site", "same-origin")
    return connection.headers.get("origin") in origins and site == "same-origin"


def safe_next(target: str | None) -> str:
    """The path to go to after signing in: one of this site, or "/" for anything else."""
    if not target or len(target) > LONGEST_NEXT or _CONTROL.search(target):
        return "/"
    if not target.startswith("/") or target.startswith("//"):
        return "/"
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or parts.path in {"/login", "/logout"}:
        return "/"
    return target


def content_security_policy(inline_scripts: Iterable[str] = ()) -> str:
    """The policy for all pages; `inline_scripts` are hashes of the only ones that may run."""
    scripts = " ".join(["'self'", "'wasm-unsafe-eval'", *(f"'{hash_}'" for hash_ in inline_scripts)])
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src {scripts}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "frame-src 'self'",
            "frame-ancestors 'none'",
            "form-action 'self'",
            "base-uri 'self'",
            "object-src 'none'",
        ]
    )


class Gate:
    """ASGI middleware. What passes carries `scope["state"]["viewer"]` and `["session"]`, the
    session's key, and both as headers that Streamlit takes for the user's identity."""

    def __init__(self, app: ASGIApp, store: Store, policy: str) -> None:
        self._app = app
        self._store = store
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let pass, or refuse."""
        if scope["type"] == "http":
            await self._http(scope, receive, self._with_headers(scope, send))
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in OPEN:
            await self._app(_without_identity(scope), receive, send)
            return
        connection = HTTPConnection(scope)
        acts = _is_navigation(connection) or scope["path"].startswith("/export/")
        admitted = await self._admit(connection, touch=acts)
        if admitted is None:
            await _refusal(connection)(scope, receive, send)
        else:
            await self._app(_with_identity(scope, *admitted), receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        admitted = await self._admit(connection, touch=False)
        if admitted is None or not is_same_origin(connection):
            if admitted is not None:
                record = partial(self._store.audit.record, "denied", admitted[0].username, "websocket")
                await to_thread.run_sync(partial(record, origin=connection.headers.get("origin", "")[:200]))
            await send({"type": "websocket.close", "code": 1008})
            return
        incoming = _Incoming(self._store, admitted[1], receive, send)
        try:
            await self._app(_with_identity(scope, *admitted), incoming.next, send)
        finally:
            incoming.cancel()

    async def _admit(self, connection: HTTPConnection, *, touch: bool) -> tuple[Viewer, str] | None:
        token = session_token(connection)
        if not token:
            return None
        key = session_key(token)
        viewer = await _viewer(self._store, key, touch=touch)
        return None if viewer is None else (viewer, key)

    def _with_headers(self, scope: Scope, send: Send) -> Send:
        secure = scope["scheme"] == "https"

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = self._policy
                headers["X-Content-Type-Options"] = "nosniff"
                headers["X-Frame-Options"] = "DENY"
                # Not "no-referrer": browsers then send "Origin: null" with our own forms.
                headers["Referrer-Policy"] = "same-origin"
                headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()"
                headers["Cross-Origin-Resource-Policy"] = "same-origin"
                if secure:
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                # Streamlit marks its scripts, styles and fonts so; they hold no data.
                if "immutable" not in headers.get("Cache-Control", ""):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        return send_with_headers


class _Incoming:
    """What an open websocket receives, cut off when its session ends."""

    def __init__(self, store: Store, key: str, receive: Receive, send: Send) -> None:
        self._store = store
        self._key = key
        self._receive = receive
        self._send = send
        self._pending: asyncio.Task[Message] | None = None

    async def next(self) -> Message:
        """The next message, or a disconnect when the session is over."""
        while True:
            message = await self._within(WATCH_SECONDS)
            if message is not None and message["type"] != "websocket.receive":
                return message
            acts = message is not None and _is_interaction(message.get("bytes") or b"")
            if await _viewer(self._store, self._key, touch=acts) is None:
                await self._send({"type": "websocket.close", "code": 1008})
                return {"type": "websocket.disconnect", "code": 1008}
            if message is not None:
                return message

    def cancel(self) -> None:
        """Stop waiting for messages."""
        if self._pending is not None:
            self._pending.cancel()

    async def _within(self, seconds: float) -> Message | None:
        """The next message if it comes in time; else the wait for it goes on next time."""
        if self._pending is None:
            self._pending = asyncio.ensure_future(self._receive())
        await asyncio.wait({self._pending}, timeout=seconds)
        if not self._pending.done():
            return None
        task, self._pending = self._pending, None
        return task.result()


async def _viewer(store: Store, key: str, *, touch: bool) -> Viewer | None:
    return await to_thread.run_sync(partial(store.viewer_of, key, touch=touch))


def _is_navigation(connection: HTTPConnection) -> bool:
    return connection.scope["method"] in {"GET", "HEAD"} and "text/html" in connection.headers.get("accept", "")


def _is_interaction(data: bytes) -> bool:
    """Whether a message comes from what a person did, and not from a timer or heartbeat."""
    message = BackMsg()
    try:
        message.ParseFromString(data)
    except DecodeError:
        return False
    return message.WhichOneof("type") == "rerun_script" and not message.rerun_script.is_auto_rerun


def _refusal(connection: HTTPConnection) -> Response:
    if not _is_navigation(connection):
        return Response(status_code=401)
    query = connection.scope["query_string"].decode("latin-1")
    target = safe_next(quote(connection.scope["path"]) + (f"?{query}" if query else ""))
    suffix = "" if target == "/" else f"?next={quote(target, safe='/')}"
    return RedirectResponse(f"/login{suffix}", status_code=303)


def _without_identity(scope: Scope) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if not name.lower().startswith(_IDENTITY)]
    return {**scope, "headers": headers}


def _with_identity(scope: Scope, viewer: Viewer, key: str) -> Scope:
    scope = _without_identity(scope)
    scope["headers"] += [
        (USER_HEADER.lower().encode(), viewer.username.encode()),
        (SESSION_HEADER.lower().encode(), key.encode()),
    ]
    scope["state"] = {**scope.get("state", {}), "viewer": viewer, "session": key}
    return scope
