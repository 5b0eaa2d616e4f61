"""What share is ketamine, is it shifting and why, for whom, and what it brings."""

import streamlit as st

from dashboard.screen import file_links, page

view = page.open_page("service_mix", by=True)
st.title("Service mix", anchor=False)
view.show("mix_summary")
view.show("mix_over_time", "mix_shift")
view.show("ketamine_share_by_site", "ketamine_share_by_age")
view.show("mix_by_site", "chair_hour_revenue")
view.show("invoiced_by_site", "patients_by_line")
view.show("patients_using_both")
file_links.everything(view, "service_mix")
