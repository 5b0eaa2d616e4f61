"""Who you are here, and your password."""

import streamlit as st

from dashboard import account, page

view = page.open_page("account", bar=False)
st.title("Account")
account.facts(view)
account.change_password(view.reader.viewer)
