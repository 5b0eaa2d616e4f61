"""Do patients finish their induction, do they stay, and does it help?"""

import streamlit as st

from dashboard import page

view = page.open_page("outcomes")
st.title("Outcomes")
view.show("outcomes_summary")
view.show("score_change", "course_gaps")
view.show("phq9_by_indication", "gad7_by_indication")
view.show("phq9_by_age", "gad7_by_age")
view.show("induction_by_age")
view.show("retention_by_site", "retention_by_age")
