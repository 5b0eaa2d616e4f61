"""Files for the role: choose one, see its totals and first rows, take it; those taken before."""

import streamlit as st

from dashboard.screen import exports_page

view = exports_page.open_page()
st.title("Exports", anchor=False)
export = exports_page.choice(view)
exports_page.take(view, export)
exports_page.named_exports(export)
exports_page.past_exports(view)
