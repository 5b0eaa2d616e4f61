"""Look-ups of a delivery's resources, on disk: memory doesn't grow with the delivery."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from dashboard.intake.fhir.versions import Order, is_gone, order_of

_REMEMBERED = 20_000
#: What is known where different resources claim one key: nothing, since a reference could mean either.
_SEVERAL = "several"
_NOTHING = "0"
#: Stands between several keys that one alias leads to, and in the end where they are too many to be of one patient.
_BETWEEN = "\n"
_LONGEST = 1000
_TEXT_OF = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_SCHEMA = """
create table resource (key text primary key, data text, version text) without rowid;
create table deleted (key text primary key, moment text) without rowid;
create table alias (key blob primary key, target text) without rowid;
create table claimed (key text primary key) without rowid;
create table person (identifier blob primary key, key text) without rowid;
create table linked (key text primary key, links text) without rowid;
create table merged (key text primary key, survivor text) without rowid;
create table visit (booking text primary key, encounter text, happened integer) without rowid;
create table encounter_booking (encounter text primary key, booking text) without rowid;
create table price (booking text primary key, cents integer) without rowid;
create table form (booking text primary key) without rowid;
create table role (practitioner text primary key, supervision text) without rowid;
create table booking (patient text, starts integer, booking text, status text, day text);
create index booking_patient on booking (patient, starts);
create index booking_booking on booking (booking);
"""


class Index:
    """What the resources of a delivery say of one another.

    Resources are known by `Type/id`. Identifiers and addresses are kept as digests under a key
    of this run, so that no number of a patient can be read from the file.
    """

    def __init__(self, path: Path) -> None:
        # Holds what the delivery holds, so nobody else may read it.
        path.touch(mode=0o600)
        self._secret = secrets.token_bytes(32)
        self._connection = sqlite3.connect(path, isolation_level=None)
        for setting in ("journal_mode = off", "synchronous = off", "cache_size = -65536", "temp_store = file"):
            self._connection.execute(f"pragma {setting}")
        self._connection.executescript(_SCHEMA)
        self._connection.execute("begin")
        #: Whether some resource was delivered twice, or was deleted; it is rarely so.
        self.has_versions = False
        self.has_shared = False
        #: Whether the record of some patient was replaced by another.
        self.has_merged = False
        #: Whether there are forms that may be scores.
        self.has_forms = False
        # Asked for only once all resources are known.
        self._text_of = lru_cache(maxsize=_REMEMBERED)(self._look_up)

    def close(self) -> None:
        """Free the file."""
        self._connection.close()

    def add(self, key: str, data: Any, version: str, aliases: Iterable[str] = ()) -> Order | None:
        """Know a resource by its key; where the key is known already, how the two stand to each other.

        Of several versions the newest is kept. What can be no versions of one another, and what
        differs without saying which is newer, makes the key one of several resources.

        Args:
            key: `Type/id`.
            data: what is to be known of it.
            version: as version_of() has it.
            aliases: what else leads to it.
        """
        text = _NOTHING if data == 0 else _TEXT_OF(data)
        order: Order | None = None
        row = (key, text, version)
        if self._connection.execute("insert or ignore into resource values (?, ?, ?)", row).rowcount == 0:
            self.has_versions = True
            [known, before] = self._connection.execute(
                "select data, version from resource where key = ?", (key,)
            ).fetchone()
            order = order_of(version, before)
            if known == _SEVERAL or (order is Order.UNKNOWN and text != known):
                order = Order.OTHER
            if order in (Order.OLDER, Order.UNKNOWN):
                return order
            row = row if order is Order.NEWER else (key, _SEVERAL, before)
            self._connection.execute("insert or replace into resource values (?, ?, ?)", row)
        for alias in aliases:
            # An alias of several resources leads to none, unless they turn out to be of one patient.
            self._connection.execute(
                "insert into alias values ($alias, $key) on conflict do update"
                " set target = case when"
                " instr($between || target || $between, $between || excluded.target || $between)"
                " or substr(target, -1) = $between then target when length(target) > $longest then target || $between"
                " else target || $between || excluded.target end",
                {"alias": self._digest(alias), "key": key, "between": _BETWEEN, "longest": _LONGEST},
            )
        return order

    def is_outdated(self, key: str, version: str) -> bool:
        """Whether a newer version of this resource was delivered, too."""
        newest: str | None = self._value("select version from resource where key = ?", key)
        return newest is not None and order_of(version, newest) is Order.OLDER

    def delete(self, key: str, moment: str) -> None:
        """Note that a resource was deleted."""
        self.has_versions = True
        self._connection.execute("insert or replace into deleted values (?, ?)", (key, moment))

    def is_deleted(self, key: str, version: str) -> bool:
        """Whether the delivery says that this resource was deleted."""
        moment: str | None = self._value("select moment from deleted where key = ?", key)
        return moment is not None and is_gone(version, moment)

    def forget_deleted(self) -> None:
        """Once all resources are known: no reference leads to what was deleted."""
        rows = self._connection.execute("select key, version, moment from deleted join resource using (key)")
        for key, version, moment in rows.fetchall():
            if is_gone(version, moment):
                self._connection.execute("delete from resource where key = ?", (key,))
        self._text_of.cache_clear()

    def data(self, key: str) -> Any:
        """What is known of a resource; None where it isn't among the delivered ones."""
        text = self._text_of(key)
        return None if text in (None, _SEVERAL) else json.loads(text)

    def holds(self, key: str) -> bool:
        """Whether the resource is among the delivered ones."""
        return self._text_of(key) is not None

    def is_several(self, key: str) -> bool:
        """Whether different resources of the delivery claim this key."""
        return self._text_of(key) == _SEVERAL

    def _look_up(self, key: str) -> str | None:
        text: str | None = self._value("select data from resource where key = ?", key)
        return text

    def claim(self, key: str) -> bool:
        """Whether this is the first resource of its key that asks."""
        return self._connection.execute("insert or ignore into claimed values (?)", (key,)).rowcount > 0

    def is_claimed(self, key: str) -> bool:
        """Whether one has asked."""
        return self._value("select 1 from claimed where key = ?", key) is not None

    def of_type(self, kind: str) -> Iterator[Any]:
        """What is known of all resources of a type."""
        rows = self._connection.execute(
            "select data from resource where key >= ? and key < ? and data <> ?", (f"{kind}/", f"{kind}0", _SEVERAL)
        )
        return (json.loads(text) for (text,) in rows)

    def target(self, alias: str) -> str | None:
        """The key that an address or identifier leads to; empty where it leads to several."""
        found: str | None = self._value("select target from alias where key = ?", self._digest(alias))
        if found is None or _BETWEEN not in found:
            return found
        targets = {self.survivor_of(key) for key in found.split(_BETWEEN)} if self.has_merged else set()
        return targets.pop() if len(targets) == 1 else ""

    def note_person(self, identifiers: Sequence[tuple[str, str]], told: Sequence[Any]) -> None:
        """Know a patient who is contained in other resources; those that share an identifier are one.

        Args:
            identifiers: system and value of each, at least one.
            told: birth date and sex; of each the first that was told counts.
        """
        # A sender may list them in another order each time.
        identifiers = sorted(identifiers)
        names = [self._digest(f"Patient?{system}|{value}") for system, value in identifiers]
        known = dict.fromkeys(key for name in names if (key := self._person(name)))
        # The same in every delivery, as the id of a patient must be.
        own = blake2b("|".join(identifiers[0]).encode(errors="replace"), digest_size=16).hexdigest()
        key, *others = known or [f"Patient/#{own}"]
        for other in others:
            self.has_merged = True
            self.merge(other, key)
        rows = [json.loads(self._look_up(one) or "[null, null]") for one in (key, *others)]
        data = [next((one for one in part if one is not None), None) for part in zip(*rows, told, strict=True)]
        self._connection.execute("insert or replace into resource values (?, ?, '')", (key, _TEXT_OF(data)))
        self._connection.executemany("insert or ignore into person values (?, ?)", [(name, key) for name in names])

    def person(self, system: str, value: str) -> str | None:
        """The key of the patient contained in other resources who has an identifier."""
        return self._person(self._digest(f"Patient?{system}|{value}"))

    def join_people(self) -> None:
        """Once all resources are known: who is contained in some and delivered as well is one; of several nobody."""
        shared = "select person.key, target from person join alias on alias.key = person.identifier"
        for key, target in self._connection.execute(shared).fetchall():
            if _BETWEEN in target:
                self._connection.execute("delete from person where key = ?", (key,))
            else:
                self.has_merged = True
                self.merge(self.survivor_of(key), target)

    def _person(self, identifier: bytes) -> str | None:
        key: str | None = self._value("select key from person where identifier = ?", identifier)
        return self.survivor_of(key) if key and self.has_merged else key

    def note_links(self, key: str, links: Any) -> None:
        """Note what a patient's record says of others of the same patient; nothing takes back what it said before."""
        if links:
            self.has_merged = True
            self._connection.execute("insert or replace into linked values (?, ?)", (key, _TEXT_OF(links)))
        elif self.has_merged:
            self._connection.execute("delete from linked where key = ?", (key,))

    def links(self) -> list[tuple[str, Any]]:
        """The records of patients that say so, with what they say."""
        rows = self._connection.execute("select key, links from linked").fetchall()
        return [(key, json.loads(links)) for key, links in rows]

    def merge(self, key: str, survivor: str) -> None:
        """Note that a patient's record was replaced by another; the first that is noted counts."""
        if key != survivor:
            self._connection.execute("insert or ignore into merged values (?, ?)", (key, survivor))

    def survivor_of(self, key: str) -> str:
        """The key of the record that counts for a patient's: that which replaced it, and so on, else its own."""
        seen = {key}
        while (survivor := self._value("select survivor from merged where key = ?", key)) and survivor not in seen:
            seen.add(survivor)
            key = survivor
        return key

    def link(self, encounter: str, booking: str, happened: bool) -> None:
        """Join an encounter and its booking; those that took place count before others, then the first."""
        self._connection.execute(
            "insert into visit values (?, ?, ?) on conflict do update set encounter = excluded.encounter,"
            " happened = excluded.happened where excluded.happened > happened",
            (booking, encounter, happened),
        )
        added = self._connection.execute(
            "insert or ignore into encounter_booking values (?, ?)", (encounter, booking)
        )
        if added.rowcount == 0 and self.booking_of(encounter) != booking:
            self.has_shared = True
            self._connection.execute("update encounter_booking set booking = '' where encounter = ?", (encounter,))

    def is_shared(self, encounter: str) -> bool:
        """Whether an encounter is that of several bookings."""
        return self.has_shared and self.booking_of(encounter) == ""

    def encounter_of(self, booking: str) -> str | None:
        """The encounter of a booking."""
        found: str | None = self._value("select encounter from visit where booking = ?", booking)
        return found

    def booking_of(self, encounter: str) -> str | None:
        """The booking of an encounter; empty where it is that of several."""
        found: str | None = self._value("select booking from encounter_booking where encounter = ?", encounter)
        return found

    def charge(self, booking: str, cents: int | None) -> None:
        """Add to the price of a booking; once a part isn't known, the whole isn't."""
        self._connection.execute(
            "insert into price values (?, ?) on conflict do update set cents = cents + excluded.cents",
            (booking, cents),
        )

    def price_of(self, booking: str) -> int | None:
        """The price of a booking in cents, where all of it is known."""
        found: int | None = self._value("select cents from price where booking = ?", booking)
        return found

    def note_form(self, booking: str) -> None:
        """Note that the side-effect form of a booking was filled in."""
        self._connection.execute("insert or ignore into form values (?)", (booking,))

    def has_form(self, booking: str) -> bool:
        """Whether the side-effect form was filled in."""
        return self._value("select 1 from form where booking = ?", booking) is not None

    def note_role(self, practitioner: str, supervision: str) -> None:
        """Note what a practitioner is; the first role that says so counts."""
        self._connection.execute("insert or ignore into role values (?, ?)", (practitioner, supervision))

    def role_of(self, practitioner: str) -> str | None:
        """What a practitioner is."""
        found: str | None = self._value("select supervision from role where practitioner = ?", practitioner)
        return found

    def note_booking(self, booking: str, patient: str, starts: int, status: str, day: str) -> None:
        """Note a booking that is handed over: its start in seconds of the epoch, its local date."""
        self._connection.execute(
            "insert into booking values (?, ?, ?, ?, ?)", (patient, starts, booking, status, day)
        )

    def patient_of(self, booking: str) -> str | None:
        """The patient of a booking that is handed over."""
        found: str | None = self._value("select patient from booking where booking = ?", booking)
        return found

    def bookings_before(self, patient: str, moment: int, seconds: int) -> list[str]:
        """A patient's attended bookings that began in the `seconds` up to the moment."""
        return self._column(
            "select booking from booking where patient = ? and starts between ? and ?"
            " and status in ('arrived', 'completed') limit 2",
            (patient, moment - seconds, moment),
        )

    def bookings_on(self, patient: str, day: str) -> list[str]:
        """A patient's attended bookings of a local date."""
        return self._column(
            "select booking from booking where patient = ? and day = ?"
            " and status in ('arrived', 'completed') limit 2",
            (patient, day),
        )

    def _column(self, sql: str, values: tuple[str | int, ...]) -> list[str]:
        return [row[0] for row in self._connection.execute(sql, values)]

    def _value(self, sql: str, value: str | bytes) -> Any:
        row = self._connection.execute(sql, (value,)).fetchone()
        return None if row is None else row[0]

    def _digest(self, text: str) -> bytes:
        return blake2b(text.encode(errors="replace"), digest_size=16, key=self._secret).digest()


def identifier_aliases(kind: str, identifiers: Iterable[tuple[str, str]]) -> Iterator[str]:
    """By what a resource is found that is referred to by an identifier, with and without its system."""
    for system, value in identifiers:
        yield f"{kind}?{system}|{value}"
        if system:
            yield f"{kind}?*|{value}"
