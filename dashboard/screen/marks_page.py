"""For who decides: annotating control charts, beginning their limits anew, taking a mark off again."""

from __future__ import annotations

import streamlit as st

from dashboard import access, filters, marks, theme
from dashboard.panels.signals import effect_title
from dashboard.screen import annotating, forms, identity, page
from dashboard.state.chart_marks import LONGEST, WRITE


def marking(view: page.View) -> None:
    """Forms for the charts of the side effect and lines that are chosen."""
    viewer = view.reader.viewer
    if not access.allows(viewer, WRITE):
        return
    chosen = view.filters
    with st.expander("Annotate these charts, or begin their limits anew", icon=":material/edit_note:"):
        if len(chosen.lines) > 1:
            st.caption("Choose one service line, or all of them: a mark belongs to one chart.")
            return
        line = chosen.lines[0] if chosen.lines else ""
        _adding(view, chosen.effect, line)
        noted = [m for m in marks.of_chart(view.reader.marks, chosen.effect, chosen.lines) if m.site in chosen.sites]
        if noted:
            _withdrawing(view, noted)


def _adding(view: page.View, effect: str, line: str) -> None:
    catalogue = view.reader.catalogue
    names = {site: catalogue.site_name(site) for site in view.filters.sites}
    kinds = marks.TITLES
    about = effect_title(view.reader, effect) + (f" after {theme.line_title(line).lower()}" if line else "")
    first, last = catalogue.first_day, catalogue.last_full_day
    with st.form(forms.key("add_mark"), border=False):
        with st.container(horizontal=True, gap="small"):
            kind = st.selectbox("What", list(kinds), format_func=kinds.__getitem__, width=200)
            site = st.selectbox("Site", list(names), format_func=names.__getitem__, width=200, key="mark_site")
            day = st.date_input("Date", last, min_value=first, max_value=last, format="YYYY-MM-DD", width=160)
        text = st.text_input("What happened, or why the limits begin anew", max_chars=LONGEST)
        sent = st.form_submit_button("Put it on the chart", type="primary")
        st.caption(
            f"On the charts of: {about}. New limits hold from the first point that begins on that date or later. "
            "Everyone who sees the chart reads it: put no patient's name in it."
        )
    if sent:
        viewer = identity.current_viewer()
        annotating.tried(
            lambda: annotating.store().add(
                viewer, view.filters.scope, kind, site, effect, line, forms.day_of(day), text
            ),
            "put",
            "add_mark",
        )


def _withdrawing(view: page.View, noted: list[marks.Mark]) -> None:
    site_name = view.reader.catalogue.site_name
    names = {
        m.number: f"{marks.TITLES[m.kind]}, {site_name(m.site)}, {filters.day_text(m.on_date)}: {m.text}"
        for m in noted
    }
    annotating.withdrawing(names, "mark")
