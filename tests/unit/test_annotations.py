"""Annotations of dates on charts over time: which charts, which sites, what is drawn and printed."""

import datetime as dt
from dataclasses import replace

import altair as alt
import pytest

from dashboard import chart_notes, exports, filters, panels
from dashboard.marks import Mark
from dashboard.panels import PANELS
from dashboard.reports import document, html, huddle
from dashboard.reports.document import blocks

AT = dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC)
TEXT = "New nurse rota <b>&"
#: Every panel whose chart has a time axis.
TIMED = {
    "day_chart", "days_ahead", "bookings_by_status", "no_show_trend", "cancellation_trend", "late_cancellation_trend",
    "utilisation_trend", "new_and_returning", "mix_over_time", "revenue_over_time",
    "effect_trend", "ascertainment_trend", "control_chart", "rate_chart", "control_forms",
}  # fmt: skip


def note(number=1, site="dallas", kind="everything", day=None, text=TEXT):
    return Mark(number, kind, site, "", "", day, text, "Mia Ortiz", AT, "mia")


@pytest.fixture
def marked(director, everything):
    """Readers with annotations of every site and of all, on a day of the period."""
    day = everything.catalogue.last_full_day - dt.timedelta(days=3)
    notes = (note(1, "dallas", day=day), note(2, "chicago", day=day, text="Chicago's own"), note(3, "", day=day))
    return {reader.viewer.username: replace(reader, marks=notes) for reader in (director, everything)}


def timed(reader, chosen):
    found = set()
    for name, panel in PANELS.items():
        if panel.chart:
            look = panels.look_of(reader.catalogue, chosen, "light")
            if chart_notes.along_time(panels.specification(name, look)):
                found.add(name)
    return found


def with_fixed_titles(part):
    """A specification whose axes have titles as the schema knows them: Vega takes one that changes, too."""
    if isinstance(part, dict):
        moving = isinstance(part.get("title"), dict) and "signal" in part["title"]
        return {
            key: "Period" if moving and key == "title" else with_fixed_titles(value) for key, value in part.items()
        }
    return [with_fixed_titles(one) for one in part] if isinstance(part, list) else part


def test_every_chart_with_a_time_axis_is_known(everything):
    assert timed(everything, filters.parse({}, exports.scope_of(everything))) == TIMED


@pytest.mark.parametrize("name", sorted(TIMED))
def test_an_annotation_stands_on_every_chart_over_time(name, marked):
    reader = marked["dan"] if PANELS[name].resource != "revenue" else marked["all"]
    chosen = filters.parse({"period": ["90-days"]}, exports.scope_of(reader))
    if name == "days_ahead":
        chosen = replace(chosen, day=chosen.day - dt.timedelta(days=7))
    plain = document.seen(replace(reader, marks=()), name, chosen)
    seen = document.seen(reader, name, chosen)
    assert (seen["rows"], len(seen["charts"])) == (plain["rows"], len(plain["charts"]))
    assert plain["annotations"] == []
    assert [line[:2] for line in seen["annotations"]] == ["1 ", "2 ", "3 "]
    assert seen["annotations"][0].endswith(f", Dallas: {TEXT} (Mia Ortiz)")
    assert ", all sites: " in seen["annotations"][2]
    for before, after in zip(plain["charts"], seen["charts"], strict=True):
        own = ["1", "3"] if after["caption"] == "Dallas" else ["2", "3"] if after["caption"] == "Chicago" else None
        own = own or (["3"] if PANELS[name].each == "site" else ["1", "2", "3"])
        added = after["body"]["layer"][-2:]
        assert [row["label"] for row in added[0]["data"]["values"]] == [", ".join(own)]
        assert added[0]["encoding"]["x"]["field"] == "on"
        assert "layer" not in before["body"] or len(after["body"]["layer"]) == len(before["body"]["layer"]) + 2
        # Vega-Lite's own schema, against which Altair checks.
        alt.LayerChart.from_dict(with_fixed_titles(after["body"]) | {"data": {"values": []}})
    text = html.render(document.Document("t", "s", tuple(blocks(seen))))
    assert "Annotations: 1 " in text
    assert "New nurse rota &lt;b&gt;&amp;" in text
    assert TEXT not in text


def test_without_an_annotation_in_the_period_a_chart_is_the_very_same(marked):
    reader = marked["dan"]
    before = filters.parse(
        {"period": ["custom"], "from": ["2026-01-01"], "to": ["2026-02-28"]}, exports.scope_of(reader)
    )
    assert document.seen(reader, "bookings_by_status", before)["annotations"] == []
    look = panels.look_of(reader.catalogue, before, "light")
    spec = panels.specification("bookings_by_status", look)
    assert chart_notes.annotated(spec, [], "light") is spec.body


def test_nobody_reads_of_another_site(reader_of, marked):
    dallas = replace(reader_of("manager.dallas"), marks=marked["dan"].marks)
    chosen = filters.parse({"period": ["90-days"], "site": ["chicago"]}, exports.scope_of(dallas))
    for name in sorted(TIMED):
        if PANELS[name].resource not in {"signals", "revenue"}:
            seen = document.seen(dallas, name, chosen)
            assert "Chicago" not in str(seen)
    assert len(document.seen(dallas, "no_show_trend", chosen)["annotations"]) == 2


def test_a_topic_stands_on_its_own_charts(everything, director):
    day = everything.catalogue.last_full_day
    chosen = filters.parse({}, exports.scope_of(director))
    of = {kind: replace(director, marks=(note(kind=kind, day=day),)) for kind in ("bookings", "safety", "annotation")}
    assert [len(document.seen(of[kind], "no_show_trend", chosen)["annotations"]) for kind in of] == [1, 0, 0]
    assert [len(document.seen(of[kind], "effect_trend", chosen)["annotations"]) for kind in of] == [0, 1, 0]


@pytest.mark.parametrize(
    ("by", "first", "last"),
    [
        ("day", "2026-10-05", "2026-10-18"),
        ("week", "2026-10-05", "2026-10-25"),
        ("month", "2026-10-01", "2026-11-30"),
    ],
)
def test_the_last_week_or_month_counts_to_its_end(by, first, last):
    import pandas as pd

    step = {"day": "D", "week": "7D", "month": "MS"}[by]
    periods = pd.Series(pd.date_range(first, dt.date.fromisoformat(last), freq=step)).iloc[
        : {"day": 14, "week": 3, "month": 2}[by]
    ]
    assert panels._span(periods, None) == (dt.date.fromisoformat(first), dt.date.fromisoformat(last))
    assert panels._span(periods.head(1), dt.date(2026, 12, 1)) == (dt.date.fromisoformat(first), dt.date(2026, 12, 1))


def test_the_huddle_prints_them_and_stays_one_sheet(reader_of):
    reader = reader_of("manager.dallas")
    day = huddle.day_of(reader, []).day - dt.timedelta(days=7)
    chosen = huddle.day_of(reader, [], day.isoformat())
    notes = tuple(note(n, day=day + dt.timedelta(days=n), text=f"note number {n}") for n in (1, 2))
    made = huddle.huddle(replace(reader, marks=notes), chosen)
    told = " ".join(block.text for block in made.blocks if isinstance(block, document.Text))
    assert "Dallas: note number 1 (Mia Ortiz); 2 " in told
