"""The choice of a no-show rate on the pages: one change, and every figure, heading, link and file follows."""

import pandas as pd
import pytest
from elements import rows_of

from dashboard import exports, filters, no_shows, panels
from dashboard.metrics import METRICS
from dashboard.no_shows import DEFINITIONS, HEADLINE
from dashboard.panels import PANELS
from dashboard.shelf import shelf
from dashboard.warehouse import Reader
from dashboard.wording import text
from tests.csv_files import csv_text

PAGES = {"today": ("today", "day_chart"), "bookings": ("bookings_summary", "no_show_trend"),
         "age_groups": ("age_rates", "age_no_shows")}  # fmt: skip
CHOICE = "No-show rate, everywhere"


@pytest.fixture(scope="module")
def reader(data, viewer):
    return Reader(shelf().current(), viewer("director"))


def htmls(at):
    return [element.proto.body for element in at.get("html")]


def own(frame):
    return frame[frame["metric"].map(no_shows.plain) == no_shows.RATE] if "metric" in frame else frame


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize("page", PAGES)
def test_tiles_charts_tables_and_files_say_the_same(page, name, visit, reader):
    address = {"no-shows": name, "figure": "no-show-rate", "period": "90-days"}
    at = visit("director", page, **address)
    for panel in PAGES[page]:
        at.session_state[f"table_{panel}"] = True
    at.run()
    assert not at.exception
    chosen = filters.parse({key: [value] for key, value in address.items()}, exports.scope_of(reader))
    metric = METRICS[DEFINITIONS[name].metric]
    for shown in PAGES[page]:
        panel = panels.panel_of(shown, chosen)
        rows = panels.rows(reader, shown, chosen)
        heading = panel.answer(rows) if panel.answer else panel.title
        [table] = [t.value for t in at.dataframe if t.proto.alt == heading]
        file = csv_text(panels.columns(reader, shown, chosen), exports.parts(reader, exports.DATASETS[shown], chosen))
        assert file.count("\n") == len(table) + 1 == len(rows) + 1
        pd.testing.assert_series_equal(table["value"], rows["value"], check_names=False)
        if panel.html:
            [card] = [body for body in htmls(at) if body.strip() == panel.html(rows).strip()]
            assert f">{metric.title}</abbr>" in card
            assert all(f"<b>{text(value, 'percent')}</b>" in card for value in own(rows)["value"])
        else:
            sent = pd.concat([rows_of(c.proto.data.data) for c in at.get("vega_lite_chart")
                              if c.proto.alt.startswith(panel.title)])  # fmt: skip
            assert sorted(sent["value"].dropna()) == sorted(rows["value"].dropna())
        assert metric.title in file.replace('"', "")
    assert any(DEFINITIONS[name].definition in body for body in htmls(at))
    links = [body for body in htmls(at) if "/export/" in body]
    assert all(("no-shows=" + name in body) == (name != HEADLINE) for body in links)


def test_a_choice_goes_to_the_address_and_to_every_page(visit):
    at = visit("manager.dallas", "bookings")
    [choice] = [box for box in at.selectbox if box.label == CHOICE]
    assert choice.options == ["÷ past appointments (headline)", "÷ scheduled", "÷ slots"]
    choice.select("scheduled").run()
    assert at.query_params["no-shows"] == "scheduled"
    assert any("No-show rate, ÷ scheduled</abbr>" in body for body in htmls(at))
    assert any("no-show rate ÷ scheduled" in body for body in htmls(at) if 'class="extract"' in body)
    at.switch_page("../pages/today.py").run()
    assert at.query_params["no-shows"] == "scheduled"
    assert any("% ÷ scheduled" in body or ", ÷ scheduled)" in body for body in htmls(at))
    [link] = [body for body in htmls(at) if "morning_huddle.pdf" in body]
    assert "no-shows=scheduled" in link
    [choice] = [box for box in at.selectbox if box.label == CHOICE]
    choice.select(HEADLINE).run()
    assert not any("÷ scheduled" in body for body in htmls(at))


def test_pages_without_the_rate_do_not_offer_it(visit):
    for page in ("service_mix", "safety"):
        at = visit("director", page, **{"no-shows": "slots"})
        assert CHOICE not in [box.label for box in at.selectbox]
        assert at.query_params["no-shows"] == "slots"


def test_the_page_exports_has_it(visit):
    at = visit("director", "exports", dataset="no_show_trend", **{"no-shows": "slots"})
    assert CHOICE in [box.label for box in at.selectbox]
    assert any("no-shows=slots" in body for body in htmls(at) if "/export/no_show_trend.csv" in body)
    [columns] = [box for box in at.multiselect if box.label.startswith("Columns")]
    assert "No-show rate, ÷ slots (%)" in columns.options
    assert PANELS["no_show_trend"].columns[2].title not in columns.options
