"""The signal register: what was seen, who decided what and why, and by when the next step is due.

Signals and their steps are append-only, in the database too; each step is put on the audit record
in its own transaction. Stages after EMA's Good Pharmacovigilance Practices, module IX.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select

from dashboard import access
from dashboard.access import Viewer
from dashboard.state import register_check
from dashboard.state.audit_key import Sealer
from dashboard.state.database import StateError, storable
from dashboard.state.on_record import Said
from dashboard.state.store import Store
from dashboard.state.tables import signal_steps, signals

#: Who may read the register, who may decide, who may know that a signal exists.
READ, DECIDE, NOTICE = "register", "signal_decisions", "signal_notices"

STEPS = {
    "detected": "Detected",
    "validated": "Validated",
    "assessed": "Assessed",
    "closed": "Closed",
    "reopened": "Reopened",
}
OUTCOMES = {"confirmed": "confirmed", "refuted": "refuted"}
_REFUTED = ("closed", "refuted")
_NEXT: dict[str, tuple[tuple[str, str | None], ...]] = {
    "detected": (("validated", None), _REFUTED),
    "validated": (("assessed", None), _REFUTED),
    "assessed": (("closed", "confirmed"), _REFUTED),
    "closed": (("reopened", None),),
    "reopened": (("validated", None), _REFUTED),
}
SHORTEST_RATIONALE = 10
LONGEST_RATIONALE = 10_000


@dataclass(frozen=True)
class Step:
    """One decision, signed. `outcome` is of the closing step alone; `due_on` is when the next step is due."""

    number: int
    at: datetime
    person: str
    person_name: str
    step: str
    outcome: str | None
    rationale: str
    due_on: date | None

    @property
    def title(self) -> str:
        """The step as staff read it, with its outcome."""
        return STEPS[self.step] + (f", {OUTCOMES[self.outcome]}" if self.outcome else "")


@dataclass(frozen=True)
class Signal:
    """A signal with its steps, oldest first, and the copy of what was seen when it was opened."""

    number: int
    site: str
    series: str
    what: str
    frozen: dict[str, Any]
    frozen_sha256: str
    steps: tuple[Step, ...]

    @property
    def latest(self) -> Step:
        """The step that says where the signal stands."""
        return self.steps[-1]

    @property
    def is_open(self) -> bool:
        """Whether a step is still to be taken."""
        return self.latest.step != "closed"

    def is_overdue(self, today: date) -> bool:
        """Whether the next step should have been taken before today."""
        return self.is_open and self.latest.due_on is not None and self.latest.due_on < today

    def is_intact(self) -> bool:
        """Whether the frozen copy is as it was when it was hashed."""
        return _sha256(_json(self.frozen)) == self.frozen_sha256


@dataclass(frozen=True)
class Notice:
    """That a signal exists at a site and where it stands: all that a manager is told."""

    number: int
    site: str
    opened_at: datetime
    stage: str


def next_steps(latest: str) -> tuple[tuple[str, str | None], ...]:
    """The steps, each with its outcome, that may follow this one.

    >>> next_steps("assessed")
    (('closed', 'confirmed'), ('closed', 'refuted'))
    """
    return _NEXT[latest]


class Register:
    """The register in one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def open(
        self, viewer: Viewer, series: str, what: str, frozen: Mapping[str, Any], rationale: str, due_on: date
    ) -> int:
        """Open a signal about a series; the number that it has from now on.

        Args:
            viewer: who opens it.
            series: site, effect, line, age group and weekday with bars between, as
                `surveillance.key` writes it.
            what: the series in words.
            frozen: what was seen, for JSON.
            rationale: why.
            due_on: by when the next step is to be taken.

        Raises:
            AccessDeniedError: the viewer may not decide at this site.
            StateError: the rationale or date won't do, or a signal about the series is open.
        """
        site = series.partition("|")[0]
        access.require(viewer, DECIDE, site)
        text = _json(frozen)
        sha256 = _sha256(text)
        with self._store.database.write() as connection:
            for open_one in self._read(connection, signals.c.series == series):
                if open_one.is_open:
                    raise StateError(
                        f"Signal {open_one.number} about this series is open already; take its next step."
                    )
            number = 1 + int(connection.scalar(select(func.max(signals.c.number))) or 0)
            new = Signal(number, site, series, what, dict(frozen), sha256, steps=())
            row = {"number": number, "site": site, "series": series, "what": what, "frozen_sha256": sha256}
            connection.execute(insert(signals).values(**row, frozen=text))
            self._add(connection, viewer, new, ("detected", None), rationale, due_on)
        return number

    def decide(
        self,
        viewer: Viewer,
        number: int,
        after: int,
        step: str,
        outcome: str | None,
        rationale: str,
        due_on: date | None,
    ) -> None:
        """Take a step. `after` is the number of the step that the person saw as the latest.

        Raises:
            AccessDeniedError: the viewer may not decide at the signal's site.
            StateError: there is no such signal, the step may not follow, someone else took one in
                between, or the rationale or date won't do.
        """
        access.require(viewer, DECIDE)
        with self._store.database.write() as connection:
            found = list(self._read(connection, signals.c.number == number))
            if not found:
                raise StateError(f"There is no signal {number}.")
            signal = found[0]
            access.require(viewer, DECIDE, signal.site)
            latest = signal.latest
            if latest.number != after:
                raise StateError(
                    f"{latest.person_name} took a step in between ({latest.title.lower()}). Nothing was changed; "
                    "read it, then decide."
                )
            if (step, outcome) not in next_steps(latest.step):
                raise StateError(f"{STEPS.get(step, step)} doesn't follow {latest.title.lower()}.")
            due = None if step == "closed" else due_on
            self._add(connection, viewer, signal, (step, outcome), rationale, due)

    def signals(self, viewer: Viewer) -> list[Signal]:
        """The signals of the viewer's sites, the latest first.

        Raises:
            AccessDeniedError: the register isn't open to the viewer.
        """
        access.require(viewer, READ)
        with self._store.database.snapshot() as connection:
            found = list(self._read(connection))
        return [one for one in found if access.allows(viewer, READ, one.site)]

    def signal(self, viewer: Viewer, number: int) -> Signal:
        """One signal.

        Raises:
            AccessDeniedError: it isn't open to the viewer.
            StateError: there is none.
        """
        access.require(viewer, READ)
        with self._store.database.snapshot() as connection:
            found = list(self._read(connection, signals.c.number == number))
        if not found or not access.allows(viewer, READ, found[0].site):
            raise StateError(f"There is no signal {number}.")
        return found[0]

    def notices(self, viewer: Viewer) -> list[Notice]:
        """The open signals at the viewer's sites, without what they are about.

        Raises:
            AccessDeniedError: not even that is open to the viewer.
        """
        access.require(viewer, NOTICE)
        with self._store.database.snapshot() as connection:
            found = list(self._read(connection))
        return [
            Notice(one.number, one.site, one.steps[0].at, one.latest.title)
            for one in found
            if one.is_open and access.allows(viewer, NOTICE, one.site)
        ]

    def fault(self, number: int | None = None) -> str | None:
        """What of one signal, or of all, isn't as the audit record says that it was signed; None where all is.

        The record's own seals are `Audit.verify`'s to check.
        """
        with self._store.database.snapshot() as connection:
            found = self._read(connection, *([] if number is None else [signals.c.number == number]))
            entries = self._store.audit.all_of(connection, ("signal", "state"))
        return register_check.fault(found, entries, self._said, number)

    def seals(self, connection: Connection, sealer: Sealer) -> list[str]:
        """What the audit record would be told of each step's content under a key, in one order under all."""
        return [_sealed(sealer, signal, step) for signal in self._read(connection) for step in signal.steps]

    # Inside

    def _add(
        self,
        connection: Connection,
        viewer: Viewer,
        signal: Signal,
        taken: tuple[str, str | None],
        rationale: str,
        due_on: date | None,
    ) -> None:
        step, outcome = taken
        now = self._store._now()
        why = _checked(rationale)
        if step != "closed" and due_on is None:
            raise StateError("Say by when the next step is to be taken.")
        if due_on is not None and due_on < now.date():
            raise StateError(f"The next step can't be due on {due_on}, which is over.")
        number = len(signal.steps) + 1
        new = Step(number, now, viewer.username, viewer.name, step, outcome, why, due_on)
        connection.execute(insert(signal_steps).values(signal=signal.number, **asdict(new)))
        said = self._said(signal, new)
        self._store.audit.append(connection, "signal", said.actor, said.subject, **said.details)

    def _said(self, signal: Signal, step: Step) -> Said:
        """What the audit record is told of a step.

        Free text may name a patient, which the record must not: of a rationale it holds the hash, and of all that
        stands in the register a keyed one, since a series' name alone tells that it rose.
        """
        details = {
            "step": step.step,
            "outcome": step.outcome,
            "due_on": step.due_on,
            "rationale_sha256": _sha256(step.rationale),
            "site": signal.site,
            "signed": _sealed(self._store.audit.sealer, signal, step),
            **({"frozen_sha256": signal.frozen_sha256} if step.number == 1 else {}),
        }
        return Said(step.person, f"signal {signal.number}", details)

    def _read(self, connection: Connection, *where: Any) -> list[Signal]:
        rows = connection.execute(select(signals).where(*where).order_by(signals.c.number.desc())).all()
        numbers = [row.number for row in rows]
        taken = select(signal_steps).where(signal_steps.c.signal.in_(numbers)).order_by(signal_steps.c.number)
        steps: dict[int, list[Step]] = {number: [] for number in numbers}
        for row in connection.execute(taken):
            steps[row.signal].append(_step(row))
        return [
            Signal(
                row.number, row.site, row.series, row.what, json.loads(row.frozen), row.frozen_sha256,
                tuple(steps[row.number]),
            )
            for row in rows
        ]  # fmt: skip


def _sealed(sealer: Sealer, signal: Signal, step: Step) -> str:
    """Keyed hash of all that stands in the register of a step."""
    return sealer.hash([
        "signal step", signal.number, signal.site, signal.series, signal.what, signal.frozen_sha256, step.number,
        step.at.astimezone(UTC).isoformat(), step.person, step.person_name, step.step, step.outcome,
        step.rationale, step.due_on and step.due_on.isoformat(),
    ])  # fmt: skip


def _checked(rationale: str) -> str:
    text = storable(rationale.strip())  # as it is kept, since its hash is taken
    if len(text) < SHORTEST_RATIONALE:
        raise StateError(f"Write the rationale, in {SHORTEST_RATIONALE} characters or more.")
    if len(text) > LONGEST_RATIONALE:
        raise StateError(f"The rationale has {len(text):,} characters; {LONGEST_RATIONALE:,} are the most.")
    return text


def _step(row: Row[Any]) -> Step:
    return Step(row.number, row.at, row.person, row.person_name, row.step, row.outcome, row.rationale, row.due_on)


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
