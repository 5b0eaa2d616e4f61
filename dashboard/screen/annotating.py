"""The menu "Annotate" of the filter bar: what happened, on every chart over time of one's sites."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard import access, exports, filters
from dashboard.marks import EVERY_SITE, TOPICS, Mark
from dashboard.screen import forms, identity
from dashboard.state import StateError, store_in_force
from dashboard.state.chart_marks import ANNOTATE, LONGEST, ChartMarks, may_annotate, may_withdraw
from dashboard.warehouse import Reader


def menu(reader: Reader) -> None:
    """The menu, for who may write annotations; filled only while it is open."""
    if not access.allows(reader.viewer, ANNOTATE):
        return
    opened = st.popover("Annotate", key="annotating", on_change="rerun")
    if not opened.open:
        return
    with opened:
        _adding(reader)
        own = [m for m in reader.marks if m.kind in TOPICS and may_withdraw(reader.viewer, m)]
        if own:
            _withdrawing(reader, own)


def _adding(reader: Reader) -> None:
    catalogue = reader.catalogue
    every = (EVERY_SITE,) if may_annotate(reader.viewer, EVERY_SITE) and len(reader.sites) > 1 else ()
    names = {site: _site(reader, site) for site in (*reader.sites, *every)}
    with st.form(forms.key("add_annotation"), border=False):
        text = st.text_input("What happened", max_chars=LONGEST, placeholder="New nurse rota")
        with st.container(horizontal=True, gap="small"):
            day = st.date_input(
                "On",
                catalogue.last_full_day,
                min_value=catalogue.first_day,
                max_value=catalogue.last_day,
                format="YYYY-MM-DD",
                width=150,
            )
            site = next(iter(names))
            if len(names) > 1:
                site = st.selectbox("At", list(names), format_func=names.__getitem__, width=200)
            topic = st.selectbox("On charts of", list(TOPICS), format_func=TOPICS.__getitem__, width=220)
        sent = st.form_submit_button("Put it on the charts", type="primary")
        st.caption("Everyone who sees the charts of the site reads it: put no patient's name in it.")
    if sent:
        tried(
            lambda: store().add(
                identity.current_viewer(), exports.scope_of(reader), topic, site, "", "", forms.day_of(day), text
            ),
            "written",
            "add_annotation",
        )


def _withdrawing(reader: Reader, own: list[Mark]) -> None:
    names = {
        mark.number: f"{filters.day_text(mark.on_date)}, {_site(reader, mark.site)}: {mark.text}"
        for mark in sorted(own, key=lambda mark: (mark.on_date, mark.number), reverse=True)
    }
    withdrawing(names, "annotation")


def withdrawing(names: dict[int, str], what: str) -> None:
    """The form that takes one of the marks off the charts, by its number; `what` names its widgets."""
    form = f"withdraw_{what}"
    with st.form(forms.key(form), border=False):
        number = st.selectbox(
            "On the charts now", list(names), format_func=lambda number: names.get(number, ""), key=f"{what}_number"
        )
        why = st.text_input("Why it is withdrawn", max_chars=LONGEST, key=forms.key(f"{what}_why"))
        sent = st.form_submit_button("Withdraw it")
    if sent:
        tried(lambda: store().withdraw(identity.current_viewer(), number, why), "withdrawn", form, f"{what}_why")


def _site(reader: Reader, site: str) -> str:
    return "All sites" if site == EVERY_SITE else reader.catalogue.site_name(site)


def tried(change: Callable[[], None], done: str, *asked: str) -> None:
    """Make a change of marks that forms asked for; where it is refused, say why and that nothing was done."""
    try:
        change()
    except StateError as error:
        st.error(f"{error} Nothing was {done}.")
    else:
        for form in asked:
            forms.emptied(form)
        st.rerun()


def store() -> ChartMarks:
    """What people noted on charts."""
    return ChartMarks(store_in_force())
