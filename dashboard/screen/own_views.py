"""A person's own views: a page with its filters under a name, opened again by a link, one of them after sign-in."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from urllib.parse import parse_qs, urlencode

import streamlit as st

from dashboard.filters import Filters
from dashboard.navigation import PageEntry
from dashboard.screen import forms
from dashboard.state import StateError, store_in_force
from dashboard.state.kept import LONGEST_NAME
from dashboard.state.saved_views import SavedView, SavedViews

_USUAL = "The usual first page"


def opening(username: str, entries: Sequence[PageEntry]) -> SavedView | None:
    """The view that a new session begins with, where its address names nothing and the page is among the entries."""
    if st.session_state.get("begun"):
        return None
    st.session_state["begun"] = True
    if st.query_params:
        return None
    view = _views().first(username)
    return view if view and view.page in {entry.name for entry in entries} else None


def query(view: SavedView) -> dict[str, list[str]]:
    """The parameters of a view's address."""
    return parse_qs(view.query)


def menu(
    username: str, page: str, chosen: Filters, also: dict[str, list[str]], *, of_day: bool, dated: bool = True
) -> None:
    """The menu of the filter bar, read only while it is open; `also` are parameters of the page's own.

    A page that isn't `dated` is always of the last full day, and offers no fixed dates.
    """
    opened = st.popover("Views", icon=":material/bookmark:", key="own_views", on_change="rerun")
    if not opened.open:
        return
    views = _views()
    kept = views.list(username)
    with opened:
        if kept:
            _list(views, username, kept)
        with st.form(forms.key("keep_view"), border=False):
            name = st.text_input("Keep this page with its filters as", max_chars=LONGEST_NAME)
            if st.form_submit_button("Keep"):
                _keep(views, username, name, page, urlencode(chosen.query() | also, doseq=True))
        if not dated:
            return
        # A page of one day names its day even where it is the last one.
        day = {"day": [chosen.day.isoformat()]}
        fixed = (chosen.query() | day if of_day else chosen.on(chosen.start, chosen.end).query()) | also
        st.html(
            '<p class="account">A period such as the last 28 days moves on with the data. '
            f'<a href="/{page}?{escape(urlencode(fixed, doseq=True))}" target="_self">With these very dates</a></p>'
        )


def _list(views: SavedViews, username: str, kept: list[SavedView]) -> None:
    for view in kept:
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            address = escape(f"/{view.page}?{view.query}".removesuffix("?"))
            st.html(f'<p class="account"><a href="{address}" target="_self">{escape(view.name)}</a></p>')
            if st.button("Remove", key=f"remove_view_{view.name}", type="tertiary"):
                views.remove(username, view.name)
                st.rerun()
    names = ["", *(view.name for view in kept)]
    first = next((view.name for view in kept if view.first), "")
    st.session_state["first_view"] = first
    st.selectbox(
        "After sign-in, open",
        names,
        format_func=lambda name: name or _USUAL,
        key="first_view",
        on_change=lambda: views.open_first(username, st.session_state["first_view"] or None),
    )


def _keep(views: SavedViews, username: str, name: str, page: str, address: str) -> None:
    try:
        views.save(username, name, page, address)
    except StateError as error:
        st.error(str(error))
    else:
        forms.emptied("keep_view")
        st.rerun()


def _views() -> SavedViews:
    return SavedViews(store_in_force())
