"""What stands behind each site and line of the page Revenue: links to its rows and their files."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from dashboard import theme
from dashboard.panels import Column
from dashboard.screen import page, tables

_COLUMNS = (
    Column("site", "Site"),
    Column("line", "Service line"),
    Column("invoices", "Invoices", "link"),
    Column("payments", "Payments", "link"),
    Column("invoices_csv", "Invoices, CSV", "link"),
    Column("payments_csv", "Payments, CSV", "link"),
)


def behind(view: page.View) -> None:
    """A row a site and line, with links to its invoices and payments."""
    opened = st.expander("Rows behind each figure", key="rows_behind", on_change="rerun", type="compact")
    if opened.open:
        with opened:
            tables.table(links(view), _COLUMNS, "Rows behind each figure")


def links(view: page.View) -> pd.DataFrame:
    """The rows of the table: each site as a whole, then by line."""
    chosen = view.filters
    rows = []
    for site in chosen.sites:
        for line in (None, *(chosen.lines or chosen.scope.lines)):
            narrowed = replace(chosen.at(site), lines=(line,) if line else chosen.lines)
            name = theme.line_title(line) if line else "All" if not chosen.lines else "All chosen"
            pages = [f"/exports?dataset={one}&{narrowed.address()}" for one in ("invoice_rows", "payment_rows")]
            files = [f"/export/{one}.csv?{narrowed.address()}" for one in ("invoice_rows", "payment_rows")]
            rows.append((view.reader.catalogue.site_name(site), name, *pages, *files))
    return pd.DataFrame(rows, columns=[column.name for column in _COLUMNS])
