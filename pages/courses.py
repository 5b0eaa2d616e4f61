"""Do patients finish their induction, how often do they come, and do they stay?"""

import streamlit as st

from dashboard.screen import file_links, page

# An induction is judged 28 days after its begin, and that somebody stopped is known after 60 more.
view = page.open_page("courses", usual="12-months")
st.title("Courses", anchor=False)
view.show("courses_summary")
view.show("induction_by_age", "course_gaps")
view.show("retention_by_site", "retention_by_age")
file_links.everything(view, "courses")
