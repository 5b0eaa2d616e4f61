"""Printed documents, the safety review and the morning huddle: the page's own numbers, in HTML and in PDF."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from html import unescape

import pytest
from click.testing import CliRunner
from pypdf import PdfReader

from dashboard import access, exports, filters, panels
from dashboard.cli import main
from dashboard.exports import scope_of
from dashboard.metrics import METRICS
from dashboard.reports import files, html, huddle, pdf, safety
from dashboard.reports.document import Document, Facts, Grid, Heading, Picture, Pictures, Text, seen
from dashboard.state import Store
from dashboard.state.audit import Search
from dashboard.wording import number, signed
from dashboard.wording import text as value_text
from tests.csv_files import csv_text

MONTH = "2026-09"
TODAY = dt.date(2026, 11, 2)


@pytest.fixture(scope="module")
def chosen(director):
    return safety.month_of(director, MONTH)


@pytest.fixture(scope="module")
def review(director, chosen):
    return safety.review(director, chosen, [], TODAY)


@pytest.fixture(scope="module")
def written(review):
    return html.render(review), pdf.render(review)


def tables(text):
    """The tables of an HTML page by caption: headings and rows of cells."""
    found = {}
    for body in re.findall(r"<table>(.*?)</table>", text, re.DOTALL):
        caption = unescape(re.search(r"<caption>(.*?)</caption>", body)[1])
        headings = [unescape(h) for h in re.findall(r"<th [^>]*>(.*?)</th>", body)]
        rows = [
            [unescape(c) for c in re.findall(r"<td[^>]*>(.*?)</td>", row)]
            for row in re.findall(r"<tr>(.*?)</tr>", body)[1:]
        ]
        found[caption] = headings, rows
    return found


#: What stands across and down in the review's table of a panel, as columns of the page's own file.
CROSSED = {
    "safety_quality": ("Metric", "Site"),
    "safety_outcomes": ("Metric", "Site"),
    "serious_events": ("What", "Site"),
    "effects": ("Side effect", ""),
    "severity": ("Side effect", "Severity"),
    "effects_by_site": ("Side effect", "Site"),
    "effects_by_line": ("Side effect", "Service line"),
    "effects_by_age": ("Side effect", "Age band"),
    "effectiveness": ("What", "When"),
    "effectiveness_by_site": ("What", "Site"),
    "effectiveness_by_age": ("What", "Age group"),
    "effectiveness_by_indication": ("What", "Indication"),
}
_UNITS = {metric.title: metric for metric in METRICS.values()}


def figures_of(shown):
    """The numbers of a cell, in order."""
    return re.findall(r"−?[0-9]{1,3}(?:,[0-9]{3})*(?:[.][0-9]+)?", shown)


def in_the_file(name, line):
    """The numbers that a cell of the review must hold, from a line of the page's own file."""
    got = {title: float(text) for title, text in line.items() if re.fullmatch(r"-?[0-9]+([.][0-9]+)?", text)}

    def words(title, places):
        return number(got[title], places) if title in got else None

    if name == "severity":
        return [words("Events", 0)]
    if name == "serious_events":
        return [words("Number", 0), words("95 % from", 1), words("95 % to", 1), words("Completed infusions", 0)]
    if "Per 100 infusions" in line:
        if not got["Completed infusions"]:
            return []
        none = not got["Infusions with it"]
        counted = ["0" if none else words("Per 100 infusions", 2), words("Infusions with it", 0),
                   words("Completed infusions", 0)]  # fmt: skip
        if none:
            return [*counted, words("95 % to", 2)]
        return counted if name == "effects_by_age" else [*counted, words("95 % from", 2), words("95 % to", 2)]
    metric = _UNITS[line.get("Metric") or line["What"]]
    if metric.unit == "count":
        return [words("Value", 0)]
    if not got["Denominator"]:
        return []
    counted = [words("Value", 1), *([] if metric.interval == "mean" else [words("Numerator", 0)]),
               words("Denominator", 0)]  # fmt: skip
    if metric.bounded and not got["Numerator"]:
        return [*counted, words("95 % to", 2)]
    limits = [words("95 % from", 1), words("95 % to", 1)]
    return counted + [limit for limit in limits if limit is not None]


def test_every_panel_of_the_review_has_a_table():
    assert [part.panel for part in safety._OF_THE_MONTH] == list(CROSSED)


@pytest.mark.parametrize("name", list(CROSSED))
def test_the_review_holds_the_numbers_of_the_pages_own_file(director, written, name):
    # The page's address for the same days, and the file that the page hands out.
    page = filters.parse({"period": ["custom"], "from": ["2026-09-01"], "to": ["2026-09-30"]}, scope_of(director))
    dataset = exports.DATASETS[name]
    text = csv_text(dataset.columns, exports.parts(director, dataset, page))
    lines = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    title = panels.PANELS[name].title
    caption = next(one for one in tables(written[0]) if one in {title, f"{title}, per 100 infusions"})
    headings, rows = tables(written[0])[caption]
    cells = {(row[0], heading): text for row in rows for heading, text in zip(headings[1:], row[1:], strict=True)}
    down, across = CROSSED[name]
    for line in lines:
        label = line[down]
        if "Questionnaire" in line:
            label = f"{line['Questionnaire']} {label.lower()}"
        elif down == "Metric" and (unit := _UNITS[label].unit) == "per 100 infusions" and unit not in label:
            label += f", {unit}"
        heading = line[across] if across else "Per 100 infusions"
        assert figures_of(cells.pop((label, heading))) == in_the_file(name, line), line
    assert len(lines) >= 6
    # What is left: pairs that there are none of, and columns of the change and the like.
    known = {line[across] for line in lines} if across else {"Per 100 infusions"}
    assert {text for (_, heading), text in cells.items() if heading in known} <= {"—"}


def test_a_review_is_compared_with_the_month_before(director, chosen, written):
    assert dict(safety._about(director, chosen).rows)["Compared with"] == "1 Aug 2026 to 31 Aug 2026"
    headings, rows = tables(written[0])[panels.PANELS["safety_outcomes"].title]
    assert headings[-1] == "All sites, change from 1 Aug 2026 to 31 Aug 2026"
    frame = panels.rows(director, "safety_outcomes", chosen)
    for row, one in zip(rows, frame[frame["site"] == "All sites"].to_dict("records"), strict=True):
        assert row[-1].split(" ")[0] == signed(one["change"]), row


def test_the_first_page_says_what_the_sections_say(review):
    short = next(block for block in review.blocks[1:] if isinstance(block, Facts))
    headings = [block.text for block in review.blocks if isinstance(block, Heading)]
    assert headings[0] == "In short"
    assert len(short.rows) == 8
    assert {text for _, text in short.rows} <= set(headings)
    # Each metric is explained, once.
    defined = [term for term, _ in review.blocks[-1].rows]
    assert len(set(defined)) == len(defined) >= 20


def test_pdf_and_html_hold_the_same(review, written):
    pages = PdfReader(io.BytesIO(written[1])).pages
    text = " ".join(" ".join(page.extract_text().split()) for page in pages)
    assert f"Page {len(pages)}" in text
    # A committee reads it, and not every row of every table.
    assert len(pages) < 20
    squeezed = "".join(text.split())
    grids = [block for block in review.blocks if isinstance(block, Grid)]
    shown = tables(written[0])
    assert len(grids) == len(shown) >= 10
    for grid in grids:
        assert shown[grid.title] == (list(grid.headings), [list(row) for row in grid.rows])
        for row in grid.rows:
            assert all("".join(text.split()) in squeezed for text in row), row
    drawn = [b for b in review.blocks if isinstance(b, Pictures)]
    # By name, since to decode each picture would take seconds.
    images = sum(len(page.images.keys()) for page in pages)
    assert images == written[0].count("<img ") == sum(len(b.each) for b in drawn) >= 7


def test_no_number_of_a_table_is_broken_over_lines():
    headings = ("Key", *(f"Column number {i}" for i in range(8)))
    row = ("14737341592315017", *["−1,234.56 (1,234/12,345), −1,234.56"] * 8)
    [page] = PdfReader(io.BytesIO(pdf.render(Document("T", "S", (Grid("g", headings, (True,) * 9, (row,)),))))).pages
    words = page.extract_text().split()
    assert words.count("14737341592315017") == 1
    assert words.count("−1,234.56") == 16


def test_html_needs_nothing_from_elsewhere(written):
    assert not re.findall(r'(?:src|href)="(?!data:)', written[0])
    assert "<script" not in written[0]
    assert "Demo data" in written[0]


@pytest.mark.parametrize(
    ("month", "sites", "words"),
    [
        ("2026-13", (), "is no month"),
        ("September", (), "is no month"),
        ("1999-01", (), "isn't in the extract. The extract holds 2025-10 to 2026-10"),
        (MONTH, ("boston",), "no site boston here. Sites: chicago, dallas, miami_beach"),
    ],
)
def test_what_can_t_be_reported_on_is_named(director, month, sites, words):
    with pytest.raises(safety.MonthError, match=re.escape(words)):
        safety.month_of(director, month, sites)


def test_a_month_that_isn_t_over_says_so(director):
    chosen = safety.month_of(director, "2026-10")
    assert chosen.end == director.catalogue.last_full_day < dt.date(2026, 10, 31)
    assert dict(safety._about(director, chosen).rows)["Period"].endswith("a part of the month")


def test_managers_get_no_review(reader_of, settings):
    with Store.open(settings.data, rounds=4) as store:
        for username in ("manager.dallas", "finance"):
            with pytest.raises(access.AccessDeniedError):
                files.review(reader_of(username), store, MONTH, ())


def test_the_command_writes_it_and_puts_it_on_record(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("DASHBOARD_DATA", str(settings.data))
    file = tmp_path / "review.html"
    asked = ["report", "safety", "--month", MONTH, "--site", "dallas"]
    done = CliRunner().invoke(main, [*asked, "-o", str(file)])
    assert (done.exit_code, done.output) == (0, f"Wrote {file}.\n")
    text = file.read_text()
    assert "Safety review, September 2026, Dallas" in text
    # A site's review is of it alone; what charts say stands in their descriptions, too.
    assert "Chicago" not in text
    with Store.open(settings.data, rounds=4) as store:
        entry = store.audit.search(Search(kinds=("export",)), 1)[0]
    assert (entry.subject, entry.details["filters"]["sites"]) == ("safety_review", ["dallas"])
    assert (entry.details["bytes"], entry.details["outcome"]) == (file.stat().st_size, "complete")
    wrong = CliRunner().invoke(main, [*asked, "-o", str(tmp_path / "review.docx")])
    assert wrong.exit_code == 2
    assert "neither .html nor .pdf" in wrong.output


def test_a_folder_that_is_not_there_is_told_before_the_report_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("DASHBOARD_DATA", str(tmp_path / "empty"))
    file = tmp_path / "nowhere" / "review.pdf"
    missing = CliRunner().invoke(main, ["report", "safety", "--month", MONTH, "-o", str(file)])
    assert missing.exit_code == 1
    assert missing.output.startswith(f"Error: {file} cannot be written: there is no folder {file.parent}.")


# --- what all of them are made of ----------------------------------------------------------------


def test_blocks_of_every_kind_are_written():
    body = {
        "mark": "point",
        "data": {"values": [{"a": 1}]},
        "encoding": {"x": {"field": "a", "type": "quantitative"}},
    }
    blocks = (
        Heading("One & only"), Text("two\nlines"), Facts((("term", "▲ ★ ◆ ● ′"),)), Picture(body, "a point"),
        Grid("empty", ("A",), (True,), ()), Pictures(()), Heading("last", 3),
    )  # fmt: skip
    document = Document("Title", "sub", blocks)
    assert "One &amp; only" in html.render(document)
    assert "two<br>lines" in html.render(document)
    [page] = PdfReader(io.BytesIO(pdf.render(document))).pages
    assert "One & only" in page.extract_text()
    assert "last" in page.extract_text()
    assert "[U+" not in page.extract_text()


def test_seen_asks_who_looks(reader_of):
    reader = reader_of("finance")
    with pytest.raises(access.AccessDeniedError):
        seen(reader, "effects", filters.parse({}, scope_of(reader)))


def test_every_sign_of_a_note_or_definition_can_be_printed():
    told = [text for panel in panels.PANELS.values() for text in (panel.title, panel.note)]
    told += [metric.definition for metric in METRICS.values()]
    assert "◇" in "".join(told)
    page = pdf.render(Document("T", "S", tuple(Text(text) for text in told if text)))
    words = "".join(one.extract_text() for one in PdfReader(io.BytesIO(page)).pages)
    assert "Laney" in words
    assert "[U+" not in words


# --- the morning huddle --------------------------------------------------------------------------


@pytest.mark.parametrize("day", ["", "2026-08-11", "2026-10-11"])
def test_a_huddle_is_one_sheet_with_the_days_own_numbers(reader_of, day):
    manager = reader_of("manager.dallas")
    document, described = files.morning(manager, (), day)
    assert list(described["sites"]) == ["dallas"]
    [page] = PdfReader(io.BytesIO(pdf.render(document))).pages
    words = "".join(page.extract_text().split())
    text = html.render(document)
    shown = tables(text)
    chosen = huddle.day_of(manager, ("dallas",), day)
    figures = panels.rows(manager, "today", chosen)
    rows = {row[0]: row for row in shown["The day's figures"][1]}
    assert set(rows) == set(figures["title"])
    for row in figures.to_dict("records"):
        got = rows[row["title"]]
        assert got[1] == value_text(row["value"], row["unit"])
        assert got[-2:] == [row["verdict"], row["sentence"]]
        assert "".join(row["sentence"].split()) in words
    # Counts of the lists, and no row of a patient.
    lists = [p for p in panels.PANELS.values() if p.resource == "worklists"]
    counted = {row[0]: row[1] for row in shown["Worklists"][1]}
    for panel in lists:
        found = panels.rows(manager, panel.name, chosen)
        assert counted[panel.title] == str(len(found))
        assert not [key for key in (*found["patient"], *found["booking_id"]) if key in text]
    assert "Chicago" not in text
    assert "<script" not in text


def test_a_huddle_of_another_site_or_day_is_refused_by_name(reader_of, everything):
    manager = reader_of("manager.dallas")
    for sites, day, said in (
        (("chicago",), "", "Sites: dallas."),
        ((), "1999-01-01", "isn't in the extract"),
        ((), "soon", "is no day"),
    ):
        with pytest.raises(huddle.HuddleError, match=re.escape(said)):
            files.morning(manager, sites, day)
    with pytest.raises(huddle.HuddleError, match="one site"):
        files.morning(everything, (), "")
    with pytest.raises(access.AccessDeniedError):
        files.morning(reader_of("finance"), ("dallas",), "")


def test_the_huddles_command_writes_it_and_puts_it_on_record(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("DASHBOARD_DATA", str(settings.data))
    file = tmp_path / "huddle.pdf"
    done = CliRunner().invoke(main, ["report", "today", "--site", "dallas", "--day", "2026-09-14", "-o", str(file)])
    assert (done.exit_code, done.output) == (0, f"Wrote {file}.\n")
    with Store.open(settings.data, rounds=4) as store:
        entry = store.audit.search(Search(kinds=("export",)), 1)[0]
    assert (entry.subject, entry.details["filters"]["sites"]) == ("morning_huddle", ["dallas"])
    assert entry.details["bytes"] == file.stat().st_size
    wrong = CliRunner().invoke(main, ["report", "today", "--site", "boston", "-o", str(file)])
    assert wrong.exit_code == 1
    assert "one site" in wrong.output
    # Where nobody can make a file, root neither.
    refused = CliRunner().invoke(main, ["report", "today", "--site", "dallas", "-o", "/proc/huddle.html"])
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: /proc/huddle.html cannot be written")


def test_the_huddles_command_takes_a_named_no_show_rate(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("DASHBOARD_DATA", str(settings.data))
    for named, words in (("headline", False), ("scheduled", True)):
        file = tmp_path / f"{named}.html"
        asked = ["report", "today", "--site", "dallas", "--day", "2026-09-14", "--no-shows", named, "-o", str(file)]
        assert CliRunner().invoke(main, asked).exit_code == 0
        assert ("No-show rate, ÷ scheduled" in file.read_text(encoding="utf-8")) is words
