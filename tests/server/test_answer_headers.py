"""The headers of every answer of a running server."""

from __future__ import annotations

import hashlib
import re

import pytest
from server_harness import NAVIGATION
from websockets.exceptions import InvalidStatus

#: A page, redirects, refusals by status, what isn't there, health, what Streamlit answers itself.
KINDS = [
    "/",
    "/login",
    "/login/style.css",
    "/today",
    "/nowhere",
    "/no/such/path.js",
    "/logout",
    "/healthz",
    "/readyz",
    "/session.js",
    "/_stcore/health",
    "/_stcore/host-config",
    "/media/nothing.png",
    "/export/x.csv",
    "/login?next=" + "x" * 9_000,
]


def assert_headers(headers, *, tls=False):
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy.replace("wasm-unsafe-eval", "")
    assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers.get("Strict-Transport-Security") == ("max-age=31536000" if tls else None)


@pytest.mark.parametrize("path", KINDS)
@pytest.mark.parametrize("signed_in", [False, True])
def test_every_answer_has_the_headers(server, path, signed_in):
    cookie = server.sign_in("max") if signed_in else ""
    headers = server.request("GET", path, Cookie=cookie, **NAVIGATION).headers
    assert_headers(headers)
    assert headers.get_all("Cache-Control") == ["no-store"]
    headers = server.request("GET", path, Cookie=cookie, X_Forwarded_Proto="https", **NAVIGATION).headers
    assert_headers(headers, tls=True)


def test_the_style_sheet_may_be_kept_and_changes_its_address_with_its_words(server):
    cookie = server.sign_in("max")
    page = server.request("GET", "/", Cookie=cookie, **NAVIGATION).body.decode()
    [address] = re.findall(r'href="(/style\.css\?[0-9a-f]{16})"', page)
    answer = server.request("GET", address, Cookie=cookie)
    assert_headers(answer.headers)
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert hashlib.sha256(answer.body).hexdigest()[:16] == address.partition("?")[2]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_answers_to_other_methods_have_the_headers_too(server, method):
    cookie = server.sign_in("max")
    for path in ("/", "/login", "/export/x.csv", "/_stcore/health", "/static/index.js"):
        assert_headers(server.request(method, path, Cookie=cookie).headers)


def test_websockets_have_the_headers_whether_refused_or_not(server):
    cookie = server.sign_in("max")
    with server.stream(cookie) as stream:
        assert_headers(stream.socket.response.headers)
    for options in ({"cookie": None}, {"cookie": cookie, "Origin": "http://evil.example"}):
        with pytest.raises(InvalidStatus) as refused, server.stream(**options):
            pass
        assert_headers(refused.value.response.headers)


def test_tls_adds_strict_transport_security(server):
    assert server.request("GET", "/login", X_Forwarded_Proto="https").headers["Strict-Transport-Security"]


def test_scripts_of_streamlit_may_be_cached(server):
    cookie = server.sign_in("ada")
    page = server.request("GET", "/", Cookie=cookie).body.decode()
    script = page.partition('crossorigin src="./')[2].partition('"')[0]
    assert "immutable" in server.request("GET", f"/{script}", Cookie=cookie).headers["Cache-Control"]
