"""Annotations of dates and of control charts, and rebases: append-only, signed, on record."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date
from typing import Any

from sqlalchemy import Connection, func, insert, select

from dashboard import access
from dashboard.access import AccessDeniedError, Role, Viewer
from dashboard.filters import Scope
from dashboard.marks import EVERY_SITE, TITLES, TOPICS, Kind, Mark
from dashboard.state import on_record
from dashboard.state.audit import Entry
from dashboard.state.audit_key import Sealer
from dashboard.state.database import StateError
from dashboard.state.on_record import Restores, Said
from dashboard.state.store import Store
from dashboard.state.tables import chart_marks

#: Who marks control charts, and who annotates dates.
WRITE, ANNOTATE = "signal_decisions", "annotations"
#: Who annotates dates of all sites, and withdraws what others wrote.
_OVERSEE = frozenset({Role.MEDICAL_DIRECTOR, Role.ADMIN})
SHORTEST, LONGEST = 5, 300
_SUBJECT = re.compile(r"(annotation|chart mark) [0-9]+")


class ChartMarks:
    """The marks in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def in_force(self) -> tuple[Mark, ...]:
        """Every mark that wasn't withdrawn, oldest first; panels show those of a viewer's sites."""
        with self._store.database.read() as connection:
            rows = connection.execute(select(chart_marks).order_by(chart_marks.c.number)).all()
        withdrawn = {row.withdraws for row in rows if row.withdraws is not None}
        return tuple(
            Mark(
                row.number, row.kind, row.site, row.effect, row.line, row.on_date, row.text, row.person_name, row.at,
                row.person,
            )
            for row in rows
            if row.withdraws is None and row.number not in withdrawn
        )  # fmt: skip

    def add(
        self, viewer: Viewer, scope: Scope, kind: Kind, site: str, effect: str, line: str, on_date: date, text: str
    ) -> None:
        """Put a mark on a site's chart of this side effect and line (empty: any, all), or on a date.

        `scope` is what there is to mark: nothing here is taken off the record again.

        Raises:
            AccessDeniedError: the viewer may not mark charts of this site, or of all sites.
            StateError: there is no such chart or day, the reason is missing or too long, or the limits begin anew
                there already.
        """
        _require(viewer, kind, site)
        _there(scope, kind, site, effect, line, on_date)
        reason = _checked(text)
        if kind == "rebase" and any(
            (m.kind, m.site, m.effect, m.line, m.on_date) == (kind, site, effect, line, on_date)
            for m in self.in_force()
        ):
            raise StateError(f"The limits of this chart begin anew on {on_date} already.")
        self._append(viewer, kind, site, effect, line, on_date, reason, None)

    def withdraw(self, viewer: Viewer, number: int, text: str) -> None:
        """Take a mark off the charts; it stays on record, with the reason.

        Raises:
            AccessDeniedError: the viewer may not mark charts of its site.
            StateError: there is no such mark in force, or the reason is missing or too long.
        """
        if not any(access.allows(viewer, resource) for resource in (WRITE, ANNOTATE)):
            raise AccessDeniedError("not open to this account: marks on charts")
        mark = next((m for m in self.in_force() if m.number == number), None)
        if mark is None:
            raise StateError("This mark is withdrawn already.")
        if not may_withdraw(viewer, mark):
            raise AccessDeniedError(f"not open to this account: mark {number}")
        self._append(
            viewer, mark.kind, mark.site, mark.effect, mark.line, mark.on_date, _checked(text), withdraws=number
        )

    def fault(self) -> str | None:
        """What isn't as the audit record says that it was put there, in a sentence; None where all is."""
        with self._store.database.snapshot() as connection:
            held = [self._said(row) for row in _rows(connection)]
            entries = self._store.audit.all_of(connection, ("annotation", "signal", "state"))
        told = [entry for entry in entries if _SUBJECT.fullmatch(entry.subject)]
        match on_record.difference(held, told, Restores(entries)):
            case place, None:
                return f"{_named(held[place - 1])} was put in: no entry of the audit record has it."
            case _, entry:
                return (
                    f"{_named(entry)} was changed or removed: entry {entry.number} of the audit record has it "
                    "otherwise."
                )
        return None

    def seals(self, connection: Connection, sealer: Sealer) -> list[str]:
        """What the audit record would be told of each mark's content under a key, in one order under all."""
        return [_sealed(sealer, row) for row in _rows(connection)]

    def _append(
        self, viewer: Viewer, kind: str, site: str, effect: str, line: str, on_date: date, text: str,
        withdraws: int | None,
    ) -> None:  # fmt: skip
        with self._store.database.write() as connection:
            number = 1 + int(connection.scalar(select(func.max(chart_marks.c.number))) or 0)
            row = {
                "number": number, "at": self._store._now(), "person": viewer.username, "person_name": viewer.name,
                "kind": kind, "site": site, "effect": effect, "line": line, "on_date": on_date, "text": text,
                "withdraws": withdraws,
            }  # fmt: skip
            connection.execute(insert(chart_marks).values(row))
            said = self._said(row)
            about = "annotation" if kind in TOPICS else "signal"
            self._store.audit.append(connection, about, said.actor, said.subject, **said.details)

    def _said(self, row: Mapping[str, Any]) -> Said:
        """What the audit record is told of a mark or its withdrawal: of what was written, which may name a patient, a
        keyed hash.
        """
        told = {"change": "withdrawn" if row["withdraws"] else "marked", "mark": row["kind"]}
        told |= {key: row[key] for key in ("site", "effect", "line", "on_date") if row[key]}
        subject = f"{'annotation' if row['kind'] in TOPICS else 'chart mark'} {row['withdraws'] or row['number']}"
        return Said(row["person"], subject, told | {"signed": _sealed(self._store.audit.sealer, row)})


def _rows(connection: Connection) -> list[dict[str, Any]]:
    rows = connection.execute(select(chart_marks).order_by(chart_marks.c.number)).mappings()
    return [dict(row) for row in rows]


def _sealed(sealer: Sealer, row: Mapping[str, Any]) -> str:
    """Keyed hash of all that stands in a row."""
    words = ("person", "person_name", "kind", "site", "effect", "line", "text", "withdraws")
    at = row["at"].astimezone(UTC).isoformat()
    return sealer.hash(["chart mark", row["number"], at, row["on_date"].isoformat(), *(row[key] for key in words)])


def _named(of: Said | Entry) -> str:
    return f"The withdrawal of {of.subject}" if of.details.get("change") == "withdrawn" else of.subject.capitalize()


def may_annotate(viewer: Viewer, site: str) -> bool:
    """Whether the viewer may annotate dates of a site, or of EVERY_SITE."""
    if site == EVERY_SITE:
        return access.allows(viewer, ANNOTATE) and viewer.role in _OVERSEE and viewer.sites is None
    return access.allows(viewer, ANNOTATE, site)


def may_withdraw(viewer: Viewer, mark: Mark) -> bool:
    """Whether the viewer may take the mark off: an annotation of a date who wrote it, or who oversees its site."""
    if mark.kind not in TOPICS:
        return access.allows(viewer, WRITE, mark.site)
    own = mark.person == viewer.username
    return may_annotate(viewer, mark.site) and (own or viewer.role in _OVERSEE)


def _require(viewer: Viewer, kind: Kind, site: str) -> None:
    if kind not in TOPICS:
        access.require(viewer, WRITE, site)
    elif not may_annotate(viewer, site):
        raise AccessDeniedError(f"not open to this account: annotations of {site or 'all sites'}")


def _there(scope: Scope, kind: Kind, site: str, effect: str, line: str, on_date: date) -> None:
    of_date = kind in TOPICS
    # A mark of a date is on charts of every side effect and line, one of a control chart at one site.
    wanted = (
        ("mark", kind, {*TITLES, *TOPICS}),
        ("site", site, {*scope.sites, *((EVERY_SITE,) if of_date else ())}),
        ("side effect", effect, {"", *(() if of_date else scope.effects)}),
        ("line", line, {"", *(() if of_date else scope.lines)}),
    )
    for word, value, known in wanted:
        if value not in known:
            raise StateError(f"There is no {word} {value[:80]!r} to mark.")
    if not scope.first_day <= on_date <= scope.last_day:
        raise StateError(f"The extract holds {scope.first_day} to {scope.last_day}, and not {on_date}.")


def _checked(text: str) -> str:
    reason = text.strip()
    if not SHORTEST <= len(reason) <= LONGEST:
        raise StateError(f"Write what it is, or why, in {SHORTEST} to {LONGEST} characters.")
    return reason
