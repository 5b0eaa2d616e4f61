"""Is anything out of the ordinary, at my site, now?"""

import streamlit as st

from dashboard import panels
from dashboard.panels import today
from dashboard.screen import file_links, page

view = page.open_page("today", day=True, figure=True)
st.title("Today", anchor=False)
st.html(today.attention(panels.rows(view.reader, "today", view.filters)))
if view.one_site:
    view.show("today", "day_chart")
    view.show("day_by_hour", "day_gaps")
else:
    view.show("today")
    view.show("day_chart")
    view.show("day_by_hour")
    view.show("day_gaps")
view.show("days_ahead")
file_links.huddles(view)
file_links.everything(view, "today")
