"""Signing in: the routes in front of the gate, drawn by the server."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboard.settings import Settings
from dashboard.sign_in.desk import CALLBACK, PROVIDER_LOGIN, Desk
from dashboard.sign_in.password import PasswordSteps
from dashboard.sign_in.reset import ResetSteps
from dashboard.sign_in.second_factor import SecondFactorSteps
from dashboard.state import Store


def routes(store: Store, settings: Settings) -> list[Route]:
    """All routes of signing in and out, of the second factor and of setting a password."""
    desk = Desk(store, settings)
    found = [*PasswordSteps(desk).routes(), *SecondFactorSteps(desk).routes(), *ResetSteps(desk).routes()]
    if settings.oidc is None:
        return [*found, *(Route(path, _no_provider, methods=["GET"]) for path in (PROVIDER_LOGIN, CALLBACK))]
    # Imported here: what it needs takes half a second, and many have no provider.
    from dashboard.sign_in.single_sign_on import SingleSignOnSteps

    return [*found, *SingleSignOnSteps(desk, settings.oidc, settings.url).routes()]


async def _no_provider(_request: Request) -> Response:
    return RedirectResponse("/login", status_code=303)
