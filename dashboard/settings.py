"""Where things are and what may be set: the checkout's folders and the DASHBOARD_* variables."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from dashboard.access import Role

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
    small_cells: frozenset[str] = frozenset({Role.FINANCE.value, Role.MANAGER.value})
    small_cell_limit: int = 10

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
        """Read the DASHBOARD_* variables that docs/architecture.md lists.

        Raises:
            ValueError: a number that is none, or a role that is none, named with its variable.
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
            small_cells=_roles(env.get("DASHBOARD_SMALL_CELLS", ""), cls.small_cells),
            small_cell_limit=int(number("DASHBOARD_SMALL_CELL_LIMIT", cls.small_cell_limit)),
        )


def _roles(text: str, default: frozenset[str]) -> frozenset[str]:
    """Roles from which small counts of side effects are hidden; `none` for nobody."""
    words = {word.strip() for word in text.split(",") if word.strip()}
    if not words:
        return default
    if words == {"none"}:
        return frozenset()
    # The medical director answers for safety, down to the single event.
    open_to = sorted(role.value for role in Role if role is not Role.MEDICAL_DIRECTOR)
    if unknown := words - set(open_to):
        raise ValueError(
            f"DASHBOARD_SMALL_CELLS must be none or some of {', '.join(open_to)}, not {', '.join(sorted(unknown))}"
        )
    return frozenset(words)
