"""The Account page's pieces: who you are here, and a new password."""

from __future__ import annotations

import streamlit as st

from dashboard import access, page
from dashboard.settings import Settings
from dashboard.state.store import StateError, shared_store


def facts(view: page.View) -> None:
    """Name, role and sites of the viewer."""
    viewer = view.reader.viewer
    sites = ", ".join(view.reader.catalogue.site_name(site) for site in view.reader.sites)
    everywhere = "" if viewer.sites is not None else " (every site)"
    rows = {"User name": viewer.username, "Name": viewer.name, "Role": viewer.role.label}
    st.html(page.definition_list(rows | {"Sites": sites + everywhere}))


def change_password(viewer: access.Viewer) -> None:
    """A form that asks for the present password and sets another; every session then ends."""
    with st.form("password", clear_on_submit=True, width=420):
        st.markdown("**Change your password**")
        present = st.text_input("Present password", type="password", autocomplete="current-password")
        new = st.text_input("New password", type="password", autocomplete="new-password")
        again = st.text_input("New password, again", type="password", autocomplete="new-password")
        sent = st.form_submit_button("Change password", type="primary")
    if not sent:
        return
    store = shared_store(Settings.from_environment())
    if store.verify(viewer.username, present) is None:
        st.error("The present password is not right. Nothing was changed.")
    elif new != again:
        st.error("The two new passwords differ. Nothing was changed.")
    else:
        try:
            store.by(viewer.username).reset_password(viewer.username, new)
        except StateError as error:
            st.error(f"{error} Nothing was changed.")
        else:
            st.success("The password is changed. Sign in again with the new one.")
            st.rerun()
