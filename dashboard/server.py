"""The server: Streamlit behind the gate, with sign-in, sign-out, exports and health."""

from __future__ import annotations

import base64
import hashlib
import logging
import os
import re
import secrets
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path
from types import FrameType
from urllib.parse import parse_qs, quote

import anyio
import streamlit as st
import uvicorn.config
from anyio import to_thread
from jinja2 import Environment, FileSystemLoader
from sqlalchemy.exc import SQLAlchemyError
from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import QueryParams
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from streamlit import file_util

from dashboard import gate, navigation
from dashboard.access import Viewer
from dashboard.settings import ROOT, Settings
from dashboard.state import Store, UserRecord, shared_store
from dashboard.state.passwords import DEMO_PASSWORD

log = logging.getLogger(__name__)

SCRIPT = ROOT / "dashboard" / "main.py"
TEMPLATES = ROOT / "dashboard" / "templates"
_PAGES = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
TITLE = "Infusion dashboard"
LARGEST_FORM = 8 * 1024
#: Checks of passwords that run at once: each keeps a core busy, and pages need one too.
PASSWORD_CHECKS = 2
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
#: Who the record names where somebody signs in with a name that is no account's.
UNKNOWN = "(unknown)"
_WRONG = "User name or password is wrong."


class _PageConvertor(Convertor[str]):
    """An address of a page: one segment without a dot, or none."""

    regex = "[A-Za-z0-9_-]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("page", _PageConvertor())


class SignIn:
    """The login page, signing in and signing out."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._style = (TEMPLATES / "login.css").read_text(encoding="utf-8")
        self._checks = anyio.CapacityLimiter(PASSWORD_CHECKS)

    def routes(self) -> list[Route]:
        """The routes of /login and /logout."""
        return [
            Route("/login", self.form, methods=["GET"]),
            Route("/login", self.submit, methods=["POST"]),
            Route("/login/style.css", self.style, methods=["GET"]),
            Route("/logout", self.logout, methods=["GET", "POST"]),
        ]

    async def form(self, request: Request) -> Response:
        """The login page, or on to `next` for who is signed in already."""
        target = gate.safe_next(request.query_params.get("next"))
        if await self._is_signed_in(request):
            return RedirectResponse(target, status_code=303)
        # A link on another site doesn't bring our SameSite=Strict cookie; a second request,
        # begun by our own page, does.
        foreign = request.headers.get("sec-fetch-site") == "cross-site"
        retry = f"/login?next={quote(target, safe='/')}" if foreign else None
        return await self._page(next=target, retry=retry)

    async def submit(self, request: Request) -> Response:
        """Sign in with the form's user name and password."""
        if not gate.is_same_origin(request):
            return PlainTextResponse("This form was sent from another site.", status_code=403)
        fields = await _form_fields(request)
        if fields is None:
            return PlainTextResponse("This is not the login form.", status_code=400)
        username, target = fields.get("username", "").strip(), gate.safe_next(fields.get("next"))
        address = _address(request)
        wait = await to_thread.run_sync(self._store.admit_attempt, username, address)
        if wait:
            await self._failed(request, username, "too many attempts")
            minutes = int(wait.total_seconds() // 60) + 1
            error = f"Too many failed attempts. Try again in {minutes} minutes."
            page = await self._page(next=target, username=username, error=error, status_code=429)
            page.headers["Retry-After"] = str(60 * minutes)
            return page
        check = partial(self._store.verify, username, fields.get("password", ""))
        user = await to_thread.run_sync(check, limiter=self._checks)
        if user is None:
            await self._failed(request, username, "wrong name or password")
            return await self._page(next=target, username=username, error=_WRONG, status_code=401)
        await to_thread.run_sync(self._store.forgive_attempts, username, address)
        return await self._signed_in(request, user, target)

    async def style(self, _request: Request) -> Response:
        """Style sheet of the login page."""
        return Response(self._style, media_type="text/css")

    async def logout(self, request: Request) -> Response:
        """End the session; a link on another site only gets to ask for it."""
        if request.method == "GET":
            wanted = request.headers.get("sec-fetch-site", "none") in {"same-origin", "none"}
        else:
            wanted = gate.is_same_origin(request)
        if not wanted:
            return HTMLResponse(_rendered("logout.html", username=request.state.viewer.username))
        await to_thread.run_sync(self._store.close_session_of, request.state.session)
        await _on_record(self._store, "sign_out", request.state.viewer.username, address=_address(request))
        response = RedirectResponse("/login", status_code=303)
        self._set_cookie(request, response, "", max_age=0)
        return response

    async def _signed_in(self, request: Request, user: UserRecord, target: str) -> Response:
        former = gate.session_token(request)
        if former:
            await to_thread.run_sync(self._store.close_session, former)
        token = await to_thread.run_sync(self._store.open_session, user.username, user.version)
        await _on_record(self._store, "sign_in", user.username, address=_address(request))
        response = RedirectResponse(target, status_code=303)
        self._set_cookie(request, response, token)
        return response

    async def _failed(self, request: Request, username: str, reason: str) -> None:
        """Record a failed sign-in, of an account or of a name that is none: people type passwords there."""
        name = await to_thread.run_sync(self._store.account_name, username)
        await _on_record(self._store, "sign_in_failed", name or UNKNOWN, address=_address(request), reason=reason)

    async def _is_signed_in(self, request: Request) -> bool:
        token = gate.session_token(request)
        if not token:
            return False
        check = partial(self._store.viewer, token, touch=False)
        return await to_thread.run_sync(check) is not None

    async def _page(
        self,
        *,
        next: str,  # noqa: A002 - name of the form's field
        username: str = "",
        error: str | None = None,
        retry: str | None = None,
        status_code: int = 200,
    ) -> Response:
        html = _rendered(
            "login.html",
            next=next,
            username=username,
            error=error,
            retry=retry,
            demo=await to_thread.run_sync(self._store.demo_accounts),
            password=DEMO_PASSWORD,
        )
        return HTMLResponse(html, status_code=status_code)

    @staticmethod
    def _set_cookie(request: Request, response: Response, token: str, max_age: int | None = None) -> None:
        response.set_cookie(
            gate.cookie_name(request),
            token,
            max_age=max_age,
            path="/",
            secure=gate.is_secure(request),
            httponly=True,
            samesite="strict",
        )


class Shell:
    """Streamlit's page, with the script that watches the session."""

    def __init__(self, store: Store) -> None:
        self._store = store
        index = Path(file_util.get_static_dir()) / "index.html"
        html = index.read_text(encoding="utf-8")
        #: Content hashes of the inline scripts in Streamlit's page, as a policy names them.
        self.inline_scripts = [_hash(script) for script in _INLINE_SCRIPT.findall(html)]
        # First of all scripts, since Streamlit's own reads what it sets.
        html = html.replace("<head>", '<head><script src="/session.js"></script>', 1)
        self._html = html.replace("<title>Streamlit</title>", f"<title>{TITLE}</title>", 1)
        self._script = (TEMPLATES / "session.js").read_text(encoding="utf-8")

    def routes(self) -> list[Route]:
        """The routes of pages and of the session's watch."""
        return [
            Route("/session", self.seconds_left, methods=["GET"]),
            Route("/session.js", self.script, methods=["GET"]),
            Route("/{page:page}", self.page, methods=["GET"]),
        ]

    async def page(self, request: Request) -> Response:
        """A page of the viewer's: Streamlit finds out from the address which one."""
        name = request.path_params["page"]
        entries = navigation.entries_for(request.state.viewer)
        if name == entries[0].name:
            # Streamlit serves the first page at the root alone.
            return RedirectResponse(f"/?{request.url.query}" if request.url.query else "/", status_code=303)
        if name and name not in {entry.name for entry in entries}:
            await _on_record(self._store, "denied", request.state.viewer.username, f"page {name}")
            return HTMLResponse(_rendered("no_page.html", name=name, first=entries[0].title), status_code=404)
        return HTMLResponse(self._html)

    async def script(self, _request: Request) -> Response:
        """The script that leaves the page when the session ends."""
        return Response(self._script, media_type="text/javascript")

    async def seconds_left(self, request: Request) -> Response:
        """Seconds until the session ends; asking doesn't extend it."""
        key = request.state.session
        return PlainTextResponse(str(await to_thread.run_sync(self._store.seconds_left, key)))


def build_app(settings: Settings, script: Path = SCRIPT, ready: Callable[[], None] | None = None) -> st.App:
    """The ASGI app that serves the Streamlit script `script` behind the gate.

    `ready` is called when the first visitor may come.

    Raises:
        StateError: the state store or its record can't be used.
    """
    store = shared_store(settings)
    store.audit.head()  # refuses to serve what couldn't be recorded
    shell = Shell(store)

    async def health(_request: Request) -> Response:
        try:
            await to_thread.run_sync(store.ping)
        except SQLAlchemyError:
            return PlainTextResponse("the state store does not answer", status_code=503)
        return PlainTextResponse("ok")

    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncIterator[None]:
        # Beside the login page, which needs none of it: the server answers seconds earlier.
        threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
        if ready is not None:
            ready()
        yield
        store.close()

    return st.App(
        script,
        lifespan=lifespan,
        routes=[
            Route("/healthz", health, methods=["GET"]),
            Route("/export/{name}.csv", partial(export, store=store), methods=["GET"]),
            *SignIn(store).routes(),
            *shell.routes(),
        ],
        middleware=[Middleware(gate.Gate, store=store, policy=gate.content_security_policy(shell.inline_scripts))],
    )


def serve(
    settings: Settings,
    host: str,
    port: int,
    script: Path = SCRIPT,
    ready: Callable[[], None] | None = None,
) -> None:
    """Serve until stopped by Ctrl-C or SIGTERM."""
    os.chdir(ROOT)  # where Streamlit looks for .streamlit/config.toml
    app = build_app(settings, script, ready)
    # Streamlit takes this one from the environment only.
    os.environ["STREAMLIT_SERVER_COOKIE_SECRET"] = _cookie_secret(settings)
    _quieten()
    signal.signal(signal.SIGTERM, _stop)
    app.run(
        config={
            "server.address": host,
            "server.port": port,
            "server.trustedUserHeaders": {
                gate.USER_HEADER: "username",
                gate.SESSION_HEADER: "session",
            },
        }
    )


def _rendered(template: str, **values: object) -> str:
    return _PAGES.get_template(template).render(values)


def warm_up() -> None:
    """Do what the first visitor would wait for; a failure is logged and left to the pages."""
    try:
        from dashboard import warmup

        warmup.run()
    except Exception:
        log.exception("the warm-up failed")


async def export(request: Request, store: Store) -> Response:
    """A dataset as CSV, as far as the viewer may have it; what left, or was refused, goes on record."""
    return await to_thread.run_sync(
        _file, store, request.state.viewer, request.path_params["name"], request.query_params
    )


def _file(store: Store, viewer: Viewer, name: str, parameters: QueryParams) -> Response:
    # Imported here, as the warm-up does: it takes seconds.
    from dashboard import auditing, exports
    from dashboard.receipts import FileResponse, Receipt

    if name == auditing.RESOURCE:
        asked = {key: parameters.getlist(key) for key in parameters}
        response = auditing.respond(viewer, store.audit, asked)
    else:
        response = exports.respond(viewer, name, parameters)
    if isinstance(response, FileResponse):

        def record(receipt: Receipt) -> None:
            store.audit.record("export", viewer.username, receipt.dataset, **receipt.details())

        response.ended = record
        if sites := response.receipt.refused_sites:
            store.audit.record("denied", viewer.username, f"file {name}", sites=sites)
    elif response.status_code == HTTPStatus.NOT_FOUND:
        store.audit.record("denied", viewer.username, f"file {name}")
    return response


async def _on_record(store: Store, kind: str, actor: str, subject: str = "", **details: object) -> None:
    await to_thread.run_sync(partial(store.audit.record, kind, actor, subject, **details))


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _form_fields(request: Request) -> dict[str, str] | None:
    """The fields of a small form, or None if the body is none."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return None
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM:
            return None
    try:
        fields = parse_qs(body.decode(), max_num_fields=10, errors="strict")
    except ValueError:
        return None
    return {name: values[0] for name, values in fields.items()}


def _hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _cookie_secret(settings: Settings) -> str:
    """Key that signs Streamlit's own cookies, made once for each data folder."""
    file = settings.state / "cookie.key"
    try:
        handle = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return file.read_text(encoding="ascii")
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        key = secrets.token_hex(32)
        stream.write(key)
    return key


def _quieten() -> None:
    """Keep the console for what a person needs to know."""
    for logger in uvicorn.config.LOGGING_CONFIG["loggers"].values():
        logger["level"] = "WARNING"
    # Streamlit reads its settings at import and again with ours, and takes that for an edit.
    logging.getLogger("streamlit.config").addFilter(lambda record: "config option section" not in str(record.msg))


def _stop(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
