"""The headers on every answer, the websocket's handshake and refusals among them."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FEATURES = (
    "accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "encrypted-media", "geolocation",
    "gyroscope", "hid", "magnetometer", "microphone", "midi", "payment", "publickey-credentials-get",
    "screen-wake-lock", "serial", "usb", "xr-spatial-tracking",
)  # fmt: skip
_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": browsers then send "Origin: null" with our own forms.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _FEATURES),
    # A page that opened ours, or that ours opened, gets no hold of its window; nor can a page of
    # another site draw in what we send. An embedder policy would add nothing: we load no foreign
    # thing and share no memory.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
}


def content_security_policy(inline_scripts: Iterable[str] = ()) -> str:
    """The policy for all pages; `inline_scripts` are hashes of the only ones that may run."""
    scripts = " ".join(["'self'", "'wasm-unsafe-eval'", *(f"'{hash_}'" for hash_ in inline_scripts)])
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src {scripts}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "frame-src 'self'",
            "frame-ancestors 'none'",
            "form-action 'self'",
            "base-uri 'self'",
            "object-src 'none'",
        ]
    )


class Headers:
    """ASGI middleware, the outermost: no answer goes without them."""

    def __init__(self, app: ASGIApp, policy: str) -> None:
        self._app = app
        self._fixed = {**_FIXED, "Content-Security-Policy": policy}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let everything pass, and mark what comes back."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        secure = scope["scheme"] in {"https", "wss"}
        # A websocket is refused by an ordinary answer, which a plain close wouldn't let us mark.
        answers = "websocket.http.response" in scope.get("extensions", {})
        accepted = False

        async def marked(message: Message) -> None:
            nonlocal accepted
            kind = message["type"]
            if kind == "websocket.close" and not accepted and answers:
                start = {"type": "websocket.http.response.start", "status": 403, "headers": []}
                self._mark(start, secure)
                await send(start)
                await send({"type": "websocket.http.response.body", "body": b""})
                return
            if kind == "websocket.accept":
                accepted = True
            if kind in {"http.response.start", "websocket.accept", "websocket.http.response.start"}:
                self._mark(message, secure)
            await send(message)

        await self._app(scope, receive, marked)

    def _mark(self, message: Message, secure: bool) -> None:
        message.setdefault("headers", [])
        headers = MutableHeaders(scope=message)
        headers.update(self._fixed)
        if secure:
            headers["Strict-Transport-Security"] = "max-age=31536000"
        # Streamlit marks its scripts, styles and fonts so; they hold no data.
        if "immutable" not in headers.get("Cache-Control", ""):
            headers["Cache-Control"] = "no-store"
