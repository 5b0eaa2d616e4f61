"""Files for the role, with a preview of what they hold."""

import streamlit as st

from dashboard import exports, page

chosen = exports.DATASETS.get(st.session_state.get("dataset", ""))
view = page.open_page("exports", day=chosen is not None and chosen.of_day)
st.title("Exports")
datasets = {dataset.name: dataset for dataset in exports.open_to(view.reader.viewer)}
name = st.selectbox("Dataset", list(datasets), format_func=lambda key: datasets[key].label, key="dataset")
page.preview(view, datasets[name])
