"""The signal register: who decides, in which order, signed, never rewritten, and known again from the record."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import partial

import pytest
from sqlalchemy import delete, insert, update
from sqlalchemy.exc import DatabaseError

from dashboard.access import AccessDeniedError, Role, Viewer
from dashboard.state import StateError, audit_renewal, backup
from dashboard.state.audit import Search
from dashboard.state.register import Register, next_steps
from dashboard.state.tables import signal_steps, signals
from tests.state.tampering import change_behind

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


def test_a_rationale_is_signed_as_it_is_kept(register):
    number = opened(register)
    take(register, number, "validated", why="Ten characters \x00 and more.")
    assert register.signal(ADMIN, number).latest.rationale == "Ten characters \ufffd and more."
    assert register.fault() is None


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


@pytest.fixture
def tamper(store):
    return partial(change_behind, store)


OTHER = '{"figures":{"observed":4}}'
SECOND = (signal_steps.c.signal == 1) & (signal_steps.c.number == 2)
ROW = {"signal": 1, "at": NOW, "person": "dan", "person_name": "Dan Ho", "rationale": WHY}


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        ([update(signals).values(frozen=OTHER)], "The copy of what was seen when signal 1 was opened was changed"),
        (
            [update(signals).values(frozen=OTHER, frozen_sha256=hashlib.sha256(OTHER.encode()).hexdigest())],
            "Step 1 of signal 1 was changed or removed: entry 1 ",
        ),
        ([update(signals).values(what="Dizziness after ketamine in Dallas")], "Step 1 of signal 1 was changed"),
        ([update(signals).values(series="dallas|dizziness|ketamine||")], "Step 1 of signal 1 was changed"),
        *(
            ([update(signal_steps).where(SECOND).values(change)], "Step 2 of signal 1 was changed or removed: entry 2 ")
            for change in (
                {"rationale": "Nothing was to be seen."}, {"person": "eve"}, {"person_name": "Eve Poe"},
                {"step": "assessed"}, {"outcome": "refuted"}, {"due_on": date(2027, 1, 1)},
                {"at": datetime(2026, 11, 3, 9, tzinfo=UTC)},
            )
        ),
        ([delete(signal_steps).where(SECOND)], "Step 2 of signal 1 was changed or removed: entry 2 "),
        (
            [delete(signal_steps).where(signal_steps.c.number == 3)],
            "Step 3 of signal 1 was changed or removed: entry 3 ",
        ),
        ([delete(signal_steps), delete(signals)], "Step 1 of signal 1 was changed or removed: entry 1 "),
        (
            [insert(signal_steps).values(ROW | {"number": 4, "step": "closed", "outcome": "refuted"})],
            "Step 4 of signal 1 was put in",
        ),
        (
            [insert(signals).values(number=2, site="dallas", series="s", what="w", frozen=OTHER,
                                    frozen_sha256=hashlib.sha256(OTHER.encode()).hexdigest())],
            "Signal 2 was put in",
        ),
    ],
)  # fmt: skip
def test_what_somebody_did_to_the_register_is_found_out(store, register, tamper, statements, told):
    number = opened(register)
    take(register, number, "validated")
    take(register, number, "assessed")
    assert register.fault() is None
    tamper(*statements)
    assert store.audit.verify().fault is None
    found = register.fault()
    assert found is not None
    assert found.startswith(told)
    assert register.fault(2 if "ignal 2" in told else number) == found


@pytest.mark.parametrize("lost", [False, True])
def test_another_audit_key_knows_the_steps_again_and_those_that_were_changed(store, register, tamper, lost):
    number = opened(register)
    take(register, number, "validated")
    if lost:
        store.audit.key_path.unlink()
    audit_renewal.renew(store, actor="os:kim", lost=lost)
    assert store.audit.verify().fault is None
    assert register.fault() is None
    take(register, number, "assessed")
    assert register.fault() is None
    tamper(update(signal_steps).where(SECOND).values(rationale="Nothing was to be seen."))
    assert "Step 2 of signal 1 was changed or removed: entry 2 " in (register.fault() or "")


def test_a_step_that_was_changed_before_stays_at_fault_under_another_key(store, register, tamper):
    number = opened(register)
    take(register, number, "validated")
    tamper(update(signal_steps).where(SECOND).values(person_name="Eve Poe"))
    audit_renewal.renew(store, actor="os:kim")
    assert "Step 2 of signal 1 was changed or removed: entry 2 " in (register.fault() or "")


def test_of_several_signals_one_is_asked_about(register, tamper):
    first, second = opened(register), opened(register, "dallas|dizziness|ketamine||")
    tamper(update(signal_steps).where(signal_steps.c.signal == second).values(rationale="another one, or so"))
    assert register.fault(first) is None
    assert register.fault(second) == register.fault() != ""


def test_what_the_record_of_an_earlier_version_says_less_of_still_has_to_hold(store, register, tamper):
    """Of a step it had the hash of its rationale, and not of all."""
    number = opened(register)
    step = register.signal(ADMIN, number).latest
    with store.database.write() as connection:
        connection.execute(insert(signal_steps).values(ROW | {"number": 2, "step": "validated", "due_on": DUE}))
        sha256 = hashlib.sha256(WHY.encode()).hexdigest()
        store.audit.append(
            connection, "signal", "dan", "signal 1", step="validated", outcome=None, due_on=DUE,
            rationale_sha256=sha256, site="dallas",
        )  # fmt: skip
    assert step.number == 1
    assert register.fault() is None
    tamper(update(signal_steps).where(SECOND).values(rationale="Nothing was to be seen."))
    assert "entry 2 of the audit record" in register.fault()


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
    # What was signed after the back-up is on record, and so is that it was put back.
    assert register.fault() is None
    take(register, number, "closed", "refuted")
    assert register.fault() is None
    with pytest.raises(DatabaseError, match="append-only"), store.database.write() as connection:
        connection.execute(delete(signal_steps))


def test_a_back_up_excuses_nothing_that_was_signed_before_it(store, register, tamper, tmp_path):
    number = opened(register)
    take(register, number, "validated")
    file = tmp_path / "state.backup"
    backup.take(store.database, store.audit, file, actor="os:root")
    backup.restore(store.database, store.audit, file, actor="os:root", force=True)
    tamper(delete(signal_steps).where(SECOND))
    assert register.fault().startswith("Step 2 of signal 1 was changed or removed: entry 2 ")
