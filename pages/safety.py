"""Side effects in the order in which reviewers ask: recorded? supervised? any? severe? serious? which?"""

import streamlit as st

from dashboard.screen import file_links, page, register_page

view = page.open_page("safety", by=True, own=("effects_by", "scores_by"))
st.title("Safety", anchor=False)
register_page.notices(view)
view.show("safety_quality")
view.show("safety_outcomes")
view.show("serious_events")
view.show("effects", "severity")
view.show("effect_trend", "ascertainment_trend")
view.show_one("effects_by", {
    "By site": ["effects_by_site"],
    "By service line": ["effects_by_line", "any_effect_by_line"],
    "By age band": ["effects_by_age"],
})  # fmt: skip
view.show("effectiveness")
view.show_one("scores_by", {
    "By site": ["effectiveness_by_site"],
    "By age group": ["effectiveness_by_age"],
    "By indication": ["effectiveness_by_indication"],
})  # fmt: skip
register_page.printing(view)
file_links.everything(view, "safety")
