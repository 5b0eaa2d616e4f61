"""Who you are here, how and where you are signed in, and your password."""

import streamlit as st

from dashboard.screen import account, page

view = page.open_page("account", bar=False)
st.title("Account", anchor=False)
account.facts(view)
account.second_factor(view.reader.viewer)
account.open_sessions(view.reader.viewer)
account.change_password(view.reader.viewer)
