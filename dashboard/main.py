"""The Streamlit script: who is this, which pages may they open, run the page."""

from __future__ import annotations

from html import escape

import streamlit as st

from dashboard import access, identity, navigation, page, theme, warehouse
from dashboard.settings import ROOT

st.set_page_config(page_title="Infusion dashboard", page_icon=str(ROOT / "dashboard" / "icon.svg"), layout="wide")

viewer = identity.current_viewer()
style = (ROOT / "dashboard" / "style.css").read_text(encoding="utf-8")
st.html(f"<style>:root {{ {theme.css_variables(page.mode())} }}\n{style}</style>")

entries = navigation.entries_for(viewer)
pages = [
    st.Page(e.script, title=e.title, icon=e.icon, url_path=e.name, default=i == 0, help=e.help)
    for i, e in enumerate(entries)
]
current = st.navigation(pages, position="top")
who = dict.fromkeys([viewer.name, viewer.role.label])
st.html(f'<p class="who">{escape(", ".join(who))} <a href="/logout" target="_self">Sign out</a></p>')
try:
    current.run()
except access.AccessDeniedError as error:
    page.on_record("refused", viewer, "denied", f"page {current.url_path}", reason=str(error))
    st.error("This page is not open to your account. Choose another from the menu.")
except warehouse.WarehouseError as error:
    st.error(f"The data cannot be shown: {error}")
identity.watch_session()
