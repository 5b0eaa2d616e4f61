"""What you are told without looking: your rules, where each stands, and where messages go."""

import streamlit as st

from dashboard.screen import alerts_page, page

view = page.open_page("alerts", bar=False)
st.title("Alerts", anchor=False)
alerts_page.standing(view)
alerts_page.rules_of(view)
alerts_page.new_rule(view)
alerts_page.channels(view)
