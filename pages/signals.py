"""What rose above its own past, since when, and how sites, ages and lines compare."""

import streamlit as st

from dashboard.screen import file_links, marks_page, page, register_page

view = page.open_page("signals", by=True, effect=True)
st.title("Signals", anchor=False)
register_page.notices(view)
view.show("signal_alarms")
register_page.opening(view)
view.show("control_chart")
view.show("control_forms")
view.show("rate_chart")
marks_page.marking(view)
view.show("event_gaps")
if len(view.reader.sites) > 1:
    view.show("site_funnel", "site_rates")
view.show("group_differences")
file_links.everything(view, "signals")
