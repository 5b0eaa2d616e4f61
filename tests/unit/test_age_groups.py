"""Age groups: the pyramid adds up, and what is too few to judge is said to be so."""

from __future__ import annotations

import numpy as np
import pytest
import vl_convert

from dashboard import charts, dot_charts, panels, scorecard, theme
from dashboard.exports import scope_of
from dashboard.filters import parse
from dashboard.panels.age_groups import LEAST, RATES


@pytest.fixture(scope="module")
def chosen(everything):
    return parse({"period": ["90-days"]}, scope_of(everything))


def test_the_pyramids_sides_are_the_sites_users_of_each_line(everything, chosen):
    rows = panels.rows(everything, "age_pyramid", chosen)
    sides = rows.groupby(["site", "side"])["value"].sum()
    used = panels.rows(everything, "patients_using_both", chosen).set_index(["site", "used"])["value"]
    for site in ("Chicago", "Dallas", "Miami Beach"):
        assert sides[site, "Ketamine"] == used[site, "Ketamine only"] + used[site, "Both"] > 50
        assert sides[site, "Vitamin or hydration"] == used[site, "Vitamin or hydration only"] + used[site, "Both"]
    assert len(rows) == 3 * 2 * len(everything.catalogue.bands)


def test_a_rate_is_judged_from_ten_below_the_line_on(everything, chosen):
    rows = panels.rows(everything, "age_rates", chosen)
    assert len(rows) == len(RATES) * len(everything.catalogue.bands)
    few = rows["denominator"] < LEAST
    assert few.any()
    assert not few.all()
    assert (rows["reading"] == np.where(few, charts.TOO_FEW, "")).all()
    assert rows["value"].isna().tolist() == few.tolist()
    assert rows["denominator"].notna().all()
    html = scorecard.by_band(rows)
    assert html.count("too few") == few.sum()


def test_the_rates_by_age_are_those_of_the_period_in_all(everything, chosen):
    rows = panels.rows(everything, "age_rates", chosen).groupby("metric")[["numerator", "denominator"]].sum()
    whole = panels.rows(everything, "bookings_summary", chosen)
    whole = whole[whole["site"] == "All sites"].set_index("metric")
    for name in ("no_show_rate", "cancellation_rate", "late_cancellation_rate"):
        assert rows.loc[name].tolist() == whole.loc[name, ["numerator", "denominator"]].tolist()


def test_the_answer_says_how_many_rates_can_be_judged(everything, chosen):
    rows = panels.rows(everything, "age_rates", chosen)
    few = int((rows["reading"] == charts.TOO_FEW).sum())
    assert few > 0
    told = panels.PANELS["age_rates"].answer
    assert (
        told(rows) == f"{len(rows) - few} of {len(rows)} rates by age band can be judged; the others are of too few"
    )
    assert told(rows[rows["reading"] == ""]) == f"{len(rows) - few} rates by age band"


def test_words_of_a_row_are_not_struck_through_by_its_line(everything, chosen):
    """Below the letters lies the same in the colour of the ground."""
    for mode in ("light", "dark"):
        look = panels.look_of(everything.catalogue, chosen, mode)
        layers = dot_charts.dots(look, "A rate", "%", "band", "Age band", ("x", "of"), order=look.bands).to_dict()[
            "layer"
        ]
        told = [one["encoding"] for one in layers if one["mark"]["type"] == "text"]
        assert len(told) == 4
        for ground, words in zip(told[::2], told[1::2], strict=True):
            assert ground["text"] == words["text"]
            assert ground["stroke"]["value"] == theme.paper(mode)
            assert ground["strokeWidth"]["value"] >= 4
            assert "stroke" not in words


def test_a_category_that_has_no_value_at_all_says_so_once(everything, chosen):
    look = panels.look_of(everything.catalogue, chosen, "light")
    chart = dot_charts.dots(
        look, "A rate", "%", "band", "Age band", ("x", "of"), order=look.bands, series=charts.by_site(look)
    )
    few = {"value": None, "lower": None, "upper": None, "reading": charts.TOO_FEW}
    known = {"value": 5.0, "lower": 4.0, "upper": 6.0, "reading": ""}
    rows = [
        {"band": band, "site": site, **(known if (band, place) in {("18–25", 0), ("18–25", 2)} else few)}
        for band in ("12–17", "18–25", "85+")
        for place, site in enumerate(look.sites)
    ]
    drawn = vl_convert.vegalite_to_svg(chart.to_dict() | {"data": {"values": rows}})
    # Two bands of none, one site of the third; each with its ground below it.
    assert drawn.count(f">{charts.TOO_FEW}<") == 2 * 3
