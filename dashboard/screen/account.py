"""The Account page's pieces: who you are here, how you sign in, where you are signed in, a new password."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import streamlit as st

from dashboard import access
from dashboard.screen import identity, page, tables
from dashboard.serving import gate
from dashboard.settings import Settings
from dashboard.state import StateError, shared_store, store_in_force
from dashboard.state.brake import Brake
from dashboard.state.open_sessions import OpenSession, OpenSessions
from dashboard.state.sealing import Seal
from dashboard.state.second_factor import SecondFactors

#: More sites than these are counted, not named.
NAMED_SITES = 24


def facts(view: page.View) -> None:
    """Name, role and sites of the viewer."""
    viewer = view.reader.viewer
    names = [view.reader.catalogue.site_name(site) for site in view.reader.sites]
    sites = ", ".join(names) if len(names) <= NAMED_SITES else f"{len(names)} sites"
    if viewer.sites is None:
        sites = f"Every site: {sites}"
    rows = {"User name": viewer.username, "Name": viewer.name, "Role": viewer.role.label, "Sites": sites}
    st.html(tables.definition_list(rows))


def second_factor(viewer: access.Viewer) -> None:
    """Whether signing in takes a code, and the way to change that."""
    settings = Settings.from_environment()
    status = SecondFactors(shared_store(settings), Seal.for_settings(settings)).status(viewer.username)
    st.header("Second factor", anchor=False)
    if status is None:
        text, action = "Off. With it, a password that someone has seen is not enough to sign in.", "Set it up"
    else:
        text = f"On since {_moment(status.confirmed_at)}; {status.codes_left} recovery codes left."
        action = "Change it"
    st.html(f'<p class="account">{text} <a href="/second-factor" target="_self">{action}</a></p>')


def open_sessions(viewer: access.Viewer) -> None:
    """Where the viewer is signed in, when they signed in before, and a way to end the others."""
    own = OpenSessions(store_in_force())
    key = identity.session() or ""
    opened = own.of(viewer.username)
    st.header("Where you are signed in", anchor=False)
    others = [one for one in opened if one.key != key]
    named = [("This one", one) for one in opened if one.key == key]
    named += [(f"Another, {number}", one) for number, one in enumerate(others, 1)]
    rows = {name: _described(one) for name, one in named}
    if before := own.sign_in_before(viewer.username, key):
        rows["Signed in before"] = f"{_moment(before.opened_at)}, {_place(before)}"
    st.html(tables.definition_list(rows))
    if others and st.button("End all others", help="Whoever uses them has to sign in again."):
        own.end_others(viewer.username, key)
        st.rerun()
    st.caption("Anything that you don't recognise? End it, then change your password.")


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
    if new != again:
        st.error("The two new passwords differ. Nothing was changed.")
    elif fault := _fault_of_present(viewer, present):
        st.error(f"{fault} Nothing was changed.")
    else:
        try:
            store_in_force().by(viewer.username).reset_password(viewer.username, new)
        except StateError as error:
            st.error(f"{error} Nothing was changed.")
        else:
            st.success("The password is changed. Sign in again with the new one.")
            st.rerun()


def _fault_of_present(viewer: access.Viewer, present: str) -> str | None:
    """What is wrong with the present password, as a sentence; guesses count as at the login page."""
    store = store_in_force()
    address = OpenSessions(store).address(identity.session() or "")
    names = (gate.DEVICE_COOKIE, f"__Host-{gate.DEVICE_COOKIE}")
    device = next((value for name in names if isinstance(value := st.context.cookies.get(name), str)), "")
    brake = Brake(store)
    admission = brake.admit(viewer.username, address, device)
    if admission.ticket is None:
        minutes = -(-admission.wait.seconds // 60)
        return f"Too many failed attempts. Try again in {minutes} min." if minutes else "Try again in a few seconds."
    right = store.verify(viewer.username, present) is not None
    brake.settle(admission.ticket, right=right)
    if not right:
        reason = "wrong password, at the change of it"
        store.audit.record("sign_in_failed", viewer.username, address=address, reason=reason)
        return "The present password is not right."
    return None


def _described(one: OpenSession) -> str:
    return f"{_place(one)}; since {_moment(one.opened_at)}, last used {_moment(one.last_seen_at)}"


def _place(one: OpenSession) -> str:
    return " from ".join(part for part in (one.browser, one.address) if part) or "unknown"


def _moment(moment: datetime) -> str:
    """A moment as the viewer's clock shows it."""
    zone = ZoneInfo(st.context.timezone) if st.context.timezone else UTC
    return f"{moment.astimezone(zone):%-d %b %Y, %H:%M %Z}"
