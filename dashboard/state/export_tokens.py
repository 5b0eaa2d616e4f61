"""Keys by which a program takes a person's files: read-only, for named datasets and sites, for a time."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update

from dashboard.access import Role, Viewer, limited
from dashboard.state.database import StateError
from dashboard.state.sessions import session_key
from dashboard.state.store import Store
from dashboard.state.tables import export_tokens, users

PREFIX = "dsh_"
LIFETIME = timedelta(days=365)
#: When a token was last used is written no more often than this.
NOTE_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Token:
    """A token as it is listed. `sites` None: all that its owner may see. `key` stands for it; it opens nothing."""

    key: str
    username: str
    label: str
    datasets: tuple[str, ...]
    sites: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    alive: bool


@dataclass(frozen=True)
class Bearer:
    """Who comes with a token: its owner, cut down to the token's sites and datasets."""

    viewer: Viewer
    key: str
    label: str
    datasets: frozenset[str]


class ExportTokens:
    """Tokens of a store, kept as hashes. Each is shown once, when it is issued."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def issue(
        self,
        username: str,
        label: str,
        datasets: Sequence[str],
        sites: Sequence[str] | None,
        lifetime: timedelta = LIFETIME,
    ) -> str:
        """A token for the account.

        Raises:
            StateError: the name is unknown, the account is disabled, or a site isn't the account's.
        """
        user = self._store.user(username)
        if user.disabled:
            raise StateError(f"{user.username} is disabled. Enable the account first.")
        if user.sites is not None and (foreign := sorted(set(sites or ()) - set(user.sites))):
            raise StateError(
                f"{user.username} may not see {', '.join(foreign)}; their sites: {', '.join(user.sites)}."
            )
        token = PREFIX + secrets.token_urlsafe(32)
        now = self._store._now()
        values = {
            "username": user.username,
            "label": label[:80],
            "datasets": sorted(set(datasets)),
            "sites": sorted(set(sites)) if sites else None,
            "expires_at": now + lifetime,
        }
        with self._store.database.write() as connection:
            connection.execute(
                insert(export_tokens).values(
                    token_sha256=session_key(token), user_version=user.version, created_at=now, **values
                )
            )
            self._store.audit.append(
                connection, "token", self._store._actor, user.username, change="issued", id=session_key(token)[:8],
                **{key: values[key] for key in ("label", "datasets", "sites", "expires_at")},
            )  # fmt: skip
        return token

    def list(self, username: str | None = None) -> list[Token]:
        """Tokens of one account, or all, newest first."""
        asked = select(export_tokens, users.c.version, users.c.disabled).join(
            users, users.c.username == export_tokens.c.username
        )
        if username is not None:
            asked = asked.where(export_tokens.c.username == username.lower())
        with self._store.database.read() as connection:
            rows = connection.execute(asked.order_by(export_tokens.c.created_at.desc())).all()
        now = self._store._now()
        return [
            Token(
                row.token_sha256[:8], row.username, row.label, tuple(row.datasets),
                None if row.sites is None else tuple(row.sites), row.created_at, row.expires_at, row.used_at,
                alive=row.expires_at > now and row.user_version == row.version and not row.disabled,
            )
            for row in rows
        ]  # fmt: skip

    def revoke(self, key: str) -> Token:
        """End the token with this key, at once.

        Raises:
            StateError: there is none.
        """
        found = [token for token in self.list() if key and token.key == key.lower()]
        if not found:
            raise StateError(f"There is no token {key}. See: dashboard tokens list")
        with self._store.database.write() as connection:
            connection.execute(delete(export_tokens).where(export_tokens.c.token_sha256.startswith(found[0].key)))
            self._store.audit.append(
                connection, "token", self._store._actor, found[0].username, change="revoked", id=found[0].key
            )
        return found[0]

    def bearer(self, token: str) -> Bearer | None:
        """Who holds this token, or None if it is unknown, too old, or its account has changed since."""
        now = self._store._now()
        key = session_key(token)
        with self._store.database.read() as connection:
            row = connection.execute(
                select(export_tokens, users.c.name, users.c.role, users.c.sites.label("own"))
                .join(users, users.c.username == export_tokens.c.username)
                .where(
                    export_tokens.c.token_sha256 == key,
                    export_tokens.c.expires_at > now,
                    export_tokens.c.user_version == users.c.version,
                    users.c.disabled.is_(False),
                )
            ).one_or_none()
        if row is None:
            return None
        if row.used_at is None or abs(now - row.used_at) >= NOTE_EVERY:
            with self._store.database.write() as connection:
                connection.execute(
                    update(export_tokens).where(export_tokens.c.token_sha256 == key).values(used_at=now)
                )
        own, asked = (None if sites is None else frozenset(sites) for sites in (row.own, row.sites))
        sites = own if asked is None else asked if own is None else own & asked
        viewer = limited(Viewer(row.username, row.name, Role(row.role), sites), self._store.small_cells)
        return Bearer(viewer, key, row.label, frozenset(row.datasets))
