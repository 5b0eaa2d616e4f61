"""Which signals are looked into, who decided what and why, and what was seen."""

import streamlit as st

from dashboard.screen import register_page

signal = register_page.open_page()
st.title("Signal register", anchor=False)
if signal:
    register_page.detail(signal)
else:
    register_page.listing()
