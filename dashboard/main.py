"""The Streamlit script: who is this, which pages may they open, run the page."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import access, navigation, theme
from dashboard.ahead import ahead
from dashboard.query_faults import WarehouseError
from dashboard.screen import identity, own_views, page, recording
from dashboard.serving import faults
from dashboard.settings import ROOT

st.set_page_config(page_title="Infusion dashboard", page_icon=str(ROOT / "dashboard" / "icon.svg"), layout="wide")

viewer = identity.current_viewer()
# What the page's style sheet leaves to the theme. Streamlit's menus and dialogs have no mode of their own.
st.html(f"<style>:root {{ color-scheme: {page.mode()}; {theme.css_variables()} }}</style>")

entries = navigation.entries_for(viewer)
pages = [
    st.Page(e.script, title=e.title, icon=e.icon, url_path=e.name, default=i == 0, help=e.help)
    for i, e in enumerate(entries)
]
current = st.navigation(pages, position="top")
if current is pages[0] and (view := own_views.opening(viewer.username, entries)):
    opens = dict(zip((entry.name for entry in entries), pages, strict=True))[view.page]
    st.switch_page(opens, query_params=own_views.query(view))
who = escape(", ".join(dict.fromkeys([viewer.name, viewer.role.label])))
st.html(
    f'<p class="who" style="--pages: {len(pages)}"><span title="{who}">{who}</span> '
    '<a href="/logout" target="_self">Sign out</a></p>'
)
try:
    with ahead().people_first():
        current.run()
except access.AccessDeniedError as error:
    recording.on_record("refused", viewer, "denied", f"page {current.url_path}", reason=str(error))
    st.error(faults.words(error, "page"))
except WarehouseError as error:
    st.error(faults.words(error, "page"))
identity.watch_session()
