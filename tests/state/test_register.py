"""The signal register: who decides, in which order, signed, never rewritten, and known again from the record."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DatabaseError

from dashboard.access import AccessDeniedError, Role, Viewer
from dashboard.state import StateError, backup
from dashboard.state.audit import Search
from dashboard.state.register import Register, next_steps
from dashboard.state.tables import signal_steps, signals

DIRECTOR = Viewer("dan", "Dan Ho", Role.MEDICAL_DIRECTOR)
ADMIN = Viewer("ada", "Ada Park", Role.ADMIN)
DALLAS = Viewer("max", "Max Roy", Role.MANAGER, frozenset({"dallas"}))
CHICAGO = Viewer("kim", "Kim Lee", Role.MANAGER, frozenset({"chicago"}))
SERIES = "dallas|nausea|ketamine||"
NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
DUE = date(2026, 11, 16)
WHY = "More nausea than its own past explains."
FROZEN = {"figures": {"observed": 41, "site": "Dallas (Frisco)"}, "extract": {"sha256": "ab" * 32}}


@pytest.fixture
def store(place):
    with place.open(clock=lambda: NOW) as store:
        yield store


@pytest.fixture
def register(store):
    return Register(store)


def opened(register, series=SERIES):
    return register.open(DIRECTOR, series, "Nausea after ketamine in Dallas", FROZEN, WHY, DUE)


def take(register, number, step, outcome=None, viewer=DIRECTOR, due=DUE, why=WHY):
    after = register.signal(DIRECTOR, number).latest.number
    register.decide(viewer, number, after, step, outcome, why, due)


def test_a_signal_goes_from_detected_to_confirmed_and_is_reopened(register):
    number = opened(register)
    take(register, number, "validated")
    take(register, number, "assessed", why="Bags of one lot were too cold.")
    take(register, number, "closed", "confirmed")
    closed = register.signal(DIRECTOR, number)
    assert [step.title for step in closed.steps] == ["Detected", "Validated", "Assessed", "Closed, confirmed"]
    assert {(step.person, step.person_name, step.at) for step in closed.steps} == {("dan", "Dan Ho", NOW)}
    assert closed.steps[2].rationale == "Bags of one lot were too cold."
    assert [step.due_on for step in closed.steps] == [DUE, DUE, DUE, None]
    assert not closed.is_open
    assert not closed.is_overdue(date(2030, 1, 1))
    take(register, number, "reopened")
    again = register.signal(DIRECTOR, number)
    assert again.is_open
    assert not again.is_overdue(DUE)
    assert again.is_overdue(date(2026, 11, 17))
    assert again.frozen == FROZEN
    assert again.is_intact()


def test_no_step_is_skipped(register):
    number = opened(register)
    wrong = {
        "detected": [
            ("assessed", None),
            ("closed", "confirmed"),
            ("closed", None),
            ("detected", None),
            ("lost", None),
        ],
        "validated": [("closed", "confirmed"), ("validated", None)],
        "assessed": [("reopened", None), ("closed", None)],
    }
    for stage, steps in wrong.items():
        if stage != "detected":
            take(register, number, stage)
        for step, outcome in steps:
            with pytest.raises(StateError, match="doesn't follow"):
                take(register, number, step, outcome)
    assert [step.step for step in register.signal(DIRECTOR, number).steps] == list(wrong)


def test_every_step_can_be_left_again():
    assert all(next_steps(step) for step in ("detected", "validated", "assessed", "closed", "reopened"))


def test_only_the_medical_director_decides(register):
    number = opened(register)
    for viewer in (ADMIN, DALLAS, CHICAGO, Viewer("x", "X", Role.FINANCE)):
        with pytest.raises(AccessDeniedError):
            register.open(viewer, "dallas|dizziness|ketamine||", "what", FROZEN, WHY, DUE)
        with pytest.raises(AccessDeniedError):
            take(register, number, "validated", viewer=viewer)
    assert len(register.signal(ADMIN, number).steps) == 1


def test_a_director_of_one_site_decides_there_alone(register):
    here = Viewer("di", "Di", Role.MEDICAL_DIRECTOR, frozenset({"chicago"}))
    number = opened(register)
    with pytest.raises(AccessDeniedError):
        take(register, number, "validated", viewer=here)
    with pytest.raises(AccessDeniedError):
        register.open(here, SERIES, "what", FROZEN, WHY, DUE)
    assert register.signals(here) == []
    with pytest.raises(StateError, match="no signal"):
        register.signal(here, number)


def test_managers_learn_that_a_signal_exists_at_their_site_and_no_more(register):
    number = opened(register)
    [notice] = register.notices(DALLAS)
    assert (notice.number, notice.site, notice.stage, notice.opened_at) == (number, "dallas", "Detected", NOW)
    assert "ausea" not in repr(notice)
    assert register.notices(CHICAGO) == []
    for viewer in (DALLAS, CHICAGO):
        with pytest.raises(AccessDeniedError):
            register.signals(viewer)
        with pytest.raises(AccessDeniedError):
            register.signal(viewer, number)
    with pytest.raises(AccessDeniedError):
        register.notices(Viewer("f", "F", Role.FINANCE))
    take(register, number, "closed", "refuted")
    assert register.notices(DALLAS) == []


def test_rationale_and_date_are_wanted(register):
    for why, due, words in (
        ("too short" + " " * 9, DUE, "rationale"),
        ("", DUE, "rationale"),
        ("x" * 10_001, DUE, "10,000"),
        (WHY, date(2026, 11, 1), "is over"),
        (WHY, None, "by when"),
    ):
        with pytest.raises(StateError, match=words):
            register.open(DIRECTOR, SERIES, "what", FROZEN, why, due)
    assert register.signals(DIRECTOR) == []


def test_one_series_has_one_open_signal(register):
    first = opened(register)
    with pytest.raises(StateError, match=f"Signal {first} about this series is open already"):
        opened(register)
    assert opened(register, "dallas|dizziness|ketamine||") == first + 1
    take(register, first, "closed", "refuted")
    assert opened(register) == first + 2
    assert [one.number for one in register.signals(ADMIN)] == [first + 2, first + 1, first]


def test_of_two_who_decide_on_the_same_step_one_is_told(register):
    number = opened(register)

    def decide(choice):
        step, outcome = choice
        try:
            register.decide(DIRECTOR, number, 1, step, outcome, WHY, DUE)
        except StateError as error:
            return str(error)
        return "done"

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(decide, [("validated", None), ("closed", "refuted")]))
    assert told[1] == "done"
    assert "took a step in between" in told[0]
    assert len(register.signal(DIRECTOR, number).steps) == 2


def test_the_database_refuses_to_change_what_stands_there(store, register):
    number = opened(register)
    for statement in (
        update(signals).values(what="nothing"),
        delete(signal_steps),
        update(signal_steps).values(rationale="another"),
        delete(signals),
    ):
        with pytest.raises(DatabaseError, match="append-only"), store.database.write() as connection:
            connection.execute(statement)
    assert register.signal(DIRECTOR, number).steps[0].rationale == WHY


def test_a_changed_copy_is_found_out(store, register):
    number = opened(register)
    with store.database.write() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("drop trigger signals_no_update"))
        else:
            connection.execute(text("alter table signals disable trigger all"))
        connection.execute(update(signals).values(frozen='{"figures":{"observed":4}}'))
    assert not register.signal(DIRECTOR, number).is_intact()


def test_each_step_is_on_record_with_hashes_and_without_what_was_written(store, register):
    number = opened(register)
    take(register, number, "validated", why="Ms Miller told the nurse.")
    second, first = store.audit.search(Search(kinds=("signal",)), 5)
    assert (first.actor, first.subject, first.details["step"]) == ("dan", f"signal {number}", "detected")
    assert first.details["frozen_sha256"] == register.signal(ADMIN, number).frozen_sha256
    assert second.details["rationale_sha256"] == hashlib.sha256(b"Ms Miller told the nurse.").hexdigest()
    assert "Miller" not in second.text
    assert store.audit.verify().fault is None


def test_a_back_up_brings_the_register_back_locked(store, register, tmp_path):
    number = opened(register)
    file = tmp_path / "state.backup"
    backup.take(store.database, store.audit, file, actor="os:root")
    take(register, number, "validated")
    backup.restore(store.database, store.audit, file, actor="os:root", force=True)
    [signal] = register.signals(ADMIN)
    assert (signal.frozen, signal.latest.step) == (FROZEN, "detected")
    with pytest.raises(DatabaseError, match="append-only"), store.database.write() as connection:
        connection.execute(delete(signal_steps))
