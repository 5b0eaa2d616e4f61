"""How many come, who doesn't, and how full the chairs are."""

import streamlit as st

from dashboard.screen import file_links, page

view = page.open_page("bookings", by=True)
st.title("Bookings", anchor=False)
view.show("bookings_summary")
view.show("bookings_by_status", "new_and_returning")
view.show("no_show_trend", "utilisation_trend")
view.show("cancellation_trend", "late_cancellation_trend")
view.show("weekday_hours", "lead_time")
file_links.everything(view, "bookings")
