"""What people see and press in a real browser: nothing cut, nothing pale, nothing too small, always a way on."""

from __future__ import annotations

import io
import json
import re

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader

from dashboard import theme
from tests.browser.harness import DESKTOP, PHONE
from tests.contrast import contrast, rgb_of

pytestmark = pytest.mark.browser

#: A window of 1,440 pixels, magnified twice.
MAGNIFIED = {"width": 720, "height": 450}
SMALLEST = 24
WORDS_OF_CHARTS = ", ".join(
    f".stVegaLiteChart svg .role-{part} text" for part in ("axis-label", "axis-title", "legend-label")
)


def computed(colour):
    """Red, green and blue as a browser tells them: rgb(11, 110, 138)."""
    return [int(number) for number in re.findall(r"\d+", colour)[:3]]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_words_of_charts_are_dark_enough_to_read(visit, mode):
    with visit(color_scheme=mode) as window:
        window.sign_in("director", target="/bookings")
        fills = window.page.locator(WORDS_OF_CHARTS).evaluate_all("all => all.map(e => getComputedStyle(e).fill)")
        assert len(fills) > 50
        assert min(contrast(computed(fill), rgb_of(theme.paper(mode))) for fill in fills) >= 4.5


def cut(window):
    """Words of charts that reach past their drawing, or were shortened to fit it."""
    return window.page.locator(".stVegaLiteChart svg text").evaluate_all(
        """all => all.filter(e => {
            // A label that would cover another is there and not seen; around letters there is some air.
            const words = e.getBoundingClientRect(), drawing = e.closest('svg').getBoundingClientRect();
            return words.width && e.getAttribute('opacity') !== '0' && (words.right > drawing.right + 4 || words.left < drawing.left - 4 || /…/.test(e.textContent));
        }).map(e => e.textContent)"""
    )


@pytest.mark.parametrize("size", [PHONE, MAGNIFIED], ids=["phone", "magnified"])
def test_no_word_of_a_chart_is_cut(visit, size):
    with visit(viewport=size) as window:
        window.sign_in("director", target="/account")
        for page in (
            "today",
            "bookings",
            "service_mix",
            "safety",
            "signals",
            "age_groups?period=90-days",
            "courses",
        ):
            window.open(f"/{page}")
            assert cut(window) == [], page


def opened(window):
    """Open every folded part of the page that isn't a panel's table; how many there were."""
    folded = window.page.locator("[data-testid=stExpander] > details:not([open]) > summary").filter(
        has_not_text=re.compile("^Table")
    )
    for count in range(20):
        if not folded.count():
            return count
        folded.first.click()
        window.settle()
    raise AssertionError("there is no end of folded parts")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_what_opens_stands_in_the_window_and_keeps_nobody_out(visit, size):
    menus = parts = 0
    for who, pages in (("director", ("signals", "exports", "alerts")), ("finance", ("revenue",))):
        with visit(viewport=size) as window:
            window.sign_in(who, target="/account")
            for page in pages:
                window.open(f"/{page}")
                for menu in window.page.get_by_test_id("stPopover").get_by_role("button").all():
                    menu.click()
                    body = window.page.get_by_test_id("stPopoverBody")
                    expect(body.locator("label, button").first).to_be_visible()
                    box = body.bounding_box()
                    assert box["x"] >= 0, (page, menu.inner_text())
                    assert box["x"] + box["width"] <= size["width"], (page, menu.inner_text())
                    assert window.barriers() == [], (page, menu.inner_text())
                    window.page.keyboard.press("Escape")
                    expect(body).to_have_count(0)
                    menus += 1
                parts += opened(window)
                assert window.barriers() == [], page
                assert window.overflow() == 0, page
            assert window.faults == []
    assert (menus, parts) == (7, 7)


WRITTEN = """
parts => parts.map(e => [e.querySelector('span, p') ?? e, e].map((of, ground) =>
    getComputedStyle(of)[ground ? 'backgroundColor' : 'color']))
"""


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_what_stands_on_the_accent_can_be_read(visit, mode):
    """Values that were chosen, and the buttons of forms."""
    with visit(color_scheme=mode) as window:
        window.sign_in("admin", target="/bookings?site=dallas&band=65-74")
        window.page.get_by_role("button", name="More filters").click()
        expect(window.page.get_by_text("65–74", exact=True)).to_be_visible()
        found = window.page.locator("[data-tag]").evaluate_all(WRITTEN)
        window.open("/account")
        found += window.page.locator('[data-testid^="stBaseButton-primary"]').evaluate_all(WRITTEN)
        assert len(found) == 3
        for text, ground in found:
            assert contrast(computed(text), computed(ground)) >= 4.5, (text, ground)
        for page in ("today", "bookings?period=custom&from=2026-09-01&to=2026-09-20"):
            window.open(f"/{page}")
            window.page.get_by_test_id("stDateInput").get_by_role("button").last.click()
            expect(window.page.locator("[data-rac][data-selected]").first).to_be_visible()
            assert window.barriers() == [], page


def test_scores_of_each_questionnaire_are_told_apart_on_a_phone(visit):
    with visit(viewport=PHONE) as window:
        window.sign_in("director", target="/safety")
        corners = window.page.locator(".st-key-panel_effectiveness thead .corner")
        assert corners.all_inner_texts() == ["PHQ-9", "GAD-7"]
        for corner in corners.all():
            expect(corner).to_be_visible()


def test_what_is_pressed_is_large_enough_for_a_finger(visit):
    with visit(viewport=PHONE) as window:
        window.sign_in("director", target="/today")
        pressed = window.page.locator(".who a, .foot a.file, .foot summary, .needs summary")
        boxes = [(one.inner_text(), one.bounding_box()) for one in pressed.all() if one.is_visible()]
        assert len(boxes) > 5
        assert [(text, box) for text, box in boxes if min(box["width"], box["height"]) < SMALLEST] == []


def test_the_place_among_a_charts_tools_is_seen_by_keyboard(visit):
    with visit() as window:
        window.sign_in("director", target="/bookings")
        tool = window.page.get_by_role("button", name=re.compile("Fullscreen: Bookings by status"))
        window.page.locator(".st-key-panel_bookings_by_status").get_by_role("link", name="CSV").focus()
        window.page.keyboard.press("Shift+Tab")
        assert tool.evaluate("e => e === document.activeElement")
        assert tool.evaluate("e => getComputedStyle(e).outline").endswith("solid 2px")


@pytest.mark.parametrize("width", [1440, 1280, 1024, 390])
def test_who_is_signed_in_stands_beside_the_menu_however_long_the_name(visit, width):
    with visit(viewport={"width": width, "height": 900}) as window:
        window.sign_in("director", target="/account")
        who = window.page.locator(".who")
        expect(who).to_contain_text("Medical director")
        if width > 1000:
            expect(window.page.get_by_test_id("stTopNavLink").last).to_be_visible()
        if width == DESKTOP["width"]:
            words = who.locator("span").evaluate("e => [e.scrollWidth, e.clientWidth]")
            assert words[0] <= words[1], "a name of usual length is whole"
        for name in ("Dr. Alexandra Montgomery-Richardson the Third, MD, PhD", "Wolfeschlegelstein" * 5):
            who.locator("span").evaluate("(e, name) => { e.textContent = name }", name)
            assert window.overflow() == 0
            if width > 1000:
                links = window.page.get_by_test_id("stTopNavLink").all()
                ends = max(box["x"] + box["width"] for box in (link.bounding_box() for link in links) if box)
                assert who.bounding_box()["x"] >= ends
            expect(who.get_by_role("link", name="Sign out")).to_be_in_viewport()


def test_the_longest_choice_of_a_comparison_is_not_cut(visit):
    with visit() as window:
        window.sign_in("director", target="/bookings")
        window.page.get_by_role("combobox", name="Compare").click()
        option = window.page.get_by_role("option", name="Against the same weekdays last year")
        words = option.evaluate_all(
            "all => all.map(e => [...e.querySelectorAll('*'), e].map(p => p.scrollWidth - p.clientWidth))"
        )
        assert words
        assert max(map(max, words)) <= 0


def test_a_wrong_link_has_a_way_back(visit):
    with visit() as window:
        window.sign_in("finance", target="/account")
        answer = window.page.goto("/reports/last-month")
        assert answer.status == 404
        expect(window.page.get_by_text("There is no page “reports/last-month” for your account.")).to_be_visible()
        assert window.barriers() == []
        window.page.get_by_role("link", name="Go to Bookings").click()
        expect(window.page.get_by_role("heading", level=1, name="Bookings", exact=True)).to_be_visible()


def test_on_paper_there_is_nothing_to_press(visit):
    with visit() as window:
        window.sign_in("director", target="/bookings")
        files = window.page.get_by_role("link", name="Everything on this page")
        menu = window.page.get_by_role("button", name="More filters")
        expect(files.first).to_be_visible()
        window.page.emulate_media(media="print")
        expect(files.first).to_be_hidden()
        expect(menu).to_be_hidden()
        for link in (
            window.page.get_by_role("link", name="CSV of"),
            window.page.get_by_role("link", name="Sign out"),
        ):
            expect(link.first).to_be_hidden()
        expect(window.page.locator(".st-key-panel_bookings_summary .scorecard")).to_be_visible()
        chart = window.page.locator(".st-key-panel_bookings_by_status")
        assert chart.evaluate("e => getComputedStyle(e).breakInside") == "avoid"


def test_a_page_is_printed_as_wide_as_paper_with_words_of_their_own_size(visit):
    """Each chart as the printer finds it: how wide it was drawn, and how wide it stands."""
    with visit() as window:
        window.sign_in("director", target="/age_groups")
        page = window.page
        drawings = page.locator(".stVegaLiteChart svg.marks")
        widths = "all => all.map(svg => Number(svg.getAttribute('width')))"
        expect(drawings).to_have_count(8)
        on_screen = drawings.evaluate_all(widths)
        page.evaluate(
            "chosen => addEventListener('beforeprint', () => { document.body.dataset.printed = JSON.stringify(("
            f"{widths})([...document.querySelectorAll(chosen)])) }})",
            ".stVegaLiteChart svg.marks",
        )
        page.keyboard.press("Control+p")
        printed = json.loads(page.locator("body[data-printed]").get_attribute("data-printed"))
        # Those of three sites two a row, all others a sheet wide.
        assert [300 < width < 370 for width in printed] == [True] * 3 + [False] * 5
        assert {width for width in printed if width > 370} == {660}
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 740, "height": 900})
        stand = drawings.evaluate_all("all => all.map(svg => svg.getBoundingClientRect().width)")
        shares = [now / drawn for now, drawn in zip(stand, printed, strict=True)]
        assert min(shares) > 0.9
        assert max(shares) < 1.2
        # And nothing is cut where nobody can roll.
        rolled = page.locator(".scorecard").evaluate_all("all => all.map(e => e.scrollWidth - e.clientWidth)")
        assert len(rolled) == 1
        assert max(rolled) <= 0
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 1440, "height": 900})
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        expect(drawings.first).to_have_attribute("width", str(on_screen[0]))
        assert drawings.evaluate_all(widths) == on_screen


#: US Letter with a border of a centimetre.
LETTER = {"format": "Letter", "margin": dict.fromkeys(("top", "bottom", "left", "right"), "1cm")}


def test_the_first_printed_page_holds_a_chart_and_rows_stand_whole(visit):
    with visit() as window:
        window.sign_in("director", target="/age_groups")
        first, *others = PdfReader(io.BytesIO(window.page.pdf(**LETTER))).pages
        heading = window.page.locator(".st-key-panel_age_pyramid h2.answer").inner_text()
        words = first.extract_text()
        assert heading.split(":")[0] in words
        assert "Patients by age band" in words
        assert len(others) < 8
        window.page.emulate_media(media="print")
        rows = window.page.locator(".scorecard tr")
        assert set(rows.evaluate_all("all => all.map(e => getComputedStyle(e).breakInside)")) == {"avoid"}


def test_printed_from_the_browsers_menu_a_page_says_how_its_charts_become_larger(visit):
    with visit() as window:
        window.sign_in("director", target="/age_groups")
        told = "Charts are larger when the page is printed with Ctrl + P"
        assert told in PdfReader(io.BytesIO(window.page.pdf(**LETTER))).pages[0].extract_text()
        expect(window.page.get_by_text(told)).to_be_hidden()
        # Laid out for paper, it has nothing to say, nor has a page without a wide chart.
        window.page.evaluate("document.documentElement.classList.add('for-paper')")
        assert told not in PdfReader(io.BytesIO(window.page.pdf(**LETTER))).pages[0].extract_text()
        window.open("/account")
        assert told not in PdfReader(io.BytesIO(window.page.pdf(**LETTER))).pages[0].extract_text()


def test_what_was_kept_with_a_signal_is_drawn_in_the_colours_of_the_page(visit):
    with visit(color_scheme="dark") as window:
        window.sign_in("director", target="/signals?period=90-days&line=ketamine&effect=nausea")
        page = window.page
        page.locator("summary", has_text="Open a signal").click()
        reason = page.get_by_role("textbox", name="Why is it looked into?")
        reason.wait_for()
        # On a slow machine the form is drawn while the run goes on, and written in too early it is drawn anew.
        window.settle()
        reason.fill("More of it than before, and forms as usual.")
        page.get_by_role("button", name="Open the signal").click()
        window.open(page.get_by_role("link", name="see it in the register").get_attribute("href"))
        expect(page.get_by_role("heading", name="Decisions")).to_be_visible()
        marks = page.locator(".stVegaLiteChart svg .mark-symbol path")
        fills = set(marks.evaluate_all("all => all.map(e => getComputedStyle(e).fill)")) - {"none"}
        assert len(fills) > 1
        light = {tuple(rgb_of(one.light)) for one in theme.VERDICTS.values()}
        assert {tuple(computed(fill)) for fill in fills}.isdisjoint(light)
        assert window.barriers() == []
