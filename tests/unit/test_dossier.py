"""A signal's copy, which outlives its extract, and the dossier that is drawn from it."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json

import pytest
from pypdf import PdfReader

from dashboard import access, filters, panels
from dashboard.access import Role, Viewer
from dashboard.exports import scope_of
from dashboard.reports import dossier, html, pdf
from dashboard.state import Store
from dashboard.state.register import Register

TODAY = dt.date(2026, 11, 2)


@pytest.fixture(scope="module")
def frozen(director):
    page = filters.parse({"period": ["90-days"]}, scope_of(director))
    series = "dallas|nausea|ketamine||"
    return dossier.freeze(director, page, series)


@pytest.fixture
def signal(frozen, tmp_path):
    viewer = Viewer("dan", "Dan <b>Ho</b>", Role.MEDICAL_DIRECTOR)
    clock = lambda: dt.datetime(2026, 11, 2, 9, tzinfo=dt.UTC)  # noqa: E731
    with Store.open(tmp_path, rounds=4, clock=clock) as store:
        register = Register(store)
        why = "Looked into: <script>alert(1)</script> Жар ≥ 38"
        number = register.open(viewer, frozen["series"], frozen["what"], frozen, why, dt.date(2026, 11, 16))
        register.decide(viewer, number, 1, "closed", "refuted", "Another way of counting.", None)
        yield register.signal(viewer, number)


def test_a_copy_holds_what_the_page_shows_now(director, frozen):
    page = filters.parse({"period": ["90-days"], "site": ["dallas"], "line": ["ketamine"]}, scope_of(director))
    rows = panels.rows(director, "signal_alarms", page)
    [row] = rows[rows["series"] == "dallas|nausea|ketamine||"].to_dict("records")
    names = [name for name, _, _ in frozen["figures"]["columns"]]
    [copied] = frozen["figures"]["rows"]
    assert copied[names.index("observed")] == row["observed"] > 0
    assert copied[names.index("expected")] == pytest.approx(row["expected"], rel=1e-12)
    assert frozen["reading"] == row["reading"]
    chart = panels.rows(director, "control_chart", filters.parse(
        {"period": ["90-days"], "site": ["dallas"], "line": ["ketamine"], "effect": ["nausea"]}, scope_of(director)
    ))  # fmt: skip
    [control] = [one for one in frozen["panels"] if one["panel"] == "control_chart"]
    names = [name for name, _, _ in control["columns"]]
    assert [r[names.index("value")] for r in control["rows"]] == pytest.approx(list(chart["value"]), rel=1e-12)
    assert [v["value"] for v in control["charts"][0]["body"]["data"]["values"]] == pytest.approx(list(chart["value"]))


def test_a_copy_names_the_extract_by_its_bytes(director, frozen):
    extract = frozen["extract"]
    assert extract["name"] == director.warehouse.path.name
    assert extract["sha256"] == hashlib.sha256(director.warehouse.path.read_bytes()).hexdigest()
    assert frozen["definitions_version"] == director.catalogue.definitions_version
    assert frozen["filters"]["sites"] == ["dallas"]
    assert frozen["filters"]["address"].startswith("period=90-days")


def test_a_copy_of_no_shows_and_one_of_nothing(director):
    page = filters.parse({}, scope_of(director))
    copy = dossier.freeze(director, page, "miami_beach|no_show|||Monday")
    assert [one["panel"] for one in copy["panels"]] == ["no_show_trend"]
    for unknown in ("dallas|hiccups|ketamine||", "boston|nausea|ketamine||", "", "|||||||"):
        with pytest.raises(dossier.SeriesError):
            dossier.freeze(director, page, unknown)


def test_only_who_sees_signals_can_copy_one(reader_of):
    reader = reader_of("manager.dallas")
    with pytest.raises(access.AccessDeniedError):
        dossier.freeze(reader, filters.parse({}, scope_of(reader)), "dallas|nausea|ketamine||")


def test_the_dossier_is_drawn_from_the_copy_alone(signal, frozen):
    assert json.loads(json.dumps(frozen)) == signal.frozen
    document = dossier.document(signal, TODAY)
    text = html.render(document)
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "Another way of counting." in text
    assert "Closed, refuted: Dan &lt;b&gt;Ho&lt;/b&gt; (dan), 2 Nov 2026, 09:00 UTC" in text
    assert frozen["extract"]["sha256"] in text
    assert "as it was written" in text
    assert text.count("<img ") == sum(len(one["charts"]) for one in frozen["panels"]) == 5
    printed = PdfReader(io.BytesIO(pdf.render(document)))
    words = "".join(page.extract_text() for page in printed.pages).replace("\n", " ")
    assert "Another way of counting." in words
    # What the font lacks is named instead of dropped.
    assert "[U+0416]" in words
    assert "≥ 38" in words


def test_a_dossier_says_once_when_the_first_step_was_due(signal):
    facts = dict(dossier.stand(signal, TODAY).rows)
    assert facts["Opened"].endswith(": Dan <b>Ho</b> (dan), 2 Nov 2026, 09:00 UTC")
    assert html.render(dossier.document(signal, TODAY)).count("16 Nov 2026") == 1
