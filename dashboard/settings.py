"""Where things are and what may be set: the checkout's folders and the DASHBOARD_* variables."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUERIES = ROOT / "queries"
PAGES = ROOT / "pages"
REFERENCE = ROOT / "data" / "reference"
LOG_FORMS = ("text", "json")
LOG_LEVELS = ("debug", "info", "warning", "error")


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
    export_seconds: float = 300.0
    exports: int = 4
    sessions: int = 200
    sessions_per_account: int = 5
    stop_seconds: float = 20.0
    drain_seconds: float = 0.0
    metrics_port: int | None = None
    log: str = "text"
    log_level: str = "warning"
    proxies: str = "127.0.0.1"
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
        """Read the DASHBOARD_* variables, named as the fields are.

        Raises:
            ValueError: a number that is none, or an unknown word, named with its variable.
        """
        env = os.environ

        def number(name: str, default: float) -> float:
            text = env.get(name, "")
            try:
                value = float(text) if text else default
            except ValueError:
                raise ValueError(f"{name} must be a number, not {text!r}") from None
            if value < 0 or (value == 0 and default > 0):
                raise ValueError(f"{name} must be above 0, not {text}")
            return value

        def word(name: str, default: str, known: tuple[str, ...]) -> str:
            value = env.get(name, "").lower() or default
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, not {value!r}")
            return value

        return cls(
            data=Path(env.get("DASHBOARD_DATA") or ROOT / "data").expanduser().resolve(),
            idle_minutes=int(number("DASHBOARD_IDLE_MINUTES", cls.idle_minutes)),
            session_hours=int(number("DASHBOARD_SESSION_HOURS", cls.session_hours)),
            memory_limit=env.get("DASHBOARD_MEMORY_LIMIT") or cls.memory_limit,
            query_seconds=number("DASHBOARD_QUERY_SECONDS", cls.query_seconds),
            export_seconds=number("DASHBOARD_EXPORT_SECONDS", cls.export_seconds),
            exports=int(number("DASHBOARD_EXPORTS", cls.exports)),
            sessions=int(number("DASHBOARD_SESSIONS", cls.sessions)),
            sessions_per_account=int(number("DASHBOARD_SESSIONS_PER_ACCOUNT", cls.sessions_per_account)),
            stop_seconds=number("DASHBOARD_STOP_SECONDS", cls.stop_seconds),
            drain_seconds=number("DASHBOARD_DRAIN_SECONDS", cls.drain_seconds),
            metrics_port=int(number("DASHBOARD_METRICS_PORT", 0)) or None,
            log=word("DASHBOARD_LOG", cls.log, LOG_FORMS),
            log_level=word("DASHBOARD_LOG_LEVEL", cls.log_level, LOG_LEVELS),
            proxies=env.get("DASHBOARD_PROXIES") or cls.proxies,
            state_url=env.get("DASHBOARD_STATE") or None,
            audit_key=Path(key).expanduser().resolve() if (key := env.get("DASHBOARD_AUDIT_KEY")) else None,
        )
