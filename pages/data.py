"""What the extract holds, when it was built, from what, and what was left out."""

import streamlit as st

from dashboard import page

view = page.open_page("data", bar=False)
st.title("Data")
page.extract_facts(view)
view.show("holdings")
view.show("sources")
view.show("reject_reasons")
view.show_if_any("resources", "left_out")
view.show_if_open("reject_lines")
