"""Another audit key: where others know it, where it is lost, and where its renewal was killed."""

from __future__ import annotations

import stat

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from dashboard.access import Role
from dashboard.state import StateError, audit_renewal, backup
from dashboard.state.audit import Search


@pytest.fixture
def store(place):
    with place.open() as store:
        store.add_user("ada", Role.ADMIN, "correct horse battery")
        for number in range(5):
            store.audit.record("view", "ada", f"page {number}")
        yield store


def renew(store, **options):
    return audit_renewal.renew(store, actor="os:kim", **options)


def renewed(store):
    [entry] = store.audit.search(Search(kinds=("state",), text="audit key replaced"), 5)
    return entry


def test_what_is_on_record_is_sealed_anew_and_nothing_else_changes(place, store, monkeypatch):
    monkeypatch.setattr(audit_renewal, "_PART", 2)
    key = store.audit.key_path.read_bytes()
    before, entries = store.audit.head(), store.audit.search(Search(), 10)
    head = renew(store)
    assert (head.entries, head) == (7, store.audit.head())
    assert store.audit.verify(head).fault is None
    assert renewed(store).details == {
        "change": "audit key replaced",
        "replaced_record": str(before),
        "verified": True,
    }
    kept = store.audit.search(Search(), 10)[1:]
    assert [(e.number, e.at, e.subject) for e in kept] == [(e.number, e.at, e.subject) for e in entries]
    assert not {e.seal for e in kept} & {e.seal for e in entries}
    assert store.audit.key_path.read_bytes() != key
    assert stat.S_IMODE(store.audit.key_path.stat().st_mode) == 0o600
    # A head of before doesn't verify any more, and nobody goes on with the key of before.
    assert store.audit.verify(before).first_bad == 6
    old = place.data / "old.key"
    old.write_bytes(key)
    with place.open(audit_key=old) as stranger, pytest.raises(StateError, match="doesn't go with the key"):
        stranger.audit.record("view", "ada", "today")
    with place.open() as again:
        again.audit.record("view", "ada", "today")
        assert again.audit.verify(head).entries == 8
    with pytest.raises(DatabaseError, match="append-only"), store.database.write() as connection:
        connection.execute(text("update audit set actor = 'max' where number = 3"))


def test_a_back_up_of_after_is_restored_and_one_of_before_is_refused(store, tmp_path):
    early, late = tmp_path / "early.backup", tmp_path / "late.backup"
    backup.take(store.database, store.audit, early, actor="os:kim")
    renew(store)
    backup.take(store.database, store.audit, late, actor="os:kim")
    backup.restore(store.database, store.audit, late, actor="os:kim", force=True)
    assert store.audit.verify().fault is None
    with pytest.raises(StateError, match="another audit key"):
        backup.restore(store.database, store.audit, early, actor="os:kim", force=True)


def test_a_record_that_does_not_hold_gets_no_new_key(place, store):
    key, file = store.audit.key_path.read_bytes(), place.data / "state"
    with store.database.write() as connection, backup.unlocked(connection, [audit_renewal.audit]):
        connection.execute(text("update audit set actor = 'max' where number = 3"))
    with pytest.raises(StateError, match=r"Entry 3 was changed.*Nothing was changed"):
        renew(store)
    assert store.audit.key_path.read_bytes() == key
    assert store.audit.verify().first_bad == 3
    assert not list(file.glob("*.new"))


@pytest.mark.parametrize("left_of_it", [None, b"cut short", b"another key of as many bytes as it"])
def test_where_the_key_is_lost_the_store_goes_on_and_says_so(place, store, left_of_it):
    head = store.audit.head()
    with pytest.raises(StateError, match="leave --lost away"):
        renew(store, lost=True)
    store.close()
    store.audit.key_path.unlink()
    if left_of_it is not None:
        store.audit.key_path.write_bytes(left_of_it)
    why = {None: r"is missing.*renew-key --lost", b"cut short": "has 9 bytes"}.get(left_of_it, "key")
    with place.open() as left:
        for use in (lambda: left.add_user("max", Role.FINANCE, "correct horse battery"), lambda: renew(left)):
            with pytest.raises(StateError, match=why):
                use()
        renew(left, lost=True)
        assert renewed(left).details == {
            "change": "audit key replaced", "replaced_record": str(head), "verified": False,
        }  # fmt: skip
        left.add_user("max", Role.FINANCE, "correct horse battery")
        assert left.audit.verify().entries == 8
    with place.open() as again:
        assert [user.username for user in again.list_users()] == ["ada", "max"]


def test_one_that_was_killed_before_the_key_was_in_its_place_is_brought_to_its_end(place, store):
    key = store.audit.key_path.read_bytes()
    head = renew(store)
    store.audit.key_path.rename(store.audit.key_path.with_name("audit.key.new"))
    store.audit.key_path.write_bytes(key)
    with place.open() as again:
        with pytest.raises(StateError, match="doesn't go with the key"):
            again.audit.record("view", "ada", "today")
        assert renew(again) == head
        assert again.audit.verify(head).fault is None
    assert not store.audit.key_path.with_name("audit.key.new").exists()


def test_without_an_entry_there_is_nothing_to_seal(place):
    with place.open() as empty, pytest.raises(StateError, match="Nothing is on record yet"):
        renew(empty)
