"""A provider of OpenID Connect on this machine, whose word can be bent."""

from __future__ import annotations

import http.client
import json
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from authlib.deprecate import AuthlibDeprecationWarning
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

with warnings.catch_warnings():
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    import oidc_provider_mock
    from oidc_provider_mock._storage import User, storage

CLIENT = "dashboard"
SECRET = "a secret between two servers"
Claims = dict[str, Any]


@dataclass
class Provider:
    """A running provider.

    Attributes:
        bend: changes the claims of the next ID tokens before they are signed.
        key: signs the next ID tokens, where it isn't the provider's own.
        token_requests: the fields of each request for a token.
    """

    port: int
    bend: Callable[[Claims], Claims | None] = lambda claims: claims
    key: RSAKey | None = None
    silent: bool = False
    token_requests: list[dict[str, str]] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.port}"

    def straighten(self) -> None:
        """Tell the truth again."""
        self.bend, self.key, self.silent = lambda claims: claims, None, False
        self.token_requests.clear()

    def approve(self, address: str, person: str, action: str = "") -> str:
        """Sign in at the provider as this person: where it sends the browser back to."""
        parts = urlsplit(address)
        fields = urlencode({"sub": person} | ({"action": action} if action else {}))
        with closing(http.client.HTTPConnection("localhost", self.port, timeout=20)) as connection:
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", f"{parts.path}?{parts.query}", fields, headers)
            answer = connection.getresponse()
            location = answer.headers["Location"]
            assert location, answer.read()
            return location


@contextmanager
def providing(people: dict[str, Claims]) -> Iterator[Provider]:
    """A provider that knows these people by subject, with their claims."""
    users = [User(sub=subject, claims=claims) for subject, claims in people.items()]
    app = oidc_provider_mock.app(user_claims=users, require_nonce=True)
    server = make_server("localhost", 0, app, threaded=True)
    provider = Provider(server.server_port)

    @app.after_request
    def bend(response):
        from flask import request

        if request.path == "/oauth2/token":
            provider.token_requests.append(request.form.to_dict())
            if response.status_code == 200:
                token = json.loads(response.get_data())
                own = RSAKey.import_key(storage.jwk.as_dict(is_private=True))
                claims = provider.bend(dict(jwt.decode(token["id_token"], own).claims))
                if claims is None:
                    del token["id_token"]
                else:
                    header = {"alg": "RS256", "kid": own.kid}
                    token["id_token"] = jwt.encode(header, claims, provider.key or own)
                response.set_data(json.dumps(token))
        if provider.silent:
            response.status_code = 503
        return response

    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
