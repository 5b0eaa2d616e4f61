"""Where messages may go, and how they get there: TLS, sign-in, headers, nothing beyond this machine from a demo."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from alerts_clinic import SECRET, hook_server, mail_server
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dashboard.alerts import deliver
from dashboard.alerts.deliver import DeliveryError, TargetError
from dashboard.alerts.messages import Item, Message, plain
from dashboard.alerts.rules import Condition, Rule
from dashboard.settings import Mail, Settings

RULE = Rule("r1", "max", Condition("dallas", "special", "bookings", "any"))


def message(title="Bookings in Dallas: out of the usual", said="Bookings 3"):
    item = Item(RULE, plain(title), "opened", dt.date(2026, 3, 26), plain(said), "https://dashboard.example/today")
    return Message(opened=[item])


# --- where messages may go -------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["", "max", "max@", "@clinic.example", "max@clinic.example\r\nBcc: all@elsewhere.example", "max@a.example,b@c.example",
     "Max <max@clinic.example>", "max@clinic.example b", "max@clinic..\n", "mäx@clinic.example", "max@" + "x" * 300],
)  # fmt: skip
def test_what_is_no_single_address_is_refused(tmp_path, text):
    with pytest.raises(TargetError):
        deliver.mail_target(Settings(data=tmp_path), text)


def test_an_operator_can_keep_mail_within_domains(tmp_path):
    settings = Settings(data=tmp_path, mail_domains=frozenset({"clinic.example"}))
    assert deliver.mail_target(settings, " Max.Ho+alerts@Clinic.Example ") == "Max.Ho+alerts@Clinic.Example"
    for address in ("max@elsewhere.example", "max@clinic.example.elsewhere.example", "max@sub.clinic.example"):
        with pytest.raises(TargetError, match=r"these domains only: clinic\.example"):
            deliver.mail_target(settings, address)


ALLOWED = frozenset({"hooks.example", "chat.example:8443", "127.0.0.1:9000", "[::1]:9000"})


@pytest.mark.parametrize(
    "url",
    ["https://hooks.example/a?b=c", "https://HOOKS.example:443/", "https://chat.example:8443/x", "http://127.0.0.1:9000/x",
     "http://[::1]:9000/x"],
)  # fmt: skip
def test_a_webhook_on_an_allowed_host_is_taken(tmp_path, url):
    assert deliver.hook_target(Settings(data=tmp_path, webhook_hosts=ALLOWED), url) == url


@pytest.mark.parametrize(
    "url",
    ["", "hooks.example", "//hooks.example/", "ftp://hooks.example/", "file:///etc/passwd", "http://hooks.example/",
     "https://hooks.example:8443/", "https://chat.example/", "https://hooks.example.evil.example/", "https://evil.example/",
     "https://hooks.example@evil.example/", "https://evil.example#hooks.example", "https://evil.example\\@hooks.example/",
     "https://hooks.example\\.evil.example/", "https://sub.hooks.example/", "https://hooks.example./", "https://169.254.169.254/",
     "https://localhost/", "https://127.0.0.1/", "https://[::1]/", "https://0x7f000001/", "https://hooks.example:99999/",
     "https://hooks.example/\r\nX: y", "https://hooks.example/ x", "https://hooks.example/\x00", "https://user:pass@hooks.example/",
     "https://hooks.example/" + "x" * 500, "https://höoks.example/", "https:///x", "https://[::1", "http://127.0.0.1:9001/"],
)  # fmt: skip
def test_no_webhook_leads_anywhere_else(tmp_path, url):
    with pytest.raises(TargetError):
        deliver.hook_target(Settings(data=tmp_path, webhook_hosts=ALLOWED), url)
    with pytest.raises(TargetError):
        deliver.hook_target(Settings(data=tmp_path), url)


def test_without_the_operators_setting_there_are_no_webhooks(tmp_path):
    with pytest.raises(TargetError, match="DASHBOARD_WEBHOOK_HOSTS"):
        deliver.hook_target(Settings(data=tmp_path), "https://hooks.example/")


# --- headers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\x0b", "\x85", "\u2028", "\x00"])
def test_no_name_of_a_site_ends_a_header(mail, ending):
    name = f"Dallas{ending}Bcc: all@elsewhere.example{ending}{ending}body"
    deliver.send_mail(
        mail.settings, "max@clinic.example", message(f"Bookings in {name}: out of the usual", name), demo=False
    )
    [(to, arrived)] = mail.arrived
    assert to == "max@clinic.example"
    assert arrived["Bcc"] is None
    assert arrived["Subject"] == (
        "Infusion dashboard: Alert: Bookings in Dallas Bcc: all@elsewhere.example body: out of the usual"
    )
    assert arrived["From"] == "Infusion dashboard <dashboard@clinic.example>"
    assert (arrived["Auto-Submitted"], arrived.get_content_type()) == ("auto-generated", "text/plain")
    assert arrived["Date"].datetime.tzinfo is not None
    assert arrived["Message-ID"].endswith("@clinic.example>")


def test_long_names_and_other_scripts_arrive_whole(mail):
    deliver.send_mail(
        mail.settings, "max@clinic.example", message("Bookings in " + "Zürich 東京 " * 40, "ü" * 900), demo=False
    )
    [(_, arrived)] = mail.arrived
    assert arrived["Subject"].startswith("Infusion dashboard: Alert: Bookings in Zürich 東京")
    assert len(arrived["Subject"]) <= 150
    assert "ü" * 900 in arrived.get_content()


# --- TLS and sign-in -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of this machine's, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + built.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def trusted(certificate, monkeypatch):
    """The machine trusts that certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))


def serving(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def signing_in(_server, _session, _envelope, _mechanism, given):
    assert isinstance(given, LoginPassword)
    right = (given.login, given.password) == (b"dashboard", b"secret")
    return AuthResult(success=right, handled=False)


def test_mail_goes_by_tls_with_user_and_password(certificate, trusted):
    options = {"tls_context": serving(certificate), "require_starttls": True, "auth_required": True}
    with mail_server(authenticator=signing_in, **options) as served:
        mail = replace(served.settings, tls="starttls", user="dashboard", password="secret")
        deliver.send_mail(mail, "max@clinic.example", message(), demo=False)
        with pytest.raises(DeliveryError, match="refused user and password") as refused:
            deliver.send_mail(replace(mail, password="guess"), "max@clinic.example", message(), demo=False)
        assert "guess" not in str(refused.value)
        with pytest.raises(DeliveryError, match="refused the message with code 530"):
            deliver.send_mail(replace(mail, user=""), "max@clinic.example", message(), demo=False)
        assert len(served.arrived) == 1


def test_mail_goes_by_tls_from_the_first_byte(certificate, trusted):
    with mail_server(ssl_context=serving(certificate)) as served:
        deliver.send_mail(replace(served.settings, tls="tls"), "max@clinic.example", message(), demo=False)
        assert len(served.arrived) == 1


def test_a_mail_server_with_an_unknown_certificate_gets_nothing(certificate):
    with mail_server(tls_context=serving(certificate)) as served:
        with pytest.raises(DeliveryError, match="certificate or TLS is not accepted"):
            deliver.send_mail(replace(served.settings, tls="starttls"), "max@clinic.example", message(), demo=False)
        assert served.arrived == []


def test_a_mail_server_without_tls_gets_nothing_where_tls_is_set(mail):
    with pytest.raises(DeliveryError, match="offers no TLS"):
        deliver.send_mail(replace(mail.settings, tls="starttls"), "max@clinic.example", message(), demo=False)
    assert mail.arrived == []


def test_a_webhook_goes_by_tls_to_a_certificate_that_is_trusted(certificate, tmp_path, monkeypatch):
    with hook_server(lambda socket: serving(certificate).wrap_socket(socket, server_side=True)) as hook:
        settings = Settings(data=tmp_path, webhook_hosts=frozenset({hook.host}))
        url = f"https://{hook.host}/alerts"
        with pytest.raises(DeliveryError, match="certificate is not accepted"):
            deliver.send_hook(settings, url, "s", message(), "d", demo=False)
        assert hook.posted == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        # A proxy that the environment names is not asked.
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        deliver.send_hook(settings, url, "s", message(), "d", demo=False)
        assert len(hook.posted) == 1


# --- a demo ----------------------------------------------------------------------------------


def test_a_demo_sends_nothing_beyond_this_machine(mail, hook, tmp_path):
    deliver.send_mail(mail.settings, "max@clinic.example", message(), demo=True)
    settings = Settings(data=tmp_path, webhook_hosts=frozenset({hook.host, "hooks.example"}))
    deliver.send_hook(settings, hook.url, "s", message(), "d", demo=True)
    assert (len(mail.arrived), len(hook.posted)) == (1, 1)
    with pytest.raises(DeliveryError, match=r"nothing beyond this machine, and smtp\.example is another"):
        deliver.send_mail(replace(mail.settings, host="smtp.example"), "max@clinic.example", message(), demo=True)
    with pytest.raises(DeliveryError, match=r"nothing beyond this machine, and hooks\.example is another"):
        deliver.send_hook(settings, "https://hooks.example/", "s", message(), "d", demo=True)


# --- settings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"FROM": ""}, "DASHBOARD_MAIL_FROM"),
        ({"FROM": "a@b.example\nBcc: c@d.example"}, "DASHBOARD_MAIL_FROM"),
        ({"TLS": "maybe"}, "DASHBOARD_SMTP_TLS"),
        ({"TLS": "none"}, "on this machine"),
        ({"PORT": "smtp"}, "DASHBOARD_SMTP_PORT"),
        ({"PORT": "0"}, "DASHBOARD_SMTP_PORT"),
        ({"USER": "dashboard"}, "need each other"),
        ({"PASSWORD": "secret"}, "need each other"),
        ({"PASSWORD_FILE": "/nowhere"}, "cannot be read"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch, given, why):
    with pytest.raises(ValueError, match=why) as refused:
        mail_of(monkeypatch, **given)
    assert "secret" not in str(refused.value)


def mail_of(monkeypatch, **given):
    for name, value in {"HOST": "smtp.example", "FROM": "dashboard@clinic.example", **given}.items():
        monkeypatch.setenv(f"DASHBOARD_{'MAIL' if name == 'FROM' else 'SMTP'}_{name}", value)
    return Settings.from_environment().mail


def test_a_mail_server_is_read_from_the_settings(monkeypatch, tmp_path):
    (tmp_path / "password").write_text("secret\n")
    mail = mail_of(monkeypatch, USER="dashboard", PASSWORD_FILE=str(tmp_path / "password"))
    assert (mail.host, mail.port, mail.tls, mail.user, mail.password) == (
        "smtp.example", 587, "starttls", "dashboard", "secret",
    )  # fmt: skip
    assert "secret" not in repr(mail)
    assert mail_of(monkeypatch, TLS="tls").port == 465
    assert mail_of(monkeypatch, TLS="none", HOST="127.0.0.1", PORT="2525").port == 2525
    monkeypatch.setenv("DASHBOARD_WEBHOOK_HOSTS", "Hooks.example, chat.example:8443,")
    assert Settings.from_environment().webhook_hosts == {"hooks.example", "chat.example:8443"}


# --- who never comes to an end ---------------------------------------------------------------


@contextmanager
def trickling(*said):
    """A server that says each of these after a line of the other side's, the last one byte by byte for ten seconds."""
    ended = threading.Event()

    def talk(listening):
        with listening, listening.accept()[0] as there, there.makefile("rb") as lines, contextlib.suppress(OSError):
            for words in said[:-1]:
                there.sendall(words)
                lines.readline()
            there.sendall(said[-1])
            while not ended.wait(0.1):
                there.sendall(b"a")

    listening = socket.create_server(("127.0.0.1", 0))
    threading.Timer(10, ended.set).start()
    thread = threading.Thread(target=talk, args=(listening,))
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        ended.set()
        thread.join()


@pytest.mark.parametrize("said", [b"H", b"HTTP/1.1 200 OK\r\nX-Slow: "])
def test_a_webhook_that_trickles_its_answer_holds_nobody_up(tmp_path, monkeypatch, said):
    monkeypatch.setattr(deliver, "HOOK_DEADLINE", 1.0)
    with trickling(b"", said) as port:
        allowed = Settings(data=tmp_path, webhook_hosts=frozenset({f"127.0.0.1:{port}"}))
        began = time.monotonic()
        with pytest.raises(DeliveryError, match="the webhook did not answer within 1 seconds"):
            deliver.send_hook(allowed, f"http://127.0.0.1:{port}/", SECRET, message(), "d", demo=False)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("said", [(b"220-",), (b"220 here\r\n", b"250 here\r\n", b"250 ok\r\n", b"250-")])
def test_a_mail_server_that_trickles_its_answer_holds_nobody_up(monkeypatch, said):
    monkeypatch.setattr(deliver, "MAIL_DEADLINE", 1.0)
    with trickling(*said) as port:
        began = time.monotonic()
        mail = Mail("127.0.0.1", port, "none", "a@clinic.example")
        with pytest.raises(DeliveryError, match="does not answer"):
            deliver.send_mail(mail, "max@b.example", message(), demo=False)
        assert time.monotonic() - began < 5
