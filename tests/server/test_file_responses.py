"""A file that is sent in parts: what leaves before and after it is on record, and what a file that takes too long says."""

from __future__ import annotations

import hashlib
import time

import anyio
import pytest

from dashboard.access import Role, Viewer
from dashboard.receipts import HELD, FileResponse, Part, Receipt
from dashboard.serving import limits


def of_ada():
    """The scope of a request for a file."""
    return {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"",
            "asgi": {"spec_version": "2.4"}, "state": {"viewer": Viewer("ada", "Ada", Role.ADMIN)}}  # fmt: skip


def test_a_workbook_that_takes_too_long_is_told_so_and_is_on_record_as_nothing():
    """Its rows are read for long before it has a first byte."""
    receipt = Receipt("rows", {}, None)

    def parts():
        while True:
            time.sleep(0.05)
            yield Part(b"", 100, {"amount": 7})

    async def file(_request):
        return FileResponse(receipt.counted(parts()), "rows.xlsx", receipt)

    async def ask():
        came = []

        async def send(message):
            came.append(message)

        await limits.Desk(file, total=1, seconds=0.5)(of_ada(), anyio.sleep_forever, send)
        return came

    head, body = anyio.run(ask)
    assert (head["status"], body["body"]) == (503, b"This took too long. Choose a shorter period or fewer sites.\n")
    assert receipt.details() == {
        "filters": {}, "extract": None, "rows": 0, "bytes": 0, "sha256": hashlib.sha256().hexdigest(),
        "outcome": "cut",
    }  # fmt: skip


def test_the_last_part_of_a_file_stays_where_it_cannot_be_put_on_record():
    came, put_down = [], []

    def record(receipt):
        put_down.append(receipt.details())
        raise OSError("no space left")

    async def send(message):
        came.append(message)

    async def ask():
        receipt = Receipt("rows", {}, None)
        parts = [Part(b"a", 1), Part(b"b", 1), Part(b"", 1), Part(b"c", 1), Part(b"", 1)]
        response = FileResponse(receipt.counted(iter(parts)), "rows.csv", receipt)
        response.ended = record
        await response(of_ada(), anyio.sleep_forever, send)

    with pytest.raises(OSError, match="no space left"):
        anyio.run(ask)
    assert b"".join(message.get("body", b"") for message in came) == b"ab"
    assert all(message.get("more_body", True) for message in came)
    # Tried once more at the end, for what had left.
    assert [one["outcome"] for one in put_down] == ["complete", "failed"]


def test_of_a_large_part_only_the_last_bytes_wait_for_the_record():
    """Else a file of one part would be on record as complete before any of it has left, however it ends."""
    whole, came = bytes(range(256)) * 400, []

    def record(receipt):
        came.append(receipt.details()["outcome"])

    async def send(message):
        if message.get("body"):
            came.append(message["body"])

    async def ask():
        receipt = Receipt("rows", {}, None)
        response = FileResponse(receipt.counted(iter([Part(whole, 1)])), "rows.csv", receipt)
        response.ended = record
        await response(of_ada(), anyio.sleep_forever, send)

    anyio.run(ask)
    assert came == [whole[:-HELD], "complete", whole[-HELD:]]


def test_who_has_a_whole_file_is_on_record_and_may_ask_for_the_next():
    """In turn, as a person or a program does, three more than they may have at once."""
    written = []

    def record(receipt):
        time.sleep(0.05)  # as where another process writes
        written.append(receipt)

    async def file(_request):
        response = FileResponse(iter([b"who", b"le"]), "rows.csv", Receipt("rows", {}, None))
        response.ended = record
        return response

    async def ask(desk, tasks):
        came, told = [], anyio.Event()

        async def send(message):
            came.append(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                told.set()

        tasks.start_soon(desk, of_ada(), anyio.sleep_forever, send)
        with anyio.fail_after(10):
            await told.wait()
        return came[0]["status"]

    async def in_turn():
        desk = limits.Desk(file, total=limits.EXPORTS_EACH, seconds=30)
        async with anyio.create_task_group() as tasks:
            found = []
            for number in range(1, limits.EXPORTS_EACH + 4):
                found.append(await ask(desk, tasks))
                assert len(written) == number
        return found

    assert anyio.run(in_turn) == [200] * (limits.EXPORTS_EACH + 3)
    assert len(written) == limits.EXPORTS_EACH + 3
