"""Single sign-on by OpenID Connect: the provider says who it is, an account here says what they may."""

from __future__ import annotations

import hashlib
import hmac
import logging
import math
import secrets
import time
import warnings
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import anyio
from authlib.common.errors import AuthlibBaseError
from authlib.deprecate import AuthlibDeprecationWarning
from joserfc.errors import JoseError
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from dashboard.serving import gate, limits
from dashboard.settings import SingleSignOn
from dashboard.sign_in.desk import CALLBACK, PROVIDER_LOGIN, Desk, client_address, set_cookie
from dashboard.sign_in.pages import page
from dashboard.state.brake import network
from dashboard.state.identities import Identities

with warnings.catch_warnings():
    # Authlib would rather have httpx2, which the lock holds for newer versions of Python only.
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.starlette_client import StarletteOAuth2App

HTTPError: type[Exception] = import_module("httpx2" if find_spec("httpx2") else "httpx").HTTPError

log = logging.getLogger(__name__)

LIFETIME = timedelta(minutes=10)
COOKIE = "dashboard_oidc"
#: The provider is given so many seconds for each answer.
PATIENCE = 10
#: Sign-ins that may begin from one address in a minute, and those that are begun at once: each asks
#: the provider and leaves a row in the store, for anybody. A clinic behind one address fits in.
BEGINNINGS, BEGINNING_SECONDS, AT_ONCE = 120, 60.0, 8
#: Signatures that only the provider can make; others could be made with what this server knows.
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})


class SignOnError(Exception):
    """Single sign-on ended without a person; the message says why, for the log."""


class SingleSignOnSteps:
    """/oidc/login and /oidc/callback."""

    def __init__(self, desk: Desk, provider: SingleSignOn, url: str) -> None:
        self._desk = desk
        self._provider = provider
        self._redirect_uri = url.rstrip("/") + CALLBACK
        self._identities = Identities(desk.store)
        self._pace = limits.Pace(BEGINNINGS, BEGINNING_SECONDS)
        self._at_once = anyio.CapacityLimiter(AT_ONCE)

    def routes(self) -> list[Route]:
        """The routes of this step."""
        return [
            Route(PROVIDER_LOGIN, self.login, methods=["GET"]),
            Route(CALLBACK, self.callback, methods=["GET"]),
        ]

    async def login(self, request: Request) -> Response:
        """On to the provider; what must match when it sends the person back stays here."""
        if wait := self._pace.wait(network(client_address(request)), time.monotonic()):
            response = self._refusal(429, "Too many sign-ins were begun from here. Try again in a minute.")
            response.headers["Retry-After"] = str(math.ceil(wait))
            return response
        async with self._at_once:
            return await self._begin(request)

    async def _begin(self, request: Request) -> Response:
        target = gate.safe_next(request.query_params.get("next"))
        browser, nonce, verifier = (secrets.token_urlsafe(48) for _ in range(3))
        facts = {"browser": _sha256(browser), "nonce": nonce, "verifier": verifier, "next": target}
        try:
            client = await self._client()
            state = await self._desk.run(self._desk.challenges.issue, "oidc", facts, LIFETIME)
            started = await client.create_authorization_url(
                self._redirect_uri, state=state, nonce=nonce, code_verifier=verifier
            )
        except (HTTPError, SignOnError, ValueError, RuntimeError) as error:
            log.error("single sign-on is out of order: %s", _why(error))
            return self._refusal(502, "The sign-in provider does not answer. Try again, or use your password.")
        response = RedirectResponse(started["url"], status_code=303)
        # Lax, since the way back begins at the provider's site.
        set_cookie(request, response, COOKIE, browser, lifetime=LIFETIME, across_sites=True)
        return response

    async def callback(self, request: Request) -> Response:
        """The way back from the provider: check its word, find the account, open a session."""
        desk = self._desk
        query = request.query_params
        challenge = await desk.run(desk.challenges.take, "oidc", query.get("state", ""))
        browser = request.cookies.get(gate.cookie_name(request, COOKIE), "")
        if challenge is None or not hmac.compare_digest(challenge.facts["browser"], _sha256(browser)):
            return self._refusal(400, "This sign-in was begun elsewhere, took too long, or was done already.")
        if "error" in query:
            log.warning("single sign-on was refused by the provider: %s", query["error"][:60])
            return self._refusal(403, "The sign-in provider did not let you in.")
        try:
            claims = await self._claims(query.get("code", ""), challenge.facts)
            identity = _identity(claims, self._provider.claim)
        except HTTPError as error:
            log.error("single sign-on is out of order: %s", _why(error))
            return self._refusal(502, "The sign-in provider does not answer. Try again, or use your password.")
        except (AuthlibBaseError, JoseError, SignOnError, ValueError, RuntimeError) as error:
            log.warning("single sign-on was refused: %s", _why(error))
            return self._refusal(403, "What the sign-in provider said about you could not be verified.")
        user = await desk.run(self._identities.account, identity)
        if user is None:
            log.warning("single sign-on was refused: no enabled account has this identity")
            return self._refusal(
                403, f"The provider knows you as {identity}, but no account here belongs to that. "
                "Ask the person who runs this dashboard."
            )  # fmt: skip
        target = challenge.facts["next"]
        # A provider that checked a second factor says so (RFC 8176); otherwise ours is asked for.
        methods = claims.get("amr")
        step = None
        if not (isinstance(methods, list) and "mfa" in methods):
            step = await desk.welcome(user, target)
        # Our own page goes on: a redirect would count as the provider's, without the cookie.
        response = step or await desk.open(request, user, page("signed_in", next=target), "single sign-on")
        set_cookie(request, response, COOKIE, "", lifetime=timedelta(0), across_sites=True)
        return response

    async def _client(self) -> StarletteOAuth2App:
        """The library's client with the provider's metadata as it is now."""
        client = StarletteOAuth2App(
            None,
            name="oidc",
            client_id=self._provider.client_id,
            client_secret=self._provider.client_secret,
            server_metadata_url=f"{self._provider.issuer}/.well-known/openid-configuration",
            client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256", "timeout": PATIENCE},
        )
        metadata = await client.load_server_metadata()
        if str(metadata.get("issuer", "")).rstrip("/") != self._provider.issuer:
            raise SignOnError("the provider's metadata name another issuer")
        offered = set(metadata.get("id_token_signing_alg_values_supported") or ["RS256"])
        metadata["id_token_signing_alg_values_supported"] = sorted(offered & ALGORITHMS)
        return client

    async def _claims(self, code: str, facts: dict[str, str]) -> dict[str, Any]:
        """What the provider says for the code, its signature, issuer, audience, time and nonce checked."""
        client = await self._client()
        metadata = await client.load_server_metadata()
        token = await client.fetch_access_token(self._redirect_uri, code=code, code_verifier=facts["verifier"])
        claims = await client.parse_id_token(
            token,
            nonce=facts["nonce"],
            claims_options={
                "iss": {"essential": True, "values": [metadata["issuer"]]},
                "aud": {"essential": True, "values": [self._provider.client_id]},
            },
        )
        if not claims:
            raise SignOnError("the provider sent no ID token")
        found = dict(claims)
        if self._provider.claim not in found and metadata.get("userinfo_endpoint"):
            more = dict(await client.userinfo(token=token))
            if more.get("sub") != found["sub"]:
                raise SignOnError("the provider's userinfo is about somebody else")
            found = more | found
        return found

    def _refusal(self, status: int, text: str) -> Response:
        return page("refused", status, text=text, provider=self._provider.name)


def _identity(claims: dict[str, Any], claim: str) -> str:
    """The value that names the account."""
    value = claims.get(claim)
    if not isinstance(value, str) or not value.strip():
        raise SignOnError(f"the provider sent no {claim}")
    if claim == "email" and claims.get("email_verified") is not True:
        raise SignOnError("the provider has not verified the e-mail address")
    return value


def _why(error: Exception) -> str:
    """What went wrong, for the log: no code, no token, nothing about the person."""
    return f"{type(error).__name__}: {error}" if isinstance(error, SignOnError) else type(error).__name__


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
