"""Requests that a proxy and the server could read differently, and files that others on the machine could."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from dashboard.access import Role
from dashboard.state.export_tokens import ExportTokens

DASHBOARD = str(Path(sys.executable).parent / "dashboard")


def statuses(server, request: str) -> list[int]:
    """What is answered to bytes on one connection, until it ends."""
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as connection:
        connection.sendall(request.encode())
        connection.settimeout(3)
        found = b""
        try:
            while data := connection.recv(65536):
                found += data
        except TimeoutError:
            pass
    return [int(status) for status in re.findall(rb"HTTP/1\.1 ([0-9]+)", found)]


@pytest.mark.parametrize("path", ["/login", "/data", "/export/booking_rows.csv"])
def test_a_request_with_two_lengths_carries_no_other(server, path):
    """By its length the second is the first one's body; by its chunks it stands for itself."""
    host = f"Host: {server.host}\r\n"
    second = f"GET /session HTTP/1.1\r\n{host}Cookie: {server.sign_in('max')}\r\n\r\n"
    length = f"Content-Length: {5 + len(second)}\r\nTransfer-Encoding: chunked\r\n"
    assert statuses(server, f"POST {path} HTTP/1.1\r\n{host}{length}\r\n0\r\n\r\n{second}") == [400]


def test_a_token_opens_files_and_no_other_address(server):
    with server.store() as store:
        token = ExportTokens(store).issue("max", "Sheet", ["booking_rows"], None, timedelta(hours=1))
    bearer = {"Authorization": f"Bearer {token}"}
    for path in ("/export/", "/export//", "/export/../data", "/export/_stcore/health", "/export/x/static/index.html"):
        answer = server.request("GET", path, **bearer)
        assert (answer.status, answer.headers["Location"]) == (404, None), path
    assert server.request("GET", "/data", **bearer).status == 401


def test_what_is_written_is_for_its_owner_and_their_group(tmp_path):
    """Also where whoever starts it says nothing of the kind, and libraries make files of their own."""
    data, delivery, out = tmp_path / "data", tmp_path / "delivery", tmp_path / "out"
    out.mkdir(mode=0o700)
    steps = (
        ["demo", str(delivery), "--bookings", "300"],
        ["import", str(delivery)],
        ["users", "add", "ada", "--role", Role.ADMIN.value, "--all-sites", "--invite"],
        ["export", "booking_rows", "--as", "ada", "-o", str(out / "rows.csv")],
    )
    for arguments in steps:
        done = subprocess.run(
            [DASHBOARD, *arguments], env=os.environ | {"DASHBOARD_DATA": str(data)}, umask=0, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    written = [path for folder in (data, delivery, out) for path in folder.rglob("*")]
    assert len(written) > 10
    open_to_all = [path for path in [data, *written] if path.stat().st_mode & 0o027]
    assert not open_to_all
