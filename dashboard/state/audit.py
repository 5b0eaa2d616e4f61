"""The record of what was done: append-only, each entry sealed with a key together with the one before.

The seal of an entry is HMAC-SHA256 over the seal before it and the entry's own words, so that no
entry can be changed, left out or put in between by whom the key isn't known to. That the last
entries are missing shows in the head, which is kept in the database, in a file beside the keys,
and wherever `dashboard audit head` is sent.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Select, func, insert, or_, select, update

from dashboard.state.audit_head import Head, HeadFile
from dashboard.state.audit_key import Sealer
from dashboard.state.database import Database, StateError, after_commit
from dashboard.state.later import Later
from dashboard.state.tables import audit, audit_head

KEY_FILE = "audit.key"
HEAD_FILE = "audit.head"
#: A file of its own: while the state moves, what still writes to SQLite beside it must not overwrite this head.
POSTGRESQL_HEAD_FILE = "audit.postgresql.head"
#: What can be on record, with the words for people. An entry of another kind is refused.
KINDS = {
    "sign_in": "Signed in",
    "sign_in_failed": "Sign-in failed",
    "sign_out": "Signed out",
    "denied": "Refused",
    "view": "Page seen",
    "export": "File taken",
    "import": "Delivery imported",
    "extract": "Extract put in use or removed",
    "user": "User changed",
    "signal": "Signal decided",
    "annotation": "Date annotated",
    "token": "Export token changed",
    "month": "Month closed or restated",
    "state": "State kept or restored",
    "alert": "Alert rule changed or message sent",
}
_PART = 5_000
_SPACE = re.compile(r"[\x00-\x1f\x7f]")
_ONLY = 1


@dataclass(frozen=True)
class Entry:
    """One entry. `actor` is a user name, or `os:` and the name on the machine for commands."""

    number: int
    at: datetime
    kind: str
    actor: str
    subject: str
    details: dict[str, Any]
    seal: str

    @property
    def text(self) -> str:
        """The details in one line, but for keyed hashes of what is held, which tell a reader nothing."""
        told = {key: value for key, value in self.details.items() if key != "signed"}
        return "; ".join(f"{key.replace('_', ' ')} {_words(value)}" for key, value in told.items())


@dataclass(frozen=True)
class _Draft:
    """An entry that is not on record yet."""

    kind: str
    actor: str
    subject: str
    details: dict[str, Any]
    at: datetime

    def values(self, number: int) -> dict[str, Any]:
        """The columns of the table, but for the seal."""
        return {
            "number": number,
            "at": self.at.astimezone(UTC),
            "kind": self.kind,
            "actor": _plain(self.actor, 80),
            "subject": _plain(self.subject, 200),
            "details": as_json(self.details),
        }


@dataclass(frozen=True)
class Search:
    """Which entries are wanted: those to which all that is given applies.

    `since` and `until` are moments, the second one excluded; `text` is looked for in names,
    subjects and details, whatever its case.
    """

    actor: str = ""
    kinds: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""

    def described(self) -> dict[str, Any]:
        """What is given, as it goes on record."""
        given = {"person": self.actor, "kinds": list(self.kinds), "since": self.since, "until": self.until}
        return {key: value for key, value in {**given, "text": self.text}.items() if value}


@dataclass(frozen=True)
class Verdict:
    """What a check of the record found. `fault` is None where all of it holds, else a sentence;
    `first_bad` is the number of the first entry that it is about."""

    entries: int
    fault: str | None = None
    first_bad: int | None = None


class Audit:
    """The record in one database. Safe to share between threads; processes take turns."""

    def __init__(
        self, database: Database, folder: Path, *, key_file: Path | None, clock: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._now = clock
        self.sealer = Sealer(key_file or folder / KEY_FILE, self.has_entries)
        self._file = HeadFile(folder / (HEAD_FILE if database.is_sqlite else POSTGRESQL_HEAD_FILE))
        self._earlier_file = HeadFile(folder / HEAD_FILE)  # where versions before kept PostgreSQL's too
        self._later = Later(self._record_all)

    @property
    def key_path(self) -> Path:
        """The file of its key."""
        return self.sealer.path

    # Recording

    def record(self, kind: str, actor: str, subject: str = "", **details: Any) -> None:
        """Put an entry on record; it is safe when this returns.

        No patient's data belongs into it: names of things, counts and hashes only.

        Raises:
            StateError: the record can't be continued with the key at hand.
            ValueError: there is no such kind.
        """
        with self._database.write() as connection:
            self.append(connection, kind, actor, subject, **details)

    def record_later(self, kind: str, actor: str, subject: str = "", **details: Any) -> None:
        """As `record`, without waiting: for what happens often and must not hold a page up.

        What is still waiting is lost if the process is killed within that moment.
        """
        self._later.put(_Draft(_checked(kind), actor, subject, details, self._now()))

    def append(self, connection: Connection, kind: str, actor: str, subject: str = "", **details: Any) -> None:
        """As `record`, within the transaction of the change that it is about."""
        self._append(connection, [_Draft(_checked(kind), actor, subject, details, self._now())])

    def flush(self) -> None:
        """Wait until everything is on record that was left for later."""
        self._later.flush()

    def close(self) -> None:
        """Record what is waiting, and stop."""
        self._later.close()

    def _record_all(self, drafts: Sequence[_Draft]) -> None:
        with self._database.write() as connection:
            self._append(connection, drafts)

    def _append(self, connection: Connection, drafts: Sequence[_Draft]) -> None:
        before = head = self.head_of(connection)
        if before is None or head is None:
            raise StateError(
                f"The head of the audit record in {self._database.name} doesn't go with the key in "
                f"{self.key_path}. Put the key back that belongs to this store; 'dashboard audit verify' says "
                "more. Until then nothing can be recorded, and nobody can sign in."
            )
        rows = []
        for draft in drafts:
            values = draft.values(head.entries + 1)
            head = Head(values["number"], self.sealer.entry(head.seal, **values))
            rows.append({**values, "seal": head.seal})
        connection.execute(insert(audit), rows)
        signature = self.sealer.head(head)
        kept = {"entries": head.entries, "seal": head.seal, "signature": signature}
        if before.entries:
            connection.execute(update(audit_head).values(kept))
        else:
            connection.execute(insert(audit_head).values(id=_ONLY, **kept))
        if self._goes_with_file(connection, before):
            after_commit(connection, partial(self._file.advance, head, signature))

    def _goes_with_file(self, connection: Connection, present: Head) -> bool:
        """Whether the record holds what the head file tells of; a file that tells of more must go on doing so."""
        try:
            kept = self._file.read(self.sealer.head)
        except StateError:
            return False
        return kept is None or kept == present or self.contains(connection, kept)

    # Reading

    def search(self, wanted: Search, limit: int, offset: int = 0) -> list[Entry]:
        """Entries, newest first."""
        statement = _where(select(audit), wanted).order_by(audit.c.number.desc()).limit(limit).offset(offset)
        with self._database.read() as connection:
            return [_entry(row) for row in connection.execute(statement)]

    def count(self, wanted: Search) -> int:
        """How many entries are wanted."""
        with self._database.read() as connection:
            return int(connection.scalar(_where(select(func.count()).select_from(audit), wanted)) or 0)

    def stream(self, wanted: Search) -> Iterator[list[Entry]]:
        """Entries in parts, newest first: the file's rows. Later entries don't come into it."""
        before: int | None = None
        while True:
            statement = _where(select(audit), wanted).order_by(audit.c.number.desc()).limit(_PART)
            if before is not None:
                statement = statement.where(audit.c.number < before)
            with self._database.read() as connection:
                part = [_entry(row) for row in connection.execute(statement)]
            if not part:
                return
            yield part
            before = part[-1].number

    def has_entries(self) -> bool:
        """Whether anything is on record."""
        with self._database.read() as connection:
            return connection.scalar(select(audit.c.number).limit(1)) is not None

    def all_of(self, connection: Connection, kinds: tuple[str, ...]) -> list[Entry]:
        """Every entry of these kinds, oldest first."""
        statement = _where(select(audit), Search(kinds=kinds)).order_by(audit.c.number)
        return [_entry(row) for row in connection.execute(statement)]

    def actors(self) -> list[str]:
        """Everyone who did something that is on record, by name."""
        with self._database.read() as connection:
            return list(connection.scalars(select(audit.c.actor).distinct().order_by(audit.c.actor)))

    # Verifying

    def head(self) -> Head:
        """The head, to be kept elsewhere: whatever is cut off later shows against it.

        Raises:
            StateError: it doesn't go with the key.
        """
        with self._database.read() as connection:
            head = self.head_of(connection)
        if head is None:
            raise StateError("The head of the audit record doesn't go with the key; run 'dashboard audit verify'.")
        return head

    def head_of(self, connection: Connection) -> Head | None:
        """The head in the database; None if the key at hand didn't sign it."""
        row = connection.execute(select(audit_head)).one_or_none()
        if row is None:
            return Head(0, "") if connection.scalar(select(audit.c.number).limit(1)) is None else None
        head = Head(row.entries, row.seal)
        return head if hmac.compare_digest(self.sealer.head(head), row.signature) else None

    def contains(self, connection: Connection, head: Head | None) -> bool:
        """Whether the record begins with everything that led to this head."""
        if head is None or not head.entries:
            return head is not None
        return connection.scalar(select(audit.c.seal).where(audit.c.number == head.entries)) == head.seal

    def renew_head_file(self, connection: Connection) -> None:
        """When the connection's change is safe, begin the head file anew: another record has taken its place."""
        head = self.head_of(connection)
        if head is not None:
            after_commit(connection, partial(self._file.renew, head, self.sealer.head(head)))

    def verify(self, *elsewhere: Head) -> Verdict:
        """Check every entry, and that nothing is missing at the end.

        `elsewhere` are heads that were kept in other places. Without any, the head file of this
        machine must be there.
        """
        heads = [*elsewhere]
        try:
            # Before the entries: what is written meanwhile would be ahead of them.
            kept = self._file.read(self.sealer.head)
            earlier = None if kept else self._earlier_file.read(self.sealer.head)
        except StateError as error:
            return Verdict(0, str(error))
        with self._database.snapshot() as connection:
            head = self.head_of(connection)
            witness = kept or (earlier if head and head.entries else None)
            if witness:
                heads.append(witness)
            return self._verify(connection, head, heads, has_witness=bool(heads))

    def _verify(self, connection: Connection, head: Head | None, heads: list[Head], *, has_witness: bool) -> Verdict:
        expected: dict[int, set[str]] = {}
        for one in heads:
            expected.setdefault(one.entries, set()).add(one.seal)
        seal, number = "", 0
        statement = select(audit).order_by(audit.c.number)
        with connection.execution_options(yield_per=_PART).execute(statement) as rows:
            for row in rows:
                if row.number != number + 1:
                    return Verdict(number, f"Entry {number + 1} is missing.", number + 1)
                number = row.number
                values = {key: getattr(row, key) for key in ("number", "at", "kind", "actor", "subject", "details")}
                seal = self.sealer.entry(seal, **values)
                if not hmac.compare_digest(seal, row.seal):
                    return Verdict(
                        number - 1, f"Entry {number} was changed or put in, or the key isn't the record's.", number
                    )
                if expected.get(number, {seal}) != {seal}:
                    return Verdict(
                        number - 1, f"Entry {number} isn't the one that a head kept elsewhere names.", number
                    )
        longest = max([*expected, head.entries if head else 0])
        if number < longest:
            return Verdict(number, f"Entries {number + 1} to {longest} were cut off.", number + 1)
        if head is None or (head.entries, head.seal) != (number, seal):
            return Verdict(number, f"The head in the database isn't that of the last entry, {number}.", number)
        if number and not has_witness:
            return Verdict(
                number, f"The head file {self._file.path} is missing, so entries may have been cut off. Give a head."
            )
        return Verdict(number)


def _checked(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"no such kind of entry: {kind}; the kinds are {', '.join(KINDS)}")
    return kind


def _plain(text: str, longest: int) -> str:
    return _SPACE.sub(" ", text)[:longest]


def as_json(details: dict[str, Any]) -> str:
    """Details as they stand in an entry, and are sealed; what is None isn't there."""
    given = {key: value for key, value in details.items() if value is not None}
    return json.dumps(given, default=_words, separators=(",", ":"))


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_words(one)}" for key, one in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(_words, value))
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _entry(row: Row[Any]) -> Entry:
    return Entry(row.number, row.at, row.kind, row.actor, row.subject, json.loads(row.details), row.seal)


def _where(statement: Select[Any], wanted: Search) -> Select[Any]:
    if wanted.actor:
        statement = statement.where(audit.c.actor == wanted.actor)
    if wanted.kinds:
        statement = statement.where(audit.c.kind.in_(wanted.kinds))
    if wanted.since:
        statement = statement.where(audit.c.at >= wanted.since)
    if wanted.until:
        statement = statement.where(audit.c.at < wanted.until)
    if wanted.text:
        places = (audit.c.actor, audit.c.subject, audit.c.details)
        statement = statement.where(or_(*(place.icontains(wanted.text, autoescape=True) for place in places)))
    return statement
