"""The record: in order, sealed, append-only, and found out when somebody lays hands on it."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from dashboard.access import Role
from dashboard.state import StateError, Store
from dashboard.state.audit import KINDS, Search
from dashboard.state.audit_head import Head

MORNING = datetime(2026, 3, 1, 8, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = MORNING

    def __call__(self):
        self.now += timedelta(minutes=1)
        return self.now


def head_file(place):
    return place.data / "state" / ("audit.postgresql.head" if place.url else "audit.head")


@pytest.fixture
def store(place):
    with place.open(clock=Clock()) as store:
        yield store


@pytest.fixture
def record(store):
    """A record of six entries."""
    store.audit.record("sign_in", "ada", address="10.0.0.1")
    store.audit.record("view", "ada", "safety", period="28-days", sites=("chicago", "dallas"))
    store.audit.record("export", "eve", "payment_rows", rows=120, sha256="a" * 64)
    store.audit.record("denied", "max", "page safety")
    store.audit.record("user", "os:root", "ada", change="disabled")
    store.audit.record("sign_out", "eve")
    return store.audit


@pytest.fixture
def tamper(store):
    """Change the record behind its back, as one who may do everything with the database but hasn't the key."""

    def tamper(*statements):
        with store.database.write() as connection:
            if store.database.is_sqlite:
                for change in ("update", "delete"):
                    connection.execute(text(f"drop trigger if exists audit_no_{change}"))
            else:
                connection.execute(text("alter table audit disable trigger all"))
            for statement in statements:
                connection.execute(text(statement))

    return tamper


def test_entries_are_kept_as_given_and_found_newest_first(record):
    found = record.search(Search(), 10)
    assert [entry.number for entry in found] == [6, 5, 4, 3, 2, 1]
    seen = found[4]
    assert (seen.kind, seen.actor, seen.subject) == ("view", "ada", "safety")
    assert seen.at == MORNING + timedelta(minutes=2)
    assert seen.details == {"period": "28-days", "sites": ["chicago", "dallas"]}
    assert seen.text == "period 28-days; sites chicago, dallas"
    assert [entry.number for entry in record.search(Search(), 2, 3)] == [3, 2]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Search(actor="ada"), [2, 1]),
        (Search(actor="ad"), []),
        (Search(kinds=("export", "denied")), [4, 3]),
        (Search(text="SAFETY"), [4, 2]),
        (Search(text="10.0.0.1"), [1]),
        (Search(text="%"), []),
        (Search(text="ada"), [5, 2, 1]),
        (Search(since=MORNING + timedelta(minutes=5)), [6, 5]),
        (Search(until=MORNING + timedelta(minutes=2)), [1]),
        (Search(actor="ada", kinds=("view",), text="dallas"), [2]),
    ],
)
def test_search(record, wanted, numbers):
    assert [entry.number for entry in record.search(wanted, 10)] == numbers
    assert record.count(wanted) == len(numbers)
    assert [entry.number for part in record.stream(wanted) for entry in part] == numbers


def test_the_file_has_every_entry_once_however_many_parts(store, record, monkeypatch):
    monkeypatch.setattr("dashboard.state.audit._PART", 4)
    parts = []
    for part in record.stream(Search()):
        parts.append([entry.number for entry in part])
        record.record("view", "ada", "audit")
    assert parts == [[6, 5, 4, 3], [2, 1]]


def test_people_are_listed_once(record):
    assert record.actors() == ["ada", "eve", "max", "os:root"]


def test_only_known_kinds_are_recorded(record):
    with pytest.raises(ValueError, match="no such kind of entry: gossip"):
        record.record("gossip", "ada")
    with pytest.raises(ValueError, match="no such kind"):
        record.record_later("gossip", "ada")
    assert record.count(Search()) == 6
    assert all(label and len(kind) <= 32 for kind, label in KINDS.items())


def test_words_that_are_too_long_or_no_text_do_no_harm(record):
    record.record("denied", "x" * 500, "line\nbreak\x00" + "y" * 500, text="\x00 \ud800 " + "z" * 9999)
    newest = record.search(Search(), 1)[0]
    assert newest.actor == "x" * 80
    assert newest.subject == ("line break " + "y" * 500)[:200]
    assert record.verify().fault is None


def test_an_empty_record_holds(store):
    assert store.audit.verify().entries == 0
    assert store.audit.verify().fault is None
    assert store.audit.head() == Head(0, "")


def test_a_record_that_nobody_touched_holds(place, record):
    verdict = record.verify()
    assert (verdict.entries, verdict.fault, verdict.first_bad) == (6, None, None)
    assert record.verify(record.head()).fault is None
    with place.open() as again:
        again.audit.record("view", "ada", "today")
        assert again.audit.verify().entries == 7
    assert record.head().entries == 7


# --- what is found out -----------------------------------------------------------------------

ENTRY = "insert into audit (number, at, kind, actor, subject, details, seal) values"


@pytest.mark.parametrize(
    ("statements", "first_bad", "why"),
    [
        (["update audit set actor = 'max' where number = 3"], 3, "Entry 3 was changed"),
        (["update audit set details = '{\"a\": 1}' where number = 6"], 6, "Entry 6 was changed"),
        (["update audit set at = '2026-03-01 09:00:00.000000' where number = 1"], 1, "Entry 1 was changed"),
        (["update audit set subject = 'payment_rows ' where number = 3"], 3, "Entry 3 was changed"),
        (["update audit set seal = (select seal from audit where number = 2) where number = 4"], 4, "Entry 4"),
        (["delete from audit where number = 1"], 1, "Entry 1 is missing"),
        (["delete from audit where number = 4"], 4, "Entry 4 is missing"),
        (["delete from audit where number = 4", "update audit set number = number - 1 where number = 5",
          "update audit set number = number - 1 where number = 6"], 4, "Entry 4 was changed"),
        (["update audit set number = 9 where number = 2", "update audit set number = 2 where number = 3",
          "update audit set number = 3 where number = 9"], 2, "Entry 2 was changed"),
        ([f"{ENTRY} (7, '2026-03-01 09:00:00.000000', 'view', 'ada', 'today', '{{}}', '{'0' * 64}')"], 7, "Entry 7"),
        ([f"{ENTRY} (0, '2026-03-01 09:00:00.000000', 'view', 'ada', 'today', '{{}}', '{'0' * 64}')"], 1, "Entry 1"),
        (["delete from audit where number = 6"], 6, "Entries 6 to 6 were cut off"),
        (["delete from audit where number > 2"], 3, "Entries 3 to 6 were cut off"),
        (["delete from audit"], 1, "Entries 1 to 6 were cut off"),
        (["delete from audit", "delete from audit_head"], 1, "Entries 1 to 6 were cut off"),
        (["delete from audit_head"], 6, "head in the database"),
    ],
)  # fmt: skip
def test_what_somebody_did_to_the_record_is_found_out(record, tamper, statements, first_bad, why):
    tamper(*statements)
    verdict = record.verify()
    assert verdict.first_bad == first_bad
    assert why in verdict.fault
    assert verdict.entries == first_bad - 1 or why == "head in the database"


def cut_to_four(record, tamper, head_row):
    """Cut the last two entries off and put an earlier head, which its signer had once written, in its place."""
    tamper(
        "delete from audit where number > 4",
        f"update audit_head set entries = {head_row[0]}, seal = '{head_row[1]}', signature = '{head_row[2]}'",
    )


@pytest.fixture
def row_at_four(store):
    """The head's row as somebody copied it when there were four entries."""
    for number in range(4):
        store.audit.record("view", "ada", f"page {number}")
    with store.database.read() as connection:
        row = connection.execute(text("select entries, seal, signature from audit_head")).one()
    for number in range(2):
        store.audit.record("export", "ada", f"file {number}")
    return tuple(row)


def test_an_earlier_head_put_back_in_the_database_is_found_out_by_the_file(store, tamper, row_at_four):
    cut_to_four(store.audit, tamper, row_at_four)
    verdict = store.audit.verify()
    assert (verdict.first_bad, verdict.fault) == (5, "Entries 5 to 6 were cut off.")


@pytest.mark.parametrize("written", [1, 2, 3, 9])
def test_what_is_recorded_later_does_not_cover_up_that_entries_were_cut_off(store, tamper, row_at_four, written):
    cut_to_four(store.audit, tamper, row_at_four)
    for number in range(written):
        store.audit.record("view", "ada", f"later {number}")
    verdict = store.audit.verify()
    told = (
        "Entries 6 to 6 were cut off." if written == 1 else "Entry 6 isn't the one that a head kept elsewhere names."
    )
    assert (verdict.first_bad, verdict.fault) == (6, told)


@pytest.mark.parametrize("content", [b"", b"6:", b"1:" + b"0" * 64 + b" " + b"0" * 64])
def test_what_is_recorded_later_does_not_mend_a_head_file_that_somebody_wrote_to(place, record, content):
    head_file(place).write_bytes(content)
    record.record("view", "ada", "today")
    assert record.verify().fault.startswith("The head file")


def test_a_head_file_that_lags_behind_catches_up(place, record):
    file = head_file(place)
    behind = file.read_bytes()
    record.record("view", "ada", "today")
    file.write_bytes(behind)
    record.record("view", "ada", "safety")
    assert file.read_bytes().startswith(b"8:")
    assert record.verify().fault is None


def test_without_the_file_a_head_kept_elsewhere_finds_it_out(place, store, tamper, row_at_four):
    elsewhere = Head.parse(str(store.audit.head()))
    cut_to_four(store.audit, tamper, row_at_four)
    head_file(place).unlink()
    assert f"{head_file(place)} is missing" in store.audit.verify().fault
    assert store.audit.verify(elsewhere).fault == "Entries 5 to 6 were cut off."


def test_a_head_kept_elsewhere_finds_out_a_record_written_anew(place, store, tamper):
    store.audit.record("export", "ada", "payment_rows")
    elsewhere = store.audit.head()
    tamper("delete from audit", "delete from audit_head")
    head_file(place).unlink()
    store.audit.record("view", "ada", "today")
    assert store.audit.verify().fault is None
    verdict = store.audit.verify(elsewhere)
    assert (verdict.first_bad, verdict.fault) == (1, "Entry 1 isn't the one that a head kept elsewhere names.")


def test_a_head_file_that_is_no_longer_its_own_is_named(place, record):
    file = head_file(place)
    good = file.read_bytes()
    file.write_bytes(good.replace(b"6:", b"5:", 1))
    fault = record.verify().fault
    assert "was not written with the record's key" in fault
    assert "If that key was lost or replaced, put it back" in fault
    file.write_bytes(b"\xff\x00" * 50)
    assert "is damaged" in record.verify().fault
    file.write_bytes(good)
    assert record.verify().fault is None


@pytest.mark.parametrize("statement", [
    "update audit set actor = 'max' where number = 3",
    "update audit set seal = seal",
    "delete from audit where number = 6",
    "delete from audit",
])  # fmt: skip
def test_the_database_itself_refuses_changes(store, record, statement):
    with pytest.raises(DatabaseError, match="append-only"), store.database.write() as connection:
        connection.execute(text(statement))
    assert record.verify().entries == 6


def test_postgresql_refuses_to_empty_the_record(store, record):
    if store.database.is_sqlite:
        pytest.skip("SQLite has no truncate")
    with pytest.raises(DatabaseError, match="append-only"), store.database.write() as connection:
        connection.execute(text("truncate audit"))


def test_postgresqls_head_is_not_that_of_a_sqlite_store_in_the_same_folder(place, store, record, tamper):
    """As when the state has moved and a timer without the settings still writes to the store of before."""
    if store.database.is_sqlite:
        pytest.skip("the other way round it is the same")
    with Store.open(place.data, rounds=4) as before:
        for _ in range(9):
            before.audit.record("view", "ada", "today")
        assert before.audit.verify().fault is None
    assert record.verify().fault is None
    # A version before wrote PostgreSQL's where SQLite's is now.
    head_file(place).replace(place.data / "state" / "audit.head")
    assert record.verify().fault is None
    tamper("delete from audit where number = 6")
    assert record.verify().fault == "Entries 6 to 6 were cut off."


# --- the key ---------------------------------------------------------------------------------


def test_the_key_is_made_once_and_is_the_owners(place, record):
    file = place.data / "state" / "audit.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_bytes()) == 32
    before = file.read_bytes()
    with place.open() as again:
        again.audit.record("view", "ada", "today")
    assert file.read_bytes() == before


def test_another_key_neither_continues_the_record_nor_verifies_it(place, record, tmp_path):
    other = tmp_path / "other.key"
    other.write_bytes(b"x" * 32)
    with place.open(audit_key=other) as stranger:
        with pytest.raises(StateError, match=r"doesn't go with the key in .*other\.key"):
            stranger.audit.record("view", "ada", "today")
        with pytest.raises(StateError, match="doesn't go with the key"):
            stranger.add_user("ada", Role.ADMIN, "correct horse battery")
        with pytest.raises(StateError, match="doesn't go with the key"):
            stranger.audit.head()
        assert stranger.list_users() == []
        assert stranger.audit.verify().fault
    assert record.verify().entries == 6


def test_a_key_that_is_missing_is_asked_for_and_not_made_anew(place, record, tmp_path):
    """A new one could not go on with the record, and would take the place of the old one in the next copy of the keys."""
    missing = tmp_path / "elsewhere" / "audit.key"
    with place.open(audit_key=missing) as store:
        for use in (lambda: store.audit.record("view", "ada", "today"), store.audit.head):
            with pytest.raises(StateError, match=r"audit key .*elsewhere/audit\.key is missing.*from its copy"):
                use()
        assert "is missing" in store.audit.verify().fault
    assert not missing.exists()
    assert record.verify().entries == 6


def test_a_key_that_was_cut_short_is_refused(place, tmp_path):
    short = tmp_path / "short.key"
    short.write_bytes(b"x" * 31)
    with place.open(audit_key=short) as store, pytest.raises(StateError, match="has 31 bytes"):
        store.audit.record("view", "ada")


@pytest.mark.parametrize("head", ["", "6", "6:abc", "0:" + "a" * 64, "-1:" + "a" * 64, "6:" + "A" * 64])
def test_what_is_no_head_is_refused(head):
    with pytest.raises(StateError, match="is no head"):
        Head.parse(head)


# --- users, later, at once -------------------------------------------------------------------


def test_changes_of_users_are_on_record_with_whom_they_were_made_by(store):
    store.by("os:root").add_user("ada", Role.MANAGER, "correct horse battery", sites=["dallas"])
    store.by("kim").set_role("ada", Role.FINANCE, None)
    store.by("ada").reset_password("ada", "another good password")
    store.by("kim").disable("ada")
    store.enable("ada")
    found = [(e.actor, e.subject, e.text) for e in reversed(store.audit.search(Search(kinds=("user",)), 9))]
    assert found == [
        ("os:root", "ada", "change added; role manager; sites dallas; demo False"),
        ("kim", "ada", "change role and sites; role finance"),
        ("ada", "ada", "change new password"),
        ("kim", "ada", "change disabled"),
        ("(system)", "ada", "change enabled"),
    ]


def test_a_change_that_is_refused_leaves_no_entry(store):
    for refused in (lambda: store.disable("nobody"), lambda: store.add_user("ada", Role.ADMIN, "short")):
        with pytest.raises(StateError):
            refused()
    assert store.audit.count(Search()) == 0


def test_what_is_left_for_later_is_written_in_order_with_its_own_time(place, store):
    for number in range(300):
        store.audit.record_later("view", "ada", str(number))
    store.audit.flush()
    found = list(reversed(store.audit.search(Search(), 300)))
    assert [entry.subject for entry in found] == [str(number) for number in range(300)]
    assert len({entry.at for entry in found}) == 300


def test_closing_writes_what_is_waiting(place):
    with place.open() as store:
        for number in range(50):
            store.audit.record_later("view", "ada", str(number))
    with place.open() as store:
        assert store.audit.count(Search()) == 50
        assert store.audit.verify().entries == 50


def test_several_threads_and_stores_write_one_chain(place, store):
    with place.open() as other, ThreadPoolExecutor(8) as threads:

        def write(number):
            for step in range(10):
                (store, other)[step % 2].audit.record("view", f"user{number}", str(step))

        list(threads.map(write, range(8)))
    verdict = store.audit.verify(store.audit.head())
    assert (verdict.entries, verdict.fault) == (80, None)
