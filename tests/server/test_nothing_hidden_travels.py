"""What pages send to whoever small counts are hidden from tells nothing of them, in no byte."""

from __future__ import annotations

import re

import pytest
from server_harness import PASSWORD, await_ready, dashboard_server
from streamlit.proto.Block_pb2 import Block
from streamlit.proto.Checkbox_pb2 import Checkbox
from streamlit.util import calc_hash

from dashboard import access, navigation
from dashboard.access import Role
from dashboard.settings import Settings
from dashboard.shelf import Shelf
from dashboard.state import Store
from tests.alike import write_alike

ACCOUNTS = {
    "dan": (Role.MEDICAL_DIRECTOR, None),
    "max": (Role.MANAGER, ["dallas"]),
    "two": (Role.MANAGER, ["chicago", "dallas"]),
    "fay": (Role.FINANCE, None),
}
ADDRESSES = (
    "",
    "period=12-months&line=ketamine&by=day",
    "period=90-days&effect=nausea&by=week&compare=previous&also=year",
    "period=custom&from=2026-03-02&to=2026-04-01&band=26-40&site=dallas",
)

#: Digests of what elements and fragments are made with, the extract's name in it, what pandas calls a table's styles,
#: and when something was done.
_OWN = re.compile(
    r'[0-9a-f]{32,}|(?<=uuid: ")[0-9a-f]{5}(?=")|(?<=#T_)[0-9a-f]{5}(?=_)|[0-9]{1,2} [A-Z][a-z]{2} [0-9]{4}, [0-9:]{5} UTC'
)


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Two servers whose extracts differ in what is hidden alone; each with the name of its extract."""
    folders = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    write_alike(*folders)
    for data in folders:
        with Store.open(data, rounds=4) as store:
            for username, (role, sites) in ACCOUNTS.items():
                store.add_user(username, role, PASSWORD, sites=sites)
    names = [Shelf(Settings(data=data)).current().catalogue.name for data in folders]
    with dashboard_server(folders[0]) as one, dashboard_server(folders[1]) as other:
        for server in (one, other):
            await_ready(server)
        yield list(zip((one, other), names, strict=True))


def opened(deltas):
    """The folded parts of a page, each told to be open."""
    parts = [(delta, delta.WhichOneof("type")) for delta in deltas]
    found = [getattr(getattr(d, kind), getattr(d, kind).WhichOneof("type") or "", None) for d, kind in parts if kind]
    return {
        part.id: True for part in found if isinstance(part, Block.Expandable | Block.Popover | Checkbox) and part.id
    }


def sent(server, extract, username, query):
    """By page what stands on it with every folded part open, but for the extract's name and what is made of it."""
    role, sites = ACCOUNTS[username]
    viewer = access.Viewer(username, username, role, None if sites is None else frozenset(sites))
    cookie, found = server.sign_in(username), {}
    for entry in navigation.entries_for(viewer):
        with server.stream(cookie) as stream:
            widgets = {}
            for _ in range(2):
                stream.send_rerun(query=query, page_hash=calc_hash(entry.name), widgets=widgets)
                deltas = [m.delta for m in stream.messages() if m.WhichOneof("type") == "delta"]
                widgets |= opened(deltas)
        assert len(deltas) >= 5, entry.name
        found[entry.name] = [_OWN.sub("*", str(delta).replace(extract, "*")) for delta in deltas]
    return found


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("username", ["max", "two", "fay"])
def test_days_and_details_of_side_effects_change_no_byte(servers, username, address):
    ours, theirs = (sent(server, extract, username, address) for server, extract in servers)
    assert ours.keys() == theirs.keys()
    for page, messages in ours.items():
        for one, other in zip(messages, theirs[page], strict=True):
            # But for the list of publications, which says when each was.
            assert one == other or "put in use" in one, page


def test_they_do_change_what_who_sees_all_is_sent(servers):
    ours, theirs = (sent(server, extract, "dan", "") for server, extract in servers)
    changed = {page for page, messages in ours.items() if messages != theirs[page]}
    assert {"events", "signals"} <= changed
