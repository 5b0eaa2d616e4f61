"""nginx with the published configuration, in front of servers of the tests' own."""

from __future__ import annotations

import datetime as dt
import http.client
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.sync.client import connect

from dashboard.settings import ROOT
from tests.server.server_harness import Answer, Stream, free_port

CONFIGURATION = ROOT / "docs" / "deploy" / "nginx.conf"
NAME = "localhost"
_WRAPPER = """
daemon off;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/dashboard.conf;
}}
"""


def nginx() -> str | None:
    """Path of the program, or None where there is none."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True)
class Proxy:
    """Where nginx listens, and whom its certificate is trusted by."""

    port: int
    plain_port: int
    tls: ssl.SSLContext
    log: Path

    @property
    def host(self) -> str:
        return f"{NAME}:{self.port}"

    @property
    def origin(self) -> str:
        return f"https://{self.host}"

    def request(
        self, method: str, path: str, body: str | None = None, *, source: str = "127.0.0.1", **headers: str
    ) -> Answer:
        """Send a request from a loopback address."""
        connection = http.client.HTTPSConnection(
            NAME, self.port, timeout=30, context=self.tls, source_address=(source, 0)
        )
        with closing(connection):
            connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def login(self, username: str, password: str, **options: str) -> Answer:
        form = urlencode({"username": username, "password": password, "next": "/"})
        headers = {"Content_Type": "application/x-www-form-urlencoded", "Origin": self.origin} | options
        return self.request("POST", "/login", form, **headers)

    @contextmanager
    def stream(self, cookie: str, origin: str | None = None) -> Iterator[Stream]:
        with connect(
            f"wss://{self.host}/_stcore/stream",
            additional_headers={"Origin": origin or self.origin, "Cookie": cookie},
            subprotocols=["streamlit"],
            ssl=self.tls,
        ) as connection:
            yield Stream(connection)


@contextmanager
def proxied(folder: Path, ports: tuple[int, int]) -> Iterator[Proxy]:
    """Run nginx over servers at these two ports."""
    port, plain = free_port(), free_port()
    certificate, key = _certificate(folder)
    text = CONFIGURATION.read_text(encoding="utf-8")
    changes = {
        "127.0.0.1:8501": f"127.0.0.1:{ports[0]}",
        "127.0.0.1:8502": f"127.0.0.1:{ports[1]}",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "dashboard.example.org": NAME,
        "/etc/ssl/dashboard/fullchain.pem": str(certificate),
        "/etc/ssl/dashboard/key.pem": str(key),
        "/var/log/nginx/dashboard.log": str(folder / "access.log"),
    }
    for published, here in changes.items():
        assert published in text
        text = text.replace(published, here)
    (folder / "dashboard.conf").write_text(text, encoding="utf-8")
    wrapper = folder / "nginx.conf"
    user = "user root;" if os.getuid() == 0 else ""
    wrapper.write_text(_WRAPPER.format(folder=folder, user=user), encoding="utf-8")
    process = subprocess.Popen([nginx(), "-c", wrapper, "-p", folder], stderr=subprocess.DEVNULL)
    proxy = Proxy(port, plain, ssl.create_default_context(cafile=certificate), folder / "access.log")
    try:
        _await(proxy, process, folder / "error.log")
        yield proxy
    finally:
        process.terminate()
        process.wait(20)


def _await(proxy: Proxy, process: subprocess.Popen, errors: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        assert process.poll() is None, errors.read_text()
        with suppress(OSError):
            proxy.request("GET", "/healthz")
            return
        time.sleep(0.05)
    raise AssertionError(errors.read_text())


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files
