"""nginx and Caddy with the published configurations, in front of servers of the tests' own."""

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
from functools import cached_property
from pathlib import Path
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.sync.client import connect

from dashboard.settings import ROOT
from tests.ports import free_port
from tests.server.server_harness import Answer, Stream

CONFIGURATIONS = ROOT / "docs" / "deploy"
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


_CADDY_OPTIONS = """
{{
    admin off
    skip_install_trust
    storage file_system {folder}
    http_port {plain}
    https_port {port}
    default_bind 127.0.0.1
}}
"""


def program(name: str) -> str | None:
    """Path of `nginx` or `caddy`, or None where there is none."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


@dataclass(frozen=True)
class Proxy:
    """Where a proxy listens, and whom its certificate is trusted by."""

    port: int
    plain_port: int
    authority: Path
    log: Path

    @cached_property
    def tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.authority)

    @cached_property
    def tls_of_streams(self) -> ssl.SSLContext:
        """TLS 1.2: the websocket client reads and writes in two threads, and one that reads 1.3's tickets while
        the other sends the request takes the connection for closed (4 of 3,100)."""
        tls = ssl.create_default_context(cafile=self.authority)
        tls.maximum_version = ssl.TLSVersion.TLSv1_2
        return tls

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
            ssl=self.tls_of_streams,
            open_timeout=60,
        ) as connection:
            yield Stream(connection)


@contextmanager
def nginx(folder: Path, ports: tuple[int, int]) -> Iterator[Proxy]:
    """Run nginx over servers at these two ports."""
    port, plain = free_port(), free_port()
    certificate, key = _certificate(folder)
    changes = {
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl;": f"listen 127.0.0.1:{port} ssl;",
        "/etc/ssl/dashboard/fullchain.pem": str(certificate),
        "/etc/ssl/dashboard/key.pem": str(key),
        "/var/log/nginx/dashboard.log": str(folder / "access.log"),
    }
    (folder / "dashboard.conf").write_text(_here("nginx.conf", ports, changes), encoding="utf-8")
    wrapper = folder / "nginx.conf"
    user = "user root;" if os.getuid() == 0 else ""
    wrapper.write_text(_WRAPPER.format(folder=folder, user=user), encoding="utf-8")
    command = [program("nginx"), "-c", wrapper, "-p", folder]
    with _running(command, folder / "error.log", port, plain, certificate, folder / "access.log") as proxy:
        yield proxy


@contextmanager
def caddy(folder: Path, ports: tuple[int, int]) -> Iterator[Proxy]:
    """Run Caddy over servers at these two ports, with a certificate of its own authority."""
    port, plain = free_port(), free_port()
    options = _CADDY_OPTIONS.format(folder=folder, port=port, plain=plain)
    file = folder / "Caddyfile"
    file.write_text(options + _here("Caddyfile", ports, {}), encoding="utf-8")
    root = folder / "pki" / "authorities" / "local" / "root.crt"
    command = [program("caddy"), "run", "--config", file, "--adapter", "caddyfile"]
    with _running(command, folder / "error.log", port, plain, root, folder / "error.log") as proxy:
        yield proxy


def _here(name: str, ports: tuple[int, int], changes: dict[str, str]) -> str:
    """A published configuration with this machine's name, ports and files."""
    text = (CONFIGURATIONS / name).read_text(encoding="utf-8")
    replicas = {"127.0.0.1:8501": f"127.0.0.1:{ports[0]}", "127.0.0.1:8502": f"127.0.0.1:{ports[1]}"}
    for published, here in {**replicas, "dashboard.example.org": NAME, **changes}.items():
        assert published in text
        text = text.replace(published, here)
    return text


@contextmanager
def _running(
    command: list[str | Path], errors: Path, port: int, plain: int, authority: Path, log: Path
) -> Iterator[Proxy]:
    with errors.open("ab") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
    try:
        proxy = _awaited(process, errors, port, plain, authority, log)
        yield proxy
    finally:
        process.terminate()
        process.wait(20)


def _awaited(process: subprocess.Popen, errors: Path, port: int, plain: int, authority: Path, log: Path) -> Proxy:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        assert process.poll() is None, errors.read_text()
        with suppress(OSError):
            proxy = Proxy(port, plain, authority, log)
            proxy.request("GET", "/healthz")
            return proxy
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
