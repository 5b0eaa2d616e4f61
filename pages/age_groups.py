"""Adolescent to geriatric, by site."""

import streamlit as st

from dashboard import page

view = page.open_page("age_groups")
st.title("Age groups")
view.show("age_patients", "age_bookings")
view.show("age_mix", "age_no_shows")
view.show("age_effects")
