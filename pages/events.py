"""Which side effects, whose, how soon after the start, and who came back."""

import streamlit as st

from dashboard.screen import events_page, file_links, page

view = page.open_page("events", effect=True)
st.title("Events", anchor=False)
view.show("event_list")
events_page.timeline(view)
view.show("onset_curve", "event_returns")
view.show("event_times")
file_links.everything(view, "events")
