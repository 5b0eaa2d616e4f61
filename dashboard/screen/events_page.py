"""The Events page's piece beside its panels: one patient's timeline, chosen by hand and put on record."""

from __future__ import annotations

import hashlib
from collections import Counter

import streamlit as st

from dashboard import panels
from dashboard.panels import events
from dashboard.screen import page, recording, tables


def timeline(view: page.View) -> None:
    """All that is recorded of a patient among those whose side effects are listed."""
    frame = panels.rows(view.reader, "event_list", view.filters)
    listed = Counter(frame["patient"].astype(str))
    with st.container(border=True, key="patient_timeline"):
        st.html('<h2 class="answer">One patient over time</h2>')
        # Not in the address, which browsers keep.
        patient = st.selectbox(
            "Patient",
            list(listed),
            index=None,
            format_func=lambda number: f"{number}, {listed[number]} listed",
            placeholder="Choose a patient of the list above",
            key="timeline_patient",
            width=420,
        )
        if patient is None:
            return
        # The record holds no patient; who has the extract can tell from the hash whose timeline it was.
        told = hashlib.sha256(patient.encode()).hexdigest()[:16]
        recording.on_record(
            "timeline", view.reader.viewer, "view", "events, timeline of one patient", patient_sha256=told
        )
        rows = events.timeline(view.reader, patient)
        spec = events.timeline_specification(view.look)
        drawn = rows.assign(period=rows["moment"].dt.strftime("%Y-%m-%dT%H:%M:%S"))
        kept = drawn[[column for column in drawn.columns if column in spec.fields]]
        st.vega_lite_chart(
            kept, spec.body, alt="Infusions, side effects and scores of one patient", key="timeline_chart"
        )
        tables.table(rows, events.TIMELINE_COLUMNS, "Infusions, side effects and scores of one patient")
