"""The named definitions of the no-show rate: what each divides by, and that one choice changes every place."""

import datetime as dt
import re
from urllib.parse import parse_qs

import numpy as np
import pandas as pd
import pytest

from dashboard import exports, filters, no_shows, panels, verdicts
from dashboard.metrics import METRICS
from dashboard.no_shows import DEFINITIONS, HEADLINE
from dashboard.panels import PANELS, today
from dashboard.panels.words import ALL_SITES
from dashboard.reports import dossier, huddle, pdf

OTHERS = [name for name in DEFINITIONS if name != HEADLINE]
SHOWN = [panel.name for panel in PANELS.values() if panel.shows_no_shows]


def asked(reader, name, **more):
    address = {"no-shows": [name], **{key: [value] for key, value in more.items()}}
    return filters.parse(address, exports.scope_of(reader))


def rates_of(frame):
    """The rows of the no-show rate."""
    own = frame["metric"].map(no_shows.plain) == no_shows.RATE if "metric" in frame else frame["value"].notna()
    return frame[own]


def test_the_headline_is_what_nothing_asked_gives(everything):
    chosen = filters.parse({}, exports.scope_of(everything))
    assert chosen.no_shows == HEADLINE
    assert "no-shows" not in chosen.address()
    assert asked(everything, "none such").no_shows == HEADLINE
    assert asked(everything, "slots").address().endswith("no-shows=slots")
    assert asked(everything, "slots").described(of_day=False)["no_shows"] == "slots"


def test_the_rate_stands_where_it_is_known_to():
    assert set(SHOWN) == {"today", "day_chart", "bookings_summary", "no_show_trend", "age_rates", "age_no_shows"}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_place_of_a_period_has_the_same_figure_and_the_name(everything, facts, name):
    chosen = asked(everything, name, period="90-days")
    metric = METRICS[DEFINITIONS[name].metric]
    summary = rates_of(panels.rows(everything, "bookings_summary", chosen)).set_index("site")
    assert set(summary["metric"]) == {metric.name}
    assert set(summary["title"]) == {metric.title}

    trend = panels.rows(everything, "no_show_trend", chosen)
    parts = trend.groupby("site")[["numerator", "denominator"]].sum()
    whole = summary.drop(ALL_SITES)[["numerator", "denominator"]]
    pd.testing.assert_frame_equal(parts.sort_index(), whole.sort_index(), check_names=False)

    missed = facts(
        "select count_if(status = 'no_show') as n from bookings where starts_on between $a and $b",
        a=chosen.start, b=chosen.end,
    )["n"].iloc[0]  # fmt: skip
    ages = panels.rows(everything, "age_no_shows", chosen)
    rates = rates_of(panels.rows(everything, "age_rates", chosen))
    assert summary.loc[ALL_SITES, "numerator"] == missed == ages["numerator"].sum() == rates["numerator"].sum()
    below = summary.loc[ALL_SITES, "denominator"]
    if name == "slots":
        # Each age shares all chairs.
        assert set(rates["denominator"]) == {below}
    else:
        assert below == ages["denominator"].sum() == rates["denominator"].sum()

    answer = PANELS["bookings_summary"].answer(panels.rows(everything, "bookings_summary", chosen))
    said = f"no-shows {metric.variant}".strip()
    assert f"; {said} {summary.loc[ALL_SITES, 'value']:.1f} % ({missed:,.0f} of {below:,.0f};" in answer


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("shown", SHOWN)
def test_headings_charts_and_definitions_carry_the_name(everything, name, shown):
    one, chosen = DEFINITIONS[name], asked(everything, name, figure="no-show-rate")
    panel = panels.panel_of(shown, chosen)
    assert one.title in [metric.title for metric in panel.definitions()]
    assert METRICS[no_shows.RATE].title not in [metric.title for metric in panel.definitions()]
    if PANELS[shown].title.startswith("No-show rate"):
        assert panel.title.startswith(one.title)
        heads = [column.title for column in panels.columns(everything, shown, chosen)]
        assert f"{one.title} (%)" in heads
        assert one.counted.capitalize() in heads
    look = panels.look_of(everything.catalogue, chosen, "light")
    if panel.chart and shown != "day_chart":
        spec = str(panels.specification(shown, look).body)
        assert one.title in spec
        assert f"% of {one.counted}" in spec
    if panel.html:
        frame = panels.rows(everything, shown, chosen)
        assert f'<abbr title="{one.definition}">{one.title}</abbr>' in panel.html(frame)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_the_day_its_chart_and_its_limits_are_of_one_definition(everything, name):
    chosen = asked(everything, name, figure="no-show-rate")
    metric = METRICS[DEFINITIONS[name].metric]
    scores = rates_of(panels.rows(everything, "today", chosen))
    chart = panels.rows(everything, "day_chart", chosen)
    assert len(scores) == len(everything.sites)
    assert set(chart["title"]) == set(scores["title"]) == {metric.title}
    assert set(chart["axis"]) == {f"{metric.title}, % of {DEFINITIONS[name].counted}"}
    for row in scores.to_dict("records"):
        last = chart[chart["site"] == row["site"]].iloc[-1]
        assert last["period"] == chosen.day
        for ours, theirs in (("value", "value"), ("numerator", "numerator"), ("denominator", "denominator"),
                             ("usual", "centre"), ("usual_from", "lower"), ("usual_to", "upper")):  # fmt: skip
            np.testing.assert_equal(row[ours], last[theirs])
        assert row["sentence"] == last["sentence"]
        named = f", {metric.variant}" if metric.variant else ""
        shown = f"{row['numerator']:,.0f} of {row['denominator']:,.0f} ({row['value']:.1f} %{named})"
        assert row["sentence"].startswith(f"No-shows {shown}")
        assert f"figure=no-show-rate{'' if name == HEADLINE else f'&no-shows={name}'}" in row["address"]
    # The past under the same definition: its centre is the sum above the line over the sum below it.
    for own in today._site_days(everything, chosen):
        found = own.chart(metric)
        centre = 100 * found.numerator[:-1].sum() / found.denominator[:-1].sum()
        np.testing.assert_allclose(np.asarray(found.limits.centre)[-1], centre)
        assert verdicts.judge(metric, found).kind in {"common", "concern", "improvement"}


def test_a_wider_line_below_gives_a_lower_rate(everything):
    found = {
        name: rates_of(panels.rows(everything, "bookings_summary", asked(everything, name))) for name in DEFINITIONS
    }
    below = [found[name]["denominator"].to_numpy() for name in ("headline", "scheduled", "slots")]
    assert (below[0] < below[1]).all()
    assert (below[1] < below[2]).all()


def test_days_that_are_not_over_count_what_has_become_of_them(everything, facts):
    """Neither booked chairs of tomorrow nor its free slots are past."""
    catalogue = everything.catalogue
    after = catalogue.last_full_day + dt.timedelta(days=1)
    span = {"period": "custom", "from": after.isoformat(), "to": catalogue.last_day.isoformat()}
    kept = facts(
        "select count_if(status in ('arrived', 'completed', 'no_show')) as n, count(*) as every from bookings "
        "where starts_on > $day", day=catalogue.last_full_day,
    ).iloc[0]  # fmt: skip
    assert kept["every"] > 0
    for name in DEFINITIONS:
        frame = panels.rows(everything, "bookings_summary", asked(everything, name, **span))
        assert rates_of(frame).set_index("site").loc[ALL_SITES, "denominator"] == kept["n"]


def test_what_lies_ahead_and_signals_keep_the_headline(everything, director):
    for name in OTHERS:
        ours, theirs = (panels.rows(everything, "days_ahead", asked(everything, n)) for n in (HEADLINE, name))
        pd.testing.assert_frame_equal(ours, theirs)
    assert "% of past appointments" in str([column.title for column in PANELS["days_ahead"].columns])
    series = "miami_beach|no_show|||Monday"
    copies = [dossier.freeze(director, asked(director, n), series) for n in (HEADLINE, "scheduled")]
    assert copies[0]["panels"] == copies[1]["panels"]
    assert copies[0]["figures"] == copies[1]["figures"]


@pytest.mark.parametrize("name", DEFINITIONS)
def test_the_huddle_prints_the_figure_and_names_the_definition(everything, name):
    chosen = huddle.day_of(everything, ["dallas"], named=name)
    made = huddle.huddle(everything, chosen)
    assert f"No-show rate {DEFINITIONS[name].told}." in made.subtitle
    [row] = rates_of(panels.rows(everything, "today", chosen)).to_dict("records")
    [grid] = [block for block in made.blocks if getattr(block, "title", "") == "The day's figures"]
    [line] = [cells for cells in grid.rows if cells[0].startswith("No-show rate")]
    assert line[0] == DEFINITIONS[name].title
    assert line[1:3] == (f"{row['value']:.1f} %", f"{row['numerator']:,.0f}/{row['denominator']:,.0f}")
    assert line[-1] == row["sentence"]
    assert len(re.findall(rb"/Type\s*/Page\b", pdf.render(made))) == 1


def test_a_huddle_of_no_such_definition_says_which_there_are(everything):
    with pytest.raises(huddle.HuddleError, match="headline, scheduled, slots"):
        huddle.day_of(everything, ["dallas"], named="late")


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_file_has_the_figure_the_heading_and_the_name_on_its_receipt(everything, name):
    chosen = asked(everything, name, period="90-days")
    address = chosen.query()
    export = exports.asked(everything, exports.DATASETS["no_show_trend"], address)
    body, receipt = export.write("csv")
    text = b"".join(body).decode("utf-8-sig")
    heading, first = text.splitlines()[:2]
    assert f"{DEFINITIONS[name].title} (%)" in heading.replace('"', "")
    assert DEFINITIONS[name].counted.capitalize() in heading
    row = panels.rows(everything, "no_show_trend", chosen).iloc[0]
    assert first.rstrip().endswith(f",{row['numerator']:.0f},{row['denominator']:.0f}")
    details = receipt.details()
    assert details["no_show_rate"] == DEFINITIONS[name].told
    assert details["filters"].get("no_shows", HEADLINE) == name
    assert (
        exports.asked(everything, export.dataset, parse_qs(details["link"].partition("?")[2])).filters.no_shows
        == name
    )
    _, other = exports.asked(everything, exports.DATASETS["utilisation_trend"], address).write("csv")
    assert "no_show_rate" not in other.details()


def test_links_in_rows_hold_nothing_of_who_asked_first(everything):
    names = ("revenue_bars", "paid_by_method")
    everything.warehouse.answers.forget()
    for name in names:
        panels.rows(everything, name, asked(everything, "slots"))
    links = [link for name in names for link in panels.rows(everything, name, asked(everything, HEADLINE))["opens"]]
    assert links
    assert [link for link in links if "no-shows" in link] == []
