"""Sends a message by e-mail or to a webhook, and checks where it may go."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, localtime, make_msgid
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx

from dashboard.alerts.messages import PRODUCT, Message
from dashboard.settings import MAIL_ADDRESS, Mail, Settings, is_loopback

#: Seconds for each answer of the other side.
TIMEOUT = 10.0
#: Seconds for all of a webhook's exchange: each byte of its answer may take as long as an answer.
HOOK_DEADLINE = 30.0
#: Seconds for each answer about a message: mail servers look through it before they take it. Who gives up earlier
#: sends again what was taken.
MAIL_PATIENCE = 120.0
#: Seconds for all of a mail server's exchange: three such answers, and within `alert_channels.CLAIM`.
MAIL_DEADLINE = 480.0
LONGEST_URL = 500
#: Headers of a webhook's request.
SIGNATURE, TIMESTAMP, DELIVERY = "X-Dashboard-Signature", "X-Dashboard-Timestamp", "X-Dashboard-Delivery"


class TargetError(ValueError):
    """An address that nothing may be sent to; the message says why in a sentence."""


class DeliveryError(RuntimeError):
    """A message that could not be sent; the message says why, without a word of the other side's."""


def mail_target(settings: Settings, text: str) -> str:
    """An e-mail address that messages may go to.

    Raises:
        TargetError: it is none, or of a domain that the settings don't allow.
    """
    address = text.strip()
    if not MAIL_ADDRESS.fullmatch(address):
        raise TargetError("This is no e-mail address: write it as name@clinic.example.")
    domain = address.rpartition("@")[2].lower()
    if settings.mail_domains and domain not in settings.mail_domains:
        raise TargetError(f"Messages go to these domains only: {', '.join(sorted(settings.mail_domains))}.")
    return address


def hook_target(settings: Settings, text: str) -> str:
    """A webhook's URL on a host that the operator allows: people can't make the server call others.

    Raises:
        TargetError: it is none, is not by TLS, or its host is not allowed.
    """
    url = text.strip()
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise TargetError("This is no address of a webhook.") from None
    if len(url) > LONGEST_URL or not url.isascii() or any(c.isspace() or not c.isprintable() for c in url):
        raise TargetError(f"The address has up to {LONGEST_URL} characters, without spaces.")
    if not parts.hostname or parts.username or parts.password or parts.fragment or "\\" in url:
        raise TargetError("This is no address of a webhook: write it as https://host/path.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
        raise TargetError("A webhook's address begins with https://.")
    if not settings.webhook_hosts:
        raise TargetError("No host of webhooks is allowed here: an operator names them in DASHBOARD_WEBHOOK_HOSTS.")
    if _host(parts, port) not in settings.webhook_hosts:
        raise TargetError(f"Webhooks go to these hosts only: {', '.join(sorted(settings.webhook_hosts))}.")
    return url


def _host(parts: SplitResult, port: int | None) -> str:
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    usual = 443 if parts.scheme == "https" else 80
    return host if port in {None, usual} else f"{host}:{port}"


def require_loopback(host: str) -> None:
    """Refuse to send demo data or anything of a demo account to another machine.

    Raises:
        DeliveryError: the host is another machine.
    """
    if not is_loopback(host):
        raise DeliveryError(f"demo data and demo accounts send nothing beyond this machine, and {host} is another")


def send_mail(mail: Mail | None, target: str, message: Message, *, demo: bool) -> None:
    """Hand a message to the mail server.

    Raises:
        DeliveryError: there is no mail server, or it didn't take the message.
    """
    if mail is None:
        raise DeliveryError("no mail server is set: an operator names it in DASHBOARD_SMTP_HOST")
    if demo:
        require_loopback(mail.host)
    written = written_mail(mail, target, message)
    try:
        with _connected(mail) as server:
            server.send_message(written, from_addr=mail.sender, to_addrs=[target])
            # It has the message: whatever it says to the goodbye is no reason to send it again.
            with contextlib.suppress(smtplib.SMTPException, OSError):
                server.quit()
    except smtplib.SMTPRecipientsRefused:
        raise DeliveryError("the mail server does not take messages for this address") from None
    except smtplib.SMTPAuthenticationError:
        raise DeliveryError("the mail server refused user and password") from None
    except smtplib.SMTPResponseException as error:
        raise DeliveryError(f"the mail server refused the message with code {error.smtp_code}") from None
    except smtplib.SMTPNotSupportedError:
        raise DeliveryError("the mail server offers no TLS, or no sign-in") from None
    except ssl.SSLError:
        raise DeliveryError("the mail server's certificate or TLS is not accepted") from None
    except (smtplib.SMTPException, OSError, UnicodeError) as error:  # the last of a host that can be no name
        raise DeliveryError(f"the mail server {mail.host}:{mail.port} does not answer{_reason(error)}") from None


def written_mail(mail: Mail, target: str, message: Message) -> EmailMessage:
    """The message as e-mail. No header can be ended early: each is one line or refused."""
    written = EmailMessage(policy=SMTP)
    written["From"] = f"{PRODUCT} <{mail.sender}>"
    written["To"] = target
    written["Subject"] = message.subject
    written["Date"] = format_datetime(localtime())
    written["Message-ID"] = make_msgid(domain=mail.sender.rpartition("@")[2])
    written["Auto-Submitted"] = "auto-generated"
    written.set_content(message.text)
    return written


class _Cut:
    """A mail server's connection that is cut once its time is up, be it in the midst of a line."""

    sock: socket.socket | None = None

    def __init__(self, *given: Any, **named: Any) -> None:
        self.timer = threading.Timer(MAIL_DEADLINE, self._cut)
        self.timer.daemon = True
        self.timer.start()
        try:
            super().__init__(*given, **named)
        except BaseException:
            self.timer.cancel()
            raise

    def _cut(self) -> None:
        if self.sock is not None:
            with contextlib.suppress(OSError):
                # The socket's own, since that of TLS would first let go of what another thread is reading with.
                socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _Server(_Cut, smtplib.SMTP):
    """A mail server, in plain text at first."""


class _ServerByTLS(_Cut, smtplib.SMTP_SSL):
    """A mail server by TLS from the first byte on."""


@contextlib.contextmanager
def _connected(mail: Mail) -> Iterator[smtplib.SMTP]:
    if mail.tls == "tls":
        server: _Server | _ServerByTLS = _ServerByTLS(
            mail.host, mail.port, timeout=TIMEOUT, context=ssl.create_default_context()
        )
    else:
        server = _Server(mail.host, mail.port, timeout=TIMEOUT)
    try:
        if mail.tls == "starttls":
            server.starttls(context=ssl.create_default_context())
        if mail.user:
            server.login(mail.user, mail.password)
        if server.sock is not None:
            server.sock.settimeout(MAIL_PATIENCE)
        yield server
    finally:
        server.timer.cancel()
        server.close()


def _reason(error: Exception) -> str:
    return f" ({error.strerror})" if isinstance(error, OSError) and error.strerror else ""


def send_hook(settings: Settings, target: str, secret: str, message: Message, delivery: str, *, demo: bool) -> None:
    """Post a message to a webhook, signed; a redirect is not followed, the answer's body is not read.

    Raises:
        DeliveryError: the address is not allowed any more, or the other side didn't answer with 2xx.
    """
    try:
        url = hook_target(settings, target)
    except TargetError as error:
        raise DeliveryError(str(error).rstrip(".")) from None
    if demo:
        require_loopback(urlsplit(url).hostname or "")
    body, moment = message.body, str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "infusion-dashboard",
        TIMESTAMP: moment,
        DELIVERY: delivery,
        SIGNATURE: signature(secret, moment, body),
    }
    try:
        status = asyncio.run(_posted(url, body, headers))
    except (httpx.TimeoutException, TimeoutError) as error:
        seconds = HOOK_DEADLINE if isinstance(error, TimeoutError) else TIMEOUT
        raise DeliveryError(f"the webhook did not answer within {seconds:.0f} seconds") from None
    except httpx.HTTPError:
        raise DeliveryError("the webhook cannot be reached, or its certificate is not accepted") from None
    if not 200 <= status < 300:
        raise DeliveryError(f"the webhook answered with status {status}, not 2xx")


async def _posted(url: str, body: bytes, headers: dict[str, str]) -> int:
    """The status of the answer, however slowly it comes in; TimeoutError after `HOOK_DEADLINE`."""
    client = httpx.AsyncClient(
        timeout=TIMEOUT, follow_redirects=False, trust_env=False, verify=ssl.create_default_context()
    )
    posted = client.stream("POST", url, content=body, headers=headers)
    async with asyncio.timeout(HOOK_DEADLINE), client, posted as answer:
        return answer.status_code


def signature(secret: str, moment: str, body: bytes) -> str:
    """What the other side checks: HMAC-SHA256 of timestamp, point and body, in hex."""
    return "sha256=" + hmac.new(secret.encode(), moment.encode() + b"." + body, hashlib.sha256).hexdigest()
