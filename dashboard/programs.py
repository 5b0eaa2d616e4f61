"""Programs that take files with a token: who comes, and how often they may ask."""

from __future__ import annotations

import base64
import math
import time
from functools import partial

from anyio import to_thread
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response

from dashboard.serving import limits
from dashboard.state import Store
from dashboard.state.brake import network
from dashboard.state.export_tokens import Bearer, ExportTokens

#: Files that one token may ask for in a minute: a workbook that refreshes all its queries fits in.
REQUESTS, REQUEST_SECONDS = 60, 60.0
#: Wrong tokens from one address in five minutes. A token can't be guessed, so they count apart from
#: sign-ins: a workbook with an old token must not keep the people behind its address out.
WRONG, WRONG_SECONDS = 20, 300.0


def token_of(connection: HTTPConnection) -> str | None:
    """The token of an Authorization header: as Bearer, or as the password of Basic, which Excel can send."""
    kind, _, value = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic":
        try:
            _, _, value = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except ValueError:
            return None
    elif kind.lower() != "bearer":
        return None
    return value.strip() or None


class Programs:
    """Admits programs by their token; keeps their pace in memory, since it guards this process's work."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tokens = ExportTokens(store)
        self._requests = limits.Pace(REQUESTS, REQUEST_SECONDS)
        self._wrong = limits.Pace(WRONG, WRONG_SECONDS)

    async def admit(self, token: str, client: str) -> Bearer | Response:
        """Who holds the token, or the answer that refuses them."""
        bearer = await to_thread.run_sync(self._tokens.bearer, token)
        if bearer is None:
            if wait := self._wrong.wait(network(client), time.monotonic()):
                return _later("Too many wrong tokens. Wait, then try again.\n", wait)
            record = partial(self._store.audit.record, "denied", "(unknown)", "export token", address=client)
            await to_thread.run_sync(record)
            return PlainTextResponse(
                "This token is not valid, or no longer: ask an administrator for a new one.\n",
                401,
                {"WWW-Authenticate": 'Basic realm="exports"'},
            )
        if wait := self._requests.wait(bearer.key, time.monotonic()):
            return _later(f"This token may take {REQUESTS} files a minute. Wait, then go on.\n", wait)
        return bearer

    def goes_on(self, token: str) -> bool:
        """Whether the token still opens what it did."""
        return self._tokens.bearer(token) is not None


def _later(text: str, wait: float) -> Response:
    return PlainTextResponse(text, 429, {"Retry-After": str(math.ceil(wait))})
