"""Where things are and what may be set: the checkout's folders and the DASHBOARD_* variables."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUERIES = ROOT / "queries"
PAGES = ROOT / "pages"
REFERENCE = ROOT / "data" / "reference"


@dataclass(frozen=True)
class Settings:
    """Everything that a person may set from outside.

    `data` holds all that is not code: deliveries/, extracts/, state/. `state_url` is the address of
    a PostgreSQL database that keeps the state instead, `audit_key` the file of the record's key.
    """

    data: Path
    idle_minutes: int = 15
    session_hours: int = 12
    memory_limit: str = "1GB"
    query_seconds: float = 20.0
    state_url: str | None = field(default=None, repr=False)  # it may hold a password
    audit_key: Path | None = None

    @property
    def extracts(self) -> Path:
        """Folder of the published extracts and of the pointer file."""
        return self.data / "extracts"

    @property
    def state(self) -> Path:
        """Folder of the state store and of the keys."""
        return self.data / "state"

    @property
    def deliveries(self) -> Path:
        """Folder where the demo delivery is written."""
        return self.data / "deliveries"

    @classmethod
    def from_environment(cls) -> Settings:
        """Read DASHBOARD_DATA, DASHBOARD_STATE, DASHBOARD_AUDIT_KEY, DASHBOARD_IDLE_MINUTES,
        DASHBOARD_SESSION_HOURS, DASHBOARD_MEMORY_LIMIT and DASHBOARD_QUERY_SECONDS.

        Raises:
            ValueError: a number that is none, named with its variable.
        """
        env = os.environ

        def number(name: str, default: float) -> float:
            text = env.get(name, "")
            try:
                value = float(text) if text else default
            except ValueError:
                raise ValueError(f"{name} must be a number, not {text!r}") from None
            if value <= 0:
                raise ValueError(f"{name} must be above 0, not {text}")
            return value

        return cls(
            data=Path(env.get("DASHBOARD_DATA") or ROOT / "data").expanduser().resolve(),
            idle_minutes=int(number("DASHBOARD_IDLE_MINUTES", cls.idle_minutes)),
            session_hours=int(number("DASHBOARD_SESSION_HOURS", cls.session_hours)),
            memory_limit=env.get("DASHBOARD_MEMORY_LIMIT") or cls.memory_limit,
            query_seconds=number("DASHBOARD_QUERY_SECONDS", cls.query_seconds),
            state_url=env.get("DASHBOARD_STATE") or None,
            audit_key=Path(key).expanduser().resolve() if (key := env.get("DASHBOARD_AUDIT_KEY")) else None,
        )
