"""Users, sessions and the brake, on a real store."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from dashboard.access import Role, Viewer
from dashboard.settings import Settings
from dashboard.state import StateError, Store, passwords, session_key
from dashboard.state.demo import DEMO_ACCOUNTS, add_demo_accounts

PASSWORD = "correct horse battery"


@pytest.fixture
def in_file(tmp_path):
    """A store on SQLite alone, for what is decided before a database is asked."""
    with Store.open(tmp_path, rounds=4) as store:
        yield store


@pytest.fixture
def ada(store):
    return store.add_user("ada", Role.MANAGER, PASSWORD, sites=["dallas", "chicago"], name="Ada Park")


# --- accounts --------------------------------------------------------------------------------


def test_an_account_is_kept_as_given(store, ada, clock):
    assert (ada.username, ada.name, ada.role) == ("ada", "Ada Park", Role.MANAGER)
    assert ada.sites == ("chicago", "dallas")
    assert (ada.version, ada.disabled, ada.demo) == (1, False, False)
    assert ada.created_at == ada.password_changed_at == clock.now
    assert store.list_users() == [ada]


def test_only_the_owner_can_read_the_store(tmp_path):
    with Store.open(tmp_path, rounds=4) as store:
        store.add_user("ada", Role.ADMIN, PASSWORD)
    folder = tmp_path / "state"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_the_store_outlives_the_process(place, store, ada):
    with place.open() as again:
        assert again.user("ada") == ada


@pytest.mark.usefixtures("ada")
def test_names_are_unique_whatever_their_case(store):
    with pytest.raises(StateError, match="a user ada already"):
        store.add_user("ADA", Role.ADMIN, PASSWORD)
    assert store.verify("Ada", PASSWORD)


@pytest.mark.parametrize("username", ["", " ", ".ada", "a b", "ada/..", "ad\n", "x" * 65, "ädä"])
def test_malformed_names_are_refused(in_file, username):
    with pytest.raises(StateError, match="no user name"):
        in_file.add_user(username, Role.ADMIN, PASSWORD)


def test_a_shown_name_has_its_limit_on_both_back_ends(store):
    assert store.add_user("ada", Role.ADMIN, None, name="A" * 100).name == "A" * 100
    with pytest.raises(StateError, match="101 characters; 100 are the most"):
        store.add_user("eve", Role.ADMIN, None, name="A" * 101)


@pytest.mark.parametrize("change", ["disable", "enable", "user"])
def test_unknown_names_are_named(store, change):
    with pytest.raises(StateError, match="no user nobody"):
        getattr(store, change)("nobody")


@pytest.mark.usefixtures("ada")
def test_no_site_at_all_is_refused(store):
    with pytest.raises(StateError, match="one site or more"):
        store.set_role("ada", Role.MANAGER, [])


# --- passwords -------------------------------------------------------------------------------


@pytest.mark.parametrize("password", ["ten chars!", "x" * 67 + "abcde", "passwörter und mehr"])
def test_good_passwords_pass(password):
    assert passwords.fault(password, "ada") is None


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "10 characters"),
        ("nine char", "10 characters"),
        ("line\nbreak inside", "10 characters"),
        ("x" * 68 + "abcde", "72 bytes"),
        ("ü" * 37, "72 bytes"),
        ("abcdabcdabcd", "5 different"),
        ("my name is ADA today", "user name"),
        ("Password123", "common"),
        ("P@ssw0rd2026!", "common"),
        ("keTamine 2026 !!", "common"),
        ("infusionInfusion", "common"),
        ("0987654321", "common"),
        ("qwertyuiop", "common"),
        ("uvwxyzabcdef", "common"),
        ("90210-77301-1955", "common"),
        (passwords.DEMO_PASSWORD, "published"),
    ],
)
def test_weak_passwords_are_refused(in_file, password, why):
    with pytest.raises(StateError, match=why):
        in_file.add_user("ada", Role.ADMIN, password)
    assert in_file.list_users() == []


def test_the_fewest_characters_are_a_setting(tmp_path):
    with Store.for_settings(Settings(tmp_path, password_length=16)) as store:
        with pytest.raises(StateError, match="16 characters"):
            store.add_user("ada", Role.ADMIN, "fifteen letters")
        assert store.add_user("ada", Role.ADMIN, "sixteen letters!")


def test_a_short_user_name_may_stand_in_a_password(in_file):
    assert in_file.add_user("at", Role.ADMIN, "cats and other pets")


@pytest.mark.usefixtures("ada")
def test_verify(store):
    record = store.verify("ada", PASSWORD)
    assert record
    assert record.username == "ada"
    assert store.verify("ada", PASSWORD + "x") is None
    assert store.verify("ada", "") is None
    assert store.verify("ada", "y" * 100) is None
    assert store.verify("nobody", PASSWORD) is None
    store.disable("ada")
    assert store.verify("ada", PASSWORD) is None
    store.enable("ada")
    assert store.verify("ada", PASSWORD)


def test_the_production_cost(tmp_path):
    with Store.open(tmp_path) as store:
        store.add_user("ada", Role.ADMIN, PASSWORD)
        (hash_,) = _rows(store, "select password_hash from users")[0]
    assert hash_.startswith("$2b$12$")


# --- sessions --------------------------------------------------------------------------------


@pytest.mark.usefixtures("ada")
def test_a_session_says_who_and_where(store):
    token = store.open_session("ada")
    viewer = Viewer("ada", "Ada Park", Role.MANAGER, frozenset({"chicago", "dallas"}))
    assert store.viewer(token, touch=False) == viewer
    assert store.viewer_of(session_key(token), touch=False) == viewer
    assert store.viewer(session_key(token), touch=False) is None
    assert store.viewer("guess", touch=True) is None
    assert len(token) >= 43
    assert store.open_session("ada") != token


CHANGES = {
    "password": lambda store: store.reset_password("ada", PASSWORD),
    "role": lambda store: store.set_role("ada", Role.FINANCE, None),
    "same role": lambda store: store.set_role("ada", Role.MANAGER, ["chicago", "dallas"]),
    "disable": lambda store: store.disable("ada"),
    "disable and enable": lambda store: (store.disable("ada"), store.enable("ada")),
}


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("change", CHANGES)
def test_changes_end_every_session(store, change):
    tokens = [store.open_session("ada") for _ in range(3)]
    CHANGES[change](store)
    assert [store.viewer(token, touch=True) for token in tokens] == [None] * 3
    assert store.user("ada").version > 1


@pytest.mark.usefixtures("ada")
def test_signing_out_ends_one_session(store):
    first, second = store.open_session("ada"), store.open_session("ada")
    store.close_session(first)
    store.close_session(first)
    assert store.viewer(first, touch=True) is None
    assert store.viewer(second, touch=True)


@pytest.mark.usefixtures("ada")
def test_a_password_changed_while_it_was_checked_opens_no_session(store):
    record = store.verify("ada", PASSWORD)
    store.reset_password("ada", "another password")
    assert store.viewer(store.open_session("ada", record.version), touch=True) is None


@pytest.mark.usefixtures("ada")
def test_idleness_ends_a_session_at_its_limit(store, clock):
    token = store.open_session("ada")
    clock.pass_by(minutes=14, seconds=59)
    assert store.viewer(token, touch=False)
    assert store.seconds_left(session_key(token)) == 1
    clock.pass_by(seconds=1)
    assert store.viewer(token, touch=True) is None
    assert store.seconds_left(session_key(token)) == 0


@pytest.mark.usefixtures("ada")
def test_looking_extends_the_session_only_when_asked_to(store, clock):
    touched, watched = store.open_session("ada"), store.open_session("ada")
    for _ in range(3):
        clock.pass_by(minutes=7)
        store.viewer(touched, touch=True)
        store.viewer(watched, touch=False)
    assert store.viewer(touched, touch=False)
    assert store.viewer(watched, touch=False) is None


@pytest.mark.usefixtures("ada")
def test_hours_end_a_session_however_busy(store, clock):
    token = store.open_session("ada")
    for _ in range(71):
        clock.pass_by(minutes=10)
        assert store.viewer(token, touch=True)
    clock.pass_by(minutes=9, seconds=59)
    assert store.viewer(token, touch=True)
    clock.pass_by(seconds=1)
    assert store.viewer(token, touch=True) is None


def test_the_limits_are_settings(tmp_path):
    with Store.for_settings(Settings(tmp_path, idle_minutes=3, session_hours=1)) as store:
        assert (store._idle, store._lifetime) == (timedelta(minutes=3), timedelta(hours=1))


@pytest.mark.usefixtures("ada")
def test_old_sessions_are_swept(store, clock):
    store.open_session("ada")
    clock.pass_by(hours=13)
    store.open_session("ada")
    assert _rows(store, "select count(*) from sessions") == [(1,)]


# --- at the same time ------------------------------------------------------------------------


@pytest.mark.usefixtures("ada")
def test_no_update_is_lost(place, store):
    with place.open() as other, ThreadPoolExecutor(8) as threads:

        def change(number):
            for step in range(25):
                (store, other)[step % 2].set_role("ada", Role.MANAGER, [f"site{number}"])

        list(threads.map(change, range(8)))
    assert store.user("ada").version == 1 + 8 * 25


def test_a_name_is_taken_once(store):
    def add(number):
        try:
            return store.add_user("ada", Role.ADMIN, PASSWORD, name=f"Ada {number}")
        except StateError:
            return None

    with ThreadPoolExecutor(8) as threads:
        added = [user for user in threads.map(add, range(8)) if user]
    assert added == store.list_users()


def test_stores_may_be_opened_together(place):
    def open_and_add(number):
        with place.open() as store:
            store.add_user(f"user{number}", Role.ADMIN, PASSWORD)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(open_and_add, range(8)))
    with place.open() as store:
        assert len(store.list_users()) == 8


# --- demo ------------------------------------------------------------------------------------


def test_demo_accounts_have_every_role(store):
    assert len(add_demo_accounts(store)) == len(DEMO_ACCOUNTS) == len(store.demo_accounts())
    assert {user.role for user in store.demo_accounts()} == set(Role)
    assert store.verify("director", passwords.DEMO_PASSWORD)


def test_a_demo_account_with_a_password_of_its_own_is_none(store):
    add_demo_accounts(store)
    store.disable("finance")
    store.reset_password("director", PASSWORD)
    assert {"finance", "director"}.isdisjoint(user.username for user in store.demo_accounts())


def _rows(store, statement):
    with store.database.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement)]
