"""A clinic of two sites that goes on day by day, and the ends that messages arrive at."""

from __future__ import annotations

import asyncio
import atexit
import datetime as dt
import json
import shutil
import tempfile
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from aiosmtpd.controller import Controller

from dashboard.alerts.rules import Condition
from dashboard.intake.publish import import_delivery
from dashboard.settings import Mail, Settings
from tests.ports import free_port

BEGAN = dt.date(2026, 1, 5)  # a Monday
THURSDAY = dt.date(2026, 3, 26)
FRIDAY = THURSDAY + dt.timedelta(days=1)
SPIKE = {("dallas", THURSDAY)}
NO_SHOWS = Condition("dallas", "special", "no_show_rate", "worse")
SITES = ("chicago", "dallas")
#: What the webhook's messages are signed with.
SECRET = "a secret of the webhook"
#: What no message may hold of a row.
MARKS = ("PATIENT-", "BOOKING-", "Dr-secret", "free text of a nurse", "1980-02-03")


def no_shows(site: str, day: dt.date, spikes: Collection[tuple[str, dt.date]]) -> int:
    """Few on usual days, and most of all on a spike."""
    return 15 if (site, day) in spikes else 1 + (day.toordinal() * 7) % 3


def write_delivery(
    folder: Path,
    last: dt.date,
    spikes: Collection[tuple[str, dt.date]] = (),
    gaps: Collection[tuple[str, dt.date]] = (),
) -> Path:
    """Twenty bookings a day and site from Monday to Saturday up to `last`."""
    rows = ["booking_id,patient_id,site,service,starts_at,status,booked_at,birth_date,provider,side_effects_assessed"]
    effects = ["event_id,booking_id,effect,severity,action"]
    for number in range((last - BEGAN).days + 1):
        day = BEGAN + dt.timedelta(days=number)
        for site in SITES:
            if day.weekday() == 6 or (site, day) in gaps:
                continue
            missed = no_shows(site, day, spikes)
            for visit in range(20):
                key = f"{site}-{number}-{visit}"
                status = "no_show" if visit < missed else "completed"
                service = ("ketamine-infusion", "vitamin-c")[visit % 2]
                rows.append(
                    f"BOOKING-{key},PATIENT-{site}-{visit},{site},{service},{day} {8 + visit % 9:02}:00,{status},"
                    f"{day - dt.timedelta(days=3)} 08:00,1980-02-03,Dr-secret,yes"
                )
                if status == "completed" and visit == 19 and day.weekday() < 2:
                    effects.append(f"E-{key},BOOKING-{key},nausea,mild,free text of a nurse")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bookings.csv").write_text("\n".join(rows) + "\n")
    (folder / "side_effects.csv").write_text("\n".join(effects) + "\n")
    return folder


def publish(
    data: Path,
    last: dt.date,
    spikes: Iterable[tuple[str, dt.date]] = (),
    gaps: Iterable[tuple[str, dt.date]] = (),
) -> None:
    """Put the clinic's data up to this day in use."""
    shutil.copytree(
        _extracts(last, frozenset(spikes), frozenset(gaps)), Settings(data=data).extracts, dirs_exist_ok=True
    )


@cache
def _extracts(last: dt.date, spikes: frozenset[tuple[str, dt.date]], gaps: frozenset[tuple[str, dt.date]]) -> Path:
    """The folder of extracts with these data alone, imported once a process: most tests ask for the same."""
    data = Path(tempfile.mkdtemp(prefix="alerts-clinic-"))
    atexit.register(shutil.rmtree, data)
    import_delivery(write_delivery(data / "delivery", last, spikes, gaps), data)
    return Settings(data=data).extracts


# --- a mail server ---------------------------------------------------------------------------


@dataclass
class MailServer:
    """What arrived; `answer` is what the server says to a message, `goodbye` at the end, `wait` holds each up until it is set."""

    port: int
    arrived: list[tuple[str, object]] = field(default_factory=list)
    answer: str = "250 OK"
    goodbye: str = "221 Bye"
    began: threading.Event = field(default_factory=threading.Event)
    wait: threading.Event | None = None

    @property
    def settings(self) -> Mail:
        return Mail("127.0.0.1", self.port, "none", "dashboard@clinic.example")

    def texts(self) -> list[str]:
        return [message.get_content().replace("\r\n", "\n") for _, message in self.arrived]

    def subjects(self) -> list[str]:
        return [message["Subject"] for _, message in self.arrived]

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - the name that aiosmtpd calls
        self.began.set()
        if self.wait is not None:
            await asyncio.get_running_loop().run_in_executor(None, self.wait.wait, 30)
        if self.answer.startswith("250"):
            message = message_from_bytes(envelope.content, policy=policy.default)
            self.arrived.append((",".join(envelope.rcpt_tos), message))
        return self.answer

    async def handle_QUIT(self, _server, _session, _envelope):  # noqa: N802 - the name that aiosmtpd calls
        return self.goodbye


@contextmanager
def mail_server(**options: object) -> Iterator[MailServer]:
    served = MailServer(free_port())
    controller = Controller(served, hostname="127.0.0.1", port=served.port, **options)
    controller.start()
    try:
        yield served
    finally:
        if served.wait is not None:
            served.wait.set()
        controller.stop()


# --- a webhook -------------------------------------------------------------------------------


@dataclass
class Hook:
    """What was posted: headers and body of each request; `status` is the answer."""

    port: int = 0
    status: int = 204
    location: str = ""
    posted: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}/alerts?token=x"

    def bodies(self) -> list[dict]:
        return [json.loads(body) for _, body in self.posted]


@contextmanager
def hook_server(wrap: Callable = lambda socket: socket) -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.posted.append((dict(self.headers.items()), body))
            self.send_response(hook.status)
            if hook.location:
                self.send_header("Location", hook.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = wrap(server.socket)
    hook.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def days(number: int) -> dt.timedelta:
    return dt.timedelta(days=number)


def rule_of(clinic, username="max"):
    [rule] = clinic.rules.of(username)
    return rule
