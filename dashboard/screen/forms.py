"""Forms that lose nothing: what was typed stays where it is refused, and goes once it is done."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from dashboard.state import StateError


def key(form: str) -> str:
    """The key of a form, or of a widget in it, which `emptied` makes a new one."""
    turn = st.session_state.get(_turns(form), 0)
    return f"{form}_{turn}" if turn else form


def emptied(form: str) -> None:
    """Let the form be empty at the next run: what it asked for is done."""
    st.session_state[_turns(form)] = st.session_state.get(_turns(form), 0) + 1


def day_of(chosen: object) -> dt.date:
    """The day of a date input.

    Raises:
        StateError: there is none.
    """
    if not isinstance(chosen, dt.date):
        raise StateError("Choose a date.")
    return chosen


def _turns(form: str) -> str:
    return f"turns_{form}"
