"""Another key for the audit record: what is on record is sealed anew with it, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Connection, bindparam, select, update

from dashboard import keyfile
from dashboard.state.audit import Audit
from dashboard.state.audit_head import Head
from dashboard.state.audit_key import Sealer
from dashboard.state.backup import unlocked
from dashboard.state.database import Database, StateError
from dashboard.state.tables import audit, audit_head

_PART = 2_000


def renew(database: Database, record: Audit, *, actor: str, lost: bool = False) -> Head:
    """Seal the record with a new key, which takes the place of the present one; the record's head then.

    The head of before goes on record, and whether the record was verified, which it can't be where the key is `lost`.
    One that was killed in its midst is brought to its end by the next.

    Raises:
        StateError: the record doesn't hold, there is none, or the key isn't lost.
    """
    path = record.key_path
    staged = path.with_name(f"{path.name}.new")
    after = Sealer(staged, lambda: False)
    if not (staged.exists() and _is_signed(database, after)):
        if lost:
            _require_lost(database, record)
        elif fault := record.verify().fault:
            raise StateError(f"{fault} Nothing was changed.")
        _stage(staged, path)
        _seal_anew(database, record, after, actor, path.name, verified=not lost)
    staged.replace(path)
    record.sealer = Sealer(path, record.has_entries)
    return record.head()


def _is_signed(database: Database, sealer: Sealer) -> bool:
    """Whether a renewal with this key was killed between its change and the change of the file."""
    with database.read() as connection:
        row = connection.execute(select(audit_head)).one_or_none()
    return row is not None and sealer.head(Head(row.entries, row.seal)) == row.signature


def _require_lost(database: Database, record: Audit) -> None:
    try:
        at_hand = record.key_path.exists() and _is_signed(database, record.sealer)
    except StateError:  # damaged, which is as good as lost
        return
    if at_hand:
        raise StateError(f"{record.key_path} is the record's key: leave --lost away, so that it is verified first.")


def _stage(staged: Path, path: Path) -> None:
    staged.unlink(missing_ok=True)
    keyfile.read_or_make(staged)
    if os.geteuid() == 0 and path.exists():
        of = path.stat()
        os.chown(staged, of.st_uid, of.st_gid)


def _seal_anew(database: Database, record: Audit, after: Sealer, actor: str, name: str, *, verified: bool) -> None:
    before = record.sealer
    try:
        with database.write() as connection, unlocked(connection, [audit]):
            row = connection.execute(select(audit_head)).one_or_none()
            head = _resealed(connection, after)
            if row is None or not head.entries:
                raise StateError("Nothing is on record yet; the key is made with the first entry.")
            values = {"entries": head.entries, "seal": head.seal, "signature": after.head(head)}
            connection.execute(update(audit_head).values(values))
            record.sealer = after
            record.forget_head_file(connection)
            record.append(
                connection,
                "state",
                actor,
                name,
                change="audit key replaced",
                replaced_record=str(Head(row.entries, row.seal)),
                verified=verified,
            )
    except BaseException:
        record.sealer = before
        raise


def _resealed(connection: Connection, after: Sealer) -> Head:
    """Give every entry its new seal; the head that comes of it."""
    head = Head(0, "")
    change = update(audit).where(audit.c.number == bindparam("of")).values(seal=bindparam("sealed"))
    asked = select(audit).order_by(audit.c.number).limit(_PART)
    while part := connection.execute(asked.where(audit.c.number > head.entries)).mappings().all():
        sealed = []
        for row in part:
            words = {key: row[key] for key in ("number", "at", "kind", "actor", "subject", "details")}
            head = Head(row["number"], after.entry(head.seal, **words))
            sealed.append({"of": head.entries, "sealed": head.seal})
        connection.execute(change, sealed)
    return head
