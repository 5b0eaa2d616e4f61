"""What every way of signing in shares: the brake, the next step, the session and its cookies."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TypeVar

import anyio
import segno
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from dashboard.serving import gate, limits
from dashboard.settings import Settings
from dashboard.sign_in.pages import form_fields, page
from dashboard.state import SessionsFullError, Store, UserRecord
from dashboard.state.brake import DEVICE_LIFETIME, Admission, Brake, network
from dashboard.state.challenges import Challenge, Challenges
from dashboard.state.open_sessions import browser_name
from dashboard.state.passwords import DEMO_PASSWORD
from dashboard.state.sealing import Seal
from dashboard.state.second_factor import SecondFactors, app_address, new_secret

#: Checks of passwords that run at once: each keeps a core busy, and pages need one too.
PASSWORD_CHECKS = 2
#: Seconds between two looks whether others have left a try, and how long that goes on.
TURN, PATIENCE = 0.1, 20.0
#: When to come back after that.
BUSY = timedelta(seconds=5)
#: Attempts that have to wait are put on record so often in so many seconds, from one address and from all: whoever
#: keeps asking would fill the record, which nothing is ever taken from.
HELD_FROM, HELD_AT_ALL, HELD_SECONDS = 20, 500, 300.0
CODE_LIFETIME = timedelta(minutes=5)
ENROLMENT_LIFETIME = timedelta(minutes=15)
#: Where single sign-on begins, and where the provider sends people back to.
PROVIDER_LOGIN, CALLBACK = "/oidc/login", "/oidc/callback"
#: Who the record names where somebody signs in with a name that is no account's.
UNKNOWN = "(unknown)"
EXPIRED = "That took too long, or was done already. Sign in again."

T = TypeVar("T")


@dataclass
class Attempt:
    """An attempt that may go on, unless it is `held` back: a sentence that says for how long."""

    admission: Admission
    right: bool = False

    @property
    def held(self) -> str | None:
        """Why the attempt has to wait, as a sentence; None if it may go on."""
        if self.admission.ticket:
            return None
        wait = self.admission.wait
        return waiting(wait) if wait else "Many people are signing in at this moment. Try again in a few seconds."

    def refused(self, response: Response) -> Response:
        """The response with the header that says when to come back."""
        wait = self.admission.wait or BUSY
        response.headers["Retry-After"] = str(math.ceil(wait.total_seconds()))
        return response


class Desk:
    """Takes in who has shown something, and says what is to be shown next."""

    def __init__(self, store: Store, settings: Settings) -> None:
        seal = Seal.for_settings(settings)
        self.store = store
        self.brake = Brake(store)
        self.factors = SecondFactors(store, seal)
        self.challenges = Challenges(store, seal)
        self.required = settings.second_factor
        self.provider = settings.oidc.name if settings.oidc else None
        self._held_from = limits.Pace(HELD_FROM, HELD_SECONDS)
        self._held_at_all = limits.Pace(HELD_AT_ALL, HELD_SECONDS)
        self._checks = anyio.CapacityLimiter(PASSWORD_CHECKS)

    async def run(self, function: Callable[..., T], *arguments: object, **named: object) -> T:
        """Call what speaks to the store, beside the event loop."""
        return await to_thread.run_sync(partial(function, *arguments, **named))

    async def fields(self, request: Request) -> dict[str, str] | Response:
        """The fields of one of our own forms, or the refusal of what is none."""
        if not gate.is_same_origin(request):
            return PlainTextResponse("This form was sent from another site.", status_code=403)
        fields = await form_fields(request)
        return PlainTextResponse("This is not the form.", status_code=400) if fields is None else fields

    # The brake

    @asynccontextmanager
    async def attempt(self, request: Request, username: str) -> AsyncIterator[Attempt]:
        """One attempt at a password or a code; few at a time, since each check keeps a core busy.

        It has failed unless `right` was set within the context.
        """
        address, device = client_address(request), device_token(request)
        end = anyio.current_time() + PATIENCE
        while True:
            async with self._checks:
                admission = await self.run(self.brake.admit, username, address, device)
                if admission.ticket or admission.wait or anyio.current_time() >= end:
                    attempt = Attempt(admission)
                    try:
                        yield attempt
                    finally:
                        if admission.ticket:
                            await self.run(self.brake.settle, admission.ticket, right=attempt.right)
                    return
            await anyio.sleep(TURN)

    async def verify(self, username: str, password: str) -> UserRecord | None:
        """The account if name and password are right; to be asked within an attempt."""
        return await self.run(self.store.verify, username, password)

    async def failed(self, request: Request, username: str, reason: str) -> None:
        """Record a failed sign-in, of an account or of a name that is none: people type passwords there."""
        name = await self.run(self.store.account_name, username)
        await self.record("sign_in_failed", name or UNKNOWN, address=client_address(request), reason=reason)

    async def held_back(self, request: Request, username: str) -> None:
        """Record an attempt that has to wait: nothing was tried, so of a stream of them the first ones say it all."""
        now = time.monotonic()
        if not (self._held_from.wait(network(client_address(request)), now) or self._held_at_all.wait("", now)):
            await self.failed(request, username, "too many attempts")

    async def record(self, kind: str, actor: str, **details: object) -> None:
        """Put on record what was done at the door."""
        await self.run(self.store.audit.record, kind, actor, **details)

    # The next step

    async def welcome(self, user: UserRecord, target: str) -> Response | None:
        """What a person has to show beside a password or the provider's word; None if nothing."""
        if await self.run(self.factors.status, user.username):
            facts = {"username": user.username, "version": str(user.version), "next": target}
            return await self.ask_code(facts)
        if user.role in self.required:
            return await self.ask_enrolment(user, target)
        return None

    async def ask_code(
        self, facts: dict[str, str], *, error: str | None = None, former: Challenge | None = None, status: int = 200
    ) -> Response:
        """The form for the second factor's code."""
        ends = former.expires_at if former else None
        token = await self.run(self.challenges.issue, "code", facts, CODE_LIFETIME, ends=ends)
        return page("code", status, challenge=token, username=facts["username"], error=error)

    async def ask_enrolment(
        self,
        user: UserRecord,
        target: str,
        *,
        secret: str | None = None,
        error: str | None = None,
        former: Challenge | None = None,
        status: int = 200,
    ) -> Response:
        """The form that shows a new secret, to be confirmed by a code."""
        secret = secret or new_secret()
        facts = {"username": user.username, "version": str(user.version), "next": target, "secret": secret}
        ends = former.expires_at if former else None
        token = await self.run(self.challenges.issue, "enrolment", facts, ENROLMENT_LIFETIME, ends=ends)
        picture = segno.make(app_address(secret, user.username), error="m").svg_data_uri(scale=5, border=3)
        groups = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
        return page(
            "enrolment", status, challenge=token, username=user.username, picture=picture, secret=groups, error=error
        )

    async def owner(self, challenge: Challenge) -> UserRecord | None:
        """The account of a challenge, unless it has changed since or is disabled."""
        user = await self.run(self.store.user, challenge.facts["username"])
        return user if str(user.version) == challenge.facts["version"] and not user.disabled else None

    # The session

    async def open(self, request: Request, user: UserRecord, response: Response, means: str) -> Response:
        """Open a session, by these means; the response hands it over.

        Raises:
            SessionsFullError: too many are signed in already.
        """
        device = device_token(request) or secrets.token_urlsafe(32)
        if former := gate.session_token(request):
            await self.run(self.store.close_session, former)
        await self.run(self.brake.forgive, user.username, device)
        await self.run(self.brake.remember_device, user.username, device)
        browser = browser_name(request.headers.get("user-agent", ""))
        try:
            token = await self.run(
                self.store.open_session, user.username, user.version, address=client_address(request), browser=browser
            )
        except SessionsFullError:
            await self.failed(request, user.username, "all places are taken")
            raise
        await self.record("sign_in", user.username, address=client_address(request), browser=browser, means=means)
        set_cookie(request, response, gate.COOKIE, token)
        set_cookie(request, response, gate.DEVICE_COOKIE, device, lifetime=DEVICE_LIFETIME)
        return response

    async def enter(self, request: Request, user: UserRecord, target: str, means: str) -> Response:
        """Open a session and go on to `target`."""
        return await self.open(request, user, RedirectResponse(target, status_code=303), means)

    async def login_page(self, *, status: int = 200, **values: object) -> Response:
        """The login page. Values: next, username, error, notice, retry."""
        demo = await self.run(self.store.demo_accounts)
        shown = {"next": "/", "username": "", "provider": self.provider} | values
        return page("login", status, demo=demo, password=DEMO_PASSWORD, **shown)


def client_address(request: Request) -> str:
    """Where the request came from; behind a proxy on this machine, what the proxy says."""
    return request.client.host if request.client else ""


def device_token(request: Request) -> str:
    """What this browser was given when somebody signed in with it, or nothing."""
    return request.cookies.get(gate.cookie_name(request, gate.DEVICE_COOKIE), "")[:64]


def set_cookie(
    request: Request,
    response: Response,
    name: str,
    value: str,
    *,
    lifetime: timedelta | None = None,
    across_sites: bool = False,
) -> None:
    """Set a cookie that scripts can't read; without a lifetime it ends with the browser."""
    response.set_cookie(
        gate.cookie_name(request, name),
        value,
        max_age=None if lifetime is None else int(lifetime.total_seconds()),
        path="/",
        secure=gate.is_secure(request),
        httponly=True,
        samesite="lax" if across_sites else "strict",
    )


def waiting(wait: timedelta) -> str:
    """How long to wait, as a sentence."""
    minutes = math.ceil(wait.total_seconds() / 60)
    return f"Too many failed attempts. Try again in {minutes} minute{'s' if minutes > 1 else ''}."
