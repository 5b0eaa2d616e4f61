"""What the extract holds, when it was built, from what, what was left out, and what is worth a look."""

import streamlit as st

from dashboard.screen import data_page, page

view = page.open_page("data", bar=False)
st.title("Data", anchor=False)
data_page.extract_facts(view)
data_page.import_attempts(view)
view.show("holdings")
view.show("changes")
view.show("sources")
view.show("reject_reasons")
view.show_if_any("resources", "left_out")
view.show_if_open("reject_lines")
view.show("gaps", "late_forms")
view.show("oddities")
