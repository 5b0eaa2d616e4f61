"""Closing a month, on the page Revenue: its pack, who closed what, and what a later extract has changed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from html import escape
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from dashboard import access, filters, month_end, packs
from dashboard.panels import Column
from dashboard.panels.column import UNIT
from dashboard.screen import forms, identity, page, tables
from dashboard.state import StateError, store_in_force
from dashboard.state.closed_months import ClosedMonth, ClosedMonths
from dashboard.wording import plural

#: Months that can be chosen, the present one among them.
MONTHS = 13
_CLOSED = (
    Column("month", "Month"),
    Column("site", "Site"),
    Column("closed_at", "Closed (UTC)", "datetime"),
    Column("closed_by", "By"),
    Column("extract", "Extract"),
)
_RESTATED = (
    Column("table", "Table"),
    Column("site", "Site"),
    Column("figure", "Figure"),
    Column("closed", "As closed", "decimal", own="value"),
    Column("now", "Now", "decimal", own="value"),
    Column("difference", "Difference", "decimal", own="value"),
)


def months_of(first: dt.date, last: dt.date) -> list[str]:
    """The months that an extract holds days of, the latest first.

    >>> months_of(dt.date(2026, 8, 30), dt.date(2026, 10, 2))
    ['2026-10', '2026-09', '2026-08']
    """
    found: list[str] = []
    day = last.replace(day=1)
    while day >= first.replace(day=1) and len(found) < MONTHS:
        found.append(f"{day:%Y-%m}")
        day = filters.months_back(day, 1)
    return found


def month_text(month: str) -> str:
    """A month as staff read it.

    >>> month_text("2026-09")
    'September 2026'
    """
    return f"{dt.date.fromisoformat(month + '-01'):%B %Y}"


def restated(lines: Sequence[tuple[str, int, int]], site_name: Callable[[str], str]) -> pd.DataFrame:
    """Figures that differ from those closed, in dollars where they are money; sites by the name that staff read."""
    rows = []
    for key, was, now in lines:
        table, site, *what, name = key.split(" | ")
        scale = 100 if name.endswith("cents") else 1
        figure = ", ".join([*what, name.removesuffix("_cents").replace("_", " ")])
        values = (was / scale, now / scale, (now - was) / scale)
        rows.append((table.replace("_", " "), site_name(site), figure, *values, month_end.unit_of(key)))
    return pd.DataFrame(rows, columns=[*(column.name for column in _RESTATED), UNIT])


def closing(view: page.View) -> None:
    """The month-end pack, the closed months, and closing or opening one."""
    opened = st.expander("Month-end", key="month_end", on_change="rerun", type="compact")
    if not opened.open:
        return
    with opened:
        _closing(view)


def _closing(view: page.View) -> None:
    reader, catalogue = view.reader, view.reader.catalogue
    months = months_of(catalogue.first_day, catalogue.last_full_day)
    chosen = st.selectbox(
        "Month", months, index=min(1, len(months) - 1), format_func=month_text, key="month_end_month", width=215
    )
    # Those of sites that the extract doesn't hold any more among them.
    every = [
        one
        for one in ClosedMonths(store_in_force()).list()
        if access.allows(reader.viewer, month_end.RESOURCE, one.site)
    ]
    closed = [one for one in every if one.month == chosen]
    try:
        made, lines = packs.month(reader, store_in_force(), chosen, view.filters.sites)
    except month_end.MonthError as error:
        st.error(str(error))
        return
    closed = [one for one in closed if one.site in made.sites]
    sites = [] if view.filters.sites == view.filters.scope.sites else [filters.slug(s) for s in made.sites]
    address = escape(urlencode({"month": chosen, "site": sites}, doseq=True))
    told = month_text(chosen)
    where = ", ".join(catalogue.site_name(site) for site in made.sites)
    st.html(
        f'<p class="take"><a class="file" href="/export/{packs.MONTH_END}.zip?{address}" target="_self" download '
        f'aria-label="Month-end pack of {told}">Month-end pack</a> {told}, {escape(where)}'
        f"{', provisional: the month is not over in this extract' if made.provisional else ''}</p>"
    )
    open_at = [site for site in made.sites if site not in {one.site for one in closed}]
    if lines:
        figures = plural(len(lines), "figure", "figures")
        st.warning(f"{figures} of {told} {'has' if len(lines) == 1 else 'have'} changed since it was closed.")
        tables.table(
            restated(lines, catalogue.site_name), _RESTATED, f"Figures of {told} restated since it was closed"
        )
    elif closed:
        only = ", ".join(catalogue.site_name(one.site) for one in closed) if open_at else ""
        st.success(f"Every figure of {told} is as it was closed{f' at {tables.verbatim(only)}' if only else ''}.")
    if closed:
        _reopening(view, chosen, closed)
    if open_at and not made.provisional:
        _close(view, made, open_at)
    if every:
        tables.table(_frame(view, every), _CLOSED, "Closed months")


def _close(view: page.View, made: month_end.Pack, sites: Sequence[str]) -> None:
    told, kept = month_text(made.month), {site: month_end.of_site(made.figures, site) for site in sites}
    figures = plural(sum(map(len, kept.values())), "figure", "figures")
    some = len(sites) < len(made.sites)
    named = tables.verbatim(", ".join(view.reader.catalogue.site_name(site) for site in sites))
    where = f" at {named}" if some else ""
    st.caption(
        f"Closing {told}{where} keeps its {figures}. A later extract that changes one of them is shown here, line by "
        "line, and stands in the pack."
    )
    if st.button(f"Close {told}{where}", key="month_end_close"):
        _do(view, lambda months: months.close(made.month, made.extract, kept))


def _reopening(view: page.View, month: str, closed: Sequence[ClosedMonth]) -> None:
    told = month_text(month)
    with st.form(forms.key("month_end_reopen"), border=False):
        reason = st.text_input(f"Why {told} is opened again", max_chars=500, placeholder="Stands in the audit record")
        if st.form_submit_button(f"Open {told} again"):
            _do(view, lambda months: months.reopen(month, [one.site for one in closed], reason))


def _do(view: page.View, act: Callable[[ClosedMonths], object]) -> None:
    # The page may have been open for long: who acts is asked again.
    viewer = access.require(identity.current_viewer(), month_end.RESOURCE)
    for site in view.filters.sites:
        access.require(viewer, month_end.RESOURCE, site)
    try:
        act(ClosedMonths(store_in_force().by(viewer.username)))
    except StateError as error:
        st.error(str(error))
    else:
        forms.emptied("month_end_reopen")
        st.rerun()


def _frame(view: page.View, closed: Sequence[ClosedMonth]) -> pd.DataFrame:
    name = view.reader.catalogue.site_name
    rows = [
        (month_text(one.month), name(one.site), one.closed_at.replace(tzinfo=None), one.closed_by, one.extract)
        for one in closed
    ]
    return pd.DataFrame(rows, columns=[column.name for column in _CLOSED])
