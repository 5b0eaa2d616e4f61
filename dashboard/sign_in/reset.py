"""Setting a password with a one-time link."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.sign_in.desk import Desk
from dashboard.sign_in.pages import asset, page
from dashboard.state import StateError
from dashboard.state.resets import PATH, Resets

_VOID = "This link was used already, is too old, or a newer one was made. Ask for another."


class ResetSteps:
    """The routes of /login/reset. Opening the link changes nothing and tells nothing."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._resets = Resets(desk.store)
        self._script = asset("reset.js")

    def routes(self) -> list[Route]:
        """The routes of this step."""
        return [
            Route(PATH, self.form, methods=["GET"]),
            Route(PATH, self.submit, methods=["POST"]),
            Route("/login/reset.js", self.script, methods=["GET"]),
        ]

    async def form(self, _request: Request) -> Response:
        """The form for the new password. The link's token reaches no server before it is sent."""
        return page("reset", token="")

    async def script(self, _request: Request) -> Response:
        """The script that puts the link's token into the form."""
        return Response(self._script, media_type="text/javascript")

    async def submit(self, request: Request) -> Response:
        """Set the password, then on to the login page."""
        fields = await self._desk.fields(request)
        if isinstance(fields, Response):
            return fields
        token, password = fields.get("token", "").strip(), fields.get("password", "")
        if password != fields.get("again"):
            return page("reset", 422, token=token, error="The two passwords differ. Nothing was changed.")
        try:
            user = await self._desk.run(self._resets.use, token, password)
        except StateError as error:
            return page("reset", 422, token=token, error=f"{error} Nothing was changed.")
        if user is None:
            return page("reset", 410, token="", error=_VOID)
        await self._desk.run(self._desk.brake.lift, user.username)
        return await self._desk.login_page(
            username=user.username, notice="Your password is set. Sign in with it; every older session has ended."
        )
