"""Is anything out of the ordinary, at my site, now?"""

import streamlit as st

from dashboard import page, panels, scorecard
from dashboard.panels import today

view = page.open_page("today", day=True)
st.title("Today")
attention = today.attention(panels.rows(view.reader, "today", view.filters))
st.html(scorecard.attention_list(attention, view.mode))
view.show("today")
view.show("day_by_hour")
view.show("days_ahead")
page.everything(view, "today")
