"""Side effects in the order in which reviewers ask: recorded? supervised? any? severe? serious? which?"""

import streamlit as st

from dashboard import page, register_page

view = page.open_page("safety", by=True)
st.title("Safety")
register_page.notices(view)
view.show("safety_quality")
view.show("safety_outcomes")
view.show("serious_events")
view.show("effects", "severity")
view.show("effect_trend", "ascertainment_trend")
view.show("effects_by_site", "effects_by_line")
view.show("effects_by_age", "any_effect_by_line")
view.show("effectiveness")
view.show("effectiveness_by_site")
view.show("effectiveness_by_age")
view.show("effectiveness_by_indication")
register_page.printing(view)
page.everything(view, "safety")
