"""A person's own sessions: which are open, when they last signed in, ending the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update

from dashboard.state.seats import living
from dashboard.state.store import Store
from dashboard.state.tables import sessions, sign_ins

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True)
class OpenSession:
    """A session: when and from where it was opened, when its person last did something."""

    key: str
    opened_at: datetime
    last_seen_at: datetime
    address: str
    browser: str


def browser_name(user_agent: str) -> str:
    """The browser and system that a User-Agent header names, as far as they are known."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "Another browser")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    return f"{browser} on {system}" if system else browser


class OpenSessions:
    """The sessions of one account, as its owner sees them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, username: str) -> list[OpenSession]:
        """The sessions that are open now, the latest first."""
        now = self._store._now()
        opened = (
            select(
                sessions.c.token_sha256,
                sessions.c.created_at,
                sessions.c.last_seen_at,
                sign_ins.c.address,
                sign_ins.c.browser,
            )
            .join(sign_ins, sign_ins.c.token_sha256 == sessions.c.token_sha256, isouter=True)
            .where(
                sessions.c.username == username,
                living(now, self._store._idle, self._store._lifetime),
            )
            .order_by(sessions.c.created_at.desc())
        )
        with self._store.database.read() as connection:
            rows = connection.execute(opened).all()
        return [
            OpenSession(row.token_sha256, row.created_at, row.last_seen_at, row.address or "", row.browser or "")
            for row in rows
        ]

    def sign_in_before(self, username: str, key: str) -> OpenSession | None:
        """The account's latest sign-in but that of the session with this key."""
        latest = (
            select(sign_ins)
            .where(sign_ins.c.username == username, sign_ins.c.token_sha256 != key)
            .order_by(sign_ins.c.at.desc())
            .limit(1)
        )
        with self._store.database.read() as connection:
            row = connection.execute(latest).one_or_none()
        return None if row is None else OpenSession(row.token_sha256, row.at, row.at, row.address, row.browser)

    def address(self, key: str) -> str:
        """From where the session with this key was opened."""
        with self._store.database.read() as connection:
            found = connection.scalar(select(sign_ins.c.address).where(sign_ins.c.token_sha256 == key))
        return found or ""

    def end_others(self, username: str, key: str) -> int:
        """End the account's sessions but the one with this key; how many ended."""
        ended = (
            update(sessions)
            .where(
                sessions.c.username == username,
                sessions.c.token_sha256 != key,
                sessions.c.revoked_at.is_(None),
            )
            .values(revoked_at=self._store._now())
        )
        with self._store.database.write() as connection:
            return connection.execute(ended).rowcount
