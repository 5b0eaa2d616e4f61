"""Adolescent to geriatric, by site."""

import streamlit as st

from dashboard.screen import file_links, page

view = page.open_page("age_groups")
st.title("Age groups", anchor=False)
view.show("age_pyramid")
view.show("age_rates")
view.show("age_patients", "age_bookings")
view.show("age_mix")
view.show("age_no_shows", "age_effects")
file_links.everything(view, "age_groups")
