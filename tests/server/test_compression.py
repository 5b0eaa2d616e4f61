"""What a page sends, as it crosses the line."""

from __future__ import annotations

import socket

import pytest
from server_harness import PASSWORD, Stream, await_ready, dashboard_server
from streamlit.util import calc_hash
from websockets.sync.client import connect

from dashboard.access import Role
from dashboard.serving import limits
from dashboard.state import Store
from tests.demo_extract import add_extract


class Counting(socket.socket):
    """A socket that counts what comes in."""

    received = 0

    def recv(self, *given):
        part = super().recv(*given)
        self.received += len(part)
        return part


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    data = tmp_path_factory.mktemp("compressed")
    add_extract(data)
    with Store.open(data, rounds=4) as store:
        store.add_user("director", Role.MEDICAL_DIRECTOR, PASSWORD)
    with dashboard_server(data) as running:
        await_ready(running)
        yield running


def sent_and_crossed(server, compressed):
    """Bytes of the messages of a page's second period, and bytes that crossed the line for them."""
    line = Counting(socket.AF_INET, socket.SOCK_STREAM)
    line.connect(("127.0.0.1", server.port))
    headers = {"Origin": server.origin, "Cookie": server.sign_in("director")}
    with connect(
        f"ws://{server.host}/_stcore/stream", sock=line, additional_headers=headers, subprotocols=["streamlit"],
        compression=compressed,
    ) as connection:  # fmt: skip
        stream = Stream(connection)
        page = calc_hash("bookings")
        stream.send_rerun(page_hash=page, query="period=7-days")
        assert len(list(stream.messages())) > 50
        before = line.received
        stream.send_rerun(page_hash=page, query="period=12-months")
        return sum(len(message.SerializeToString()) for message in stream.messages()), line.received - before


def test_a_page_takes_a_third_of_its_size_or_less(server):
    sent, crossed = sent_and_crossed(server, "deflate")
    assert sent > 50_000
    assert crossed < sent / 3


def test_who_offers_no_compression_gets_the_page_as_it_is(server):
    sent, crossed = sent_and_crossed(server, None)
    assert sent > 50_000
    assert crossed > sent


def test_a_message_that_is_long_only_once_inflated_closes_the_websocket(server):
    with server.stream(server.sign_in("director")) as stream:
        stream.run()
        stream.socket.send(bytes(10 * limits.LARGEST_MESSAGE))  # 10 MB, 10 kB on the line
        assert stream.code_at_end() == 1009
        assert str(limits.LARGEST_MESSAGE) in stream.socket.close_reason  # refused while it was inflated
    assert server.request("GET", "/healthz").body == b"ok"
