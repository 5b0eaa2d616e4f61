"""The demo accounts: one of each role, with a password that everyone may know."""

from __future__ import annotations

from dashboard.access import Role
from dashboard.state.passwords import DEMO_PASSWORD
from dashboard.state.store import Store
from dashboard.state.users import UserRecord

#: user name, name, role, sites (None: every site)
DEMO_ACCOUNTS: tuple[tuple[str, str, Role, tuple[str, ...] | None], ...] = (
    ("manager.chicago", "Chicago manager", Role.MANAGER, ("chicago",)),
    ("manager.dallas", "Dallas manager", Role.MANAGER, ("dallas",)),
    ("manager.miami", "Miami Beach manager", Role.MANAGER, ("miami_beach",)),
    ("manager.two", "Manager of two sites", Role.MANAGER, ("chicago", "dallas")),
    ("director", "Medical director", Role.MEDICAL_DIRECTOR, None),
    ("finance", "Finance", Role.FINANCE, None),
    ("admin", "Administrator", Role.ADMIN, None),
)


def add_demo_accounts(store: Store) -> list[UserRecord]:
    """Add the demo accounts to a store that has no users yet, all at once, and return those that were added."""
    return store.add_demo_users(DEMO_ACCOUNTS, DEMO_PASSWORD)
