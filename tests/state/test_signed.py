"""Marks on charts and closed months are known again from the audit record, whoever changed them behind its back."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import delete, insert, update

from dashboard.access import Role, Viewer
from dashboard.filters import Scope
from dashboard.state import audit_renewal, backup, signed
from dashboard.state.audit import Search
from dashboard.state.chart_marks import ChartMarks
from dashboard.state.closed_months import ClosedMonths
from dashboard.state.tables import chart_marks, closed_months
from tests.state.tampering import change_behind

DIRECTOR = Viewer("dan", "Dan Ho", Role.MEDICAL_DIRECTOR)
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
DAY = date(2026, 8, 3)
SCOPE = Scope(
    date(2024, 11, 1), date(2026, 11, 1), date(2026, 10, 31), ("chicago", "dallas"), ("ketamine",), (),
    effects=("nausea",),
)  # fmt: skip
CHICAGO = (closed_months.c.month == "2026-08") & (closed_months.c.site == "chicago")


@pytest.fixture
def store(place):
    """With a rebase (1), an annotation (2), which is withdrawn (3), and a month closed at two sites, opened at one."""
    with place.open(clock=lambda: NOW) as store:
        kept, months = ChartMarks(store), ClosedMonths(store.by("lee"))
        kept.add(DIRECTOR, SCOPE, "rebase", "dallas", "nausea", "ketamine", DAY, "Another antiemetic")
        kept.add(DIRECTOR, SCOPE, "safety", "chicago", "", "", DAY, "A new form")
        kept.withdraw(DIRECTOR, 2, "It was elsewhere")
        months.close("2026-08", "extract-1", {"chicago": {"paid": 120_00, "visits": 3}, "dallas": {"paid": 90_00}})
        months.reopen("2026-08", ["dallas"], "a statement came late")
        assert signed.fault(store) is None
        yield store


MARK = {
    "number": 4, "at": NOW, "person": "dan", "person_name": "Dan Ho", "kind": "rebase", "site": "dallas",
    "effect": "nausea", "line": "", "on_date": DAY, "text": "Another antiemetic",
}  # fmt: skip
MONTH = {"month": "2026-08", "extract": "extract-1", "figures": {"paid": 1}, "closed_at": NOW, "closed_by": "lee"}


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        *(
            (update(chart_marks).where(chart_marks.c.number == 1).values(change), "Chart mark 1 was changed or removed")
            for change in (
                {"on_date": date(2026, 10, 1)}, {"text": "Nothing was to be seen"}, {"person": "eve"},
                {"person_name": "Eve Poe"}, {"site": "chicago"}, {"effect": "dizziness"}, {"line": ""},
                {"kind": "annotation"}, {"withdraws": 2}, {"at": datetime(2026, 11, 3, 9, tzinfo=UTC)},
            )
        ),
        (update(chart_marks).where(chart_marks.c.number == 2).values(text="An old form"), "Annotation 2 was changed"),
        (delete(chart_marks).where(chart_marks.c.number == 1), "Chart mark 1 was changed or removed"),
        (delete(chart_marks).where(chart_marks.c.number == 3), "The withdrawal of annotation 2 was changed or removed"),
        (
            update(chart_marks).where(chart_marks.c.number == 3).values(withdraws=1),
            "The withdrawal of annotation 2 was changed or removed",
        ),
        (insert(chart_marks).values(MARK), "Chart mark 4 was put in"),
        (insert(chart_marks).values(MARK | {"withdraws": 1}), "The withdrawal of chart mark 1 was put in"),
        *(
            (update(closed_months).values(change), "2026-08, closed at chicago, was changed: entry 4 ")
            for change in (
                {"figures": {"paid": 121_00, "visits": 3}}, {"figures": {"paid": 120_00}}, {"extract": "extract-2"},
                {"closed_by": "eve"}, {"closed_at": datetime(2026, 11, 3, 9, tzinfo=UTC)},
            )
        ),
        (update(closed_months).values(site="dallas"), "2026-08, closed at dallas, was put in"),
        (delete(closed_months), "2026-08, closed at chicago, was removed: entry 4 "),
        (insert(closed_months).values(MONTH | {"site": "dallas"}), "2026-08, closed at dallas, was put in"),
    ],
)  # fmt: skip
def test_what_somebody_did_behind_the_records_back_is_found_out(store, statement, told):
    change_behind(store, statement)
    assert store.audit.verify().fault is None
    assert (signed.fault(store) or "").startswith(told)


@pytest.mark.parametrize("lost", [False, True])
def test_another_audit_key_knows_all_again(store, lost):
    if lost:
        store.audit.key_path.unlink()
    audit_renewal.renew(store, actor="os:kim", lost=lost)
    assert store.audit.verify().fault is None
    assert signed.fault(store) is None
    # With the key are lost the hashes of all that was done under it; what entries say in words still has to hold.
    change_behind(store, update(closed_months).where(CHICAGO).values(figures={"paid": 1}))
    assert (signed.fault(store) is None) == lost
    change_behind(store, update(closed_months).where(CHICAGO).values(extract="extract-2"))
    assert "2026-08, closed at chicago, was changed" in (signed.fault(store) or "")


def test_what_was_changed_before_stays_at_fault_under_another_key(store):
    change_behind(store, update(closed_months).where(CHICAGO).values(figures={"paid": 1}))
    audit_renewal.renew(store, actor="os:kim")
    assert "2026-08, closed at chicago, was changed: entry 4 " in (signed.fault(store) or "")


def test_a_back_up_takes_back_what_came_after_it_and_excuses_nothing_else(store, tmp_path):
    file = tmp_path / "state.backup"
    backup.take(store.database, store.audit, file, actor="os:root")
    kept, months = ChartMarks(store), ClosedMonths(store.by("lee"))
    kept.withdraw(DIRECTOR, 1, "Refuted after all")
    kept.add(DIRECTOR, SCOPE, "safety", "dallas", "", "", DAY, "A new form")
    months.close("2026-08", "extract-3", {"dallas": {"paid": 95_00}})
    months.reopen("2026-08", ["chicago"], "a statement came late")
    assert signed.fault(store) is None
    backup.restore(store.database, store.audit, file, actor="os:root", force=True)
    assert signed.fault(store) is None
    kept.add(DIRECTOR, SCOPE, "safety", "dallas", "", "", DAY, "Another form")
    months.close("2026-08", "extract-4", {"dallas": {"paid": 96_00}})
    assert signed.fault(store) is None
    change_behind(store, delete(chart_marks).where(chart_marks.c.number == 3))
    assert "The withdrawal of annotation 2 was changed or removed: entry 3 " in (signed.fault(store) or "")


def test_the_record_holds_hashes_of_what_was_written_and_not_the_words(store):
    entries = store.audit.search(Search(kinds=signed.KINDS), 10)
    assert len(entries) == 5
    assert all("antiemetic" not in entry.text and "12000" not in entry.text for entry in entries)
    assert all("signed" in entry.details and "signed" not in entry.text for entry in entries[1:])
    assert set(next(e for e in entries if e.details["change"] == "closed").details["signed"]) == {"chicago", "dallas"}
