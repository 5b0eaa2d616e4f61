"""Sixty sites: what is drawn at a time, what tables hold, and that nothing is asked site by site."""

import re

import numpy as np
import pandas as pd
import pytest

from dashboard import charts, exports, filters, panels, pictures, scorecard, tiles
from dashboard.access import RESOURCES, Role, Viewer
from dashboard.intake import demo, demo_sites, publish
from dashboard.intake.reference import load_reference
from dashboard.panels import PANELS, comparison
from dashboard.panels.words import ALL_SITES
from dashboard.reports import document
from dashboard.settings import Settings
from dashboard.shelf import Shelf
from dashboard.warehouse import Reader
from dashboard.wording import number

SITES = 60


class Counting(Reader):
    """A reader that notes what it asks."""

    def query(self, name, **values):
        self.warehouse.asked.append(name)
        return super().query(name, **values)

    def added_up(self, name, fine, **values):
        self.warehouse.asked.append(name)
        return super().added_up(name, fine, **values)

    def at_level(self, name, by, **values):
        self.warehouse.asked.append(name)
        return super().at_level(name, by, **values)


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    data = tmp_path_factory.mktemp("sixty")
    demo.write_delivery(data / "delivery", years=1, bookings=15_000, sites=SITES)
    publish.import_delivery(data / "delivery", data, reference=data / "delivery" / "reference")
    house = Shelf(Settings(data=data)).current()
    house.asked = []
    yield house
    house.close()


@pytest.fixture(scope="module")
def readers(group):
    return {role: Counting(group, Viewer(role.value, "X", role)) for role in (Role.ADMIN, Role.MEDICAL_DIRECTOR)}


def reader_for(readers, name):
    resource = PANELS[name].resource
    return readers[Role.MEDICAL_DIRECTOR if Role.MEDICAL_DIRECTOR in RESOURCES[resource] else Role.ADMIN]


def asked(reader, **more):
    address = {"period": ["90-days"], **{key: [value] for key, value in more.items()}}
    return filters.parse(address, exports.scope_of(reader))


CHARTS = [name for name, panel in PANELS.items() if panel.chart]
SCORECARDS = [name for name, panel in PANELS.items() if panel.html is scorecard.compare]


def test_reference_tables_of_a_larger_group(tmp_path):
    made = demo_sites.with_sites(load_reference(), demo_sites.MOST)
    assert len({site.site for site in made.sites}) == len({site.name for site in made.sites}) == demo_sites.MOST > 300
    # One clinic in each town first: a group of sixty stays what it was.
    assert [made.sites[place].name for place in (3, SITES - 1, SITES)] == ["Albany", "Tacoma", "Albany North"]
    assert load_reference(demo_sites.write_sites(tmp_path / "reference", made)).sites == made.sites
    assert demo_sites.with_sites(load_reference(), 2).sites == load_reference().sites[:2]


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_draws_twelve_sites_and_the_table_has_all(readers, name):
    reader, panel = reader_for(readers, name), PANELS[name]
    names = [reader.catalogue.site_name(site) for site in reader.sites]
    seen = set()
    frame = panels.rows(reader, name, asked(reader))
    for part in ("1", "2", "5"):
        chosen = asked(reader, part=part)
        assert panels.rows(reader, name, chosen).equals(frame)
        found = pictures.pictures(reader, name, chosen, "light")
        drawn = names[12 * (int(part) - 1) : 12 * int(part)]
        if panel.sites_in in frame and name != "timeline":
            for one in found.charts:
                if panel.sites_in in one.rows.column_names:
                    sites = set(one.rows[panel.sites_in].to_pylist())
                    assert sites <= {*drawn, ALL_SITES}
                    seen.update(sites)
            assert len(found.charts) <= filters.PART
        for one in found.charts:
            entries = _legend(one.body)
            assert entries <= charts.COLOURED, one.caption
            if not found.titled:
                assert "*" not in str(one.body.get("layer", one.body.get("encoding")))
                assert one.caption in drawn
    assert seen <= set(names) | {ALL_SITES}


def test_of_differences_between_groups_those_of_the_sites_drawn_and_of_all_sites_are_drawn(readers):
    reader = readers[Role.MEDICAL_DIRECTOR]
    chosen = asked(reader, part="2")
    every = panels.rows(reader, "group_differences", chosen)["comparison"].tolist()
    [one] = pictures.pictures(reader, "group_differences", chosen, "light").charts
    names = [f"{reader.catalogue.site_name(site)} − other sites" for site in reader.sites]
    assert set(names) < set(every)
    assert one.rows["comparison"].to_pylist() == names[12:24] + [told for told in every if told not in names]


def _legend(body):
    """The most entries of a colour legend."""
    found = 0
    for part in (body, *body.get("layer", ())):
        channel = part.get("encoding", {}).get("color", {})
        if channel.get("legend"):
            found = max(found, len(channel.get("scale", {}).get("domain", ())))
    return found


def test_small_charts_of_their_own_where_colours_cannot_tell_apart(readers):
    reader = readers[Role.MEDICAL_DIRECTOR]
    chosen = asked(reader, part="2")
    found = pictures.pictures(reader, "utilisation_trend", chosen, "light")
    names = [reader.catalogue.site_name(site) for site in reader.sites[12:24]]
    assert [one.caption for one in found.charts] == names
    assert not found.titled
    assert all(one.caption in str(one.body) and one.body["height"] == charts.SMALL_HEIGHT for one in found.charts)
    few = filters.parse({"site": [filters.slug(site) for site in reader.sites[:8]]}, chosen.scope)
    found = pictures.pictures(reader, "utilisation_trend", few, "light")
    assert [one.caption for one in found.charts] == [""]


@pytest.mark.parametrize("name", ["no_show_trend", "utilisation_trend", "control_chart", "effects_by_site"])
def test_rates_of_sites_beside_each_other_have_one_axis(readers, name):
    reader = reader_for(readers, name)
    found = pictures.pictures(reader, name, asked(reader), "light").charts
    rows = [row for one in found for row in one.rows.to_pylist()]
    reached = [row[column] for row in rows for column in ("value", "upper") if row.get(column) is not None]
    assert {row["top"] for row in rows} == {max(reached)}
    assert len(found) == 12


def test_shares_near_100_of_sites_beside_each_other_begin_at_one_value(readers):
    reader = reader_for(readers, "control_forms")
    found = pictures.pictures(reader, "control_forms", asked(reader), "light").charts
    rows = [row for one in found for row in one.rows.to_pylist()]
    least = min(row[column] for row in rows for column in ("value", "lower") if row[column] is not None)
    assert 0 < least < 100
    assert {row["floor"] for row in rows} == {least}
    assert len(found) == 12


def test_headings_of_many_sites_span_them_all_and_name_none(readers):
    reader = readers[Role.MEDICAL_DIRECTOR]
    heading = {
        name: panels.heading(reader, name, asked(reader))
        for name in ("course_gaps", "worklist_boosters", "age_pyramid")
    }
    gaps = panels.rows(reader, "course_gaps", asked(reader))
    days = gaps[gaps["numerator"] >= 10].groupby("phase")["value"].agg(["min", "max"])
    low, high = map(number, days.loc["Later"])
    assert re.search(
        rf"at \d\d sites: in induction .* later {low} to {high}; \d+ of fewer than 10 infusions left out$",
        heading["course_gaps"],
    )
    assert re.search(r"overdue; usual interval [\d.]+ to [\d.]+ days at \d+ sites$", heading["worklist_boosters"])
    assert re.match(r"Patients of 65 and over at 60 sites: ketamine \d+ %, vitamin", heading["age_pyramid"])


@pytest.mark.parametrize("name", SCORECARDS)
def test_a_scorecard_of_many_sites_has_them_as_rows(readers, name):
    reader, panel = reader_for(readers, name), PANELS[name]
    chosen = asked(reader, part="5")
    frame = panels.rows(reader, name, chosen)
    html = panel.html(pictures.shown(reader, panel, chosen, frame))
    rows = re.findall(r'<th scope="row">(.*?)</th>', html)
    assert rows == [ALL_SITES, *[reader.catalogue.site_name(site) for site in reader.sites[48:]]]
    assert html.count("<td>") == 1 + 13 * frame["metric"].nunique()


def test_the_day_has_every_site_as_a_row(readers):
    reader = readers[Role.MEDICAL_DIRECTOR]
    html = tiles.day(panels.rows(reader, "today", asked(reader)))
    assert html.count('<th scope="row">') == SITES


@pytest.mark.parametrize("name", PANELS)
def test_no_heading_lists_them_all(readers, name):
    reader = reader_for(readers, name)
    assert 0 < len(panels.heading(reader, name, asked(reader))) < 450


def test_questions_do_not_grow_with_sites(readers, group):
    for name in PANELS:
        reader = reader_for(readers, name)
        counts = []
        for sites in (2, 12, 59):
            group.asked.clear()
            own = [filters.slug(site) for site in reader.sites[:sites]]
            panels.rows(reader, name, filters.parse({"period": ["28-days"], "site": own}, exports.scope_of(reader)))
            counts.append(len(group.asked))
        # Fewer where an answer is known already.
        assert max(counts) <= max(counts[0], 12), name
        assert counts[2] <= counts[1] + 2, name


def test_print_keeps_the_tables_of_many_sites_and_leaves_their_charts_out(readers):
    reader = readers[Role.MEDICAL_DIRECTOR]
    seen = document.seen(reader, "no_show_trend", asked(reader))
    assert seen["charts"] == []
    assert len({row[1] for row in seen["rows"]}) > 50
    assert len(document.seen(reader, "bookings_by_status", asked(reader))["charts"]) == 1


def test_money_stands_in_the_order_of_the_reference_tables(readers):
    """Albany, the first by its letters, is the fourth there; hydration the last line."""
    reader = readers[Role.ADMIN]
    names = [reader.catalogue.site_name(site) for site in reader.sites]
    for panel in ("revenue_by_site", "revenue_bars", "paid_by_method"):
        told = list(dict.fromkeys(panels.rows(reader, panel, asked(reader))["site"]))
        assert [name for name in names if name in told] == told, panel
        assert len(told) > 50
    lines = list(panels.rows(reader, "revenue_by_line", asked(reader))["line"])
    assert lines == ["Ketamine", "Vitamin", "Hydration", "Not of a visit"]


def test_names_in_a_funnel_of_many_sites_leave_each_other_room():
    """Twenty sites that stand out beside each other, and forty as usual: some are named, none over another."""
    spread = [
        {"site": f"Out {n}", "verdict": "Unusual", "expected": 50.0 + n % 10, "ratio": 1.5 + n / 100}
        for n in range(20)
    ]
    usual = [{"site": f"In {n}", "verdict": "As usual", "expected": 20.0 + 2 * n, "ratio": 1.0} for n in range(40)]
    rows = pd.DataFrame([*spread, *usual])
    rows["named"] = comparison.named(rows)
    told = rows[rows["named"] != ""]
    assert 0 < len(told) < len(spread)
    assert set(told["named"]) <= {row["site"] for row in spread}
    assert "Out 19" in set(told["named"])  # the farthest
    across, up = (np.ptp(rows[axis]) for axis in ("expected", "ratio"))
    places = list(zip(told["expected"] / across, told["ratio"] / up, strict=True))
    for i, (x, y) in enumerate(places):
        for other_x, other_y in places[:i]:
            assert abs(x - other_x) >= comparison.NAME_WIDTH or abs(y - other_y) >= comparison.NAME_HEIGHT


def test_a_funnel_of_many_sites_counts_those_outside_and_what_chance_puts_there(readers):
    director = readers[Role.MEDICAL_DIRECTOR]
    rows = panels.rows(director, "site_funnel", asked(director, period="12-months"))
    few = rows.assign(verdict="As usual")
    few.loc[few.index[:2], "verdict"] = "Unusual"
    said = PANELS["site_funnel"].answer(few)
    assert said.endswith(f"2 of {len(rows)} sites are outside the 95 % limits, where chance alone puts up to 3")
