"""What pages show goes on the audit record."""

from __future__ import annotations

import streamlit as st

from dashboard import access
from dashboard.state import store_in_force


def on_record(what: str, viewer: access.Viewer, kind: str, subject: str, **details: object) -> None:
    """Record what a page shows, once for each load and each change and not for each of its runs.

    `what` names the thing that is compared with its last time: the same page, the same preview.
    """
    entry = (viewer.username, kind, subject, details)
    noted = st.session_state.setdefault("noted", {})
    if noted.get(what) == entry:
        return
    if what == "page":
        noted.pop("preview", None)
    noted[what] = entry
    store_in_force().audit.record_later(kind, viewer.username, subject, **details)
