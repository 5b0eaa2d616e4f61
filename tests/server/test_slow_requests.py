"""Connections that say nothing, or not all: they end, and the others go on."""

from __future__ import annotations

import select
import socket
import time
from contextlib import ExitStack, closing

from streamlit.proto.BackMsg_pb2 import BackMsg

from dashboard.serving import limits, patience

FORM = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\n"
#: What is sent at once, with the status of the answer; nothing is answered to who has said nothing.
SLOW = {
    "": None,
    "GET /lo": 408,
    "GET /login HTTP/1.1\r\nHost: HOST\r\n": 408,
    f"POST /login HTTP/1.1\r\nHost: HOST\r\nOrigin: http://HOST\r\n{FORM}": 408,
    f"POST /login HTTP/1.1\r\nHost: HOST\r\nOrigin: http://HOST\r\n{FORM}username=ada": 408,
    f"POST /data HTTP/1.1\r\nHost: HOST\r\n{FORM}": 401,
    # A whole request, then the beginning of another.
    "GET /healthz HTTP/1.1\r\nHost: HOST\r\n\r\nGET /hea": 200,
}
ROOM = 10.0  # seconds, for a machine that has much to do


def test_what_does_not_come_in_time_is_not_waited_for(server):
    longest = max(patience.REQUEST_SECONDS, limits.BODY_SECONDS + limits.REST_OF_BODY) + ROOM
    with ExitStack() as stack, server.stream(server.sign_in("ada")) as stream:
        stream.run()
        waiting, heard = {}, {}
        for text in SLOW:
            one = stack.enter_context(closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)))
            one.sendall(text.replace("HOST", server.host).encode())
            waiting[one], heard[text] = text, b""
        end = time.monotonic() + longest
        while waiting and time.monotonic() < end:
            for one in select.select(list(waiting), [], [], 1.0)[0]:
                data = one.recv(65536)
                heard[waiting[one]] += data
                if not data:
                    del waiting[one]
        assert not waiting
        for text, status in SLOW.items():
            assert heard[text].startswith(f"HTTP/1.1 {status} ".encode() if status else b""), (text, heard[text])
            assert status or not heard[text]
        # A page may be silent for as long as it likes.
        stream.run()


def test_a_slow_line_is_no_fault(server):
    """What comes in time may come byte by byte, also over a connection that was used before."""
    request = f"GET /healthz HTTP/1.1\r\nHost: {server.host}\r\n\r\n".encode()
    with closing(socket.create_connection(("127.0.0.1", server.port), timeout=20)) as connection:
        for _ in range(2):
            for place in range(0, len(request), 8):
                connection.sendall(request[place : place + 8])
                time.sleep(0.2)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_a_message_that_is_whole_and_too_large_closes_the_websocket(server):
    message = BackMsg()
    message.rerun_script.query_string = "x" * limits.LARGEST_MESSAGE
    with server.stream(server.sign_in("ada")) as stream:
        stream.run()
        stream.socket.send(message.SerializeToString())
        assert stream.code_at_end() == 1009
    with server.stream(server.sign_in("ada")) as stream:
        stream.run(query="period=7-days&x=" + "x" * (limits.LARGEST_MESSAGE // 2))
