"""A page that tells who looks at it and whose Streamlit session it is."""

import streamlit as st

from dashboard import identity

viewer = identity.current_viewer()
st.session_state.setdefault("owner", viewer.username)
st.text(f"viewer={viewer.username} owner={st.session_state.owner} role={viewer.role.value}")
