"""What is sent for a chart: the rows that were worked out, in few bytes, and never those of others."""

import json
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from dashboard import exports, filters, panels, pictures, theme
from dashboard.access import RESOURCES, Role
from dashboard.panels import PANELS
from dashboard.reports.pictures import svg

CHARTS = [name for name, panel in PANELS.items() if panel.chart]


def plain(table: pa.Table) -> pd.DataFrame:
    """The rows as a browser has them, whatever bytes they came in."""
    return pd.DataFrame({name: pd.Series(table[name].to_pylist(), dtype=object) for name in table.column_names})


numbers = st.one_of(st.integers(-(2**40), 2**40), st.floats(allow_infinity=False), st.none())


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(numbers, st.sampled_from(["Chicago", "Miami Beach", "", None])), max_size=40))
def test_nothing_is_lost_in_few_bytes(rows):
    frame = pd.DataFrame(
        {
            "value": pd.Series([value for value, _ in rows], dtype=float),
            "site": pd.Series([site for _, site in rows], dtype="str"),
        }
    )
    sent = plain(pictures.table(frame))
    wanted = frame.astype(object).where(frame.notna(), None)
    assert_frame_equal(sent, wanted, check_dtype=False)


def test_whole_numbers_and_repeated_words_are_small():
    frame = pd.DataFrame({"n": [1.0, np.nan, 3.0, 4.0], "site": ["Chicago"] * 4, "cents": [2.0**40] * 4})
    types = {field.name: field.type for field in pictures.table(frame).schema}
    assert types["n"] == pa.int32()
    assert types["cents"] == pa.float64()
    assert pa.types.is_dictionary(types["site"])


def nameless(bodies: list) -> str:
    """Grammars without the names of their views, which are digests of what stands in them."""
    return re.sub(r"view_[0-9a-f]+_", "view_", json.dumps(bodies, sort_keys=True))


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_that_was_kept_in_light_colours_is_drawn_in_dark_ones_as_a_new_one_is(everything, director, name):
    reader = director if Role.MEDICAL_DIRECTOR in RESOURCES[PANELS[name].resource] else everything
    chosen = filters.parse({"period": ["90-days"]}, exports.scope_of(reader))
    light, dark = (
        [one.body for one in pictures.pictures(reader, name, chosen, mode).charts] for mode in ("light", "dark")
    )
    assert theme.recoloured(light, "light") == light
    assert nameless(theme.recoloured(light, "dark")) == nameless(dark)


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_has_the_rows_of_its_panel(everything, director, name):
    reader = director if Role.MEDICAL_DIRECTOR in RESOURCES[PANELS[name].resource] else everything
    chosen = filters.parse({"period": ["90-days"]}, exports.scope_of(reader))
    found = pictures.pictures(reader, name, chosen, "light")
    rows = panels.rows(reader, name, chosen)
    drawn = [plain(one.rows) for one in found.charts]
    assert sum(map(len, drawn)) == len(rows)
    sent = pd.concat(drawn)
    for column in {"value", "numerator", "denominator"} & set(sent.columns):
        assert sent[column].astype(float).sum() == pytest.approx(rows[column].astype(float).sum(), rel=1e-12)


def test_pictures_are_kept_for_those_who_may_see_them(everything, reader_of):
    """A picture that was worked out is given again to who asks the same, and to nobody else."""
    manager = reader_of("manager.dallas")
    chosen = {
        reader.viewer.username: filters.parse({"period": ["90-days"]}, exports.scope_of(reader))
        for reader in (everything, manager)
    }
    mine = pictures.pictures(everything, "no_show_trend", chosen[everything.viewer.username], "light")
    assert pictures.pictures(everything, "no_show_trend", chosen[everything.viewer.username], "light") is mine
    theirs = pictures.pictures(manager, "no_show_trend", chosen[manager.viewer.username], "light")
    sites = set(theirs.charts[0].rows["site"].to_pylist())
    assert sites == {manager.catalogue.site_name(site) for site in manager.sites}
    assert sites < set(mine.charts[0].rows["site"].to_pylist())


@pytest.mark.parametrize("name", [name for name in CHARTS if PANELS[name].dated])
def test_a_chart_over_time_is_the_same_of_days_weeks_and_months(everything, director, name):
    # Another specification, and the browser would draw it from scratch.
    reader = director if Role.MEDICAL_DIRECTOR in RESOURCES[PANELS[name].resource] else everything
    bodies, grains = [], []
    for grain in ("day", "week", "month"):
        chosen = filters.parse({"period": ["90-days"], "by": [grain]}, exports.scope_of(reader))
        for one in pictures.pictures(reader, name, chosen, "light").charts[:1]:
            bodies.append(one.body)
            grains.append(set(one.rows["grain"].to_pylist()) if "grain" in one.rows.column_names else set())
    assert bodies[0] == bodies[1] == bodies[2]
    # The chart of the days ahead has days alone.
    assert grains == ([set()] * 3 if name == "days_ahead" else [{"day"}, {"week"}, {"month"}])


@pytest.mark.parametrize("figure", ["no-show-rate", "bookings"])
@pytest.mark.parametrize("width", [200, 330, 1000])
def test_no_two_ticks_of_a_control_chart_are_told_alike(director, figure, width):
    chosen = filters.parse({"figure": [figure]}, exports.scope_of(director))
    one = pictures.pictures(director, "day_chart", chosen, "light").charts[0]
    rows = json.loads(one.rows.to_pandas().to_json(orient="records", date_format="iso"))
    drawn = svg({**one.body, "width": width, "data": {"name": "source", "values": rows}})
    axis = re.search(r'role-axis-label"[^>]*>(.*?)</g>', drawn)[1]
    told = re.findall(r'opacity="1">([^<]*)<', axis)
    assert len(told) >= 3
    assert len(set(told)) == len(told)
    assert all(re.fullmatch(r"(\d{1,2} )?[A-Z][a-z]{2}( \d{4})?", text) for text in told)
