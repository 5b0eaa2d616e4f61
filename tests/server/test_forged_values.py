"""A client that speaks Streamlit's protocol itself and sends values that no page offered.

The extract's rows carry their site's mark, so that a foreign row shows in whatever bytes hold it.
"""

from __future__ import annotations

import io
import zipfile
from urllib.parse import urlencode

import pytest
from server_harness import PASSWORD, await_ready, dashboard_server
from streamlit.util import calc_hash

from dashboard import access, auditing, exports, month_end, navigation, packs
from dashboard.access import Role
from dashboard.intake.publish import import_delivery
from dashboard.panels import PANELS
from dashboard.state import Store
from tests.marked import DAYS, VISITS, write_delivery

#: Every role at one site; who sees two, and who sees all.
ACCOUNTS = {
    **{role.value: (role, ["dallas"]) for role in Role},
    "two": (Role.MANAGER, ["chicago", "dallas"]),
    "books": (Role.FINANCE, None),
}
RESTRICTED = [role.value for role in Role]
#: What no byte for somebody at Dallas may hold: names of sites, and the marks on their rows.
FOREIGN = (b"Chicago", b"Miami", *(f"{mark}-{site}".encode() for mark in ("MARK", "mark", "Dr", "card", "seen")
           for site in ("chicago", "miami_beach")))  # fmt: skip
INJECTED = (
    "' or 1=1 --",
    "dallas') union all select * from facts.bookings --",
    "$sites",
    "%",
    "\x00",
    "../../etc",
    "all",
)
#: An address that asks for everything that isn't offered, some of it in values too long to be any.
HOSTILE = {
    "site": ["chicago", "miami-beach", "miami_beach", "atlantis", *INJECTED, "x" * 4000],
    "period": ["12-months"],
    "from": ["0001-01-01"],
    "to": ["9999-12-31' or 1=1"],
    "day": ["2026-02-30"],
    "compare": ["site-chicago"],
    "also": ["site-miami-beach"],
    "figure": INJECTED,
    "columns": ["patient,site,booking_id,*"],
    "month": ["2026-01"],
    "patient": INJECTED,
    "method": ["card-dallas", *INJECTED],
    "line": [*INJECTED, "y" * 2000],
    "band": ["999-plus", *INJECTED],
    "by": ["site"],
    "effect": ["everything", *INJECTED],
    "effects_by": ["by-age-band", *INJECTED],
    "scores_by": INJECTED,
    "sites": ["chicago"],
    "viewer": ["books"],
}
#: The part of it that a file is given for: of sites that the viewer may not see it holds nothing. Of anything that nobody
#: has, and of parameters that no file reads, there is no file at all.
TAKEN = {
    "site": ["chicago", "miami-beach", "miami_beach"],
    "period": ["12-months"],
    "compare": ["site-chicago"],
    "also": ["site-miami-beach"],
}


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """`dashboard serve` over the marked extract, with the accounts."""
    data = tmp_path_factory.mktemp("marked")
    delivery = write_delivery(data / "delivery")
    for _ in range(2):  # the second is compared with the first
        import_delivery(delivery, data)
    with Store.open(data, rounds=4) as store:
        for username, (role, sites) in ACCOUNTS.items():
            store.add_user(username, role, PASSWORD, sites=sites)
    with dashboard_server(data) as server:
        await_ready(server)
        yield server


@pytest.fixture(scope="module")
def cookie(marked):
    """A session of each account."""
    cookies = {username: marked.sign_in(username) for username in ACCOUNTS}
    return cookies.__getitem__


def pages_of(username):
    role, sites = ACCOUNTS[username]
    viewer = access.Viewer(username, username, role, None if sites is None else frozenset(sites))
    return [entry.name for entry in navigation.entries_for(viewer)]


def received(stream, **asked):
    """All bytes that answer a run, and the widgets in them: name by id, with their kind."""
    widgets, sent = {}, b""
    stream.send_rerun(**asked)
    for message in stream.messages():
        sent += message.SerializeToString()
        if message.WhichOneof("type") != "delta":
            continue
        kind = message.delta.WhichOneof("type")
        part = getattr(message.delta, kind)
        one = part.WhichOneof("type")
        found = getattr(part, one) if one else None
        if getattr(found, "id", ""):
            widgets[found.id] = (one, getattr(found, "label", ""))
    return widgets, sent


def by_label(widgets):
    return {label: key for key, (_, label) in widgets.items()}


def hostile_value(kind, label):
    """What nobody was offered, in the type that such a widget sends; no name, since what was asked may come back."""
    if kind in {"multiselect", "date_input", "button_group"}:
        return ["miami_beach", "chicago", *INJECTED, "0001/01/01", "9999/12/31"]
    if kind in {"expandable", "popover", "checkbox"}:
        return True  # what is drawn only when it is open
    if kind == "number_input":
        return -1e12
    if label in {"Compare", "Second comparison"}:
        return "site-miami-beach"
    return "payment_rows" if label == "Dataset" else "miami_beach"


# --- every page and file of every role, at one site ------------------------------------------


@pytest.fixture(scope="module")
def known():
    """The widgets of each page, as they were last seen."""
    return {}


@pytest.mark.parametrize("username", RESTRICTED)
def test_no_address_and_no_widget_brings_a_foreign_row_to_a_page(marked, cookie, known, username):
    pages = pages_of(username)
    assert len(pages) >= 5
    for page in pages:
        with marked.stream(cookie(username)) as stream:
            asked = {"page": page, "query": urlencode(HOSTILE, doseq=True)}
            widgets, sent, tried = known.get(page, {}), b"", None
            # Until the values were forged for the very widgets that this viewer has.
            while tried != set(widgets):
                tried = set(widgets)
                # Buttons carry no value, and what they keep or remove changes the page each time.
                values = {k: hostile_value(kind, label) for k, (kind, label) in widgets.items() if kind != "button"}
                widgets, more = received(stream, **asked, widgets=values)
                sent += more
        known[page] = widgets
        assert tried or page in {"account", "register"}
        assert b"scriptrunner" not in sent
        assert [mark for mark in FOREIGN if mark in sent] == [], (page, values)


@pytest.mark.parametrize("username", RESTRICTED)
def test_no_parameter_brings_a_foreign_row_into_a_file(marked, cookie, username):
    role = ACCOUNTS[username][0]
    own = 0
    for name, dataset in {**exports.DATASETS, auditing.RESOURCE: None}.items():
        resource = dataset.resource if dataset else name
        asked = f"/export/{name}.csv?{urlencode(HOSTILE, doseq=True)[:8000]}"
        refused = marked.request("GET", asked, Cookie=cookie(username))
        assert refused.status == (400 if role in access.RESOURCES[resource] else 404), name
        assert [mark for mark in (*FOREIGN, b"MARK-dallas") if mark in refused.body] == [], name
        # Of each site's payments the method is its own: that of the viewer's is asked for among what nobody has.
        by_method = {"method": HOSTILE["method"]} if dataset and dataset.by_method else {}
        taken = {**TAKEN, **by_method} if dataset else {"person": INJECTED[:1], "text": ["miami"]}
        asked = f"/export/{name}.csv?{urlencode(taken, doseq=True)[:8000]}"
        answer = marked.request("GET", asked, Cookie=cookie(username))
        assert answer.status == (200 if role in access.RESOURCES[resource] else 404), name
        assert [mark for mark in FOREIGN if mark in answer.body] == [], name
        own += answer.body.count(b"MARK-dallas")
    rows = {name for name in ("booking_rows", "side_effect_rows", "payment_rows") if role in access.RESOURCES[name]}
    assert own >= len(rows) * DAYS * VISITS["dallas"]


@pytest.mark.parametrize("username", RESTRICTED)
def test_no_parameter_brings_a_foreign_row_into_a_files_pack(marked, cookie, username):
    """Every page as one file, and a month's pack, unpacked."""
    allowed = {entry.name for entry in navigation.ENTRIES if packs.of_page(entry.name)} & set(pages_of(username))
    hostile = urlencode(HOSTILE, doseq=True)[:8000]
    asked = urlencode(TAKEN, doseq=True)[:8000]
    taken, own = set(), 0
    for resource in [entry.name for entry in navigation.ENTRIES]:
        refused = marked.request("GET", f"/export/page_{resource}.zip?{hostile}", Cookie=cookie(username))
        assert refused.status == (400 if resource in allowed else 404), resource
        assert refused.body.count(b"\n") == 1
        answer = marked.request("GET", f"/export/page_{resource}.zip?{asked}", Cookie=cookie(username))
        assert answer.status == (200 if resource in allowed else 404), resource
        taken |= {resource} if answer.status == 200 else set()
        own += own_rows(answer)
    assert taken == allowed
    asked = urlencode({"month": "2026-01", "site": TAKEN["site"]}, doseq=True)
    may = ACCOUNTS[username][0] in access.RESOURCES[month_end.RESOURCE]
    for wrong in (hostile, f"{asked}&site=atlantis", f"{asked}&sites=dallas", f"{asked}&month=2025-12"):
        refused = marked.request("GET", f"/export/month_end.zip?{wrong}", Cookie=cookie(username))
        assert refused.status == (400 if may else 404), wrong
    answer = marked.request("GET", f"/export/month_end.zip?{asked}", Cookie=cookie(username))
    assert answer.status == (200 if may else 404)
    assert own + own_rows(answer) > 0


def unpacked(answer):
    with zipfile.ZipFile(io.BytesIO(answer.body)) as pack:
        return {name: pack.read(name) for name in pack.namelist()}


def own_rows(answer):
    """How often a file's unpacked parts name the viewer's own site; none of them names another."""
    parts = unpacked(answer) if answer.status == 200 else {}
    assert [(name, mark) for name, part in parts.items() for mark in FOREIGN if mark in part] == []
    return sum(part.lower().count(b"dallas") for part in parts.values())


# --- what the sweep above relies on ----------------------------------------------------------


def test_the_marks_are_there_for_who_may_see_them(marked, cookie):
    """Otherwise nothing would be proved by their absence."""
    file = marked.request("GET", "/export/booking_rows.csv?period=12-months", Cookie=cookie("two")).body
    assert b"MARK-chicago" in file
    assert b"Dr-chicago" in file
    assert b"miami" not in file
    pack = unpacked(marked.request("GET", "/export/page_bookings.zip?period=12-months", Cookie=cookie("two")))
    assert any(b"Chicago" in part for part in pack.values())
    with marked.stream(cookie("two")) as stream:
        assert b"Chicago" in received(stream, page="bookings")[1]
        widgets, _ = received(stream, page="exports")
        _, sent = received(
            stream, page="exports", widgets={by_label(widgets)["Dataset"]: "Rows: Bookings, one row each"}
        )
        assert b"MARK-chicago" in sent


def test_a_value_of_ones_own_takes_effect_and_another_sites_falls_back(marked, cookie):
    with marked.stream(cookie("two")) as stream:
        widgets, sent = received(stream, query="site=miami-beach")
        assert b"Dallas" in sent
        assert b"Miami" not in sent
        sites = by_label(widgets)["Sites"]
        assert b"site=dallas" in received(stream, widgets={sites: ["Dallas"]})[1]
        for forged in (["Miami Beach"], ["miami_beach"], ["Dallas", "Miami Beach"], ["\x00"], ["Dallas"] * 500):
            _, sent = received(stream, query="site=miami-beach", widgets={sites: forged})
            assert b"Dallas" in sent
            assert b"Miami" not in sent


def test_another_roles_page_cannot_be_asked_for_by_name_or_hash(marked, cookie):
    """Its hash is known to whoever has the source: Streamlit makes it from the page's address."""
    others = [entry.name for entry in navigation.ENTRIES if entry.name not in pages_of("books")]
    assert "safety" in others
    for name in others:
        page_hash = calc_hash(name)
        forms = [{"page": name, "page_hash": page_hash}]
        if name == "safety":
            forms += [{"page": name}, {"page_hash": page_hash}]
        for page in forms:
            with marked.stream(cookie("books")) as stream:
                _, sent = received(stream, **page)
            panels = [panel.name for panel in PANELS.values() if panel.resource == name]
            assert b"Finance" in sent
            assert [one for one in panels if f"panel_{one}".encode() in sent] == [], page


def test_ones_own_page_is_found_by_that_hash(marked, cookie):
    """What the test above relies on."""
    with marked.stream(cookie("medical_director")) as stream:
        assert b"panel_effects" in received(stream, page_hash=calc_hash("safety"))[1]


def test_a_panel_that_runs_alone_is_refused_once_the_session_has_ended(marked):
    """What a table behind a chart needs: its panel runs again, without the page."""
    own = marked.sign_in("books")
    with marked.stream(own) as stream:
        stream.send_rerun(page="revenue", query="period=12-months")
        drawn = [message.delta for message in stream.messages() if message.WhichOneof("type") == "delta"]
        chart = next(one for one in drawn if b"Chicago" in one.new_element.vega_lite_chart.data.data)
        again = {"page": "revenue", "query": "period=12-months", "fragment": chart.fragment_id}
        assert b"Chicago" in received(stream, **again)[1]
        with marked.store() as store:
            store.close_session(own.partition("=")[2])
        stream.send_rerun(**again)
        assert stream.code_at_end() == 1008
