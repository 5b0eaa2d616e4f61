"""Whom to call and what is due today, most urgent first."""

import streamlit as st

from dashboard.filters import day_text
from dashboard.screen import file_links, page

view = page.open_page("worklists", period=False)
st.title("Worklists", anchor=False)
st.caption(f"As of {day_text(view.reader.catalogue.last_full_day)}, the last full day of the extract.")
view.show("worklist_inductions")
view.show("worklist_boosters")
view.show("worklist_scores")
view.show("worklist_forms")
view.show("worklist_no_shows")
file_links.everything(view, "worklists")
