"""Versions of the tables: from every earlier one to this one, by several at once, and never back."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from dashboard.access import Role, Viewer
from dashboard.state import StateError, Store, backup, migrate, session_key
from dashboard.state.audit import Search
from dashboard.state.tables import metadata

#: As stores were made before they had versions: the tables of the product's first state store.
BEFORE_VERSIONS = """
create table users (
    username varchar(64) not null, name varchar(100) not null, role varchar(32) not null, sites json,
    password_hash varchar(60) not null, version integer not null, disabled boolean not null, demo boolean not null,
    created_at datetime not null, password_changed_at datetime not null, primary key (username)
);
create table attempts (
    id integer not null, kind varchar(8) not null, subject varchar(64) not null, at datetime not null,
    primary key (id)
);
create index attempts_by_subject on attempts (kind, subject, at);
create table sessions (
    token_sha256 varchar(64) not null, username varchar not null, user_version integer not null,
    created_at datetime not null, last_seen_at datetime not null, revoked_at datetime,
    primary key (token_sha256), foreign key(username) references users (username)
);
create index ix_sessions_username on sessions (username);
"""
MORNING = "2026-03-01 08:00:00.000000"


@pytest.fixture
def old(tmp_path):
    """A data folder whose store was made before versions, with an account and an open session."""
    (tmp_path / "state").mkdir()
    with closing(sqlite3.connect(tmp_path / "state" / "state.db")) as connection, connection:
        connection.executescript(BEFORE_VERSIONS)
        sites = json.dumps(["dallas"])
        connection.execute(
            "insert into users values ('ada', 'Ada Park', 'manager', ?, ?, 3, 0, 0, ?, ?)",
            (sites, "x" * 60, MORNING, MORNING),
        )
        key = session_key("token")
        connection.execute("insert into sessions values (?, 'ada', 3, ?, ?, null)", (key, MORNING, MORNING))
        connection.execute("insert into attempts values (7, 'account', 'someone', ?)", (MORNING,))
    return tmp_path


def version_of(store):
    with store.database.read() as connection:
        return connection.scalar(text("select version_num from alembic_version"))


def test_a_store_of_before_versions_is_taken_over_with_all_it_holds(old):
    with Store.open(old, rounds=4, clock=lambda: datetime(2026, 3, 1, 8, 5, tzinfo=UTC)) as store:
        ada = store.user("ada")
        assert (ada.name, ada.role, ada.sites, ada.version) == ("Ada Park", Role.MANAGER, ("dallas",), 3)
        assert store.viewer("token", touch=False) == Viewer("ada", "Ada Park", Role.MANAGER, frozenset({"dallas"}))
        assert version_of(store) == migrate.versions()[-1]
        store.by("os:kim").disable("ada")
        assert [entry.actor for entry in store.audit.search(Search(), 5)] == ["os:kim"]


def test_the_tables_are_those_that_the_program_declares(place):
    """A table or column in tables.py needs a version in migrations/versions, and the other way round."""
    with place.open() as store, store.database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_an_old_store_ends_up_with_the_same_tables(old):
    with Store.open(old, rounds=4) as store, store.database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_versions_follow_each_other():
    config = Config()
    config.set_main_option("script_location", str(migrate.MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [migrate.versions()[-1]]
    assert [script.revision for script in scripts.walk_revisions()] == list(reversed(migrate.versions()))


def test_a_store_of_a_later_version_is_refused_and_left_alone(place):
    with place.open() as store:
        store.add_user("ada", Role.ADMIN, "correct horse battery")
        with store.database.write() as connection:
            connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(
        StateError, match=r"later version of the dashboard \(9999; this one knows .* move the store aside"
    ):
        place.open()


def test_going_back_is_possible_as_the_refusal_says(tmp_path):
    """The store moved aside, and a back-up from before the update restored."""
    file = tmp_path / "before.backup"
    with Store.open(tmp_path, rounds=4) as store:
        store.add_user("ada", Role.ADMIN, "correct horse battery")
        backup.take(store.database, store.audit, file, actor="os:kim")
        store.add_user("kim", Role.ADMIN, "correct horse battery")
        with store.database.write() as connection:
            connection.execute(text("update alembic_version set version_num = '9999'"))
    (tmp_path / "aside").mkdir()
    for part in (tmp_path / "state").glob("state.db*"):
        part.rename(tmp_path / "aside" / part.name)
    with Store.open(tmp_path, rounds=4) as store:
        backup.restore(store.database, store.audit, file, actor="os:kim")
        assert [user.username for user in store.list_users()] == ["ada"]
        assert store.audit.verify().fault is None


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("somewhere", "no database's address"),
        ("mysql://ada:secret@host/db", "DASHBOARD_STATE names mysql"),
        ("postgresql://ada:secret@127.0.0.1:1/db", "cannot be read"),
        ("postgresql://ada:my@secret/words@127.0.0.1:1/db", "write @ as %40"),
        ("postgresql://ada:my@secret@127.0.0.1:1/db", "write @ as %40"),
    ],
)
def test_what_is_no_usable_address_is_refused_without_its_password(tmp_path, address, why):
    with pytest.raises(StateError, match=why) as refused:
        Store.open(tmp_path, url=address)
    assert "secret" not in str(refused.value)
