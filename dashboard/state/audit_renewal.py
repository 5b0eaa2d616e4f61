"""Another key for the audit record: what is on record is sealed anew with it, whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from dashboard import keyfile
from dashboard.state.audit import Audit, as_json
from dashboard.state.audit_head import Head
from dashboard.state.audit_key import Sealer
from dashboard.state.backup import unlocked
from dashboard.state.database import Database, StateError
from dashboard.state.signed import KINDS, parts
from dashboard.state.store import Store
from dashboard.state.tables import audit, audit_head

_PART = 2_000


def renew(store: Store, *, actor: str, lost: bool = False) -> Head:
    """Seal the record with a new key, which takes the place of the present one; the record's head then.

    The head of before goes on record, and whether the record was verified, which it can't be where the key is `lost`.
    One that was killed in its midst is brought to its end by the next.

    Raises:
        StateError: the record doesn't hold, there is none, or the key isn't lost.
    """
    database, record = store.database, store.audit
    path = record.key_path
    staged = path.with_name(f"{path.name}.new")
    after = Sealer(staged, lambda: False)
    if not (staged.exists() and _is_signed(database, after)):
        if lost:
            _require_lost(database, record)
        elif fault := record.verify().fault:
            raise StateError(f"{fault} Nothing was changed.")
        _stage(staged, path)
        _seal_anew(store, after, actor, verified=not lost)
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


def _seal_anew(store: Store, after: Sealer, actor: str, *, verified: bool) -> None:
    record = store.audit
    before = record.sealer
    try:
        with store.database.write() as connection, unlocked(connection, [audit]):
            row = connection.execute(select(audit_head)).one_or_none()
            anew: dict[str, str] = {}
            for part in parts(store) if verified else ():
                anew |= dict(zip(part.seals(connection, before), part.seals(connection, after), strict=True))
            head = _resealed(connection, after, anew, keep=verified)
            if row is None or not head.entries:
                raise StateError("Nothing is on record yet; the key is made with the first entry.")
            values = {"entries": head.entries, "seal": head.seal, "signature": after.head(head)}
            connection.execute(update(audit_head).values(values))
            record.sealer = after
            record.append(
                connection,
                "state",
                actor,
                record.key_path.name,
                change="audit key replaced",
                replaced_record=str(Head(row.entries, row.seal)),
                verified=verified,
            )
            record.renew_head_file(connection)
    except BaseException:
        record.sealer = before
        raise


def _resealed(connection: Connection, after: Sealer, anew: Mapping[str, str], *, keep: bool) -> Head:
    """Give every entry its new seal; the head that comes of it.

    `anew` are the hashes of what the store holds under the new key, by those under the present one. One that isn't
    among them stays as it is, and what it is of remains at fault; without `keep`, where nobody can say which are,
    entries lose theirs, and say as much as those of earlier versions.
    """
    head = Head(0, "")
    of_entry = update(audit).where(audit.c.number == bindparam("of"))
    change = of_entry.values(seal=bindparam("sealed"), details=bindparam("told"))
    asked = select(audit).order_by(audit.c.number).limit(_PART)
    while part := connection.execute(asked.where(audit.c.number > head.entries)).mappings().all():
        sealed = []
        for row in part:
            words = {key: row[key] for key in ("number", "at", "kind", "actor", "subject", "details")}
            if row["kind"] in KINDS and "signed" in (details := json.loads(row["details"])):
                signed = details.pop("signed")
                words["details"] = as_json(details | ({"signed": _anew(signed, anew)} if keep else {}))
            head = Head(row["number"], after.entry(head.seal, **words))
            sealed.append({"of": head.entries, "sealed": head.seal, "told": words["details"]})
        connection.execute(change, sealed)
    return head


def _anew(signed: Any, anew: Mapping[str, str]) -> Any:
    """One hash, or several by name, under the new key."""
    if isinstance(signed, dict):
        return {name: _anew(one, anew) for name, one in signed.items()}
    return anew.get(signed, signed)
