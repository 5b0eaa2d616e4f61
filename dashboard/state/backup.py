"""Back-ups of the state store: one file for both back ends, taken and brought back as a whole.

The file is a SQLite database with the store's tables, whichever back end it was taken from. It says
of itself what it must hold: a hash of every row, sealed with the audit key. The keys aren't in it:
who finds the file can read no key from it. They hardly ever change, so one copy kept apart is enough.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Integer, Table, bindparam, create_engine, delete, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from dashboard.state import migrate
from dashboard.state.audit import Audit
from dashboard.state.database import Database, StateError, cause
from dashboard.state.tables import audit, audit_head, metadata, users

_PART = 2_000
_INFO = "create table backup_info (made_at text not null, content text not null, seal text not null)"


@dataclass(frozen=True)
class Summary:
    """What a back-up holds."""

    made_at: datetime
    users: int
    entries: int


def take(database: Database, record: Audit, file: Path, *, actor: str, force: bool = False) -> Summary:
    """Write the store as it is at this moment to a file, while others go on using it.

    The file appears whole or not at all, readable by its owner only.

    Raises:
        StateError: the file is there already and `force` isn't given, or it can't be written.
    """
    if file.exists() and not force:
        raise StateError(f"{file} is there already. Choose another name, or overwrite it with --force.")
    made_at = datetime.now(UTC)
    try:
        with tempfile.TemporaryDirectory(prefix=".backup-", dir=file.parent) as folder:
            copy = Path(folder) / "state.db"
            with _made(copy) as target, database.snapshot() as source:
                for table in _kept():
                    _copy(source, target, table)
            with closing(sqlite3.connect(copy)) as connection:
                content = _content(connection)
                connection.execute(_INFO)
                seal = record.sealer.hash(["backup", made_at.isoformat(), content])
                connection.execute("insert into backup_info values (?, ?, ?)", (made_at.isoformat(), content, seal))
                connection.commit()
                summary = _summary(connection, made_at)
            copy.chmod(0o600)
            with copy.open("rb") as written:
                os.fsync(written.fileno())
            copy.replace(file)
    except OSError as error:
        raise StateError(f"{file} cannot be written ({error.strerror}). Nothing was changed.") from error
    except (DBAPIError, sqlite3.Error) as error:
        why = cause(error)[0] if isinstance(error, DBAPIError) else str(error)
        raise StateError(f"{file} cannot be written ({why}). Nothing was changed.") from error
    record.record("state", actor, file.name, change="backed up", users=summary.users, entries=summary.entries)
    return summary


def restore(database: Database, record: Audit, file: Path, *, actor: str, force: bool = False) -> Summary:
    """Bring a back-up's accounts and settings back, whole or not at all; everyone is signed out.

    The audit record never goes back: where the present one continues that of the back-up, it stays.

    Raises:
        StateError: the file is no back-up, was damaged or altered, or the store holds something
            and `force` isn't given.
    """
    with _checked_copy(file, record) as (copy, summary), _reader(copy) as source, database.write() as target:
        if not force and (_count(target, users) or _count(target, audit)):
            raise StateError(
                f"The state store {database.name} holds users or a record already. Take a back-up of it, "
                "then give --force to replace it."
            )
        present = record.head_of(target)
        stays = present is not None and record.contains(target, record.head_of(source))
        left = (audit, audit_head) if stays else ()
        locked = [table for table in metadata.sorted_tables if table.info.get("append_only") and table not in left]
        with unlocked(target, locked):
            for table in reversed(metadata.sorted_tables):
                if table not in left:
                    target.execute(delete(table))
        for table in _kept():
            if table not in left:
                _copy(source, target, table)
                _advance_numbers(target, table)
        replaced = str(present) if present and present.entries and not stays else None
        record.append(
            target,
            "state",
            actor,
            file.name,
            change="restored",
            made_at=summary.made_at,
            users=summary.users,
            entries=summary.entries,
            replaced_record=replaced,
        )
        if not stays:
            record.renew_head_file(target)
    return summary


def _kept() -> list[Table]:
    return [table for table in metadata.sorted_tables if table.info.get("backup", True)]


@contextmanager
def _made(file: Path) -> Iterator[Connection]:
    """A new SQLite file with the store's tables."""
    engine = create_engine(f"sqlite:///{file}")
    try:
        with engine.begin() as connection:
            migrate.upgrade(connection)
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _reader(file: Path) -> Iterator[Connection]:
    """A connection to a SQLite file of this version."""
    engine = create_engine(f"sqlite:///{file}")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _checked_copy(file: Path, record: Audit) -> Iterator[tuple[Path, Summary]]:
    """A copy of a back-up that holds what it must, brought up to this version."""
    with tempfile.TemporaryDirectory(prefix="dashboard-restore-") as folder:
        copy = Path(folder) / "state.db"
        try:
            copy.write_bytes(file.read_bytes())
        except OSError as error:
            raise StateError(f"{file} cannot be read ({error.strerror}). Nothing was changed.") from error
        summary = _check(copy, file, record)
        engine = create_engine(f"sqlite:///{copy}")
        try:
            with engine.begin() as connection:
                migrate.upgrade(connection)
        except migrate.UnknownVersionError as error:
            raise StateError(f"The back-up {file} {error}") from None
        finally:
            engine.dispose()
        yield copy, summary


def _check(copy: Path, file: Path, record: Audit) -> Summary:
    try:
        with closing(sqlite3.connect(copy)) as connection:
            [(verdict,)] = connection.execute("pragma integrity_check(1)").fetchall()
            [(made_at, content, seal)] = connection.execute("select * from backup_info").fetchall()
            sound = verdict == "ok" and _content(connection) == content
            summary = _summary(connection, datetime.fromisoformat(made_at))
    except (sqlite3.Error, ValueError):
        sound = False
    if not sound:
        raise StateError(f"{file} is damaged, or no back-up of a state store. Nothing was changed; try another.")
    if seal != record.sealer.hash(["backup", made_at, content]):
        raise StateError(
            f"{file} was altered, or made with another audit key than {record.key_path}. Put back the key that "
            "it was made with. Nothing was changed."
        )
    return summary


def _content(connection: sqlite3.Connection) -> str:
    """Hash of every row of every table but backup_info."""
    digest = hashlib.sha256()
    listed = "select name, sql from sqlite_master where name <> 'backup_info' order by type, name"
    for name, sql in connection.execute(listed).fetchall():
        digest.update(repr((name, sql)).encode())
        if sql and sql.lower().startswith("create table"):
            quoted = '"' + name.replace('"', '""') + '"'
            for row in connection.execute(f"select * from {quoted} order by rowid"):  # noqa: S608 - a name of its own
                digest.update(repr(row).encode())
    return digest.hexdigest()


def _summary(connection: sqlite3.Connection, made_at: datetime) -> Summary:
    [(people, entries)] = connection.execute(
        "select (select count(*) from users), (select count(*) from audit)"
    ).fetchall()
    return Summary(made_at, people, entries)


def _count(connection: Connection, table: Table) -> int:
    return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def _copy(source: Connection, target: Connection, table: Table) -> None:
    statement = select(table).order_by(*table.primary_key)
    with source.execution_options(yield_per=_PART).execute(statement) as rows:
        for part in rows.mappings().partitions(_PART):
            target.execute(insert(table), [dict(row) for row in part])


def _advance_numbers(connection: Connection, table: Table) -> None:
    """PostgreSQL counts on from where its own counter stood, not from the rows put in."""
    column = table.autoincrement_column
    if connection.dialect.name != "postgresql" or column is None or not isinstance(column.type, Integer):
        return
    highest = connection.scalar(select(func.max(column)))
    sequence = connection.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
    if highest is not None and sequence is not None:
        connection.execute(select(func.setval(sequence, highest)))


@contextmanager
def unlocked(connection: Connection, tables: Sequence[Table]) -> Iterator[None]:
    """Let append-only tables be emptied, within this transaction, for rows that take their place."""
    if connection.dialect.name == "postgresql":
        for table in tables:
            connection.execute(text(f"alter table {table.name} disable trigger {table.name}_append_only"))
        yield
        for table in tables:
            connection.execute(text(f"alter table {table.name} enable trigger {table.name}_append_only"))
        return
    listed = text("select name, sql from sqlite_master where type = 'trigger' and tbl_name in :tables")
    names = [table.name for table in tables]
    found: list[Any] = list(connection.execute(listed.bindparams(bindparam("tables", names, expanding=True))))
    for name, _ in found:
        connection.exec_driver_sql(f"drop trigger {name}")
    yield
    for _, sql in found:
        connection.exec_driver_sql(sql)
