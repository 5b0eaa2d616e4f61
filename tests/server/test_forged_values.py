"""A client that speaks Streamlit's protocol itself and sends values that no page offered."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from server_harness import free_port, running
from streamlit.util import calc_hash

from dashboard import access, navigation
from dashboard.panels import PANELS
from dashboard.state.passwords import DEMO_PASSWORD


@pytest.fixture(scope="module")
def demo_server(tmp_path_factory):
    port = free_port()
    command = [str(Path(sys.executable).parent / "dashboard"), "serve", "--demo", "--port", str(port)]
    with running(command, port, tmp_path_factory.mktemp("demo")) as server:
        yield server


def multiselects(messages):
    """Ids of the multiselects that were sent, by label, and all bytes."""
    ids, received = {}, b""
    for message in messages:
        received += message.SerializeToString()
        if message.WhichOneof("type") == "delta":
            widget = message.delta.new_element.multiselect
            if widget.id:
                ids[widget.label] = widget.id
    return ids, received.decode("utf-8", "replace")


def test_no_forged_widget_value_brings_another_sites_rows(demo_server):
    cookie = demo_server.login("manager.two", DEMO_PASSWORD).cookie
    with demo_server.stream(cookie) as stream:
        stream.send_rerun(query="site=miami-beach")
        ids, received = multiselects(stream.messages())
        assert "Dallas" in received
        assert "Miami" not in received
        # A value of one's own takes effect, so the others below were not just passed over unread.
        stream.send_rerun(widgets={ids["Sites"]: ["Dallas"]})
        _, received = multiselects(stream.messages())
        assert "site=dallas" in received
        for forged in (["Miami Beach"], ["miami_beach"], ["Dallas", "Miami Beach"], ["\x00"], ["Dallas"] * 500):
            stream.send_rerun(query="site=miami-beach", widgets={ids["Sites"]: forged})
            _, received = multiselects(stream.messages())
            assert "Dallas" in received
            assert "Miami" not in received


def test_forged_values_of_the_other_filters_fall_back(demo_server):
    cookie = demo_server.login("manager.chicago", DEMO_PASSWORD).cookie
    with demo_server.stream(cookie) as stream:
        stream.send_rerun()
        ids, received = multiselects(stream.messages())
        assert "Sites" not in ids
        assert "Chicago" in received
        for label in ("Service lines", "Age bands"):
            stream.send_rerun(widgets={ids[label]: ["' or 1=1 --", "Dallas"]})
            _, received = multiselects(stream.messages())
            assert "Miami" not in received


def test_another_roles_page_cannot_be_asked_for_by_name_or_hash(demo_server):
    """Its hash is known to whoever has the source: Streamlit makes it from the page's address."""
    for entry in navigation.ENTRIES:
        if access.allows(access.Viewer("x", "X", access.Role.FINANCE), entry.name):
            continue
        page_hash = calc_hash(entry.name)
        for page in ({"page": entry.name}, {"page_hash": page_hash}, {"page": entry.name, "page_hash": page_hash}):
            cookie = demo_server.login("finance", DEMO_PASSWORD).cookie
            with demo_server.stream(cookie) as stream:
                stream.send_rerun(**page)
                _, received = multiselects(stream.messages())
            panels = [panel.name for panel in PANELS.values() if panel.resource == entry.name]
            assert "finance" in received.lower()
            assert [name for name in panels if f"panel_{name}" in received] == [], page


def test_ones_own_page_is_found_by_that_hash(demo_server):
    """What the test above relies on."""
    with demo_server.stream(demo_server.login("director", DEMO_PASSWORD).cookie) as stream:
        stream.send_rerun(page_hash=calc_hash("safety"))
        _, received = multiselects(stream.messages())
    assert "panel_effects" in received
