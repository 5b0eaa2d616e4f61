"""Names that are unknown, disabled or protected by a second factor are answered alike, and as fast."""

from __future__ import annotations

import asyncio
import http.client
import statistics
import time
from collections import Counter
from contextlib import closing
from html import escape
from urllib.parse import urlencode

import pyotp
import pytest
from server_harness import PASSWORD, probe_server
from sqlalchemy import event
from starlette.applications import Starlette

from dashboard import sign_in
from dashboard.access import Role
from dashboard.settings import Settings
from dashboard.sign_in import desk
from dashboard.state import Store, authenticator
from dashboard.state.brake import Brake
from dashboard.state.sealing import Seal
from dashboard.state.second_factor import SecondFactors, new_secret

KINDS = ("known", "unknown", "disabled", "second factor", "invited", "no name")
ROUNDS = 4
NAMES = {"second factor": "factor", "no name": ".. .."}


def prepare(data, rounds):
    """One account of each kind, with the name of the kind."""
    with Store.open(data, rounds=rounds) as store:
        for name in ("known", "disabled", "factor"):
            store.add_user(name, Role.ADMIN, PASSWORD)
        store.add_user("invited", Role.ADMIN, None)
        store.disable("disabled")
        secret = new_secret()
        factors = SecondFactors(store, Seal.for_settings(Settings(data)))
        assert factors.confirm(store.user("factor"), secret, pyotp.TOTP(secret).now())


def post(app, form):
    """The answer of the app in this process: status, names of headers, text."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": urlencode(form).encode()}

    async def send(message):
        sent.append(message)

    headers = {"host": "x", "origin": "http://x", "content-type": "application/x-www-form-urlencoded"}
    scope = {"type": "http", "method": "POST", "path": "/login", "raw_path": b"/login", "query_string": b""}
    scope |= {
        "scheme": "http",
        "client": ("10.0.0.1", 1),
        "server": ("x", 80),
        "root_path": "",
        "http_version": "1.1",
    }
    scope["headers"] = [(key.encode(), value.encode()) for key, value in headers.items()]
    asyncio.run(app(scope, receive, send))
    start, *parts = sent
    return start["status"], [name for name, _ in start["headers"]], b"".join(p["body"] for p in parts).decode()


def test_every_kind_of_name_costs_the_same_work(tmp_path, monkeypatch):
    prepare(tmp_path, ROUNDS)
    checks, statements = [], []
    check = authenticator.Hasher.check_pw

    def counted(password, password_hash):
        checks.append(password_hash[:7])
        return check(password, password_hash)

    monkeypatch.setattr(authenticator.Hasher, "check_pw", counted)
    work, replies = {}, {}
    with Store.open(tmp_path, rounds=ROUNDS) as store:
        engine = store.database._engine
        event.listen(engine, "before_cursor_execute", lambda *a: statements.append(a[2].split("where")[0]))
        app = Starlette(routes=sign_in.routes(store, Settings(tmp_path)))
        for kind in KINDS:
            name = NAMES.get(kind, kind)
            form = {"username": name, "password": "wrong password"}
            post(app, form)  # the first of a name makes its row
            checks.clear()
            statements.clear()
            status, headers, shown = post(app, form)
            work[kind] = (tuple(checks), Counter(statements))
            replies[kind] = (status, headers, shown.replace(f'value="{escape(name)}"', ""))
    assert work["known"][0] == (f"$2b${ROUNDS:02d}$",)
    assert len(work["known"][1]) >= 8
    for kind in KINDS:
        assert work[kind] == work["known"], kind
        assert replies[kind] == replies["known"], kind


def test_who_waits_for_a_turn_in_vain_is_told_so_and_gets_in_later(tmp_path, monkeypatch):
    """Another process holds all tries of the account and doesn't come back."""
    prepare(tmp_path, ROUNDS)
    monkeypatch.setattr(desk, "PATIENCE", 0.3)
    with Store.open(tmp_path, rounds=ROUNDS) as store:
        brake = Brake(store)
        tickets = [brake.admit("known", f"10.0.0.{number}").ticket for number in range(2, 7)]
        assert all(tickets)
        app = Starlette(routes=sign_in.routes(store, Settings(tmp_path)))
        form = {"username": "known", "password": PASSWORD}
        status, headers, shown = post(app, form)
        assert status == 429
        assert b"retry-after" in headers
        assert "Try again in a few seconds." in shown
        brake.settle(tickets[0], right=True)
        assert post(app, form)[0] == 303


@pytest.mark.bench
def test_the_time_of_a_refusal_tells_nothing(tmp_path):
    """Median time of a failed sign-in by kind of name, in turns, at the production cost of hashes."""
    prepare(tmp_path, 12)
    taken = {kind: [] for kind in KINDS}
    with probe_server(tmp_path) as server, closing(http.client.HTTPConnection("127.0.0.1", server.port)) as line:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": server.origin}
        for turn in range(31):
            for kind in KINDS:
                body = urlencode({"username": NAMES.get(kind, kind), "password": f"wrong password {turn}"})
                server.sql("delete from brakes")
                start = time.perf_counter()
                line.request("POST", "/login", body, headers)
                answer = line.getresponse()
                answer.read()
                taken[kind].append(time.perf_counter() - start)
                assert answer.status == 401
    medians = {kind: statistics.median(times[1:]) for kind, times in taken.items()}
    for kind, median in medians.items():
        print(f"{kind:<14}{1000 * median:7.1f} ms  {100 * (median / medians['known'] - 1):+5.1f} %")
    print(f"widest gap {100 * (max(medians.values()) / min(medians.values()) - 1):.1f} %")
