"""A real server in a process of its own, and what speaks to it."""

from __future__ import annotations

import html
import http.client
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from dashboard.access import Role
from dashboard.state import Store
from dashboard.state.demo import add_demo_accounts
from dashboard.state.users import UserRecord
from tests.demo_extract import add_extract
from tests.ports import free_port

PASSWORD = "correct horse battery"
#: What a browser sends that goes to a page.
NAVIGATION = {"Accept": "text/html,*/*;q=0.8"}
ACCOUNTS = {
    "ada": (Role.ADMIN, None),
    "max": (Role.MANAGER, ("chicago",)),
    "eve": (Role.FINANCE, None),
    "dan": (Role.MEDICAL_DIRECTOR, None),
}


@dataclass
class Answer:
    """An answer to an HTTP request, read to its end."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def field(self, name: str) -> str:
        """The value of a field of the form that the answer shows."""
        (value,) = re.findall(rf'name="{name}"[^>]*value="([^"]*)"', self.body.decode())
        return value

    @property
    def error(self) -> str:
        """What the page says went wrong."""
        return html.unescape("".join(re.findall(r'role="alert">([^<]*)<', self.body.decode())))

    @property
    def cookie(self) -> str:
        """The session's cookie as a browser would send it back, or the first of the answer, or nothing."""
        given = [line.split(";")[0] for line in self.headers.get_all("Set-Cookie") or []]
        return next((cookie for cookie in given if "dashboard_session=" in cookie), [*given, ""][0])


@dataclass
class Server:
    """Where a server listens and keeps its data."""

    port: int
    data: Path
    process: subprocess.Popen[str]
    output: Path
    cookies: dict[str, str] = field(default_factory=dict)
    patience: float = 20.0  # seconds

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def origin(self) -> str:
        return f"http://{self.host}"

    def request(self, method: str, path: str, body: str | None = None, **headers: str) -> Answer:
        """Send a request; header names are written with underscores."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.patience)) as connection:
            connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def login(self, username: str, password: str = PASSWORD, target: str = "/", **headers: str) -> Answer:
        """Send the login form as a browser does."""
        return self.post("/login", {"username": username, "password": password, "next": target}, **headers)

    def post(self, path: str, fields: Mapping[str, str], **headers: str) -> Answer:
        """Send one of our own forms as a browser does."""
        headers = {"Content_Type": "application/x-www-form-urlencoded", "Origin": self.origin} | headers
        return self.request("POST", path, urlencode(fields), **headers)

    def sign_in(self, username: str) -> str:
        """A fresh session cookie."""
        answer = self.login(username)
        assert answer.status == 303, answer
        return answer.cookie

    @contextmanager
    def stream(self, cookie: str | None, session: str = "", **headers: str) -> Iterator[Stream]:
        """Open Streamlit's websocket, resuming the Streamlit session `session` if one is named."""
        headers = {"Origin": self.origin} | headers
        if cookie:
            headers["Cookie"] = cookie
        with connect(
            f"ws://{self.host}/_stcore/stream",
            additional_headers={k.replace("_", "-"): v for k, v in headers.items()},
            subprotocols=["streamlit", "token", session] if session else ["streamlit"],
            open_timeout=self.patience,
        ) as connection:
            yield Stream(connection)

    def sql(self, statement: str, *values: object) -> list[tuple]:
        """Read or change the state store behind the server's back."""
        with closing(sqlite3.connect(self.data / "state" / "state.db", timeout=10)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def store(self) -> Store:
        return Store.open(self.data, rounds=4)


class Stream:
    """A browser's websocket to Streamlit."""

    def __init__(self, connection: ClientConnection) -> None:
        self.socket = connection
        self.patience = 20.0  # seconds

    def send_rerun(
        self,
        *,
        automatic: bool = False,
        query: str = "",
        widgets: Mapping[str, list[str] | str | bool | float] | None = None,
        page: str = "",
        page_hash: str = "",
        fragment: str = "",
    ) -> None:
        """Ask for a run, with whatever page, address and values of widgets a client likes to send."""
        message = BackMsg()
        message.rerun_script.page_script_hash = page_hash
        message.rerun_script.query_string = query
        message.rerun_script.page_name = page
        message.rerun_script.is_auto_rerun = automatic
        message.rerun_script.fragment_id = fragment
        for key, values in (widgets or {}).items():
            state = message.rerun_script.widget_states.widgets.add(id=key)
            if isinstance(values, list):
                state.string_array_value.data.extend(values)
            elif isinstance(values, bool):
                state.bool_value = values
            elif isinstance(values, float):
                state.double_value = values
            else:
                state.string_value = values
        self.socket.send(message.SerializeToString())

    def messages(self) -> Iterator[ForwardMsg]:
        """What the server sends until the script has run to its end, also where it began anew on its way."""
        while True:
            message = ForwardMsg()
            message.ParseFromString(self.socket.recv(timeout=self.patience))
            yield message
            early = message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN
            if message.WhichOneof("type") == "script_finished" and not early:
                return

    def run(self, **asked: Any) -> tuple[str, str]:
        """Run the script: the Streamlit session's id, and all texts that it shows."""
        self.send_rerun(**asked)
        session, texts = "", []
        for message in self.messages():
            kind = message.WhichOneof("type")
            if kind == "new_session":
                session = message.new_session.initialize.session_id
            elif kind == "delta":
                element = message.delta.new_element
                assert element.WhichOneof("type") != "exception", element
                texts.append(element.text.body + element.markdown.body + element.alert.body)
        return session, " ".join(texts)

    def code_at_end(self) -> int | None:
        """Read until the server closes the websocket: with which code."""
        with suppress(ConnectionClosed):
            while True:
                self.socket.recv(timeout=15)
        return self.socket.close_code


def add_accounts(data: Path) -> None:
    with Store.open(data, rounds=4) as store:
        for username, (role, sites) in ACCOUNTS.items():
            store.add_user(username, role, PASSWORD, sites=sites)


def people(data: Path) -> dict[str, UserRecord]:
    """The users of a data folder by name."""
    with Store.open(data, rounds=4) as store:
        return {user.username: user for user in store.list_users()}


@contextmanager
def running(command: list[str], port: int, data: Path, **environment: str):
    """Start a server, wait until it is ready, and stop it in the end."""
    output = data / f"server-{port}.log"
    with output.open("w") as log:
        process = subprocess.Popen(
            command,
            env=os.environ | {"DASHBOARD_DATA": str(data), "PYTHONUNBUFFERED": "1"} | environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            text=True,
        )
    server = Server(port, data, process, output)
    try:
        _await_health(server)
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def add_clinic(data: Path) -> None:
    """A small extract and the demo accounts, for a server that shows real pages."""
    add_extract(data)
    with Store.open(data, rounds=4) as store:
        add_demo_accounts(store)


def probe_server(data: Path, port: int | None = None, **environment: str):
    port = port or free_port()
    launch = Path(__file__).parent / "launch.py"
    return running([sys.executable, str(launch), str(port)], port, data, **environment)


def dashboard_server(data: Path, **environment: str):
    """`dashboard serve` over what is in the folder."""
    port = free_port()
    dashboard = str(Path(sys.executable).parent / "dashboard")
    return running([dashboard, "serve", "--port", str(port)], port, data, **environment)


def await_ready(server: Server) -> None:
    """Wait until the server has all that it needs."""
    _await(server, "/readyz")


def _await_health(server: Server) -> None:
    _await(server, "/healthz")


def _await(server: Server, path: str) -> None:
    # The first start of a demo draws and imports its data, which takes a busy machine minutes.
    end = time.monotonic() + 300
    while time.monotonic() < end:
        assert server.process.poll() is None, server.output.read_text()
        with suppress(OSError):
            if server.request("GET", path).status == 200:
                return
        time.sleep(0.05)
    raise AssertionError(server.output.read_text())
