"""Who signed in, saw, took or changed what, and whether the record holds."""

import streamlit as st

from dashboard.screen import audit_page

record = audit_page.open_page()
st.title("Audit", anchor=False)
state = st.container()
wanted = audit_page.search_bar(record)
audit_page.entries(record, wanted)
with state:
    audit_page.verdict(record)
