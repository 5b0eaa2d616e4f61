"""The login page, signing in with a password, and signing out."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboard.serving import gate
from dashboard.settings import is_loopback
from dashboard.sign_in.desk import Desk, client_address, set_cookie
from dashboard.sign_in.pages import asset, page

_WRONG = "User name or password is wrong."
_DEMO = "Demo accounts have a public password and sign in on this machine alone."


class PasswordSteps:
    """The routes of /login and /logout."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._style = asset("login.css")

    def routes(self) -> list[Route]:
        """The routes of this step."""
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
        return await self._desk.login_page(next=target, retry=retry)

    async def submit(self, request: Request) -> Response:
        """Sign in with the form's user name and password, as far as they lead."""
        fields = await self._desk.fields(request)
        if isinstance(fields, Response):
            return fields
        username, target = fields.get("username", "").strip(), gate.safe_next(fields.get("next"))
        async with self._desk.attempt(request, username) as attempt:
            if attempt.held:
                await self._desk.held_back(request, username)
                shown = await self._desk.login_page(status=429, next=target, username=username, error=attempt.held)
                return attempt.refused(shown)
            user = await self._desk.verify(username, fields.get("password", ""))
            attempt.right = user is not None
        if user is None:
            await self._desk.failed(request, username, "wrong name or password")
            return await self._desk.login_page(status=401, next=target, username=username, error=_WRONG)
        if user.demo and not is_loopback(client_address(request)):
            # A proxy or another server on the same data brought them in from elsewhere.
            await self._desk.failed(request, username, "demo account from elsewhere")
            return await self._desk.login_page(status=403, next=target, error=_DEMO)
        step = await self._desk.welcome(user, target)
        return step or await self._desk.enter(request, user, target, "password")

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
            return page("logout", username=request.state.viewer.username)
        await self._desk.run(self._desk.store.close_session_of, request.state.session)
        await self._desk.record("sign_out", request.state.viewer.username, address=client_address(request))
        response = RedirectResponse("/login", status_code=303)
        set_cookie(request, response, gate.COOKIE, "", lifetime=timedelta(0))
        return response

    async def _is_signed_in(self, request: Request) -> bool:
        token = gate.session_token(request)
        return bool(token) and await self._desk.run(self._desk.store.viewer, token, touch=False) is not None
