"""Files for the role, with a preview of what they hold."""

import streamlit as st

from dashboard import exports, page

view = page.open_page("exports")
st.title("Exports")
datasets = {dataset.name: dataset for dataset in exports.open_to(view.reader.viewer)}
name = st.selectbox("Dataset", list(datasets), format_func=lambda key: datasets[key].title, key="dataset")
page.preview(view, datasets[name])
