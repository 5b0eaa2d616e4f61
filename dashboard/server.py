"""The server: Streamlit behind the gate, with sign-in, sign-out, exports and health."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from pathlib import Path

import streamlit as st
from anyio import to_thread
from prometheus_client import Gauge
from starlette.convertors import Convertor, register_url_convertor
from starlette.datastructures import QueryParams
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from streamlit import file_util

from dashboard import keyfile, navigation, sign_in, tending
from dashboard.access import Viewer
from dashboard.serving import compression, faults, gate, instruments, journal, limits, patience, stopping
from dashboard.serving.headers import Headers, content_security_policy
from dashboard.serving.health import Health
from dashboard.serving.observer import Observer
from dashboard.settings import ROOT, Settings, settle_paths
from dashboard.sign_in import pages
from dashboard.state import SessionsFullError, Store, shared_store
from dashboard.state.alert_channels import AlertChannels
from dashboard.state.chart_marks import ChartMarks
from dashboard.state.export_tokens import Bearer
from dashboard.state.sealing import Seal
from dashboard.state.second_factor import SecondFactors

SCRIPT = ROOT / "dashboard" / "main.py"
TITLE = "Infusion dashboard"
_INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class _PageConvertor(Convertor[str]):
    """An address of a page: one segment without a dot, or none."""

    regex = "[A-Za-z0-9_-]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("page", _PageConvertor())


class Shell:
    """Streamlit's page, with the script that watches the session and with our style sheet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        index = Path(file_util.get_static_dir()) / "index.html"
        html = index.read_text(encoding="utf-8")
        #: Content hashes of the inline scripts in Streamlit's page, as a policy names them.
        self.inline_scripts = [_hash(script) for script in _INLINE_SCRIPT.findall(html)]
        # First of all scripts, since Streamlit's own reads what it sets.
        html = html.replace("<head>", '<head><script src="/session.js"></script>', 1)
        self._style = (ROOT / "dashboard" / "style.css").read_text(encoding="utf-8")
        version = hashlib.sha256(self._style.encode()).hexdigest()[:16]
        # Last, so that of equal rules ours count. As part of each run it would be cleaned, parsed and applied anew.
        link = f'<link rel="stylesheet" href="/style.css?{version}">'
        html = html.replace("</body>", f"{link}</body>", 1)
        self._html = html.replace("<title>Streamlit</title>", f"<title>{TITLE}</title>", 1)
        self._script = pages.asset("session.js")

    def routes(self) -> list[Route]:
        """The routes of pages and of the session's watch."""
        return [
            Route("/session", self.seconds_left, methods=["GET"]),
            Route("/session.js", self.script, methods=["GET"]),
            Route("/style.css", self.style, methods=["GET"]),
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
            return pages.page("no_page", 404, name=name, first=entries[0].title)
        return HTMLResponse(self._html)

    async def script(self, _request: Request) -> Response:
        """The script that leaves the page when the session ends, and says what a choice changed."""
        return Response(self._script, media_type="text/javascript")

    async def style(self, _request: Request) -> Response:
        """The style sheet of pages; its address changes with what it says."""
        kept = {"Cache-Control": "private, max-age=31536000, immutable"}
        return Response(self._style, media_type="text/css", headers=kept)

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
    if settings.second_factor:
        # Who signed in before the setting was made still has to show one.
        SecondFactors(store, Seal.for_settings(settings)).end_sessions_without(settings.second_factor)
    desk = limits.Desk(partial(export, store=store), settings.exports, settings.export_seconds)

    condition = Health(store)
    read: dict[Gauge, Callable[[], float]] = {
        instruments.SESSIONS: store.count_sessions,
        instruments.EXTRACT_AGE: condition.extract_age,
        instruments.ALERTS_AGE: condition.alerts_age,
        instruments.ALERTS_FAILING: AlertChannels(store).failing,
    }

    def warmed() -> None:
        condition.warm = True

    @asynccontextmanager
    async def lifespan(_app: st.App) -> AsyncIterator[None]:
        running = stopping.running_server()
        limits.take_in_headers(running)
        compression.compress_messages(running)
        patience.end_waiting(running)
        with (
            # Beside the login page, which needs none of it: the server answers seconds earlier.
            tending.tended(store, warmed),
            stopping.graceful(settings, condition.stop),
            instruments.published(settings.metrics_port, read),
        ):
            if ready is not None:
                ready()
            yield
        store.close()

    return st.App(
        script,
        lifespan=lifespan,
        routes=[
            *condition.routes(),
            Route("/export/{file}", desk, methods=["GET"]),
            *sign_in.routes(store, settings),
            *shell.routes(),
        ],
        middleware=[
            Middleware(Headers, policy=content_security_policy(shell.inline_scripts)),
            Middleware(Observer),
            Middleware(limits.Unread),
            Middleware(gate.Gate, store=store),
            Middleware(limits.Sizes),
        ],
        on_script_error=tell,
        exception_handlers={SessionsFullError: _full},
    )


def tell(error: Exception) -> bool:
    """Say on the page, instead of Streamlit, that its script has failed."""
    st.error(faults.words(error, "page"))
    return True


def _full(_request: Request, error: Exception) -> Response:
    return pages.page("notice", 503, title="All places are taken", text=str(error))


def serve(
    settings: Settings,
    host: str,
    port: int,
    script: Path = SCRIPT,
    ready: Callable[[], None] | None = None,
) -> None:
    """Serve until stopped by Ctrl-C or SIGTERM."""
    settle_paths()  # the environment is read again by every part of the server
    os.chdir(ROOT)  # where Streamlit looks for .streamlit/config.toml
    app = build_app(settings, script, ready)
    # Streamlit takes this one from the environment only.
    os.environ["STREAMLIT_SERVER_COOKIE_SECRET"] = _cookie_secret(settings)
    # And uvicorn this one: whose X-Forwarded-For and X-Forwarded-Proto are believed.
    os.environ["FORWARDED_ALLOW_IPS"] = settings.proxies
    journal.configure(settings.log, settings.log_level)
    stopping.exit_on_sigterm()
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


async def export(request: Request, store: Store) -> Response:
    """A file as far as the viewer may have it; what left, or was refused, goes on record."""
    bearer = getattr(request.state, "bearer", None)
    return await to_thread.run_sync(
        _file, store, request.state.viewer, bearer, request.path_params["file"], request.query_params
    )


def _file(store: Store, viewer: Viewer, bearer: Bearer | None, file: str, parameters: QueryParams) -> Response:
    # Imported here, as the warm-up does: it takes seconds.
    from dashboard import auditing, exports, packs
    from dashboard.receipts import FileResponse, Receipt, no_such_file
    from dashboard.reports import files

    name, _, form = file.partition(".")
    by = {} if bearer is None else {"token": bearer.label}
    asked = {key: parameters.getlist(key) for key in parameters}
    if bearer is not None and name not in bearer.datasets:
        response = no_such_file()
    elif form in files.MEDIA:
        response = files.respond(viewer, store, name, form, asked)
    elif (name, form) == (auditing.RESOURCE, "csv"):
        response = auditing.respond(viewer, store.audit, asked)
    elif packs.is_pack(name):
        response = packs.respond(viewer, store, name, form, asked)
    else:
        response = exports.respond(viewer, name, parameters, form, ChartMarks(store).in_force())
    if isinstance(response, FileResponse):

        def record(receipt: Receipt) -> None:
            store.audit.record("export", viewer.username, receipt.dataset, **by, **receipt.details())

        response.ended = record
        if sites := response.receipt.refused_sites:
            store.audit.record("denied", viewer.username, f"file {name}", sites=sites, **by)
    elif response.status_code == HTTPStatus.NOT_FOUND:
        store.audit.record("denied", viewer.username, f"file {name}", **by)
    return response


async def _on_record(store: Store, kind: str, actor: str, subject: str = "", **details: object) -> None:
    await to_thread.run_sync(partial(store.audit.record, kind, actor, subject, **details))


def _hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _cookie_secret(settings: Settings) -> str:
    """Key that signs Streamlit's own cookies, made once for each data folder."""
    return keyfile.read_or_make(settings.state / "cookie.key").hex()
