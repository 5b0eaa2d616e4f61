"""Invoiced against paid: by site, line and method, with the bridge between them."""

import streamlit as st

from dashboard.screen import closing, file_links, page, revenue_rows

view = page.open_page("revenue", by=True)
st.title("Revenue", anchor=False)
view.show("revenue_by_site")
view.show("bridge", "revenue_over_time")
view.show("revenue_bars", "paid_by_method")
view.show("revenue_by_line")
view.show("missed_visits")
file_links.row_links(view, "invoice_rows", "payment_rows", "package_liability")
revenue_rows.behind(view)
closing.closing(view)
file_links.everything(view, "revenue")
