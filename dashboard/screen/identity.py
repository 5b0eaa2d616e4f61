"""Who is looking at the page, asked anew at every run of the script.

The gate puts the session's key into `st.user`. A test signs in the same way:

    with Store.open(data, rounds=4) as store:      # data: what DASHBOARD_DATA names
        store.add_user("ada", Role.ADMIN, "a password of ten or more")
        key = session_key(store.open_session("ada"))
    at = AppTest.from_file("dashboard/main.py")
    at.user = {"session": key}
"""

from __future__ import annotations

import streamlit as st

from dashboard.access import Viewer
from dashboard.state import store_in_force


def current_viewer() -> Viewer:
    """The signed-in person; where there is none, the page ends here with a way to sign in.

    Idleness is not extended by this: the gate does that, on what a person does.
    """
    viewer = _viewer()
    if viewer is None:
        st.markdown("Your session has ended. [Sign in again](/login)")
        st.stop()
    return viewer


@st.fragment(run_every=5)
def watch_session() -> None:
    """Clear the screen soon after the session has ended."""
    if _viewer() is None:
        st.rerun()


def session() -> str | None:
    """The key of the session that this page belongs to."""
    key = st.user.to_dict().get("session")
    return key if isinstance(key, str) else None


def _viewer() -> Viewer | None:
    key = session()
    return store_in_force().viewer_of(key, touch=False) if key else None
