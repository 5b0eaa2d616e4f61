"""A sign-in between two steps: an opaque token, good once and for minutes."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert

from dashboard.clock import is_ahead
from dashboard.state.sealing import Seal, SealError
from dashboard.state.sessions import session_key
from dashboard.state.store import Store
from dashboard.state.tables import challenges

#: No challenge lasts longer.
LONGEST = timedelta(minutes=15)


@dataclass(frozen=True)
class Challenge:
    """What was known when the challenge was issued.

    Attributes:
        facts: texts by name; never seen by the browser.
        expires_at: when it ends; a challenge that follows this one ends no later.
    """

    facts: dict[str, str]
    expires_at: datetime


class Challenges:
    """Issues and takes challenges. Their content is encrypted, their tokens are kept as hashes."""

    def __init__(self, store: Store, seal: Seal) -> None:
        self._store = store
        self._seal = seal

    def issue(self, purpose: str, facts: dict[str, str], lifetime: timedelta, *, ends: datetime | None = None) -> str:
        """A new challenge's token. `ends` is when it ends at the latest, for one that follows another."""
        token = secrets.token_urlsafe(32)
        now = self._store._now()
        if lifetime > LONGEST:
            raise ValueError(f"a challenge lasts {LONGEST} at most")
        values = {
            "token_sha256": session_key(token),
            "purpose": purpose,
            "sealed": self._seal.close(json.dumps(facts)),
            "expires_at": min(now + lifetime, ends) if ends else now + lifetime,
        }
        with self._store.database.write() as connection:
            connection.execute(delete(challenges).where(challenges.c.expires_at <= now))
            connection.execute(insert(challenges).values(values))
        return token

    def take(self, purpose: str, token: str) -> Challenge | None:
        """The challenge behind the token, which is spent by this; None if there is none."""
        taken = (
            delete(challenges)
            .where(challenges.c.token_sha256 == session_key(token), challenges.c.purpose == purpose)
            .returning(challenges.c.sealed, challenges.c.expires_at)
        )
        with self._store.database.write() as connection:
            row = connection.execute(taken).one_or_none()
        now = self._store._now()
        if row is None or row.expires_at <= now or is_ahead(row.expires_at, now + LONGEST):
            return None
        try:
            return Challenge(json.loads(self._seal.open(row.sealed)), row.expires_at)
        except SealError:
            return None
