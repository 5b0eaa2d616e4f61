"""Filters live in the address; files hold what SQL on the extract says."""

from __future__ import annotations

import csv
import io
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import expect

from dashboard import theme
from tests.browser.harness import PHONE
from tests.contrast import rgb_of
from tests.facts import facts_of

pytestmark = pytest.mark.browser


def address(window):
    return parse_qs(urlsplit(window.page.url).query)


def choose(window, label, option):
    """Choose in a select box as a person does."""
    window.page.get_by_role("combobox", name=re.compile(label)).first.click()
    # Typed, since a long list draws only the options in sight.
    window.page.keyboard.type(option)
    window.page.get_by_role("option", name=option, exact=True).click()
    window.page.keyboard.press("Escape")
    window.settle()


@pytest.fixture(scope="module")
def facts(server, tmp_path_factory):
    """SQL on a copy of the extract that the server reads."""
    [extract] = (server.data / "extracts").glob("extract-*.duckdb")
    with facts_of(extract, tmp_path_factory.mktemp("facts")) as ask:
        yield lambda sql: ask(sql).fetchall()


def file_behind(window, panel):
    """Click a panel's CSV link and read what the browser saves."""
    with window.page.expect_download() as started:
        window.page.locator(f".st-key-panel_{panel}").get_by_role("link", name="CSV", exact=False).click()
    text = started.value.path().read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_filters_stay_in_the_address_across_pages_reload_and_back(visit):
    with visit() as window:
        window.sign_in("director", target="/bookings")
        assert address(window) == {"period": ["28-days"]}
        choose(window, "Period", "Last 90 days")
        choose(window, "Sites", "Dallas")
        choose(window, "Compare", "Against the same period last year")
        wanted = {"period": ["90-days"], "site": ["dallas"], "compare": ["last-year"]}
        expect(window.page).to_have_url(re.compile("compare=last-year"))
        assert address(window) == wanted
        window.go("Safety")
        assert address(window) == wanted
        window.page.reload()
        window.settle()
        assert address(window) == wanted
        expect(window.page.get_by_test_id("stMain").get_by_text("Chicago", exact=True)).to_have_count(0)
        expect(window.page.get_by_text(re.compile("Data to"))).to_be_visible()
        window.page.go_back()
        expect(window.page.get_by_role("heading", level=1, name="Bookings", exact=True)).to_be_visible()
        window.settle()
        assert address(window) == wanted
        window.page.go_back()
        expect(window.page).to_have_url(re.compile(r"/bookings\?period=90-days&site=dallas$"))
        expect(window.page.get_by_role("combobox", name="Compare")).to_have_value("Against the previous period")
        assert window.faults == []


def test_the_day_of_today_is_chosen_and_kept(visit):
    with visit() as window:
        window.sign_in("manager.dallas", target="/today?day=2026-08-11")
        expect(window.page.locator(".extract")).to_contain_text("Tuesday 11 Aug 2026")
        window.go("Bookings")
        window.go("Today")
        expect(window.page.locator(".extract")).to_contain_text("Tuesday 11 Aug 2026")


def test_a_change_of_the_period_moves_the_marks_of_charts(visit):
    with visit() as window:
        window.sign_in("manager.dallas", target="/bookings?period=28-days")
        charts = window.page.locator(".stVegaLiteChart svg")
        drawn = charts.count()
        assert drawn > 5
        # What is drawn from scratch has no such mark.
        charts.evaluate_all("all => all.forEach(one => one.dataset.before = 'yes')")
        status = window.page.locator(".st-key-panel_bookings_by_status")
        for period, axis in (
            ("Last 12 months", "Month"),
            ("Last 90 days", "Week from Monday"),
            ("Last 7 days", "Day"),
        ):
            choose(window, "Period", period)
            expect(status.get_by_text(axis, exact=True)).to_be_visible()
            expect(window.page.locator(".stVegaLiteChart svg[data-before]")).to_have_count(drawn)
            assert charts.count() == drawn
        assert window.faults == []


def test_an_open_page_turns_dark_with_its_system_and_asks_the_server_nothing(visit):
    with visit(color_scheme="light") as window:
        window.sign_in("director")
        bar = window.page.locator(".st-key-filter_bar")
        sign = window.page.locator(".scorecard .verdict").first
        spark = window.page.locator(".spark").first
        window.page.wait_for_load_state("networkidle")
        assert window.asked
        window.asked.clear()
        for mode in ("dark", "light"):
            window.page.emulate_media(color_scheme=mode)
            expect(bar).to_have_css("background-color", "rgb({}, {}, {})".format(*rgb_of(theme.paper(mode))))
            told = theme.verdict_colour("common", mode)
            assert theme.VERDICTS["common"].icon == sign.inner_text()
            expect(sign).to_have_css("color", "rgb({}, {}, {})".format(*rgb_of(told)))
            with Image.open(io.BytesIO(spark.screenshot())) as drawn:
                colours = {colour for _, colour in drawn.convert("RGB").getcolors(100_000)}
            assert {rgb_of(theme.quiet(mode)), rgb_of(theme.paper(mode)), rgb_of(told)} <= colours
        assert window.asked == []
        assert window.faults == []


def test_a_file_holds_what_sql_on_the_facts_says(visit, facts):
    with visit(accept_downloads=True) as window:
        window.sign_in(
            "director", target="/bookings?period=custom&from=2026-07-01&to=2026-09-30&site=dallas&by=month"
        )
        rows = file_behind(window, "bookings_by_status")
        counted = {(row["From"], row["Status"]): int(row["Bookings"]) for row in rows}
        expected = facts(
            "select strftime(date_trunc('month', starts_on), '%Y-%m-%d'), status::varchar, count(*) from bookings "
            "where site = 'dallas' and starts_on between '2026-07-01' and '2026-09-30' group by all"
        )
        titles = {"no_show": "No-show", "late_cancelled": "Cancelled late"}
        assert {(m, titles.get(s, s.capitalize())): n for m, s, n in expected} == {
            k: n for k, n in counted.items() if n
        }
        assert window.faults == []


def test_the_summary_on_the_screen_is_the_file_and_the_facts(visit, facts):
    with visit(accept_downloads=True) as window:
        window.sign_in("manager.miami", target="/bookings?period=last-month")
        [row] = [row for row in file_behind(window, "bookings_summary") if row["Metric"] == "No-show rate"]
        [(missed, due, first, last)] = facts(
            "with days as (select date_trunc('month', last_full_day) - interval 1 month as first, "
            "date_trunc('month', last_full_day) - interval 1 day as last from extract_info) "
            "select count_if(status = 'no_show'), count_if(status in ('arrived', 'completed', 'no_show')), "
            "min(first), min(last) from bookings, days where site = 'miami_beach' and starts_on between first and last"
        )
        assert first < last
        assert (int(row["Numerator"]), int(row["Denominator"])) == (missed, due)
        assert float(row["Value"]) == pytest.approx(100 * missed / due, rel=1e-12)
        card = window.page.locator(".st-key-panel_bookings_summary tr", has_text="No-show rate")
        expect(card).to_contain_text(f"{100 * missed / due:.1f}")
        expect(card).to_contain_text(f"{missed:,}/{due:,}")


def test_finance_takes_payments_that_tie_out(visit, facts):
    with visit(accept_downloads=True) as window:
        window.sign_in("finance", target="/exports?period=custom&from=2026-09-01&to=2026-09-30")
        choose(window, "Dataset", "Rows: Payments, one row each")
        expect(window.page.get_by_text("Period by payment date: 1 Sep 2026 to 30 Sep 2026.")).to_be_visible()
        with window.page.expect_download() as started:
            window.page.get_by_role("link", name="CSV of Payments, one row each", exact=True).click()
        assert started.value.suggested_filename == "payment_rows_by_payment_date_2026-09-01_2026-09-30.csv"
        text = started.value.path().read_bytes().decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        [(count, cents)] = facts(
            "select count(*), sum(amount_cents) from payments where paid_on between '2026-09-01' and '2026-09-30'"
        )
        assert len(rows) == count > 100
        assert sum(int(row["Amount USD"].replace(".", "")) for row in rows) == cents
        assert window.faults == []


def test_a_table_opens_behind_a_chart(visit):
    with visit() as window:
        window.sign_in("director", target="/safety")
        panel = window.page.locator(".st-key-panel_effects")
        before = len(window.received)
        panel.get_by_text("Table", exact=True).click()
        expect(panel.get_by_test_id("stDataFrame")).to_be_visible()
        window.settle()
        assert len(window.received) > before
        expect(panel.get_by_test_id("stDataFrame")).to_have_count(1)
        assert window.faults == []


def test_signing_out_ends_it(visit):
    with visit() as window:
        window.sign_in("director", target="/account")
        window.page.get_by_role("link", name="Sign out").click()
        expect(window.page.get_by_label("User name")).to_be_visible()
        window.page.goto("/safety")
        expect(window.page.get_by_label("User name")).to_be_visible()
        assert window.context.request.get("/export/effects.csv").status == 401


def test_the_place_in_the_menu_is_seen_by_keyboard(visit):
    with visit() as window:
        window.sign_in("finance", target="/bookings")
        link = window.page.get_by_test_id("stTopNavLink").nth(1)
        window.page.keyboard.press("Tab")
        for _ in range(10):
            if link.evaluate("e => e === document.activeElement"):
                break
            window.page.keyboard.press("Tab")
        assert link.evaluate("e => getComputedStyle(e).outline").endswith("solid 2px")
        assert window.faults == []


def test_what_is_compared_with_is_not_cut_on_a_phone(visit):
    with visit(viewport=PHONE) as window:
        window.sign_in("manager.two", target="/bookings")
        chosen = window.page.get_by_role("combobox", name="Compare")
        for compare, words in (("previous", "Against the previous"), ("same-weekdays", "Against the same weekdays")):
            window.open(f"/bookings?compare={compare}")
            assert chosen.input_value().startswith(words)
            assert chosen.evaluate("e => e.scrollWidth <= e.clientWidth"), compare
        assert window.faults == []
