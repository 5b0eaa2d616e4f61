"""A page that tells who looks at it and whose Streamlit session it is; asked to, how Streamlit is set."""

import json

import streamlit as st
from streamlit.config import get_options_for_section

from dashboard.screen import identity

viewer = identity.current_viewer()
st.session_state.setdefault("owner", viewer.username)
if section := st.query_params.get("config"):
    options = get_options_for_section(section)
    st.text(json.dumps({name: value for name, value in options.items() if name != "cookieSecret"}, default=str))
else:
    st.text(f"viewer={viewer.username} owner={st.session_state.owner} role={viewer.role.value}")
