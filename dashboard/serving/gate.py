"""The gate in front of Streamlit: no session, no answer."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import quote, urlsplit

from anyio import CancelScope, to_thread
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import file_util
from streamlit.proto.BackMsg_pb2 import BackMsg

from dashboard import navigation, programs
from dashboard.access import Viewer
from dashboard.serving import journal, limits
from dashboard.sign_in import pages
from dashboard.state import Store, session_key

log = logging.getLogger(__name__)

_READ, _SEND = frozenset({"GET", "HEAD"}), frozenset({"POST"})
#: What is served to everyone, by path and method; anything else needs a session.
OPEN = {
    "/healthz": _READ,
    "/readyz": _READ,
    "/login": _READ | _SEND,
    "/login/style.css": _READ,
    "/login/code": _SEND,
    "/login/enrolment": _SEND,
    "/login/reset": _READ | _SEND,
    "/login/reset.js": _READ,
    "/oidc/login": _READ,
    "/oidc/callback": _READ,
}
#: Where files are, which programs with a token may take too.
FILES = "/export/"
COOKIE = "dashboard_session"
#: Of a browser that somebody has signed in with before.
DEVICE_COOKIE = "dashboard_device"
USER_HEADER = "X-Dashboard-User"
SESSION_HEADER = "X-Dashboard-Session"
#: Of a silent websocket, and of a file on its way, it is asked this often whether its session is still alive.
WATCH_SECONDS = 5.0
#: Bytes of a file that are handed over at a time: what was handed over can't be taken back.
PIECE = 256 * 1024
LONGEST_NEXT = 2000
STREAM = "/_stcore/stream"
#: What is served with a session: our own routes, and of Streamlit's those that pages need. It has
#: more (uploads, figures, components, an interface for programs), and answers what it doesn't know
#: with its own page, which lacks the watch over the session.
_SERVED = re.compile(
    r"/[A-Za-z0-9_-]*|/session\.js|/style\.css|/export/[^/]+\.(csv|csv\.gz|xlsx|parquet|zip|html|pdf)|"
    r"/_stcore/(health|host-config)|/media/[\w.-]+"
)
_STATIC = re.compile(r"/(favicon\.png|manifest\.json|static/(css|js|media)/[\w.-]+)")
_STATIC_FILES = Path(file_util.get_static_dir())
#: What a page sends to its script. Streamlit takes more: one such message tells of the checkout's
#: repository, others clear everybody's caches, prepare uploads, or write files on the server. (One
#: fetches parts of tables of more than 150,000 rows; ours are shorter and sent whole.)
MESSAGES = frozenset({"rerun_script", "stop_script", "app_heartbeat"})
_IDENTITY = b"x-dashboard-"
_CONTROL = re.compile(r"[\x00-\x20\x7f\\]")


def is_secure(connection: HTTPConnection) -> bool:
    """Whether the browser came by TLS, here or at a proxy on this machine."""
    return connection.scope["scheme"] in {"https", "wss"}


def cookie_name(connection: HTTPConnection, name: str = COOKIE) -> str:
    """Name of one of our cookies; under TLS one that no other host or plain page can set."""
    return f"__Host-{name}" if is_secure(connection) else name


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
    if parts.scheme or parts.netloc or parts.path.startswith(("/login", "/logout", "/oidc")):
        return "/"
    return target


class Gate:
    """ASGI middleware. What passes carries `scope["state"]["viewer"]` and `["session"]`, the
    session's key, and both as headers that Streamlit takes for the user's identity."""

    def __init__(self, app: ASGIApp, store: Store) -> None:
        self._app = app
        self._store = store
        self._programs = programs.Programs(store)
        self._pages = limits.Slots(limits.WEBSOCKETS_EACH, limits.WEBSOCKETS)
        self._messages = limits.Pace(limits.MOST_MESSAGES, limits.MESSAGE_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let pass, or refuse."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in OPEN.get(scope["path"], ()):
            await self._app(_without_identity(scope), receive, send)
            return
        connection = HTTPConnection(scope)
        if scope["path"].startswith(FILES) and (token := programs.token_of(connection)):
            await self._with_token(token, connection, receive, send)
            return
        acts = _is_navigation(connection) or scope["path"].startswith(FILES)
        admitted = await self._admit(connection, touch=acts)
        if admitted is None:
            await _refusal(connection)(scope, receive, send)
        elif not _is_served(scope["path"]):
            await _nothing(connection, admitted[0])(scope, receive, send)
        elif scope["path"].startswith(FILES):
            going_on = partial(self._store.goes_on, admitted[1])
            await self._file(_with_identity(scope, *admitted), receive, send, going_on)
        else:
            await self._app(_with_identity(scope, *admitted), receive, send)

    async def _with_token(self, token: str, connection: HTTPConnection, receive: Receive, send: Send) -> None:
        bearer = await self._programs.admit(token, connection.client.host if connection.client else "")
        if isinstance(bearer, Response):
            await bearer(connection.scope, receive, send)
            return
        journal.note_user(bearer.viewer.username)
        if not _is_served(connection.scope["path"]):
            await PlainTextResponse("There is no such file for this account.\n", 404)(connection.scope, receive, send)
            return
        scope = _with_identity(connection.scope, bearer.viewer, bearer.key)
        scope["state"] |= {"bearer": bearer}
        await self._file(scope, receive, send, partial(self._programs.goes_on, token))

    async def _file(self, scope: Scope, receive: Receive, send: Send, going_on: Callable[[], bool]) -> None:
        """Let a file pass, as long as who takes it may: on a slow line it is minutes on its way."""
        asked = time.monotonic()

        async def watched(message: Message) -> None:
            nonlocal asked
            for piece in _pieces(message):
                if time.monotonic() - asked >= WATCH_SECONDS:
                    # Also at the end of the time that a file has, which is no reason to say nothing at all.
                    with CancelScope(shield=True):
                        still = await to_thread.run_sync(going_on)
                    if not still:
                        raise _OverError
                    asked = time.monotonic()
                await send(piece)

        try:
            await self._app(scope, receive, watched)
        except _OverError:
            # Without its last part, the other side knows that the file isn't whole.
            log.warning("a file was cut off, since its session or token ended")

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = HTTPConnection(scope)
        admitted = await self._admit(connection, touch=False)
        if admitted is None or not is_same_origin(connection) or scope["path"] != STREAM:
            if admitted is not None:
                record = partial(self._store.audit.record, "denied", admitted[0].username, "websocket")
                await to_thread.run_sync(partial(record, origin=connection.headers.get("origin", "")[:200]))
            await send({"type": "websocket.close", "code": 1008})
            return
        with self._pages.take(admitted[0].username) as free:
            if not free:
                await send({"type": "websocket.close", "code": 1013})
                return
            incoming = _Incoming(self._store, admitted[1], self._messages, receive, send)
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
        if viewer is None:
            return None
        journal.note_user(viewer.username)
        return viewer, key


class _OverError(Exception):
    """A session or token ended while something was being sent to it."""


class _Incoming:
    """What an open websocket receives, cut off when its session ends or sends more than a person can."""

    def __init__(self, store: Store, key: str, pace: limits.Pace, receive: Receive, send: Send) -> None:
        self._store = store
        self._key = key
        self._pace = pace
        self._receive = receive
        self._send = send
        self._pending: asyncio.Task[Message] | None = None

    async def next(self) -> Message:
        """The next message, or a disconnect when the session is over or sends too much."""
        while True:
            message = await self._within(WATCH_SECONDS)
            if message is not None and message["type"] != "websocket.receive":
                return message
            if message is not None and self._pace.wait(self._key, time.monotonic()):
                return await self._closed(1013)
            asked = None if message is None else _parsed(message.get("bytes"))
            acts = asked is not None and _is_interaction(asked)
            if await _viewer(self._store, self._key, touch=acts) is None:
                return await self._closed(1008)
            # What is no message ends the websocket, which Streamlit sees to.
            if message is not None and (asked is None or asked.WhichOneof("type") in MESSAGES):
                return message

    async def _closed(self, code: int) -> Message:
        await self._send({"type": "websocket.close", "code": code})
        return {"type": "websocket.disconnect", "code": code}

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


def _pieces(message: Message) -> Iterator[Message]:
    """A message of an answer, a long body in several."""
    body = message.get("body", b"")
    for end in range(PIECE, len(body), PIECE):
        yield {**message, "body": body[end - PIECE : end], "more_body": True}
    left = len(body) % PIECE or min(len(body), PIECE)
    yield {**message, "body": body[len(body) - left :]} if left < len(body) else message


def _is_served(path: str) -> bool:
    return _SERVED.fullmatch(path) is not None or (
        _STATIC.fullmatch(path) is not None and (_STATIC_FILES / path.removeprefix("/")).is_file()
    )


def _is_navigation(connection: HTTPConnection) -> bool:
    return connection.scope["method"] in {"GET", "HEAD"} and "text/html" in connection.headers.get("accept", "")


def _parsed(data: bytes | None) -> BackMsg | None:
    if not data:
        return None
    message = BackMsg()
    try:
        message.ParseFromString(data)
    except DecodeError:
        return None
    return message


def _is_interaction(message: BackMsg) -> bool:
    """Whether a message comes from what a person did, and not from a timer or heartbeat."""
    return message.WhichOneof("type") == "rerun_script" and not message.rerun_script.is_auto_rerun


def _nothing(connection: HTTPConnection, viewer: Viewer) -> Response:
    """For who follows a wrong link, a page with the way back."""
    if not _is_navigation(connection):
        return PlainTextResponse("There is nothing here.\n", 404)
    name, (first, *_) = connection.scope["path"].removeprefix("/")[:100], navigation.entries_for(viewer)
    return pages.page("no_page", 404, name=name, first=first.title)


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
