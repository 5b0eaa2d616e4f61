"""One patient's timeline: chosen by hand, in no address, and on record without naming them."""

from __future__ import annotations

import hashlib

from elements import rows_of, sent

from dashboard.settings import Settings
from dashboard.state import shared_store
from dashboard.state.audit import Search


def test_a_patients_timeline_is_shown_and_on_record(visit, data):
    at = visit("director", "events", period="90-days")
    assert not at.exception
    choice = at.selectbox(key="timeline_patient")
    assert choice.value is None
    [listing, *_] = [t for t in at.dataframe if "side effects of" in t.proto.alt]
    patient = listing.value["patient"].iloc[0]
    at = choice.set_value(patient).run()
    assert not at.exception
    [chart] = [c.proto for c in at.get("vega_lite_chart") if "one patient" in c.proto.alt]
    drawn = rows_of(chart.data.data)
    [table] = [t.value for t in at.dataframe if t.proto.alt.endswith("of one patient")]
    assert len(drawn) == len(table) > 1
    assert {"Infusion", "Side effect"} <= set(table["kind"])
    assert patient not in str(dict(at.query_params))
    record = shared_store(Settings.from_environment()).audit
    record.flush()
    [entry] = record.search(Search(kinds=("view",), text="timeline"), 5)
    assert entry.actor == "director"
    assert entry.details == {"patient_sha256": hashlib.sha256(patient.encode()).hexdigest()[:16]}
    assert record.count(Search(text=patient)) == 0


def test_nobody_else_is_sent_a_patients_number(visit, data):
    at = visit("director", "events", period="90-days")
    [listing, *_] = [t.value for t in at.dataframe if "side effects of" in t.proto.alt]
    numbers = set(listing["patient"])
    for page in ("safety", "signals", "register"):
        bytes_sent = sent(visit("admin", page, period="90-days"))
        assert not [number for number in numbers if number in bytes_sent]
