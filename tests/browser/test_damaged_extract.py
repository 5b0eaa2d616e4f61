"""The extract in use is damaged behind a running server: open sessions go on with the last good one, and are told."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import expect

from dashboard.intake import pointer
from dashboard.intake.publish import import_delivery
from tests.browser.harness import PHONE, Visit, visiting
from tests.demo_extract import add_extract
from tests.server.server_harness import PASSWORD, Server, add_accounts, await_ready, dashboard_server

pytestmark = pytest.mark.browser

#: One after the other, so that something is asked of a damaged file that was not asked before.
PAGES = ("Bookings", "Safety", "Revenue", "Age groups", "Service mix", "Data")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory):
    """A server on a small extract."""
    data = tmp_path_factory.mktemp("damaged")
    add_extract(data)
    add_accounts(data)
    (data / "nothing").mkdir()
    (data / "nothing" / "delivery.json").write_text('{"demo": true}')
    (data / "nothing" / "bookings.csv").write_text("booking_id,patient_id,site,service,starts_at,status\n")
    with dashboard_server(data) as served:
        await_ready(served)
        yield served


def in_use(server: Server) -> pointer.Pointer:
    named = pointer.current(server.data / "extracts")
    assert named is not None
    return named


def cut(one: pointer.Pointer) -> None:
    os.truncate(one.path, one.bytes // 3)


def overwrite(one: pointer.Pointer) -> None:
    with one.path.open("r+b") as file:
        for place in range(8192, one.bytes, 4096):
            file.seek(place)
            file.write(b"\xff" * 64)


def lose(one: pointer.Pointer) -> None:
    """The pointer names a file that isn't there."""
    gone = one.path.parent / "extract-20990101T000000000Z-0123456789ab.duckdb"
    pointer.turn(one.path.parent, dataclasses.replace(one, name=gone.name, path=gone))


def age(one: pointer.Pointer) -> None:
    """An extract of another version is put in use, whole and with its card."""
    copy = one.path.parent / "extract-20990101T000000000Z-0123456789ab.duckdb"
    copy.write_bytes(one.path.read_bytes())
    with duckdb.connect(str(copy)) as connection:
        connection.execute("update extract_info set schema_version = 1")
    found = copy.stat()
    other = dataclasses.replace(
        one, name=copy.name, path=copy, bytes=found.st_size, mtime_ns=found.st_mtime_ns, sha256=""
    )
    other = dataclasses.replace(other, sha256=other.digest())
    pointer.write(pointer.card_of(copy), other)
    pointer.turn(one.path.parent, other)


def health(server: Server) -> tuple[int, dict[str, object]]:
    answer = server.request("GET", "/readyz")
    return answer.status, json.loads(answer.body)


def walk(window: Visit, titles: tuple[str, ...]) -> bool:
    """Follow the menu through pages; each has its figures, or says what to do. Whether the warning came."""
    warned = False
    for title in titles:
        window.go(title)
        page = window.page
        assert page.get_by_test_id("stException").count() == 0
        assert "Traceback" not in page.content()
        told = page.get_by_text("load the page again")
        if told.count():
            window.open(page.url)
            expect(page.get_by_text("load the page again")).to_have_count(0)
        warned = warned or page.get_by_text("Newer data could not be read").count() > 0
    return warned


@pytest.mark.parametrize("harm", [cut, overwrite, lose, age])
def test_an_open_session_goes_on_and_is_told(browser, server: Server, artifacts: Path, harm) -> None:
    import_delivery(server.data / "nothing", server.data, add=True)
    sound = in_use(server)
    with visiting(browser, server.origin) as window:
        window.sign_in("ada", PASSWORD, "/today")
        expect(window.page.get_by_text("Newer data could not be read")).to_have_count(0)
        harm(sound)
        # Where the file in use stays whole and another is named, every page asks the same file as before.
        assert walk(window, PAGES if harm in (cut, overwrite) else PAGES[:2])
        if harm is cut:
            window.page.set_viewport_size(PHONE)
            window.open("/today")
            window.shoot(artifacts / "damaged.png")
        assert [fault for fault in window.faults if "console" not in fault] == []
    status, said = health(server)
    assert status == 200
    assert "Traceback" not in server.output.read_text()
    assert said["warning"] == "newer data could not be read; an older extract is served"
    for one in server.data.glob("extracts/extract-2099*"):
        one.unlink()
    if harm in (cut, overwrite):
        pointer.remove(sound.path)
    newest = pointer.published(server.data / "extracts")[0]
    pointer.turn(server.data / "extracts", newest)
