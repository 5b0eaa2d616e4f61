"""Back-ups: whole, between both back ends, refused when they are not what they were."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing

import pytest

from dashboard.access import Role
from dashboard.state import StateError, Store, backup
from dashboard.state.audit import Search
from dashboard.state.brake import Brake

PASSWORD = "correct horse battery"


@pytest.fixture
def store(place):
    with place.open() as store:
        store.add_user("ada", Role.MANAGER, PASSWORD, sites=["dallas"], name="Ada Park")
        store.add_user("eve", Role.FINANCE, PASSWORD)
        brake = Brake(store)
        brake.settle(brake.admit("ada", "10.0.0.1").ticket, right=False)
        store.audit.record("sign_in", "ada", address="10.0.0.1")
        yield store


@pytest.fixture
def elsewhere(place, tmp_path, request):
    """An empty store on the other back end, with the same keys."""
    data = tmp_path / "elsewhere"
    (data / "state").mkdir(parents=True)
    key = place.data / "state" / "audit.key"
    if place.url is not None:
        with Store.open(data, rounds=4, audit_key=key) as store:
            yield store
        return
    server = request.getfixturevalue("postgresql_server")
    name = server.create()
    with Store.open(data, rounds=4, audit_key=key, url=server.url(name)) as store:
        yield store
    server.drop(name)


def take(store, file, **options):
    return backup.take(store.database, store.audit, file, actor="os:root", **options)


def restore(store, file, **options):
    return backup.restore(store.database, store.audit, file, actor="os:root", **options)


def test_a_back_up_brings_everything_back_on_the_other_back_end(store, elsewhere, tmp_path):
    file = tmp_path / "state.backup"
    summary = take(store, file)
    assert (summary.users, summary.entries) == (2, 3)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    token = store.open_session("ada")
    restored = restore(elsewhere, file)
    assert restored == summary
    assert elsewhere.list_users() == [store.user("ada"), store.user("eve")]
    assert elsewhere.verify("ada", PASSWORD)
    assert elsewhere.viewer(token, touch=False) is None
    assert elsewhere.audit.verify().fault is None
    newest = elsewhere.audit.search(Search(), 2)
    assert [entry.text.split(";")[0] for entry in newest] == ["change restored", "address 10.0.0.1"]
    # The counters go on behind what was restored.
    assert Brake(elsewhere).admit("eve", "10.0.0.2").ticket
    elsewhere.add_user("kim", Role.ADMIN, PASSWORD)
    assert elsewhere.audit.verify(elsewhere.audit.head()).fault is None


def test_a_restore_undoes_changes_of_users_but_not_the_record(store, tmp_path):
    file = tmp_path / "state.backup"
    take(store, file)
    token = store.open_session("eve")
    store.disable("ada")
    store.add_user("kim", Role.ADMIN, PASSWORD)
    before = store.audit.head()
    restore(store, file, force=True)
    assert [user.username for user in store.list_users()] == ["ada", "eve"]
    assert not store.user("ada").disabled
    assert store.viewer(token, touch=False) is None
    assert store.audit.verify(before).entries == before.entries + 1
    assert [entry.kind for entry in store.audit.search(Search(), 3)] == ["state", "user", "user"]


def test_a_store_that_holds_something_is_replaced_only_by_force(store, elsewhere, tmp_path):
    file = tmp_path / "state.backup"
    take(store, file)
    elsewhere.add_user("kim", Role.ADMIN, PASSWORD)
    lost = elsewhere.audit.head()
    with pytest.raises(StateError, match=r"holds users or a record already.*--force"):
        restore(elsewhere, file)
    assert [user.username for user in elsewhere.list_users()] == ["kim"]
    restore(elsewhere, file, force=True)
    assert [user.username for user in elsewhere.list_users()] == ["ada", "eve"]
    # Another record took its place, and says whose.
    assert elsewhere.audit.search(Search(), 1)[0].details["replaced_record"] == str(lost)
    assert elsewhere.audit.verify().fault is None
    with pytest.raises(Exception, match="append-only"), elsewhere.database.write() as connection:
        connection.exec_driver_sql("delete from audit")


def test_a_file_is_overwritten_only_by_force(store, tmp_path):
    file = tmp_path / "state.backup"
    file.write_text("something else")
    with pytest.raises(StateError, match="is there already"):
        take(store, file)
    assert file.read_text() == "something else"
    take(store, file, force=True)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["state.backup"]


def test_a_folder_that_is_not_there_is_named(store, tmp_path):
    with pytest.raises(StateError, match=r"nowhere.*cannot be written"):
        take(store, tmp_path / "nowhere" / "state.backup")
    with pytest.raises(StateError, match="cannot be read"):
        restore(store, tmp_path / "missing", force=True)


def sql(file, statement):
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute(statement)


DAMAGE = {
    "cut short": lambda file: file.write_bytes(file.read_bytes()[:-9000]),
    "empty": lambda file: file.write_bytes(b""),
    "no database": lambda file: file.write_bytes(b"no database, and long enough to be read as one" * 100),
    "one byte": lambda file: file.write_bytes(file.read_bytes().replace(b"Ada Park", b"Ada Bark")),
    "a row less": lambda file: sql(file, "delete from users where username = 'eve'"),
    "a right more": lambda file: sql(file, "update users set role = 'admin'"),
    "a table more": lambda file: sql(file, "create table more (id integer)"),
    "not a back-up": lambda file: sql(file, "drop table backup_info"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_was_damaged_or_altered_is_refused_and_changes_nothing(tmp_path, damage):
    file = tmp_path / "state.backup"
    with Store.open(tmp_path, rounds=4) as store:
        store.add_user("ada", Role.MANAGER, PASSWORD, sites=["dallas"], name="Ada Park")
        store.add_user("eve", Role.FINANCE, PASSWORD)
        take(store, file)
        before = store.list_users(), store.audit.head()
        DAMAGE[damage](file)
        with pytest.raises(StateError, match=r"is damaged, or no back-up.*Nothing was changed"):
            restore(store, file, force=True)
        assert (store.list_users(), store.audit.head()) == before


def test_a_back_up_with_a_matching_hash_but_without_the_key_is_refused(tmp_path):
    file = tmp_path / "state.backup"
    with Store.open(tmp_path / "one", rounds=4) as store:
        take(store, file)
    with Store.open(tmp_path / "two", rounds=4) as other:
        with pytest.raises(StateError, match="another audit key"):
            restore(other, file)
        assert other.list_users() == []


def test_a_back_up_of_a_later_version_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "state.backup"
    with Store.open(tmp_path, rounds=4) as store:
        take(store, file)
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("update alembic_version set version_num = '9999'")
            content = backup._content(connection)
            (made_at,) = connection.execute("select made_at from backup_info").fetchone()
            seal = store.audit.sealer.hash(["backup", made_at, content])
            connection.execute("update backup_info set content = ?, seal = ?", (content, seal))
        with pytest.raises(StateError, match=r"later version of the dashboard \(9999"):
            restore(store, file, force=True)
