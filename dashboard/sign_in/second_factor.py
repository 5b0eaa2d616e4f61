"""The second step of signing in: a code, or setting up what makes codes."""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.access import Viewer
from dashboard.sign_in.desk import EXPIRED, Desk
from dashboard.sign_in.pages import page
from dashboard.state import SessionsFullError
from dashboard.state.sealing import SealError

log = logging.getLogger(__name__)

_WRONG_CODE = "This code is not right, or was used before. Wait for the next one."
_NOT_PROVED = "The password is not right. Nothing was changed."
_BROKEN = "The code cannot be checked now. Ask the person who runs this dashboard."


class SecondFactorSteps:
    """/login/code and /login/enrolment, before there is a session; /second-factor, within one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """The routes of this step."""
        return [
            Route("/login/code", self.code, methods=["POST"]),
            Route("/login/enrolment", self.enrolment, methods=["POST"]),
            Route("/second-factor", self.overview, methods=["GET"]),
            Route("/second-factor", self.change, methods=["POST"]),
        ]

    async def code(self, request: Request) -> Response:
        """Sign in with the code, once the password was right."""
        desk = self._desk
        fields = await desk.fields(request)
        if isinstance(fields, Response):
            return fields
        challenge = await desk.run(desk.challenges.take, "code", fields.get("challenge", ""))
        user = await desk.owner(challenge) if challenge else None
        if challenge is None or user is None:
            return await desk.login_page(status=401, error=EXPIRED)
        async with desk.attempt(request, user.username) as attempt:
            if attempt.held:
                await desk.held_back(request, user.username)
                shown = await desk.ask_code(challenge.facts, error=attempt.held, former=challenge, status=429)
                return attempt.refused(shown)
            try:
                attempt.right = await desk.run(desk.factors.check, user.username, fields.get("code", ""))
            except SealError as error:
                log.error("a second factor cannot be checked: %s", error)
                return await desk.login_page(status=503, error=_BROKEN)
        if not attempt.right:
            await desk.failed(request, user.username, "wrong code")
            return await desk.ask_code(challenge.facts, error=_WRONG_CODE, former=challenge, status=401)
        return await desk.enter(request, user, challenge.facts["next"], "second factor")

    async def enrolment(self, request: Request) -> Response:
        """Take a new secret into use, show the recovery codes and open a session."""
        desk = self._desk
        fields = await desk.fields(request)
        if isinstance(fields, Response):
            return fields
        challenge = await desk.run(desk.challenges.take, "enrolment", fields.get("challenge", ""))
        user = await desk.owner(challenge) if challenge else None
        if challenge is None or user is None:
            return await desk.login_page(status=401, error=EXPIRED)
        secret, target = challenge.facts["secret"], challenge.facts["next"]
        codes = await desk.run(desk.factors.confirm, user, secret, fields.get("code", ""))
        if codes is None:
            error = "This code is not right. Is the clock of the device right? Type the code that it shows now."
            return await desk.ask_enrolment(user, target, secret=secret, error=error, former=challenge, status=401)
        user = await desk.run(desk.store.user, user.username)
        shown = page("recovery_codes", codes=codes, next=target)
        try:
            return await desk.open(request, user, shown, "second factor")
        except SessionsFullError:
            # The codes are shown now or never; what follows leads back to signing in.
            return shown

    async def overview(self, request: Request) -> Response:
        """What the viewer's second factor is, with a form to change it."""
        return await self._overview(request.state.viewer)

    async def change(self, request: Request) -> Response:
        """Set up, replace or remove the viewer's second factor; asks for the password again."""
        desk = self._desk
        fields = await desk.fields(request)
        if isinstance(fields, Response):
            return fields
        viewer: Viewer = request.state.viewer
        remove = fields.get("action") == "remove"
        if remove and viewer.role in desk.required:
            return await self._overview(viewer, error="Your role needs a second factor.", status=403)
        async with desk.attempt(request, viewer.username) as attempt:
            if attempt.held:
                return attempt.refused(await self._overview(viewer, error=attempt.held, status=429))
            user = await desk.verify(viewer.username, fields.get("password", ""))
            if user is None:
                await desk.failed(request, viewer.username, "wrong password, at the second factor")
                return await self._overview(viewer, error=_NOT_PROVED, status=401)
            if await desk.run(desk.factors.status, user.username):
                try:
                    right = await desk.run(desk.factors.check, user.username, fields.get("code", ""))
                except SealError as error:
                    log.error("a second factor cannot be checked: %s", error)
                    return await self._overview(viewer, error=_BROKEN, status=503)
                if not right:
                    await desk.failed(request, viewer.username, "wrong code")
                    return await self._overview(viewer, error=f"{_WRONG_CODE} Nothing was changed.", status=401)
            attempt.right = True
        if not remove:
            return await desk.ask_enrolment(user, "/account")
        user = await desk.run(desk.factors.remove, user.username, by=user.username)
        return await desk.enter(request, user, "/account", "password")

    async def _overview(self, viewer: Viewer, *, error: str | None = None, status: int = 200) -> Response:
        factor = await self._desk.run(self._desk.factors.status, viewer.username)
        required = viewer.role in self._desk.required
        return page("second_factor", status, username=viewer.username, factor=factor, required=required, error=error)
