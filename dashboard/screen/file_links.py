"""Links below a page's panels: to files of them, to the rows behind them, to sheets to print."""

from __future__ import annotations

from html import escape
from urllib.parse import urlencode

import streamlit as st

from dashboard import access, exports, packs
from dashboard.screen.page import View


def row_links(view: View, *names: str) -> None:
    """Links to the rows behind the page, on the page Exports, with the filters in force."""
    links = [
        f'<a class="file" href="/exports?dataset={name}&amp;{escape(view.filters.address())}" target="_self">'
        f"{escape(exports.DATASETS[name].title)}</a>"
        for name in names
        if access.allows(view.reader.viewer, exports.DATASETS[name].resource)
    ]
    st.html(f'<p class="take">Rows behind these figures: {" ".join(links)}</p>')


def huddles(view: View) -> None:
    """Links to the morning huddle of each site shown, to print."""
    sites = view.filters.sites_drawn
    links = []
    for site in sites:
        named = view.filters.query().get("no-shows", [])
        own = {"day": view.filters.day.isoformat(), "site": site, "no-shows": named}
        address = escape(urlencode(own, doseq=True))
        name = escape(view.reader.catalogue.site_name(site))
        links += [
            f'<a class="file" href="/export/morning_huddle.{form}?{address}" target="_self" download '
            f'aria-label="Print the morning huddle of {name} as {form.upper()}">'
            f"{'Print' if len(sites) == 1 else name} {form.upper()}</a>"
            for form in (("pdf", "html") if len(sites) == 1 else ("pdf",))
        ]
    st.html(f'<p class="take">{" ".join(links)} Morning huddle, one sheet a site, to print.</p>')


def everything(view: View, resource: str) -> None:
    """Links to every table of a page in one file, with the filters in force."""
    dataset = packs.PAGES[f"page_{resource}"]
    links = " ".join(
        f'<a class="file" href="/export/{dataset.name}.{form}?{escape(view.filters.address())}" target="_self" '
        f'download aria-label="Everything on this page as {escape(title)}">{escape(title)}</a>'
        for form, title in packs.PAGE_FORMS.items()
    )
    st.html(f'<p class="take">{links} {escape(dataset.title)}, in one file.</p>')
