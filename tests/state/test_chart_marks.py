"""Annotations and rebases: only by who decides, signed, withdrawn instead of removed, on record."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import delete
from sqlalchemy.exc import DatabaseError

from dashboard import marks
from dashboard.access import AccessDeniedError, Role, Viewer
from dashboard.filters import Scope
from dashboard.state import StateError
from dashboard.state.audit import Search
from dashboard.state.chart_marks import ChartMarks
from dashboard.state.tables import chart_marks

DIRECTOR = Viewer("dan", "Dan Ho", Role.MEDICAL_DIRECTOR)
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = date(2026, 8, 3)
#: What there is to mark.
SCOPE = Scope(
    date(2024, 11, 1), date(2026, 11, 1), date(2026, 10, 31), ("chicago", "dallas"), ("ketamine", "vitamin"), (),
    effects=("nausea", "dizziness"),
)  # fmt: skip


@pytest.fixture
def store(place):
    with place.open(clock=lambda: NOW) as store:
        yield store


def test_marks_are_added_read_and_withdrawn(store):
    kept = ChartMarks(store)
    kept.add(DIRECTOR, SCOPE, "annotation", "dallas", "", "", DAY, "  A new form  ")
    kept.add(DIRECTOR, SCOPE, "rebase", "dallas", "nausea", "ketamine", DAY, "Confirmed: another antiemetic")
    note, rebase = kept.in_force()
    assert (note.kind, note.text, note.person_name, note.at, note.on_date) == (
        "annotation",
        "A new form",
        "Dan Ho",
        NOW,
        DAY,
    )
    with pytest.raises(StateError, match="anew on 2026-08-03 already"):
        kept.add(DIRECTOR, SCOPE, "rebase", "dallas", "nausea", "ketamine", DAY, "once more")
    for viewer in (
        Viewer("a", "A", Role.ADMIN), Viewer("m", "M", Role.MANAGER, frozenset({"dallas"})),
        Viewer("d", "D", Role.MEDICAL_DIRECTOR, frozenset({"chicago"})),
    ):  # fmt: skip
        with pytest.raises(AccessDeniedError):
            kept.add(viewer, SCOPE, "annotation", "dallas", "", "", DAY, "A new form")
        with pytest.raises(AccessDeniedError):
            kept.withdraw(viewer, note.number, "It was elsewhere")
    for text in ("", "  why ", "x" * 301):
        with pytest.raises(StateError, match="5 to 300"):
            kept.withdraw(DIRECTOR, rebase.number, text)
    kept.withdraw(DIRECTOR, rebase.number, "Refuted after all")
    assert kept.in_force() == (note,)
    with pytest.raises(StateError, match="withdrawn already"):
        kept.withdraw(DIRECTOR, rebase.number, "Refuted after all")
    changes = [e.details["change"] for e in store.audit.search(Search(kinds=("signal",)), 5)]
    assert changes == ["withdrawn", "marked", "marked"]
    with pytest.raises(DatabaseError, match="append-only"), store.database.write() as connection:
        connection.execute(delete(chart_marks))


@pytest.mark.parametrize(
    ("kind", "site", "effect", "line", "day", "said"),
    [
        ("nonsense", "dallas", "", "", DAY, "no mark 'nonsense'"),
        ("annotation", "atlantis", "", "", DAY, "no site 'atlantis'"),
        ("annotation", "", "", "", DAY, "no site ''"),
        ("rebase", "dallas", "hiccups", "", DAY, "no side effect 'hiccups'"),
        ("rebase", "dallas", "nausea", "dental", DAY, "no line 'dental'"),
        ("everything", "atlantis", "", "", DAY, "no site 'atlantis'"),
        ("everything", "dallas", "nausea", "", DAY, "no side effect 'nausea'"),
        ("everything", "dallas", "", "ketamine", DAY, "no line 'ketamine'"),
        ("annotation", "dallas", "", "", date(2024, 10, 31), "2024-11-01 to 2026-11-01, and not 2024-10-31"),
        ("bookings", "", "", "", date(2026, 11, 2), "and not 2026-11-02"),
    ],
)
def test_nothing_is_marked_that_there_is_not(store, kind, site, effect, line, day, said):
    """The page offers none of it, and what is written stays on record for ever."""
    kept = ChartMarks(store)
    with pytest.raises((StateError, AccessDeniedError), match=said):
        kept.add(DIRECTOR, SCOPE, kind, site, effect, line, day, "A new form")
    assert kept.in_force() == ()
    assert store.audit.search(Search(kinds=("signal", "annotation")), 5) == []


MANAGER = Viewer("mia", "Mia Ortiz", Role.MANAGER, frozenset({"dallas"}))
ADMIN = Viewer("ada", "Ada", Role.ADMIN)


def test_dates_are_annotated_by_who_runs_the_site(store):
    kept = ChartMarks(store)
    kept.add(MANAGER, SCOPE, "everything", "dallas", "", "", DAY, " New nurse rota ")
    kept.add(ADMIN, SCOPE, "bookings", "", "", "", DAY, "Prices changed")
    rota, prices = kept.in_force()
    assert (rota.kind, rota.site, rota.text, rota.person, rota.person_name) == (
        "everything", "dallas", "New nurse rota", "mia", "Mia Ortiz"
    )  # fmt: skip
    assert prices.site == marks.EVERY_SITE
    for viewer, site in (
        (MANAGER, "chicago"), (MANAGER, ""), (Viewer("f", "F", Role.FINANCE), "dallas"),
        (Viewer("d", "D", Role.MEDICAL_DIRECTOR, frozenset({"dallas", "chicago"})), ""),
    ):  # fmt: skip
        with pytest.raises(AccessDeniedError):
            kept.add(viewer, SCOPE, "everything", site, "", "", DAY, "New nurse rota")
    with pytest.raises(AccessDeniedError):
        kept.add(MANAGER, SCOPE, "annotation", "dallas", "", "", DAY, "A control chart's is the director's")
    with pytest.raises(StateError, match="5 to 300"):
        kept.add(MANAGER, SCOPE, "safety", "dallas", "", "", DAY, "x" * 301)
    assert len(kept.in_force()) == 2


def test_an_annotation_is_withdrawn_by_its_author_or_who_oversees_the_site(store):
    kept = ChartMarks(store)
    for text in ("New nurse rota", "Two chairs broken"):
        kept.add(MANAGER, SCOPE, "everything", "dallas", "", "", DAY, text)
    kept.add(DIRECTOR, SCOPE, "safety", "", "", "", DAY, "Another antiemetic")
    rota, chairs, everywhere = kept.in_force()
    other = Viewer("moe", "Moe", Role.MANAGER, frozenset({"dallas"}))
    moved = Viewer("mia", "Mia Ortiz", Role.MANAGER, frozenset({"chicago"}))
    for viewer, one in ((other, rota), (moved, rota), (MANAGER, everywhere), (Viewer("f", "F", Role.FINANCE), rota)):
        with pytest.raises(AccessDeniedError):
            kept.withdraw(viewer, one.number, "It was elsewhere")
    kept.withdraw(MANAGER, rota.number, "It was in Chicago")
    kept.withdraw(ADMIN, chairs.number, "Written twice")
    assert kept.in_force() == (everywhere,)
    found = store.audit.search(Search(kinds=("annotation",)), 9)
    assert [(e.actor, e.details["change"]) for e in found] == [
        ("ada", "withdrawn"), ("mia", "withdrawn"), ("dan", "marked"), ("mia", "marked"), ("mia", "marked")
    ]  # fmt: skip
    assert found[-1].details["site"] == "dallas"


def test_which_dates_are_on_a_chart():
    notes = [
        marks.Mark(number, kind, site, "", "", day, "text", "Dan", NOW)
        for number, (kind, site, day) in enumerate(
            [
                ("everything", "dallas", DAY), ("bookings", "dallas", DAY), ("safety", "dallas", DAY),
                ("everything", "chicago", DAY), ("everything", "", DAY), ("annotation", "dallas", DAY),
                ("everything", "dallas", date(2026, 8, 1)), ("everything", "dallas", date(2026, 8, 31)),
                ("everything", "dallas", date(2026, 9, 1)), ("everything", "dallas", date(2026, 7, 31)),
            ],
            start=1,
        )
    ]  # fmt: skip
    shown = marks.of_dates(notes, "bookings", ("dallas",), date(2026, 8, 1), date(2026, 8, 31))
    assert [mark.number for mark in shown] == [7, 1, 2, 5, 8]
    assert not any(mark.is_on("", ()) for mark in notes if mark.kind in marks.TOPICS)


def mark(kind="annotation", effect="", line=""):
    return marks.Mark(1, kind, "dallas", effect, line, DAY, "text", "Dan", NOW)


@pytest.mark.parametrize(
    ("one", "effect", "lines", "expected"),
    [
        (mark(), "nausea", ("ketamine",), True),
        (mark(effect="nausea"), "nausea", (), True),
        (mark(effect="nausea"), "dizziness", (), False),
        (mark(effect="nausea"), "", (), False),
        (mark(line="ketamine"), "nausea", (), True),
        (mark(line="ketamine"), "nausea", ("vitamin", "hydration"), False),
        (mark("rebase", "nausea", "ketamine"), "nausea", ("ketamine",), True),
        (mark("rebase", "nausea", "ketamine"), "nausea", (), False),
        (mark("rebase", "nausea"), "nausea", (), True),
        (mark("rebase", "nausea"), "nausea", ("ketamine", "vitamin"), False),
        (mark("rebase"), "nausea", (), False),
    ],
)
def test_which_charts_a_mark_is_on(one, effect, lines, expected):
    assert one.is_on(effect, lines) is expected
    assert marks.of_chart([one], effect, lines) == ((one,) if expected else ())
