"""The Audit page's pieces: the search with its address, the entries, whether the record holds."""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import replace
from html import escape
from urllib.parse import urlencode

import streamlit as st

from dashboard import access, auditing
from dashboard.screen import identity, recording, tables
from dashboard.state import signed, store_in_force
from dashboard.state.audit import KINDS, Audit, Search, Verdict

ROWS = 50
#: A check of the whole record is shown to others for so long.
CHECK_EVERY = dt.timedelta(minutes=5)
#: Most of what is on record are pages with short names; "exports, first rows of payments" is cut by their width.
_WIDTHS = {"number": 90, "subject": 260}


def open_page() -> Audit:
    """Check the viewer; the record."""
    access.require(identity.current_viewer(), auditing.RESOURCE)
    return store_in_force().audit


def search_bar(record: Audit) -> Search:
    """Draw the search; what the address asks for. Looking is itself put on record."""
    asked = {name: st.query_params.get_all(name) for name in auditing.PARAMETERS}
    wanted = auditing.parse(asked, dt.datetime.now(dt.UTC))
    days = auditing.period(asked)
    periods = auditing.PERIODS | auditing.EVER
    people = record.actors()
    with st.container(key="filter_bar", horizontal=True, vertical_alignment="center", gap="small"):
        st.selectbox(
            "Period",
            list(periods),
            format_func=periods.__getitem__,
            key=_put("audit_days", days),
            on_change=_choose,
            args=("days",),
            label_visibility="collapsed",
            width=190,
        )
        st.selectbox(
            "Person",
            people,
            key=_put("audit_person", wanted.actor if wanted.actor in people else None),
            on_change=_choose,
            args=("person",),
            placeholder="Everyone",
            label_visibility="collapsed",
            width=200,
        )
        st.multiselect(
            "What",
            list(KINDS),
            format_func=KINDS.__getitem__,
            key=_put("audit_kind", list(wanted.kinds)),
            on_change=_choose,
            args=("kind",),
            placeholder="Everything",
            label_visibility="collapsed",
            width=260,
        )
        st.text_input(
            "Text",
            key=_put("audit_text", wanted.text),
            on_change=_choose,
            args=("text",),
            placeholder="Text in names and details",
            label_visibility="collapsed",
            width=230,
        )
    looked = {key: value for key, value in wanted.described().items() if key != "since"}
    recording.on_record("page", identity.current_viewer(), "view", auditing.RESOURCE, period=days, **looked)
    return wanted


def entries(record: Audit, wanted: Search) -> None:
    """The entries, newest first, a page of them at a time, with the way to older ones and the file."""
    total = record.count(wanted)
    last = max(0, (total - 1) // ROWS)
    part = min(_part(), last)
    found = record.search(wanted, ROWS, part * ROWS)
    if not found:
        st.info("Nothing on record for this search. Choose a longer period, or take a word away.")
        return
    # Somebody may have done something since they were counted, as whoever looks at this page has.
    total = max(total, part * ROWS + len(found))
    address = {name: st.query_params.get_all(name) for name in auditing.PARAMETERS if name != "part"}
    shown = f"{part * ROWS + 1:,}–{part * ROWS + len(found):,} of {total:,} entries, newest first; times are UTC."
    st.html(
        f'<p class="take"><a class="file" href="/export/audit.csv?{escape(urlencode(address, doseq=True))}" '
        f'target="_self" download aria-label="CSV of the audit record">CSV</a> {escape(shown)}</p>'
    )
    rows = auditing.frame(found)
    tables.table(rows, auditing.COLUMNS, "Entries of the audit record", whole=True, widths=_WIDTHS)
    with st.container(horizontal=True, gap="small"):
        st.button("Newer", disabled=part == 0, on_click=_turn, args=(part - 1,), icon=":material/chevron_left:")
        st.button("Older", disabled=part == last, on_click=_turn, args=(part + 1,), icon=":material/chevron_right:")


@st.fragment
def verdict(record: Audit) -> None:
    """Whether the record is as it was written; a check is repeated after some minutes, or when asked for."""
    access.require(identity.current_viewer(), auditing.RESOURCE)
    place = st.container(horizontal=True, vertical_alignment="center", gap="small")
    words_place = place.empty()
    again = place.button("Check again", icon=":material/refresh:", type="tertiary")
    found, at = _checks.latest(record, again=again)
    if found.fault:
        kind, words = "alert", f"{found.fault} Keep the state store as it is, and run: dashboard audit verify"
    else:
        said = "are as they were written; signals, marks on charts and closed months are as they say"
        kind, words = "holds", f"All {found.entries:,} entries {said}"
    words_place.html(f'<p class="record {kind}">{escape(words)} <span>Checked {at:%H:%M} UTC</span></p>')


class _Checks:
    """The latest check of this process, since one of a long record takes seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: tuple[Audit, Verdict, dt.datetime] | None = None

    def latest(self, record: Audit, *, again: bool) -> tuple[Verdict, dt.datetime]:
        with self._lock:
            now = dt.datetime.now(dt.UTC)
            known = self._latest
            if again or known is None or known[0] is not record or now - known[2] > CHECK_EVERY:
                found = record.verify()
                known = self._latest = (record, found if found.fault else _with_signed(found), now)
            return known[1], known[2]


def _with_signed(found: Verdict) -> Verdict:
    """What was found of the record, and whether what is held is as it says."""
    return replace(found, fault=signed.fault(store_in_force()))


_checks = _Checks()


def _put(key: str, value: object) -> str:
    """Set a widget to what the address says, before it is drawn."""
    st.session_state[key] = value
    return key


def _choose(name: str) -> None:
    """Put a widget's value into the address, and go back to the newest entries."""
    value = st.session_state[f"audit_{name}"]
    st.query_params.pop("part", None)
    if value:
        st.query_params[name] = value
    else:
        st.query_params.pop(name, None)


def _turn(part: int) -> None:
    st.query_params["part"] = str(part)


def _part() -> int:
    text = st.query_params.get("part", "0")
    return int(text) if text.isdecimal() and len(text) < 9 else 0
